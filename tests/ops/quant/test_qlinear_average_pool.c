/* SPDX-License-Identifier: Apache-2.0 */
/* QLinearAveragePool and QLinearGlobalAveragePool by hand, and what they refuse; tests/contrib has
 * the rest. */
#include "support/op_test.h"

#define test_u8(...) test_tensor(ONR_UINT8, __VA_ARGS__)
#define test_s8(...) test_tensor(ONR_INT8, __VA_ARGS__)

/* X has the scale 1 and the zero point 1, Y the scale 0.5 and the zero point 10. */
static void begin_pool(struct op_test *t, const char *op, const struct onr_tensor *x)
{
    op_test_begin(t, "com.microsoft", op, 1);
    op_test_input(t, x);
    op_test_input(t, test_f32(SCALAR, (float[]){1}));
    op_test_input(t, test_u8(SCALAR, (uint8_t[]){1}));
    op_test_input(t, test_f32(SHAPE(1), (float[]){0.5f}));
    op_test_input(t, test_u8(SHAPE(1), (uint8_t[]){10}));
}

static void means_leave_the_padding_out(void **state)
{
    (void)state;
    struct op_test t;
    begin_pool(&t, "QLinearAveragePool", test_u8(SHAPE(1, 1, 4), (uint8_t[]){2, 4, 7, 255}));
    op_test_ints(&t, "kernel_shape", 1, (int64_t[]){2});
    op_test_ints(&t, "pads", 2, (int64_t[]){1, 1});
    op_test_output(&t, test_u8(SHAPE(1, 1, 5), (uint8_t[]){12, 14, 19, 255, 255}));
    op_test_run(&t);
    op_test_int(&t, "count_include_pad", 1);
    t.outputs[0] = test_u8(SHAPE(1, 1, 5), (uint8_t[]){11, 14, 19, 255, 255});
    op_test_run(&t);
}

static void channels_may_be_last(void **state)
{
    (void)state;
    struct op_test t;
    begin_pool(&t, "QLinearAveragePool",
               test_u8(SHAPE(1, 2, 2, 2), (uint8_t[]){1, 11, 2, 12, 3, 13, 4, 14}));
    op_test_int(&t, "channels_last", 1);
    op_test_ints(&t, "kernel_shape", 2, (int64_t[]){1, 2});
    op_test_output(&t, test_u8(SHAPE(1, 2, 1, 2), (uint8_t[]){11, 31, 15, 35}));
    op_test_run(&t);
    begin_pool(&t, "QLinearGlobalAveragePool",
               test_u8(SHAPE(1, 2, 2, 2), (uint8_t[]){1, 11, 2, 12, 3, 13, 4, 14}));
    op_test_int(&t, "channels_last", 1);
    op_test_output(&t, test_u8(SHAPE(1, 1, 1, 2), (uint8_t[]){13, 33}));
    op_test_run(&t);
}

static void signed_planes_have_signed_means(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "QLinearGlobalAveragePool", 1);
    op_test_input(&t, test_s8(SHAPE(2, 1, 3, 1), (int8_t[]){-128, -127, -126, 1, 2, 3}));
    op_test_input(&t, test_f32(SCALAR, (float[]){1}));
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SCALAR, (float[]){2}));
    op_test_output(&t, test_s8(SHAPE(2, 1, 1, 1), (int8_t[]){-64, 1}));
    op_test_run(&t);
}

static void empty_planes_have_mean_zero(void **state)
{
    (void)state;
    struct op_test t;
    begin_pool(&t, "QLinearGlobalAveragePool", test_u8(SHAPE(1, 2, 0), NULL));
    op_test_output(&t, test_u8(SHAPE(1, 2, 1), (uint8_t[]){10, 10}));
    op_test_run(&t);
    t.inputs[0] = test_u8(SHAPE(0, 2, 3), NULL);
    t.outputs[0] = test_u8(SHAPE(0, 2, 1), NULL);
    op_test_run(&t);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin_pool(&t, "QLinearAveragePool", test_u8(SHAPE(1, 3), NULL));
    op_test_ints(&t, "kernel_shape", 1, (int64_t[]){5});
    op_test_output(&t, test_u8(SHAPE(1, 1, 1), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "X has rank 2, expected at least 3");
    t.inputs[0] = test_u8(SHAPE(1, 1, 4), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "window of 5 is larger than spatial dimension 0, 4");
    t.inputs[4] = test_u8(SHAPE(3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input 4 has shape 3, expected one element");
    t.inputs[4] = test_s8(SHAPE(1), NULL);
    op_test_fails(&t, ONR_ERR_MODEL, "type");
    t.inputs[4] = NULL;
    t.inputs[0] = test_u8(SHAPE(1, 1, 2, 2, 2, 2), NULL);
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "4 spatial dimensions, supported are 1 to 3");
    begin_pool(&t, "QLinearAveragePool", test_u8(SHAPE(1, 1, 4), NULL));
    op_test_output(&t, test_u8(SHAPE(1, 1, 1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "attribute \"kernel_shape\" is missing");
    begin_pool(&t, "QLinearGlobalAveragePool", test_u8(SHAPE(1, 1, 4), NULL));
    t.inputs[3] = NULL;
    op_test_output(&t, test_u8(SHAPE(1, 1, 1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "required input 3 is empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(means_leave_the_padding_out, test_tensors_free),
        cmocka_unit_test_teardown(channels_may_be_last, test_tensors_free),
        cmocka_unit_test_teardown(signed_planes_have_signed_means, test_tensors_free),
        cmocka_unit_test_teardown(empty_planes_have_mean_zero, test_tensors_free),
        cmocka_unit_test_teardown(what_does_not_fit_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
