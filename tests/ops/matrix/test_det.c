/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void begin(struct op_test *t, int64_t version)
{
    op_test_begin(t, "", "Det", version);
}

static void each_matrix_has_its_determinant(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 11);
    op_test_input(&t, test_f32(SHAPE(3, 2, 2), (float[]){1, 2, 3, 4, 1, 2, 2, 1, 1, 3, 3, 1}));
    op_test_output(&t, test_f32(SHAPE(3), (float[]){-2, -3, -8}));
    op_test_run(&t);
}

static void pivots_may_be_zero(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 22);
    op_test_input(&t, test_f32(SHAPE(3, 3), (float[]){0, 2, 0, 3, 0, 0, 0, 0, 5}));
    op_test_output(&t, test_f32(SCALAR, (float[]){-30}));
    op_test_run(&t);
    t.inputs[0] = test_f32(SHAPE(3, 3), (float[]){0, 2, 1, 0, 1, 2, 0, 5, 3});
    t.outputs[0] = test_f32(SCALAR, (float[]){0});
    op_test_run(&t);
    t.inputs[0] = test_f32(SHAPE(2, 2), (float[]){1, 0, 0, NAN});
    t.outputs[0] = test_f32(SCALAR, (float[]){NAN});
    op_test_run(&t);
}

static void the_empty_matrix_gives_one(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 22);
    op_test_input(&t, test_f32(SHAPE(2, 0, 0), NULL));
    op_test_output(&t, test_f32(SHAPE(2), (float[]){1, 1}));
    op_test_run(&t);
    t.inputs[0] = test_f32(SHAPE(0, 2, 2), NULL);
    t.outputs[0] = test_f32(SHAPE(0), NULL);
    op_test_run(&t);
}

static void every_float_type_works(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 22);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2, 2), (double[]){1, 1e-9, 1e-9, 1}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SCALAR, (double[]){1 - 1e-18}));
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_FLOAT16, SHAPE(1, 1), (uint16_t[]){0x4000});
    t.outputs[0] = test_tensor(ONR_FLOAT16, SCALAR, (uint16_t[]){0x4000});
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_BFLOAT16, SHAPE(1, 1), (uint16_t[]){0x4000});
    t.outputs[0] = test_tensor(ONR_BFLOAT16, SCALAR, (uint16_t[]){0x4000});
    op_test_run(&t);
    t.version = 21;
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "bfloat16");
}

static void matrices_must_be_square(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 22);
    op_test_input(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "2 x 3");
    t.inputs[0] = test_f32(SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "rank 1");
}

static void inverses_give_one_with_their_matrix(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "Inverse", 1);
    op_test_input(&t, test_f32(SHAPE(2, 2, 2), (float[]){0, 2, -4, 0, 1, 2, 3, 4}));
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), (float[]){0, -0.25f, 0.5f, 0, -2, 1, 1.5f, -0.5f}));
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "Inverse", 1);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1), (uint16_t[]){0x4000}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1), (uint16_t[]){0x3800}));
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "Inverse", 1);
    op_test_input(&t, test_f32(SHAPE(3, 0, 0), NULL));
    op_test_output(&t, test_f32(SHAPE(3, 0, 0), NULL));
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "Inverse", 1);
    op_test_input(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "the matrices are 2 x 3, expected square ones");
}

static void a_matrix_without_inverse_gives_no_numbers(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "Inverse", 1);
    op_test_input(&t, test_f32(SHAPE(1, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 1), (float[]){INFINITY}));
    op_test_run(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_matrix_has_its_determinant, test_tensors_free),
        cmocka_unit_test_teardown(pivots_may_be_zero, test_tensors_free),
        cmocka_unit_test_teardown(the_empty_matrix_gives_one, test_tensors_free),
        cmocka_unit_test_teardown(every_float_type_works, test_tensors_free),
        cmocka_unit_test_teardown(matrices_must_be_square, test_tensors_free),
        cmocka_unit_test_teardown(inverses_give_one_with_their_matrix, test_tensors_free),
        cmocka_unit_test_teardown(a_matrix_without_inverse_gives_no_numbers, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
