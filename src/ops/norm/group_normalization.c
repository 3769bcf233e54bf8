/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GroupNormalization (ai.onnx), versions 18-20 and 21+.
 * https://onnx.ai/onnx/operators/onnx__GroupNormalization.html
 * InstanceNormalization (ai.onnx), all versions: groups of one channel.
 * https://onnx.ai/onnx/operators/onnx__InstanceNormalization.html
 *
 * y = (x - mean) / sqrt(variance + epsilon) * scale + bias, mean and variance over the channels of
 * a group and all spatial dims
 *
 * Shapes    x, y: [N,C,d1..]. scale, bias: [C], or [num_groups] in GroupNormalization 18-20.
 * Types     float32, float16, bfloat16 (computed in float32 and rounded once at the end), float64.
 * Attrs     epsilon: float, default 1e-5. num_groups: int, required, divides C. stash_type:
 *           accepted, the sums keep their precision. consumed_inputs (InstanceNormalization 1):
 *           ignored.
 * Edge      Variance is taken in two passes.
 * Aliasing  y may share storage with x.
 */
#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/float_io.h"

#include <inttypes.h>

struct group_norm_plan {
    enum onr_dtype dtype;
    double epsilon;
    size_t rows; /* N times groups */
    size_t groups;
    size_t group_channels; /* channels of a group */
    size_t inner;          /* elements of a channel */
    bool is_per_group;     /* scale and bias are given per group, not per channel */
    size_t worker_bytes;
};

static bool is_instance(const struct onr_node *node)
{
    return node->op_type[0] == 'I';
}

static enum onr_status check_param(struct onr_infer_ctx *ctx, uint32_t index, const char *name,
                                   int64_t wanted)
{
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    if (shape->rank < 0) {
        return ONR_OK;
    }
    if (shape->rank != 1 || (wanted >= 0 && shape->dim[0] >= 0 && shape->dim[0] != wanted)) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%s has shape %s, expected %" PRId64, name,
                              onr_shape_text(shape, text), wanted);
    }
    return ONR_OK;
}

static enum onr_status group_norm_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    ONR_TRY(onr_infer_same_shape(ctx));
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (x->rank < 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input has rank %d, expected at least 2",
                              x->rank);
    }
    int64_t channels = x->dim[1];
    int64_t groups = onr_attr_int(ctx->node, "num_groups", 1);
    bool is_per_group = !is_instance(ctx->node) && ctx->node->version < 21;
    if (groups < 1 || (channels >= 0 && channels % groups != 0)) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "num_groups %" PRId64 " does not divide %" PRId64 " channels", groups,
                              channels);
    }
    ONR_TRY(check_param(ctx, 1, "scale", is_per_group ? groups : channels));
    return check_param(ctx, 2, "bias", is_per_group ? groups : channels);
}

static enum onr_status group_norm_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_fact *x = ctx->inputs[0];
    size_t channels = (size_t)x->shape.dim[1];
    struct group_norm_plan *plan = ONR_ARENA_NEW(ctx->arena, struct group_norm_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a normalization");
    }
    ctx->plan = plan;
    plan->dtype = x->dtype;
    plan->epsilon = (double)onr_attr_float(ctx->node, "epsilon", 1e-5f);
    plan->groups =
        is_instance(ctx->node) ? channels : (size_t)onr_attr_int(ctx->node, "num_groups", 1);
    plan->rows = (size_t)x->shape.dim[0] * plan->groups;
    plan->group_channels = plan->groups > 0 ? channels / plan->groups : 0;
    plan->inner = (size_t)onr_shape_range(&x->shape, 2, x->shape.rank);
    plan->is_per_group = !is_instance(ctx->node) && ctx->node->version < 21;
    if (x->dtype == ONR_FLOAT16 || x->dtype == ONR_BFLOAT16) {
        plan->worker_bytes =
            onr_size_align(plan->group_channels * plan->inner * sizeof(float), ONR_MEM_ALIGN);
        if (!onr_size_mul(plan->worker_bytes, ctx->thread_count, &ctx->workspace_bytes)) {
            return onr_fail(ctx->err, ONR_ERR_LIMIT, "groups are too large");
        }
    }
    return ONR_OK;
}

struct group_norm_job {
    const struct group_norm_plan *plan;
    const struct onr_norm_kernels *kernels;
    const void *x;
    const void *scale;
    const void *bias;
    void *y;
    char *workspace;
};

/* Scale and bias of channel c of a group. */
static void read_affine(const struct group_norm_job *job, size_t group, size_t c, double affine[2])
{
    const struct group_norm_plan *plan = job->plan;
    size_t at = plan->is_per_group ? group : group * plan->group_channels + c;
    onr_double_gather(plan->dtype, job->scale, at, 1, 1, &affine[0]);
    onr_double_gather(plan->dtype, job->bias, at, 1, 1, &affine[1]);
}

