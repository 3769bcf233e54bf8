/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"
#include "support/session_test.h"

#include <math.h>

#define COUNT 20000

static void inference_keeps_every_element(void **state)
{
    (void)state;
    const float values[] = {1, -2, 3};
    struct op_test t;
    op_test_begin(&t, "", "Dropout", 1);
    op_test_int(&t, "is_test", 1);
    op_test_ints(&t, "consumed_inputs", 1, (int64_t[]){0});
    op_test_float(&t, "ratio", 2);
    op_test_input(&t, test_f32(SHAPE(3), values));
    op_test_output(&t, test_f32(SHAPE(3), values));
    op_test_run(&t);
    op_test_begin(&t, "", "Dropout", 7);
    op_test_float(&t, "ratio", 0.9f);
    op_test_input(&t, test_f32(SHAPE(3), values));
    op_test_output(&t, test_f32(SHAPE(3), values));
    op_test_output(&t, test_f32(SHAPE(3), (float[]){1, 1, 1}));
    op_test_run(&t);
    op_test_begin(&t, "", "Dropout", 13);
    op_test_input(&t, test_f32(SHAPE(3), values));
    op_test_input(&t, test_f32(SCALAR, (float[]){7}));
    op_test_input(&t, test_tensor(ONR_BOOL, SCALAR, (uint8_t[]){0}));
    op_test_output(&t, test_f32(SHAPE(3), values));
    op_test_output(&t, test_tensor(ONR_BOOL, SHAPE(3), (uint8_t[]){1, 1, 1}));
    op_test_run(&t);
}

static void masks_have_the_type_of_the_version(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Dropout", 6);
    op_test_float(&t, "ratio", 0);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){1, 2}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){1, 2}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){1, 1}));
    op_test_run(&t);
    op_test_begin(&t, "", "Dropout", 9);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1), (uint16_t[]){0x4000}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1), (uint16_t[]){0x4000}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1), (uint16_t[]){0x3c00}));
    op_test_run(&t);
    op_test_begin(&t, "", "Dropout", 10);
    op_test_input(&t, test_f32(SHAPE(0), NULL));
    op_test_output(&t, test_f32(SHAPE(0), NULL));
    op_test_output(&t, test_tensor(ONR_BOOL, SHAPE(0), NULL));
    op_test_run(&t);
}

static void training(struct op_test *t, const struct onr_tensor *x, const struct onr_tensor *ratio)
{
    op_test_begin(t, "", "Dropout", 22);
    op_test_input(t, x);
    op_test_input(t, ratio);
    op_test_input(t, test_tensor(ONR_BOOL, SCALAR, (uint8_t[]){1}));
    op_test_output(t, x);
}

static void training_with_ratio_0_keeps_every_element(void **state)
{
    (void)state;
    struct op_test t;
    training(&t, test_f32(SHAPE(2), (float[]){4, -INFINITY}), test_f32(SCALAR, (float[]){0}));
    op_test_run(&t);
    training(&t, test_tensor(ONR_BFLOAT16, SHAPE(1), (uint16_t[]){0x4000}),
             test_tensor(ONR_FLOAT16, SHAPE(1), (uint16_t[]){0x8000}));
    op_test_run(&t);
    training(&t, test_tensor(ONR_FLOAT8E4M3FN, SHAPE(3), (uint8_t[]){0x38, 0xb8, 0}),
             test_tensor(ONR_FLOAT8E5M2, SCALAR, (uint8_t[]){0}));
    op_test_run(&t);
}

