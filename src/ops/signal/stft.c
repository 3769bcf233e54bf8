/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STFT (ai.onnx), version 17. https://onnx.ai/onnx/operators/onnx__STFT.html
 *
 * y[b, f, k] = sum_n window[n] x[b, f frame_step + n] e^(-2 pi i k n / N),   N = frame_length
 *
 * Shapes    signal: [B, L, 1] real, [B, L, 2] complex, or [B, L] real (as PyTorch writes it);
 *           frame_step, frame_length: scalars; window: [N] -> [B, F, N, 2], where F = 1 + (L - N) /
 *           frame_step; onesided: [B, F, N / 2 + 1, 2].
 * Types     float16, bfloat16, float32, float64; computed in double.
 * Attrs     onesided: int, default 1; complex signals need 0.
 * Inputs    frame_length: default the window's length, or L without a window. window: default ones.
 * Edge      Signals shorter than a frame, and a window of another length, are refused.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/common/axes.h"
#include "ops/common/contents.h"
#include "ops/common/float_io.h"
#include "ops/common/scalar.h"
#include "ops/signal/fft.h"

#include <inttypes.h>
#include <string.h>

struct stft_plan {
    struct onr_fft fft;
    size_t length; /* L */
    size_t step;
    size_t batch;
    size_t frames;
    size_t bins;
    size_t parts; /* of a number of the signal */
    size_t window_bytes;
    size_t worker_bytes;
};

/* Frame length and step as far as they are known, else -1. */
struct stft_dims {
    int64_t length;
    int64_t frame;
    int64_t step;
};

static enum onr_status check_window(struct onr_infer_ctx *ctx, struct stft_dims *dims)
{
    if (!onr_infer_has_input(ctx, 2) || ctx->inputs[2]->shape.rank < 0) {
        return ONR_OK;
    }
    const struct onr_shape *window = &ctx->inputs[2]->shape;
    ONR_TRY(onr_check_rank(ctx, 2, 1));
    if (window->dim[0] >= 0 && dims->frame >= 0 && window->dim[0] != dims->frame) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "window has %" PRId64 " points, expected frame_length = %" PRId64,
                              window->dim[0], dims->frame);
    }
    if (dims->frame < 0 && !onr_infer_has_input(ctx, 3)) {
        dims->frame = window->dim[0];
    }
    return ONR_OK;
}

static enum onr_status find_dims(struct onr_infer_ctx *ctx, struct stft_dims *dims)
{
    bool is_known = false;
    ONR_TRY(onr_infer_scalar(ctx, 1, "frame_step", 1, &dims->step, &is_known));
    if (dims->step < 1) {
        return onr_infer_fail(ctx, ONR_ERR_VALUE, "frame_step is %" PRId64 ", expected at least 1",
                              dims->step);
    }
    dims->step = is_known ? dims->step : -1;
    ONR_TRY(onr_infer_scalar(ctx, 3, "frame_length", -1, &dims->frame, &is_known));
    if (onr_infer_has_input(ctx, 3) && is_known && dims->frame < 1) {
        return onr_infer_fail(ctx, ONR_ERR_VALUE,
                              "frame_length is %" PRId64 ", expected at least 1", dims->frame);
    }
    ONR_TRY(check_window(ctx, dims));
    if (dims->frame < 0 && !onr_infer_has_input(ctx, 2) && !onr_infer_has_input(ctx, 3)) {
        dims->frame = dims->length;
    }
    if (dims->frame >= 0 && dims->length >= 0 && (dims->frame < 1 || dims->frame > dims->length)) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "a frame has %" PRId64 " points, expected 1 to the signal's %" PRId64,
                              dims->frame, dims->length);
    }
    return ONR_OK;
}

static enum onr_status check_signal(struct onr_infer_ctx *ctx, bool is_onesided)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    char text[ONR_SHAPE_TEXT_BYTES];
    if (x->rank != 2 && (x->rank != 3 || x->dim[2] == 0 || x->dim[2] > 2)) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "signal has shape %s, expected [batch, length, 1 or 2]",
                              onr_shape_text(x, text));
    }
    if (is_onesided && x->rank == 3 && x->dim[2] == 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "signal is complex, expected a real one with onesided = 1");
    }
    return ONR_OK;
}

static enum onr_status stft_infer(struct onr_infer_ctx *ctx)
{
    bool is_onesided = onr_attr_int(ctx->node, "onesided", 1) != 0;
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_shape *y = &ctx->outputs[0].shape;
    struct stft_dims dims = {.length = ONR_DIM_UNKNOWN};
    onr_infer_unknown_dims(ctx, 4);
    y->dim[3] = 2;
    if (x->rank >= 0) {
        ONR_TRY(check_signal(ctx, is_onesided));
        y->dim[0] = x->dim[0];
        dims.length = x->dim[1];
    }
    ONR_TRY(find_dims(ctx, &dims));
    if (dims.frame >= 0) {
        y->dim[2] = is_onesided ? dims.frame / 2 + 1 : dims.frame;
        if (dims.length >= 0 && dims.step >= 0) {
            y->dim[1] = (dims.length - dims.frame) / dims.step + 1;
        }
    }
    return ONR_OK;
}

