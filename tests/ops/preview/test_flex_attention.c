/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"
#include "support/session_test.h"

#include <math.h>

#define LN3 1.0986123f

/* Two query heads of one key and value head: the scores are 0 and LN3, and both LN3. */
static void attend(struct op_test *t)
{
    op_test_begin(t, "ai.onnx.preview", "FlexAttention", 1);
    op_test_float(t, "scale", 0.5f);
    op_test_input(t, test_f32(SHAPE(1, 2, 1, 2), (float[]){0, 2, 1, 1}));
    op_test_input(t, test_f32(SHAPE(1, 1, 2, 2), (float[]){2 * LN3, 0, LN3, LN3}));
    op_test_input(t, test_f32(SHAPE(1, 1, 2, 1), (float[]){4, 8}));
}

static void query_heads_share_a_key_head(void **state)
{
    (void)state;
    struct op_test t;
    attend(&t);
    op_test_output(&t, test_f32(SHAPE(1, 2, 1, 1), (float[]){7, 6}));
    op_test_run(&t);
    op_test_int(&t, "softmax_precision", ONR_DOUBLE);
    op_test_run(&t);
}

static void the_default_scale_is_of_the_width(void **state)
{
    (void)state;
    const double k[] = {0, 0, 0, 0, 0, 0, 0, 2};
    const double one[] = {1, 1, 1, 1};
    const double y[] = {4 / (1 + exp(1))};
    struct op_test t;
    op_test_begin(&t, "ai.onnx.preview", "FlexAttention", 1);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 1, 4), one));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 2, 4), k));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 2, 1), (double[]){4, 0}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 1, 1), y));
    t.rtol = 1e-14;
    op_test_run(&t);
}

static void half_is_computed_as_float(void **state)
{
    (void)state;
    const uint16_t zero[] = {0, 0};
    struct op_test t;
    op_test_begin(&t, "ai.onnx.preview", "FlexAttention", 1);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1, 1, 1), zero));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1, 2, 1), zero));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1, 2, 1), (uint16_t[]){0x4000, 0x4400}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1, 1, 1), (uint16_t[]){0x4200}));
    op_test_run(&t);
}

static void empty_operands(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "ai.onnx.preview", "FlexAttention", 1);
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 3), (float[]){1, 2, 3, 4, 5, 6}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 0, 3), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 1, 0, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 1), NULL));
    op_test_run(&t);
    t.inputs[0] = test_f32(SHAPE(1, 1, 1, 0), NULL);
    t.inputs[1] = test_f32(SHAPE(1, 1, 2, 0), NULL);
    t.inputs[2] = test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 3});
    t.outputs[0] = test_f32(SHAPE(1, 1, 1, 1), (float[]){2});
    op_test_run(&t);
    t.inputs[0] = t.inputs[1] = t.inputs[2] = t.outputs[0] = test_f32(SHAPE(2, 0, 3, 4), NULL);
    op_test_run(&t);
}

