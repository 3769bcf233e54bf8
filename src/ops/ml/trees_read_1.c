/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees as TreeEnsembleRegressor and TreeEnsembleClassifier give them: parallel lists of nodes, which
 * have a tree's and a node's id, and lists of votes that name these. The first node of a tree is its
 * root. Votes of nodes that are no leaves do not count.
 */
#include "ops/common/sort.h"
#include "ops/ml/trees.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_NAME 32

/* The ids of nodes, and their numbers sorted by them. */
struct ids {
    const int64_t *tree;
    const int64_t *node;
    size_t count;
    int64_t *order;
};

struct id {
    const struct ids *ids;
    int64_t tree, node;
};

static int compare(int64_t tree, int64_t node, int64_t other_tree, int64_t other_node)
{
    return tree != other_tree ? (tree < other_tree ? -1 : 1)
                              : (node > other_node) - (node < other_node);
}

static int compare_ids(const void *arg, int64_t a, int64_t b)
{
    const struct ids *ids = arg;
    return compare(ids->tree[a], ids->node[a], ids->tree[b], ids->node[b]);
}

static int compare_id(const void *arg, int64_t a)
{
    const struct id *id = arg;
    return compare(id->ids->tree[a], id->ids->node[a], id->tree, id->node);
}

static enum onr_status find_node(struct onr_prepare_ctx *ctx, const struct ids *ids, int64_t tree,
                                 int64_t node, const char *what, uint32_t *index)
{
    struct id id = {ids, tree, node};
    int64_t found = onr_sorted_find(ids->count, ids->order, compare_id, &id);
    if (found < 0) {
        return onr_fail(ctx->err, ONR_ERR_MODEL, "%s: tree %" PRId64 " has no node %" PRId64 "",
                        what, tree, node);
    }
    *index = (uint32_t)found;
    return ONR_OK;
}

static enum onr_status sort_ids(struct onr_prepare_ctx *ctx, struct ids *ids)
{
    ids->order = ONR_ARENA_ARRAY(ctx->arena, ids->count, int64_t);
    int64_t *spare = ONR_ARENA_ARRAY(ctx->arena, ids->count, int64_t);
    if (ids->order == NULL || spare == NULL) {
        return onr_fail_memory(ctx->err, "the nodes of trees");
    }
    onr_sort(ids->count, ids->order, spare, compare_ids, ids);
    for (size_t i = 1; i < ids->count; i++) {
        if (compare_ids(ids, ids->order[i - 1], ids->order[i]) == 0) {
            return onr_fail(ctx->err, ONR_ERR_MODEL, "tree %" PRId64 " has two nodes %" PRId64 "",
                            ids->tree[ids->order[i]], ids->node[ids->order[i]]);
        }
    }
    return ONR_OK;
}

static void find_roots(const struct ids *ids, struct onr_trees *trees)
{
    for (size_t i = 0; i < ids->count; i++) {
        uint32_t node = (uint32_t)ids->order[i];
        if (i == 0 || ids->tree[node] != ids->tree[ids->order[i - 1]]) {
            trees->roots[trees->root_count++] = node;
        } else if (node < trees->roots[trees->root_count - 1]) {
            trees->roots[trees->root_count - 1] = node;
        }
    }
}

static enum onr_status read_mode(struct onr_prepare_ctx *ctx, struct onr_string text, uint8_t *mode)
{
    static const char *const names[] = {
        [ONR_TREE_LEQ] = "BRANCH_LEQ", [ONR_TREE_LT] = "BRANCH_LT", [ONR_TREE_GTE] = "BRANCH_GTE",
        [ONR_TREE_GT] = "BRANCH_GT",   [ONR_TREE_EQ] = "BRANCH_EQ", [ONR_TREE_NEQ] = "BRANCH_NEQ",
        [ONR_TREE_LEAF] = "LEAF",
    };
    for (*mode = 0; *mode <= ONR_TREE_LEAF; ++*mode) {
        if (names[*mode] != NULL && onr_string_is(text, names[*mode])) {
            return ONR_OK;
        }
    }
    return onr_fail(ctx->err, ONR_ERR_MODEL, "nodes_modes holds \"%.*s\"",
                    text.length < 32 ? (int)text.length : 32, text.length > 0 ? text.data : "");
}

