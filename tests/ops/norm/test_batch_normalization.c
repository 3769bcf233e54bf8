/* SPDX-License-Identifier: Apache-2.0 */
#include "base/half.h"
#include "support/op_test.h"

#include <math.h>

static void inference_uses_the_given_statistics(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "BatchNormalization", 15);
    op_test_float(&t, "epsilon", 0);
    op_test_input(&t, test_f32(SHAPE(2, 2, 2), (float[]){1, 3, 5, 7, 3, 1, 7, 5}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 2}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){0, 10}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){2, 6}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 4}));
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), (float[]){-1, 1, 9, 11, 1, -1, 11, 9}));
    op_test_run(&t);
    t.inputs[4] = test_f32(SHAPE(3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "var has shape 3, expected 2");
    t.inputs[4] = test_f32(SHAPE(2), NULL);
    t.inputs[0] = test_f32(SCALAR, NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input has rank 0, expected at least 1");
}

/* More channels than are converted at a time; all numbers are whole in float16 too. */
static void rows_of_channels(void **state)
{
    (void)state;
    enum { ROWS = 3, CHANNELS = 300 };
    float x[ROWS * CHANNELS], y[ROWS * CHANNELS], scale[CHANNELS], bias[CHANNELS], var[CHANNELS];
    uint16_t half_x[ROWS * CHANNELS], half_y[ROWS * CHANNELS];
    for (int c = 0; c < CHANNELS; c++) {
        scale[c] = (float)(c % 5);
        bias[c] = (float)(c % 7 - 3);
        var[c] = c % 2 == 0 ? 0.25f : 1;
    }
    for (int i = 0; i < ROWS * CHANNELS; i++) {
        int c = i % CHANNELS;
        x[i] = (float)(i % 11);
        y[i] = (x[i] - bias[c]) * scale[c] * (c % 2 == 0 ? 2 : 1) + bias[c];
        half_x[i] = onr_float_to_half(x[i]);
        half_y[i] = onr_float_to_half(y[i]);
    }
    struct op_test t;
    op_test_begin(&t, "", "BatchNormalization", 15);
    op_test_float(&t, "epsilon", 0);
    op_test_input(&t, test_f32(SHAPE(ROWS, CHANNELS), x));
    op_test_input(&t, test_f32(SHAPE(CHANNELS), scale));
    op_test_input(&t, test_f32(SHAPE(CHANNELS), bias));
    op_test_input(&t, test_f32(SHAPE(CHANNELS), bias));
    op_test_input(&t, test_f32(SHAPE(CHANNELS), var));
    op_test_output(&t, test_f32(SHAPE(ROWS, CHANNELS), y));
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_FLOAT16, SHAPE(ROWS, CHANNELS), half_x);
    t.outputs[0] = test_tensor(ONR_FLOAT16, SHAPE(ROWS, CHANNELS), half_y);
    op_test_run(&t);
}

static void types_of_the_parameters_may_differ(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "BatchNormalization", 15);
    op_test_float(&t, "epsilon", 0);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1), (uint16_t[]){0x4200}));
    for (int i = 0; i < 2; i++) {
        op_test_input(&t, test_f32(SHAPE(1), (float[]){1}));
    }
    for (int i = 0; i < 2; i++) {
        op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1), (double[]){1}));
    }
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1), (uint16_t[]){0x4200}));
    op_test_run(&t);
}

/* Channels {1, 3, 3, 1} and {5, 7, 7, 9}: means 2 and 7, variances 1 and 2. */
static void example(struct op_test *t, int64_t version)
{
    op_test_begin(t, "", "BatchNormalization", version);
    op_test_float(t, "epsilon", 2);
    op_test_float(t, "momentum", 0.75f);
    op_test_input(t, test_f32(SHAPE(2, 2, 2), (float[]){1, 3, 5, 7, 3, 1, 7, 9}));
    op_test_input(t, test_f32(SHAPE(2), (float[]){sqrtf(3), 2}));
    op_test_input(t, test_f32(SHAPE(2), (float[]){0, 10}));
    op_test_input(t, test_f32(SHAPE(2), (float[]){6, 3}));
    op_test_input(t, test_f32(SHAPE(2), (float[]){5, 6}));
    op_test_output(t, test_f32(SHAPE(2, 2, 2), (float[]){-1, 1, 8, 10, 1, -1, 10, 12}));
}

