/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SVMRegressor, SVMClassifier (ai.onnx.ml), version 1.
 *                                https://onnx.ai/onnx/operators/onnx_aionnxml_SVMClassifier.html
 *
 * k(x, v)        LINEAR x.v   POLY (gamma x.v + coef0)^degree   RBF e^(-gamma |x - v|^2)
 *                SIGMOID tanh(gamma x.v + coef0)
 * SVMRegressor   y = sum_j coefficients[j] k(x, vector j) + rho[0]; one_class: 1 if that is above 0,
 *                else -1
 * SVMClassifier  for each pair i < j of classes: score = sum over the vectors of class i of
 *                coefficients[j - 1] k + sum over those of class j of coefficients[i] k + rho. A score
 *                above 0 is a vote for i, else for j; the first class with most votes wins.
 *
 * Shapes    X: [N, F] or [F]. SVMRegressor: Y: [N, 1]. SVMClassifier: labels [N], Z: the
 *           probabilities of the classes with prob_a and prob_b; else the scores of the pairs, for
 *           two classes -score and score; without support vectors the scores of the classes.
 * Types     X: float32, float64, int32, int64; Y and Z: float32; labels int64 or string. Computed in
 *           float64.
 * Attrs     kernel_type, kernel_params (gamma, coef0, degree), support_vectors, n_supports,
 *           vectors_per_class, coefficients, rho, prob_a, prob_b, one_class, classlabels_ints,
 *           classlabels_strings, post_transform.
 * Edge      Without support vectors: score = coefficients . x + rho[0], and the first of the largest
 *           wins.
 * Aliasing  none.
 */
#include "ops/common/axes.h"
#include "ops/ml/svm_kernel.h"
#include "ops/ml/svm_probability.h"

#include <inttypes.h>
#include <string.h>

struct machine {
    struct onr_svm svm;
    bool is_one_class;
    /* the rest is of a classifier */
    struct onr_ml_labels labels; /* count 0: no classifier */
    size_t class_count;
    size_t pair_count;      /* 0: linear */
    const int64_t *vectors; /* [class_count], of each class */
    const double *prob_a;   /* [pair_count] or NULL */
    const double *prob_b;
    size_t score_count; /* numbers in a row of Z */
};

static enum onr_status regressor_infer(struct onr_infer_ctx *ctx)
{
    return onr_ml_infer_scores(ctx, 1);
}

/* What follows from labels and vectors_per_class; *vectors is the number of all support vectors. */
static enum onr_status read_classes(const struct onr_node *node, struct machine *machine,
                                    size_t *vectors, struct onr_error *err)
{
    size_t count = 0;
    size_t prob_count = 0;
    int64_t sum = 0;
    ONR_TRY(onr_ml_read_labels(node, "classlabels_ints", &machine->labels, err));
    size_t classes = machine->labels.count;
    machine->vectors = onr_attr_ints(node, "vectors_per_class", &count);
    (void)onr_attr_floats(node, "prob_a", &prob_count);
    for (size_t i = 0; i < count; i++) {
        if (machine->vectors[i] < 0 || !onr_int_add(sum, machine->vectors[i], &sum)) {
            return onr_fail(err, ONR_ERR_MODEL, "vectors_per_class[%zu] is %" PRId64, i,
                            machine->vectors[i]);
        }
    }
    *vectors = (size_t)sum;
    machine->class_count = classes;
    machine->score_count = classes;
    if (sum == 0) {
        return ONR_OK;
    }
    if (count != classes || classes < 2 || classes > INT32_MAX) {
        return onr_fail(err, ONR_ERR_MODEL,
                        "%zu class labels, but %zu entries in vectors_per_class", classes, count);
    }
    machine->pair_count = classes * (classes - 1) / 2;
    if (prob_count == 0 && classes > 2) {
        machine->score_count = machine->pair_count;
    }
    return ONR_OK;
}

static enum onr_status classifier_infer(struct onr_infer_ctx *ctx)
{
    struct machine machine = {.class_count = 0};
    size_t vectors = 0;
    ONR_TRY(read_classes(ctx->node, &machine, &vectors, ctx->err));
    return onr_ml_infer_classes(ctx, &machine.labels, (int64_t)machine.score_count);
}

static struct machine *new_machine(struct onr_prepare_ctx *ctx)
{
    struct machine *machine = ONR_ARENA_NEW(ctx->arena, struct machine);
    if (machine == NULL) {
        (void)onr_fail_memory(ctx->err, "a support vector machine");
    }
    ctx->state = machine;
    return machine;
}

