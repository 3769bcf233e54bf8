/* SPDX-License-Identifier: Apache-2.0 */
/* The comparison rules of the ONNX backend test suite (numpy.testing.assert_allclose). */
#include "common/compare.h"

#include "common/element.h"
#include "common/show.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool has_same_shape(const onnxrun_tensor *a, const onnxrun_tensor *b)
{
    size_t rank = onnxrun_tensor_rank(a);
    if (rank != onnxrun_tensor_rank(b)) {
        return false;
    }
    for (size_t i = 0; i < rank; i++) {
        if (onnxrun_tensor_dims(a)[i] != onnxrun_tensor_dims(b)[i]) {
            return false;
        }
    }
    return true;
}

/* |got - want|, infinite when only one is a number or an infinity differs. */
static double difference(const struct number *got, const struct number *want)
{
    double real_got = number_real(got), real_want = number_real(want);
    double imaginary_got = got->kind == NUMBER_REAL ? got->imaginary : 0;
    double imaginary_want = want->kind == NUMBER_REAL ? want->imaginary : 0;
    bool got_nan = isnan(real_got) || isnan(imaginary_got);
    bool want_nan = isnan(real_want) || isnan(imaginary_want);
    if (got_nan || want_nan) {
        return got_nan && want_nan ? 0 : (double)INFINITY;
    }
    if (real_got == real_want && imaginary_got == imaginary_want) {
        return 0;
    }
    return complex_length(real_got - real_want, imaginary_got - imaginary_want);
}

static double size_of(const struct number *number)
{
    return number->kind == NUMBER_REAL ? complex_length(number->real, number->imaginary)
                                       : fabs(number_real(number));
}

static bool is_close(const struct number *got, const struct number *want, double rtol, double atol,
                     double *error)
{
    *error = difference(got, want);
    return *error == 0 || (isfinite(*error) && *error <= atol + rtol * size_of(want));
}

struct precision {
    onnxrun_dtype dtype;
    int digits;       /* binary digits of the significand, with the leading one */
    int min_exponent; /* of the smallest normal number */
};

/* NULL for types that are not floats. */
static const struct precision *find_precision(onnxrun_dtype dtype)
{
    static const struct precision precisions[] = {
        {ONNXRUN_FLOAT, 24, -126},     {ONNXRUN_DOUBLE, 53, -1022},
        {ONNXRUN_FLOAT16, 11, -14},    {ONNXRUN_BFLOAT16, 8, -126},
        {ONNXRUN_FLOAT8E4M3FN, 4, -6}, {ONNXRUN_FLOAT8E4M3FNUZ, 4, -7},
        {ONNXRUN_FLOAT8E5M2, 3, -14},  {ONNXRUN_FLOAT8E5M2FNUZ, 3, -15},
        {ONNXRUN_FLOAT4E2M1, 2, 0},    {ONNXRUN_FLOAT6E2M3, 4, 0},
        {ONNXRUN_FLOAT6E3M2, 3, -2},
    };
    for (size_t i = 0; i < sizeof precisions / sizeof precisions[0]; i++) {
        if (precisions[i].dtype == dtype) {
            return &precisions[i];
        }
    }
    return NULL;
}

/* The precision with fewer digits; NULL when one of the types is no float. */
static const struct precision *coarser(onnxrun_dtype a, onnxrun_dtype b)
{
    const struct precision *left = find_precision(a), *right = find_precision(b);
    return left == NULL || right == NULL || left->digits <= right->digits ? left : right;
}

/* The distance between numbers of this precision about value. */
static double unit_in_last_place(const struct precision *precision, double value)
{
    int exponent = value == 0 ? precision->min_exponent : ilogb(value);
    int above = exponent > precision->min_exponent ? exponent : precision->min_exponent;
    return ldexp(1, above - precision->digits + 1);
}

