/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of inputs into patches, and of patches into panels of a product, in portable C. */
#include "kernels/conv/lanes.h"
#include "kernels/conv/patch.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

#include <string.h>

void ONR_KERNEL(onr_fill_conv_patch)(struct onr_kernels *kernels);

#define BLOCK ONR_PATCH_BLOCK

/* A line of a part: elements [begin, end) lie on the plane, begin at column `first`. */
struct run {
    int64_t count, begin, end, first, stride;
};

static struct run find_run(const struct onr_window *w, const struct onr_patch *patch, int64_t part)
{
    struct run run = {.count = patch->size[2], .stride = w->stride[2]};
    int64_t start = patch->begin[2] * run.stride + part * patch->step[2] - w->pad[2];
    int64_t room = w->in[2] - start;
    run.begin = start >= 0 ? 0 : (run.stride - 1 - start) / run.stride;
    run.end = room <= 0 ? 0 : (room - 1) / run.stride + 1;
    run.end = run.end < run.count ? run.end : run.count;
    run.begin = run.begin < run.end ? run.begin : run.end;
    run.first = start + run.begin * run.stride;
    return run;
}

/* Zeros for y[0 .. count), and up to BLOCK - 1 more. */
static inline void clear(float *y, int64_t count)
{
    static const float zeros[BLOCK];
    for (int64_t i = 0; i < count; i += BLOCK) {
        memcpy(y + i, zeros, sizeof zeros);
    }
}

/* Vectors, of which the last two may overlap. */
static inline void copy(const float *x, int64_t count, float *y)
{
    int64_t i = 0;
    for (; i + ONR_LANES < count; i += ONR_LANES) {
        onr_store(y + i, onr_load(x + i));
    }
    if (count >= ONR_LANES) {
        onr_store(y + count - ONR_LANES, onr_load(x + count - ONR_LANES));
        return;
    }
    for (; i + 4 <= count; i += 4) {
        memcpy(y + i, x + i, 4 * sizeof(float));
    }
    for (; i < count; i++) {
        y[i] = x[i];
    }
}

/* The same for every other element of x. */
static void copy_even(const float *x, int64_t count, float *y)
{
    int64_t i = 0;
    for (; i + ONR_LANES <= count; i += ONR_LANES) {
        onr_store(y + i, onr_load_even(x + 2 * i));
    }
    if (i < count && count >= ONR_LANES) {
        i = count - ONR_LANES;
        onr_store(y + i, onr_load_even(x + 2 * i));
        return;
    }
    for (; i < count; i++) {
        y[i] = x[2 * i];
    }
}

static void fill_run(const struct run *run, const float *row, float *restrict y)
{
    int64_t count = run->end - run->begin;
    const float *x = row + run->first;
    clear(y, run->begin);
    if (run->stride == 1) {
        copy(x, count, y + run->begin);
    } else if (run->stride == 2) {
        copy_even(x, count, y + run->begin);
    } else {
        for (int64_t i = 0; i < count; i++) {
            y[run->begin + i] = x[i * run->stride];
        }
    }
    clear(y + run->end, run->count - run->end);
}

/* The input that element j of a part is, in dimension d; outside of [0, in) it is padding. */
static int64_t input_at(const struct onr_window *w, const struct onr_patch *patch, int d,
                        int64_t part, int64_t j)
{
    return (patch->begin[d] + j) * w->stride[d] + part * patch->step[d] - w->pad[d];
}

/* The row of x that line (z, r) of a part is; NULL on padding. */
static const float *find_row(const struct onr_window *w, const struct onr_patch *patch,
                             const int64_t part[3], int64_t z, int64_t r, const float *x)
{
    int64_t plane = input_at(w, patch, 0, part[0], z);
    int64_t row = input_at(w, patch, 1, part[1], r);
    bool is_inside = plane >= 0 && plane < w->in[0] && row >= 0 && row < w->in[1] && w->in[2] > 0;
    return is_inside ? x + (plane * w->in[1] + row) * w->in[2] : NULL;
}

/* One part of a channel, and its lines; returns what follows it. */
static float *fill_part(const struct onr_window *w, const struct onr_patch *patch,
                        const int64_t part[3], struct run run, const float *x, float *y)
{
    for (int64_t z = 0; z < patch->size[0]; z++) {
        for (int64_t r = 0; r < patch->size[1]; r++) {
            const float *row = find_row(w, patch, part, z, r, x);
            if (row != NULL && run.begin < run.end) {
                fill_run(&run, row, y);
            } else {
                clear(y, run.count);
            }
            y += run.count;
        }
    }
    return y;
}

static void fill(const struct onr_window *window, const struct onr_patch *patch, const float *x,
                 size_t channels, float *y)
{
    int64_t plane = window->in[0] * window->in[1] * window->in[2];
    int64_t part[3];
    struct run first = find_run(window, patch, 0);
    for (size_t c = 0; c < channels; c++) {
        for (part[0] = 0; part[0] < patch->parts[0]; part[0]++) {
            for (part[1] = 0; part[1] < patch->parts[1]; part[1]++) {
                for (part[2] = 0; part[2] < patch->parts[2]; part[2]++) {
                    struct run run = part[2] == 0 ? first : find_run(window, patch, part[2]);
                    y = fill_part(window, patch, part, run, x, y);
                }
            }
        }
        x = plane > 0 ? x + plane : x;
    }
}

static void pack(const float *x, const size_t *offsets, size_t k,
                 const struct onr_patch_block *blocks, size_t block_count, size_t width, float *y)
{
    for (size_t p = 0; p < k; p++) {
        const float *row = x + offsets[p];
        for (size_t b = 0; b < block_count; b++) {
            memcpy(y + blocks[b].to, row + blocks[b].from, BLOCK * sizeof(float));
        }
        y += width;
    }
}

void ONR_KERNEL(onr_fill_conv_patch)(struct onr_kernels *kernels)
{
    kernels->conv.fill = fill;
    kernels->conv.pack = pack;
}
