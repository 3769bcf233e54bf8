/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void check_trilu(int64_t upper, const int64_t *k, const float *want)
{
    struct op_test t;
    op_test_begin(&t, "", "Trilu", 14);
    op_test_int(&t, "upper", upper);
    op_test_input(&t, test_f32(SHAPE(2, 3), (float[]){1, 2, 3, 4, 5, 6}));
    if (k != NULL) {
        op_test_input(&t, test_i64(SCALAR, k));
    }
    op_test_output(&t, test_f32(SHAPE(2, 3), want));
    op_test_run(&t);
}

static void triangles_keep_their_side_of_the_diagonal(void **state)
{
    (void)state;
    check_trilu(1, NULL, (float[]){1, 2, 3, 0, 5, 6});
    check_trilu(0, NULL, (float[]){1, 0, 0, 4, 5, 0});
    check_trilu(1, (int64_t[]){1}, (float[]){0, 2, 3, 0, 0, 6});
    check_trilu(0, (int64_t[]){-1}, (float[]){0, 0, 0, 4, 0, 0});
    check_trilu(1, (int64_t[]){INT64_MAX}, (float[]){0, 0, 0, 0, 0, 0});
    check_trilu(0, (int64_t[]){INT64_MAX}, (float[]){1, 2, 3, 4, 5, 6});
    check_trilu(1, (int64_t[]){INT64_MIN}, (float[]){1, 2, 3, 4, 5, 6});
    check_trilu(0, (int64_t[]){INT64_MIN}, (float[]){0, 0, 0, 0, 0, 0});
}

static void batches_of_any_type_work(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Trilu", 14);
    op_test_input(&t, test_tensor(ONR_BOOL, SHAPE(2, 2, 1), (uint8_t[]){1, 1, 1, 1}));
    op_test_output(&t, test_tensor(ONR_BOOL, SHAPE(2, 2, 1), (uint8_t[]){1, 0, 1, 0}));
    op_test_run(&t);
    op_test_begin(&t, "", "Trilu", 14);
    op_test_input(&t, test_i64(SHAPE(0, 2), NULL));
    op_test_output(&t, test_i64(SHAPE(0, 2), NULL));
    op_test_run(&t);
    op_test_begin(&t, "", "Trilu", 14);
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_output(&t, test_f32(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 0 has rank 1, expected at least 2");
}

static void eye(struct op_test *t, int64_t k)
{
    op_test_begin(t, "", "EyeLike", 9);
    op_test_int(t, "k", k);
    op_test_input(t, test_tensor(ONR_INT32, SHAPE(2, 3), NULL));
}

static void eye_like_has_ones_on_one_diagonal(void **state)
{
    (void)state;
    struct op_test t;
    eye(&t, 1);
    op_test_output(&t, test_tensor(ONR_INT32, SHAPE(2, 3), (int32_t[]){0, 1, 0, 0, 0, 1}));
    op_test_run(&t);
    eye(&t, -1);
    op_test_int(&t, "dtype", ONR_FLOAT16);
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(2, 3), (uint16_t[]){0, 0, 0, 0x3c00, 0, 0}));
    op_test_run(&t);
    eye(&t, INT64_MIN);
    op_test_output(&t, test_tensor(ONR_INT32, SHAPE(2, 3), NULL));
    op_test_run(&t);
    eye(&t, 0);
    op_test_int(&t, "dtype", ONR_STRING);
    op_test_output(&t, test_tensor(ONR_INT32, SHAPE(2, 3), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "dtype is 8");
}

static void trilu_of_com_microsoft_is_the_same(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "Trilu", 1);
    op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){1, 2, 3, 4}));
    op_test_input(&t, test_i64(SCALAR, (int64_t[]){1}));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){0, 2, 0, 0}));
    op_test_run(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(triangles_keep_their_side_of_the_diagonal, test_tensors_free),
        cmocka_unit_test_teardown(batches_of_any_type_work, test_tensors_free),
        cmocka_unit_test_teardown(eye_like_has_ones_on_one_diagonal, test_tensors_free),
        cmocka_unit_test_teardown(trilu_of_com_microsoft_is_the_same, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
