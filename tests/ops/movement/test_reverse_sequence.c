/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void reverse(struct op_test *t, int64_t time_axis, const int64_t *lengths)
{
    op_test_begin(t, "", "ReverseSequence", 10);
    op_test_int(t, "time_axis", time_axis);
    op_test_int(t, "batch_axis", 1 - time_axis);
    op_test_input(t, test_f32(SHAPE(3, 3), (float[]){0, 1, 2, 3, 4, 5, 6, 7, 8}));
    op_test_input(t, test_i64(SHAPE(3), lengths));
}

static void each_sequence_is_reversed_up_to_its_length(void **state)
{
    (void)state;
    const int64_t lengths[] = {3, 2, 0};
    struct op_test t;
    reverse(&t, 0, lengths);
    op_test_output(&t, test_f32(SHAPE(3, 3), (float[]){6, 4, 2, 3, 1, 5, 0, 7, 8}));
    op_test_run(&t);
    reverse(&t, 1, lengths);
    op_test_output(&t, test_f32(SHAPE(3, 3), (float[]){2, 1, 0, 4, 3, 5, 6, 7, 8}));
    op_test_run(&t);
}

static void impossible_lengths_and_axes_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    reverse(&t, 0, (int64_t[]){1, 4, 1});
    op_test_output(&t, test_f32(SHAPE(3, 3), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "sequence_lens has 4 at 1, expected 0 to 3");
    reverse(&t, 2, (int64_t[]){1, 1, 1});
    op_test_output(&t, test_f32(SHAPE(3, 3), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "time_axis is 2 and batch_axis -1");
    op_test_begin(&t, "", "ReverseSequence", 10);
    op_test_input(&t, test_f32(SHAPE(3, 2), NULL));
    op_test_input(&t, test_i64(SHAPE(3), NULL));
    op_test_output(&t, test_f32(SHAPE(3, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "3 sequence_lens for a batch of 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_sequence_is_reversed_up_to_its_length, test_tensors_free),
        cmocka_unit_test_teardown(impossible_lengths_and_axes_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
