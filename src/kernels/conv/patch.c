/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/conv/patch.h"

#include "base/size.h"

/* Splits a flat index into three coordinates. */
static void split(int64_t index, const int64_t dims[3], int64_t place[3])
{
    place[2] = index % dims[2];
    index /= dims[2];
    place[1] = index % dims[1];
    place[0] = index / dims[1];
}

static void cut(const struct onr_window *w, int d, struct onr_patch *patch)
{
    int64_t reach = (w->kernel[d] - 1) * w->dilation[d];
    int64_t residues = onr_int_min(w->stride[d], reach + 1);
    int64_t shared = reach / w->stride[d] + patch->count[d];
    bool is_shared = residues * shared <= w->kernel[d] * patch->count[d];
    patch->is_shared[d] = is_shared;
    patch->parts[d] = is_shared ? residues : w->kernel[d];
    patch->step[d] = is_shared ? 1 : w->dilation[d];
    patch->size[d] = is_shared ? shared : patch->count[d];
}

void onr_patch_plan(const struct onr_window *window, int64_t first, int64_t count,
                    struct onr_patch *patch)
{
    int64_t last[3];
    bool is_whole = false; /* outside of a dimension with several coordinates, all are in the box */
    split(first, window->out, patch->begin);
    split(first + count - 1, window->out, last);
    for (int d = 0; d < 3; d++) {
        patch->begin[d] = is_whole ? 0 : patch->begin[d];
        patch->count[d] = is_whole ? window->out[d] : last[d] - patch->begin[d] + 1;
        is_whole = is_whole || patch->count[d] > 1;
        cut(window, d, patch);
    }
}

bool onr_patch_floats(const struct onr_patch *patch, size_t *floats)
{
    size_t total = 1;
    for (int d = 0; d < 3; d++) {
        if (!onr_size_mul(total, (size_t)patch->parts[d], &total) ||
            !onr_size_mul(total, (size_t)patch->size[d], &total)) {
            return false;
        }
    }
    *floats = total;
    return total < ONR_SIZE_LIMIT / sizeof(float);
}

/* What one tap of dimension d adds to the number of its part and to a place in the part. */
static void find_tap(const struct onr_window *w, const struct onr_patch *patch, int d, int64_t tap,
                     int64_t *part, int64_t *shift)
{
    int64_t at = tap * w->dilation[d];
    *part = patch->is_shared[d] ? 0 : tap;
    *shift = patch->is_shared[d] ? at : 0;
    if (patch->is_shared[d] && w->stride[d] > 1) { /* a division costs more than all else */
        *part = at % w->stride[d];
        *shift = at / w->stride[d];
    }
}

/* The taps of a row from `tap` on, at most `count`; returns their number. */
static size_t find_row(const struct onr_window *w, const struct onr_patch *patch,
                       const int64_t tap[3], size_t count, size_t *offsets)
{
    int64_t plane = patch->size[0] * patch->size[1] * patch->size[2];
    int64_t part[2];
    int64_t shift[2];
    for (int d = 0; d < 2; d++) {
        find_tap(w, patch, d, tap[d], &part[d], &shift[d]);
    }
    int64_t number = (part[0] * patch->parts[1] + part[1]) * patch->parts[2];
    int64_t first = number * plane + (shift[0] * patch->size[1] + shift[1]) * patch->size[2];
    size_t left = (size_t)(w->kernel[2] - tap[2]);
    count = left < count ? left : count;
    for (size_t p = 0; p < count; p++) {
        int64_t column = 0;
        int64_t place = 0;
        find_tap(w, patch, 2, tap[2] + (int64_t)p, &column, &place);
        offsets[p] = (size_t)(first + column * plane + place);
    }
    return count;
}

/* Those of one channel, from the tap that comes first up to the one before it in the next channel;
 * then they repeat. */
void onr_patch_offsets(const struct onr_window *window, const struct onr_patch *patch,
                       size_t k_begin, size_t k, size_t *offsets)
{
    const struct onr_window *w = window;
    size_t taps = (size_t)(w->kernel[0] * w->kernel[1] * w->kernel[2]);
    size_t channel = (size_t)(patch->parts[0] * patch->parts[1] * patch->parts[2] * patch->size[0] *
                              patch->size[1] * patch->size[2]);
    size_t first = k_begin % taps;
    size_t once = k < taps ? k : taps;
    for (size_t p = 0; p < once;) {
        size_t at = (first + p) % taps;
        int64_t tap[3];
        split((int64_t)at, w->kernel, tap);
        size_t left = once - p;
        size_t count = find_row(w, patch, tap, left, offsets + p);
        for (size_t i = 0; first + p >= taps && i < count; i++) {
            offsets[p + i] += channel;
        }
        p += count;
    }
    for (size_t p = once; p < k; p++) {
        offsets[p] = offsets[p - taps] + channel;
    }
}

/* Whether lines of outputs, of more than one, follow each other in the patch as they do in the plane. */
static bool are_joined(const struct onr_window *window, const struct onr_patch *patch)
{
    return window->out[2] > 1 && patch->size[2] == window->out[2] &&
           (window->out[0] == 1 || patch->size[1] == window->out[1]);
}

size_t onr_patch_blocks(const struct onr_window *window, const struct onr_patch *patch,
                        int64_t first, int64_t count, struct onr_patch_block *blocks)
{
    size_t used = 0;
    bool is_joined = are_joined(window, patch);
    for (int64_t done = 0; done < count;) {
        int64_t o[3];
        split(first + done, window->out, o);
        int64_t run = is_joined ? count : window->out[2] - o[2];
        run = onr_int_min(run, count - done);
        int64_t place = onr_patch_place(patch, o);
        for (int64_t i = 0; i < run; i += ONR_PATCH_BLOCK) {
            blocks[used++] = (struct onr_patch_block){(size_t)(done + i), (size_t)(place + i)};
        }
        done += run;
    }
    return used;
}
