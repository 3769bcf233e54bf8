/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GatedRMSNorm (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * Y = X / sqrt(mean(X^2) + epsilon) * scale * f(gate), mean over each C elements of the last
 * dimension
 *
 * Shapes    X, gate, Y: [..., H*C] of the same shape. scale: [C].
 * Types     float32, float16, bfloat16 (computed in float32 and rounded once).
 * Attrs     activation: silu (default) or swish: f(v) = v sigmoid(v); sigmoid. epsilon: float,
 *           default 1e-5.
 * Aliasing  Y may share storage with X or gate.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/float_io.h"
#include "ops/common/workspace.h"

#include <inttypes.h>

static const char *const activations[] = {"silu", "swish", "sigmoid", NULL};

static enum onr_status gated_norm_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const int64_t any = ONR_DIM_UNKNOWN;
    size_t activation;
    ONR_TRY(onr_check_attr_choice(ctx->node, "activation", activations, &activation, ctx->err));
    ONR_TRY(onr_check_dims(ctx, 1, "scale", 1, &any));
    ONR_TRY(onr_infer_same_shape(ctx));
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (x->rank == 0) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "X is a scalar, expected rank 1 or more");
    }
    int64_t last = x->dim[x->rank - 1];
    int64_t width = onr_known_dim(ctx, 1, 0);
    if (width == 0 || (width > 0 && last >= 0 && last % width != 0)) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "scale has %" PRId64 " elements, expected a divisor of the last "
                              "dimension of X, %" PRId64,
                              width, last);
    }
    return onr_check_dims(ctx, 2, "gate", x->rank, x->dim);
}

/* Rows of scratch of a worker. */
enum { ROW_X, ROW_SCALE, ROW_GATE, ROW_Y, SCRATCH_ROWS };

struct gated_norm_plan {
    enum onr_dtype dtype;
    size_t width; /* C */
    double epsilon;
    enum onr_unary_op activation;
    size_t worker_bytes;
};

static enum onr_status gated_norm_plan(struct onr_plan_ctx *ctx)
{
    struct onr_workspace worker = {0};
    struct onr_workspace space = {0};
    size_t activation;
    struct gated_norm_plan *plan = ONR_ARENA_NEW(ctx->arena, struct gated_norm_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a normalization");
    }
    ctx->plan = plan;
    ONR_TRY(onr_check_attr_choice(ctx->node, "activation", activations, &activation, ctx->err));
    plan->dtype = ctx->inputs[0]->dtype;
    plan->width = (size_t)ctx->inputs[1]->shape.dim[0];
    plan->epsilon = (double)onr_attr_float(ctx->node, "epsilon", 1e-5f);
    plan->activation = activation == 2 ? ONR_UNARY_SIGMOID : ONR_UNARY_SWISH;
    (void)onr_workspace_add(&worker, plan->width, SCRATCH_ROWS * sizeof(float));
    ONR_TRY(onr_workspace_finish(&worker, &plan->worker_bytes, ctx->err));
    (void)onr_workspace_add(&space, ctx->thread_count, plan->worker_bytes);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

struct gated_norm_job {
    const struct gated_norm_plan *plan;
    const struct onr_kernels *kernels;
    const void *x;
    const void *scale;
    const void *gate;
    void *y;
    char *workspace;
};

static void gated_norm_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct gated_norm_job *job = arg;
    const struct gated_norm_plan *plan = job->plan;
    size_t width = plan->width;
    const struct onr_unary_args args = {.a = 1};
    onr_unary_fn activate = job->kernels->unary.rows[plan->activation][ONR_FLOAT];
    float *scratch = (void *)(job->workspace + worker * plan->worker_bytes);
    float *factor = scratch + ROW_GATE * width;
    const float *scale =
        onr_float_read(plan->dtype, job->scale, 0, width, scratch + ROW_SCALE * width);
    for (size_t row = begin; row < end; row++) {
        struct onr_norm_stats stats;
        size_t at = row * width;
        const float *x = onr_float_read(plan->dtype, job->x, at, width, scratch + ROW_X * width);
        float *y = onr_float_place(plan->dtype, job->y, at, scratch + ROW_Y * width);
        const float *gate = onr_float_read(plan->dtype, job->gate, at, width, factor);
        activate(width, gate, factor, args); /* before y, which may be gate, is written */
        job->kernels->norm.rms_f32(1, width, x, scale, NULL, plan->epsilon, y, &stats);
        for (size_t i = 0; i < width; i++) {
            y[i] *= factor[i];
        }
        onr_float_write(plan->dtype, y, at, width, job->y);
    }
}

static enum onr_status gated_norm_run(struct onr_run_ctx *ctx)
{
    const struct gated_norm_plan *plan = ctx->plan;
    struct gated_norm_job job = {.plan = plan,
                                 .kernels = ctx->kernels,
                                 .x = ctx->inputs[0]->data,
                                 .scale = ctx->inputs[1]->data,
                                 .gate = ctx->inputs[2]->data,
                                 .y = ctx->outputs[0]->data,
                                 .workspace = ctx->workspace};
    onr_parallel_for(ctx->parallel, (size_t)onr_tensor_count(ctx->inputs[0]) / plan->width,
                     onr_grain(plan->width * 12), gated_norm_rows, &job);
    return ONR_OK;
}

static const struct onr_attr_spec attrs[] = {
    {"activation", ONR_ATTR_STRING, false}, {"epsilon", ONR_ATTR_FLOAT, false}, {.name = NULL}};
static const struct onr_param_spec specs[] = {{ONR_BIT(FLOAT) | ONR_DTYPES_HALF, 1}, {0}};

extern const struct onr_op_def onr_ops_contrib_gated_rms_norm[];
const struct onr_op_def onr_ops_contrib_gated_rms_norm[] = {
    {.domain = "com.microsoft",
     .name = "GatedRMSNorm",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {3, 3},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = specs,
     .output_specs = specs,
     .infer = gated_norm_infer,
     .plan = gated_norm_plan,
     .run = gated_norm_run,
     .kernel = ONR_KERNEL_AT(norm.rms_f32)},
    {.name = NULL},
};
