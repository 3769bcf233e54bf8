/* SPDX-License-Identifier: Apache-2.0 */
/* ConvInteger and QLinearConv, with channels in the second and in the last place. */
#include "support/op_test.h"

#define test_u8(...) test_tensor(ONR_UINT8, __VA_ARGS__)
#define test_s8(...) test_tensor(ONR_INT8, __VA_ARGS__)

static void the_example_of_the_specification(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "ConvInteger", 10);
    op_test_input(&t, test_u8(SHAPE(1, 1, 3, 3), (uint8_t[]){2, 3, 4, 5, 6, 7, 8, 9, 10}));
    op_test_input(&t, test_u8(SHAPE(1, 1, 2, 2), (uint8_t[]){1, 1, 1, 1}));
    op_test_input(&t, test_u8(SCALAR, (uint8_t[]){1}));
    op_test_output(&t, test_tensor(ONR_INT32, SHAPE(1, 1, 2, 2), (int32_t[]){12, 16, 24, 28}));
    op_test_run(&t);
    op_test_ints(&t, "pads", 4, (int64_t[]){1, 1, 1, 1});
    t.outputs[0] = test_tensor(ONR_INT32, SHAPE(1, 1, 4, 4),
                               (int32_t[]){1, 3, 5, 3, 5, 12, 16, 9, 11, 24, 28, 15, 7, 15, 17, 9});
    op_test_run(&t);
}

static void filters_have_zero_points_and_groups_of_their_own(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "ConvInteger", 10);
    op_test_int(&t, "group", 2);
    op_test_ints(&t, "strides", 1, (int64_t[]){2});
    op_test_ints(&t, "dilations", 1, (int64_t[]){2});
    op_test_ints(&t, "pads", 2, (int64_t[]){1, 0});
    op_test_input(&t, test_s8(SHAPE(1, 2, 4), (int8_t[]){1, 2, 3, 4, -128, 5, 6, 7}));
    op_test_input(&t, test_s8(SHAPE(2, 1, 2), (int8_t[]){1, 10, -128, 127}));
    op_test_input(&t, test_s8(SCALAR, (int8_t[]){1}));
    op_test_input(&t, test_s8(SHAPE(2), (int8_t[]){0, 127}));
    op_test_output(&t, test_tensor(ONR_INT32, SHAPE(1, 2, 2), (int32_t[]){10, 31, 0, -255 * 4}));
    op_test_run(&t);
    t.inputs[3] = test_s8(SHAPE(3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input 3 has shape 3, expected [2]");
    t.inputs[3] = test_s8(SCALAR, NULL);
    t.inputs[2] = test_s8(SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input 2 has shape 2, expected one element");
    t.inputs[2] = NULL;
    t.inputs[1] = test_s8(SHAPE(2, 2, 2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "x has 2 channels, w expects 4 in 2 groups of 2");
    t.inputs[1] = test_s8(SHAPE(3, 1, 2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "3 output channels do not divide into 2 groups");
    t.inputs[1] = test_s8(SHAPE(2, 1), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "x has rank 3 and w rank 2");
}

static void no_channels_leave_zeros(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "ConvInteger", 10);
    op_test_input(&t, test_u8(SHAPE(1, 0, 3), NULL));
    op_test_input(&t, test_u8(SHAPE(1, 0, 2), NULL));
    op_test_output(&t, test_tensor(ONR_INT32, SHAPE(1, 1, 2), NULL));
    op_test_run(&t);
    t.inputs[0] = test_u8(SHAPE(0, 0, 3), NULL);
    t.outputs[0] = test_tensor(ONR_INT32, SHAPE(0, 1, 2), NULL);
    op_test_run(&t);
}

/* x: [1, 2, 3] or with channels last [1, 3, 2]; two filters of two taps. */
static void begin_qlinear(struct op_test *t, bool is_last)
{
    op_test_begin(t, is_last ? "com.microsoft" : "", "QLinearConv", is_last ? 1 : 10);
    if (is_last) {
        op_test_int(t, "channels_last", 1);
        op_test_input(t, test_u8(SHAPE(1, 3, 2), (uint8_t[]){1, 10, 2, 20, 3, 255}));
    } else {
        op_test_input(t, test_u8(SHAPE(1, 2, 3), (uint8_t[]){1, 2, 3, 10, 20, 255}));
    }
    op_test_input(t, test_f32(SCALAR, (float[]){0.5f}));
    op_test_input(t, test_u8(SCALAR, (uint8_t[]){1}));
    op_test_input(t, test_s8(SHAPE(2, 2, 2), (int8_t[]){1, 2, 0, 0, 0, 0, 1, 1}));
    op_test_input(t, test_f32(SHAPE(2), (float[]){1, 0.5f}));
    op_test_input(t, test_s8(SCALAR, (int8_t[]){0}));
    op_test_input(t, test_f32(SCALAR, (float[]){1}));
    op_test_input(t, test_u8(SCALAR, (uint8_t[]){3}));
    op_test_input(t, test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){3, -20}));
}

static void scales_of_filters_and_biases_of_sums(void **state)
{
    (void)state;
    struct op_test t;
    begin_qlinear(&t, false);
    /* sums 2 + 3, 5 + 3 times 0.5 and 28 - 20, 273 - 20 times 0.25 */
    op_test_output(&t, test_u8(SHAPE(1, 2, 2), (uint8_t[]){5, 7, 5, 66}));
    op_test_run(&t);
    t.inputs[6] = test_f32(SCALAR, (float[]){0.01f});
    t.outputs[0] = test_u8(SHAPE(1, 2, 2), (uint8_t[]){253, 255, 203, 255});
    op_test_run(&t);
    t.inputs[8] = test_tensor(ONR_INT32, SHAPE(3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input 8 has shape 3, expected [2]");
    t.inputs[8] = NULL;
    t.inputs[4] = test_f32(SHAPE(3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input 4 has shape 3, expected [2]");
    op_test_int(&t, "group", 0);
    op_test_fails(&t, ONR_ERR_MODEL, "attribute group is 0, expected >= 1");
}

static void channels_may_come_last(void **state)
{
    (void)state;
    struct op_test t;
    begin_qlinear(&t, true);
    op_test_output(&t, test_u8(SHAPE(1, 2, 2), (uint8_t[]){5, 5, 7, 66}));
    op_test_run(&t);
}

static void planes_of_many_pieces(void **state)
{
    (void)state;
    struct op_test t;
    uint8_t x[1000];
    int32_t y[999];
    for (int i = 0; i < 1000; i++) {
        x[i] = (uint8_t)(i * 7);
    }
    for (int i = 0; i < 999; i++) {
        y[i] = x[i] * 3 - x[i + 1];
    }
    op_test_begin(&t, "", "ConvInteger", 10);
    op_test_input(&t, test_u8(SHAPE(1, 1, 1000), x));
    op_test_input(&t, test_s8(SHAPE(1, 1, 2), (int8_t[]){3, -1}));
    op_test_output(&t, test_tensor(ONR_INT32, SHAPE(1, 1, 999), y));
    op_test_run(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_example_of_the_specification, test_tensors_free),
        cmocka_unit_test_teardown(filters_have_zero_points_and_groups_of_their_own,
                                  test_tensors_free),
        cmocka_unit_test_teardown(no_channels_leave_zeros, test_tensors_free),
        cmocka_unit_test_teardown(scales_of_filters_and_biases_of_sums, test_tensors_free),
        cmocka_unit_test_teardown(channels_may_come_last, test_tensors_free),
        cmocka_unit_test_teardown(planes_of_many_pieces, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
