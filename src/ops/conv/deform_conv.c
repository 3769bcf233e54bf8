/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DeformConv (ai.onnx), versions 19-21, 22+. https://onnx.ai/onnx/operators/onnx__DeformConv.html
 *
 * Y[n, m, o] = B[m] + sum over c, t of W[m, c, t] * mask[n, h, t, o] * X[n, g * C/group + c] at the
 * place o * stride - pad + t * dilation + offset[n, h, t, :, o], g = the group of m, h = the offset
 * group of the channel. Places between elements are interpolated linearly; beyond the edge X is 0.
 *
 * Shapes    X: [N, C, spatial...], W: [M, C/group, kernel...], offset: [N, offset_group * taps *
 *           rank, out...], B: [M] or absent, mask: [N, offset_group * taps, out...] or absent -> Y:
 *           [N, M, out...]; 1 to 3 spatial dimensions (rank), taps = product of the kernel.
 * Types     float16, bfloat16 (22+), float32, float64. The half types are computed in float32, places
 *           in float64.
 * Attrs     kernel_shape: ints, default the extents of W. strides, dilations: ints, default 1. pads:
 *           ints [begin..., end...], default 0. group, offset_group: int, default 1.
 * Edge      A place that is NaN is outside. C = 0 or an empty plane -> B.
 * Aliasing  none.
 */
#include "ops/conv/deform_conv.h"

#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/conv/conv_run.h"
#include "ops/image/real_io.h"

/* Columns that a worker gathers before it multiplies them: as many elements, and at least points. */
#define COLUMN_ELEMENTS ((size_t)256 * 1024)
#define LEAST_POINTS    ((size_t)32)

static enum onr_status deform_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[ONR_DEFORM_X]->shape;
    const struct onr_shape *w = &ctx->inputs[ONR_DEFORM_W]->shape;
    int64_t group = 0;
    int64_t offset_group = 0;
    int64_t part = 0;
    struct onr_spatial spatial;
    ONR_TRY(onr_check_attr_int(ctx, "group", 1, 1, INT32_MAX, &group));
    ONR_TRY(onr_check_attr_int(ctx, "offset_group", 1, 1, INT32_MAX, &offset_group));
    if (x->rank == ONR_RANK_UNKNOWN || w->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (x->rank < 3) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "X has rank %d, expected at least 3", x->rank);
    }
    struct onr_shape want = {.rank = x->rank, .dim = {ONR_DIM_UNKNOWN}};
    ONR_TRY(onr_divide_dim(ctx, "channels of X in groups", x->dim[1], group, &want.dim[1]));
    ONR_TRY(onr_divide_dim(ctx, "channels of X in offset groups", x->dim[1], offset_group, &part));
    for (int d = 2; d < x->rank; d++) {
        want.dim[d] = ONR_DIM_UNKNOWN;
    }
    ONR_TRY(onr_check_dims(ctx, ONR_DEFORM_W, "W", want.rank, want.dim));
    ONR_TRY(onr_divide_dim(ctx, "rows of W in groups", w->dim[0], group, &part));
    ONR_TRY(onr_check_dims(ctx, ONR_DEFORM_B, "B", 1, &w->dim[0]));
    ONR_TRY(onr_spatial_read(ctx->node, x->rank - 2, w->dim + 2, &spatial, ctx->err));
    int64_t taps = offset_group;
    want.dim[0] = x->dim[0];
    for (int d = 0; d < spatial.rank; d++) {
        ONR_TRY(onr_spatial_output(&spatial, d, x->dim[2 + d], &want.dim[2 + d], ctx->err));
        taps = onr_dim_mul(taps, spatial.kernel[d]);
    }
    want.dim[1] = taps;
    ONR_TRY(onr_check_dims(ctx, ONR_DEFORM_MASK, "mask", want.rank, want.dim));
    want.dim[1] = onr_dim_mul(taps, spatial.rank);
    ONR_TRY(onr_check_dims(ctx, ONR_DEFORM_OFFSET, "offset", want.rank, want.dim));
    want.dim[1] = w->dim[0];
    ctx->outputs[0].shape = want;
    return ONR_OK;
}

static void choose_points(struct onr_deform *deform, unsigned thread_count)
{
    size_t depth = deform->channels * deform->taps;
    size_t fit = depth > 0 ? COLUMN_ELEMENTS / depth : COLUMN_ELEMENTS;
    size_t share = deform->batch * deform->outputs / thread_count;
    size_t points = fit < share ? fit : share;
    points = points > LEAST_POINTS ? points : LEAST_POINTS;
    deform->points = points < deform->sampler.block ? points : deform->sampler.block;
    deform->blocks = (deform->outputs + deform->points - 1) / deform->points;
}

