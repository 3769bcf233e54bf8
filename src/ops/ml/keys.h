/* SPDX-License-Identifier: Apache-2.0 */
/* Search in a list of keys of one element type: strings, integers or floats. */
#ifndef ONR_OPS_ML_KEYS_H
#define ONR_OPS_ML_KEYS_H

#include "ops/ml/ml.h"

struct onr_ml_keys {
    enum onr_dtype dtype;
    const void *data; /* [count] in memory form */
    size_t count;
    int64_t *order; /* sorted */
};

#define ONR_ML_KEY_DTYPES                                                                          \
    (ONR_BIT(STRING) | ONR_BIT(INT64) | ONR_BIT(INT32) | ONR_BIT(INT16) | ONR_BIT(FLOAT) |         \
     ONR_BIT(DOUBLE))

/* Sorts the keys, whose other fields are set. Error: ONR_ERR_MEMORY. */
enum onr_status onr_ml_sort_keys(struct onr_prepare_ctx *ctx,
                                 struct onr_ml_keys *keys) ONR_MUST_USE;

/*
 * The last key that equals element i of an array of the same type, or -1. All NaN are equal, and so
 * are 0 and -0.
 */
int64_t onr_ml_find_key(const struct onr_ml_keys *keys, const void *data, size_t i);

#endif
