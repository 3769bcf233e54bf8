/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

#define INF INFINITY

static void begin(struct op_test *t, const struct onr_tensor *a, const struct onr_tensor *b,
                  const struct onr_tensor *index)
{
    op_test_begin(t, "onnxrun", "GatherMatMul", 1);
    op_test_input(t, a);
    op_test_input(t, b);
    op_test_input(t, index);
}

static const float matrices[12] = {1, 0, 0, 1, 1, 2, 3, 4, -1, 0, 0, INF}; /* [3, 2, 2] */

static void each_row_meets_the_matrix_of_its_index(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_f32(SHAPE(4, 1, 2), (float[]){1, 2, 3, 4, 5, 6, 1, NAN}),
          test_f32(SHAPE(3, 2, 2), matrices), test_i64(SHAPE(4), (int64_t[]){1, 0, -2, 1}));
    op_test_output(&t, test_f32(SHAPE(4, 1, 2), (float[]){7, 10, 3, 4, 23, 34, NAN, NAN}));
    op_test_run(&t);
    /* several rows for an index, which is a number */
    begin(&t, test_f32(SHAPE(3, 2), (float[]){1, 2, 3, 4, 5, 6}),
          test_f32(SHAPE(3, 2, 2), matrices), test_i64(SHAPE(0), (int64_t[]){1}));
    t.inputs[2] = test_tensor(ONR_INT32, SCALAR, (int32_t[]){1});
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){7, 10, 15, 22, 23, 34}));
    op_test_run(&t);
}

static void from_the_left_columns_meet_their_matrix(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_f32(SHAPE(3, 2, 1), (float[]){1, 2, 3, 4, 5, 6}),
          test_f32(SHAPE(2, 3, 2), (float[]){1, 0, 0, 1, 1, 1, 1, 2, 3, 4, 5, 6}),
          test_i64(SHAPE(3, 1), (int64_t[]){1, 0, 1}));
    op_test_int(&t, "left", 1);
    op_test_int(&t, "tuples", 1);
    op_test_output(&t, test_f32(SHAPE(3, 3, 1), (float[]){5, 11, 17, 3, 4, 7, 17, 39, 61}));
    op_test_run(&t);
}

static void rows_and_indices_broadcast(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_f32(SHAPE(2, 1, 1, 2), (float[]){1, 2, 3, 4}),
          test_f32(SHAPE(3, 2, 2), matrices), test_i64(SHAPE(2), (int64_t[]){1, 0}));
    op_test_output(&t, test_f32(SHAPE(2, 2, 1, 2), (float[]){7, 10, 1, 2, 15, 22, 3, 4}));
    op_test_run(&t);
    begin(&t, test_f32(SHAPE(1, 2), (float[]){1, 2}), test_f32(SHAPE(3, 2, 2), matrices),
          test_i64(SHAPE(2, 1), (int64_t[]){1, 0}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 1, 2), (float[]){7, 10, 1, 2}));
    op_test_run(&t);
}

static void empty_operands(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_f32(SHAPE(0, 1, 2), NULL), test_f32(SHAPE(3, 2, 2), matrices),
          test_i64(SHAPE(0), NULL));
    op_test_output(&t, test_f32(SHAPE(0, 1, 2), NULL));
    op_test_run(&t);
    begin(&t, test_f32(SHAPE(2, 1, 0), NULL), test_f32(SHAPE(3, 0, 2), NULL),
          test_i64(SHAPE(2), (int64_t[]){1, 2}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 2), (float[]){0, 0, 0, 0}));
    op_test_run(&t);
    begin(&t, test_f32(SHAPE(2, 1, 2), (float[]){1, 2, 3, 4}), test_f32(SHAPE(3, 2, 0), NULL),
          test_i64(SHAPE(2), (int64_t[]){1, 2}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 0), NULL));
    op_test_run(&t);
    begin(&t, test_f32(SHAPE(0, 1, 2), NULL), test_f32(SHAPE(0, 2, 2), NULL),
          test_i64(SHAPE(0), NULL));
    op_test_output(&t, test_f32(SHAPE(0, 1, 2), NULL));
    op_test_run(&t);
}

