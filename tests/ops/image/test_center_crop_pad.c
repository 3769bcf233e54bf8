/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void begin(struct op_test *t, const struct onr_tensor *x, const struct onr_tensor *shape)
{
    op_test_begin(t, "", "CenterCropPad", 18);
    op_test_input(t, x);
    op_test_input(t, shape);
}

static void what_is_odd_goes_behind(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_f32(SHAPE(2, 4), (float[]){1, 2, 3, 4, 5, 6, 7, 8}),
          test_i64(SHAPE(2), (int64_t[]){5, 1}));
    op_test_output(&t, test_f32(SHAPE(5, 1), (float[]){0, 2, 6, 0, 0}));
    op_test_run(&t);
}

static void negative_axes_and_other_types(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_tensor(ONR_STRING, SHAPE(2, 1), (struct onr_string[]){{"ab", 2}, {"c", 1}}),
          test_tensor(ONR_INT32, SHAPE(1), (int32_t[]){2}));
    op_test_ints(&t, "axes", 1, (int64_t[]){-1});
    op_test_output(&t, test_tensor(ONR_STRING, SHAPE(2, 2),
                                   (struct onr_string[]){{"ab", 2}, {"", 0}, {"c", 1}, {"", 0}}));
    op_test_run(&t);
    begin(&t, test_tensor(ONR_COMPLEX128, SHAPE(2), (double[]){1, 2, 3, 4}),
          test_i64(SHAPE(1), (int64_t[]){4}));
    op_test_output(&t, test_tensor(ONR_COMPLEX128, SHAPE(4), (double[]){0, 0, 1, 2, 3, 4, 0, 0}));
    op_test_run(&t);
}

static void scalars_and_empty_tensors(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_f32(SCALAR, (float[]){3}), test_tensor(ONR_INT64, 1, (int64_t[]){0}, NULL));
    op_test_output(&t, test_f32(SCALAR, (float[]){3}));
    op_test_run(&t);
    begin(&t, test_f32(SHAPE(0, 2), NULL), test_i64(SHAPE(2), (int64_t[]){1, 1}));
    op_test_output(&t, test_f32(SHAPE(1, 1), (float[]){0}));
    op_test_run(&t);
    begin(&t, test_f32(SHAPE(2, 2), NULL), test_i64(SHAPE(2), (int64_t[]){0, 3}));
    op_test_output(&t, test_f32(SHAPE(0, 3), NULL));
    op_test_run(&t);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    struct op_test t;
    const struct onr_tensor *x = test_f32(SHAPE(2, 2), NULL);
    begin(&t, x, test_i64(SHAPE(1), (int64_t[]){1}));
    op_test_output(&t, x);
    op_test_fails(&t, ONR_ERR_SHAPE, "shape has 1 numbers, expected one for each of 2 axes");
    begin(&t, x, test_i64(SHAPE(2), (int64_t[]){1, -1}));
    op_test_output(&t, x);
    op_test_fails(&t, ONR_ERR_VALUE, "shape[1] is -1");
    op_test_ints(&t, "axes", 2, (int64_t[]){1, -1});
    op_test_fails(&t, ONR_ERR_MODEL, "axis 1 is listed twice");
    begin(&t, x, test_i64(SHAPE(1), (int64_t[]){1}));
    op_test_ints(&t, "axes", 1, (int64_t[]){2});
    op_test_output(&t, x);
    op_test_fails(&t, ONR_ERR_SHAPE, "axis 2 out of range");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_odd_goes_behind, test_tensors_free),
        cmocka_unit_test_teardown(negative_axes_and_other_types, test_tensors_free),
        cmocka_unit_test_teardown(scalars_and_empty_tensors, test_tensors_free),
        cmocka_unit_test_teardown(bad_input_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
