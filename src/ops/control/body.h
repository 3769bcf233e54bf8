/* SPDX-License-Identifier: Apache-2.0 */
/* What If, Loop and Scan have in common: facts of body outputs, state between iterations, stacked
 * outputs. */
#ifndef ONR_OPS_CONTROL_BODY_H
#define ONR_OPS_CONTROL_BODY_H

#include "graph/op_def.h"

/* What is known at load of output `index` of a body; symbols, which are the body's own, become
 * unknown. */
struct onr_fact onr_body_output_fact(const struct onr_body *body, uint32_t index);

/* The same, with what the body declares of the output where nothing else is known. */
struct onr_fact onr_body_declared_fact(const struct onr_body *body, uint32_t index);

/* Copies a value of any kind to output `index`, whose storage grows as needed. */
enum onr_status onr_body_store(struct onr_run_ctx *ctx, uint32_t index,
                               const struct onr_tensor *value) ONR_MUST_USE;

/* One output that gathers a tensor of every iteration along a new axis. */
struct onr_body_stack {
    uint32_t output;  /* of the node */
    int axis;         /* of the output; 0 unless the final count is known; may be negative before
                       * the first element */
    int64_t capacity; /* iterations that there is room for */
};

/*
 * Puts a tensor in its place along the stack's axis; the first one decides shape and type, and
 * later ones must agree. Errors: ONR_ERR_SHAPE, ONR_ERR_MODEL, ONR_ERR_MEMORY.
 */
enum onr_status onr_body_stack_put(struct onr_run_ctx *ctx, struct onr_body_stack *stack,
                                   bool is_first, int64_t place,
                                   const struct onr_tensor *tensor) ONR_MUST_USE;

/* Gives the output its final length; without any iteration its type and other dims come from what
 * is known at load, where unknown dims are 0. Error: ONR_ERR_MODEL when the type is not known. */
enum onr_status onr_body_stack_finish(struct onr_run_ctx *ctx, const struct onr_body_stack *stack,
                                      int64_t count, const struct onr_fact *fact) ONR_MUST_USE;

/* Takes one iteration from the run's budget. Error: ONR_ERR_LIMIT. */
enum onr_status onr_body_count_iteration(struct onr_run_ctx *ctx) ONR_MUST_USE;

#endif
