/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Depthwise convolutions of tensors whose channels stand last: vectors are channels, so windows of
 * any kind are summed alike. Some neighbours in a row share the weights that are loaded.
 */
#include "kernels/conv/conv.h"
#include "kernels/conv/lanes.h"
#include "kernels/gemm/gemm_unroll.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"

void ONR_KERNEL(onr_fill_conv_last)(struct onr_kernels *kernels);

/* Outputs of a row that are summed together, and vectors of them; with one output, vectors of it. */
#define COLUMNS        4
#define VECTORS        2
#define SINGLE_VECTORS 4

/* The taps that fall on inputs. */
struct taps {
    const struct onr_conv_last *job;
    int64_t first[3], count[3]; /* nothing falls on inputs where a count is 0 */
    const float *x;             /* what the first one sees, of an output */
    float *y;                   /* of the output */
};

/* What row `row` of slice `slice` of the taps sees, counted from what the first one sees, ... */
ONR_INLINE size_t find_line(const struct taps *taps, int64_t slice, int64_t row)
{
    const struct onr_window *s = taps->job->window;
    int64_t line = slice * s->dilation[0] * s->in[1] + row * s->dilation[1];
    return (size_t)(line * s->in[2]) * taps->job->channels;
}

/* ... and its weights. */
ONR_INLINE size_t find_weights(const struct taps *taps, int64_t slice, int64_t row)
{
    const struct onr_window *s = taps->job->window;
    int64_t line = (taps->first[0] + slice) * s->kernel[1] + taps->first[1] + row;
    return (size_t)(line * s->kernel[2] + taps->first[2]) * taps->job->channels;
}

/* Sums of channels [c, c + vectors * ONR_LANES) of neighbours. The counts are constants where this
 * is inlined, so that the sums are registers. */
ONR_INLINE void sum_block(const struct taps *taps, size_t c, size_t columns, size_t vectors)
{
    const struct onr_conv_last *job = taps->job;
    const struct onr_window *s = job->window;
    const size_t channels = job->channels;
    const size_t column = (size_t)s->stride[2] * channels;
    const size_t step = (size_t)s->dilation[2] * channels;
    onr_lanes sum[COLUMNS][SINGLE_VECTORS];
    ONR_UNROLL
    for (size_t v = 0; v < vectors; v++) {
        onr_lanes bias = {0};
        bias = job->bias != NULL ? onr_load(job->bias + c + v * ONR_LANES) : bias;
        ONR_UNROLL
        for (size_t i = 0; i < columns; i++) {
            sum[i][v] = bias;
        }
    }
    for (int64_t z = 0; z < taps->count[0]; z++) {
        for (int64_t r = 0; r < taps->count[1]; r++) {
            const float *x = taps->x + find_line(taps, z, r) + c;
            const float *w = job->w + find_weights(taps, z, r) + c;
            for (int64_t t = 0; t < taps->count[2]; t++, x += step, w += channels) {
                ONR_UNROLL
                for (size_t v = 0; v < vectors; v++) {
                    onr_lanes weight = onr_load(w + v * ONR_LANES);
                    ONR_UNROLL
                    for (size_t i = 0; i < columns; i++) {
                        onr_lanes in = onr_load(x + i * column + v * ONR_LANES);
                        sum[i][v] = onr_fused(weight, in, sum[i][v]);
                    }
                }
            }
        }
    }
    ONR_UNROLL
    for (size_t i = 0; i < columns; i++) {
        ONR_UNROLL
        for (size_t v = 0; v < vectors; v++) {
            onr_store(taps->y + i * channels + c + v * ONR_LANES, sum[i][v]);
        }
    }
}

/* The last vector is done once more, with what is left. */
ONR_INLINE void sum_columns(const struct taps *taps, size_t columns, size_t vectors)
{
    const size_t channels = taps->job->channels;
    size_t c = 0;
    for (; c + vectors * ONR_LANES <= channels; c += vectors * ONR_LANES) {
        sum_block(taps, c, columns, vectors);
    }
    for (; c < channels; c += ONR_LANES) {
        c = c + ONR_LANES <= channels ? c : channels - ONR_LANES;
        sum_block(taps, c, columns, 1);
    }
}

/* Fewer channels than a vector has. */
static void sum_few(const struct taps *taps)
{
    const struct onr_conv_last *job = taps->job;
    const size_t step = (size_t)job->window->dilation[2] * job->channels;
    const int64_t count = (int64_t)job->channels;
    onr_lanes sum = {0};
    sum = job->bias != NULL ? onr_load_part(job->bias, count, 0.0f) : sum;
    for (int64_t z = 0; z < taps->count[0]; z++) {
        for (int64_t r = 0; r < taps->count[1]; r++) {
            const float *x = taps->x + find_line(taps, z, r);
            const float *w = job->w + find_weights(taps, z, r);
            for (int64_t t = 0; t < taps->count[2]; t++, x += step, w += job->channels) {
                sum = onr_fused(onr_load_part(w, count, 0.0f), onr_load_part(x, count, 0.0f), sum);
            }
        }
    }
    onr_store_first(taps->y, count, sum);
}

