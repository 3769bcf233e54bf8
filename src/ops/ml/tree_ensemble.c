/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TreeEnsemble (ai.onnx.ml), version 5; TreeEnsembleRegressor, TreeEnsembleClassifier, versions 1, 3,
 * 5.                              https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsemble.html
 *
 * Y[n, t] = transform(base[t] + the votes for target t of the leaves that row n reaches, aggregated)
 *
 * Shapes    X: [N, F] or [F]; Y (Z of the classifier): [N, targets or classes]; its labels: [N].
 * Types     TreeEnsemble: X and Y alike, float types but bfloat16. The others: X float32, float64,
 *           int32, int64, Y float32; labels int64 or string. All is computed in float64.
 * Attrs     nodes: see trees_read_1.c and trees_read_5.c. aggregate_function: SUM (default),
 *           AVERAGE over the trees, MIN, MAX; a classifier sums. post_transform. base_values: none or
 *           one per target (one alone for two classes). nodes_hitrates is not used.
 * Edge      NaN fails every comparison but NEQ unless nodes_missing_value_tracks_true says that it
 *           holds. A target without votes has 0 (plus base). Two classes with votes for the first
 *           alone: the votes speak for the second, and the first gets 1 - score, where no weight is
 *           negative and nothing is transformed, else -score; then the transform follows, as in the
 *           reference implementation. Otherwise the label is that of the first largest score before
 *           the transform; a single class has its label if its score is above 0, else 0 or "".
 * Aliasing  none.
 */
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/ml/trees.h"

#include <string.h>

struct ensemble {
    struct onr_trees trees;
    struct onr_ml_labels labels; /* count 0: no classifier */
    bool is_pair;                /* two classes, of which the first has all votes */
    bool is_share;               /* and no vote has a negative weight */
};

static enum onr_status read_target_count(const struct onr_node *node, struct onr_error *err,
                                         size_t *count)
{
    int64_t targets = onr_attr_int(node, "n_targets", 0);
    if (targets < 1 || targets > INT32_MAX) {
        return onr_fail(err, ONR_ERR_MODEL, "n_targets is %lld, expected 1 or more",
                        (long long)targets);
    }
    *count = (size_t)targets;
    return ONR_OK;
}

static enum onr_status regressor_infer(struct onr_infer_ctx *ctx)
{
    size_t targets = 0;
    ONR_TRY(read_target_count(ctx->node, ctx->err, &targets));
    return onr_ml_infer_scores(ctx, targets);
}

static enum onr_status classifier_infer(struct onr_infer_ctx *ctx)
{
    struct onr_ml_labels labels;
    ONR_TRY(onr_ml_read_labels(ctx->node, "classlabels_int64s", &labels, ctx->err));
    return onr_ml_infer_classes(ctx, &labels, (int64_t)labels.count);
}

static enum onr_status read_aggregate(struct onr_prepare_ctx *ctx, struct onr_trees *trees)
{
    static const char *const names[] = {"SUM", "AVERAGE", "MIN", "MAX", NULL};
    static const enum onr_tree_aggregate values[] = {ONR_TREE_SUM, ONR_TREE_AVERAGE, ONR_TREE_MIN,
                                                     ONR_TREE_MAX};
    size_t choice = 0;
    int64_t number = onr_attr_int(ctx->node, "aggregate_function", ONR_TREE_SUM);
    if (number < ONR_TREE_AVERAGE || number > ONR_TREE_MAX) {
        return onr_fail(ctx->err, ONR_ERR_MODEL, "aggregate_function is %lld, expected 0 to 3",
                        (long long)number);
    }
    ONR_TRY(onr_check_attr_choice(ctx->node, "aggregate_function", names, &choice, ctx->err));
    trees->aggregate = choice > 0 ? values[choice] : (enum onr_tree_aggregate)number;
    return ONR_OK;
}

