/* SPDX-License-Identifier: Apache-2.0 */
/* MoE; over its attributes: tests/contrib. */
#include "base/half.h"
#include "support/op_test.h"
#include "support/session_test.h"

#include <math.h>
#include <string.h>

enum { EXPERTS = 3 };

/*
 * Two inputs, two hidden units, one output row per input. Expert e: FC1 is the identity times e + 1,
 * FC2 swaps, so that with the identity as activation an expert gives (e + 1) * (x1, x0).
 */
static const float fc1[EXPERTS * 4] = {1, 0, 0, 1, 2, 0, 0, 2, 3, 0, 0, 3};
static const float fc2[EXPERTS * 4] = {0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0};

static void begin(struct op_test *t, size_t tokens, const float *x, const float *logits)
{
    op_test_begin(t, "com.microsoft", "MoE", 1);
    op_test_string(t, "activation_type", "identity");
    op_test_input(t, test_f32(SHAPE((int64_t)tokens, 2), x));
    op_test_input(t, test_f32(SHAPE((int64_t)tokens, EXPERTS), logits));
    op_test_input(t, test_f32(SHAPE(EXPERTS, 2, 2), fc1));
    op_test_input(t, NULL);
    op_test_input(t, test_f32(SHAPE(EXPERTS, 2, 2), fc2));
}

static void the_best_expert_weighs_its_share_of_all(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 2, (float[]){1, 10, 2, 20}, (float[]){0, logf(2), 0, 0, 0, logf(6)});
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){10, 1, 45, 4.5f}));
    op_test_run(&t);
}

static void normalized_weights_sum_to_one(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (float[]){1, 10}, (float[]){0, logf(3), -5});
    op_test_int(&t, "k", 2);
    op_test_int(&t, "normalize_routing_weights", 1);
    /* 3/4 * 2 + 1/4 * 1 */
    op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){17.5f, 1.75f}));
    op_test_run(&t);
}

static void of_equal_logits_the_lower_expert_is_chosen(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 3, (float[]){3, 30, 3, 30, 3, 30}, (float[]){0, 0, 0, -INFINITY, 0, 0, -0.0f, -1, 0});
    op_test_int(&t, "normalize_routing_weights", 1);
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){30, 3, 60, 6, 30, 3}));
    op_test_run(&t);
}

static void the_sparse_mixer_weighs_against_near_logits(void **state)
{
    (void)state;
    struct op_test t;
    /* 1.99 is within 2% of 2, 1 is not; then 1 stands alone */
    begin(&t, 2, (float[]){1, 10, 1, 10}, (float[]){2, 1.99f, 1, 2, 1, 0});
    op_test_int(&t, "k", 2);
    op_test_int(&t, "use_sparse_mixer", 1);
    float first = 1 / (1 + expf(-0.01f));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){10 * (first + 2), first + 2, 30, 3}));
    op_test_run(&t);
    t.attrs[1].as.i = 1;
    op_test_fails(&t, ONR_ERR_MODEL, "attribute k is 1, expected 2 with use_sparse_mixer");
}

static void swiglu_takes_gates_and_linear_parts_in_three_ways(void **state)
{
    (void)state;
    /* x = (1, 2), gates (3, -1), linear parts (9, 0.5); limit 2: G = (2, -1), L = (2, 0.5) */
    static const float in_turn[] = {3, 0, 9, 0, 0, -0.5f, 0, 0.25f};
    static const float apart[] = {3, 0, 0, -0.5f, 9, 0, 0, 0.25f};
    float y0 = 2 / (1 + expf(-1.0f)) * 3;
    float y1 = -1 / (1 + expf(0.5f)) * 1.5f;
    for (int64_t fusion = 0; fusion < 3; fusion++) {
        const float *weights = fusion == 1 ? in_turn : apart;
        struct op_test t;
        op_test_begin(&t, "com.microsoft", "MoE", 1);
        op_test_string(&t, "activation_type", "swiglu");
        op_test_int(&t, "swiglu_fusion", fusion);
        op_test_float(&t, "swiglu_limit", 2);
        op_test_float(&t, "activation_alpha", 0.5f);
        op_test_float(&t, "activation_beta", 1);
        op_test_input(&t, test_f32(SHAPE(1, 1, 2), (float[]){1, 2}));
        op_test_input(&t, test_f32(SHAPE(1, 1), (float[]){7}));
        op_test_input(&t, test_f32(SHAPE(1, fusion == 0 ? 2 : 4, 2), weights));
        op_test_input(&t, NULL);
        op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){1, 0, 0, 1}));
        if (fusion == 0) {
            op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){0, 100}));
            op_test_input(&t, test_f32(SHAPE(1, 2, 2), apart + 4));
        }
        op_test_output(&t, test_f32(SHAPE(1, 1, 2), (float[]){y0, y1 + (fusion == 0 ? 100 : 0)}));
        op_test_run(&t);
    }
}

