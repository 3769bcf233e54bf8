/* SPDX-License-Identifier: Apache-2.0 */
/* MatMulInteger and QLinearMatMul. */
#include "support/op_test.h"

#define test_u8(...) test_tensor(ONR_UINT8, __VA_ARGS__)
#define test_s8(...) test_tensor(ONR_INT8, __VA_ARGS__)

static void integer_products_take_zero_points_of_rows_and_columns(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "MatMulInteger", 10);
    op_test_input(&t, test_u8(SHAPE(2, 2), (uint8_t[]){11, 7, 3, 255}));
    op_test_input(&t, test_s8(SHAPE(2, 2), (int8_t[]){1, 2, -3, -128}));
    op_test_input(&t, test_u8(SHAPE(2), (uint8_t[]){1, 2}));
    op_test_input(&t, test_s8(SHAPE(2), (int8_t[]){0, -1}));
    op_test_output(&t, test_tensor(ONR_INT32, SHAPE(2, 2),
                                   (int32_t[]){10 - 18, 30 - 762, 1 - 759, 3 - 253 * 127}));
    op_test_run(&t);
    t.inputs[1] = test_s8(SHAPE(3, 2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "inner dimensions differ: 2 and 3");
    t.inputs[1] = test_s8(SHAPE(2, 2), NULL);
    t.inputs[2] = test_u8(SHAPE(3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE,
                  "input 2 has shape 3, expected one element or one for each row");
    t.inputs[2] = test_u8(SCALAR, NULL);
    t.inputs[3] = test_s8(SHAPE(2, 1), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE,
                  "input 3 has shape 2x1, expected one element or one for each column");
    t.inputs[3] = test_s8(SCALAR, NULL);
    t.inputs[0] = test_u8(SCALAR, NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "an input is a scalar, expected rank 1 or more");
}

static void batches_of_integer_products_broadcast(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "MatMulInteger", 10);
    op_test_input(&t, test_u8(SHAPE(2, 1, 1, 2), (uint8_t[]){1, 2, 3, 4}));
    op_test_input(&t, test_u8(SHAPE(2, 2, 1), (uint8_t[]){1, 1, 10, 20}));
    op_test_input(&t, NULL);
    op_test_input(&t, test_u8(SHAPE(2, 1, 1), (uint8_t[]){1, 0}));
    op_test_output(&t, test_tensor(ONR_INT32, SHAPE(2, 2, 1, 1), (int32_t[]){0, 50, 0, 110}));
    op_test_run(&t);
    t.inputs[0] = test_u8(SHAPE(3, 1, 2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "batch dimension 0 does not broadcast: 3 and 2");
    op_test_begin(&t, "", "MatMulInteger", 10);
    op_test_input(&t, test_u8(SHAPE(3), (uint8_t[]){1, 2, 3}));
    op_test_input(&t, test_u8(SHAPE(3), (uint8_t[]){1, 1, 1}));
    op_test_output(&t, test_tensor(ONR_INT32, SCALAR, (int32_t[]){6}));
    op_test_run(&t);
    t.inputs[0] = test_u8(SHAPE(2, 0), NULL);
    t.inputs[1] = test_u8(SHAPE(0, 2), NULL);
    t.outputs[0] = test_tensor(ONR_INT32, SHAPE(2, 2), NULL);
    op_test_run(&t);
}

static void products_of_words_wrap_around(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "MatMulInteger16", 1);
    op_test_input(&t, test_tensor(ONR_INT16, SHAPE(2, 2), (int16_t[]){-32768, 3, 2, -1}));
    op_test_input(&t, test_tensor(ONR_INT16, SHAPE(2, 2), (int16_t[]){-32768, 4, 1, -32768}));
    op_test_output(
        &t, test_tensor(ONR_INT32, SHAPE(2, 2), (int32_t[]){1073741827, -229376, -65537, 32776}));
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_UINT16, SHAPE(2), (uint16_t[]){65535, 1});
    t.outputs[0] = test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){-2147450879, 229372});
    op_test_run(&t);
    t.inputs[1] = test_tensor(ONR_UINT16, SHAPE(2), (uint16_t[]){65535, 65535});
    t.outputs[0] = test_tensor(ONR_UINT32, SCALAR, (uint32_t[]){4294901760u});
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_INT16, SHAPE(2, 1, 0), NULL);
    t.inputs[1] = test_tensor(ONR_INT16, SHAPE(0, 1), NULL);
    t.outputs[0] = test_tensor(ONR_INT32, SHAPE(2, 1, 1), NULL);
    op_test_run(&t);
    t.inputs[1] = test_tensor(ONR_INT16, SHAPE(1, 1), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "inner dimensions differ: 0 and 1");
    t.inputs[1] = test_s8(SHAPE(0, 1), NULL);
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "int8");
}

