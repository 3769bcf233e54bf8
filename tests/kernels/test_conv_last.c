/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolutions whose channels stand last against plain loops in double, on each instruction
 * set. */
#include "kernels/kernels.h"
#include "support/test.h"
#include "support/window_test.h"

#include <math.h>

#define MOST  65536
#define GUARD 12345.0f

static float x[MOST];
static float w[MOST];
static float bias[MOST];
static float y[MOST];

static double sum_at(const struct onr_window *s, int64_t channels, int64_t output, int64_t channel)
{
    double sum = 0;
    int64_t o[3];
    window_test_split(s->out, output, o);
    for (int64_t tap = 0; tap < window_test_volume(s->kernel); tap++) {
        int64_t t[3];
        int64_t at = 0;
        bool is_inside = true;
        window_test_split(s->kernel, tap, t);
        for (int d = 0; d < 3; d++) {
            int64_t i = o[d] * s->stride[d] - s->pad[d] + t[d] * s->dilation[d];
            is_inside = is_inside && i >= 0 && i < s->in[d];
            at = at * s->in[d] + i;
        }
        if (is_inside) {
            sum += (double)w[tap * channels + channel] * (double)x[at * channels + channel];
        }
    }
    return sum;
}

static void check(const struct onr_kernels *kernels, const struct onr_window *s, int64_t channels,
                  int64_t first, int64_t count)
{
    assert_true((count + 1) * channels <= MOST && window_test_volume(s->in) * channels <= MOST);
    for (int64_t i = 0; i < (count + 1) * channels; i++) {
        y[i] = GUARD;
    }
    bool has_bias = count % 2 == 1;
    kernels->conv.last(&(struct onr_conv_last){.window = s,
                                               .channels = (size_t)channels,
                                               .x = x,
                                               .w = w,
                                               .bias = has_bias ? bias : NULL,
                                               .first = first,
                                               .count = count,
                                               .y = y});
    for (int64_t i = 0; i < count * channels; i++) {
        double want = sum_at(s, channels, first + i / channels, i % channels) +
                      (has_bias ? (double)bias[i % channels] : 0.0);
        assert_true(fabs((double)y[i] - want) < 1e-5);
    }
    for (int64_t i = 0; i < channels; i++) {
        assert_true(y[count * channels + i] == GUARD);
    }
}

static void check_window(const struct onr_kernels *kernels, struct onr_window s, int64_t channels)
{
    for (int d = 0; d < 3; d++) {
        int64_t reach = (s.kernel[d] - 1) * s.dilation[d];
        s.out[d] = (s.in[d] + 2 * s.pad[d] - reach - 1) / s.stride[d] + 1;
        assert_true(s.out[d] > 0);
    }
    int64_t outputs = window_test_volume(s.out);
    check(kernels, &s, channels, 0, outputs);
    check(kernels, &s, channels, outputs / 3, (outputs + 2) / 3);
    check(kernels, &s, channels, outputs - 1, 1);
}

static void sums_are_those_of_plain_loops(void **state)
{
    (void)state;
    static const int64_t channels[] = {1, 3, 4, 7, 8, 9, 15, 16, 17, 32, 33, 47, 64, 70, 130};
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (int64_t i = 0; i < 360; i++) {
            struct onr_window s = {.in = {1 + i % 13 / 12, 1 + i % 7, 1 + i % 11},
                                   .kernel = {1, 1 + i % 4, 1 + i % 5},
                                   .stride = {1, 1 + i % 3 / 2, 1 + i % 7 / 5},
                                   .dilation = {1, 1 + i % 5 / 4, 1 + i % 3 / 2},
                                   .pad = {i % 17 / 16, 3 + i % 3, 4 + i % 2}};
            check_window(&kernels, s, channels[i % 15]);
        }
    }
}

/* Which are summed by pairs of rows. */
static void squares_are_summed_as_plain_loops_do(void **state)
{
    (void)state;
    static const int64_t channels[] = {16, 17, 40, 70};
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (int64_t i = 0; i < 192; i++) {
            struct onr_window s = {.in = {1 + i % 2, 2 + i % 5, 1 + i % 16},
                                   .kernel = {1, 3, 3},
                                   .stride = {1, 1, 1},
                                   .dilation = {1, 1, 1},
                                   .pad = {0, 1 + i % 3 / 2, 1}};
            check_window(&kernels, s, channels[i / 16 % 4]);
        }
    }
}

static void an_output_does_not_depend_on_the_others(void **state)
{
    (void)state;
    static float alone[MOST];
    const struct onr_window s = {.in = {1, 5, 14},
                                 .out = {1, 5, 14},
                                 .kernel = {1, 3, 3},
                                 .stride = {1, 1, 1},
                                 .dilation = {1, 1, 1},
                                 .pad = {0, 1, 1}};
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        struct onr_conv_last job = {
            .window = &s, .channels = 40, .x = x, .w = w, .count = 70, .y = y};
        kernels.conv.last(&job);
        for (int64_t i = 0; i < 70; i++) {
            job.first = i;
            job.count = 1;
            job.y = alone + i * 40;
            kernels.conv.last(&job);
        }
        assert_memory_equal(alone, y, 70 * 40 * sizeof(float));
    }
}

static int set_up(void **state)
{
    (void)state;
    test_random(1, MOST, x);
    test_random(2, MOST, w);
    test_random(3, MOST, bias);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_plain_loops),
        cmocka_unit_test(squares_are_summed_as_plain_loops_do),
        cmocka_unit_test(an_output_does_not_depend_on_the_others),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