static void training_uses_the_statistics_of_the_batch(void **state)
{
    (void)state;
    struct op_test t;
    example(&t, 15);
    op_test_int(&t, "training_mode", 1);
    op_test_output(&t, test_f32(SHAPE(2), (float[]){5, 4}));
    op_test_output(&t, test_f32(SHAPE(2), (float[]){4, 5}));
    op_test_run(&t);
    t.outputs[1] = NULL;
    op_test_run(&t);
    t.output_count = 1;
    op_test_run(&t);
}

static void versions_before_14_also_give_the_statistics_themselves(void **state)
{
    (void)state;
    static const int64_t versions[] = {1, 6, 7, 9, 13};
    for (int i = 0; i < 5; i++) {
        struct op_test t;
        example(&t, versions[i]);
        op_test_output(&t, test_f32(SHAPE(2), (float[]){5, 4}));
        op_test_output(&t, test_f32(SHAPE(2), (float[]){4, 5}));
        op_test_output(&t, test_f32(SHAPE(2), (float[]){2, 7}));
        op_test_output(&t, test_f32(SHAPE(2), (float[]){1, 2}));
        op_test_run(&t);
    }
    struct op_test t;
    example(&t, 6);
    op_test_run(&t);
}

static void statistics_of_any_shape_and_type(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "BatchNormalization", 14);
    op_test_float(&t, "epsilon", 0);
    op_test_float(&t, "momentum", 0);
    op_test_int(&t, "training_mode", 1);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(4), (double[]){0, 4, 4, 0}));
    for (int i = 0; i < 2; i++) {
        op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1), (double[]){1}));
    }
    for (int i = 0; i < 2; i++) {
        op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1), (uint16_t[]){0}));
    }
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(4), (double[]){0, 2, 2, 0}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1), (uint16_t[]){0x4000}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1), (uint16_t[]){0x4400}));
    op_test_run(&t);
}

static void the_statistics_of_nothing_are_nan(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "BatchNormalization", 15);
    op_test_int(&t, "training_mode", 1);
    op_test_input(&t, test_f32(SHAPE(0, 2, 3), NULL));
    for (int i = 0; i < 4; i++) {
        op_test_input(&t, test_f32(SHAPE(2), NULL));
    }
    op_test_output(&t, test_f32(SHAPE(0, 2, 3), NULL));
    op_test_output(&t, test_f32(SHAPE(2), (float[]){NAN, NAN}));
    op_test_output(&t, test_f32(SHAPE(2), (float[]){NAN, NAN}));
    op_test_run(&t);
    t.inputs[0] = test_f32(SHAPE(2, 0), NULL);
    t.outputs[0] = t.inputs[0];
    for (int i = 1; i < 5; i++) {
        t.inputs[i] = test_f32(SHAPE(0), NULL);
    }
    t.outputs[1] = t.outputs[2] = t.inputs[1];
    op_test_run(&t);
}