static enum onr_status read_base(struct onr_prepare_ctx *ctx, struct ensemble *ensemble)
{
    struct onr_ml_numbers *base = &ensemble->trees.base;
    ONR_TRY(onr_ml_numbers(ctx, "base_values", false, base));
    bool is_one_for_pair = ensemble->is_pair && base->count == 1;
    return base->count == 0 || is_one_for_pair
               ? ONR_OK
               : onr_trees_count(ctx, "base_values", base->count, ensemble->trees.target_count);
}

static struct ensemble *new_ensemble(struct onr_prepare_ctx *ctx)
{
    struct ensemble *ensemble = ONR_ARENA_NEW(ctx->arena, struct ensemble);
    if (ensemble == NULL) {
        (void)onr_fail_memory(ctx->err, "an ensemble of trees");
    }
    ctx->state = ensemble;
    return ensemble;
}

static enum onr_status regressor_prepare(struct onr_prepare_ctx *ctx)
{
    struct ensemble *ensemble = new_ensemble(ctx);
    if (ensemble == NULL) {
        return ONR_ERR_MEMORY;
    }
    struct onr_trees *trees = &ensemble->trees;
    ONR_TRY(read_target_count(ctx->node, ctx->err, &trees->target_count));
    ONR_TRY(read_aggregate(ctx, trees));
    ONR_TRY(onr_ml_read_transform(ctx->node, &trees->transform, ctx->err));
    if (strcmp(ctx->node->op_type, "TreeEnsemble") == 0) {
        return onr_trees_read_5(ctx, trees);
    }
    ONR_TRY(onr_trees_read_1(ctx, "target", trees));
    return read_base(ctx, ensemble);
}

static enum onr_status classifier_prepare(struct onr_prepare_ctx *ctx)
{
    struct ensemble *ensemble = new_ensemble(ctx);
    if (ensemble == NULL) {
        return ONR_ERR_MEMORY;
    }
    struct onr_trees *trees = &ensemble->trees;
    ONR_TRY(onr_ml_read_labels(ctx->node, "classlabels_int64s", &ensemble->labels, ctx->err));
    ONR_TRY(onr_ml_read_transform(ctx->node, &trees->transform, ctx->err));
    trees->target_count = ensemble->labels.count;
    trees->aggregate = ONR_TREE_SUM;
    ONR_TRY(onr_trees_read_1(ctx, "class", trees));
    ensemble->is_pair = trees->target_count == 2;
    ensemble->is_share = true;
    for (size_t i = 0; i < trees->vote_count; i++) {
        ensemble->is_pair = ensemble->is_pair && trees->votes[i].target == 0;
        ensemble->is_share = ensemble->is_share && trees->votes[i].weight >= 0;
    }
    return read_base(ctx, ensemble);
}

struct plan {
    const struct ensemble *ensemble;
    size_t rows, features;
    size_t row_at, worker_bytes; /* of the scratch: scores, then a row */
};

static enum onr_status ensemble_plan(struct onr_plan_ctx *ctx)
{
    const struct ensemble *ensemble = ctx->state;
    struct plan *plan = ONR_ARENA_NEW(ctx->arena, struct plan);
    struct onr_workspace worker = {.used = 0};
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of trees");
    }
    ctx->plan = plan;
    plan->ensemble = ensemble;
    onr_ml_known_rows(&ctx->inputs[0]->shape, &plan->rows, &plan->features);
    if (plan->features < ensemble->trees.feature_count) {
        return onr_fail(ctx->err, ONR_ERR_SHAPE, "rows of %zu features, but the trees read %zu",
                        plan->features, ensemble->trees.feature_count);
    }
    onr_workspace_add(&worker, onr_trees_scratch(&ensemble->trees), sizeof(double));
    plan->row_at = onr_workspace_add(&worker, plan->features, sizeof(double));
    return onr_ml_plan_workers(ctx, &worker, &plan->worker_bytes);
}

