/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void begin(struct op_test *t, const struct onr_tensor *x, int64_t image, int64_t block)
{
    op_test_begin(t, "", "Col2Im", 18);
    op_test_input(t, x);
    op_test_input(t, test_i64(SHAPE(1), &image));
    op_test_input(t, test_i64(SHAPE(1), &block));
}

/* Blocks (a, b) and (c, d) of which b and c overlap. */
static void check_sum(enum onr_dtype dtype, const void *x, const void *y)
{
    struct op_test t;
    begin(&t, test_tensor(dtype, SHAPE(1, 2, 2), x), 3, 2);
    op_test_output(&t, test_tensor(dtype, SHAPE(1, 1, 3), y));
    op_test_run(&t);
}

static void overlapping_blocks_are_summed_in_any_type(void **state)
{
    (void)state;
    check_sum(ONR_FLOAT, (float[]){1, 2, 3, 4}, (float[]){1, 5, 4});
    check_sum(ONR_DOUBLE, (double[]){1, 2, 3, 4}, (double[]){1, 5, 4});
    check_sum(ONR_FLOAT16, (uint16_t[]){0x3c00, 0x3c00, 0x3c00, 0},
              (uint16_t[]){0x3c00, 0x4000, 0});
    check_sum(ONR_INT8, (int8_t[]){1, 100, 100, -4}, (int8_t[]){1, -56, -4});
    check_sum(ONR_UINT64, (uint64_t[]){1, UINT64_MAX, 2, 4}, (uint64_t[]){1, 1, 4});
    check_sum(ONR_INT64, (int64_t[]){1, INT64_MAX, 1, 4}, (int64_t[]){1, INT64_MIN, 4});
    check_sum(ONR_BOOL, (uint8_t[]){0, 1, 1, 0}, (uint8_t[]){0, 1, 0});
    check_sum(ONR_COMPLEX64, (float[]){1, 2, 3, 4, 5, 6, 7, 8}, (float[]){1, 2, 8, 10, 7, 8});
}

static void strides_dilations_and_pads_move_taps(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_f32(SHAPE(1, 4, 2), (float[]){1, 2, 3, 4, 5, 6, 7, 8}), 4, 2);
    op_test_ints(&t, "strides", 1, (int64_t[]){3});
    op_test_ints(&t, "dilations", 1, (int64_t[]){2});
    op_test_ints(&t, "pads", 2, (int64_t[]){1, 1});
    /* taps of block 0 at -1 and 1, of block 1 at 2 and 4 */
    op_test_output(&t, test_f32(SHAPE(1, 2, 4), (float[]){0, 3, 2, 0, 0, 7, 6, 0}));
    op_test_run(&t);
}

static void empty_batches(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_f32(SHAPE(0, 2, 2), NULL), 3, 2);
    op_test_output(&t, test_f32(SHAPE(0, 1, 3), NULL));
    op_test_run(&t);
}

static void check_refused(const struct onr_tensor *x, int64_t image, int64_t block,
                          enum onr_status status, const char *text)
{
    struct op_test t;
    begin(&t, x, image, block);
    op_test_output(&t, x);
    op_test_fails(&t, status, text);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    const struct onr_tensor *x = test_f32(SHAPE(1, 2, 2), NULL);
    check_refused(test_f32(SHAPE(2, 2), NULL), 3, 2, ONR_ERR_SHAPE, "x has shape 2x2");
    check_refused(x, 4, 2, ONR_ERR_SHAPE, "x has shape 1x2x2, expected ?x?x3");
    check_refused(x, 4, 3, ONR_ERR_SHAPE, "2 does not divide into 3");
    check_refused(x, 1, 2, ONR_ERR_SHAPE, "a block of 2 is larger than image dimension 0, 1");
    check_refused(x, 3, 0, ONR_ERR_VALUE, "block_shape[0] is 0");
    check_refused(x, -1, 2, ONR_ERR_VALUE, "image_shape[0] is -1");
    check_refused(test_tensor(ONR_STRING, SHAPE(0, 2, 2), NULL), 3, 2, ONR_ERR_UNSUPPORTED,
                  "strings cannot be summed");
    struct op_test t;
    begin(&t, x, 3, 2);
    op_test_ints(&t, "strides", 1, (int64_t[]){0});
    op_test_output(&t, x);
    op_test_fails(&t, ONR_ERR_MODEL, "strides[0] is 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(overlapping_blocks_are_summed_in_any_type, test_tensors_free),
        cmocka_unit_test_teardown(strides_dilations_and_pads_move_taps, test_tensors_free),
        cmocka_unit_test_teardown(empty_batches, test_tensors_free),
        cmocka_unit_test_teardown(bad_input_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
