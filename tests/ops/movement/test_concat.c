/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void start(struct op_test *t, int64_t version, int64_t axis)
{
    op_test_begin(t, "", "Concat", version);
    op_test_int(t, "axis", axis);
}

static void inputs_follow_each_other_along_axis(void **state)
{
    (void)state;
    struct op_test t;
    start(&t, 13, -1);
    op_test_input(&t, test_f32(SHAPE(2, 1), (float[]){1, 2}));
    op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){3, 4, 5, 6}));
    op_test_input(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){1, 3, 4, 2, 5, 6}));
    op_test_run(&t);
    start(&t, 4, 0);
    op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){1, 2}));
    op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){1, 2}));
    op_test_run(&t);
}

static void strings_and_bools_are_moved_too(void **state)
{
    (void)state;
    struct onr_string ab[] = {{"a", 1}, {"b", 1}};
    struct op_test t;
    start(&t, 13, 0);
    op_test_input(&t, test_tensor(ONR_STRING, SHAPE(1), ab));
    op_test_input(&t, test_tensor(ONR_STRING, SHAPE(1), ab + 1));
    op_test_output(&t, test_tensor(ONR_STRING, SHAPE(2), ab));
    op_test_run(&t);
    start(&t, 13, 0);
    op_test_input(&t, test_tensor(ONR_BOOL, SHAPE(1), (uint8_t[]){1}));
    op_test_input(&t, test_tensor(ONR_BOOL, SHAPE(2), (uint8_t[]){0, 1}));
    op_test_output(&t, test_tensor(ONR_BOOL, SHAPE(3), (uint8_t[]){1, 0, 1}));
    op_test_run(&t);
}

static void shapes_must_fit_off_the_axis(void **state)
{
    (void)state;
    struct op_test t;
    start(&t, 13, 0);
    op_test_input(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 1 has 3 in dimension 1, expected 2");
    start(&t, 13, 0);
    op_test_input(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 1 has rank 1, expected 2");
    start(&t, 13, 2);
    op_test_input(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "axis 2 out of range for rank 2");
    start(&t, 13, 0);
    op_test_input(&t, test_f32(SCALAR, NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "axis 0 out of range for rank 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(inputs_follow_each_other_along_axis, test_tensors_free),
        cmocka_unit_test_teardown(strings_and_bools_are_moved_too, test_tensors_free),
        cmocka_unit_test_teardown(shapes_must_fit_off_the_axis, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