/* Comparisons and children of the nodes. */
static enum onr_status read_nodes(struct onr_prepare_ctx *ctx, const struct ids *ids,
                                  struct onr_trees *trees)
{
    const int64_t *feature = NULL;
    const int64_t *next[2] = {NULL, NULL};
    struct onr_ml_numbers splits;
    size_t mode_count = 0;
    size_t missing_count = 0;
    const struct onr_string *modes = onr_attr_strings(ctx->node, "nodes_modes", &mode_count);
    const int64_t *missing =
        onr_attr_ints(ctx->node, "nodes_missing_value_tracks_true", &missing_count);
    ONR_TRY(onr_ml_numbers(ctx, "nodes_values", false, &splits));
    ONR_TRY(onr_trees_count(ctx, "nodes_modes", mode_count, ids->count));
    ONR_TRY(onr_trees_count(ctx, "nodes_values", splits.count, ids->count));
    ONR_TRY(onr_trees_ints(ctx, "nodes_featureids", ids->count, &feature));
    ONR_TRY(onr_trees_ints(ctx, "nodes_falsenodeids", ids->count, &next[0]));
    ONR_TRY(onr_trees_ints(ctx, "nodes_truenodeids", ids->count, &next[1]));
    if (missing_count > 0) {
        ONR_TRY(onr_trees_count(ctx, "nodes_missing_value_tracks_true", missing_count, ids->count));
    }
    for (size_t i = 0; i < ids->count; i++) {
        struct onr_tree_node *node = &trees->nodes[i];
        ONR_TRY(read_mode(ctx, modes[i], &node->mode));
        if (node->mode == ONR_TREE_LEAF) {
            continue;
        }
        node->split = splits.values[i];
        ONR_TRY(onr_trees_set(ctx, trees, i, feature[i], missing_count > 0 && missing[i] != 0));
        ONR_TRY(
            find_node(ctx, ids, ids->tree[i], next[0][i], "nodes_falsenodeids", &node->next[0]));
        ONR_TRY(find_node(ctx, ids, ids->tree[i], next[1][i], "nodes_truenodeids", &node->next[1]));
    }
    return onr_trees_check(ctx, trees);
}

/* The lists of votes: for what, and where they stand. */
struct votes {
    const int64_t *tree, *node, *target;
    struct onr_ml_numbers weights;
    size_t count;
};

static enum onr_status read_vote_lists(struct onr_prepare_ctx *ctx, const char *prefix,
                                       struct votes *votes)
{
    char name[MAX_NAME];
    (void)snprintf(name, sizeof name, "%s_ids", prefix);
    votes->target = onr_attr_ints(ctx->node, name, &votes->count);
    (void)snprintf(name, sizeof name, "%s_treeids", prefix);
    ONR_TRY(onr_trees_ints(ctx, name, votes->count, &votes->tree));
    (void)snprintf(name, sizeof name, "%s_nodeids", prefix);
    ONR_TRY(onr_trees_ints(ctx, name, votes->count, &votes->node));
    (void)snprintf(name, sizeof name, "%s_weights", prefix);
    ONR_TRY(onr_ml_numbers(ctx, name, false, &votes->weights));
    return onr_trees_count(ctx, name, votes->weights.count, votes->count);
}

/* Gives each leaf its votes, in the order in which they stand in the lists. */
static enum onr_status place_votes(struct onr_prepare_ctx *ctx, const struct ids *ids,
                                   const struct votes *votes, const char *prefix,
                                   struct onr_trees *trees)
{
    uint32_t *leaf = ONR_ARENA_ARRAY(ctx->arena, votes->count, uint32_t);
    uint32_t next = 0;
    if (leaf == NULL) {
        return onr_fail_memory(ctx->err, "the votes of trees");
    }
    for (size_t i = 0; i < votes->count; i++) {
        int64_t target = votes->target[i];
        if (target < 0 || (uint64_t)target >= trees->target_count) {
            return onr_fail(ctx->err, ONR_ERR_MODEL,
                            "%s_ids[%zu] is %" PRId64 ", expected 0 to %zu", prefix, i, target,
                            trees->target_count - 1);
        }
        ONR_TRY(find_node(ctx, ids, votes->tree[i], votes->node[i], "votes", &leaf[i]));
        trees->nodes[leaf[i]].count++;
    }
    for (size_t i = 0; i < trees->node_count; i++) {
        trees->nodes[i].first = next;
        next += trees->nodes[i].count;
        trees->nodes[i].count = 0;
    }
    for (size_t i = 0; i < votes->count; i++) {
        struct onr_tree_node *node = &trees->nodes[leaf[i]];
        trees->votes[node->first + node->count++] =
            (struct onr_tree_vote){votes->weights.values[i], (uint32_t)votes->target[i]};
    }
    return ONR_OK;
}

enum onr_status onr_trees_read_1(struct onr_prepare_ctx *ctx, const char *prefix,
                                 struct onr_trees *trees)
{
    struct ids ids = {.count = 0};
    struct votes votes = {.count = 0};
    ids.tree = onr_attr_ints(ctx->node, "nodes_treeids", &ids.count);
    if (ids.count == 0) {
        return onr_fail(ctx->err, ONR_ERR_MODEL, "nodes_treeids is empty");
    }
    ONR_TRY(onr_trees_ints(ctx, "nodes_nodeids", ids.count, &ids.node));
    ONR_TRY(read_vote_lists(ctx, prefix, &votes));
    ONR_TRY(onr_trees_alloc(ctx, trees, ids.count, votes.count, ids.count));
    ONR_TRY(sort_ids(ctx, &ids));
    find_roots(&ids, trees);
    ONR_TRY(read_nodes(ctx, &ids, trees));
    return place_votes(ctx, &ids, &votes, prefix, trees);
}
