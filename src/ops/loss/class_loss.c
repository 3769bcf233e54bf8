/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss (ai.onnx), versions 12+.
 * https://onnx.ai/onnx/operators/onnx__NegativeLogLikelihoodLoss.html
 * https://onnx.ai/onnx/operators/onnx__SoftmaxCrossEntropyLoss.html
 *
 * loss[n, d...] = -weight[t] * p[n, t, d...] with t = target[n, d...]; 0 where t is ignore_index.
 * p is the input itself, or for SoftmaxCrossEntropyLoss its log-softmax along axis 1, which is also
 * output 1.
 *
 * Shapes    input: [N, C, d...]; target: [N, d...]; weight: [C]. loss: that of target for reduction
 *           "none", else a scalar. log_prob: that of input.
 * Types     float32, float16, bfloat16, float64; targets int32 or int64. Computed in float32
 *           (float64 in float64), summed in float64.
 * Attrs     reduction: "none", "sum" or "mean" (default): the sum divided by the sum of the weights
 *           that were used. ignore_index: int, none by default; it may lie outside [0, C).
 * Edge      Without any target that counts the mean is NaN. A target outside [0, C) is an error.
 * Aliasing  none.
 */
#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/float_io.h"
#include "ops/common/index.h"

#include <inttypes.h>

/* Losses that are summed together, so that a sum does not depend on the threads. */
#define BLOCK 64

enum reduction { REDUCE_MEAN, REDUCE_NONE, REDUCE_SUM };

struct loss_plan {
    enum onr_dtype dtype;
    struct onr_axis_view view; /* of the input around the classes */
    enum reduction reduction;
    bool has_ignored;
    int64_t ignored;
    bool is_softmax;
    size_t rows;         /* targets */
    size_t blocks;       /* of BLOCK targets */
    size_t worker_bytes; /* of a row of scores */
    size_t rows_offset;  /* of the workers' rows in the workspace, after the sums */
};

/* Of one block; in the workspace. */
struct loss_sum {
    double loss;
    double weight;
};

static enum onr_status read_reduction(const struct onr_node *node, enum reduction *reduction,
                                      struct onr_error *err)
{
    static const char *const names[] = {"mean", "none", "sum", NULL};
    size_t choice = 0;
    ONR_TRY(onr_check_attr_choice(node, "reduction", names, &choice, err));
    *reduction = (enum reduction)choice;
    return ONR_OK;
}

/* Fails when two known dims differ; takes the one that is known. */
static enum onr_status join_dim(struct onr_infer_ctx *ctx, int64_t *dim, int64_t other,
                                const char *what)
{
    if (*dim >= 0 && other >= 0 && *dim != other) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%s differ: %" PRId64 " and %" PRId64, what, *dim,
                              other);
    }
    *dim = *dim >= 0 ? *dim : other;
    return ONR_OK;
}

static enum onr_status check_weight(struct onr_infer_ctx *ctx, const struct onr_shape *x)
{
    if (!onr_infer_has_input(ctx, 2) || ctx->inputs[2]->shape.rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    const struct onr_shape *weight = &ctx->inputs[2]->shape;
    if (weight->rank != 1) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "weight has rank %d, expected 1", weight->rank);
    }
    int64_t classes = x->rank >= 2 ? x->dim[1] : ONR_DIM_UNKNOWN;
    return join_dim(ctx, &classes, weight->dim[0], "the classes of input and weight");
}

static enum onr_status loss_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *target = &ctx->inputs[1]->shape;
    struct onr_shape loss = *target;
    enum reduction reduction = REDUCE_MEAN;
    ONR_TRY(read_reduction(ctx->node, &reduction, ctx->err));
    if (x->rank != ONR_RANK_UNKNOWN && x->rank < 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input has rank %d, expected 2 or more", x->rank);
    }
    if (x->rank != ONR_RANK_UNKNOWN && target->rank != ONR_RANK_UNKNOWN) {
        if (target->rank != x->rank - 1) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE, "target has rank %d, expected %d",
                                  target->rank, x->rank - 1);
        }
        for (int d = 0; d < target->rank; d++) {
            ONR_TRY(join_dim(ctx, &loss.dim[d], x->dim[d == 0 ? 0 : d + 1],
                             "a dimension of target and input"));
        }
    }
    ONR_TRY(check_weight(ctx, x));
    ctx->outputs[0].shape = reduction == REDUCE_NONE ? loss : (struct onr_shape){.rank = 0};
    if (ctx->node->output_count > 1) {
        ctx->outputs[1].shape = *x;
    }
    return ONR_OK;
}

