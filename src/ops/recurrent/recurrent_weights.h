/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading W and R: converted to the type that is computed in. Quantised ones are multiplied as
 * integers, held in floats: sums below 2^24 are exact, so that results do not depend on the order of
 * a sum, which the rounding of H in the next step would magnify. The scales come behind the product.
 */
#ifndef ONR_OPS_RECURRENT_RECURRENT_WEIGHTS_H
#define ONR_OPS_RECURRENT_RECURRENT_WEIGHTS_H

#include "ops/recurrent/recurrent.h"

/* A quantised W or R: [directions, k, n] integers; scale and zero point by direction (1 number) or
 * by direction and column. */
struct onr_recurrent_integers {
    enum onr_dtype dtype; /* INT8 or UINT8 */
    const void *data;
    const void *scale;      /* floats */
    const void *zero_point; /* of dtype */
    size_t directions;
    size_t k, n;
    bool is_per_column;
};

/* The quantised W (1) or R (2) at run time; there is no data when it was packed. */
struct onr_recurrent_integers onr_recurrent_integers(const struct onr_run_ctx *ctx, uint32_t input);

/* out[d, i, j] = data[d, i, j] - zero_point; scale is not read. */
void onr_recurrent_centre(const struct onr_recurrent_integers *w, float *out);

/* Dynamic quantisation to uint8: the range of all values, 0 included, in 255 equal steps. out gets
 * whole numbers of steps, and may be values; returns the size of a step. */
float onr_recurrent_quantize(size_t count, const float *values, float *out);

/* values [rows, n] *= scale * (scale of the weights); then += added [rows, n], unless it is NULL. */
void onr_recurrent_scale(const struct onr_recurrent_integers *w, unsigned direction, float scale,
                         size_t rows, float *values, const float *added);

#endif
