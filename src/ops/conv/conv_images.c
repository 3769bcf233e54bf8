/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolutions of few outputs per image, by a batch: the outputs of all images are the columns of one
 * product per group, W (out_channels x k) * columns of X (k x batch * outputs), so that tiles are full
 * and weights are read less often. A worker makes the panels of some columns, multiplies some rows at a
 * time by them, and copies what that gives to the images.
 */
#include "ops/conv/conv_images.h"

#include "base/size.h"

#include <string.h>

/* Floats of the panels that are made together, when one does not have more. */
#define PACKED_FLOATS 147456

/* Floats of Y that are computed before they are copied, when tiles do not have more. */
#define PART_FLOATS 16384

/* Making panels takes as long as computing so many rows of Y; more where the inputs of patches are
 * copied one by one, as they are for strides above 2. */
#define PACKING_ROWS         24
#define STRIDED_PACKING_ROWS 96

/* Share of the time that has to be saved, for there are copies on the way. */
#define LEAST_GAIN 0.06

/* Time of a step of k for n columns and some rows. */
static double find_time(const struct onr_conv *conv, const struct onr_gemm_kernels *kernels,
                        size_t n, size_t rows)
{
    size_t packing = conv->window.stride[2] > 2 ? STRIDED_PACKING_ROWS : PACKING_ROWS;
    const struct onr_gemm_f32 *last;
    const struct onr_gemm_f32 *kernel = onr_gemm_f32_choose_two(kernels, n, &last);
    size_t cost = n / kernel->columns * kernel->cost + (n % kernel->columns > 0 ? last->cost : 0);
    return (double)cost * (double)(rows + packing);
}

/* Cuts columns and rows into items so that the thread that has most of them has least to do; returns
 * the time of that. */
static double cut_product(struct onr_conv *conv, const struct onr_gemm_kernels *kernels,
                          unsigned thread_count)
{
    double least = 0.0;
    for (size_t splits = 1; splits <= thread_count; splits++) {
        for (size_t row_splits = 1; row_splits * splits <= thread_count; row_splits++) {
            double time =
                find_time(conv, kernels, onr_size_divide_up(conv->columns, splits),
                          onr_size_divide_up(conv->out_channels, row_splits)) *
                (double)onr_size_divide_up(conv->groups * splits * row_splits, thread_count);
            if (least == 0.0 || time < least) {
                least = time;
                conv->column_splits = splits;
                conv->row_splits = row_splits;
            }
        }
    }
    conv->items = conv->column_splits * conv->row_splits;
    return least;
}

/* The product for n columns in panels of a kernel, without pointers to data. */
static struct onr_gemm_f32_job make_job(const struct onr_conv *conv,
                                        const struct onr_gemm_f32 *kernel, size_t n)
{
    static const float packed[1];
    return (struct onr_gemm_f32_job){
        .kernel = kernel,
        .m = conv->out_channels,
        .n = n,
        .k = conv->k,
        .a = {NULL, ONR_FLOAT, conv->k, 1},
        .b_packed = packed,
        .scale = 1.0f,
    };
}

static size_t find_gemm_bytes(const struct onr_conv *conv)
{
    struct onr_gemm_f32_job job = make_job(conv, conv->kernel, 1);
    size_t bytes = onr_gemm_f32_workspace(&job);
    job.kernel = conv->last_kernel;
    size_t last_bytes = onr_gemm_f32_workspace(&job);
    return bytes > last_bytes ? bytes : last_bytes;
}

/* The scratch of a worker: panels, and behind them first what makes these, then the product. */
static bool plan_scratch(struct onr_conv *conv)
{
    size_t width = conv->kernel->columns;
    size_t panel;
    if (!onr_size_mul(conv->k, width, &panel) || panel > ONR_SIZE_LIMIT / sizeof(float)) {
        return false;
    }
    size_t panels =
        onr_size_divide_up(onr_size_divide_up(conv->columns, conv->column_splits), width);
    size_t most = PACKED_FLOATS > panel ? PACKED_FLOATS / panel : 1;
    conv->most_panels = onr_size_divide_up(panels, onr_size_divide_up(panels, most));
    conv->panel_bytes = onr_size_align(conv->most_panels * panel * sizeof(float), ONR_MEM_ALIGN);
    size_t rows = PART_FLOATS / (conv->most_panels * width);
    rows = rows > conv->kernel->rows ? rows : conv->kernel->rows;
    conv->part_rows = rows < ONR_GEMM_MC ? rows : ONR_GEMM_MC;
    conv->gemm_bytes = find_gemm_bytes(conv);
    size_t part = conv->part_rows * conv->most_panels * width * sizeof(float);
    size_t product = conv->gemm_bytes + onr_size_align(part, ONR_MEM_ALIGN);
    size_t making;
    if (!onr_conv_plan_panels(conv, &making)) {
        return false;
    }
    conv->worker_bytes = conv->panel_bytes + (making > product ? making : product);
    return true;
}

