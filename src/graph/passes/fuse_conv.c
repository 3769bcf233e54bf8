/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FusedConv (com.microsoft, ops/contrib/contrib_fused_conv.c) from a Conv of float32 and what stands
 * behind it:
 *
 *   Add of a tensor that has the shape of the convolution
 *   Relu, Clip, Swish, ...
 *
 * each at most once, in this order.
 */
#include "graph/op_def.h"
#include "graph/passes/fuse_activation.h"

enum { BIAS = 2, ADDEND };

static bool has_same_dims(const struct onr_fuser *fuser, uint32_t a, uint32_t b)
{
    const struct onr_shape *shape = &onr_fuse_fact(fuser, a)->shape;
    return shape->rank > 0 && onr_shape_equal(shape, &onr_fuse_fact(fuser, b)->shape);
}

/* The node behind a convolution that adds a tensor of its shape, or NULL. */
static struct onr_node *find_addend(const struct onr_fuser *fuser, uint32_t value, uint32_t *addend)
{
    struct onr_node *node = onr_fuse_user(fuser, value, "Add");
    if (node == NULL) {
        return NULL;
    }
    *addend = onr_fuse_other(node, value);
    if (!has_same_dims(fuser, value, *addend)) {
        (void)onr_fuse_miss(fuser, "FusedConv", *addend,
                            "a tensor that has the shape of the convolution for sure");
        return NULL;
    }
    return node;
}

static bool match_conv(const struct onr_fuser *fuser, const struct onr_node *anchor,
                       struct onr_fused *fused)
{
    uint32_t value = anchor->outputs[0];
    struct onr_fuse_activation activation;
    if (onr_fuse_fact(fuser, value)->dtype != ONR_FLOAT) {
        return false;
    }
    for (uint32_t i = 0; i <= ADDEND; i++) {
        fused->inputs[i] = onr_fuse_has_input(anchor, i) ? anchor->inputs[i] : ONR_NO_VALUE;
    }
    struct onr_node *sum = find_addend(fuser, value, &fused->inputs[ADDEND]);
    value = sum != NULL ? sum->outputs[0] : value;
    struct onr_node *function = onr_fuse_find_activation(fuser, value, &activation);
    fused->last = function != NULL ? function : sum;
    fused->op_type = "FusedConv";
    fused->domain = "com.microsoft";
    fused->version = 1;
    fused->input_count = sum != NULL ? ADDEND + 1 : anchor->input_count;
    onr_fused_activate(fused, anchor, &activation);
    return fused->last != NULL;
}

enum onr_status onr_pass_fuse_conv(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    static const struct onr_fusion fusions[] = {{"Conv", match_conv}, {NULL, NULL}};
    return onr_fuse(graph, fusions, ctx);
}
