/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention by products of rank 3, batches and heads in one axis, around scores that are masked with
 * these apart: what BART and its like of transformers 4, BLOOM and DeBERTa have.
 *
 *   s3 = Q3 K3' [m, s, t] -> Reshape -> s4 [b, n, s, t] + mask
 *   p4 = Softmax [b, n, s, t] -> Reshape -> p3 [m, s, t], or first Reshape and then Softmax
 *   y3 = p3 V3 [m, s, h] -> Reshape -> y4 [b, n, s, h]
 *
 * A Reshape may get dimensions from its own input by a Shape, which goes with it.
 */
#ifndef ONR_GRAPH_PASSES_ATTENTION_REGROUP_H
#define ONR_GRAPH_PASSES_ATTENTION_REGROUP_H

#include "graph/passes/attention_product.h"

/* These values, or ONR_NO_VALUE where there is no Reshape. */
struct onr_regroup {
    uint32_t s3, s4, p4, p3, y3, y4;
};

/* Whether `merged` has batches and heads in this axis that `split` has in two from there on, and is
 * like it elsewhere, for sure; one is a Reshape of the other. *unit gets an axis of extent 1 that
 * split has besides, or -1. */
bool onr_attention_regroups(const struct onr_fuser *fuser, uint32_t merged, uint32_t split,
                            int axis, int *unit);

/* The input of a Reshape that may be one of these, else ONR_NO_VALUE. */
uint32_t onr_before_regroup(const struct onr_fuser *fuser, uint32_t value);

/* Walk past such a Reshape, from the scores backwards and from the probabilities forwards, and note
 * it; ONR_NO_VALUE when there is none, or one too many. */
uint32_t onr_regroup_scores(const struct onr_fuser *fuser, uint32_t value,
                            struct onr_regroup *regroup);
uint32_t onr_regroup_probabilities(const struct onr_fuser *fuser, uint32_t p,
                                   struct onr_regroup *regroup);

/* Finds a Reshape that may make y4 of y3; false when there is none. */
bool onr_regroup_result(const struct onr_fuser *fuser, uint32_t y3, struct onr_regroup *regroup);

/* Whether all values are what they are said to be above. */
bool onr_regroup_holds(const struct onr_fuser *fuser, const struct onr_regroup *regroup);

#endif
