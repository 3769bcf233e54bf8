/* SPDX-License-Identifier: Apache-2.0 */
/* Poolings of float planes against plain loops in double, on each instruction set. */
#include "kernels/kernels.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

#define MOST 16384

/* Unset strides and dilations are 1, unset outputs as many as fit. */
static const struct onr_window windows[] = {
    {.in = {1, 1, 1}, .kernel = {1, 1, 1}},
    {.in = {1, 6, 5}, .kernel = {1, 3, 3}, .pad = {0, 1, 1}, .pad_end = {0, 1, 1}},
    {.in = {1, 9, 33}, .kernel = {1, 2, 2}, .stride = {1, 2, 2}},
    {.in = {1, 9, 40}, .kernel = {1, 3, 3}, .stride = {1, 2, 2}, .pad = {0, 1, 1}},
    {.in = {1, 9, 40}, .kernel = {1, 4, 5}, .stride = {1, 3, 3}, .pad_end = {0, 3, 4}},
    {.in = {1, 7, 64}, .kernel = {1, 2, 3}, .dilation = {1, 3, 2}, .pad = {0, 2, 1}},
    {.in = {3, 4, 50}, .kernel = {2, 2, 2}, .pad = {1, 0, 1}, .pad_end = {1, 1, 0}},
    {.in = {1, 2, 3000}, .kernel = {1, 2, 7}, .stride = {1, 1, 2}, .pad = {0, 0, 3}},
    {.in = {1, 1, 3000}, .kernel = {1, 1, 1500}, .stride = {1, 1, 1000}, .pad = {0, 0, 9}},
    {.in = {1, 1, 3000}, .kernel = {1, 1, 700}, .dilation = {1, 1, 2}, .stride = {1, 1, 500}},
    {.in = {1, 1, 300}, .kernel = {1, 1, 40}},
    {.in = {1, 1, 49}, .kernel = {1, 1, 49}},
    {.in = {1, 7, 7}, .kernel = {1, 7, 7}},
    {.in = {1, 40, 112}, .kernel = {1, 3, 3}, .pad = {0, 1, 1}, .pad_end = {0, 1, 1}},
    {.in = {1, 40, 113}, .kernel = {1, 3, 3}, .stride = {1, 2, 2}, .pad = {0, 1, 1}},
    {.in = {1, 40, 90}, .kernel = {1, 2, 2}, .stride = {1, 1, 2}},
    {.in = {1, 9, 70}, .kernel = {1, 5, 8}, .stride = {1, 2, 2}, .pad = {0, 2, 2}},
    {.in = {1, 2, 2}, .kernel = {1, 1, 1}, .pad = {0, 3, 3}, .pad_end = {0, 1, 1}},
    {.in = {1, 9, 40}, .kernel = {1, 3, 3}},
    {.in = {1, 7, 41}, .kernel = {1, 3, 3}, .stride = {1, 2, 2}},
    {.in = {1, 5, 33}, .kernel = {1, 3, 3}, .pad = {0, 2, 2}, .pad_end = {0, 2, 2}},
    {.in = {1, 9, 50}, .kernel = {1, 3, 3}, .dilation = {1, 2, 1}, .pad = {0, 3, 1}},
    {.in = {1, 3, 5}, .kernel = {1, 2, 2}, .stride = {1, 2, 2}, .pad_end = {0, 1, 40}},
    {.in = {1, 1, 48}, .kernel = {1, 3, 3}, .pad = {0, 5, 1}, .pad_end = {0, 5, 1}},
    {.in = {1, 4, 3000}, .kernel = {1, 3, 3}, .pad = {0, 1, 1}, .pad_end = {0, 1, 1}},
    {.in = {1, 5, 2500}, .kernel = {1, 3, 3}, .stride = {1, 1, 2}, .pad = {0, 1, 0}},
    {.in = {1, 2, 3}, .kernel = {1, 3, 3}, .pad = {0, 1, 1}, .pad_end = {0, 1, 1}},
};

static struct onr_window complete(struct onr_window w)
{
    for (int d = 0; d < 3; d++) {
        w.stride[d] = w.stride[d] != 0 ? w.stride[d] : 1;
        w.dilation[d] = w.dilation[d] != 0 ? w.dilation[d] : 1;
        int64_t room = w.in[d] + w.pad[d] + w.pad_end[d] - (w.kernel[d] - 1) * w.dilation[d] - 1;
        w.out[d] = room / w.stride[d] + 1;
    }
    return w;
}

struct seen {
    double sum;
    double max;
    int64_t inside; /* taps on the plane ... */
    int64_t padded; /* ... and on the padded plane */
};

