/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void begin(struct op_test *t, const struct onr_tensor *a, const struct onr_tensor *b,
                  const struct onr_tensor *index)
{
    op_test_begin(t, "onnxrun", "GatherScores", 1);
    op_test_input(t, a);
    op_test_input(t, b);
    op_test_input(t, index);
}

static void repeat(struct op_test *t, const struct onr_tensor *repeats,
                   const struct onr_tensor *shape)
{
    op_test_input(t, repeats);
    op_test_input(t, shape);
}

/* [2, 2, 3]: two matrices of 2 steps by 3 columns. */
static const float columns[12] = {1, 0, 2, 0, 1, 3, -1, 4, 0, 1, 1, 1};
/* The same, rows and columns exchanged: [2, 3, 2]. */
static const float rows[12] = {1, 0, 0, 1, 2, 3, -1, 1, 4, 1, 0, 1};
/* [2, 2, 2] by these gives 1 2 8, 3 4 18; 1 26 6, 1 36 8. */
static const float queries[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static void scores_are_those_that_indices_ask_for(void **state)
{
    (void)state;
    struct op_test t;
    const struct onr_tensor *a = test_f32(SHAPE(2, 2, 2), queries);
    const struct onr_tensor *index =
        test_i64(SHAPE(2, 2, 2), (int64_t[]){2, 0, -1, 1, 1, 1, 0, -2});
    const struct onr_tensor *y = test_f32(SHAPE(2, 2, 2), (float[]){8, 1, 18, 4, 26, 26, 1, 36});
    begin(&t, a, test_f32(SHAPE(2, 2, 3), columns), index);
    op_test_output(&t, y);
    op_test_run(&t);
    begin(&t, a, test_f32(SHAPE(2, 3, 2), rows), index);
    op_test_int(&t, "transB", 1);
    op_test_output(&t, y);
    op_test_run(&t);
    /* fewer rows and matrices than there are, indices of 32 bits */
    begin(&t, a, test_f32(SHAPE(2, 2, 3), columns), index);
    t.inputs[2] = test_tensor(ONR_INT32, SHAPE(1, 1, 4), (int32_t[]){2, 2, -3, 1});
    op_test_output(&t, test_f32(SHAPE(1, 1, 4), (float[]){8, 8, 1, 2}));
    op_test_run(&t);
}

static void repeated_matrices_and_expanded_indices(void **state)
{
    (void)state;
    struct op_test t;
    const struct onr_tensor *a = test_f32(SHAPE(4, 1, 2), queries);
    const struct onr_tensor *b = test_f32(SHAPE(2, 2, 3), columns);
    const struct onr_tensor *index = test_i64(SHAPE(1, 1, 2), (int64_t[]){2, 0});
    const struct onr_tensor *repeats = test_i64(SHAPE(3), (int64_t[]){2, 1, 1});
    const struct onr_tensor *y = test_f32(SHAPE(4, 1, 2), (float[]){8, 1, 4, 1, 28, 5, 8, 1});
    begin(&t, a, b, index);
    repeat(&t, repeats, test_i64(SHAPE(3), (int64_t[]){4, 1, 2}));
    op_test_output(&t, y);
    op_test_run(&t);
    begin(&t, a, b, index);
    repeat(&t, repeats, test_i64(SHAPE(3), (int64_t[]){3, 1, 1}));
    op_test_output(&t, test_f32(SHAPE(3, 1, 2), (float[]){8, 1, 4, 1, 28, 5}));
    op_test_run(&t);
    /* one matrix of A for those of B */
    begin(&t, test_f32(SHAPE(1, 1, 2), queries), b, index);
    repeat(&t, NULL, test_i64(SHAPE(3), (int64_t[]){2, 1, 1}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 2), (float[]){8, 1, 2, 1}));
    op_test_run(&t);
    /* two dimensions of matrices */
    begin(&t, test_f32(SHAPE(2, 2, 1, 2), queries), test_f32(SHAPE(1, 2, 2, 3), columns),
          test_i64(SHAPE(1, 1, 1, 2), (int64_t[]){2, 0}));
    repeat(&t, NULL, test_i64(SHAPE(4), (int64_t[]){2, 2, 1, 1}));
    op_test_output(&t, test_f32(SHAPE(2, 2, 1, 2), (float[]){8, 1, 4, 1, 28, 5, 8, 1}));
    op_test_run(&t);
}

