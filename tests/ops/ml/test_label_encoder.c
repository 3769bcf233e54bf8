/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

#define ML "ai.onnx.ml"
#define S(text)                                                                                    \
    {                                                                                              \
        .data = text, .length = sizeof(text) - 1                                                   \
    }

static const struct onr_string names[] = {S("Amy"), S(""), S("Sally")};
static const struct onr_string people[] = {S("Sally"), S("Dori"), S(""), S("Amy")};
static const struct onr_string unknown[] = {S("Amy"), S("_Unused"), S("Sally"), S("_Unused")};

static void places_of_classes_in_both_directions(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, ML, "LabelEncoder", 1);
    op_test_strings(&t, "classes_strings", 3, names);
    op_test_input(&t, test_tensor(ONR_STRING, SHAPE(2, 2), people));
    op_test_output(&t, test_i64(SHAPE(2, 2), (int64_t[]){2, -1, 1, 0}));
    op_test_run(&t);
    t.inputs[0] = test_i64(SHAPE(4), (int64_t[]){0, 3, 2, -1});
    t.outputs[0] = test_tensor(ONR_STRING, SHAPE(4), unknown);
    op_test_run(&t);
    t.inputs[0] = test_i64(SHAPE(0), NULL);
    t.outputs[0] = test_tensor(ONR_STRING, SHAPE(0), NULL);
    op_test_run(&t);
}

static void categories_are_mapped_both_ways(void **state)
{
    (void)state;
    static const struct onr_string expected[] = {S("Sally"), S("none")};
    struct op_test t;
    op_test_begin(&t, ML, "CategoryMapper", 1);
    op_test_strings(&t, "cats_strings", 3, names);
    op_test_ints(&t, "cats_int64s", 3, (int64_t[]){5, -6, 7});
    op_test_int(&t, "default_int64", 9);
    op_test_string(&t, "default_string", "none");
    op_test_input(&t, test_tensor(ONR_STRING, SHAPE(4), people));
    op_test_output(&t, test_i64(SHAPE(4), (int64_t[]){7, 9, -6, 5}));
    op_test_run(&t);
    t.inputs[0] = test_i64(SHAPE(2), (int64_t[]){7, 0});
    t.outputs[0] = test_tensor(ONR_STRING, SHAPE(2), expected);
    op_test_run(&t);
}

static void the_last_of_equal_keys_counts_and_nan_is_found(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, ML, "LabelEncoder", 2);
    op_test_floats(&t, "keys_floats", 5, (float[]){1, -NAN, 0, 2, 1});
    op_test_floats(&t, "values_floats", 5, (float[]){10, 20, 30, 40, 50});
    op_test_input(&t, test_f32(SHAPE(5), (float[]){1, NAN, -0.0f, 2, 3}));
    op_test_output(&t, test_f32(SHAPE(5), (float[]){50, 20, 30, 40, 0}));
    op_test_run(&t);
    t.inputs[0] = test_f32(SCALAR, (float[]){2});
    t.outputs[0] = test_f32(SCALAR, (float[]){40});
    op_test_run(&t);
}

static void tensors_of_all_types_are_keys_and_values(void **state)
{
    (void)state;
    const struct onr_tensor *keys[] = {test_tensor(ONR_STRING, SHAPE(2), names),
                                       test_i64(SHAPE(2), (int64_t[]){INT64_MIN, 4}),
                                       test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){-3, 4}),
                                       test_tensor(ONR_INT16, SHAPE(2), (int16_t[]){-3, 4}),
                                       test_f32(SHAPE(2), (float[]){-3, 4}),
                                       test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){-3, 4})};
    struct op_test t;
    for (int i = 0; i < 6; i++) {
        for (int k = 0; k < 6; k++) {
            op_test_begin(&t, ML, "LabelEncoder", 4);
            op_test_value(&t, "keys_tensor", keys[i]);
            op_test_value(&t, "values_tensor", keys[k]);
            op_test_input(&t, keys[i]);
            op_test_output(&t, keys[k]);
            op_test_run(&t);
        }
    }
}

