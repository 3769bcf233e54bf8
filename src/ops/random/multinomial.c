/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multinomial (ai.onnx), all versions.         https://onnx.ai/onnx/operators/onnx__Multinomial.html
 *
 * y[n,s] = c with probability exp(x[n,c]) / sum over k of exp(x[n,k]), drawn anew for each sample s.
 *
 * Shapes    x: [N,C] -> y: [N,sample_size].
 * Types     x: floats. y: int32, int64.
 * Attrs     dtype: of y, default int32. sample_size: default 1. seed: float; see ops/random/draw.h.
 * Edge      a class whose x is infinite or NaN is never drawn; a row of such classes alone is refused.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/common/float_io.h"
#include "ops/common/scalar.h"
#include "ops/common/workspace.h"
#include "ops/random/draw.h"

#include <inttypes.h>
#include <math.h>

struct multinomial_plan {
    struct onr_draw_seed seed;
    size_t rows;
    size_t classes;
    size_t samples;
};

static enum onr_status multinomial_infer(struct onr_infer_ctx *ctx)
{
    struct onr_fact *y = &ctx->outputs[0];
    int64_t samples = 0;
    ONR_TRY(onr_infer_dtype_attr(ctx, "dtype", ONR_INT32, ONR_DTYPES_INDEX, &y->dtype));
    ONR_TRY(onr_check_attr_int(ctx, "sample_size", 1, 0, INT64_MAX, &samples));
    ONR_TRY(onr_check_rank(ctx, 0, 2));
    int64_t classes = onr_known_dim(ctx, 0, 1);
    if (classes == 0 || (classes > INT32_MAX && y->dtype == ONR_INT32)) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input has %" PRId64 " classes, expected 1 to %s",
                              classes,
                              y->dtype == ONR_INT32 ? "2147483647" : "9223372036854775807");
    }
    y->shape = (struct onr_shape){.rank = 2, .dim = {onr_known_dim(ctx, 0, 0), samples}};
    return ONR_OK;
}

static enum onr_status multinomial_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct multinomial_plan *plan = ONR_ARENA_NEW(ctx->arena, struct multinomial_plan);
    struct onr_workspace space = {0};
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of Multinomial");
    }
    *plan = (struct multinomial_plan){.seed = onr_draw_seed(ctx->node),
                                      .rows = (size_t)x->dim[0],
                                      .classes = (size_t)x->dim[1],
                                      .samples = (size_t)ctx->outputs[0].shape.dim[1]};
    (void)onr_workspace_add(&space, (size_t)onr_shape_range(x, 0, 2), sizeof(double));
    ctx->plan = plan;
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

struct multinomial_task {
    const struct multinomial_plan *plan;
    const struct onr_tensor *x;
    const struct onr_tensor *y;
    double *sums; /* [rows][classes] of exp(x - the row's largest), up to this class */
    struct onr_draws draws;
};

static void sum_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct multinomial_task *task = arg;
    size_t classes = task->plan->classes;
    (void)worker;
    for (size_t row = begin; row < end; row++) {
        double *sums = task->sums + row * classes;
        double most = -HUGE_VAL;
        double sum = 0;
        onr_double_gather(task->x->dtype, task->x->data, row * classes, 1, classes, sums);
        for (size_t c = 0; c < classes; c++) {
            most = isfinite(sums[c]) && sums[c] > most ? sums[c] : most;
        }
        for (size_t c = 0; c < classes; c++) {
            sum += isfinite(sums[c]) ? exp(sums[c] - most) : 0.0;
            sums[c] = sum;
        }
    }
}

/* The first class whose sum is above target, which is below the last sum. */
static size_t find_class(const double *sums, size_t count, double target)
{
    size_t low = 0;
    size_t high = count - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sums[middle] > target) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static void draw_samples(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct multinomial_task *task = arg;
    size_t classes = task->plan->classes;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        const double *sums = task->sums + i / task->plan->samples * classes;
        double number = 0;
        onr_draw_uniform(&task->draws, i, 1, &number);
        size_t class = find_class(sums, classes, number * sums[classes - 1]);
        if (task->y->dtype == ONR_INT32) {
            ((int32_t *)task->y->data)[i] = (int32_t) class;
        } else {
            ((int64_t *)task->y->data)[i] = (int64_t) class;
        }
    }
}

static enum onr_status multinomial_run(struct onr_run_ctx *ctx)
{
    const struct multinomial_plan *plan = ctx->plan;
    struct multinomial_task task = {.plan = plan,
                                    .x = ctx->inputs[0],
                                    .y = ctx->outputs[0],
                                    .sums = ctx->workspace,
                                    .draws = onr_draws_of(&plan->seed, &ctx->random)};
    onr_parallel_for(ctx->parallel, plan->rows, onr_grain(16 * plan->classes), sum_rows, &task);
    for (size_t row = 0; row < plan->rows; row++) {
        if (!(task.sums[(row + 1) * plan->classes - 1] > 0)) {
            return onr_fail(ctx->err, ONR_ERR_VALUE, "row %zu has no finite log-probability", row);
        }
    }
    onr_parallel_for(ctx->parallel, (size_t)onr_tensor_count(task.y), onr_grain(64), draw_samples,
                     &task);
    return ONR_OK;
}

static const struct onr_attr_spec multinomial_attrs[] = {{"dtype", ONR_ATTR_INT, false},
                                                         {"sample_size", ONR_ATTR_INT, false},
                                                         {"seed", ONR_ATTR_FLOAT, false},
                                                         {.name = NULL}};
static const struct onr_param_spec multinomial_inputs[] = {{ONR_DTYPES_FLOAT, 0}, {0}};
static const struct onr_param_spec multinomial_outputs[] = {{ONR_DTYPES_INDEX, 0}, {0}};

extern const struct onr_op_def onr_ops_multinomial[];
const struct onr_op_def onr_ops_multinomial[] = {
    {.domain = "",
     .name = "Multinomial",
     .since_version = 7,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = multinomial_attrs,
     .input_specs = multinomial_inputs,
     .output_specs = multinomial_outputs,
     .traits = ONR_TRAIT_IMPURE,
     .infer = multinomial_infer,
     .plan = multinomial_plan,
     .run = multinomial_run},
    {.name = NULL},
};