static void operands_must_fit(void **state)
{
    (void)state;
    struct op_test t;
    attend(&t);
    op_test_output(&t, test_f32(SHAPE(1, 2, 1, 1), NULL));
    t.inputs[2] = test_f32(SHAPE(1, 1, 3, 1), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "V has shape 1x1x3x1, expected 1x1x2x?");
    t.inputs[1] = test_f32(SHAPE(1, 1, 2, 3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "K has shape 1x1x2x3, expected 1x?x?x2");
    t.inputs[1] = test_f32(SHAPE(1, 4, 2, 2), NULL);
    t.inputs[2] = test_f32(SHAPE(1, 4, 2, 1), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "Q has 2 heads, expected a multiple of the 4 heads of K");
    t.inputs[0] = test_f32(SHAPE(1, 2, 2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "rank 3");
    attend(&t);
    op_test_int(&t, "softmax_precision", ONR_INT32);
    op_test_output(&t, test_f32(SHAPE(1, 2, 1, 1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "softmax_precision");
}

#define MODEL                                                                                      \
    "in float q [1, 1, n, 1]; in float k [1, 1, m, 1]; in float v [1, 1, m, 1]; in float c;"       \
    "y = ai.onnx.preview:FlexAttention(q, k, v) "

/* Zeros attend to 4 and 8, so that only the bodies make a difference. */
static void check_bodies(const char *text, float c, float y)
{
    struct session_test t;
    session_test_begin(&t, text);
    session_test_in(&t, "q", test_f32(SHAPE(1, 1, 1, 1), NULL));
    session_test_in(&t, "k", test_f32(SHAPE(1, 1, 2, 1), NULL));
    session_test_in(&t, "v", test_f32(SHAPE(1, 1, 2, 1), (float[]){4, 8}));
    session_test_in(&t, "c", test_f32(SCALAR, &c));
    session_test_out(&t, "y", test_f32(SHAPE(1, 1, 1, 1), &y));
    session_test_run(&t);
    session_test_run(&t);
    session_test_end(&t);
}

static void bodies_change_scores_and_probabilities(void **state)
{
    (void)state;
    check_bodies(MODEL "prob_mod={in float p [b, h, l, s]; r = Mul(p, c); out float r;};"
                       "out float y;",
                 3, 18);
    check_bodies(MODEL "score_mod={in float x [b, h, l, s]; init float w [2] = 0, -1;"
                       "d = Mul(w, c); r = Add(x, d); out float r;}"
                       "prob_mod={in float p; r2 = Add(p, p); out float r2;}; out float y;",
                 INFINITY, NAN);
    check_bodies(MODEL "score_mod={in float x; init float w [2] = 0, -1;"
                       "d = Mul(w, c); r = Add(x, d); out float r;}"
                       "prob_mod={in float p; out float p;}; out float y;",
                 1e9f, 4);
}

static void bodies_see_the_precision_asked_for(void **state)
{
    (void)state;
    check_bodies(MODEL "softmax_precision=10 prob_mod={in float16 p; r = Add(p, p);"
                       "out float16 r;}; out float y;",
                 0, 12);
    check_bodies(MODEL "softmax_precision=11 score_mod={in double p; r = Abs(p);"
                       "out double r;}; out float y;",
                 0, 6);
}

static void bodies_must_keep_shape_and_type(void **state)
{
    (void)state;
    session_test_refused(MODEL "score_mod={in float x; in float z; out float x;}; out float y;",
                         ONNXRUN_ERR_MODEL,
                         "score_mod has 2 inputs and 1 outputs, expected 1 and 1");
    struct session_test t;
    session_test_begin(&t, MODEL "score_mod={in float x; r = Concat(x, x) axis=3; out float r;};"
                                 "out float y;");
    session_test_in(&t, "q", test_f32(SHAPE(1, 1, 1, 1), NULL));
    session_test_in(&t, "k", test_f32(SHAPE(1, 1, 2, 1), NULL));
    session_test_in(&t, "v", test_f32(SHAPE(1, 1, 2, 1), NULL));
    session_test_in(&t, "c", test_f32(SCALAR, NULL));
    session_test_out(&t, "y", NULL);
    session_test_fails(&t, ONNXRUN_ERR_SHAPE,
                       "score_mod gives float 1x1x1x4, expected float 1x1x1x2");
    session_test_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(query_heads_share_a_key_head, test_tensors_free),
        cmocka_unit_test_teardown(the_default_scale_is_of_the_width, test_tensors_free),
        cmocka_unit_test_teardown(half_is_computed_as_float, test_tensors_free),
        cmocka_unit_test_teardown(empty_operands, test_tensors_free),
        cmocka_unit_test_teardown(operands_must_fit, test_tensors_free),
        cmocka_unit_test_teardown(bodies_change_scores_and_probabilities, test_tensors_free),
        cmocka_unit_test_teardown(bodies_see_the_precision_asked_for, test_tensors_free),
        cmocka_unit_test_teardown(bodies_must_keep_shape_and_type, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
