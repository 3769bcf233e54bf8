/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame: what one session needs to run one program. Holds the current tensor of each value, the
 * slab, the storage of dynamic outputs, the cached plans, and the frames of bodies. Used by one
 * thread at a time.
 */
#ifndef ONR_RUNTIME_FRAME_H
#define ONR_RUNTIME_FRAME_H

#include "runtime/plan.h"

struct onr_frame;

/* A node that has run. */
struct onr_step_report {
    const struct onr_graph *graph;
    const struct onr_node *node;
    uint32_t depth;                    /* of the graph: 0 for the main one */
    struct onr_tensor *const *outputs; /* [node->output_count]; NULL where absent */
    double begin;                      /* seconds */
    double end;
    uint64_t flops;
    uint64_t read_bytes;
    uint64_t written_bytes;
};

/* The weights of a query, from an attention that is running. */
struct onr_weights_report {
    const struct onr_graph *graph;
    const struct onr_node *node;
    uint32_t depth;
    bool is_first; /* of the queries of this attention */
    const struct onr_weights_row *row;
};

/* Who watches a run, node by node. */
struct onr_watch {
    /* Asked before each node; true ends the run with ONR_ERR_CANCELLED. NULL: never */
    bool (*should_stop)(void *user);
    /* Told after each node; an error ends the run. NULL: not told */
    enum onr_status (*on_step)(void *user, const struct onr_step_report *report,
                               struct onr_error *err);
    /* Told of each query of each attention; true ends the run with ONR_ERR_CANCELLED. NULL: not told
     */
    bool (*on_weights)(void *user, const struct onr_weights_report *report);
    void *user;
};

struct onr_frame_options {
    const struct onr_program *program;   /* outlives the frame */
    const struct onr_parallel *parallel; /* likewise */
    struct onr_mem *mem;                 /* of the session */
    uint64_t loop_count;                 /* most iterations of all loops of one run */
    uint64_t seed;                       /* of random operators */
    struct onr_watch watch;
    uint32_t depth; /* of the program's graph: 0 for the main one */
};

/* Errors: ONR_ERR_MEMORY; *frame is NULL then. */
enum onr_status onr_frame_create(const struct onr_frame_options *options, struct onr_frame **frame,
                                 struct onr_error *err) ONR_MUST_USE;

/* NULL is allowed. */
void onr_frame_free(struct onr_frame *frame);

/* The tensor of graph input `index`, to be set before a run; its data is borrowed during the run.
 */
struct onr_tensor *onr_frame_input(struct onr_frame *frame, uint32_t index);

/* Runs the program on its inputs. Errors: of plan and run, with the node; the frame stays usable.
 */
enum onr_status onr_frame_run(struct onr_frame *frame, struct onr_error *err) ONR_MUST_USE;

/* The outputs of the last run, [graph->output_count]; valid until the next one. */
const struct onr_tensor *onr_frame_outputs(const struct onr_frame *frame);

/* Floating-point operations of the matrix products of the last run. */
uint64_t onr_frame_flops(const struct onr_frame *frame);

/* Plans the first segment for the current inputs, as a run would. The plan is the frame's. */
enum onr_status onr_frame_plan(struct onr_frame *frame, const struct onr_plan **plan,
                               struct onr_error *err) ONR_MUST_USE;

#endif
