/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ensembles of decision trees: one form for all versions of the operators, made and checked when
 * the model is loaded, and the walk through it.
 */
#ifndef ONR_OPS_ML_TREES_H
#define ONR_OPS_ML_TREES_H

#include "ops/ml/ml.h"

/* Numbered as in TreeEnsemble-5, but for the last one. */
enum onr_tree_mode {
    ONR_TREE_LEQ,
    ONR_TREE_LT,
    ONR_TREE_GTE,
    ONR_TREE_GT,
    ONR_TREE_EQ,
    ONR_TREE_NEQ,
    ONR_TREE_MEMBER,
    ONR_TREE_LEAF,
};

struct onr_tree_node {
    double split;
    uint32_t feature;
    uint32_t next[2]; /* nodes when the comparison fails and when it holds */
    uint32_t first;   /* MEMBER: of the members; LEAF: of the votes */
    uint32_t count;
    uint8_t mode;
    bool takes_missing; /* NaN counts as if the comparison held */
};

struct onr_tree_vote {
    double weight;
    uint32_t target;
};

/* Numbered as in TreeEnsemble-5. */
enum onr_tree_aggregate { ONR_TREE_AVERAGE, ONR_TREE_SUM, ONR_TREE_MIN, ONR_TREE_MAX };

struct onr_trees {
    struct onr_tree_node *nodes; /* without cycles, with valid numbers */
    size_t node_count;
    uint32_t *roots;
    size_t root_count;
    struct onr_tree_vote *votes; /* of a leaf together */
    size_t vote_count;
    const double *members;
    size_t target_count;
    size_t feature_count; /* that a row needs at least */
    enum onr_tree_aggregate aggregate;
    enum onr_ml_transform transform;
    struct onr_ml_numbers base; /* to be added to each target, or none */
};

/* How many doubles onr_trees_score needs. */
static inline size_t onr_trees_scratch(const struct onr_trees *trees)
{
    return 2 * trees->target_count;
}

/* The aggregated votes for one row in scores[0 .. target_count), without base and transform. */
void onr_trees_score(const struct onr_trees *trees, const double *row, double *scores);

/* Most nodes, votes and targets. */
#define ONR_TREE_LIMIT ((size_t)INT32_MAX)

/*
 * Allocates nodes and votes. Error: ONR_ERR_LIMIT, ONR_ERR_MEMORY.
 */
enum onr_status onr_trees_alloc(struct onr_prepare_ctx *ctx, struct onr_trees *trees,
                                size_t node_count, size_t vote_count,
                                size_t max_roots) ONR_MUST_USE;

/*
 * Fills in what a node that is no leaf has in all versions. Error: ONR_ERR_MODEL for a feature below
 * 0 or above INT32_MAX.
 */
enum onr_status onr_trees_set(struct onr_prepare_ctx *ctx, struct onr_trees *trees, size_t index,
                              int64_t feature, bool takes_missing) ONR_MUST_USE;

/* Fails with ONR_ERR_MODEL when a way through the nodes leads back to where it was. */
enum onr_status onr_trees_check(struct onr_prepare_ctx *ctx,
                                const struct onr_trees *trees) ONR_MUST_USE;

/*
 * Reads the nodes of TreeEnsembleRegressor or TreeEnsembleClassifier with votes for target_count
 * targets from attributes that begin with prefix, "target" or "class". Error: ONR_ERR_MODEL.
 */
enum onr_status onr_trees_read_1(struct onr_prepare_ctx *ctx, const char *prefix,
                                 struct onr_trees *trees) ONR_MUST_USE;

/* Reads the nodes and leaves of TreeEnsemble-5. Error: ONR_ERR_MODEL. */
enum onr_status onr_trees_read_5(struct onr_prepare_ctx *ctx, struct onr_trees *trees) ONR_MUST_USE;

/* The list of integers, which must have count entries. Error: ONR_ERR_MODEL. */
enum onr_status onr_trees_ints(struct onr_prepare_ctx *ctx, const char *name, size_t count,
                               const int64_t **ints) ONR_MUST_USE;

/* Fails with ONR_ERR_MODEL naming the attribute unless count is `expected`. */
enum onr_status onr_trees_count(struct onr_prepare_ctx *ctx, const char *name, size_t count,
                                size_t expected) ONR_MUST_USE;

#endif
