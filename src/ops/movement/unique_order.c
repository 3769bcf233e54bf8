/* SPDX-License-Identifier: Apache-2.0 */
/* Comparison of elements of any type. */
#include "ops/movement/unique_order.h"

#include "base/half.h"
#include "base/minifloat.h"
#include "ops/common/sort.h"
#include "ops/common/strings.h"

static int compare_floats(double a, double b)
{
    if (a != a || b != b) {
        return (a != a) - (b != b);
    }
    return (a > b) - (a < b);
}

/* A float type of 8, 6 or 4 bits. */
static double small_float(enum onr_dtype dtype, uint8_t code)
{
    switch (dtype) {
    case ONR_FLOAT8E4M3FN:
        return (double)onr_minifloat_to_float(&onr_e4m3fn, code);
    case ONR_FLOAT8E4M3FNUZ:
        return (double)onr_minifloat_to_float(&onr_e4m3fnuz, code);
    case ONR_FLOAT8E5M2:
        return (double)onr_minifloat_to_float(&onr_e5m2, code);
    case ONR_FLOAT8E5M2FNUZ:
        return (double)onr_minifloat_to_float(&onr_e5m2fnuz, code);
    case ONR_FLOAT8E8M0:
        return (double)onr_e8m0_to_float(code);
    case ONR_FLOAT6E2M3:
        return (double)onr_finite_to_float(&onr_e2m3, code);
    case ONR_FLOAT6E3M2:
        return (double)onr_finite_to_float(&onr_e3m2, code);
    default:
        return (double)onr_finite_to_float(&onr_e2m1, code);
    }
}

#define INTEGER_CASE(name, type)                                                                   \
    case ONR_##name:                                                                               \
        return (((const type *)a)[i] > ((const type *)b)[k]) -                                     \
               (((const type *)a)[i] < ((const type *)b)[k]);
#define FLOAT_CASE(name, type, load)                                                               \
    case ONR_##name:                                                                               \
        return compare_floats((double)load(((const type *)a)[i]),                                  \
                              (double)load(((const type *)b)[k]));
#define SAME(x) (x)

/* Element i of a with element k of b. */
static int compare_elements(enum onr_dtype dtype, const void *a, size_t i, const void *b, size_t k)
{
    switch (dtype) {
        INTEGER_CASE(INT8, int8_t)
        INTEGER_CASE(INT16, int16_t)
        INTEGER_CASE(INT32, int32_t)
        INTEGER_CASE(INT64, int64_t)
        INTEGER_CASE(UINT8, uint8_t)
        INTEGER_CASE(UINT16, uint16_t)
        INTEGER_CASE(UINT32, uint32_t)
        INTEGER_CASE(UINT64, uint64_t)
        INTEGER_CASE(BOOL, uint8_t)
        INTEGER_CASE(INT4, int8_t)
        INTEGER_CASE(INT2, int8_t)
        INTEGER_CASE(UINT4, uint8_t)
        INTEGER_CASE(UINT2, uint8_t)
        FLOAT_CASE(FLOAT, float, SAME)
        FLOAT_CASE(DOUBLE, double, SAME)
        FLOAT_CASE(FLOAT16, uint16_t, onr_half_to_float)
        FLOAT_CASE(BFLOAT16, uint16_t, onr_bfloat16_to_float)
    case ONR_STRING:
        return onr_string_compare(((const struct onr_string *)a)[i],
                                  ((const struct onr_string *)b)[k]);
    default:
        return compare_floats(small_float(dtype, ((const uint8_t *)a)[i]),
                              small_float(dtype, ((const uint8_t *)b)[k]));
    }
}

int onr_items_compare(const struct onr_items *items, int64_t a, int64_t b)
{
    enum onr_dtype dtype = items->dtype;
    size_t inner = items->inner;
    if (dtype == ONR_COMPLEX64 || dtype == ONR_COMPLEX128) {
        dtype = dtype == ONR_COMPLEX64 ? ONR_FLOAT : ONR_DOUBLE;
        inner *= 2;
    }
    for (size_t outer = 0; outer < items->outer; outer++) {
        size_t row_a = (outer * items->count + (size_t)a) * inner;
        size_t row_b = (outer * items->count + (size_t)b) * inner;
        for (size_t i = 0; i < inner; i++) {
            int order = compare_elements(dtype, items->data, row_a + i, items->data, row_b + i);
            if (order != 0) {
                return order;
            }
        }
    }
    return 0;
}

static int compare_items(const void *arg, int64_t a, int64_t b)
{
    return onr_items_compare(arg, a, b);
}

void onr_items_sort(const struct onr_items *items, int64_t *order, int64_t *spare)
{
    onr_sort(items->count, order, spare, compare_items, items);
}
