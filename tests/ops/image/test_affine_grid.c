/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void positions_are_scaled_and_shifted(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "AffineGrid", 20);
    op_test_input(&t, test_f32(SHAPE(1, 2, 3), (float[]){2, 0, 1, 0, 1, -1}));
    op_test_input(&t, test_i64(SHAPE(4), (int64_t[]){1, 7, 1, 2}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){0, -1, 2, -1}));
    op_test_run(&t);
    op_test_int(&t, "align_corners", 1);
    t.output_count = 0;
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){-1, -2, 3, -2}));
    op_test_run(&t);
}

static void axes_of_a_volume_are_listed_backwards(void **state)
{
    (void)state;
    const double theta[24] = {[0] = 1, [5] = 1, [10] = 1, [12] = 3, [17] = 3, [22] = 3};
    struct op_test t;
    op_test_begin(&t, "", "AffineGrid", 20);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2, 3, 4), theta));
    op_test_input(&t, test_i64(SHAPE(5), (int64_t[]){2, 1, 2, 1, 1}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(2, 2, 1, 1, 3),
                                   (double[]){0, 0, -0.5, 0, 0, 0.5, 0, 0, -1.5, 0, 0, 1.5}));
    op_test_run(&t);
}

static void half_types_and_empty_grids(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "AffineGrid", 20);
    op_test_input(&t,
                  test_tensor(ONR_FLOAT16, SHAPE(1, 2, 3), (uint16_t[]){0, 0, 0x3c00, 0, 0, 0}));
    op_test_input(&t, test_i64(SHAPE(4), (int64_t[]){1, 1, 1, 1}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1, 1, 2), (uint16_t[]){0x3c00, 0}));
    op_test_run(&t);
    op_test_begin(&t, "", "AffineGrid", 20);
    op_test_input(&t, test_tensor(ONR_BFLOAT16, SHAPE(1, 2, 3), NULL));
    op_test_input(&t, test_i64(SHAPE(4), (int64_t[]){1, 1, 0, 3}));
    op_test_output(&t, test_tensor(ONR_BFLOAT16, SHAPE(1, 0, 3, 2), NULL));
    op_test_run(&t);
}

static void check_refused(const struct onr_tensor *theta, const struct onr_tensor *size,
                          enum onr_status status, const char *text)
{
    struct op_test t;
    op_test_begin(&t, "", "AffineGrid", 20);
    op_test_input(&t, theta);
    op_test_input(&t, size);
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, status, text);
}

static void bad_input_is_refused(void **state)
{
    (void)state;
    const struct onr_tensor *theta = test_f32(SHAPE(1, 2, 3), NULL);
    check_refused(theta, test_i64(SHAPE(3), (int64_t[]){1, 1, 1}), ONR_ERR_SHAPE,
                  "size has 3 numbers, expected 4 or 5");
    check_refused(theta, test_i64(SHAPE(5), (int64_t[]){1, 1, 1, 1, 1}), ONR_ERR_SHAPE,
                  "theta has shape 1x2x3, expected ?x3x4");
    check_refused(theta, test_i64(SHAPE(4), (int64_t[]){2, 1, 1, 1}), ONR_ERR_SHAPE,
                  "theta has shape 1x2x3, expected 2x2x3");
    check_refused(theta, test_i64(SHAPE(4), (int64_t[]){1, 1, -1, 1}), ONR_ERR_VALUE,
                  "size[2] is -1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(positions_are_scaled_and_shifted, test_tensors_free),
        cmocka_unit_test_teardown(axes_of_a_volume_are_listed_backwards, test_tensors_free),
        cmocka_unit_test_teardown(half_types_and_empty_grids, test_tensors_free),
        cmocka_unit_test_teardown(bad_input_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
