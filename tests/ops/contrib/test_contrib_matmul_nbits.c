/* SPDX-License-Identifier: Apache-2.0 */
/* MatMulNBits; over its attributes: tests/contrib. */
#include "support/op_test.h"

#include <math.h>
#include <string.h>

#define test_u8(...) test_tensor(ONR_UINT8, __VA_ARGS__)

/* K = 16, N = 2: the first column has weights 1, the second 0 and 1 in turn; scales 1 and 0.5. */
static void begin(struct op_test *t, size_t rows)
{
    float a[3 * 16];
    for (size_t i = 0; i < 3 * 16; i++) {
        a[i] = (float)(i % 16);
    }
    op_test_begin(t, "com.microsoft", "MatMulNBits", 1);
    op_test_int(t, "K", 16);
    op_test_int(t, "N", 2);
    op_test_int(t, "block_size", 16);
    op_test_input(t, test_f32(SHAPE((int64_t)rows, 16), a));
    op_test_input(
        t, test_u8(SHAPE(2, 1, 8), (uint8_t[]){0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x99, 0x98,
                                               0x98, 0x98, 0x98, 0x98, 0x98, 0x98, 0x98}));
    op_test_input(t, test_f32(SHAPE(2), (float[]){1, 0.5f}));
}

static void low_bits_come_first_for_few_and_many_rows(void **state)
{
    (void)state;
    for (size_t rows = 1; rows <= 3; rows++) {
        struct op_test t;
        begin(&t, rows);
        /* sum i = 120; sum of even i = 56, of odd i = 64 */
        op_test_output(&t, test_f32(SHAPE((int64_t)rows, 2), (float[]){120, 32, 120, 32, 120, 32}));
        op_test_run(&t);
        op_test_input(&t, test_u8(SHAPE(2, 1), (uint8_t[]){0xf9, 0x06}));
        t.outputs[0] = test_f32(SHAPE((int64_t)rows, 2), (float[]){0, 152, 0, 152, 0, 152});
        op_test_run(&t);
        t.inputs[3] = test_f32(SHAPE(2, 1), (float[]){8.5f, 8});
        op_test_input(&t, NULL);
        op_test_input(&t, test_f32(SHAPE(2), (float[]){100, -1}));
        t.outputs[0] = test_f32(SHAPE((int64_t)rows, 2), (float[]){160, 31, 160, 31, 160, 31});
        op_test_run(&t);
    }
}

static void groups_may_be_other_than_blocks(void **state)
{
    (void)state;
    float a[20];
    uint8_t b[32] = {0};
    int32_t groups[20];
    for (int i = 0; i < 20; i++) {
        a[i] = 1;
        b[i] = 129;
        groups[i] = i % 2;
    }
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "MatMulNBits", 1);
    op_test_int(&t, "K", 20);
    op_test_int(&t, "N", 1);
    op_test_int(&t, "bits", 8);
    op_test_int(&t, "block_size", 16);
    op_test_input(&t, test_f32(SHAPE(1, 20), a));
    op_test_input(&t, test_u8(SHAPE(1, 2, 16), b));
    op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){1, 100}));
    op_test_input(&t, NULL);
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(20), groups));
    op_test_output(&t, test_f32(SHAPE(1, 1), (float[]){1010}));
    op_test_run(&t);
    groups[7] = 2;
    t.inputs[4] = test_tensor(ONR_INT32, SHAPE(20), groups);
    op_test_fails(&t, ONR_ERR_VALUE, "g_idx[7] is 2, expected 0 to 1");
    groups[7] = -1;
    t.inputs[4] = test_tensor(ONR_INT32, SHAPE(20), groups);
    op_test_fails(&t, ONR_ERR_VALUE, "g_idx[7] is -1, expected 0 to 1");
}

/* With 1e8 + 1 = 1e8 the order of a sum shows. */
static void a_row_is_summed_alike_alone_and_among_others(void **state)
{
    (void)state;
    for (size_t rows = 1; rows <= 17; rows++) {
        float a[17 * 32] = {0};
        float want[17];
        uint8_t b[16];
        memset(b, 0x99, sizeof b);
        for (size_t r = 0; r < rows; r++) {
            memcpy(a + r * 32, (float[]){1e8f, 1, -1e8f, 1, 1}, 5 * sizeof *a);
            want[r] = 2;
        }
        struct op_test t;
        op_test_begin(&t, "com.microsoft", "MatMulNBits", 1);
        op_test_int(&t, "K", 32);
        op_test_int(&t, "N", 1);
        op_test_int(&t, "block_size", 16);
        op_test_input(&t, test_f32(SHAPE((int64_t)rows, 32), a));
        op_test_input(&t, test_u8(SHAPE(1, 2, 8), b));
        op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 1}));
        op_test_output(&t, test_f32(SHAPE((int64_t)rows, 1), want));
        op_test_run(&t);
    }
}

