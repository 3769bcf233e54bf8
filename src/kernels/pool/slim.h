/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside pooling: rows of outputs whose windows are two or three columns wide, which is most. The
 * rows of x are combined in registers, then neighbours, without a line in memory between the two.
 */
#ifndef ONR_KERNELS_POOL_SLIM_H
#define ONR_KERNELS_POOL_SLIM_H

#include "kernels/conv/columns.h"
#include "kernels/conv/conv.h"

/* What blocks of outputs are inlined for. Windows are as high as wide; where they are two wide the
 * stride is two. */
struct onr_slim_kind {
    bool is_sum;
    int64_t width, stride;
};

/* Lines of outputs that see the same number of rows of x. */
struct onr_slim {
    struct onr_slim_kind kind;
    const float *x;                /* the first row that the first line sees */
    int64_t rows, row_pitch;       /* that each line sees, at most as many as columns */
    int64_t lines, x_line, y_line; /* from line to line */
    int64_t width, pad;            /* of x */
    int64_t first, count;          /* outputs of a line */
    float padding;
    float row_scale;
    const float *scale; /* [count + ONR_LANES]: sums are multiplied by it and by row_scale */
    float *y;           /* output `first` of the first line */
    bool has_nan;       /* is set by a maximum that meets one, and is then wrong */
};

/* v = v and next combined. */
ONR_INLINE onr_lanes onr_slim_fold(bool is_sum, onr_lanes v, onr_lanes next)
{
    return is_sum ? v + next : onr_larger(next, v);
}

/* n vectors from a column on, all rows combined, of which any part may be missing. Returns the NaNs
 * that it met. */
static __attribute__((noinline)) onr_nans onr_slim_edge(const struct onr_slim *job, const float *x,
                                                        int64_t column, int64_t n, onr_lanes *v)
{
    onr_nans nans = {0};
    for (int64_t i = 0; i < n; i++, column += ONR_LANES) {
        const float *row = x + column;
        v[i] = (onr_lanes){0} + job->padding;
        for (int64_t r = 0; r < job->rows; r++, row += job->row_pitch) {
            onr_lanes next = onr_load_first(row, job->width - column, job->padding);
            nans = (onr_nans)(nans | onr_find_nans(next, next));
            v[i] = r == 0 ? next : onr_slim_fold(job->kind.is_sum, v[i], next);
        }
    }
    return nans;
}

/* The same where all is there. */
ONR_INLINE onr_nans onr_slim_inside(struct onr_slim_kind kind, const struct onr_slim *job,
                                    const float *x, onr_lanes *v)
{
    onr_nans nans = {0};
    ONR_UNROLL
    for (int64_t r = 0; r < kind.width; r++) {
        onr_lanes next[2];
        ONR_UNROLL
        for (int64_t i = 0; i < kind.stride; i++) {
            next[i] = onr_load(x + r * job->row_pitch + i * ONR_LANES);
            v[i] = r == 0 ? next[i] : onr_slim_fold(kind.is_sum, v[i], next[i]);
        }
        if (!kind.is_sum) {
            nans = (onr_nans)(nans | onr_find_nans(next[0], next[kind.stride - 1]));
        }
    }
    return nans;
}

/* A block of outputs from its columns. */
ONR_INLINE onr_lanes onr_slim_block(struct onr_slim_kind kind, const onr_lanes *v,
                                    onr_lanes *before, onr_lanes scale)
{
    onr_lanes tap[3];
    onr_split_columns(v, kind.width, kind.stride, before, tap);
    onr_lanes out = onr_slim_fold(kind.is_sum, tap[0], tap[1]);
    out = kind.width == 3 ? onr_slim_fold(kind.is_sum, out, tap[2]) : out;
    return kind.is_sum ? out * scale : out;
}

/* fn, with the kind as a constant. */
#define ONR_SLIM_SELECT(fn, kind, ...)                                                             \
    ((kind).is_sum ? ONR_SLIM_SELECT_SIZE(fn, kind, true, __VA_ARGS__)                             \
                   : ONR_SLIM_SELECT_SIZE(fn, kind, false, __VA_ARGS__))
#define ONR_SLIM_SELECT_SIZE(fn, kind, is_sum, ...)                                                \
    ((kind).width == 2    ? fn((struct onr_slim_kind){is_sum, 2, 2}, __VA_ARGS__)                  \
     : (kind).stride == 1 ? fn((struct onr_slim_kind){is_sum, 3, 1}, __VA_ARGS__)                  \
                          : fn((struct onr_slim_kind){is_sum, 3, 2}, __VA_ARGS__))

