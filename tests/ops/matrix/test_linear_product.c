/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

/* A [2,2] times B [2,3]: 1 2 3; 3 4 7 */
static void begin(struct op_test *t)
{
    op_test_begin(t, "onnxrun", "Linear", 1);
    op_test_input(t, test_f32(SHAPE(2, 2), (float[]){1, 0, 1, 2}));
    op_test_input(t, test_f32(SHAPE(2, 3), (float[]){1, 2, 3, 1, 1, 2}));
}

static void product_alone(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){1, 2, 3, 3, 4, 7}));
    op_test_run(&t);
}

static void operands_are_turned_and_scaled(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "onnxrun", "Linear", 1);
    op_test_int(&t, "transA", 1);
    op_test_int(&t, "transB", 1);
    op_test_float(&t, "alpha", 2);
    op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){1, 1, 0, 2}));
    op_test_input(&t, test_f32(SHAPE(3, 2), (float[]){1, 1, 2, 1, 3, 2}));
    op_test_input(&t, test_f32(SHAPE(3), (float[]){10, 20, 30}));
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){12, 24, 36, 16, 28, 44}));
    op_test_run(&t);
}

static void bias_addend_activation_and_factor_follow_each_other(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_string(&t, "activation", "Relu");
    op_test_input(&t, test_f32(SHAPE(3), (float[]){0, -1, NAN}));
    op_test_input(&t, test_f32(SHAPE(2, 3), (float[]){0, -5, 0, 1, 0, 0}));
    op_test_input(&t, test_f32(SHAPE(2, 3), (float[]){2, 2, 2, 10, 10, 10}));
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){2, 0, NAN, 40, 30, NAN}));
    op_test_run(&t);
}

static void addend_of_another_shape_is_broadcast(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_string(&t, "activation", "LeakyRelu");
    op_test_float(&t, "activation_alpha", 0.5f);
    op_test_input(&t, test_f32(SHAPE(3), (float[]){1, 1, 1}));
    op_test_input(&t, test_f32(SHAPE(2, 1, 3), (float[]){0, 0, 0, -6, -6, -6}));
    op_test_output(
        &t, test_f32(SHAPE(2, 2, 3), (float[]){2, 3, 4, 4, 5, 8, -2, -1.5f, -1, -1, -0.5f, 2}));
    op_test_run(&t);
}

static void factor_of_another_shape_is_broadcast(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_string(&t, "activation", "QuickGelu");
    op_test_float(&t, "activation_alpha", 0);
    op_test_input(&t, NULL);
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(2, 1), (float[]){2, 4}));
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){1, 2, 3, 6, 8, 14}));
    op_test_run(&t);
    begin(&t);
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(1), (float[]){1}));
    op_test_input(&t, test_f32(SHAPE(2, 3), (float[]){1, 1, 1, 0, 0, 2}));
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){2, 3, 4, 0, 0, 16}));
    op_test_run(&t);
}

static void product_is_viewed_in_another_shape(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_input(&t, test_f32(SHAPE(3), (float[]){1, 1, 1}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 3), (float[]){0, 1, 2, 3, 4, 5}));
    op_test_input(&t, NULL);
    op_test_input(&t, test_i64(SHAPE(3), (int64_t[]){-1, 2, 3}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 3), (float[]){2, 4, 6, 7, 9, 13}));
    op_test_run(&t);
    begin(&t);
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(2, 1, 1), (float[]){10, 20}));
    op_test_input(&t, NULL);
    op_test_input(&t, test_i64(SHAPE(2), (int64_t[]){1, -1}));
    op_test_output(
        &t, test_f32(SHAPE(2, 1, 6), (float[]){11, 12, 13, 13, 14, 17, 21, 22, 23, 23, 24, 27}));
    op_test_run(&t);
}

static void batches_and_vectors_are_those_of_matmul(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "onnxrun", "Linear", 1);
    op_test_int(&t, "transB", 1);
    op_test_input(&t, test_f32(SHAPE(2, 1, 2), (float[]){1, 2, 3, 4}));
    op_test_input(&t, test_f32(SHAPE(2, 2, 2), (float[]){1, 0, 0, 1, 2, 0, 0, 2}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){0, 1}));
    op_test_input(&t, test_f32(SHAPE(2, 1, 2), (float[]){10, 20, 30, 40}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 2), (float[]){11, 23, 36, 49}));
    op_test_run(&t);
    op_test_begin(&t, "onnxrun", "Linear", 1);
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 2}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){3, 4}));
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SCALAR, (float[]){1}));
    op_test_output(&t, test_f32(SCALAR, (float[]){12}));
    op_test_run(&t);
}

