/* SPDX-License-Identifier: Apache-2.0 */
/* GroupNormalization, InstanceNormalization and LpNormalization. */
#include "support/op_test.h"

static void group_form_scales_groups_before_21_and_channels_since(void **state)
{
    (void)state;
    for (int64_t version = 18; version <= 21; version += 3) {
        struct op_test t;
        op_test_begin(&t, "", "GroupNormalization", version);
        op_test_float(&t, "epsilon", 0);
        op_test_int(&t, "num_groups", 1);
        op_test_input(&t, test_f32(SHAPE(1, 2, 1), (float[]){1, 3}));
        op_test_input(&t, version < 21 ? test_f32(SHAPE(1), (float[]){2})
                                       : test_f32(SHAPE(2), (float[]){2, 3}));
        op_test_input(&t, version < 21 ? test_f32(SHAPE(1), (float[]){5})
                                       : test_f32(SHAPE(2), (float[]){5, 6}));
        op_test_output(&t, version < 21 ? test_f32(SHAPE(1, 2, 1), (float[]){3, 7})
                                        : test_f32(SHAPE(1, 2, 1), (float[]){3, 9}));
        op_test_run(&t);
        t.attrs[1].as.i = 3;
        op_test_fails(&t, ONR_ERR_SHAPE, "num_groups 3 does not divide 2 channels");
    }
}

static void instance_form_takes_each_channel_alone(void **state)
{
    (void)state;
    static const enum onr_dtype types[] = {ONR_FLOAT, ONR_DOUBLE};
    for (int i = 0; i < 2; i++) {
        struct op_test t;
        op_test_begin(&t, "", "InstanceNormalization", 6);
        op_test_float(&t, "epsilon", 0);
        const float f[] = {1, 3, 10, 14};
        const double d[] = {1, 3, 10, 14};
        const float y[] = {-1, 1, -1, 3};
        const double yd[] = {-1, 1, -1, 3};
        op_test_input(&t, test_tensor(types[i], SHAPE(1, 2, 2), i == 0 ? (const void *)f : d));
        op_test_input(&t, test_tensor(types[i], SHAPE(2),
                                      i == 0 ? (const void *)(float[]){1, 2} : (double[]){1, 2}));
        op_test_input(&t, test_tensor(types[i], SHAPE(2),
                                      i == 0 ? (const void *)(float[]){0, 1} : (double[]){0, 1}));
        op_test_output(&t, test_tensor(types[i], SHAPE(1, 2, 2), i == 0 ? (const void *)y : yd));
        op_test_run(&t);
    }
}

static void lp_form_leaves_zeros(void **state)
{
    (void)state;
    for (int64_t p = 1; p < 3; p++) {
        struct op_test t;
        op_test_begin(&t, "", "LpNormalization", 22);
        op_test_int(&t, "p", p);
        op_test_int(&t, "axis", 0);
        op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){3, 0, -4, 0}));
        op_test_output(&t, test_f32(SHAPE(2, 2), p == 1 ? (float[]){3 / 7.f, 0, -4 / 7.f, 0}
                                                        : (float[]){0.6f, 0, -0.8f, 0}));
        op_test_run(&t);
    }
    struct op_test t;
    op_test_begin(&t, "", "LpNormalization", 1);
    op_test_int(&t, "p", 3);
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_output(&t, test_f32(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "p is 3, expected 1 or 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(group_form_scales_groups_before_21_and_channels_since,
                                  test_tensors_free),
        cmocka_unit_test_teardown(instance_form_takes_each_channel_alone, test_tensors_free),
        cmocka_unit_test_teardown(lp_form_leaves_zeros, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
