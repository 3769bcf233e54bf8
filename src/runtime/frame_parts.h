/* SPDX-License-Identifier: Apache-2.0 */
/* What a frame is made of, for the files that implement it. */
#ifndef ONR_RUNTIME_FRAME_PARTS_H
#define ONR_RUNTIME_FRAME_PARTS_H

#include "runtime/buffer.h"
#include "runtime/frame.h"

struct onr_frame {
    const struct onr_program *program;
    const struct onr_parallel *parallel;
    struct onr_mem *mem;
    struct onr_arena own_strings;      /* characters of string tensors of the current run ... */
    struct onr_arena *strings;         /* ... which bodies share with the main program */
    struct onr_tensor *tensors;        /* [program->value_count] */
    struct onr_buffer *buffers;        /* [program->value_count], by value */
    struct onr_buffer *output_buffers; /* [output_count], for outputs that are views of inputs */
    struct onr_tensor *outputs;        /* [output_count] */
    struct onr_frame ***bodies;        /* [node_count][body_count]; NULL until first needed */
    struct onr_plan_cache plans;
    const struct onr_plan *bound; /* the one segment of a plan, whose values tensors are; or NULL */
    char *slab;
    size_t slab_bytes;
    uint64_t loop_count;     /* most iterations of one run */
    uint64_t own_iterations; /* that are left ... */
    uint64_t *iterations;    /* ... which bodies share with the main program */
    uint64_t flops;
    struct onr_random_source random; /* but for the node */
    struct onr_watch watch;
    uint32_t depth;
    uint32_t node;     /* that is running */
    bool has_told;     /* the running node has told weights */
    char no_workspace; /* what steps without a workspace get, which is not NULL */
};

/* What operators may ask the runtime for; host_data is the frame. */
extern const struct onr_run_host onr_frame_host;

#endif
