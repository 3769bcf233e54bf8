/* SPDX-License-Identifier: Apache-2.0 */
/* Convolutions whose channels stand last: the loops that workers run. */
#include "base/mem.h"
#include "base/size.h"
#include "ops/conv/conv_last.h"

#include <string.h>

/* Sums over taps that are finished together: they lie in L1 or L2. */
#define FINISHED_FLOATS 8192
#define FINISHED_LEAST  8

/* The filters of a panel, or zeros behind the last, to its columns: what is read and what is written at
 * a time are as many lines as there are columns, and taps. */
static void order_panel(const struct onr_last_layout *l, const char *from, size_t group,
                        size_t panel, float *to)
{
    size_t columns = panel + 1 < l->panels ? l->columns : l->last_columns;
    size_t left = l->filters - panel * l->columns;
    size_t count = left < columns ? left : columns;
    size_t k = l->channels * l->taps;
    from += (group * l->filters + panel * l->columns) * k * sizeof(float);
    for (size_t c = 0; c < l->channels; c++) {
        for (size_t j = 0; j < columns; j++) {
            for (size_t t = 0; t < l->taps; t++) {
                size_t step = l->is_planes ? c * l->taps + t : t * l->channels + c;
                float weight = 0.0f;
                if (j < count) {
                    memcpy(&weight, from + (j * k + c * l->taps + t) * sizeof weight,
                           sizeof weight);
                }
                to[step * columns + j] = weight;
            }
        }
    }
}

void onr_last_order_panels(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct onr_last_order *task = arg;
    const struct onr_last_layout *l = task->layout;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        size_t group = i / l->panels;
        size_t panel = i % l->panels;
        order_panel(l, task->from, group, panel,
                    (float *)*task->to + onr_last_panel_at(l, group, panel));
    }
}

struct onr_gemm_f32_job onr_last_job(const struct onr_last_plan *plan)
{
    const struct onr_last_layout *l = &plan->layout;
    return (struct onr_gemm_f32_job){
        .kernel = l->kernel,
        .m = plan->images * plan->outputs,
        .n = l->filters,
        .k = l->taps * l->channels,
        .a = {NULL, ONR_FLOAT, plan->stride, 1},
        .c_stride = l->filters * l->groups,
        .addend_stride = l->filters * l->groups,
        .scale = 1.0f,
        .is_c_cold = onr_gemm_f32_is_cold(plan->images * plan->outputs * l->filters * l->groups),
    };
}

void onr_last_finish(const struct onr_last_task *task, size_t first, size_t count)
{
    float *y = task->y + first;
    if (task->addend != NULL) {
        const float *addend = task->addend + first;
        task->kernels->binary.rows[ONR_BINARY_ADD][ONR_FLOAT](count, y, 1, addend, 1, y);
    }
    onr_activation_apply(&task->plan->activation, count, y);
}

/* Outputs that are finished together: two rows where they are summed by rows. */
static size_t count_finished(const struct onr_last_plan *plan)
{
    size_t most = FINISHED_FLOATS / plan->channels;
    size_t rows = 2 * plan->unit;
    most = most > FINISHED_LEAST ? most : FINISHED_LEAST;
    return most > rows ? most / rows * rows : rows;
}

void onr_last_run_sums(void *task, size_t begin, size_t end, unsigned worker)
{
    const struct onr_last_task *t = task;
    const struct onr_last_plan *plan = t->plan;
    size_t channels = plan->channels;
    size_t most = count_finished(plan);
    (void)worker;
    begin *= plan->unit;
    end *= plan->unit;
    while (begin < end) {
        size_t first = begin % plan->outputs;
        size_t count = plan->outputs - first < end - begin ? plan->outputs - first : end - begin;
        count = count < most ? count : most;
        t->kernels->conv.last(&(struct onr_conv_last){
            .window = &plan->window,
            .channels = channels,
            .x = t->x + begin / plan->outputs * plan->inputs * channels,
            .w = t->w,
            .bias = t->bias,
            .first = (int64_t)first,
            .count = (int64_t)count,
            .y = t->y + begin * channels,
        });
        onr_last_finish(t, begin * channels, count * channels);
        begin += count;
    }
}

