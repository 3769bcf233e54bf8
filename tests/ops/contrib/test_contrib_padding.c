/* SPDX-License-Identifier: Apache-2.0 */
/* RemovePadding and RestorePadding. */
#include "support/op_test.h"

#define test_i32(...) test_tensor(ONR_INT32, __VA_ARGS__)

static void begin_remove(struct op_test *t)
{
    op_test_begin(t, "com.microsoft", "RemovePadding", 1);
    op_test_input(
        t, test_f32(SHAPE(3, 2, 2), (float[]){0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 50, 51}));
    op_test_input(t, test_i32(SHAPE(3), (int32_t[]){1, 0, 2}));
}

static void tokens_move_together_and_their_places_are_listed(void **state)
{
    (void)state;
    struct op_test t;
    begin_remove(&t);
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){0, 1, 40, 41, 50, 51}));
    op_test_output(&t, test_i32(SHAPE(3, 2), (int32_t[]){0, 4, 5, 1, 2, 3}));
    op_test_output(&t, test_i32(SHAPE(4), (int32_t[]){0, 1, 1, 3}));
    op_test_output(&t, test_i32(SHAPE(1), (int32_t[]){2}));
    op_test_run(&t);
    t.outputs[1] = NULL;
    t.outputs[3] = NULL;
    op_test_run(&t);
}

static void sequences_may_be_all_padding_or_none(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "RemovePadding", 1);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 2, 1), (uint16_t[]){1, 2}));
    op_test_input(&t, test_i32(SHAPE(1), (int32_t[]){0}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(0, 1), NULL));
    op_test_output(&t, test_i32(SHAPE(1, 2), (int32_t[]){0, 1}));
    op_test_output(&t, test_i32(SHAPE(2), (int32_t[]){0, 0}));
    op_test_output(&t, test_i32(SHAPE(1), (int32_t[]){0}));
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "RemovePadding", 1);
    op_test_input(&t, test_f32(SHAPE(0, 2, 1), NULL));
    op_test_input(&t, test_i32(SHAPE(0), NULL));
    op_test_output(&t, test_f32(SHAPE(0, 1), NULL));
    op_test_output(&t, test_i32(SHAPE(0, 2), NULL));
    op_test_output(&t, test_i32(SHAPE(1), (int32_t[]){0}));
    op_test_output(&t, test_i32(SHAPE(1), (int32_t[]){0}));
    op_test_run(&t);
}

static void counts_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin_remove(&t);
    for (int i = 0; i < 4; i++) {
        op_test_output(&t, test_i32(SHAPE(1), NULL));
    }
    t.inputs[1] = test_i32(SHAPE(3), (int32_t[]){1, 3, 0});
    op_test_fails(&t, ONR_ERR_VALUE, "sequence_token_count[1] is 3, expected 0 to 2");
    t.inputs[1] = test_i32(SHAPE(3), (int32_t[]){-1, 0, 0});
    op_test_fails(&t, ONR_ERR_VALUE, "sequence_token_count[0] is -1, expected 0 to 2");
    t.inputs[1] = test_i32(SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "sequence_token_count has shape 2, expected 3");
    t.inputs[0] = test_f32(SHAPE(3, 2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input has shape 3x2, expected ?x?x?");
    t.inputs[0] = test_f32(SHAPE(65536, 65536, 0), NULL);
    op_test_fails(&t, ONR_ERR_LIMIT, "65536 sequences of 65536 tokens do not fit int32 offsets");
    t.inputs[0] = test_tensor(ONR_DOUBLE, SHAPE(3, 2, 2), NULL);
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "double");
}

static void begin_restore(struct op_test *t, const int32_t *offsets)
{
    op_test_begin(t, "com.microsoft", "RestorePadding", 1);
    op_test_input(t, test_f32(SHAPE(3, 2), (float[]){0, 1, 40, 41, 50, 51}));
    op_test_input(t, test_i32(SHAPE(3, 2), offsets));
}

static void tokens_return_to_their_places_among_zeros(void **state)
{
    (void)state;
    struct op_test t;
    begin_restore(&t, (int32_t[]){0, 4, 5, 1, 2, 3});
    op_test_output(&t, test_f32(SHAPE(3, 2, 2), (float[]){0, 1, 0, 0, 0, 0, 0, 0, 40, 41, 50, 51}));
    op_test_run(&t);
}

static void the_last_token_of_a_place_stays(void **state)
{
    (void)state;
    struct op_test t;
    begin_restore(&t, (int32_t[]){2, 4, 2, 0, 0, 0});
    op_test_output(&t, test_f32(SHAPE(3, 2, 2), (float[]){0, 0, 0, 0, 50, 51, 0, 0, 40, 41, 0, 0}));
    op_test_run(&t);
}

static void no_tokens_leave_zeros(void **state)
{
    (void)state;
    struct op_test t;
    begin_restore(&t, (int32_t[]){-1, -1, -1, -1, -1, -1});
    t.inputs[0] = test_f32(SHAPE(0, 2), NULL);
    op_test_output(&t, test_f32(SHAPE(3, 2, 2), NULL));
    op_test_run(&t);
}

static void offsets_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin_restore(&t, (int32_t[]){0, 6, 1, 2, 3, 4});
    op_test_output(&t, test_f32(SHAPE(3, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "token_offset holds 6 for token 1, expected 0 to 5");
    t.inputs[1] = test_i32(SHAPE(1, 3), (int32_t[]){0, 1, -1});
    op_test_fails(&t, ONR_ERR_VALUE, "token_offset holds -1 for token 2, expected 0 to 2");
    t.inputs[1] = test_i32(SHAPE(1, 2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input has 3 tokens, token_offset only 2");
    t.inputs[1] = test_i32(SHAPE(6), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "token_offset has shape 6, expected ?x?");
    t.inputs[0] = test_f32(SHAPE(3, 2, 1), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input has shape 3x2x1, expected ?x?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(tokens_move_together_and_their_places_are_listed,
                                  test_tensors_free),
        cmocka_unit_test_teardown(sequences_may_be_all_padding_or_none, test_tensors_free),
        cmocka_unit_test_teardown(counts_that_do_not_fit_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(tokens_return_to_their_places_among_zeros, test_tensors_free),
        cmocka_unit_test_teardown(the_last_token_of_a_place_stays, test_tensors_free),
        cmocka_unit_test_teardown(no_tokens_leave_zeros, test_tensors_free),
        cmocka_unit_test_teardown(offsets_that_do_not_fit_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
