/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The masks that the attention operators of com.microsoft take: int32, in one of the forms
 *
 *     [B]          keys of each batch that count
 *     [2B]         the same, and after these the first key that counts
 *     [3B+2]       the same as [B], and then cumulated lengths, which say nothing new
 *     [B,T]        1: the key counts
 *     [B,S,T]      1: the key counts for the query
 *     [B,1,M,M]    1: key j counts for position i; queries begin at position `past`
 *
 * A score of a key that does not count gets `fill` added; and the bias [B|1,N|1,S,T] of scores.
 */
#ifndef ONR_OPS_CONTRIB_PADDING_MASK_H
#define ONR_OPS_CONTRIB_PADDING_MASK_H

#include "ops/attention/attention_core.h"

/* The scores that a mask is for, as far as their sizes are known. */
struct onr_score_dims {
    int64_t batch, heads, queries, keys;
};

/* Fail with ONR_ERR_SHAPE unless input `index`, if there is one, has one of the forms. */
enum onr_status onr_padding_check(struct onr_infer_ctx *ctx, uint32_t index,
                                  const struct onr_score_dims *dims) ONR_MUST_USE;
enum onr_status onr_score_bias_check(struct onr_infer_ctx *ctx, uint32_t index,
                                     const struct onr_score_dims *dims) ONR_MUST_USE;

struct onr_padding {
    struct onr_attention_mask mask; /* what the attention is given */
    size_t batch;
    size_t keys;
    bool has_ends;   /* the input holds lengths, from which flags [batch, keys] are made */
    bool has_starts; /* and first keys */
    size_t first;    /* element at which the mask begins */
    size_t bytes;    /* of the flags */
};

/*
 * Describes the mask; mask is NULL when there is none. batch, past and keys of the attention are
 * set. A mask that is longer than the keys is cut off.
 */
void onr_padding_plan(struct onr_padding *padding, const struct onr_attention *attention,
                      const struct onr_fact *mask, double fill);

/* The data that goes with padding->mask; flags: room for padding->bytes. */
const void *onr_padding_read(const struct onr_padding *padding, const void *mask, void *flags);

/* Describes a bias of scores; bias is NULL when there is none. */
void onr_score_bias_plan(struct onr_attention_mask *mask, const struct onr_fact *bias);

#endif
