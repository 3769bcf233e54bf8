/* SPDX-License-Identifier: Apache-2.0 */
/* What onnxrun profile gathers: the cost of each node over several runs. */
#ifndef ONNXRUN_TOOLS_PROFILE_H
#define ONNXRUN_TOOLS_PROFILE_H

#include "common/tool.h"

/* A node, or all nodes of an operator. Times are sums over the runs, but for the least. */
struct profile_node {
    char *name; /* "" when the file gives none */
    char *op;   /* with its domain, if that is not ai.onnx */
    char *output;
    char *shape; /* of its first output when it ran first: "float[1, 128, 768]" */
    uint32_t depth;
    uint64_t calls;
    double seconds; /* without those of the bodies in it */
    double least;   /* seconds of the run in which it took the fewest */
    double present; /* seconds of the present run */
    double limit;   /* seconds that the machine would need at least; set by profile_set_limits */
    uint64_t flops;
    uint64_t bytes; /* read and written */
};

struct profile_event {
    size_t node;
    double begin;
    double end;
};

struct profile {
    struct profile_node *nodes; /* in the order in which they ran first */
    size_t node_count;
    size_t node_room;
    struct profile_event *events; /* of the present run */
    size_t event_count;
    size_t event_room;
    struct profile_event *best; /* of the fastest run */
    size_t best_count;
    size_t best_room;
    double best_seconds;
    double *inner; /* [inner_room] seconds of steps at each depth that no step around has taken */
    size_t inner_room;
    size_t expected; /* where the node of the next step probably is */
    double run_seconds;
    double least_seconds; /* of all nodes, each in a run of its own: a lower bound */
    uint64_t run_count;
};

/* Bounds to compare with, both 0 when they were not measured. */
struct profile_limits {
    double gflops;
    double gbytes;
};

/* What the report says about the run as a whole. */
struct profile_summary {
    const char *model_path;
    const char *isa;
    uint32_t threads;
    struct profile_limits limits;
    size_t top; /* nodes to print */
};

/* on_step of a session; user is the profile. */
void profile_on_step(void *user, const onnxrun_step *step);

/* Ends a run that took this long; what was told since the last end belongs to it. */
void profile_end_run(struct profile *profile, double seconds);

/* Forgets the nodes so far: runs until now only warmed up, and did what later ones leave out. */
void profile_forget(struct profile *profile);

void profile_set_limits(struct profile *profile, const struct profile_limits *limits);

/* The nodes of each operator added up, slowest first; [*count], to be freed, names borrowed. */
struct profile_node *profile_by_operator(const struct profile *profile, size_t *count);

/* Pointers to the nodes, slowest first; [node_count], to be freed. */
const struct profile_node **profile_by_time(const struct profile *profile);

void profile_print_text(const struct profile *profile, const struct profile_summary *summary);
void profile_print_json(const struct profile *profile, const struct profile_summary *summary);

/* Writes the fastest run in the Trace Event Format (ui.perfetto.dev opens it). */
onnxrun_status profile_write_trace(const struct profile *profile, const char *path,
                                   onnxrun_error *error);

void profile_free(struct profile *profile);

#endif
