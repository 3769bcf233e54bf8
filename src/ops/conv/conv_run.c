/* SPDX-License-Identifier: Apache-2.0 */
/* How a convolution is computed, which is chosen here, and what all ways share. */
#include "ops/conv/conv_run.h"

#include "base/size.h"
#include "ops/common/float_io.h"

#include <inttypes.h>

/* Multiply-adds below which a second thread costs more than it brings. */
#define SERIAL_MACS 131072.0

/* What a weight costs, in multiply-adds, that is read for fewer images. */
#define WEIGHT_MACS 8

/* Groups of up to so many outputs are not worth panels. */
#define DIRECT_OUTPUTS 8

/* Making panels takes as long as computing some 20 outputs from them. For up to so many it is faster to
 * read the inputs where they lie, if lines or sums are long; windows that move by two have to have both
 * long. */
#define DIRECT_MOST_OUTPUTS 32
#define DIRECT_LINE         64
#define DIRECT_TAPS         96
#define DIRECT_LEAST_LINE   7
#define DIRECT_STRIDED_LINE 28

#define ADDEND 3 /* the input, of fused forms */

static bool is_half(const struct onr_conv *conv)
{
    return conv->dtype == ONR_FLOAT16 || conv->dtype == ONR_BFLOAT16;
}

/* Whether inputs are summed where they lie. */
static bool is_direct(const struct onr_conv *conv)
{
    size_t stride = (size_t)conv->window.stride[2];
    size_t line = (size_t)conv->window.out[2];
    bool has_taps = conv->k >= DIRECT_TAPS;
    bool is_long = false;
    if (conv->k == 0 || conv->is_plain) {
        return conv->k == 0 || conv->out_channels <= 2;
    }
    if (stride == 1) {
        is_long = line >= DIRECT_LINE || (has_taps && line >= DIRECT_LEAST_LINE);
    } else if (stride == 2) {
        is_long = has_taps && line >= DIRECT_STRIDED_LINE;
    }
    return conv->out_channels <= (is_long ? DIRECT_MOST_OUTPUTS : DIRECT_OUTPUTS);
}

static enum onr_conv_way choose_way(const struct onr_conv *conv, const struct onr_kernels *kernels)
{
    if (conv->dtype == ONR_DOUBLE) {
        return ONR_CONV_PLANES;
    }
    if (onr_conv_is_abreast(conv, kernels)) {
        return ONR_CONV_ABREAST;
    }
    if (is_direct(conv)) {
        return ONR_CONV_DIRECT;
    }
    if (conv->is_plain) {
        return conv->outputs == 1 ? ONR_CONV_POINT : ONR_CONV_PRODUCT;
    }
    return ONR_CONV_PANELS;
}

static bool plan_way(struct onr_conv *conv, const struct onr_kernels *kernels,
                     unsigned thread_count)
{
    switch (conv->way) {
    case ONR_CONV_ABREAST:
        onr_conv_plan_abreast(conv, kernels);
        return true;
    case ONR_CONV_DIRECT:
        return onr_conv_plan_direct(conv, kernels, thread_count);
    case ONR_CONV_PANELS:
    case ONR_CONV_PRODUCT:
    case ONR_CONV_IMAGES:
        return onr_conv_plan_images(conv, kernels, thread_count) ||
               onr_conv_plan_product(conv, kernels, thread_count);
    case ONR_CONV_POINT:
        onr_conv_plan_points(conv, kernels);
        return true;
    case ONR_CONV_PLANES:
        break;
    }
    conv->items = conv->out_channels;
    return true;
}

static double macs_of_item(const struct onr_conv *conv)
{
    size_t channels = conv->way == ONR_CONV_ABREAST ? conv->groups : conv->out_channels;
    size_t columns = conv->way == ONR_CONV_IMAGES ? conv->columns : conv->outputs;
    double macs = (double)channels * (double)columns * (double)(conv->k + 1);
    if (conv->way == ONR_CONV_POINT) {
        macs *= (double)(conv->batch > WEIGHT_MACS ? conv->batch : WEIGHT_MACS);
    }
    return macs / (double)conv->items;
}

enum onr_status onr_conv_plan(struct onr_conv *conv, const struct onr_kernels *kernels,
                              unsigned thread_count, size_t *workspace_bytes, struct onr_error *err)
{
    const struct onr_window *w = &conv->window;
    conv->inputs = onr_window_volume(w->in);
    conv->outputs = onr_window_volume(w->out);
    conv->taps = onr_window_volume(w->kernel);
    conv->k = conv->in_channels * conv->taps;
    conv->is_plain = onr_window_is_plain(w);
    conv->way = choose_way(conv, kernels);
    *workspace_bytes = 0;
    if (conv->batch == 0 || conv->out_channels == 0 || conv->outputs == 0) {
        conv->batch = 0;
        return ONR_OK;
    }
    if (!plan_way(conv, kernels, thread_count)) {
        return onr_fail(err, ONR_ERR_LIMIT,
                        "a window of %" PRId64 " x %" PRId64 " x %" PRId64 " takes too much memory",
                        w->kernel[0], w->kernel[1], w->kernel[2]);
    }
    double macs = macs_of_item(conv);
    conv->grain = macs >= SERIAL_MACS ? 1 : (size_t)(SERIAL_MACS / macs) + 1;
    if (is_half(conv)) {
        size_t images = conv->batch * conv->groups;
        size_t filters = conv->groups * conv->out_channels;
        conv->halves = (struct onr_conv_halves){.dtype = conv->dtype,
                                                .x = images * conv->in_channels * conv->inputs,
                                                .w = filters * conv->k,
                                                .b = conv->has_bias ? filters : 0,
                                                .y = images * conv->out_channels * conv->outputs};
    }
    struct onr_workspace space = {0};
    onr_conv_halves_plan(&conv->halves, &space);
    conv->scratch_at = onr_workspace_add(&space, thread_count, conv->worker_bytes);
    return onr_workspace_finish(&space, workspace_bytes, err);
}