static void tensors_have_defaults_of_their_type(void **state)
{
    (void)state;
    const struct onr_tensor *values[] = {test_tensor(ONR_STRING, SHAPE(1), names),
                                         test_i64(SHAPE(1), (int64_t[]){1}),
                                         test_tensor(ONR_INT32, SHAPE(1), (int32_t[]){1}),
                                         test_tensor(ONR_INT16, SHAPE(1), (int16_t[]){1}),
                                         test_f32(SHAPE(1), (float[]){1}),
                                         test_tensor(ONR_DOUBLE, SHAPE(1), (double[]){1})};
    const struct onr_tensor *defaults[] = {test_tensor(ONR_STRING, SHAPE(1), &unknown[1]),
                                           test_i64(SHAPE(1), (int64_t[]){-1}),
                                           test_tensor(ONR_INT32, SHAPE(1), (int32_t[]){-1}),
                                           test_tensor(ONR_INT16, SHAPE(1), (int16_t[]){-1}),
                                           test_f32(SHAPE(1), NULL),
                                           test_tensor(ONR_DOUBLE, SHAPE(1), NULL)};
    struct op_test t;
    for (int i = 0; i < 6; i++) {
        op_test_begin(&t, ML, "LabelEncoder", 4);
        op_test_ints(&t, "keys_int64s", 1, (int64_t[]){3});
        op_test_value(&t, "values_tensor", values[i]);
        op_test_input(&t, test_i64(SHAPE(1), (int64_t[]){8}));
        op_test_output(&t, defaults[i]);
        op_test_run(&t);
        op_test_value(&t, "default_tensor", values[i]);
        t.outputs[0] = values[i];
        op_test_run(&t);
    }
}

static void wrong_lists_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, ML, "LabelEncoder", 4);
    op_test_ints(&t, "keys_int64s", 2, (int64_t[]){3, 4});
    op_test_input(&t, test_i64(SHAPE(1), NULL));
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL,
                  "expected one of values_strings, values_int64s, values_floats");
    op_test_floats(&t, "values_floats", 1, (float[]){1});
    op_test_fails(&t, ONR_ERR_MODEL, "2 keys, but 1 values");
    t.attrs[1].count = 2;
    t.attrs[1].as.floats = (float[]){1, 2};
    op_test_value(&t, "default_tensor", test_i64(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "default_tensor is no single float");
    t.attr_count = 2;
    op_test_strings(&t, "keys_strings", 2, names);
    op_test_fails(&t, ONR_ERR_MODEL, "expected one of keys_strings, keys_int64s, keys_floats");
    t.attr_count = 2;
    op_test_value(&t, "keys_tensor", test_tensor(ONR_UINT8, SHAPE(2), NULL));
    t.attrs[0] = t.attrs[2];
    t.attr_count = 2;
    op_test_fails(&t, ONR_ERR_MODEL, "expected one of keys_strings");
}

static void wrong_inputs_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, ML, "LabelEncoder", 2);
    op_test_ints(&t, "keys_int64s", 1, (int64_t[]){3});
    op_test_floats(&t, "values_floats", 1, (float[]){1});
    op_test_input(&t, test_f32(SHAPE(1), NULL));
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "input is float, but the keys are int64");
    t.inputs[0] = test_tensor(ONR_DOUBLE, SHAPE(1), NULL);
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "double");
    op_test_begin(&t, ML, "CategoryMapper", 1);
    op_test_input(&t, test_i64(SHAPE(1), NULL));
    op_test_output(&t, test_tensor(ONR_STRING, SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "cats_strings is empty");
    op_test_strings(&t, "cats_strings", 3, names);
    op_test_fails(&t, ONR_ERR_MODEL, "0 keys, but 3 values");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(places_of_classes_in_both_directions, test_tensors_free),
        cmocka_unit_test_teardown(categories_are_mapped_both_ways, test_tensors_free),
        cmocka_unit_test_teardown(the_last_of_equal_keys_counts_and_nan_is_found,
                                  test_tensors_free),
        cmocka_unit_test_teardown(tensors_of_all_types_are_keys_and_values, test_tensors_free),
        cmocka_unit_test_teardown(tensors_have_defaults_of_their_type, test_tensors_free),
        cmocka_unit_test_teardown(wrong_lists_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(wrong_inputs_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
