/* SPDX-License-Identifier: Apache-2.0 */
#include "base/half.h"
#include "support/op_test.h"

#include <math.h>

/* A convolution in three spatial dimensions; fewer are leading ones. */
struct shape {
    int64_t n, c, m, group;
    int64_t in[3], kernel[3], stride[3], dilation[3], pad[3], pad_end[3];
};

static int64_t out_dim(const struct shape *s, int d)
{
    int64_t extent = (s->kernel[d] - 1) * s->dilation[d] + 1;
    return (s->in[d] + s->pad[d] + s->pad_end[d] - extent) / s->stride[d] + 1;
}

/* Sum over the taps of one filter plane at output o; all numbers as double. */
static double correlate(const struct shape *s, const float *x, const float *w, const int64_t o[3])
{
    double sum = 0;
    for (int64_t t = 0; t < s->kernel[0] * s->kernel[1] * s->kernel[2]; t++) {
        int64_t tap[3] = {t / s->kernel[2] / s->kernel[1], t / s->kernel[2] % s->kernel[1],
                          t % s->kernel[2]};
        int64_t index = 0;
        bool is_inside = true;
        for (int d = 0; d < 3; d++) {
            int64_t i = o[d] * s->stride[d] + tap[d] * s->dilation[d] - s->pad[d];
            is_inside = is_inside && i >= 0 && i < s->in[d];
            index = index * s->in[d] + i;
        }
        sum += is_inside ? (double)x[index] * (double)w[t] : 0.0;
    }
    return sum;
}

static void convolve(const struct shape *s, const float *x, const float *w, const float *b,
                     float *y)
{
    int64_t out[3] = {out_dim(s, 0), out_dim(s, 1), out_dim(s, 2)};
    int64_t in = s->in[0] * s->in[1] * s->in[2];
    int64_t taps = s->kernel[0] * s->kernel[1] * s->kernel[2];
    int64_t group_c = s->c / s->group;
    for (int64_t i = 0; i < s->n * s->m * out[0] * out[1] * out[2]; i++) {
        int64_t o[3] = {i / out[2] / out[1] % out[0], i / out[2] % out[1], i % out[2]};
        int64_t filter = i / (out[0] * out[1] * out[2]) % s->m;
        int64_t image = i / (out[0] * out[1] * out[2]) / s->m;
        int64_t first = image * s->c + filter / (s->m / s->group) * group_c;
        double sum = b != NULL ? (double)b[filter] : 0.0;
        for (int64_t c = 0; c < group_c; c++) {
            sum += correlate(s, x + (first + c) * in, w + (filter * group_c + c) * taps, o);
        }
        y[i] = (float)sum;
    }
}

/* The tensor of another float type with the same values. */
static struct onr_tensor *cast_tensor(const struct onr_tensor *x, enum onr_dtype dtype)
{
    struct onr_tensor *y = test_tensor(dtype, (size_t)x->shape.rank, x->shape.dim, NULL);
    const float *from = x->data;
    for (int64_t i = 0; i < onr_tensor_count(x); i++) {
        if (dtype == ONR_DOUBLE) {
            ((double *)y->data)[i] = (double)from[i];
        } else if (dtype == ONR_FLOAT16) {
            ((uint16_t *)y->data)[i] = onr_float_to_half(from[i]);
        } else {
            ((uint16_t *)y->data)[i] = onr_float_to_bfloat16(from[i]);
        }
    }
    return y;
}

static struct onr_tensor *random_tensor(uint64_t seed, size_t rank, const int64_t *dims)
{
    struct onr_tensor *tensor = test_tensor(ONR_FLOAT, rank, dims, NULL);
    float *data = tensor->data;
    test_random(seed, (size_t)onr_tensor_count(tensor), data);
    for (int64_t i = 0; i < onr_tensor_count(tensor); i++) {
        data[i] = floorf(data[i] * 8) / 8; /* products are exact in all types */
    }
    return tensor;
}

/* [a, b, last `rank` entries of the three]. */
static size_t make_dims(int64_t a, int64_t b, const int64_t spatial[3], int rank, int64_t *dims)
{
    dims[0] = a;
    dims[1] = b;
    for (int d = 0; d < rank; d++) {
        dims[2 + d] = spatial[3 - rank + d];
    }
    return (size_t)rank + 2;
}

