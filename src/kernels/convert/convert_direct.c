/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversions in one step, for the pairs that models cast often. float16 uses the instructions of
 * F16C where the machine has them: compilers do not find them in portable C.
 */
#if defined(__F16C__)
#    include <immintrin.h>
#endif

#include "kernels/convert/half_loops.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_convert_direct)(struct onr_kernels *kernels);

#if defined(__F16C__)
/* One number; loops over these are not turned into longer code. */
static inline float half_to_float_one(uint16_t x)
{
    return _cvtsh_ss(x);
}

static inline uint16_t float_to_half_one(float x)
{
    return _cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT);
}
#else
#    define half_to_float_one onr_half_to_float
#    define float_to_half_one onr_float_to_half
#endif

static void half_to_float(size_t count, const void *source, void *target)
{
    const uint16_t *x = source;
    float *y = target;
    size_t i = 0;
#if defined(__AVX512F__)
    /* As wide as what reads them next: a read waits for two writes, but takes one at once. */
    for (; i + 16 <= count; i += 16) {
        __m256i half = _mm256_loadu_si256((const __m256i *)(const void *)(x + i));
        _mm512_storeu_ps(y + i, _mm512_cvtph_ps(half));
    }
#elif defined(__F16C__)
    for (; i + 16 <= count; i += 16) {
        __m128i low = _mm_loadu_si128((const __m128i *)(const void *)(x + i));
        __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(x + i + 8));
        _mm256_storeu_ps(y + i, _mm256_cvtph_ps(low));
        _mm256_storeu_ps(y + i + 8, _mm256_cvtph_ps(high));
    }
#endif
    for (; i < count; i++) {
        y[i] = half_to_float_one(x[i]);
    }
}

#if defined(__AVX512F__)
/* Whole lines: with stores of parts of them the caches would be busier than the conversion. */
static size_t float_to_half_lines(size_t count, const float *x, uint16_t *y)
{
    size_t i = 0;
    for (; i + 32 <= count; i += 32) {
        __m256i low = _mm512_cvtps_ph(_mm512_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT);
        __m256i high = _mm512_cvtps_ph(_mm512_loadu_ps(x + i + 16), _MM_FROUND_TO_NEAREST_INT);
        _mm512_storeu_si512(y + i, _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1));
    }
    return i;
}
#endif

static void float_to_half(size_t count, const void *source, void *target)
{
    const float *x = source;
    uint16_t *y = target;
    size_t i = 0;
#if defined(__AVX512F__)
    i = float_to_half_lines(count, x, y);
#endif
#if defined(__F16C__)
    for (; i + 16 <= count; i += 16) {
        __m128i low = _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT);
        __m128i high = _mm256_cvtps_ph(_mm256_loadu_ps(x + i + 8), _MM_FROUND_TO_NEAREST_INT);
        _mm256_storeu_si256((__m256i *)(void *)(y + i), _mm256_setr_m128i(low, high));
    }
#endif
    for (; i < count; i++) {
        y[i] = float_to_half_one(x[i]);
    }
}

/* X(from, to, ctype of from, ctype of to, expression of x): what models cast often. */
#define DIRECT_LIST(X)                                                                             \
    X(BFLOAT16, FLOAT, uint16_t, float, onr_bfloat16_to_float(x))                                  \
    X(FLOAT, BFLOAT16, float, uint16_t, onr_float_to_bfloat16(x))                                  \
    X(FLOAT, DOUBLE, float, double, (double)x)                                                     \
    X(DOUBLE, FLOAT, double, float, (float)x)                                                      \
    X(FLOAT, BOOL, float, uint8_t, x != 0.0f)                                                      \
    X(FLOAT, INT64, float, int64_t, x >= -0x1p63f && x < 0x1p63f ? (int64_t)x : INT64_MIN)         \
    X(FLOAT, INT32, float, int32_t, x >= -0x1p31f && x < 0x1p31f ? (int32_t)x : INT32_MIN)         \
    X(INT64, FLOAT, int64_t, float, (float)x)                                                      \
    X(INT64, INT32, int64_t, int32_t, (int32_t)x)                                                  \
    X(INT64, BOOL, int64_t, uint8_t, x != 0)                                                       \
    X(INT32, FLOAT, int32_t, float, (float)x)                                                      \
    X(INT32, INT64, int32_t, int64_t, x)                                                           \
    X(INT32, BOOL, int32_t, uint8_t, x != 0)                                                       \
    X(BOOL, FLOAT, uint8_t, float, x != 0 ? 1.0f : 0.0f)                                           \
    X(BOOL, INT64, uint8_t, int64_t, x != 0)                                                       \
    X(BOOL, INT32, uint8_t, int32_t, x != 0)                                                       \
    X(INT8, FLOAT, int8_t, float, (float)x)                                                        \
    X(UINT8, FLOAT, uint8_t, float, (float)x)

#define DEFINE_DIRECT(from_name, to_name, from_type, to_type, converted)                           \
    static void convert_##from_name##_##to_name(size_t count, const void *source, void *target)    \
    {                                                                                              \
        const from_type *from = source;                                                            \
        to_type *to = target;                                                                      \
        for (size_t i = 0; i < count; i++) {                                                       \
            from_type x = from[i];                                                                 \
            to[i] = (converted);                                                                   \
        }                                                                                          \
    }
DIRECT_LIST(DEFINE_DIRECT)

const struct onr_half_loops ONR_KERNEL(onr_f16_loops) = {half_to_float, float_to_half};
const struct onr_half_loops ONR_KERNEL(onr_bf16_loops) = {convert_BFLOAT16_FLOAT,
                                                          convert_FLOAT_BFLOAT16};

void ONR_KERNEL(onr_fill_convert_direct)(struct onr_kernels *kernels)
{
    struct onr_convert_kernels *rows = &kernels->convert;
    rows->direct[ONR_FLOAT16][ONR_FLOAT] = half_to_float;
    rows->direct[ONR_FLOAT][ONR_FLOAT16] = float_to_half;
#define FILL_DIRECT(from, to, ...) rows->direct[ONR_##from][ONR_##to] = convert_##from##_##to;
    DIRECT_LIST(FILL_DIRECT)
}
