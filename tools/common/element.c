/* SPDX-License-Identifier: Apache-2.0 */
/* Elements as numbers. */
#include "common/element.h"

#include "common/small_float.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

struct integer_range {
    int64_t low;
    int64_t high;
};

/* Range of an integer type, of uint64 only the part that int64 has. */
static struct integer_range integer_range(onnxrun_dtype dtype)
{
    switch (dtype) {
    case ONNXRUN_BOOL:
        return (struct integer_range){0, 1};
    case ONNXRUN_INT2:
        return (struct integer_range){-2, 1};
    case ONNXRUN_UINT2:
        return (struct integer_range){0, 3};
    case ONNXRUN_INT4:
        return (struct integer_range){-8, 7};
    case ONNXRUN_UINT4:
        return (struct integer_range){0, 15};
    case ONNXRUN_INT8:
        return (struct integer_range){INT8_MIN, INT8_MAX};
    case ONNXRUN_UINT8:
        return (struct integer_range){0, UINT8_MAX};
    case ONNXRUN_INT16:
        return (struct integer_range){INT16_MIN, INT16_MAX};
    case ONNXRUN_UINT16:
        return (struct integer_range){0, UINT16_MAX};
    case ONNXRUN_INT32:
        return (struct integer_range){INT32_MIN, INT32_MAX};
    case ONNXRUN_UINT32:
        return (struct integer_range){0, UINT32_MAX};
    case ONNXRUN_INT64:
        return (struct integer_range){INT64_MIN, INT64_MAX};
    case ONNXRUN_UINT64:
        return (struct integer_range){0, INT64_MAX};
    default:
        return (struct integer_range){1, 0};
    }
}

bool element_is_integer(onnxrun_dtype dtype)
{
    struct integer_range range = integer_range(dtype);
    return range.low <= range.high;
}

bool element_holds_int(onnxrun_dtype dtype, int64_t value)
{
    struct integer_range range = integer_range(dtype);
    return value >= range.low && value <= range.high;
}

bool element_is_float(onnxrun_dtype dtype)
{
    return dtype == ONNXRUN_FLOAT || dtype == ONNXRUN_DOUBLE || small_float_is(dtype);
}

bool element_is_complex(onnxrun_dtype dtype)
{
    return dtype == ONNXRUN_COMPLEX64 || dtype == ONNXRUN_COMPLEX128;
}

double number_real(const struct number *number)
{
    switch (number->kind) {
    case NUMBER_INT:
        return (double)number->integer;
    case NUMBER_UINT:
        return (double)number->above;
    case NUMBER_REAL:
        break;
    }
    return number->real;
}

/* Not hypot, which is slow and new in glibc 2.35 to what is linked today. */
double complex_length(double real, double imaginary)
{
    double a = fabs(real), b = fabs(imaginary);
    double larger = a > b ? a : b, smaller = a > b ? b : a;
    if (!(smaller > 0) || isinf(larger)) { /* a real number, or one that is infinite or NaN */
        return a + b;
    }
    return larger * sqrt(1 + smaller / larger * (smaller / larger));
}

/* ---- reading ---- */

static unsigned element_code(size_t size, const void *data, size_t index)
{
    return size == 1 ? ((const uint8_t *)data)[index] : ((const uint16_t *)data)[index];
}

static struct number get_float(onnxrun_dtype dtype, const void *data, size_t index)
{
    if (small_float_is(dtype)) {
        unsigned code = element_code(onnxrun_dtype_size(dtype), data, index);
        return number_of_real(small_float_decode(dtype, code));
    }
    return number_of_real(dtype == ONNXRUN_FLOAT ? (double)((const float *)data)[index]
                                                 : ((const double *)data)[index]);
}

