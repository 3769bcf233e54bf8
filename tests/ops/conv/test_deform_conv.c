/* SPDX-License-Identifier: Apache-2.0 */
#include "base/half.h"
#include "support/op_test.h"

#include <math.h>

#define MOST 8192

/* One convolution of up to 3 spatial dimensions, and its operands. */
struct sample {
    int rank;
    int64_t batch, group, offset_group, in_channels, out_channels; /* channels of a group */
    int64_t in[3], kernel[3], stride[3], dilation[3], pad[6], out[3];
    bool has_bias, has_mask;
    float x[MOST], w[MOST], offset[MOST], mask[MOST], b[64];
    double y[MOST];
};

static int64_t product(int rank, const int64_t *dims)
{
    int64_t count = 1;
    for (int d = 0; d < rank; d++) {
        count *= dims[d];
    }
    return count;
}

static void split(int rank, const int64_t *dims, int64_t index, int64_t *parts)
{
    for (int d = rank - 1; d >= 0; d--) {
        parts[d] = index % dims[d];
        index /= dims[d];
    }
}

/* The value of a plane at a place, by the corners around it. */
static double interpolate(const struct sample *s, const float *plane, const double *place)
{
    double sum = 0;
    for (int corner = 0; corner < 1 << s->rank; corner++) {
        double weight = 1;
        int64_t index = 0;
        for (int d = 0; d < s->rank; d++) {
            int bit = corner >> d & 1;
            double below = floor(place[d]);
            int64_t i = (int64_t)below + bit;
            weight *= bit != 0 ? place[d] - below : 1 - (place[d] - below);
            weight = i >= 0 && i < s->in[d] ? weight : 0;
            index = index * s->in[d] + (weight != 0 ? i : 0);
        }
        sum += weight != 0 ? weight * (double)plane[index] : 0;
    }
    return sum;
}

/* What tap t of a channel contributes to output o. */
static double tap_value(const struct sample *s, int64_t n, int64_t channel, int64_t t, int64_t o)
{
    int64_t taps = product(s->rank, s->kernel);
    int64_t outputs = product(s->rank, s->out);
    int64_t channels = s->group * s->in_channels;
    int64_t h = channel / (channels / s->offset_group);
    int64_t row = (n * s->offset_group + h) * taps + t;
    int64_t at[3];
    int64_t tap[3];
    double place[3];
    split(s->rank, s->out, o, at);
    split(s->rank, s->kernel, t, tap);
    for (int d = 0; d < s->rank; d++) {
        place[d] = (double)(at[d] * s->stride[d] - s->pad[d] + tap[d] * s->dilation[d]) +
                   (double)s->offset[(row * s->rank + d) * outputs + o];
    }
    double value = interpolate(s, s->x + (n * channels + channel) * product(s->rank, s->in), place);
    return s->has_mask ? value * (double)s->mask[row * outputs + o] : value;
}

static void compute(struct sample *s)
{
    int64_t taps = product(s->rank, s->kernel);
    int64_t outputs = product(s->rank, s->out);
    int64_t rows = s->group * s->out_channels;
    for (int64_t i = 0; i < s->batch * rows * outputs; i++) {
        int64_t m = i / outputs % rows;
        double sum = s->has_bias ? (double)s->b[m] : 0;
        for (int64_t k = 0; k < s->in_channels * taps; k++) {
            int64_t channel = m / s->out_channels * s->in_channels + k / taps;
            sum += (double)s->w[m * s->in_channels * taps + k] *
                   tap_value(s, i / outputs / rows, channel, k % taps, i % outputs);
        }
        s->y[i] = sum;
    }
}

static void fill(struct sample *s)
{
    test_random(1, MOST, s->x);
    test_random(2, MOST, s->w);
    test_random(3, MOST, s->offset);
    test_random(4, MOST, s->mask);
    test_random(5, 64, s->b);
    for (int i = 0; i < MOST; i++) {
        s->x[i] = roundf(s->x[i] * 16) / 16;
        s->w[i] = roundf(s->w[i] * 8) / 8;
        s->mask[i] = roundf(s->mask[i] * 4) / 4;
        s->offset[i] = roundf(s->offset[i] * 16) / 4;
    }
    for (int i = 0; i < 64; i++) {
        s->b[i] = roundf(s->b[i] * 8) / 8;
    }
    for (int d = 0; d < s->rank; d++) {
        int64_t extent = (s->kernel[d] - 1) * s->dilation[d] + 1;
        s->out[d] = (s->in[d] + s->pad[d] + s->pad[s->rank + d] - extent) / s->stride[d] + 1;
    }
}

