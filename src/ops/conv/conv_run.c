/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Convolutions as products: per image and group, Y (out_channels x positions) = W (out_channels x
 * k) * columns of X. A worker makes a few panels of columns for one block of k at a time, which
 * stay in L2, and multiplies them at once.
 */
#include "ops/conv/conv_run.h"

#include "base/size.h"
#include "ops/common/float_io.h"

/* Floats of the panels that a worker makes at a time. */
#define CHUNK_FLOATS ((size_t)64 * 1024)

/* Multiply-adds below which a second thread costs more than it brings. */
#define SERIAL_MACS 131072.0

struct task {
    const struct onr_conv *conv;
    const struct onr_kernels *kernels;
    const void *x, *w, *b; /* b may be NULL */
    void *y;
    char *scratch; /* of all workers */
};

static bool is_half(const struct onr_conv *conv)
{
    return conv->dtype == ONR_FLOAT16 || conv->dtype == ONR_BFLOAT16;
}

static enum onr_conv_way choose_way(const struct onr_conv *conv)
{
    const struct onr_window *w = &conv->window;
    if (conv->dtype == ONR_DOUBLE || conv->out_channels <= 2 || conv->k == 0) {
        return ONR_CONV_PLANES;
    }
    for (int d = 0; d < 3; d++) {
        if (w->kernel[d] != 1 || w->stride[d] != 1 || w->in[d] != w->out[d]) {
            return ONR_CONV_IM2COL;
        }
    }
    return ONR_CONV_PRODUCT;
}

/* The product of one group, without pointers to data. */
static struct onr_gemm_f32_job make_job(const struct onr_conv *conv)
{
    return (struct onr_gemm_f32_job){
        .kernel = conv->kernel,
        .m = conv->out_channels,
        .n = conv->outputs,
        .k = conv->k,
        .a = {NULL, ONR_FLOAT, conv->k, 1},
        .b = {NULL, ONR_FLOAT, conv->outputs, 1},
        .c_stride = conv->outputs,
        .scale = 1.0f,
    };
}

static size_t grain_of(double macs)
{
    return macs >= SERIAL_MACS ? 1 : (size_t)(SERIAL_MACS / (macs + 1.0)) + 1;
}

static void plan_product(struct onr_conv *conv, const struct onr_kernels *kernels,
                         unsigned thread_count)
{
    conv->kernel = onr_gemm_f32_choose(&kernels->gemm, conv->outputs);
    conv->panels = onr_gemm_f32_panels(conv->kernel, conv->outputs);
    size_t k_block = conv->k < ONR_GEMM_KC ? conv->k : ONR_GEMM_KC;
    size_t panel = (k_block + 1) * conv->kernel->columns;
    size_t matrices = conv->batch * conv->groups;
    size_t fair = conv->panels * matrices / (4 * (size_t)thread_count);
    conv->chunk_panels = panel < CHUNK_FLOATS ? CHUNK_FLOATS / panel : 1;
    conv->chunk_panels = conv->chunk_panels < fair ? conv->chunk_panels : (fair > 0 ? fair : 1);
    conv->chunks = (conv->panels + conv->chunk_panels - 1) / conv->chunk_panels;
    size_t items = conv->chunks * matrices;
    size_t tiles = (conv->out_channels + conv->kernel->rows - 1) / conv->kernel->rows;
    conv->row_splits = items >= thread_count ? 1 : (tiles < thread_count ? tiles : thread_count);
    conv->grain = grain_of((double)(conv->out_channels / conv->row_splits) * (double)conv->k *
                           (double)(conv->chunk_panels * conv->kernel->columns));
    struct onr_gemm_f32_job job = make_job(conv);
    conv->gemm_bytes = onr_gemm_f32_workspace(&job);
    size_t columns = conv->chunk_panels * conv->kernel->columns;
    size_t piece = conv->way == ONR_CONV_IM2COL ? columns * k_block * sizeof(float) : 0;
    conv->worker_bytes = conv->gemm_bytes + onr_size_align(piece, ONR_MEM_ALIGN);
}

