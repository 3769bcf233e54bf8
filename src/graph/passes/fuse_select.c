/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where (ai.onnx) from a choice that tf2onnx writes as a sum of products:
 *
 *   Add(Mul(x, Cast(c)), Mul(y, Cast(Not(c))))  ->  Where(c, x, y)
 *
 * in any order of operands. What is not chosen may be infinite or NaN, as in the model's own choice;
 * times zero it would give NaN.
 */
#include "graph/op_def.h"
#include "graph/passes/fuse.h"

/* A product with a flag as number, which nothing else uses. */
static bool read_product(const struct onr_fuser *fuser, uint32_t value, uint32_t *flag, uint32_t *x)
{
    const struct onr_node *product = onr_fuse_producer(fuser, value, "Mul");
    for (uint32_t i = 0; product != NULL && i < 2; i++) {
        const struct onr_node *cast = onr_fuse_producer(fuser, product->inputs[i], "Cast");
        if (cast != NULL && onr_fuse_fact(fuser, cast->inputs[0])->dtype == ONR_BOOL) {
            *flag = cast->inputs[0];
            *x = product->inputs[1 - i];
            return onr_fuse_use_count(fuser, value) == 1;
        }
    }
    return false;
}

/* Whether one flag is Not of the other. */
static bool is_opposite(const struct onr_fuser *fuser, uint32_t flag, uint32_t other)
{
    const struct onr_node *negation = onr_fuse_producer(fuser, flag, "Not");
    return negation != NULL && negation->inputs[0] == other;
}

static bool match_sum(const struct onr_fuser *fuser, const struct onr_node *sum,
                      struct onr_fused *fused)
{
    uint32_t flags[2];
    uint32_t x[2];
    if (!read_product(fuser, sum->inputs[0], &flags[0], &x[0]) ||
        !read_product(fuser, sum->inputs[1], &flags[1], &x[1])) {
        return false;
    }
    uint32_t first = is_opposite(fuser, flags[1], flags[0]) ? 0 : 1;
    if (!is_opposite(fuser, flags[1 - first], flags[first])) {
        return onr_fuse_miss(fuser, "Where", flags[1], "Not of the other factor's flag");
    }
    fused->last = &fuser->graph->nodes[fuser->graph->values[sum->outputs[0]].producer];
    fused->op_type = "Where";
    fused->version = 16;
    fused->inputs[0] = flags[first];
    fused->inputs[1] = x[first];
    fused->inputs[2] = x[1 - first];
    fused->input_count = 3;
    return true;
}

enum onr_status onr_pass_fuse_select(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    static const struct onr_fusion fusions[] = {{"Add", match_sum}, {NULL, NULL}};
    return onr_fuse(graph, fusions, ctx);
}
