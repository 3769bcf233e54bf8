/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void row_of_known_mean_and_variance(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "LayerNormalization", 14);
    op_test_float(&t, "epsilon", 0);
    op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){1, 3, 10, 10.5f}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 2}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){0, 10}));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){-1, 12, -1, 12}));
    op_test_output(&t, test_f32(SHAPE(2, 1), (float[]){2, 10.25f}));
    op_test_output(&t, test_f32(SHAPE(2, 1), (float[]){1, 4}));
    op_test_run(&t);
}

/* Large mean, small deviation: E[x^2] - E[x]^2 would leave nothing. */
static void variance_survives_a_large_mean(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "LayerNormalization", 17);
    op_test_float(&t, "epsilon", 0);
    op_test_input(&t, test_f32(SHAPE(4), (float[]){10000, 10002, 10000, 10002}));
    op_test_input(&t, test_f32(SHAPE(4), (float[]){1, 1, 1, 1}));
    op_test_output(&t, test_f32(SHAPE(4), (float[]){-1, 1, -1, 1}));
    op_test_run(&t);
}

static void axis_takes_all_dims_after_it(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "LayerNormalization", 17);
    op_test_int(&t, "axis", 1);
    op_test_float(&t, "epsilon", 0);
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){1, 3, 3, 1}));
    op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){1, 2, 3, 4}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){-1, 2, 3, -4}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 1), (float[]){2}));
    op_test_run(&t);
}

static void scale_may_differ_from_row_to_row(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "LayerNormalization", 17);
    op_test_float(&t, "epsilon", 0);
    op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){1, 3, 3, 1}));
    op_test_input(&t, test_f32(SHAPE(2, 1), (float[]){1, 10}));
    op_test_input(&t, test_f32(SHAPE(1), (float[]){5}));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){4, 6, 15, -5}));
    op_test_run(&t);
}

static void other_float_types(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "LayerNormalization", 17);
    op_test_float(&t, "epsilon", 0);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 2), (double[]){1, 3}));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){1, 2}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 2), (double[]){-1, 2}));
    op_test_output(&t, test_f32(SHAPE(1, 1), (float[]){2}));
    op_test_run(&t);

    op_test_begin(&t, "", "LayerNormalization", 17);
    op_test_float(&t, "epsilon", 0);
    op_test_int(&t, "stash_type", 16);
    op_test_input(&t, test_tensor(ONR_BFLOAT16, SHAPE(1, 2), (uint16_t[]){0x3f80, 0x4040}));
    op_test_input(&t, test_tensor(ONR_BFLOAT16, SHAPE(2), (uint16_t[]){0x3f80, 0x4000}));
    op_test_output(&t, test_tensor(ONR_BFLOAT16, SHAPE(1, 2), (uint16_t[]){0xbf80, 0x4000}));
    op_test_output(&t, test_tensor(ONR_BFLOAT16, SHAPE(1, 1), (uint16_t[]){0x4000}));
    op_test_run(&t);
}

static void no_rows_and_empty_rows(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "LayerNormalization", 17);
    op_test_input(&t, test_f32(SHAPE(0, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_output(&t, test_f32(SHAPE(0, 2), NULL));
    op_test_run(&t);
    op_test_begin(&t, "", "LayerNormalization", 17);
    op_test_input(&t, test_f32(SHAPE(1, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(0), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 0), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 1), (float[]){NAN}));
    op_test_run(&t);
}

static void bad_scale_axis_and_stash_type_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "LayerNormalization", 17);
    op_test_input(&t, test_f32(SHAPE(2, 4), NULL));
    op_test_input(&t, test_f32(SHAPE(3), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 4), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "scale of shape 3 cannot be broadcast to 2x4");

    op_test_begin(&t, "", "LayerNormalization", 17);
    op_test_int(&t, "axis", -3);
    op_test_input(&t, test_f32(SHAPE(2, 4), NULL));
    op_test_input(&t, test_f32(SHAPE(4), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 4), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "axis -3 out of range");

    op_test_begin(&t, "", "LayerNormalization", 17);
    op_test_int(&t, "stash_type", 10);
    op_test_input(&t, test_f32(SHAPE(2, 4), NULL));
    op_test_input(&t, test_f32(SHAPE(4), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 4), NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "stash_type 10");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(row_of_known_mean_and_variance, test_tensors_free),
        cmocka_unit_test_teardown(variance_survives_a_large_mean, test_tensors_free),
        cmocka_unit_test_teardown(axis_takes_all_dims_after_it, test_tensors_free),
        cmocka_unit_test_teardown(scale_may_differ_from_row_to_row, test_tensors_free),
        cmocka_unit_test_teardown(other_float_types, test_tensors_free),
        cmocka_unit_test_teardown(no_rows_and_empty_rows, test_tensors_free),
        cmocka_unit_test_teardown(bad_scale_axis_and_stash_type_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
