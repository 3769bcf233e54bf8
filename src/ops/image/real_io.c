/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of any numeric type as float32 or float64. */
#include "ops/image/real_io.h"

#include <math.h>

const void *onr_real_read(const struct onr_kernels *kernels, enum onr_dtype dtype, const void *data,
                          size_t first, size_t count, void *buffer)
{
    enum onr_dtype real = onr_real_of(dtype);
    if (count == 0) {
        return buffer;
    }
    const char *source = (const char *)data + first * onr_dtype_size(dtype);
    if (real == dtype) {
        return source;
    }
    const struct onr_narrowing exact = {.is_saturated = true};
    onr_convert(kernels, dtype, real, &exact, count, source, buffer);
    return buffer;
}

void *onr_real_place(enum onr_dtype dtype, void *data, size_t first, void *buffer)
{
    bool is_direct = onr_real_of(dtype) == dtype && data != NULL;
    return is_direct ? (char *)data + first * onr_dtype_size(dtype) : buffer;
}

/* Rounds values in [-2^63, 2^63) and saturates to [low, high]; NaN becomes 0. */
static int64_t saturate(double value, double low, double high)
{
    double rounded = rint(value);
    if (rounded != rounded) {
        return 0;
    }
    if (rounded < low) {
        rounded = low;
    }
    return rounded > high ? (int64_t)high : (int64_t)rounded;
}

static int64_t saturate_64(double value)
{
    return value >= 0x1p63 ? INT64_MAX : saturate(value, -0x1p63, 0x1p63);
}

static uint64_t saturate_u64(double value)
{
    double rounded = rint(value);
    if (!(rounded > 0)) {
        return 0;
    }
    return rounded >= 0x1p64 ? UINT64_MAX : (uint64_t)rounded;
}

#define STORE(type, expression)                                                                    \
    for (size_t i = 0; i < count; i++) {                                                           \
        double v = values[i];                                                                      \
        ((type *)y)[i] = (type)(expression);                                                       \
    }                                                                                              \
    break

static void write_int(enum onr_dtype dtype, const double *values, size_t count, void *y)
{
    switch (dtype) {
    case ONR_INT8:
        STORE(int8_t, saturate(v, INT8_MIN, INT8_MAX));
    case ONR_UINT8:
        STORE(uint8_t, saturate(v, 0, UINT8_MAX));
    case ONR_INT16:
        STORE(int16_t, saturate(v, INT16_MIN, INT16_MAX));
    case ONR_UINT16:
        STORE(uint16_t, saturate(v, 0, UINT16_MAX));
    case ONR_INT32:
        STORE(int32_t, saturate(v, INT32_MIN, INT32_MAX));
    case ONR_UINT32:
        STORE(uint32_t, saturate(v, 0, UINT32_MAX));
    case ONR_INT64:
        STORE(int64_t, saturate_64(v));
    case ONR_UINT64:
        STORE(uint64_t, saturate_u64(v));
    default: /* BOOL */
        STORE(uint8_t, v != 0);
    }
}

void onr_real_write(const struct onr_kernels *kernels, enum onr_dtype dtype, const void *values,
                    size_t first, size_t count, void *data)
{
    if (count == 0 || onr_real_of(dtype) == dtype) {
        return;
    }
    void *y = (char *)data + first * onr_dtype_size(dtype);
    if (onr_dtypes_has(ONR_DTYPES_HALF, dtype)) {
        const struct onr_narrowing nearest = {.is_saturated = true};
        onr_convert(kernels, ONR_FLOAT, dtype, &nearest, count, values, y);
    } else {
        write_int(dtype, values, count, y);
    }
}
