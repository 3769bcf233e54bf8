/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void begin(struct op_test *t, const char *activation)
{
    op_test_begin(t, "com.microsoft", "FusedGemm", 1);
    if (activation != NULL) {
        op_test_string(t, "activation", activation);
    }
    op_test_input(t, test_f32(SHAPE(2, 1), (float[]){1, -1}));
    op_test_input(t, test_f32(SHAPE(1, 2), (float[]){2, NAN}));
    op_test_input(t, test_f32(SHAPE(1), (float[]){1}));
}

static void activation_follows_the_sum(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, NULL);
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){3, NAN, -1, NAN}));
    op_test_run(&t);
    begin(&t, "Relu");
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){3, NAN, 0, NAN}));
    op_test_run(&t);
    begin(&t, "LeakyRelu");
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){3, NAN, -0.01f, NAN}));
    op_test_run(&t);
    begin(&t, "LeakyRelu");
    op_test_float(&t, "activation_alpha", 0.5f);
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){3, NAN, -0.5f, NAN}));
    op_test_run(&t);
    begin(&t, "Clip");
    op_test_float(&t, "activation_alpha", -0.5f);
    op_test_float(&t, "activation_beta", 2);
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){2, NAN, -0.5f, NAN}));
    op_test_run(&t);
}

static void other_float_types_have_activations_too(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "FusedGemm", 1);
    op_test_string(&t, "activation", "Clip");
    op_test_float(&t, "activation_beta", 1);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1), (double[]){3}));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1), (double[]){2}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1), (double[]){1}));
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "FusedGemm", 1);
    op_test_string(&t, "activation", "Clip");
    op_test_float(&t, "activation_beta", 1);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1), (uint16_t[]){0x4000}));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1), (uint16_t[]){0x4000}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1), (uint16_t[]){0x3c00}));
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "FusedGemm", 1);
    op_test_input(&t, test_i64(SHAPE(1, 1), (int64_t[]){3}));
    op_test_input(&t, test_i64(SHAPE(1, 1), (int64_t[]){-2}));
    op_test_output(&t, test_i64(SHAPE(1, 1), (int64_t[]){-6}));
    op_test_run(&t);
}

static void unknown_activations_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "Sine");
    op_test_output(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "activation \"Sine\" of type float");
    op_test_begin(&t, "com.microsoft", "FusedGemm", 1);
    op_test_string(&t, "activation", "Tanh");
    op_test_input(&t, test_i64(SHAPE(1, 1), NULL));
    op_test_input(&t, test_i64(SHAPE(1, 1), NULL));
    op_test_output(&t, test_i64(SHAPE(1, 1), NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "activation \"Tanh\" of type int64");
    op_test_begin(&t, "com.microsoft", "FusedGemm", 1);
    op_test_string(&t, "activation", "Clip");
    op_test_input(&t, test_i64(SHAPE(1, 1), NULL));
    op_test_input(&t, test_i64(SHAPE(1, 1), NULL));
    op_test_output(&t, test_i64(SHAPE(1, 1), NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "activation \"Clip\" of type int64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(activation_follows_the_sum, test_tensors_free),
        cmocka_unit_test_teardown(other_float_types_have_activations_too, test_tensors_free),
        cmocka_unit_test_teardown(unknown_activations_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
