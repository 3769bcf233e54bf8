/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#define ML "ai.onnx.ml"
#define S(text)                                                                                    \
    {                                                                                              \
        .data = text, .length = sizeof(text) - 1                                                   \
    }

static void rows_are_cut_off_and_filled_up(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, ML, "FeatureVectorizer", 1);
    op_test_ints(&t, "inputdimensions", 2, (int64_t[]){1, 3});
    op_test_input(&t, test_i64(SHAPE(2, 2), (int64_t[]){1, 2, 3, 4}));
    op_test_input(&t, test_i64(SHAPE(2, 1, 2), (int64_t[]){5, 6, 7, 8}));
    op_test_output(&t, test_f32(SHAPE(2, 4), (float[]){1, 5, 6, 0, 3, 7, 8, 0}));
    op_test_run(&t);
    t.attr_count = 0;
    t.outputs[0] = test_f32(SHAPE(2, 4), (float[]){1, 2, 5, 6, 3, 4, 7, 8});
    op_test_run(&t);
}

static void vectors_are_single_rows(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, ML, "FeatureVectorizer", 1);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){1, 2}));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(0), NULL));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1), (double[]){3}));
    op_test_output(&t, test_f32(SHAPE(1, 3), (float[]){1, 2, 3}));
    op_test_run(&t);
}

static void wrong_widths_and_rows_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, ML, "FeatureVectorizer", 1);
    op_test_ints(&t, "inputdimensions", 1, (int64_t[]){1});
    op_test_input(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(3, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 4), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "inputdimensions has 1 entries for 2 inputs");
    t.attrs[0].count = 2;
    t.attrs[0].as.ints = (int64_t[]){1, -1};
    op_test_fails(&t, ONR_ERR_MODEL, "inputdimensions[1] is -1");
    t.attr_count = 0;
    op_test_fails(&t, ONR_ERR_SHAPE, "input 1 has 3 rows, others have 2");
    t.inputs[1] = test_f32(SCALAR, NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input 1 is a scalar");
}

static void columns_are_extracted(void **state)
{
    (void)state;
    static const struct onr_string names[] = {S("a"), S("b")};
    static const struct onr_string picked[] = {S("b"), S("b"), S("a")};
    struct op_test t;
    op_test_begin(&t, ML, "ArrayFeatureExtractor", 1);
    op_test_input(&t, test_f32(SHAPE(2, 3), (float[]){1, 2, 3, 4, 5, 6}));
    op_test_input(&t, test_i64(SHAPE(1, 2), (int64_t[]){2, -3}));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){3, 1, 6, 4}));
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_STRING, SHAPE(2), names);
    t.inputs[1] = test_i64(SHAPE(3), (int64_t[]){1, 1, 0});
    t.outputs[0] = test_tensor(ONR_STRING, SHAPE(1, 3), picked);
    op_test_run(&t);
    t.inputs[0] = test_i64(SHAPE(0, 3), NULL);
    t.outputs[0] = test_i64(SHAPE(0, 3), NULL);
    op_test_run(&t);
    t.inputs[0] = test_i64(SHAPE(2, 3), NULL);
    t.inputs[1] = test_i64(SHAPE(0), NULL);
    t.outputs[0] = test_i64(SHAPE(2, 0), NULL);
    op_test_run(&t);
}

static void indices_out_of_range_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, ML, "ArrayFeatureExtractor", 1);
    op_test_input(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_input(&t, test_i64(SHAPE(1), (int64_t[]){3}));
    op_test_output(&t, test_f32(SHAPE(2, 1), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "3");
    t.inputs[0] = test_f32(SCALAR, NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input is a scalar");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(rows_are_cut_off_and_filled_up, test_tensors_free),
        cmocka_unit_test_teardown(vectors_are_single_rows, test_tensors_free),
        cmocka_unit_test_teardown(wrong_widths_and_rows_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(columns_are_extracted, test_tensors_free),
        cmocka_unit_test_teardown(indices_out_of_range_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
