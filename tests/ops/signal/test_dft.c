/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

/* y[k] of the definition, for one signal of n complex numbers. */
static void naive(size_t n, const double *x, double *y, double sign, double scale)
{
    for (size_t k = 0; k < n; k++) {
        y[2 * k] = 0;
        y[2 * k + 1] = 0;
        for (size_t i = 0; i < n; i++) {
            double t = sign * 2 * PI * (double)(k * i % n) / (double)n;
            y[2 * k] += scale * (x[2 * i] * cos(t) - x[2 * i + 1] * sin(t));
            y[2 * k + 1] += scale * (x[2 * i] * sin(t) + x[2 * i + 1] * cos(t));
        }
    }
}

/* A random complex signal of n numbers, as doubles. */
static struct onr_tensor *random_signal(size_t n, int64_t batch)
{
    struct onr_tensor *x = test_tensor(ONR_DOUBLE, SHAPE(batch, (int64_t)n, 2), NULL);
    float values[4096];
    size_t count = 2 * n * (size_t)batch;
    test_random(n, count, values);
    for (size_t i = 0; i < count; i++) {
        ((double *)x->data)[i] = (double)values[i];
    }
    return x;
}

static void check_length(size_t n, bool is_inverse)
{
    struct op_test t;
    struct onr_tensor *x = random_signal(n, 2);
    struct onr_tensor *y = test_tensor(ONR_DOUBLE, SHAPE(2, (int64_t)n, 2), NULL);
    for (size_t b = 0; b < 2; b++) {
        naive(n, (double *)x->data + 2 * n * b, (double *)y->data + 2 * n * b, is_inverse ? 1 : -1,
              is_inverse ? 1.0 / (double)n : 1.0);
    }
    op_test_begin(&t, "", "DFT", 20);
    op_test_int(&t, "inverse", is_inverse);
    op_test_input(&t, x);
    op_test_output(&t, y);
    t.rtol = 1e-12;
    t.atol = 1e-12;
    op_test_run(&t);
}

static void every_length_agrees_with_the_definition(void **state)
{
    static const size_t lengths[] = {1,  2,  3,  4,  5,  6,  7,  8,   9,   12,  16,  17,
                                     31, 32, 37, 60, 64, 74, 97, 100, 128, 210, 331, 400};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        check_length(lengths[i], i % 2 == 1);
        test_tensors_free(NULL);
    }
}

static void real_signals_along_any_axis(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "DFT", 17);
    op_test_int(&t, "axis", 0);
    op_test_input(&t, test_f32(SHAPE(2, 2, 1), (float[]){1, 2, 3, 5}));
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), (float[]){4, 0, 7, 0, -2, 0, -3, 0}));
    op_test_run(&t);
    op_test_begin(&t, "", "DFT", 20);
    op_test_input(&t, test_f32(SHAPE(2, 2, 1), (float[]){1, 2, 3, 5}));
    op_test_input(&t, NULL);
    op_test_input(&t, test_i64(SCALAR, (int64_t[]){-3}));
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), (float[]){4, 0, 7, 0, -2, 0, -3, 0}));
    op_test_run(&t);
}

static void the_length_cuts_and_pads(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "DFT", 17);
    op_test_input(&t, test_f32(SHAPE(1, 3, 1), (float[]){1, 2, 3}));
    op_test_input(&t, test_tensor(ONR_INT32, SCALAR, (int32_t[]){2}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){3, 0, -1, 0}));
    op_test_run(&t);
    op_test_begin(&t, "", "DFT", 20);
    op_test_int(&t, "onesided", 1);
    op_test_input(&t, test_f32(SHAPE(1, 3, 1), (float[]){1, 2, 3}));
    op_test_input(&t, test_i64(SHAPE(1), (int64_t[]){4}));
    op_test_output(&t, test_f32(SHAPE(1, 3, 2), (float[]){6, 0, -2, -2, 2, 0}));
    op_test_run(&t);
}

