/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

enum { IN_INPUT, IN_WEIGHTS, IN_BIAS, IN_MASK, IN_PAST, IN_SCORES, IN_LENGTH };

/*
 * One head of size 2 with queries and keys 0 and values as the input: outputs are means of what is
 * seen. Input 3 and those behind are absent.
 */
static void begin(struct op_test *t, int64_t queries, const float *values)
{
    static const float weights[12] = {0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1};
    op_test_begin(t, "com.microsoft", "Attention", 1);
    op_test_int(t, "num_heads", 1);
    op_test_input(t, test_f32(SHAPE(1, queries, 2), values));
    op_test_input(t, test_f32(SHAPE(2, 6), weights));
    for (int i = IN_BIAS; i <= IN_LENGTH; i++) {
        op_test_input(t, NULL);
    }
}

static const struct onr_tensor *ints(size_t rank, const int64_t *dims, const int32_t *values)
{
    return test_tensor(ONR_INT32, rank, dims, values);
}

static void heads_attend_to_all_rows(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 2, (float[]){1, 2, 3, 6});
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){2, 4, 2, 4}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 1, 2, 2), (float[]){0, 0, 0, 0, 1, 2, 3, 6}));
    op_test_run(&t);
    t.inputs[IN_BIAS] = test_f32(SHAPE(6), (float[]){0, 0, 0, 0, 10, 20});
    t.outputs[0] = test_f32(SHAPE(1, 2, 2), (float[]){12, 24, 12, 24});
    t.output_count = 1;
    op_test_run(&t);
    op_test_int(&t, "unidirectional", 1);
    t.outputs[0] = test_f32(SHAPE(1, 2, 2), (float[]){11, 22, 12, 24});
    op_test_run(&t);
}

static void each_form_of_the_mask(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 3, (float[]){1, 1, 2, 2, 4, 4});
    op_test_output(&t, test_f32(SHAPE(1, 3, 2), (float[]){1.5f, 1.5f, 1.5f, 1.5f, 1.5f, 1.5f}));
    t.inputs[IN_MASK] = ints(SHAPE(1), (int32_t[]){2});
    op_test_run(&t);
    t.inputs[IN_MASK] = ints(SHAPE(2), (int32_t[]){2, -7});
    op_test_run(&t);
    t.inputs[IN_MASK] = ints(SHAPE(5), (int32_t[]){2, 0, 0, 0, 0});
    op_test_run(&t);
    t.inputs[IN_MASK] = ints(SHAPE(1, 3), (int32_t[]){1, 1, 0});
    op_test_run(&t);
    t.inputs[IN_MASK] = ints(SHAPE(1, 1, 4, 4), (int32_t[16]){1, 1, 0, 0, 1, 1, 0, 0, 1, 1});
    op_test_run(&t);
    t.inputs[IN_MASK] = ints(SHAPE(1, 3, 3), (int32_t[]){0, 1, 0, 1, 0, 0, 0, 0, 0});
    t.outputs[0] = /* the last row: all are masked alike */
        test_f32(SHAPE(1, 3, 2), (float[]){2, 2, 1, 1, 7.0f / 3, 7.0f / 3});
    op_test_run(&t);
}

static void mask_and_bias_are_added(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 2, (float[]){0, 0, 5, 5});
    op_test_float(&t, "mask_filter_value", -1.3862944f); /* ln 4 */
    t.inputs[IN_MASK] = ints(SHAPE(1), (int32_t[]){1});
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){1, 1, 1, 1}));
    op_test_run(&t);
    t.inputs[IN_SCORES] = test_f32(SHAPE(1, 1, 2, 2), (float[]){0, 1.3862944f, 0, 0});
    t.outputs[0] = test_f32(SHAPE(1, 2, 2), (float[]){2.5f, 2.5f, 1, 1});
    op_test_run(&t);
}

static void past_comes_first_and_is_handed_on(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 2, (float[]){3, 3, 5, 5});
    op_test_int(&t, "unidirectional", 1);
    t.inputs[IN_PAST] = test_f32(SHAPE(2, 1, 1, 1, 2), (float[]){0, 0, 1, 1});
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){2, 2, 3, 3}));
    op_test_output(&t,
                   test_f32(SHAPE(2, 1, 1, 3, 2), (float[]){0, 0, 0, 0, 0, 0, 1, 1, 3, 3, 5, 5}));
    op_test_run(&t);
}

