/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

enum { QUERY, KEY, VALUE, BIAS, MASK, SCORES, PAST_KEY, PAST_VALUE, PAST_LENGTH, BEAM_OF };

/* Scores are 0, so that outputs are means of the values that are seen. One head of size 1. */
static void begin(struct op_test *t, const char *op, int64_t queries, int64_t keys,
                  const float *values)
{
    op_test_begin(t, "com.microsoft", op, 1);
    op_test_int(t, "num_heads", 1);
    op_test_input(t, test_f32(SHAPE(1, queries, 1), NULL));
    op_test_input(t, test_f32(SHAPE(1, keys, 1), NULL));
    op_test_input(t, test_f32(SHAPE(1, keys, 1), values));
    for (int i = BIAS; i <= BEAM_OF; i++) {
        op_test_input(t, NULL);
    }
}

static const struct onr_tensor *ints(size_t rank, const int64_t *dims, const int32_t *values)
{
    return test_tensor(ONR_INT32, rank, dims, values);
}

static void formats_of_query_key_and_value(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "MultiHeadAttention", 1, 2, (float[]){1, 3});
    op_test_output(&t, test_f32(SHAPE(1, 1, 1), (float[]){2}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 3}));
    op_test_run(&t);
    t.inputs[KEY] = test_f32(SHAPE(1, 1, 2, 1), NULL);
    t.inputs[VALUE] = test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 3});
    op_test_run(&t);
    t.inputs[KEY] = test_f32(SHAPE(1, 2, 1, 2, 1), (float[]){0, 1, 0, 3});
    t.inputs[VALUE] = NULL;
    op_test_run(&t);
    t.inputs[QUERY] = test_f32(SHAPE(1, 2, 1, 3, 1), (float[]){0, 0, 1, 0, 0, 3});
    t.inputs[KEY] = NULL;
    t.outputs[0] = test_f32(SHAPE(1, 2, 1), (float[]){2, 2});
    op_test_run(&t);
    op_test_int(&t, "unidirectional", 1);
    t.outputs[0] = test_f32(SHAPE(1, 2, 1), (float[]){1, 2});
    op_test_run(&t);
}

static void bias_is_added_to_what_is_new(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "MultiHeadAttention", 1, 1, (float[]){1});
    t.inputs[BIAS] = test_f32(SHAPE(3), (float[]){0, 7, 2});
    t.inputs[PAST_KEY] = test_f32(SHAPE(1, 1, 1, 1), NULL);
    t.inputs[PAST_VALUE] = test_f32(SHAPE(1, 1, 1, 1), (float[]){9});
    op_test_output(&t, test_f32(SHAPE(1, 1, 1), (float[]){6}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){0, 7}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){9, 3}));
    op_test_run(&t);
    t.inputs[KEY] = t.inputs[VALUE] = test_f32(SHAPE(1, 1, 1, 1), (float[]){4});
    op_test_fails(&t, ONR_ERR_MODEL, "past_key and past_value must come together, and not with");
    t.inputs[PAST_KEY] = t.inputs[PAST_VALUE] = NULL;
    t.output_count = 1;
    t.outputs[0] = test_f32(SHAPE(1, 1, 1), (float[]){4});
    op_test_run(&t);
}

static void scores_show_masks_and_hidden_keys(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "MultiHeadAttention", 2, 2, (float[]){1, 3});
    op_test_int(&t, "unidirectional", 1);
    op_test_float(&t, "mask_filter_value", -5);
    t.inputs[MASK] = ints(SHAPE(1), (int32_t[]){0});
    t.inputs[SCORES] = test_f32(SHAPE(1, 1, 2, 2), (float[]){1, 2, 3, 3});
    op_test_output(&t, test_f32(SHAPE(1, 2, 1), (float[]){1, 2}));
    op_test_output(&t, NULL);
    op_test_output(&t, NULL);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){-4, -3.40282347e38f, -2, -2}));
    op_test_run(&t);
}

