/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

/* One query head of size 2 whose scores are all 0: outputs are means of the values that are seen.
 */
static void begin(struct op_test *t, int64_t queries, const float *values)
{
    op_test_begin(t, "com.microsoft", "GroupQueryAttention", 1);
    op_test_int(t, "num_heads", 1);
    op_test_int(t, "kv_num_heads", 1);
    op_test_input(t, test_f32(SHAPE(1, queries, 2), NULL));
    op_test_input(t, test_f32(SHAPE(1, queries, 2), NULL));
    op_test_input(t, test_f32(SHAPE(1, queries, 2), values));
}

static void add_lengths(struct op_test *t, int32_t seqlen, int32_t total)
{
    op_test_input(t, test_tensor(ONR_INT32, SHAPE(1), &seqlen));
    op_test_input(t, test_tensor(ONR_INT32, SCALAR, &total));
}

static void prompt_is_causal_and_fills_the_cache(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 3, (float[]){1, 2, 3, 4, 8, 9});
    op_test_input(&t, test_f32(SHAPE(1, 1, 0, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 1, 0, 2), NULL));
    add_lengths(&t, 2, 3);
    op_test_output(&t, test_f32(SHAPE(1, 3, 2), (float[]){1, 2, 2, 3, 4, 5}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 3, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 1, 3, 2), (float[]){1, 2, 3, 4, 8, 9}));
    op_test_run(&t);
    op_test_int(&t, "local_window_size", 1);
    t.outputs[0] = test_f32(SHAPE(1, 3, 2), (float[]){1, 2, 3, 4, 8, 9});
    op_test_run(&t);
    t.output_count = 1; /* the cache is then kept in the workspace */
    op_test_run(&t);
}

static void decoding_appends_to_a_larger_buffer(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (float[]){9, 9});
    op_test_input(&t, test_f32(SHAPE(1, 1, 4, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 1, 4, 2), (float[]){1, 1, 2, 2, 70, 70, 80, 80}));
    add_lengths(&t, 2, 3);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2), (float[]){4, 4}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 4, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 1, 4, 2), (float[]){1, 1, 2, 2, 9, 9, 0, 0}));
    op_test_run(&t);
    op_test_int(&t, "smooth_softmax", 1); /* one more part in the sum */
    t.outputs[0] = test_f32(SHAPE(1, 1, 2), (float[]){3, 3});
    op_test_run(&t);
    t.inputs[5] = test_tensor(ONR_INT32, SHAPE(1), (int32_t[]){4});
    op_test_fails(&t, ONR_ERR_VALUE, "seqlens_k[0] is 4, which does not fit");
    t.inputs[5] = test_tensor(ONR_INT32, SHAPE(1), (int32_t[]){-1});
    op_test_fails(&t, ONR_ERR_VALUE, "seqlens_k[0] is -1, which does not fit");
}

/* Query, key and value in one tensor; position 1 turns (a, b) into (-b, a). */
static void packed_heads_turn_by_their_position(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "GroupQueryAttention", 1);
    op_test_int(&t, "num_heads", 1);
    op_test_int(&t, "kv_num_heads", 1);
    op_test_int(&t, "do_rotary", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2, 6), (float[]){0, 0, 1, 2, 5, 5, 0, 0, 3, 4, 7, 7}));
    for (int i = 0; i < 4; i++) {
        op_test_input(&t, NULL);
    }
    add_lengths(&t, 1, 2);
    op_test_input(&t, test_f32(SHAPE(2, 1), (float[]){1, 0}));
    op_test_input(&t, test_f32(SHAPE(2, 1), (float[]){0, 1}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){5, 5, 6, 6}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){1, 2, -4, 3}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){5, 5, 7, 7}));
    op_test_run(&t);
    t.inputs[7] = t.inputs[8] = test_f32(SHAPE(1, 1), NULL);
    op_test_fails(&t, ONR_ERR_VALUE, "position 1 of row 1, cos_cache has 1 rows");
    t.inputs[8] = NULL;
    op_test_fails(&t, ONR_ERR_MODEL, "do_rotary needs cos_cache and sin_cache");
}

/* Scores are 0 where a key is not seen, and so are probabilities. */
static void scores_are_handed_out_before_and_after_softmax(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 2, (float[]){1, 2, 3, 4});
    t.inputs[0] = test_f32(SHAPE(1, 2, 2), (float[]){1, 0, 2, 0});
    t.inputs[1] = test_f32(SHAPE(1, 2, 2), (float[]){3, 0, 3, 0});
    op_test_float(&t, "scale", 1);
    op_test_int(&t, "qk_output", 1);
    op_test_input(&t, NULL);
    op_test_input(&t, NULL);
    add_lengths(&t, 1, 2);
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){1, 2, 2, 3}));
    op_test_output(&t, NULL);
    op_test_output(&t, NULL);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){3, 0, 6, 6}));
    op_test_run(&t);
    t.attrs[3].as.i = 2;
    t.outputs[3] = test_f32(SHAPE(1, 1, 2, 2), (float[]){1, 0, 0.5f, 0.5f});
    op_test_run(&t);
    op_test_int(&t, "causal", 0);
    t.outputs[0] = test_f32(SHAPE(1, 2, 2), (float[]){2, 3, 2, 3});
    t.outputs[3] = test_f32(SHAPE(1, 1, 2, 2), (float[]){0.5f, 0.5f, 0.5f, 0.5f});
    op_test_run(&t);
    op_test_int(&t, "local_window_size", 1);
    op_test_fails(&t, ONR_ERR_MODEL, "local_window_size is 1, expected -1 with causal = 0");
    t.attr_count = 4;
    t.attrs[3].as.i = 0;
    op_test_fails(&t, ONR_ERR_MODEL, "qk_output is 0, expected 1 or 2 with output_qk");
}

