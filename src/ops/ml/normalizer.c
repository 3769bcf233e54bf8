/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Normalizer (ai.onnx.ml), version 1.
 *                                   https://onnx.ai/onnx/operators/onnx_aionnxml_Normalizer.html
 *
 * MAX  y = x / max(x)     L1  y = x / sum |x|     L2  y = x / sqrt(sum x^2)      of each row
 *
 * Shapes    [N, C] or [C] -> the same.
 * Types     x: float32, float64, int32, int64; y: float32. Computed in float64.
 * Attrs     norm: "MAX" (default), "L1", "L2".
 * Edge      Divisor 0: y = x. The largest number of a row keeps its sign, as in ONNX Runtime.
 * Aliasing  none.
 */
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/ml/ml.h"

#include <math.h>

enum norm { NORM_MAX, NORM_L1, NORM_L2 };

struct plan {
    size_t norm;
    size_t rows, features;
    size_t worker_bytes; /* of the scratch: a row */
};

struct job {
    const struct plan *plan;
    const struct onr_kernels *kernels;
    const struct onr_tensor *x;
    const struct onr_tensor *y;
    char *workspace;
};

static enum onr_status read_norm(const struct onr_node *node, size_t *norm, struct onr_error *err)
{
    static const char *const names[] = {
        [NORM_MAX] = "MAX", [NORM_L1] = "L1", [NORM_L2] = "L2", NULL};
    return onr_check_attr_choice(node, "norm", names, norm, err);
}

static enum onr_status normalizer_infer(struct onr_infer_ctx *ctx)
{
    size_t norm = 0;
    int64_t rows = 0;
    int64_t features = 0;
    ONR_TRY(read_norm(ctx->node, &norm, ctx->err));
    ONR_TRY(onr_ml_rows(ctx, &rows, &features));
    return onr_infer_same_shape(ctx);
}

static enum onr_status normalizer_plan(struct onr_plan_ctx *ctx)
{
    struct plan *plan = ONR_ARENA_NEW(ctx->arena, struct plan);
    struct onr_workspace worker = {.used = 0};
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of Normalizer");
    }
    ctx->plan = plan;
    ONR_TRY(read_norm(ctx->node, &plan->norm, ctx->err));
    onr_ml_known_rows(&ctx->inputs[0]->shape, &plan->rows, &plan->features);
    onr_workspace_add(&worker, plan->features, sizeof(double));
    return onr_ml_plan_workers(ctx, &worker, &plan->worker_bytes);
}

static double divisor(size_t norm, size_t count, const double *x)
{
    double largest = -HUGE_VAL;
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        largest = x[i] > largest ? x[i] : largest;
        sum += norm == NORM_L1 ? fabs(x[i]) : x[i] * x[i];
    }
    double result = norm == NORM_MAX ? largest : norm == NORM_L1 ? sum : sqrt(sum);
    return result == 0 ? 1 : result;
}

static void normalize_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct job *job = arg;
    const struct plan *plan = job->plan;
    double *buffer = (double *)(void *)(job->workspace + worker * plan->worker_bytes);
    for (size_t row = begin; row < end; row++) {
        size_t first = row * plan->features;
        const double *x = onr_ml_read(job->kernels, job->x, first, plan->features, buffer);
        double by = divisor(plan->norm, plan->features, x);
        float *y = (float *)job->y->data + first;
        for (size_t i = 0; i < plan->features; i++) {
            y[i] = (float)(x[i] / by);
        }
    }
}

static enum onr_status normalizer_run(struct onr_run_ctx *ctx)
{
    const struct plan *plan = ctx->plan;
    struct job job = {plan, ctx->kernels, ctx->inputs[0], ctx->outputs[0], ctx->workspace};
    if (plan->features > 0) {
        onr_parallel_for(ctx->parallel, plan->rows, onr_grain(4 * plan->features), normalize_range,
                         &job);
    }
    return ONR_OK;
}

static const struct onr_attr_spec attrs[] = {{"norm", ONR_ATTR_STRING, false}, {0}};

extern const struct onr_op_def onr_ops_normalizer[];
const struct onr_op_def onr_ops_normalizer[] = {
    {.domain = "ai.onnx.ml",
     .name = "Normalizer",
     .since_version = 1,
     .last_version = ONR_ML_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = onr_ml_x_specs,
     .output_specs = onr_ml_score_specs,
     .infer = normalizer_infer,
     .plan = normalizer_plan,
     .run = normalizer_run},
    {.name = NULL},
};