/* A channel of many elements, in pieces, against a plain loop. */
static void large_channels_are_summed_whole(void **state)
{
    (void)state;
    enum { BATCH = 3, CHANNELS = 5, INNER = 1000 };
    struct onr_tensor *x = test_f32(SHAPE(BATCH, CHANNELS, INNER), NULL);
    struct onr_tensor *y = test_f32(SHAPE(BATCH, CHANNELS, INNER), NULL);
    struct onr_tensor *ones = test_f32(SHAPE(CHANNELS), (float[]){1, 1, 1, 1, 1});
    test_random(1, BATCH * CHANNELS * INNER, x->data);
    for (size_t c = 0; c < CHANNELS; c++) {
        double sum = 0;
        double squares = 0;
        for (size_t i = 0; i < BATCH * INNER; i++) {
            double value =
                (double)((float *)x->data)[(i / INNER * CHANNELS + c) * INNER + i % INNER];
            sum += value;
            squares += value * value;
        }
        double mean = sum / (BATCH * INNER);
        double variance = squares / (BATCH * INNER) - mean * mean;
        for (size_t i = 0; i < BATCH * INNER; i++) {
            size_t at = (i / INNER * CHANNELS + c) * INNER + i % INNER;
            ((float *)y->data)[at] =
                (float)(((double)((float *)x->data)[at] - mean) / sqrt(variance + 1e-5) + 1);
        }
    }
    struct op_test t;
    op_test_begin(&t, "", "BatchNormalization", 15);
    op_test_int(&t, "training_mode", 1);
    op_test_input(&t, x);
    for (int i = 0; i < 4; i++) {
        op_test_input(&t, ones);
    }
    op_test_output(&t, y);
    op_test_run(&t);
}

static void without_spatial_each_place_is_a_channel(void **state)
{
    (void)state;
    static const int64_t versions[] = {6, 7};
    for (int i = 0; i < 2; i++) {
        struct op_test t;
        op_test_begin(&t, "", "BatchNormalization", versions[i]);
        op_test_float(&t, "epsilon", 0);
        op_test_int(&t, "spatial", 0);
        op_test_input(&t, test_f32(SHAPE(2, 1, 2), (float[]){1, 3, 5, 9}));
        op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){1, 2}));
        op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){0, 10}));
        op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){1, 3}));
        op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){4, 9}));
        if (versions[i] == 7) {
            op_test_output(&t, test_f32(SHAPE(2, 1, 2), (float[]){0, 10, 2, 14}));
        } else {
            op_test_output(&t, test_f32(SHAPE(2, 1, 2), (float[]){-1, 8, 1, 12}));
            op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){1.2f, 3.3f}));
            op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){4, 9}));
        }
        op_test_run(&t);
        t.inputs[3] = test_f32(SHAPE(1), NULL);
        op_test_fails(&t, ONR_ERR_SHAPE, "mean has shape 1, expected 1x2");
    }
}

static void outputs_of_training_are_refused_in_inference(void **state)
{
    (void)state;
    struct op_test t;
    example(&t, 14);
    op_test_output(&t, test_f32(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "output 1 is wanted, which only training makes");
    example(&t, 6);
    op_test_int(&t, "is_test", 1);
    op_test_output(&t, NULL);
    op_test_output(&t, test_f32(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "output 2 is wanted, which only training makes");
    example(&t, 9);
    op_test_int(&t, "spatial", 1);
    op_test_fails(&t, ONR_ERR_MODEL, "attribute \"spatial\" is not known");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(inference_uses_the_given_statistics, test_tensors_free),
        cmocka_unit_test_teardown(rows_of_channels, test_tensors_free),
        cmocka_unit_test_teardown(types_of_the_parameters_may_differ, test_tensors_free),
        cmocka_unit_test_teardown(training_uses_the_statistics_of_the_batch, test_tensors_free),
        cmocka_unit_test_teardown(versions_before_14_also_give_the_statistics_themselves,
                                  test_tensors_free),
        cmocka_unit_test_teardown(statistics_of_any_shape_and_type, test_tensors_free),
        cmocka_unit_test_teardown(the_statistics_of_nothing_are_nan, test_tensors_free),
        cmocka_unit_test_teardown(large_channels_are_summed_whole, test_tensors_free),
        cmocka_unit_test_teardown(without_spatial_each_place_is_a_channel, test_tensors_free),
        cmocka_unit_test_teardown(outputs_of_training_are_refused_in_inference, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
