/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted keys. */
#include "ops/ml/keys.h"

#include "ops/common/sort.h"
#include "ops/common/strings.h"

static int compare_floats(double a, double b)
{
    bool a_is_nan = a != a;
    bool b_is_nan = b != b;
    return a_is_nan || b_is_nan ? a_is_nan - b_is_nan : (a > b) - (a < b);
}

static int64_t int_at(enum onr_dtype dtype, const void *data, size_t i)
{
    return dtype == ONR_INT64   ? ((const int64_t *)data)[i]
           : dtype == ONR_INT32 ? ((const int32_t *)data)[i]
                                : ((const int16_t *)data)[i];
}

/* Order of element i of a and element j of b. */
static int compare(enum onr_dtype dtype, const void *a, size_t i, const void *b, size_t j)
{
    if (dtype == ONR_STRING) {
        return onr_string_compare(((const struct onr_string *)a)[i],
                                  ((const struct onr_string *)b)[j]);
    }
    if (dtype == ONR_FLOAT) {
        return compare_floats((double)((const float *)a)[i], (double)((const float *)b)[j]);
    }
    if (dtype == ONR_DOUBLE) {
        return compare_floats(((const double *)a)[i], ((const double *)b)[j]);
    }
    int64_t left = int_at(dtype, a, i);
    int64_t right = int_at(dtype, b, j);
    return (left > right) - (left < right);
}

static int compare_keys(const void *arg, int64_t a, int64_t b)
{
    const struct onr_ml_keys *keys = arg;
    return compare(keys->dtype, keys->data, (size_t)a, keys->data, (size_t)b);
}

enum onr_status onr_ml_sort_keys(struct onr_prepare_ctx *ctx, struct onr_ml_keys *keys)
{
    keys->order = ONR_ARENA_ARRAY(ctx->arena, keys->count, int64_t);
    int64_t *spare = ONR_ARENA_ARRAY(ctx->arena, keys->count, int64_t);
    if (keys->order == NULL || spare == NULL) {
        return onr_fail_memory(ctx->err, "sorting keys");
    }
    onr_sort(keys->count, keys->order, spare, compare_keys, keys);
    return ONR_OK;
}

struct sought {
    const struct onr_ml_keys *keys;
    const void *data;
    size_t i;
};

static int compare_sought(const void *arg, int64_t a)
{
    const struct sought *sought = arg;
    return compare(sought->keys->dtype, sought->keys->data, (size_t)a, sought->data, sought->i);
}

int64_t onr_ml_find_key(const struct onr_ml_keys *keys, const void *data, size_t i)
{
    struct sought sought = {keys, data, i};
    return onr_sorted_find(keys->count, keys->order, compare_sought, &sought);
}
