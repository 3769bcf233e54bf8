/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Det (ai.onnx), versions 11 and 22.               https://onnx.ai/onnx/operators/onnx__Det.html
 * Inverse (com.microsoft), version 1.
 *
 * y = determinant, or inverse, of each matrix of x, by elimination with row pivots
 *
 * Shapes    x: [..., M, M] -> y: [...] (Det) or as x (Inverse).
 * Types     float16, bfloat16 (Det: 22+), float32, float64; computed in float64.
 * Attrs     none.
 * Edge      The determinant of a 0 x 0 matrix is 1. Numbers of the inverse of a matrix that has none
 *           are infinite or NaN.
 * Aliasing  Inverse: y may share storage with x.
 */
#include "ops/common/axes.h"
#include "ops/common/float_io.h"
#include "ops/common/workspace.h"

#include <inttypes.h>
#include <math.h>

static enum onr_status inverse_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    ctx->outputs[0].shape = *x;
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (x->rank < 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "x has rank %d, expected at least 2", x->rank);
    }
    int64_t rows = x->dim[x->rank - 2];
    int64_t columns = x->dim[x->rank - 1];
    if (rows >= 0 && columns >= 0 && rows != columns) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "the matrices are %" PRId64 " x %" PRId64 ", expected square ones",
                              rows, columns);
    }
    return ONR_OK;
}

static enum onr_status det_infer(struct onr_infer_ctx *ctx)
{
    ONR_TRY(inverse_infer(ctx));
    if (ctx->inputs[0]->shape.rank != ONR_RANK_UNKNOWN) {
        ctx->outputs[0].shape.rank -= 2;
    }
    return ONR_OK;
}

struct det_plan {
    enum onr_dtype dtype;
    size_t n;
    size_t worker_bytes; /* of workspace: a matrix, and another beside it for Inverse */
};

static enum onr_status make_plan(struct onr_plan_ctx *ctx, size_t element_bytes)
{
    const struct onr_fact *x = ctx->inputs[0];
    struct det_plan *plan = ONR_ARENA_NEW(ctx->arena, struct det_plan);
    struct onr_workspace matrix = {0};
    struct onr_workspace space = {0};
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of Det");
    }
    plan->dtype = x->dtype;
    plan->n = (size_t)x->shape.dim[x->shape.rank - 1];
    size_t elements = 0;
    matrix.is_too_large = !onr_size_mul(plan->n, plan->n, &elements);
    (void)onr_workspace_add(&matrix, elements, element_bytes);
    ONR_TRY(onr_workspace_finish(&matrix, &plan->worker_bytes, ctx->err));
    (void)onr_workspace_add(&space, ctx->thread_count, plan->worker_bytes);
    ctx->plan = plan;
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

static enum onr_status det_plan(struct onr_plan_ctx *ctx)
{
    return make_plan(ctx, sizeof(double));
}

static enum onr_status inverse_plan(struct onr_plan_ctx *ctx)
{
    return make_plan(ctx, 2 * sizeof(double));
}

/* Brings the row of a [n, width] at or below k with the largest element of column k to row k; true
 * when it moved. */
static bool pivot(size_t n, size_t width, double *a, size_t k)
{
    size_t best = k;
    for (size_t i = k + 1; i < n; i++) {
        if (fabs(a[i * width + k]) > fabs(a[best * width + k])) {
            best = i;
        }
    }
    for (size_t j = k; best != k && j < width; j++) {
        double moved = a[k * width + j];
        a[k * width + j] = a[best * width + j];
        a[best * width + j] = moved;
    }
    return best != k;
}

/* The determinant of a [n, n], which is overwritten. */
static double eliminate(size_t n, double *a)
{
    double det = 1;
    for (size_t k = 0; k < n; k++) {
        if (pivot(n, n, a, k)) {
            det = -det;
        }
        const double *top = a + k * n;
        det *= top[k];
        for (size_t i = k + 1; i < n; i++) {
            double *row = a + i * n;
            if (row[k] == 0) {
                continue;
            }
            double factor = row[k] / top[k];
            for (size_t j = k + 1; j < n; j++) {
                row[j] -= factor * top[j];
            }
        }
    }
    return det;
}

