/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the conversion table, in portable C: each type to and from the wide types, and
 * frequent pairs. */
#include "kernels/convert/convert.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

#include <string.h>

void ONR_KERNEL(onr_fill_convert)(struct onr_kernels *kernels);

/* X(name, ctype of memory, wide ctype, expression that widens x) */
#define WIDEN_LIST(X)                                                                              \
    X(FLOAT, float, double, (double)x)                                                             \
    X(DOUBLE, double, double, x)                                                                   \
    X(FLOAT16, uint16_t, double, (double)onr_half_to_float(x))                                     \
    X(BFLOAT16, uint16_t, double, (double)onr_bfloat16_to_float(x))                                \
    X(FLOAT8E4M3FN, uint8_t, double, (double)onr_minifloat_to_float(&onr_e4m3fn, x))               \
    X(FLOAT8E4M3FNUZ, uint8_t, double, (double)onr_minifloat_to_float(&onr_e4m3fnuz, x))           \
    X(FLOAT8E5M2, uint8_t, double, (double)onr_minifloat_to_float(&onr_e5m2, x))                   \
    X(FLOAT8E5M2FNUZ, uint8_t, double, (double)onr_minifloat_to_float(&onr_e5m2fnuz, x))           \
    X(FLOAT8E8M0, uint8_t, double, (double)onr_e8m0_to_float(x))                                   \
    X(FLOAT4E2M1, uint8_t, double, (double)onr_finite_to_float(&onr_e2m1, x))                      \
    X(FLOAT6E2M3, uint8_t, double, (double)onr_finite_to_float(&onr_e2m3, x))                      \
    X(FLOAT6E3M2, uint8_t, double, (double)onr_finite_to_float(&onr_e3m2, x))                      \
    X(INT8, int8_t, int64_t, x)                                                                    \
    X(INT16, int16_t, int64_t, x)                                                                  \
    X(INT32, int32_t, int64_t, x)                                                                  \
    X(INT64, int64_t, int64_t, x)                                                                  \
    X(UINT8, uint8_t, int64_t, x)                                                                  \
    X(UINT16, uint16_t, int64_t, x)                                                                \
    X(UINT32, uint32_t, int64_t, x)                                                                \
    X(UINT64, uint64_t, uint64_t, x)                                                               \
    X(BOOL, uint8_t, int64_t, x != 0)                                                              \
    X(INT4, int8_t, int64_t, x)                                                                    \
    X(INT2, int8_t, int64_t, x)                                                                    \
    X(UINT4, uint8_t, int64_t, x)                                                                  \
    X(UINT2, uint8_t, int64_t, x)

#define DEFINE_WIDEN(name, type, wide_type, widened)                                               \
    static void widen_##name(size_t count, const void *source, void *target)                       \
    {                                                                                              \
        const type *from = source;                                                                 \
        wide_type *to = target;                                                                    \
        for (size_t i = 0; i < count; i++) {                                                       \
            type x = from[i];                                                                      \
            to[i] = (widened);                                                                     \
        }                                                                                          \
    }
WIDEN_LIST(DEFINE_WIDEN)

static inline int32_t double_to_int32(double x)
{
    return x > -0x1.00000002p31 && x < 0x1p31 ? (int32_t)x : INT32_MIN;
}

static inline int64_t double_to_int64(double x)
{
    return x >= -0x1p63 && x < 0x1p63 ? (int64_t)x : INT64_MIN;
}

static inline uint64_t double_to_uint64(double x)
{
    return x >= 0x1p63 && x < 0x1p64 ? (uint64_t)x : (uint64_t)double_to_int64(x);
}

/* The low bits of x as a signed number. */
static inline int8_t low_bits(int64_t x, int64_t sign_bit)
{
    return (int8_t)(((x & (2 * sign_bit - 1)) ^ sign_bit) - sign_bit);
}

/* X(name, ctype of memory, from double, from int64, from uint64), each an expression of the wide x
 */
