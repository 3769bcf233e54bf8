/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void check(const char *op, int version, size_t count, const struct onr_tensor *const *inputs,
                  const struct onr_tensor *y)
{
    struct op_test t;
    op_test_begin(&t, "", op, version);
    for (size_t i = 0; i < count; i++) {
        op_test_input(&t, inputs[i]);
    }
    op_test_output(&t, y);
    op_test_run(&t);
}

static void three_inputs_of_floats(void **state)
{
    (void)state;
    const struct onr_tensor *x[] = {test_f32(SHAPE(4), (float[]){3, NAN, 1, -INFINITY}),
                                    test_f32(SHAPE(4), (float[]){1, 5, NAN, 2}),
                                    test_f32(SHAPE(4), (float[]){2, 6, 1, 3})};
    check("Max", 13, 3, x, test_f32(SHAPE(4), (float[]){3, NAN, NAN, 3}));
    check("Min", 8, 3, x, test_f32(SHAPE(4), (float[]){1, NAN, NAN, -INFINITY}));
    check("Sum", 13, 3, x, test_f32(SHAPE(4), (float[]){6, NAN, NAN, -INFINITY}));
    check("Mean", 13, 3, x, test_f32(SHAPE(4), (float[]){2, NAN, NAN, -INFINITY}));
}

static void one_input_is_copied(void **state)
{
    (void)state;
    const struct onr_tensor *x[] = {test_f32(SHAPE(3), (float[]){1, NAN, -2})};
    check("Max", 13, 1, x, x[0]);
    check("Mean", 6, 1, x, x[0]);
}

static void inputs_broadcast(void **state)
{
    (void)state;
    const struct onr_tensor *x[] = {test_f32(SCALAR, (float[]){1}),
                                    test_f32(SHAPE(2, 1), (float[]){10, 20}),
                                    test_f32(SHAPE(3), (float[]){100, 200, 300})};
    check("Sum", 8, 3, x, test_f32(SHAPE(2, 3), (float[]){111, 211, 311, 121, 221, 321}));
    const struct onr_tensor *wide = test_f32(SHAPE(40, 1001), NULL); /* blocks and threads */
    const struct onr_tensor *y = test_f32(SHAPE(40, 1001), NULL);
    test_random(3, 40040, wide->data);
    for (int i = 0; i < 40040; i++) {
        float v = ((const float *)wide->data)[i];
        ((float *)y->data)[i] = v > 0.25f ? v : 0.25f;
    }
    check("Max", 12, 2, (const struct onr_tensor *[]){test_f32(SCALAR, (float[]){0.25f}), wide}, y);
    check("Min", 13, 2,
          (const struct onr_tensor *[]){test_f32(SHAPE(0, 1), NULL), test_f32(SHAPE(1, 2), NULL)},
          test_f32(SHAPE(0, 2), NULL));
}

static void other_types(void **state)
{
    (void)state;
    const struct onr_tensor *ints[] = {
        test_tensor(ONR_UINT8, SHAPE(2), (uint8_t[]){200, 1}),
        test_tensor(ONR_UINT8, SHAPE(2), (uint8_t[]){100, 2}),
    };
    check("Max", 12, 2, ints, test_tensor(ONR_UINT8, SHAPE(2), (uint8_t[]){200, 2}));
    check("Min", 12, 2, ints, test_tensor(ONR_UINT8, SHAPE(2), (uint8_t[]){100, 1}));
    const struct onr_tensor *wide[] = {
        test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){1, 2}),
        test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){4, 5}),
    };
    check("Mean", 13, 2, wide, test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){2.5, 3.5}));
    /* 2048 + 1 + 1: adding in float16 would stay at 2048 */
    const struct onr_tensor *half[] = {test_tensor(ONR_FLOAT16, SHAPE(1), (uint16_t[]){0x6800}),
                                       test_tensor(ONR_FLOAT16, SCALAR, (uint16_t[]){0x3c00}),
                                       test_tensor(ONR_FLOAT16, SHAPE(1), (uint16_t[]){0x3c00})};
    check("Sum", 13, 3, half, test_tensor(ONR_FLOAT16, SHAPE(1), (uint16_t[]){0x6801}));
}

static void wrong_inputs_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Sum", 13);
    op_test_input(&t, test_i64(SHAPE(2), NULL));
    op_test_output(&t, test_i64(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "input 0 of type int64");
    op_test_begin(&t, "", "Max", 13);
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_input(&t, NULL);
    op_test_output(&t, test_f32(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "input 1 is empty");
    op_test_begin(&t, "", "Max", 13);
    op_test_output(&t, test_f32(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "0 inputs, expected at least 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(three_inputs_of_floats, test_tensors_free),
        cmocka_unit_test_teardown(one_input_is_copied, test_tensors_free),
        cmocka_unit_test_teardown(inputs_broadcast, test_tensors_free),
        cmocka_unit_test_teardown(other_types, test_tensors_free),
        cmocka_unit_test_teardown(wrong_inputs_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
