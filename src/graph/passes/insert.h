/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For passes that put nodes between others: such a pass takes all nodes off the graph, and appends
 * them again in order, with what is new before the first node that needs it.
 */
#ifndef ONR_GRAPH_PASSES_INSERT_H
#define ONR_GRAPH_PASSES_INSERT_H

#include "graph/graph.h"

/* Leaves the graph without nodes; those that it had are returned, and *count tells how many. */
struct onr_node *onr_insert_begin(struct onr_graph *graph, uint32_t *count);

/* Appends a copy of the node, which makes its outputs from then on. */
enum onr_status onr_insert_node(struct onr_graph *graph, const struct onr_node *node,
                                struct onr_error *err) ONR_MUST_USE;

#endif
