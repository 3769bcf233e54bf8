/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Poolings of float planes by rows, in portable C. The rows that a row of outputs sees are first
 * combined into one line, with the padding in place, then neighbours in the line: what is done for
 * each element grows with the sum of the kernel's extents, not with their product. For windows of
 * 2 x 2 and 3 x 3 the line is registers (slim.h). Lines of several output rows are made before the
 * first is read again, as a read that overlaps two recent writes waits for both. Averages of few taps
 * are summed in float, others in double.
 */
#include "base/size.h"
#include "kernels/kernel.h"
#include "kernels/kernels.h"
#include "kernels/pool/fold.h"
#include "kernels/pool/slim.h"
#include "kernels/pool/taps.h"
#include "kernels/reduce/lanes.h"

#include <math.h>

void ONR_KERNEL(onr_fill_pool_rows)(struct onr_kernels *kernels);

/* Elements of a line; they stay in the first level cache. */
#define LINE 1024
/* Elements of all lines that are made at a time. */
#define LINES 4096
/* Floats of the widest vector. */
#define BLOCK 16
/* Most rows, and most columns, that are summed in float. */
#define SHORT 16

ONR_DEFINE_SUM_F32(lane_sum, v)

/* Outputs [first, first + count) of a row and the columns of the line below them. */
struct strip {
    int64_t first, count;
    int64_t begin, end; /* columns of the line that lie on the plane ... */
    int64_t column;     /* ... of which the first is this one of x */
    int64_t size;       /* columns of the line */
};

static int64_t reach(const struct onr_window *w)
{
    return (w->kernel[2] - 1) * w->dilation[2] + 1;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    v = v > low ? v : low;
    return v < high ? v : high;
}

/* True when outputs are better done one by one. */
static bool is_by_output(const struct onr_window *w)
{
    return w->out[2] == 1 || reach(w) > LINE;
}

/* As many outputs as a line has room for. */
static struct strip find_strip(const struct onr_window *w, int64_t first)
{
    int64_t room = (LINE - reach(w)) / w->stride[2] + 1;
    int64_t left = w->out[2] - first;
    struct strip strip = {.first = first, .count = left < room ? left : room};
    int64_t start = first * w->stride[2] - w->pad[2];
    strip.size = (strip.count - 1) * w->stride[2] + reach(w);
    strip.begin = clamp(-start, 0, strip.size);
    strip.end = clamp(w->in[2] - start, strip.begin, strip.size);
    strip.column = start + strip.begin;
    return strip;
}

typedef void (*fold_fn)(const struct onr_fold_group *group);

/* Runs the body with `row` = each row of x that output row (z, r) sees. */
#define FOR_EACH_ROW(w, view, x, row, body)                                                        \
    for (int64_t a_ = 0; a_ < (view).count[0]; a_++) {                                             \
        for (int64_t b_ = 0; b_ < (view).count[1]; b_++) {                                         \
            const float *row = (x) + onr_tap_position(w, &(view), a_, b_, 0);                      \
            body                                                                                   \
        }                                                                                          \
    }

/* A pooling as a fold. */
struct fold {
    fold_fn fn;
    float padding;
    const float *scale; /* what sums of a strip are multiplied by, for the columns alone; or NULL */
    bool counts_padding;
};

/* Taps in dimension d that an average at output o divides by. */
static int64_t divisor(const struct onr_window *w, bool counts_padding, int d, int64_t o)
{
    int64_t first;
    int64_t low = counts_padding ? -w->pad[d] : 0;
    int64_t high = counts_padding ? w->in[d] + w->pad_end[d] : w->in[d];
    return onr_tap_range(w, d, o, low, high, &first);
}

static double inverse(int64_t count)
{
    return count > 0 ? 1.0 / (double)count : 0.0;
}

/* What a row of sums is multiplied by, for the rows alone. */
static float find_row_scale(const struct onr_window *w, const struct fold *fold, int64_t z,
                            int64_t r)
{
    return (float)inverse(divisor(w, fold->counts_padding, 0, z) *
                          divisor(w, fold->counts_padding, 1, r));
}

/* The outputs of a strip, in all rows, of small windows. True: there is a NaN, and a maximum is
 * wrong. */
