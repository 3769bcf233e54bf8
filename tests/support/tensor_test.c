/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors for tests: literals, random numbers, comparison. */
#include "base/half.h"
#include "support/test.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TENSORS 4096

static struct onr_tensor *all_tensors[MAX_TENSORS];
static size_t tensor_count;

struct onr_tensor *test_tensor(enum onr_dtype dtype, size_t rank, const int64_t *dims,
                               const void *values)
{
    assert_true(rank <= ONR_MAX_RANK && tensor_count < MAX_TENSORS);
    struct onr_tensor *tensor = calloc(1, sizeof *tensor);
    assert_non_null(tensor);
    tensor->dtype = dtype;
    tensor->shape.rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        tensor->shape.dim[i] = dims[i];
    }
    size_t bytes = onr_tensor_bytes(tensor);
    /* Exactly as large as needed, so that AddressSanitizer sees what reads or writes behind it. */
    tensor->data = malloc(bytes);
    if (values != NULL && bytes > 0) {
        memcpy(tensor->data, values, bytes);
    } else if (bytes > 0) {
        memset(tensor->data, 0, bytes);
    }
    all_tensors[tensor_count++] = tensor;
    return tensor;
}

void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("got\n%s\nexpected a part:\n%s", text, part);
    }
}

int test_tensors_free(void **state)
{
    (void)state;
    while (tensor_count > 0) {
        struct onr_tensor *tensor = all_tensors[--tensor_count];
        free(tensor->data);
        free(tensor);
    }
    return 0;
}

void test_random(uint64_t seed, size_t count, float *values)
{
    uint64_t x = seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du;
    for (size_t i = 0; i < count; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        values[i] = (float)(int32_t)(x >> 32) * 0x1p-31f;
    }
}

/* Element i as a double; exact for all types but 64-bit integers. */
static double element(const struct onr_tensor *t, size_t i)
{
    switch (t->dtype) {
    case ONR_FLOAT:
        return (double)((const float *)t->data)[i];
    case ONR_DOUBLE:
        return ((const double *)t->data)[i];
    case ONR_FLOAT16:
        return (double)onr_half_to_float(((const uint16_t *)t->data)[i]);
    case ONR_BFLOAT16:
        return (double)onr_bfloat16_to_float(((const uint16_t *)t->data)[i]);
    default: {
        const uint8_t *bytes = (const uint8_t *)t->data + i * onr_dtype_size(t->dtype);
        int64_t value = 0;
        memcpy(&value, bytes, onr_dtype_size(t->dtype) < 8 ? onr_dtype_size(t->dtype) : 8);
        return (double)value;
    }
    }
}

static int strings_equal(const struct onr_tensor *a, const struct onr_tensor *b, size_t i)
{
    const struct onr_string *x = (const struct onr_string *)a->data + i;
    const struct onr_string *y = (const struct onr_string *)b->data + i;
    return x->length == y->length && (x->length == 0 || memcmp(x->data, y->data, x->length) == 0);
}

static int elements_close(const struct onr_tensor *got, const struct onr_tensor *want, size_t i,
                          double rtol, double atol)
{
    size_t size = onr_dtype_size(got->dtype);
    if (got->dtype == ONR_STRING) {
        return strings_equal(got, want, i);
    }
    if (!onr_dtypes_has(ONR_DTYPES_FLOAT, got->dtype)) {
        return memcmp((const char *)got->data + i * size, (const char *)want->data + i * size,
                      size) == 0;
    }
    double g = element(got, i);
    double w = element(want, i);
    if (isnan(w) || isnan(g)) {
        return isnan(w) && isnan(g);
    }
    if (isinf(w) || isinf(g)) {
        return g == w;
    }
    return fabs(g - w) <= atol + rtol * fabs(w);
}

void assert_tensor_close(const struct onr_tensor *got, const struct onr_tensor *want, double rtol,
                         double atol)
{
    char a[ONR_SHAPE_TEXT_BYTES];
    char b[ONR_SHAPE_TEXT_BYTES];
    if (got->dtype != want->dtype || !onr_shape_equal(&got->shape, &want->shape)) {
        fail_msg("got %s %s, expected %s %s", onr_dtype_name(got->dtype),
                 onr_shape_text(&got->shape, a), onr_dtype_name(want->dtype),
                 onr_shape_text(&want->shape, b));
    }
    size_t count = (size_t)onr_tensor_count(want);
    for (size_t i = 0; i < count; i++) {
        if (!elements_close(got, want, i, rtol, atol)) {
            fail_msg("%s %s: element %zu is %.9g, expected %.9g", onr_dtype_name(got->dtype),
                     onr_shape_text(&got->shape, a), i, element(got, i), element(want, i));
        }
    }
}