static void empty_operands(void **state)
{
    (void)state;
    struct op_test t;
    const struct onr_tensor *b = test_f32(SHAPE(2, 2, 3), columns);
    begin(&t, test_f32(SHAPE(2, 0, 2), NULL), b, test_i64(SHAPE(2, 0, 3), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 0, 3), NULL));
    op_test_run(&t);
    begin(&t, test_f32(SHAPE(2, 1, 2), queries), b, test_i64(SHAPE(2, 1, 0), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 1, 0), NULL));
    op_test_run(&t);
    begin(&t, test_f32(SHAPE(0, 1, 2), NULL), b, test_i64(SHAPE(0, 1, 1), NULL));
    repeat(&t, test_i64(SHAPE(3), (int64_t[]){0, 1, 1}), NULL);
    op_test_output(&t, test_f32(SHAPE(0, 1, 1), NULL));
    op_test_run(&t);
    begin(&t, test_f32(SHAPE(2, 1, 0), NULL), test_f32(SHAPE(2, 0, 3), NULL),
          test_i64(SHAPE(2, 1, 1), (int64_t[]){2, 1}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 1), (float[]){0, 0}));
    op_test_run(&t);
}

/* Relative positions as DeBERTa clips them: rows of several blocks, embeddings of several panels. */
static void check_positions(size_t heads, size_t batch, size_t length, size_t embeddings, size_t k)
{
    struct op_test t;
    int64_t h = (int64_t)heads;
    int64_t l = (int64_t)(heads * batch);
    int64_t n = (int64_t)length;
    int64_t e = (int64_t)embeddings;
    struct onr_tensor *a = test_tensor(ONR_FLOAT, SHAPE(l, n, (int64_t)k), NULL);
    struct onr_tensor *b = test_tensor(ONR_FLOAT, SHAPE(h, e, (int64_t)k), NULL);
    struct onr_tensor *index = test_tensor(ONR_INT64, SHAPE(1, n, n), NULL);
    struct onr_tensor *y = test_tensor(ONR_FLOAT, SHAPE(l, n, n), NULL);
    const float *x = a->data;
    const float *w = b->data;
    test_random(1, heads * batch * length * k, a->data);
    test_random(2, heads * embeddings * k, b->data);
    for (int64_t i = 0; i < n * n; i++) {
        int64_t at = i / n - i % n + e / 2;
        ((int64_t *)index->data)[i] = at < 0 ? 0 : at < e ? at : e - 1;
    }
    for (size_t i = 0; i < heads * batch * length * length; i++) {
        size_t row = i / length;
        size_t matrix = row / length % heads;
        size_t place = row % length * length + i % length;
        size_t at = (size_t)((const int64_t *)index->data)[place];
        double sum = 0;
        for (size_t p = 0; p < k; p++) {
            sum += (double)x[row * k + p] * (double)w[(matrix * embeddings + at) * k + p];
        }
        ((float *)y->data)[i] = (float)sum;
    }
    begin(&t, a, b, index);
    repeat(&t, test_i64(SHAPE(3), (int64_t[]){(int64_t)batch, 1, 1}),
           test_i64(SHAPE(3), (int64_t[]){l, n, n}));
    op_test_int(&t, "transB", 1);
    t.atol = 1e-4;
    op_test_output(&t, y);
    op_test_run(&t);
}

static void scores_by_relative_position(void **state)
{
    (void)state;
    check_positions(3, 2, 5, 512, 64);
    check_positions(2, 1, 70, 100, 20);
    check_positions(2, 2, 9, 300, 1030);
}

