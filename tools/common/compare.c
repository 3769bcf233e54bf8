/* SPDX-License-Identifier: Apache-2.0 */
/* The comparison rules of the ONNX backend test suite (numpy.testing.assert_allclose). */
#include "common/compare.h"

#include "common/element.h"
#include "common/show.h"

#include <inttypes.h>
#include <math.h>
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

static void print_type(char *text, size_t capacity, const onnxrun_tensor *tensor)
{
    size_t rank = onnxrun_tensor_rank(tensor);
    (void)snprintf(text, capacity, "%s[", onnxrun_dtype_name(onnxrun_tensor_dtype(tensor)));
    for (size_t i = 0; i < rank; i++) {
        size_t used = strlen(text);
        (void)snprintf(text + used, capacity - used, "%s%" PRId64, i > 0 ? ", " : "",
                       onnxrun_tensor_dims(tensor)[i]);
    }
    size_t used = strlen(text);
    (void)snprintf(text + used, capacity - used, "]");
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
    return hypot(real_got - real_want, imaginary_got - imaginary_want);
}

static bool is_close(const struct number *got, const struct number *want, double rtol, double atol,
                     double *error)
{
    *error = difference(got, want);
    double size = want->kind == NUMBER_REAL ? hypot(want->real, want->imaginary) : 0;
    return *error == 0 || (isfinite(*error) && *error <= atol + rtol * size);
}

struct precision {
    onnxrun_dtype dtype;
    int digits;       /* binary digits of the significand, with the leading one */
    int min_exponent; /* of the smallest normal number */
};

/* The distance between numbers of this type about value; 0 for types that are not floats. */
static double unit_in_last_place(onnxrun_dtype dtype, double value)
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
        const struct precision *precision = &precisions[i];
        if (precision->dtype == dtype) {
            int exponent = value == 0 ? precision->min_exponent : ilogb(value);
            int above = exponent > precision->min_exponent ? exponent : precision->min_exponent;
            return ldexp(1, above - precision->digits + 1);
        }
    }
    return 0;
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
        struct number a = element_get(dtype, onnxrun_tensor_data(got), first);
        struct number b = element_get(dtype, onnxrun_tensor_data(want), first);
        (void)element_text(dtype, &a, got_text);
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

static bool compare_element(const onnxrun_tensor *got, const onnxrun_tensor *want, size_t index,
                            double rtol, double atol, double *error)
{
    onnxrun_dtype dtype = onnxrun_tensor_dtype(want);
    *error = 0;
    if (dtype == ONNXRUN_STRING) {
        return is_same_string(got, want, index);
    }
    struct number a = element_get(dtype, onnxrun_tensor_data(got), index);
    struct number b = element_get(dtype, onnxrun_tensor_data(want), index);
    return element_is_integer(dtype) ? is_same_integer(&a, &b, error)
                                     : is_close(&a, &b, rtol, atol, error);
}

static double error_in_ulp(const onnxrun_tensor *want, size_t index, double error)
{
    onnxrun_dtype dtype = onnxrun_tensor_dtype(want);
    struct number number = element_get(dtype, onnxrun_tensor_data(want), index);
    double unit = unit_in_last_place(dtype, number_real(&number));
    return unit > 0 ? error / unit : 0;
}

struct comparison compare_tensors(const onnxrun_tensor *got, const onnxrun_tensor *want,
                                  double rtol, double atol)
{
    struct comparison result = {.is_equal = false};
    size_t first = 0, bad_count = 0;
    if (onnxrun_tensor_dtype(got) != onnxrun_tensor_dtype(want) || !has_same_shape(got, want)) {
        char got_type[128], want_type[128];
        print_type(got_type, sizeof got_type, got);
        print_type(want_type, sizeof want_type, want);
        (void)snprintf(result.message, sizeof result.message, "got %s, expected %s", got_type,
                       want_type);
        return result;
    }
    for (size_t i = 0; i < onnxrun_tensor_count(want); i++) {
        double error;
        if (!compare_element(got, want, i, rtol, atol, &error)) {
            first = bad_count == 0 ? i : first;
            bad_count++;
        }
        if (isfinite(error) && error > 0) {
            result.max_error = fmax(result.max_error, error);
            result.max_ulp = fmax(result.max_ulp, error_in_ulp(want, i, error));
        }
    }
    result.is_equal = bad_count == 0;
    if (!result.is_equal) {
        describe(&result, got, want, first, bad_count);
    }
    return result;
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
        result.max_ulp = fmax(result.max_ulp, item.max_ulp);
        if (!item.is_equal && result.is_equal) {
            result.is_equal = false;
            (void)snprintf(result.message, sizeof result.message, "tensor %zu: %.350s", i,
                           item.message);
        }
    }
    return result;
}
