/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static const float nine[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};

/* One region on the image 1..9, as 2 x 2 bins. */
static void begin(struct op_test *t, int64_t version, const float *region)
{
    op_test_begin(t, "", "RoiAlign", version);
    op_test_int(t, "output_height", 2);
    op_test_int(t, "output_width", 2);
    op_test_input(t, test_f32(SHAPE(1, 1, 3, 3), nine));
    op_test_input(t, test_f32(SHAPE(1, 4), region));
    op_test_input(t, test_i64(SHAPE(1), (int64_t[]){0}));
}

static void samples_are_interpolated(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 10, (float[]){0, 0, 2, 2});
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){3, 4, 6, 7}));
    op_test_run(&t);
    begin(&t, 22, (float[]){1, 1, 5, 5});
    op_test_float(&t, "spatial_scale", 0.5f);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){3, 4, 6, 7}));
    op_test_run(&t);
}

static void a_maximum_is_of_weighted_pixels(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 16, (float[]){0, 0, 2, 2});
    op_test_string(&t, "mode", "max");
    op_test_string(&t, "coordinate_transformation_mode", "output_half_pixel");
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){1.25f, 1.5f, 2, 2.25f}));
    op_test_run(&t);
}

static void more_samples_than_a_chunk_are_averaged(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 10, (float[]){0, 0, 2, 2});
    op_test_int(&t, "sampling_ratio", 9);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){3, 4, 6, 7}));
    op_test_run(&t);
}

static void small_regions_have_a_pixel_unless_half_pixel(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 10, (float[]){1, 1, 0, 0});
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){6, 6.5f, 7.5f, 8}));
    op_test_run(&t);
    begin(&t, 16, (float[]){1, 1, 0, 0});
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){0, 0, 0, 0}));
    op_test_run(&t);
}

static void what_is_outside_or_nan_counts_as_zero(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 10, (float[]){100, 100, 102, 102});
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){0, 0, 0, 0}));
    op_test_run(&t);
    t.inputs[1] = test_f32(SHAPE(1, 4), (float[]){NAN, 0, NAN, 2});
    op_test_run(&t);
    t.inputs[1] = test_f32(SHAPE(1, 4), (float[]){-INFINITY, 0, -INFINITY, 2});
    op_test_run(&t);
}

static void channels_images_and_types(void **state)
{
    (void)state;
    struct op_test t;
    const double x[] = {1, 2, 3, 4};
    op_test_begin(&t, "", "RoiAlign", 22);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2, 2, 1, 1), x));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2, 4), (double[]){0, 0, 1, 1, 0, 0, 1, 1}));
    op_test_input(&t, test_i64(SHAPE(2), (int64_t[]){1, 0}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(2, 2, 1, 1), (double[]){3, 4, 1, 2}));
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_FLOAT16, SHAPE(1, 1, 1, 1), (uint16_t[]){0x4000});
    t.inputs[1] = test_tensor(ONR_FLOAT16, SHAPE(1, 4), (uint16_t[]){0, 0, 0x3c00, 0x3c00});
    t.inputs[2] = test_i64(SHAPE(1), NULL);
    t.outputs[0] = test_tensor(ONR_FLOAT16, SHAPE(1, 1, 1, 1), (uint16_t[]){0x4000});
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_BFLOAT16, SHAPE(1, 1, 1, 1), (uint16_t[]){0x4000});
    t.inputs[1] = test_tensor(ONR_BFLOAT16, SHAPE(1, 4), (uint16_t[]){0, 0, 0x3f80, 0x3f80});
    t.outputs[0] = test_tensor(ONR_BFLOAT16, SHAPE(1, 1, 1, 1), (uint16_t[]){0x4000});
    op_test_run(&t);
}

static void no_regions_and_no_pixels(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 22, nine);
    t.inputs[1] = test_f32(SHAPE(0, 4), NULL);
    t.inputs[2] = test_i64(SHAPE(0), NULL);
    op_test_output(&t, test_f32(SHAPE(0, 1, 2, 2), NULL));
    op_test_run(&t);
    begin(&t, 10, nine);
    t.inputs[0] = test_f32(SHAPE(1, 1, 0, 3), NULL);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), NULL));
    op_test_run(&t);
}

static void wrong_operands_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 22, nine);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), NULL));
    t.inputs[2] = test_i64(SHAPE(1), (int64_t[]){1});
    op_test_fails(&t, ONR_ERR_VALUE, "batch_indices[0] is 1");
    t.inputs[2] = test_i64(SHAPE(1), (int64_t[]){-1});
    op_test_fails(&t, ONR_ERR_VALUE, "batch_indices[0] is -1");
    t.inputs[2] = test_i64(SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "batch_indices");
    t.inputs[2] = test_i64(SHAPE(1), NULL);
    t.inputs[1] = test_f32(SHAPE(1, 4), (float[]){0, 0, 1, INFINITY});
    op_test_fails(&t, ONR_ERR_LIMIT, "region 0 is too large");
    t.inputs[1] = test_f32(SHAPE(1, 5), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "rois");
    t.inputs[0] = test_f32(SHAPE(1, 3, 3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "x has shape");
}

static void wrong_attributes_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 22, nine);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), NULL));
    op_test_int(&t, "sampling_ratio", 1000000000);
    op_test_fails(&t, ONR_ERR_LIMIT, "sampling_ratio");
    t.attrs[2].as.i = -1;
    op_test_fails(&t, ONR_ERR_MODEL, "sampling_ratio");
    t.attrs[2].as.i = 0;
    t.attrs[0].as.i = 0;
    op_test_fails(&t, ONR_ERR_MODEL, "output_height");
    t.attrs[0].as.i = 2;
    op_test_string(&t, "mode", "min");
    op_test_fails(&t, ONR_ERR_MODEL, "mode");
    begin(&t, 10, nine);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), NULL));
    op_test_string(&t, "coordinate_transformation_mode", "half_pixel");
    op_test_fails(&t, ONR_ERR_MODEL, "coordinate_transformation_mode");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(samples_are_interpolated, test_tensors_free),
        cmocka_unit_test_teardown(a_maximum_is_of_weighted_pixels, test_tensors_free),
        cmocka_unit_test_teardown(more_samples_than_a_chunk_are_averaged, test_tensors_free),
        cmocka_unit_test_teardown(small_regions_have_a_pixel_unless_half_pixel, test_tensors_free),
        cmocka_unit_test_teardown(what_is_outside_or_nan_counts_as_zero, test_tensors_free),
        cmocka_unit_test_teardown(channels_images_and_types, test_tensors_free),
        cmocka_unit_test_teardown(no_regions_and_no_pixels, test_tensors_free),
        cmocka_unit_test_teardown(wrong_operands_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(wrong_attributes_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