static enum onr_status regressor_prepare(struct onr_prepare_ctx *ctx)
{
    struct machine *machine = new_machine(ctx);
    int64_t vectors = onr_attr_int(ctx->node, "n_supports", 0);
    if (machine == NULL) {
        return ONR_ERR_MEMORY;
    }
    if (vectors < 0) {
        return onr_fail(ctx->err, ONR_ERR_MODEL, "n_supports is %" PRId64, vectors);
    }
    machine->is_one_class = onr_attr_int(ctx->node, "one_class", 0) != 0;
    machine->score_count = 1;
    ONR_TRY(onr_svm_read(ctx, (size_t)vectors, 1, &machine->svm));
    if (vectors > 0 && machine->svm.coefficient_count != (size_t)vectors) {
        return onr_fail(ctx->err, ONR_ERR_MODEL, "%zu coefficients for %" PRId64 " support vectors",
                        machine->svm.coefficient_count, vectors);
    }
    return ONR_OK;
}

static enum onr_status classifier_prepare(struct onr_prepare_ctx *ctx)
{
    struct machine *machine = new_machine(ctx);
    size_t vectors = 0;
    struct onr_ml_numbers a;
    struct onr_ml_numbers b;
    if (machine == NULL) {
        return ONR_ERR_MEMORY;
    }
    ONR_TRY(read_classes(ctx->node, machine, &vectors, ctx->err));
    ONR_TRY(onr_svm_read(ctx, vectors, machine->class_count, &machine->svm));
    ONR_TRY(onr_ml_numbers(ctx, "prob_a", false, &a));
    ONR_TRY(onr_ml_numbers(ctx, "prob_b", false, &b));
    size_t pairs = machine->pair_count;
    if (pairs == 0) {
        return ONR_OK;
    }
    size_t wanted = 0;
    if (!onr_size_mul(machine->class_count - 1, vectors, &wanted) ||
        machine->svm.coefficient_count != wanted || machine->svm.rho_count != pairs) {
        return onr_fail(ctx->err, ONR_ERR_MODEL,
                        "%zu coefficients and %zu rho for %zu classes with %zu vectors",
                        machine->svm.coefficient_count, machine->svm.rho_count,
                        machine->class_count, vectors);
    }
    if (a.count != b.count || (a.count != 0 && a.count != pairs)) {
        return onr_fail(ctx->err, ONR_ERR_MODEL,
                        "prob_a has %zu and prob_b %zu entries for %zu pairs", a.count, b.count,
                        pairs);
    }
    machine->prob_a = a.values;
    machine->prob_b = b.values;
    return ONR_OK;
}

struct plan {
    const struct machine *machine;
    size_t rows;
    /* of the scratch: kernel values, scores, a row of X */
    size_t scores_at, votes_at, probability_at, row_at, worker_bytes;
};

static enum onr_status svm_plan(struct onr_plan_ctx *ctx)
{
    const struct machine *machine = ctx->state;
    struct plan *plan = ONR_ARENA_NEW(ctx->arena, struct plan);
    struct onr_workspace worker = {.used = 0};
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a support vector machine");
    }
    ctx->plan = plan;
    plan->machine = machine;
    ONR_TRY(onr_svm_check(ctx, &machine->svm, &plan->rows));
    size_t classes = machine->class_count;
    onr_workspace_add(&worker, machine->svm.vector_count, sizeof(double));
    plan->scores_at =
        onr_workspace_add(&worker, machine->score_count + machine->pair_count, sizeof(double));
    plan->votes_at = onr_workspace_add(&worker, classes, sizeof(size_t));
    if (machine->prob_a != NULL) {
        plan->probability_at =
            onr_workspace_add(&worker, onr_svm_probability_scratch(classes), sizeof(double));
    }
    plan->row_at = onr_workspace_add(&worker, machine->svm.features, sizeof(double));
    return onr_ml_plan_workers(ctx, &worker, &plan->worker_bytes);
}

static double weigh(const double *coefficients, const double *values, size_t first, size_t count)
{
    double sum = 0;
    for (size_t m = first; m < first + count; m++) {
        sum += coefficients[m] * values[m];
    }
    return sum;
}

/* The scores of all pairs, and the class with most votes. */
static size_t vote(const struct machine *machine, const double *values, double *scores,
                   size_t *votes)
{
    const struct onr_svm *svm = &machine->svm;
    size_t pair = 0;
    size_t first_i = 0;
    size_t top = 0;
    memset(votes, 0, machine->class_count * sizeof *votes);
    for (size_t i = 0; i < machine->class_count; i++) {
        size_t count_i = (size_t)machine->vectors[i];
        size_t first_j = first_i + count_i;
        for (size_t j = i + 1; j < machine->class_count; j++) {
            size_t count_j = (size_t)machine->vectors[j];
            scores[pair] =
                weigh(svm->coefficients + (j - 1) * svm->vector_count, values, first_i, count_i) +
                weigh(svm->coefficients + i * svm->vector_count, values, first_j, count_j) +
                svm->rho[pair];
            votes[scores[pair] > 0 ? i : j]++;
            first_j += count_j;
            pair++;
        }
        first_i += count_i;
    }
    for (size_t i = 1; i < machine->class_count; i++) {
        top = votes[i] > votes[top] ? i : top;
    }
    return top;
}

