/* SPDX-License-Identifier: Apache-2.0 */
/* QGemm by hand, and what it refuses; tests/contrib has the rest. */
#include "support/op_test.h"

#define test_u8(...) test_tensor(ONR_UINT8, __VA_ARGS__)
#define test_s8(...) test_tensor(ONR_INT8, __VA_ARGS__)

/* A = [[2, 1], [0, 4]] and B = [[1, 2], [3, -5]] as real numbers, C = [100, -100]. */
static void begin_qgemm(struct op_test *t)
{
    op_test_begin(t, "com.microsoft", "QGemm", 1);
    op_test_input(t, test_u8(SHAPE(2, 2), (uint8_t[]){5, 4, 3, 7}));
    op_test_input(t, test_f32(SCALAR, (float[]){1}));
    op_test_input(t, test_u8(SCALAR, (uint8_t[]){3}));
    op_test_input(t, test_s8(SHAPE(2, 2), (int8_t[]){2, 3, 4, -4}));
    op_test_input(t, test_f32(SHAPE(2), (float[]){1, 0.5f}));
    op_test_input(t, test_s8(SHAPE(2), (int8_t[]){1, 1}));
    op_test_input(t, test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){100, -100}));
}

static void the_product_is_float_without_scale_of_y(void **state)
{
    (void)state;
    struct op_test t;
    begin_qgemm(&t);
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){105, -50.5f, 112, -60}));
    op_test_run(&t);
    op_test_float(&t, "alpha", 2);
    t.inputs[6] = NULL;
    t.outputs[0] = test_f32(SHAPE(2, 2), (float[]){10, -1, 24, -20});
    op_test_run(&t);
    op_test_int(&t, "transB", 1);
    t.inputs[3] = test_s8(SHAPE(2, 2), (int8_t[]){2, 4, 3, -4});
    op_test_run(&t);
    op_test_int(&t, "transA", 1);
    t.inputs[0] = test_u8(SHAPE(2, 2), (uint8_t[]){5, 3, 4, 7});
    op_test_run(&t);
}

static void y_is_rounded_to_even_and_saturated(void **state)
{
    (void)state;
    struct op_test t;
    begin_qgemm(&t);
    op_test_input(&t, test_f32(SHAPE(1), (float[]){2}));
    op_test_input(&t, test_u8(SHAPE(1), (uint8_t[]){29}));
    op_test_output(&t, test_u8(SHAPE(2, 2), (uint8_t[]){52 + 29, 29 - 25, 56 + 29, 0}));
    op_test_run(&t);
    t.inputs[7] = test_f32(SHAPE(1), (float[]){0.5f});
    t.inputs[8] = test_s8(SHAPE(1), (int8_t[]){-10});
    t.outputs[0] = test_s8(SHAPE(2, 2), (int8_t[]){127, -111, 127, -128});
    op_test_run(&t);
}

static void without_inner_dimension_c_is_left(void **state)
{
    (void)state;
    struct op_test t;
    begin_qgemm(&t);
    t.inputs[0] = test_u8(SHAPE(2, 0), NULL);
    t.inputs[3] = test_s8(SHAPE(0, 2), NULL);
    t.inputs[6] = test_tensor(ONR_INT32, SHAPE(2, 1), (int32_t[]){3, 4});
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){3, 1.5f, 4, 2}));
    op_test_run(&t);
    t.inputs[3] = test_s8(SHAPE(2, 0), NULL);
    op_test_int(&t, "transB", 1);
    op_test_run(&t);
    t.inputs[0] = test_u8(SHAPE(0, 0), NULL);
    t.inputs[6] = NULL;
    t.outputs[0] = test_f32(SHAPE(0, 2), NULL);
    op_test_run(&t);
}

static void operands_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin_qgemm(&t);
    op_test_output(&t, test_f32(SHAPE(2, 2), NULL));
    t.inputs[3] = test_s8(SHAPE(3, 2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "inner dimensions differ: op(a)[M,K]=2, op(b)[K,N]=3");
    t.inputs[3] = test_s8(SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "b has rank 1, expected 2");
    begin_qgemm(&t);
    op_test_output(&t, test_f32(SHAPE(2, 2), NULL));
    t.inputs[6] = test_tensor(ONR_INT32, SHAPE(3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "c does not broadcast to y: n is 3, expected 1 or 2");
    t.inputs[6] = NULL;
    t.inputs[1] = test_f32(SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input 1 has shape 2, expected one element");
    t.inputs[1] = test_f32(SHAPE(1), NULL);
    t.inputs[5] = test_s8(SHAPE(3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE,
                  "input 5 has shape 3, expected one element or one for each column");
    t.inputs[5] = test_s8(SHAPE(2), NULL);
    op_test_input(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "y_scale and y_zero_point must come together");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_product_is_float_without_scale_of_y, test_tensors_free),
        cmocka_unit_test_teardown(y_is_rounded_to_even_and_saturated, test_tensors_free),
        cmocka_unit_test_teardown(without_inner_dimension_c_is_left, test_tensors_free),
        cmocka_unit_test_teardown(operands_that_do_not_fit_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
