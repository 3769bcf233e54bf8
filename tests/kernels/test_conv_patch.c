/* SPDX-License-Identifier: Apache-2.0 */
/* Patches of convolutions, the panels made of them and the sums over them, on each instruction set. */
#include "kernels/conv/patch.h"
#include "kernels/kernels.h"
#include "support/test.h"
#include "support/window_test.h"

#include <math.h>
#include <string.h>

#define MOST     65536
#define CHANNELS 2
#define GUARD    12345.0f

/* Unset strides and dilations are 1. */
static const struct onr_window windows[] = {
    {.in = {1, 1, 1}, .out = {1, 1, 1}, .kernel = {1, 1, 1}},
    {.in = {1, 1, 70}, .out = {1, 1, 70}, .kernel = {1, 1, 3}, .pad = {0, 0, 1}},
    {.in = {1, 6, 5}, .out = {1, 6, 5}, .kernel = {1, 3, 3}, .pad = {0, 1, 1}},
    {.in = {1, 9, 40}, .out = {1, 9, 40}, .kernel = {1, 3, 3}, .pad = {0, 1, 1}},
    {.in = {1, 9, 67},
     .out = {1, 5, 34},
     .kernel = {1, 3, 3},
     .stride = {1, 2, 2},
     .pad = {0, 1, 1}},
    {.in = {1, 9, 10}, .out = {1, 3, 3}, .kernel = {1, 2, 2}, .stride = {1, 3, 3}},
    {.in = {1, 8, 9}, .out = {1, 2, 3}, .kernel = {1, 1, 1}, .stride = {1, 4, 4}},
    {.in = {1, 20, 31}, .out = {1, 4, 15}, .kernel = {1, 3, 3}, .dilation = {1, 8, 8}},
    {.in = {1, 9, 9},
     .out = {1, 2, 2},
     .kernel = {1, 3, 3},
     .stride = {1, 2, 2},
     .dilation = {1, 3, 3}},
    {.in = {1, 1, 200}, .out = {1, 1, 39}, .kernel = {1, 1, 10}, .stride = {1, 1, 5}},
    {.in = {1, 9, 30}, .out = {1, 7, 1}, .kernel = {1, 4, 30}, .pad = {0, 1, 0}},
    {.in = {3, 4, 5}, .out = {4, 4, 3}, .kernel = {2, 3, 2}, .stride = {1, 1, 2}, .pad = {1, 1, 0}},
    {.in = {1, 2, 2}, .out = {1, 6, 7}, .kernel = {1, 1, 1}, .pad = {0, 3, 3}},
    {.in = {0, 4, 0}, .out = {1, 1, 2}, .kernel = {1, 1, 2}, .pad = {1, 0, 1}},
};

#define WINDOWS (sizeof windows / sizeof windows[0])

static float x[MOST];
static float patched[MOST];
static size_t offsets[MOST];

static struct onr_window complete(struct onr_window w)
{
    for (int d = 0; d < 3; d++) {
        w.stride[d] = w.stride[d] != 0 ? w.stride[d] : 1;
        w.dilation[d] = w.dilation[d] != 0 ? w.dilation[d] : 1;
    }
    return w;
}

/* What tap k, counted over channels, sees at output o. */
static float input_at(const struct onr_window *w, int64_t k, const int64_t o[3])
{
    int64_t tap[3];
    int64_t index = k / window_test_volume(w->kernel);
    window_test_split(w->kernel, k % window_test_volume(w->kernel), tap);
    for (int d = 0; d < 3; d++) {
        int64_t i = o[d] * w->stride[d] - w->pad[d] + tap[d] * w->dilation[d];
        if (i < 0 || i >= w->in[d]) {
            return 0.0f;
        }
        index = index * w->in[d] + i;
    }
    return x[index];
}

/* The patch of some outputs, in `patched`, and the offsets of the taps from k_begin on. */
static struct onr_patch make_patch(const struct onr_kernels *kernels, const struct onr_window *w,
                                   int64_t first, int64_t count, int64_t k_begin)
{
    struct onr_patch patch;
    size_t floats = 0;
    int64_t taps = window_test_volume(w->kernel);
    size_t channel = (size_t)(k_begin / taps);
    test_random(9, MOST, x);
    onr_patch_plan(w, first, count, &patch);
    assert_true(onr_patch_floats(&patch, &floats));
    floats *= CHANNELS - channel;
    assert_true(floats + ONR_PATCH_SLACK < MOST);
    patched[floats + ONR_PATCH_SLACK] = GUARD;
    kernels->conv.fill(w, &patch, x + channel * (size_t)window_test_volume(w->in),
                       CHANNELS - channel, patched);
    assert_true(patched[floats + ONR_PATCH_SLACK] == GUARD);
    onr_patch_offsets(w, &patch, (size_t)k_begin, (size_t)(CHANNELS * taps - k_begin), offsets);
    return patch;
}

