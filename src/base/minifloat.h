/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The float types of 8, 6 and 4 bits: conversions of one number. Rounding is to nearest, ties to even.
 * The type tables are those of Cast in the ONNX operator specification.
 *
 *   type    exponent, fraction bits   bias   largest   special codes
 *   e4m3fn          4, 3                7       448    0x7f NaN, no infinity
 *   e4m3fnuz        4, 3                8       240    0x80 NaN, no infinity, no -0
 *   e5m2            5, 2               15     57344    0x7c infinity, above NaN
 *   e5m2fnuz        5, 2               16     57344    0x80 NaN, no infinity, no -0
 *   e8m0            8, 0              127     2^127    0xff NaN, no sign, no zero
 *   e2m1            2, 1                1         6    none
 *   e2m3            2, 3                1       7.5    none
 *   e3m2            3, 2                3        28    none
 */
#ifndef ONR_BASE_MINIFLOAT_H
#define ONR_BASE_MINIFLOAT_H

#include "base/half.h"

#include <stdbool.h>
#include <stdint.h>

enum onr_round_mode { ONR_ROUND_UP, ONR_ROUND_DOWN, ONR_ROUND_NEAREST };

struct onr_minifloat {
    int fraction_bits;
    int bias;
    uint8_t largest;  /* code of the largest finite number */
    uint8_t overflow; /* code that what is larger becomes when it is not saturated */
    uint8_t nan;
    bool is_unsigned_zero; /* the code of -0 is NaN */
};

static const struct onr_minifloat onr_e4m3fn = {3, 7, 0x7e, 0x7f, 0x7f, false};
static const struct onr_minifloat onr_e4m3fnuz = {3, 8, 0x7f, 0x80, 0x80, true};
static const struct onr_minifloat onr_e5m2 = {2, 15, 0x7b, 0x7c, 0x7e, false};
static const struct onr_minifloat onr_e5m2fnuz = {2, 16, 0x7f, 0x80, 0x80, true};

/* The code without sign that |value| is nearest to, were there no largest number. value is not NaN.
 */
static inline uint32_t onr_minifloat_round(float value, int fraction_bits, int bias)
{
    uint32_t magnitude = onr_float_bits(value) & 0x7fffffffu;
    uint32_t smallest_normal = (uint32_t)(128 - bias) << 23;
    if (magnitude < smallest_normal) {
        /* Adding a power of two whose last bit is the type's smallest number rounds to a multiple
         * of it. */
        uint32_t magic = (uint32_t)(128 - bias + 23 - fraction_bits) << 23;
        float rounded = onr_float_from_bits(magnitude) + onr_float_from_bits(magic);
        return onr_float_bits(rounded) - magic;
    }
    int shift = 23 - fraction_bits;
    uint32_t rounded = magnitude + (1u << (shift - 1)) - 1 + (magnitude >> shift & 1u);
    return (rounded - (smallest_normal - (1u << 23))) >> shift;
}

/* A number of a type with 8 bits; what is too large takes the largest number when is_saturated. */
static inline uint8_t onr_float_to_minifloat(const struct onr_minifloat *type, float value,
                                             bool is_saturated)
{
    uint32_t sign = onr_float_bits(value) >> 24 & 0x80u;
    if (value != value) {
        return (uint8_t)(type->nan | sign);
    }
    uint32_t code = onr_minifloat_round(value, type->fraction_bits, type->bias);
    if (code > type->largest) {
        code = is_saturated ? type->largest : type->overflow;
    }
    return (uint8_t)(code == 0 && type->is_unsigned_zero ? 0 : code | sign);
}

static inline float onr_minifloat_to_float(const struct onr_minifloat *type, uint8_t code)
{
    uint32_t magnitude = code & 0x7fu;
    uint32_t sign = (uint32_t)(code & 0x80u) << 24;
    if (type->is_unsigned_zero ? code == type->nan : magnitude > type->largest) {
        bool is_infinite =
            !type->is_unsigned_zero && magnitude == type->overflow && type->overflow != type->nan;
        return onr_float_from_bits(sign | (is_infinite ? 0x7f800000u : 0x7fc00000u));
    }
    float value = onr_float_of_fields(magnitude << (23 - type->fraction_bits), type->bias);
    return onr_float_from_bits(sign | onr_float_bits(value));
}

/* float8e8m0 holds 2^(code - 127); the sign is dropped. Not saturated, what is no number of it
 * becomes NaN. */
static inline uint8_t onr_float_to_e8m0(float value, enum onr_round_mode mode, bool is_saturated)
{
    uint32_t magnitude = onr_float_bits(value) & 0x7fffffffu;
    if (magnitude > 0x7f800000u) {
        return 0xff;
    }
    if (magnitude < 0x00400000u) { /* below 2^-127 */
        return is_saturated ? 0 : 0xff;
    }
    uint32_t code = magnitude >> 23;
    uint32_t fraction = magnitude & 0x7fffffu;
    if (code == 0) {
        fraction = (fraction & 0x3fffffu) << 1;
    }
    if (mode == ONR_ROUND_UP ? fraction > 0 : mode == ONR_ROUND_NEAREST && fraction >= 0x400000u) {
        code++;
    }
    return (uint8_t)(code < 0xff ? code : is_saturated ? 0xfe : 0xff);
}

static inline float onr_e8m0_to_float(uint8_t code)
{
    if (code == 0xff) {
        return onr_float_from_bits(0x7fc00000u);
    }
    return onr_float_from_bits(code == 0 ? 0x00400000u : (uint32_t)code << 23);
}

/* A type whose codes are all finite numbers: float4e2m1, float6e2m3 and float6e3m2. */
struct onr_finite_float {
    int fraction_bits;
    int bias;
    uint8_t largest; /* code of the largest number; the bit above is the sign */
};

static const struct onr_finite_float onr_e2m1 = {1, 1, 0x07};
static const struct onr_finite_float onr_e2m3 = {3, 1, 0x1f};
static const struct onr_finite_float onr_e3m2 = {2, 3, 0x1f};

/* Always saturates; NaN becomes -0. */
static inline uint8_t onr_float_to_finite(const struct onr_finite_float *type, float value)
{
    uint32_t sign = type->largest + 1u;
    if (value != value) {
        return (uint8_t)sign;
    }
    uint32_t code = onr_minifloat_round(value, type->fraction_bits, type->bias);
    bool is_negative = onr_float_bits(value) >> 31 != 0;
    return (uint8_t)((code < type->largest ? code : type->largest) | (is_negative ? sign : 0));
}

static inline float onr_finite_to_float(const struct onr_finite_float *type, uint8_t code)
{
    uint32_t magnitude = code & (uint32_t)type->largest;
    float value = onr_float_of_fields(magnitude << (23 - type->fraction_bits), type->bias);
    return code > type->largest ? -value : value;
}

#endif
