/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void begin(struct op_test *t, const char *metric, enum onr_dtype dtype, const void *a,
                  const void *b)
{
    op_test_begin(t, "com.microsoft", "CDist", 1);
    if (metric != NULL) {
        op_test_string(t, "metric", metric);
    }
    op_test_input(t, test_tensor(dtype, SHAPE(2, 2), a));
    op_test_input(t, test_tensor(dtype, SHAPE(3, 2), b));
}

static void distances_are_squared_unless_told(void **state)
{
    (void)state;
    struct op_test t;
    const float a[] = {0, 0, 3, 4}, b[] = {0, 0, 3, 0, -3, -4};
    begin(&t, NULL, ONR_FLOAT, a, b);
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){0, 9, 25, 25, 16, 100}));
    op_test_run(&t);
    begin(&t, "euclidean", ONR_FLOAT, a, b);
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){0, 3, 5, 5, 4, 10}));
    op_test_run(&t);
    begin(&t, "euclidean", ONR_DOUBLE, (double[]){0, 0, 3, 4}, (double[]){0, 0, 3, 0, -3, -4});
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(2, 3), (double[]){0, 3, 5, 5, 4, 10}));
    op_test_run(&t);
}

static void close_rows_far_from_0_keep_their_distance(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, NULL, ONR_FLOAT, (float[]){10000, 10000, NAN, 0},
          (float[]){10000, 10000.25f, 10000, 10000, INFINITY, 0});
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){0.0625f, 0, INFINITY, NAN, NAN, NAN}));
    op_test_run(&t);
}

static void long_rows_match_a_sum_in_double(void **state)
{
    (void)state;
    enum { M = 3, K = 2, N = 1500 };
    float a[M * N], b[K * N], y[M * K];
    struct op_test t;
    test_random(1, M * N, a);
    test_random(2, K * N, b);
    for (size_t i = 0; i < (size_t)M * K; i++) {
        double sum = 0;
        for (size_t k = 0; k < N; k++) {
            sum += pow((double)a[i / K * N + k] - (double)b[i % K * N + k], 2);
        }
        y[i] = (float)sum;
    }
    op_test_begin(&t, "com.microsoft", "CDist", 1);
    op_test_input(&t, test_f32(SHAPE(M, N), a));
    op_test_input(&t, test_f32(SHAPE(K, N), b));
    op_test_output(&t, test_f32(SHAPE(M, K), y));
    op_test_run(&t);
}

static void check_shapes(size_t a_rank, int64_t a_width, int64_t b_width, const char *message)
{
    struct op_test t;
    const int64_t a[] = {2, a_width};
    op_test_begin(&t, "com.microsoft", "CDist", 1);
    op_test_input(&t, test_f32(a_rank, a, NULL));
    op_test_input(&t, test_f32(SHAPE(3, b_width), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 3), NULL));
    if (message == NULL) {
        op_test_run(&t);
    } else {
        op_test_fails(&t, ONR_ERR_SHAPE, message);
    }
}

static void shapes_and_metrics_are_checked(void **state)
{
    (void)state;
    struct op_test t;
    check_shapes(2, 0, 0, NULL);
    check_shapes(2, 4, 5, "B has shape 3x5, expected ?x4");
    check_shapes(1, 4, 4, "A has shape 2, expected ?x?");
    begin(&t, "cosine", ONR_FLOAT, NULL, NULL);
    op_test_output(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED,
                  "metric is \"cosine\", expected sqeuclidean or euclidean");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(distances_are_squared_unless_told, test_tensors_free),
        cmocka_unit_test_teardown(close_rows_far_from_0_keep_their_distance, test_tensors_free),
        cmocka_unit_test_teardown(long_rows_match_a_sum_in_double, test_tensors_free),
        cmocka_unit_test_teardown(shapes_and_metrics_are_checked, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
