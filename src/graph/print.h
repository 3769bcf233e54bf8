/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints a graph with its bodies: the stages "model" (as the file has it) and "graph" (after the
 * passes). Names are escaped, long lists are cut in the text but not in the JSON; weights are never
 * printed whole.
 */
#ifndef ONR_GRAPH_PRINT_H
#define ONR_GRAPH_PRINT_H

#include "base/text.h"
#include "graph/graph.h"

/*
 * For people: file facts, signature, counts of operators, weights, and the nodes in the style of
 * ONNX's text form. with_facts adds the inferred type of each output and the name of each node as a
 * comment.
 */
void onr_print_graph_text(struct onr_text *text, const struct onr_graph *graph, bool with_facts);

/* For programs: one JSON object. with_facts adds the inferred types of all values. */
void onr_print_graph_json(struct onr_text *text, const struct onr_graph *graph, bool with_facts);

/* ---- parts, also for the printers of later stages ---- */

/* The head of the text: what it is ("model") and its name, file facts, inputs and outputs, counts of
 * operators, weights by type. */
void onr_print_summary(struct onr_text *text, const struct onr_graph *graph, const char *what);

/* "float[batch, 12, ?]"; "seq(float[3])"; "float" when the rank is unknown, "?" for an unknown
 * type. */
void onr_print_fact(struct onr_text *text, const struct onr_graph *graph,
                    const struct onr_fact *fact);

/* "{1, 2, 3}", or "{...}" when there are more than limit elements; is_json: "[1, 2, 3]" with NaN
 * and infinities as strings, or "null". */
void onr_print_constant(struct onr_text *text, const struct onr_constant *constant, size_t limit,
                        bool is_json);

/* As few digits as give the same float (or double) back; is_json: NaN and infinities as strings. */
void onr_print_real(struct onr_text *text, double number, bool is_double, bool is_json);

/* "1,234,567". */
void onr_print_count(struct onr_text *text, uint64_t number);

/* "417.6 MiB". */
void onr_print_bytes(struct onr_text *text, uint64_t bytes);

/* ---- walking all nodes, those of bodies included, in the order in which they are printed ---- */

enum onr_walk_event {
    ONR_WALK_NODE, /* walk->node begins */
    ONR_WALK_BODY, /* walk->body of walk->node begins */
    ONR_WALK_BODY_END,
    ONR_WALK_NODE_END,
    ONR_WALK_DONE,
};

struct onr_walk_frame {
    const struct onr_graph *graph;
    uint32_t node;
    uint32_t body;
    bool is_inside; /* the node has begun and has not ended */
};

struct onr_walk {
    struct onr_walk_frame frames[ONR_MAX_BODY_DEPTH + 1];
    int depth;
    const struct onr_graph *graph; /* that the event belongs to; of the body for the body events */
    const struct onr_node *node;   /* for the body events: the node that has the body */
    const struct onr_body *body;
};

void onr_walk_begin(struct onr_walk *walk, const struct onr_graph *graph);
enum onr_walk_event onr_walk_next(struct onr_walk *walk);

/* The number of nodes, those of bodies included. */
uint32_t onr_graph_count_nodes(const struct onr_graph *graph);

#endif
