/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>
#include <stdlib.h>

/* Y = A * B in double for f32 tensors: a is [batch of a, m, k], b [batch of b, k, n], y batch =
 * larger of both. */
static struct onr_tensor *multiply(const struct onr_tensor *a, const struct onr_tensor *b,
                                   size_t rank, const int64_t *dims)
{
    struct onr_tensor *y = test_tensor(ONR_FLOAT, rank, dims, NULL);
    const float *pa = a->data;
    const float *pb = b->data;
    int64_t k = a->shape.dim[a->shape.rank - 1];
    int64_t m = a->shape.dim[a->shape.rank - 2];
    int64_t n = b->shape.dim[b->shape.rank - 1];
    int64_t a_batch = onr_shape_range(&a->shape, 0, a->shape.rank - 2);
    int64_t b_batch = onr_shape_range(&b->shape, 0, b->shape.rank - 2);
    int64_t batch = a_batch > b_batch ? a_batch : b_batch;
    for (int64_t i = 0; i < batch * m * n; i++) {
        int64_t item = i / (m * n);
        const float *row = pa + (a_batch == 1 ? 0 : item * m * k) + i / n % m * k;
        const float *column = pb + (b_batch == 1 ? 0 : item * k * n) + i % n;
        double sum = 0;
        for (int64_t p = 0; p < k; p++) {
            sum += (double)row[p] * (double)column[p * n];
        }
        ((float *)y->data)[i] = (float)sum;
    }
    return y;
}

static struct onr_tensor *random_tensor(uint64_t seed, size_t rank, const int64_t *dims)
{
    struct onr_tensor *tensor = test_tensor(ONR_FLOAT, rank, dims, NULL);
    test_random(seed, (size_t)onr_tensor_count(tensor), tensor->data);
    return tensor;
}

static void run_random(const struct onr_tensor *a, const struct onr_tensor *b, size_t rank,
                       const int64_t *dims)
{
    struct op_test t;
    op_test_begin(&t, "", "MatMul", 13);
    t.atol = 1e-4;
    op_test_input(&t, a);
    op_test_input(&t, b);
    op_test_output(&t, multiply(a, b, rank, dims));
    op_test_run(&t);
}

static void matrices(void **state)
{
    (void)state;
    run_random(random_tensor(1, SHAPE(3, 4)), random_tensor(2, SHAPE(4, 3)), SHAPE(3, 3));
    run_random(random_tensor(1, SHAPE(1, 64)), random_tensor(2, SHAPE(64, 200)), SHAPE(1, 200));
    run_random(random_tensor(1, SHAPE(150, 70)), random_tensor(2, SHAPE(70, 101)), SHAPE(150, 101));
}

static void batches_broadcast(void **state)
{
    (void)state;
    run_random(random_tensor(1, SHAPE(2, 5, 20, 8)), random_tensor(2, SHAPE(2, 5, 8, 70)),
               SHAPE(2, 5, 20, 70));
    run_random(random_tensor(1, SHAPE(2, 5, 3, 8)), random_tensor(2, SHAPE(8, 9)),
               SHAPE(2, 5, 3, 9));
    run_random(random_tensor(1, SHAPE(3, 8)), random_tensor(2, SHAPE(4, 8, 9)), SHAPE(4, 3, 9));
    run_random(random_tensor(1, SHAPE(4, 3, 8)), random_tensor(2, SHAPE(1, 8, 9)), SHAPE(4, 3, 9));
}

/* B is a column, A as it lies and, with a batch for each row, so that its rows are far apart. */
static void products_with_a_column(void **state)
{
    (void)state;
    static const int64_t rows[] = {1, 2, 5, 64, 333};
    static const int64_t depths[] = {1, 3, 9, 16, 40, 257};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t j = 0; j < sizeof depths / sizeof depths[0]; j++) {
            int64_t m = rows[i];
            int64_t k = depths[j];
            run_random(random_tensor(1, SHAPE(3, m, k)), random_tensor(2, SHAPE(3, k, 1)),
                       SHAPE(3, m, 1));
            run_random(random_tensor(1, SHAPE(m, k)), random_tensor(2, SHAPE(2, k, 1)),
                       SHAPE(2, m, 1));
            run_random(random_tensor(1, SHAPE(4, m, k)), random_tensor(2, SHAPE(k, 1)),
                       SHAPE(4, m, 1));
        }
    }
}

