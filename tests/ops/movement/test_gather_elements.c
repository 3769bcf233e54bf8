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
        cmocka_unit_test_teardown(tuples_pick_blocks, test_tensors_free),
        cmocka_unit_test_teardown(tuples_that_do_not_fit_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
