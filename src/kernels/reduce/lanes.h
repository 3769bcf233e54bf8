/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums and maxima of contiguous floats whose result is the same for every compiler and instruction
 * set: a sum is cut into lanes in the source, so that it can be vectorised without changing its
 * order.
 */
#ifndef ONR_KERNELS_REDUCE_LANES_H
#define ONR_KERNELS_REDUCE_LANES_H

#include "base/half.h"
#include "kernels/kernel.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ONR_SUM_LANES 32
#define ONR_SUM_BLOCK 1024

/*
 * Defines double name(count, x, ...) with the given further parameters: the sum over v = x[at] of an
 * expression in v, at and those parameters. It may write to element `at` of something, also of x.
 */
#define ONR_DEFINE_SUM_OVER(name, term, ...)                                                       \
    static inline double name(size_t count, const float *x, __VA_ARGS__)                           \
    {                                                                                              \
        double total = 0;                                                                          \
        for (size_t begin = 0; begin < count; begin += ONR_SUM_BLOCK) {                            \
            size_t end = count - begin < ONR_SUM_BLOCK ? count : begin + ONR_SUM_BLOCK;            \
            float lane[ONR_SUM_LANES] = {0};                                                       \
            size_t i = begin;                                                                      \
            for (; end - i >= ONR_SUM_LANES; i += ONR_SUM_LANES) {                                 \
                ONR_IVDEP                                                                          \
                ONR_UNROLL_LANES                                                                   \
                for (size_t l = 0; l < ONR_SUM_LANES; l++) {                                       \
                    size_t at = i + l;                                                             \
                    float v = x[at];                                                               \
                    lane[l] += (term);                                                             \
                }                                                                                  \
            }                                                                                      \
            size_t l = 0;                                                                          \
            for (; end - i >= 8; i += 8, l += 8) {                                                 \
                ONR_IVDEP                                                                          \
                for (size_t j = 0; j < 8; j++) {                                                   \
                    size_t at = i + j;                                                             \
                    float v = x[at];                                                               \
                    lane[l + j] += (term);                                                         \
                }                                                                                  \
            }                                                                                      \
            for (size_t at = i; at < end; at++, l++) {                                             \
                float v = x[at];                                                                   \
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

/* Defines double name(count, x, shift): the sum over v = x[i] of an expression in v and shift. */
#define ONR_DEFINE_SUM_F32(name, term)                                                             \
    ONR_DEFINE_SUM_OVER(name, ((void)at, (void)shift, (term)), float shift)

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

/* Makes each lane the largest of itself and what x has there, and marks the lanes that met a NaN,
 * which they leave out. */
static inline void onr_max_lanes(const float *x, float *lane, int32_t *is_nan)
{
    ONR_UNROLL_LANES
    for (size_t l = 0; l < ONR_SUM_LANES; l++) {
        lane[l] = x[l] > lane[l] ? x[l] : lane[l];
        is_nan[l] |= x[l] != x[l];
    }
}

/*
 * The largest of -inf and the numbers among x[0 .. count); *has_nan says whether there is a NaN, and
 * costs nothing where it is not used. In lanes, as a floating-point maximum in order is not
 * vectorised. Whole lanes that end where x ends do the rest: that they repeat some elements does not
 * matter.
 */
static inline __attribute__((always_inline)) float onr_max_number_f32(size_t count, const float *x,
                                                                      bool *has_nan)
{
    float lane[ONR_SUM_LANES];
    int32_t is_nan[ONR_SUM_LANES] = {0};
    float best = -INFINITY;
    int any_nan = 0;
    for (size_t l = 0; l < ONR_SUM_LANES; l++) {
        lane[l] = -INFINITY;
    }
    if (count < ONR_SUM_LANES) {
        for (size_t i = 0; i < count; i++) {
            best = x[i] > best ? x[i] : best;
            any_nan |= x[i] != x[i];
        }
        *has_nan = any_nan != 0;
        return best;
    }
    for (size_t i = 0; count - i >= ONR_SUM_LANES; i += ONR_SUM_LANES) {
        onr_max_lanes(x + i, lane, is_nan);
    }
    onr_max_lanes(x + count - ONR_SUM_LANES, lane, is_nan);
    int32_t key = INT32_MIN; /* a maximum of integers is vectorised */
    for (size_t l = 0; l < ONR_SUM_LANES; l++) {
        int32_t lane_key = onr_float_key(onr_float_bits(lane[l]));
        key = lane_key > key ? lane_key : key;
        any_nan |= is_nan[l];
    }
    best = onr_float_of_key(key);
    *has_nan = any_nan != 0;
    return best;
}

/* The largest of -inf and x[0 .. count); a NaN counts as larger than all. */
static inline float onr_max_f32(size_t count, const float *x)
{
    bool has_nan = false;
    float best = onr_max_number_f32(count, x, &has_nan);
    return has_nan ? NAN : best;
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
