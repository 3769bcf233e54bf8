/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transposed convolutions as products: per image and group, columns (out_channels * taps x
 * positions of X) = W' * X, whose rows are then added to the places of Y that their tap falls on. X is
 * packed once, and a worker does a block of output channels at a time. float64 goes plane by plane.
 */
#include "ops/conv/conv_transpose_run.h"

#include "base/size.h"
#include "ops/common/float_io.h"

#include <string.h>

/* Floats of columns that a worker makes at a time, when one channel does not need more: half of L2. */
#define BLOCK_FLOATS ((size_t)128 * 1024)

struct task {
    const struct onr_conv_transpose *conv;
    const struct onr_kernels *kernels;
    struct onr_conv_operands data;
    float *packed; /* X */
    char *scratch; /* of all workers */
};

static bool is_half(const struct onr_conv_transpose *conv)
{
    return conv->dtype == ONR_FLOAT16 || conv->dtype == ONR_BFLOAT16;
}

/* ---- weights ---- */

void onr_conv_transpose_order(void *order, size_t begin, size_t end, unsigned worker)
{
    const struct onr_conv_transpose_order *o = order;
    size_t blocks = onr_size_divide_up(o->columns, ONR_CONV_TRANSPOSE_COLUMNS);
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        size_t first = i % blocks * ONR_CONV_TRANSPOSE_COLUMNS;
        size_t left = o->columns - first;
        size_t count = left < ONR_CONV_TRANSPOSE_COLUMNS ? left : ONR_CONV_TRANSPOSE_COLUMNS;
        size_t group = i / blocks * o->in_channels * o->columns;
        const char *from = o->from + (group + first) * sizeof(float);
        float *to = (float *)*o->to + group + first * o->in_channels;
        for (size_t c = 0; c < o->in_channels; c++) {
            float row[ONR_CONV_TRANSPOSE_COLUMNS];
            memcpy(row, from + c * o->columns * sizeof(float), count * sizeof(float));
            for (size_t j = 0; j < count; j++) {
                to[j * o->in_channels + c] = row[j];
            }
        }
    }
}

/* ---- plan ---- */

/* The product of one group, without pointers to data; W is [in_channels, out_channels * taps]. */
static struct onr_gemm_f32_job make_job(const struct onr_conv_transpose *conv)
{
    static const float packed[1];
    size_t columns = conv->out_channels * conv->taps;
    bool is_turned = conv->weights != NULL;
    return (struct onr_gemm_f32_job){
        .kernel = conv->kernel,
        .m = columns,
        .n = conv->inputs,
        .k = conv->in_channels,
        .a = {NULL, ONR_FLOAT, is_turned ? conv->in_channels : 1, is_turned ? 1 : columns},
        .b_packed = packed,
        .c_stride = conv->inputs,
        .scale = 1.0f,
    };
}

/* Blocks of nearly the same length, as many for each thread. channel_floats: of the columns of one output
 * channel. */
static void plan_blocks(struct onr_conv_transpose *conv, const struct onr_kernels *kernels,
                        size_t channel_floats, unsigned thread_count)
{
    size_t most = BLOCK_FLOATS / (channel_floats + 1);
    size_t images = conv->batch * conv->groups;
    conv->kernel = onr_gemm_f32_choose(&kernels->gemm, conv->inputs);
    conv->panels = onr_gemm_f32_panels(conv->kernel, conv->inputs);
    conv->packed_floats = conv->panels * conv->kernel->columns * conv->in_channels;
    conv->blocks = onr_size_divide_up(conv->out_channels, most > 0 ? most : 1);
    while (conv->blocks < conv->out_channels && images * conv->blocks % thread_count != 0) {
        conv->blocks++;
    }
    struct onr_gemm_f32_job job = make_job(conv);
    size_t channels = onr_size_divide_up(conv->out_channels, conv->blocks);
    conv->gemm_bytes = onr_gemm_f32_workspace(&job);
    conv->column_bytes = onr_size_align(channels * channel_floats * sizeof(float), ONR_MEM_ALIGN);
    size_t sums = conv->window.stride[2] > 1 ? onr_spread_floats(&conv->window) : 0;
    conv->worker_bytes =
        conv->gemm_bytes + conv->column_bytes + onr_size_align(sums * sizeof(float), ONR_MEM_ALIGN);
}