static void run_typed(const struct shape *s, int rank, enum onr_dtype dtype)
{
    int64_t dims[5];
    int64_t out[3] = {out_dim(s, 0), out_dim(s, 1), out_dim(s, 2)};
    int64_t pads[6];
    struct onr_tensor *x = random_tensor(1, make_dims(s->n, s->c, s->in, rank, dims), dims);
    struct onr_tensor *w =
        random_tensor(2, make_dims(s->m, s->c / s->group, s->kernel, rank, dims), dims);
    struct onr_tensor *b = random_tensor(3, 1, &s->m);
    struct onr_tensor *y =
        test_tensor(ONR_FLOAT, make_dims(s->n, s->m, out, rank, dims), dims, NULL);
    convolve(s, x->data, w->data, b->data, y->data);
    for (int d = 0; d < rank; d++) {
        pads[d] = s->pad[3 - rank + d];
        pads[rank + d] = s->pad_end[3 - rank + d];
    }
    struct op_test t;
    op_test_begin(&t, "", "Conv", 22);
    t.atol = 1e-4;
    op_test_int(&t, "group", s->group);
    op_test_ints(&t, "strides", (size_t)rank, s->stride + 3 - rank);
    op_test_ints(&t, "dilations", (size_t)rank, s->dilation + 3 - rank);
    op_test_ints(&t, "pads", 2 * (size_t)rank, pads);
    bool is_float = dtype == ONR_FLOAT;
    op_test_input(&t, is_float ? x : cast_tensor(x, dtype));
    op_test_input(&t, is_float ? w : cast_tensor(w, dtype));
    op_test_input(&t, is_float ? b : cast_tensor(b, dtype));
    op_test_output(&t, is_float ? y : cast_tensor(y, dtype));
    op_test_run(&t);
}

#define ONES                                                                                       \
    {                                                                                              \
        1, 1, 1                                                                                    \
    }

