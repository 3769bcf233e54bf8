/* SPDX-License-Identifier: Apache-2.0 */
/* QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear. */
#include "support/op_test.h"

#include <math.h>

static void halves_round_to_even_before_the_zero_point_and_saturate(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "QuantizeLinear", 13);
    op_test_input(&t, test_f32(SHAPE(7), (float[]){1, 3, 5, -1000, 1000, INFINITY, -INFINITY}));
    op_test_input(&t, test_f32(SCALAR, (float[]){2}));
    op_test_input(&t, test_tensor(ONR_UINT8, SCALAR, (uint8_t[]){3}));
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(7), (uint8_t[]){3, 5, 5, 0, 255, 255, 0}));
    op_test_run(&t);
}

static void one_scale_per_index_of_an_axis(void **state)
{
    (void)state;
    for (int64_t axis = 0; axis < 2; axis++) {
        struct op_test t;
        op_test_begin(&t, "", "DequantizeLinear", 13);
        op_test_int(&t, "axis", axis);
        op_test_input(&t, test_tensor(ONR_INT8, SHAPE(2, 2), (int8_t[]){1, 2, 3, -128}));
        op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 10}));
        op_test_input(&t, test_tensor(ONR_INT8, SHAPE(2), (int8_t[]){0, 1}));
        op_test_output(&t, test_f32(SHAPE(2, 2), axis == 0 ? (float[]){1, 2, 20, -1290}
                                                           : (float[]){1, 10, 3, -1290}));
        op_test_run(&t);
        t.inputs[1] = test_f32(SHAPE(3), NULL);
        t.inputs[2] = test_tensor(ONR_INT8, SHAPE(3), NULL);
        op_test_fails(&t, ONR_ERR_SHAPE, "scale of shape 3 does not fit input of shape 2x2");
    }
}

static void blocks_along_each_axis_with_a_short_last_one(void **state)
{
    (void)state;
    for (int64_t axis = 0; axis < 2; axis++) {
        int64_t dims[2] = {3, 1};
        int64_t scale_dims[2] = {2, 1};
        if (axis == 1) {
            dims[0] = scale_dims[0] = 1;
            dims[1] = 3;
            scale_dims[1] = 2;
        }
        struct op_test t;
        op_test_begin(&t, "", "DequantizeLinear", 21);
        op_test_int(&t, "axis", axis);
        op_test_int(&t, "block_size", 2);
        op_test_input(&t, test_tensor(ONR_INT4, 2, dims, (int8_t[]){-8, 7, 2}));
        op_test_input(&t, test_f32(2, scale_dims, (float[]){1, 100}));
        op_test_output(&t, test_f32(2, dims, (float[]){-8, 7, 200}));
        op_test_run(&t);
    }
}

static void dynamic_range_includes_zero(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "DynamicQuantizeLinear", 11);
    op_test_input(&t, test_f32(SHAPE(3), (float[]){0, 51, 255}));
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(3), (uint8_t[]){0, 51, 255}));
    op_test_output(&t, test_f32(SCALAR, (float[]){1}));
    op_test_output(&t, test_tensor(ONR_UINT8, SCALAR, (uint8_t[]){0}));
    op_test_run(&t);
    t.inputs[0] = test_f32(SHAPE(3), (float[]){-255, -51, -51});
    t.outputs[0] = test_tensor(ONR_UINT8, SHAPE(3), (uint8_t[]){0, 204, 204});
    t.outputs[2] = test_tensor(ONR_UINT8, SCALAR, (uint8_t[]){255});
    op_test_run(&t);
    t.inputs[0] = test_f32(SHAPE(3), NULL);
    t.outputs[0] = test_tensor(ONR_UINT8, SHAPE(3), NULL);
    t.outputs[2] = test_tensor(ONR_UINT8, SCALAR, NULL);
    op_test_run(&t);
}

static void the_forms_of_com_microsoft_are_those_of_onnx(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "QuantizeLinear", 1);
    op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){-1, 3, 100, -100}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){2, 1}));
    op_test_input(&t, test_tensor(ONR_INT4, SHAPE(2), (int8_t[]){1, -1}));
    op_test_output(&t, test_tensor(ONR_INT4, SHAPE(2, 2), (int8_t[]){1, 2, 7, -8}));
    op_test_run(&t);
    op_test_int(&t, "axis", -2);
    t.inputs[2] = test_tensor(ONR_UINT16, SHAPE(2), (uint16_t[]){1, 300});
    t.outputs[0] = test_tensor(ONR_UINT16, SHAPE(2, 2), (uint16_t[]){1, 3, 400, 200});
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "DequantizeLinear", 1);
    op_test_input(&t, test_tensor(ONR_UINT4, SHAPE(2), (uint8_t[]){15, 0}));
    op_test_input(&t, test_f32(SCALAR, (float[]){0.5f}));
    op_test_input(&t, test_tensor(ONR_UINT4, SCALAR, (uint8_t[]){8}));
    op_test_output(&t, test_f32(SHAPE(2), (float[]){3.5f, -4}));
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){-1000, 9});
    t.inputs[2] = NULL;
    t.outputs[0] = test_f32(SHAPE(2), (float[]){-500, 4.5f});
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_INT64, SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "int64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(halves_round_to_even_before_the_zero_point_and_saturate,
                                  test_tensors_free),
        cmocka_unit_test_teardown(one_scale_per_index_of_an_axis, test_tensors_free),
        cmocka_unit_test_teardown(blocks_along_each_axis_with_a_short_last_one, test_tensors_free),
        cmocka_unit_test_teardown(dynamic_range_includes_zero, test_tensors_free),
        cmocka_unit_test_teardown(the_forms_of_com_microsoft_are_those_of_onnx, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
