/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

#define ML "ai.onnx.ml"

static void the_binarizer_compares_each_type(void **state)
{
    (void)state;
    const struct onr_tensor *inputs[] = {
        test_f32(SHAPE(4), (float[]){1, 2, NAN, 3}),
        test_tensor(ONR_DOUBLE, SHAPE(4), (double[]){1, 2, -(double)NAN, 3}),
        test_tensor(ONR_INT32, SHAPE(4), (int32_t[]){1, 2, INT32_MIN, 3}),
        test_i64(SHAPE(4), (int64_t[]){1, 2, INT64_MIN, INT64_MAX})};
    const struct onr_tensor *outputs[] = {test_f32(SHAPE(4), (float[]){0, 0, 0, 1}),
                                          test_tensor(ONR_DOUBLE, SHAPE(4), (double[]){0, 0, 0, 1}),
                                          test_tensor(ONR_INT32, SHAPE(4), (int32_t[]){0, 0, 0, 1}),
                                          test_i64(SHAPE(4), (int64_t[]){0, 0, 0, 1})};
    for (int i = 0; i < 4; i++) {
        struct op_test t;
        op_test_begin(&t, ML, "Binarizer", 1);
        op_test_float(&t, "threshold", 2);
        op_test_input(&t, inputs[i]);
        op_test_output(&t, outputs[i]);
        op_test_run(&t);
    }
}

static void the_default_threshold_is_0(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, ML, "Binarizer", 1);
    op_test_input(&t, test_f32(SCALAR, (float[]){0.5f}));
    op_test_output(&t, test_f32(SCALAR, (float[]){1}));
    op_test_run(&t);
    t.inputs[0] = t.outputs[0] = test_f32(SHAPE(0, 3), NULL);
    op_test_run(&t);
}

static void the_scaler_has_numbers_for_each_feature(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, ML, "Scaler", 1);
    op_test_input(&t, test_i64(SHAPE(2, 3), (int64_t[]){1, 2, 3, 4, 5, 6}));
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){1, 2, 3, 4, 5, 6}));
    op_test_run(&t);
    op_test_floats(&t, "offset", 3, (float[]){1, 0, -1});
    op_test_floats(&t, "scale", 1, (float[]){-2});
    t.outputs[0] = test_f32(SHAPE(2, 3), (float[]){0, -4, -8, -6, -10, -14});
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_DOUBLE, SHAPE(3), (double[]){1e300, -1e300, 0});
    t.outputs[0] = test_f32(SHAPE(3), (float[]){-INFINITY, INFINITY, -2});
    op_test_run(&t);
    t.inputs[0] = test_f32(SHAPE(2, 2), NULL);
    t.outputs[0] = test_f32(SHAPE(2, 2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "3 numbers in offset for 2 features");
}

static void long_rows_are_scaled_in_pieces(void **state)
{
    (void)state;
    static float x[5 * 300];
    static float y[5 * 300];
    static float scale[300];
    test_random(1, 5 * 300, x);
    test_random(2, 300, scale);
    for (int i = 0; i < 5 * 300; i++) {
        y[i] = (x[i] - 0.5f) * scale[i % 300];
    }
    struct op_test t;
    op_test_begin(&t, ML, "Scaler", 1);
    op_test_floats(&t, "offset", 1, (float[]){0.5f});
    op_test_floats(&t, "scale", 300, scale);
    op_test_input(&t, test_f32(SHAPE(5, 300), x));
    op_test_output(&t, test_f32(SHAPE(5, 300), y));
    op_test_run(&t);
}

static void missing_values_are_imputed(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, ML, "Imputer", 1);
    op_test_floats(&t, "imputed_value_floats", 2, (float[]){5, 6});
    op_test_float(&t, "replaced_value_float", NAN);
    op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){NAN, 1, 0, NAN}));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){5, 1, 0, 6}));
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){(double)NAN, 1e300});
    t.outputs[0] = test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){5, 1e300});
    op_test_run(&t);
    op_test_begin(&t, ML, "Imputer", 1);
    op_test_ints(&t, "imputed_value_int64s", 1, (int64_t[]){-7});
    op_test_input(&t, test_i64(SHAPE(3), (int64_t[]){0, 1, INT64_MAX}));
    op_test_output(&t, test_i64(SHAPE(3), (int64_t[]){-7, 1, INT64_MAX}));
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_INT32, SHAPE(3), (int32_t[]){0, 1, INT32_MIN});
    t.outputs[0] = test_tensor(ONR_INT32, SHAPE(3), (int32_t[]){-7, 1, INT32_MIN});
    op_test_run(&t);
}

static void imputed_values_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, ML, "Imputer", 1);
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(3), NULL));
    op_test_output(&t, test_tensor(ONR_INT32, SHAPE(3), NULL));
    op_test_fails(&t, ONR_ERR_MODEL,
                  "expected one of imputed_value_floats and imputed_value_int64s");
    op_test_ints(&t, "imputed_value_int64s", 2, (int64_t[]){0, INT64_C(1) << 31});
    op_test_fails(&t, ONR_ERR_MODEL, "imputed_value_int64s[1] is 2147483648, which is no int32");
    t.attrs[0].as.ints = (int64_t[]){0, 1};
    op_test_fails(&t, ONR_ERR_SHAPE, "2 numbers in the imputed values for 3 features");
    t.inputs[0] = test_f32(SHAPE(2), NULL);
    t.outputs[0] = test_f32(SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_MODEL, "input is float, but imputed values are integers");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_binarizer_compares_each_type, test_tensors_free),
        cmocka_unit_test_teardown(the_default_threshold_is_0, test_tensors_free),
        cmocka_unit_test_teardown(the_scaler_has_numbers_for_each_feature, test_tensors_free),
        cmocka_unit_test_teardown(long_rows_are_scaled_in_pieces, test_tensors_free),
        cmocka_unit_test_teardown(missing_values_are_imputed, test_tensors_free),
        cmocka_unit_test_teardown(imputed_values_that_do_not_fit_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
