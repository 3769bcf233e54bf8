/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

#define ML "ai.onnx.ml"

static const float vectors[] = {1, 0, 0, 2, -1, 1};

static void begin_regressor(struct op_test *t, const char *kernel)
{
    static const float coefficients[] = {1, -2, 0.5f};
    static const float params[] = {0.5f, 1, 3};
    static const float rho[] = {0.25f};
    op_test_begin(t, ML, "SVMRegressor", 1);
    op_test_floats(t, "coefficients", 3, coefficients);
    op_test_floats(t, "support_vectors", 6, vectors);
    op_test_floats(t, "kernel_params", 3, params);
    op_test_floats(t, "rho", 1, rho);
    op_test_int(t, "n_supports", 3);
    op_test_string(t, "kernel_type", kernel);
    op_test_input(t, test_f32(SHAPE(1, 2), (float[]){1, 1}));
}

static void rows_are_compared_by_four_kernels(void **state)
{
    (void)state;
    static const char *const names[] = {"LINEAR", "POLY", "RBF", "SIGMOID"};
    const double expected[] = {0.25 + 1 - 4, 0.25 + 3.375 - 16 + 0.5,
                               0.25 + exp(-0.5) - 2 * exp(-1) + 0.5 * exp(-2),
                               0.25 + tanh(1.5) - 2 * tanh(2) + 0.5 * tanh(1)};
    for (int i = 0; i < 4; i++) {
        struct op_test t;
        begin_regressor(&t, names[i]);
        op_test_output(&t, test_f32(SHAPE(1, 1), (float[]){(float)expected[i]}));
        op_test_run(&t);
        op_test_int(&t, "one_class", 1);
        t.outputs[0] = test_f32(SHAPE(1, 1), (float[]){expected[i] > 0 ? 1.0f : -1.0f});
        op_test_run(&t);
    }
}

static void without_vectors_the_machine_is_linear(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, ML, "SVMRegressor", 1);
    op_test_floats(&t, "coefficients", 2, (float[]){2, 3});
    op_test_floats(&t, "rho", 1, (float[]){-5});
    op_test_string(&t, "kernel_type", "RBF");
    op_test_string(&t, "post_transform", "LOGISTIC");
    op_test_input(&t, test_i64(SHAPE(2, 2), (int64_t[]){1, 1, 2, 1}));
    op_test_output(&t, test_f32(SHAPE(2, 1), (float[]){0.5f, 0.88079708f}));
    op_test_run(&t);
    t.inputs[0] = test_i64(SHAPE(0, 2), NULL);
    t.outputs[0] = test_f32(SHAPE(0, 1), NULL);
    op_test_run(&t);
}

static void begin_classifier(struct op_test *t)
{
    static const float coefficients[] = {1, 2, -1};
    static const float rho[] = {0.5f};
    static const int64_t labels[] = {8, 9};
    static const int64_t counts[] = {1, 2};
    op_test_begin(t, ML, "SVMClassifier", 1);
    op_test_floats(t, "coefficients", 3, coefficients);
    op_test_floats(t, "support_vectors", 6, vectors);
    op_test_floats(t, "rho", 1, rho);
    op_test_ints(t, "classlabels_ints", 2, labels);
    op_test_ints(t, "vectors_per_class", 2, counts);
    op_test_input(t, test_f32(SHAPE(2, 2), (float[]){1, 1, 1, -2}));
}

static void two_classes_have_a_score_and_its_opposite(void **state)
{
    (void)state;
    struct op_test t;
    begin_classifier(&t);
    op_test_output(&t, test_i64(SHAPE(2), (int64_t[]){8, 9}));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){-5.5f, 5.5f, 3.5f, -3.5f}));
    op_test_run(&t);
    op_test_string(&t, "post_transform", "LOGISTIC");
    t.outputs[1] =
        test_f32(SHAPE(2, 2), (float[]){0.00407014f, 0.99592986f, 0.97068777f, 0.02931223f});
    op_test_run(&t);
}

