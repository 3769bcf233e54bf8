/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void gate_is_swish_of_a(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "SwiGLU", 28);
    op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){1, -1, 0, 2}));
    op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){2, 3, 4, NAN}));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){1.4621172f, -0.8068243f, 0, NAN}));
    op_test_run(&t);
    op_test_begin(&t, "", "SwiGLU", 28);
    op_test_float(&t, "alpha", 2);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1), (double[]){1}));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1), (double[]){2}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(1), (double[]){1.7615941559557649}));
    op_test_run(&t);
    op_test_begin(&t, "", "SwiGLU", 28);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SCALAR, (uint16_t[]){0x3c00}));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SCALAR, (uint16_t[]){0x4000}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SCALAR, (uint16_t[]){0x3dd9}));
    op_test_run(&t);
}

static void blocks_join_without_a_seam(void **state)
{
    (void)state;
    float a[1000];
    float b[1000];
    float y[1000];
    struct op_test t;
    test_random(1, 1000, a);
    test_random(2, 1000, b);
    for (size_t i = 0; i < 1000; i++) {
        y[i] = (float)((double)a[i] / (1.0 + exp(-(double)a[i])) * (double)b[i]);
    }
    op_test_begin(&t, "", "SwiGLU", 28);
    op_test_input(&t, test_f32(SHAPE(1000), a));
    op_test_input(&t, test_f32(SHAPE(1000), b));
    op_test_output(&t, test_f32(SHAPE(1000), y));
    op_test_run(&t);
    op_test_begin(&t, "", "SwiGLU", 28);
    op_test_input(&t, test_f32(SHAPE(3, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(3, 0), NULL));
    op_test_output(&t, test_f32(SHAPE(3, 0), NULL));
    op_test_run(&t);
}

static void shapes_are_not_broadcast(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "SwiGLU", 28);
    op_test_input(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "a has shape 2x2 and b 2x1, expected the same");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(gate_is_swish_of_a, test_tensors_free),
        cmocka_unit_test_teardown(blocks_join_without_a_seam, test_tensors_free),
        cmocka_unit_test_teardown(shapes_are_not_broadcast, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