static const struct shape shapes[] = {
    /* 1-D with long filters in groups; k of two blocks */
    {2, 8, 12, 4, {1, 1, 61}, {1, 1, 7}, ONES, ONES, {0, 0, 3}, {0, 0, 3}},
    {1, 130, 5, 1, {1, 1, 70}, {1, 1, 9}, {1, 1, 2}, ONES, {0, 0, 4}, {0, 0, 1}},
    /* 2-D: patches, strides, dilations, uneven padding */
    {1, 3, 20, 1, {1, 32, 24}, {1, 8, 8}, {1, 8, 8}, ONES, {0, 0, 0}, {0, 0, 0}},
    {2, 4, 9, 1, {1, 11, 13}, {1, 3, 2}, {1, 2, 3}, {1, 2, 1}, {0, 2, 1}, {0, 1, 0}},
    /* a kernel of 1: the input is the matrix */
    {2, 6, 70, 2, {1, 9, 7}, ONES, ONES, ONES, {0, 0, 0}, {0, 0, 0}},
    {1, 6, 8, 1, {1, 9, 7}, ONES, {1, 2, 1}, ONES, {0, 0, 1}, {0, 0, 1}},
    /* depthwise, and two outputs per group */
    {2, 5, 5, 5, {1, 10, 9}, {1, 3, 3}, ONES, ONES, {0, 1, 1}, {0, 1, 1}},
    {1, 3, 6, 3, {1, 10, 9}, {1, 3, 3}, {1, 2, 2}, {1, 1, 3}, {0, 4, 4}, {0, 4, 5}},
    /* depthwise with long lines; and with rows that are pieces of items */
    {1, 2, 2, 2, {1, 40, 70}, {1, 3, 3}, ONES, ONES, {0, 1, 1}, {0, 1, 1}},
    {1, 2, 4, 2, {1, 1, 9000}, {1, 1, 5}, {1, 1, 2}, ONES, {0, 0, 2}, {0, 0, 2}},
    {1, 2, 4, 2, {1, 3, 9000}, {1, 3, 3}, {1, 1, 2}, ONES, {0, 1, 1}, {0, 1, 1}},
    {1, 2, 2, 2, {5, 6, 40}, {2, 3, 3}, ONES, {2, 1, 1}, {1, 1, 1}, {0, 1, 1}},
    /* up to 32 outputs of long lines, or of many taps; windows that move by two; in groups */
    {1, 6, 12, 1, {1, 20, 70}, {1, 3, 3}, ONES, ONES, {0, 1, 1}, {0, 1, 1}},
    {2, 12, 31, 1, {1, 9, 14}, {1, 3, 3}, ONES, ONES, {0, 1, 1}, {0, 1, 1}},
    {1, 11, 25, 1, {1, 15, 61}, {1, 3, 3}, {1, 2, 2}, ONES, {0, 1, 1}, {0, 1, 1}},
    {1, 36, 48, 3, {1, 12, 9}, {1, 3, 3}, ONES, ONES, {0, 1, 1}, {0, 1, 1}},
    {2, 20, 24, 1, {1, 1, 200}, {1, 1, 5}, ONES, ONES, {0, 0, 2}, {0, 0, 2}},
    /* depthwise over small planes: the last channels are few, rows are cut into tiles, windows see
     * padding alone, or not all of the plane */
    {2, 37, 37, 37, {1, 9, 7}, {1, 5, 5}, ONES, ONES, {0, 2, 2}, {0, 2, 2}},
    {1, 40, 40, 40, {1, 11, 13}, {1, 3, 3}, {1, 2, 2}, {1, 1, 2}, {0, 1, 3}, {0, 0, 2}},
    {2, 33, 33, 33, {1, 1, 29}, {1, 1, 9}, ONES, ONES, {0, 0, 4}, {0, 0, 4}},
    {1, 32, 32, 32, {1, 2, 2}, {1, 3, 3}, {1, 2, 2}, ONES, {0, 5, 6}, {0, 5, 6}},
    {1, 32, 32, 32, {1, 3, 4}, {1, 1, 1}, {1, 4, 4}, ONES, {0, 0, 0}, {0, 0, 0}},
    {1, 35, 35, 35, {1, 50, 41}, {1, 5, 5}, {1, 2, 2}, ONES, {0, 2, 2}, {0, 2, 2}},
    /* groups of several outputs; few panels, many rows */
    {1, 12, 21, 3, {1, 9, 8}, {1, 3, 3}, {1, 1, 2}, ONES, {0, 1, 1}, {0, 1, 1}},
    {1, 3, 260, 1, {1, 8, 8}, {1, 3, 3}, ONES, {1, 2, 2}, {0, 2, 2}, {0, 2, 2}},
    /* many rows and panels, of which the last is narrow; the same with k of two blocks */
    {1, 3, 260, 1, {1, 13, 15}, {1, 3, 3}, ONES, ONES, {0, 1, 1}, {0, 1, 1}},
    {1, 130, 150, 1, {1, 1, 120}, {1, 1, 9}, ONES, ONES, {0, 0, 4}, {0, 0, 4}},
    /* windows as wide as the plane: over rows of embeddings; padded, strided, dilated, with channels */
    {2, 1, 100, 1, {1, 50, 30}, {1, 5, 30}, ONES, ONES, {0, 0, 0}, {0, 0, 0}},
    {1, 1, 9, 1, {1, 70, 300}, {1, 4, 300}, ONES, ONES, {0, 3, 0}, {0, 2, 0}},
    {1, 3, 20, 1, {1, 41, 17}, {1, 3, 19}, {1, 2, 1}, {1, 2, 1}, {0, 1, 1}, {0, 2, 1}},
    {1, 2, 12, 1, {1, 20, 23}, {1, 2, 6}, {1, 1, 7}, {1, 1, 4}, {0, 0, 0}, {0, 0, 0}},
    {1, 2, 10, 1, {30, 4, 5}, {3, 4, 5}, {2, 1, 1}, ONES, {1, 0, 0}, {0, 0, 0}},
    {1, 2, 10, 1, {5, 6, 7}, {2, 3, 7}, ONES, ONES, {0, 0, 0}, {0, 0, 0}},
    /* images side by side: read from X, in groups, over several blocks of k; from patches */
    {5, 12, 40, 1, {1, 1, 24}, ONES, ONES, ONES, {0, 0, 0}, {0, 0, 0}},
    {8, 20, 60, 2, {1, 1, 11}, ONES, ONES, ONES, {0, 0, 0}, {0, 0, 0}},
    {3, 9, 33, 1, {1, 1, 20}, {1, 1, 4}, ONES, {1, 1, 2}, {0, 0, 0}, {0, 0, 0}},
    {40, 6, 20, 1, {1, 3, 5}, {1, 2, 3}, ONES, ONES, {0, 0, 0}, {0, 0, 0}},
    {4, 130, 40, 1, {1, 1, 12}, {1, 1, 9}, ONES, ONES, {0, 0, 4}, {0, 0, 4}},
    {7, 10, 24, 2, {1, 7, 7}, {1, 3, 3}, ONES, ONES, {0, 1, 1}, {0, 1, 1}},
    {4, 3, 20, 1, {1, 9, 13}, {1, 3, 2}, {1, 2, 3}, {1, 2, 1}, {0, 2, 1}, {0, 1, 0}},
    {6, 3, 20, 1, {1, 16, 12}, {1, 4, 4}, {1, 4, 4}, ONES, {0, 0, 0}, {0, 0, 0}},
    {3, 2, 20, 1, {3, 4, 5}, {2, 3, 2}, ONES, ONES, {0, 1, 1}, {1, 0, 0}},
    {5, 1, 30, 1, {1, 14, 30}, {1, 5, 30}, ONES, ONES, {0, 0, 0}, {0, 0, 0}},
    {5, 3, 20, 1, {1, 13, 17}, {1, 3, 19}, {1, 2, 1}, {1, 2, 1}, {0, 1, 1}, {0, 2, 1}},
    {5, 2, 10, 1, {5, 4, 5}, {3, 4, 5}, {2, 1, 1}, ONES, {1, 0, 0}, {0, 0, 0}},
    /* 3-D */
    {1, 2, 6, 1, {4, 5, 6}, {2, 3, 2}, {1, 2, 1}, {2, 1, 1}, {1, 0, 2}, {0, 1, 1}},
};

