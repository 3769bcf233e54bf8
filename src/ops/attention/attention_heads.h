/* SPDX-License-Identifier: Apache-2.0 */
/* Operands of attention: heads as strides, and the cache of keys or values that grows by the new
 * ones. */
#ifndef ONR_OPS_ATTENTION_ATTENTION_HEADS_H
#define ONR_OPS_ATTENTION_ATTENTION_HEADS_H

#include "ops/attention/attention_core.h"

/* Strides of a known [B,N,S,H] (rank 4) or [B,S,N*H] (rank 3; heads divides its last dimension). */
struct onr_head_strides onr_head_strides_of(const struct onr_shape *shape, int64_t heads);

/*
 * A cache [batch, heads, rows, width]. Row j is an old one, but for the new ones at past <= j <
 * past + added.
 */
struct onr_present {
    enum onr_dtype dtype;
    size_t batch;
    size_t heads;
    size_t past;
    size_t added;
    size_t rows;
    size_t width;
    struct onr_head_strides past_strides;
    struct onr_head_strides strides; /* of the new rows */
    /* NULL, or: row j < past of batch b is from batch b - b % beams + beam_of[b * beam_stride + j]
     */
    const int32_t *beam_of;
    size_t beam_stride;
    size_t beams;
};

/* Writes old and new rows to out; nothing when out is NULL. */
void onr_present_write(const struct onr_present *present, const void *past, const void *added,
                       void *out, const struct onr_run_ctx *ctx);

#endif
