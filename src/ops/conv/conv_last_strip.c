/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolutions whose channels stand last, as products of strips: a row of taps of a window lies in one
 * piece, so that tiles read their rows, which are outputs side by side, where X has them. Where windows
 * reach over an edge, a worker copies what a box of outputs sees, with zeros around it, which is some
 * times less than rows of whole windows. A piece of a row of taps is multiplied at a time: panel by
 * panel, so that what is added up lies in L1 and weights are read in one stream.
 */
#include "base/mem.h"
#include "base/size.h"
#include "ops/conv/conv_last.h"

#include <string.h>

/* Rows of the left side that are multiplied at a time: they stay in L2, and each panel is read once. */
#define BOX_ROWS 128

/* Floats that are copied for a box, when one line of outputs does not need more. */
#define STRIP_FLOATS 98304

/* Fewer outputs in a row, or floats of a row of taps, leave tiles too short. */
#define LEAST_COLUMNS 4
#define LEAST_RUN     64

/* Boxes of rows are as many as threads, or times as many, where there are so many rows for each. */
#define LEAST_BOX_ROWS 32

/* A window of one tap that moves by one sees a line of all outputs of all images. */
static void flatten(struct onr_last_plan *plan)
{
    struct onr_window *w = &plan->window;
    if (!onr_window_is_plain(w)) {
        return;
    }
    w->in[0] = w->in[1] = w->out[0] = w->out[1] = 1;
    w->in[2] = w->out[2] = (int64_t)(plan->images * plan->outputs);
    plan->inputs = plan->outputs = plan->images * plan->outputs;
    plan->images = 1;
}

/* Whether no window reaches over an edge. */
static bool is_inside(const struct onr_window *w)
{
    for (int d = 0; d < 3; d++) {
        int64_t reach = (w->out[d] - 1) * w->stride[d] + (w->kernel[d] - 1) * w->dilation[d];
        if (w->pad[d] != 0 || reach >= w->in[d]) {
            return false;
        }
    }
    return true;
}

/* Inputs of dimension d that so many outputs see. */
static size_t seen(const struct onr_window *w, int d, size_t outputs)
{
    return (outputs - 1) * (size_t)w->stride[d] + (size_t)((w->kernel[d] - 1) * w->dilation[d]) + 1;
}

/* Floats of the copy for a box; 0: too many. */
static size_t count_floats(const struct onr_last_plan *plan, size_t rows, size_t columns)
{
    const struct onr_window *w = &plan->window;
    size_t floats = (size_t)w->kernel[0] * plan->layout.channels;
    return onr_size_mul(floats, seen(w, 1, rows), &floats) &&
                   onr_size_mul(floats, seen(w, 2, columns), &floats) &&
                   floats < ONR_SIZE_LIMIT / sizeof(float)
               ? floats
               : 0;
}

/* Cuts a slice of outputs into boxes: rows are only cut where one alone is too long. */
static void cut_boxes(struct onr_last_plan *plan, unsigned thread_count)
{
    const struct onr_window *w = &plan->window;
    struct onr_last_strips *s = &plan->strips;
    size_t rows = (size_t)w->out[1];
    size_t columns = (size_t)w->out[2];
    size_t most = s->is_in_place ? SIZE_MAX : STRIP_FLOATS;
    s->column_boxes = onr_size_divide_up(columns, BOX_ROWS);
    s->row_boxes = s->column_boxes > 1 ? rows : onr_size_divide_up(rows, BOX_ROWS / columns);
    while (s->row_boxes < rows &&
           count_floats(plan, onr_size_divide_up(rows, s->row_boxes), columns) > most) {
        s->row_boxes++;
    }
    size_t others = plan->images * (size_t)w->out[0] * plan->layout.groups;
    bool is_flat = rows == 1;
    size_t *boxes = is_flat ? &s->column_boxes : &s->row_boxes;
    size_t limit = is_flat ? onr_size_divide_up(columns, LEAST_BOX_ROWS) : rows;
    size_t even = *boxes;
    while (even < limit && even * others % thread_count != 0) {
        even++;
    }
    *boxes = even * others % thread_count == 0 && even < 2 * *boxes + 1 ? even : *boxes;
    s->rows = seen(w, 1, onr_size_divide_up(rows, s->row_boxes));
    s->columns = seen(w, 2, onr_size_divide_up(columns, s->column_boxes));
}

/* Whether panels are shared out between threads: where there are few boxes. */
static size_t count_splits(const struct onr_last_plan *plan, unsigned thread_count)
{
    return plan->blocks < thread_count && plan->layout.panels >= thread_count ? thread_count : 1;
}

