/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

/* The mean square of {1, 7} is 25. */
static void all_three_spellings(void **state)
{
    (void)state;
    static const struct {
        const char *domain;
        const char *name;
        int64_t version;
        bool has_factor;
    } cases[] = {
        {"", "RMSNormalization", 23, false},
        {"", "SimplifiedLayerNormalization", 17, true},
        {"com.microsoft", "SimplifiedLayerNormalization", 1, true},
    };
    for (size_t i = 0; i < 3; i++) {
        struct op_test t;
        op_test_begin(&t, cases[i].domain, cases[i].name, cases[i].version);
        op_test_float(&t, "epsilon", 0);
        op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){1, 7, -14, 2}));
        op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 10}));
        op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){0.2f, 14, -1.4f, 2}));
        if (cases[i].has_factor) {
            op_test_output(&t, test_f32(SHAPE(2, 1), (float[]){0.2f, 0.1f}));
        }
        op_test_run(&t);
    }
}

static void output_has_the_type_of_scale(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "RMSNormalization", 23);
    op_test_float(&t, "epsilon", 0);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 2), (uint16_t[]){0x3c00, 0x4700}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 10}));
    op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){0.2f, 14}));
    op_test_run(&t);

    op_test_begin(&t, "", "RMSNormalization", 23);
    op_test_float(&t, "epsilon", 0);
    op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){1, 7}));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1), (double[]){5}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 2), (double[]){1, 7}));
    op_test_run(&t);
}

static void scale_must_fit(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "RMSNormalization", 23);
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_input(&t, test_f32(SHAPE(3), NULL));
    op_test_output(&t, test_f32(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "scale of shape 3 cannot be broadcast to 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(all_three_spellings, test_tensors_free),
        cmocka_unit_test_teardown(output_has_the_type_of_scale, test_tensors_free),
        cmocka_unit_test_teardown(scale_must_fit, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
