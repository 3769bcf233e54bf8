/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

/* ln 3: softmax of {0, ln 3} is {1/4, 3/4}. */
#define LN3 1.0986123f

static void begin(struct op_test *t)
{
    op_test_begin(t, "onnxrun", "MaskedSoftmax", 1);
}

static void mask_is_broadcast_before_the_last_dimension(void **state)
{
    (void)state;
    const float y[] = {0.75f, 0.25f, 0.75f, 0.25f, 0.9f, 0.1f, 0.5f, 0.5f};
    const struct onr_tensor *data = test_f32(SHAPE(2, 2, 2), (float[]){0, 0, 0, 0, LN3, 0, 0, LN3});
    const struct onr_tensor *masks[] = {test_f32(SHAPE(1, 1, 2), (float[]){LN3, 0}),
                                        test_f32(SHAPE(2), (float[]){LN3, 0}),
                                        test_f32(SHAPE(2, 1, 2), (float[]){LN3, 0, LN3, 0}),
                                        test_f32(SHAPE(2, 2), (float[]){LN3, 0, LN3, 0})};
    for (size_t i = 0; i < 4; i++) {
        struct op_test t;
        begin(&t);
        op_test_input(&t, data);
        op_test_input(&t, masks[i]);
        op_test_output(&t, test_f32(SHAPE(2, 2, 2), y));
        op_test_run(&t);
    }
}

/* Batches around heads around queries: the middle one alone shares its masks. */
static void heads_share_the_masks_of_their_batch(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2, 2, 1, 2), NULL));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2, 1, 1, 2), (double[]){log(3), 0, 0, log(4)}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(2, 2, 1, 2),
                                   (double[]){0.75, 0.25, 0.75, 0.25, 0.2, 0.8, 0.2, 0.8}));
    op_test_run(&t);
}

static void data_is_scaled(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_float(&t, "scale", 0.5f);
    op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){2 * LN3, 0}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){0, LN3}));
    op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){0.5f, 0.5f}));
    op_test_run(&t);
    begin(&t);
    op_test_float(&t, "scale", 2);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 2), (uint16_t[]){0x3c00, 0x3c00}));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(2), (uint16_t[]){0, 0xfc00}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 2), (uint16_t[]){0x3c00, 0}));
    op_test_run(&t);
}

static void masked_rows_nan_and_nothing_follow_softmax(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_input(&t, test_f32(SHAPE(3, 2), (float[]){1, 2, 3, 4, NAN, 0}));
    op_test_input(&t, test_f32(SHAPE(3, 2), (float[]){0, -INFINITY, -INFINITY, -INFINITY, 0, 0}));
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){1, 0, NAN, NAN, NAN, NAN}));
    op_test_run(&t);
    begin(&t);
    op_test_input(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 0), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_run(&t);
    begin(&t);
    op_test_input(&t, test_f32(SHAPE(0, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){0, 0}));
    op_test_output(&t, test_f32(SHAPE(0, 2), NULL));
    op_test_run(&t);
}

static void data_is_broadcast_too(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_input(&t, test_f32(SHAPE(2, 1, 2), (float[]){0, 0, LN3, 0}));
    op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){0, 0, 0, LN3}));
    op_test_output(&t, test_f32(SHAPE(2, 2, 2),
                                (float[]){0.5f, 0.5f, 0.25f, 0.75f, 0.75f, 0.25f, 0.5f, 0.5f}));
    op_test_run(&t);
}

static void masks_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t rank;
        int64_t mask[4];
        const char *message;
    } list[] = {
        {0, {0}, "data of shape 2x3x4 and mask of shape"},
        {1, {1}, "data of shape 2x3x4 and mask of shape 1 differ in their rows' length"},
        {2, {3, 1}, "data of shape 2x3x4 and mask of shape 3x1 differ in their rows' length"},
        {3, {4, 3, 4}, "4x3x4"},
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct op_test t;
        begin(&t);
        op_test_input(&t, test_f32(SHAPE(2, 3, 4), NULL));
        op_test_input(&t, test_f32(list[i].rank, list[i].mask, NULL));
        op_test_output(&t, test_f32(SHAPE(2, 3, 4), NULL));
        op_test_fails(&t, ONR_ERR_SHAPE, list[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(mask_is_broadcast_before_the_last_dimension, test_tensors_free),
        cmocka_unit_test_teardown(heads_share_the_masks_of_their_batch, test_tensors_free),
        cmocka_unit_test_teardown(data_is_broadcast_too, test_tensors_free),
        cmocka_unit_test_teardown(data_is_scaled, test_tensors_free),
        cmocka_unit_test_teardown(masked_rows_nan_and_nothing_follow_softmax, test_tensors_free),
        cmocka_unit_test_teardown(masks_that_do_not_fit_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