static void beams_choose_rows_of_the_buffer(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "DecoderMaskedMultiHeadAttention", 1);
    op_test_int(&t, "num_heads", 1);
    op_test_int(&t, "past_present_share_buffer", 1);
    op_test_input(&t, test_f32(SHAPE(2, 1, 1), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 1, 1), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 1, 1), (float[]){6, 8}));
    op_test_input(&t, NULL);
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(2, 1, 3, 1), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 1, 3, 1), (float[]){1, 7, 7, 3, 5, 5}));
    op_test_input(&t, ints(SHAPE(1), (int32_t[]){1}));
    op_test_input(&t, ints(SHAPE(1), (int32_t[]){2}));
    op_test_input(&t, ints(SHAPE(1, 2, 2), (int32_t[]){1, 0, 0, 0}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 1), (float[]){4.5f, 4.5f}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 3, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 1, 3, 1), (float[]){1, 6, 7, 3, 8, 5}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 1, 2), NULL));
    op_test_run(&t);
    t.output_count = 1;
    op_test_run(&t);
    t.inputs[8] = ints(SHAPE(1), (int32_t[]){3});
    op_test_fails(&t, ONR_ERR_VALUE, "beam_width is 3, expected 2 as cache_indirection has");
    t.inputs[8] = NULL;
    t.inputs[9] = ints(SHAPE(1, 2, 2), (int32_t[]){1, 0, 2, 0});
    op_test_fails(&t, ONR_ERR_VALUE, "cache_indirection has beam 2, expected less than 2");
    t.inputs[9] = ints(SHAPE(1, 2, 0), NULL);
    op_test_fails(&t, ONR_ERR_VALUE, "cache_indirection has 0 rows, expected 1 or more");
    t.inputs[9] = ints(SHAPE(3, 2, 2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE,
                  "cache_indirection has 3 times 2 beams, expected a batch of 2");
    t.inputs[9] = NULL;
    t.inputs[7] = ints(SHAPE(1), (int32_t[]){3});
    op_test_fails(&t, ONR_ERR_VALUE, "past_sequence_length is 3, which does not fit 1 new rows");
    t.inputs[7] = NULL;
    op_test_fails(&t, ONR_ERR_MODEL, "past_present_share_buffer needs past and");
}

static void empty_batches_and_no_keys(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "MultiHeadAttention", 2, 0, NULL);
    op_test_output(&t, test_f32(SHAPE(1, 2, 1), (float[]){0, 0}));
    op_test_run(&t);
    t.inputs[QUERY] = test_f32(SHAPE(0, 2, 1), NULL);
    t.inputs[KEY] = t.inputs[VALUE] = test_f32(SHAPE(0, 3, 1), NULL);
    t.outputs[0] = test_f32(SHAPE(0, 2, 1), NULL);
    op_test_run(&t);
}

static void operands_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "MultiHeadAttention", 2, 2, NULL);
    op_test_output(&t, test_f32(SHAPE(1, 2, 1), NULL));
    t.inputs[MASK] = ints(SHAPE(1, 3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "mask of shape 1x3 does not fit");
    t.inputs[MASK] = NULL;
    t.inputs[BIAS] = test_f32(SHAPE(4), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "length of bias is 4, expected 3");
    t.inputs[BIAS] = NULL;
    t.inputs[PAST_KEY] = test_f32(SHAPE(1, 1, 2, 1), NULL);
    op_test_fails(&t, ONR_ERR_MODEL, "past_key and past_value must come together");
    t.inputs[PAST_VALUE] = test_f32(SHAPE(1, 1, 3, 1), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "length of past is 3, expected 2");
    t.inputs[PAST_KEY] = t.inputs[PAST_VALUE] = NULL;
    t.inputs[BEAM_OF] = ints(SHAPE(1, 1, 4), NULL);
    op_test_fails(&t, ONR_ERR_MODEL, "cache_indirection needs a shared buffer");
    t.inputs[BEAM_OF] = NULL;
    t.inputs[VALUE] = test_f32(SHAPE(1, 3, 1), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "length of value is 3, expected 2");
    t.inputs[VALUE] = NULL;
    op_test_fails(&t, ONR_ERR_SHAPE, "query, key and value of ranks 3, 3 and 0 (0: absent)");
    t.attrs[0].as.i = 0;
    op_test_fails(&t, ONR_ERR_MODEL, "num_heads is 0, expected a positive number");
    begin(&t, "DecoderMaskedMultiHeadAttention", 2, 2, NULL);
    op_test_output(&t, test_f32(SHAPE(1, 2, 1), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "query has 2 rows, expected 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(formats_of_query_key_and_value, test_tensors_free),
        cmocka_unit_test_teardown(bias_is_added_to_what_is_new, test_tensors_free),
        cmocka_unit_test_teardown(scores_show_masks_and_hidden_keys, test_tensors_free),
        cmocka_unit_test_teardown(beams_choose_rows_of_the_buffer, test_tensors_free),
        cmocka_unit_test_teardown(empty_batches_and_no_keys, test_tensors_free),
        cmocka_unit_test_teardown(operands_that_do_not_fit_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
