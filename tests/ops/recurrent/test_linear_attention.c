/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

/* One head, two tokens, dk = dv = 2. */
static void begin(struct op_test *t, const char *domain, const char *rule)
{
    op_test_begin(t, domain, "LinearAttention", domain[0] == '\0' ? 27 : 1);
    op_test_int(t, "q_num_heads", 1);
    op_test_int(t, "kv_num_heads", 1);
    op_test_float(t, "scale", 1);
    op_test_string(t, "update_rule", rule);
    op_test_input(t, test_f32(SHAPE(1, 2, 2), (float[]){1, 0, 1, 1}));
    op_test_input(t, test_f32(SHAPE(1, 2, 2), (float[]){1, 0, 0, 1}));
    op_test_input(t, test_f32(SHAPE(1, 2, 2), (float[]){1, 2, 3, 4}));
}

static void linear_rule_sums_products(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "", "linear");
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){1, 2, 4, 6}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){1, 2, 3, 4}));
    op_test_run(&t);
}

static void gated_rule_decays_the_state_first(void **state)
{
    (void)state;
    float half = logf(0.5f);
    struct op_test t;
    begin(&t, "", "gated");
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){8, 8, 4, 4}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 1), (float[]){half, half}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){5, 6, 6.5f, 8}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){2.5f, 3, 4, 5}));
    op_test_run(&t);
}

static void delta_rule_writes_the_difference(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "", "delta");
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){3, 0, 1, 2}));
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(1, 2, 1), (float[]){0.5f, 1}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){2, 1, 5, 5}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){2, 1, 3, 4}));
    op_test_run(&t);
}

static void gated_delta_decays_per_key_element(void **state)
{
    (void)state;
    float half = logf(0.5f);
    struct op_test t;
    begin(&t, "", "gated_delta");
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){4, 0, 1, 2}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){half, 0, 0, half}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 1), (float[]){1, 0.5f}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){1, 2, 2.75f, 4.5f}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){1, 2, 1.75f, 2.5f}));
    op_test_run(&t);
}

static void no_tokens_leave_the_state_as_it_is(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "LinearAttention", 27);
    op_test_int(&t, "q_num_heads", 1);
    op_test_int(&t, "kv_num_heads", 1);
    op_test_string(&t, "update_rule", "linear");
    for (int i = 0; i < 3; i++) {
        op_test_input(&t, test_f32(SHAPE(1, 0, 2), NULL));
    }
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1, 2, 2),
                                  (uint16_t[]){0x3c00, 0x4000, 0x4200, 0x4400}));
    op_test_output(&t, test_f32(SHAPE(1, 0, 2), NULL));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1, 2, 2),
                                   (uint16_t[]){0x3c00, 0x4000, 0x4200, 0x4400}));
    op_test_run(&t);
}

static void window_holds_the_last_states(void **state)
{
    (void)state;
    struct op_test t;
    const float past[] = {9, 9, 9, 9, 9, 9, 9, 9, 1, 0, 0, 0};
    const float present[] = {0, 0, 0, 0, 2, 2, 0, 0, 2, 2, 3, 4};
    begin(&t, "com.microsoft", "linear");
    op_test_int(&t, "state_window", 3);
    op_test_input(&t, test_f32(SHAPE(3, 1, 1, 2, 2), past));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){2, 2, 5, 6}));
    op_test_output(&t, test_f32(SHAPE(3, 1, 1, 2, 2), present));
    op_test_run(&t);
}

/* Against the definition in double, with more columns than a block. */
static void wide_values_are_cut_into_blocks(void **state)
{
    (void)state;
    enum { T = 3, DK = 5, DV = 150 };
    float q[T * DK];
    float k[T * DK];
    float v[T * DV];
    float y[T * DV];
    double s[DK][DV] = {{0}};
    struct op_test t;
    test_random(1, T * DK, q);
    test_random(2, T * DK, k);
    test_random(3, T * DV, v);
    for (int i = 0; i < T; i++) {
        for (int m = 0; m < DV; m++) {
            double sum = 0;
            for (int d = 0; d < DK; d++) {
                s[d][m] += (double)k[i * DK + d] * (double)v[i * DV + m];
                sum += (double)q[i * DK + d] * s[d][m];
            }
            y[i * DV + m] = (float)(sum / sqrt((double)DK));
        }
    }
    op_test_begin(&t, "", "LinearAttention", 27);
    op_test_int(&t, "q_num_heads", 1);
    op_test_int(&t, "kv_num_heads", 1);
    op_test_string(&t, "update_rule", "linear");
    op_test_input(&t, test_f32(SHAPE(1, T, DK), q));
    op_test_input(&t, test_f32(SHAPE(1, T, DK), k));
    op_test_input(&t, test_f32(SHAPE(1, T, DV), v));
    op_test_output(&t, test_f32(SHAPE(1, T, DV), y));
    op_test_run(&t);
}