/* Looks at one tap of one output; false when it lies on padding. */
static bool find_input(const struct onr_window *w, int64_t o, int64_t t, struct seen *seen,
                       int64_t *index)
{
    int64_t dims[3] = {o / w->out[2] / w->out[1], o / w->out[2] % w->out[1], o % w->out[2]};
    int64_t taps[3] = {t / w->kernel[2] / w->kernel[1], t / w->kernel[2] % w->kernel[1],
                       t % w->kernel[2]};
    bool is_inside = true;
    bool is_padded = true;
    *index = 0;
    for (int d = 0; d < 3; d++) {
        int64_t i = dims[d] * w->stride[d] - w->pad[d] + taps[d] * w->dilation[d];
        is_inside = is_inside && i >= 0 && i < w->in[d];
        is_padded = is_padded && i < w->in[d] + w->pad_end[d];
        *index = *index * w->in[d] + i;
    }
    seen->inside += is_inside;
    seen->padded += is_padded;
    return is_inside;
}

static struct seen look(const struct onr_window *w, const float *x, int64_t o)
{
    struct seen seen = {.max = (double)-INFINITY};
    for (int64_t t = 0; t < w->kernel[0] * w->kernel[1] * w->kernel[2]; t++) {
        int64_t index = 0;
        if (find_input(w, o, t, &seen, &index)) {
            double v = (double)x[index];
            seen.sum += v;
            seen.max = isnan(seen.max) || v <= seen.max ? seen.max : v;
        }
    }
    return seen;
}

static void check_window(const struct onr_kernels *kernels, const struct onr_window *w)
{
    static float x[MOST];
    static float max[MOST];
    static float mean[2][MOST];
    int64_t outputs = w->out[0] * w->out[1] * w->out[2];
    test_random(7, MOST, x);
    max[outputs] = mean[0][outputs] = mean[1][outputs] = 5.0f;
    kernels->pool.max_f32(w, x, max);
    kernels->pool.average[ONR_FLOAT](w, false, x, mean[0]);
    kernels->pool.average[ONR_FLOAT](w, true, x, mean[1]);
    for (int64_t o = 0; o < outputs; o++) {
        struct seen seen = look(w, x, o);
        assert_true((double)max[o] == seen.max);
        double want = seen.inside > 0 ? seen.sum / (double)seen.inside : 0;
        assert_true(fabs((double)mean[0][o] - want) < 2e-6);
        want = seen.padded > 0 ? seen.sum / (double)seen.padded : 0;
        assert_true(fabs((double)mean[1][o] - want) < 2e-6);
    }
    /* nothing is written behind the plane */
    assert_true(max[outputs] == 5.0f && mean[0][outputs] == 5.0f && mean[1][outputs] == 5.0f);
}

static void maxima_and_means_are_those_of_the_windows(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
            struct onr_window w = complete(windows[i]);
            check_window(&kernels, &w);
        }
    }
}

#define NAN_PLANE (5 * 40)

static void check_nans(const struct onr_kernels *kernels, const struct onr_window *w)
{
    float x[NAN_PLANE];
    float y[NAN_PLANE];
    for (int64_t at = 0; at < NAN_PLANE; at++) {
        test_random(8, NAN_PLANE, x);
        x[at] = NAN;
        kernels->pool.max_f32(w, x, y);
        for (int64_t o = 0; o < w->out[1] * w->out[2]; o++) {
            double want = look(w, x, o).max;
            assert_true(isnan(want) ? isnan(y[o]) : (double)y[o] == want);
        }
    }
}

/* A NaN at each place in turn is seen by the outputs whose windows have it, and by no other. */
static void a_nan_wins_where_it_is_seen(void **state)
{
    (void)state;
    static const struct onr_window nan_windows[] = {
        {.in = {1, 5, 40}, .kernel = {1, 2, 3}, .pad = {0, 1, 1}, .pad_end = {0, 0, 1}},
        {.in = {1, 5, 40}, .kernel = {1, 3, 3}, .pad = {0, 1, 1}, .pad_end = {0, 1, 1}},
        {.in = {1, 5, 40}, .kernel = {1, 3, 3}, .stride = {1, 2, 2}, .pad = {0, 1, 1}},
        {.in = {1, 5, 40}, .kernel = {1, 2, 2}, .stride = {1, 2, 2}},
    };
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t i = 0; i < sizeof nan_windows / sizeof nan_windows[0]; i++) {
            struct onr_window w = complete(nan_windows[i]);
            check_nans(&kernels, &w);
        }
    }
}

static void means_of_whole_planes_are_those_of_double_sums(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 3, 4, 15, 16, 17, 31, 33, 49, 64, 196, 1024, 1025, 4000};
    static float x[3 * 4000];
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
            float y[4] = {0, 0, 0, 5.0f};
            test_random(10, 3 * 4000, x);
            kernels.pool.mean_f32(3, counts[i], x, y);
            for (size_t p = 0; p < 3; p++) {
                double sum = 0;
                for (size_t e = 0; e < counts[i]; e++) {
                    sum += (double)x[p * counts[i] + e];
                }
                assert_true(fabs((double)y[p] - sum / (double)counts[i]) < 1e-6);
            }
            assert_true(y[3] == 5.0f);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maxima_and_means_are_those_of_the_windows),
        cmocka_unit_test(a_nan_wins_where_it_is_seen),
        cmocka_unit_test(means_of_whole_planes_are_those_of_double_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