/* Adds base and transform to the scores of a row, and finds its class. */
static size_t finish_row(const struct ensemble *ensemble, double *scores)
{
    const struct onr_trees *trees = &ensemble->trees;
    for (size_t t = 0; t < trees->base.count; t++) {
        scores[t] += trees->base.values[t];
    }
    if (ensemble->is_pair) {
        double score = scores[0];
        bool is_share = ensemble->is_share && trees->transform == ONR_ML_NONE;
        onr_ml_transform_pair(trees->transform, ensemble->is_share, score, scores);
        return score > (is_share ? 0.5 : 0) ? 1 : 0;
    }
    size_t top = onr_ml_top_class(trees->target_count, scores);
    onr_ml_transform(trees->transform, trees->target_count, scores);
    return top;
}

static void ensemble_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct onr_ml_job *job = arg;
    const struct plan *plan = job->plan;
    const struct ensemble *ensemble = plan->ensemble;
    size_t targets = ensemble->trees.target_count;
    double *scores = (double *)(void *)(job->workspace + worker * plan->worker_bytes);
    double *buffer = (double *)(void *)((char *)scores + plan->row_at);
    for (size_t row = begin; row < end; row++) {
        const double *x =
            onr_ml_read(job->kernels, job->x, row * plan->features, plan->features, buffer);
        onr_trees_score(&ensemble->trees, x, scores);
        size_t top = finish_row(ensemble, scores);
        onr_ml_store(job, row, top, targets, scores);
    }
}

static enum onr_status ensemble_run(struct onr_run_ctx *ctx)
{
    const struct plan *plan = ctx->plan;
    const struct onr_trees *trees = &plan->ensemble->trees;
    struct onr_ml_job job = onr_ml_job_of(ctx, &plan->ensemble->labels);
    size_t work = 16 * trees->root_count + plan->features + 4 * trees->target_count;
    onr_parallel_for(ctx->parallel, plan->rows, onr_grain(work), ensemble_range, &job);
    return ONR_OK;
}

#define NODE_ATTRS                                                                                 \
    {"nodes_falsenodeids", ONR_ATTR_INTS, false}, {"nodes_featureids", ONR_ATTR_INTS, false},      \
        {"nodes_hitrates", ONR_ATTR_FLOATS, false},                                                \
        {"nodes_missing_value_tracks_true", ONR_ATTR_INTS, false},                                 \
        {"nodes_modes", ONR_ATTR_STRINGS, false}, {"nodes_nodeids", ONR_ATTR_INTS, false},         \
        {"nodes_treeids", ONR_ATTR_INTS, false}, {"nodes_truenodeids", ONR_ATTR_INTS, false},      \
        {"nodes_values", ONR_ATTR_FLOATS, false}, {"base_values", ONR_ATTR_FLOATS, false},         \
    {                                                                                              \
        "post_transform", ONR_ATTR_STRING, false                                                   \
    }
#define REGRESSOR_ATTRS                                                                            \
    NODE_ATTRS, {"aggregate_function", ONR_ATTR_STRING, false},                                    \
        {"n_targets", ONR_ATTR_INT, false}, {"target_ids", ONR_ATTR_INTS, false},                  \
        {"target_nodeids", ONR_ATTR_INTS, false}, {"target_treeids", ONR_ATTR_INTS, false},        \
    {                                                                                              \
        "target_weights", ONR_ATTR_FLOATS, false                                                   \
    }
#define CLASSIFIER_ATTRS                                                                           \
    NODE_ATTRS, {"class_ids", ONR_ATTR_INTS, false}, {"class_nodeids", ONR_ATTR_INTS, false},      \
        {"class_treeids", ONR_ATTR_INTS, false}, {"class_weights", ONR_ATTR_FLOATS, false},        \
        {"classlabels_int64s", ONR_ATTR_INTS, false},                                              \
    {                                                                                              \
        "classlabels_strings", ONR_ATTR_STRINGS, false                                             \
    }
#define TENSOR_ATTRS(weights)                                                                      \
    {"base_values_as_tensor", ONR_ATTR_TENSOR, false},                                             \
        {"nodes_hitrates_as_tensor", ONR_ATTR_TENSOR, false},                                      \
        {"nodes_values_as_tensor", ONR_ATTR_TENSOR, false},                                        \
    {                                                                                              \
        (weights), ONR_ATTR_TENSOR, false                                                          \
    }

