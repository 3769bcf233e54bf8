/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static const float two[] = {1, 2};

static void start(struct op_test *t, const char *op, int64_t version, const struct onr_tensor *x)
{
    op_test_begin(t, "", op, version);
    op_test_input(t, x);
}

static void squeeze_drops_listed_or_all_unit_dimensions(void **state)
{
    (void)state;
    struct op_test t;
    start(&t, "Squeeze", 13, test_f32(SHAPE(1, 2, 1), two));
    op_test_output(&t, test_f32(SHAPE(2), two));
    op_test_run(&t);
    start(&t, "Squeeze", 13, test_f32(SHAPE(1, 2, 1), two));
    op_test_input(&t, test_i64(SHAPE(1), (int64_t[]){-1}));
    op_test_output(&t, test_f32(SHAPE(1, 2), two));
    op_test_run(&t);
    start(&t, "Squeeze", 13, test_f32(SHAPE(1, 2, 1), two));
    op_test_input(&t, test_i64(SHAPE(0), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2, 1), two));
    op_test_run(&t);
    start(&t, "Squeeze", 11, test_f32(SHAPE(1, 2, 1), two));
    op_test_ints(&t, "axes", 2, (int64_t[]){2, 0});
    op_test_output(&t, test_f32(SHAPE(2), two));
    op_test_run(&t);
}

static void unsqueeze_counts_axes_in_the_result(void **state)
{
    (void)state;
    struct op_test t;
    start(&t, "Unsqueeze", 13, test_f32(SHAPE(2), two));
    op_test_input(&t, test_i64(SHAPE(2), (int64_t[]){-1, 0}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 1), two));
    op_test_run(&t);
    start(&t, "Unsqueeze", 13, test_f32(SCALAR, two));
    op_test_input(&t, test_i64(SCALAR, (int64_t[]){0}));
    op_test_output(&t, test_f32(SHAPE(1), two));
    op_test_run(&t);
    start(&t, "Unsqueeze", 11, test_f32(SHAPE(2), two));
    op_test_ints(&t, "axes", 1, (int64_t[]){1});
    op_test_output(&t, test_f32(SHAPE(2, 1), two));
    op_test_run(&t);
}

static void check_refused(const char *op, int64_t a, int64_t b, enum onr_status status,
                          const char *text)
{
    struct op_test t;
    start(&t, op, 13, test_f32(SHAPE(1, 2), two));
    op_test_input(&t, test_i64(SHAPE(2), (int64_t[]){a, b}));
    op_test_output(&t, test_f32(SHAPE(2), two));
    op_test_fails(&t, status, text);
}

static void axes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    check_refused("Squeeze", 0, 1, ONR_ERR_SHAPE, "dimension 1 is 2, expected 1");
    check_refused("Squeeze", 0, 2, ONR_ERR_SHAPE, "axis 2 out of range for rank 2");
    check_refused("Squeeze", 0, -2, ONR_ERR_VALUE, "axis 0 is listed twice");
    check_refused("Unsqueeze", 0, 4, ONR_ERR_SHAPE, "axis 4 out of range for rank 4");
    check_refused("Unsqueeze", 1, -3, ONR_ERR_VALUE, "axis 1 is listed twice");
}

static void begin_expand_dims(struct op_test *t, size_t rank, const int64_t *dims,
                              const int32_t *axis)
{
    op_test_begin(t, "com.microsoft", "ExpandDims", 1);
    op_test_input(t, test_f32(SHAPE(2), two));
    op_test_input(t, test_tensor(ONR_INT32, rank, dims, axis));
}

static void expand_dims_takes_one_axis(void **state)
{
    (void)state;
    struct op_test t;
    begin_expand_dims(&t, SCALAR, (int32_t[]){0});
    op_test_output(&t, test_f32(SHAPE(1, 2), two));
    op_test_run(&t);
    begin_expand_dims(&t, SHAPE(1), (int32_t[]){-1});
    op_test_output(&t, test_f32(SHAPE(2, 1), two));
    op_test_run(&t);
    begin_expand_dims(&t, SCALAR, (int32_t[]){-3});
    op_test_output(&t, test_f32(SHAPE(2, 1), two));
    op_test_fails(&t, ONR_ERR_SHAPE, "axis -3 out of range for rank 2");
    begin_expand_dims(&t, SHAPE(2), (int32_t[]){0, 1});
    op_test_output(&t, test_f32(SHAPE(1, 1, 2), two));
    op_test_fails(&t, ONR_ERR_SHAPE, "axis has 2 elements, expected 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(squeeze_drops_listed_or_all_unit_dimensions, test_tensors_free),
        cmocka_unit_test_teardown(unsqueeze_counts_axes_in_the_result, test_tensors_free),
        cmocka_unit_test_teardown(axes_that_do_not_fit_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(expand_dims_takes_one_axis, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