static void norm_group_f32(const struct group_norm_job *job, size_t row, float *scratch)
{
    const struct group_norm_plan *plan = job->plan;
    size_t count = plan->group_channels * plan->inner;
    const float *x = onr_float_read(plan->dtype, job->x, row * count, count, scratch);
    float *y = onr_float_place(plan->dtype, job->y, row * count, scratch);
    struct onr_norm_stats stats = job->kernels->stats_f32(count, x, plan->epsilon);
    for (size_t c = 0; c < plan->group_channels; c++) {
        double affine[2];
        read_affine(job, row % plan->groups, c, affine);
        job->kernels->affine_f32(plan->inner, x + c * plan->inner, (float)stats.mean,
                                 (float)(stats.inverse_std * affine[0]), (float)affine[1],
                                 y + c * plan->inner);
    }
    onr_float_write(plan->dtype, y, row * count, count, job->y);
}

static void norm_group_f64(const struct group_norm_job *job, size_t row)
{
    const struct group_norm_plan *plan = job->plan;
    size_t count = plan->group_channels * plan->inner;
    const double *x = (const double *)job->x + row * count;
    double *y = (double *)job->y + row * count;
    struct onr_norm_stats stats = job->kernels->stats_f64(count, x, plan->epsilon);
    for (size_t c = 0; c < plan->group_channels; c++) {
        double affine[2];
        read_affine(job, row % plan->groups, c, affine);
        job->kernels->affine_f64(plan->inner, x + c * plan->inner, stats.mean,
                                 stats.inverse_std * affine[0], affine[1], y + c * plan->inner);
    }
}

static void norm_groups(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct group_norm_job *job = arg;
    float *scratch = NULL;
    if (job->plan->worker_bytes > 0) {
        scratch = (void *)(job->workspace + worker * job->plan->worker_bytes);
    }
    for (size_t row = begin; row < end; row++) {
        if (job->plan->dtype == ONR_DOUBLE) {
            norm_group_f64(job, row);
        } else {
            norm_group_f32(job, row, scratch);
        }
    }
}

static enum onr_status group_norm_run(struct onr_run_ctx *ctx)
{
    const struct group_norm_plan *plan = ctx->plan;
    struct group_norm_job job = {
        .plan = plan,
        .kernels = &ctx->kernels->norm,
        .x = ctx->inputs[0]->data,
        .scale = ctx->inputs[1]->data,
        .bias = ctx->inputs[2]->data,
        .y = ctx->outputs[0]->data,
        .workspace = ctx->workspace,
    };
    size_t count = plan->group_channels * plan->inner;
    if (count > 0) {
        onr_parallel_for(ctx->parallel, plan->rows, onr_grain(count * 4), norm_groups, &job);
    }
    return ONR_OK;
}

static const struct onr_attr_spec group_norm_attrs[] = {
    {"epsilon", ONR_ATTR_FLOAT, false},
    {"num_groups", ONR_ATTR_INT, true},
    {"stash_type", ONR_ATTR_INT, false},
    {NULL, 0, false},
};
static const struct onr_attr_spec instance_norm_attrs[] = {
    {"epsilon", ONR_ATTR_FLOAT, false},
    {"consumed_inputs", ONR_ATTR_INTS, false},
    {NULL, 0, false},
};
static const struct onr_param_spec group_norm_params[] = {{ONR_DTYPES_FLOAT, 1}, {0, 0}};

#define GROUP_NORM_ROW(op, since, last, attributes)                                                \
    {                                                                                              \
        .domain = "", .name = (op), .since_version = (since), .last_version = (last),              \
        .inputs = {3, 3}, .outputs = {1, 1}, .attrs = (attributes),                                \
        .input_specs = group_norm_params, .output_specs = group_norm_params,                       \
        .traits = ONR_TRAIT_INPLACE, .infer = group_norm_infer, .plan = group_norm_plan,           \
        .run = group_norm_run,                                                                     \
    }

extern const struct onr_op_def onr_ops_group_normalization[];
const struct onr_op_def onr_ops_group_normalization[] = {
    GROUP_NORM_ROW("GroupNormalization", 18, 20, group_norm_attrs),
    GROUP_NORM_ROW("GroupNormalization", 21, ONR_OPSET_LATEST, group_norm_attrs),
    GROUP_NORM_ROW("InstanceNormalization", 1, ONR_OPSET_LATEST, instance_norm_attrs),
    {.name = NULL},
};
