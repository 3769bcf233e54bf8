/* SPDX-License-Identifier: Apache-2.0 */
/* Reading W and R: converted to the type that is computed in, dequantised where they are integers.
 */
#ifndef ONR_OPS_RECURRENT_RECURRENT_WEIGHTS_H
#define ONR_OPS_RECURRENT_RECURRENT_WEIGHTS_H

#include "ops/recurrent/recurrent.h"

/* A quantised W or R: [directions, k, n] integers; scale and zero point by direction (1 number) or
 * by direction and column. */
struct onr_recurrent_integers {
    enum onr_dtype dtype; /* INT8 or UINT8 */
    const void *data;
    const void *scale;      /* floats at any alignment */
    const void *zero_point; /* of dtype */
    size_t directions;
    size_t k, n;
    bool is_per_column;
};

/* out[d, i, j] = (data[d, i, j] - zero_point) * scale */
void onr_recurrent_dequantize(const struct onr_recurrent_integers *w, float *out);

/*
 * values[i] becomes the number that dynamic quantisation to uint8 represents it by: the range of
 * all, 0 included, in 255 equal steps. out may be values.
 */
void onr_recurrent_round(size_t count, const float *values, float *out);

#endif
