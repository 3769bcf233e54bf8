/* SPDX-License-Identifier: Apache-2.0 */
/* QLinearSigmoid, QLinearLeakyRelu, QLinearAdd, QLinearMul and QLinearWhere by hand, and what they
 * refuse; tests/contrib has the rest. */
#include "support/op_test.h"

#include <math.h>

#define test_u8(...)   test_tensor(ONR_UINT8, __VA_ARGS__)
#define test_s8(...)   test_tensor(ONR_INT8, __VA_ARGS__)
#define test_bool(...) test_tensor(ONR_BOOL, __VA_ARGS__)

static void sigmoid_maps_numbers_to_the_scale_of_y(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "QLinearSigmoid", 1);
    op_test_input(&t, test_u8(SHAPE(2, 2), (uint8_t[]){10, 0, 255, 18}));
    op_test_input(&t, test_f32(SCALAR, (float[]){0.125f}));
    op_test_input(&t, test_u8(SCALAR, (uint8_t[]){10}));
    op_test_input(&t, test_f32(SHAPE(1), (float[]){0.01f}));
    op_test_input(&t, test_u8(SHAPE(1), (uint8_t[]){100}));
    op_test_output(&t, test_u8(SHAPE(2, 2), (uint8_t[]){150, 122, 200, 173}));
    op_test_run(&t);
}

static void zero_points_are_0_when_absent(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "QLinearSigmoid", 1);
    op_test_input(&t, test_s8(SHAPE(3), (int8_t[]){0, -128, 127}));
    op_test_input(&t, test_f32(SCALAR, (float[]){1}));
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SCALAR, (float[]){0.01f}));
    op_test_output(&t, test_s8(SHAPE(3), (int8_t[]){50, 0, 100}));
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "QLinearAdd", 1);
    op_test_input(&t, test_s8(SHAPE(1), (int8_t[]){-4}));
    op_test_input(&t, test_f32(SCALAR, (float[]){1}));
    op_test_input(&t, NULL);
    op_test_input(&t, test_s8(SCALAR, (int8_t[]){9}));
    op_test_input(&t, test_f32(SCALAR, (float[]){2}));
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SCALAR, (float[]){0.5f}));
    op_test_output(&t, test_s8(SHAPE(1), (int8_t[]){28}));
    op_test_run(&t);
}

static void leaky_relu_scales_what_is_negative(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "QLinearLeakyRelu", 1);
    op_test_input(&t, test_s8(SHAPE(4), (int8_t[]){-100, -6, 10, 127}));
    op_test_input(&t, test_f32(SCALAR, (float[]){1}));
    op_test_input(&t, test_s8(SCALAR, (int8_t[]){0}));
    op_test_input(&t, test_f32(SCALAR, (float[]){0.5f}));
    op_test_input(&t, test_s8(SCALAR, (int8_t[]){1}));
    op_test_output(&t, test_s8(SHAPE(4), (int8_t[]){-1, 1, 21, 127}));
    op_test_run(&t);
    op_test_float(&t, "alpha", 0.25f);
    t.outputs[0] = test_s8(SHAPE(4), (int8_t[]){-49, -2, 21, 127});
    op_test_run(&t);
    t.inputs[1] = test_f32(SCALAR, (float[]){NAN});
    t.outputs[0] = test_s8(SHAPE(4), (int8_t[]){-128, -128, -128, -128});
    op_test_run(&t);
}

static void sums_are_rounded_with_the_zero_point(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "QLinearAdd", 1);
    op_test_input(&t, test_u8(SHAPE(2, 1), (uint8_t[]){3, 250}));
    op_test_input(&t, test_f32(SCALAR, (float[]){0.5f}));
    op_test_input(&t, test_u8(SCALAR, (uint8_t[]){2}));
    op_test_input(&t, test_u8(SHAPE(3), (uint8_t[]){1, 2, 255}));
    op_test_input(&t, test_f32(SCALAR, (float[]){1}));
    op_test_input(&t, test_u8(SCALAR, (uint8_t[]){1}));
    op_test_input(&t, test_f32(SCALAR, (float[]){1}));
    op_test_input(&t, test_u8(SCALAR, (uint8_t[]){1}));
    op_test_output(&t, test_u8(SHAPE(2, 3), (uint8_t[]){2, 2, 255, 125, 126, 255}));
    op_test_run(&t);
    t.inputs[3] = test_u8(SHAPE(2, 0), NULL);
    t.outputs[0] = test_u8(SHAPE(2, 0), NULL);
    op_test_run(&t);
}