void onr_conv_plan(struct onr_conv *conv, const struct onr_kernels *kernels, unsigned thread_count,
                   size_t *workspace_bytes)
{
    const struct onr_window *w = &conv->window;
    conv->inputs = (size_t)(w->in[0] * w->in[1] * w->in[2]);
    conv->outputs = (size_t)(w->out[0] * w->out[1] * w->out[2]);
    conv->taps = (size_t)(w->kernel[0] * w->kernel[1] * w->kernel[2]);
    conv->k = conv->in_channels * conv->taps;
    conv->way = choose_way(conv);
    *workspace_bytes = 0;
    if (conv->batch == 0 || conv->out_channels == 0 || conv->outputs == 0) {
        conv->batch = 0;
        return;
    }
    if (conv->way == ONR_CONV_PLANES) {
        conv->grain = grain_of((double)conv->outputs * (double)(conv->k + 1));
    } else {
        plan_product(conv, kernels, thread_count);
    }
    if (is_half(conv)) {
        size_t images = conv->batch * conv->groups;
        size_t filters = conv->groups * conv->out_channels;
        conv->x_bytes = onr_size_align(images * conv->in_channels * conv->inputs * 4, 64);
        conv->w_bytes = onr_size_align(filters * conv->k * 4, 64);
        conv->b_bytes = onr_size_align(filters * 4, 64);
        conv->y_bytes = onr_size_align(images * conv->out_channels * conv->outputs * 4, 64);
    }
    *workspace_bytes = conv->x_bytes + conv->w_bytes + conv->b_bytes + conv->y_bytes +
                       conv->worker_bytes * thread_count;
}

/* One output plane: the bias, then each input plane with its filter. */
static void run_plane(const struct task *task, size_t plane)
{
    const struct onr_conv *conv = task->conv;
    size_t filters = conv->groups * conv->out_channels;
    size_t filter = plane % filters;
    size_t x_plane =
        (plane / filters * conv->groups + filter / conv->out_channels) * conv->in_channels;
    if (conv->dtype == ONR_DOUBLE) {
        double *y = (double *)task->y + plane * conv->outputs;
        for (size_t i = 0; i < conv->outputs; i++) {
            y[i] = task->b != NULL ? ((const double *)task->b)[filter] : 0.0;
        }
        for (size_t c = 0; c < conv->in_channels; c++) {
            task->kernels->conv.plane_f64(
                &conv->window, (const double *)task->x + (x_plane + c) * conv->inputs,
                (const double *)task->w + filter * conv->k + c * conv->taps, y);
        }
        return;
    }
    float *y = (float *)task->y + plane * conv->outputs;
    for (size_t i = 0; i < conv->outputs; i++) {
        y[i] = task->b != NULL ? ((const float *)task->b)[filter] : 0.0f;
    }
    for (size_t c = 0; c < conv->in_channels; c++) {
        task->kernels->conv.plane_f32(
            &conv->window, (const float *)task->x + (x_plane + c) * conv->inputs,
            (const float *)task->w + filter * conv->k + c * conv->taps, y);
    }
}

static void run_planes(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    for (size_t plane = begin; plane < end; plane++) {
        run_plane(arg, plane);
    }
}

/* What a worker computes at a time: some rows of some panels of one group of one image. */
struct part {
    const float *x; /* [in_channels, inputs] */
    size_t panel_begin, panel_end;
    size_t row_begin, row_end;
    char *scratch;
};

/* Makes the panels of columns for steps [k_begin, k_begin + k), and adds their product to the
 * output. */
static void run_k_block(const struct onr_conv *conv, const struct part *part,
                        const struct onr_gemm_f32_job *whole, size_t k_begin, size_t k)
{
    size_t width = conv->kernel->columns;
    size_t column = part->panel_begin * width;
    float *pieces = (float *)(void *)(part->scratch + conv->gemm_bytes);
    struct onr_gemm_f32_job job = *whole;
    job.n = part->panel_end * width < conv->outputs ? part->panel_end * width - column
                                                    : conv->outputs - column;
    job.k = k;
    job.a.data = (const float *)whole->a.data + k_begin;
    job.b_packed = pieces;
    job.c = whole->c + column;
    job.accumulate = k_begin > 0;
    for (size_t p = 0; p < part->panel_end - part->panel_begin; p++) {
        size_t left = job.n - p * width;
        onr_im2col_f32(&conv->window, part->x, k_begin, k, column + p * width,
                       left < width ? left : width, width, pieces + p * k * width);
    }
    onr_gemm_f32_run(&job, part->row_begin, part->row_end, 0, part->panel_end - part->panel_begin,
                     part->scratch);
}