static enum onr_status plan_product(struct onr_conv_transpose *conv,
                                    const struct onr_kernels *kernels, struct onr_plan_ctx *ctx)
{
    size_t channel = 0;
    if (!onr_size_mul(conv->taps, conv->inputs, &channel) || channel > ONR_SIZE_LIMIT / 4) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "%zu taps at %zu positions are too many",
                        conv->taps, conv->inputs);
    }
    plan_blocks(conv, kernels, channel, ctx->thread_count);
    return ONR_OK;
}

enum onr_status onr_conv_transpose_plan(struct onr_conv_transpose *conv,
                                        const struct onr_kernels *kernels, struct onr_plan_ctx *ctx)
{
    const struct onr_window *w = &conv->window;
    struct onr_workspace space = {0};
    size_t images = conv->batch * conv->groups;
    conv->inputs = (size_t)(w->out[0] * w->out[1] * w->out[2]);
    conv->outputs = (size_t)(w->in[0] * w->in[1] * w->in[2]);
    conv->taps = (size_t)(w->kernel[0] * w->kernel[1] * w->kernel[2]);
    conv->blocks = conv->out_channels;
    if (conv->batch == 0 || conv->out_channels == 0 || conv->outputs == 0) {
        conv->batch = 0;
        return ONR_OK;
    }
    if (conv->dtype != ONR_DOUBLE && conv->in_channels > 0 && conv->inputs > 0) {
        ONR_TRY(plan_product(conv, kernels, ctx));
    }
    if (is_half(conv)) {
        size_t filters = conv->groups * conv->out_channels;
        conv->halves = (struct onr_conv_halves){.dtype = conv->dtype,
                                                .x = images * conv->in_channels * conv->inputs,
                                                .w = filters * conv->in_channels * conv->taps,
                                                .b = conv->has_bias ? filters : 0,
                                                .y = images * conv->out_channels * conv->outputs};
    }
    onr_conv_halves_plan(&conv->halves, &space);
    conv->packed_at = onr_workspace_add(&space, images, conv->packed_floats * sizeof(float));
    conv->scratch_at = onr_workspace_add(&space, ctx->thread_count, conv->worker_bytes);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

/* ---- run ---- */

/* One plane of Y in float64: the bias, then each input plane spread by its filter. */
static void run_plane_f64(const struct task *task, size_t matrix, size_t channel)
{
    const struct onr_conv_transpose *conv = task->conv;
    size_t group = matrix % conv->groups;
    const double *b = task->data.b;
    double *y = (double *)task->data.y + (matrix * conv->out_channels + channel) * conv->outputs;
    for (size_t i = 0; i < conv->outputs; i++) {
        y[i] = b != NULL ? b[group * conv->out_channels + channel] : 0.0;
    }
    for (size_t c = 0; c < conv->in_channels; c++) {
        size_t filter = (group * conv->in_channels + c) * conv->out_channels + channel;
        task->kernels->conv.spread_f64(&conv->window,
                                       (const double *)task->data.x +
                                           (matrix * conv->in_channels + c) * conv->inputs,
                                       (const double *)task->data.w + filter * conv->taps, y);
    }
}

/* Panels of X, counted over images and groups. */
static void pack_items(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct task *task = arg;
    const struct onr_conv_transpose *conv = task->conv;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        size_t matrix = item / conv->panels;
        size_t panel = item % conv->panels;
        const struct onr_gemm_matrix x = {(const float *)task->data.x +
                                              matrix * conv->in_channels * conv->inputs,
                                          ONR_FLOAT, conv->inputs, 1};
        onr_gemm_f32_pack(conv->kernel, conv->in_channels, conv->inputs, &x, panel, panel + 1,
                          task->packed + matrix * conv->packed_floats);
    }
}