/* Several panels and blocks of k, with matrices that many rows, one, and none are for. */
static void check_large(size_t rows, bool left)
{
    enum { K = 530, N = 150, E = 5 };
    struct op_test t;
    int64_t count = (int64_t)rows;
    struct onr_tensor *a = test_tensor(ONR_FLOAT, SHAPE(count, K, 1), NULL);
    struct onr_tensor *b = test_tensor(ONR_FLOAT, SHAPE(E, N, K), NULL);
    struct onr_tensor *index = test_tensor(ONR_INT64, SHAPE(count), NULL);
    struct onr_tensor *y = test_tensor(ONR_FLOAT, SHAPE(count, N, 1), NULL);
    const float *w = b->data;
    const float *x = a->data;
    test_random(1, rows * K, a->data);
    test_random(2, (size_t)E * K * N, b->data);
    for (size_t i = 0; i < rows * N; i++) {
        size_t e = i / N == 3 ? 4 : i / N % 3;
        double sum = 0;
        ((int64_t *)index->data)[i / N] = (int64_t)e;
        for (size_t p = 0; p < K; p++) {
            size_t at = e * N * K + (left ? i % N * K + p : p * N + i % N);
            sum += (double)x[i / N * K + p] * (double)w[at];
        }
        ((float *)y->data)[i] = (float)sum;
    }
    if (!left) {
        a->shape = (struct onr_shape){.rank = 3, .dim = {count, 1, K}};
        b->shape = (struct onr_shape){.rank = 3, .dim = {E, K, N}};
        y->shape = (struct onr_shape){.rank = 3, .dim = {count, 1, N}};
    }
    begin(&t, a, b, index);
    op_test_int(&t, "left", left);
    t.atol = 1e-4;
    op_test_output(&t, y);
    op_test_run(&t);
}

static void many_rows_of_several_matrices(void **state)
{
    (void)state;
    check_large(1, true);
    check_large(5, false);
    check_large(41, true);
    check_large(41, false);
}

static void check_refused(const struct onr_tensor *a, const struct onr_tensor *b,
                          const struct onr_tensor *index, int left, enum onr_status status,
                          const char *text)
{
    struct op_test t;
    begin(&t, a, b, index);
    op_test_int(&t, "left", left);
    op_test_int(&t, "tuples", left);
    op_test_output(&t, test_f32(SHAPE(2, 1, 2), NULL));
    op_test_fails(&t, status, text);
}

static void bad_inputs_are_refused(void **state)
{
    (void)state;
    const struct onr_tensor *a = test_f32(SHAPE(2, 1, 2), (float[]){1, 2, 3, 4});
    const struct onr_tensor *column = test_f32(SHAPE(2, 2, 1), (float[]){1, 2, 3, 4});
    const struct onr_tensor *b = test_f32(SHAPE(3, 2, 2), matrices);
    const struct onr_tensor *index = test_i64(SHAPE(2), (int64_t[]){0, 1});
    const struct onr_tensor *tuples = test_i64(SHAPE(2, 1), (int64_t[]){0, 1});
    check_refused(a, test_f32(SHAPE(3, 4), matrices), index, 0, ONR_ERR_SHAPE,
                  "b has shape 3x4, expected");
    check_refused(test_f32(SHAPE(2), NULL), b, index, 0, ONR_ERR_SHAPE,
                  "a has rank 1, expected 2 or more");
    check_refused(a, b, tuples, 1, ONR_ERR_SHAPE, "a has 2 columns, expected 1");
    check_refused(column, b, test_i64(SHAPE(1, 2), (int64_t[]){0, 1}), 1, ONR_ERR_SHAPE,
                  "index has tuples of 2, expected 1");
    check_refused(column, b, test_tensor(ONR_INT64, SCALAR, (int64_t[]){1}), 1, ONR_ERR_SHAPE,
                  "index has rank 0, expected 1 or more");
    check_refused(column, b, index, 0, ONR_ERR_SHAPE, "inner dimensions differ");
    check_refused(a, b, test_i64(SHAPE(3), (int64_t[]){0, 1, 2}), 0, ONR_ERR_SHAPE,
                  "does not broadcast");
    check_refused(a, b, test_i64(SHAPE(2), (int64_t[]){0, 3}), 0, ONR_ERR_VALUE, "3");
    check_refused(a, b, test_i64(SHAPE(2), (int64_t[]){0, -4}), 0, ONR_ERR_VALUE, "-4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_row_meets_the_matrix_of_its_index, test_tensors_free),
        cmocka_unit_test_teardown(from_the_left_columns_meet_their_matrix, test_tensors_free),
        cmocka_unit_test_teardown(rows_and_indices_broadcast, test_tensors_free),
        cmocka_unit_test_teardown(empty_operands, test_tensors_free),
        cmocka_unit_test_teardown(many_rows_of_several_matrices, test_tensors_free),
        cmocka_unit_test_teardown(bad_inputs_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