static bool is_same_integer(const struct number *a, const struct number *b, double *error)
{
    *error = fabs(number_real(a) - number_real(b));
    return a->kind == b->kind &&
           (a->kind == NUMBER_UINT ? a->above == b->above : a->integer == b->integer);
}

static void describe(struct comparison *result, const onnxrun_tensor *got,
                     const onnxrun_tensor *want, size_t first, size_t bad_count)
{
    char index[160], got_text[ELEMENT_TEXT_BYTES] = "", want_text[ELEMENT_TEXT_BYTES] = "";
    onnxrun_dtype dtype = onnxrun_tensor_dtype(want);
    show_index(index, sizeof index, want, first);
    if (dtype == ONNXRUN_STRING) {
        const onnxrun_string *a = (const onnxrun_string *)onnxrun_tensor_data(got) + first;
        const onnxrun_string *b = (const onnxrun_string *)onnxrun_tensor_data(want) + first;
        (void)snprintf(got_text, sizeof got_text, "\"%.*s\"",
                       (int)(a->length < 60 ? a->length : 60), a->data);
        (void)snprintf(want_text, sizeof want_text, "\"%.*s\"",
                       (int)(b->length < 60 ? b->length : 60), b->data);
    } else {
        onnxrun_dtype got_dtype = onnxrun_tensor_dtype(got);
        struct number a = element_get(got_dtype, onnxrun_tensor_data(got), first);
        struct number b = element_get(dtype, onnxrun_tensor_data(want), first);
        (void)element_text(got_dtype, &a, got_text);
        (void)element_text(dtype, &b, want_text);
    }
    (void)snprintf(
        result->message, sizeof result->message,
        "%zu of %zu elements differ, first at %s: got %s, expected %s; largest error %.3g",
        bad_count, onnxrun_tensor_count(want), index, got_text, want_text, result->max_error);
}

