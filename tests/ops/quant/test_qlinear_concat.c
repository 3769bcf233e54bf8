/* SPDX-License-Identifier: Apache-2.0 */
/* QLinearConcat by hand, and what it refuses; tests/contrib has the rest. */
#include "support/op_test.h"

#define test_u8(...) test_tensor(ONR_UINT8, __VA_ARGS__)
#define test_s8(...) test_tensor(ONR_INT8, __VA_ARGS__)

/* Y has the scale 1 and the zero point 10; a part of scale 2 and zero point 1. */
static void begin_concat(struct op_test *t, int64_t axis, const struct onr_tensor *part)
{
    op_test_begin(t, "com.microsoft", "QLinearConcat", 1);
    op_test_int(t, "axis", axis);
    op_test_input(t, test_f32(SCALAR, (float[]){1}));
    op_test_input(t, test_u8(SCALAR, (uint8_t[]){10}));
    op_test_input(t, part);
    op_test_input(t, test_f32(SCALAR, (float[]){2}));
    op_test_input(t, test_u8(SCALAR, (uint8_t[]){1}));
}

/* A part of scale 0.5 and zero point 0. */
static void add_part(struct op_test *t, const struct onr_tensor *part)
{
    op_test_input(t, part);
    op_test_input(t, test_f32(SHAPE(1), (float[]){0.5f}));
    op_test_input(t, test_u8(SHAPE(1), (uint8_t[]){0}));
}

static void parts_are_brought_to_one_scale(void **state)
{
    (void)state;
    struct op_test t;
    begin_concat(&t, 1, test_u8(SHAPE(2, 1), (uint8_t[]){3, 255}));
    add_part(&t, test_u8(SHAPE(2, 2), (uint8_t[]){4, 5, 6, 7}));
    op_test_output(&t, test_u8(SHAPE(2, 3), (uint8_t[]){14, 12, 12, 255, 13, 14}));
    op_test_run(&t);
    begin_concat(&t, -2, test_u8(SHAPE(1, 2), (uint8_t[]){3, 0}));
    add_part(&t, test_u8(SHAPE(0, 2), NULL));
    add_part(&t, test_u8(SHAPE(1, 2), (uint8_t[]){0, 1}));
    op_test_output(&t, test_u8(SHAPE(2, 2), (uint8_t[]){14, 8, 10, 10}));
    op_test_run(&t);
}

static void parts_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin_concat(&t, 0, test_u8(SHAPE(2, 2), NULL));
    op_test_output(&t, test_u8(SHAPE(4, 2), NULL));
    op_test_input(&t, test_u8(SHAPE(2, 2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "got 6 inputs, expected 2 and 3 for each part");
    op_test_input(&t, test_u8(SHAPE(1), NULL));
    op_test_input(&t, test_u8(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "input 6 has type uint8, expected float");
    t.inputs[6] = test_f32(SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input 6 has shape 2, expected one element");
    t.inputs[6] = test_f32(SHAPE(1), NULL);
    t.inputs[7] = test_s8(SHAPE(1), NULL);
    op_test_fails(&t, ONR_ERR_MODEL, "input 7 has type int8, expected uint8");
    t.inputs[7] = test_u8(SHAPE(1), NULL);
    t.inputs[5] = NULL;
    op_test_fails(&t, ONR_ERR_MODEL, "input 5 is missing");
    t.inputs[5] = test_u8(SHAPE(2, 3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input 5 has 3 in dimension 1, expected 2");
    begin_concat(&t, 2, test_u8(SHAPE(2, 2), NULL));
    op_test_output(&t, test_u8(SHAPE(2, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "axis 2 out of range for rank 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(parts_are_brought_to_one_scale, test_tensors_free),
        cmocka_unit_test_teardown(parts_that_do_not_fit_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
