/* SPDX-License-Identifier: Apache-2.0 */
/* Shape arithmetic. */
#include "base/shape.h"

#include "base/size.h"

#include <inttypes.h>
#include <stdio.h>

/* `factor` > 0 times the symbol of dim. */
static int64_t multiple(int64_t dim, int64_t factor)
{
    return factor <= INT32_MAX ? onr_dim_base(dim) - ((factor - 1) * (INT64_C(1) << 32))
                               : ONR_DIM_UNKNOWN;
}

int64_t onr_dim_mul(int64_t a, int64_t b)
{
    int64_t least = a < b ? a : b; /* a symbol, if there is one */
    int64_t number = a < b ? b : a;
    int64_t product = 0;
    if (a == 0 || b == 0) {
        return 0;
    }
    if (number == 1) {
        return least;
    }
    bool is_symbol = onr_dim_is_symbol(least);
    if (number < 0 || least == ONR_DIM_UNKNOWN ||
        !onr_int_mul(is_symbol ? onr_dim_factor(least) : least, number, &product)) {
        return ONR_DIM_UNKNOWN;
    }
    return is_symbol ? multiple(least, product) : product;
}

int64_t onr_dim_div(int64_t a, int64_t b)
{
    if (b <= 0 || a == ONR_DIM_UNKNOWN) {
        return ONR_DIM_UNKNOWN;
    }
    if (a >= 0) {
        return a / b;
    }
    int64_t factor = onr_dim_factor(a);
    return factor % b == 0 ? multiple(a, factor / b) : ONR_DIM_UNKNOWN;
}

bool onr_shape_is_known(const struct onr_shape *shape)
{
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dim[i] < 0) {
            return false;
        }
    }
    return true;
}

bool onr_shape_equal(const struct onr_shape *a, const struct onr_shape *b)
{
    if (a->rank != b->rank) {
        return false;
    }
    for (int i = 0; i < a->rank; i++) {
        if (a->dim[i] != b->dim[i] || a->dim[i] == ONR_DIM_UNKNOWN) {
            return false;
        }
    }
    return true;
}

int64_t onr_shape_count(const struct onr_shape *shape)
{
    int64_t product = 1;
    bool is_empty = false;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dim[i] == 0) {
            is_empty = true;
        } else if (!onr_int_mul(product, shape->dim[i], &product)) {
            return -1;
        }
    }
    return is_empty ? 0 : product;
}

int64_t onr_shape_range(const struct onr_shape *shape, int begin, int end)
{
    int64_t product = 1;
    for (int i = begin; i < end; i++) {
        product *= shape->dim[i];
    }
    return product;
}

bool onr_shape_bytes(const struct onr_shape *shape, enum onr_dtype dtype, size_t *bytes)
{
    int64_t count = onr_shape_count(shape);
    return count >= 0 && onr_size_mul((size_t)count, onr_dtype_size(dtype), bytes) &&
           *bytes <= ONR_SIZE_LIMIT;
}

void onr_shape_strides(const struct onr_shape *shape, int64_t stride[ONR_MAX_RANK])
{
    int64_t product = 1;
    for (int i = shape->rank - 1; i >= 0; i--) {
        stride[i] = product;
        product *= shape->dim[i];
    }
}

bool onr_axis_normalize(int64_t axis, int rank, int *normalized)
{
    if (axis < -rank || axis >= rank) {
        return false;
    }
    *normalized = (int)(axis < 0 ? axis + rank : axis);
    return true;
}

const char *onr_shape_text(const struct onr_shape *shape, char out[ONR_SHAPE_TEXT_BYTES])
{
    if (shape->rank == 0) {
        (void)snprintf(out, ONR_SHAPE_TEXT_BYTES, "scalar");
        return out;
    }
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < shape->rank && used < ONR_SHAPE_TEXT_BYTES; i++) {
        const char *separator = i > 0 ? "x" : "";
        int wrote = 0;
        if (shape->dim[i] < 0) {
            wrote = snprintf(out + used, ONR_SHAPE_TEXT_BYTES - used, "%s?", separator);
        } else {
            wrote = snprintf(out + used, ONR_SHAPE_TEXT_BYTES - used, "%s%" PRId64, separator,
                             shape->dim[i]);
        }
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    return out;
}
