/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise convolutions of channels side by side, on each instruction set. */
#include "kernels/conv/conv.h"
#include "kernels/kernels.h"
#include "support/test.h"

#include <math.h>

#define LANES 16 /* most of any instruction set */
#define ROWS  3
#define MOST  (1 << 16)
#define GUARD 12345.0f

static float x[MOST], w[64 * LANES], y[MOST];

/* A window of high x wide taps over rows of outputs, `stride` columns apart. */
static void check(const struct onr_kernels *kernels, size_t high, size_t wide, size_t count,
                  size_t stride, bool is_dense)
{
    size_t lanes = kernels->conv.abreast_lanes;
    size_t line = (count * stride + 2 * wide) * lanes;
    size_t dilation = is_dense ? 1 : 2;
    size_t offsets[64];
    for (size_t p = 0; p < high * wide; p++) {
        offsets[p] = p / wide * line + p % wide * dilation * lanes;
    }
    for (size_t i = 0; i < MOST; i++) {
        y[i] = GUARD;
    }
    const struct onr_conv_abreast job = {.rows = ROWS,
                                         .count = count,
                                         .k = high * wide,
                                         .wide = is_dense && stride == 1 ? wide : 0,
                                         .x = x,
                                         .offsets = offsets,
                                         .x_step = stride * lanes,
                                         .x_line = line,
                                         .w = w + lanes,
                                         .bias = w,
                                         .y = y};
    kernels->conv.abreast(&job);
    for (size_t i = 0; i < ROWS * count * lanes; i++) {
        size_t at = i / lanes / count * line + i / lanes % count * stride * lanes + i % lanes;
        double want = (double)w[i % lanes];
        for (size_t p = 0; p < high * wide; p++) {
            want += (double)w[(p + 1) * lanes + i % lanes] * (double)x[at + offsets[p]];
        }
        assert_true(fabs((double)y[i] - want) < 1e-5);
    }
    assert_true(y[ROWS * count * lanes] == GUARD);
}

static void sums_are_those_of_plain_loops(void **state)
{
    (void)state;
    test_random(1, MOST, x);
    test_random(2, sizeof w / sizeof w[0], w);
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t count = 1; kernels.conv.abreast != NULL && count <= 30; count++) {
            for (size_t wide = 1; wide <= 7; wide++) {
                check(&kernels, 1 + count % 4, wide, count, 1, true);
                check(&kernels, 1 + wide % 4, wide, count, 2, true);
                check(&kernels, 2, wide, count, 1, false);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_plain_loops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
