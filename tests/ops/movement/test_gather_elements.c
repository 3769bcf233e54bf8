/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void elements(struct op_test *t, int64_t axis, const struct onr_tensor *indices)
{
    op_test_begin(t, "", "GatherElements", 13);
    op_test_int(t, "axis", axis);
    op_test_input(t, test_f32(SHAPE(3, 3), (float[]){1, 2, 3, 4, 5, 6, 7, 8, 9}));
    op_test_input(t, indices);
}

static void the_index_stands_in_along_axis(void **state)
{
    (void)state;
    struct op_test t;
    elements(&t, 0, test_i64(SHAPE(2, 3), (int64_t[]){1, 2, 0, 2, 0, -3}));
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){4, 8, 3, 7, 2, 3}));
    op_test_run(&t);
    elements(&t, -1, test_tensor(ONR_INT32, SHAPE(2, 1), (int32_t[]){2, -2}));
    op_test_output(&t, test_f32(SHAPE(2, 1), (float[]){3, 5}));
    op_test_run(&t);
    elements(&t, 1, test_i64(SHAPE(3, 0), NULL));
    op_test_output(&t, test_f32(SHAPE(3, 0), NULL));
    op_test_run(&t);
}

static void check_elements_refused(const struct onr_tensor *indices, enum onr_status status,
                                   const char *text)
{
    struct op_test t;
    elements(&t, 0, indices);
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, status, text);
}

static void indices_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    check_elements_refused(test_i64(SHAPE(1, 1), (int64_t[]){3}), ONR_ERR_VALUE,
                           "index 3 at 0 is out of range [-3, 2]");
    check_elements_refused(test_i64(SHAPE(1, 4), NULL), ONR_ERR_SHAPE,
                           "indices have 4 in dimension 1, expected at most 3");
    check_elements_refused(test_i64(SHAPE(1), NULL), ONR_ERR_SHAPE,
                           "input 1 has rank 1, expected 2");
}

enum { ROWS = 5, LONG = 600, DEPTH = 3 };

/* x [ROWS, DEPTH, LONG] holds its element numbers; along axis 1 row r, column i takes (r + i) %
 * DEPTH, along axis 2 column (7 i) % LONG of depth 0. */
static void gather_long_rows(int axis, enum onr_dtype index_dtype, int64_t last_index,
                             struct op_test *t)
{
    struct onr_tensor *x = test_tensor(ONR_DOUBLE, SHAPE(ROWS, DEPTH, LONG), NULL);
    struct onr_tensor *indices = test_tensor(index_dtype, SHAPE(ROWS, 1, LONG), NULL);
    struct onr_tensor *y = test_tensor(ONR_DOUBLE, SHAPE(ROWS, 1, LONG), NULL);
    for (int64_t i = 0; i < ROWS * DEPTH * LONG; i++) {
        ((double *)x->data)[i] = (double)i;
    }
    for (int64_t i = 0; i < ROWS * LONG; i++) {
        int64_t row = i / LONG;
        int64_t column = i % LONG;
        int64_t index = axis == 1 ? (row + column) % DEPTH : 7 * column % LONG;
        int64_t from = axis == 1 ? index * LONG + column : index;
        ((double *)y->data)[i] = (double)(row * DEPTH * LONG + from);
        index = i == ROWS * LONG - 1 && last_index != 0 ? last_index : index;
        if (index_dtype == ONR_INT32) {
            ((int32_t *)indices->data)[i] = (int32_t)index;
        } else {
            ((int64_t *)indices->data)[i] = index;
        }
    }
    op_test_begin(t, "", "GatherElements", 13);
    op_test_int(t, "axis", axis);
    op_test_input(t, x);
    op_test_input(t, indices);
    op_test_output(t, y);
}

static void rows_longer_than_a_block_are_gathered(void **state)
{
    (void)state;
    struct op_test t;
    for (int axis = 1; axis <= 2; axis++) {
        gather_long_rows(axis, ONR_INT64, 0, &t);
        op_test_run(&t);
        gather_long_rows(axis, ONR_INT32, 0, &t);
        op_test_run(&t);
    }
}

static void the_last_index_of_the_last_row_is_checked(void **state)
{
    (void)state;
    struct op_test t;
    gather_long_rows(1, ONR_INT64, DEPTH, &t);
    op_test_fails(&t, ONR_ERR_VALUE, "index 3 at 2999 is out of range [-3, 2]");
    gather_long_rows(2, ONR_INT32, -LONG - 1, &t);
    op_test_fails(&t, ONR_ERR_VALUE, "index -601 at 2999 is out of range [-600, 599]");
}

static void nd(struct op_test *t, int64_t batch_dims, const struct onr_tensor *indices)
{
    op_test_begin(t, "", "GatherND", 13);
    op_test_int(t, "batch_dims", batch_dims);
    op_test_input(t, test_f32(SHAPE(2, 2, 2), (float[]){0, 1, 2, 3, 4, 5, 6, 7}));
    op_test_input(t, indices);
}

static void tuples_pick_blocks(void **state)
{
    (void)state;
    struct op_test t;
    nd(&t, 0, test_i64(SHAPE(2, 2), (int64_t[]){0, 1, -1, 0}));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){2, 3, 4, 5}));
    op_test_run(&t);
    nd(&t, 1, test_i64(SHAPE(2, 1), (int64_t[]){1, 0}));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){2, 3, 4, 5}));
    op_test_run(&t);
    nd(&t, 0, test_i64(SHAPE(1, 3), (int64_t[]){1, 1, 0}));
    op_test_output(&t, test_f32(SHAPE(1), (float[]){6}));
    op_test_run(&t);
    nd(&t, 0, test_i64(SHAPE(0, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(0, 2), NULL));
    op_test_run(&t);
}

static void check_nd_refused(int64_t batch_dims, const struct onr_tensor *indices,
                             enum onr_status status, const char *text)
{
    struct op_test t;
    nd(&t, batch_dims, indices);
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, status, text);
}

static void tuples_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    check_nd_refused(0, test_i64(SHAPE(1, 2), (int64_t[]){1, 2}), ONR_ERR_VALUE,
                     "index 2 at 1 is out of range [-2, 1]");
    check_nd_refused(0, test_i64(SHAPE(1, 4), NULL), ONR_ERR_SHAPE, "4 entries for a rank of 3");
    check_nd_refused(2, test_i64(SHAPE(2, 1), NULL), ONR_ERR_SHAPE, "batch_dims is 2");
    check_nd_refused(1, test_i64(SHAPE(3, 1), NULL), ONR_ERR_SHAPE, "batch dimension 0 is 2 and 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_index_stands_in_along_axis, test_tensors_free),
        cmocka_unit_test_teardown(indices_that_do_not_fit_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(rows_longer_than_a_block_are_gathered, test_tensors_free),
        cmocka_unit_test_teardown(the_last_index_of_the_last_row_is_checked, test_tensors_free),
        cmocka_unit_test_teardown(tuples_pick_blocks, test_tensors_free),
        cmocka_unit_test_teardown(tuples_that_do_not_fit_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
