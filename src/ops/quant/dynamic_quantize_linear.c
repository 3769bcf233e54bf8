/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DynamicQuantizeLinear (ai.onnx), version 11+.
 * https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html
 *
 * y_scale = (max(x, 0) - min(x, 0)) / 255,  y_zero_point = saturate(rint(-min / y_scale)),
 * y = saturate(rint(x / y_scale) + y_zero_point)
 *
 * Shapes    y as x. y_scale, y_zero_point: scalars.
 * Types     x, y_scale: float32. y, y_zero_point: uint8.
 * Edge      If x is empty or all 0, y_scale is 1 as in ONNX Runtime (the formula would divide by
 *           0).
 * Aliasing  none.
 */
#include "ops/quant/dynamic_quantize_linear.h"

#include "kernels/kernels.h"
#include "ops/common/axes.h"

static enum onr_status dynamic_infer(struct onr_infer_ctx *ctx)
{
    for (uint32_t i = 1; i < ctx->node->output_count; i++) {
        ctx->outputs[i].shape.rank = 0;
    }
    return onr_infer_same_shape(ctx);
}

struct dynamic_job {
    const struct onr_quant_kernels *kernels;
    const struct onr_dynamic_scale *scale;
    const float *x;
    uint8_t *y;
};

static void quantize_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct dynamic_job *job = arg;
    float chunk[256];
    (void)worker;
    for (size_t first = begin; first < end; first += 256) {
        size_t count = end - first < 256 ? end - first : 256;
        job->kernels->quantize_f32(count, job->x + first, &job->scale->scale, &job->scale->zero, 0,
                                   0, 255, chunk);
        for (size_t i = 0; i < count; i++) {
            job->y[first + i] = (uint8_t)chunk[i];
        }
    }
}

struct onr_dynamic_scale onr_dynamic_scale(size_t count, const float *x,
                                           const struct onr_run_ctx *ctx)
{
    double min = 0;
    double max = 0;
    if (count > 0) {
        ctx->kernels->reduce.row[ONR_REDUCE_F32][ONR_REDUCE_MIN](count, x, &min);
        ctx->kernels->reduce.row[ONR_REDUCE_F32][ONR_REDUCE_MAX](count, x, &max);
    }
    struct onr_dynamic_scale scale = {.zero = 0};
    float range = (float)max - (float)min;
    float least = -(float)min;
    scale.scale = range == 0.0f ? 1.0f : range / 255.0f;
    ctx->kernels->quant.quantize_f32(1, &least, &scale.scale, &(float){0}, 0, 0, 255, &scale.zero);
    return scale;
}

void onr_dynamic_quantize(const struct onr_dynamic_scale *scale, size_t count, const float *x,
                          uint8_t *y, const struct onr_run_ctx *ctx)
{
    struct dynamic_job job = {.kernels = &ctx->kernels->quant, .scale = scale, .x = x, .y = y};
    onr_parallel_for(ctx->parallel, count, onr_grain(1), quantize_range, &job);
}

static enum onr_status dynamic_run(struct onr_run_ctx *ctx)
{
    size_t count = (size_t)onr_tensor_count(ctx->inputs[0]);
    const float *x = ctx->inputs[0]->data;
    struct onr_dynamic_scale scale = onr_dynamic_scale(count, x, ctx);
    onr_dynamic_quantize(&scale, count, x, ctx->outputs[0]->data, ctx);
    *(float *)ctx->outputs[1]->data = scale.scale;
    *(uint8_t *)ctx->outputs[2]->data = (uint8_t)scale.zero;
    return ONR_OK;
}

static const struct onr_param_spec dynamic_inputs[] = {{ONR_BIT(FLOAT), 0}, {0, 0}};
static const struct onr_param_spec dynamic_outputs[] = {
    {ONR_BIT(UINT8), 0}, {ONR_BIT(FLOAT), 0}, {ONR_BIT(UINT8), 0}, {0, 0}};

extern const struct onr_op_def onr_ops_dynamic_quantize_linear[];
const struct onr_op_def onr_ops_dynamic_quantize_linear[] = {
    {.domain = "",
     .name = "DynamicQuantizeLinear",
     .since_version = 11,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {3, 3},
     .input_specs = dynamic_inputs,
     .output_specs = dynamic_outputs,
     .infer = dynamic_infer,
     .run = dynamic_run,
     .kernel = ONR_KERNEL_AT(quant.quantize_f32)},
    {.name = NULL},
};