/* Numbers as a tensor [first, second, spatial...] of a type. */
static const struct onr_tensor *make(const struct sample *s, enum onr_dtype dtype, int64_t first,
                                     int64_t second, const int64_t *spatial, const float *values)
{
    static union {
        double f64[MOST];
        float f32[MOST];
        uint16_t half[MOST];
    } data;
    int64_t dims[5] = {first, second};
    size_t count = (size_t)(first * second);
    for (int d = 0; d < s->rank; d++) {
        dims[2 + d] = spatial[d];
        count *= (size_t)spatial[d];
    }
    assert_true(count <= MOST);
    for (size_t i = 0; i < count; i++) {
        if (dtype == ONR_DOUBLE) {
            data.f64[i] = (double)values[i];
        } else if (dtype == ONR_FLOAT) {
            data.f32[i] = values[i];
        } else {
            data.half[i] = dtype == ONR_FLOAT16 ? onr_float_to_half(values[i])
                                                : onr_float_to_bfloat16(values[i]);
        }
    }
    return test_tensor(dtype, (size_t)s->rank + 2, dims, &data);
}

/* The bias: a sample's dimensions do not fit it. */
static const struct onr_tensor *make_bias(const struct sample *s, enum onr_dtype dtype)
{
    struct sample flat = {.rank = 0};
    struct onr_tensor *b = (struct onr_tensor *)(uintptr_t)make(
        &flat, dtype, s->group * s->out_channels, 1, NULL, s->b);
    b->shape.rank = 1;
    return b;
}

static void run(const struct sample *s, enum onr_dtype dtype, double tolerance)
{
    static float y[MOST];
    int64_t taps = product(s->rank, s->kernel);
    int64_t rows = s->group * s->out_channels;
    struct op_test t;
    op_test_begin(&t, "", "DeformConv", 22);
    op_test_int(&t, "group", s->group);
    op_test_int(&t, "offset_group", s->offset_group);
    op_test_ints(&t, "strides", (size_t)s->rank, s->stride);
    op_test_ints(&t, "dilations", (size_t)s->rank, s->dilation);
    op_test_ints(&t, "pads", 2 * (size_t)s->rank, s->pad);
    op_test_ints(&t, "kernel_shape", (size_t)s->rank, s->kernel);
    op_test_input(&t, make(s, dtype, s->batch, s->group * s->in_channels, s->in, s->x));
    op_test_input(&t, make(s, dtype, rows, s->in_channels, s->kernel, s->w));
    op_test_input(&t,
                  make(s, dtype, s->batch, s->offset_group * taps * s->rank, s->out, s->offset));
    if (s->has_bias || s->has_mask) {
        op_test_input(&t, s->has_bias ? make_bias(s, dtype) : NULL);
    }
    if (s->has_mask) {
        op_test_input(&t, make(s, dtype, s->batch, s->offset_group * taps, s->out, s->mask));
    }
    for (int64_t i = 0; i < s->batch * rows * product(s->rank, s->out); i++) {
        y[i] = (float)s->y[i];
    }
    op_test_output(&t, make(s, dtype, s->batch, rows, s->out, y));
    t.rtol = tolerance;
    t.atol = tolerance;
    op_test_run(&t);
}

static struct sample samples[] = {
    {.rank = 2,
     .batch = 2,
     .group = 1,
     .offset_group = 1,
     .in_channels = 3,
     .out_channels = 4,
     .in = {7, 5},
     .kernel = {3, 2},
     .stride = {1, 1},
     .dilation = {1, 1},
     .has_bias = true},
    {.rank = 2,
     .batch = 1,
     .group = 2,
     .offset_group = 4,
     .in_channels = 4,
     .out_channels = 3,
     .in = {9, 8},
     .kernel = {2, 3},
     .stride = {2, 1},
     .dilation = {1, 2},
     .pad = {1, 0, 2, 3},
     .has_mask = true},
    {.rank = 2,
     .batch = 1,
     .group = 3,
     .offset_group = 1,
     .in_channels = 1,
     .out_channels = 1,
     .in = {24, 17},
     .kernel = {1, 1},
     .stride = {1, 1},
     .dilation = {1, 1},
     .has_bias = true,
     .has_mask = true},
    {.rank = 1,
     .batch = 3,
     .group = 1,
     .offset_group = 2,
     .in_channels = 2,
     .out_channels = 5,
     .in = {11},
     .kernel = {3},
     .stride = {2},
     .dilation = {2},
     .pad = {2, 1},
     .has_bias = true},
    {.rank = 3,
     .batch = 1,
     .group = 1,
     .offset_group = 1,
     .in_channels = 2,
     .out_channels = 2,
     .in = {4, 3, 5},
     .kernel = {2, 2, 1},
     .stride = {1, 1, 2},
     .dilation = {1, 1, 1},
     .pad = {0, 1, 0, 0, 0, 0},
     .has_mask = true},
};

