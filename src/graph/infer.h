/* SPDX-License-Identifier: Apache-2.0 */
/* Inference of one node: checks against its row, element types, shapes. Shared by load and plan. */
#ifndef ONR_GRAPH_INFER_H
#define ONR_GRAPH_INFER_H

#include "graph/op_def.h"

/* Checks arity, bodies and attributes of a node against its row. Error: ONR_ERR_MODEL. */
enum onr_status onr_check_node(const struct onr_node *node, const struct onr_op_def *op,
                               struct onr_error *err) ONR_MUST_USE;

/*
 * Checks the element types of the inputs against the row. Error: ONR_ERR_UNSUPPORTED when one is
 * not in its set, ONR_ERR_MODEL when two of one group differ. Unknown types pass.
 */
enum onr_status onr_check_dtypes(const struct onr_node *node, const struct onr_op_def *op,
                                 const struct onr_fact *const *inputs,
                                 struct onr_error *err) ONR_MUST_USE;

/*
 * Fills outputs[node->output_count] from inputs: element types by the row, shapes by its infer
 * function. *needs gets the inputs whose contents infer asks for and that are not known. Contents
 * go to arena.
 */
enum onr_status onr_infer_node(const struct onr_graph *graph, const struct onr_node *node,
                               const struct onr_op_def *op, const struct onr_fact *const *inputs,
                               struct onr_fact *outputs, uint32_t *needs, struct onr_arena *arena,
                               struct onr_error *err) ONR_MUST_USE;

#endif
