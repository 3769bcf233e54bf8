/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the passes did to a graph, gathered when somebody asks (onnxdump --explain): nodes removed by
 * each pass, fusions made, and near misses, each with the edge that stopped it. Running out of
 * memory is remembered, as by onr_text.
 */
#ifndef ONR_GRAPH_PASSES_REPORT_H
#define ONR_GRAPH_PASSES_REPORT_H

#include "base/text.h"
#include "graph/graph.h"

/* Fusions and near misses that are kept of each pass; further ones are counted only. */
#define ONR_REPORT_NOTES 10000

struct onr_missing;

struct onr_note {
    const char *op;       /* what was made, or would have been */
    const char *node;     /* label of the node that was fused into, or of the anchor */
    const char *value;    /* the edge in question; NULL: it is about the node */
    const char *expected; /* NULL for what was made */
    const char *found;
    const char **parts; /* labels of the nodes that were joined, `node` the first; or NULL */
    uint32_t part_count;
    struct onr_note *next;
};

struct onr_notes {
    struct onr_note *first;
    struct onr_note *last;
    uint32_t count; /* also of those that were not kept */
    uint32_t kept;
};

/* All runs of a pass together; near misses are those of its last run. */
struct onr_pass_record {
    const char *name;
    uint32_t removed; /* nodes, those of bodies included */
    uint32_t added;
    struct onr_notes fused;
    struct onr_notes missed;
    struct onr_pass_record *next;
};

struct onr_report {
    struct onr_arena *arena;
    struct onr_pass_record *passes; /* in the order of their first run; the current one */
    struct onr_pass_record *pass;
    uint32_t first_count; /* nodes before all passes */
    uint32_t node_count;  /* and now */
    const struct onr_missing *missing;
    bool has_failed; /* memory ran out: what follows was dropped */
};

/* An empty report on a graph, whose arena it uses. */
void onr_report_init(struct onr_report *report, const struct onr_graph *graph);

/* A pass begins and ends. */
void onr_report_begin_pass(struct onr_report *report, const char *name);
void onr_report_end_pass(struct onr_report *report, const struct onr_graph *graph);

/* Notes something about the pass that runs. Names are borrowed from the graph, expected and found
 * are copied. */
void onr_report_fused(struct onr_report *report, const char *op, const char *node);
/* The same for nodes with these labels (copied), at least one, that became one. */
void onr_report_joined(struct onr_report *report, const char *op, const char *const *parts,
                       uint32_t part_count);
void onr_report_missed(struct onr_report *report, const struct onr_note *note);

/* Prints the report as text or as one JSON object. more: what stands behind it, members of the object
 * if it is one, as in "\"key\": 1"; or NULL. */
void onr_print_report(struct onr_text *text, const struct onr_report *report, const char *more,
                      bool is_json);

#endif
