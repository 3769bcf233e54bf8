/* SPDX-License-Identifier: Apache-2.0 */
/* PackedAttention; against numpy: tests/contrib. */
#include "support/op_test.h"

#define test_i32(...) test_tensor(ONR_INT32, __VA_ARGS__)

/* Queries and keys come out 0 and values as the input: each token gets the mean of its sequence.
 * Sequences of 2, 0 and 1 tokens. */
static void begin(struct op_test *t)
{
    op_test_begin(t, "com.microsoft", "PackedAttention", 1);
    op_test_int(t, "num_heads", 1);
    op_test_input(t, test_f32(SHAPE(3, 1), (float[]){1, 3, 10}));
    op_test_input(t, test_f32(SHAPE(1, 3), (float[]){0, 0, 1}));
    op_test_input(t, test_f32(SHAPE(3), (float[]){0, 0, 100}));
    op_test_input(t, test_i32(SHAPE(3, 2), (int32_t[]){0, 1, 4, 2, 3, 5}));
    op_test_input(t, test_i32(SHAPE(4), (int32_t[]){0, 2, 2, 3}));
}

static void a_token_sees_its_own_sequence(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_output(&t, test_f32(SHAPE(3, 1), (float[]){102, 102, 110}));
    op_test_run(&t);
}

static void values_may_have_another_width(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_ints(&t, "qkv_hidden_sizes", 3, (int64_t[]){1, 1, 2});
    t.inputs[1] = test_f32(SHAPE(1, 4), (float[]){0, 0, 1, 2});
    t.inputs[2] = test_f32(SHAPE(4), (float[]){0, 0, 100, 0});
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){102, 4, 102, 4, 110, 20}));
    op_test_run(&t);
}

static void scores_are_scaled_and_biased(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    t.inputs[2] = test_f32(SHAPE(3), (float[]){1, 0, 0});
    t.inputs[1] = test_f32(SHAPE(1, 3), (float[]){0, 1, 1}); /* keys as the input: 1 and 3 */
    op_test_float(&t, "scale", 100);
    op_test_output(&t, test_f32(SHAPE(3, 1), (float[]){3, 3, 10}));
    op_test_run(&t);
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){1000, 0, 0, 0}));
    t.outputs[0] = test_f32(SHAPE(3, 1), (float[]){1, 3, 10});
    op_test_run(&t);
}

static void no_tokens_give_no_rows(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    t.inputs[0] = test_f32(SHAPE(0, 1), NULL);
    t.inputs[3] = test_i32(SHAPE(0, 0), NULL);
    t.inputs[4] = test_i32(SHAPE(1), (int32_t[]){0});
    op_test_output(&t, test_f32(SHAPE(0, 1), NULL));
    op_test_run(&t);
}

static void refuse(uint32_t input, const struct onr_tensor *tensor, enum onr_status status,
                   const char *text)
{
    struct op_test t;
    begin(&t);
    t.inputs[input] = tensor;
    op_test_output(&t, test_f32(SHAPE(3, 1), NULL));
    op_test_fails(&t, status, text);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    refuse(0, test_f32(SHAPE(1, 3, 1), NULL), ONR_ERR_SHAPE, "rank 3");
    refuse(1, test_f32(SHAPE(2, 3), NULL), ONR_ERR_SHAPE, "weights has shape 2x3, expected 1x?");
    refuse(2, test_f32(SHAPE(2), NULL), ONR_ERR_SHAPE, "bias has shape 2, expected 3");
    refuse(3, test_i32(SHAPE(6), NULL), ONR_ERR_SHAPE, "token_offset has shape 6, expected ?x?");
    refuse(4, test_i32(SHAPE(4), (int32_t[]){0, 1, 2, 4}), ONR_ERR_VALUE,
           "cumulative_sequence_length goes from 0 to 4, expected 0 to 3 tokens");
    refuse(0, test_tensor(ONR_DOUBLE, SHAPE(3, 1), NULL), ONR_ERR_UNSUPPORTED, "double");
    struct op_test t;
    begin(&t);
    op_test_output(&t, test_f32(SHAPE(3, 1), NULL));
    t.attrs[0].as.i = 2;
    op_test_fails(&t, ONR_ERR_SHAPE, "hidden sizes 1 and 1 are not multiples of 2 heads");
    t.attrs[0].as.i = -1;
    op_test_fails(&t, ONR_ERR_MODEL, "attribute num_heads is -1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_token_sees_its_own_sequence, test_tensors_free),
        cmocka_unit_test_teardown(values_may_have_another_width, test_tensors_free),
        cmocka_unit_test_teardown(scores_are_scaled_and_biased, test_tensors_free),
        cmocka_unit_test_teardown(no_tokens_give_no_rows, test_tensors_free),
        cmocka_unit_test_teardown(what_does_not_fit_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