static void fc3_multiplies_what_the_activation_gives(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "MoE", 1);
    op_test_input(&t, test_f32(SHAPE(2, 1), (float[]){1, -1}));
    op_test_input(&t, test_f32(SHAPE(2, 1), (float[]){0, 0}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 1), (float[]){2}));
    op_test_input(&t, test_f32(SHAPE(1, 1), (float[]){0.5f}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 1), (float[]){10}));
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(1, 1, 1), (float[]){3}));
    op_test_input(&t, test_f32(SHAPE(1, 1), (float[]){1}));
    op_test_output(&t, test_f32(SHAPE(2, 1), (float[]){100, 0}));
    op_test_run(&t);
}

static void shapes_may_be_given_the_other_way_round(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "MoE", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){1, 10}));
    op_test_input(&t, test_f32(SHAPE(1, 1), (float[]){0}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 3), (float[]){1, 0, 0, 1, 1, 1}));
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(1, 3, 2), (float[]){1, 2, 3, 4, 5, 6}));
    op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){1 + 20 + 33, 4 + 50 + 66}));
    op_test_run(&t);
}

static void half_types_are_rounded_once(void **state)
{
    (void)state;
    uint16_t x[2] = {0x3f80, 0x4120};                    /* 1, 10 */
    uint16_t logits[EXPERTS] = {0x0000, 0x0000, 0x4120}; /* the last one */
    uint16_t w1[EXPERTS * 4];
    uint16_t w2[EXPERTS * 4];
    for (size_t i = 0; i < EXPERTS * 4; i++) {
        w1[i] = onr_float_to_bfloat16(fc1[i]);
        w2[i] = onr_float_to_bfloat16(fc2[i]);
    }
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "MoE", 1);
    op_test_string(&t, "activation_type", "identity");
    op_test_int(&t, "normalize_routing_weights", 1);
    op_test_input(&t, test_tensor(ONR_BFLOAT16, SHAPE(1, 2), x));
    op_test_input(&t, test_tensor(ONR_BFLOAT16, SHAPE(1, EXPERTS), logits));
    op_test_input(&t, test_tensor(ONR_BFLOAT16, SHAPE(EXPERTS, 2, 2), w1));
    op_test_input(&t, test_tensor(ONR_BFLOAT16, SHAPE(EXPERTS, 2), NULL));
    op_test_input(&t, test_tensor(ONR_BFLOAT16, SHAPE(EXPERTS, 2, 2), w2));
    op_test_output(&t, test_tensor(ONR_BFLOAT16, SHAPE(1, 2), (uint16_t[]){0x41f0, 0x4040}));
    op_test_run(&t);
}

static void nan_logits_give_nan_and_leave_other_tokens_alone(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 2, (float[]){1, 10, 1, 10}, (float[]){0, NAN, 0, 5, 0, 0});
    op_test_int(&t, "normalize_routing_weights", 1);
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){NAN, NAN, 10, 1}));
    op_test_run(&t);
}

static void no_tokens_and_no_hidden_units_are_fine(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 0, NULL, NULL);
    op_test_output(&t, test_f32(SHAPE(0, 2), NULL));
    op_test_run(&t);
    begin(&t, 1, (float[]){1, 2}, (float[]){1, 0, 0});
    t.inputs[2] = test_f32(SHAPE(EXPERTS, 0, 2), NULL);
    t.inputs[4] = test_f32(SHAPE(EXPERTS, 2, 0), NULL);
    op_test_output(&t, test_f32(SHAPE(1, 2), NULL));
    op_test_run(&t);
}

static float relu(float x)
{
    return x > 0 ? x : 0;
}