static void check_refused(const struct onr_tensor *a, const struct onr_tensor *b,
                          const struct onr_tensor *index, const struct onr_tensor *repeats,
                          const struct onr_tensor *shape, enum onr_status status, const char *text)
{
    struct op_test t;
    begin(&t, a, b, index);
    repeat(&t, repeats, shape);
    op_test_output(&t, test_f32(SHAPE(2, 1, 1), NULL));
    op_test_fails(&t, status, text);
}

static void bad_inputs_are_refused(void **state)
{
    (void)state;
    const struct onr_tensor *a = test_f32(SHAPE(2, 1, 2), queries);
    const struct onr_tensor *b = test_f32(SHAPE(2, 2, 3), columns);
    const struct onr_tensor *index = test_i64(SHAPE(2, 1, 1), (int64_t[]){0, 1});
    check_refused(test_f32(SHAPE(2, 2), queries), b, index, NULL, NULL, ONR_ERR_SHAPE,
                  "a has rank 2, expected 3 or more");
    check_refused(a, test_f32(SHAPE(4, 3), columns), index, NULL, NULL, ONR_ERR_SHAPE,
                  "input 1 has rank 2, expected 3");
    check_refused(a, b, test_i64(SHAPE(2), (int64_t[]){0, 1}), NULL, NULL, ONR_ERR_SHAPE,
                  "input 2 has rank 1, expected 3");
    check_refused(a, test_f32(SHAPE(2, 3, 2), columns), index, NULL, NULL, ONR_ERR_SHAPE,
                  "inner dimensions differ");
    check_refused(a, b, index, test_i64(SHAPE(3), (int64_t[]){2, 1, 1}), NULL, ONR_ERR_SHAPE,
                  "batch dimension 0 does not broadcast: a has 2, b has 4");
    check_refused(a, b, index, test_i64(SHAPE(3), (int64_t[]){1, 1, 2}), NULL, ONR_ERR_SHAPE,
                  "b is repeated along dimension 2");
    check_refused(a, b, index, test_i64(SHAPE(2), (int64_t[]){1, 1}), NULL, ONR_ERR_SHAPE,
                  "2 repeats for an input of rank 3");
    check_refused(a, b, index, test_i64(SHAPE(3), (int64_t[]){-1, 1, 1}), NULL, ONR_ERR_VALUE,
                  "repeats has -1 at 0");
    check_refused(a, b, index, NULL, test_i64(SHAPE(3), (int64_t[]){3, 1, 1}), ONR_ERR_SHAPE,
                  "cannot expand");
    check_refused(a, b, index, NULL, test_i64(SHAPE(3), (int64_t[]){2, 1, 4}), ONR_ERR_SHAPE,
                  "index is expanded along dimension 2");
    check_refused(a, b, index, NULL, test_i64(SHAPE(4), (int64_t[]){1, 2, 1, 1}), ONR_ERR_SHAPE,
                  "index is expanded to rank 4, expected 3");
    check_refused(a, b, test_i64(SHAPE(2, 2, 1), (int64_t[]){0, 1, 2, 0}), NULL, NULL,
                  ONR_ERR_SHAPE, "indices have 2 in dimension 1, expected at most 1");
    check_refused(a, b, test_i64(SHAPE(2, 1, 1), (int64_t[]){0, 3}), NULL, NULL, ONR_ERR_VALUE,
                  "index 3 at 1 is out of range [-3, 2]");
    check_refused(a, b, test_i64(SHAPE(2, 1, 1), (int64_t[]){-4, 0}), NULL, NULL, ONR_ERR_VALUE,
                  "index -4 at 0 is out of range [-3, 2]");
    check_refused(a, test_f32(SHAPE(2, 2, 0), NULL), index, NULL, NULL, ONR_ERR_VALUE,
                  "index 0 at 0 is out of range [0, -1]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(scores_are_those_that_indices_ask_for, test_tensors_free),
        cmocka_unit_test_teardown(repeated_matrices_and_expanded_indices, test_tensors_free),
        cmocka_unit_test_teardown(empty_operands, test_tensors_free),
        cmocka_unit_test_teardown(scores_by_relative_position, test_tensors_free),
        cmocka_unit_test_teardown(bad_inputs_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
