/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolutions, where vectors are long and loads have masks: the plane is read where it lies,
 * and what of a vector is padding its mask leaves out. Lines that see the same rows are summed
 * together, so that what is loaded serves several sums, and these do not wait for themselves.
 */
#include "kernels/conv/columns.h"
#include "kernels/conv/conv.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_conv_small)(struct onr_kernels *kernels);

#if defined(__AVX512F__)

/* Lines that are summed together; one more than the least number of tap rows of such windows. */
#    define SHARED 4

/* One vector of each line. */
struct block {
    const struct onr_conv_small *job;
    int64_t output; /* the first */
    int64_t width, height, wide, high, stride, dilation;
    int64_t column;                              /* that the first tap of this output sees */
    __mmask16 is_inside[ONR_CONV_SMALL_TAPS][2]; /* by tap; of the first 16 columns, and more */
};

/* Columns [column, column + 16) that the plane has. */
static __mmask16 find_inside(int64_t column, int64_t width)
{
    int64_t begin = column < 0 ? -column : 0;
    int64_t end = width - column < ONR_LANES ? width - column : ONR_LANES;
    uint32_t all = 0xffff;
    return end <= begin ? 0 : (__mmask16)(_bzhi_u32(all, (uint32_t)end) & (all << begin));
}

static void find_masks(struct block *b)
{
    for (int64_t t = 0; t < b->wide; t++) {
        int64_t column = b->column + t * b->dilation;
        b->is_inside[t][0] = find_inside(column, b->width);
        b->is_inside[t][1] = find_inside(column + ONR_LANES, b->width);
    }
}

/* Column t of the windows, in a row of the plane. Addresses that a mask leaves out may be anywhere. */
ONR_INLINE onr_lanes load_tap(const struct block *b, int64_t row, int64_t t, int64_t stride)
{
    int64_t at = row * b->width + b->column + t * b->dilation;
    uintptr_t x = (uintptr_t)b->job->x + (uintptr_t)at * sizeof(float);
    onr_lanes v = _mm512_maskz_loadu_ps(b->is_inside[t][0], (const float *)x);
    if (stride == 1) {
        return v;
    }
    x += ONR_LANES * sizeof(float);
    return __builtin_shufflevector(
        v, (onr_lanes)_mm512_maskz_loadu_ps(b->is_inside[t][1], (const float *)x), ONR_EVENS);
}

ONR_INLINE void store(const struct block *b, int64_t line, onr_lanes sum)
{
    const struct onr_conv_small *job = b->job;
    int64_t left = job->first + job->count - b->output;
    onr_store_first(job->y + line * job->window->out[2] + b->output,
                    left < ONR_LANES ? left : ONR_LANES, sum);
}

ONR_INLINE void one_line(const struct block *b, int64_t line, int64_t stride)
{
    const struct onr_window *window = b->job->window;
    int64_t row = line * window->stride[1] - window->pad[1];
    const float *w = b->job->w;
    onr_lanes sum = (onr_lanes){0} + b->job->bias;
    for (int64_t r = 0; r < b->high; r++, row += window->dilation[1], w += b->wide) {
        for (int64_t t = 0; row >= 0 && row < b->height && t < b->wide; t++) {
            sum += w[t] * load_tap(b, row, t, stride);
        }
    }
    store(b, line, sum);
}

/* What a row of the plane gives to lines [first, end), whose tap rows it is from w on backwards. */
ONR_INLINE void add_row(const struct block *b, int64_t row, const float *w, int64_t first,
                        int64_t end, onr_lanes *sum)
{
    if (row < 0 || row >= b->height) {
        return;
    }
    for (int64_t t = 0; t < b->wide; t++) {
        onr_lanes in = load_tap(b, row, t, 1);
        ONR_UNROLL
        for (int64_t l = first; l < end; l++) {
            sum[l] += *(w + t - l * b->wide) * in;
        }
    }
}

static void shared_lines(const struct block *b, int64_t line)
{
    onr_lanes sum[SHARED];
    int64_t row = line - b->job->window->pad[1];
    const float *w = b->job->w;
    ONR_UNROLL
    for (int64_t l = 0; l < SHARED; l++) {
        sum[l] = (onr_lanes){0} + b->job->bias;
    }
    ONR_UNROLL
    for (int64_t r = 0; r < SHARED - 1; r++, w += b->wide) {
        add_row(b, row++, w, 0, r + 1, sum);
    }
    for (int64_t r = SHARED - 1; r < b->high; r++, w += b->wide) {
        add_row(b, row++, w, 0, SHARED, sum);
    }
    ONR_UNROLL
    for (int64_t r = 1; r < SHARED; r++, w += b->wide) {
        add_row(b, row++, w, r, SHARED, sum);
    }
    ONR_UNROLL
    for (int64_t l = 0; l < SHARED; l++) {
        store(b, line + l, sum[l]);
    }
}

/* The last lines are done once more, with what is left. */
static void run_block(const struct block *b)
{
    const struct onr_window *w = b->job->window;
    int64_t line = b->job->row;
    int64_t end = line + b->job->rows;
    if (w->stride[1] == 1 && w->dilation[1] == 1 && b->stride == 1 && b->high >= SHARED - 1 &&
        b->job->rows >= SHARED) {
        for (; line < end; line += SHARED) {
            shared_lines(b, line + SHARED <= end ? line : end - SHARED);
        }
    }
    for (; line < end; line++) {
        if (b->stride == 1) {
            one_line(b, line, 1);
        } else {
            one_line(b, line, 2);
        }
    }
}

static void small(const struct onr_conv_small *job)
{
    const struct onr_window *w = job->window;
    struct block b = {.job = job,
                      .width = w->in[2],
                      .height = w->in[1],
                      .wide = w->kernel[2],
                      .high = w->kernel[1],
                      .stride = w->stride[2],
                      .dilation = w->dilation[2]};
    for (int64_t o = job->first; o < job->first + job->count; o += ONR_LANES) {
        b.output = o;
        b.column = o * b.stride - w->pad[2];
        find_masks(&b);
        run_block(&b);
    }
}

#endif

void ONR_KERNEL(onr_fill_conv_small)(struct onr_kernels *kernels)
{
#if defined(__AVX512F__)
    kernels->conv.small = small;
#else
    kernels->conv.small = NULL;
#endif
}
