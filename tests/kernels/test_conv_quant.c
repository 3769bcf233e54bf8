/* SPDX-License-Identifier: Apache-2.0 */
/* Planes of convolutions and integer quantisation against plain loops in double, on each instruction
 * set. */
#include "kernels/kernels.h"
#include "support/test.h"
#include "support/window_test.h"

#include <math.h>
#include <string.h>

#define MOST 512

static const struct onr_window windows[] = {
    {.in = {1, 1, 7}, .out = {1, 1, 7}, .kernel = {1, 1, 3}, .pad = {0, 0, 1}},
    {.in = {1, 6, 5}, .out = {1, 6, 5}, .kernel = {1, 3, 3}, .pad = {0, 1, 1}},
    {.in = {1, 9, 17}, .out = {1, 4, 8}, .kernel = {1, 3, 3}, .stride = {1, 2, 2}},
    {.in = {1, 1, 64}, .out = {1, 1, 60}, .kernel = {1, 1, 3}, .dilation = {1, 1, 2}},
    {.in = {3, 4, 5}, .out = {2, 3, 4}, .kernel = {2, 2, 2}},
    {.in = {1, 1, 1}, .out = {1, 1, 1}, .kernel = {1, 1, 1}},
    {.in = {1, 1, 5}, .out = {1, 1, 0}, .kernel = {1, 1, 6}},
    {.in = {1, 4, 74}, .out = {1, 2, 37}, .kernel = {1, 2, 2}, .stride = {1, 2, 2}},
    {.in = {1, 6, 75},
     .out = {1, 3, 38},
     .kernel = {1, 4, 4},
     .stride = {1, 2, 2},
     .pad = {0, 1, 1}},
    {.in = {2, 1, 151},
     .out = {1, 1, 37},
     .kernel = {2, 1, 8},
     .stride = {2, 1, 4},
     .pad = {0, 0, 2}},
    {.in = {1, 1, 53}, .out = {1, 1, 18}, .kernel = {1, 1, 2}, .stride = {1, 1, 3}},
    {.in = {1, 3, 40},
     .out = {1, 2, 9},
     .kernel = {1, 1, 3},
     .stride = {1, 2, 4},
     .dilation = {1, 1, 3}},
};

static struct onr_window complete(struct onr_window w)
{
    for (int d = 0; d < 3; d++) {
        w.stride[d] = w.stride[d] != 0 ? w.stride[d] : 1;
        w.dilation[d] = w.dilation[d] != 0 ? w.dilation[d] : 1;
    }
    return w;
}

/* Index of the input that tap t sees at output o, or -1 on padding. */
static int64_t input_at(const struct onr_window *w, const int64_t o[3], const int64_t t[3])
{
    int64_t index = 0;
    for (int d = 0; d < 3; d++) {
        int64_t i = o[d] * w->stride[d] - w->pad[d] + t[d] * w->dilation[d];
        if (i < 0 || i >= w->in[d]) {
            return -1;
        }
        index = index * w->in[d] + i;
    }
    return index;
}

/* Adds all products: of taps and inputs to outputs, or (spread) of taps and outputs to inputs, where each
 * tap has outputs of its own, so many floats behind those of the tap before. */
static void reference(const struct onr_window *w, bool is_spread, const float *x, int64_t x_stride,
                      const float *weights, double *y)
{
    int64_t outputs = w->out[0] * w->out[1] * w->out[2];
    int64_t taps = w->kernel[0] * w->kernel[1] * w->kernel[2];
    for (int64_t i = 0; i < outputs * taps; i++) {
        int64_t o[3];
        int64_t t[3];
        window_test_split(w->out, i / taps, o);
        window_test_split(w->kernel, i % taps, t);
        int64_t in = input_at(w, o, t);
        double tap = (double)weights[i % taps];
        if (in >= 0 && is_spread) {
            y[in] += tap * (double)x[(i % taps) * x_stride + i / taps];
        } else if (in >= 0) {
            y[i / taps] += tap * (double)x[in];
        }
    }
}

static void widen(const float *x, double *wide, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        wide[i] = (double)x[i];
    }
}

/* What is behind the plane is as it was. */
static void check_plane(const double *want, size_t count, const double *got, double bound)
{
    for (size_t i = 0; i < MOST; i++) {
        assert_true(fabs(got[i] - want[i]) <= (i < count ? bound : 0.0));
    }
}

