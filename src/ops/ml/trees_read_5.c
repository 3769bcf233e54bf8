/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees as TreeEnsemble-5 gives them: nodes that decide, and leaves with one vote each, which become
 * the nodes behind them. Nodes may share children.
 */
#include "ops/ml/trees.h"

#include <inttypes.h>

/* The sets of BRANCH_MEMBER nodes follow each other, with a NaN behind each; the last may lack it. */
static enum onr_status read_members(struct onr_prepare_ctx *ctx, size_t inner,
                                    struct onr_trees *trees)
{
    struct onr_ml_numbers members;
    size_t next = 0;
    ONR_TRY(onr_ml_numbers(ctx, "membership_values", true, &members));
    if (members.count > ONR_TREE_LIMIT) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "membership_values has %zu entries",
                        members.count);
    }
    trees->members = members.values;
    for (size_t i = 0; i < inner; i++) {
        struct onr_tree_node *node = &trees->nodes[i];
        if (node->mode != ONR_TREE_MEMBER) {
            continue;
        }
        if (next == members.count) {
            return onr_fail(ctx->err, ONR_ERR_MODEL, "membership_values has no set for node %zu",
                            i);
        }
        node->first = (uint32_t)next;
        while (next < members.count && members.values[next] == members.values[next]) {
            next++;
        }
        node->count = (uint32_t)next - node->first;
        next += next < members.count ? 1 : 0;
    }
    return onr_trees_count(ctx, "membership_values", members.count, next);
}

static enum onr_status read_modes(struct onr_prepare_ctx *ctx, size_t inner,
                                  struct onr_trees *trees)
{
    const struct onr_constant *tensor = onr_ml_attr_tensor(ctx->node, "nodes_modes");
    if (tensor->dtype != ONR_UINT8) {
        return onr_fail(ctx->err, ONR_ERR_MODEL, "nodes_modes holds %s, expected uint8",
                        onr_dtype_name(tensor->dtype));
    }
    ONR_TRY(onr_trees_count(ctx, "nodes_modes", (size_t)onr_constant_count(tensor), inner));
    const uint8_t *modes = onr_ml_tensor(ctx->arena, tensor);
    if (modes == NULL) {
        return onr_fail_memory(ctx->err, "the modes of nodes");
    }
    for (size_t i = 0; i < inner; i++) {
        if (modes[i] > ONR_TREE_MEMBER) {
            return onr_fail(ctx->err, ONR_ERR_MODEL, "nodes_modes[%zu] is %d, expected 0 to 6", i,
                            modes[i]);
        }
        trees->nodes[i].mode = modes[i];
    }
    return ONR_OK;
}

/* Where the nodes lead to when their comparison holds (way 1) or not. */
static enum onr_status read_ways(struct onr_prepare_ctx *ctx, size_t inner, int way,
                                 struct onr_trees *trees)
{
    const char *names[2][2] = {{"nodes_falsenodeids", "nodes_falseleafs"},
                               {"nodes_truenodeids", "nodes_trueleafs"}};
    const int64_t *next = NULL;
    const int64_t *is_leaf = NULL;
    ONR_TRY(onr_trees_ints(ctx, names[way][0], inner, &next));
    ONR_TRY(onr_trees_ints(ctx, names[way][1], inner, &is_leaf));
    for (size_t i = 0; i < inner; i++) {
        size_t count = is_leaf[i] != 0 ? trees->vote_count : inner;
        if (next[i] < 0 || (uint64_t)next[i] >= count) {
            return onr_fail(ctx->err, ONR_ERR_MODEL, "%s[%zu] is %" PRId64 ", but there are %zu %s",
                            names[way][0], i, next[i], count, is_leaf[i] != 0 ? "leaves" : "nodes");
        }
        trees->nodes[i].next[way] = (uint32_t)((size_t)next[i] + (is_leaf[i] != 0 ? inner : 0));
    }
    return ONR_OK;
}

static enum onr_status read_nodes(struct onr_prepare_ctx *ctx, size_t inner,
                                  struct onr_trees *trees)
{
    const int64_t *feature = NULL;
    struct onr_ml_numbers splits;
    size_t missing_count = 0;
    const int64_t *missing =
        onr_attr_ints(ctx->node, "nodes_missing_value_tracks_true", &missing_count);
    ONR_TRY(onr_trees_ints(ctx, "nodes_featureids", inner, &feature));
    ONR_TRY(onr_ml_numbers(ctx, "nodes_splits", true, &splits));
    ONR_TRY(onr_trees_count(ctx, "nodes_splits", splits.count, inner));
    if (missing_count > 0) {
        ONR_TRY(onr_trees_count(ctx, "nodes_missing_value_tracks_true", missing_count, inner));
    }
    for (size_t i = 0; i < inner; i++) {
        trees->nodes[i].split = splits.values[i];
        ONR_TRY(onr_trees_set(ctx, trees, i, feature[i], missing_count > 0 && missing[i] != 0));
    }
    return ONR_OK;
}

static enum onr_status read_leaves(struct onr_prepare_ctx *ctx, size_t inner,
                                   const struct onr_ml_numbers *weights, struct onr_trees *trees)
{
    const int64_t *target = NULL;
    ONR_TRY(onr_trees_ints(ctx, "leaf_targetids", weights->count, &target));
    for (size_t i = 0; i < weights->count; i++) {
        if (target[i] < 0 || (uint64_t)target[i] >= trees->target_count) {
            return onr_fail(ctx->err, ONR_ERR_MODEL,
                            "leaf_targetids[%zu] is %" PRId64 ", expected 0 to %zu", i, target[i],
                            trees->target_count - 1);
        }
        trees->votes[i] = (struct onr_tree_vote){weights->values[i], (uint32_t)target[i]};
        trees->nodes[inner + i] =
            (struct onr_tree_node){.mode = ONR_TREE_LEAF, .first = (uint32_t)i, .count = 1};
    }
    return ONR_OK;
}

enum onr_status onr_trees_read_5(struct onr_prepare_ctx *ctx, struct onr_trees *trees)
{
    struct onr_ml_numbers weights;
    size_t inner = 0;
    const int64_t *roots = onr_attr_ints(ctx->node, "tree_roots", &trees->root_count);
    (void)onr_attr_ints(ctx->node, "nodes_truenodeids", &inner);
    ONR_TRY(onr_ml_numbers(ctx, "leaf_weights", true, &weights));
    if (inner == 0 || trees->root_count == 0 || inner > ONR_TREE_LIMIT) {
        return onr_fail(ctx->err, ONR_ERR_MODEL, "%zu nodes with %zu roots", inner,
                        trees->root_count);
    }
    ONR_TRY(onr_trees_alloc(ctx, trees, inner + weights.count, weights.count, trees->root_count));
    ONR_TRY(read_modes(ctx, inner, trees));
    ONR_TRY(read_nodes(ctx, inner, trees));
    ONR_TRY(read_ways(ctx, inner, 0, trees));
    ONR_TRY(read_ways(ctx, inner, 1, trees));
    ONR_TRY(read_leaves(ctx, inner, &weights, trees));
    ONR_TRY(read_members(ctx, inner, trees));
    for (size_t i = 0; i < trees->root_count; i++) {
        if (roots[i] < 0 || (uint64_t)roots[i] >= inner) {
            return onr_fail(ctx->err, ONR_ERR_MODEL,
                            "tree_roots[%zu] is %" PRId64 ", but there are %zu nodes", i, roots[i],
                            inner);
        }
        trees->roots[i] = (uint32_t)roots[i];
    }
    return onr_trees_check(ctx, trees);
}