static void empty_operands(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "onnxrun", "Linear", 1);
    op_test_input(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(0, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 2}));
    op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){10, 20, 30, 40}));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){11, 22, 31, 42}));
    op_test_run(&t);
    op_test_begin(&t, "onnxrun", "Linear", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){1, 2}));
    op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){1, 2, 3, 4}));
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(0, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(0, 2), NULL));
    op_test_run(&t);
}

/* What a batch has in common with models: more than one tile, blocks of k, remainders. */
static void large_products_with_everything(void **state)
{
    (void)state;
    enum { M = 37, K = 1100, N = 101 };
    struct onr_tensor *a = test_tensor(ONR_FLOAT, SHAPE(M, K), NULL);
    struct onr_tensor *b = test_tensor(ONR_FLOAT, SHAPE(N, K), NULL);
    struct onr_tensor *bias = test_tensor(ONR_FLOAT, SHAPE(N), NULL);
    struct onr_tensor *addend = test_tensor(ONR_FLOAT, SHAPE(M, N), NULL);
    struct onr_tensor *factor = test_tensor(ONR_FLOAT, SHAPE(M, N), NULL);
    struct onr_tensor *y = test_tensor(ONR_FLOAT, SHAPE(M, N), NULL);
    const struct onr_tensor *inputs[] = {a, b, bias, addend, factor};
    struct op_test t;
    op_test_begin(&t, "onnxrun", "Linear", 1);
    op_test_int(&t, "transB", 1);
    op_test_string(&t, "activation", "Tanh");
    t.atol = 1e-4;
    for (uint32_t i = 0; i < 5; i++) {
        test_random(i + 1, (size_t)onr_tensor_count(inputs[i]), inputs[i]->data);
        op_test_input(&t, inputs[i]);
    }
    for (size_t i = 0; i < (size_t)M * N; i++) {
        double sum =
            (double)((const float *)bias->data)[i % N] + (double)((const float *)addend->data)[i];
        for (size_t p = 0; p < K; p++) {
            sum += (double)((const float *)a->data)[i / N * K + p] *
                   (double)((const float *)b->data)[i % N * K + p];
        }
        ((float *)y->data)[i] = (float)(tanh(sum) * (double)((const float *)factor->data)[i]);
    }
    op_test_output(&t, y);
    op_test_run(&t);
}

static void bad_inputs_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "bias");
    begin(&t);
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(3, 3), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 3 of shape 3x3 does not broadcast");
    begin(&t);
    op_test_string(&t, "activation", "Nothing");
    op_test_output(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "activation \"Nothing\"");
    begin(&t);
    op_test_input(&t, NULL);
    op_test_input(&t, NULL);
    op_test_input(&t, NULL);
    op_test_input(&t, test_i64(SHAPE(1), (int64_t[]){5}));
    op_test_output(&t, test_f32(SHAPE(5), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "cannot reshape 2x3 to 5");
    op_test_begin(&t, "onnxrun", "Linear", 1);
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "b has rank 1, expected 2 or more with a bias");
    op_test_begin(&t, "onnxrun", "Linear", 1);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1), NULL));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1), NULL));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1), NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "input 0 of type double");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(product_alone, test_tensors_free),
        cmocka_unit_test_teardown(operands_are_turned_and_scaled, test_tensors_free),
        cmocka_unit_test_teardown(bias_addend_activation_and_factor_follow_each_other,
                                  test_tensors_free),
        cmocka_unit_test_teardown(addend_of_another_shape_is_broadcast, test_tensors_free),
        cmocka_unit_test_teardown(factor_of_another_shape_is_broadcast, test_tensors_free),
        cmocka_unit_test_teardown(product_is_viewed_in_another_shape, test_tensors_free),
        cmocka_unit_test_teardown(batches_and_vectors_are_those_of_matmul, test_tensors_free),
        cmocka_unit_test_teardown(empty_operands, test_tensors_free),
        cmocka_unit_test_teardown(large_products_with_everything, test_tensors_free),
        cmocka_unit_test_teardown(bad_inputs_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