/* Brings the left half of a [n, 2 n] to the unit matrix; what was one on the right is the inverse. */
static void invert(size_t n, double *a)
{
    size_t width = 2 * n;
    for (size_t k = 0; k < n; k++) {
        (void)pivot(n, width, a, k);
        double *top = a + k * width;
        double scale = 1 / top[k];
        for (size_t j = k; j < width; j++) {
            top[j] *= scale;
        }
        for (size_t i = 0; i < n; i++) {
            double *row = a + i * width;
            double factor = row[k];
            for (size_t j = k; i != k && factor != 0 && j < width; j++) {
                row[j] -= factor * top[j];
            }
        }
    }
}

struct det_job {
    const struct det_plan *plan;
    const void *x;
    void *y;
    char *workspace;
};

static void det_matrices(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct det_job *job = arg;
    const struct det_plan *plan = job->plan;
    size_t elements = plan->n * plan->n;
    double *matrix = (void *)(job->workspace + worker * plan->worker_bytes);
    for (size_t i = begin; i < end; i++) {
        onr_double_gather(plan->dtype, job->x, i * elements, 1, elements, matrix);
        double det = eliminate(plan->n, matrix);
        onr_double_scatter(plan->dtype, &det, i, 1, 1, job->y);
    }
}

static void invert_matrices(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct det_job *job = arg;
    const struct det_plan *plan = job->plan;
    size_t n = plan->n;
    double *matrix = (void *)(job->workspace + worker * plan->worker_bytes);
    for (size_t i = begin; i < end; i++) {
        for (size_t r = 0; r < n; r++) {
            double *row = matrix + r * 2 * n;
            onr_double_gather(plan->dtype, job->x, (i * n + r) * n, 1, n, row);
            for (size_t c = 0; c < n; c++) {
                row[n + c] = c == r ? 1 : 0;
            }
        }
        invert(n, matrix);
        for (size_t r = 0; r < n; r++) {
            onr_double_scatter(plan->dtype, matrix + (2 * r + 1) * n, (i * n + r) * n, 1, n,
                               job->y);
        }
    }
}

static enum onr_status run_matrices(struct onr_run_ctx *ctx, onr_task_fn task)
{
    const struct det_plan *plan = ctx->plan;
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct det_job job = {plan, ctx->inputs[0]->data, ctx->outputs[0]->data, ctx->workspace};
    onr_parallel_for(ctx->parallel, (size_t)onr_shape_range(x, 0, x->rank - 2),
                     onr_grain(plan->n * plan->n), task, &job);
    return ONR_OK;
}

static enum onr_status det_run(struct onr_run_ctx *ctx)
{
    return run_matrices(ctx, det_matrices);
}

static enum onr_status inverse_run(struct onr_run_ctx *ctx)
{
    return run_matrices(ctx, invert_matrices);
}

static const struct onr_param_spec det_params_11[] = {{ONR_DTYPES_FLOAT & ~ONR_BIT(BFLOAT16), 1},
                                                      {0}};
static const struct onr_param_spec det_params_22[] = {{ONR_DTYPES_FLOAT, 1}, {0}};

#define DET_ROW(since, last, params)                                                               \
    {                                                                                              \
        .domain = "", .name = "Det", .since_version = (since), .last_version = (last),             \
        .inputs = {1, 1}, .outputs = {1, 1}, .input_specs = (params), .output_specs = (params),    \
        .infer = det_infer, .plan = det_plan, .run = det_run                                       \
    }

extern const struct onr_op_def onr_ops_det[];
const struct onr_op_def onr_ops_det[] = {
    DET_ROW(11, 21, det_params_11),
    DET_ROW(22, ONR_OPSET_LATEST, det_params_22),
    {.domain = "com.microsoft",
     .name = "Inverse",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .input_specs = det_params_22,
     .output_specs = det_params_22,
     .traits = ONR_TRAIT_INPLACE,
     .infer = inverse_infer,
     .plan = inverse_plan,
     .run = inverse_run},
    {.name = NULL},
};