/* QLinearMatMul of a 2 x 2 and b 2 x 2 with one scale and zero point each, y = a * b / 2. */
static void begin_qlinear(struct op_test *t, int64_t version)
{
    op_test_begin(t, "", "QLinearMatMul", version);
    op_test_input(t, test_u8(SHAPE(2, 2), (uint8_t[]){3, 1, 255, 0}));
    op_test_input(t, test_f32(SCALAR, (float[]){0.5f}));
    op_test_input(t, test_u8(SCALAR, (uint8_t[]){1}));
    op_test_input(t, test_s8(SHAPE(2, 2), (int8_t[]){1, 2, 5, -5}));
    op_test_input(t, test_f32(SCALAR, (float[]){2}));
    op_test_input(t, test_s8(SCALAR, (int8_t[]){0}));
    op_test_input(t, test_f32(SCALAR, (float[]){4}));
    op_test_input(t, test_s8(SCALAR, (int8_t[]){3}));
}

static void sums_are_scaled_rounded_to_even_and_saturated(void **state)
{
    (void)state;
    struct op_test t;
    begin_qlinear(&t, 10);
    /* sums 2, 4, 249, 513 times 1/4: 0.5 and 1 before the zero point */
    op_test_output(&t, test_s8(SHAPE(2, 2), (int8_t[]){3, 4, 65, 127}));
    op_test_run(&t);
    t.inputs[6] = test_f32(SHAPE(2), (float[]){4, 0.5f});
    t.inputs[7] = test_s8(SHAPE(2), (int8_t[]){3, -100});
    t.outputs[0] = test_s8(SHAPE(2, 2), (int8_t[]){3, 4, 127, 127});
    op_test_run(&t);
    t.inputs[4] = test_f32(SHAPE(2), (float[]){2, -2});
    t.outputs[0] = test_s8(SHAPE(2, 2), (int8_t[]){3, 2, 127, -128});
    op_test_run(&t);
    t.inputs[6] = test_f32(SHAPE(3), (float[]){1, 1, 1});
    op_test_fails(&t, ONR_ERR_SHAPE, "input 6 has shape 3");
}

static void an_infinite_scale_saturates_and_nan_is_the_lowest(void **state)
{
    (void)state;
    struct op_test t;
    begin_qlinear(&t, 21);
    t.inputs[6] = test_f32(SCALAR, (float[]){0});
    op_test_output(&t, test_s8(SHAPE(2, 2), (int8_t[]){127, 127, 127, 127}));
    op_test_run(&t);
    t.inputs[1] = test_f32(SCALAR, (float[]){0});
    t.outputs[0] = test_s8(SHAPE(2, 2), (int8_t[]){-128, -128, -128, -128});
    op_test_run(&t);
}

static void half_scales_need_version_21(void **state)
{
    (void)state;
    struct op_test t;
    begin_qlinear(&t, 21);
    t.inputs[1] = test_tensor(ONR_BFLOAT16, SCALAR, (uint16_t[]){0x3f00});
    t.inputs[4] = test_tensor(ONR_BFLOAT16, SCALAR, (uint16_t[]){0x4000});
    t.inputs[6] = test_tensor(ONR_BFLOAT16, SCALAR, (uint16_t[]){0x4080});
    op_test_output(&t, test_s8(SHAPE(2, 2), (int8_t[]){3, 4, 65, 127}));
    op_test_run(&t);
    t.version = 20;
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "bfloat16");
}

static void floats_of_eight_bits_are_multiplied_as_floats(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "QLinearMatMul", 21);
    op_test_input(&t,
                  test_tensor(ONR_FLOAT8E4M3FN, SHAPE(1, 2), (uint8_t[]){0x3c, 0x40})); /* 1.5, 2 */
    op_test_input(&t, test_f32(SCALAR, (float[]){1}));
    op_test_input(&t, test_tensor(ONR_FLOAT8E4M3FN, SCALAR, (uint8_t[]){0}));
    op_test_input(&t, test_s8(SHAPE(2, 2), (int8_t[]){3, 100, 2, 100}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 10}));
    op_test_input(&t, test_s8(SHAPE(2), (int8_t[]){1, 0}));
    op_test_input(&t, test_f32(SCALAR, (float[]){1}));
    op_test_input(&t, test_tensor(ONR_FLOAT8E5M2, SCALAR, (uint8_t[]){0x3c})); /* 1 */
    op_test_output(&t, test_tensor(ONR_FLOAT8E5M2, SHAPE(1, 2), (uint8_t[]){0x46, 0x6b}));
    op_test_run(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(integer_products_take_zero_points_of_rows_and_columns,
                                  test_tensors_free),
        cmocka_unit_test_teardown(batches_of_integer_products_broadcast, test_tensors_free),
        cmocka_unit_test_teardown(products_of_words_wrap_around, test_tensors_free),
        cmocka_unit_test_teardown(sums_are_scaled_rounded_to_even_and_saturated, test_tensors_free),
        cmocka_unit_test_teardown(an_infinite_scale_saturates_and_nan_is_the_lowest,
                                  test_tensors_free),
        cmocka_unit_test_teardown(half_scales_need_version_21, test_tensors_free),
        cmocka_unit_test_teardown(floats_of_eight_bits_are_multiplied_as_floats, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
