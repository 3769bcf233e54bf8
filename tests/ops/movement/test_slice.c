/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static const float count_up[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

/* Slices [3, 4] along one axis. */
static void slice_axis(struct op_test *t, int64_t axis, int64_t start, int64_t end, int64_t step)
{
    op_test_begin(t, "", "Slice", 13);
    op_test_input(t, test_f32(SHAPE(3, 4), count_up));
    op_test_input(t, test_i64(SHAPE(1), &start));
    op_test_input(t, test_i64(SHAPE(1), &end));
    op_test_input(t, test_i64(SHAPE(1), &axis));
    op_test_input(t, test_i64(SHAPE(1), &step));
}

static void check_rows(int64_t start, int64_t end, int64_t step, size_t count, const float *first)
{
    struct op_test t;
    struct onr_tensor *y = test_f32(SHAPE((int64_t)count, 4), NULL);
    for (size_t i = 0; i < 4 * count; i++) {
        ((float *)y->data)[i] = first[i / 4] + (float)(i % 4);
    }
    slice_axis(&t, 0, start, end, step);
    op_test_output(&t, y);
    op_test_run(&t);
}

static void ends_are_cut_and_counted_from_the_end(void **state)
{
    (void)state;
    check_rows(1, INT64_MAX, 1, 2, (float[]){4, 8});
    check_rows(-1, INT32_MAX, 1, 1, (float[]){8});
    check_rows(INT64_MIN, -1, 1, 2, (float[]){0, 4});
    check_rows(0, 3, 2, 2, (float[]){0, 8});
    check_rows(0, 3, INT64_MAX, 1, (float[]){0});
    check_rows(2, 1, 1, 0, NULL);
    check_rows(7, 9, 1, 0, NULL);
}

static void negative_steps_run_backwards(void **state)
{
    (void)state;
    check_rows(-1, INT64_MIN, -1, 3, (float[]){8, 4, 0});
    check_rows(100, 0, -1, 2, (float[]){8, 4});
    check_rows(2, INT64_MIN, -2, 2, (float[]){8, 0});
    check_rows(2, -100, INT64_MIN, 1, (float[]){8});
    check_rows(0, 2, -1, 0, NULL);
    struct op_test t;
    slice_axis(&t, -1, 3, 0, -2);
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){3, 1, 7, 5, 11, 9}));
    op_test_run(&t);
}

static void columns_that_are_neighbours_stay_together(void **state)
{
    (void)state;
    struct op_test t;
    slice_axis(&t, 1, 1, 3, 1);
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){1, 2, 5, 6, 9, 10}));
    op_test_run(&t);
    slice_axis(&t, 1, 1, 4, 1);
    op_test_output(&t, test_f32(SHAPE(3, 3), (float[]){1, 2, 3, 5, 6, 7, 9, 10, 11}));
    op_test_run(&t);
}

static void lists_may_be_int32_and_axes_left_out(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Slice", 10);
    op_test_input(&t, test_f32(SHAPE(3, 4), count_up));
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){1, 2}));
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){2, 4}));
    op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){6, 7}));
    op_test_run(&t);
}

static void old_versions_have_attributes(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Slice", 9);
    op_test_ints(&t, "starts", 1, (int64_t[]){-2});
    op_test_ints(&t, "ends", 1, (int64_t[]){INT64_MAX});
    op_test_ints(&t, "axes", 1, (int64_t[]){1});
    op_test_input(&t, test_f32(SHAPE(3, 4), count_up));
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){2, 3, 6, 7, 10, 11}));
    op_test_run(&t);
    op_test_begin(&t, "", "Slice", 9);
    op_test_ints(&t, "starts", 2, (int64_t[]){0, 0});
    op_test_ints(&t, "ends", 1, (int64_t[]){1});
    op_test_input(&t, test_f32(SHAPE(3, 4), count_up));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "2 starts, 1 ends");
}

static void impossible_slices_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    slice_axis(&t, 0, 0, 1, 0);
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "step 0 is 0");
    slice_axis(&t, 2, 0, 1, 1);
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "axis 2 out of range for rank 2");
    op_test_begin(&t, "", "Slice", 13);
    op_test_input(&t, test_f32(SHAPE(3, 4), count_up));
    op_test_input(&t, test_i64(SHAPE(2), (int64_t[]){0, 0}));
    op_test_input(&t, test_i64(SHAPE(1), (int64_t[]){1}));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 2 has 1 entries, the lists before 2");
    op_test_begin(&t, "", "Slice", 13);
    op_test_input(&t, test_f32(SHAPE(3, 4), count_up));
    op_test_input(&t, test_i64(SHAPE(2), (int64_t[]){0, 0}));
    op_test_input(&t, test_i64(SHAPE(2), (int64_t[]){1, 1}));
    op_test_input(&t, test_i64(SHAPE(2), (int64_t[]){1, -1}));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "axis 1 is listed twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(ends_are_cut_and_counted_from_the_end, test_tensors_free),
        cmocka_unit_test_teardown(negative_steps_run_backwards, test_tensors_free),
        cmocka_unit_test_teardown(columns_that_are_neighbours_stay_together, test_tensors_free),
        cmocka_unit_test_teardown(lists_may_be_int32_and_axes_left_out, test_tensors_free),
        cmocka_unit_test_teardown(old_versions_have_attributes, test_tensors_free),
        cmocka_unit_test_teardown(impossible_slices_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