/* What the first block of a line sees of the vectors before its own. */
static onr_nans onr_slim_begin(const struct onr_slim *job, const float *x, int64_t column,
                               onr_lanes *before)
{
    onr_nans nans = {0};
    *before = (onr_lanes){0} + job->padding;
    if (column > 0) {
        int64_t from = job->first > 0 ? column - ONR_LANES : 0;
        nans = onr_slim_edge(job, x, from, 1, before);
        *before = from > 0 ? *before : onr_columns_before(*before, column, job->padding);
    }
    return nans;
}

/* Whole blocks of outputs [0, end), from a column on. */
ONR_INLINE onr_nans onr_slim_run(struct onr_slim_kind kind, const struct onr_slim *job,
                                 const float *x, int64_t end, onr_lanes *before, float *y)
{
    const struct onr_slim own = *job; /* which what is stored cannot change */
    onr_nans nans = {0};
    onr_lanes last = *before;
    onr_lanes scale = {0};
    for (int64_t o = 0; o < end; o += ONR_LANES, x += kind.stride * ONR_LANES) {
        onr_lanes v[2];
        scale = kind.is_sum ? onr_load(own.scale + o) * own.row_scale : scale;
        nans = (onr_nans)(nans | onr_slim_inside(kind, &own, x, v));
        onr_store(y + o, onr_slim_block(kind, v, &last, scale));
    }
    *before = last;
    return nans;
}

/* Outputs that whole blocks can be made of. */
static int64_t onr_slim_whole(const struct onr_slim *job, int64_t column)
{
    int64_t inside = job->width > column ? (job->width - column) / job->kind.stride : 0;
    int64_t whole = inside < job->count ? inside : job->count;
    return job->rows == job->kind.width ? whole & -ONR_LANES : 0;
}

static onr_nans onr_slim_line(const struct onr_slim *job, int64_t whole, const float *x, float *y)
{
    const struct onr_slim_kind kind = job->kind;
    int64_t column = onr_first_column(job->first, kind.width, kind.stride, job->pad);
    onr_lanes v[2];
    onr_nans nans = onr_slim_begin(job, x, column, v);
    onr_lanes before = v[0];
    onr_nans more = ONR_SLIM_SELECT(onr_slim_run, kind, job, x + column, whole, &before, y);
    nans = (onr_nans)(nans | more);
    for (int64_t o = whole; o < job->count; o += ONR_LANES) {
        int64_t left = job->count - o;
        onr_lanes scale = v[0];
        scale = kind.is_sum ? onr_load(job->scale + o) * job->row_scale : scale;
        more = onr_slim_edge(job, x, column + o * kind.stride, kind.stride, v);
        nans = (onr_nans)(nans | more);
        onr_store_first(y + o, left < ONR_LANES ? left : ONR_LANES,
                        ONR_SLIM_SELECT(onr_slim_block, kind, v, &before, scale));
    }
    return nans;
}

static void onr_slim_lines(struct onr_slim *job)
{
    const struct onr_slim own = *job;
    const struct onr_slim_kind kind = own.kind;
    int64_t whole =
        onr_slim_whole(&own, onr_first_column(own.first, kind.width, kind.stride, own.pad));
    onr_nans nans = {0};
    for (int64_t l = 0; l < own.lines; l++) {
        onr_nans more = onr_slim_line(&own, whole, own.x + l * own.x_line, own.y + l * own.y_line);
        nans = (onr_nans)(nans | more);
    }
    job->has_nan = job->has_nan || onr_any_nan(nans);
}

/* False also where vectors are so short that it does not pay for its code. */
static bool onr_slim_fits(const struct onr_window *w)
{
    bool is_plane = w->in[0] == 1 && w->kernel[0] == 1 && w->pad[0] == 0;
    bool is_square = w->kernel[1] == w->kernel[2] && w->dilation[2] == 1;
    bool is_known =
        (w->kernel[2] == 2 && w->stride[2] == 2) || (w->kernel[2] == 3 && w->stride[2] <= 2);
    return ONR_LANES >= 8 && is_plane && is_square && is_known &&
           w->pad[2] <= w->kernel[2] - w->stride[2];
}

#endif