static enum onr_status make_plan(struct onr_plan_ctx *ctx, bool is_softmax)
{
    const struct onr_fact *x = ctx->inputs[0];
    const struct onr_attr *ignored = onr_node_attr(ctx->node, "ignore_index");
    struct loss_plan *plan = ONR_ARENA_NEW(ctx->arena, struct loss_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a loss");
    }
    *plan = (struct loss_plan){.dtype = x->dtype,
                               .view = onr_axis_view(&x->shape, 1),
                               .has_ignored = ignored != NULL,
                               .ignored = ignored != NULL ? ignored->as.i : 0,
                               .is_softmax = is_softmax};
    ONR_TRY(read_reduction(ctx->node, &plan->reduction, ctx->err));
    plan->rows = plan->view.outer * plan->view.inner;
    plan->blocks = plan->rows / BLOCK + (plan->rows % BLOCK != 0);
    size_t element = x->dtype == ONR_DOUBLE ? sizeof(double) : sizeof(float);
    size_t all_rows = 0;
    if (!onr_size_mul(is_softmax ? plan->view.size : 0, element, &plan->worker_bytes) ||
        plan->worker_bytes > ONR_SIZE_LIMIT ||
        !onr_size_mul(onr_size_align(plan->worker_bytes, 64), ctx->thread_count, &all_rows) ||
        !onr_size_mul(plan->blocks, sizeof(struct loss_sum), &plan->rows_offset) ||
        plan->rows_offset > ONR_SIZE_LIMIT) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "%zu classes are too many", plan->view.size);
    }
    plan->worker_bytes = onr_size_align(plan->worker_bytes, 64);
    plan->rows_offset = onr_size_align(plan->rows_offset, 64);
    ctx->workspace_bytes = plan->rows_offset + all_rows;
    ctx->plan = plan;
    return ONR_OK;
}

static enum onr_status likelihood_plan(struct onr_plan_ctx *ctx)
{
    return make_plan(ctx, false);
}

static enum onr_status entropy_plan(struct onr_plan_ctx *ctx)
{
    return make_plan(ctx, true);
}

struct loss_job {
    const struct onr_run_ctx *ctx;
    const struct loss_plan *plan;
    const void *weight;        /* or NULL */
    struct onr_tensor *losses; /* of REDUCE_NONE, or NULL */
    struct onr_tensor *log_prob;
};

/* Element `at` of a float tensor of any type. */
static double load(enum onr_dtype dtype, const void *data, size_t at)
{
    double value = 0.0;
    onr_double_gather(dtype, data, at, 1, 1, &value);
    return value;
}

/* The log-softmax of the row that starts at element `first`, stored if wanted; its element t. */
static double softmax_row(const struct loss_job *job, size_t first, size_t t, void *scratch)
{
    const struct loss_plan *plan = job->plan;
    const struct onr_softmax_kernels *kernels = &job->ctx->kernels->softmax;
    size_t count = plan->view.size;
    size_t stride = plan->view.inner;
    void *out = job->log_prob != NULL ? job->log_prob->data : NULL;
    if (plan->dtype == ONR_DOUBLE) {
        double *row = scratch;
        onr_double_gather(plan->dtype, job->ctx->inputs[0]->data, first, stride, count, row);
        kernels->log_softmax_f64(count, row, row);
        if (out != NULL) {
            onr_double_scatter(plan->dtype, row, first, stride, count, out);
        }
        return t < count ? row[t] : 0.0;
    }
    float *row = scratch;
    onr_float_gather(plan->dtype, job->ctx->inputs[0]->data, first, stride, count, row);
    kernels->log_softmax_f32(count, row, row);
    if (out != NULL) {
        onr_float_scatter(plan->dtype, row, first, stride, count, out);
    }
    return t < count ? (double)row[t] : 0.0;
}

/* The loss of target i and its weight. */
static struct loss_sum loss_of(const struct loss_job *job, size_t i, void *scratch)
{
    const struct loss_plan *plan = job->plan;
    size_t inner = plan->view.inner;
    size_t first = i / inner * plan->view.size * inner + i % inner;
    int64_t t = onr_index_at(job->ctx->inputs[1], i);
    bool is_ignored = plan->has_ignored && t == plan->ignored;
    double score = 0.0;
    if (plan->is_softmax && (!is_ignored || job->log_prob != NULL)) {
        score = softmax_row(job, first, is_ignored ? SIZE_MAX : (size_t)t, scratch);
    } else if (!is_ignored) {
        score = load(plan->dtype, job->ctx->inputs[0]->data, first + (size_t)t * inner);
    }
    if (is_ignored) {
        return (struct loss_sum){0.0, 0.0};
    }
    double weight = job->weight != NULL ? load(plan->dtype, job->weight, (size_t)t) : 1.0;
    return (struct loss_sum){-score * weight, weight};
}

