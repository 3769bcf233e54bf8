/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

/* Two images of 2x2: 0 1 2 3 and ten times that. */
static void begin(struct op_test *t, const float *box, int32_t image, const int32_t *size)
{
    op_test_begin(t, "com.microsoft", "CropAndResize", 1);
    op_test_input(t, test_f32(SHAPE(2, 1, 2, 2), (float[]){0, 1, 2, 3, 0, 10, 20, 30}));
    op_test_input(t, test_f32(SHAPE(1, 4), box));
    op_test_input(t, test_tensor(ONR_INT32, SHAPE(1), &image));
    op_test_input(t, test_tensor(ONR_INT32, SHAPE(2), size));
}

static void corners_of_the_box_are_corners_of_the_crop(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, (float[]){0, 0, 1, 1}, 1, (int32_t[]){3, 3});
    op_test_output(&t, test_f32(SHAPE(1, 1, 3, 3), (float[]){0, 5, 10, 10, 15, 20, 20, 25, 30}));
    op_test_run(&t);
    begin(&t, (float[]){1, 0.5f, 0, 0.75f}, 0, (int32_t[]){2, 2}); /* turned over */
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){2.5f, 2.75f, 0.5f, 0.75f}));
    op_test_run(&t);
    begin(&t, (float[]){0, 0, 1, 0.5f}, 0, (int32_t[]){1, 1});
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 1), (float[]){1.25f}));
    op_test_run(&t);
}

static void nearest_rounds_halves_away_from_0(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, (float[]){0, 0, 1, 1}, 0, (int32_t[]){3, 2});
    op_test_string(&t, "mode", "nearest");
    op_test_output(&t, test_f32(SHAPE(1, 1, 3, 2), (float[]){0, 1, 2, 3, 2, 3}));
    op_test_run(&t);
}

static void places_outside_take_the_given_value(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, (float[]){-1, 0, 1, 1}, 0, (int32_t[]){2, 2});
    op_test_float(&t, "extrapolation_value", 7);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){7, 7, 2, 3}));
    op_test_run(&t);
    begin(&t, (float[]){0, NAN, 1, INFINITY}, 0, (int32_t[]){1, 2});
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 2), NULL));
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "CropAndResize", 1); /* no pixels at all */
    op_test_input(&t, test_f32(SHAPE(1, 2, 0, 1), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 4), NULL));
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(1), NULL));
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){1, 1}));
    op_test_float(&t, "extrapolation_value", 3);
    op_test_output(&t, test_f32(SHAPE(1, 2, 1, 1), (float[]){3, 3}));
    op_test_run(&t);
}

static void doubles_and_halves_have_channels(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "CropAndResize", 1);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 2, 1, 2), (double[]){1, 2, 3, 5}));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 4), (double[]){0, 0, 0, 0.5}));
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(1), (int32_t[]){0}));
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){1, 3}));
    op_test_output(&t,
                   test_tensor(ONR_DOUBLE, SHAPE(1, 2, 1, 3), (double[]){1, 1.25, 1.5, 3, 3.5, 4}));
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "CropAndResize", 1);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1, 1, 2), (uint16_t[]){0x3c00, 0x4000}));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 4), (uint16_t[]){0, 0, 0, 0x3800}));
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(1), (int32_t[]){0}));
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){1, 2}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1, 1, 2), (uint16_t[]){0x3c00, 0x3e00}));
    op_test_run(&t);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct op_test t;
    const float box[] = {0, 0, 1, 1};
    begin(&t, box, 2, (int32_t[]){1, 1});
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 1), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "batch_indices[0] is 2, expected 0 to 1");
    begin(&t, box, -1, (int32_t[]){1, 1});
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 1), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "batch_indices[0] is -1");
    begin(&t, box, 0, (int32_t[]){1, 0});
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 1), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "crop_size[1] is 0, expected at least 1");
    begin(&t, box, 0, (int32_t[]){1, 1});
    op_test_string(&t, "mode", "cubic");
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "cubic");
    op_test_begin(&t, "com.microsoft", "CropAndResize", 1);
    op_test_input(&t, test_f32(SHAPE(1, 1, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 4), NULL));
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(1), NULL));
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){1, 1}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 1), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "X has shape 1x1x2, expected ?x?x?x?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(corners_of_the_box_are_corners_of_the_crop, test_tensors_free),
        cmocka_unit_test_teardown(nearest_rounds_halves_away_from_0, test_tensors_free),
        cmocka_unit_test_teardown(places_outside_take_the_given_value, test_tensors_free),
        cmocka_unit_test_teardown(doubles_and_halves_have_channels, test_tensors_free),
        cmocka_unit_test_teardown(what_does_not_fit_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
