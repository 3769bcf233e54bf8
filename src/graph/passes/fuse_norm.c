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

/* True for the mean over the last axis, kept as an axis. */
static bool is_row_mean(const struct onr_fuser *fuser, const struct onr_node *node)
{
    return node != NULL && onr_attr_int(node, "keepdims", 1) == 1 && is_last_axis(fuser, node);
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

/* True for one number per element of the last axis of x. */
static bool is_row(const struct onr_fuser *fuser, uint32_t value, uint32_t x)
{
    const struct onr_fact *row = &fuser->graph->values[value].fact;
    const struct onr_fact *data = &fuser->graph->values[x].fact;
    return row->shape.rank == 1 && data->shape.rank >= 1 && row->dtype == data->dtype &&
           row->shape.dim[0] > 0 && row->shape.dim[0] == data->shape.dim[data->shape.rank - 1];
}

/* What the root of a normalisation says. */
struct root {
    const char *op; /* that is made of it */
    uint32_t x;
    uint32_t d; /* x or x - mean(x) */
    double epsilon;
};

/* The mean of a square below the root, and what is added to it; NULL when it is not that. */
static const struct onr_node *mean_below(const struct onr_fuser *fuser, const struct onr_node *root,
                                         uint32_t *added, uint32_t *d)
{
    const struct onr_node *sum = onr_fuse_producer(fuser, root->inputs[0], "Add");
    for (uint32_t i = 0; sum != NULL && i < 2; i++) {
        const struct onr_node *mean = onr_fuse_producer(fuser, sum->inputs[i], "ReduceMean");
        *added = sum->inputs[1 - i];
        *d = mean != NULL ? root_of(fuser, mean->inputs[0]) : ONR_NO_VALUE;
        if (*d != ONR_NO_VALUE) {
            return mean;
        }
    }
    return NULL;
}

static bool read_root(const struct onr_fuser *fuser, const struct onr_node *node, struct root *root)
{
    uint32_t added = ONR_NO_VALUE;
    const struct onr_node *mean = mean_below(fuser, node, &added, &root->d);
    if (mean == NULL) {
        return false;
    }
    const struct onr_node *centred = onr_fuse_producer(fuser, root->d, "Sub");
    const struct onr_node *centre =
        centred != NULL ? onr_fuse_producer(fuser, centred->inputs[1], "ReduceMean") : NULL;
    bool is_layer = is_row_mean(fuser, centre) && centre->inputs[0] == centred->inputs[0];
    root->op = is_layer ? "LayerNormalization" : "RMSNormalization";
    root->x = is_layer ? centred->inputs[0] : root->d;
    if (!is_row_mean(fuser, mean)) {
        return onr_fuse_miss(fuser, root->op, mean->outputs[0],
                             "a mean over the last axis alone, kept as an axis");
    }
    if (!onr_fuse_number(fuser, added, &root->epsilon)) {
        return onr_fuse_miss(fuser, root->op, added, "epsilon: a constant of one number");
    }
    return true;
}

static void add_input(struct onr_fused *fused, uint32_t value, struct onr_node *last)
{
    fused->inputs[fused->input_count++] = value;
    fused->last = last;
}

/* The node that divides d by the root, which nothing else needs. */
static struct onr_node *quotient(const struct onr_fuser *fuser, uint32_t value,
                                 const struct root *root)
{
    const struct onr_node *inverse = onr_fuse_user(fuser, value, "Reciprocal");
    uint32_t divisor = inverse != NULL ? inverse->outputs[0] : value;
    struct onr_node *node = onr_fuse_user(fuser, divisor, inverse != NULL ? "Mul" : "Div");
    bool is_quotient = node != NULL && onr_fuse_other(node, divisor) == root->d &&
                       (inverse != NULL || node->inputs[1] == divisor);
    if (!is_quotient) {
        (void)onr_fuse_miss(fuser, root->op, divisor,
                            inverse != NULL ? "used by one Mul, with what the mean of squares is of"
                                            : "used by one Div, of what the mean of squares is of");
    }
    return is_quotient ? node : NULL;
}

/* The product of the quotient and one number for each element of the last axis. */
static struct onr_node *find_scaled(const struct onr_fuser *fuser, const struct onr_node *node,
                                    const struct root *root, uint32_t *scale)
{
    const struct onr_node *normal = quotient(fuser, node->outputs[0], root);
    if (normal == NULL) {
        return NULL;
    }
    struct onr_node *scaled = onr_fuse_user(fuser, normal->outputs[0], "Mul");
    if (scaled == NULL) {
        (void)onr_fuse_miss(fuser, root->op, normal->outputs[0], "used by one Mul, with scale");
        return NULL;
    }
    *scale = onr_fuse_other(scaled, normal->outputs[0]);
    if (!is_row(fuser, *scale, root->x)) {
        (void)onr_fuse_miss(fuser, root->op, *scale,
                            "scale: one number for each element of the last axis");
        return NULL;
    }
    return scaled;
}

static bool match_norm(const struct onr_fuser *fuser, const struct onr_node *node,
                       struct onr_fused *fused)
{
    struct root root;
    uint32_t scale = ONR_NO_VALUE;
    struct onr_node *scaled =
        read_root(fuser, node, &root) ? find_scaled(fuser, node, &root, &scale) : NULL;
    if (scaled == NULL) {
        return false;
    }
    bool is_layer = root.x != root.d;
    fused->inputs[0] = root.x;
    fused->input_count = 1;
    add_input(fused, scale, scaled);
    struct onr_node *shifted = is_layer ? onr_fuse_user(fuser, scaled->outputs[0], "Add") : NULL;
    if (shifted != NULL && is_row(fuser, onr_fuse_other(shifted, scaled->outputs[0]), root.x)) {
        add_input(fused, onr_fuse_other(shifted, scaled->outputs[0]), shifted);
    }
    fused->op_type = root.op;
    fused->version = is_layer ? 17 : 23;
    fused->attrs[0] = (struct onr_attr){
        .name = "epsilon", .kind = ONR_ATTR_FLOAT, .count = 1, .as.f = (float)root.epsilon};
    fused->attr_count = 1;
    return true;
}

enum onr_status onr_pass_fuse_norm(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    static const struct onr_fusion fusions[] = {{"Sqrt", match_norm}, {NULL, NULL}};
    return onr_fuse(graph, fusions, ctx);
}
