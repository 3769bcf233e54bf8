/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QLinearSoftmax (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * Y = saturate(rint(Softmax((X - x_zero_point) * X_scale) / y_scale) + y_zero_point), halves to even
 *
 * Inputs    X, X_scale, x_zero_point?, y_scale, y_zero_point
 * Shapes    Y as X. opset 13 and more: along `axis` alone; less: X is taken as 2-D
 *           [d0..d(axis-1), d(axis)..], along the second dimension. Scales, zero points: one
 *           element.
 * Types     X, Y: int8 or uint8, the same as of the zero points. Scales: float32.
 * Attrs     opset: int, required. axis: int, default -1, range [-rank, rank-1].
 * Edge      An empty axis gives an empty Y. ONNX Runtime rounds 1 / y_scale down to an integer, and
 *           does not saturate all results that need it.
 * Aliasing  Y may share storage with X.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/quant/byte_scale.h"

#include <math.h>

enum { X, X_SCALE, X_ZERO, Y_SCALE, Y_ZERO };

static enum onr_status softmax_infer(struct onr_infer_ctx *ctx)
{
    int rank = ctx->inputs[X]->shape.rank;
    int axis = 0;
    ONR_TRY(onr_byte_scale_check(ctx, X_SCALE, X_ZERO));
    ONR_TRY(onr_byte_scale_check(ctx, Y_SCALE, Y_ZERO));
    ONR_TRY(onr_check_present(ctx, Y_ZERO));
    if (rank != ONR_RANK_UNKNOWN) {
        ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", -1), rank, &axis, ctx->err));
    }
    return onr_infer_same_shape(ctx);
}

static enum onr_status softmax_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[X]->shape;
    int axis = 0;
    struct onr_axis_view *view = ONR_ARENA_NEW(ctx->arena, struct onr_axis_view);
    if (view == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a softmax");
    }
    ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", -1), x->rank, &axis, ctx->err));
    *view = onr_axis_view(x, axis);
    if (onr_attr_int(ctx->node, "opset", 0) < 13) {
        view->size *= view->inner;
        view->inner = 1;
    }
    ctx->plan = view;
    return ONR_OK;
}

struct softmax_job {
    const struct onr_axis_view *view;
    const struct onr_quant_kernels *kernels;
    const uint8_t *x;
    uint8_t *y;
    uint8_t flip; /* x ^ flip is unsigned and has the order of x */
    float y_scale;
    struct onr_byte_range range;
    double powers[256]; /* e^-(i * X_scale) */
};

static void map_row(const struct softmax_job *job, const uint8_t *x, uint8_t *y)
{
    size_t count = job->view->size;
    size_t step = job->view->inner;
    uint8_t max = 0;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t value = x[i * step] ^ job->flip;
        max = value > max ? value : max;
    }
    for (size_t i = 0; i < count; i++) {
        sum += job->powers[max - (x[i * step] ^ job->flip)];
    }
    float values[ONR_SCALE_CHUNK];
    for (size_t first = 0; first < count; first += ONR_SCALE_CHUNK) {
        size_t rest = count - first;
        size_t length = rest < ONR_SCALE_CHUNK ? rest : ONR_SCALE_CHUNK;
        for (size_t i = 0; i < length; i++) {
            uint8_t value = x[(first + i) * step] ^ job->flip;
            values[i] = (float)(job->powers[max - value] / sum) / job->y_scale;
        }
        onr_bytes_from_floats(job->kernels, length, values, &job->range, y + first * step, step);
    }
}

static void map_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct softmax_job *job = arg;
    const struct onr_axis_view *view = job->view;
    (void)worker;
    for (size_t row = begin; row < end; row++) {
        size_t at = row / view->inner * view->size * view->inner + row % view->inner;
        map_row(job, job->x + at, job->y + at);
    }
}

static enum onr_status softmax_run(struct onr_run_ctx *ctx)
{
    enum onr_dtype dtype = ctx->inputs[X]->dtype;
    struct onr_byte_scale x = onr_byte_scale_read(ctx, dtype, X_SCALE, X_ZERO);
    struct onr_byte_scale y = onr_byte_scale_read(ctx, dtype, Y_SCALE, Y_ZERO);
    struct softmax_job job = {.view = ctx->plan,
                              .kernels = &ctx->kernels->quant,
                              .x = ctx->inputs[X]->data,
                              .y = ctx->outputs[0]->data,
                              .flip = dtype == ONR_INT8 ? 0x80 : 0,
                              .y_scale = y.scale,
                              .range = onr_byte_range(dtype, ctx->inputs[Y_ZERO]->data, 0)};
    if (onr_tensor_count(ctx->inputs[X]) == 0) {
        return ONR_OK;
    }
    for (int i = 0; i < 256; i++) {
        job.powers[i] = exp(-(double)x.scale * i);
    }
    onr_parallel_for(ctx->parallel, job.view->outer * job.view->inner,
                     onr_grain(3 * job.view->size), map_rows, &job);
    return ONR_OK;
}

#define BYTES ONR_BYTE_DTYPES
#define SCALE ONR_BIT(FLOAT)

static const struct onr_attr_spec softmax_attrs[] = {
    {"axis", ONR_ATTR_INT, false}, {"opset", ONR_ATTR_INT, true}, {NULL, 0, false}};
static const struct onr_param_spec softmax_inputs[] = {{BYTES, 1}, {SCALE, 0}, {BYTES, 1},
                                                       {SCALE, 0}, {BYTES, 1}, {0, 0}};
static const struct onr_param_spec softmax_outputs[] = {{BYTES, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_qlinear_softmax[];
const struct onr_op_def onr_ops_qlinear_softmax[] = {
    {.domain = "com.microsoft",
     .name = "QLinearSoftmax",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {2, 5},
     .outputs = {1, 1},
     .attrs = softmax_attrs,
     .input_specs = softmax_inputs,
     .output_specs = softmax_outputs,
     .traits = ONR_TRAIT_INPLACE,
     .infer = softmax_infer,
     .plan = softmax_plan,
     .run = softmax_run,
     .kernel = ONR_KERNEL_AT(quant.quantize_f32)},
    {.name = NULL},
};
