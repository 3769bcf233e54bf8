/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolutions whose groups have few outputs: a worker copies the inputs of some rows of Y into a
 * patch and sums over the taps: line by line, or where lines are short at all places of the patch,
 * also those between the rows. Small windows over one channel read the inputs where they lie.
 */
#include "base/size.h"
#include "kernels/conv/patch.h"
#include "ops/conv/conv_run.h"

#include <string.h>

/* Floats of a patch: it stays in L2, with few channels in L1. */
#define PATCH_FLOATS 32768
#define MOST_OUTPUTS 4096
#define LEAST_WIDTH  64

/* Most outputs of rows that are short for windows of 3 x 3. */
#define SHORT_ROW 32

/* Lines of at least so many outputs are summed together. */
#define LEAST_LINE 32

/* Output channels that are summed before rows are copied out. */
#define MOST_ROWS 8

/* Outputs [*first, *first + *count) of item `index`. */
static void find_item(const struct onr_conv *conv, size_t index, size_t *first, size_t *count)
{
    size_t width = (size_t)conv->window.out[2];
    size_t row = index / conv->row_pieces * conv->item_rows;
    size_t column = index % conv->row_pieces * conv->piece_columns;
    size_t rows = conv->outputs / width - row;
    rows = rows < conv->item_rows ? rows : conv->item_rows;
    *first = row * width + column;
    *count = conv->row_pieces == 1 ? rows * width : width - column;
    *count = conv->row_pieces > 1 && *count > conv->piece_columns ? conv->piece_columns : *count;
}

static struct onr_patch plan_patch(const struct onr_conv *conv, size_t index)
{
    struct onr_patch patch;
    size_t first;
    size_t count;
    find_item(conv, index, &first, &count);
    onr_patch_plan(&conv->window, (int64_t)first, (int64_t)count, &patch);
    return patch;
}

/* Places of a patch that are summed over: from the first output of the box to its last. */
static size_t count_places(const struct onr_patch *patch)
{
    const int64_t last[3] = {patch->begin[0] + patch->count[0] - 1,
                             patch->begin[1] + patch->count[1] - 1,
                             patch->begin[2] + patch->count[2] - 1};
    return (size_t)onr_patch_place(patch, last) + 1;
}

static void cut_items(struct onr_conv *conv, unsigned thread_count)
{
    size_t width = (size_t)conv->window.out[2];
    size_t rows = conv->outputs / width;
    size_t fair = conv->outputs * conv->batch * conv->groups / (4 * (size_t)thread_count) + 1;
    size_t target = PATCH_FLOATS / (conv->in_channels + 1);
    target = target < MOST_OUTPUTS ? target : MOST_OUTPUTS;
    target = target < fair ? target : fair;
    target = target > LEAST_WIDTH ? target : LEAST_WIDTH;
    conv->row_pieces = (width + target - 1) / target;
    conv->piece_columns = (width + conv->row_pieces - 1) / conv->row_pieces;
    conv->item_rows = conv->row_pieces > 1 ? 1 : target / width;
    conv->items = (rows + conv->item_rows - 1) / conv->item_rows * conv->row_pieces;
}

/* Where rows are short, what is at their ends takes most of the time. */
static bool choose_small(struct onr_conv *conv, const struct onr_kernels *kernels)
{
    const struct onr_window *w = &conv->window;
    bool is_plane = conv->in_channels == 1;
    conv->is_small = is_plane && kernels->conv.small != NULL && onr_conv_is_small(w);
    conv->is_by_lines = is_plane && kernels->conv.lines != NULL && onr_conv_is_lines(w) &&
                        (w->out[2] <= SHORT_ROW || !conv->is_small);
    return conv->is_small || conv->is_by_lines;
}