struct number element_get(onnxrun_dtype dtype, const void *data, size_t index)
{
    switch (dtype) {
    case ONNXRUN_INT2:
    case ONNXRUN_INT4:
    case ONNXRUN_INT8:
        return number_of_int(((const int8_t *)data)[index]);
    case ONNXRUN_BOOL:
    case ONNXRUN_UINT2:
    case ONNXRUN_UINT4:
    case ONNXRUN_UINT8:
        return number_of_int(((const uint8_t *)data)[index]);
    case ONNXRUN_INT16:
        return number_of_int(((const int16_t *)data)[index]);
    case ONNXRUN_UINT16:
        return number_of_int(((const uint16_t *)data)[index]);
    case ONNXRUN_INT32:
        return number_of_int(((const int32_t *)data)[index]);
    case ONNXRUN_UINT32:
        return number_of_int(((const uint32_t *)data)[index]);
    case ONNXRUN_INT64:
        return number_of_int(((const int64_t *)data)[index]);
    case ONNXRUN_UINT64: {
        uint64_t value = ((const uint64_t *)data)[index];
        return value <= INT64_MAX ? number_of_int((int64_t)value)
                                  : (struct number){.kind = NUMBER_UINT, .above = value};
    }
    case ONNXRUN_COMPLEX64: {
        const float *pair = (const float *)data + 2 * index;
        return (struct number){
            .kind = NUMBER_REAL, .real = (double)pair[0], .imaginary = (double)pair[1]};
    }
    case ONNXRUN_COMPLEX128: {
        const double *pair = (const double *)data + 2 * index;
        return (struct number){.kind = NUMBER_REAL, .real = pair[0], .imaginary = pair[1]};
    }
    case ONNXRUN_UNDEFINED:
    case ONNXRUN_STRING:
        return number_of_int(0);
    default:
        return get_float(dtype, data, index);
    }
}

/* ---- writing ---- */

static enum element_fit set_float(onnxrun_dtype dtype, void *data, size_t index, double value)
{
    unsigned code = 0;
    if (dtype == ONNXRUN_DOUBLE) {
        ((double *)data)[index] = value;
        return ELEMENT_EXACT;
    }
    if (dtype == ONNXRUN_FLOAT) {
        if (isfinite(value) && fabs(value) >= 0x1.ffffffp+127) {
            return ELEMENT_IMPOSSIBLE;
        }
        ((float *)data)[index] = (float)value;
    } else if (!small_float_encode(dtype, value, &code)) {
        return ELEMENT_IMPOSSIBLE;
    } else if (onnxrun_dtype_size(dtype) == 1) {
        ((uint8_t *)data)[index] = (uint8_t)code;
    } else {
        ((uint16_t *)data)[index] = (uint16_t)code;
    }
    struct number written = get_float(dtype, data, index);
    bool is_equal = written.real == value || (isnan(value) && isnan(written.real));
    return is_equal ? ELEMENT_EXACT : ELEMENT_ROUNDED;
}

static void store_integer(onnxrun_dtype dtype, void *data, size_t index, uint64_t bits)
{
    switch (onnxrun_dtype_size(dtype)) {
    case 1:
        ((uint8_t *)data)[index] = (uint8_t)bits;
        break;
    case 2:
        ((uint16_t *)data)[index] = (uint16_t)bits;
        break;
    case 4:
        ((uint32_t *)data)[index] = (uint32_t)bits;
        break;
    default:
        ((uint64_t *)data)[index] = bits;
    }
}

static enum element_fit set_integer(onnxrun_dtype dtype, void *data, size_t index,
                                    const struct number *number)
{
    struct integer_range range = integer_range(dtype);
    int64_t value = number->integer;
    uint64_t above = number->kind == NUMBER_UINT ? number->above : 0;
    if (number->kind == NUMBER_REAL) {
        double real = number->real;
        if (number->imaginary != 0 || !isfinite(real) || floor(real) != real || real < -0x1p63 ||
            real >= 0x1p64) {
            return ELEMENT_IMPOSSIBLE;
        }
        above = real >= 0x1p63 ? (uint64_t)real : 0;
        value = real >= 0x1p63 ? 0 : (int64_t)real;
    }
    if (above != 0 ? dtype != ONNXRUN_UINT64 : value < range.low || value > range.high) {
        return ELEMENT_IMPOSSIBLE;
    }
    store_integer(dtype, data, index, above != 0 ? above : (uint64_t)value);
    return ELEMENT_EXACT;
}

/* True when the double nearest to the number is the number itself. */
static bool is_exact_real(const struct number *number)
{
    double real = number_real(number);
    switch (number->kind) {
    case NUMBER_INT:
        return real < 0x1p63 && (int64_t)real == number->integer;
    case NUMBER_UINT:
        return real < 0x1p64 && (uint64_t)real == number->above;
    case NUMBER_REAL:
        break;
    }
    return true;
}