static void both_batches_are_repeated(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "MatMul", 9);
    op_test_input(&t, test_f32(SHAPE(2, 1, 1, 1), (float[]){2, 3}));
    op_test_input(&t, test_f32(SHAPE(1, 3, 1, 1), (float[]){5, 7, 11}));
    op_test_output(&t, test_f32(SHAPE(2, 3, 1, 1), (float[]){10, 14, 22, 15, 21, 33}));
    op_test_run(&t);
}

static void run_vectors(const struct onr_tensor *a, const struct onr_tensor *b,
                        const struct onr_tensor *y)
{
    struct op_test t;
    op_test_begin(&t, "", "MatMul", 1);
    op_test_input(&t, a);
    op_test_input(&t, b);
    op_test_output(&t, y);
    op_test_run(&t);
}

static void one_dimensional_operands_lose_their_dimension(void **state)
{
    (void)state;
    const struct onr_tensor *v = test_f32(SHAPE(2), (float[]){1, 2});
    const struct onr_tensor *w = test_f32(SHAPE(2, 2, 2), (float[]){1, 2, 3, 4, 5, 6, 7, 8});
    run_vectors(v, v, test_f32(SCALAR, (float[]){5}));
    run_vectors(w, v, test_f32(SHAPE(2, 2), (float[]){5, 11, 17, 23}));
    run_vectors(v, w, test_f32(SHAPE(2, 2), (float[]){7, 10, 19, 22}));
}

static void empty_sums_are_zero_and_empty_outputs_allowed(void **state)
{
    (void)state;
    run_vectors(test_f32(SHAPE(2, 0), NULL), test_f32(SHAPE(0, 3), NULL),
                test_f32(SHAPE(2, 3), NULL));
    run_vectors(test_f32(SHAPE(0, 2), NULL), test_f32(SHAPE(2, 3), NULL),
                test_f32(SHAPE(0, 3), NULL));
    run_vectors(test_f32(SHAPE(4, 2, 2), NULL), test_f32(SHAPE(2, 0), NULL),
                test_f32(SHAPE(4, 2, 0), NULL));
    run_vectors(test_f32(SHAPE(0, 2, 2), NULL), test_f32(SHAPE(1, 2, 1), NULL),
                test_f32(SHAPE(0, 2, 1), NULL));
}

static void operands_that_are_null_are_not_stepped_through(void **state)
{
    (void)state;
    for (enum onr_dtype dtype = ONR_FLOAT; dtype <= ONR_DOUBLE; dtype += ONR_DOUBLE - ONR_FLOAT) {
        struct op_test t;
        struct onr_tensor a = *test_tensor(dtype, SHAPE(3, 0), NULL);
        struct onr_tensor b = *test_tensor(dtype, SHAPE(0, 2), NULL);
        a.data = b.data = NULL; /* the sanitizers of clang see NULL + 0 */
        op_test_begin(&t, "", "MatMul", 13);
        op_test_input(&t, &a);
        op_test_input(&t, &b);
        op_test_output(&t, test_tensor(dtype, SHAPE(3, 2), NULL));
        op_test_run(&t);
    }
}

static void run_typed(enum onr_dtype dtype, const void *a, const void *b, const void *y)
{
    struct op_test t;
    op_test_begin(&t, "", "MatMul", 13);
    op_test_input(&t, test_tensor(dtype, SHAPE(1, 2), a));
    op_test_input(&t, test_tensor(dtype, SHAPE(2, 1), b));
    op_test_output(&t, test_tensor(dtype, SHAPE(1, 1), y));
    op_test_run(&t);
}

static void all_types(void **state)
{
    (void)state;
    run_typed(ONR_DOUBLE, (double[]){1.5, 2}, (double[]){2, 4}, (double[]){11});
    run_typed(ONR_FLOAT16, (uint16_t[]){0x3c00, 0x4000}, (uint16_t[]){0x4000, 0x3c00},
              (uint16_t[]){0x4400});
    run_typed(ONR_BFLOAT16, (uint16_t[]){0x3f80, 0x4000}, (uint16_t[]){0x4000, 0x3f80},
              (uint16_t[]){0x4080});
    run_typed(ONR_INT32, (int32_t[]){INT32_MAX, 1}, (int32_t[]){1, 1}, (int32_t[]){INT32_MIN});
    run_typed(ONR_INT64, (int64_t[]){INT64_MAX, 1}, (int64_t[]){1, 1}, (int64_t[]){INT64_MIN});
    run_typed(ONR_UINT32, (uint32_t[]){UINT32_MAX, 1}, (uint32_t[]){1, 2}, (uint32_t[]){1});
    run_typed(ONR_UINT64, (uint64_t[]){UINT64_MAX, 1}, (uint64_t[]){1, 2}, (uint64_t[]){1});
}

