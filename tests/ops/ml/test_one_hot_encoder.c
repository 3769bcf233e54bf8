/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#define S(text)                                                                                    \
    {                                                                                              \
        .data = text, .length = sizeof(text) - 1                                                   \
    }

static void begin(struct op_test *t)
{
    static const int64_t categories[] = {7, -1, 4};
    op_test_begin(t, "ai.onnx.ml", "OneHotEncoder", 1);
    op_test_ints(t, "cats_int64s", 3, categories);
}

static void numbers_are_cut_off_and_looked_up(void **state)
{
    (void)state;
    const struct onr_tensor *inputs[] = {
        test_i64(SHAPE(3, 1), (int64_t[]){4, 5, -1}),
        test_tensor(ONR_INT32, SHAPE(3, 1), (int32_t[]){4, 5, -1}),
        test_f32(SHAPE(3, 1), (float[]){4.9f, 1e30f, -1.5f}),
        test_tensor(ONR_DOUBLE, SHAPE(3, 1), (double[]){4.9, -1e300, -1.5})};
    for (int i = 0; i < 4; i++) {
        struct op_test t;
        begin(&t);
        op_test_input(&t, inputs[i]);
        op_test_output(&t, test_f32(SHAPE(3, 1, 3), (float[]){0, 0, 1, 0, 0, 0, 0, 1, 0}));
        op_test_run(&t);
    }
}

static void strings_scalars_and_empty_tensors(void **state)
{
    (void)state;
    static const struct onr_string names[] = {S("a"), S("")};
    struct op_test t;
    op_test_begin(&t, "ai.onnx.ml", "OneHotEncoder", 1);
    op_test_strings(&t, "cats_strings", 2, names);
    op_test_input(&t, test_tensor(ONR_STRING, SCALAR, &names[1]));
    op_test_output(&t, test_f32(SHAPE(2), (float[]){0, 1}));
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_STRING, SHAPE(0, 3), NULL);
    t.outputs[0] = test_f32(SHAPE(0, 3, 2), NULL);
    op_test_run(&t);
}

static void what_is_no_category_may_be_an_error(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_int(&t, "zeros", 0);
    op_test_input(&t, test_i64(SHAPE(2), (int64_t[]){4, 5}));
    op_test_output(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "element 1 is no category, and zeros is 0");
}

static void wrong_models_are_refused(void **state)
{
    (void)state;
    static const struct onr_string name = S("a");
    struct op_test t;
    begin(&t);
    op_test_input(&t, test_tensor(ONR_STRING, SHAPE(2), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "input is string, but the categories are int64");
    op_test_strings(&t, "cats_strings", 1, &name);
    op_test_fails(&t, ONR_ERR_MODEL, "expected one of cats_int64s and cats_strings");
    t.attr_count = 1;
    t.inputs[0] = test_i64(SHAPE(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), NULL);
    op_test_fails(&t, ONR_ERR_LIMIT, "17");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(numbers_are_cut_off_and_looked_up, test_tensors_free),
        cmocka_unit_test_teardown(strings_scalars_and_empty_tensors, test_tensors_free),
        cmocka_unit_test_teardown(what_is_no_category_may_be_an_error, test_tensors_free),
        cmocka_unit_test_teardown(wrong_models_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