static enum onr_status plan_worker(struct onr_deform *deform, struct onr_plan_ctx *ctx)
{
    const struct onr_kernels *kernels = ctx->state;
    struct onr_workspace worker = {.used = 0};
    struct onr_workspace space = {.used = 0};
    size_t bytes = onr_dtype_size(deform->real);
    size_t depth = deform->channels * deform->taps;
    ONR_TRY(onr_sampler_plan(&deform->sampler, &worker, ctx->err));
    choose_points(deform, ctx->thread_count);
    size_t rank = (size_t)deform->spatial.rank;
    deform->base_at = onr_workspace_add(&worker, rank * deform->points, sizeof(double));
    deform->factor_at = onr_workspace_add(&worker, deform->points, sizeof(double));
    deform->columns_at = onr_workspace_add(&worker, depth, deform->points * bytes);
    if (onr_deform_is_half(deform)) {
        deform->tile_at = onr_workspace_add(&worker, deform->out_channels, deform->points * bytes);
    }
    ctx->told.kernel = ONR_KERNEL_AT(contract.f64);
    if (deform->real == ONR_FLOAT) {
        ctx->told.kernel = ONR_KERNEL_AT(gemm.f32);
        deform->kernel = onr_gemm_f32_choose(&kernels->gemm, deform->points);
        struct onr_gemm_f32_job job = onr_deform_product(deform, deform->points);
        deform->gemm_at = onr_workspace_add(&worker, onr_gemm_f32_workspace(&job), 1);
    }
    ONR_TRY(onr_workspace_finish(&worker, &deform->worker_bytes, ctx->err));
    if (onr_deform_is_half(deform)) {
        size_t count = (size_t)onr_shape_count(&ctx->inputs[ONR_DEFORM_X]->shape);
        deform->x_at = onr_workspace_add(&space, count, bytes);
        deform->bias_at = onr_workspace_add(&space, deform->groups * deform->out_channels, bytes);
    }
    deform->worker_at = onr_workspace_add(&space, deform->worker_bytes, ctx->thread_count);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

static enum onr_status deform_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[ONR_DEFORM_X]->shape;
    const struct onr_shape *w = &ctx->inputs[ONR_DEFORM_W]->shape;
    const struct onr_shape *y = &ctx->outputs[0].shape;
    struct onr_deform *deform = ONR_ARENA_NEW(ctx->arena, struct onr_deform);
    if (deform == NULL) {
        return onr_fail_memory(ctx->err, "plan of DeformConv");
    }
    ctx->plan = deform;
    ONR_TRY(onr_spatial_read(ctx->node, x->rank - 2, w->dim + 2, &deform->spatial, ctx->err));
    deform->dtype = ctx->inputs[ONR_DEFORM_X]->dtype;
    deform->real = onr_real_of(deform->dtype);
    deform->batch = (size_t)x->dim[0];
    deform->channels = (size_t)x->dim[1];
    deform->groups = (size_t)onr_attr_int(ctx->node, "group", 1);
    deform->offset_groups = (size_t)onr_attr_int(ctx->node, "offset_group", 1);
    deform->out_channels = (size_t)w->dim[0] / deform->groups;
    deform->taps = (size_t)onr_shape_range(w, 2, w->rank);
    deform->k = (size_t)w->dim[1] * deform->taps;
    deform->inputs = (size_t)onr_shape_range(x, 2, x->rank);
    deform->outputs = (size_t)onr_shape_range(y, 2, y->rank);
    deform->sampler = (struct onr_sampler){.mode = ONR_SAMPLER_LINEAR,
                                           .padding = ONR_SAMPLER_ZEROS,
                                           .is_aligned = true,
                                           .real = deform->real,
                                           .lanes = 1,
                                           .rank = deform->spatial.rank};
    for (int d = 0; d < deform->spatial.rank; d++) {
        deform->sampler.extent[d] = x->dim[2 + d];
        deform->out[d] = y->dim[2 + d];
    }
    int64_t count = onr_shape_count(y);
    ctx->flops = 2 * (uint64_t)count * deform->k;
    return count == 0 ? ONR_OK : plan_worker(deform, ctx);
}

static const struct onr_param_spec specs_19[] = {
    {ONR_BIT(FLOAT16) | ONR_BIT(FLOAT) | ONR_BIT(DOUBLE), 1}, {0}};
static const struct onr_param_spec specs_22[] = {{ONR_DTYPES_FLOAT, 1}, {0}};

static const struct onr_attr_spec attrs[] = {{"dilations", ONR_ATTR_INTS, false},
                                             {"group", ONR_ATTR_INT, false},
                                             {"kernel_shape", ONR_ATTR_INTS, false},
                                             {"offset_group", ONR_ATTR_INT, false},
                                             {"pads", ONR_ATTR_INTS, false},
                                             {"strides", ONR_ATTR_INTS, false},
                                             {.name = NULL}};

#define ROW(since, last, specs)                                                                    \
    {                                                                                              \
        .domain = "", .name = "DeformConv", .since_version = (since), .last_version = (last),      \
        .inputs = {3, 5}, .outputs = {1, 1}, .attrs = attrs, .input_specs = (specs),               \
        .output_specs = (specs), .infer = deform_infer, .prepare = onr_conv_prepare,               \
        .plan = deform_plan, .run = onr_deform_run                                                 \
    }

extern const struct onr_op_def onr_ops_deform_conv[];
const struct onr_op_def onr_ops_deform_conv[] = {
    ROW(19, 21, specs_19),
    ROW(22, ONR_OPSET_LATEST, specs_22),
    {.name = NULL},
};
