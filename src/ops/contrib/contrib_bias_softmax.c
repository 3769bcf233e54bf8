/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BiasSoftmax (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * output = softmax(data + bias), over all dimensions from axis on together
 *
 * Shapes    data, output: any of rank 1 or more. bias: broadcast to data, with the dimensions of data
 *           from axis on; before them it is repeated along the last ones (is_inner_broadcast: [B,1,1,S]
 *           to [B,H,S,S]) or along the first ones ([1,1,S,S], or [S,S]).
 * Types     float32, float16, bfloat16 (computed in float32 and rounded once), float64.
 * Attrs     axis: int, default 1, range [-rank, rank-1]. is_inner_broadcast: int, required.
 * Edge      As Softmax.
 * Aliasing  output may share storage with data, and with bias when nothing of it is repeated.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/float_io.h"
#include "ops/common/workspace.h"

static bool is_inner(const struct onr_node *node)
{
    return onr_attr_int(node, "is_inner_broadcast", 0) != 0;
}

/* Dimension d of data in bias, 1 where bias has fewer. */
static int64_t bias_dim(const struct onr_shape *data, const struct onr_shape *bias, int d)
{
    int own = d - (data->rank - bias->rank);
    return own < 0 ? 1 : bias->dim[own];
}

/* True when bias has the dimensions of data from axis on, and is repeated as told before them. */
static bool bias_fits(const struct onr_shape *data, const struct onr_shape *bias, int axis,
                      bool repeats_last)
{
    bool has_changed = false; /* from what comes first to what comes last */
    if (bias->rank > data->rank) {
        return false;
    }
    for (int d = 0; d < data->rank; d++) {
        int64_t a = data->dim[d];
        int64_t b = bias_dim(data, bias, d);
        if (a < 0 || b < 0 || (a == 1 && b == 1)) {
            continue;
        }
        if (a != b && (d >= axis || b != 1)) {
            return false;
        }
        bool is_last_kind = (a != b) == repeats_last;
        if (d < axis && has_changed && !is_last_kind) {
            return false;
        }
        has_changed = has_changed || is_last_kind;
    }
    return true;
}

static enum onr_status bias_softmax_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *data = &ctx->inputs[0]->shape;
    const struct onr_shape *bias = &ctx->inputs[1]->shape;
    int axis = 0;
    ONR_TRY(onr_infer_same_shape(ctx));
    if (data->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", 1), data->rank, &axis, ctx->err));
    if (bias->rank != ONR_RANK_UNKNOWN && !bias_fits(data, bias, axis, is_inner(ctx->node))) {
        char given[ONR_SHAPE_TEXT_BYTES];
        char wanted[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(
            ctx, ONR_ERR_SHAPE,
            "bias of shape %s cannot be repeated along the %s dimensions of %s before axis %d",
            onr_shape_text(bias, given), is_inner(ctx->node) ? "last" : "first",
            onr_shape_text(data, wanted), axis);
    }
    return ONR_OK;
}

struct bias_softmax_plan {
    enum onr_dtype dtype;
    size_t rows;
    size_t count;   /* elements of a row */
    size_t repeats; /* row r has row r / repeats % cycle of bias */
    size_t cycle;
    size_t worker_bytes;
};

static enum onr_status bias_softmax_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *data = &ctx->inputs[0]->shape;
    int axis = 0;
    struct onr_workspace worker = {0};
    struct onr_workspace space = {0};
    struct bias_softmax_plan *plan = ONR_ARENA_NEW(ctx->arena, struct bias_softmax_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a softmax");
    }
    ctx->plan = plan;
    ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", 1), data->rank, &axis, ctx->err));
    plan->dtype = ctx->inputs[0]->dtype;
    plan->rows = (size_t)onr_shape_range(data, 0, axis);
    plan->count = (size_t)onr_shape_range(data, axis, data->rank);
    if (plan->rows == 0 || plan->count == 0) {
        return ONR_OK;
    }
    plan->cycle = (size_t)onr_shape_count(&ctx->inputs[1]->shape) / plan->count;
    plan->repeats = is_inner(ctx->node) ? plan->rows / plan->cycle : 1;
    if (plan->dtype != ONR_DOUBLE) {
        (void)onr_workspace_add(&worker, plan->count, 2 * sizeof(float));
    }
    ONR_TRY(onr_workspace_finish(&worker, &plan->worker_bytes, ctx->err));
    (void)onr_workspace_add(&space, ctx->thread_count, plan->worker_bytes);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

struct bias_softmax_job {
    const struct bias_softmax_plan *plan;
    const struct onr_softmax_kernels *kernels;
    const void *x;
    const void *bias;
    void *y;
    char *workspace;
};

static void softmax_row_f32(const struct bias_softmax_job *job, size_t row, size_t bias_row,
                            float *scratch)
{
    enum onr_dtype dtype = job->plan->dtype;
    size_t count = job->plan->count;
    const float *x = onr_float_read(dtype, job->x, row * count, count, scratch);
    const float *bias = onr_float_read(dtype, job->bias, bias_row * count, count, scratch + count);
    float *y = onr_float_place(dtype, job->y, row * count, scratch);
    for (size_t i = 0; i < count; i++) {
        y[i] = x[i] + bias[i];
    }
    job->kernels->softmax_f32(count, y, y);
    onr_float_write(dtype, y, row * count, count, job->y);
}

static void softmax_row_f64(const struct bias_softmax_job *job, size_t row, size_t bias_row)
{
    size_t count = job->plan->count;
    const double *x = (const double *)job->x + row * count;
    const double *bias = (const double *)job->bias + bias_row * count;
    double *y = (double *)job->y + row * count;
    for (size_t i = 0; i < count; i++) {
        y[i] = x[i] + bias[i];
    }
    job->kernels->softmax_f64(count, y, y);
}

static void softmax_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct bias_softmax_job *job = arg;
    const struct bias_softmax_plan *plan = job->plan;
    float *scratch = (void *)(job->workspace + worker * plan->worker_bytes);
    for (size_t row = begin; row < end; row++) {
        size_t bias_row = row / plan->repeats % plan->cycle;
        if (plan->dtype == ONR_DOUBLE) {
            softmax_row_f64(job, row, bias_row);
        } else {
            softmax_row_f32(job, row, bias_row, scratch);
        }
    }
}

static enum onr_status bias_softmax_run(struct onr_run_ctx *ctx)
{
    const struct bias_softmax_plan *plan = ctx->plan;
    struct bias_softmax_job job = {plan,
                                   &ctx->kernels->softmax,
                                   ctx->inputs[0]->data,
                                   ctx->inputs[1]->data,
                                   ctx->outputs[0]->data,
                                   ctx->workspace};
    if (plan->count > 0) {
        onr_parallel_for(ctx->parallel, plan->rows, onr_grain(plan->count * 8), softmax_rows, &job);
    }
    return ONR_OK;
}

static const struct onr_attr_spec attrs[] = {
    {"axis", ONR_ATTR_INT, false}, {"is_inner_broadcast", ONR_ATTR_INT, true}, {.name = NULL}};
static const struct onr_param_spec specs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};

extern const struct onr_op_def onr_ops_contrib_bias_softmax[];
const struct onr_op_def onr_ops_contrib_bias_softmax[] = {
    {.domain = "com.microsoft",
     .name = "BiasSoftmax",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = specs,
     .output_specs = specs,
     .infer = bias_softmax_infer,
     .plan = bias_softmax_plan,
     .run = bias_softmax_run},
    {.name = NULL},
};