static void run_part(const struct task *task, const struct part *part, struct onr_gemm_f32_job *job)
{
    const struct onr_conv *conv = task->conv;
    if (conv->way == ONR_CONV_PRODUCT) {
        job->b.data = part->x;
        onr_gemm_f32_run(job, part->row_begin, part->row_end, part->panel_begin, part->panel_end,
                         part->scratch);
        return;
    }
    size_t blocks = onr_gemm_k_blocks(conv->k);
    for (size_t i = 0; i < blocks; i++) {
        size_t begin = onr_gemm_k_begin(conv->k, blocks, i);
        run_k_block(conv, part, job, begin, onr_gemm_k_begin(conv->k, blocks, i + 1) - begin);
    }
}

static void run_products(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct task *task = arg;
    const struct onr_conv *conv = task->conv;
    for (size_t item = begin; item < end; item++) {
        size_t chunk = item % conv->chunks;
        size_t split = item / conv->chunks % conv->row_splits;
        size_t matrix = item / conv->chunks / conv->row_splits;
        size_t filter = matrix % conv->groups * conv->out_channels;
        size_t last = (chunk + 1) * conv->chunk_panels;
        struct part part = {
            .x = (const float *)task->x + matrix * conv->in_channels * conv->inputs,
            .panel_begin = chunk * conv->chunk_panels,
            .panel_end = last < conv->panels ? last : conv->panels,
            .row_begin = conv->out_channels * split / conv->row_splits,
            .row_end = conv->out_channels * (split + 1) / conv->row_splits,
            .scratch = task->scratch + worker * conv->worker_bytes,
        };
        struct onr_gemm_f32_job job = make_job(conv);
        job.a.data = (const float *)task->w + filter * conv->k;
        job.c = (float *)task->y + matrix * conv->out_channels * conv->outputs;
        job.row_bias = task->b != NULL ? (const float *)task->b + filter : NULL;
        run_part(task, &part, &job);
    }
}

static void run_task(const struct onr_parallel *parallel, struct task *task)
{
    const struct onr_conv *conv = task->conv;
    size_t matrices = conv->batch * conv->groups;
    if (conv->way == ONR_CONV_PLANES) {
        onr_parallel_for(parallel, matrices * conv->out_channels, conv->grain, run_planes, task);
    } else {
        onr_parallel_for(parallel, matrices * conv->row_splits * conv->chunks, conv->grain,
                         run_products, task);
    }
}

/* Half precision: all operands as floats in the workspace, then the same. */
static void run_half(const struct onr_conv *conv, const struct onr_run_ctx *ctx, struct task *task)
{
    size_t filters = conv->groups * conv->out_channels;
    size_t y_count = conv->batch * filters * conv->outputs;
    char *next = ctx->workspace;
    float *x = (float *)(void *)next;
    float *w = (float *)(void *)(next += conv->x_bytes);
    float *b = (float *)(void *)(next += conv->w_bytes);
    float *y = (float *)(void *)(next += conv->b_bytes);
    onr_float_gather(conv->dtype, task->x, 0, 1,
                     conv->batch * conv->groups * conv->in_channels * conv->inputs, x);
    onr_float_gather(conv->dtype, task->w, 0, 1, filters * conv->k, w);
    if (task->b != NULL) {
        onr_float_gather(conv->dtype, task->b, 0, 1, filters, b);
        task->b = b;
    }
    void *result = task->y;
    task->x = x;
    task->w = w;
    task->y = y;
    task->scratch = next + conv->y_bytes;
    run_task(ctx->parallel, task);
    onr_float_write(conv->dtype, y, 0, y_count, result);
}

void onr_conv_run(const struct onr_conv *conv, const struct onr_run_ctx *ctx)
{
    if (conv->batch == 0) {
        return;
    }
    struct task task = {
        .conv = conv,
        .kernels = ctx->kernels,
        .x = ctx->inputs[0]->data,
        .w = ctx->inputs[1]->data,
        .b = conv->has_bias ? ctx->inputs[2]->data : NULL,
        .y = ctx->outputs[0]->data,
        .scratch = ctx->workspace,
    };
    if (is_half(conv)) {
        run_half(conv, ctx, &task);
    } else {
        run_task(ctx->parallel, &task);
    }
}
