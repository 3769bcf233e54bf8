/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void both_operands_are_turned_and_scaled(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "FusedMatMul", 1);
    op_test_int(&t, "transA", 1);
    op_test_int(&t, "transB", 1);
    op_test_float(&t, "alpha", 2);
    op_test_input(&t, test_f32(SHAPE(3, 2), (float[]){1, 4, 2, 5, 3, 6}));
    op_test_input(&t, test_f32(SHAPE(2, 3), (float[]){1, 2, 0, 0, 1, 1}));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){10, 10, 28, 22}));
    op_test_run(&t);
}

static void batch_of_a_stands_between_rows_and_columns(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "FusedMatMul", 1);
    op_test_int(&t, "transBatchA", 1);
    op_test_input(&t, test_f32(SHAPE(3, 2, 1), (float[]){1, 2, 3, 4, 5, 6}));
    op_test_input(&t, test_f32(SHAPE(2, 1, 1), (float[]){1, 10}));
    op_test_output(&t, test_f32(SHAPE(2, 3, 1), (float[]){1, 3, 5, 20, 40, 60}));
    op_test_run(&t);
}

static void vectors_are_not_turned(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "TransposeMatMul", 1);
    op_test_int(&t, "transA", 1);
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 2}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){3, 4}));
    op_test_output(&t, test_f32(SCALAR, (float[]){11}));
    op_test_run(&t);
}

static void empty_sums_are_zero(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "FusedMatMul", 1);
    op_test_int(&t, "transB", 1);
    op_test_input(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(3, 1, 0), NULL));
    op_test_output(&t, test_f32(SHAPE(3, 2, 1), NULL));
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "FusedMatMul", 1);
    op_test_input(&t, test_f32(SHAPE(0, 2, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_output(&t, test_f32(SHAPE(0, 2, 3), NULL));
    op_test_run(&t);
}

static void bad_operands_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "FusedMatMul", 1);
    op_test_int(&t, "transA", 1);
    op_test_input(&t, test_f32(SHAPE(3, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "op(a)[...,K]=3, op(b)[K,...]=2");
    op_test_begin(&t, "com.microsoft", "FusedMatMul", 1);
    op_test_int(&t, "transBatchB", 1);
    op_test_input(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 1 has rank 2, expected 3 or more");
    op_test_begin(&t, "com.microsoft", "FusedMatMul", 1);
    op_test_input(&t, test_f32(SHAPE(2, 2, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(3, 2, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "batch dimension 0 does not broadcast: a has 2, b has 3");
    op_test_begin(&t, "com.microsoft", "TransposeMatMul", 1);
    op_test_int(&t, "transBatchA", 1);
    op_test_input(&t, test_f32(SHAPE(2, 2, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 2, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "transBatchA");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(both_operands_are_turned_and_scaled, test_tensors_free),
        cmocka_unit_test_teardown(batch_of_a_stands_between_rows_and_columns, test_tensors_free),
        cmocka_unit_test_teardown(vectors_are_not_turned, test_tensors_free),
        cmocka_unit_test_teardown(empty_sums_are_zero, test_tensors_free),
        cmocka_unit_test_teardown(bad_operands_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