/* Runs a model with 20,000 ones as x, and asserts that y is 0 or scale, as mask says, and how often. */
static void drops(const char *model, double ratio)
{
    struct session_test t;
    struct onr_tensor *x = test_f32(SHAPE(COUNT), NULL);
    float scale = (float)(1 / (1 - ratio));
    size_t dropped = 0;
    for (size_t i = 0; i < COUNT; i++) {
        ((float *)x->data)[i] = 1;
    }
    session_test_begin(&t, model);
    session_test_in(&t, "x", x);
    session_test_out(&t, "y", NULL);
    session_test_out(&t, "m", NULL);
    session_test_run(&t);
    const float *y = session_test_result(&t, 0).data;
    struct onr_tensor mask = session_test_result(&t, 1);
    for (size_t i = 0; i < COUNT; i++) {
        bool is_kept = mask.dtype == ONR_BOOL ? ((const uint8_t *)mask.data)[i] == 1
                                              : ((const float *)mask.data)[i] > 0;
        assert_true(fabsf(y[i] - (is_kept ? scale : 0)) < 1e-6f);
        dropped += !is_kept;
    }
    double deviation = sqrt(ratio * (1 - ratio) / COUNT);
    assert_true(fabs((double)dropped / COUNT - ratio) < 4 * deviation);
    session_test_end(&t);
}

static void training_drops_the_share_that_ratio_says(void **state)
{
    (void)state;
    drops("init bool on [1] = 1; init float r [1] = 0.25; in float x [n];"
          "y, m = Dropout(x, r, on) seed=3; out float y [n]; out bool m [n];",
          0.25);
    drops("init bool on [1] = 1; in float x [n]; y, m = Dropout(x, _, on) seed=4;"
          "out float y [n]; out bool m [n];",
          0.5);
    drops("opset 22; init bool on [1] = 1; init float r [1] = 0.9; in float x [n];"
          "y, m = Dropout(x, r, on) seed=5; out float y [n]; out bool m [n];",
          (double)0.9f);
}

/* What is dropped is multiplied, so that NaN stays. */
static void versions_before_7_train_unless_told_otherwise(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Dropout", 6);
    op_test_input(&t, test_f32(SHAPE(3), (float[]){NAN, NAN, NAN}));
    op_test_output(&t, test_f32(SHAPE(3), (float[]){NAN, NAN, NAN}));
    op_test_run(&t);
    op_test_float(&t, "ratio", 1);
    op_test_fails(&t, ONR_ERR_MODEL, "ratio is 1, expected at least 0 and less than 1");
}

static void wrong_ratios_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    const struct onr_tensor *x = test_f32(SHAPE(1), NULL);
    training(&t, x, test_f32(SCALAR, (float[]){1}));
    op_test_fails(&t, ONR_ERR_VALUE, "ratio is 1, expected at least 0 and less than 1");
    training(&t, x, test_f32(SCALAR, (float[]){-0.5f}));
    op_test_fails(&t, ONR_ERR_VALUE, "ratio is -0.5");
    training(&t, x, test_f32(SCALAR, (float[]){NAN}));
    op_test_fails(&t, ONR_ERR_VALUE, "ratio is nan");
    training(&t, x, test_f32(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "ratio has 2 elements, expected a scalar");
    training(&t, x, test_f32(SHAPE(0), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "ratio has 0 elements, expected a scalar");
    training(&t, x, NULL);
    t.inputs[2] = test_tensor(ONR_BOOL, SHAPE(3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "training_mode has 3 elements, expected a scalar");
    training(&t, x, test_tensor(ONR_FLOAT8E8M0, SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "input 1 of type float8e8m0");
    training(&t, test_i64(SHAPE(1), NULL), NULL);
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "input 0 of type int64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(inference_keeps_every_element, test_tensors_free),
        cmocka_unit_test_teardown(masks_have_the_type_of_the_version, test_tensors_free),
        cmocka_unit_test_teardown(training_with_ratio_0_keeps_every_element, test_tensors_free),
        cmocka_unit_test_teardown(training_drops_the_share_that_ratio_says, test_tensors_free),
        cmocka_unit_test_teardown(versions_before_7_train_unless_told_otherwise, test_tensors_free),
        cmocka_unit_test_teardown(wrong_ratios_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