static bool fold_slim(const struct onr_window *w, const struct fold *fold,
                      const struct strip *strip, const float *x, float *y)
{
    struct onr_slim job = {.kind = {fold->scale != NULL, w->kernel[2], w->stride[2]},
                           .row_pitch = w->dilation[1] * w->in[2],
                           .x_line = w->stride[1] * w->in[2],
                           .y_line = w->out[2],
                           .width = w->in[2],
                           .pad = w->pad[2],
                           .first = strip->first,
                           .count = strip->count,
                           .padding = fold->padding,
                           .scale = fold->scale};
    int64_t begin[2];
    int64_t end[2];
    onr_window_range(w, 1, 0, &begin[0], &end[0]);
    onr_window_range(w, 1, w->kernel[1] - 1, &begin[1], &end[1]);
    for (int64_t r = 0; r < w->out[1]; r += job.lines) {
        struct onr_taps taps = onr_find_taps(w, 0, r, 0);
        bool is_inside = r >= begin[0] && r >= begin[1] && r < end[0] && r < end[1];
        job.rows = taps.count[1];
        job.x = job.rows > 0 ? x + taps.first[1] * w->in[2] : x;
        job.y = y + r * w->out[2] + strip->first;
        job.row_scale = fold->scale != NULL ? find_row_scale(w, fold, 0, r) : 1.0f;
        job.lines = is_inside ? onr_int_min(end[0], end[1]) - r : 1;
        onr_slim_lines(&job);
    }
    return job.has_nan;
}

static void set_range(float *line, int64_t begin, int64_t end, float value)
{
    for (int64_t i = begin; i < end; i++) {
        line[i] = value;
    }
}

/* The rows that a row of outputs sees, folded into the line. */
static void fold_rows(const struct onr_window *w, const struct fold *fold,
                      const struct strip *strip, const struct onr_taps *taps, const float *x,
                      float *line)
{
    struct onr_fold_group group = {.stride = 1,
                                   .count = strip->end - strip->begin,
                                   .is_first = true,
                                   .y = line + strip->begin};
    int64_t left = taps->count[0] * taps->count[1];
    set_range(line, 0, left > 0 ? strip->begin : strip->size, fold->padding);
    set_range(line, strip->end, strip->size, fold->padding);
    FOR_EACH_ROW(w, *taps, x + strip->column, row, {
        group.tap[group.n++] = row;
        left--;
        if (left == 0 || group.n == 3) {
            fold->fn(&group);
            group.is_first = false;
            group.n = 0;
        }
    })
}

static void fold_columns(const struct onr_window *w, const struct fold *fold,
                         const struct strip *strip, const float *line, float row_scale, float *y)
{
    struct onr_fold_group group = {
        .stride = w->stride[2], .count = strip->count, .row_scale = row_scale, .y = y};
    for (int64_t t = 0; t < w->kernel[2]; t += 3) {
        int64_t left = w->kernel[2] - t;
        group.n = left < 3 ? left : 3;
        for (int64_t i = 0; i < group.n; i++) {
            group.tap[i] = line + (t + i) * w->dilation[2];
        }
        group.is_first = t == 0;
        group.scale = left <= 3 ? fold->scale : NULL;
        fold->fn(&group);
    }
}

/* The outputs of a strip, in all rows: some lines at a time, whose columns on the plane are aligned. */
static void fold_strip(const struct onr_window *w, const struct fold *fold,
                       const struct strip *strip, const float *x, float *y)
{
    _Alignas(4 * BLOCK) float lines[LINES + 2 * BLOCK];
    int64_t lead = -strip->begin & (BLOCK - 1);
    int64_t pitch = (lead + strip->size + BLOCK - 1) & -(int64_t)BLOCK;
    int64_t most = pitch < LINES ? LINES / pitch : 1;
    for (int64_t z = 0; z < w->out[0]; z++) {
        for (int64_t first = 0; first < w->out[1]; first += most) {
            int64_t end = w->out[1] - first < most ? w->out[1] : first + most;
            float *line = lines + lead;
            for (int64_t r = first; r < end; r++, line += pitch) {
                struct onr_taps taps = onr_find_taps(w, z, r, strip->first);
                taps.first[2] = 0;
                fold_rows(w, fold, strip, &taps, x, line);
            }
            line = lines + lead;
            for (int64_t r = first; r < end; r++, line += pitch) {
                float scale = fold->scale != NULL ? find_row_scale(w, fold, z, r) : 1.0f;
                fold_columns(w, fold, strip, line, scale,
                             y + (z * w->out[1] + r) * w->out[2] + strip->first);
            }
        }
    }
}

static float max_row(int64_t count, const float *x)
{
    return onr_max_f32((size_t)count, x);
}

/* One output of a window that is no slimer than the plane, or wider than a line. */
static float max_one(const struct onr_window *w, const struct onr_taps *taps, const float *x)
{
    float best = -INFINITY;
    FOR_EACH_ROW(w, *taps, x, row, {
        if (w->dilation[2] == 1) {
            best = onr_larger_or_nan(best, max_row(taps->count[2], row));
        } else {
            for (int64_t c = 0; c < taps->count[2]; c++) {
                best = onr_larger_or_nan(best, row[c * w->dilation[2]]);
            }
        }
    })
    return best;
}

static double sum_one(const struct onr_window *w, const struct onr_taps *taps, const float *x)
{
    double sum = 0;
    FOR_EACH_ROW(w, *taps, x, row, {
        if (w->dilation[2] == 1) {
            sum += lane_sum((size_t)taps->count[2], row, 0);
        } else {
            for (int64_t c = 0; c < taps->count[2]; c++) {
                sum += (double)row[c * w->dilation[2]];
            }
        }
    })
    return sum;
}

