/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For passes that let one value stand for another that is equal to it. Such a pass walks the nodes
 * in order and hands each to onr_same_inputs before it looks at it:
 *
 *     uint32_t *same = onr_same_begin(graph, ctx);
 *     for each node: onr_same_inputs(same, node), then same[output] = equal value made before it
 *     onr_same_end(graph, same, ctx);
 *
 * What nobody needs any more is left to dead code. Names and declared types of graph outputs stay.
 */
#ifndef ONR_GRAPH_PASSES_REPLACE_H
#define ONR_GRAPH_PASSES_REPLACE_H

#include "graph/passes/pass.h"

/* [value_count]: each value stands for itself; NULL when memory is out. No values may be added
 * until onr_same_end. */
uint32_t *onr_same_begin(const struct onr_graph *graph, const struct onr_pass_ctx *ctx);

/* Has the node and its bodies use what stands for their inputs. */
void onr_same_inputs(const uint32_t *same, struct onr_node *node);

/* The same for the outputs of the graph; frees same. */
void onr_same_end(struct onr_graph *graph, uint32_t *same, const struct onr_pass_ctx *ctx);

#endif