/* The inputs that a row of taps sees from place `at` of a line on; zeros where that is padding. */
static void copy_taps(const struct onr_last_plan *plan, const float *line, int64_t at, float *to)
{
    const struct onr_window *s = &plan->window;
    size_t channels = plan->layout.channels;
    int64_t count = s->kernel[2];
    bool is_one = s->dilation[2] == 1 && plan->layout.groups == 1;
    if (is_one && at >= 0 && at + count <= s->in[2]) {
        memcpy(to, line + (size_t)at * channels, (size_t)count * channels * sizeof(float));
        return;
    }
    for (int64_t t = 0; t < count; t++, at += s->dilation[2], to += channels) {
        if (at >= 0 && at < s->in[2]) {
            memcpy(to, line + (size_t)at * plan->channels, channels * sizeof(float));
        } else {
            memset(to, 0, channels * sizeof(float));
        }
    }
}

/* The first input that the window of an output sees. */
static void find_window(const struct onr_window *s, size_t output, int64_t at[3])
{
    int64_t row = (int64_t)output / s->out[2];
    at[0] = row / s->out[1] * s->stride[0] - s->pad[0];
    at[1] = row % s->out[1] * s->stride[1] - s->pad[1];
    at[2] = (int64_t)output % s->out[2] * s->stride[2] - s->pad[2];
}

/* What the window of an output sees, in the order of the weights. */
static void copy_row(const struct onr_last_plan *plan, const float *x, size_t output, float *to)
{
    const struct onr_window *s = &plan->window;
    int64_t at[3];
    find_window(s, output, at);
    size_t taps = (size_t)s->kernel[2] * plan->layout.channels;
    for (int64_t i = 0; i < s->kernel[0]; i++) {
        for (int64_t j = 0; j < s->kernel[1]; j++, to += taps) {
            int64_t slice = at[0] + i * s->dilation[0];
            int64_t line = at[1] + j * s->dilation[1];
            if (slice < 0 || slice >= s->in[0] || line < 0 || line >= s->in[1]) {
                memset(to, 0, taps * sizeof(float));
                continue;
            }
            size_t place = (size_t)((slice * s->in[1] + line) * s->in[2]);
            copy_taps(plan, x + place * plan->channels, at[2], to);
        }
    }
}

/* The inputs of a line of one plane, of which `left` floats are there from the line's place `at` on, that
 * a row of taps sees. */
static void copy_piece(const struct onr_window *s, const float *line, int64_t at, size_t left,
                       float *to)
{
    size_t count = (size_t)s->kernel[2];
    bool is_inside = s->dilation[2] == 1 && at >= 0 && at + s->kernel[2] <= s->in[2];
    if (is_inside && count <= ONR_LAST_PIECE && left >= ONR_LAST_PIECE) {
        memcpy(to, line + at, ONR_LAST_PIECE * sizeof(float));
    } else if (is_inside) {
        memcpy(to, line + at, count * sizeof(float));
    } else {
        for (size_t t = 0; t < count; t++, at += s->dilation[2]) {
            to[t] = at >= 0 && at < s->in[2] ? line[at] : 0.0f;
        }
    }
}