/* Output o of all rows. */
static void max_columns(const struct onr_window *w, int64_t o, const float *x, float *y)
{
    for (int64_t z = 0; z < w->out[0]; z++) {
        for (int64_t r = 0; r < w->out[1]; r++) {
            struct onr_taps taps = onr_find_taps(w, z, r, o);
            y[(z * w->out[1] + r) * w->out[2] + o] = max_one(w, &taps, x);
        }
    }
}

/* False: the window is not one for this, or there is a NaN. */
static bool max_slim(const struct onr_window *w, const float *x, float *y)
{
    const struct fold fold = {.padding = -INFINITY};
    bool fits = onr_slim_fits(w);
    for (int64_t first = 0; fits && first < w->out[2];) {
        struct strip strip = find_strip(w, first);
        if (fold_slim(w, &fold, &strip, x, y)) {
            return false;
        }
        first += strip.count;
    }
    return fits;
}

/* Whether there is a NaN is seen at once: the fold need not look for it each time. */
static void max_f32(const struct onr_window *w, const float *x, float *y)
{
    bool by_output = is_by_output(w);
    for (int64_t o = 0; by_output && o < w->out[2]; o++) {
        max_columns(w, o, x, y);
    }
    if (by_output) {
        return;
    }
    if (max_slim(w, x, y)) {
        return;
    }
    bool has_nan = isnan(max_row(w->in[0] * w->in[1] * w->in[2], x));
    const struct fold fold = {.fn = has_nan ? onr_fold_max_or_nan : onr_fold_max,
                              .padding = -INFINITY};
    for (int64_t first = 0; first < w->out[2];) {
        struct strip strip = find_strip(w, first);
        fold_strip(w, &fold, &strip, x, y);
        first += strip.count;
    }
}

/* What the sums of a strip are multiplied by, for the columns alone, and a vector of zeros. */
static void find_scales(const struct onr_window *w, bool counts_padding, const struct strip *strip,
                        float *scale)
{
    int64_t begin[2];
    int64_t end[2];
    float whole = (float)inverse(w->kernel[2]);
    onr_window_range(w, 2, 0, &begin[0], &end[0]);
    onr_window_range(w, 2, w->kernel[2] - 1, &begin[1], &end[1]);
    for (int64_t i = 0; i < strip->count; i++) {
        int64_t o = strip->first + i;
        bool is_inside = o >= begin[0] && o >= begin[1] && o < end[0] && o < end[1];
        scale[i] = is_inside ? whole : (float)inverse(divisor(w, counts_padding, 2, o));
    }
    set_range(scale, strip->count, strip->count + BLOCK, 0.0f);
}

static void average_strip(const struct onr_window *w, bool counts_padding,
                          const struct strip *strip, const float *x, float *y)
{
    float scale[LINE + BLOCK];
    const struct fold fold = {.fn = onr_fold_sum, .scale = scale, .counts_padding = counts_padding};
    find_scales(w, counts_padding, strip, scale);
    if (onr_slim_fits(w)) {
        (void)fold_slim(w, &fold, strip, x, y);
    } else {
        fold_strip(w, &fold, strip, x, y);
    }
}

/* Output o of all rows, in double. */
static void average_columns(const struct onr_window *w, bool counts_padding, int64_t o,
                            const float *x, float *y)
{
    for (int64_t z = 0; z < w->out[0]; z++) {
        for (int64_t r = 0; r < w->out[1]; r++) {
            struct onr_taps taps = onr_find_taps(w, z, r, o);
            int64_t count = divisor(w, counts_padding, 0, z) * divisor(w, counts_padding, 1, r) *
                            divisor(w, counts_padding, 2, o);
            y[(z * w->out[1] + r) * w->out[2] + o] = (float)(sum_one(w, &taps, x) * inverse(count));
        }
    }
}

static void average_f32(const struct onr_window *w, bool counts_padding, const void *x, void *y)
{
    bool is_short = w->kernel[0] * w->kernel[1] <= SHORT && w->kernel[2] <= SHORT;
    bool by_output = !is_short || is_by_output(w);
    for (int64_t o = 0; by_output && o < w->out[2]; o++) {
        average_columns(w, counts_padding, o, x, y);
    }
    for (int64_t first = 0; !by_output && first < w->out[2];) {
        struct strip strip = find_strip(w, first);
        average_strip(w, counts_padding, &strip, x, y);
        first += strip.count;
    }
}

void ONR_KERNEL(onr_fill_pool_rows)(struct onr_kernels *kernels)
{
    kernels->pool.max_f32 = max_f32;
    kernels->pool.average[ONR_FLOAT] = average_f32;
}
