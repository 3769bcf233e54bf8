/* SPDX-License-Identifier: Apache-2.0 */
#include "base/half.h"
#include "support/op_test.h"

#include <math.h>

static void begin(struct op_test *t, const struct onr_tensor *x, const struct onr_tensor *w)
{
    op_test_begin(t, "", "ConvTranspose", 11);
    op_test_input(t, x);
    op_test_input(t, w);
}

/* A 3 x 3 kernel of ones over 0..8, as in the specification. */
static void overlapping_taps_add_up(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_f32(SHAPE(1, 1, 3, 3), (float[]){0, 1, 2, 3, 4, 5, 6, 7, 8}),
          test_f32(SHAPE(1, 2, 3, 3),
                   (float[]){1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){0, 100}));
    op_test_output(
        &t, test_f32(SHAPE(1, 2, 5, 5),
                     (float[]){0,   1,   3,   3,   2,   3,   8,   15,  12,  7,   9,   21,  36,
                               27,  15,  9,   20,  33,  24,  13,  6,   13,  21,  15,  8,   100,
                               102, 106, 106, 104, 106, 116, 130, 124, 114, 118, 142, 172, 154,
                               130, 118, 140, 166, 148, 126, 112, 126, 142, 130, 116}));
    op_test_run(&t);
}

static void run_line(int64_t stride, const char *name, const int64_t *values, size_t count,
                     const char *auto_pad, const struct onr_tensor *y)
{
    struct op_test t;
    begin(&t, test_f32(SHAPE(1, 1, 3), (float[]){1, 2, 3}),
          test_f32(SHAPE(1, 1, 2), (float[]){1, 10}));
    op_test_ints(&t, "strides", 1, &stride);
    op_test_string(&t, "auto_pad", auto_pad);
    if (name != NULL) {
        op_test_ints(&t, name, count, values);
    }
    op_test_output(&t, y);
    op_test_run(&t);
}

static void pads_and_output_shape(void **state)
{
    (void)state;
    run_line(1, NULL, NULL, 0, "NOTSET", test_f32(SHAPE(1, 1, 4), (float[]){1, 12, 23, 30}));
    run_line(1, "pads", (int64_t[]){1, 0}, 2, "NOTSET",
             test_f32(SHAPE(1, 1, 3), (float[]){12, 23, 30}));
    run_line(3, "output_padding", (int64_t[]){2}, 1, "NOTSET",
             test_f32(SHAPE(1, 1, 10), (float[]){1, 10, 0, 2, 20, 0, 3, 30, 0, 0}));
    run_line(1, "output_shape", (int64_t[]){3}, 1, "NOTSET",
             test_f32(SHAPE(1, 1, 3), (float[]){12, 23, 30}));
    run_line(1, "output_shape", (int64_t[]){3}, 1, "SAME_UPPER",
             test_f32(SHAPE(1, 1, 3), (float[]){1, 12, 23}));
    run_line(1, "output_shape", (int64_t[]){5}, 1, "NOTSET",
             test_f32(SHAPE(1, 1, 5), (float[]){1, 12, 23, 30, 0}));
    run_line(1, "output_shape", (int64_t[]){1, 1, 5}, 3, "NOTSET",
             test_f32(SHAPE(1, 1, 5), (float[]){1, 12, 23, 30, 0}));
    run_line(1, NULL, NULL, 0, "SAME_UPPER", test_f32(SHAPE(1, 1, 3), (float[]){1, 12, 23}));
    run_line(1, NULL, NULL, 0, "SAME_LOWER", test_f32(SHAPE(1, 1, 3), (float[]){12, 23, 30}));
    run_line(2, "dilations", (int64_t[]){3}, 1, "VALID",
             test_f32(SHAPE(1, 1, 8), (float[]){1, 0, 2, 10, 3, 20, 0, 30}));
}

static struct onr_tensor *cast_tensor(const struct onr_tensor *x, enum onr_dtype dtype)
{
    struct onr_tensor *y = test_tensor(dtype, (size_t)x->shape.rank, x->shape.dim, NULL);
    const float *from = x->data;
    for (int64_t i = 0; i < onr_tensor_count(x); i++) {
        if (dtype == ONR_FLOAT) {
            ((float *)y->data)[i] = from[i];
        } else if (dtype == ONR_DOUBLE) {
            ((double *)y->data)[i] = (double)from[i];
        } else if (dtype == ONR_FLOAT16) {
            ((uint16_t *)y->data)[i] = onr_float_to_half(from[i]);
        } else {
            ((uint16_t *)y->data)[i] = onr_float_to_bfloat16(from[i]);
        }
    }
    return y;
}

/* Small integers, whose sums are exact in every type. */
static struct onr_tensor *small_integers(size_t rank, const int64_t *dims)
{
    struct onr_tensor *x = test_tensor(ONR_FLOAT, rank, dims, NULL);
    for (int64_t i = 0; i < onr_tensor_count(x); i++) {
        ((float *)x->data)[i] = (float)(i * 7 % 3 - 1);
    }
    return x;
}

