/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums and maxima of contiguous floats whose result is the same for every compiler and instruction
 * set: a sum is cut into lanes in the source, so that it can be vectorised without changing its
 * order.
 */
#ifndef ONR_KERNELS_REDUCE_LANES_H
#define ONR_KERNELS_REDUCE_LANES_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ONR_SUM_LANES 32
#define ONR_SUM_BLOCK 1024

/* Defines double name(count, x, shift): the sum over v = x[i] of an expression in v and shift. */
#define ONR_DEFINE_SUM_F32(name, term)                                                             \
    static inline double name(size_t count, const float *x, float shift)                           \
    {                                                                                              \
        double total = 0;                                                                          \
        (void)shift;                                                                               \
        for (size_t begin = 0; begin < count; begin += ONR_SUM_BLOCK) {                            \
            size_t end = count - begin < ONR_SUM_BLOCK ? count : begin + ONR_SUM_BLOCK;            \
            float lane[ONR_SUM_LANES] = {0};                                                       \
            size_t i = begin;                                                                      \
            for (; end - i >= ONR_SUM_LANES; i += ONR_SUM_LANES) {                                 \
                for (size_t l = 0; l < ONR_SUM_LANES; l++) {                                       \
                    float v = x[i + l];                                                            \
                    lane[l] += (term);                                                             \
                }                                                                                  \
            }                                                                                      \
            size_t l = 0;                                                                          \
            for (; end - i >= 8; i += 8, l += 8) {                                                 \
                for (size_t j = 0; j < 8; j++) {                                                   \
                    float v = x[i + j];                                                            \
                    lane[l + j] += (term);                                                         \
                }                                                                                  \
            }                                                                                      \
            for (; i < end; i++, l++) {                                                            \
                float v = x[i];                                                                    \
                lane[l] += (term);                                                                 \
            }                                                                                      \
            double sum[4] = {0};                                                                   \
            for (l = 0; l < ONR_SUM_LANES; l += 4) {                                               \
                for (size_t j = 0; j < 4; j++) {                                                   \
                    sum[j] += (double)lane[l + j];                                                 \
                }                                                                                  \
            }                                                                                      \
            total += (sum[0] + sum[1]) + (sum[2] + sum[3]);                                        \
        }                                                                                          \
        return total;                                                                              \
    }

/* Maps float bits to integers that compare like the numbers, and back. */
static inline int32_t onr_float_key(uint32_t bits)
{
    uint32_t key = bits ^ ((0u - (bits >> 31)) & 0x7fffffffu);
    int32_t result;
    memcpy(&result, &key, sizeof result);
    return result;
}

static inline float onr_float_of_key(int32_t key)
{
    uint32_t bits = (uint32_t)key;
    bits ^= (0u - (bits >> 31)) & 0x7fffffffu;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline bool onr_has_nan_f32(size_t count, const float *x)
{
    int is_nan = 0;
    for (size_t i = 0; i < count; i++) {
        is_nan |= x[i] != x[i];
    }
    return is_nan != 0;
}

/*
 * The largest of -inf and x[0 .. count); a NaN counts as larger than all. In lanes, as a
 * floating-point maximum in order is not vectorised; NaN is looked for in blocks that are in the
 * cache.
 */
static inline float onr_max_f32(size_t count, const float *x)
{
    float lane[ONR_SUM_LANES];
    float best = -INFINITY;
    for (size_t l = 0; l < ONR_SUM_LANES; l++) {
        lane[l] = -INFINITY;
    }
    for (size_t begin = 0; begin < count; begin += ONR_SUM_BLOCK) {
        size_t end = count - begin < ONR_SUM_BLOCK ? count : begin + ONR_SUM_BLOCK;
        size_t i = begin;
        for (; end - i >= ONR_SUM_LANES; i += ONR_SUM_LANES) {
            for (size_t l = 0; l < ONR_SUM_LANES; l++) {
                lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
            }
        }
        for (; i < end; i++) {
            best = x[i] > best ? x[i] : best;
        }
        if (onr_has_nan_f32(end - begin, x + begin)) {
            return NAN;
        }
    }
    for (size_t l = 0; l < ONR_SUM_LANES; l++) {
        best = lane[l] > best ? lane[l] : best;
    }
    return best;
}

/* The smallest of +inf and x[0 .. count); a NaN counts as smaller than all. */
static inline float onr_min_f32(size_t count, const float *x)
{
    int32_t best = 0x7f800000;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        int32_t key = onr_float_key(bits);
        key = (int32_t)(bits & 0x7fffffffu) > 0x7f800000 ? INT32_MIN : key;
        best = key < best ? key : best;
    }
    return onr_float_of_key(best);
}

#endif
