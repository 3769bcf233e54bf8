/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

/* sigmoid(ln 3) is 3/4. */
#define LN3 1.0986123f

/* One head of size 1: the gates are u (2 r - 1) + 2 with u = sigmoid(q), r = sigmoid(q + 1 - 1). */
static void begin(struct op_test *t, const struct onr_tensor *query)
{
    op_test_begin(t, "com.microsoft", "GatedRelativePositionBias", 1);
    op_test_int(t, "num_heads", 1);
    op_test_input(t, query);
    op_test_input(t, test_f32(SHAPE(1), (float[]){LN3}));
    op_test_input(t, test_f32(SHAPE(1, 1, 2, 2), (float[]){1, 2, 3, 4}));
    op_test_input(t, test_f32(SHAPE(1, 4), (float[]){3, -2, 0.5f, 0.5f}));
    op_test_input(t, test_f32(SHAPE(4), (float[]){0, 0, 1, -1}));
    op_test_input(t, test_f32(SHAPE(1, 1, 1, 1), (float[]){2}));
}

static void rows_are_multiplied_by_their_gate(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_f32(SHAPE(1, 2, 1), (float[]){0, -LN3}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){2.375f, 4.75f, 6, 8}));
    op_test_run(&t);
}

static void packed_tokens_go_to_their_places(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_f32(SHAPE(1, 1), (float[]){-LN3})); /* the other place has query 0 */
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(1, 2), (int32_t[]){1, 0}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){2.375f, 4.75f, 6, 8}));
    op_test_run(&t);
    begin(&t, test_f32(SHAPE(1, 1), NULL));
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(1, 2), (int32_t[]){2, 0}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "token_offset of token 0 is 2, expected less than 2");
    begin(&t, test_f32(SHAPE(3, 1), NULL));
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(1, 2), (int32_t[]){0, 1}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "query_layer has 3 tokens, expected at most 1 x 2");
}

static void check_refused(int64_t length, int64_t width, int64_t rows, int64_t columns,
                          int64_t heads, const char *message)
{
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "GatedRelativePositionBias", 1);
    op_test_int(&t, "num_heads", heads);
    op_test_input(&t, test_f32(SHAPE(1, 2, width), NULL));
    op_test_input(&t, test_f32(SHAPE(6), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 2, length, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(rows, columns), NULL));
    op_test_input(&t, test_f32(SHAPE(4), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 2, 1, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2, 2), NULL));
    op_test_fails(&t, heads < 1 ? ONR_ERR_MODEL : ONR_ERR_SHAPE, message);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    check_refused(2, 6, 3, 4, 0, "attribute num_heads is 0");
    check_refused(2, 6, 3, 4, 4, "width of query_layer: 6 does not divide into 4");
    check_refused(2, 8, 4, 4, 2, "query_bias has shape 6, expected 8");
    check_refused(3, 6, 3, 4, 2, "rel_pos has shape 1x2x3x2, expected 1x2x2x2");
    check_refused(2, 6, 2, 4, 2, "weight has shape 2x4, expected 3x?");
    check_refused(2, 6, 3, 6, 2, "bias has shape 4, expected 6");
    check_refused(2, 6, 3, 4, 3, "rel_pos has shape 1x2x2x2, expected 1x3x2x2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(rows_are_multiplied_by_their_gate, test_tensors_free),
        cmocka_unit_test_teardown(packed_tokens_go_to_their_places, test_tensors_free),
        cmocka_unit_test_teardown(what_does_not_fit_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
