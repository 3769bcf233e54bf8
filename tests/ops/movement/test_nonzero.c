/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void nonzero(struct op_test *t, const struct onr_tensor *x)
{
    op_test_begin(t, "", "NonZero", 13);
    op_test_input(t, x);
}

static void indices_come_in_row_major_order(void **state)
{
    (void)state;
    struct op_test t;
    nonzero(&t, test_f32(SHAPE(2, 3), (float[]){0, 1, -0.0f, NAN, 0, -2}));
    op_test_output(&t, test_i64(SHAPE(2, 3), (int64_t[]){0, 1, 1, 1, 0, 2}));
    op_test_run(&t);
    nonzero(&t, test_tensor(ONR_BOOL, SHAPE(3), (uint8_t[]){0, 1, 1}));
    op_test_output(&t, test_i64(SHAPE(1, 2), (int64_t[]){1, 2}));
    op_test_run(&t);
    nonzero(&t, test_tensor(ONR_STRING, SHAPE(2), (struct onr_string[]){{"", 0}, {"0", 1}}));
    op_test_output(&t, test_i64(SHAPE(1, 1), (int64_t[]){1}));
    op_test_run(&t);
    nonzero(&t, test_tensor(ONR_COMPLEX64, SHAPE(2), (float[]){0, 0, 0, 1}));
    op_test_output(&t, test_i64(SHAPE(1, 1), (int64_t[]){1}));
    op_test_run(&t);
}

static void empty_and_scalar_inputs_have_shapes_too(void **state)
{
    (void)state;
    struct op_test t;
    nonzero(&t, test_f32(SHAPE(0, 2), NULL));
    op_test_output(&t, test_i64(SHAPE(2, 0), NULL));
    op_test_run(&t);
    nonzero(&t, test_f32(SCALAR, (float[]){3}));
    op_test_output(&t, test_i64(SHAPE(0, 1), NULL));
    op_test_run(&t);
}

static void compress(struct op_test *t, const int64_t *axis, const struct onr_tensor *condition)
{
    op_test_begin(t, "", "Compress", 11);
    if (axis != NULL) {
        op_test_int(t, "axis", *axis);
    }
    op_test_input(t, test_f32(SHAPE(3, 2), (float[]){1, 2, 3, 4, 5, 6}));
    op_test_input(t, condition);
}

static void compress_keeps_what_is_true(void **state)
{
    (void)state;
    struct op_test t;
    compress(&t, (int64_t[]){0}, test_tensor(ONR_BOOL, SHAPE(3), (uint8_t[]){0, 1, 1}));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){3, 4, 5, 6}));
    op_test_run(&t);
    compress(&t, (int64_t[]){-1}, test_tensor(ONR_BOOL, SHAPE(1), (uint8_t[]){1}));
    op_test_output(&t, test_f32(SHAPE(3, 1), (float[]){1, 3, 5}));
    op_test_run(&t);
    compress(&t, NULL, test_tensor(ONR_BOOL, SHAPE(5), (uint8_t[]){0, 1, 0, 0, 1}));
    op_test_output(&t, test_f32(SHAPE(2), (float[]){2, 5}));
    op_test_run(&t);
    compress(&t, NULL, test_tensor(ONR_BOOL, SHAPE(2), NULL));
    op_test_output(&t, test_f32(SHAPE(0), NULL));
    op_test_run(&t);
}

static void too_many_conditions_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    compress(&t, (int64_t[]){1}, test_tensor(ONR_BOOL, SHAPE(3), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "3 conditions for dimension 1, which is 2");
    compress(&t, NULL, test_tensor(ONR_BOOL, SHAPE(7), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "7 conditions for 6 elements");
    compress(&t, NULL, test_tensor(ONR_BOOL, SHAPE(1, 1), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 1 has rank 2, expected 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(indices_come_in_row_major_order, test_tensors_free),
        cmocka_unit_test_teardown(empty_and_scalar_inputs_have_shapes_too, test_tensors_free),
        cmocka_unit_test_teardown(compress_keeps_what_is_true, test_tensors_free),
        cmocka_unit_test_teardown(too_many_conditions_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