static void check_f64(const struct onr_kernels *kernels, const struct onr_window *w, bool is_spread)
{
    float x[MOST];
    float weights[64];
    float start[MOST];
    double x64[MOST], weights64[64], got[MOST], want[MOST];
    test_random(3, MOST, x);
    test_random(4, 64, weights);
    test_random(5, MOST, start);
    widen(x, x64, MOST);
    widen(weights, weights64, 64);
    widen(start, got, MOST);
    widen(start, want, MOST);
    reference(w, is_spread, x, 0, weights, want);
    if (is_spread) {
        kernels->conv.spread_f64(w, x64, weights64, got);
    } else {
        kernels->conv.plane_f64(w, x64, weights64, got);
    }
    check_plane(want, onr_window_volume(is_spread ? w->in : w->out), got, 1e-13);
}

static void check_spread_f32(const struct onr_kernels *kernels, const struct onr_window *w)
{
    static float columns[16 * MOST];
    float ones[64];
    float scratch[MOST];
    float y[MOST];
    double got[MOST], want[MOST];
    size_t outputs = onr_window_volume(w->out);
    size_t count = onr_window_volume(w->in);
    test_random(3, 16 * MOST, columns);
    test_random(5, MOST, y);
    widen(y, want, MOST);
    for (size_t i = 0; i < 64; i++) {
        ones[i] = 1.0f;
    }
    for (size_t i = 0; i < count; i++) {
        want[i] = 0.75;
    }
    reference(w, true, columns, (int64_t)outputs, ones, want);
    const struct onr_conv_spread job = {.window = w,
                                        .columns = columns,
                                        .column_stride = outputs,
                                        .bias = 0.75f,
                                        .scratch = scratch,
                                        .y = y};
    assert_true(onr_spread_floats(w) <= MOST &&
                outputs * onr_window_volume(w->kernel) <= 16 * MOST);
    kernels->conv.spread_f32(&job);
    widen(y, got, MOST);
    check_plane(want, count, got, 1e-5);
}

static void planes_are_correlated_and_spread(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
            struct onr_window w = complete(windows[i]);
            check_f64(&kernels, &w, false);
            check_f64(&kernels, &w, true);
            check_spread_f32(&kernels, &w);
        }
    }
}

static void check_quantisation(const struct onr_kernels *kernels, size_t count, size_t step)
{
    float x[MOST];
    float scale[MOST];
    float zero[MOST];
    float q[MOST];
    float back[MOST];
    test_random(count + 1, MOST, x);
    test_random(count + 2, MOST, scale);
    for (size_t i = 0; i < MOST; i++) {
        x[i] *= 4.0f;
        scale[i] = 0.01f + 0.01f * fabsf(scale[i]);
        zero[i] = (float)(i % 7);
    }
    kernels->quant.quantize_f32(count, x, scale, zero, step, -128.0f, 127.0f, q);
    kernels->quant.dequantize_f32(count, q, scale, zero, step, back);
    for (size_t i = 0; i < count; i++) {
        size_t p = i * step;
        double ratio = (double)(x[i] / scale[p]); /* the division is one of floats */
        double want = fmin(fmax(rint(ratio) + (double)zero[p], -128), 127);
        assert_true((double)q[i] == want);
        double value = (want - (double)zero[p]) * (double)scale[p];
        assert_true(fabs((double)back[i] - value) <= 1e-6 * fabs(value));
    }
}

static void check_products(const struct onr_kernels *kernels, size_t count)
{
    uint8_t b[MOST];
    int8_t signed_b[MOST];
    int32_t y[MOST] = {0};
    int32_t signed_y[MOST] = {0};
    for (size_t i = 0; i < MOST; i++) {
        b[i] = (uint8_t)(i * 37);
        memcpy(&signed_b[i], &b[i], 1);
    }
    kernels->quant.add_product_u8(count, -255, b, y);
    kernels->quant.add_product_s8(count, -255, signed_b, signed_y);
    for (size_t i = 0; i < MOST; i++) {
        assert_int_equal(y[i], i < count ? -255 * b[i] : 0);
        assert_int_equal(signed_y[i], i < count ? -255 * signed_b[i] : 0);
    }
}

static void integers_are_quantised(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 15, 16, 17, 31, 97, MOST};
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
            check_quantisation(&kernels, counts[i], 0);
            check_quantisation(&kernels, counts[i], 1);
            check_products(&kernels, counts[i]);
        }
    }
}

static void a_nan_is_quantised_to_the_lowest_number(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        const float x[] = {NAN, INFINITY, -INFINITY, 0.5f, 1.5f};
        const float one = 1.0f;
        const float zero = 0.0f;
        float q[5];
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        kernels.quant.quantize_f32(5, x, &one, &zero, 0, 0.0f, 255.0f, q);
        const float want[] = {0.0f, 255.0f, 0.0f, 0.0f, 2.0f};
        assert_memory_equal(q, want, sizeof want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planes_are_correlated_and_spread),
        cmocka_unit_test(integers_are_quantised),
        cmocka_unit_test(a_nan_is_quantised_to_the_lowest_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
