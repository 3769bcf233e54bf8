/* SPDX-License-Identifier: Apache-2.0 */
/* Floating-point types of 4, 6, 8 and 16 bits, described by their bits. Simple rather than fast:
 * encoding searches the codes, which are in the order of their magnitudes. */
#include "common/small_float.h"

#include <math.h>

/* What the codes above the finite ones of a small floating-point type mean. */
enum special_codes {
    SPECIAL_IEEE,          /* infinity, then NaN */
    SPECIAL_NAN,           /* the last code is NaN, no infinity */
    SPECIAL_UNSIGNED_ZERO, /* NaN is minus zero, no infinity */
    SPECIAL_NONE,          /* all codes are finite */
};

struct small_float {
    onnxrun_dtype dtype;
    unsigned exponent_bits;
    unsigned mantissa_bits;
    int bias;
    enum special_codes special;
};

static const struct small_float small_floats[] = {
    {ONNXRUN_FLOAT16, 5, 10, 15, SPECIAL_IEEE},
    {ONNXRUN_BFLOAT16, 8, 7, 127, SPECIAL_IEEE},
    {ONNXRUN_FLOAT8E4M3FN, 4, 3, 7, SPECIAL_NAN},
    {ONNXRUN_FLOAT8E4M3FNUZ, 4, 3, 8, SPECIAL_UNSIGNED_ZERO},
    {ONNXRUN_FLOAT8E5M2, 5, 2, 15, SPECIAL_IEEE},
    {ONNXRUN_FLOAT8E5M2FNUZ, 5, 2, 16, SPECIAL_UNSIGNED_ZERO},
    {ONNXRUN_FLOAT4E2M1, 2, 1, 1, SPECIAL_NONE},
    {ONNXRUN_FLOAT6E2M3, 2, 3, 1, SPECIAL_NONE},
    {ONNXRUN_FLOAT6E3M2, 3, 2, 3, SPECIAL_NONE},
};

/* The description of dtype, or NULL. */
static const struct small_float *find_format(onnxrun_dtype dtype)
{
    for (size_t i = 0; i < sizeof small_floats / sizeof small_floats[0]; i++) {
        if (small_floats[i].dtype == dtype) {
            return &small_floats[i];
        }
    }
    return NULL;
}

static double magnitude_of(const struct small_float *format, unsigned code)
{
    unsigned exponent = code >> format->mantissa_bits;
    unsigned mantissa = code & ((1u << format->mantissa_bits) - 1);
    int scale = -format->bias - (int)format->mantissa_bits;
    return exponent == 0 ? ldexp(mantissa, scale + 1)
                         : ldexp(mantissa + (1u << format->mantissa_bits), scale + (int)exponent);
}

/* The code of the largest finite number. */
static unsigned last_finite(const struct small_float *format)
{
    unsigned all = (1u << (format->exponent_bits + format->mantissa_bits)) - 1;
    switch (format->special) {
    case SPECIAL_IEEE:
        return all - (1u << format->mantissa_bits);
    case SPECIAL_NAN:
        return all - 1;
    case SPECIAL_UNSIGNED_ZERO:
    case SPECIAL_NONE:
        break;
    }
    return all;
}

static double decode(const struct small_float *format, unsigned code)
{
    unsigned sign = 1u << (format->exponent_bits + format->mantissa_bits);
    unsigned magnitude = code & (sign - 1);
    unsigned last = last_finite(format);
    if (format->special == SPECIAL_UNSIGNED_ZERO && code == sign) {
        return (double)NAN;
    }
    if (magnitude > last && (format->special == SPECIAL_NAN || magnitude > last + 1)) {
        return (double)NAN;
    }
    double value = magnitude > last ? (double)INFINITY : magnitude_of(format, magnitude);
    return (code & sign) != 0 ? -value : value;
}

static double e8m0_magnitude(const struct small_float *format, unsigned code)
{
    (void)format;
    return ldexp(1, (int)code - 127);
}

/* The code in [0, last] whose magnitude is nearest to value, the even one of two; last + 1 beyond
 * all. */
static unsigned nearest_code(double (*magnitude)(const struct small_float *, unsigned),
                             const struct small_float *format, unsigned last, double value)
{
    unsigned low = 0, high = last;
    while (low < high) {
        unsigned middle = (low + high + 1) / 2;
        if (magnitude(format, middle) <= value) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    double below = value - magnitude(format, low);
    double step = low < last ? magnitude(format, low + 1) - magnitude(format, low)
                             : magnitude(format, last) - magnitude(format, last - 1);
    bool is_up = 2 * below > step || (2 * below == step && (low & 1) != 0);
    return is_up ? low + 1 : low;
}

/* The code for value; false when there is none. */
static bool encode(const struct small_float *format, double value, unsigned *code)
{
    unsigned sign = 1u << (format->exponent_bits + format->mantissa_bits);
    unsigned last = last_finite(format);
    unsigned negative = signbit(value) ? sign : 0;
    if (isnan(value)) {
        unsigned quiet = last + 1 + (1u << (format->mantissa_bits - 1));
        *code = format->special == SPECIAL_IEEE  ? quiet
                : format->special == SPECIAL_NAN ? last + 1
                                                 : sign;
        return format->special != SPECIAL_NONE;
    }
    if (isinf(value)) {
        *code = negative | (last + 1);
        return format->special == SPECIAL_IEEE;
    }
    unsigned magnitude = nearest_code(magnitude_of, format, last, fabs(value));
    bool is_minus_zero = magnitude == 0 && format->special == SPECIAL_UNSIGNED_ZERO;
    *code = is_minus_zero ? 0 : negative | magnitude;
    return magnitude <= last;
}

static double e8m0_decode(unsigned code)
{
    return code == 255 ? (double)NAN : e8m0_magnitude(NULL, code);
}

static bool e8m0_encode(double value, unsigned *code)
{
    bool is_positive = isfinite(value) && value > 0;
    *code = is_positive ? nearest_code(e8m0_magnitude, NULL, 254, value) : 255;
    return is_positive ? *code <= 254 : isnan(value);
}

bool small_float_is(onnxrun_dtype dtype)
{
    return dtype == ONNXRUN_FLOAT8E8M0 || find_format(dtype) != NULL;
}

double small_float_decode(onnxrun_dtype dtype, unsigned code)
{
    const struct small_float *format = find_format(dtype);
    if (format == NULL) {
        return e8m0_decode(code);
    }
    unsigned bits = 1 + format->exponent_bits + format->mantissa_bits;
    return decode(format, code & ((1u << bits) - 1));
}

bool small_float_encode(onnxrun_dtype dtype, double value, unsigned *code)
{
    const struct small_float *format = find_format(dtype);
    return format == NULL ? e8m0_encode(value, code) : encode(format, value, code);
}
