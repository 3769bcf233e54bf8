/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static const float a_values[] = {1, 2, 3, 4, 5, 6};     /* [2, 3] */
static const float b_values[] = {1, 0, 2, 1, 0, 1};     /* [3, 2]; A * B = {5, 5, 14, 11} */
static const float a_transposed[] = {1, 4, 2, 5, 3, 6}; /* [3, 2] */
static const float b_transposed[] = {1, 2, 0, 0, 1, 1}; /* [2, 3] */

static void run_gemm(struct op_test *t, const struct onr_tensor *c, const float *want)
{
    if (c != NULL) {
        op_test_input(t, c);
    }
    op_test_output(t, test_f32(SHAPE(2, 2), want));
    op_test_run(t);
}

static void begin_plain(struct op_test *t, int version)
{
    op_test_begin(t, "", "Gemm", version);
    op_test_input(t, test_f32(SHAPE(2, 3), a_values));
    op_test_input(t, test_f32(SHAPE(3, 2), b_values));
}

static void every_form_of_c(void **state)
{
    (void)state;
    const float columns[] = {15, 25, 24, 31};
    const float rows[] = {15, 15, 34, 31};
    const float c[] = {10, 20, 30, 40};
    struct op_test t;
    begin_plain(&t, 13);
    run_gemm(&t, NULL, (float[]){5, 5, 14, 11});
    begin_plain(&t, 13);
    run_gemm(&t, test_f32(SHAPE(2), c), columns);
    begin_plain(&t, 11);
    run_gemm(&t, test_f32(SHAPE(1, 2), c), columns);
    begin_plain(&t, 9);
    run_gemm(&t, test_f32(SHAPE(2, 1), c), rows);
    begin_plain(&t, 7);
    run_gemm(&t, test_f32(SHAPE(2, 2), c), (float[]){15, 25, 44, 51});
    begin_plain(&t, 13);
    run_gemm(&t, test_f32(SCALAR, c), (float[]){15, 15, 24, 21});
    begin_plain(&t, 13);
    run_gemm(&t, test_f32(SHAPE(1, 1), c), (float[]){15, 15, 24, 21});
}

static void alpha_beta_and_transposed_operands(void **state)
{
    (void)state;
    struct op_test t;
    for (int bits = 0; bits < 4; bits++) {
        bool trans_a = (bits & 1) != 0;
        bool trans_b = (bits & 2) != 0;
        op_test_begin(&t, "", "Gemm", 13);
        op_test_float(&t, "alpha", 2.0f);
        op_test_float(&t, "beta", 0.5f);
        op_test_int(&t, "transA", trans_a);
        op_test_int(&t, "transB", trans_b);
        op_test_input(&t, trans_a ? test_f32(SHAPE(3, 2), a_transposed)
                                  : test_f32(SHAPE(2, 3), a_values));
        op_test_input(&t, trans_b ? test_f32(SHAPE(2, 3), b_transposed)
                                  : test_f32(SHAPE(3, 2), b_values));
        struct op_test with_rows = t;
        struct op_test with_all = t;
        run_gemm(&t, test_f32(SHAPE(2), (float[]){2, 4}), (float[]){11, 12, 29, 24});
        run_gemm(&with_rows, test_f32(SHAPE(2, 1), (float[]){2, 4}), (float[]){11, 11, 30, 24});
        run_gemm(&with_all, test_f32(SHAPE(2, 2), (float[]){2, 4, 6, 8}),
                 (float[]){11, 12, 31, 26});
    }
}

static void old_broadcast_attribute_is_accepted(void **state)
{
    (void)state;
    struct op_test t;
    begin_plain(&t, 6);
    op_test_int(&t, "broadcast", 1);
    run_gemm(&t, test_f32(SHAPE(2), (float[]){1, 1}), (float[]){6, 6, 15, 12});
}

/* k is long enough for two blocks, and rows and columns for several tiles. */
static void large_product_with_full_c(void **state)
{
    (void)state;
    int64_t m = 40, n = 130, k = 1500;
    struct onr_tensor *a = test_f32(SHAPE(m, k), NULL);
    struct onr_tensor *b = test_f32(SHAPE(n, k), NULL);
    struct onr_tensor *c = test_f32(SHAPE(m, n), NULL);
    struct onr_tensor *y = test_f32(SHAPE(m, n), NULL);
    float *pa = a->data, *pb = b->data, *pc = c->data;
    test_random(1, (size_t)(m * k), pa);
    test_random(2, (size_t)(n * k), pb);
    test_random(3, (size_t)(m * n), pc);
    for (int64_t i = 0; i < m * n; i++) {
        double sum = 0;
        for (int64_t p = 0; p < k; p++) {
            sum += (double)pa[i / n * k + p] * (double)pb[i % n * k + p];
        }
        ((float *)y->data)[i] = (float)(0.25 * sum + (double)pc[i]);
    }
    struct op_test t;
    op_test_begin(&t, "", "Gemm", 13);
    t.atol = 1e-4;
    op_test_float(&t, "alpha", 0.25f);
    op_test_int(&t, "transB", 1);
    op_test_input(&t, a);
    op_test_input(&t, b);
    op_test_input(&t, c);
    op_test_output(&t, y);
    op_test_run(&t);
}

