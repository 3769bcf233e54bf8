/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

/* Two channels of two positions, a kernel of one: y = {x0 + x1, x0 - x1}. */
static const float weights[] = {1, 1, 1, -1};

static void residual_is_added_before_the_activation(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "FusedConv", 1);
    op_test_string(&t, "activation", "Clip");
    op_test_floats(&t, "activation_params", 2, (float[]){0, 50});
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){1, 2, 3, 5}));
    op_test_input(&t, test_f32(SHAPE(2, 2, 1), weights));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){0, 1}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){10, 100, -1, 20}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){14, 50, 0, 18}));
    op_test_run(&t);
}

/* A square window with half its extent as padding, over `size` x `size`. */
struct form {
    int64_t batch, channels, filters, group, size, kernel;
};

static float sum_at(const struct form *f, const float *x, const float *w, int64_t image,
                    int64_t filter, int64_t place)
{
    int64_t inputs = f->channels / f->group;
    int64_t first = image * f->channels + filter / (f->filters / f->group) * inputs;
    int64_t taps = f->kernel * f->kernel;
    double sum = 0;
    for (int64_t i = 0; i < inputs * taps; i++) {
        int64_t r = place / f->size + i % taps / f->kernel - f->kernel / 2;
        int64_t c = place % f->size + i % f->kernel - f->kernel / 2;
        bool is_inside = r >= 0 && r < f->size && c >= 0 && c < f->size;
        int64_t at = ((first + i / taps) * f->size + r) * f->size + c;
        sum += is_inside ? (double)x[at] * (double)w[filter * inputs * taps + i] : 0.0;
    }
    return (float)sum;
}

static void check_form(const struct form *f)
{
    struct op_test t;
    struct onr_tensor *x = test_f32(SHAPE(f->batch, f->channels, f->size, f->size), NULL);
    struct onr_tensor *w =
        test_f32(SHAPE(f->filters, f->channels / f->group, f->kernel, f->kernel), NULL);
    struct onr_tensor *z = test_f32(SHAPE(f->batch, f->filters, f->size, f->size), NULL);
    struct onr_tensor *y = test_f32(SHAPE(f->batch, f->filters, f->size, f->size), NULL);
    test_random(1, (size_t)onr_tensor_count(x), x->data);
    test_random(2, (size_t)onr_tensor_count(w), w->data);
    test_random(3, (size_t)onr_tensor_count(z), z->data);
    int64_t plane = f->size * f->size;
    for (int64_t i = 0; i < onr_tensor_count(y); i++) {
        float sum =
            sum_at(f, x->data, w->data, i / plane / f->filters, i / plane % f->filters, i % plane) +
            ((const float *)z->data)[i];
        ((float *)y->data)[i] = sum < 0.0f ? 0.5f * sum : sum;
    }
    op_test_begin(&t, "com.microsoft", "FusedConv", 1);
    op_test_string(&t, "activation", "LeakyRelu");
    op_test_floats(&t, "activation_params", 1, (float[]){0.5f});
    op_test_int(&t, "group", f->group);
    op_test_ints(&t, "pads", 4,
                 (int64_t[]){f->kernel / 2, f->kernel / 2, f->kernel / 2, f->kernel / 2});
    op_test_input(&t, x);
    op_test_input(&t, w);
    op_test_input(&t, NULL);
    op_test_input(&t, z);
    op_test_output(&t, y);
    t.atol = 1e-4;
    op_test_run(&t);
}

static void every_way_adds_and_applies(void **state)
{
    (void)state;
    static const struct form forms[] = {
        {2, 3, 3, 3, 7, 3},     /* depthwise, small */
        {1, 3, 6, 3, 80, 5},    /* depthwise, planes in several items */
        {1, 2, 2, 1, 9, 1},     /* few outputs, read in place */
        {2, 3, 2, 1, 3, 1},     /* too few of them for that */
        {1, 5, 1, 1, 40, 1},    /* several items */
        {2, 8, 6, 2, 11, 3},    /* patches */
        {2, 20, 18, 1, 7, 1},   /* a product, one image a part */
        {1, 20, 150, 1, 30, 1}, /* several parts */
        {2, 40, 70, 1, 1, 1},   /* planes of one element */
        {3, 12, 18, 2, 1, 1},   /* in groups */
        {1, 12, 18, 1, 14, 3},  /* panels */
        {1, 130, 20, 1, 14, 3}, /* more than one block of k */
        {1, 10, 140, 1, 41, 3}, /* panels that are made together */
        {5, 12, 50, 2, 4, 1},   /* images side by side */
        {5, 20, 50, 1, 7, 3},   /* of patches, some in two panels */
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        check_form(&forms[i]);
        test_tensors_free(state);
    }
}

static void channels_may_stand_in_the_last_place(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "NhwcFusedConv", 1);
    op_test_string(&t, "activation", "Relu");
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){1, 3, 2, 5}));
    op_test_input(&t, test_f32(SHAPE(2, 2, 1), weights));
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){10, 1, 20, 7}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){14, 0, 27, 4}));
    op_test_run(&t);
    op_test_begin(&t, "com.microsoft", "NhwcConv", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){1, 3, 2, 5}));
    op_test_input(&t, test_f32(SHAPE(2, 2, 1), weights));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){4, -2, 7, -3}));
    op_test_run(&t);
}

static void bad_operands_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "FusedConv", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 2, 1), NULL));
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(1, 2, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "residual has shape 1x2x1, expected 1x2x2");
    op_test_begin(&t, "com.microsoft", "NhwcConv", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2, 3), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 2, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "x has 3 channels, w expects 2");
    op_test_begin(&t, "com.microsoft", "NhwcConv", 1);
    op_test_string(&t, "activation", "Relu");
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 2, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "activation");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(residual_is_added_before_the_activation, test_tensors_free),
        cmocka_unit_test_teardown(every_way_adds_and_applies, test_tensors_free),
        cmocka_unit_test_teardown(channels_may_stand_in_the_last_place, test_tensors_free),
        cmocka_unit_test_teardown(bad_operands_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
