/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GatherScores (onnxrun, ops/matrix/gather_scores.c) from attention's scores by relative position, of
 * which each query looks up those of its keys, as DeBERTa has it:
 *
 *   GatherElements(MatMul(x, p), Expand(index, shape))  along the last axis, where p are embeddings of
 *                                                       several heads, or Transpose or Tile of them,
 *                                                       or Transpose of Tile; without Expand as well
 */
#include "graph/op_def.h"
#include "graph/passes/fuse.h"

#define OP "GatherScores"

enum { A, B, INDEX, REPEATS, SHAPE };

static const struct onr_shape *shape_of(const struct onr_fuser *fuser, uint32_t value)
{
    return &onr_fuse_fact(fuser, value)->shape;
}

/* Whether these repeats leave all dimensions but the first as they are. */
static bool repeats_first_alone(const struct onr_fact *repeats, int rank)
{
    for (int d = 1; d < rank; d++) {
        bool is_one = onr_fact_is_constant(repeats)
                          ? onr_fact_int(repeats, d) == 1
                          : repeats->contents != NULL && repeats->contents[d].dim == 0 &&
                                repeats->contents[d].value == 1;
        if (!is_one) {
            return false;
        }
    }
    return true;
}

/* Whether there are at least two matrices for sure. */
static bool has_heads(const struct onr_shape *b)
{
    int64_t count = 1;
    for (int d = 0; d < b->rank - 2; d++) {
        count = b->dim[d] > count ? b->dim[d] : count;
    }
    return count > 1;
}

static bool match_b(const struct onr_fuser *fuser, uint32_t b, struct onr_fused *fused)
{
    const struct onr_node *turn = onr_fuse_producer(fuser, b, "Transpose");
    bool is_turned = turn != NULL && onr_fuse_swaps_matrix(fuser, turn);
    b = is_turned ? turn->inputs[0] : b;
    const struct onr_node *tile = onr_fuse_producer(fuser, b, "Tile");
    if (tile != NULL &&
        !repeats_first_alone(onr_fuse_fact(fuser, tile->inputs[1]), shape_of(fuser, b)->rank)) {
        return onr_fuse_miss(fuser, OP, tile->inputs[1], "1 for all dimensions but the first");
    }
    b = tile != NULL ? tile->inputs[0] : b;
    fused->inputs[B] = b;
    fused->inputs[REPEATS] = tile != NULL ? tile->inputs[1] : ONR_NO_VALUE;
    if (is_turned) {
        onr_fused_int(fused, "transB", 1);
    }
    return has_heads(shape_of(fuser, b)) || onr_fuse_miss(fuser, OP, b, "several matrices");
}

static bool match_index(const struct onr_fuser *fuser, uint32_t index, struct onr_fused *fused)
{
    const struct onr_node *expand = onr_fuse_producer(fuser, index, "Expand");
    int rank = shape_of(fuser, index)->rank;
    uint32_t from = expand != NULL ? expand->inputs[0] : index;
    fused->inputs[INDEX] = index;
    fused->inputs[SHAPE] = ONR_NO_VALUE;
    if (expand != NULL && shape_of(fuser, from)->rank == rank &&
        onr_fuse_same_dim(fuser, from, rank - 2, index, rank - 2) &&
        onr_fuse_same_dim(fuser, from, rank - 1, index, rank - 1)) {
        fused->inputs[INDEX] = from;
        fused->inputs[SHAPE] = expand->inputs[1];
    }
    return true;
}

static bool match_gather(const struct onr_fuser *fuser, const struct onr_node *gather,
                         struct onr_fused *fused)
{
    uint32_t scores = gather->inputs[0];
    const struct onr_node *product = onr_fuse_producer(fuser, scores, "MatMul");
    int rank = shape_of(fuser, scores)->rank;
    if (product == NULL || rank < 3 || onr_fuse_fact(fuser, scores)->dtype != ONR_FLOAT ||
        !onr_fuse_is_last_axis(fuser, scores, onr_attr_int(gather, "axis", 0)) ||
        shape_of(fuser, product->inputs[0])->rank != rank ||
        shape_of(fuser, product->inputs[1])->rank != rank) {
        return false;
    }
    if (onr_fuse_use_count(fuser, scores) != 1) {
        return onr_fuse_miss(fuser, OP, scores, "used by GatherElements alone");
    }
    fused->last = &fuser->graph->nodes[fuser->graph->values[gather->outputs[0]].producer];
    fused->op_type = OP;
    fused->domain = "onnxrun";
    fused->version = 1;
    fused->inputs[A] = product->inputs[0];
    if (!match_b(fuser, product->inputs[1], fused) ||
        !match_index(fuser, gather->inputs[1], fused)) {
        return false;
    }
    fused->input_count = SHAPE + 1;
    return true;
}

enum onr_status onr_pass_fuse_gather_scores(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    static const struct onr_fusion fusions[] = {{"GatherElements", match_gather}, {NULL, NULL}};
    return onr_fuse(graph, fusions, ctx);
}