static void run_typed(enum onr_dtype dtype, float alpha, const void *a, const void *b,
                      const void *c, const void *y)
{
    struct op_test t;
    op_test_begin(&t, "", "Gemm", 13);
    op_test_float(&t, "alpha", alpha);
    op_test_input(&t, test_tensor(dtype, SHAPE(1, 2), a));
    op_test_input(&t, test_tensor(dtype, SHAPE(2, 1), b));
    op_test_input(&t, test_tensor(dtype, SHAPE(1), c));
    op_test_output(&t, test_tensor(dtype, SHAPE(1, 1), y));
    op_test_run(&t);
}

static void all_types(void **state)
{
    (void)state;
    run_typed(ONR_DOUBLE, 2, (double[]){1.5, 2}, (double[]){2, 4}, (double[]){1}, (double[]){23});
    run_typed(ONR_FLOAT16, 2, (uint16_t[]){0x3c00, 0x4000}, (uint16_t[]){0x4000, 0x3c00},
              (uint16_t[]){0x3c00}, (uint16_t[]){0x4880});
    run_typed(ONR_BFLOAT16, 2, (uint16_t[]){0x3f80, 0x4000}, (uint16_t[]){0x4000, 0x3f80},
              (uint16_t[]){0x3f80}, (uint16_t[]){0x4110});
    run_typed(ONR_INT32, 1, (int32_t[]){INT32_MAX, 1}, (int32_t[]){1, 1}, (int32_t[]){-1},
              (int32_t[]){INT32_MAX});
    run_typed(ONR_INT32, 3, (int32_t[]){INT32_MAX, 0}, (int32_t[]){1, 1}, (int32_t[]){-1},
              (int32_t[]){INT32_MAX});
    run_typed(ONR_INT64, 1, (int64_t[]){INT64_MAX, 1}, (int64_t[]){1, 1}, (int64_t[]){-1},
              (int64_t[]){INT64_MAX});
    run_typed(ONR_UINT32, 0.5f, (uint32_t[]){3, 4}, (uint32_t[]){1, 1}, (uint32_t[]){0},
              (uint32_t[]){3});
    run_typed(ONR_UINT64, -1, (uint64_t[]){3, 4}, (uint64_t[]){1, 1}, (uint64_t[]){0},
              (uint64_t[]){0});
}

static void empty_sum_is_c(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Gemm", 13);
    op_test_input(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(0, 2), NULL));
    run_gemm(&t, test_f32(SHAPE(2), (float[]){1, NAN}), (float[]){1, NAN, 1, NAN});
}

static void expect_failure(const struct onr_tensor *a, const struct onr_tensor *b,
                           const struct onr_tensor *c, const char *text)
{
    struct op_test t;
    op_test_begin(&t, "", "Gemm", 13);
    op_test_input(&t, a);
    op_test_input(&t, b);
    op_test_input(&t, c);
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, text);
}

static void bad_shapes_are_refused(void **state)
{
    (void)state;
    const struct onr_tensor *m = test_f32(SHAPE(2, 2), NULL);
    expect_failure(test_f32(SHAPE(2), NULL), m, NULL, "a has rank 1, expected 2");
    expect_failure(m, test_f32(SHAPE(1, 2, 2), NULL), NULL, "b has rank 3, expected 2");
    expect_failure(m, test_f32(SHAPE(3, 2), NULL), NULL,
                   "inner dimensions differ: op(a)[M,K]=2, op(b)[K,N]=3");
    expect_failure(m, m, test_f32(SHAPE(3), NULL),
                   "c does not broadcast to y: n is 3, expected 1 or 2");
    expect_failure(m, m, test_f32(SHAPE(3, 1), NULL),
                   "c does not broadcast to y: m is 3, expected 1 or 2");
    expect_failure(m, m, test_f32(SHAPE(1, 2, 2), NULL), "c has rank 3, expected at most 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_form_of_c, test_tensors_free),
        cmocka_unit_test_teardown(alpha_beta_and_transposed_operands, test_tensors_free),
        cmocka_unit_test_teardown(old_broadcast_attribute_is_accepted, test_tensors_free),
        cmocka_unit_test_teardown(large_product_with_full_c, test_tensors_free),
        cmocka_unit_test_teardown(all_types, test_tensors_free),
        cmocka_unit_test_teardown(empty_sum_is_c, test_tensors_free),
        cmocka_unit_test_teardown(bad_shapes_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
