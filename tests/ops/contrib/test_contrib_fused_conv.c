/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

/* Two channels of two positions, a kernel of one: y = {x0 + x1, x0 - x1}. */
static const float weights[] = {1, 1, 1, -1};

static void residual_is_added_before_the_activation(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "FusedConv", 1);
    op_test_string(&t, "activation", "Clip");
    op_test_floats(&t, "activation_params", 2, (float[]){0, 50});
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){1, 2, 3, 5}));
    op_test_input(&t, test_f32(SHAPE(2, 2, 1), weights));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){0, 1}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){10, 100, -1, 20}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){14, 50, 0, 18}));
    op_test_run(&t);
}

static void channels_may_stand_in_the_last_place(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "NhwcFusedConv", 1);
    op_test_string(&t, "activation", "Relu");
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){1, 3, 2, 5}));
    op_test_input(&t, test_f32(SHAPE(2, 2, 1), weights));
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){10, 1, 20, 7}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){14, 0, 27, 4}));
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "NhwcConv", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){1, 3, 2, 5}));
    op_test_input(&t, test_f32(SHAPE(2, 2, 1), weights));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){4, -2, 7, -3}));
    op_test_run(&t);
}

static void bad_operands_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "FusedConv", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 2, 1), NULL));
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(1, 2, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "residual has shape 1x2x1, expected 1x2x2");
    op_test_begin(&t, "com.microsoft", "NhwcConv", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2, 3), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 2, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "x has 3 channels, w expects 2");
    op_test_begin(&t, "com.microsoft", "NhwcConv", 1);
    op_test_string(&t, "activation", "Relu");
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 2, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "activation");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(residual_is_added_before_the_activation, test_tensors_free),
        cmocka_unit_test_teardown(channels_may_stand_in_the_last_place, test_tensors_free),
        cmocka_unit_test_teardown(bad_operands_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