enum element_fit element_set(onnxrun_dtype dtype, void *data, size_t index,
                             const struct number *number)
{
    if (element_is_integer(dtype)) {
        return set_integer(dtype, data, index, number);
    }
    enum element_fit fit, second = ELEMENT_EXACT;
    double real = number_real(number);
    double imaginary = number->kind == NUMBER_REAL ? number->imaginary : 0;
    if (element_is_complex(dtype)) {
        onnxrun_dtype part = dtype == ONNXRUN_COMPLEX64 ? ONNXRUN_FLOAT : ONNXRUN_DOUBLE;
        fit = set_float(part, data, 2 * index, real);
        second = set_float(part, data, 2 * index + 1, imaginary);
    } else if (element_is_float(dtype) && imaginary == 0) {
        fit = set_float(dtype, data, index, real);
    } else {
        return ELEMENT_IMPOSSIBLE;
    }
    fit = fit < second ? second : fit;
    return fit == ELEMENT_EXACT && !is_exact_real(number) ? ELEMENT_ROUNDED : fit;
}

/* ---- text, conversion ---- */

/* Digits that tell neighbouring values of the type apart. */
static int real_digits(onnxrun_dtype dtype)
{
    switch (dtype) {
    case ONNXRUN_DOUBLE:
    case ONNXRUN_COMPLEX128:
        return 15;
    case ONNXRUN_FLOAT:
    case ONNXRUN_COMPLEX64:
        return 8;
    case ONNXRUN_FLOAT16:
        return 5;
    default:
        return 4;
    }
}

const char *element_text(onnxrun_dtype dtype, const struct number *number,
                         char text[ELEMENT_TEXT_BYTES])
{
    int digits = real_digits(dtype);
    if (number->kind == NUMBER_INT) {
        (void)snprintf(text, ELEMENT_TEXT_BYTES, "%" PRId64, number->integer);
    } else if (number->kind == NUMBER_UINT) {
        (void)snprintf(text, ELEMENT_TEXT_BYTES, "%" PRIu64, number->above);
    } else if (element_is_complex(dtype)) {
        (void)snprintf(text, ELEMENT_TEXT_BYTES, "%.*g%+.*gj", digits, number->real, digits,
                       number->imaginary);
    } else if (isnan(number->real)) {
        (void)snprintf(text, ELEMENT_TEXT_BYTES, "nan");
    } else {
        (void)snprintf(text, ELEMENT_TEXT_BYTES, "%.*g", digits, number->real);
    }
    return text;
}

onnxrun_status element_convert(onnxrun_tensor **tensor, onnxrun_dtype dtype, onnxrun_error *error)
{
    onnxrun_dtype from = onnxrun_tensor_dtype(*tensor);
    onnxrun_tensor *result;
    char text[ELEMENT_TEXT_BYTES];
    if (from == dtype) {
        return ONNXRUN_OK;
    }
    if (from == ONNXRUN_STRING || dtype == ONNXRUN_STRING) {
        return tool_fail(error, ONNXRUN_ERR_ARGUMENT, "the data are %s, the model wants %s",
                         onnxrun_dtype_name(from), onnxrun_dtype_name(dtype));
    }
    onnxrun_status status = onnxrun_tensor_create(dtype, onnxrun_tensor_rank(*tensor),
                                                  onnxrun_tensor_dims(*tensor), &result, error);
    if (status != ONNXRUN_OK) {
        return status;
    }
    for (size_t i = 0; i < onnxrun_tensor_count(*tensor); i++) {
        struct number number = element_get(from, onnxrun_tensor_data(*tensor), i);
        void *data = onnxrun_tensor_mutable_data(result);
        if (element_set(dtype, data, i, &number) != ELEMENT_EXACT) {
            onnxrun_tensor_free(result);
            return tool_fail(error, ONNXRUN_ERR_ARGUMENT,
                             "the data are %s, the model wants %s, which cannot hold element %zu "
                             "(%s) exactly; convert the data first",
                             onnxrun_dtype_name(from), onnxrun_dtype_name(dtype), i,
                             element_text(from, &number, text));
        }
    }
    onnxrun_tensor_free(*tensor);
    *tensor = result;
    return ONNXRUN_OK;
}