/* The scores of one row, and its class. */
static size_t classify(const struct plan *plan, const double *values, char *scratch, double *scores)
{
    const struct machine *machine = plan->machine;
    enum onr_ml_transform transform = machine->svm.transform;
    size_t top = 0;
    if (machine->pair_count == 0) {
        for (size_t i = 0; i < machine->class_count; i++) {
            scores[i] = values[i] + machine->svm.rho[0];
        }
        top = onr_ml_top_class(machine->class_count, scores);
        onr_ml_transform(transform, machine->score_count, scores);
        return top;
    }
    double *pairs = scores + machine->score_count;
    top = vote(machine, values, pairs, (size_t *)(void *)(scratch + plan->votes_at));
    if (machine->prob_a != NULL) {
        onr_svm_probability(machine->class_count, pairs, machine->prob_a, machine->prob_b,
                            (double *)(void *)(scratch + plan->probability_at), scores);
    } else if (machine->class_count == 2) {
        onr_ml_transform_pair(transform, false, pairs[0], scores);
        return top;
    } else {
        memcpy(scores, pairs, machine->pair_count * sizeof *scores);
    }
    onr_ml_transform(transform, machine->score_count, scores);
    return top;
}

static double regress(const struct machine *machine, const double *values)
{
    const struct onr_svm *svm = &machine->svm;
    bool is_linear = svm->coefficients == svm->vectors;
    double score = svm->rho[0] +
                   (is_linear ? values[0] : weigh(svm->coefficients, values, 0, svm->vector_count));
    if (machine->is_one_class) {
        return score > 0 ? 1 : -1;
    }
    onr_ml_transform(svm->transform, 1, &score);
    return score;
}

static void svm_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct onr_ml_job *job = arg;
    const struct plan *plan = job->plan;
    const struct machine *machine = plan->machine;
    char *scratch = job->workspace + worker * plan->worker_bytes;
    double *values = (double *)(void *)scratch;
    double *scores = (double *)(void *)(scratch + plan->scores_at);
    size_t features = machine->svm.features;
    for (size_t row = begin; row < end; row++) {
        const double *x = onr_ml_read(job->kernels, job->x, row * features, features,
                                      (double *)(void *)(scratch + plan->row_at));
        onr_svm_compare(&machine->svm, x, values);
        size_t top = 0;
        if (machine->labels.count == 0) {
            scores[0] = regress(machine, values);
        } else {
            top = classify(plan, values, scratch, scores);
        }
        onr_ml_store(job, row, top, machine->score_count, scores);
    }
}

static enum onr_status svm_run(struct onr_run_ctx *ctx)
{
    const struct plan *plan = ctx->plan;
    const struct machine *machine = plan->machine;
    struct onr_ml_job job = onr_ml_job_of(ctx, &machine->labels);
    size_t work = machine->svm.vector_count * (machine->svm.features + machine->class_count + 16);
    onr_parallel_for(ctx->parallel, plan->rows, onr_grain(work), svm_range, &job);
    return ONR_OK;
}

#define SVM_ATTRS                                                                                  \
    {"coefficients", ONR_ATTR_FLOATS, false}, {"kernel_params", ONR_ATTR_FLOATS, false},           \
        {"kernel_type", ONR_ATTR_STRING, false}, {"post_transform", ONR_ATTR_STRING, false},       \
        {"rho", ONR_ATTR_FLOATS, false},                                                           \
    {                                                                                              \
        "support_vectors", ONR_ATTR_FLOATS, false                                                  \
    }

static const struct onr_attr_spec regressor_attrs[] = {
    SVM_ATTRS, {"n_supports", ONR_ATTR_INT, false}, {"one_class", ONR_ATTR_INT, false}, {0}};
static const struct onr_attr_spec classifier_attrs[] = {
    SVM_ATTRS,
    {"classlabels_ints", ONR_ATTR_INTS, false},
    {"classlabels_strings", ONR_ATTR_STRINGS, false},
    {"prob_a", ONR_ATTR_FLOATS, false},
    {"prob_b", ONR_ATTR_FLOATS, false},
    {"vectors_per_class", ONR_ATTR_INTS, false},
    {0}};

#define ROW(op, out_max, attributes, outs, infer_function, prepare_function)                       \
    {                                                                                              \
        .domain = "ai.onnx.ml", .name = (op), .since_version = 1, .last_version = ONR_ML_LATEST,   \
        .inputs = {1, 1}, .outputs = {1, (out_max)}, .attrs = (attributes),                        \
        .input_specs = onr_ml_x_specs, .output_specs = (outs), .infer = (infer_function),          \
        .prepare = (prepare_function), .plan = svm_plan, .run = svm_run                            \
    }

extern const struct onr_op_def onr_ops_svm[];
const struct onr_op_def onr_ops_svm[] = {
    ROW("SVMRegressor", 1, regressor_attrs, onr_ml_score_specs, regressor_infer, regressor_prepare),
    ROW("SVMClassifier", 2, classifier_attrs, onr_ml_label_specs, classifier_infer,
        classifier_prepare),
    {.name = NULL},
};