static void places_between_elements_of_all_ranks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct sample *s = &samples[i];
        fill(s);
        compute(s);
        run(s, ONR_FLOAT, 1e-5);
        run(s, ONR_DOUBLE, 1e-6);
        run(s, ONR_FLOAT16, 2e-3);
        run(s, ONR_BFLOAT16, 1e-2);
        test_tensors_free(NULL);
    }
}

static void begin(struct op_test *t)
{
    op_test_begin(t, "", "DeformConv", 19);
    op_test_input(t, test_f32(SHAPE(1, 2, 3, 3), NULL));
    op_test_input(t, test_f32(SHAPE(2, 2, 2, 2), NULL));
    op_test_input(t, test_f32(SHAPE(1, 8, 2, 2), NULL));
    op_test_output(t, test_f32(SHAPE(1, 2, 2, 2), NULL));
}

static void infinite_and_missing_offsets_are_outside(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "DeformConv", 19);
    op_test_input(&t, test_f32(SHAPE(1, 1, 1, 3), (float[]){1, 2, 3}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 1, 1), (float[]){2}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 1, 3), (float[]){NAN, 0, 0.5f, 0, INFINITY, -1.5f}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 3), (float[]){0, 0, 1.5f}));
    op_test_run(&t);
}

static void empty_inputs_leave_the_bias(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "DeformConv", 22);
    op_test_ints(&t, "pads", 2, (int64_t[]){1, 1});
    op_test_input(&t, test_f32(SHAPE(1, 1, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 1, 1), (float[]){1, 2}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){3, 4}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){3, 3, 4, 4}));
    op_test_run(&t);
    t.inputs[0] = test_f32(SHAPE(1, 0, 0), NULL);
    t.inputs[1] = test_f32(SHAPE(2, 0, 1), NULL);
    op_test_run(&t);
    begin(&t);
    t.inputs[0] = test_f32(SHAPE(0, 2, 3, 3), NULL);
    t.inputs[2] = test_f32(SHAPE(0, 8, 2, 2), NULL);
    t.outputs[0] = test_f32(SHAPE(0, 2, 2, 2), NULL);
    op_test_run(&t);
}

static void operands_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const struct {
        int input;
        const struct onr_tensor *value;
        const char *message;
    } cases[] = {
        {0, test_f32(SHAPE(1, 2), NULL), "X has rank 2, expected at least 3"},
        {1, test_f32(SHAPE(2, 3, 2, 2), NULL), "W has shape 2x3x2x2, expected ?x2x?x?"},
        {1, test_f32(SHAPE(2, 2, 5, 2), NULL), "window of 5 is larger than spatial dimension 0"},
        {2, test_f32(SHAPE(1, 4, 2, 2), NULL), "offset has shape 1x4x2x2, expected 1x8x2x2"},
        {2, test_f32(SHAPE(1, 8, 2, 3), NULL), "offset has shape 1x8x2x3, expected 1x8x2x2"},
        {3, test_f32(SHAPE(3), NULL), "B has shape 3, expected 2"},
        {4, test_f32(SHAPE(1, 8, 2, 2), NULL), "mask has shape 1x8x2x2, expected 1x4x2x2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op_test t;
        begin(&t);
        t.inputs[cases[i].input] = cases[i].value;
        t.input_count = cases[i].input > 2 ? (uint32_t)cases[i].input + 1 : 3;
        op_test_fails(&t, ONR_ERR_SHAPE, cases[i].message);
    }
}

static void wrong_attributes_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t);
    op_test_int(&t, "group", 0);
    op_test_fails(&t, ONR_ERR_MODEL, "attribute group is 0, expected 1 to");
    t.attrs[0].as.i = 3;
    op_test_fails(&t, ONR_ERR_SHAPE, "channels of X in groups: 2 does not divide into 3");
    t.attrs[0].name = "offset_group";
    op_test_fails(&t, ONR_ERR_SHAPE, "channels of X in offset groups: 2 does not divide into 3");
    t.attr_count = 0;
    op_test_ints(&t, "kernel_shape", 2, (int64_t[]){2, 3});
    op_test_fails(&t, ONR_ERR_SHAPE, "kernel_shape[1] is 3, the weights have 2");
    t.attrs[0].name = "pads";
    op_test_fails(&t, ONR_ERR_MODEL, "attribute pads has 2 numbers, expected 4");
    begin(&t);
    t.inputs[0] = test_tensor(ONR_BFLOAT16, SHAPE(1, 2, 3, 3), NULL);
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "bfloat16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(places_between_elements_of_all_ranks, test_tensors_free),
        cmocka_unit_test_teardown(infinite_and_missing_offsets_are_outside, test_tensors_free),
        cmocka_unit_test_teardown(empty_inputs_leave_the_bias, test_tensors_free),
        cmocka_unit_test_teardown(operands_that_do_not_fit_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(wrong_attributes_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
