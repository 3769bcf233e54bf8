/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void rows_are_divided_by_their_norm(void **state)
{
    (void)state;
    static const float x[] = {3, -4, 0, 0, -2, -1};
    static const char *const names[] = {"MAX", "L1", "L2"};
    static const float expected[][6] = {{1, -4.0f / 3, 0, 0, 2, 1},
                                        {3.0f / 7, -4.0f / 7, 0, 0, -2.0f / 3, -1.0f / 3},
                                        {0.6f, -0.8f, 0, 0, -0.89442719f, -0.44721360f}};
    for (int i = 0; i < 3; i++) {
        struct op_test t;
        op_test_begin(&t, "ai.onnx.ml", "Normalizer", 1);
        op_test_string(&t, "norm", names[i]);
        op_test_input(&t, test_f32(SHAPE(3, 2), x));
        op_test_output(&t, test_f32(SHAPE(3, 2), expected[i]));
        op_test_run(&t);
    }
}

static void the_default_is_max_for_all_types(void **state)
{
    (void)state;
    const struct onr_tensor *inputs[] = {
        test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){1e300, 5e299}),
        test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){-2, -4}),
        test_i64(SHAPE(2), (int64_t[]){4, 2})};
    static const float expected[][2] = {{1, 0.5f}, {1, 2}, {1, 0.5f}};
    struct op_test t;
    op_test_begin(&t, "ai.onnx.ml", "Normalizer", 1);
    op_test_input(&t, NULL);
    op_test_output(&t, NULL);
    for (int i = 0; i < 3; i++) {
        t.inputs[0] = inputs[i];
        t.outputs[0] = test_f32(SHAPE(2), expected[i]);
        op_test_run(&t);
    }
    t.inputs[0] = test_i64(SHAPE(3, 0), NULL);
    t.outputs[0] = test_f32(SHAPE(3, 0), NULL);
    op_test_run(&t);
}

static void other_norms_and_ranks_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "ai.onnx.ml", "Normalizer", 1);
    op_test_input(&t, test_f32(SCALAR, NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input has rank 0, expected 1 or 2");
    op_test_string(&t, "norm", "L3");
    op_test_fails(&t, ONR_ERR_MODEL, "attribute norm is \"L3\", expected MAX, L1 or L2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(rows_are_divided_by_their_norm, test_tensors_free),
        cmocka_unit_test_teardown(the_default_is_max_for_all_types, test_tensors_free),
        cmocka_unit_test_teardown(other_norms_and_ranks_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
