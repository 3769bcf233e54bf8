/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolutions that move by one column and one row, where vectors are long and loads have
 * masks: the plane is read where it lies, and what of a vector is padding its mask leaves out. Lines
 * that see the same rows are summed together, so that what is loaded serves several sums, and these do
 * not wait for themselves.
 */
#include "kernels/conv/columns.h"
#include "kernels/conv/conv.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_conv_lines)(struct onr_kernels *kernels);

#if defined(__AVX512F__)

/* Lines that are summed together; one more than the least number of tap rows. */
#    define SHARED 4

/* One vector of each line. */
struct block {
    const struct onr_conv_small *job;
    int64_t output; /* the first */
    int64_t width, height, wide, high, dilation;
    int64_t column;                           /* that the first tap of this output sees */
    bool is_whole;                            /* all masks are */
    __mmask16 is_inside[ONR_CONV_LINES_TAPS]; /* by tap */
};

/* Columns [column, column + 16) that the plane has. */
static __mmask16 find_inside(int64_t column, int64_t width)
{
    int64_t begin = column < 0 ? -column : 0;
    int64_t end = width - column < ONR_LANES ? width - column : ONR_LANES;
    if (end <= begin) {
        return 0;
    }
    uint32_t all = 0xffff;
    return (__mmask16)(_bzhi_u32(all, (uint32_t)end) & (all << begin));
}

static void move_block(struct block *b, int64_t output)
{
    b->output = output;
    b->column = output - b->job->window->pad[2];
    int64_t end = b->column + (b->wide - 1) * b->dilation + ONR_LANES;
    bool is_whole = b->column >= 0 && end <= b->width;
    for (int64_t t = 0; !(is_whole && b->is_whole) && t < b->wide; t++) {
        b->is_inside[t] = find_inside(b->column + t * b->dilation, b->width);
    }
    b->is_whole = is_whole;
}

/* What a row of the plane gives to lines [first, end), whose tap rows it is from w on backwards.
 * Addresses that a mask leaves out may be anywhere. */
ONR_INLINE void add_row(const struct block *b, int64_t row, const float *w, int64_t first,
                        int64_t end, onr_lanes *sum)
{
    if (row < 0 || row >= b->height) {
        return;
    }
    uintptr_t x = (uintptr_t)b->job->x + (uintptr_t)(row * b->width + b->column) * sizeof(float);
    for (int64_t t = 0; t < b->wide; t++, x += (uintptr_t)b->dilation * sizeof(float)) {
        onr_lanes in = _mm512_maskz_loadu_ps(b->is_inside[t], (const float *)x);
        ONR_UNROLL
        for (int64_t l = first; l < end; l++) {
            sum[l] = onr_fused_number(*(w + t - l * b->wide), in, sum[l]);
        }
    }
}

ONR_INLINE void store(const struct block *b, int64_t line, onr_lanes sum)
{
    const struct onr_conv_small *job = b->job;
    float *y = job->y + line * job->window->out[2] + b->output;
    int64_t left = job->first + job->count - b->output;
    if (left >= ONR_LANES) { /* a mask costs more */
        onr_store(y, sum);
    } else {
        onr_store_first(y, left, sum);
    }
}

static __attribute__((noinline)) void one_line(const struct block *b, int64_t line)
{
    onr_lanes sum = (onr_lanes){0} + b->job->bias;
    for (int64_t r = 0; r < b->high; r++) {
        add_row(b, line - b->job->window->pad[1] + r, b->job->w + r * b->wide, 0, 1, &sum);
    }
    store(b, line, sum);
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
static __attribute__((noinline)) void run_line(const struct block *b, int64_t line)
{
    int64_t end = b->job->row + b->job->rows;
    if (b->job->rows < SHARED) {
        one_line(b, line);
    } else {
        shared_lines(b, line + SHARED <= end ? line : end - SHARED);
    }
}

/* The masks at both ends are made once. */
static void lines(const struct onr_conv_small *job)
{
    const struct onr_window *w = job->window;
    int64_t end = job->row + job->rows;
    int64_t last = job->first + (job->count - 1) / ONR_LANES * ONR_LANES;
    struct block first = {.job = job,
                          .width = w->in[2],
                          .height = w->in[1],
                          .wide = w->kernel[2],
                          .high = w->kernel[1],
                          .dilation = w->dilation[2]};
    move_block(&first, job->first);
    struct block inner = first;
    struct block rest = first;
    move_block(&rest, last);
    for (int64_t line = job->row; line < end; line += job->rows < SHARED ? 1 : SHARED) {
        run_line(&first, line);
        for (int64_t o = job->first + ONR_LANES; o < last; o += ONR_LANES) {
            move_block(&inner, o);
            run_line(&inner, line);
        }
        if (last > job->first) {
            run_line(&rest, line);
        }
    }
}

#endif

void ONR_KERNEL(onr_fill_conv_lines)(struct onr_kernels *kernels)
{
#if defined(__AVX512F__)
    kernels->conv.lines = lines;
#else
    kernels->conv.lines = NULL;
#endif
}