bool onr_last_plan_strips(struct onr_last_plan *plan, unsigned thread_count)
{
    const struct onr_last_layout *l = &plan->layout;
    struct onr_last_strips *s = &plan->strips;
    const struct onr_window *w = &plan->window;
    if (l->is_planes) {
        return false;
    }
    flatten(plan);
    size_t row = (w->dilation[2] == 1 ? (size_t)w->kernel[2] : 1) * l->channels;
    bool is_one = onr_window_volume(w->kernel) == 1;
    if ((!is_one && row < LEAST_RUN) ||
        (w->out[2] < LEAST_COLUMNS && onr_window_volume(w->out) > (size_t)w->out[2])) {
        return false;
    }
    s->is_in_place = is_inside(w) && (l->groups == 1 || w->kernel[2] == 1);
    cut_boxes(plan, thread_count);
    if (!s->is_in_place && count_floats(plan, s->rows, s->columns) == 0) {
        return false;
    }
    s->run = row;
    s->pieces = w->dilation[2] == 1 ? 1 : (size_t)w->kernel[2];
    s->pixel = s->is_in_place ? plan->channels : l->channels;
    s->line = s->pixel * (s->is_in_place ? (size_t)w->in[2] : s->columns);
    s->plane = s->line * (s->is_in_place ? (size_t)w->in[1] : s->rows);
    plan->copied_floats = s->is_in_place ? 0 : s->plane * (size_t)w->kernel[0];
    plan->blocks = plan->images * (size_t)w->out[0] * l->groups * s->row_boxes * s->column_boxes;
    plan->splits = count_splits(plan, thread_count);
    plan->items = plan->blocks * plan->splits;
    plan->stride = s->pixel * (size_t)w->stride[2];
    plan->way = ONR_LAST_STRIPS;
    return true;
}

/* A box of outputs of one slice of one image, for one group. */
struct box {
    size_t image, group, slice;
    size_t row, rows, column, columns;
    const float *from; /* what its first output sees first */
};

static struct box find_box(const struct onr_last_plan *plan, size_t block)
{
    const struct onr_window *w = &plan->window;
    const struct onr_last_strips *s = &plan->strips;
    size_t rows = (size_t)w->out[1];
    size_t columns = (size_t)w->out[2];
    size_t column_box = block % s->column_boxes;
    block /= s->column_boxes;
    size_t row_box = block % s->row_boxes;
    block /= s->row_boxes;
    struct box box = {.group = block % plan->layout.groups,
                      .row = rows * row_box / s->row_boxes,
                      .column = columns * column_box / s->column_boxes};
    block /= plan->layout.groups;
    box.slice = block % (size_t)w->out[0];
    box.image = block / (size_t)w->out[0];
    box.rows = rows * (row_box + 1) / s->row_boxes - box.row;
    box.columns = columns * (column_box + 1) / s->column_boxes - box.column;
    return box;
}

/* Places [begin, begin + count) of a line of X to `to`, zeros outside of it. */
static void copy_line(const struct onr_last_plan *plan, const float *line, int64_t begin,
                      size_t count, float *to)
{
    size_t channels = plan->layout.channels;
    int64_t width = plan->window.in[2];
    int64_t end = begin + (int64_t)count;
    int64_t first = begin < 0 ? 0 : begin < width ? begin : width;
    int64_t last = end > width ? width : end < 0 ? 0 : end;
    last = last > first ? last : first;
    size_t before = begin < 0 ? (size_t)(-begin) : 0;
    before = before < count ? before : count;
    size_t inside = (size_t)(last - first);
    memset(to, 0, before * channels * sizeof(float));
    to += before * channels;
    line += (size_t)first * plan->channels;
    if (channels == plan->channels) {
        memcpy(to, line, inside * channels * sizeof(float));
    } else {
        for (size_t i = 0; i < inside; i++) {
            memcpy(to + i * channels, line + i * plan->channels, channels * sizeof(float));
        }
    }
    memset(to + inside * channels, 0, (count - before - inside) * channels * sizeof(float));
}

/* What the box sees of one image of one group: one slice for each tap. */
static void copy_strip(const struct onr_last_plan *plan, const struct box *box, const float *x,
                       float *to)
{
    const struct onr_window *w = &plan->window;
    const struct onr_last_strips *s = &plan->strips;
    size_t rows = seen(w, 1, box->rows);
    size_t columns = seen(w, 2, box->columns);
    int64_t row = (int64_t)box->row * w->stride[1] - w->pad[1];
    int64_t column = (int64_t)box->column * w->stride[2] - w->pad[2];
    for (int64_t i = 0; i < w->kernel[0]; i++) {
        int64_t slice = (int64_t)box->slice * w->stride[0] - w->pad[0] + i * w->dilation[0];
        for (size_t r = 0; r < rows; r++) {
            float *line = to + (size_t)i * s->plane + r * s->line;
            int64_t at = row + (int64_t)r;
            if (slice < 0 || slice >= w->in[0] || at < 0 || at >= w->in[1]) {
                memset(line, 0, columns * s->pixel * sizeof(float));
                continue;
            }
            size_t place = (size_t)((slice * w->in[1] + at) * w->in[2]);
            copy_line(plan, x + place * plan->channels, column, columns, line);
        }
    }
}

