/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions of whole tensors: choice of the rows, and two steps over blocks that stay in the
 * cache. */
#include "kernels/convert/convert.h"

#include "kernels/kernels.h"

#define BLOCK 512

enum onr_wide onr_wide_of(enum onr_dtype dtype)
{
    const onr_dtypes floats = ONR_DTYPES_FLOAT | ONR_DTYPES_FLOAT8 | ONR_DTYPES_FINITE_FLOAT;
    if (onr_dtypes_has(floats, dtype)) {
        return ONR_WIDE_DOUBLE;
    }
    return dtype == ONR_UINT64 ? ONR_WIDE_UINT64 : ONR_WIDE_INT64;
}

bool onr_can_convert(enum onr_dtype dtype)
{
    return onr_dtypes_has(ONR_DTYPES_ALL & ~(ONR_BIT(STRING) | ONR_DTYPES_COMPLEX), dtype);
}

uint32_t onr_convert_at(const struct onr_kernels *kernels, enum onr_dtype from, enum onr_dtype to)
{
    const struct onr_convert_kernels *rows = &kernels->convert;
    return rows->direct[from][to] != NULL ? onr_kernel_at(kernels, &rows->direct[from][to])
                                          : onr_kernel_at(kernels, &rows->widen[from]);
}

void onr_convert(const struct onr_kernels *kernels, enum onr_dtype from, enum onr_dtype to,
                 const struct onr_narrowing *how, size_t count, const void *x, void *y)
{
    const struct onr_convert_kernels *rows = &kernels->convert;
    if (rows->direct[from][to] != NULL) {
        rows->direct[from][to](count, x, y);
        return;
    }
    onr_convert_fn widen = rows->widen[from];
    onr_narrow_fn narrow = rows->narrow[onr_wide_of(from)][to];
    const char *source = x;
    char *target = y;
    for (size_t i = 0; i < count; i += BLOCK) {
        union {
            double as_double[BLOCK];
            int64_t as_int[BLOCK];
            uint64_t as_uint[BLOCK];
        } wide;
        size_t length = count - i < BLOCK ? count - i : BLOCK;
        widen(length, source + i * onr_dtype_size(from), &wide);
        narrow(length, &wide, target + i * onr_dtype_size(to), how);
    }
}
