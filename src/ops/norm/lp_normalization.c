/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LpNormalization (ai.onnx), all versions.
 * https://onnx.ai/onnx/operators/onnx__LpNormalization.html
 *
 * y = x / n, n = sum |x| (p = 1) or sqrt(sum x^2) (p = 2) along axis
 *
 * Shapes    y as x.
 * Types     float32, float16, bfloat16 (computed in float32, sums in float64), float64.
 * Attrs     axis: int, default -1, range [-rank, rank-1]. p: int, 1 or 2, default 2.
 * Edge      Where n is 0, y is 0.
 * Aliasing  y may share storage with x.
 */
#include "kernels/kernels.h"
#include "ops/common/row_map.h"

#include <inttypes.h>
#include <math.h>

static enum onr_status lp_norm_infer(struct onr_infer_ctx *ctx)
{
    int rank = ctx->inputs[0]->shape.rank;
    int axis = 0;
    int64_t p = onr_attr_int(ctx->node, "p", 2);
    if (p != 1 && p != 2) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "p is %" PRId64 ", expected 1 or 2", p);
    }
    if (rank != ONR_RANK_UNKNOWN) {
        ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", -1), rank, &axis, ctx->err));
    }
    return onr_infer_same_shape(ctx);
}

struct lp_norm_plan {
    struct onr_row_map map;
    int64_t p;
};

static enum onr_status lp_norm_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_fact *x = ctx->inputs[0];
    int axis = 0;
    ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", -1), x->shape.rank, &axis, ctx->err));
    struct lp_norm_plan *plan = ONR_ARENA_NEW(ctx->arena, struct lp_norm_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a normalization");
    }
    plan->p = onr_attr_int(ctx->node, "p", 2);
    ctx->plan = plan;
    return onr_row_map_plan(&plan->map, x->dtype, onr_axis_view(&x->shape, axis), ctx);
}

/* Rows divided by their norm, or zeros. */
#define DEFINE_ROW(name, real, term, finish)                                                       \
    static void name(size_t count, const real *x, real *y)                                         \
    {                                                                                              \
        double sum = 0;                                                                            \
        for (size_t i = 0; i < count; i++) {                                                       \
            double v = (double)x[i];                                                               \
            sum += (term);                                                                         \
        }                                                                                          \
        double norm = finish(sum);                                                                 \
        for (size_t i = 0; i < count; i++) {                                                       \
            y[i] = norm == 0.0 ? 0 : (real)((double)x[i] / norm);                                  \
        }                                                                                          \
    }
#define AS_IT_IS(sum) (sum)

DEFINE_ROW(l1_row_f32, float, fabs(v), AS_IT_IS)
DEFINE_ROW(l1_row_f64, double, fabs(v), AS_IT_IS)
DEFINE_ROW(l2_row_f32, float, v *v, sqrt)
DEFINE_ROW(l2_row_f64, double, v *v, sqrt)

static enum onr_status lp_norm_run(struct onr_run_ctx *ctx)
{
    const struct lp_norm_plan *plan = ctx->plan;
    if (plan->p == 1) {
        onr_row_map_run(&plan->map, l1_row_f32, l1_row_f64, ctx);
    } else {
        onr_row_map_run(&plan->map, l2_row_f32, l2_row_f64, ctx);
    }
    return ONR_OK;
}

static const struct onr_attr_spec lp_norm_attrs[] = {
    {"axis", ONR_ATTR_INT, false}, {"p", ONR_ATTR_INT, false}, {NULL, 0, false}};
static const struct onr_param_spec lp_norm_params[] = {{ONR_DTYPES_FLOAT, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_lp_normalization[];
const struct onr_op_def onr_ops_lp_normalization[] = {
    {.domain = "",
     .name = "LpNormalization",
     .since_version = 1,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = lp_norm_attrs,
     .input_specs = lp_norm_params,
     .output_specs = lp_norm_params,
     .traits = ONR_TRAIT_INPLACE,
     .infer = lp_norm_infer,
     .plan = lp_norm_plan,
     .run = lp_norm_run},
    {.name = NULL},
};