static void probabilities_follow_from_the_scores_of_pairs(void **state)
{
    (void)state;
    struct op_test t;
    begin_classifier(&t);
    op_test_floats(&t, "prob_a", 1, (float[]){-1});
    op_test_floats(&t, "prob_b", 1, (float[]){0.5f});
    op_test_output(&t, test_i64(SHAPE(2), (int64_t[]){8, 9}));
    op_test_output(
        &t, test_f32(SHAPE(2, 2), (float[]){0.99330715f, 0.00669285f, 0.01798621f, 0.98201379f}));
    t.rtol = 1e-3;
    t.atol = 1e-3;
    op_test_run(&t);
}

/* Linear: a row of coefficients for each class. */
static void classes_without_vectors_have_scores_of_their_own(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, ML, "SVMClassifier", 1);
    op_test_floats(&t, "coefficients", 6, vectors);
    op_test_floats(&t, "rho", 1, (float[]){1});
    op_test_ints(&t, "classlabels_ints", 3, (int64_t[]){4, 5, 6});
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(1, 2), (int32_t[]){1, 3}));
    op_test_output(&t, test_i64(SHAPE(1), (int64_t[]){5}));
    op_test_output(&t, test_f32(SHAPE(1, 3), (float[]){2, 7, 3}));
    op_test_run(&t);
}

static void lists_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin_regressor(&t, "COSINE");
    op_test_output(&t, test_f32(SHAPE(1, 1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "attribute kernel_type is \"COSINE\", expected LINEAR, POLY");
    begin_regressor(&t, "RBF");
    op_test_output(&t, test_f32(SHAPE(1, 1), NULL));
    t.attrs[4].as.i = 4;
    op_test_fails(&t, ONR_ERR_MODEL, "3 coefficients, 1 rho and 6 numbers of 4 vectors");
    t.attrs[4].as.i = 2;
    op_test_fails(&t, ONR_ERR_MODEL, "3 coefficients for 2 support vectors");
    t.attrs[4].as.i = -2;
    op_test_fails(&t, ONR_ERR_MODEL, "n_supports is -2");
    t.attrs[4].as.i = 3;
    t.attrs[2].count = 2;
    op_test_fails(&t, ONR_ERR_MODEL, "kernel_params has 2 entries, expected 3");
    t.attrs[2].count = 3;
    t.inputs[0] = test_f32(SHAPE(1, 3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "rows of 3 features, but vectors of 2");
}

static void classes_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin_classifier(&t);
    op_test_output(&t, test_i64(SHAPE(2), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 2), NULL));
    t.attrs[4].as.ints = (int64_t[]){3, 0};
    t.attrs[4].count = 1;
    op_test_fails(&t, ONR_ERR_MODEL, "2 class labels, but 1 entries in vectors_per_class");
    t.attrs[4].count = 2;
    t.attrs[4].as.ints = (int64_t[]){-1, 4};
    op_test_fails(&t, ONR_ERR_MODEL, "vectors_per_class[0] is -1");
    t.attrs[4].as.ints = (int64_t[]){INT64_MAX, 1};
    op_test_fails(&t, ONR_ERR_MODEL, "vectors_per_class[1] is 1");
    t.attrs[4].as.ints = (int64_t[]){1, 2};
    t.attrs[0].count = 2;
    op_test_fails(&t, ONR_ERR_MODEL, "2 coefficients and 1 rho for 2 classes with 3 vectors");
    t.attrs[0].count = 3;
    op_test_floats(&t, "prob_a", 1, (float[]){-1});
    op_test_fails(&t, ONR_ERR_MODEL, "prob_a has 1 and prob_b 0 entries for 1 pairs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(rows_are_compared_by_four_kernels, test_tensors_free),
        cmocka_unit_test_teardown(without_vectors_the_machine_is_linear, test_tensors_free),
        cmocka_unit_test_teardown(two_classes_have_a_score_and_its_opposite, test_tensors_free),
        cmocka_unit_test_teardown(probabilities_follow_from_the_scores_of_pairs, test_tensors_free),
        cmocka_unit_test_teardown(classes_without_vectors_have_scores_of_their_own,
                                  test_tensors_free),
        cmocka_unit_test_teardown(lists_that_do_not_fit_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(classes_that_do_not_fit_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