/* Each sum has as many ones as there are steps; float16 addition would stick at 2048. */
static void halves_are_summed_in_float(void **state)
{
    (void)state;
    int64_t k = 4000;
    struct onr_tensor *a = test_tensor(ONR_FLOAT16, SHAPE(150, k), NULL);
    struct onr_tensor *b = test_tensor(ONR_FLOAT16, SHAPE(k, 50), NULL);
    struct onr_tensor *y = test_tensor(ONR_FLOAT16, SHAPE(150, 50), NULL);
    for (int64_t i = 0; i < 150 * k; i++) {
        ((uint16_t *)a->data)[i] = 0x3c00;
        ((uint16_t *)b->data)[i % (k * 50)] = 0x3c00;
        ((uint16_t *)y->data)[i % (150 * 50)] = 0x6bd0; /* 4000 */
    }
    struct op_test t;
    op_test_begin(&t, "", "MatMul", 13);
    op_test_input(&t, a);
    op_test_input(&t, b);
    op_test_output(&t, y);
    op_test_run(&t);
}

static void nan_times_zero_is_nan(void **state)
{
    (void)state;
    run_vectors(test_f32(SHAPE(1, 2), (float[]){0, 1}),
                test_f32(SHAPE(2, 2), (float[]){NAN, 1, 1, INFINITY}),
                test_f32(SHAPE(1, 2), (float[]){NAN, INFINITY}));
}

static void expect_failure(const struct onr_tensor *a, const struct onr_tensor *b, int version,
                           enum onr_status status, const char *text)
{
    struct op_test t;
    op_test_begin(&t, "", "MatMul", version);
    op_test_input(&t, a);
    op_test_input(&t, b);
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, status, text);
}

static void bad_shapes_and_types_are_refused(void **state)
{
    (void)state;
    expect_failure(test_f32(SHAPE(2, 64), NULL), test_f32(SHAPE(96, 2), NULL), 13, ONR_ERR_SHAPE,
                   "inner dimensions differ: a[...,K]=64, b[K,...]=96");
    expect_failure(test_f32(SHAPE(2, 3, 4), NULL), test_f32(SHAPE(3, 4, 5), NULL), 13,
                   ONR_ERR_SHAPE, "batch dimension 0 does not broadcast: a has 2, b has 3");
    expect_failure(test_f32(SCALAR, NULL), test_f32(SHAPE(1), NULL), 13, ONR_ERR_SHAPE,
                   "input 0 has rank 0, expected 1 or more");
    expect_failure(test_tensor(ONR_INT32, SHAPE(1, 1), NULL),
                   test_tensor(ONR_INT32, SHAPE(1, 1), NULL), 1, ONR_ERR_UNSUPPORTED,
                   "input 0 of type int32");
    expect_failure(test_f32(SHAPE(1, 1), NULL), test_tensor(ONR_DOUBLE, SHAPE(1, 1), NULL), 13,
                   ONR_ERR_MODEL, "input 1 has type double, expected float");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(matrices, test_tensors_free),
        cmocka_unit_test_teardown(batches_broadcast, test_tensors_free),
        cmocka_unit_test_teardown(products_with_a_column, test_tensors_free),
        cmocka_unit_test_teardown(both_batches_are_repeated, test_tensors_free),
        cmocka_unit_test_teardown(one_dimensional_operands_lose_their_dimension, test_tensors_free),
        cmocka_unit_test_teardown(empty_sums_are_zero_and_empty_outputs_allowed, test_tensors_free),
        cmocka_unit_test_teardown(operands_that_are_null_are_not_stepped_through,
                                  test_tensors_free),
        cmocka_unit_test_teardown(all_types, test_tensors_free),
        cmocka_unit_test_teardown(halves_are_summed_in_float, test_tensors_free),
        cmocka_unit_test_teardown(nan_times_zero_is_nan, test_tensors_free),
        cmocka_unit_test_teardown(bad_shapes_and_types_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
