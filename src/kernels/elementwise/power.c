/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Powers of operands of any two numeric types. Blocks of both are converted to double, or to
 * int64_t when both are integers; the result is converted back to the type of the base.
 */
#include "base/half.h"
#include "kernels/elementwise/binary.h"
#include "kernels/elementwise/number.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

#include <math.h>

void ONR_KERNEL(onr_fill_power)(struct onr_kernels *kernels);

#define BLOCK 128

typedef void (*load_real_fn)(size_t count, const void *x, double *y);
typedef void (*load_int_fn)(size_t count, const void *x, int64_t *y);
typedef void (*store_real_fn)(size_t count, const double *x, void *y);
typedef void (*store_int_fn)(size_t count, const int64_t *x, void *y);

/* A loop that converts x (in v) from in_t to out_t. */
#define CONVERT(function, in_t, out_t, in_arg, out_arg, expression)                                \
    static void function(size_t count, in_arg *xs, out_arg *ys)                                    \
    {                                                                                              \
        const in_t *x = xs;                                                                        \
        out_t *y = ys;                                                                             \
        for (size_t i = 0; i < count; i++) {                                                       \
            const in_t v = x[i];                                                                   \
            y[i] = (out_t)(expression);                                                            \
        }                                                                                          \
    }

#define CONVERT_REAL(name, type, to_double, from_double)                                           \
    CONVERT(load_real_##name, type, double, const void, double, to_double)                         \
    CONVERT(store_real_##name, double, type, const double, void, from_double)

#define CONVERT_INT(name, type, to_int)                                                            \
    CONVERT_REAL(name, type, v, onr_double_to_##name(v))                                           \
    CONVERT(load_int_##name, type, int64_t, const void, int64_t, to_int)                           \
    CONVERT(store_int_##name, int64_t, type, const int64_t, void, v)

/* Exponents from 2^63 on become smaller ones with the same power: x^(2^62) is 0 or 1 modulo 2^64.
 */
static inline int64_t reduce_exponent(uint64_t v)
{
    return (int64_t)(v > INT64_MAX ? (v & INT64_MAX) | UINT64_C(1) << 62 : v);
}

CONVERT_REAL(f32, float, v, v)
CONVERT_REAL(f64, double, v, v)
CONVERT_REAL(f16, uint16_t, onr_half_to_float(v), onr_double_to_half(v))
CONVERT_REAL(bf16, uint16_t, onr_bfloat16_to_float(v), onr_double_to_bfloat16(v))
CONVERT_INT(i8, int8_t, v)
CONVERT_INT(i16, int16_t, v)
CONVERT_INT(i32, int32_t, v)
CONVERT_INT(i64, int64_t, v)
CONVERT_INT(u8, uint8_t, v)
CONVERT_INT(u16, uint16_t, v)
CONVERT_INT(u32, uint32_t, v)
CONVERT_INT(u64, uint64_t, reduce_exponent(v))

static const struct conversion {
    size_t bytes;
    load_real_fn load_real;
    store_real_fn store_real;
    load_int_fn load_int; /* NULL for float types */
    store_int_fn store_int;
} conversions[ONR_DTYPE_COUNT] = {
    [ONR_FLOAT] = {4, load_real_f32, store_real_f32, NULL, NULL},
    [ONR_DOUBLE] = {8, load_real_f64, store_real_f64, NULL, NULL},
    [ONR_FLOAT16] = {2, load_real_f16, store_real_f16, NULL, NULL},
    [ONR_BFLOAT16] = {2, load_real_bf16, store_real_bf16, NULL, NULL},
    [ONR_INT8] = {1, load_real_i8, store_real_i8, load_int_i8, store_int_i8},
    [ONR_INT16] = {2, load_real_i16, store_real_i16, load_int_i16, store_int_i16},
    [ONR_INT32] = {4, load_real_i32, store_real_i32, load_int_i32, store_int_i32},
    [ONR_INT64] = {8, load_real_i64, store_real_i64, load_int_i64, store_int_i64},
    [ONR_UINT8] = {1, load_real_u8, store_real_u8, load_int_u8, store_int_u8},
    [ONR_UINT16] = {2, load_real_u16, store_real_u16, load_int_u16, store_int_u16},
    [ONR_UINT32] = {4, load_real_u32, store_real_u32, load_int_u32, store_int_u32},
    [ONR_UINT64] = {8, load_real_u64, store_real_u64, load_int_u64, store_int_u64},
};

static int64_t int_power(int64_t base, int64_t exponent)
{
    if (exponent < 0) { /* 1 / base^|exponent|, cut towards 0 */
        int64_t odd = exponent % 2 != 0 ? -1 : 1;
        return base == 1 ? 1 : (base == -1 ? odd : 0);
    }
    uint64_t result = 1;
    uint64_t factor = (uint64_t)base;
    for (uint64_t e = (uint64_t)exponent; e != 0; e >>= 1) {
        result *= (e & 1) != 0 ? factor : 1;
        factor *= factor;
    }
    return (int64_t)result;
}

static void int_block(size_t count, const struct conversion *a_type, const void *a, size_t a_step,
                      const struct conversion *b_type, const void *b, size_t b_step, void *out)
{
    int64_t x[BLOCK];
    int64_t y[BLOCK];
    a_type->load_int(a_step != 0 ? count : 1, a, x);
    b_type->load_int(b_step != 0 ? count : 1, b, y);
    int64_t z[BLOCK];
    for (size_t i = 0; i < count; i++) {
        z[i] = int_power(x[i * a_step], y[i * b_step]);
    }
    a_type->store_int(count, z, out);
}

static void real_block(size_t count, const struct conversion *a_type, const void *a, size_t a_step,
                       const struct conversion *b_type, const void *b, size_t b_step, void *out)
{
    double x[BLOCK];
    double y[BLOCK];
    a_type->load_real(a_step != 0 ? count : 1, a, x);
    b_type->load_real(b_step != 0 ? count : 1, b, y);
    double z[BLOCK];
    for (size_t i = 0; i < count; i++) {
        z[i] = pow(x[i * a_step], y[i * b_step]);
    }
    a_type->store_real(count, z, out);
}

static void power(size_t count, enum onr_dtype a_dtype, const void *a, size_t a_step,
                  enum onr_dtype b_dtype, const void *b, size_t b_step, void *out)
{
    const struct conversion *a_type = &conversions[a_dtype];
    const struct conversion *b_type = &conversions[b_dtype];
    int is_int = a_type->load_int != NULL && b_type->load_int != NULL;
    for (size_t begin = 0; begin < count; begin += BLOCK) {
        size_t n = count - begin < BLOCK ? count - begin : BLOCK;
        (is_int ? int_block : real_block)(n, a_type,
                                          (const char *)a + begin * a_step * a_type->bytes, a_step,
                                          b_type, (const char *)b + begin * b_step * b_type->bytes,
                                          b_step, (char *)out + begin * a_type->bytes);
    }
}

void ONR_KERNEL(onr_fill_power)(struct onr_kernels *kernels)
{
    kernels->binary.power = power;
}
