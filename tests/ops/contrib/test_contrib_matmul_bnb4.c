/* SPDX-License-Identifier: Apache-2.0 */
/* MatMulBnb4; over its attributes: tests/contrib. */
#include "support/op_test.h"

#define test_u8(...) test_tensor(ONR_UINT8, __VA_ARGS__)

/* W: 2 x 3 of FP4 codes 3 (1), 5 (0.5), 11 (-1); one scale of 2. */
static void begin(struct op_test *t, int64_t is_transposed)
{
    op_test_begin(t, "com.microsoft", "MatMulBnb4", 1);
    op_test_int(t, "N", 2);
    op_test_int(t, "K", 3);
    op_test_int(t, "block_size", 16);
    op_test_int(t, "quant_type", 0);
    op_test_int(t, "transB", is_transposed);
    op_test_input(t, is_transposed ? test_f32(SHAPE(1, 3), (float[]){1, 10, 100})
                                   : test_f32(SHAPE(1, 2), (float[]){1, 10}));
    op_test_input(t, test_u8(SHAPE(3), (uint8_t[]){0x35, 0xb5, 0x33}));
    op_test_input(t, test_f32(SHAPE(1), (float[]){2}));
}

static void weights_are_used_both_ways(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1);
    op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){2 + 10 - 200, 1 + 20 + 200}));
    op_test_run(&t);
    begin(&t, 0);
    op_test_output(&t, test_f32(SHAPE(1, 3), (float[]){2 + 10, 1 + 20, -2 + 20}));
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_FLOAT16, SHAPE(1, 2), (uint16_t[]){0x3c00, 0x4900});
    t.inputs[2] = test_tensor(ONR_FLOAT16, SHAPE(1), (uint16_t[]){0x4000});
    t.outputs[0] = test_tensor(ONR_FLOAT16, SHAPE(1, 3), (uint16_t[]){0x4a00, 0x4d40, 0x4c80});
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_FLOAT16, SHAPE(0, 2), NULL);
    t.outputs[0] = test_tensor(ONR_FLOAT16, SHAPE(0, 3), NULL);
    op_test_run(&t);
}

static void the_table_of_nf4(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "MatMulBnb4", 1);
    op_test_int(&t, "N", 2);
    op_test_int(&t, "K", 1);
    op_test_int(&t, "block_size", 16);
    op_test_int(&t, "quant_type", 1);
    op_test_input(&t, test_f32(SHAPE(1), (float[]){1}));
    op_test_input(&t, test_u8(SHAPE(1), (uint8_t[]){0x0e}));
    op_test_input(&t, test_f32(SHAPE(1), (float[]){1}));
    op_test_output(&t, test_f32(SHAPE(2), (float[]){-1, 0.72295684f}));
    op_test_run(&t);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1);
    op_test_output(&t, test_f32(SHAPE(1, 2), NULL));
    t.inputs[0] = test_f32(SHAPE(1, 4), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "A has shape 1x4, expected [..., 3]");
    t.inputs[1] = test_u8(SHAPE(4), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "B has shape 4, expected 3 elements in all");
    t.inputs[1] = test_u8(SHAPE(3), NULL);
    t.inputs[2] = test_f32(SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "absmax has shape 2, expected 1 elements in all");
    t.attrs[3].as.i = 2;
    op_test_fails(&t, ONR_ERR_MODEL, "attribute quant_type is 2, expected 0 (FP4) or 1 (NF4)");
    t.attrs[2].as.i = 8;
    op_test_fails(&t, ONR_ERR_MODEL, "attribute block_size is 8, expected a power of two from 16");
    t.attrs[1].as.i = -1;
    op_test_fails(&t, ONR_ERR_MODEL, "attribute K is -1, expected 1 to 2147483647");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(weights_are_used_both_ways, test_tensors_free),
        cmocka_unit_test_teardown(the_table_of_nf4, test_tensors_free),
        cmocka_unit_test_teardown(what_does_not_fit_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
