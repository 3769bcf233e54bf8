/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void product_and_bias_go_through_gelu(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "GemmFastGelu", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){1, -1, 2, 0}));
    op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){1, 0, 2, -1}));
    op_test_output(&t,
                   test_f32(SHAPE(1, 2, 2), (float[]){-0.15880801f, 0.84119199f, 1.95459769f, 0}));
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "GemmFastGelu", 1);
    op_test_input(&t, test_f32(SHAPE(2, 1), (float[]){1, 0}));
    op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){1, 2}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){-2, 0}));
    op_test_output(&t,
                   test_f32(SHAPE(2, 2), (float[]){-0.15880801f, 1.95459769f, -0.04540231f, 0}));
    op_test_run(&t);
}

static void an_empty_sum_leaves_gelu_of_the_bias(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "GemmFastGelu", 1);
    op_test_input(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(0, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){-1, 2}));
    op_test_output(
        &t, test_f32(SHAPE(2, 2), (float[]){-0.15880801f, 1.95459769f, -0.15880801f, 1.95459769f}));
    op_test_run(&t);
}

static void check_refused(size_t x_rank, int64_t rows, int64_t bias, const char *message)
{
    struct op_test t;
    const int64_t x[] = {2, 3};
    op_test_begin(&t, "com.microsoft", "GemmFastGelu", 1);
    op_test_input(&t, test_f32(x_rank, x, NULL));
    op_test_input(&t, test_f32(SHAPE(rows, 4), NULL));
    op_test_input(&t, test_f32(SHAPE(bias), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 4), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, message);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    check_refused(1, 2, 4, "X has rank 1, expected 2 or more");
    check_refused(2, 2, 4, "W has shape 2x4, expected 3x?");
    check_refused(2, 3, 3, "bias has shape 3, expected 4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(product_and_bias_go_through_gelu, test_tensors_free),
        cmocka_unit_test_teardown(an_empty_sum_leaves_gelu_of_the_bias, test_tensors_free),
        cmocka_unit_test_teardown(what_does_not_fit_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
