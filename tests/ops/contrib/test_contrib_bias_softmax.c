/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

/* ln 3: softmax of {0, ln 3} is {1/4, 3/4}. */
#define LN3 1.0986123f

static void begin(struct op_test *t, int64_t axis, int64_t is_inner)
{
    op_test_begin(t, "com.microsoft", "BiasSoftmax", 1);
    op_test_int(t, "axis", axis);
    op_test_int(t, "is_inner_broadcast", is_inner);
}

static void inner_broadcast_repeats_along_the_last_dimensions(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, -1, 1);
    op_test_input(&t, test_f32(SHAPE(2, 2, 2), (float[]){0, 0, 0, LN3, LN3, 0, 0, 0}));
    op_test_input(&t, test_f32(SHAPE(2, 1, 2), (float[]){LN3, 0, 0, LN3}));
    op_test_output(&t, test_f32(SHAPE(2, 2, 2),
                                (float[]){0.75f, 0.25f, 0.5f, 0.5f, 0.5f, 0.5f, 0.25f, 0.75f}));
    op_test_run(&t);
}

static void outer_broadcast_repeats_along_the_first_dimensions(void **state)
{
    (void)state;
    struct op_test t;
    const struct onr_tensor *data = test_f32(SHAPE(2, 2, 2), (float[]){0, 0, 0, LN3, LN3, 0, 0, 0});
    const struct onr_tensor *output =
        test_f32(SHAPE(2, 2, 2), (float[]){0.75f, 0.25f, 0.1f, 0.9f, 0.9f, 0.1f, 0.25f, 0.75f});
    begin(&t, 2, 0);
    op_test_input(&t, data);
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){LN3, 0, 0, LN3}));
    op_test_output(&t, output);
    op_test_run(&t);
    begin(&t, 2, 0);
    op_test_input(&t, data);
    op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){LN3, 0, 0, LN3}));
    op_test_output(&t, output);
    op_test_run(&t);
}

static void axis_is_1_by_default_and_takes_all_that_follow(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "BiasSoftmax", 1);
    op_test_int(&t, "is_inner_broadcast", 0);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2, 2, 2), NULL));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2, 2), (double[]){0, 0, 0, log(5)}));
    op_test_output(&t,
                   test_tensor(ONR_DOUBLE, SHAPE(2, 2, 2),
                               (double[]){0.125, 0.125, 0.125, 0.625, 0.125, 0.125, 0.125, 0.625}));
    op_test_run(&t);
}

static void masked_rows_and_nan_follow_the_formula(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, 1);
    op_test_input(&t, test_f32(SHAPE(3, 2), (float[]){1, 2, 3, 4, NAN, 0}));
    op_test_input(&t, test_f32(SHAPE(3, 2), (float[]){0, -INFINITY, -INFINITY, -INFINITY, 0, 0}));
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){1, 0, NAN, NAN, NAN, NAN}));
    op_test_run(&t);
    begin(&t, 1, 1);
    op_test_input(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 0), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_run(&t);
}

struct refusal {
    int64_t axis, is_inner;
    size_t rank;
    int64_t bias[4];
    const char *message;
};

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const struct refusal list[] = {
        {3, 0, 3, {2, 3, 4}, "axis 3 out of range for rank 3"},
        {2,
         1,
         3,
         {1, 3, 4},
         "bias of shape 1x3x4 cannot be repeated along the last dimensions of "
         "2x3x4 before axis 2"},
        {2, 0, 3, {2, 1, 4}, "cannot be repeated along the first dimensions"},
        {2, 1, 3, {2, 1, 1}, "bias of shape 2x1x1"},
        {2, 1, 3, {2, 2, 4}, "bias of shape 2x2x4"},
        {2, 0, 4, {1, 2, 3, 4}, "bias of shape 1x2x3x4"},
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct op_test t;
        begin(&t, list[i].axis, list[i].is_inner);
        op_test_input(&t, test_f32(SHAPE(2, 3, 4), NULL));
        op_test_input(&t, test_f32(list[i].rank, list[i].bias, NULL));
        op_test_output(&t, test_f32(SHAPE(2, 3, 4), NULL));
        op_test_fails(&t, ONR_ERR_SHAPE, list[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(inner_broadcast_repeats_along_the_last_dimensions,
                                  test_tensors_free),
        cmocka_unit_test_teardown(outer_broadcast_repeats_along_the_first_dimensions,
                                  test_tensors_free),
        cmocka_unit_test_teardown(axis_is_1_by_default_and_takes_all_that_follow,
                                  test_tensors_free),
        cmocka_unit_test_teardown(masked_rows_and_nan_follow_the_formula, test_tensors_free),
        cmocka_unit_test_teardown(what_does_not_fit_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