static void loss_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct loss_job *job = arg;
    const struct loss_plan *plan = job->plan;
    char *workspace = job->ctx->workspace;
    void *scratch = workspace + plan->rows_offset + worker * plan->worker_bytes;
    struct loss_sum *sums = job->ctx->workspace;
    for (size_t block = begin; block < end; block++) {
        size_t last = (block + 1) * BLOCK < plan->rows ? (block + 1) * BLOCK : plan->rows;
        struct loss_sum sum = {0.0, 0.0};
        for (size_t i = block * BLOCK; i < last; i++) {
            struct loss_sum one = loss_of(job, i, scratch);
            sum.loss += one.loss;
            sum.weight += one.weight;
            if (job->losses != NULL) {
                onr_double_scatter(plan->dtype, &one.loss, i, 1, 1, job->losses->data);
            }
        }
        sums[block] = sum;
    }
}

static enum onr_status check_targets(const struct onr_run_ctx *ctx, const struct loss_plan *plan)
{
    for (size_t i = 0; i < plan->rows; i++) {
        int64_t t = onr_index_at(ctx->inputs[1], i);
        bool is_ignored = plan->has_ignored && t == plan->ignored;
        if (!is_ignored && (t < 0 || (uint64_t)t >= plan->view.size)) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "target %" PRId64 " at %zu is out of range for %zu classes", t, i,
                            plan->view.size);
        }
    }
    return ONR_OK;
}

static enum onr_status loss_run(struct onr_run_ctx *ctx)
{
    const struct loss_plan *plan = ctx->plan;
    struct loss_job job = {.ctx = ctx, .plan = plan};
    ONR_TRY(check_targets(ctx, plan));
    job.weight = ctx->input_count > 2 && ctx->inputs[2] != NULL ? ctx->inputs[2]->data : NULL;
    job.losses = plan->reduction == REDUCE_NONE ? ctx->outputs[0] : NULL;
    job.log_prob = ctx->output_count > 1 ? ctx->outputs[1] : NULL;
    onr_parallel_for(ctx->parallel, plan->blocks, onr_grain(BLOCK * (plan->view.size + 8)),
                     loss_range, &job);
    if (plan->reduction != REDUCE_NONE) {
        const struct loss_sum *sums = ctx->workspace;
        struct loss_sum total = {0.0, 0.0};
        for (size_t i = 0; i < plan->blocks; i++) {
            total.loss += sums[i].loss;
            total.weight += sums[i].weight;
        }
        double loss = plan->reduction == REDUCE_SUM ? total.loss : total.loss / total.weight;
        onr_double_scatter(plan->dtype, &loss, 0, 1, 1, ctx->outputs[0]->data);
    }
    return ONR_OK;
}

static const struct onr_attr_spec loss_attrs[] = {
    {"ignore_index", ONR_ATTR_INT, false}, {"reduction", ONR_ATTR_STRING, false}, {0}};
static const struct onr_param_spec loss_inputs[] = {
    {ONR_DTYPES_FLOAT, 1}, {ONR_DTYPES_INDEX, 0}, {ONR_DTYPES_FLOAT, 1}, {0}};
static const struct onr_param_spec loss_outputs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};

extern const struct onr_op_def onr_ops_class_loss[];
const struct onr_op_def onr_ops_class_loss[] = {
    {.domain = "",
     .name = "NegativeLogLikelihoodLoss",
     .since_version = 12,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 3},
     .outputs = {1, 1},
     .attrs = loss_attrs,
     .input_specs = loss_inputs,
     .output_specs = loss_outputs,
     .infer = loss_infer,
     .plan = likelihood_plan,
     .run = loss_run},
    {.domain = "",
     .name = "SoftmaxCrossEntropyLoss",
     .since_version = 12,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 3},
     .outputs = {1, 2},
     .attrs = loss_attrs,
     .input_specs = loss_inputs,
     .output_specs = loss_outputs,
     .infer = loss_infer,
     .plan = entropy_plan,
     .run = loss_run,
     .kernel = ONR_KERNEL_AT(softmax.log_softmax_f32)},
    {.name = NULL},
};