static enum onr_status stft_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *y = &ctx->outputs[0].shape;
    struct stft_plan *plan = ONR_ARENA_NEW(ctx->arena, struct stft_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of STFT");
    }
    bool has_window = ctx->node->input_count > 2 && ctx->inputs[2] != NULL;
    int64_t length = has_window ? ctx->inputs[2]->shape.dim[0] : x->dim[1];
    size_t n = (size_t)onr_plan_scalar(ctx, 3, length);
    plan->length = (size_t)x->dim[1];
    plan->step = (size_t)onr_plan_scalar(ctx, 1, 1);
    plan->batch = (size_t)y->dim[0];
    plan->frames = (size_t)y->dim[1];
    plan->bins = (size_t)y->dim[2];
    plan->parts = x->rank == 3 ? (size_t)x->dim[2] : 1;
    ONR_TRY(onr_fft_plan(&plan->fft, n, ctx->arena, ctx->err));
    plan->window_bytes = onr_size_align(n * sizeof(double), ONR_MEM_ALIGN);
    plan->worker_bytes =
        onr_size_align((2 * n + onr_fft_scratch(&plan->fft)) * sizeof(double), ONR_MEM_ALIGN);
    ctx->workspace_bytes = plan->window_bytes + plan->worker_bytes * ctx->thread_count;
    ctx->plan = plan;
    return ONR_OK;
}

struct stft_task {
    const struct stft_plan *plan;
    const struct onr_tensor *x;
    const struct onr_tensor *y;
    const double *window;
    char *scratch; /* of all workers */
};

static void stft_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct stft_task *task = arg;
    const struct stft_plan *plan = task->plan;
    size_t n = plan->fft.n;
    double *re = (double *)(void *)(task->scratch + worker * plan->worker_bytes);
    double *im = re + n;
    for (size_t i = begin; i < end; i++) {
        size_t first = i / plan->frames * plan->length + i % plan->frames * plan->step;
        memset(im, 0, n * sizeof *im);
        onr_double_gather(task->x->dtype, task->x->data, first * plan->parts, plan->parts, n, re);
        if (plan->parts == 2) {
            onr_double_gather(task->x->dtype, task->x->data, first * 2 + 1, 2, n, im);
        }
        for (size_t j = 0; j < n; j++) {
            re[j] *= task->window[j];
            im[j] *= task->window[j];
        }
        onr_fft_run(&plan->fft, re, im, im + n);
        size_t out = i * plan->bins * 2;
        onr_double_scatter(task->y->dtype, re, out, 2, plan->bins, task->y->data);
        onr_double_scatter(task->y->dtype, im, out + 1, 2, plan->bins, task->y->data);
    }
}

static enum onr_status stft_run(struct onr_run_ctx *ctx)
{
    const struct stft_plan *plan = ctx->plan;
    double *window = ctx->workspace;
    const struct onr_tensor *given = ctx->input_count > 2 ? ctx->inputs[2] : NULL;
    for (size_t i = 0; given == NULL && i < plan->fft.n; i++) {
        window[i] = 1.0;
    }
    if (given != NULL) {
        onr_double_gather(given->dtype, given->data, 0, 1, plan->fft.n, window);
    }
    struct stft_task task = {.plan = plan,
                             .x = ctx->inputs[0],
                             .y = ctx->outputs[0],
                             .window = window,
                             .scratch = (char *)ctx->workspace + plan->window_bytes};
    onr_parallel_for(ctx->parallel, plan->batch * plan->frames, onr_grain(32 * plan->fft.n),
                     stft_range, &task);
    return ONR_OK;
}

static const struct onr_attr_spec stft_attrs[] = {{"onesided", ONR_ATTR_INT, false},
                                                  {.name = NULL}};
static const struct onr_param_spec stft_inputs[] = {{ONR_DTYPES_FLOAT, 1},
                                                    {ONR_DTYPES_INDEX, 0},
                                                    {ONR_DTYPES_FLOAT, 1},
                                                    {ONR_DTYPES_INDEX, 0},
                                                    {0}};
static const struct onr_param_spec stft_outputs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};

extern const struct onr_op_def onr_ops_stft[];
const struct onr_op_def onr_ops_stft[] = {
    {.domain = "",
     .name = "STFT",
     .since_version = 17,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 4},
     .outputs = {1, 1},
     .attrs = stft_attrs,
     .input_specs = stft_inputs,
     .output_specs = stft_outputs,
     .infer = stft_infer,
     .plan = stft_plan,
     .run = stft_run},
    {.name = NULL},
};