static void a_half_spectrum_becomes_a_real_signal(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "DFT", 20);
    op_test_int(&t, "onesided", 1);
    op_test_int(&t, "inverse", 1);
    /* the 9s stand where symmetry leaves only a real part */
    op_test_input(&t, test_f32(SHAPE(1, 3, 2), (float[]){6, 9, -2, -2, 2, 9}));
    op_test_output(&t, test_f32(SHAPE(1, 4, 1), (float[]){1, 2, 3, 0}));
    op_test_run(&t);
    op_test_begin(&t, "", "DFT", 17);
    op_test_int(&t, "onesided", 1);
    op_test_int(&t, "inverse", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){6, 0, -1.5f, 0.8660254f}));
    op_test_input(&t, test_i64(SCALAR, (int64_t[]){3}));
    op_test_output(&t, test_f32(SHAPE(1, 3, 1), (float[]){1, 2, 3}));
    op_test_run(&t);
}

static void half_types_and_empty_batches(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "DFT", 20);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 2, 1), (uint16_t[]){0x3c00, 0x4000}));
    op_test_output(&t,
                   test_tensor(ONR_FLOAT16, SHAPE(1, 2, 2), (uint16_t[]){0x4200, 0, 0xbc00, 0}));
    op_test_run(&t);
    op_test_begin(&t, "", "DFT", 20);
    op_test_input(&t, test_tensor(ONR_BFLOAT16, SHAPE(0, 5, 1), NULL));
    op_test_output(&t, test_tensor(ONR_BFLOAT16, SHAPE(0, 5, 2), NULL));
    op_test_run(&t);
}

static void refuse(struct onr_tensor *x, const int64_t *length, const int64_t *axis, int onesided,
                   int inverse, enum onr_status status, const char *text)
{
    struct op_test t;
    op_test_begin(&t, "", "DFT", 20);
    op_test_int(&t, "onesided", onesided);
    op_test_int(&t, "inverse", inverse);
    op_test_input(&t, x);
    op_test_input(&t, length != NULL ? test_i64(SCALAR, length) : NULL);
    if (axis != NULL) {
        op_test_input(&t, test_i64(SCALAR, axis));
    }
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, status, text);
}

static void bad_inputs_are_refused(void **state)
{
    (void)state;
    struct onr_tensor *real = test_f32(SHAPE(2, 4, 1), NULL);
    struct onr_tensor *complex = test_f32(SHAPE(2, 4, 2), NULL);
    refuse(test_f32(SHAPE(2, 4, 3), NULL), NULL, NULL, 0, 0, ONR_ERR_SHAPE, "last dimension is 3");
    refuse(test_f32(SHAPE(4), NULL), NULL, NULL, 0, 0, ONR_ERR_SHAPE, "rank 1");
    refuse(complex, NULL, NULL, 1, 0, ONR_ERR_SHAPE, "expected 1 for a onesided forward");
    refuse(real, NULL, NULL, 1, 1, ONR_ERR_SHAPE, "expected 2 for a onesided inverse");
    refuse(real, NULL, (int64_t[]){2}, 0, 0, ONR_ERR_SHAPE, "axis is 2");
    refuse(real, NULL, (int64_t[]){3}, 0, 0, ONR_ERR_SHAPE, "axis 3 out of range");
    refuse(real, (int64_t[]){0}, NULL, 0, 0, ONR_ERR_VALUE, "dft_length is 0");
    refuse(real, (int64_t[]){INT64_MIN}, NULL, 0, 0, ONR_ERR_VALUE, "dft_length is -");
    refuse(test_f32(SHAPE(2, 0, 1), NULL), NULL, NULL, 0, 0, ONR_ERR_SHAPE, "length 0");
    refuse(test_f32(SHAPE(0, 4, 1), NULL), (int64_t[]){(int64_t)1 << 40}, NULL, 0, 0, ONR_ERR_LIMIT,
           "Fourier transform of length");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_length_agrees_with_the_definition, test_tensors_free),
        cmocka_unit_test_teardown(real_signals_along_any_axis, test_tensors_free),
        cmocka_unit_test_teardown(the_length_cuts_and_pads, test_tensors_free),
        cmocka_unit_test_teardown(a_half_spectrum_becomes_a_real_signal, test_tensors_free),
        cmocka_unit_test_teardown(half_types_and_empty_batches, test_tensors_free),
        cmocka_unit_test_teardown(bad_inputs_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
