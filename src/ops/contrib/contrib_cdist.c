/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CDist (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * C[i, j] = distance of row i of A and row j of B: the sum of the squared differences (sqeuclidean),
 * or its root (euclidean)
 *
 * Shapes    A: [M,N]; B: [K,N] -> C: [M,K].
 * Types     float32 (sums of blocks in float32, these in float64), float64.
 * Attrs     metric: sqeuclidean (default), euclidean. Of the other metrics that the documentation
 *           lists ONNX Runtime has none either.
 * Edge      N = 0 -> zeros.
 * Aliasing  none.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/workspace.h"

#include <math.h>

static bool is_root(const struct onr_node *node)
{
    return onr_string_is(onr_attr_string(node, "metric", "sqeuclidean"), "euclidean");
}

static enum onr_status cdist_infer(struct onr_infer_ctx *ctx)
{
    const int64_t a[2] = {ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN};
    const int64_t b[2] = {ONR_DIM_UNKNOWN, onr_known_dim(ctx, 0, 1)};
    struct onr_string metric = onr_attr_string(ctx->node, "metric", "sqeuclidean");
    if (!is_root(ctx->node) && !onr_string_is(metric, "sqeuclidean")) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED,
                              "metric is \"%.*s\", expected sqeuclidean or euclidean",
                              (int)(metric.length < 32 ? metric.length : 32), metric.data);
    }
    ONR_TRY(onr_check_dims(ctx, 0, "A", 2, a));
    ONR_TRY(onr_check_dims(ctx, 1, "B", 2, b));
    ctx->outputs[0].shape =
        (struct onr_shape){.rank = 2, .dim = {onr_known_dim(ctx, 0, 0), onr_known_dim(ctx, 1, 0)}};
    return ONR_OK;
}

struct cdist_plan {
    bool is_double;
    bool is_root;
    size_t rows, columns; /* of C */
    size_t width;         /* N */
    size_t worker_bytes;  /* of workspace: a row of differences */
};

static enum onr_status cdist_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *y = &ctx->outputs[0].shape;
    struct onr_workspace row = {0};
    struct onr_workspace space = {0};
    struct cdist_plan *plan = ONR_ARENA_NEW(ctx->arena, struct cdist_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of CDist");
    }
    *plan = (struct cdist_plan){.is_double = ctx->inputs[0]->dtype == ONR_DOUBLE,
                                .is_root = is_root(ctx->node),
                                .rows = (size_t)y->dim[0],
                                .columns = (size_t)y->dim[1],
                                .width = (size_t)ctx->inputs[0]->shape.dim[1]};
    ctx->plan = plan;
    ctx->told.kernel = plan->is_double
                           ? ONR_KERNEL_AT(reduce.row[ONR_REDUCE_F64][ONR_REDUCE_SUM_SQUARE])
                           : ONR_KERNEL_AT(reduce.row[ONR_REDUCE_F32][ONR_REDUCE_SUM_SQUARE]);
    (void)onr_workspace_add(&row, plan->width, sizeof(double));
    ONR_TRY(onr_workspace_finish(&row, &plan->worker_bytes, ctx->err));
    (void)onr_workspace_add(&space, ctx->thread_count, plan->worker_bytes);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

struct cdist_job {
    const struct cdist_plan *plan;
    const struct onr_reduce_kernels *kernels;
    const void *a;
    const void *b;
    void *y;
    char *workspace;
};

static double distance_f32(const struct cdist_job *job, size_t i, size_t j, float *difference)
{
    size_t width = job->plan->width;
    double sum = 0;
    for (size_t k = 0; k < width; k++) {
        difference[k] =
            ((const float *)job->a)[i * width + k] - ((const float *)job->b)[j * width + k];
    }
    job->kernels->row[ONR_REDUCE_F32][ONR_REDUCE_SUM_SQUARE](width, difference, &sum);
    return sum;
}

static double distance_f64(const struct cdist_job *job, size_t i, size_t j, double *difference)
{
    size_t width = job->plan->width;
    double sum = 0;
    for (size_t k = 0; k < width; k++) {
        difference[k] =
            ((const double *)job->a)[i * width + k] - ((const double *)job->b)[j * width + k];
    }
    job->kernels->row[ONR_REDUCE_F64][ONR_REDUCE_SUM_SQUARE](width, difference, &sum);
    return sum;
}

static void cdist_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct cdist_job *job = arg;
    const struct cdist_plan *plan = job->plan;
    void *scratch = job->workspace + worker * plan->worker_bytes;
    for (size_t i = begin; i < end; i++) {
        for (size_t j = 0; j < plan->columns; j++) {
            double sum = 0;
            if (plan->width > 0) {
                sum = plan->is_double ? distance_f64(job, i, j, scratch)
                                      : distance_f32(job, i, j, scratch);
            }
            sum = plan->is_root ? sqrt(sum) : sum;
            if (plan->is_double) {
                ((double *)job->y)[i * plan->columns + j] = sum;
            } else {
                ((float *)job->y)[i * plan->columns + j] = (float)sum;
            }
        }
    }
}

static enum onr_status cdist_run(struct onr_run_ctx *ctx)
{
    const struct cdist_plan *plan = ctx->plan;
    struct cdist_job job = {.plan = plan,
                            .kernels = &ctx->kernels->reduce,
                            .a = ctx->inputs[0]->data,
                            .b = ctx->inputs[1]->data,
                            .y = ctx->outputs[0]->data,
                            .workspace = ctx->workspace};
    onr_parallel_for(ctx->parallel, plan->rows, onr_grain(plan->columns * (plan->width + 1)),
                     cdist_rows, &job);
    return ONR_OK;
}

static const struct onr_attr_spec attrs[] = {{"metric", ONR_ATTR_STRING, false}, {.name = NULL}};
static const struct onr_param_spec specs[] = {{ONR_BIT(FLOAT) | ONR_BIT(DOUBLE), 1}, {0}};

extern const struct onr_op_def onr_ops_contrib_cdist[];
const struct onr_op_def onr_ops_contrib_cdist[] = {
    {.domain = "com.microsoft",
     .name = "CDist",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = specs,
     .output_specs = specs,
     .infer = cdist_infer,
     .plan = cdist_plan,
     .run = cdist_run},
    {.name = NULL},
};
