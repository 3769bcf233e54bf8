/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void taps_reach_back_into_the_state(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "CausalConvWithState", 27);
    op_test_input(&t, test_f32(SHAPE(1, 2, 3), (float[]){1, 2, 3, 4, 5, 6}));
    op_test_input(&t, test_f32(SHAPE(2, 1, 2), (float[]){10, 1, 1, 0}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){0.5f, 0}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 1), (float[]){7, 8}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 3), (float[]){71.5f, 12.5f, 23.5f, 8, 4, 5}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 1), (float[]){3, 6}));
    op_test_run(&t);
}

static void state_of_a_short_input_keeps_the_past(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "CausalConvWithState", 27);
    op_test_string(&t, "activation", "swish");
    op_test_input(&t, test_f32(SHAPE(1, 1, 1), (float[]){1}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 3), (float[]){0, 0, 2}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 1), (float[]){1.7615942f}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2), (float[]){0, 1}));
    op_test_run(&t);
    op_test_begin(&t, "", "CausalConvWithState", 27);
    op_test_input(&t, test_f32(SHAPE(1, 1, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 1, 3), NULL));
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(1, 1, 2), (float[]){5, 6}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 0), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2), (float[]){5, 6}));
    op_test_run(&t);
}

static void window_dilation_and_channels_last_combine(void **state)
{
    (void)state;
    struct op_test t;
    const float past[] = {9, 9, 9, 9, 1, 2, 3, 4};
    op_test_begin(&t, "com.microsoft", "CausalConvWithState", 1);
    op_test_int(&t, "channels_last", 1);
    op_test_int(&t, "dilation", 2);
    op_test_int(&t, "state_window", 2);
    op_test_input(&t, test_f32(SHAPE(1, 2, 1, 2), (float[]){10, 20, 30, 40}));
    op_test_input(&t, test_f32(SHAPE(2, 1, 2), (float[]){1, 1, 2, 1}));
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(2, 1, 2, 1, 2), past));
    op_test_output(&t, test_f32(SHAPE(1, 2, 1, 2), (float[]){11, 24, 33, 48}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 2, 1, 2), (float[]){3, 4, 10, 20, 10, 20, 30, 40}));
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "CausalConvWithState", 1);
    op_test_int(&t, "state_window", 3);
    op_test_input(&t, test_f32(SHAPE(1, 1, 1), (float[]){10}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 2), (float[]){1, 1}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 1), (float[]){10}));
    op_test_output(&t, test_f32(SHAPE(3, 1, 1, 1), (float[]){0, 0, 10}));
    op_test_run(&t);
}

static void check_refused(const char *domain, const char *attribute, int64_t value, int64_t taps,
                          int64_t channels, enum onr_status status, const char *message)
{
    struct op_test t;
    op_test_begin(&t, domain, "CausalConvWithState", domain[0] == '\0' ? 27 : 1);
    if (attribute != NULL) {
        op_test_int(&t, attribute, value);
    }
    op_test_input(&t, test_f32(SHAPE(1, 2, 3), NULL));
    op_test_input(&t, test_f32(SHAPE(channels, 1, taps), NULL));
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 2, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2, 3), NULL));
    op_test_fails(&t, status, message);
}

static void bad_operands_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    check_refused("", NULL, 0, 2, 3, ONR_ERR_SHAPE, "weight has shape 3x1x2, expected 2x1x?");
    check_refused("", NULL, 0, 3, 2, ONR_ERR_SHAPE, "past_state has shape 1x2x1, expected 1x2x2");
    check_refused("", NULL, 0, 0, 2, ONR_ERR_SHAPE, "weight has 0 taps");
    check_refused("", "dilation", 1, 2, 2, ONR_ERR_MODEL, "dilation");
    check_refused("com.microsoft", "dilation", 0, 2, 2, ONR_ERR_MODEL,
                  "attribute dilation is 0, expected 1 to");
    check_refused("com.microsoft", "ndim", 2, 2, 2, ONR_ERR_UNSUPPORTED, "2 spatial dimensions");
    check_refused("com.microsoft", "state_window", -1, 2, 2, ONR_ERR_MODEL,
                  "attribute state_window is -1");
    op_test_begin(&t, "", "CausalConvWithState", 27);
    op_test_string(&t, "activation", "relu");
    op_test_input(&t, test_f32(SHAPE(1, 2, 3), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 1, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2, 3), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "attribute activation is \"relu\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(taps_reach_back_into_the_state, test_tensors_free),
        cmocka_unit_test_teardown(state_of_a_short_input_keeps_the_past, test_tensors_free),
        cmocka_unit_test_teardown(window_dilation_and_channels_last_combine, test_tensors_free),
        cmocka_unit_test_teardown(bad_operands_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
