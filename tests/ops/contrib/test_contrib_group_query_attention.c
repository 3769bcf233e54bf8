/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

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
    op_test_fails(&t, ONR_ERR_SHAPE, "input 1 has shape 1x2x2, which does not fit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(prompt_is_causal_and_fills_the_cache, test_tensors_free),
        cmocka_unit_test_teardown(decoding_appends_to_a_larger_buffer, test_tensors_free),
        cmocka_unit_test_teardown(packed_heads_turn_by_their_position, test_tensors_free),
        cmocka_unit_test_teardown(heads_must_divide, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
