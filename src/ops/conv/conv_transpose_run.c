/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transposed convolutions as products: per image and group, columns (out_channels * taps x
 * positions of X) = W' * X, whose rows are then added to the places of Y that their tap falls on. A
 * worker does a block of output channels at a time. float64 goes plane by plane.
 */
#include "ops/conv/conv_transpose_run.h"

#include "base/size.h"
#include "ops/common/float_io.h"

/* Floats of columns that a worker makes at a time, when one channel does not need more. */
#define BLOCK_FLOATS ((size_t)256 * 1024)

struct task {
    const struct onr_conv_transpose *conv;
    const struct onr_kernels *kernels;
    struct onr_conv_operands data;
    char *scratch; /* of all workers */
};

static bool is_half(const struct onr_conv_transpose *conv)
{
    return conv->dtype == ONR_FLOAT16 || conv->dtype == ONR_BFLOAT16;
}

/* The product of one group, without pointers to data; W is [in_channels, out_channels * taps]. */
static struct onr_gemm_f32_job make_job(const struct onr_conv_transpose *conv)
{
    return (struct onr_gemm_f32_job){
        .kernel = conv->kernel,
        .m = conv->out_channels * conv->taps,
        .n = conv->inputs,
        .k = conv->in_channels,
        .a = {NULL, ONR_FLOAT, 1, conv->out_channels * conv->taps},
        .b = {NULL, ONR_FLOAT, conv->inputs, 1},
        .c_stride = conv->inputs,
        .scale = 1.0f,
    };
}

/* channel_floats: of the columns of one output channel. */
static void plan_blocks(struct onr_conv_transpose *conv, const struct onr_kernels *kernels,
                        size_t channel_floats)
{
    conv->kernel = onr_gemm_f32_choose(&kernels->gemm, conv->inputs);
    conv->block_channels = BLOCK_FLOATS / (channel_floats + 1);
    conv->block_channels += conv->block_channels == 0;
    if (conv->block_channels > conv->out_channels) {
        conv->block_channels = conv->out_channels;
    }
    conv->blocks = (conv->out_channels + conv->block_channels - 1) / conv->block_channels;
    struct onr_gemm_f32_job job = make_job(conv);
    conv->gemm_bytes = onr_gemm_f32_workspace(&job);
    size_t columns = conv->block_channels * channel_floats * sizeof(float);
    conv->worker_bytes = conv->gemm_bytes + onr_size_align(columns, ONR_MEM_ALIGN);
}

enum onr_status onr_conv_transpose_plan(struct onr_conv_transpose *conv,
                                        const struct onr_kernels *kernels, unsigned thread_count,
                                        size_t *workspace_bytes, struct onr_error *err)
{
    const struct onr_window *w = &conv->window;
    struct onr_workspace space = {0};
    conv->inputs = (size_t)(w->out[0] * w->out[1] * w->out[2]);
    conv->outputs = (size_t)(w->in[0] * w->in[1] * w->in[2]);
    conv->taps = (size_t)(w->kernel[0] * w->kernel[1] * w->kernel[2]);
    conv->blocks = conv->out_channels;
    conv->block_channels = 1;
    *workspace_bytes = 0;
    if (conv->batch == 0 || conv->out_channels == 0 || conv->outputs == 0) {
        conv->batch = 0;
        return ONR_OK;
    }
    if (conv->dtype != ONR_DOUBLE && conv->in_channels > 0 && conv->inputs > 0) {
        size_t channel = 0;
        if (!onr_size_mul(conv->taps, conv->inputs, &channel) || channel > ONR_SIZE_LIMIT / 4) {
            return onr_fail(err, ONR_ERR_LIMIT, "%zu taps at %zu positions are too many",
                            conv->taps, conv->inputs);
        }
        plan_blocks(conv, kernels, channel);
    }
    if (is_half(conv)) {
        size_t images = conv->batch * conv->groups;
        size_t filters = conv->groups * conv->out_channels;
        conv->halves = (struct onr_conv_halves){.dtype = conv->dtype,
                                                .x = images * conv->in_channels * conv->inputs,
                                                .w = filters * conv->in_channels * conv->taps,
                                                .b = conv->has_bias ? filters : 0,
                                                .y = images * conv->out_channels * conv->outputs};
    }
    onr_conv_halves_plan(&conv->halves, &space);
    conv->scratch_at = onr_workspace_add(&space, thread_count, conv->worker_bytes);
    return onr_workspace_finish(&space, workspace_bytes, err);
}

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
                                       0, (const double *)task->data.w + filter * conv->taps, y);
    }
}

/* The columns of output channels [begin, end). */
static void make_columns(const struct task *task, size_t matrix, size_t begin, size_t end,
                         char *scratch)
{
    const struct onr_conv_transpose *conv = task->conv;
    size_t filters = matrix % conv->groups * conv->in_channels * conv->out_channels;
    struct onr_gemm_f32_job job = make_job(conv);
    job.a.data = (const float *)task->data.w + filters * conv->taps;
    job.b.data = (const float *)task->data.x + matrix * conv->in_channels * conv->inputs;
    job.c = (float *)(void *)(scratch + conv->gemm_bytes);
    job.c_row = begin * conv->taps;
    onr_gemm_f32_run(&job, begin * conv->taps, end * conv->taps, 0,
                     onr_gemm_f32_panels(conv->kernel, conv->inputs), scratch);
}

static void run_block(const struct task *task, size_t matrix, size_t block, char *scratch)
{
    const struct onr_conv_transpose *conv = task->conv;
    const float *b = task->data.b;
    size_t begin = block * conv->block_channels;
    size_t end = begin + conv->block_channels;
    end = end < conv->out_channels ? end : conv->out_channels;
    if (conv->kernel != NULL) {
        make_columns(task, matrix, begin, end, scratch);
    }
    for (size_t channel = begin; channel < end; channel++) {
        float *y = (float *)task->data.y + (matrix * conv->out_channels + channel) * conv->outputs;
        size_t filter = matrix % conv->groups * conv->out_channels + channel;
        for (size_t i = 0; i < conv->outputs; i++) {
            y[i] = b != NULL ? b[filter] : 0.0f;
        }
        if (conv->kernel != NULL) {
            const float *columns = (const float *)(const void *)(scratch + conv->gemm_bytes);
            task->kernels->conv.spread_f32(&conv->window,
                                           columns + (channel - begin) * conv->taps * conv->inputs,
                                           conv->inputs, NULL, y);
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

static void run_task(const struct onr_parallel *parallel, struct task *task)
{
    const struct onr_conv_transpose *conv = task->conv;
    double macs = (double)conv->block_channels * (double)conv->in_channels * (double)conv->taps *
                  (double)conv->inputs;
    size_t grain = macs >= 131072.0 ? 1 : (size_t)(131072.0 / (macs + 1.0)) + 1;
    onr_parallel_for(parallel, conv->batch * conv->groups * conv->blocks, grain, run_items, task);
}

void onr_conv_transpose_run(const struct onr_conv_transpose *conv, const struct onr_run_ctx *ctx)
{
    if (conv->batch == 0) {
        return;
    }
    struct task task = {.conv = conv,
                        .kernels = ctx->kernels,
                        .data = onr_conv_operands(ctx, conv->has_bias),
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
