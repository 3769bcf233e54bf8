/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void bit_cast(struct op_test *t, int64_t to, const struct onr_tensor *x)
{
    op_test_begin(t, "", "BitCast", 26);
    op_test_int(t, "to", to);
    op_test_input(t, x);
}

static void bits_stay(void **state)
{
    (void)state;
    struct op_test t;
    bit_cast(&t, ONR_UINT32, test_f32(SHAPE(2), (float[]){1, -2}));
    op_test_output(&t, test_tensor(ONR_UINT32, SHAPE(2), (uint32_t[]){0x3f800000, 0xc0000000}));
    op_test_run(&t);
    bit_cast(&t, ONR_INT4, test_tensor(ONR_UINT4, SHAPE(2), (uint8_t[]){15, 7}));
    op_test_output(&t, test_tensor(ONR_INT4, SHAPE(2), (int8_t[]){-1, 7}));
    op_test_run(&t);
    bit_cast(&t, ONR_FLOAT4E2M1, test_tensor(ONR_INT4, SCALAR, (int8_t[]){-8}));
    op_test_output(&t, test_tensor(ONR_FLOAT4E2M1, SCALAR, (uint8_t[]){8}));
    op_test_run(&t);
}

static void widths_must_be_equal(void **state)
{
    (void)state;
    struct op_test t;
    bit_cast(&t, ONR_INT16, test_f32(SHAPE(1), NULL));
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "float has 32 bits, int16 has 16");
    bit_cast(&t, ONR_STRING, test_f32(SHAPE(1), NULL));
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "to is 8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(bits_stay, test_tensors_free),
        cmocka_unit_test_teardown(widths_must_be_equal, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