/* Sizes beyond one tile and one chunk, against a plain loop in double precision. */
static void large_layers_agree_with_a_plain_loop(void **state)
{
    (void)state;
    enum { T = 37, E = 5, D = 70, I = 130, K = 2 };
    static float x[T * D], logits[T * E], w1[E * I * D], b1[E * I], w2[E * D * I], b2[E * D];
    static float want[T * D];
    test_random(1, T * D, x);
    test_random(2, T * E, logits);
    test_random(3, E * I * D, w1);
    test_random(4, E * I, b1);
    test_random(5, E * D * I, w2);
    test_random(6, E * D, b2);
    for (size_t t = 0; t < T; t++) {
        const float *p = logits + t * E;
        double sum = 0;
        double y[D] = {0};
        for (size_t e = 0; e < E; e++) {
            sum += exp((double)p[e]);
        }
        for (size_t e = 0; e < E; e++) {
            size_t better = 0;
            for (size_t o = 0; o < E; o++) {
                better += p[o] > p[e];
            }
            for (size_t i = 0; better < K && i < I; i++) {
                double h = (double)b1[e * I + i];
                for (size_t d = 0; d < D; d++) {
                    h += (double)x[t * D + d] * (double)w1[(e * I + i) * D + d];
                }
                for (size_t d = 0; d < D; d++) {
                    y[d] += exp((double)p[e]) / sum * (double)w2[(e * D + d) * I + i] *
                            (double)relu((float)h);
                }
            }
            for (size_t d = 0; better < K && d < D; d++) {
                y[d] += exp((double)p[e]) / sum * (double)b2[e * D + d];
            }
        }
        for (size_t d = 0; d < D; d++) {
            want[t * D + d] = (float)y[d];
        }
    }
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "MoE", 1);
    op_test_int(&t, "k", K);
    op_test_input(&t, test_f32(SHAPE(T, D), x));
    op_test_input(&t, test_f32(SHAPE(T, E), logits));
    op_test_input(&t, test_f32(SHAPE(E, I, D), w1));
    op_test_input(&t, test_f32(SHAPE(E, I), b1));
    op_test_input(&t, test_f32(SHAPE(E, D, I), w2));
    op_test_input(&t, test_f32(SHAPE(E, D), b2));
    op_test_output(&t, test_f32(SHAPE(T, D), want));
    t.atol = 1e-4;
    op_test_run(&t);
    /* one token alone */
    t.inputs[0] = test_f32(SHAPE(1, 1, D), x + 3 * D);
    t.inputs[1] = test_f32(SHAPE(1, E), logits + 3 * E);
    t.outputs[0] = test_f32(SHAPE(1, 1, D), want + 3 * D);
    op_test_run(&t);
}

/* Nor does it matter which others are in the batch. */
static void a_token_alone_gives_the_same_bits(void **state)
{
    (void)state;
    enum { T = 50, E = 4, D = 40, I = 60 };
    static float x[T * D], logits[T * E], w1[E * I * D], w2[E * D * I], batch[T * D];
    test_random(1, T * D, x);
    test_random(2, T * E, logits);
    test_random(3, E * I * D, w1);
    test_random(4, E * D * I, w2);
    struct session_test t;
    session_test_begin(&t, "in float x [t, 40]; in float r [t, 4]; in float w1 [4, 60, 40];"
                           "in float w2 [4, 40, 60];"
                           "y = com.microsoft:MoE(x, r, w1, _, w2) k=2 activation_type='silu';"
                           "out float y [t, 40];");
    session_test_in(&t, "x", test_f32(SHAPE(T, D), x));
    session_test_in(&t, "r", test_f32(SHAPE(T, E), logits));
    session_test_in(&t, "w1", test_f32(SHAPE(E, I, D), w1));
    session_test_in(&t, "w2", test_f32(SHAPE(E, D, I), w2));
    session_test_out(&t, "y", NULL);
    session_test_run(&t);
    memcpy(batch, session_test_result(&t, 0).data, sizeof batch);
    for (size_t first = 0; first < T; first += 7) {
        session_test_in(&t, "x", test_f32(SHAPE(1, D), x + first * D));
        session_test_in(&t, "r", test_f32(SHAPE(1, E), logits + first * E));
        session_test_run(&t);
        assert_memory_equal(session_test_result(&t, 0).data, batch + first * D, D * sizeof *x);
    }
    session_test_end(&t);
}

static void refuse(uint32_t input, const struct onr_tensor *tensor, enum onr_status status,
                   const char *text)
{
    struct op_test t;
    begin(&t, 1, (float[]){1, 2}, (float[]){1, 2, 3});
    while (t.input_count <= input) {
        op_test_input(&t, NULL);
    }
    t.inputs[input] = tensor;
    op_test_output(&t, test_f32(SHAPE(1, 2), NULL));
    op_test_fails(&t, status, text);
}

