/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LayerNormalization and RMSNormalization over the last axis from what exporters write for them:
 *
 *   d = x - ReduceMean(x)                    LayerNormalization; else d = x
 *   s = Sqrt(ReduceMean(d^2) + epsilon)      d^2 by Pow or Mul
 *   y = d / s * scale + bias                 d / s by Div, or by Mul with Reciprocal(s) or 1 / s
 *
 * or, as TensorFlow writes it,
 *
 *   g = 1 / s * scale
 *   y = x * g + (bias - ReduceMean(x) * g)   or Neg(ReduceMean(x)) * g + bias
 *
 * scale and bias have one element for each of the last axis; a RMSNormalization has no bias.
 *
 * UnitRows (onnxrun, ops/norm/unit_rows.c) from x / Clip(ReduceL2(x), floor), where Clip may be missing,
 * and x may be a Transpose that leaves the last axis in its place.
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

/* True for a reduction over the last axis, kept as an axis. */
static bool is_by_row(const struct onr_fuser *fuser, const struct onr_node *node)
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
    int last = row->shape.rank - 1;
    return last >= 0 && row->shape.rank <= data->shape.rank && row->dtype == data->dtype &&
           row->shape.dim[last] > 0 &&
           row->shape.dim[last] == data->shape.dim[data->shape.rank - 1] &&
           onr_shape_range(&row->shape, 0, last) == 1;
}