static void check_patch(const struct onr_kernels *kernels, const struct onr_window *w,
                        int64_t first, int64_t count, int64_t k_begin)
{
    struct onr_patch patch = make_patch(kernels, w, first, count, k_begin);
    int64_t steps = CHANNELS * window_test_volume(w->kernel) - k_begin;
    for (int64_t i = first; i < first + count; i++) {
        int64_t o[3];
        window_test_split(w->out, i, o);
        int64_t place = onr_patch_place(&patch, o);
        for (int64_t p = 0; p < steps; p++) {
            assert_true(patched[offsets[p] + (size_t)place] == input_at(w, k_begin + p, o));
        }
    }
}

static void check_panel(const struct onr_kernels *kernels, const struct onr_window *w,
                        int64_t first, int64_t count, size_t width)
{
    static float panel[MOST];
    struct onr_patch_block blocks[ONR_PATCH_MAX_BLOCKS];
    struct onr_patch patch = make_patch(kernels, w, first, count, 0);
    size_t steps = (size_t)(CHANNELS * window_test_volume(w->kernel));
    size_t used = onr_patch_blocks(w, &patch, first, count, blocks);
    assert_true(used <= ONR_PATCH_MAX_BLOCKS);
    panel[steps * width + ONR_PATCH_SLACK] = GUARD;
    kernels->conv.pack(patched, offsets, steps, blocks, used, width, panel);
    assert_true(panel[steps * width + ONR_PATCH_SLACK] == GUARD);
    for (size_t i = 0; i < steps * (size_t)count; i++) {
        int64_t o[3];
        window_test_split(w->out, first + (int64_t)i % count, o);
        float want = input_at(w, (int64_t)i / count, o);
        assert_true(panel[i / (size_t)count * width + i % (size_t)count] == want);
    }
}

static void for_each_window(void (*check)(const struct onr_kernels *, const struct onr_window *))
{
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t i = 0; i < WINDOWS; i++) {
            struct onr_window w = complete(windows[i]);
            check(&kernels, &w);
        }
    }
}

static void check_patches(const struct onr_kernels *kernels, const struct onr_window *w)
{
    int64_t outputs = window_test_volume(w->out);
    check_patch(kernels, w, 0, outputs, 0);
    check_patch(kernels, w, outputs / 3, (outputs + 2) / 3, 0);
    check_patch(kernels, w, outputs - 1, 1, window_test_volume(w->kernel) / 2);
    check_patch(kernels, w, 0, (outputs + 1) / 2, CHANNELS * window_test_volume(w->kernel) - 1);
}

static void taps_are_found_where_offsets_say(void **state)
{
    (void)state;
    for_each_window(check_patches);
}

/* As wide as tiles are, also those that are narrower than what is copied at a time. */
static void check_panels(const struct onr_kernels *kernels, const struct onr_window *w)
{
    static const int64_t widths[] = {4, 16, 48};
    for (int64_t first = 0; first < window_test_volume(w->out); first += 31) {
        int64_t left = window_test_volume(w->out) - first;
        for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
            check_panel(kernels, w, first, left < widths[i] ? left : widths[i], (size_t)widths[i]);
        }
    }
}

static void panels_have_a_row_for_each_tap(void **state)
{
    (void)state;
    for_each_window(check_panels);
}

static void patches_that_are_too_large_are_refused(void **state)
{
    (void)state;
    size_t floats;
    struct onr_patch patch = {.parts = {1, 1 << 20, 1 << 20}, .size = {1, 1 << 20, 1 << 20}};
    assert_false(onr_patch_floats(&patch, &floats));
    patch.parts[1] = 1;
    patch.size[1] = 1 << 10;
    assert_false(onr_patch_floats(&patch, &floats));
}

/* A job of two lines or more against sums in double, its first `shared` tap rows as stated. */
static void check_direct(const struct onr_kernels *kernels, size_t rows, size_t count, size_t lines,
                         size_t taps_high)
{
    enum { K = 9, LINE = 200 };
    static float y[MOST];
    float w[7 * K];
    float bias[7];
    const size_t y_stride = lines * LINE;
    test_random(1, MOST, patched);
    test_random(2, 7 * K, w);
    test_random(3, 7, bias);
    for (size_t p = 0; p < K; p++) {
        offsets[p] = taps_high != 0 ? p / 3 * LINE + p % 3 : p * 7 % 5 * LINE + p;
    }
    for (size_t i = 0; i < MOST; i++) {
        y[i] = GUARD;
    }
    kernels->conv.direct(&(struct onr_conv_direct){.rows = rows,
                                                   .lines = lines,
                                                   .count = count,
                                                   .k = K,
                                                   .w = w,
                                                   .bias = count % 2 == 0 ? bias : NULL,
                                                   .x = patched,
                                                   .offsets = offsets,
                                                   .taps_high = taps_high,
                                                   .x_line = LINE,
                                                   .y = y,
                                                   .y_stride = y_stride,
                                                   .y_line = LINE});
    for (size_t i = 0; i < rows * y_stride; i++) {
        size_t r = i / y_stride;
        size_t l = i % y_stride / LINE;
        double want = count % 2 == 0 ? (double)bias[r] : 0.0;
        for (size_t p = 0; p < K; p++) {
            want += (double)w[r * K + p] * (double)patched[offsets[p] + l * LINE + i % LINE];
        }
        if (i % LINE < count) {
            assert_true(fabs((double)y[i] - want) < 1e-5);
        } else if (i % LINE >= (count < ONR_PATCH_SLACK ? ONR_PATCH_SLACK : count)) {
            assert_true(y[i] == GUARD);
        }
    }
}