static void shapes_of_all_ways(void **state)
{
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        int rank = shapes[i].in[0] > 1 ? 3 : (shapes[i].in[1] > 1 ? 2 : 1);
        run_typed(&shapes[i], rank, ONR_FLOAT);
        run_typed(&shapes[i], rank, ONR_DOUBLE);
        run_typed(&shapes[i], rank, ONR_FLOAT16);
        run_typed(&shapes[i], rank, ONR_BFLOAT16);
        (void)test_tensors_free(state);
    }
}

static void begin_conv(struct op_test *t, const struct onr_tensor *x, const struct onr_tensor *w)
{
    op_test_begin(t, "", "Conv", 11);
    op_test_input(t, x);
    op_test_input(t, w);
}

static void same_padding_puts_the_odd_one_behind_or_before(void **state)
{
    (void)state;
    const struct onr_tensor *x = test_f32(SHAPE(1, 1, 4), (float[]){1, 2, 3, 4});
    const struct onr_tensor *w = test_f32(SHAPE(1, 1, 2), (float[]){1, 10});
    struct op_test t;
    begin_conv(&t, x, w);
    op_test_string(&t, "auto_pad", "SAME_UPPER");
    op_test_output(&t, test_f32(SHAPE(1, 1, 4), (float[]){21, 32, 43, 4}));
    op_test_run(&t);
    begin_conv(&t, x, w);
    op_test_string(&t, "auto_pad", "SAME_LOWER");
    op_test_output(&t, test_f32(SHAPE(1, 1, 4), (float[]){10, 21, 32, 43}));
    op_test_run(&t);
    begin_conv(&t, x, w);
    op_test_string(&t, "auto_pad", "VALID");
    op_test_output(&t, test_f32(SHAPE(1, 1, 3), (float[]){21, 32, 43}));
    op_test_run(&t);
}

static void no_channels_give_the_bias(void **state)
{
    (void)state;
    struct op_test t;
    begin_conv(&t, test_f32(SHAPE(1, 0, 2), NULL), test_f32(SHAPE(2, 0, 1), NULL));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){5, 6}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){5, 5, 6, 6}));
    op_test_run(&t);
    begin_conv(&t, test_f32(SHAPE(0, 3, 2), NULL), test_f32(SHAPE(2, 3, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(0, 2, 2), NULL));
    op_test_run(&t);
}

static void nan_reaches_only_what_sees_it(void **state)
{
    (void)state;
    struct op_test t;
    begin_conv(&t, test_f32(SHAPE(1, 1, 4), (float[]){NAN, 2, 3, 4}),
               test_f32(SHAPE(3, 1, 2), (float[]){1, 1, 1, 0, 0, 1}));
    op_test_output(&t, test_f32(SHAPE(1, 3, 3), (float[]){NAN, 5, 7, NAN, 2, 3, NAN, 3, 4}));
    op_test_run(&t);
}