/* max |a| is 127, so that the codes are the numbers, rounded to even; and 254 in the last row. */
static void accuracy_level_4_rounds_to_8_bits(void **state)
{
    (void)state;
    float a[3 * 20] = {127,           2.5f,        3.5f,         -0.5f,      1.4f,       [16] = 1,
                       [17] = 0.499f, [20] = -127, [39] = 0.25f, [40] = 254, [41] = 2.9f};
    uint8_t b[20];
    memset(b, 0x99, sizeof b);
    b[0] = 0xa9; /* the second weight is 2 */
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "MatMulNBits", 1);
    op_test_int(&t, "K", 20);
    op_test_int(&t, "N", 1);
    op_test_int(&t, "block_size", 16);
    op_test_int(&t, "accuracy_level", 4);
    op_test_input(&t, test_f32(SHAPE(3, 20), a));
    op_test_input(&t, test_u8(SHAPE(1, 2, 8), b));
    op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){1, 10}));
    float second = 10 * (1 + 63.0f / 127); /* 0.499 * 127 is 63.4 */
    op_test_output(&t,
                   test_f32(SHAPE(3, 1), (float[]){127 + 4 + 4 + 1 + second, -127 + 2.5f, 258}));
    op_test_run(&t);
    op_test_input(&t, test_u8(SHAPE(1, 1), (uint8_t[]){0x88}));
    op_test_run(&t);
    a[1] = INFINITY; /* is no number in 8 bits */
    t.inputs[0] = test_f32(SHAPE(3, 20), a);
    t.outputs[0] = test_f32(SHAPE(3, 1), (float[]){NAN, -127 + 2.5f, 258});
    op_test_run(&t);
}

static void accuracy_level_4_keeps_float32_where_zero_points_are_not_packed(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1);
    float a[16] = {127, 2.5f};
    t.inputs[0] = test_f32(SHAPE(1, 16), a);
    op_test_int(&t, "accuracy_level", 4);
    op_test_input(&t, test_f32(SHAPE(2, 1), (float[]){8, 8}));
    op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){129.5f, 1.25f}));
    op_test_run(&t);
}

static void bfloat16_is_rounded_once(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1);
    uint16_t a[16];
    for (int i = 0; i < 16; i++) {
        a[i] = 0x3f80; /* 1 */
    }
    t.inputs[0] = test_tensor(ONR_BFLOAT16, SHAPE(1, 16), a);
    t.inputs[2] = test_tensor(ONR_BFLOAT16, SHAPE(2, 1), (uint16_t[]){0x3f80, 0x3f00});
    op_test_output(&t, test_tensor(ONR_BFLOAT16, SHAPE(1, 2), (uint16_t[]){0x4180, 0x4080}));
    op_test_run(&t);
}

static void no_rows_give_no_rows(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1);
    t.inputs[0] = test_f32(SHAPE(2, 0, 16), NULL);
    op_test_output(&t, test_f32(SHAPE(2, 0, 2), NULL));
    op_test_run(&t);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1);
    op_test_output(&t, test_f32(SHAPE(1, 2), NULL));
    const struct onr_tensor *a = t.inputs[0];
    t.inputs[0] = test_f32(SHAPE(1, 15), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "A has shape 1x15, expected [..., 16]");
    t.inputs[0] = a;
    const struct onr_tensor *b = t.inputs[1];
    t.inputs[1] = test_u8(SHAPE(2, 1, 4), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "B has shape 2x1x4, expected 16 elements in all");
    t.inputs[1] = b;
    t.inputs[2] = test_f32(SHAPE(3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "scales has shape 3, expected 2 elements in all");
    t.inputs[2] = test_f32(SHAPE(2), NULL);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "zero_points are float16, expected uint8 or float");
    t.inputs[3] = NULL;
    t.attrs[2].as.i = 24;
    op_test_fails(&t, ONR_ERR_MODEL, "attribute block_size is 24, expected a power of two from 16");
    t.attrs[2].as.i = 16;
    t.attrs[0].as.i = 0;
    op_test_fails(&t, ONR_ERR_MODEL, "attribute K is 0, expected 1 to 2147483647");
    t.attrs[0].as.i = 16;
    op_test_int(&t, "weight_prepacked", 1);
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "weights packed for a GPU");
    op_test_int(&t, "bits", 3);
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "attribute bits is 3, supported are 2, 4 and 8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(low_bits_come_first_for_few_and_many_rows, test_tensors_free),
        cmocka_unit_test_teardown(groups_may_be_other_than_blocks, test_tensors_free),
        cmocka_unit_test_teardown(a_row_is_summed_alike_alone_and_among_others, test_tensors_free),
        cmocka_unit_test_teardown(accuracy_level_4_rounds_to_8_bits, test_tensors_free),
        cmocka_unit_test_teardown(accuracy_level_4_keeps_float32_where_zero_points_are_not_packed,
                                  test_tensors_free),
        cmocka_unit_test_teardown(bfloat16_is_rounded_once, test_tensors_free),
        cmocka_unit_test_teardown(no_rows_give_no_rows, test_tensors_free),
        cmocka_unit_test_teardown(what_does_not_fit_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
