/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void begin(struct op_test *t, size_t axis_count, const int64_t *axes)
{
    op_test_begin(t, "", "MeanVarianceNormalization", 13);
    op_test_ints(t, "axes", axis_count, axes);
}

static void channels_are_normalised_by_default(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "MeanVarianceNormalization", 9);
    op_test_input(&t, test_f32(SHAPE(2, 2, 1, 1), (float[]){1, 10, 3, 30}));
    op_test_output(&t, test_f32(SHAPE(2, 2, 1, 1), (float[]){-1, -1, 1, 1}));
    op_test_run(&t);
}

static void equal_elements_give_zero_and_nan_spreads(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (int64_t[]){-1});
    op_test_input(&t,
                  test_f32(SHAPE(3, 3), (float[]){1e9f, 1e9f, 1e9f, 1, NAN, 2, 0.1f, 0.1f, 0.1f}));
    op_test_output(&t, test_f32(SHAPE(3, 3), (float[]){0, 0, 0, NAN, NAN, NAN, 0, 0, 0}));
    op_test_run(&t);
}

/* Mean and deviation over the dims of x [a, b, c] whose flag is set. */
static void check_axes(const bool reduced[3], size_t axis_count, const int64_t *axes)
{
    enum { A = 3, B = 5, C = 150 };
    struct op_test t;
    float *x = test_f32(SHAPE(A, B, C), NULL)->data;
    float *y = test_f32(SHAPE(A, B, C), NULL)->data;
    static double sum[A * B * C], square[A * B * C], count[A * B * C];
    test_random(3, A * B * C, x);
    for (int pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < A * B * C; i++) {
            size_t group = (reduced[0] ? 0 : i / (B * C) * B * C) +
                           (reduced[1] ? 0 : i / C % B * C) + (reduced[2] ? 0 : i % C);
            if (pass == 0) {
                sum[i] = square[i] = count[i] = 0;
            } else if (pass == 1) {
                sum[group] += (double)x[i];
                square[group] += (double)x[i] * (double)x[i];
                count[group]++;
            } else {
                double mean = sum[group] / count[group];
                double variance = square[group] / count[group] - mean * mean;
                y[i] = (float)(((double)x[i] - mean) / sqrt(variance));
            }
        }
    }
    begin(&t, axis_count, axes);
    t.rtol = 1e-4;
    op_test_input(&t, test_f32(SHAPE(A, B, C), x));
    op_test_output(&t, test_f32(SHAPE(A, B, C), y));
    op_test_run(&t);
}

static void any_axes_can_be_reduced(void **state)
{
    (void)state;
    check_axes((bool[]){true, false, false}, 1, (int64_t[]){0});
    check_axes((bool[]){true, true, false}, 2, (int64_t[]){1, 0});
    check_axes((bool[]){false, true, false}, 1, (int64_t[]){-2});
    check_axes((bool[]){true, false, true}, 2, (int64_t[]){0, 2});
    check_axes((bool[]){true, true, true}, 3, (int64_t[]){0, 1, 2});
    check_axes((bool[]){true, true, true}, 0, (int64_t[]){0});
}

static void every_float_type_works(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (int64_t[]){0});
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){1, 3}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){-1, 1}));
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_FLOAT16, SHAPE(2), (uint16_t[]){0x4000, 0x3c00});
    t.outputs[0] = test_tensor(ONR_FLOAT16, SHAPE(2), (uint16_t[]){0x3c00, 0xbc00});
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_BFLOAT16, SHAPE(2), (uint16_t[]){0x4000, 0x3f80});
    t.outputs[0] = test_tensor(ONR_BFLOAT16, SHAPE(2), (uint16_t[]){0x3f80, 0xbf80});
    op_test_run(&t);
    t.version = 12;
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "bfloat16");
}

static void empty_gives_empty(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (int64_t[]){1});
    op_test_input(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_run(&t);
    begin(&t, 1, (int64_t[]){0});
    op_test_input(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_run(&t);
}

static void wrong_axes_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "MeanVarianceNormalization", 13);
    op_test_input(&t, test_f32(SHAPE(2, 2, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "axis 3");
    begin(&t, 2, (int64_t[]){1, -1});
    op_test_input(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(channels_are_normalised_by_default, test_tensors_free),
        cmocka_unit_test_teardown(equal_elements_give_zero_and_nan_spreads, test_tensors_free),
        cmocka_unit_test_teardown(any_axes_can_be_reduced, test_tensors_free),
        cmocka_unit_test_teardown(every_float_type_works, test_tensors_free),
        cmocka_unit_test_teardown(empty_gives_empty, test_tensors_free),
        cmocka_unit_test_teardown(wrong_axes_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
