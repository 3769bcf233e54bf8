/* SPDX-License-Identifier: Apache-2.0 */
/* MatMulIntegerToFloat and DynamicQuantizeMatMul by hand, and what they refuse; tests/contrib has
 * the rest. */
#include "base/half.h"
#include "support/op_test.h"

#define test_u8(...) test_tensor(ONR_UINT8, __VA_ARGS__)
#define test_s8(...) test_tensor(ONR_INT8, __VA_ARGS__)

static void sums_are_scaled_by_column_and_get_the_bias(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "MatMulIntegerToFloat", 1);
    op_test_input(&t, test_s8(SHAPE(1, 2), (int8_t[]){-3, 5}));
    op_test_input(&t, test_u8(SHAPE(2, 2), (uint8_t[]){1, 2, 250, 4}));
    op_test_input(&t, test_f32(SCALAR, (float[]){0.5f}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){2, 4}));
    op_test_input(&t, test_s8(SHAPE(1), (int8_t[]){-1}));
    op_test_input(&t, test_u8(SHAPE(2), (uint8_t[]){0, 4}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){10, -1}));
    op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){-2 + 6 * 250 + 10, 8 - 1}));
    op_test_run(&t);
    t.inputs[4] = t.inputs[5] = NULL;
    t.outputs[0] = test_f32(SHAPE(1, 2), (float[]){-3 + 1250 + 10, 28 - 1});
    op_test_run(&t);
}

static void half_scales_give_half_results(void **state)
{
    (void)state;
    struct op_test t;
    uint16_t scale = onr_float_to_half(0.5f);
    uint16_t y = onr_float_to_half(1.5f);
    op_test_begin(&t, "com.microsoft", "MatMulIntegerToFloat", 1);
    op_test_input(&t, test_u8(SHAPE(2), (uint8_t[]){1, 2}));
    op_test_input(&t, test_s8(SHAPE(2, 1), (int8_t[]){2, 2}));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SCALAR, &scale));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1), &scale));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1), &y));
    op_test_run(&t);
}

static void without_inner_dimension_the_bias_is_left(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "MatMulIntegerToFloat", 1);
    op_test_input(&t, test_u8(SHAPE(2, 0), NULL));
    op_test_input(&t, test_u8(SHAPE(0, 1), NULL));
    op_test_input(&t, test_f32(SCALAR, (float[]){1}));
    op_test_input(&t, test_f32(SCALAR, (float[]){1}));
    op_test_input(&t, NULL);
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(1), (float[]){7}));
    op_test_output(&t, test_f32(SHAPE(2, 1), (float[]){7, 7}));
    op_test_run(&t);
}

static void integer_products_refuse_what_does_not_fit(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "MatMulIntegerToFloat", 1);
    op_test_input(&t, test_u8(SHAPE(2, 3), NULL));
    op_test_input(&t, test_s8(SHAPE(2, 4), NULL));
    op_test_input(&t, test_f32(SCALAR, NULL));
    op_test_input(&t, test_f32(SCALAR, NULL));
    op_test_output(&t, test_f32(SHAPE(2, 4), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "inner dimensions differ: 3 and 2");
    t.inputs[1] = test_s8(SHAPE(3, 4), NULL);
    t.inputs[2] = test_f32(SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input 2 has shape 2, expected one element");
    t.inputs[2] = test_f32(SCALAR, NULL);
    t.inputs[3] = test_f32(SHAPE(3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE,
                  "input 3 has shape 3, expected one element or one for each column");
    t.inputs[3] = test_f32(SHAPE(4), NULL);
    op_test_input(&t, test_s8(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "type");
    t.inputs[4] = NULL;
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(3), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 6 has shape 3, expected [4]");
}

/* A has the range -1 .. 254 and with it the scale 1 and the zero point 1. */
static void dynamic_products_round_a_to_its_range(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "DynamicQuantizeMatMul", 1);
    op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){-1, 2.4f, 254, 2.5f}));
    op_test_input(&t, test_s8(SHAPE(2, 2), (int8_t[]){1, 2, 3, -4}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 0.5f}));
    op_test_input(&t, test_s8(SCALAR, (int8_t[]){1}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){0, 100}));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){4, -5.5f + 100, 4, 122 + 100}));
    op_test_run(&t);
    t.inputs[0] = test_f32(SHAPE(2, 2), NULL);
    t.outputs[0] = test_f32(SHAPE(2, 2), (float[]){0, 100, 0, 100});
    op_test_run(&t);
    t.inputs[0] = test_f32(SHAPE(0, 2), NULL);
    t.outputs[0] = test_f32(SHAPE(0, 2), NULL);
    op_test_run(&t);
}

static void dynamic_products_refuse_what_does_not_fit(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "DynamicQuantizeMatMul", 1);
    op_test_input(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_input(&t, test_u8(SHAPE(3, 4), NULL));
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 4), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE,
                  "input 2 has shape 2, expected one element or one for each column");
    t.inputs[2] = test_f32(SHAPE(4), NULL);
    op_test_input(&t, test_u8(SHAPE(5), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE,
                  "input 3 has shape 5, expected one element or one for each column");
    t.inputs[3] = NULL;
    op_test_input(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 4 has shape 1, expected [4]");
    t.inputs[0] = test_u8(SHAPE(2, 3), NULL);
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "uint8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(sums_are_scaled_by_column_and_get_the_bias, test_tensors_free),
        cmocka_unit_test_teardown(half_scales_give_half_results, test_tensors_free),
        cmocka_unit_test_teardown(without_inner_dimension_the_bias_is_left, test_tensors_free),
        cmocka_unit_test_teardown(integer_products_refuse_what_does_not_fit, test_tensors_free),
        cmocka_unit_test_teardown(dynamic_products_round_a_to_its_range, test_tensors_free),
        cmocka_unit_test_teardown(dynamic_products_refuse_what_does_not_fit, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
