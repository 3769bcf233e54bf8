/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of two arguments for float, float16 and bfloat16, in portable C. */
#include "kernels/convert/half_loops.h"
#include "kernels/elementwise/binary.h"
#include "kernels/elementwise/binary_loop.h"
#include "kernels/kernels.h"

#include <math.h>

void ONR_KERNEL(onr_fill_binary_f32)(struct onr_kernels *kernels);

/* Elements of the half types that are converted together; they fit the first level cache. */
#define BLOCK 256

/* The sign of y, of a result of 0 too. */
static inline float floor_mod(float x, float y)
{
    float r = fmodf(x, y);
    if (r == 0.0f) {
        return copysignf(0.0f, y);
    }
    return (r < 0.0f) != (y < 0.0f) ? r + y : r;
}

BINARY(add_f32, float, float, x + y)
BINARY(div_f32, float, float, x / y)
BINARY(fmod_f32, float, float, fmodf(x, y))
BINARY(max_f32, float, float, x > y || x != x ? x : y)
BINARY(min_f32, float, float, x < y || x != x ? x : y)
BINARY(mod_f32, float, float, floor_mod(x, y))
BINARY(mul_f32, float, float, x *y)
BINARY(prelu_f32, float, float, x < 0.0f ? x * y : x)
BINARY(sub_f32, float, float, x - y)
BINARY(equal_f32, float, uint8_t, x == y)
BINARY(less_f32, float, uint8_t, x < y)
BINARY(less_equal_f32, float, uint8_t, x <= y)
BINARY(power_f32, float, float, powf(x, y))

static void cube_f32(size_t count, const float *x, float *z)
{
    ONR_IVDEP
    for (size_t i = 0; i < count; i++) {
        z[i] = x[i] * x[i] * x[i];
    }
}

/* x^0.5 differs from the square root at -0 and -inf. */
static void square_root_f32(size_t count, const float *x, float *z)
{
    ONR_IVDEP
    for (size_t i = 0; i < count; i++) {
        z[i] = x[i] == -INFINITY ? INFINITY : sqrtf(x[i]) + 0.0f;
    }
}

/* Exponents that models use with every element are done without the C library. */
static void pow_f32(size_t count, const void *a, size_t a_step, const void *b, size_t b_step,
                    void *out)
{
    const float *exponent = b;
    if (count == 0 || a_step == 0 || b_step != 0) {
        power_f32(count, a, a_step, b, b_step, out);
    } else if (exponent[0] == 2.0f) {
        mul_f32(count, a, 1, a, 1, out);
    } else if (exponent[0] == 3.0f) {
        cube_f32(count, a, out);
    } else if (exponent[0] == 0.5f) {
        square_root_f32(count, a, out);
    } else {
        power_f32(count, a, a_step, b, b_step, out);
    }
}

static void clip_f32(size_t count, const void *x, const void *low, const void *high, void *out)
{
    const float *xs = x;
    const float lo = low != NULL ? *(const float *)low : -INFINITY;
    const float hi = high != NULL ? *(const float *)high : INFINITY;
    float *zs = out;
    ONR_IVDEP
    for (size_t i = 0; i < count; i++) {
        float raised = xs[i] < lo ? lo : xs[i];
        zs[i] = raised > hi ? hi : raised;
    }
}

/* The half types: blocks are converted to float, computed, and converted back by `store`, or stay what
 * they are, bool, without it. */
static void run_half(size_t count, const uint16_t *a, size_t a_step, const uint16_t *b,
                     size_t b_step, void *out, onr_binary_fn function, onr_convert_fn load,
                     onr_convert_fn store)
{
    float x[BLOCK];
    float y[BLOCK];
    float z[BLOCK];
    for (size_t begin = 0; begin < count; begin += BLOCK) {
        size_t n = count - begin < BLOCK ? count - begin : BLOCK;
        load(a_step != 0 ? n : begin == 0, a + begin * a_step, x);
        load(b_step != 0 ? n : begin == 0, b + begin * b_step, y);
        function(n, x, a_step, y, b_step, store != NULL ? (void *)z : (uint8_t *)out + begin);
        if (store != NULL) {
            store(n, z, (uint16_t *)out + begin);
        }
    }
}

static void clip_half(size_t count, const uint16_t *x, const void *low, const void *high,
                      uint16_t *out, const struct onr_half_loops *half)
{
    float lo = -INFINITY;
    float hi = INFINITY;
    float block[BLOCK];
    half->load(low != NULL, low, &lo);
    half->load(high != NULL, high, &hi);
    for (size_t begin = 0; begin < count; begin += BLOCK) {
        size_t n = count - begin < BLOCK ? count - begin : BLOCK;
        half->load(n, x + begin, block);
        clip_f32(n, block, &lo, &hi, block);
        half->store(n, block, out + begin);
    }
}

static void clip_f16(size_t count, const void *x, const void *low, const void *high, void *out)
{
    clip_half(count, x, low, high, out, &ONR_KERNEL(onr_f16_loops));
}

static void clip_bf16(size_t count, const void *x, const void *low, const void *high, void *out)
{
    clip_half(count, x, low, high, out, &ONR_KERNEL(onr_bf16_loops));
}

#define HALF_ROW(function, type, store)                                                            \
    static void function##_##type(size_t count, const void *a, size_t a_step, const void *b,       \
                                  size_t b_step, void *out)                                        \
    {                                                                                              \
        run_half(count, a, a_step, b, b_step, out, function##_f32,                                 \
                 ONR_KERNEL(onr_##type##_loops).load, store);                                      \
    }
#define NUMERIC_ROWS(name, function)                                                               \
    HALF_ROW(function, f16, ONR_KERNEL(onr_f16_loops).store)                                       \
    HALF_ROW(function, bf16, ONR_KERNEL(onr_bf16_loops).store)
#define COMPARE_ROWS(name, function) HALF_ROW(function, f16, NULL) HALF_ROW(function, bf16, NULL)

ONR_BINARY_NUMERIC_LIST(NUMERIC_ROWS)
ONR_BINARY_COMPARE_LIST(COMPARE_ROWS)
NUMERIC_ROWS(POW, pow)

void ONR_KERNEL(onr_fill_binary_f32)(struct onr_kernels *kernels)
{
    struct onr_binary_kernels *binary = &kernels->binary;
#define BINARY_FILL(name, function)                                                                \
    binary->rows[ONR_BINARY_##name][ONR_FLOAT] = function##_f32;                                   \
    binary->rows[ONR_BINARY_##name][ONR_FLOAT16] = function##_f16;                                 \
    binary->rows[ONR_BINARY_##name][ONR_BFLOAT16] = function##_bf16;
    ONR_BINARY_NUMERIC_LIST(BINARY_FILL)
    ONR_BINARY_COMPARE_LIST(BINARY_FILL)
    BINARY_FILL(POW, pow)
#undef BINARY_FILL
    binary->clip[ONR_FLOAT] = clip_f32;
    binary->clip[ONR_FLOAT16] = clip_f16;
    binary->clip[ONR_BFLOAT16] = clip_bf16;
}
