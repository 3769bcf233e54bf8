/* SPDX-License-Identifier: Apache-2.0 */
/* Operands of attention: heads as strides, and the cache of keys or values that grows by the new
 * ones. */
#ifndef ONR_OPS_ATTENTION_ATTENTION_HEADS_H
#define ONR_OPS_ATTENTION_ATTENTION_HEADS_H

#include "base/size.h"
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

/* Heads [batch, heads, rows] with a bias, element (n, i) of which is number first + n * width + i. */
struct onr_biased_heads {
    enum onr_dtype dtype; /* of the heads and the bias */
    size_t batch;
    size_t heads;
    size_t rows;
    size_t width;
    struct onr_head_strides strides;
    size_t first;
    size_t worker_bytes; /* of scratch, at least onr_biased_heads_scratch(width) */
};

/* Bytes of scratch that a worker needs for heads of this width. */
static inline size_t onr_biased_heads_scratch(size_t width)
{
    return onr_size_align((2 * width + 1) * sizeof(float), ONR_MEM_ALIGN);
}

/* Writes the sums to y: [batch, rows, heads, width]. */
void onr_biased_heads_write(const struct onr_biased_heads *heads, const void *x, const void *bias,
                            void *y, void *scratch, const struct onr_run_ctx *ctx);

/* Writes old and new rows to out; nothing when out is NULL. */
void onr_present_write(const struct onr_present *present, const void *past, const void *added,
                       void *out, const struct onr_run_ctx *ctx);

#endif
