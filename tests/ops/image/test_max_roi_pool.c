/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static const int64_t two_by_two[] = {2, 2};

/* One region on the images -1..-9 and 1..9, as 2 x 2 bins. */
static void begin(struct op_test *t, int64_t version, const float *region)
{
    const float x[] = {-1, -2, -3, -4, -5, -6, -7, -8, -9, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    op_test_begin(t, "", "MaxRoiPool", version);
    op_test_ints(t, "pooled_shape", 2, two_by_two);
    op_test_input(t, test_f32(SHAPE(2, 1, 3, 3), x));
    op_test_input(t, test_f32(SHAPE(1, 5), region));
}

static void bins_share_pixels_and_include_their_ends(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (float[]){1, 0, 0, 2, 2});
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){5, 6, 8, 9}));
    op_test_run(&t);
    begin(&t, 22, (float[]){0, 2, 2, 3.2f, 3.2f});
    op_test_float(&t, "spatial_scale", 0.5f);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){-5, -6, -8, -9}));
    op_test_run(&t);
}

static void outside_is_zero_and_regions_have_a_pixel(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 22, (float[]){1, 2, 2, 3, 3});
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){9, 0, 0, 0}));
    op_test_run(&t);
    begin(&t, 22, (float[]){1, 1, 1, -7, -7});
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){5, 5, 5, 5}));
    op_test_run(&t);
    begin(&t, 22, (float[]){1, -3e38f, 1, -2e38f, 1});
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), NULL));
    op_test_run(&t);
}

static void every_float_type_works_and_nan_wins(void **state)
{
    (void)state;
    struct op_test t;
    const double x[] = {(double)NAN, 2, -1, -3};
    op_test_begin(&t, "", "MaxRoiPool", 22);
    op_test_ints(&t, "pooled_shape", 2, (int64_t[]){1, 1});
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 2, 1, 2), x));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 5), (double[]){0, 0, 0, 1, 0}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 2, 1, 1), (double[]){(double)NAN, -1}));
    op_test_run(&t);
    static const enum onr_dtype halves[] = {ONR_FLOAT16, ONR_BFLOAT16};
    for (size_t i = 0; i < 2; i++) {
        t.inputs[0] = test_tensor(halves[i], SHAPE(1, 1, 1, 2), (uint16_t[]){0x4000, 0x3c00});
        t.inputs[1] = test_tensor(halves[i], SHAPE(1, 5), NULL);
        t.outputs[0] = test_tensor(halves[i], SHAPE(1, 1, 1, 1), (uint16_t[]){0x4000});
        op_test_run(&t);
    }
    t.version = 21;
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "bfloat16");
}

static void no_regions_give_none(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 22, (float[]){0, 0, 0, 0, 0});
    t.inputs[1] = test_f32(SHAPE(0, 5), NULL);
    op_test_output(&t, test_f32(SHAPE(0, 1, 2, 2), NULL));
    op_test_run(&t);
}

static void wrong_operands_and_attributes_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 22, (float[]){2, 0, 0, 0, 0});
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "image 2");
    t.inputs[1] = test_f32(SHAPE(1, 5), (float[]){NAN, 0, 0, 0, 0});
    op_test_fails(&t, ONR_ERR_VALUE, "region 0");
    t.inputs[1] = test_f32(SHAPE(1, 5), (float[]){0, 0, INFINITY, 0, 0});
    op_test_fails(&t, ONR_ERR_VALUE, "coordinate inf");
    t.inputs[1] = test_f32(SHAPE(1, 4), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "rois");
    t.inputs[0] = test_f32(SHAPE(1, 3, 3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "x has shape");
    t.attr_count = 0;
    op_test_ints(&t, "pooled_shape", 1, two_by_two);
    op_test_fails(&t, ONR_ERR_MODEL, "pooled_shape");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(bins_share_pixels_and_include_their_ends, test_tensors_free),
        cmocka_unit_test_teardown(outside_is_zero_and_regions_have_a_pixel, test_tensors_free),
        cmocka_unit_test_teardown(every_float_type_works_and_nan_wins, test_tensors_free),
        cmocka_unit_test_teardown(no_regions_give_none, test_tensors_free),
        cmocka_unit_test_teardown(wrong_operands_and_attributes_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
