/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LinearRegressor, LinearClassifier (ai.onnx.ml), version 1.
 *                             https://onnx.ai/onnx/operators/onnx_aionnxml_LinearClassifier.html
 *
 * Y[n, t] = transform(sum_f X[n, f] * coefficients[t, f] + intercepts[t])
 *
 * Shapes    X: [N, F] or [F]. LinearRegressor: Y: [N, targets]. LinearClassifier: labels [N], Z:
 *           [N, classes].
 * Types     X: float32, float64, int32, int64; Y and Z: float32; labels int64 or string. Computed in
 *           float64.
 * Attrs     coefficients: floats, [targets, F]. intercepts: floats, [targets], default 0. targets:
 *           int, default 1. classlabels_ints or classlabels_strings. post_transform. multi_class:
 *           without influence.
 * Edge      One row of coefficients and two labels: the score is that of the second class; the first
 *           gets 1 - score, as in ONNX Runtime, or -score when a transform other than PROBIT
 *           follows. The label is that of the first largest score before the transform; a
 *           single class has its label if its score is above 0, else 0 or "".
 * Aliasing  none.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/ml/ml.h"

#include <string.h>

#define BLOCK 32 /* rows at a time */

struct linear {
    enum onr_ml_transform transform;
    struct onr_ml_labels labels; /* count 0: no classifier */
    size_t features, targets;
    size_t scores;         /* numbers in a row of Y */
    const double *weights; /* [features, targets] */
    struct onr_ml_numbers intercepts;
};

/* How many rows of coefficients there are, for this many numbers in a row of Y. */
static enum onr_status count_targets(const struct onr_node *node, int64_t features, size_t scores,
                                     size_t *targets, struct onr_error *err)
{
    size_t count = 0;
    size_t intercepts = 0;
    (void)onr_attr_floats(node, "coefficients", &count);
    (void)onr_attr_floats(node, "intercepts", &intercepts);
    bool is_pair = scores == 2 && strcmp(node->op_type, "LinearClassifier") == 0;
    *targets = is_pair && features > 0 && count == (size_t)features ? 1 : scores;
    if (is_pair && features < 0 && intercepts == 1) {
        *targets = 1;
    }
    bool fits = count > 0 && count % *targets == 0 &&
                (features < 0 || count / *targets == (size_t)features);
    if (!fits) {
        return onr_fail(err, ONR_ERR_MODEL, "%zu coefficients do not fit %zu rows of %lld features",
                        count, *targets, (long long)features);
    }
    if (intercepts != 0 && intercepts != *targets) {
        return onr_fail(err, ONR_ERR_MODEL, "%zu intercepts, expected %zu", intercepts, *targets);
    }
    return ONR_OK;
}

static enum onr_status regressor_targets(const struct onr_node *node, struct onr_error *err,
                                         size_t *count)
{
    int64_t targets = onr_attr_int(node, "targets", 1);
    if (targets < 1) {
        return onr_fail(err, ONR_ERR_MODEL, "targets is %lld, expected 1 or more",
                        (long long)targets);
    }
    *count = (size_t)targets;
    return ONR_OK;
}

static enum onr_status regressor_infer(struct onr_infer_ctx *ctx)
{
    int64_t rows = 0;
    int64_t features = 0;
    size_t scores = 0;
    size_t targets = 0;
    enum onr_ml_transform transform;
    ONR_TRY(onr_ml_read_transform(ctx->node, &transform, ctx->err));
    ONR_TRY(regressor_targets(ctx->node, ctx->err, &scores));
    ONR_TRY(onr_ml_rows(ctx, &rows, &features));
    ONR_TRY(count_targets(ctx->node, features, scores, &targets, ctx->err));
    return onr_ml_infer_scores(ctx, scores);
}

static enum onr_status classifier_infer(struct onr_infer_ctx *ctx)
{
    int64_t rows = 0;
    int64_t features = 0;
    size_t targets = 0;
    enum onr_ml_transform transform;
    struct onr_ml_labels labels;
    ONR_TRY(onr_ml_read_transform(ctx->node, &transform, ctx->err));
    ONR_TRY(onr_ml_read_labels(ctx->node, "classlabels_ints", &labels, ctx->err));
    ONR_TRY(onr_ml_rows(ctx, &rows, &features));
    ONR_TRY(count_targets(ctx->node, features, labels.count, &targets, ctx->err));
    return onr_ml_infer_classes(ctx, &labels, (int64_t)labels.count);
}

/* The coefficients with the targets of a feature side by side. */
static enum onr_status turn_weights(struct onr_plan_ctx *ctx, struct linear *linear)
{
    size_t count = 0;
    const float *from = onr_attr_floats(ctx->node, "coefficients", &count);
    double *to = ONR_ARENA_ARRAY(ctx->arena, count, double);
    if (to == NULL) {
        return onr_fail_memory(ctx->err, "linear coefficients");
    }
    for (size_t t = 0; t < linear->targets; t++) {
        for (size_t f = 0; f < linear->features; f++) {
            to[f * linear->targets + t] = (double)from[t * linear->features + f];
        }
    }
    linear->weights = to;
    return ONR_OK;
}

struct plan {
    struct linear linear;
    size_t rows;
    size_t scores_at, worker_bytes; /* of the scratch: rows of X, then of Y */
};