static bool is_same_string(const onnxrun_tensor *got, const onnxrun_tensor *want, size_t index)
{
    const onnxrun_string *a = (const onnxrun_string *)onnxrun_tensor_data(got) + index;
    const onnxrun_string *b = (const onnxrun_string *)onnxrun_tensor_data(want) + index;
    return a->length == b->length && (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

/* The pair that is compared, and by what. */
struct pair {
    const onnxrun_tensor *got;
    const onnxrun_tensor *want;
    onnxrun_dtype got_dtype;
    onnxrun_dtype dtype; /* of want */
    const struct precision *precision;
    double rtol;
    double atol;
};

/* One number, whose error goes into the result; true when it is as expected. */
static bool compare_number(const struct pair *pair, size_t index, struct comparison *result)
{
    struct number got = element_get(pair->got_dtype, onnxrun_tensor_data(pair->got), index);
    struct number want = element_get(pair->dtype, onnxrun_tensor_data(pair->want), index);
    double error;
    bool is_good = element_is_integer(pair->dtype)
                       ? is_same_integer(&got, &want, &error)
                       : is_close(&got, &want, pair->rtol, pair->atol, &error);
    if (!(error > 0) || !isfinite(error)) {
        return is_good;
    }
    double size = size_of(&want);
    if (error > result->max_error) {
        result->max_error = error;
        result->worst = index;
    }
    if (size > 0) {
        result->max_relative = fmax(result->max_relative, error / size);
    }
    if (pair->precision != NULL) {
        double unit = unit_in_last_place(pair->precision, number_real(&want));
        result->max_ulp = fmax(result->max_ulp, error / unit);
    }
    return is_good;
}

static struct comparison compare_elements(const struct pair *pair)
{
    struct comparison result = {.is_equal = false};
    size_t first = 0, bad_count = 0;
    for (size_t i = 0; i < onnxrun_tensor_count(pair->want); i++) {
        bool is_good = pair->dtype == ONNXRUN_STRING ? is_same_string(pair->got, pair->want, i)
                                                     : compare_number(pair, i, &result);
        if (!is_good) {
            first = bad_count == 0 ? i : first;
            bad_count++;
        }
    }
    result.is_equal = bad_count == 0;
    if (!result.is_equal) {
        describe(&result, pair->got, pair->want, first, bad_count);
    }
    return result;
}

static struct comparison compare_pair(const onnxrun_tensor *got, const onnxrun_tensor *want,
                                      bool has_comparable_types, double rtol, double atol)
{
    if (!has_comparable_types || !has_same_shape(got, want)) {
        struct comparison result = {.is_equal = false};
        char *got_type = show_type(got), *want_type = show_type(want);
        (void)snprintf(result.message, sizeof result.message, "got %s, expected %s", got_type,
                       want_type);
        free(got_type);
        free(want_type);
        return result;
    }
    struct pair pair = {.got = got,
                        .want = want,
                        .got_dtype = onnxrun_tensor_dtype(got),
                        .dtype = onnxrun_tensor_dtype(want),
                        .rtol = rtol,
                        .atol = atol};
    pair.precision = coarser(pair.got_dtype, pair.dtype);
    return compare_elements(&pair);
}

struct comparison compare_tensors(const onnxrun_tensor *got, const onnxrun_tensor *want,
                                  double rtol, double atol)
{
    bool is_same = onnxrun_tensor_dtype(got) == onnxrun_tensor_dtype(want);
    return compare_pair(got, want, is_same, rtol, atol);
}

struct comparison compare_numbers(const onnxrun_tensor *got, const onnxrun_tensor *want,
                                  double rtol, double atol)
{
    onnxrun_dtype a = onnxrun_tensor_dtype(got), b = onnxrun_tensor_dtype(want);
    bool are_numbers = a != ONNXRUN_STRING && b != ONNXRUN_STRING;
    bool is_comparable = a == b || (are_numbers && element_is_integer(a) == element_is_integer(b));
    return compare_pair(got, want, is_comparable, rtol, atol);
}

static void print_kind(char *text, size_t capacity, const onnxrun_tensor *value)
{
    if (value != NULL && onnxrun_tensor_kind(value) == ONNXRUN_KIND_SEQUENCE) {
        (void)snprintf(text, capacity, "a sequence of %zu tensors", onnxrun_tensor_count(value));
    } else {
        (void)snprintf(text, capacity, "%s", value != NULL ? "a tensor" : "no element");
    }
}

struct comparison compare_values(const onnxrun_tensor *got, const onnxrun_tensor *want, double rtol,
                                 double atol)
{
    struct comparison result = {.is_equal = true};
    bool is_sequence = want != NULL && onnxrun_tensor_kind(want) == ONNXRUN_KIND_SEQUENCE;
    size_t count = is_sequence ? onnxrun_tensor_count(want) : 0;
    if ((got == NULL) != (want == NULL) ||
        (got != NULL && onnxrun_tensor_kind(got) != onnxrun_tensor_kind(want)) ||
        (is_sequence && onnxrun_tensor_count(got) != count)) {
        char got_kind[64], want_kind[64];
        print_kind(got_kind, sizeof got_kind, got);
        print_kind(want_kind, sizeof want_kind, want);
        result.is_equal = false;
        (void)snprintf(result.message, sizeof result.message, "got %s, expected %s", got_kind,
                       want_kind);
        return result;
    }
    if (want != NULL && !is_sequence) {
        return compare_tensors(got, want, rtol, atol);
    }
    for (size_t i = 0; i < count; i++) {
        struct comparison item =
            compare_tensors(onnxrun_sequence_at(got, i), onnxrun_sequence_at(want, i), rtol, atol);
        result.max_error = fmax(result.max_error, item.max_error);
        result.max_relative = fmax(result.max_relative, item.max_relative);
        result.max_ulp = fmax(result.max_ulp, item.max_ulp);
        if (!item.is_equal && result.is_equal) {
            result.is_equal = false;
            (void)snprintf(result.message, sizeof result.message, "tensor %zu: %.350s", i,
                           item.message);
        }
    }
    return result;
}