static void queries_and_keys_are_normalised(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (float[]){5, 6});
    t.inputs[1] = test_f32(SHAPE(1, 1, 2), (float[]){1, 7});
    op_test_input(&t, NULL);
    op_test_input(&t, NULL);
    add_lengths(&t, 0, 1);
    for (int i = 7; i < 14; i++) {
        op_test_input(&t, NULL);
    }
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 1}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 2}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2), (float[]){5, 6}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 2), (float[]){0.2f, 2.8f}));
    op_test_run(&t);
    op_test_float(&t, "qk_norm_epsilon", 75); /* sqrt((1 + 49) / 2 + 75) is 10 */
    t.outputs[1] = test_f32(SHAPE(1, 1, 1, 2), (float[]){0.1f, 1.4f});
    op_test_run(&t);
    t.inputs[15] = test_f32(SHAPE(3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "k_norm_weight has shape 3, which does not fit");
    t.inputs[15] = NULL;
    op_test_fails(&t, ONR_ERR_MODEL, "must come together");
}

/* Two old rows and a new one; past is NULL: none. */
static void begin_quantised(struct op_test *t, int64_t bits, const struct onr_tensor *past_key,
                            const struct onr_tensor *past_value)
{
    begin(t, 1, (float[]){1.6f, -9});
    t->inputs[1] = test_f32(SHAPE(1, 1, 2), (float[]){-1000, NAN});
    op_test_string(t, "k_quant_type", "PER_CHANNEL");
    op_test_string(t, "v_quant_type", "PER_CHANNEL");
    op_test_int(t, "kv_cache_bit_width", bits);
    op_test_input(t, past_key);
    op_test_input(t, past_value);
    add_lengths(t, 2, 3);
    for (int i = 7; i < 12; i++) {
        op_test_input(t, NULL);
    }
    op_test_input(t, test_f32(SHAPE(1, 1, 1, 2), (float[]){1, 1}));
    op_test_input(t, test_f32(SHAPE(1, 1, 1, 2), (float[]){1, 2}));
}

static void the_cache_may_have_8_or_4_bits(void **state)
{
    (void)state;
    struct op_test t;
    begin_quantised(&t, 8, test_tensor(ONR_INT8, SHAPE(1, 1, 2, 2), (int8_t[]){1, 2, 3, 4}),
                    test_tensor(ONR_INT8, SHAPE(1, 1, 2, 2), (int8_t[]){-5, 6, 9, -128}));
    /* -9 / 2 becomes -4, the even neighbour of -4.5 */
    op_test_output(&t, test_f32(SHAPE(1, 1, 2), (float[]){2, (12.0f - 256 - 8) / 3}));
    op_test_output(&t,
                   test_tensor(ONR_INT8, SHAPE(1, 1, 3, 2), (int8_t[]){1, 2, 3, 4, -128, -128}));
    op_test_output(&t, test_tensor(ONR_INT8, SHAPE(1, 1, 3, 2), (int8_t[]){-5, 6, 9, -128, 2, -4}));
    op_test_run(&t);
    begin_quantised(&t, 4, test_tensor(ONR_UINT8, SHAPE(1, 1, 2, 1), (uint8_t[]){0x11, 0x22}),
                    test_tensor(ONR_UINT8, SHAPE(1, 1, 2, 1), (uint8_t[]){0x0f, 0xf0}));
    op_test_output(&t,
                   test_f32(SHAPE(1, 1, 2), (float[]){(7 - 8 + 2) / 3.0f, (-16 + 14 - 8) / 3.0f}));
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(1, 1, 3, 1), (uint8_t[]){0x11, 0x22, 0x00}));
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(1, 1, 3, 1), (uint8_t[]){0x0f, 0xf0, 0x4a}));
    op_test_run(&t);
}

