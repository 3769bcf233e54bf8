/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LayerNormalization and RMSNormalization over the last axis from what exporters write for them:
 *
 *   d = x - ReduceMean(x)                    LayerNormalization; else d = x
 *   s = Sqrt(ReduceMean(d^2) + epsilon)      d^2 by Pow or Mul
 *   y = d / s * scale + bias                 d / s by Div or by Reciprocal and Mul
 *
 * scale and bias have one element for each of the last axis; a RMSNormalization has no bias.
 */
#include "graph/op_def.h"
#include "graph/passes/fuse.h"

#include <string.h>

static bool is_last_axis(const struct onr_fuser *fuser, const struct onr_node *mean)
{
    const struct onr_fact *x = &fuser->graph->values[mean->inputs[0]].fact;
    size_t count = 0;
    const int64_t *axes = onr_attr_ints(mean, "axes", &count);
    if (mean->input_count > 1 && mean->inputs[1] != ONR_NO_VALUE) {
        const struct onr_fact *given = &fuser->graph->values[mean->inputs[1]].fact;
        if (given->data == NULL || given->dtype != ONR_INT64 ||
            onr_shape_range(&given->shape, 0, given->shape.rank) != 1) {
            return false;
        }
        axes = given->data;
        count = 1;
    }
    return count == 1 && (axes[0] == -1 || (x->shape.rank > 0 && axes[0] == x->shape.rank - 1));
}

/* The value whose mean over the last axis, kept as an axis, this value is; or ONR_NO_VALUE. */
static uint32_t mean_of(const struct onr_fuser *fuser, uint32_t value)
{
    const struct onr_node *mean = onr_fuse_producer(fuser, value, "ReduceMean");
    if (mean == NULL || onr_attr_int(mean, "keepdims", 1) != 1 || !is_last_axis(fuser, mean)) {
        return ONR_NO_VALUE;
    }
    return mean->inputs[0];
}

/* The value whose square this value is, or ONR_NO_VALUE. */
static uint32_t root_of(const struct onr_fuser *fuser, uint32_t value)
{
    double exponent = 0;
    const struct onr_node *node = onr_fuse_producer(fuser, value, "Pow");
    if (node != NULL) {
        bool is_square = onr_fuse_number(fuser, node->inputs[1], &exponent) && exponent == 2;
        return is_square ? node->inputs[0] : ONR_NO_VALUE;
    }
    node = onr_fuse_producer(fuser, value, "Mul");
    return node != NULL && node->inputs[0] == node->inputs[1] ? node->inputs[0] : ONR_NO_VALUE;
}

/* The node that divides d by the root. */
static struct onr_node *quotient(const struct onr_fuser *fuser, uint32_t root, uint32_t d)
{
    struct onr_node *node = onr_fuse_user(fuser, root, "Div");
    if (node != NULL) {
        return node->inputs[0] == d && node->inputs[1] == root ? node : NULL;
    }
    const struct onr_node *inverse = onr_fuse_user(fuser, root, "Reciprocal");
    node = inverse != NULL ? onr_fuse_user(fuser, inverse->outputs[0], "Mul") : NULL;
    return node != NULL && onr_fuse_other(node, inverse->outputs[0]) == d ? node : NULL;
}

/* True for one number per element of the last axis of x. */
static bool is_row(const struct onr_fuser *fuser, uint32_t value, uint32_t x)
{
    const struct onr_fact *row = &fuser->graph->values[value].fact;
    const struct onr_fact *data = &fuser->graph->values[x].fact;
    return row->shape.rank == 1 && data->shape.rank >= 1 && row->dtype == data->dtype &&
           row->shape.dim[0] > 0 && row->shape.dim[0] == data->shape.dim[data->shape.rank - 1];
}

/* The input and the number below the root of the mean of d^2. */
static bool read_root(const struct onr_fuser *fuser, const struct onr_node *root, uint32_t *d,
                      double *epsilon)
{
    uint32_t mean = ONR_NO_VALUE;
    const struct onr_node *sum = onr_fuse_producer(fuser, root->inputs[0], "Add");
    if (sum == NULL || !onr_fuse_number_operand(fuser, sum, &mean, epsilon)) {
        return false;
    }
    uint32_t square = mean_of(fuser, mean);
    *d = square != ONR_NO_VALUE ? root_of(fuser, square) : ONR_NO_VALUE;
    return *d != ONR_NO_VALUE;
}

static void add_input(struct onr_fused *fused, uint32_t value, struct onr_node *last)
{
    fused->inputs[fused->input_count++] = value;
    fused->last = last;
}

static bool match_norm(const struct onr_fuser *fuser, const struct onr_node *root,
                       struct onr_fused *fused)
{
    double epsilon = 0;
    uint32_t d = ONR_NO_VALUE;
    if (!read_root(fuser, root, &d, &epsilon)) {
        return false;
    }
    const struct onr_node *normal = quotient(fuser, root->outputs[0], d);
    struct onr_node *scaled =
        normal != NULL ? onr_fuse_user(fuser, normal->outputs[0], "Mul") : NULL;
    if (scaled == NULL) {
        return false;
    }
    const struct onr_node *centred = onr_fuse_producer(fuser, d, "Sub");
    bool is_layer = centred != NULL && mean_of(fuser, centred->inputs[1]) == centred->inputs[0];
    uint32_t x = is_layer ? centred->inputs[0] : d;
    uint32_t scale = onr_fuse_other(scaled, normal->outputs[0]);
    if (!is_row(fuser, scale, x)) {
        return false;
    }
    fused->inputs[0] = x;
    fused->input_count = 1;
    add_input(fused, scale, scaled);
    struct onr_node *shifted = is_layer ? onr_fuse_user(fuser, scaled->outputs[0], "Add") : NULL;
    if (shifted != NULL && is_row(fuser, onr_fuse_other(shifted, scaled->outputs[0]), x)) {
        add_input(fused, onr_fuse_other(shifted, scaled->outputs[0]), shifted);
    }
    fused->op_type = is_layer ? "LayerNormalization" : "RMSNormalization";
    fused->version = is_layer ? 17 : 23;
    fused->attrs[0] = (struct onr_attr){
        .name = "epsilon", .kind = ONR_ATTR_FLOAT, .count = 1, .as.f = (float)epsilon};
    fused->attr_count = 1;
    return true;
}

enum onr_status onr_pass_fuse_norm(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    static const struct onr_fusion fusions[] = {{"Sqrt", match_norm}, {NULL, NULL}};
    return onr_fuse(graph, fusions, ctx);
}