static enum onr_status read_linear(struct onr_plan_ctx *ctx, struct plan *plan)
{
    struct linear *linear = &plan->linear;
    size_t intercepts = 0;
    onr_ml_known_rows(&ctx->inputs[0]->shape, &plan->rows, &linear->features);
    ONR_TRY(onr_ml_read_transform(ctx->node, &linear->transform, ctx->err));
    if (strcmp(ctx->node->op_type, "LinearClassifier") == 0) {
        ONR_TRY(onr_ml_read_labels(ctx->node, "classlabels_ints", &linear->labels, ctx->err));
        linear->scores = linear->labels.count;
    } else {
        ONR_TRY(regressor_targets(ctx->node, ctx->err, &linear->scores));
    }
    ONR_TRY(count_targets(ctx->node, (int64_t)linear->features, linear->scores, &linear->targets,
                          ctx->err));
    const float *from = onr_attr_floats(ctx->node, "intercepts", &intercepts);
    double *to = ONR_ARENA_ARRAY(ctx->arena, intercepts, double);
    if (to == NULL) {
        return onr_fail_memory(ctx->err, "linear intercepts");
    }
    for (size_t i = 0; i < intercepts; i++) {
        to[i] = (double)from[i];
    }
    linear->intercepts = (struct onr_ml_numbers){to, intercepts};
    return turn_weights(ctx, linear);
}

static enum onr_status linear_plan(struct onr_plan_ctx *ctx)
{
    struct plan *plan = ONR_ARENA_NEW(ctx->arena, struct plan);
    struct onr_workspace worker = {.used = 0};
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a linear model");
    }
    ctx->plan = plan;
    ONR_TRY(read_linear(ctx, plan));
    onr_workspace_add(&worker, plan->linear.features, BLOCK * sizeof(double));
    plan->scores_at = onr_workspace_add(&worker, plan->linear.scores, BLOCK * sizeof(double));
    ctx->flops = 2 * (uint64_t)plan->rows * plan->linear.features * plan->linear.targets;
    return onr_ml_plan_workers(ctx, &worker, &plan->worker_bytes);
}

/* Completes the sums of one row, and stores its scores and label. */
static void finish_row(const struct linear *linear, const struct onr_ml_job *job, size_t row,
                       double *scores)
{
    for (size_t t = 0; t < linear->intercepts.count; t++) {
        scores[t] += linear->intercepts.values[t];
    }
    size_t top = 0;
    if (linear->targets < linear->scores) {
        top = scores[0] > 0 ? 1 : 0;
        onr_ml_transform_pair(linear->transform, true, scores[0], scores);
    } else {
        top = onr_ml_top_class(linear->scores, scores);
        onr_ml_transform(linear->transform, linear->scores, scores);
    }
    onr_ml_store(job, row, top, linear->scores, scores);
}

static void linear_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct onr_ml_job *job = arg;
    const struct plan *plan = job->plan;
    const struct linear *linear = &plan->linear;
    double *buffer = (double *)(void *)(job->workspace + worker * plan->worker_bytes);
    double *scores = (double *)(void *)((char *)buffer + plan->scores_at);
    for (size_t block = begin; block < end; block++) {
        size_t first = block * BLOCK;
        size_t rest = plan->rows - first;
        size_t rows = rest < BLOCK ? rest : BLOCK;
        struct onr_contract product = {
            .m = rows,
            .n = linear->targets,
            .k = linear->features,
            .a = onr_ml_read(job->kernels, job->x, first * linear->features,
                             rows * linear->features, buffer),
            .a_row_stride = linear->features,
            .a_column_stride = 1,
            .b = linear->weights,
            .b_row_stride = linear->targets,
            .b_column_stride = 1,
            .c = scores,
            .c_stride = linear->scores,
        };
        job->kernels->contract.f64(&product);
        for (size_t i = 0; i < rows; i++) {
            finish_row(linear, job, first + i, scores + i * linear->scores);
        }
    }
}

static enum onr_status linear_run(struct onr_run_ctx *ctx)
{
    const struct plan *plan = ctx->plan;
    const struct linear *linear = &plan->linear;
    struct onr_ml_job job = onr_ml_job_of(ctx, &linear->labels);
    onr_parallel_for(ctx->parallel, (plan->rows + BLOCK - 1) / BLOCK,
                     onr_grain(BLOCK * linear->features * linear->targets), linear_range, &job);
    return ONR_OK;
}

static const struct onr_attr_spec regressor_attrs[] = {{"coefficients", ONR_ATTR_FLOATS, false},
                                                       {"intercepts", ONR_ATTR_FLOATS, false},
                                                       {"post_transform", ONR_ATTR_STRING, false},
                                                       {"targets", ONR_ATTR_INT, false},
                                                       {0}};
static const struct onr_attr_spec classifier_attrs[] = {
    {"classlabels_ints", ONR_ATTR_INTS, false},
    {"classlabels_strings", ONR_ATTR_STRINGS, false},
    {"coefficients", ONR_ATTR_FLOATS, true},
    {"intercepts", ONR_ATTR_FLOATS, false},
    {"multi_class", ONR_ATTR_INT, false},
    {"post_transform", ONR_ATTR_STRING, false},
    {0}};

#define ROW(op, out_max, attributes, outs, infer_function)                                         \
    {                                                                                              \
        .domain = "ai.onnx.ml", .name = (op), .since_version = 1, .last_version = ONR_ML_LATEST,   \
        .inputs = {1, 1}, .outputs = {1, (out_max)}, .attrs = (attributes),                        \
        .input_specs = onr_ml_x_specs, .output_specs = (outs), .infer = (infer_function),          \
        .plan = linear_plan, .run = linear_run, .kernel = ONR_KERNEL_AT(contract.f64)              \
    }

extern const struct onr_op_def onr_ops_linear[];
const struct onr_op_def onr_ops_linear[] = {
    ROW("LinearRegressor", 1, regressor_attrs, onr_ml_score_specs, regressor_infer),
    ROW("LinearClassifier", 2, classifier_attrs, onr_ml_label_specs, classifier_infer),
    {.name = NULL},
};