/* The taps of output o of dimension d that fall on inputs. */
static void clip(const struct onr_window *s, int d, int64_t o, struct taps *taps)
{
    int64_t at = o * s->stride[d] - s->pad[d];
    int64_t first = at >= 0 ? 0 : (-at + s->dilation[d] - 1) / s->dilation[d];
    int64_t end = at < s->in[d] ? (s->in[d] - 1 - at) / s->dilation[d] + 1 : 0;
    end = end < s->kernel[d] ? end : s->kernel[d];
    taps->first[d] = first < end ? first : 0;
    taps->count[d] = first < end ? end - first : 0;
}

/* Outputs of a row from o[2] on, at most `most` of them; returns how many. */
static int64_t run_place(struct taps *taps, const int64_t o[3], int64_t most)
{
    const struct onr_conv_last *job = taps->job;
    const struct onr_window *s = job->window;
    int64_t at = 0;
    clip(s, 2, o[2], taps);
    bool has_taps = taps->count[0] > 0 && taps->count[1] > 0 && taps->count[2] > 0;
    for (int d = 0; d < 3 && has_taps; d++) {
        int64_t place = o[d] * s->stride[d] - s->pad[d] + taps->first[d] * s->dilation[d];
        at = at * s->in[d] + place;
    }
    taps->x = has_taps ? job->x + (size_t)at * job->channels : job->x;
    int64_t last = (o[2] + COLUMNS - 1) * s->stride[2] - s->pad[2];
    bool is_inside = taps->count[2] == s->kernel[2] && most >= COLUMNS &&
                     last + (s->kernel[2] - 1) * s->dilation[2] < s->in[2];
    if (!has_taps) {
        taps->count[0] = 0;
    }
    if (job->channels < ONR_LANES) {
        sum_few(taps);
    } else if (is_inside) {
        sum_columns(taps, COLUMNS, VECTORS);
        return COLUMNS;
    } else {
        sum_columns(taps, 1, SINGLE_VECTORS);
    }
    return 1;
}

/* Outputs [first, end), of which neighbours in a row are summed together. */
static void run_places(const struct onr_conv_last *job, int64_t first, int64_t end)
{
    const struct onr_window *s = job->window;
    struct taps taps = {.job = job, .y = job->y + (size_t)(first - job->first) * job->channels};
    for (int64_t i = first; i < end;) {
        int64_t row = i / s->out[2];
        int64_t o[3] = {row / s->out[1], row % s->out[1], i % s->out[2]};
        int64_t left = s->out[2] - o[2] < end - i ? s->out[2] - o[2] : end - i;
        clip(s, 0, o[0], &taps);
        clip(s, 1, o[1], &taps);
        int64_t count = run_place(&taps, o, left);
        taps.y += (size_t)count * job->channels;
        i += count;
    }
}

/* ---- windows of 3 x 3, where vectors are long ---- */

#if ONR_LANES == 16

#    define TAPS 3
#    define ROWS 2 /* of outputs that are summed together */

struct square {
    const struct onr_conv_last *job;
    const float
        *row[ROWS + TAPS - 1]; /* of x, at the column before the first output's; NULL: padding */
    float *y;
    size_t y_row;
};

ONR_INLINE void prefetch_next(const struct square *q, size_t c, size_t i)
{
    size_t channels = q->job->channels;
    uintptr_t next = (uintptr_t)q->row[i] + ((COLUMNS + 2) * channels + c) * sizeof(float);
    ONR_UNROLL
    for (size_t k = 0; k < COLUMNS; k++) {
        __builtin_prefetch((const void *)(next + k * channels * sizeof(float)));
    }
}

/* Channels from c on: each input is loaded once for all outputs that see it. Column 0 of the inputs
 * is padding at the left end of a line, the last one at the right end. */