static void expect_failure(struct op_test *t, enum onr_status status, const char *text)
{
    op_test_output(t, test_f32(SCALAR, NULL));
    op_test_fails(t, status, text);
}

static void bad_shapes_are_refused(void **state)
{
    (void)state;
    const struct onr_tensor *x = test_f32(SHAPE(1, 4, 5), NULL);
    const struct onr_tensor *w = test_f32(SHAPE(6, 4, 3), NULL);
    struct op_test t;
    begin_conv(&t, test_f32(SHAPE(1, 4), NULL), test_f32(SHAPE(6, 4), NULL));
    expect_failure(&t, ONR_ERR_SHAPE, "x has rank 2 and w rank 2, expected the same rank of at");
    begin_conv(&t, x, test_f32(SHAPE(6, 4, 3, 3), NULL));
    expect_failure(&t, ONR_ERR_SHAPE, "x has rank 3 and w rank 4");
    begin_conv(&t, x, test_f32(SHAPE(6, 3, 3), NULL));
    expect_failure(&t, ONR_ERR_SHAPE, "x has 4 channels, w expects 3 in 1 groups of 3");
    begin_conv(&t, x, test_f32(SHAPE(3, 2, 3), NULL));
    op_test_int(&t, "group", 2);
    expect_failure(&t, ONR_ERR_SHAPE, "3 output channels do not divide into 2 groups");
    begin_conv(&t, x, test_f32(SHAPE(6, 4, 6), NULL));
    expect_failure(&t, ONR_ERR_SHAPE,
                   "window of 6 is larger than spatial dimension 0, 5 with padding");
    begin_conv(&t, x, w);
    op_test_input(&t, test_f32(SHAPE(5), NULL));
    expect_failure(&t, ONR_ERR_SHAPE, "b has shape 5, expected one number for each of the 6");
    begin_conv(&t, test_f32(SHAPE(1, 1, 1, 1, 1, 1), NULL),
               test_f32(SHAPE(1, 1, 1, 1, 1, 1), NULL));
    expect_failure(&t, ONR_ERR_UNSUPPORTED, "4 spatial dimensions, supported are 1 to 3");
}

static void bad_attributes_are_refused(void **state)
{
    (void)state;
    const struct onr_tensor *x = test_f32(SHAPE(1, 4, 5), NULL);
    const struct onr_tensor *w = test_f32(SHAPE(6, 4, 3), NULL);
    struct op_test t;
    begin_conv(&t, x, w);
    op_test_int(&t, "group", 0);
    expect_failure(&t, ONR_ERR_MODEL, "attribute group is 0, expected >= 1");
    begin_conv(&t, x, w);
    op_test_ints(&t, "strides", 1, (int64_t[]){0});
    expect_failure(&t, ONR_ERR_MODEL, "attribute strides[0] is 0, expected 1 to 2147483647");
    begin_conv(&t, x, w);
    op_test_ints(&t, "dilations", 2, (int64_t[]){1, 1});
    expect_failure(&t, ONR_ERR_MODEL, "attribute dilations has 2 numbers, expected 1");
    begin_conv(&t, x, w);
    op_test_ints(&t, "pads", 2, (int64_t[]){0, -1});
    expect_failure(&t, ONR_ERR_MODEL, "attribute pads[1] is -1, expected 0 to");
    begin_conv(&t, x, w);
    op_test_ints(&t, "kernel_shape", 1, (int64_t[]){2});
    expect_failure(&t, ONR_ERR_SHAPE, "attribute kernel_shape[0] is 2, the weights have 3");
    begin_conv(&t, x, w);
    op_test_string(&t, "auto_pad", "SAME");
    expect_failure(&t, ONR_ERR_MODEL, "attribute auto_pad is \"SAME\", expected NOTSET");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(shapes_of_all_ways, test_tensors_free),
        cmocka_unit_test_teardown(same_padding_puts_the_odd_one_behind_or_before,
                                  test_tensors_free),
        cmocka_unit_test_teardown(no_channels_give_the_bias, test_tensors_free),
        cmocka_unit_test_teardown(nan_reaches_only_what_sees_it, test_tensors_free),
        cmocka_unit_test_teardown(bad_shapes_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(bad_attributes_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