bool onr_conv_plan_direct(struct onr_conv *conv, const struct onr_kernels *kernels,
                          unsigned thread_count)
{
    size_t most = 0;
    size_t places = 0;
    cut_items(conv, thread_count);
    if (choose_small(conv, kernels)) {
        return true;
    }
    for (size_t i = 0; i < conv->items; i++) {
        struct onr_patch patch = plan_patch(conv, i);
        size_t floats;
        if (!onr_patch_floats(&patch, &floats)) {
            return false;
        }
        most = floats > most ? floats : most;
        places = count_places(&patch) > places ? count_places(&patch) : places;
    }
    if (!onr_size_mul(most, conv->in_channels * sizeof(float), &most) || most > ONR_SIZE_LIMIT) {
        return false;
    }
    size_t rows = conv->out_channels < MOST_ROWS ? conv->out_channels : MOST_ROWS;
    size_t slack = ONR_PATCH_SLACK * sizeof(float);
    conv->panel_bytes =
        onr_size_align(rows * (places + ONR_PATCH_SLACK) * sizeof(float), ONR_MEM_ALIGN);
    conv->offset_bytes = onr_size_align(conv->k * sizeof(size_t), ONR_MEM_ALIGN);
    conv->worker_bytes =
        conv->panel_bytes + conv->offset_bytes + onr_size_align(most + slack, ONR_MEM_ALIGN);
    return true;
}

/* An item at work. */
struct part {
    const struct onr_conv *conv;
    const struct onr_kernels *kernels;
    struct onr_patch patch;
    size_t first, count; /* outputs of a plane */
    struct onr_conv_direct job;
    float *sums;
    float *y; /* the first row's plane */
};

/* Whether tap rows meet the same lines of the patch at successive output rows. */
static bool shares_lines(const struct onr_conv *conv)
{
    const struct onr_window *w = &conv->window;
    return conv->in_channels == 1 && w->kernel[0] == 1 && w->stride[1] == 1 && w->dilation[1] == 1;
}

/* Calls for the outputs of each slice of a plane, in lines as wide as the box, which share what they
 * load: sums go to Y at once. */
static void run_lines(struct part *part)
{
    const int64_t *out = part->conv->window.out;
    const float *x = part->job.x;
    size_t width = (size_t)part->patch.count[2];
    part->job.count = width;
    part->job.x_line = (size_t)part->patch.size[2];
    part->job.y_line = (size_t)out[2];
    part->job.y_stride = part->conv->outputs;
    part->job.taps_high = (size_t)part->conv->window.kernel[1];
    for (size_t done = 0; done < part->count; done += part->job.lines * width) {
        int64_t at = (int64_t)(part->first + done);
        int64_t row = at / out[2];
        const int64_t o[3] = {row / out[1], row % out[1], at % out[2]};
        size_t lines = (part->count - done) / width;
        part->job.lines = lines < (size_t)(out[1] - o[1]) ? lines : (size_t)(out[1] - o[1]);
        part->job.x = x + onr_patch_place(&part->patch, o);
        part->job.y = part->y + at;
        part->kernels->conv.direct(&part->job);
    }
}

/* The whole patch as one line; then the rows that are outputs are copied out. */
static void run_whole(struct part *part)
{
    const int64_t *out = part->conv->window.out;
    size_t width = (size_t)part->patch.count[2];
    part->job.lines = 1;
    part->job.count = count_places(&part->patch);
    part->job.y = part->sums;
    part->job.y_stride = part->job.count + ONR_PATCH_SLACK;
    part->kernels->conv.direct(&part->job);
    for (size_t r = 0; r < part->job.rows; r++) {
        for (size_t done = 0; done < part->count; done += width) {
            int64_t at = (int64_t)(part->first + done);
            int64_t row = at / out[2];
            const int64_t o[3] = {row / out[1], row % out[1], at % out[2]};
            memcpy(part->y + r * part->conv->outputs + at,
                   part->sums + r * part->job.y_stride + onr_patch_place(&part->patch, o),
                   width * sizeof(float));
        }
    }
}

/* One tap that moves by one: what it sees lies in X as it would in a patch. */
static void run_plain(struct part *part)
{
    part->job.lines = 1;
    part->job.count = part->count;
    part->job.y = part->y + part->first;
    part->job.y_stride = part->conv->outputs;
    part->kernels->conv.direct(&part->job);
}