#define NARROW_LIST(X)                                                                             \
    X(FLOAT, float, (float)x, (float)x, (float)x)                                                  \
    X(DOUBLE, double, x, (double)x, (double)x)                                                     \
    X(FLOAT16, uint16_t, onr_double_to_half(x), onr_float_to_half((float)x),                       \
      onr_float_to_half((float)x))                                                                 \
    X(BFLOAT16, uint16_t, onr_double_to_bfloat16(x), onr_float_to_bfloat16((float)x),              \
      onr_float_to_bfloat16((float)x))                                                             \
    X(FLOAT8E4M3FN, uint8_t, narrow_float8(&onr_e4m3fn, onr_double_to_float_odd(x), how),          \
      narrow_float8(&onr_e4m3fn, (float)x, how), narrow_float8(&onr_e4m3fn, (float)x, how))        \
    X(FLOAT8E4M3FNUZ, uint8_t, narrow_float8(&onr_e4m3fnuz, onr_double_to_float_odd(x), how),      \
      narrow_float8(&onr_e4m3fnuz, (float)x, how), narrow_float8(&onr_e4m3fnuz, (float)x, how))    \
    X(FLOAT8E5M2, uint8_t, narrow_float8(&onr_e5m2, onr_double_to_float_odd(x), how),              \
      narrow_float8(&onr_e5m2, (float)x, how), narrow_float8(&onr_e5m2, (float)x, how))            \
    X(FLOAT8E5M2FNUZ, uint8_t, narrow_float8(&onr_e5m2fnuz, onr_double_to_float_odd(x), how),      \
      narrow_float8(&onr_e5m2fnuz, (float)x, how), narrow_float8(&onr_e5m2fnuz, (float)x, how))    \
    X(FLOAT8E8M0, uint8_t, narrow_e8m0(onr_double_to_float_odd(x), how),                           \
      narrow_e8m0((float)x, how), narrow_e8m0((float)x, how))                                      \
    X(FLOAT4E2M1, uint8_t, onr_float_to_finite(&onr_e2m1, onr_double_to_float_odd(x)),             \
      onr_float_to_finite(&onr_e2m1, (float)x), onr_float_to_finite(&onr_e2m1, (float)x))          \
    X(FLOAT6E2M3, uint8_t, onr_float_to_finite(&onr_e2m3, onr_double_to_float_odd(x)),             \
      onr_float_to_finite(&onr_e2m3, (float)x), onr_float_to_finite(&onr_e2m3, (float)x))          \
    X(FLOAT6E3M2, uint8_t, onr_float_to_finite(&onr_e3m2, onr_double_to_float_odd(x)),             \
      onr_float_to_finite(&onr_e3m2, (float)x), onr_float_to_finite(&onr_e3m2, (float)x))          \
    X(INT8, int8_t, (int8_t)double_to_int32(x), (int8_t)x, (int8_t)x)                              \
    X(INT16, int16_t, (int16_t)double_to_int32(x), (int16_t)x, (int16_t)x)                         \
    X(INT32, int32_t, double_to_int32(x), (int32_t)x, (int32_t)x)                                  \
    X(INT64, int64_t, double_to_int64(x), x, (int64_t)x)                                           \
    X(UINT8, uint8_t, (uint8_t)double_to_int32(x), (uint8_t)x, (uint8_t)x)                         \
    X(UINT16, uint16_t, (uint16_t)double_to_int32(x), (uint16_t)x, (uint16_t)x)                    \
    X(UINT32, uint32_t, (uint32_t)double_to_int64(x), (uint32_t)x, (uint32_t)x)                    \
    X(UINT64, uint64_t, double_to_uint64(x), (uint64_t)x, x)                                       \
    X(BOOL, uint8_t, x != 0.0, x != 0, x != 0)                                                     \
    X(INT4, int8_t, low_bits(double_to_int32(x), 8), low_bits(x, 8), low_bits((int64_t)x, 8))      \
    X(INT2, int8_t, low_bits(double_to_int32(x), 2), low_bits(x, 2), low_bits((int64_t)x, 2))      \
    X(UINT4, uint8_t, (uint8_t)(double_to_int32(x) & 15), (uint8_t)(x & 15), (uint8_t)(x & 15))    \
    X(UINT2, uint8_t, (uint8_t)(double_to_int32(x) & 3), (uint8_t)(x & 3), (uint8_t)(x & 3))

static inline uint8_t narrow_float8(const struct onr_minifloat *type, float x,
                                    const struct onr_narrowing *how)
{
    return onr_float_to_minifloat(type, x, how->is_saturated);
}

static inline uint8_t narrow_e8m0(float x, const struct onr_narrowing *how)
{
    return onr_float_to_e8m0(x, how->round_mode, how->is_saturated);
}

#define DEFINE_NARROW_FROM(name, type, wide_type, narrowed)                                        \
    static void narrow_##name##_from_##wide_type(size_t count, const void *wide, void *target,     \
                                                 const struct onr_narrowing *how)                  \
    {                                                                                              \
        const wide_type *from = wide;                                                              \
        type *to = target;                                                                         \
        (void)how;                                                                                 \
        for (size_t i = 0; i < count; i++) {                                                       \
            wide_type x = from[i];                                                                 \
            to[i] = (narrowed);                                                                    \
        }                                                                                          \
    }
#define DEFINE_NARROW(name, type, from_double, from_int, from_uint)                                \
    DEFINE_NARROW_FROM(name, type, double, from_double)                                            \
    DEFINE_NARROW_FROM(name, type, int64_t, from_int)                                              \
    DEFINE_NARROW_FROM(name, type, uint64_t, from_uint)
NARROW_LIST(DEFINE_NARROW)

void ONR_KERNEL(onr_fill_convert)(struct onr_kernels *kernels)
{
    struct onr_convert_kernels *rows = &kernels->convert;
#define FILL_WIDEN(name, ...) rows->widen[ONR_##name] = widen_##name;
    WIDEN_LIST(FILL_WIDEN)
#define FILL_NARROW(name, ...)                                                                     \
    rows->narrow[ONR_WIDE_DOUBLE][ONR_##name] = narrow_##name##_from_double;                       \
    rows->narrow[ONR_WIDE_INT64][ONR_##name] = narrow_##name##_from_int64_t;                       \
    rows->narrow[ONR_WIDE_UINT64][ONR_##name] = narrow_##name##_from_uint64_t;
    NARROW_LIST(FILL_NARROW)
}