static void direct_sums_are_those_of_plain_loops(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 3, 4, 7, 8, 15, 16, 17, 33, 48, 61, 64, 127, 128, 150};
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
            for (size_t rows = 1; rows <= 7; rows++) {
                check_direct(&kernels, rows, counts[i], 1, 0);
                check_direct(&kernels, rows, counts[i], 9, 3);
            }
            check_direct(&kernels, 2, counts[i], 9, 0);
            check_direct(&kernels, 1, counts[i], 3, 3);
        }
    }
}

/* Rows of outputs, of which the first and the last may see fewer taps. */
static void check_small(onr_conv_small_fn sum, const struct onr_window *w, int64_t row,
                        int64_t rows, int64_t first, int64_t count)
{
    static float plane[MOST];
    static float y[MOST];
    float taps[49];
    int64_t wide = w->kernel[2];
    test_random(4, MOST, plane);
    test_random(5, 49, taps);
    for (int64_t i = 0; i < MOST; i++) {
        y[i] = GUARD;
    }
    sum(&(struct onr_conv_small){.window = w,
                                 .x = plane,
                                 .w = taps,
                                 .bias = 0.5f,
                                 .row = row,
                                 .rows = rows,
                                 .first = first,
                                 .count = count,
                                 .y = y});
    for (int64_t o = 0; o <= w->out[1] * w->out[2]; o++) {
        double want = 0.5;
        for (int64_t t = 0; t < w->kernel[1] * wide; t++) {
            int64_t r = o / w->out[2] * w->stride[1] - w->pad[1] + t / wide * w->dilation[1];
            int64_t c = o % w->out[2] * w->stride[2] - w->pad[2] + t % wide * w->dilation[2];
            bool is_inside = r >= 0 && r < w->in[1] && c >= 0 && c < w->in[2];
            want += is_inside ? (double)taps[t] * (double)plane[r * w->in[2] + c] : 0.0;
        }
        bool is_asked = o / w->out[2] >= row && o / w->out[2] < row + rows &&
                        o % w->out[2] >= first && o % w->out[2] < first + count;
        assert_true(is_asked ? fabs((double)y[o] - want) < 1e-5 : y[o] == GUARD);
    }
}

static void check_window(onr_conv_small_fn sum, struct onr_window w)
{
    for (int d = 0; d < 3; d++) {
        int64_t reach = (w.kernel[d] - 1) * w.dilation[d];
        w.out[d] = (w.in[d] + 2 * w.pad[d] - reach - 1) / w.stride[d] + 1;
    }
    assert_true(w.out[1] > 0 && w.out[2] > 0);
    check_small(sum, &w, 0, w.out[1], 0, w.out[2]);
    check_small(sum, &w, w.out[1] / 2, 1, w.out[2] > 24 ? 20 : 0, w.out[2] > 24 ? 5 : 1);
}

static void small_windows_are_summed_in_place(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (int64_t i = 0; kernels.conv.small != NULL && i < 2 * 3 * 3 * 60; i++) {
            struct onr_window w = {.in = {1, 1 + i % 7, 1 + i / 18},
                                   .kernel = {1, 3, 3},
                                   .stride = {1, 1 + i % 3, 1 + i % 2},
                                   .dilation = {1, 1 + i % 5 / 3, 1},
                                   .pad = {0, 2 + i % 3, i / 2 % 3}};
            w.dilation[0] = 1;
            w.pad[2] = w.pad[2] < 3 - w.stride[2] ? w.pad[2] : 3 - w.stride[2];
            w.in[2] += w.in[2] + 2 * w.pad[2] < 3 ? 2 : 0;
            w.out[0] = 1;
            assert_true(onr_conv_is_small(&w));
            check_window(kernels.conv.small, w);
        }
    }
}

static void lines_of_windows_are_summed_in_place(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        struct onr_kernels kernels;
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (int64_t i = 0; kernels.conv.lines != NULL && i < 60 * 30; i++) {
            struct onr_window w = {.in = {1, 1 + i % 11, 1 + i / 30},
                                   .out = {1, 1, 1},
                                   .kernel = {1, 3 + i % 5, 1 + i % 7},
                                   .stride = {1, 1, 1},
                                   .dilation = {1, 1, 1 + i % 3 / 2},
                                   .pad = {0, 3 + i % 3, 6 + i % 8}};
            assert_true(onr_conv_is_lines(&w));
            check_window(kernels.conv.lines, w);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taps_are_found_where_offsets_say),
        cmocka_unit_test(panels_have_a_row_for_each_tap),
        cmocka_unit_test(patches_that_are_too_large_are_refused),
        cmocka_unit_test(direct_sums_are_those_of_plain_loops),
        cmocka_unit_test(small_windows_are_summed_in_place),
        cmocka_unit_test(lines_of_windows_are_summed_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
