/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Softmax, LogSoftmax, Hardmax (ai.onnx), versions 1-12 and 13+.
 * https://onnx.ai/onnx/operators/onnx__Softmax.html
 *
 * Softmax     y[i] = e^(x[i] - m) / sum_k e^(x[k] - m),  m = max_k x[k]
 * LogSoftmax  y[i] = x[i] - m - ln sum_k e^(x[k] - m)
 * Hardmax     y[i] = 1 for the first i with x[i] = m, else 0
 *
 * Shapes    y as x. 13+: along `axis` alone. 1-12: x is taken as 2-D [d0..d(axis-1), d(axis)..],
 *           along the second dimension.
 * Types     float32, float16, bfloat16 (computed in float32), float64.
 * Attrs     axis: int, default -1 (13+) or 1 (1-12), range [-rank, rank-1].
 * Edge      An empty axis gives an empty y. A row of all -inf, or with NaN or +inf, gives NaN as
 *           the formula does; Hardmax takes the first NaN for the maximum.
 * Aliasing  y may share storage with x.
 */
#include "graph/op_def.h"
#include "kernels/kernels.h"
#include "ops/common/row_map.h"

static int64_t default_axis(const struct onr_node *node)
{
    return node->version >= 13 ? -1 : 1;
}

static enum onr_status softmax_infer(struct onr_infer_ctx *ctx)
{
    int rank = ctx->inputs[0]->shape.rank;
    int axis = 0;
    if (rank != ONR_RANK_UNKNOWN) {
        int64_t given = onr_attr_int(ctx->node, "axis", default_axis(ctx->node));
        ONR_TRY(onr_axis_check(given, rank, &axis, ctx->err));
    }
    return onr_infer_same_shape(ctx);
}

static enum onr_status softmax_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_fact *x = ctx->inputs[0];
    int axis = 0;
    ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", default_axis(ctx->node)), x->shape.rank,
                           &axis, ctx->err));
    struct onr_axis_view view = onr_axis_view(&x->shape, axis);
    if (ctx->node->version < 13) {
        view.size *= view.inner;
        view.inner = 1;
    }
    struct onr_row_map *map = ONR_ARENA_NEW(ctx->arena, struct onr_row_map);
    if (map == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a softmax");
    }
    ctx->plan = map;
    return onr_row_map_plan(map, x->dtype, view, ctx);
}

static enum onr_status softmax_run(struct onr_run_ctx *ctx)
{
    const struct onr_softmax_kernels *kernels = &ctx->kernels->softmax;
    onr_row_map_run(ctx->plan, kernels->softmax_f32, kernels->softmax_f64, ctx);
    return ONR_OK;
}

static enum onr_status log_softmax_run(struct onr_run_ctx *ctx)
{
    const struct onr_softmax_kernels *kernels = &ctx->kernels->softmax;
    onr_row_map_run(ctx->plan, kernels->log_softmax_f32, kernels->log_softmax_f64, ctx);
    return ONR_OK;
}

static void hardmax_row_f32(size_t count, const float *x, float *y)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        if (x[i] > x[best] || (x[i] != x[i] && x[best] == x[best])) {
            best = i;
        }
    }
    for (size_t i = 0; i < count; i++) {
        y[i] = i == best ? 1.0f : 0.0f;
    }
}

static void hardmax_row_f64(size_t count, const double *x, double *y)
{
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        if (x[i] > x[best] || (x[i] != x[i] && x[best] == x[best])) {
            best = i;
        }
    }
    for (size_t i = 0; i < count; i++) {
        y[i] = i == best ? 1.0 : 0.0;
    }
}

static enum onr_status hardmax_run(struct onr_run_ctx *ctx)
{
    onr_row_map_run(ctx->plan, hardmax_row_f32, hardmax_row_f64, ctx);
    return ONR_OK;
}

static const struct onr_attr_spec softmax_attrs[] = {{"axis", ONR_ATTR_INT, false},
                                                     {NULL, 0, false}};
static const struct onr_param_spec softmax_params[] = {{ONR_DTYPES_FLOAT, 1}, {0, 0}};

#define SOFTMAX_ROW(op, since, last, run_function, told)                                           \
    {                                                                                              \
        .domain = "", .name = (op), .since_version = (since), .last_version = (last),              \
        .inputs = {1, 1}, .outputs = {1, 1}, .attrs = softmax_attrs,                               \
        .input_specs = softmax_params, .output_specs = softmax_params,                             \
        .traits = ONR_TRAIT_INPLACE, .infer = softmax_infer, .plan = softmax_plan,                 \
        .run = (run_function), .kernel = (told),                                                   \
    }

extern const struct onr_op_def onr_ops_softmax[];
const struct onr_op_def onr_ops_softmax[] = {
    SOFTMAX_ROW("Softmax", 1, 12, softmax_run, ONR_KERNEL_AT(softmax.softmax_f32)),
    SOFTMAX_ROW("Softmax", 13, ONR_OPSET_LATEST, softmax_run, ONR_KERNEL_AT(softmax.softmax_f32)),
    SOFTMAX_ROW("LogSoftmax", 1, 12, log_softmax_run, ONR_KERNEL_AT(softmax.log_softmax_f32)),
    SOFTMAX_ROW("LogSoftmax", 13, ONR_OPSET_LATEST, log_softmax_run,
                ONR_KERNEL_AT(softmax.log_softmax_f32)),
    SOFTMAX_ROW("Hardmax", 1, 12, hardmax_run, 0),
    SOFTMAX_ROW("Hardmax", 13, ONR_OPSET_LATEST, hardmax_run, 0),
    {.name = NULL},
};