/* The same of planes. Up to ONR_LAST_PIECE floats behind the row are lost. */
static void copy_row_of_planes(const struct onr_last_plan *plan, const float *x, size_t output,
                               float *to)
{
    const struct onr_window *s = &plan->window;
    int64_t at[3];
    find_window(s, output, at);
    size_t total = plan->channels * plan->inputs;
    for (size_t c = 0; c < plan->channels; c++) {
        for (int64_t i = 0; i < s->kernel[0] * s->kernel[1]; i++, to += s->kernel[2]) {
            int64_t slice = at[0] + i / s->kernel[1] * s->dilation[0];
            int64_t line = at[1] + i % s->kernel[1] * s->dilation[1];
            if (slice < 0 || slice >= s->in[0] || line < 0 || line >= s->in[1]) {
                memset(to, 0, (size_t)s->kernel[2] * sizeof(float));
                continue;
            }
            size_t place = c * plan->inputs + (size_t)((slice * s->in[1] + line) * s->in[2]);
            size_t begin = place + (at[2] > 0 ? (size_t)at[2] : 0);
            copy_piece(s, x + place, at[2], begin < total ? total - begin : 0, to);
        }
    }
}

/* Rows [begin, end) of the left side of a group. */
static void copy_block(const struct onr_last_task *task, size_t group, size_t begin, size_t end,
                       float *to)
{
    const struct onr_last_plan *plan = task->plan;
    for (size_t row = begin; row < end; row++, to += plan->stride) {
        const float *x = task->x + row / plan->outputs * plan->inputs * plan->channels;
        if (plan->layout.is_planes) {
            copy_row_of_planes(plan, x, row % plan->outputs, to);
        } else {
            copy_row(plan, x + group * plan->layout.channels, row % plan->outputs, to);
        }
    }
}

/* Panels [begin, end) of a group: the last of all has tiles of its own. */
static void run_panels(const struct onr_last_task *task, struct onr_gemm_f32_job job, size_t group,
                       size_t begin, size_t end, void *workspace)
{
    const struct onr_last_layout *l = &task->plan->layout;
    size_t last = l->panels - 1;
    size_t whole = end <= last ? end : last;
    job.b_packed = task->w + onr_last_panel_at(l, group, 0);
    onr_gemm_f32_run(&job, 0, job.m, begin, whole, workspace);
    if (whole < end) {
        size_t column = last * l->columns;
        job.kernel = l->last_kernel;
        job.b_packed = task->w + onr_last_panel_at(l, group, last);
        job.n -= column;
        job.c += column;
        job.addend = job.addend != NULL ? job.addend + column : NULL;
        job.column_bias = job.column_bias != NULL ? job.column_bias + column : NULL;
        onr_gemm_f32_run(&job, 0, job.m, 0, 1, workspace);
    }
}

void onr_last_run_products(void *task, size_t begin, size_t end, unsigned worker)
{
    const struct onr_last_task *t = task;
    const struct onr_last_plan *plan = t->plan;
    const struct onr_last_layout *l = &plan->layout;
    char *scratch = t->scratch + worker * plan->worker_bytes;
    float *rows = (float *)(void *)(scratch + onr_size_align(plan->gemm_bytes, ONR_MEM_ALIGN));
    size_t total = plan->images * plan->outputs;
    for (size_t item = begin; item < end; item++) {
        size_t split = item % plan->splits;
        size_t block = item / plan->splits % plan->blocks;
        size_t group = item / plan->splits / plan->blocks;
        size_t first = total * block / plan->blocks;
        struct onr_gemm_f32_job job = onr_last_job(plan);
        size_t place = first * job.c_stride + group * l->filters;
        job.m = total * (block + 1) / plan->blocks - first;
        job.activation = plan->activation;
        job.column_bias = t->bias != NULL ? t->bias + group * l->filters : NULL;
        job.addend = t->addend != NULL ? t->addend + place : NULL;
        job.c = t->y + place;
        job.a.data =
            plan->copied_floats > 0 ? rows : t->x + first * plan->stride + group * l->channels;
        if (plan->copied_floats > 0 && (split == 0 || item == begin)) {
            copy_block(t, group, first, first + job.m, rows);
        }
        run_panels(t, job, group, l->panels * split / plan->splits,
                   l->panels * (split + 1) / plan->splits, scratch);
    }
}