/* Y of two spatial dimensions, by the formula. */
static struct onr_tensor *transposed(const struct onr_tensor *x, const struct onr_tensor *w,
                                     const struct onr_tensor *b, int64_t group,
                                     const int64_t *stride, int64_t pad)
{
    const int64_t *in = x->shape.dim, *kernel = w->shape.dim;
    int64_t filters = kernel[1], taps = kernel[2] * kernel[3], places = in[2] * in[3];
    int64_t height = (in[2] - 1) * stride[0] + kernel[2] - 2 * pad;
    int64_t width = (in[3] - 1) * stride[1] + kernel[3] - 2 * pad;
    struct onr_tensor *y = test_f32(SHAPE(in[0], filters * group, height, width), NULL);
    float *out = y->data;
    for (int64_t i = 0; i < onr_tensor_count(y); i++) {
        out[i] = ((float *)b->data)[i / (height * width) % (filters * group)];
    }
    for (int64_t i = 0; i < in[0] * in[1] * places * filters * taps; i++) {
        int64_t tap = i % taps, m = i / taps % filters, o = i / taps / filters % places;
        int64_t plane = i / taps / filters / places, c = plane % in[1];
        int64_t row = o / in[3] * stride[0] + tap / kernel[3] - pad;
        int64_t column = o % in[3] * stride[1] + tap % kernel[3] - pad;
        int64_t filter = plane / in[1] * filters * group + c / (in[1] / group) * filters + m;
        if (row >= 0 && row < height && column >= 0 && column < width) {
            out[(filter * height + row) * width + column] +=
                ((float *)x->data)[plane * places + o] *
                ((float *)w->data)[(c * filters + m) * taps + tap];
        }
    }
    return y;
}

static void groups_in_every_type(void **state)
{
    (void)state;
    static const enum onr_dtype dtypes[] = {ONR_FLOAT, ONR_DOUBLE, ONR_FLOAT16, ONR_BFLOAT16};
    static const int64_t strides[] = {2, 1};
    struct onr_tensor *x = small_integers(SHAPE(2, 6, 5, 4));
    struct onr_tensor *w = small_integers(SHAPE(6, 4, 2, 3));
    struct onr_tensor *b = small_integers(SHAPE(8));
    struct onr_tensor *y = transposed(x, w, b, 2, strides, 0);
    for (size_t d = 0; d < 4; d++) {
        struct op_test t;
        op_test_begin(&t, "", "ConvTranspose", 22);
        op_test_int(&t, "group", 2);
        op_test_ints(&t, "strides", 2, strides);
        op_test_input(&t, cast_tensor(x, dtypes[d]));
        op_test_input(&t, cast_tensor(w, dtypes[d]));
        op_test_input(&t, cast_tensor(b, dtypes[d]));
        op_test_output(&t, cast_tensor(y, dtypes[d]));
        op_test_run(&t);
    }
}

/* Rows of outputs that are interleaved, of taps that overlap or do not or leave gaps; and as many channels
 * as need several blocks. */
static void strides_and_many_channels(void **state)
{
    (void)state;
    static const struct {
        int64_t channels, filters, height, width, kernel, stride, pad;
    } cases[] = {{3, 17, 3, 14, 4, 4, 0}, {5, 37, 20, 19, 4, 2, 1}, {2, 3, 4, 33, 3, 2, 1},
                 {2, 3, 4, 18, 3, 3, 0},  {2, 3, 4, 18, 2, 3, 0},   {2, 5, 3, 7, 5, 4, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const int64_t strides[] = {cases[i].stride, cases[i].stride};
        int64_t pad = cases[i].pad, kernel = cases[i].kernel;
        struct op_test t;
        struct onr_tensor *x =
            small_integers(SHAPE(1, cases[i].channels, cases[i].height, cases[i].width));
        struct onr_tensor *w =
            small_integers(SHAPE(cases[i].channels, cases[i].filters, kernel, kernel));
        struct onr_tensor *b = small_integers(SHAPE(cases[i].filters));
        begin(&t, x, w);
        op_test_input(&t, b);
        op_test_ints(&t, "strides", 2, strides);
        op_test_ints(&t, "pads", 4, (int64_t[]){pad, pad, pad, pad});
        op_test_output(&t, transposed(x, w, b, 1, strides, pad));
        op_test_run(&t);
    }
}

static void a_stride_longer_than_the_output_takes_no_memory(void **state)
{
    (void)state;
    static const int64_t stride = INT32_MAX;
    struct op_test t;
    begin(&t, test_f32(SHAPE(1, 1, 1), (float[]){2}),
          test_f32(SHAPE(1, 1, 3), (float[]){1, 10, 100}));
    op_test_ints(&t, "strides", 1, &stride);
    op_test_output(&t, test_f32(SHAPE(1, 1, 3), (float[]){2, 20, 200}));
    op_test_run(&t);
}

static void empty_inputs_give_the_bias(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_f32(SHAPE(1, 0, 2), NULL), test_f32(SHAPE(0, 1, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(1), (float[]){5}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 3), (float[]){5, 5, 5}));
    op_test_run(&t);
}

