/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void check(const char *op, enum onr_dtype dtype, const struct onr_tensor *bias,
                  const void *x, const void *y)
{
    struct op_test t;
    op_test_begin(&t, "com.microsoft", op, 1);
    op_test_input(&t, test_tensor(dtype, SHAPE(2, 1, 2), x));
    if (bias != NULL) {
        op_test_input(&t, bias);
    }
    op_test_output(&t, test_tensor(dtype, SHAPE(2, 1, 2), y));
    op_test_run(&t);
}

static void forms_match_their_definition(void **state)
{
    (void)state;
    const float x[] = {-1, 0, 1, 2};
    const float erf_form[] = {-0.15865526f, 0, 0.84134474f, 1.9544997f};
    const float tanh_form[] = {-0.15880801f, 0, 0.84119199f, 1.95459769f};
    const float less_bias[] = {-2, 0.5f, 0, 2.5f};
    const struct onr_tensor *bias = test_f32(SHAPE(2), (float[]){1, -0.5f});
    check("Gelu", ONR_FLOAT, NULL, x, erf_form);
    check("FastGelu", ONR_FLOAT, NULL, x, tanh_form);
    check("BiasGelu", ONR_FLOAT, bias, less_bias, erf_form);
    check("FastGelu", ONR_FLOAT, bias, less_bias, tanh_form);
    check("Gelu", ONR_DOUBLE, NULL, (double[]){-1, 0, 1, 2},
          (double[]){-0.15865525393145707, 0, 0.8413447460685429, 1.9544997361036416});
    check("Gelu", ONR_FLOAT16, NULL, (uint16_t[]){0xbc00, 0, 0x3c00, 0x4000},
          (uint16_t[]){0xb114, 0, 0x3abb, 0x3fd1});
}

static void bias_fits_the_last_dimension(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "BiasGelu", 1);
    op_test_input(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "bias has shape 2, expected the last dimension of 2x3");
    op_test_begin(&t, "com.microsoft", "FastGelu", 1);
    op_test_input(&t, test_f32(SHAPE(0, 3), NULL));
    op_test_input(&t, test_f32(SHAPE(3), NULL));
    op_test_output(&t, test_f32(SHAPE(0, 3), NULL));
    op_test_run(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(forms_match_their_definition, test_tensors_free),
        cmocka_unit_test_teardown(bias_fits_the_last_dimension, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