static void the_cache_may_be_of_float8(void **state)
{
    (void)state;
    struct op_test t;
    begin_quantised(&t, 8,
                    test_tensor(ONR_FLOAT8E4M3FN, SHAPE(1, 1, 2, 2), (uint8_t[]){0, 0, 0, 0}),
                    test_tensor(ONR_FLOAT8E4M3FN, SHAPE(1, 1, 2, 2),
                                (uint8_t[]){0x38, 0x40, 0x44, 0xb8})); /* 1, 2; 3, -1 */
    t.inputs[1] = test_f32(SHAPE(1, 1, 2), (float[]){-1000, 0});
    t.inputs[2] = test_f32(SHAPE(1, 1, 2), (float[]){2, 4.2f}); /* 2.1 becomes 2 */
    op_test_output(&t, test_f32(SHAPE(1, 1, 2), (float[]){2, 2}));
    op_test_output(
        &t, test_tensor(ONR_FLOAT8E4M3FN, SHAPE(1, 1, 3, 2), (uint8_t[]){0, 0, 0, 0, 0xfe, 0}));
    op_test_output(&t, test_tensor(ONR_FLOAT8E4M3FN, SHAPE(1, 1, 3, 2),
                                   (uint8_t[]){0x38, 0x40, 0x44, 0xb8, 0x40, 0x40}));
    op_test_run(&t);
}

static void quantised_caches_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin_quantised(&t, 8, test_tensor(ONR_UINT8, SHAPE(1, 1, 2, 2), NULL),
                    test_tensor(ONR_UINT8, SHAPE(1, 1, 2, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "past_key is uint8, expected int8");
    t.inputs[3] = t.inputs[4] = test_tensor(ONR_INT8, SHAPE(1, 1, 2, 2), NULL);
    t.inputs[12] = test_f32(SHAPE(1), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "k_scale has 1 elements, expected 2");
    t.inputs[12] = NULL;
    op_test_fails(&t, ONR_ERR_MODEL, "a quantised cache needs k_scale and v_scale");
    t.attrs[4].as.i = 2;
    op_test_fails(&t, ONR_ERR_MODEL, "kv_cache_bit_width is 2, expected 4 or 8");
    t.attrs[3].as.s = (struct onr_string){"NONE", 4};
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "k_quant_type and v_quant_type that are not the same");
    t.attrs[2].as.s = t.attrs[3].as.s = (struct onr_string){"ROW", 3};
    op_test_fails(&t, ONR_ERR_MODEL, "k_quant_type must be NONE, PER_TENSOR or PER_CHANNEL");
    t.attrs[2].as.s = t.attrs[3].as.s = (struct onr_string){"NONE", 4};
    op_test_fails(&t, ONR_ERR_MODEL, "past_key is int8, expected float");
}

/* 4 rows, of which a query sees 3: a fifth position drops two at once, so that 3 are left. */
static void a_sliding_cache_drops_old_rows(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (float[]){9, 9});
    op_test_int(&t, "sliding_window_cache", 1);
    op_test_int(&t, "local_window_size", 3);
    op_test_input(&t, test_f32(SHAPE(1, 1, 4, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 1, 4, 2), (float[]){1, 1, 2, 2, 3, 3, 6, 6}));
    add_lengths(&t, 4, 5);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2), (float[]){6, 6}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 4, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 1, 4, 2), (float[]){3, 3, 6, 6, 9, 9, 0, 0}));
    op_test_run(&t);
    t.output_count = 1;
    op_test_run(&t);
    t.inputs[5] = test_tensor(ONR_INT32, SHAPE(1), (int32_t[]){5});
    op_test_fails(&t, ONR_ERR_VALUE, "seqlens_k[0] is 5, which does not fit");
    t.attrs[3].as.i = 5;
    op_test_fails(&t, ONR_ERR_SHAPE, "the cache has 4 rows, expected local_window_size 5 at least");
    t.attrs[3].as.i = -1;
    op_test_fails(&t, ONR_ERR_MODEL, "sliding_window_cache needs a local_window_size and past_key");
    t.attrs[3].as.i = 3;
    op_test_int(&t, "qk_output", 1);
    op_test_output(&t, NULL);
    op_test_output(&t, NULL);
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 5), NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "output_qk of a sliding cache");
}

static void heads_must_divide(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, NULL);
    op_test_input(&t, NULL);
    op_test_input(&t, NULL);
    add_lengths(&t, 0, 1);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2), NULL));
    t.attrs[1].as.i = 2;
    op_test_fails(&t, ONR_ERR_MODEL, "num_heads 1 is not a multiple of kv_num_heads 2");
    t.attrs[1].as.i = 1;
    t.inputs[1] = test_f32(SHAPE(1, 2, 2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "key has shape 1x2x2, which does not fit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(prompt_is_causal_and_fills_the_cache, test_tensors_free),
        cmocka_unit_test_teardown(decoding_appends_to_a_larger_buffer, test_tensors_free),
        cmocka_unit_test_teardown(packed_heads_turn_by_their_position, test_tensors_free),
        cmocka_unit_test_teardown(scores_are_handed_out_before_and_after_softmax,
                                  test_tensors_free),
        cmocka_unit_test_teardown(queries_and_keys_are_normalised, test_tensors_free),
        cmocka_unit_test_teardown(the_cache_may_have_8_or_4_bits, test_tensors_free),
        cmocka_unit_test_teardown(the_cache_may_be_of_float8, test_tensors_free),
        cmocka_unit_test_teardown(quantised_caches_that_do_not_fit_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(a_sliding_cache_drops_old_rows, test_tensors_free),
        cmocka_unit_test_teardown(heads_must_divide, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