static void products_are_rounded_with_the_zero_point(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "QLinearMul", 1);
    op_test_input(&t, test_s8(SHAPE(3), (int8_t[]){-128, 5, 7}));
    op_test_input(&t, test_f32(SCALAR, (float[]){0.5f}));
    op_test_input(&t, test_s8(SCALAR, (int8_t[]){2}));
    op_test_input(&t, test_s8(SCALAR, (int8_t[]){5}));
    op_test_input(&t, test_f32(SCALAR, (float[]){1}));
    op_test_input(&t, test_s8(SCALAR, (int8_t[]){4}));
    op_test_input(&t, test_f32(SCALAR, (float[]){1}));
    op_test_input(&t, test_s8(SCALAR, (int8_t[]){3}));
    op_test_output(&t, test_s8(SHAPE(3), (int8_t[]){-62, 4, 6}));
    op_test_run(&t);
}

static void where_brings_both_sides_to_one_scale(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "QLinearWhere", 1);
    op_test_input(&t, test_bool(SHAPE(2, 1), (uint8_t[]){1, 0}));
    op_test_input(&t, test_u8(SHAPE(3), (uint8_t[]){1, 2, 200}));
    op_test_input(&t, test_f32(SCALAR, (float[]){2}));
    op_test_input(&t, test_u8(SCALAR, (uint8_t[]){1}));
    op_test_input(&t, test_u8(SCALAR, (uint8_t[]){7}));
    op_test_input(&t, test_f32(SCALAR, (float[]){0.5f}));
    op_test_input(&t, test_u8(SCALAR, (uint8_t[]){0}));
    op_test_input(&t, test_f32(SCALAR, (float[]){1}));
    op_test_input(&t, test_u8(SCALAR, (uint8_t[]){10}));
    op_test_output(&t, test_u8(SHAPE(2, 3), (uint8_t[]){10, 12, 255, 14, 14, 14}));
    op_test_run(&t);
    t.inputs[1] = test_u8(SHAPE(3, 1), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input 1 of shape 3x1 does not broadcast with shape 2x1");
}

static void operands_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "QLinearMul", 1);
    op_test_input(&t, test_u8(SHAPE(2), NULL));
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_output(&t, test_u8(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "required input 3 is empty");
    op_test_input(&t, NULL);
    op_test_input(&t, test_u8(SHAPE(3), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 1 has shape 2, expected one element");
    t.inputs[1] = test_f32(SHAPE(1), NULL);
    op_test_fails(&t, ONR_ERR_MODEL, "required input 4 is empty");
    op_test_input(&t, test_f32(SHAPE(1), NULL));
    op_test_input(&t, test_u8(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 5 has shape 2, expected one element");
    t.inputs[5] = NULL;
    op_test_input(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 3 of shape 3 does not broadcast with shape 2");
    t.inputs[3] = test_s8(SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_MODEL, "type");
    op_test_begin(&t, "com.microsoft", "QLinearSigmoid", 1);
    op_test_input(&t, test_u8(SHAPE(2), NULL));
    op_test_input(&t, test_f32(SCALAR, NULL));
    op_test_output(&t, test_u8(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "required input 3 is empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(sigmoid_maps_numbers_to_the_scale_of_y, test_tensors_free),
        cmocka_unit_test_teardown(zero_points_are_0_when_absent, test_tensors_free),
        cmocka_unit_test_teardown(leaky_relu_scales_what_is_negative, test_tensors_free),
        cmocka_unit_test_teardown(sums_are_rounded_with_the_zero_point, test_tensors_free),
        cmocka_unit_test_teardown(products_are_rounded_with_the_zero_point, test_tensors_free),
        cmocka_unit_test_teardown(where_brings_both_sides_to_one_scale, test_tensors_free),
        cmocka_unit_test_teardown(operands_that_do_not_fit_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
