/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GatherMatMul (onnxrun, ops/matrix/gather_matmul.c) from a product with matrices that are picked
 * out of weights, as mixtures of experts are written that give each token its own:
 *
 *   MatMul(x, Gather(weights, index))                   along axis 0, or GatherND with one index
 *   MatMul(Gather(weights, index), x)                   where x is a column
 */
#include "graph/op_def.h"
#include "graph/passes/fuse.h"

#define OP "GatherMatMul"

/* The node that picks matrices out of a constant [e, k, n] to make this value, or NULL. */
static const struct onr_node *find_gather(const struct onr_fuser *fuser, uint32_t value,
                                          bool *has_tuples)
{
    const struct onr_node *gather = onr_fuse_producer(fuser, value, "Gather");
    *has_tuples = gather == NULL;
    if (gather == NULL) {
        gather = onr_fuse_producer(fuser, value, "GatherND");
    }
    if (gather == NULL) {
        return NULL;
    }
    const struct onr_value *weights = &fuser->graph->values[gather->inputs[0]];
    const struct onr_shape *index = &onr_fuse_fact(fuser, gather->inputs[1])->shape;
    bool is_first_axis = *has_tuples ? index->rank > 0 && index->dim[index->rank - 1] == 1 &&
                                           onr_attr_int(gather, "batch_dims", 0) == 0
                                     : index->rank >= 0 && onr_attr_int(gather, "axis", 0) % 3 == 0;
    return is_first_axis && weights->constant != NULL && !weights->is_input &&
                   weights->fact.dtype == ONR_FLOAT && weights->fact.shape.rank == 3
               ? gather
               : NULL;
}

static bool match_operand(const struct onr_fuser *fuser, const struct onr_node *product,
                          uint32_t operand, struct onr_fused *fused)
{
    uint32_t picked = product->inputs[operand];
    uint32_t x = product->inputs[1 - operand];
    const struct onr_shape *shape = &onr_fuse_fact(fuser, x)->shape;
    bool has_tuples = false;
    const struct onr_node *gather = find_gather(fuser, picked, &has_tuples);
    if (gather == NULL) {
        return false;
    }
    if (onr_fuse_use_count(fuser, picked) != 1) {
        return onr_fuse_miss(fuser, OP, picked, "used by the product alone");
    }
    if (shape->rank < 2 || (operand == 0 && shape->dim[shape->rank - 1] != 1)) {
        return onr_fuse_miss(fuser, OP, x, operand == 0 ? "columns [..., k, 1]" : "[..., m, k]");
    }
    fused->last = &fuser->graph->nodes[fuser->graph->values[product->outputs[0]].producer];
    fused->op_type = OP;
    fused->domain = "onnxrun";
    fused->version = 1;
    fused->inputs[0] = x;
    fused->inputs[1] = gather->inputs[0];
    fused->inputs[2] = gather->inputs[1];
    fused->input_count = 3;
    onr_fused_int(fused, "left", operand == 0);
    onr_fused_int(fused, "tuples", has_tuples);
    return true;
}

static bool match_product(const struct onr_fuser *fuser, const struct onr_node *product,
                          struct onr_fused *fused)
{
    return match_operand(fuser, product, 0, fused) || match_operand(fuser, product, 1, fused);
}

enum onr_status onr_pass_fuse_gather_matmul(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    static const struct onr_fusion fusions[] = {{"MatMul", match_product}, {NULL, NULL}};
    return onr_fuse(graph, fusions, ctx);
}
