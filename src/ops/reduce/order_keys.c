/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of elements of any numeric type. */
#include "ops/reduce/order_keys.h"

#include "base/half.h"

#include <string.h>

static uint64_t float_key(double value)
{
    double positive_zero = value + 0.0;
    uint64_t bits;
    if (value != value) {
        return UINT64_MAX;
    }
    memcpy(&bits, &positive_zero, sizeof bits);
    return (bits >> 63) != 0 ? ~bits : bits | (uint64_t)1 << 63;
}

static uint64_t signed_key(int64_t value)
{
    return (uint64_t)value ^ (uint64_t)1 << 63;
}

#define KEYS(tag, type, key)                                                                       \
    case ONR_##tag:                                                                                \
        for (size_t i = 0; i < count; i++) {                                                       \
            type v = ((const type *)data)[first + i * stride];                                     \
            keys[i] = (key) ^ flip;                                                                \
        }                                                                                          \
        break;

void onr_order_keys(const struct onr_order_kernels *kernels, enum onr_dtype dtype, const void *data,
                    size_t first, size_t stride, size_t count, uint64_t flip, uint64_t *keys)
{
    if (dtype == ONR_FLOAT && stride == 1) {
        kernels->keys_f32(count, (const float *)data + first, flip, keys);
        return;
    }
    switch (dtype) {
        KEYS(FLOAT, float, float_key((double)v))
        KEYS(DOUBLE, double, float_key(v))
        KEYS(FLOAT16, uint16_t, float_key((double)onr_half_to_float(v)))
        KEYS(BFLOAT16, uint16_t, float_key((double)onr_bfloat16_to_float(v)))
        KEYS(INT8, int8_t, signed_key(v))
        KEYS(INT16, int16_t, signed_key(v))
        KEYS(INT32, int32_t, signed_key(v))
        KEYS(INT64, int64_t, signed_key(v))
        KEYS(UINT8, uint8_t, v)
        KEYS(UINT16, uint16_t, v)
        KEYS(UINT32, uint32_t, v)
    default:
        for (size_t i = 0; i < count; i++) {
            keys[i] = ((const uint64_t *)data)[first + i * stride] ^ flip;
        }
        break;
    }
}