static void bad_operands_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    const struct onr_tensor *y = test_f32(SHAPE(1, 2, 2), NULL);
    begin(&t, "", "none");
    op_test_output(&t, y);
    op_test_fails(&t, ONR_ERR_MODEL, "attribute update_rule is \"none\"");
    begin(&t, "", "gated");
    op_test_output(&t, y);
    op_test_fails(&t, ONR_ERR_MODEL, "update_rule \"gated\" needs decay");
    begin(&t, "", "linear");
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(1, 2, 1), NULL));
    op_test_output(&t, y);
    op_test_fails(&t, ONR_ERR_MODEL, "update_rule \"linear\" has no decay");
    begin(&t, "", "gated");
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(1, 2, 3), NULL));
    op_test_output(&t, y);
    op_test_fails(&t, ONR_ERR_SHAPE, "decay has width 3, expected 1 or 2");
    begin(&t, "", "linear");
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 3), NULL));
    op_test_output(&t, y);
    op_test_fails(&t, ONR_ERR_SHAPE, "past_state has shape 1x1x2x3, expected 1x1x2x2");
    begin(&t, "com.microsoft", "linear");
    op_test_int(&t, "state_window", 9);
    op_test_output(&t, y);
    op_test_fails(&t, ONR_ERR_MODEL, "attribute state_window is 9, expected 0 to 8");
}

static void bad_heads_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *domain;
        int64_t q, kv, key;
        enum onr_status status;
        const char *message;
    } cases[] = {
        {"", 0, 1, 6, ONR_ERR_MODEL, "q_num_heads is 0"},
        {"", 2, 3, 6, ONR_ERR_MODEL, "q_num_heads is 2, expected a positive multiple"},
        {"", 1, 2, 6, ONR_ERR_MODEL, "q_num_heads is 1, expected a positive multiple"},
        {"", 4, 1, 6, ONR_ERR_SHAPE, "query: 6 does not divide into 4"},
        {"", 4, 4, 6, ONR_ERR_SHAPE, "query: 6 does not divide into 4"},
        {"", 2, 1, 6, ONR_ERR_SHAPE, "key has width 6, expected 1 heads of 3"},
        {"com.microsoft", 2, 6, 12, ONR_ERR_SHAPE, "key has width 12, expected 6 heads of 3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op_test t;
        op_test_begin(&t, cases[i].domain, "LinearAttention", cases[i].domain[0] ? 1 : 27);
        op_test_int(&t, "q_num_heads", cases[i].q);
        op_test_int(&t, "kv_num_heads", cases[i].kv);
        op_test_string(&t, "update_rule", "linear");
        op_test_input(&t, test_f32(SHAPE(1, 2, 6), NULL));
        op_test_input(&t, test_f32(SHAPE(1, 2, cases[i].key), NULL));
        op_test_input(&t, test_f32(SHAPE(1, 2, 6), NULL));
        op_test_output(&t, test_f32(SHAPE(1, 2, 6), NULL));
        op_test_fails(&t, cases[i].status, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(linear_rule_sums_products, test_tensors_free),
        cmocka_unit_test_teardown(gated_rule_decays_the_state_first, test_tensors_free),
        cmocka_unit_test_teardown(delta_rule_writes_the_difference, test_tensors_free),
        cmocka_unit_test_teardown(gated_delta_decays_per_key_element, test_tensors_free),
        cmocka_unit_test_teardown(no_tokens_leave_the_state_as_it_is, test_tensors_free),
        cmocka_unit_test_teardown(window_holds_the_last_states, test_tensors_free),
        cmocka_unit_test_teardown(wide_values_are_cut_into_blocks, test_tensors_free),
        cmocka_unit_test_teardown(bad_operands_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(bad_heads_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
