/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void one_hot(struct op_test *t, int64_t version, const struct onr_tensor *indices,
                    const struct onr_tensor *depth)
{
    op_test_begin(t, "", "OneHot", version);
    op_test_input(t, indices);
    op_test_input(t, depth);
    op_test_input(t, test_f32(SHAPE(2), (float[]){-1, 5}));
}

static void indices_switch_one_value_on(void **state)
{
    (void)state;
    const struct onr_tensor *depth = test_i64(SCALAR, (int64_t[]){3});
    struct op_test t;
    one_hot(&t, 11, test_i64(SHAPE(3), (int64_t[]){0, -1, 3}), depth);
    op_test_output(&t, test_f32(SHAPE(3, 3), (float[]){5, -1, -1, -1, -1, 5, -1, -1, -1}));
    op_test_run(&t);
    one_hot(&t, 11, test_f32(SHAPE(1, 2), (float[]){1.9f, 0}), test_f32(SHAPE(1), (float[]){2}));
    op_test_int(&t, "axis", 0);
    op_test_output(&t, test_f32(SHAPE(2, 1, 2), (float[]){-1, 5, 5, -1}));
    op_test_run(&t);
    one_hot(&t, 9, test_tensor(ONR_INT32, SCALAR, (int32_t[]){-1}), depth);
    op_test_output(&t, test_f32(SHAPE(3), (float[]){-1, -1, -1}));
    op_test_run(&t);
    one_hot(&t, 11, test_i64(SCALAR, (int64_t[]){INT64_MIN}), depth);
    op_test_output(&t, test_f32(SHAPE(3), (float[]){-1, -1, -1}));
    op_test_run(&t);
}

static void impossible_inputs_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    one_hot(&t, 11, test_i64(SHAPE(1), NULL), test_i64(SCALAR, (int64_t[]){-2}));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "depth is -2");
    one_hot(&t, 11, test_i64(SHAPE(1), NULL), test_i64(SCALAR, (int64_t[]){2}));
    op_test_int(&t, "axis", 2);
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "axis 2 out of range for rank 2");
    op_test_begin(&t, "", "OneHot", 11);
    op_test_input(&t, test_i64(SHAPE(1), NULL));
    op_test_input(&t, test_i64(SCALAR, (int64_t[]){2}));
    op_test_input(&t, test_f32(SHAPE(3), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "values have 3 elements, expected 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(indices_switch_one_value_on, test_tensors_free),
        cmocka_unit_test_teardown(impossible_inputs_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
