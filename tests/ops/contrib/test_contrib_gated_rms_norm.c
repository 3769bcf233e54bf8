/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

/* Rows {3, -3} and {0, 4} have root mean squares 3 and sqrt 8; sigmoid(ln 3) is 3/4. */
#define LN3 1.0986123f

static void check(const char *activation, const float *y)
{
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "GatedRMSNorm", 1);
    op_test_float(&t, "epsilon", 0);
    if (activation != NULL) {
        op_test_string(&t, "activation", activation);
    }
    op_test_input(&t, test_f32(SHAPE(1, 4), (float[]){3, -3, 0, 4}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 2}));
    op_test_input(&t, test_f32(SHAPE(1, 4), (float[]){LN3, LN3, 0, -LN3}));
    op_test_output(&t, test_f32(SHAPE(1, 4), y));
    op_test_run(&t);
}

static void heads_are_normalised_one_by_one_and_gated(void **state)
{
    (void)state;
    const float silu[] = {0.75f * LN3, -1.5f * LN3, 0, -0.70710678f * LN3};
    check(NULL, silu);
    check("silu", silu);
    check("swish", silu);
    check("sigmoid", (float[]){0.75f, -1.5f, 0, 0.70710678f});
}

static void half_types_are_rounded_once(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "GatedRMSNorm", 1);
    op_test_float(&t, "epsilon", 0);
    op_test_string(&t, "activation", "sigmoid");
    op_test_input(&t,
                  test_tensor(ONR_BFLOAT16, SHAPE(2), (uint16_t[]){0x4040, 0xc040})); /* 3, -3 */
    op_test_input(&t, test_tensor(ONR_BFLOAT16, SHAPE(2), (uint16_t[]){0x3f80, 0x4000})); /* 1, 2 */
    op_test_input(&t, test_tensor(ONR_BFLOAT16, SHAPE(2), (uint16_t[]){0, 0}));
    op_test_output(&t, test_tensor(ONR_BFLOAT16, SHAPE(2), (uint16_t[]){0x3f00, 0xbf80}));
    op_test_run(&t);
}

static void begin_empty(struct op_test *t, size_t rank, const int64_t *x, int64_t scale,
                        const int64_t *gate)
{
    op_test_begin(t, "com.microsoft", "GatedRMSNorm", 1);
    op_test_input(t, test_f32(rank, x, NULL));
    op_test_input(t, test_f32(SHAPE(scale), NULL));
    op_test_input(t, test_f32(rank, gate, NULL));
    op_test_output(t, test_f32(rank, x, NULL));
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct op_test t;
    const int64_t x[] = {2, 6};
    const int64_t other[] = {1, 6};
    begin_empty(&t, 2, x, 4, x);
    op_test_fails(&t, ONR_ERR_SHAPE,
                  "scale has 4 elements, expected a divisor of the last dimension of X, 6");
    begin_empty(&t, 2, x, 0, x);
    op_test_fails(&t, ONR_ERR_SHAPE, "scale has 0 elements");
    begin_empty(&t, 0, x, 1, x);
    op_test_fails(&t, ONR_ERR_SHAPE, "X is a scalar");
    begin_empty(&t, 2, x, 3, other);
    op_test_fails(&t, ONR_ERR_SHAPE, "gate has shape 1x6, expected 2x6");
    begin_empty(&t, 2, x, 3, x);
    op_test_string(&t, "activation", "gelu");
    op_test_fails(&t, ONR_ERR_MODEL, "attribute activation is \"gelu\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(heads_are_normalised_one_by_one_and_gated, test_tensors_free),
        cmocka_unit_test_teardown(half_types_are_rounded_once, test_tensors_free),
        cmocka_unit_test_teardown(what_does_not_fit_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
