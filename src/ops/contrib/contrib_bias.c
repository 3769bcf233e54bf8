/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BiasAdd, BiasSplitGelu (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * BiasAdd        Y = X + bias + skip
 * BiasSplitGelu  Y = left gelu(right), the two halves of a row of X + bias; gelu(v) is
 *                v/2 (1 + erf(v / sqrt 2))
 *
 * Shapes    X: [N,S,D]; bias: [D]. BiasAdd: skip and Y as X. BiasSplitGelu: Y [N,S,D/2], D even.
 * Types     float32, float16, bfloat16 (computed in float32 and rounded once).
 * Attrs     none.
 * Aliasing  BiasAdd: Y may share storage with X or skip.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/float_io.h"
#include "ops/common/workspace.h"

/* Rows of scratch of a worker. */
enum { ROW_X, ROW_BIAS, ROW_SKIP, ROW_Y, SCRATCH_ROWS };

struct bias_plan {
    enum onr_dtype dtype;
    size_t rows;
    size_t width; /* of X */
    size_t worker_bytes;
};

static enum onr_status bias_check(const struct onr_infer_ctx *ctx)
{
    const int64_t any[3] = {ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN};
    ONR_TRY(onr_check_dims(ctx, 0, "X", 3, any));
    const int64_t dims[3] = {onr_known_dim(ctx, 0, 0), onr_known_dim(ctx, 0, 1),
                             onr_known_dim(ctx, 0, 2)};
    ONR_TRY(onr_check_dims(ctx, 1, "bias", 1, &dims[2]));
    return onr_check_dims(ctx, 2, "skip", 3, dims);
}

static enum onr_status bias_add_infer(struct onr_infer_ctx *ctx)
{
    ONR_TRY(bias_check(ctx));
    return onr_infer_same_shape(ctx);
}

static enum onr_status bias_split_infer(struct onr_infer_ctx *ctx)
{
    int64_t half;
    ONR_TRY(bias_check(ctx));
    ONR_TRY(onr_divide_dim(ctx, "last dimension of X", onr_known_dim(ctx, 0, 2), 2, &half));
    ctx->outputs[0].shape = ctx->inputs[0]->shape;
    ctx->outputs[0].shape.dim[2] = half;
    return ONR_OK;
}

static enum onr_status bias_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_workspace worker = {0};
    struct onr_workspace space = {0};
    struct bias_plan *plan = ONR_ARENA_NEW(ctx->arena, struct bias_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of a bias");
    }
    *plan = (struct bias_plan){.dtype = ctx->inputs[0]->dtype,
                               .rows = (size_t)onr_shape_range(x, 0, 2),
                               .width = (size_t)x->dim[2]};
    ctx->plan = plan;
    (void)onr_workspace_add(&worker, plan->width, SCRATCH_ROWS * sizeof(float));
    ONR_TRY(onr_workspace_finish(&worker, &plan->worker_bytes, ctx->err));
    (void)onr_workspace_add(&space, ctx->thread_count, plan->worker_bytes);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

struct bias_job {
    const struct bias_plan *plan;
    const void *x;
    const void *bias;
    const void *skip;
    void *y;
    onr_unary_fn gelu; /* of float */
    char *workspace;
};

static void bias_add_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct bias_job *job = arg;
    enum onr_dtype dtype = job->plan->dtype;
    size_t width = job->plan->width;
    float *scratch = (void *)(job->workspace + worker * job->plan->worker_bytes);
    const float *bias = onr_float_read(dtype, job->bias, 0, width, scratch + ROW_BIAS * width);
    for (size_t row = begin; row < end; row++) {
        size_t at = row * width;
        const float *x = onr_float_read(dtype, job->x, at, width, scratch + ROW_X * width);
        const float *skip = onr_float_read(dtype, job->skip, at, width, scratch + ROW_SKIP * width);
        float *y = onr_float_place(dtype, job->y, at, scratch + ROW_Y * width);
        for (size_t i = 0; i < width; i++) {
            y[i] = x[i] + bias[i] + skip[i];
        }
        onr_float_write(dtype, y, at, width, job->y);
    }
}

static void bias_split_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct bias_job *job = arg;
    enum onr_dtype dtype = job->plan->dtype;
    size_t width = job->plan->width;
    size_t half = width / 2;
    float *scratch = (void *)(job->workspace + worker * job->plan->worker_bytes);
    float *sum = scratch + ROW_SKIP * width;
    const float *bias = onr_float_read(dtype, job->bias, 0, width, scratch + ROW_BIAS * width);
    for (size_t row = begin; row < end; row++) {
        const float *x = onr_float_read(dtype, job->x, row * width, width, scratch + ROW_X * width);
        float *y = onr_float_place(dtype, job->y, row * half, scratch + ROW_Y * width);
        for (size_t i = 0; i < width; i++) {
            sum[i] = x[i] + bias[i];
        }
        job->gelu(half, sum + half, y, (struct onr_unary_args){0});
        for (size_t i = 0; i < half; i++) {
            y[i] *= sum[i];
        }
        onr_float_write(dtype, y, row * half, half, job->y);
    }
}

static enum onr_status run_rows(struct onr_run_ctx *ctx, onr_task_fn task, size_t work)
{
    const struct bias_plan *plan = ctx->plan;
    struct bias_job job = {
        .plan = plan,
        .x = ctx->inputs[0]->data,
        .bias = ctx->inputs[1]->data,
        .skip = ctx->input_count > 2 ? ctx->inputs[2]->data : NULL,
        .y = ctx->outputs[0]->data,
        .gelu = ctx->kernels->unary.rows[ONR_UNARY_GELU][ONR_FLOAT],
        .workspace = ctx->workspace,
    };
    if (plan->width > 0) {
        onr_parallel_for(ctx->parallel, plan->rows, onr_grain(plan->width * work), task, &job);
    }
    return ONR_OK;
}

static enum onr_status bias_add_run(struct onr_run_ctx *ctx)
{
    return run_rows(ctx, bias_add_rows, 1);
}

static enum onr_status bias_split_run(struct onr_run_ctx *ctx)
{
    return run_rows(ctx, bias_split_rows, 8);
}

static const struct onr_param_spec specs[] = {{ONR_BIT(FLOAT) | ONR_DTYPES_HALF, 1}, {0}};

extern const struct onr_op_def onr_ops_contrib_bias[];
const struct onr_op_def onr_ops_contrib_bias[] = {
    {.domain = "com.microsoft",
     .name = "BiasAdd",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {3, 3},
     .outputs = {1, 1},
     .input_specs = specs,
     .output_specs = specs,
     .infer = bias_add_infer,
     .plan = bias_plan,
     .run = bias_add_run},
    {.domain = "com.microsoft",
     .name = "BiasSplitGelu",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .input_specs = specs,
     .output_specs = specs,
     .infer = bias_split_infer,
     .plan = bias_plan,
     .run = bias_split_run,
     .kernel = ONR_KERNEL_AT(unary.rows[ONR_UNARY_GELU][ONR_FLOAT])},
    {.name = NULL},
};
