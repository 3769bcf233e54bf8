/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void begin(struct op_test *t)
{
    op_test_begin(t, "onnxrun", "Projections", 1);
    op_test_input(t, test_f32(SHAPE(1, 2, 2), (float[]){1, 0, 1, 2}));
}

static void products_of_one_input(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_input(&t, test_f32(SHAPE(2, 3), (float[]){1, 2, 3, 1, 1, 2}));
    op_test_input(&t, test_f32(SHAPE(3), (float[]){0, 10, NAN}));
    op_test_input(&t, test_f32(SHAPE(2, 1), (float[]){5, 6}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 3), (float[]){1, 12, NAN, 3, 14, NAN}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 1), (float[]){5, 17}));
    op_test_run(&t);
    begin(&t);
    op_test_int(&t, "transB", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){5, 6}));
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){1, 0, 1, 1}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 2}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 1), (float[]){5, 17}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){2, 3, 2, 5}));
    op_test_run(&t);
}

static void outputs_that_nobody_wants_are_left_out(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_input(&t, test_f32(SHAPE(2, 1), (float[]){1, 1}));
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(2, 1), (float[]){5, 6}));
    op_test_output(&t, NULL);
    op_test_output(&t, test_f32(SHAPE(1, 2, 1), (float[]){5, 17}));
    op_test_run(&t);
}

static void empty_operands(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "onnxrun", "Projections", 1);
    op_test_input(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(0, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 2}));
    op_test_input(&t, test_f32(SHAPE(0, 0), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){1, 2, 1, 2}));
    op_test_output(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_run(&t);
    op_test_begin(&t, "onnxrun", "Projections", 1);
    op_test_input(&t, test_f32(SHAPE(0, 1), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 1), (float[]){1}));
    op_test_output(&t, test_f32(SHAPE(0, 1), NULL));
    op_test_run(&t);
}

/* Of different widths, in several panels and blocks of k; m rows, so that all kinds of tiles run. */
static void check_large(size_t m)
{
    enum { K = 1100 };
    const size_t widths[3] = {768, 130, 250};
    struct op_test t;
    op_test_begin(&t, "onnxrun", "Projections", 1);
    t.atol = 2e-4;
    struct onr_tensor *a = test_tensor(ONR_FLOAT, SHAPE((int64_t)m, K), NULL);
    test_random(1, m * K, a->data);
    op_test_input(&t, a);
    for (size_t i = 0; i < 3; i++) {
        size_t n = widths[i];
        struct onr_tensor *b = test_tensor(ONR_FLOAT, SHAPE(K, (int64_t)n), NULL);
        struct onr_tensor *y = test_tensor(ONR_FLOAT, SHAPE((int64_t)m, (int64_t)n), NULL);
        test_random(i + 2, K * n, b->data);
        for (size_t j = 0; j < m * n; j++) {
            double sum = 0;
            for (size_t p = 0; p < K; p++) {
                sum += (double)((const float *)a->data)[j / n * K + p] *
                       (double)((const float *)b->data)[p * n + j % n];
            }
            ((float *)y->data)[j] = (float)sum;
        }
        op_test_input(&t, b);
        op_test_input(&t, NULL);
        op_test_output(&t, y);
    }
    t.input_count--; /* what is absent at the end is cut off */
    op_test_run(&t);
}

static void large_products_of_different_widths(void **state)
{
    (void)state;
    check_large(1);
    check_large(19);
}

static void bad_inputs_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_input(&t, test_f32(SHAPE(3, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "b has shape 3x2, expected 2x");
    begin(&t);
    op_test_input(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(3), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "bias has shape 3, expected 2");
    begin(&t);
    op_test_input(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "required input 3 is empty");
    begin(&t);
    for (int i = 0; i < 3; i++) {
        op_test_input(&t, test_f32(SHAPE(2, 2), NULL));
    }
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "4 inputs and 1 outputs, expected two inputs");
    op_test_begin(&t, "onnxrun", "Projections", 1);
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "a has rank 1, expected 2 or more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(products_of_one_input, test_tensors_free),
        cmocka_unit_test_teardown(outputs_that_nobody_wants_are_left_out, test_tensors_free),
        cmocka_unit_test_teardown(empty_operands, test_tensors_free),
        cmocka_unit_test_teardown(large_products_of_different_widths, test_tensors_free),
        cmocka_unit_test_teardown(bad_inputs_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