bool onr_conv_plan_images(struct onr_conv *conv, const struct onr_kernels *kernels,
                          unsigned thread_count)
{
    const struct onr_gemm_kernels *gemm = &kernels->gemm;
    if (conv->batch == 1 || !onr_size_mul(conv->batch, conv->outputs, &conv->columns)) {
        return false;
    }
    double alone = find_time(conv, gemm, conv->outputs, conv->out_channels) *
                   (double)(conv->batch * conv->groups) / (double)thread_count;
    if (cut_product(conv, gemm, thread_count) > (1.0 - LEAST_GAIN) * alone) {
        return false;
    }
    size_t columns = onr_size_divide_up(conv->columns, conv->column_splits);
    conv->kernel = onr_gemm_f32_choose_two(gemm, columns, &conv->last_kernel);
    if (!plan_scratch(conv)) {
        return false;
    }
    conv->way = ONR_CONV_IMAGES;
    return true;
}

/* to[i * to_stride + j] = from[i * from_stride + j], j < count. Rows are so short that a call of memcpy
 * would cost more than the copy. */
static void copy_rows(size_t rows, size_t count, const float *from, size_t from_stride, float *to,
                      size_t to_stride)
{
    for (size_t i = 0; i < rows; i++, from += from_stride, to += to_stride) {
        size_t j = 0;
        for (; j + 16 <= count; j += 16) {
            memcpy(to + j, from + j, 16 * sizeof(float));
        }
        for (; j + 4 <= count; j += 4) {
            memcpy(to + j, from + j, 4 * sizeof(float));
        }
        for (; j < count; j++) {
            to[j] = from[j];
        }
    }
}

/* Copies rows [begin, end) of the product to the images. */
static void copy_out(const struct onr_conv_columns *columns, size_t begin, size_t end,
                     const float *product)
{
    const struct onr_conv_task *task = columns->task;
    const struct onr_conv *conv = task->conv;
    for (size_t column = columns->begin; column < columns->end;) {
        struct onr_conv_piece piece = onr_conv_piece(conv, column, columns->end);
        size_t matrix = piece.image * conv->groups + columns->group;
        size_t y = (matrix * conv->out_channels + begin) * conv->outputs + piece.output;
        copy_rows(end - begin, piece.count, product + (column - columns->begin),
                  columns->end - columns->begin, (float *)task->data.y + y, conv->outputs);
        bool is_whole = piece.count == conv->outputs;
        size_t count = is_whole ? (end - begin) * conv->outputs : piece.count;
        for (size_t row = begin; row < (is_whole ? begin + 1 : end); row++) {
            onr_conv_finish(task, y + (row - begin) * conv->outputs, count);
        }
        column += piece.count;
    }
}

/* Rows [begin, end). */
static void run_rows(const struct onr_conv_columns *columns, size_t begin, size_t end,
                     const float *packed, char *scratch)
{
    const struct onr_conv_task *task = columns->task;
    const struct onr_conv *conv = task->conv;
    size_t filter = columns->group * conv->out_channels;
    float *product = (float *)(void *)(scratch + conv->gemm_bytes);
    for (size_t first = columns->begin, n; first < columns->end; first += n) {
        size_t done = first - columns->begin;
        size_t left = columns->end - first;
        const struct onr_gemm_f32 *kernel = onr_conv_kernel_at(columns, first);
        bool is_last = left <= kernel->columns || kernel == conv->last_kernel;
        n = is_last ? left : left / kernel->columns * kernel->columns;
        struct onr_gemm_f32_job job = make_job(conv, kernel, n);
        job.a.data = (const float *)task->data.w + filter * conv->k;
        job.b_packed = packed + done * conv->k;
        job.row_bias = task->data.b != NULL ? (const float *)task->data.b + filter : NULL;
        job.c = product + done;
        job.c_stride = columns->end - columns->begin;
        job.c_row = begin;
        job.is_a_cold = done == 0;
        onr_gemm_f32_run(&job, begin, end, 0, onr_gemm_f32_panels(kernel, n), scratch);
    }
    copy_out(columns, begin, end, product);
}

/* Rows of one split. */
static void run_columns(const struct onr_conv_columns *columns, size_t split, char *scratch)
{
    const struct onr_conv *conv = columns->task->conv;
    float *packed = (float *)(void *)scratch;
    size_t row = conv->out_channels * split / conv->row_splits;
    size_t end = conv->out_channels * (split + 1) / conv->row_splits;
    scratch += conv->panel_bytes;
    onr_conv_make_panels(columns, scratch, packed);
    for (size_t parts = onr_size_divide_up(end - row, conv->part_rows); parts > 0; parts--) {
        size_t rows = (end - row) / parts;
        run_rows(columns, row, row + rows, packed, scratch);
        row += rows;
    }
}

void onr_conv_run_images(void *task, size_t begin, size_t end, unsigned worker)
{
    const struct onr_conv_task *t = task;
    const struct onr_conv *conv = t->conv;
    size_t step = conv->most_panels * conv->kernel->columns;
    for (size_t item = begin; item < end; item++) {
        size_t share = item / conv->row_splits % conv->column_splits;
        size_t last = conv->columns * (share + 1) / conv->column_splits;
        struct onr_conv_columns columns = {.task = t, .group = item / conv->items};
        columns.end = conv->columns * share / conv->column_splits;
        while (columns.end < last) {
            columns.begin = columns.end;
            columns.end = columns.begin + step < last ? columns.begin + step : last;
            run_columns(&columns, item % conv->row_splits,
                        t->scratch + worker * conv->worker_bytes);
        }
    }
}
