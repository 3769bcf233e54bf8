/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#define ML "ai.onnx.ml"
#define S(text)                                                                                    \
    {                                                                                              \
        .data = text, .length = sizeof(text) - 1                                                   \
    }

static void each_target_has_a_row_of_coefficients(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, ML, "LinearRegressor", 1);
    op_test_floats(&t, "coefficients", 4, (float[]){1, 2, 3, 4});
    op_test_int(&t, "targets", 2);
    op_test_input(&t, test_i64(SHAPE(2, 2), (int64_t[]){1, 0, 1, -1}));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){1, 3, -1, -1}));
    op_test_run(&t);
    op_test_floats(&t, "intercepts", 2, (float[]){0.5f, -3});
    op_test_string(&t, "post_transform", "SOFTMAX");
    t.outputs[0] =
        test_f32(SHAPE(2, 2), (float[]){0.81757448f, 0.18242552f, 0.97068777f, 0.02931223f});
    op_test_run(&t);
    t.inputs[0] = test_f32(SHAPE(0, 2), NULL);
    t.outputs[0] = test_f32(SHAPE(0, 2), NULL);
    op_test_run(&t);
}

/* More rows than are computed at a time. */
static void many_rows_in_blocks(void **state)
{
    (void)state;
    enum { ROWS = 77, FEATURES = 13, TARGETS = 5 };
    static float x[ROWS * FEATURES], w[TARGETS * FEATURES], y[ROWS * TARGETS];
    test_random(1, ROWS * FEATURES, x);
    test_random(2, TARGETS * FEATURES, w);
    for (int n = 0; n < ROWS; n++) {
        for (int k = 0; k < TARGETS; k++) {
            double sum = 0;
            for (int f = 0; f < FEATURES; f++) {
                sum += (double)x[n * FEATURES + f] * (double)w[k * FEATURES + f];
            }
            y[n * TARGETS + k] = (float)sum;
        }
    }
    struct op_test t;
    op_test_begin(&t, ML, "LinearRegressor", 1);
    op_test_floats(&t, "coefficients", TARGETS * FEATURES, w);
    op_test_int(&t, "targets", TARGETS);
    op_test_input(&t, test_f32(SHAPE(ROWS, FEATURES), x));
    op_test_output(&t, test_f32(SHAPE(ROWS, TARGETS), y));
    op_test_run(&t);
}

static void the_largest_score_names_the_class(void **state)
{
    (void)state;
    static const struct onr_string names[] = {S("a"), S("b"), S("c")};
    static const struct onr_string expected[] = {S("c"), S("a")};
    struct op_test t;
    op_test_begin(&t, ML, "LinearClassifier", 1);
    op_test_floats(&t, "coefficients", 3, (float[]){-1, 0, 1});
    op_test_strings(&t, "classlabels_strings", 3, names);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2, 1), (double[]){2, 0}));
    op_test_output(&t, test_tensor(ONR_STRING, SHAPE(2), expected));
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){-2, 0, 2, 0, 0, 0}));
    op_test_run(&t);
}

static void one_score_decides_between_two_classes(void **state)
{
    (void)state;
    static const char *const names[] = {"NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"};
    static const float expected[][4] = {{0.75f, 0.25f, 1, 0},
                                        {0.43782350f, 0.56217650f, 0.5f, 0.5f},
                                        {0.37754067f, 0.62245933f, 0.5f, 0.5f},
                                        {0.37754067f, 0.62245933f, 0.5f, 0.5f}};
    for (int i = 0; i < 4; i++) {
        struct op_test t;
        op_test_begin(&t, ML, "LinearClassifier", 1);
        op_test_floats(&t, "coefficients", 2, (float[]){1, 1});
        op_test_ints(&t, "classlabels_ints", 2, (int64_t[]){-5, 5});
        op_test_string(&t, "post_transform", names[i]);
        op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){1, -0.75f, 1, -1}));
        op_test_output(&t, test_i64(SHAPE(2), (int64_t[]){5, -5}));
        op_test_output(&t, test_f32(SHAPE(2, 2), expected[i]));
        op_test_run(&t);
    }
}

static void quantiles_of_probabilities(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, ML, "LinearRegressor", 1);
    op_test_floats(&t, "coefficients", 1, (float[]){1});
    op_test_string(&t, "post_transform", "PROBIT");
    op_test_input(&t, test_f32(SHAPE(3, 1), (float[]){0.5f, 0.975f, 0.025f}));
    op_test_output(&t, test_f32(SHAPE(3, 1), (float[]){0, 1.9599640f, -1.9599640f}));
    t.rtol = 3e-3;
    op_test_run(&t);
}

static void lists_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, ML, "LinearClassifier", 1);
    op_test_floats(&t, "coefficients", 4, (float[]){1, 2, 3, 4});
    op_test_ints(&t, "classlabels_ints", 3, (int64_t[]){1, 2, 3});
    op_test_input(&t, test_f32(SHAPE(1, 2), NULL));
    op_test_output(&t, test_i64(SHAPE(1), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 3), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "4 coefficients do not fit 3 rows of 2 features");
    t.attrs[1].count = 2;
    op_test_floats(&t, "intercepts", 1, (float[]){1});
    op_test_fails(&t, ONR_ERR_MODEL, "1 intercepts, expected 2");
    t.attrs[2].as.floats = (float[]){1, 2};
    t.attrs[2].count = 2;
    op_test_string(&t, "post_transform", "TANH");
    op_test_fails(&t, ONR_ERR_MODEL,
                  "attribute post_transform is \"TANH\", expected NONE, SOFTMAX");
    t.attr_count = 1;
    op_test_fails(&t, ONR_ERR_MODEL, "expected one of classlabels_ints and classlabels_strings");
    op_test_begin(&t, ML, "LinearRegressor", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "0 coefficients do not fit 1 rows of 2 features");
    op_test_int(&t, "targets", 0);
    op_test_fails(&t, ONR_ERR_MODEL, "targets is 0, expected 1 or more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_target_has_a_row_of_coefficients, test_tensors_free),
        cmocka_unit_test_teardown(many_rows_in_blocks, test_tensors_free),
        cmocka_unit_test_teardown(the_largest_score_names_the_class, test_tensors_free),
        cmocka_unit_test_teardown(one_score_decides_between_two_classes, test_tensors_free),
        cmocka_unit_test_teardown(quantiles_of_probabilities, test_tensors_free),
        cmocka_unit_test_teardown(lists_that_do_not_fit_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