/* Where the box's first output finds its first tap. */
static const float *find_strip(const struct onr_last_task *task, const struct box *box,
                               bool is_copied, float *copy)
{
    const struct onr_last_plan *plan = task->plan;
    const struct onr_window *w = &plan->window;
    const struct onr_last_strips *s = &plan->strips;
    const float *x =
        task->x + box->image * plan->inputs * plan->channels + box->group * plan->layout.channels;
    if (!s->is_in_place) {
        if (!is_copied) {
            copy_strip(plan, box, x, copy);
        }
        return copy;
    }
    return x + box->slice * (size_t)w->stride[0] * s->plane +
           box->row * (size_t)w->stride[1] * s->line +
           box->column * (size_t)w->stride[2] * s->pixel;
}

/* Where piece `piece` of the taps begins. */
static size_t find_piece(const struct onr_last_plan *plan, size_t piece)
{
    const struct onr_window *w = &plan->window;
    const struct onr_last_strips *s = &plan->strips;
    size_t row = piece / s->pieces;
    size_t slice = row / (size_t)w->kernel[1];
    size_t step = s->is_in_place ? (size_t)w->dilation[0] : 1;
    return slice * step * s->plane + row % (size_t)w->kernel[1] * (size_t)w->dilation[1] * s->line +
           piece % s->pieces * (size_t)w->dilation[2] * s->pixel;
}

/* One panel of the box: `job` is set but for what changes with the steps of k. next: the panel behind,
 * or NULL. */
static void run_panel(const struct onr_last_plan *plan, struct onr_gemm_f32_job *job,
                      const float *from, const float *weights, const float *next, void *workspace)
{
    const struct onr_last_strips *s = &plan->strips;
    size_t pieces = plan->layout.taps * plan->layout.channels / s->run;
    size_t blocks = onr_gemm_k_blocks(s->run);
    for (size_t i = 0; i < pieces * blocks; i++) {
        size_t begin = onr_gemm_k_begin(s->run, blocks, i % blocks);
        job->k = onr_gemm_k_begin(s->run, blocks, i % blocks + 1) - begin;
        job->a.data = from + find_piece(plan, i / blocks) + begin;
        job->b_packed = weights;
        weights += job->k * job->kernel->columns;
        job->after = i + 1 < pieces * blocks ? weights : next;
        job->accumulate = i > 0;
        onr_gemm_f32_run(job, 0, job->m, 0, 1, workspace);
        job->is_prefetched = true;
    }
}

/* The activation of outputs [first, first + rows), of `count` filters each. */
static void finish_box(const struct onr_last_plan *plan, float *y, size_t rows, size_t count)
{
    size_t stride = plan->layout.filters * plan->layout.groups;
    if (onr_activation_is_none(&plan->activation)) {
        return;
    }
    if (count == stride) {
        count *= rows;
        rows = 1;
    }
    for (size_t r = 0; r < rows; r++) {
        onr_activation_apply(&plan->activation, count, y + r * stride);
    }
}

static void run_box(const struct onr_last_task *task, const struct box *box, size_t p_begin,
                    size_t p_end, void *workspace)
{
    const struct onr_last_plan *plan = task->plan;
    const struct onr_last_layout *l = &plan->layout;
    const struct onr_window *w = &plan->window;
    size_t filters = l->filters * l->groups;
    size_t output = box->image * plan->outputs +
                    (box->slice * (size_t)w->out[1] + box->row) * (size_t)w->out[2] + box->column;
    size_t first = output * filters + box->group * l->filters;
    struct onr_gemm_f32_job job = onr_last_job(plan);
    job.m = box->rows * box->columns;
    if (box->rows > 1) {
        job.line_rows = box->columns;
        job.line_stride = plan->strips.line * (size_t)w->stride[1];
    }
    for (size_t p = p_begin; p < p_end; p++) {
        size_t column = p * l->columns;
        const float *weights = task->w + onr_last_panel_at(l, box->group, p);
        job.kernel = p + 1 < l->panels ? l->kernel : l->last_kernel;
        job.n =
            l->filters - column < job.kernel->columns ? l->filters - column : job.kernel->columns;
        job.c = task->y + first + column;
        job.addend = task->addend != NULL ? task->addend + first + column : NULL;
        job.addend_stride = filters;
        job.column_bias = task->bias != NULL ? task->bias + box->group * l->filters + column : NULL;
        const float *next = weights + l->taps * l->channels * job.kernel->columns;
        run_panel(plan, &job, box->from, weights, p + 1 < p_end ? next : NULL, workspace);
    }
    size_t end = p_end < l->panels ? p_end * l->columns : l->filters;
    finish_box(plan, task->y + first + p_begin * l->columns, job.m, end - p_begin * l->columns);
}

void onr_last_run_strips(void *task, size_t begin, size_t end, unsigned worker)
{
    const struct onr_last_task *t = task;
    const struct onr_last_plan *plan = t->plan;
    size_t panels = plan->layout.panels;
    char *scratch = t->scratch + worker * plan->worker_bytes;
    float *copy = (float *)(void *)(scratch + onr_size_align(plan->gemm_bytes, ONR_MEM_ALIGN));
    for (size_t item = begin; item < end; item++) {
        size_t split = item % plan->splits;
        struct box box = find_box(plan, item / plan->splits);
        box.from = find_strip(t, &box, split > 0 && item > begin, copy);
        run_box(t, &box, panels * split / plan->splits, panels * (split + 1) / plan->splits,
                scratch);
    }
}