static void inputs_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    refuse(0, test_f32(SHAPE(2), NULL), ONR_ERR_SHAPE, "input has rank 1, expected 2 or 3");
    refuse(1, test_f32(SHAPE(2, 3), NULL), ONR_ERR_SHAPE,
           "router_probs has shape 2x3, expected 1x3");
    refuse(1, test_f32(SHAPE(1, 1, 3), NULL), ONR_ERR_SHAPE, "router_probs has shape 1x1x3");
    refuse(2, test_f32(SHAPE(2, 2, 2), NULL), ONR_ERR_SHAPE,
           "fc1_experts_weights has shape 2x2x2, expected 3x2x2");
    refuse(3, test_f32(SHAPE(3, 4), NULL), ONR_ERR_SHAPE,
           "fc1_experts_bias has shape 3x4, expected 3x2");
    refuse(4, test_f32(SHAPE(3, 2, 4), NULL), ONR_ERR_SHAPE,
           "fc1_experts_weights has shape 3x2x2, expected 3x4x2");
    refuse(4, test_f32(SHAPE(3, 4), NULL), ONR_ERR_SHAPE,
           "fc2_experts_weights has shape 3x4, expected 3x");
    refuse(5, test_f32(SHAPE(3, 1), NULL), ONR_ERR_SHAPE,
           "fc2_experts_bias has shape 3x1, expected 3x2");
    refuse(6, test_f32(SHAPE(3, 1, 2), NULL), ONR_ERR_SHAPE,
           "fc3_experts_weights has shape 3x1x2, expected 3x2x2");
    refuse(4, NULL, ONR_ERR_MODEL, "fc2_experts_weights is missing");
    refuse(7, test_f32(SHAPE(3, 2), NULL), ONR_ERR_MODEL, "fc3_experts_weights is missing");
    refuse(0, test_tensor(ONR_DOUBLE, SHAPE(1, 2), NULL), ONR_ERR_UNSUPPORTED, "double");
}

static void attributes_out_of_range_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t value;
        enum onr_status status;
        const char *text;
    } cases[] = {
        {"k", 0, ONR_ERR_MODEL, "attribute k is 0, expected 1 to 2147483647"},
        {"k", 4, ONR_ERR_SHAPE, "attribute k is 4, but there are only 3 experts"},
        {"swiglu_fusion", 3, ONR_ERR_MODEL, "attribute swiglu_fusion is 3, expected 0 to 2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op_test t;
        begin(&t, 1, (float[]){1, 2}, (float[]){1, 2, 3});
        op_test_int(&t, cases[i].name, cases[i].value);
        op_test_output(&t, test_f32(SHAPE(1, 2), NULL));
        op_test_fails(&t, cases[i].status, cases[i].text);
    }
    struct op_test t;
    begin(&t, 1, (float[]){1, 2}, (float[]){1, 2, 3});
    op_test_output(&t, test_f32(SHAPE(1, 2), NULL));
    t.attr_count = 0;
    op_test_string(&t, "activation_type", "tanh");
    op_test_fails(&t, ONR_ERR_MODEL, "attribute activation_type is \"tanh\", expected relu, gelu");
    t.attr_count = 0;
    op_test_string(&t, "activation_type", "swiglu");
    op_test_fails(&t, ONR_ERR_MODEL,
                  "swiglu needs either fc3_experts_weights or swiglu_fusion 1 or 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_best_expert_weighs_its_share_of_all, test_tensors_free),
        cmocka_unit_test_teardown(normalized_weights_sum_to_one, test_tensors_free),
        cmocka_unit_test_teardown(of_equal_logits_the_lower_expert_is_chosen, test_tensors_free),
        cmocka_unit_test_teardown(the_sparse_mixer_weighs_against_near_logits, test_tensors_free),
        cmocka_unit_test_teardown(swiglu_takes_gates_and_linear_parts_in_three_ways,
                                  test_tensors_free),
        cmocka_unit_test_teardown(fc3_multiplies_what_the_activation_gives, test_tensors_free),
        cmocka_unit_test_teardown(shapes_may_be_given_the_other_way_round, test_tensors_free),
        cmocka_unit_test_teardown(half_types_are_rounded_once, test_tensors_free),
        cmocka_unit_test_teardown(nan_logits_give_nan_and_leave_other_tokens_alone,
                                  test_tensors_free),
        cmocka_unit_test_teardown(no_tokens_and_no_hidden_units_are_fine, test_tensors_free),
        cmocka_unit_test_teardown(large_layers_agree_with_a_plain_loop, test_tensors_free),
        cmocka_unit_test_teardown(a_token_alone_gives_the_same_bits, test_tensors_free),
        cmocka_unit_test_teardown(inputs_that_do_not_fit_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(attributes_out_of_range_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
