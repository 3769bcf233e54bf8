/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void bias_add_adds_bias_and_skip(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "BiasAdd", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){1, 2, 3, 4}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){10, 20}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){100, 200, 300, 400}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){111, 222, 313, 424}));
    op_test_run(&t);
}

static void half_sums_are_rounded_once(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "BiasAdd", 1);
    t.rtol = 0; /* 2048 + 1 + 1: half precision would stay at 2048 */
    t.atol = 0;
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1, 1), (uint16_t[]){0x6800}));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1), (uint16_t[]){0x3c00}));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1, 1), (uint16_t[]){0x3c00}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1, 1), (uint16_t[]){0x6801}));
    op_test_run(&t);
}

static void bias_split_gelu_multiplies_left_by_gelu_of_right(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "BiasSplitGelu", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2, 4), (float[]){0, 1, -3, 0, 1, 2, -1, 1}));
    op_test_input(&t, test_f32(SHAPE(4), (float[]){1, 0, 2, 0}));
    op_test_output(
        &t, test_f32(SHAPE(1, 2, 2), (float[]){-0.15865526f, 0, 2 * 0.84134474f, 2 * 0.84134474f}));
    op_test_run(&t);
}

static void empty_tensors_give_empty_results(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "BiasSplitGelu", 1);
    op_test_input(&t, test_f32(SHAPE(2, 3, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(0), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 3, 0), NULL));
    op_test_run(&t);
}

static void check_refused(const char *op, size_t x_rank, const int64_t *x, int64_t bias,
                          const int64_t *skip, const char *message)
{
    struct op_test t;
    op_test_begin(&t, "com.microsoft", op, 1);
    op_test_input(&t, test_f32(x_rank, x, NULL));
    op_test_input(&t, test_f32(SHAPE(bias), NULL));
    if (skip != NULL) {
        op_test_input(&t, test_f32(3, skip, NULL));
    }
    op_test_output(&t, test_f32(x_rank, x, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, message);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    const int64_t x[] = {2, 3, 5};
    const int64_t skip[] = {2, 1, 5};
    check_refused("BiasAdd", 2, x, 3, x, "X has shape 2x3, expected ?x?x?");
    check_refused("BiasAdd", 3, x, 4, x, "bias has shape 4, expected 5");
    check_refused("BiasAdd", 3, x, 5, skip, "skip has shape 2x1x5, expected 2x3x5");
    check_refused("BiasSplitGelu", 3, x, 5, NULL, "last dimension of X: 5 does not divide into 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(bias_add_adds_bias_and_skip, test_tensors_free),
        cmocka_unit_test_teardown(half_sums_are_rounded_once, test_tensors_free),
        cmocka_unit_test_teardown(bias_split_gelu_multiplies_left_by_gelu_of_right,
                                  test_tensors_free),
        cmocka_unit_test_teardown(empty_tensors_give_empty_results, test_tensors_free),
        cmocka_unit_test_teardown(what_does_not_fit_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
