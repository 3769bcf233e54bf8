/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 16-bit float types: conversions of one number. Rounding is to nearest, ties to even, once;
 * subnormals are exact, what is too large becomes infinity, a NaN stays a NaN and is made quiet.
 * Bulk conversions, which use the instructions of the machine, are in kernels/convert. Types of 8
 * bits and less: base/minifloat.h.
 */
#ifndef ONR_BASE_HALF_H
#define ONR_BASE_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t onr_float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float onr_float_from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/*
 * The number whose exponent (biased) and fraction stand in the places of those of a float. The
 * subnormal ones are a difference of normal numbers, as a run takes denormal floats for zero.
 */
static inline float onr_float_of_fields(uint32_t magnitude, int bias)
{
    const uint32_t one = 1u << 23;
    uint32_t rebias = (uint32_t)(127 - bias) << 23;
    float smallest_normal = onr_float_from_bits(rebias + one);
    return magnitude >= one ? onr_float_from_bits(magnitude + rebias)
                            : onr_float_from_bits(magnitude + rebias + one) - smallest_normal;
}

/* float16 (1 sign, 5 exponent, 10 fraction bits) to float; exact. */
static inline float onr_half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t magnitude = half & 0x7fffu;
    if (magnitude >= 0x7c00u) {
        uint32_t quiet = magnitude > 0x7c00u ? 0x00400000u : 0;
        return onr_float_from_bits(sign | 0x7f800000u | quiet | (magnitude & 0x3ffu) << 13);
    }
    return onr_float_from_bits(sign | onr_float_bits(onr_float_of_fields(magnitude << 13, 15)));
}

static inline uint16_t onr_float_to_half(float value)
{
    uint32_t bits = onr_float_bits(value);
    uint32_t sign = bits >> 16 & 0x8000u;
    uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) {
        return (uint16_t)(sign | 0x7e00u | (magnitude >> 13 & 0x1ffu));
    }
    if (magnitude >= 0x477ff000u) { /* 65520, half way from the largest number to 2^16 */
        return (uint16_t)(sign | 0x7c00u);
    }
    if (magnitude <
        0x38800000u) { /* below 2^-14: adding 1/2 leaves multiples of 2^-24 in the low bits */
        float rounded = onr_float_from_bits(magnitude) + 0.5f;
        return (uint16_t)(sign | (onr_float_bits(rounded) - 0x3f000000u));
    }
    uint32_t rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);
    return (uint16_t)(sign | (rounded - 0x38000000u) >> 13);
}

/* bfloat16 (the upper half of a float) to float; exact. */
static inline float onr_bfloat16_to_float(uint16_t bfloat16)
{
    return onr_float_from_bits((uint32_t)bfloat16 << 16);
}

static inline uint16_t onr_float_to_bfloat16(float value)
{
    uint32_t bits = onr_float_bits(value);
    uint32_t rounded = bits + 0x7fffu + (bits >> 16 & 1u);
    uint32_t result = (bits & 0x7fffffffu) > 0x7f800000u ? bits | 0x00400000u : rounded;
    return (uint16_t)(result >> 16);
}

/*
 * double to float rounded to odd: cut off, and the last bit set when something was lost. Rounding
 * the result again, to a type with at least two bits less, gives what rounding the double once
 * would.
 */
static inline float onr_double_to_float_odd(double value)
{
    float nearest = (float)value;
    if ((double)nearest == value || value != value) {
        return nearest;
    }
    uint32_t bits = onr_float_bits(nearest);
    double back = (double)nearest;
    uint32_t was_raised = (back > 0 ? back > value : back < value) && back != 0;
    return onr_float_from_bits((bits - was_raised) | 1u);
}

static inline uint16_t onr_double_to_half(double value)
{
    return onr_float_to_half(onr_double_to_float_odd(value));
}

static inline uint16_t onr_double_to_bfloat16(double value)
{
    return onr_float_to_bfloat16(onr_double_to_float_odd(value));
}

#endif
