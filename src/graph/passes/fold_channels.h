/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A factor and a summand for each channel that become part of the weights and the bias of the Conv,
 * ConvTranspose, Gemm or MatMul before them:
 *
 *   (W x + b) * factor + shift = (factor W) x + (b * factor + shift)
 *
 * Weights and bias are constants of float32. The new ones are computed in double and count as results
 * of constant folding, within its budget.
 */
#ifndef ONR_GRAPH_PASSES_FOLD_CHANNELS_H
#define ONR_GRAPH_PASSES_FOLD_CHANNELS_H

#include "graph/passes/pass.h"

/* To which channel an element of the weights belongs: the output channels of a group follow each
 * other every `inner` elements, and come again until the group's elements end. */
struct onr_channel_layout {
    size_t count;    /* of elements */
    size_t channels; /* of a group */
    size_t inner;
    size_t group; /* elements of one */
};

struct onr_channels {
    struct onr_graph *graph;
    struct onr_pass_ctx *ctx;
    struct onr_node *product;
    struct onr_channel_layout layout;
    size_t count;           /* of channels, of all groups */
    double *factor, *shift; /* [count] */
    float *bias;            /* [count]: the product's own, zeros where it has none */
};

/* The constant of float32 that a value is, or NULL. */
const struct onr_constant *onr_channels_constant(const struct onr_graph *graph, uint32_t value);

/* The node that makes the value, when nothing else needs it, or NULL. */
struct onr_node *onr_channels_producer(const struct onr_graph *graph, uint32_t value);

/* Finds the channels of c->product; false when its weights are not constant. */
bool onr_channels_find(struct onr_channels *c);

/* Memory for the lists, and to give it back. */
enum onr_status onr_channels_begin(struct onr_channels *c) ONR_MUST_USE;
void onr_channels_end(struct onr_channels *c);

/* Copies a constant of one number per channel; false when the value is something else. */
bool onr_channels_read(const struct onr_channels *c, uint32_t value, float *numbers);

/* Reads c->bias; false when it is no such constant. */
bool onr_channels_read_bias(const struct onr_channels *c);

/*
 * Gives the product new weights and the bias, which is named after the value `origin`, as its third
 * input, also where it has only two. *is_folded is false, and nothing is changed, where they would not
 * be finite or the budget is used up.
 */
enum onr_status onr_channels_fold(const struct onr_channels *c, uint32_t origin,
                                  bool *is_folded) ONR_MUST_USE;

/* Has the product make what the node behind it makes, which goes. */
void onr_channels_replace(const struct onr_channels *c, struct onr_node *behind);

#endif
