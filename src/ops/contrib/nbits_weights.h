/* SPDX-License-Identifier: Apache-2.0 */
/* The weights of MatMulNBits and QMoE in panels, as kernels/quant/nbits.h wants them. */
#ifndef ONR_OPS_CONTRIB_NBITS_WEIGHTS_H
#define ONR_OPS_CONTRIB_NBITS_WEIGHTS_H

#include "base/dtype.h"
#include "kernels/quant/nbits.h"

#include <stdbool.h>

/* Weights as they come; the pointers may be unaligned. */
struct onr_nbits_weights {
    unsigned bits;
    size_t block_size, block_bytes, blocks;
    size_t column_bytes;  /* of b; those that are packed hold whole blocks */
    size_t n;             /* columns of Y */
    enum onr_dtype dtype; /* of the scales, and of zero points that are not packed */
    bool has_zeros;
    bool has_packed_zeros;
    bool has_joint_zeros; /* packed through all columns, not to bytes per column */
    const uint8_t *b;     /* [n][column_bytes] */
    const void *scales;   /* [n][blocks] */
    const void *zeros;    /* [n][blocks], packed to bytes per column or not */
};

/*
 * Writes the weights i < k of the columns [begin, end) to w[i * stride + j - begin]. groups: [k], the
 * blocks whose scales and zero points they have, or NULL: their own.
 */
void onr_nbits_fill(const struct onr_nbits_weights *weights, const int32_t *groups, size_t k,
                    size_t begin, size_t end, float *w, size_t stride);

static inline size_t onr_nbits_panels(const struct onr_nbits_weights *weights)
{
    return (weights->n + ONR_NBITS_COLUMNS - 1) / ONR_NBITS_COLUMNS;
}

/* Bytes that one packed panel takes, a multiple of 64; false when they are too many. */
bool onr_nbits_panel_bytes(const struct onr_nbits_weights *weights, size_t *bytes);

/* Packs panel `index` to `to`; columns beyond n are 0. */
void onr_nbits_pack(const struct onr_nbits_weights *weights, size_t index, void *to);

/* A panel that was packed to `from`. */
struct onr_nbits_panel onr_nbits_panel_at(const struct onr_nbits_weights *weights,
                                          const void *from);

#endif
