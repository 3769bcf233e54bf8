/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

#define OUT (-(float)INFINITY)

static void begin(struct op_test *t, int64_t size, const int64_t *ids)
{
    op_test_begin(t, "com.microsoft", "NGramRepeatBlock", 1);
    op_test_int(t, "ngram_size", size);
    op_test_input(t, test_i64(SHAPE(2, 4), ids));
    op_test_input(t, test_f32(SHAPE(2, 3), (float[]){1, 2, 3, 4, 5, 6}));
}

static void tokens_that_would_repeat_an_ngram_are_blocked(void **state)
{
    (void)state;
    struct op_test t;
    const int64_t ids[] = {0, 1, 2, 0, 1, 1, 1, 1};
    begin(&t, 2, ids);
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){1, OUT, 3, 4, OUT, 6}));
    op_test_run(&t);
    begin(&t, 1, ids);
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){OUT, OUT, OUT, 4, OUT, 6}));
    op_test_run(&t);
    begin(&t, 3, ids);
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){1, 2, 3, 4, OUT, 6}));
    op_test_run(&t);
    begin(&t, 5, ids);
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){1, 2, 3, 4, 5, 6}));
    op_test_run(&t);
    begin(&t, INT64_MAX, ids);
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){1, 2, 3, 4, 5, 6}));
    op_test_run(&t);
}

static void scores_of_any_float_type(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "NGramRepeatBlock", 1);
    op_test_int(&t, "ngram_size", 1);
    op_test_input(&t, test_i64(SHAPE(1, 1), (int64_t[]){1}));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 2), (uint16_t[]){0x3c00, 0x3c00}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 2), (uint16_t[]){0x3c00, 0xfc00}));
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "NGramRepeatBlock", 1);
    op_test_int(&t, "ngram_size", 1);
    op_test_input(&t, test_i64(SHAPE(1, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2), NULL));
    op_test_run(&t);
}

static void bad_tokens_sizes_and_shapes_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (int64_t[]){0, 1, 3, 0, 0, 0, 0, 0});
    op_test_output(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "input_ids has token 3 at 2 of sequence 0, expected 0 to 2");
    begin(&t, 2, (int64_t[]){0, 0, 0, 0, 1, -1, 0, 1});
    op_test_output(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "token -1 at 1 of sequence 1");
    begin(&t, 0, (int64_t[]){0, 0, 0, 0, 0, 0, 0, 0});
    op_test_output(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "attribute ngram_size is 0, expected 1");
    op_test_begin(&t, "com.microsoft", "NGramRepeatBlock", 1);
    op_test_int(&t, "ngram_size", 1);
    op_test_input(&t, test_i64(SHAPE(2, 4), NULL));
    op_test_input(&t, test_f32(SHAPE(3, 3), NULL));
    op_test_output(&t, test_f32(SHAPE(3, 3), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "scores has shape 3x3, expected 2x?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(tokens_that_would_repeat_an_ngram_are_blocked, test_tensors_free),
        cmocka_unit_test_teardown(scores_of_any_float_type, test_tensors_free),
        cmocka_unit_test_teardown(bad_tokens_sizes_and_shapes_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