static void shared_buffer_is_filled_behind_its_past(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (float[]){3, 3});
    op_test_int(&t, "past_present_share_buffer", 1);
    t.inputs[IN_PAST] =
        test_f32(SHAPE(2, 1, 1, 3, 2), (float[]){0, 0, 0, 0, 0, 0, 1, 1, 7, 7, 8, 8});
    t.inputs[IN_LENGTH] = ints(SHAPE(1), (int32_t[]){1});
    op_test_output(&t, test_f32(SHAPE(1, 1, 2), (float[]){2, 2}));
    op_test_output(&t,
                   test_f32(SHAPE(2, 1, 1, 3, 2), (float[]){0, 0, 0, 0, 0, 0, 1, 1, 3, 3, 8, 8}));
    op_test_run(&t);
    t.output_count = 1; /* the buffer is then kept in the workspace */
    op_test_run(&t);
    t.inputs[IN_LENGTH] = ints(SHAPE(1), (int32_t[]){3});
    op_test_fails(&t, ONR_ERR_VALUE, "past_sequence_length is 3, which does not fit 1 new rows");
    t.inputs[IN_LENGTH] = ints(SHAPE(1), (int32_t[]){-1});
    op_test_fails(&t, ONR_ERR_VALUE, "past_sequence_length is -1");
    t.inputs[IN_LENGTH] = NULL;
    op_test_fails(&t, ONR_ERR_MODEL, "past_present_share_buffer needs past");
}

static void empty_batches_and_sequences(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 0, NULL);
    op_test_output(&t, test_f32(SHAPE(1, 0, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 1, 1, 0, 2), NULL));
    op_test_run(&t);
    t.inputs[IN_INPUT] = test_f32(SHAPE(0, 2, 2), NULL);
    t.outputs[0] = test_f32(SHAPE(0, 2, 2), NULL);
    t.outputs[1] = test_f32(SHAPE(2, 0, 1, 2, 2), NULL);
    op_test_run(&t);
}

static void operands_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 2, NULL);
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), NULL));
    t.inputs[IN_MASK] = ints(SHAPE(1, 3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "mask of shape 1x3 does not fit batch size 1, 2 queries");
    t.inputs[IN_MASK] = ints(SHAPE(4), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "mask of shape 4");
    t.inputs[IN_MASK] = NULL;
    t.inputs[IN_SCORES] = test_f32(SHAPE(1, 1, 2, 3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "attention_bias of shape 1x1x2x3");
    t.inputs[IN_SCORES] = NULL;
    t.inputs[IN_PAST] = test_f32(SHAPE(2, 1, 2, 1, 1), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "heads of past is 2, expected 1");
    t.inputs[IN_PAST] = NULL;
    t.inputs[IN_BIAS] = test_f32(SHAPE(5), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "length of bias is 5, expected 6");
    t.inputs[IN_BIAS] = NULL;
    t.inputs[IN_WEIGHTS] = test_f32(SHAPE(3, 6), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "height of weights is 3, expected 2");
    t.inputs[IN_WEIGHTS] = test_f32(SHAPE(2, 7), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "7 columns are not a multiple of 3");
    t.attrs[0].as.i = 0;
    op_test_fails(&t, ONR_ERR_MODEL, "num_heads is 0, expected a positive number");
    t.attrs[0].as.i = 4;
    t.inputs[IN_WEIGHTS] = test_f32(SHAPE(2, 6), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "hidden sizes 2 and 2 are not multiples of 4 heads");
}

static void sizes_of_queries_and_values(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (float[]){1, 2});
    op_test_ints(&t, "qkv_hidden_sizes", 3, (int64_t[]){1, 1, 4});
    op_test_output(&t, test_f32(SHAPE(1, 1, 4), (float[]){0, 0, 1, 2}));
    op_test_run(&t);
    op_test_output(&t, test_f32(SHAPE(2, 1, 1, 1, 1), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "hidden size of values with past or present is 4, expected 1");
    t.attrs[1].count = 2;
    op_test_fails(&t, ONR_ERR_MODEL, "qkv_hidden_sizes must be three sizes");
    t.attr_count = 1;
    op_test_int(&t, "do_rotary", 1);
    op_test_int(&t, "rotary_embedding_dim", 6);
    op_test_fails(&t, ONR_ERR_MODEL, "rotary_embedding_dim is 6, expected an even number up to");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(heads_attend_to_all_rows, test_tensors_free),
        cmocka_unit_test_teardown(each_form_of_the_mask, test_tensors_free),
        cmocka_unit_test_teardown(mask_and_bias_are_added, test_tensors_free),
        cmocka_unit_test_teardown(past_comes_first_and_is_handed_on, test_tensors_free),
        cmocka_unit_test_teardown(shared_buffer_is_filled_behind_its_past, test_tensors_free),
        cmocka_unit_test_teardown(empty_batches_and_sequences, test_tensors_free),
        cmocka_unit_test_teardown(operands_that_do_not_fit_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(sizes_of_queries_and_values, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
