/* SPDX-License-Identifier: Apache-2.0 */
/* Elementwise sum, product, maximum and minimum for scattered updates. */
#include "ops/movement/scatter_reduce.h"

#include "base/half.h"
#include "ops/common/check_dims.h"

enum reduction { ADD, MUL, MAX, MIN, REDUCTION_COUNT };

#define SAME(x) (x)

/* X(dtype, memory type, type to compute in, load, store). Sums and products of integers are
 * computed unsigned and at least as wide as int, where overflow is defined. */
#define TYPE_LIST(X)                                                                               \
    X(FLOAT, float, float, float, SAME, SAME)                                                      \
    X(DOUBLE, double, double, double, SAME, SAME)                                                  \
    X(FLOAT16, uint16_t, float, float, onr_half_to_float, onr_float_to_half)                       \
    X(BFLOAT16, uint16_t, float, float, onr_bfloat16_to_float, onr_float_to_bfloat16)              \
    X(INT8, int8_t, uint32_t, int8_t, SAME, SAME)                                                  \
    X(INT16, int16_t, uint32_t, int16_t, SAME, SAME)                                               \
    X(INT32, int32_t, uint32_t, int32_t, SAME, SAME)                                               \
    X(INT64, int64_t, uint64_t, int64_t, SAME, SAME)                                               \
    X(UINT8, uint8_t, uint32_t, uint8_t, SAME, SAME)                                               \
    X(UINT16, uint16_t, uint32_t, uint16_t, SAME, SAME)                                            \
    X(UINT32, uint32_t, uint32_t, uint32_t, SAME, SAME)                                            \
    X(UINT64, uint64_t, uint64_t, uint64_t, SAME, SAME)

#define DEFINE_COMBINE(function, type, compute, load, store, result)                               \
    static void function(size_t count, const void *src, void *dst)                                 \
    {                                                                                              \
        const type *x = src;                                                                       \
        type *y = dst;                                                                             \
        for (size_t i = 0; i < count; i++) {                                                       \
            compute a = (compute)load(y[i]);                                                       \
            compute b = (compute)load(x[i]);                                                       \
            y[i] = (type)store((result));                                                          \
        }                                                                                          \
    }

#define DEFINE_TYPE(name, type, wrapping, ordered, load, store)                                    \
    DEFINE_COMBINE(add_##name, type, wrapping, load, store, a + b)                                 \
    DEFINE_COMBINE(mul_##name, type, wrapping, load, store, a *b)                                  \
    DEFINE_COMBINE(max_##name, type, ordered, load, store, a > b || a != a ? a : b)                \
    DEFINE_COMBINE(min_##name, type, ordered, load, store, a < b || a != a ? a : b)
TYPE_LIST(DEFINE_TYPE)

static const onr_combine_fn combine_rows[ONR_DTYPE_COUNT][REDUCTION_COUNT] = {
#define COMBINE_ROW(name, ...) [ONR_##name] = {add_##name, mul_##name, max_##name, min_##name},
    TYPE_LIST(COMBINE_ROW)[ONR_BOOL] = {max_UINT8, min_UINT8, max_UINT8, min_UINT8},
};

enum onr_status onr_scatter_reduction(const struct onr_node *node, enum onr_dtype dtype,
                                      onr_combine_fn *combine, struct onr_error *err)
{
    static const char *const names[] = {"none", "add", "mul", "max", "min", NULL};
    size_t choice = 0;
    *combine = NULL;
    ONR_TRY(onr_check_attr_choice(node, "reduction", names, &choice, err));
    if (choice == 0) {
        return ONR_OK;
    }
    *combine = combine_rows[dtype][choice - 1];
    if (*combine == NULL && dtype != ONR_UNDEFINED) {
        return onr_fail(err, ONR_ERR_UNSUPPORTED, "reduction \"%s\" of type %s", names[choice],
                        onr_dtype_name(dtype));
    }
    return ONR_OK;
}