/* What the root of a normalisation says. */
struct root {
    const char *op; /* that is made of it */
    uint32_t x;
    uint32_t d;    /* x or x - mean(x) */
    uint32_t mean; /* of x, or ONR_NO_VALUE */
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
    bool is_layer = is_by_row(fuser, centre) && centre->inputs[0] == centred->inputs[0];
    root->op = is_layer ? "LayerNormalization" : "RMSNormalization";
    root->x = is_layer ? centred->inputs[0] : root->d;
    root->mean = is_layer ? centre->outputs[0] : ONR_NO_VALUE;
    if (!is_by_row(fuser, mean)) {
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

/* 1 / value, when nothing else needs the value; or ONR_NO_VALUE. */
static uint32_t inverse_of(const struct onr_fuser *fuser, uint32_t value)
{
    double one = 0;
    const struct onr_node *node = onr_fuse_user(fuser, value, "Reciprocal");
    if (node == NULL) {
        node = onr_fuse_user(fuser, value, "Div");
        if (node == NULL || !onr_fuse_number(fuser, node->inputs[0], &one) || one != 1) {
            return ONR_NO_VALUE;
        }
    }
    return node->outputs[0];
}

/* The node that divides d by the root, which nothing else needs. */
static struct onr_node *quotient(const struct onr_fuser *fuser, uint32_t value,
                                 const struct root *root)
{
    uint32_t inverse = inverse_of(fuser, value);
    bool has_inverse = inverse != ONR_NO_VALUE;
    uint32_t divisor = has_inverse ? inverse : value;
    struct onr_node *node = onr_fuse_user(fuser, divisor, has_inverse ? "Mul" : "Div");
    bool is_quotient = node != NULL && onr_fuse_other(node, divisor) == root->d &&
                       (has_inverse || node->inputs[1] == divisor);
    if (!is_quotient) {
        (void)onr_fuse_miss(fuser, root->op, divisor,
                            has_inverse ? "used by one Mul, with what the mean of squares is of"
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

/* y = d / s * scale + bias, where the sum may be missing */
static bool match_plain(const struct onr_fuser *fuser, const struct onr_node *node,
                        const struct root *root, struct onr_fused *fused)
{
    uint32_t scale = ONR_NO_VALUE;
    struct onr_node *scaled = find_scaled(fuser, node, root, &scale);
    if (scaled == NULL) {
        return false;
    }
    add_input(fused, scale, scaled);
    bool is_layer = root->mean != ONR_NO_VALUE;
    struct onr_node *shifted = is_layer ? onr_fuse_user(fuser, scaled->outputs[0], "Add") : NULL;
    if (shifted != NULL && is_row(fuser, onr_fuse_other(shifted, scaled->outputs[0]), root->x)) {
        add_input(fused, onr_fuse_other(shifted, scaled->outputs[0]), shifted);
    }
    return true;
}

/* The node of this operator that makes the value, which is used once. */
static const struct onr_node *inner(const struct onr_fuser *fuser, uint32_t value,
                                    const char *op_type)
{
    const struct onr_node *node = onr_fuse_producer(fuser, value, op_type);
    return node != NULL && fuser->graph->values[value].use_count == 1 ? node : NULL;
}

/* The other factor of a product with g. */
static uint32_t factor_of(const struct onr_fuser *fuser, uint32_t value, uint32_t g)
{
    const struct onr_node *node = inner(fuser, value, "Mul");
    return node != NULL && (node->inputs[0] == g || node->inputs[1] == g) ? onr_fuse_other(node, g)
                                                                          : ONR_NO_VALUE;
}

/* The bias in bias - mean * g, or ONR_NO_VALUE. */
static uint32_t bias_of(const struct onr_fuser *fuser, uint32_t value, const struct root *root,
                        uint32_t g)
{
    const struct onr_node *node = inner(fuser, value, "Sub");
    if (node != NULL) {
        return factor_of(fuser, node->inputs[1], g) == root->mean ? node->inputs[0] : ONR_NO_VALUE;
    }
    node = inner(fuser, value, "Add");
    for (uint32_t i = 0; node != NULL && i < 2; i++) {
        uint32_t factor = factor_of(fuser, node->inputs[i], g);
        const struct onr_node *negative = onr_fuse_producer(fuser, factor, "Neg");
        if (negative != NULL && negative->inputs[0] == root->mean) {
            return node->inputs[1 - i];
        }
    }
    return ONR_NO_VALUE;
}

/* The node x * g + (bias - mean * g) among those that the value leads to, and the bias. */
static struct onr_node *find_factored(const struct onr_fuser *fuser, uint32_t value,
                                      const struct root *root, uint32_t g, uint32_t *bias)
{
    static const char *const ways[] = {"Mul", "Add", "Sub"};
    for (int step = 0; step < 3; step++) {
        uint32_t n = fuser->user[value];
        struct onr_node *node = n != ONR_NO_VALUE ? &fuser->graph->nodes[n] : NULL;
        bool is_way = false;
        for (size_t i = 0; node != NULL && i < 3; i++) {
            is_way = is_way || onr_fuse_is(node, ways[i]);
        }
        if (!is_way) {
            return NULL;
        }
        for (uint32_t i = 0; i < 2; i++) {
            *bias = factor_of(fuser, node->inputs[i], g) == root->x && onr_fuse_is(node, "Add")
                        ? bias_of(fuser, node->inputs[1 - i], root, g)
                        : ONR_NO_VALUE;
            if (*bias != ONR_NO_VALUE) {
                return node;
            }
        }
        value = node->outputs[0];
    }
    return NULL;
}

/* g = 1 / s * scale, y = x * g + (bias - mean * g) */
static bool match_factored(const struct onr_fuser *fuser, const struct onr_node *node,
                           const struct root *root, struct onr_fused *fused)
{
    uint32_t bias = ONR_NO_VALUE;
    uint32_t inverse = inverse_of(fuser, node->outputs[0]);
    const struct onr_node *product =
        inverse != ONR_NO_VALUE ? onr_fuse_user(fuser, inverse, "Mul") : NULL;
    if (product == NULL || fuser->graph->values[product->outputs[0]].use_count != 2) {
        return false;
    }
    uint32_t g = product->outputs[0];
    uint32_t scale = onr_fuse_other(product, inverse);
    struct onr_node *last = find_factored(fuser, g, root, g, &bias);
    if (last == NULL || !is_row(fuser, scale, root->x) || !is_row(fuser, bias, root->x)) {
        return false;
    }
    add_input(fused, scale, last);
    add_input(fused, bias, last);
    return true;
}

static bool match_norm(const struct onr_fuser *fuser, const struct onr_node *node,
                       struct onr_fused *fused)
{
    struct root root;
    if (!read_root(fuser, node, &root)) {
        return false;
    }
    bool is_layer = root.mean != ONR_NO_VALUE;
    fused->inputs[0] = root.x;
    fused->input_count = 1;
    if (!(is_layer && match_factored(fuser, node, &root, fused)) &&
        !match_plain(fuser, node, &root, fused)) {
        return false;
    }
    fused->op_type = root.op;
    fused->version = is_layer ? 17 : 23;
    fused->attrs[0] = (struct onr_attr){
        .name = "epsilon", .kind = ONR_ATTR_FLOAT, .count = 1, .as.f = (float)root.epsilon};
    fused->attr_count = 1;
    return true;
}

/* ---- rows of length 1 ---- */

/* The node that divides x by max(norm, floor), or by the norm. */
static struct onr_node *find_unit(const struct onr_fuser *fuser, const struct onr_node *norm,
                                  double *floor)
{
    uint32_t value = norm->outputs[0];
    const struct onr_node *clip = onr_fuse_user(fuser, value, "Clip");
    if (clip != NULL) {
        if (!onr_fuse_has_input(clip, 1) || onr_fuse_has_input(clip, 2) ||
            !onr_fuse_number(fuser, clip->inputs[1], floor)) {
            (void)onr_fuse_miss(fuser, "UnitRows", value,
                                "used by one Clip, to a constant minimum");
            return NULL;
        }
        value = clip->outputs[0];
    }
    struct onr_node *quotient = onr_fuse_user(fuser, value, "Div");
    if (quotient == NULL || quotient->inputs[1] != value ||
        quotient->inputs[0] != norm->inputs[0]) {
        (void)onr_fuse_miss(fuser, "UnitRows", value, "used by one Div, of what the norm is of");
        return NULL;
    }
    return quotient;
}

/* x / max(ReduceL2(x), floor), also of what is transposed for it alone. */
static bool match_unit(const struct onr_fuser *fuser, const struct onr_node *norm,
                       struct onr_fused *fused)
{
    uint32_t x = norm->inputs[0];
    double floor = 0;
    if (!is_by_row(fuser, norm) || onr_fuse_fact(fuser, x)->dtype != ONR_FLOAT) {
        return false;
    }
    fused->last = find_unit(fuser, norm, &floor);
    if (fused->last == NULL) {
        return false;
    }
    size_t count = 0;
    const struct onr_node *turn = onr_fuse_producer(fuser, x, "Transpose");
    const int64_t *perm = turn != NULL ? onr_attr_ints(turn, "perm", &count) : NULL;
    fused->inputs[0] = x;
    if (perm != NULL && count > 0 && count <= ONR_FUSED_INTS &&
        perm[count - 1] == (int64_t)count - 1 && onr_fuse_use_count(fuser, x) == 2) {
        fused->inputs[0] = turn->inputs[0];
        onr_fused_ints(fused, "perm", perm, count);
    }
    onr_fused_float(fused, "floor", (float)floor);
    fused->input_count = 1;
    fused->op_type = "UnitRows";
    fused->domain = "onnxrun";
    fused->version = 1;
    return true;
}

enum onr_status onr_pass_fuse_norm(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    static const struct onr_fusion fusions[] = {
        {"Sqrt", match_norm}, {"ReduceL2", match_unit}, {NULL, NULL}};
    return onr_fuse(graph, fusions, ctx);
}