ONR_INLINE void square_block(const struct square *q, size_t c, bool left, bool right)
{
    const size_t channels = q->job->channels;
    onr_lanes sum[ROWS][COLUMNS];
    onr_lanes bias = {0};
    bias = q->job->bias != NULL ? onr_load(q->job->bias + c) : bias;
    ONR_UNROLL
    for (size_t k = 0; k < COLUMNS; k++) {
        sum[0][k] = bias;
        sum[1][k] = bias;
    }
    ONR_UNROLL
    for (size_t i = 0; i < ROWS + TAPS - 1; i++) {
        if (q->row[i] == NULL) {
            continue;
        }
        onr_lanes v[COLUMNS + 2];
        ONR_UNROLL
        for (size_t k = 0; k < COLUMNS + 2; k++) {
            bool is_padding = (left && k == 0) || (right && k == COLUMNS + 1);
            v[k] = is_padding ? bias : onr_load(q->row[i] + k * channels + c);
        }
        if (i >= 2) {
            prefetch_next(q, c, i);
        }
        ONR_UNROLL
        for (size_t r = 0; r < ROWS; r++) {
            if (i < r || i - r >= TAPS) {
                continue;
            }
            const float *w = q->job->w + (i - r) * TAPS * channels + c;
            ONR_UNROLL
            for (size_t t = 0; t < TAPS; t++) {
                onr_lanes weight = onr_load(w + t * channels);
                ONR_UNROLL
                for (size_t k = 0; k < COLUMNS; k++) {
                    if ((left && k + t == 0) || (right && k + t == COLUMNS + 1)) {
                        continue;
                    }
                    sum[r][k] = onr_fused(weight, v[k + t], sum[r][k]);
                }
            }
        }
    }
    ONR_UNROLL
    for (size_t r = 0; r < ROWS; r++) {
        ONR_UNROLL
        for (size_t k = 0; k < COLUMNS; k++) {
            onr_store(q->y + r * q->y_row + k * channels + c, sum[r][k]);
        }
    }
}

ONR_INLINE void square_columns(const struct square *q, bool left, bool right)
{
    const size_t channels = q->job->channels;
    for (size_t c = 0; c < channels; c += ONR_LANES) {
        c = c + ONR_LANES <= channels ? c : channels - ONR_LANES;
        square_block(q, c, left, right);
    }
}

/* Two rows of outputs, from row `at` of a slice on. The last outputs of a row are done once more,
 * with what is left. */
static void square_rows(const struct onr_conv_last *job, const float *x, int64_t at, float *y)
{
    const struct onr_window *s = job->window;
    struct square q = {.job = job, .y_row = (size_t)s->out[2] * job->channels};
    for (int64_t o = 0; o < s->out[2]; o += COLUMNS) {
        o = o + COLUMNS <= s->out[2] ? o : s->out[2] - COLUMNS;
        for (int64_t i = 0; i < ROWS + TAPS - 1; i++) {
            int64_t line = at - s->pad[1] + i;
            bool is_inside = line >= 0 && line < s->in[1];
            int64_t place = line * s->in[2] + o - 1;
            q.row[i] = is_inside ? x + place * (int64_t)job->channels : NULL;
        }
        q.y = y + (size_t)o * job->channels;
        if (o == 0) {
            square_columns(&q, true, false);
        } else if (o + COLUMNS == s->out[2]) {
            square_columns(&q, false, true);
        } else {
            square_columns(&q, false, false);
        }
    }
}

/* Whether rows are as long as those of the input and their outputs see three columns. */
static bool is_square(const struct onr_conv_last *job)
{
    const struct onr_window *s = job->window;
    return s->kernel[0] == 1 && s->pad[0] == 0 && s->stride[0] == 1 && s->kernel[1] == TAPS &&
           s->kernel[2] == TAPS && s->stride[1] == 1 && s->stride[2] == 1 && s->dilation[1] == 1 &&
           s->dilation[2] == 1 && s->pad[2] == 1 && s->in[2] == s->out[2] && s->out[2] > COLUMNS &&
           job->channels >= ONR_LANES;
}

/* Pairs of whole rows, from output `first` on, which begins a row; returns the first output that is
 * left. */
static int64_t run_squares(const struct onr_conv_last *job, int64_t first, int64_t end)
{
    const struct onr_window *s = job->window;
    int64_t width = s->out[2];
    int64_t pair = ROWS * width;
    int64_t row = first / width;
    for (; is_square(job) && first + pair <= end && row % s->out[1] + ROWS <= s->out[1];
         row += ROWS, first += pair) {
        size_t slice = (size_t)(row / s->out[1] * s->in[1] * s->in[2]);
        square_rows(job, job->x + slice * job->channels, row % s->out[1],
                    job->y + (size_t)(first - job->first) * job->channels);
    }
    return first;
}

#else

static int64_t run_squares(const struct onr_conv_last *job, int64_t first, int64_t end)
{
    (void)job;
    (void)end;
    return first;
}

#endif

static void last(const struct onr_conv_last *job)
{
    int64_t width = job->window->out[2];
    int64_t end = job->first + job->count;
    for (int64_t i = job->first; i < end;) {
        i = i % width == 0 ? run_squares(job, i, end) : i;
        int64_t stop = (i / width + 1) * width; /* the rest of a row */
        stop = stop < end ? stop : end;
        run_places(job, i, stop);
        i = stop;
    }
}

void ONR_KERNEL(onr_fill_conv_last)(struct onr_kernels *kernels)
{
    kernels->conv.last = last;
}
