/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void begin(struct op_test *t, size_t count, const int64_t *kernel)
{
    op_test_begin(t, "com.microsoft", "NhwcMaxPool", 1);
    op_test_ints(t, "kernel_shape", count, kernel);
}

static void channels_stay_last(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 2, (int64_t[]){1, 2});
    op_test_input(
        &t, test_tensor(ONR_UINT8, SHAPE(1, 2, 2, 2), (uint8_t[]){1, 200, 3, 100, 250, 6, 7, 8}));
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(1, 2, 1, 2), (uint8_t[]){3, 200, 250, 8}));
    op_test_run(&t);
}

static void signed_numbers_keep_their_order_and_pads_do_not_count(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (int64_t[]){3});
    op_test_ints(&t, "pads", 2, (int64_t[]){2, 2});
    op_test_ints(&t, "dilations", 1, (int64_t[]){2});
    op_test_ints(&t, "strides", 1, (int64_t[]){2});
    op_test_input(&t, test_tensor(ONR_INT8, SHAPE(1, 5, 1), (int8_t[]){-128, 5, -3, 127, -4}));
    op_test_output(&t, test_tensor(ONR_INT8, SHAPE(1, 3, 1), (int8_t[]){-3, -3, -3}));
    op_test_run(&t);
}

static void a_window_on_padding_only_gives_the_lowest_value(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (int64_t[]){2});
    op_test_ints(&t, "pads", 2, (int64_t[]){1, 1});
    op_test_ints(&t, "dilations", 1, (int64_t[]){2});
    op_test_input(&t, test_tensor(ONR_INT8, SHAPE(1, 1, 2), (int8_t[]){1, 2}));
    op_test_output(&t, test_tensor(ONR_INT8, SHAPE(1, 1, 2), (int8_t[]){-128, -128}));
    op_test_run(&t);
}

static void a_kernel_larger_than_memory_sees_what_is_there(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 3, (int64_t[]){INT32_MAX, INT32_MAX, INT32_MAX});
    op_test_string(&t, "auto_pad", "SAME_UPPER");
    op_test_input(&t, test_tensor(ONR_UINT8, SHAPE(1, 1, 1, 2, 1), (uint8_t[]){3, 9}));
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(1, 1, 1, 2, 1), (uint8_t[]){9, 9}));
    op_test_run(&t);
}

static void empty_and_bad_input(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (int64_t[]){1});
    op_test_input(&t, test_tensor(ONR_UINT8, SHAPE(2, 3, 0), NULL));
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(2, 3, 0), NULL));
    op_test_run(&t);
    begin(&t, 1, (int64_t[]){1});
    op_test_input(&t, test_tensor(ONR_UINT8, SHAPE(2, 3), NULL));
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(2, 3), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "x has rank 2, expected at least 3");
    begin(&t, 1, (int64_t[]){1});
    op_test_input(&t, test_f32(SHAPE(2, 3, 4), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 3, 4), NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "float");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(channels_stay_last, test_tensors_free),
        cmocka_unit_test_teardown(signed_numbers_keep_their_order_and_pads_do_not_count,
                                  test_tensors_free),
        cmocka_unit_test_teardown(a_window_on_padding_only_gives_the_lowest_value,
                                  test_tensors_free),
        cmocka_unit_test_teardown(a_kernel_larger_than_memory_sees_what_is_there,
                                  test_tensors_free),
        cmocka_unit_test_teardown(empty_and_bad_input, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