/* The columns of output channels [begin, end). */
static void make_columns(const struct task *task, size_t matrix, size_t begin, size_t end,
                         char *scratch)
{
    const struct onr_conv_transpose *conv = task->conv;
    size_t filters = matrix % conv->groups * conv->in_channels * conv->out_channels;
    const float *w = conv->weights != NULL ? conv->weights : task->data.w;
    struct onr_gemm_f32_job job = make_job(conv);
    job.a.data = w + filters * conv->taps;
    job.b_packed = task->packed + matrix * conv->packed_floats;
    job.c = (float *)(void *)(scratch + conv->gemm_bytes);
    job.c_row = begin * conv->taps;
    onr_gemm_f32_run(&job, begin * conv->taps, end * conv->taps, 0, conv->panels, scratch);
}

static void run_block(const struct task *task, size_t matrix, size_t block, char *scratch)
{
    const struct onr_conv_transpose *conv = task->conv;
    const float *b = task->data.b;
    size_t begin = conv->out_channels * block / conv->blocks;
    size_t end = conv->out_channels * (block + 1) / conv->blocks;
    const float *columns = (const float *)(const void *)(scratch + conv->gemm_bytes);
    if (conv->kernel != NULL) {
        make_columns(task, matrix, begin, end, scratch);
    }
    for (size_t channel = begin; channel < end; channel++) {
        size_t filter = matrix % conv->groups * conv->out_channels + channel;
        float *y = (float *)task->data.y + (matrix * conv->out_channels + channel) * conv->outputs;
        const struct onr_conv_spread job = {
            .window = &conv->window,
            .columns = columns + (channel - begin) * conv->taps * conv->inputs,
            .column_stride = conv->inputs,
            .bias = b != NULL ? b[filter] : 0.0f,
            .scratch = (float *)(void *)(scratch + conv->gemm_bytes + conv->column_bytes),
            .y = y};
        if (conv->kernel != NULL) {
            task->kernels->conv.spread_f32(&job);
            continue;
        }
        for (size_t i = 0; i < conv->outputs; i++) {
            y[i] = job.bias;
        }
    }
}

static void run_items(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct task *task = arg;
    const struct onr_conv_transpose *conv = task->conv;
    for (size_t item = begin; item < end; item++) {
        if (conv->dtype == ONR_DOUBLE) {
            run_plane_f64(task, item / conv->blocks, item % conv->blocks);
        } else {
            run_block(task, item / conv->blocks, item % conv->blocks,
                      task->scratch + worker * conv->worker_bytes);
        }
    }
}

/* Multiply-adds, and floats that are packed, below which a second thread costs more than it brings. */
#define SERIAL_MACS   131072.0
#define SERIAL_FLOATS 16384

static void run_task(const struct onr_parallel *parallel, struct task *task)
{
    const struct onr_conv_transpose *conv = task->conv;
    size_t images = conv->batch * conv->groups;
    double macs = (double)conv->out_channels / (double)conv->blocks * (double)conv->in_channels *
                  (double)conv->taps * (double)conv->inputs;
    size_t grain = macs >= SERIAL_MACS ? 1 : (size_t)(SERIAL_MACS / (macs + 1.0)) + 1;
    if (conv->kernel != NULL) {
        onr_parallel_for(parallel, images * conv->panels,
                         SERIAL_FLOATS / (conv->packed_floats / conv->panels) + 1, pack_items,
                         task);
    }
    onr_parallel_for(parallel, images * conv->blocks, grain, run_items, task);
}

void onr_conv_transpose_run(const struct onr_conv_transpose *conv, const struct onr_run_ctx *ctx)
{
    if (conv->batch == 0) {
        return;
    }
    struct task task = {.conv = conv,
                        .kernels = ctx->kernels,
                        .data = onr_conv_operands(ctx, conv->has_bias),
                        .packed = (float *)(void *)((char *)ctx->workspace + conv->packed_at),
                        .scratch = (char *)ctx->workspace + conv->scratch_at};
    void *y = task.data.y;
    if (!is_half(conv)) {
        run_task(ctx->parallel, &task);
        return;
    }
    onr_conv_widen(&conv->halves, ctx->workspace, &task.data);
    run_task(ctx->parallel, &task);
    onr_float_write(conv->dtype, task.data.y, 0, conv->halves.y, y);
}
