/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one node on known inputs: for constant folding, for what shapes decide at plan time, and in
 * tests.
 */
#ifndef ONR_GRAPH_EVAL_NODE_H
#define ONR_GRAPH_EVAL_NODE_H

#include "graph/op_def.h"

struct onr_eval {
    const struct onr_kernels *kernels;
    const struct onr_parallel *parallel;
    struct onr_mem *mem; /* workspaces and what prepare asks for; all given back */
};

/*
 * Computes the outputs of a node without bodies whose inputs all have data. outputs come from
 * onr_infer_node; those with a known shape, and those of DYNAMIC operators, get data in arena.
 * state is what prepare made.
 */
enum onr_status onr_eval_prepared(const struct onr_eval *eval, const struct onr_node *node,
                                  const struct onr_op_def *op, const void *state,
                                  const struct onr_fact *const *inputs, struct onr_fact *outputs,
                                  struct onr_arena *arena, struct onr_error *err) ONR_MUST_USE;

/* The same with prepare before and release after. constants: as in struct onr_prepare_ctx. */
enum onr_status onr_eval_node(const struct onr_eval *eval, const struct onr_graph *graph,
                              const struct onr_node *node, const struct onr_op_def *op,
                              const struct onr_fact *const *inputs,
                              const struct onr_constant *const *constants, struct onr_fact *outputs,
                              struct onr_arena *arena, struct onr_error *err) ONR_MUST_USE;

#endif
