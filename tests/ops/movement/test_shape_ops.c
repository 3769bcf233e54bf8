/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void check_shape(int64_t version, const int64_t *bounds, size_t count, const int64_t *want)
{
    struct op_test t;
    op_test_begin(&t, "", "Shape", version);
    if (bounds != NULL) {
        op_test_int(&t, "start", bounds[0]);
        op_test_int(&t, "end", bounds[1]);
    }
    op_test_input(&t, test_f32(SHAPE(3, 4, 5), NULL));
    op_test_output(&t, test_i64(1, (int64_t[]){(int64_t)count}, want));
    op_test_run(&t);
}

static void shape_lists_the_dimensions(void **state)
{
    (void)state;
    check_shape(1, NULL, 3, (int64_t[]){3, 4, 5});
    check_shape(15, NULL, 3, (int64_t[]){3, 4, 5});
}

static void shape_cuts_start_and_end(void **state)
{
    (void)state;
    check_shape(15, (int64_t[]){1, 2}, 1, (int64_t[]){4});
    check_shape(15, (int64_t[]){-2, INT64_MAX}, 2, (int64_t[]){4, 5});
    check_shape(15, (int64_t[]){INT64_MIN, -1}, 2, (int64_t[]){3, 4});
    check_shape(15, (int64_t[]){2, 1}, 0, NULL);
    check_shape(15, (int64_t[]){7, 9}, 0, NULL);
}

static void shape_of_a_scalar_is_empty(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Shape", 13);
    op_test_input(&t, test_f32(SCALAR, NULL));
    op_test_output(&t, test_i64(SHAPE(0), NULL));
    op_test_run(&t);
}

static void begin_dims(struct op_test *t, const int64_t *dims, size_t count)
{
    op_test_begin(t, "onnxrun", "Dims", 1);
    op_test_ints(t, "dims", count, dims);
    op_test_input(t, test_f32(SHAPE(3, 4, 5), NULL));
}

static void dims_are_numbers_or_those_of_the_input(void **state)
{
    (void)state;
    struct op_test t;
    begin_dims(&t, (int64_t[]){-3, 7, -1, 0}, 4);
    op_test_output(&t, test_i64(SHAPE(4), (int64_t[]){5, 7, 3, 0}));
    op_test_run(&t);
    begin_dims(&t, NULL, 0);
    op_test_output(&t, test_i64(SHAPE(0), NULL));
    op_test_run(&t);
    begin_dims(&t, (int64_t[]){1, -4}, 2);
    op_test_output(&t, test_i64(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "dims[1] is -4 for rank 3");
}

static void size_is_a_scalar(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Size", 13);
    op_test_input(&t, test_f32(SHAPE(2, 0, 3), NULL));
    op_test_output(&t, test_i64(SCALAR, (int64_t[]){0}));
    op_test_run(&t);
    op_test_begin(&t, "", "Size", 1);
    op_test_input(&t, test_tensor(ONR_STRING, SHAPE(2, 3), NULL));
    op_test_output(&t, test_i64(SCALAR, (int64_t[]){6}));
    op_test_run(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(shape_lists_the_dimensions, test_tensors_free),
        cmocka_unit_test_teardown(shape_cuts_start_and_end, test_tensors_free),
        cmocka_unit_test_teardown(shape_of_a_scalar_is_empty, test_tensors_free),
        cmocka_unit_test_teardown(dims_are_numbers_or_those_of_the_input, test_tensors_free),
        cmocka_unit_test_teardown(size_is_a_scalar, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
