/* SPDX-License-Identifier: Apache-2.0 */
/* The walk through decision trees, and what their makers share. */
#include "ops/ml/trees.h"

#include <string.h>

static bool is_member(const struct onr_trees *trees, const struct onr_tree_node *node, double x)
{
    const double *members = trees->members + node->first;
    for (uint32_t i = 0; i < node->count; i++) {
        if (members[i] == x) {
            return true;
        }
    }
    return false;
}

static bool holds(const struct onr_trees *trees, const struct onr_tree_node *node, double x)
{
    if (x != x && node->takes_missing) {
        return true;
    }
    switch ((enum onr_tree_mode)node->mode) {
    case ONR_TREE_LEQ:
        return x <= node->split;
    case ONR_TREE_LT:
        return x < node->split;
    case ONR_TREE_GTE:
        return x >= node->split;
    case ONR_TREE_GT:
        return x > node->split;
    case ONR_TREE_EQ:
        return x == node->split;
    case ONR_TREE_NEQ:
        return x != node->split;
    default:
        return is_member(trees, node, x);
    }
}

static const struct onr_tree_node *find_leaf(const struct onr_trees *trees, uint32_t root,
                                             const double *row)
{
    const struct onr_tree_node *node = &trees->nodes[root];
    while (node->mode != ONR_TREE_LEAF) {
        node = &trees->nodes[node->next[holds(trees, node, row[node->feature]) ? 1 : 0]];
    }
    return node;
}

/* Adds the votes of a leaf; seen[t] is 1 for targets with a vote, 0 for others. */
static void add_votes(const struct onr_trees *trees, const struct onr_tree_node *leaf,
                      double *scores, double *seen)
{
    const struct onr_tree_vote *votes = trees->votes + leaf->first;
    for (uint32_t i = 0; i < leaf->count; i++) {
        uint32_t t = votes[i].target;
        double weight = votes[i].weight;
        bool is_better = seen[t] == 0 || (trees->aggregate == ONR_TREE_MIN && weight < scores[t]) ||
                         (trees->aggregate == ONR_TREE_MAX && weight > scores[t]);
        if (trees->aggregate <= ONR_TREE_SUM) {
            scores[t] += weight;
        } else if (is_better) {
            scores[t] = weight;
        }
        seen[t] = 1;
    }
}

void onr_trees_score(const struct onr_trees *trees, const double *row, double *scores)
{
    memset(scores, 0, onr_trees_scratch(trees) * sizeof *scores);
    for (size_t i = 0; i < trees->root_count; i++) {
        add_votes(trees, find_leaf(trees, trees->roots[i], row), scores,
                  scores + trees->target_count);
    }
    for (size_t t = 0; t < trees->target_count && trees->aggregate == ONR_TREE_AVERAGE; t++) {
        scores[t] /= (double)trees->root_count;
    }
}

enum onr_status onr_trees_alloc(struct onr_prepare_ctx *ctx, struct onr_trees *trees,
                                size_t node_count, size_t vote_count, size_t max_roots)
{
    if (node_count > ONR_TREE_LIMIT || vote_count > ONR_TREE_LIMIT) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "%zu nodes with %zu votes are too many",
                        node_count, vote_count);
    }
    trees->node_count = node_count;
    trees->vote_count = vote_count;
    trees->nodes = ONR_ARENA_ARRAY(ctx->arena, node_count, struct onr_tree_node);
    trees->votes = ONR_ARENA_ARRAY(ctx->arena, vote_count, struct onr_tree_vote);
    trees->roots = ONR_ARENA_ARRAY(ctx->arena, max_roots, uint32_t);
    if (trees->nodes == NULL || trees->votes == NULL || trees->roots == NULL) {
        return onr_fail_memory(ctx->err, "the nodes of trees");
    }
    return ONR_OK;
}

enum onr_status onr_trees_set(struct onr_prepare_ctx *ctx, struct onr_trees *trees, size_t index,
                              int64_t feature, bool takes_missing)
{
    if (feature < 0 || feature > INT32_MAX) {
        return onr_fail(ctx->err, ONR_ERR_MODEL, "nodes_featureids[%zu] is %lld", index,
                        (long long)feature);
    }
    trees->nodes[index].feature = (uint32_t)feature;
    trees->nodes[index].takes_missing = takes_missing;
    if ((size_t)feature >= trees->feature_count) {
        trees->feature_count = (size_t)feature + 1;
    }
    return ONR_OK;
}

/* Takes away nodes that no node leads to, until none is left: what remains is in a cycle. */
enum onr_status onr_trees_check(struct onr_prepare_ctx *ctx, const struct onr_trees *trees)
{
    size_t count = trees->node_count;
    uint32_t *ways = ONR_ARENA_ARRAY(ctx->arena, count, uint32_t);
    uint32_t *free_nodes = ONR_ARENA_ARRAY(ctx->arena, count, uint32_t);
    size_t found = 0;
    if (ways == NULL || free_nodes == NULL) {
        return onr_fail_memory(ctx->err, "checking trees");
    }
    for (size_t i = 0; i < count; i++) {
        bool is_leaf = trees->nodes[i].mode == ONR_TREE_LEAF;
        for (int k = 0; k < 2 && !is_leaf; k++) {
            ways[trees->nodes[i].next[k]]++;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (ways[i] == 0) {
            free_nodes[found++] = (uint32_t)i;
        }
    }
    for (size_t done = 0; done < found; done++) {
        const struct onr_tree_node *node = &trees->nodes[free_nodes[done]];
        for (int k = 0; k < 2 && node->mode != ONR_TREE_LEAF; k++) {
            if (--ways[node->next[k]] == 0) {
                free_nodes[found++] = node->next[k];
            }
        }
    }
    return found == count ? ONR_OK
                          : onr_fail(ctx->err, ONR_ERR_MODEL, "the nodes of trees form a cycle");
}

enum onr_status onr_trees_count(struct onr_prepare_ctx *ctx, const char *name, size_t count,
                                size_t expected)
{
    return count == expected ? ONR_OK
                             : onr_fail(ctx->err, ONR_ERR_MODEL, "%s has %zu entries, expected %zu",
                                        name, count, expected);
}

enum onr_status onr_trees_ints(struct onr_prepare_ctx *ctx, const char *name, size_t count,
                               const int64_t **ints)
{
    size_t got = 0;
    *ints = onr_attr_ints(ctx->node, name, &got);
    return onr_trees_count(ctx, name, got, count);
}
