/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For passes that put nodes between others. A pass that adds many takes all nodes off the graph, and
 * appends them again in order, with what is new before the first node that needs it. One that adds
 * few walks the nodes, and notes what is to stand before them:
 *
 *     struct onr_inserter insert;
 *     onr_insert_start(&insert, graph, ctx);
 *     for each node, its index in insert.at: onr_insert_before, onr_insert_instead
 *     onr_insert_place(&insert)
 */
#ifndef ONR_GRAPH_PASSES_INSERT_H
#define ONR_GRAPH_PASSES_INSERT_H

#include "graph/passes/pass.h"

/* Leaves the graph without nodes; those that it had are returned, and *count tells how many. */
struct onr_node *onr_insert_begin(struct onr_graph *graph, uint32_t *count);

/* Appends a copy of the node, which makes its outputs from then on. */
enum onr_status onr_insert_node(struct onr_graph *graph, const struct onr_node *node,
                                struct onr_error *err) ONR_MUST_USE;

/* Appends a node of one input, one output, which is there, and one attribute. */
enum onr_status onr_insert_between(struct onr_graph *graph, const struct onr_op_def *op,
                                   uint32_t from, uint32_t to, const struct onr_attr *attr,
                                   struct onr_error *err) ONR_MUST_USE;

/* Adds a constant of float32; data is borrowed. */
enum onr_status onr_insert_constant(struct onr_graph *graph, const char *name,
                                    const struct onr_shape *shape, const float *data, uint32_t *id,
                                    struct onr_error *err) ONR_MUST_USE;

#define ONR_INSERT_INPUTS 4 /* most of a node that is put before another */

struct onr_inserter {
    struct onr_graph *graph;
    struct onr_pass_ctx *ctx;
    uint32_t at; /* index of the node that is looked at */
    struct onr_inserted *first, **end;
};

void onr_insert_start(struct onr_inserter *insert, struct onr_graph *graph,
                      struct onr_pass_ctx *ctx);

/*
 * Notes a node like this one, of as many other inputs, to stand before the node that is looked
 * at. *made is its result, which is named by that one's and the suffix, and has the shape of the
 * first input, and its type, save for a Cast, which is one to bool. It is computed at once when the
 * inputs are constant, else nothing can be found by it before onr_insert_place.
 */
enum onr_status onr_insert_before(struct onr_inserter *insert, const struct onr_node *like,
                                  const uint32_t *inputs, const char *suffix,
                                  uint32_t *made) ONR_MUST_USE;

/* Gives a node another operator, that of `like`, with its attributes. Its inputs stay as they are. */
void onr_insert_operator(struct onr_node *node, const struct onr_node *like);

/* The same, and as many other inputs. */
enum onr_status onr_insert_instead(struct onr_inserter *insert, struct onr_node *node,
                                   const struct onr_node *like,
                                   const uint32_t *inputs) ONR_MUST_USE;

/* Puts all nodes in their places; uses are to be counted anew. */
enum onr_status onr_insert_place(struct onr_inserter *insert) ONR_MUST_USE;

#endif