static void expect_failure(struct op_test *t, enum onr_status status, const char *text)
{
    op_test_output(t, test_f32(SCALAR, NULL));
    op_test_fails(t, status, text);
}

static void bad_nodes_are_refused(void **state)
{
    (void)state;
    const struct onr_tensor *x = test_f32(SHAPE(1, 2, 3), NULL);
    const struct onr_tensor *w = test_f32(SHAPE(2, 1, 2), NULL);
    struct op_test t;
    begin(&t, test_f32(SHAPE(1, 2), NULL), w);
    expect_failure(&t, ONR_ERR_SHAPE, "x has rank 2 and w rank 3");
    begin(&t, x, test_f32(SHAPE(3, 1, 2), NULL));
    expect_failure(&t, ONR_ERR_SHAPE, "x has 2 channels, w expects 3");
    begin(&t, x, w);
    op_test_int(&t, "group", 3);
    expect_failure(&t, ONR_ERR_SHAPE, "2 channels do not divide into 3 groups");
    begin(&t, x, w);
    op_test_int(&t, "group", -1);
    expect_failure(&t, ONR_ERR_MODEL, "attribute group is -1, expected >= 1");
    begin(&t, x, w);
    op_test_ints(&t, "pads", 2, (int64_t[]){3, 3});
    expect_failure(&t, ONR_ERR_SHAPE, "pads of 3 and 3 are more than spatial dimension 0");
    begin(&t, x, w);
    op_test_ints(&t, "output_padding", 1, (int64_t[]){-1});
    expect_failure(&t, ONR_ERR_MODEL, "attribute output_padding[0] is -1, expected 0 to");
    begin(&t, x, w);
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    expect_failure(&t, ONR_ERR_SHAPE, "b has shape 2, expected one number for each of the 1");
}

static void begin_dynamic(struct op_test *t, size_t count, const int64_t *pads)
{
    op_test_begin(t, "com.microsoft", "ConvTransposeWithDynamicPads", 1);
    op_test_input(t, test_f32(SHAPE(1, 1, 3), (float[]){1, 2, 3}));
    op_test_input(t, test_f32(SHAPE(1, 1, 2), (float[]){1, 10}));
    op_test_input(t, pads != NULL ? test_i64(1, (int64_t[]){(int64_t)count}, pads) : NULL);
}

static void pads_of_com_microsoft_are_an_input(void **state)
{
    (void)state;
    struct op_test t;
    begin_dynamic(&t, 0, NULL);
    op_test_output(&t, test_f32(SHAPE(1, 1, 4), (float[]){1, 12, 23, 30}));
    op_test_run(&t);
    begin_dynamic(&t, 2, (int64_t[]){0, 1});
    op_test_output(&t, test_f32(SHAPE(1, 1, 3), (float[]){1, 12, 23}));
    op_test_run(&t);
    begin_dynamic(&t, 2, (int64_t[]){1, 0});
    op_test_input(&t, test_f32(SHAPE(1), (float[]){100}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 3), (float[]){112, 123, 130}));
    op_test_run(&t);
}

static void pads_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin_dynamic(&t, 3, (int64_t[]){0, 0, 0});
    op_test_output(&t, test_f32(SHAPE(1, 1, 4), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "3 pads, expected 2");
    begin_dynamic(&t, 2, (int64_t[]){0, -1});
    op_test_output(&t, test_f32(SHAPE(1, 1, 4), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "pad 1 is -1, expected 0 to 2147483647");
    begin_dynamic(&t, 2, (int64_t[]){3, 2});
    op_test_output(&t, test_f32(SHAPE(1, 1, 4), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "pads of 3 and 2 are more than spatial dimension 0");
    begin_dynamic(&t, 2, (int64_t[]){0, 0});
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 1, 4), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "b has shape 2, expected one number for each of the 1 output");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(overlapping_taps_add_up, test_tensors_free),
        cmocka_unit_test_teardown(pads_and_output_shape, test_tensors_free),
        cmocka_unit_test_teardown(groups_in_every_type, test_tensors_free),
        cmocka_unit_test_teardown(strides_and_many_channels, test_tensors_free),
        cmocka_unit_test_teardown(a_stride_longer_than_the_output_takes_no_memory,
                                  test_tensors_free),
        cmocka_unit_test_teardown(empty_inputs_give_the_bias, test_tensors_free),
        cmocka_unit_test_teardown(bad_nodes_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(pads_of_com_microsoft_are_an_input, test_tensors_free),
        cmocka_unit_test_teardown(pads_that_do_not_fit_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
