/* SPDX-License-Identifier: Apache-2.0 */
/* PackedMultiHeadAttention; against numpy: tests/contrib. */
#include "support/op_test.h"

#define test_i32(...) test_tensor(ONR_INT32, __VA_ARGS__)

/* Queries of zeros: each token gets the mean of the values of its sequence. Sequences of 1, 0 and 2
 * tokens, one head of one element. */
static void begin(struct op_test *t)
{
    op_test_begin(t, "com.microsoft", "PackedMultiHeadAttention", 1);
    op_test_int(t, "num_heads", 1);
    op_test_input(t, test_f32(SHAPE(3, 1), (float[]){0, 0, 0}));
    op_test_input(t, test_f32(SHAPE(3, 1), (float[]){5, 6, 7}));
    op_test_input(t, test_f32(SHAPE(3, 2), (float[]){1, 2, 10, 20, 30, 40}));
    op_test_input(t, NULL);
    op_test_input(t, test_i32(SHAPE(3, 2), (int32_t[]){0, 4, 5, 1, 2, 3}));
    op_test_input(t, test_i32(SHAPE(4), (int32_t[]){0, 1, 1, 3}));
}

static void a_token_sees_its_own_sequence(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){1, 2, 20, 30, 20, 30}));
    op_test_run(&t);
    op_test_float(&t, "scale", 100);
    op_test_float(&t, "mask_filter_value", -1);
    op_test_run(&t);
}

static void a_bias_is_added_to_queries_keys_and_values(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    t.inputs[3] = test_f32(SHAPE(4), (float[]){100, 0, 0.5f, 0.25f}); /* the largest key wins */
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){1.5f, 2.25f, 30.5f, 40.25f, 30.5f, 40.25f}));
    op_test_run(&t);
}

static void scores_get_the_bias_of_their_sequence(void **state)
{
    (void)state;
    float bias[3 * 4] = {0};
    bias[2 * 4 + 1] = 100; /* token 0 of sequence 2 sees token 1, and token 1 token 0 */
    bias[2 * 4 + 2] = 100;
    struct op_test t;
    begin(&t);
    op_test_input(&t, test_f32(SHAPE(3, 1, 2, 2), bias));
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){1, 2, 30, 40, 10, 20}));
    op_test_run(&t);
    t.inputs[6] = test_f32(SHAPE(1, 1, 2, 2), bias + 2 * 4);
    op_test_run(&t);
    t.inputs[6] = test_f32(SHAPE(2, 1, 2, 2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "attention_bias of shape 2x1x2x2 does not fit scores");
}

static void operands_may_come_together(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    t.inputs[0] = test_f32(SHAPE(3, 1, 3, 1), (float[]){0, 5, 1, 0, 6, 10, 0, 7, 30});
    t.inputs[1] = t.inputs[2] = NULL;
    op_test_output(&t, test_f32(SHAPE(3, 1), (float[]){1, 20, 20}));
    op_test_run(&t);
    t.inputs[3] = test_f32(SHAPE(3), (float[]){100, 0, 1});
    t.outputs[0] = test_f32(SHAPE(3, 1), (float[]){2, 31, 31});
    op_test_run(&t);
}

static void no_tokens_give_no_rows(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    for (int i = 0; i < 2; i++) {
        t.inputs[i] = test_f32(SHAPE(0, 1), NULL);
    }
    t.inputs[2] = test_f32(SHAPE(0, 2), NULL);
    t.inputs[5] = test_i32(SHAPE(4), NULL);
    op_test_output(&t, test_f32(SHAPE(0, 2), NULL));
    op_test_run(&t);
}

static void refuse(uint32_t input, const struct onr_tensor *tensor, enum onr_status status,
                   const char *text)
{
    struct op_test t;
    begin(&t);
    t.inputs[input] = tensor;
    op_test_output(&t, test_f32(SHAPE(3, 2), NULL));
    op_test_fails(&t, status, text);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    refuse(0, test_f32(SHAPE(3), NULL), ONR_ERR_SHAPE, "query has rank 1, expected 2 or 4");
    refuse(0, test_f32(SHAPE(3, 1, 3, 1), NULL), ONR_ERR_MODEL,
           "key and value are not expected with a query of rank 4");
    refuse(1, NULL, ONR_ERR_MODEL, "key and value are expected with a query of rank 2");
    refuse(1, test_f32(SHAPE(3, 2), NULL), ONR_ERR_SHAPE, "key has shape 3x2, expected 3x1");
    refuse(2, test_f32(SHAPE(2, 1), NULL), ONR_ERR_SHAPE, "value has shape 2x1, expected 3x?");
    refuse(3, test_f32(SHAPE(3), NULL), ONR_ERR_SHAPE, "bias has shape 3, expected 4");
    refuse(4, test_i32(SHAPE(6), NULL), ONR_ERR_SHAPE, "token_offset has shape 6, expected ?x?");
    refuse(4, NULL, ONR_ERR_MODEL, "token_offset and cumulative_sequence_length are expected");
    refuse(5, test_i32(SHAPE(3), NULL), ONR_ERR_SHAPE,
           "cumulative_sequence_length has shape 3, expected 4");
    refuse(5, test_i32(SHAPE(4), (int32_t[]){0, 3, 3, 3}), ONR_ERR_VALUE,
           "gives sequence 0 a length of 3, expected 0 to 2");
    refuse(5, test_i32(SHAPE(4), (int32_t[]){0, 1, 0, 3}), ONR_ERR_VALUE,
           "gives sequence 1 a length of -1, expected 0 to 2");
    refuse(5, test_i32(SHAPE(4), (int32_t[]){0, 1, 1, 2}), ONR_ERR_VALUE,
           "cumulative_sequence_length goes from 0 to 2, expected 0 to 3 tokens");
    refuse(5, test_i32(SHAPE(4), (int32_t[]){-1, 1, 2, 3}), ONR_ERR_VALUE,
           "cumulative_sequence_length goes from -1 to 3, expected 0 to 3 tokens");
}

static void heads_must_divide_the_widths(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_output(&t, test_f32(SHAPE(3, 2), NULL));
    t.attrs[0].as.i = 2;
    op_test_fails(&t, ONR_ERR_SHAPE, "hidden size: 1 does not divide into 2");
    t.attrs[0].as.i = 0;
    op_test_fails(&t, ONR_ERR_MODEL, "attribute num_heads is 0, expected 1 to 2147483647");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_token_sees_its_own_sequence, test_tensors_free),
        cmocka_unit_test_teardown(a_bias_is_added_to_queries_keys_and_values, test_tensors_free),
        cmocka_unit_test_teardown(scores_get_the_bias_of_their_sequence, test_tensors_free),
        cmocka_unit_test_teardown(operands_may_come_together, test_tensors_free),
        cmocka_unit_test_teardown(no_tokens_give_no_rows, test_tensors_free),
        cmocka_unit_test_teardown(what_does_not_fit_is_refused, test_tensors_free),
        cmocka_unit_test_teardown(heads_must_divide_the_widths, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