void onr_conv_tell(const struct onr_conv *conv, struct onr_told *told)
{
    static const struct onr_told ways[] = {
        [ONR_CONV_PLANES] = {.kernel = ONR_KERNEL_AT(conv.plane_f64), .way = "by planes"},
        [ONR_CONV_ABREAST] = {.kernel = ONR_KERNEL_AT(conv.abreast),
                              .way = "channels side by side"},
        [ONR_CONV_DIRECT] = {.kernel = ONR_KERNEL_AT(conv.direct), .way = "direct"},
        [ONR_CONV_PANELS] = {.kernel = ONR_KERNEL_AT(gemm.f32), .way = "panels made of patches"},
        [ONR_CONV_PRODUCT] = {.kernel = ONR_KERNEL_AT(gemm.f32), .way = "a product of the input"},
        [ONR_CONV_IMAGES] = {.kernel = ONR_KERNEL_AT(gemm.f32), .way = "images side by side"},
        [ONR_CONV_POINT] = {.kernel = ONR_KERNEL_AT(gemm.f32), .way = "a product by the weights"},
    };
    *told = ways[conv->way];
    told->tiles = conv->kernel;
    if (conv->is_by_lines) {
        told->kernel = ONR_KERNEL_AT(conv.lines);
    } else if (conv->is_small) {
        told->kernel = ONR_KERNEL_AT(conv.small);
    }
}

void onr_conv_finish(const struct onr_conv_task *task, size_t first, size_t count)
{
    float *y = (float *)task->data.y + first;
    if (task->data.addend != NULL) {
        const float *addend = task->data.addend + first;
        task->kernels->binary.rows[ONR_BINARY_ADD][ONR_FLOAT](count, y, 1, addend, 1, y);
    }
    onr_activation_apply(&task->conv->activation, count, y);
}

/* One output plane: the bias, then each input plane with its filter. */
static void run_plane(const struct onr_conv_task *task, size_t plane)
{
    const struct onr_conv *conv = task->conv;
    size_t filters = conv->groups * conv->out_channels;
    size_t filter = plane % filters;
    size_t x_plane =
        (plane / filters * conv->groups + filter / conv->out_channels) * conv->in_channels;
    double *y = (double *)task->data.y + plane * conv->outputs;
    for (size_t i = 0; i < conv->outputs; i++) {
        y[i] = task->data.b != NULL ? ((const double *)task->data.b)[filter] : 0.0;
    }
    for (size_t c = 0; c < conv->in_channels; c++) {
        task->kernels->conv.plane_f64(
            &conv->window, (const double *)task->data.x + (x_plane + c) * conv->inputs,
            (const double *)task->data.w + filter * conv->k + c * conv->taps, y);
    }
}

static void run_planes(void *task, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    for (size_t plane = begin; plane < end; plane++) {
        run_plane(task, plane);
    }
}

static void run_task(const struct onr_parallel *parallel, struct onr_conv_task *task)
{
    static const onr_task_fn ways[] = {
        [ONR_CONV_PLANES] = run_planes,
        [ONR_CONV_ABREAST] = onr_conv_run_abreast,
        [ONR_CONV_DIRECT] = onr_conv_run_direct,
        [ONR_CONV_PANELS] = onr_conv_run_products,
        [ONR_CONV_PRODUCT] = onr_conv_run_products,
        [ONR_CONV_IMAGES] = onr_conv_run_images,
        [ONR_CONV_POINT] = onr_conv_run_points,
    };
    const struct onr_conv *conv = task->conv;
    /* points and images side by side have images, and what is abreast groups, in their items */
    bool has_images = conv->way == ONR_CONV_POINT || conv->way == ONR_CONV_IMAGES;
    size_t images = has_images ? 1 : conv->batch;
    size_t groups = conv->way == ONR_CONV_ABREAST ? 1 : conv->groups;
    onr_parallel_for(parallel, images * groups * conv->items, conv->grain, ways[conv->way], task);
}

void onr_conv_run(const struct onr_conv *conv, const struct onr_run_ctx *ctx)
{
    if (conv->batch == 0) {
        return;
    }
    struct onr_conv_task task = {.conv = conv,
                                 .kernels = ctx->kernels,
                                 .data = onr_conv_operands(ctx, conv->has_bias),
                                 .scratch = (char *)ctx->workspace + conv->scratch_at};
    void *y = task.data.y;
    task.data.addend = conv->has_addend ? ctx->inputs[ADDEND]->data : NULL;
    if (!is_half(conv)) {
        run_task(ctx->parallel, &task);
        return;
    }
    onr_conv_widen(&conv->halves, ctx->workspace, &task.data);
    run_task(ctx->parallel, &task);
    onr_float_write(conv->dtype, task.data.y, 0, conv->halves.y, y);
}
