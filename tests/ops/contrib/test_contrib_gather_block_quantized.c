/* SPDX-License-Identifier: Apache-2.0 */
/* GatherBlockQuantized; over its attributes: tests/contrib. */
#include "support/op_test.h"

/* Three rows of 16 numbers of 4 bits: row i is all i + 7. */
static void begin(struct op_test *t)
{
    uint8_t data[24];
    for (int i = 0; i < 24; i++) {
        data[i] = (uint8_t)((i / 8 + 7) * 0x11);
    }
    op_test_begin(t, "com.microsoft", "GatherBlockQuantized", 1);
    op_test_int(t, "block_size", 16);
    op_test_input(t, test_tensor(ONR_UINT8, SHAPE(3, 8), data));
    op_test_input(t, test_i64(SHAPE(2), (int64_t[]){-1, 3}));
    op_test_input(t, test_f32(SHAPE(3, 1), (float[]){1, 2, 3}));
}

static void rows_are_dequantised_and_missing_ones_are_zero(void **state)
{
    (void)state;
    float y[32] = {0};
    struct op_test t;
    begin(&t);
    for (int i = 0; i < 16; i++) {
        y[i] = 3;
    }
    op_test_output(&t, test_f32(SHAPE(2, 16), y));
    op_test_run(&t);
    op_test_input(&t, test_tensor(ONR_UINT8, SHAPE(3, 1), (uint8_t[]){0, 0, 0x0b}));
    for (int i = 0; i < 16; i++) {
        y[i] = -6;
    }
    t.outputs[0] = test_f32(SHAPE(2, 16), y);
    op_test_run(&t);
    t.inputs[1] = test_i64(SHAPE(1), (int64_t[]){INT64_MIN});
    t.outputs[0] = test_f32(SHAPE(1, 16), NULL);
    op_test_run(&t);
    t.inputs[1] = test_i64(SHAPE(0), NULL);
    t.outputs[0] = test_f32(SHAPE(0, 16), NULL);
    op_test_run(&t);
}

static void a_scalar_index_drops_the_axis(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "GatherBlockQuantized", 1);
    op_test_int(&t, "block_size", 16);
    op_test_int(&t, "gather_axis", 1);
    op_test_int(&t, "quantize_axis", 0);
    op_test_input(&t, test_tensor(ONR_INT4, SHAPE(2, 2), (int8_t[]){1, -8, 3, 7}));
    op_test_input(&t, test_tensor(ONR_INT32, SCALAR, (int32_t[]){1}));
    op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){100, 0.5f}));
    op_test_input(&t, test_tensor(ONR_INT4, SHAPE(1, 2), (int8_t[]){0, -1}));
    op_test_output(&t, test_f32(SHAPE(2), (float[]){-3.5f, 4}));
    op_test_run(&t);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_output(&t, test_f32(SHAPE(2, 16), NULL));
    t.inputs[2] = test_f32(SHAPE(3, 2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "scales of shape 3x2 do not fit 3x16 elements");
    t.inputs[2] = test_f32(SHAPE(3, 1), NULL);
    op_test_input(&t, test_tensor(ONR_UINT8, SHAPE(3, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "zero_points of shape 3x2 do not fit 3x16 elements");
    t.inputs[3] = NULL;
    t.attrs[0].as.i = 0;
    op_test_fails(&t, ONR_ERR_MODEL, "attribute block_size is 0, expected a power of two from 16");
    t.attrs[0].as.i = 16;
    op_test_int(&t, "gather_axis", 1);
    op_test_fails(&t, ONR_ERR_MODEL, "attribute gather_axis is 1, expected 0 for uint8 data");
    t.attrs[1].as.i = 2;
    op_test_fails(&t, ONR_ERR_SHAPE, "axis 2");
    t.attrs[1].as.i = 0;
    op_test_int(&t, "quantize_axis", 0);
    op_test_fails(&t, ONR_ERR_MODEL, "gather_axis and quantize_axis are both 0");
    op_test_int(&t, "bits", 5);
    op_test_fails(&t, ONR_ERR_MODEL, "attribute bits is 5, expected 2, 4 or 8");
}

static void floats_have_no_zero_points(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "GatherBlockQuantized", 1);
    op_test_int(&t, "block_size", 0);
    op_test_input(&t, test_tensor(ONR_FLOAT8E5M2, SHAPE(1, 2), (uint8_t[]){0x3c, 0xc0}));
    op_test_input(&t, test_i64(SCALAR, (int64_t[]){0}));
    op_test_input(&t, test_tensor(ONR_BFLOAT16, SHAPE(1, 1), (uint16_t[]){0x4040}));
    op_test_output(&t, test_tensor(ONR_BFLOAT16, SHAPE(2), (uint16_t[]){0x4040, 0xc0c0}));
    op_test_run(&t);
    op_test_input(&t, test_tensor(ONR_FLOAT8E5M2, SHAPE(1, 1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "data of floats have no zero points");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(rows_are_dequantised_and_missing_ones_are_zero,
                                  test_tensors_free),
        cmocka_unit_test_teardown(a_scalar_index_drops_the_axis, test_tensors_free),
        cmocka_unit_test_teardown(what_does_not_fit_is_refused, test_tensors_free),
        cmocka_unit_test_teardown(floats_have_no_zero_points, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
