/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MaskedSoftmax (onnxrun, ops/norm/masked_softmax.c) from
 *
 *   softmax(scale * x + mask), over the last dimension
 *
 * where attention was not fused, as its probabilities are results themselves. The scale is one
 * number, multiplied or divided by, or absent.
 */
#include "graph/passes/fuse.h"

#define OP "MaskedSoftmax"

/* Whether the value has the last dimension of the sum, that is: no number of it is for a row. */
static bool has_rows(const struct onr_fuser *fuser, uint32_t value, uint32_t sum)
{
    int rank = onr_fuse_fact(fuser, value)->shape.rank;
    return rank > 0 && onr_fuse_same_dim(fuser, value, rank - 1, sum,
                                         onr_fuse_fact(fuser, sum)->shape.rank - 1);
}

/* What is scaled to x, when that can be told as a float without changing a bit; else x itself. */
static uint32_t before_scale(const struct onr_fuser *fuser, uint32_t x, float *scale)
{
    double number = 1;
    uint32_t value =
        onr_fuse_use_count(fuser, x) == 1 ? onr_fuse_before_scale(fuser, x, &number) : ONR_NO_VALUE;
    *scale = (float)number;
    if (value == ONR_NO_VALUE || (double)*scale != number) {
        *scale = 1;
        return x;
    }
    return value;
}

static bool match_softmax(const struct onr_fuser *fuser, const struct onr_node *softmax,
                          struct onr_fused *fused)
{
    uint32_t sum = softmax->inputs[0];
    const struct onr_node *add = onr_fuse_producer(fuser, sum, "Add");
    int64_t axis = onr_attr_int(softmax, "axis", softmax->version < 13 ? 1 : -1);
    if (add == NULL || !onr_fuse_is_last_axis(fuser, sum, axis)) {
        return false;
    }
    if (onr_fuse_use_count(fuser, sum) != 1) {
        return onr_fuse_miss(fuser, OP, sum, "used by the Softmax alone");
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (!has_rows(fuser, add->inputs[i], sum)) {
            return onr_fuse_miss(fuser, OP, add->inputs[i],
                                 "scores or a mask, with a number for "
                                 "each element of a row");
        }
    }
    float scale = 1;
    uint32_t masks = before_scale(fuser, add->inputs[0], &scale) == add->inputs[0] ? 0 : 1;
    fused->last = &fuser->graph->nodes[fuser->graph->values[softmax->outputs[0]].producer];
    fused->op_type = OP;
    fused->domain = "onnxrun";
    fused->version = 1;
    fused->inputs[0] = before_scale(fuser, add->inputs[1 - masks], &scale);
    fused->inputs[1] = add->inputs[masks];
    fused->input_count = 2;
    onr_fused_float(fused, "scale", scale);
    return true;
}

enum onr_status onr_pass_fuse_softmax(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    static const struct onr_fusion fusions[] = {{"Softmax", match_softmax}, {NULL, NULL}};
    return onr_fuse(graph, fusions, ctx);
}