static const struct onr_attr_spec regressor_attrs_1[] = {REGRESSOR_ATTRS, {0}};
static const struct onr_attr_spec regressor_attrs_3[] = {
    REGRESSOR_ATTRS, TENSOR_ATTRS("target_weights_as_tensor"), {0}};
static const struct onr_attr_spec classifier_attrs_1[] = {CLASSIFIER_ATTRS, {0}};
static const struct onr_attr_spec classifier_attrs_3[] = {
    CLASSIFIER_ATTRS, TENSOR_ATTRS("class_weights_as_tensor"), {0}};
static const struct onr_attr_spec ensemble_attrs_5[] = {
    {"aggregate_function", ONR_ATTR_INT, false},
    {"leaf_targetids", ONR_ATTR_INTS, true},
    {"leaf_weights", ONR_ATTR_TENSOR, true},
    {"membership_values", ONR_ATTR_TENSOR, false},
    {"n_targets", ONR_ATTR_INT, false},
    {"nodes_falseleafs", ONR_ATTR_INTS, true},
    {"nodes_falsenodeids", ONR_ATTR_INTS, true},
    {"nodes_featureids", ONR_ATTR_INTS, true},
    {"nodes_hitrates", ONR_ATTR_TENSOR, false},
    {"nodes_missing_value_tracks_true", ONR_ATTR_INTS, false},
    {"nodes_modes", ONR_ATTR_TENSOR, true},
    {"nodes_splits", ONR_ATTR_TENSOR, true},
    {"nodes_trueleafs", ONR_ATTR_INTS, true},
    {"nodes_truenodeids", ONR_ATTR_INTS, true},
    {"post_transform", ONR_ATTR_INT, false},
    {"tree_roots", ONR_ATTR_INTS, true},
    {0}};

static const struct onr_param_spec float_specs[] = {
    {ONR_BIT(FLOAT) | ONR_BIT(DOUBLE) | ONR_BIT(FLOAT16), 1}, {0}};

#define REGRESSOR(op, since, last, attributes, ins, outs)                                          \
    {                                                                                              \
        .domain = "ai.onnx.ml", .name = (op), .since_version = (since), .last_version = (last),    \
        .inputs = {1, 1}, .outputs = {1, 1}, .attrs = (attributes), .input_specs = (ins),          \
        .output_specs = (outs), .infer = regressor_infer, .prepare = regressor_prepare,            \
        .plan = ensemble_plan, .run = ensemble_run                                                 \
    }
#define CLASSIFIER(since, last, attributes)                                                        \
    {                                                                                              \
        .domain = "ai.onnx.ml", .name = "TreeEnsembleClassifier", .since_version = (since),        \
        .last_version = (last), .inputs = {1, 1}, .outputs = {1, 2}, .attrs = (attributes),        \
        .input_specs = onr_ml_x_specs, .output_specs = onr_ml_label_specs,                         \
        .infer = classifier_infer, .prepare = classifier_prepare, .plan = ensemble_plan,           \
        .run = ensemble_run                                                                        \
    }

extern const struct onr_op_def onr_ops_tree_ensemble[];
const struct onr_op_def onr_ops_tree_ensemble[] = {
    REGRESSOR("TreeEnsemble", 5, ONR_ML_LATEST, ensemble_attrs_5, float_specs, float_specs),
    REGRESSOR("TreeEnsembleRegressor", 1, 2, regressor_attrs_1, onr_ml_x_specs, onr_ml_score_specs),
    REGRESSOR("TreeEnsembleRegressor", 3, ONR_ML_LATEST, regressor_attrs_3, onr_ml_x_specs,
              onr_ml_score_specs),
    CLASSIFIER(1, 2, classifier_attrs_1),
    CLASSIFIER(3, ONR_ML_LATEST, classifier_attrs_3),
    {.name = NULL},
};
