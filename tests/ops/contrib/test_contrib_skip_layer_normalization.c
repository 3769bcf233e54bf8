/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void layer_form_with_all_inputs_and_outputs(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "SkipLayerNormalization", 1);
    op_test_float(&t, "epsilon", 0);
    op_test_input(&t, test_f32(SHAPE(2, 1, 2), (float[]){0, 1, 7, 3}));
    op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){1, 1}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 2}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){0, 10}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){0, 1}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 2), (float[]){-1, 12, 1, 8}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 1), (float[]){2, 6.5f}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 1), (float[]){1, 2 / 3.f}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 2), (float[]){1, 3, 8, 5}));
    t.outputs[2] = test_f32(SHAPE(2, 1, 1), (float[]){1, 1 / 1.5f});
    op_test_run(&t);
}

static void simplified_form_hands_out_the_sum_as_fourth_output(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "SkipSimplifiedLayerNormalization", 1);
    op_test_float(&t, "epsilon", 0);
    op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){0, 3}));
    op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){1, 4}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 10}));
    op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){0.2f, 14}));
    op_test_output(&t, NULL);
    op_test_output(&t, NULL);
    op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){1, 7}));
    op_test_run(&t);
}

static void half_types_and_double(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "SkipSimplifiedLayerNormalization", 1);
    op_test_float(&t, "epsilon", 0);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 2), (uint16_t[]){0, 0x4200}));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 2), (uint16_t[]){0x3c00, 0x4400}));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(2), (uint16_t[]){0x4500, 0x4500}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 2), (uint16_t[]){0x3c00, 0x4700}));
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "SkipLayerNormalization", 1);
    op_test_float(&t, "epsilon", 0);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 2), (double[]){0, 1}));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 2), (double[]){1, 2}));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){1, 2}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 2), (double[]){-1, 2}));
    op_test_run(&t);
}

static void shapes_must_fit(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "SkipLayerNormalization", 1);
    op_test_input(&t, test_f32(SHAPE(2, 3, 4), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 1, 4), NULL));
    op_test_input(&t, test_f32(SHAPE(4), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 3, 4), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "skip of shape 2x1x4 does not fit input of shape 2x3x4");
    t.inputs[1] = test_f32(SHAPE(3, 4), NULL);
    t.inputs[2] = test_f32(SHAPE(3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "gamma has shape 3");
    t.inputs[0] = test_f32(SHAPE(4), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input has rank 1, expected 2 or 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(layer_form_with_all_inputs_and_outputs, test_tensors_free),
        cmocka_unit_test_teardown(simplified_form_hands_out_the_sum_as_fourth_output,
                                  test_tensors_free),
        cmocka_unit_test_teardown(half_types_and_double, test_tensors_free),
        cmocka_unit_test_teardown(shapes_must_fit, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