static void run_small(const struct onr_conv_task *task, size_t matrix, size_t index)
{
    const struct onr_conv *conv = task->conv;
    size_t width = (size_t)conv->window.out[2];
    size_t first;
    size_t count;
    find_item(conv, index, &first, &count);
    struct onr_conv_small job = {.window = &conv->window,
                                 .x = (const float *)task->data.x + matrix * conv->inputs,
                                 .row = (int64_t)(first / width),
                                 .rows = count > width ? (int64_t)(count / width) : 1,
                                 .first = (int64_t)(first % width),
                                 .count = (int64_t)(count < width ? count : width)};
    onr_conv_small_fn sum =
        conv->is_by_lines ? task->kernels->conv.lines : task->kernels->conv.small;
    for (size_t i = 0; i < conv->out_channels; i++) {
        size_t filter = matrix % conv->groups * conv->out_channels + i;
        job.w = (const float *)task->data.w + filter * conv->k;
        job.bias = task->data.b != NULL ? ((const float *)task->data.b)[filter] : 0.0f;
        job.y = (float *)task->data.y + (matrix * conv->out_channels + i) * conv->outputs;
        sum(&job);
    }
}

static void run_item(const struct onr_conv_task *task, size_t matrix, size_t index, char *scratch)
{
    const struct onr_conv *conv = task->conv;
    size_t filter = matrix % conv->groups * conv->out_channels;
    size_t *offsets = (size_t *)(void *)(scratch + conv->panel_bytes);
    float *inputs = (float *)(void *)(scratch + conv->panel_bytes + conv->offset_bytes);
    struct part part = {.conv = conv,
                        .kernels = task->kernels,
                        .patch = plan_patch(conv, index),
                        .sums = (float *)(void *)scratch};
    find_item(conv, index, &part.first, &part.count);
    const float *x = (const float *)task->data.x + matrix * conv->in_channels * conv->inputs;
    bool is_plain = conv->is_plain && part.count >= ONR_PATCH_SLACK; /* nothing behind X is read */
    for (size_t p = 0; is_plain && p < conv->k; p++) {
        offsets[p] = p * conv->inputs + part.first;
    }
    if (!is_plain) {
        onr_patch_offsets(&conv->window, &part.patch, 0, conv->k, offsets);
        task->kernels->conv.fill(&conv->window, &part.patch, x, conv->in_channels, inputs);
    }
    for (size_t row = 0; row < conv->out_channels; row += MOST_ROWS) {
        size_t rows = conv->out_channels - row;
        part.y = (float *)task->data.y + (matrix * conv->out_channels + row) * conv->outputs;
        part.job = (struct onr_conv_direct){
            .rows = rows < MOST_ROWS ? rows : MOST_ROWS,
            .k = conv->k,
            .w = (const float *)task->data.w + (filter + row) * conv->k,
            .bias = task->data.b != NULL ? (const float *)task->data.b + filter + row : NULL,
            .x = is_plain ? x : inputs,
            .offsets = offsets,
        };
        if (is_plain) {
            run_plain(&part);
        } else if (part.patch.count[2] >= LEAST_LINE && shares_lines(conv)) {
            run_lines(&part);
        } else {
            run_whole(&part);
        }
    }
}

/* An item has the same outputs in each of its channels. */
static void finish_item(const struct onr_conv_task *task, size_t index, size_t matrix)
{
    const struct onr_conv *conv = task->conv;
    size_t first;
    size_t count;
    find_item(conv, index, &first, &count);
    for (size_t i = 0; i < conv->out_channels; i++) {
        onr_conv_finish(task, (matrix * conv->out_channels + i) * conv->outputs + first, count);
    }
}

/* The element of Y where an item of groups of one channel begins: such items follow each other. */
static size_t find_begin(const struct onr_conv *conv, size_t item)
{
    size_t first;
    size_t count;
    find_item(conv, item % conv->items, &first, &count);
    return item / conv->items * conv->outputs + first;
}

void onr_conv_run_direct(void *task, size_t begin, size_t end, unsigned worker)
{
    const struct onr_conv_task *t = task;
    const struct onr_conv *conv = t->conv;
    char *scratch = t->scratch + worker * conv->worker_bytes;
    size_t finished = begin;
    for (size_t i = begin; i < end; i++) {
        size_t matrix = i / conv->items;
        if (conv->is_small || conv->is_by_lines) {
            run_small(t, matrix, i % conv->items);
        } else {
            run_item(t, matrix, i % conv->items, scratch);
        }
        if (conv->out_channels > 1) {
            finish_item(t, i % conv->items, matrix);
        } else if (i + 1 == end ||
                   (i + 1 - finished) * conv->outputs >= MOST_OUTPUTS * conv->items) {
            size_t first = find_begin(conv, finished);
            onr_conv_finish(t, first, find_begin(conv, i + 1) - first);
            finished = i + 1;
        }
    }
}
