/* SPDX-License-Identifier: Apache-2.0 */
/* QAttention by hand, and what it refuses; tests/contrib has the rest. */
#include "base/half.h"
#include "support/op_test.h"

enum { INPUT, WEIGHT, BIAS, INPUT_SCALE, WEIGHT_SCALE, MASK, INPUT_ZERO, WEIGHT_ZERO, PAST };

/*
 * One head of size 1 with queries and keys 0 and values as the input, halved: outputs are means of
 * what is seen.
 */
static void begin(struct op_test *t, enum onr_dtype reals)
{
    uint16_t half = onr_float_to_half(0.5f);
    uint16_t two = onr_float_to_half(2.0f);
    op_test_begin(t, "com.microsoft", "QAttention", 1);
    op_test_int(t, "num_heads", 1);
    op_test_input(t, test_tensor(ONR_UINT8, SHAPE(1, 2, 1), (uint8_t[]){12, 16}));
    op_test_input(t, test_tensor(ONR_INT8, SHAPE(1, 3), (int8_t[]){3, 3, 4}));
    op_test_input(t, test_tensor(reals, SHAPE(3), NULL));
    op_test_input(t, reals == ONR_FLOAT ? test_f32(SCALAR, (float[]){0.5f})
                                        : test_tensor(reals, SCALAR, &half));
    op_test_input(t, reals == ONR_FLOAT ? test_f32(SCALAR, (float[]){2})
                                        : test_tensor(reals, SCALAR, &two));
    op_test_input(t, NULL);
    op_test_input(t, test_tensor(ONR_UINT8, SCALAR, (uint8_t[]){10}));
    op_test_input(t, test_tensor(ONR_INT8, SCALAR, (int8_t[]){3}));
}

static void heads_attend_to_what_is_seen(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, ONR_FLOAT);
    op_test_output(&t, test_f32(SHAPE(1, 2, 1), (float[]){4, 4}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 1, 2, 1), (float[]){0, 0, 2, 6}));
    op_test_run(&t);
    t.output_count = 1;
    t.inputs[WEIGHT_SCALE] = test_f32(SHAPE(3), (float[]){1, 1, 4});
    t.inputs[WEIGHT_ZERO] = test_tensor(ONR_INT8, SHAPE(3), (int8_t[]){3, 3, 2});
    t.inputs[BIAS] = test_f32(SHAPE(3), (float[]){0, 0, 100});
    t.outputs[0] = test_f32(SHAPE(1, 2, 1), (float[]){116, 116});
    op_test_run(&t);
    op_test_int(&t, "unidirectional", 1);
    t.outputs[0] = test_f32(SHAPE(1, 2, 1), (float[]){108, 116});
    op_test_run(&t);
    t.inputs[INPUT] = test_tensor(ONR_UINT8, SHAPE(0, 2, 1), NULL);
    t.outputs[0] = test_f32(SHAPE(0, 2, 1), NULL);
    op_test_run(&t);
}

static void past_and_mask_are_those_of_attention(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, ONR_FLOAT);
    op_test_input(&t, test_f32(SHAPE(2, 1, 1, 1, 1), (float[]){0, 10}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 1), (float[]){6, 6}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 1, 3, 1), (float[]){0, 0, 0, 10, 2, 6}));
    op_test_run(&t);
    t.inputs[MASK] = test_tensor(ONR_INT32, SHAPE(1, 3), (int32_t[]){0, 0, 1});
    t.output_count = 1;
    op_test_run(&t);
}

static void half_scales_give_half_results(void **state)
{
    (void)state;
    struct op_test t;
    uint16_t four = onr_float_to_half(4.0f);
    begin(&t, ONR_FLOAT16);
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 2, 1), (uint16_t[]){four, four}));
    op_test_run(&t);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, ONR_FLOAT);
    op_test_output(&t, test_f32(SHAPE(1, 2, 1), NULL));
    t.inputs[INPUT_SCALE] = test_f32(SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input 3 has shape 2, expected one element");
    t.inputs[INPUT_SCALE] = test_f32(SHAPE(1), NULL);
    t.inputs[WEIGHT_SCALE] = test_f32(SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE,
                  "input 4 has shape 2, expected one element or one for each column");
    t.inputs[WEIGHT_SCALE] = test_f32(SHAPE(3), NULL);
    t.inputs[WEIGHT_ZERO] = test_tensor(ONR_INT8, SHAPE(4), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE,
                  "input 7 has shape 4, expected one element or one for each column");
    t.inputs[WEIGHT_ZERO] = test_tensor(ONR_UINT8, SCALAR, NULL);
    op_test_fails(&t, ONR_ERR_MODEL, "type");
    t.inputs[WEIGHT_ZERO] = NULL;
    t.inputs[BIAS] = test_f32(SHAPE(4), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "length of bias is 4, expected 3");
    t.inputs[BIAS] = test_f32(SHAPE(3), NULL);
    op_test_int(&t, "past_present_share_buffer", 1);
    op_test_fails(&t, ONR_ERR_MODEL, "past_present_share_buffer needs past");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(heads_attend_to_what_is_seen, test_tensors_free),
        cmocka_unit_test_teardown(past_and_mask_are_those_of_attention, test_tensors_free),
        cmocka_unit_test_teardown(half_scales_give_half_results, test_tensors_free),
        cmocka_unit_test_teardown(what_does_not_fit_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
