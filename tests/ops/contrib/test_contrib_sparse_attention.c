/* SPDX-License-Identifier: Apache-2.0 */
/* SparseAttention; over its attributes: tests/contrib. */
#include "support/op_test.h"

/* Two heads with a layout each and blocks of 2: the first sees the diagonal block alone, the second
 * all. All scores are 0, so that outputs are means of the values that are seen. */
static void begin(struct op_test *t, int64_t queries, const float *values, int32_t total,
                  int32_t length)
{
    op_test_begin(t, "com.microsoft", "SparseAttention", 1);
    op_test_int(t, "num_heads", 2);
    op_test_int(t, "kv_num_heads", 1);
    op_test_int(t, "sparse_block_size", 2);
    op_test_input(t, test_f32(SHAPE(1, queries, 2), NULL));
    op_test_input(t, test_f32(SHAPE(1, queries, 1), NULL));
    op_test_input(t, test_f32(SHAPE(1, queries, 1), values));
    op_test_input(t, test_f32(SHAPE(1, 1, 5, 1), (float[]){1, 2, 3, 4, 5}));
    op_test_input(t, test_f32(SHAPE(1, 1, 5, 1), (float[]){10, 20, 30, 40, 50}));
    op_test_input(t, test_tensor(ONR_INT32, SHAPE(2, 3), (int32_t[]){0, 1, 2, 0, 1, 3}));
    op_test_input(t, test_tensor(ONR_INT32, SHAPE(2, 3), (int32_t[]){0, 1, -1, 0, 0, 1}));
    op_test_input(t, test_tensor(ONR_INT32, SHAPE(1), &total));
    op_test_input(t, test_tensor(ONR_INT32, SHAPE(1), &length));
}

static void queries_see_the_blocks_of_their_layout(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 3, (float[]){1, 3, 8}, 3, 3);
    op_test_output(&t, test_f32(SHAPE(1, 3, 2), (float[]){1, 1, 2, 2, 8, 4}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 5, 1), (float[]){0, 0, 0, 4, 5}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 5, 1), (float[]){1, 3, 8, 40, 50}));
    op_test_run(&t);
}

static void a_step_follows_the_old_rows(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (float[]){6}, 4, 4);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2), (float[]){18, 16.5f}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 5, 1), (float[]){1, 2, 3, 0, 5}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 5, 1), (float[]){10, 20, 30, 6, 50}));
    op_test_run(&t);
    /* a shorter one of the same total: its query is at position 1 */
    t.inputs[8] = test_tensor(ONR_INT32, SHAPE(1), (int32_t[]){2});
    t.outputs[0] = test_f32(SHAPE(1, 1, 2), (float[]){8, 8});
    t.outputs[1] = test_f32(SHAPE(1, 1, 5, 1), (float[]){1, 0, 3, 4, 5});
    t.outputs[2] = test_f32(SHAPE(1, 1, 5, 1), (float[]){10, 6, 30, 40, 50});
    op_test_run(&t);
}

static void a_query_that_sees_nothing_gives_zeros(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (float[]){6}, 4, 4);
    t.inputs[5] = test_tensor(ONR_INT32, SHAPE(2, 3), (int32_t[]){0, 1, 1, 0, 0, 1});
    op_test_output(&t, test_f32(SHAPE(1, 1, 2), (float[]){0, 15}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 5, 1), (float[]){1, 2, 3, 0, 5}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 5, 1), (float[]){10, 20, 30, 6, 50}));
    op_test_run(&t);
}

static void indices_and_lengths_are_checked(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (float[]){6}, 4, 4);
    for (int i = 0; i < 3; i++) {
        op_test_output(&t,
                       i == 0 ? test_f32(SHAPE(1, 1, 2), NULL) : test_f32(SHAPE(1, 1, 5, 1), NULL));
    }
    const struct onr_tensor *rows = t.inputs[5];
    t.inputs[5] = test_tensor(ONR_INT32, SHAPE(2, 3), (int32_t[]){0, 1, 4, 0, 1, 3});
    op_test_fails(&t, ONR_ERR_VALUE, "row 1 is 1 to 4, expected numbers that rise from 0 to 3");
    t.inputs[5] = test_tensor(ONR_INT32, SHAPE(2, 3), (int32_t[]){0, 2, 1, 0, 1, 3});
    op_test_fails(&t, ONR_ERR_VALUE, "row 1 is 2 to 1, expected");
    t.inputs[5] = test_tensor(ONR_INT32, SHAPE(2, 3), (int32_t[]){-1, 1, 2, 0, 1, 3});
    op_test_fails(&t, ONR_ERR_VALUE, "row 0 is -1 to 1, expected");
    t.inputs[5] = test_tensor(ONR_INT32, SHAPE(2, 3), (int32_t[]){0, 1, 3, 0, 1, 3});
    op_test_fails(&t, ONR_ERR_VALUE, "block_col_indices: -1 in row 1, expected 0 to 1");
    t.inputs[5] = rows;
    t.inputs[8] = test_tensor(ONR_INT32, SHAPE(1), (int32_t[]){5});
    op_test_fails(&t, ONR_ERR_VALUE, "key_total_sequence_lengths[0] is 5, which does not fit");
    t.inputs[8] = test_tensor(ONR_INT32, SHAPE(1), (int32_t[]){0});
    op_test_fails(&t, ONR_ERR_VALUE, "key_total_sequence_lengths[0] is 0, which does not fit");
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (float[]){6}, 4, 4);
    for (int i = 0; i < 3; i++) {
        op_test_output(&t,
                       i == 0 ? test_f32(SHAPE(1, 1, 2), NULL) : test_f32(SHAPE(1, 1, 5, 1), NULL));
    }
    t.inputs[7] = test_tensor(ONR_INT32, SHAPE(1), (int32_t[]){5});
    op_test_fails(&t, ONR_ERR_SHAPE, "2 rows of blocks of 2, which do not hold 5 positions");
    t.attrs[2].as.i = 4;
    t.inputs[7] = test_tensor(ONR_INT32, SHAPE(1), (int32_t[]){6});
    op_test_fails(&t, ONR_ERR_SHAPE, "past_key has 5 rows, expected 6 at least");
    t.attrs[2].as.i = 0;
    op_test_fails(&t, ONR_ERR_MODEL, "sparse_block_size is 0, expected 1 to 2147483647");
    t.attrs[2].as.i = 2;
    t.inputs[5] = test_tensor(ONR_INT32, SHAPE(3, 3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "of 3 and 2 layouts, expected as many, which divide 2 heads");
    t.inputs[5] = test_tensor(ONR_INT32, SHAPE(6), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "have rank 1 and 2, expected 2");
    t.inputs[8] = test_tensor(ONR_INT32, SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "key_total_sequence_lengths has shape 2, expected a number");
    t.inputs[3] = NULL;
    op_test_fails(&t, ONR_ERR_MODEL, "required input 3 is empty");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(queries_see_the_blocks_of_their_layout, test_tensors_free),
        cmocka_unit_test_teardown(a_step_follows_the_old_rows, test_tensors_free),
        cmocka_unit_test_teardown(a_query_that_sees_nothing_gives_zeros, test_tensors_free),
        cmocka_unit_test_teardown(indices_and_lengths_are_checked, test_tensors_free),
        cmocka_unit_test_teardown(what_does_not_fit_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
