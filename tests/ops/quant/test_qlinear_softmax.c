/* SPDX-License-Identifier: Apache-2.0 */
/* QLinearSoftmax by hand, and what it refuses; tests/contrib has the rest. */
#include "support/op_test.h"

#define test_u8(...) test_tensor(ONR_UINT8, __VA_ARGS__)
#define test_s8(...) test_tensor(ONR_INT8, __VA_ARGS__)

/* e^0.693147 is 2; Y counts hundredths from `zero` on. */
static void begin_softmax(struct op_test *t, const struct onr_tensor *x,
                          const struct onr_tensor *zero, int64_t opset)
{
    op_test_begin(t, "com.microsoft", "QLinearSoftmax", 1);
    op_test_int(t, "opset", opset);
    op_test_input(t, x);
    op_test_input(t, test_f32(SCALAR, (float[]){0.6931472f}));
    op_test_input(t, NULL);
    op_test_input(t, test_f32(SHAPE(1), (float[]){0.01f}));
    op_test_input(t, zero);
}

static void rows_sum_up_to_one(void **state)
{
    (void)state;
    struct op_test t;
    begin_softmax(&t, test_u8(SHAPE(2, 3), (uint8_t[]){4, 3, 3, 255, 0, 1}),
                  test_u8(SCALAR, (uint8_t[]){5}), 13);
    op_test_output(&t, test_u8(SHAPE(2, 3), (uint8_t[]){55, 30, 30, 105, 5, 5}));
    op_test_run(&t);
    begin_softmax(&t, test_s8(SHAPE(2, 1, 2), (int8_t[]){-128, 127, -127, 127}),
                  test_s8(SCALAR, (int8_t[]){-10}), 13);
    op_test_int(&t, "axis", 0);
    op_test_output(&t, test_s8(SHAPE(2, 1, 2), (int8_t[]){23, 40, 57, 40}));
    op_test_run(&t);
}

static void old_operator_sets_take_all_axes_behind(void **state)
{
    (void)state;
    struct op_test t;
    begin_softmax(&t, test_u8(SHAPE(1, 2, 2), (uint8_t[]){7, 7, 7, 7}),
                  test_u8(SCALAR, (uint8_t[]){0}), 12);
    op_test_int(&t, "axis", 1);
    op_test_output(&t, test_u8(SHAPE(1, 2, 2), (uint8_t[]){25, 25, 25, 25}));
    op_test_run(&t);
}

static void results_saturate(void **state)
{
    (void)state;
    struct op_test t;
    begin_softmax(&t, test_s8(SHAPE(3), (int8_t[]){-128, 100, 99}), test_s8(SCALAR, (int8_t[]){90}),
                  13);
    op_test_output(&t, test_s8(SHAPE(3), (int8_t[]){90, 127, 123}));
    op_test_run(&t);
}

static void without_elements_there_is_nothing_to_do(void **state)
{
    (void)state;
    struct op_test t;
    begin_softmax(&t, test_u8(SHAPE(2, 0), NULL), test_u8(SCALAR, NULL), 13);
    op_test_output(&t, test_u8(SHAPE(2, 0), NULL));
    op_test_run(&t);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin_softmax(&t, test_u8(SHAPE(2, 3), NULL), test_u8(SHAPE(2), NULL), 13);
    op_test_output(&t, test_u8(SHAPE(2, 3), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 4 has shape 2, expected one element");
    t.inputs[4] = NULL;
    op_test_fails(&t, ONR_ERR_MODEL, "required input 4 is empty");
    t.inputs[4] = test_u8(SCALAR, NULL);
    op_test_int(&t, "axis", 2);
    op_test_fails(&t, ONR_ERR_SHAPE, "axis 2");
    op_test_begin(&t, "com.microsoft", "QLinearSoftmax", 1);
    op_test_input(&t, test_u8(SHAPE(2, 3), NULL));
    op_test_input(&t, test_f32(SCALAR, NULL));
    op_test_output(&t, test_u8(SHAPE(2, 3), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "attribute \"opset\" is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(rows_sum_up_to_one, test_tensors_free),
        cmocka_unit_test_teardown(old_operator_sets_take_all_axes_behind, test_tensors_free),
        cmocka_unit_test_teardown(results_saturate, test_tensors_free),
        cmocka_unit_test_teardown(without_elements_there_is_nothing_to_do, test_tensors_free),
        cmocka_unit_test_teardown(what_does_not_fit_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
