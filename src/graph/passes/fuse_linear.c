/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linear (onnxrun, ops/matrix/linear_product.c) from a product of float32, MatMul or Gemm, and what stands
 * around it:
 *
 *   Transpose of the last two axes of B          transB
 *   Mul by a number                              alpha
 *   Add of one number per column                 bias
 *   Reshape of a product of two matrices         shape
 *   Add of a tensor that is like the product     addend
 *   Relu, Gelu, Swish, ...                       activation
 *   Mul by a tensor that is like the product     factor
 *
 * each at most once, in an order that the operator computes. A tensor is like the product when
 * nothing that is known of their shapes tells them apart.
 *
 * B is read transposed where that costs nothing: weights are packed once, and of what is made in
 * the run each panel is packed by one worker. A, which every worker would copy, is not.
 */
#include "graph/op_def.h"
#include "graph/passes/fuse_activation.h"

enum { A, B, BIAS, ADDEND, FACTOR, SHAPE, INPUTS };

/* What has been found so far. */
struct linear {
    const struct onr_fuser *fuser;
    struct onr_node *last; /* its output is the result */
    uint32_t inputs[INPUTS];
    bool trans_a, trans_b;
    bool keeps_zeros; /* of Reshape */
    float alpha;
    struct onr_fuse_activation activation;
    bool is_better; /* than what was there */
};

static const struct onr_fact *fact_of(const struct linear *linear, uint32_t value)
{
    return &linear->fuser->graph->values[value].fact;
}

static const struct onr_shape *shape_of(const struct linear *linear)
{
    return &fact_of(linear, linear->last->outputs[0])->shape;
}

static bool is_float(const struct linear *linear, uint32_t value)
{
    return value != ONR_NO_VALUE && onr_fact_is_tensor(fact_of(linear, value)) &&
           fact_of(linear, value)->dtype == ONR_FLOAT;
}

/* The only user of the result so far, when it is of this operator, and its other input. */
static struct onr_node *next(const struct linear *linear, const char *op_type, uint32_t *other)
{
    uint32_t result = linear->last->outputs[0];
    struct onr_node *node = onr_fuse_user(linear->fuser, result, op_type);
    if (node != NULL) {
        *other = onr_fuse_other(node, result);
    }
    return node != NULL && is_float(linear, *other) ? node : NULL;
}

static bool advance(struct linear *linear, struct onr_node *last)
{
    linear->last = last;
    linear->is_better = true;
    return true;
}

static bool has_none_from(const struct linear *linear, uint32_t first)
{
    for (uint32_t i = first; i < SHAPE; i++) {
        if (linear->inputs[i] != ONR_NO_VALUE) {
            return false;
        }
    }
    return linear->activation.name == NULL;
}

/* ---- what may follow a product; each is true when it was there ---- */

static bool take_scale(struct linear *linear)
{
    double number = 0;
    uint32_t other = ONR_NO_VALUE;
    struct onr_node *node = next(linear, "Mul", &other);
    if (node == NULL || !has_none_from(linear, BIAS) ||
        !onr_fuse_number(linear->fuser, other, &number) ||
        fact_of(linear, other)->shape.rank > shape_of(linear)->rank) {
        return false;
    }
    linear->alpha *= (float)number;
    return advance(linear, node);
}

/* True for one number per column of the product, whose columns are those of B. */
static bool is_row(const struct linear *linear, uint32_t value)
{
    const struct onr_shape *row = &fact_of(linear, value)->shape;
    const struct onr_shape *b = &fact_of(linear, linear->inputs[B])->shape;
    return row->rank == 1 && row->dim[0] > 0 && b->rank >= 2 &&
           b->dim[b->rank - (linear->trans_b ? 2 : 1)] == row->dim[0];
}

/* The columns of a product stay columns of its view. */
static bool take_bias(struct linear *linear)
{
    uint32_t other = ONR_NO_VALUE;
    struct onr_node *node = next(linear, "Add", &other);
    if (node == NULL || linear->inputs[BIAS] != ONR_NO_VALUE || linear->activation.name != NULL ||
        linear->inputs[FACTOR] != ONR_NO_VALUE || !is_row(linear, other)) {
        return false;
    }
    linear->inputs[BIAS] = other;
    return advance(linear, node);
}

static bool take_view(struct linear *linear)
{
    uint32_t result = linear->last->outputs[0];
    struct onr_node *node = onr_fuse_user(linear->fuser, result, "Reshape");
    if (node == NULL || node->input_count < 2 || node->inputs[0] != result ||
        linear->inputs[SHAPE] != ONR_NO_VALUE || !has_none_from(linear, ADDEND)) {
        return false;
    }
    const struct onr_shape *from = shape_of(linear);
    const struct onr_shape *to = &fact_of(linear, node->outputs[0])->shape;
    if (from->rank < 1 || to->rank < 1 || from->dim[from->rank - 1] < 0 ||
        from->dim[from->rank - 1] != to->dim[to->rank - 1]) {
        return false;
    }
    linear->inputs[SHAPE] = node->inputs[1];
    linear->keeps_zeros = onr_attr_int(node, "allowzero", 0) != 0;
    linear->last = node;
    return true;
}

/* Whether nothing tells a dimension, not even a name. */
static bool is_open(const struct linear *linear, int64_t dim)
{
    return dim < 0 && onr_dim_name(linear->fuser->graph, dim) == NULL;
}

/* True for a value that may have the shape of the result so far. One element beside an unknown
 * number is taken for what is repeated. */
static bool is_alike(const struct linear *linear, uint32_t value)
{
    const struct onr_shape *a = &fact_of(linear, value)->shape;
    const struct onr_shape *b = shape_of(linear);
    if (a->rank != b->rank || a->rank < 1 || a->dim[a->rank - 1] < 0 ||
        a->dim[a->rank - 1] != b->dim[b->rank - 1]) {
        return false;
    }
    for (int d = 0; d < a->rank; d++) {
        bool may_be_same = (is_open(linear, a->dim[d]) && b->dim[d] != 1) ||
                           (is_open(linear, b->dim[d]) && a->dim[d] != 1);
        if (a->dim[d] != b->dim[d] && !may_be_same) {
            return false;
        }
    }
    return true;
}

static bool take_addend(struct linear *linear)
{
    uint32_t other = ONR_NO_VALUE;
    struct onr_node *node = next(linear, "Add", &other);
    if (node == NULL || !has_none_from(linear, ADDEND)) {
        return false;
    }
    if (!is_alike(linear, other)) {
        return onr_fuse_miss(linear->fuser, "Linear", other,
                             "one number per column of the product, or a tensor of its shape");
    }
    linear->inputs[ADDEND] = other;
    return advance(linear, node);
}

static bool take_factor(struct linear *linear)
{
    uint32_t other = ONR_NO_VALUE;
    struct onr_node *node = next(linear, "Mul", &other);
    if (node == NULL || linear->inputs[FACTOR] != ONR_NO_VALUE || !is_alike(linear, other)) {
        return false;
    }
    linear->inputs[FACTOR] = other;
    return advance(linear, node);
}

static bool take_activation(struct linear *linear)
{
    struct onr_fuse_activation activation;
    struct onr_node *node =
        onr_fuse_find_activation(linear->fuser, linear->last->outputs[0], &activation);
    if (node == NULL || linear->activation.name != NULL || linear->inputs[FACTOR] != ONR_NO_VALUE) {
        return false;
    }
    linear->activation = activation;
    return advance(linear, node);
}

/* ---- */

static void turn_b(struct linear *linear)
{
    const struct onr_value *values = linear->fuser->graph->values;
    uint32_t b = linear->inputs[B];
    const struct onr_node *node = onr_fuse_producer(linear->fuser, b, "Transpose");
    if (node == NULL || !onr_fuse_swaps_matrix(linear->fuser, node)) {
        return;
    }
    const struct onr_value *from = &values[node->inputs[0]];
    bool is_weight = from->constant != NULL && !from->is_input;
    if (is_weight || values[b].use_count == 1) {
        linear->inputs[B] = node->inputs[0];
        linear->trans_b = !linear->trans_b;
        linear->is_better = true;
    } else {
        (void)onr_fuse_miss(linear->fuser, "Linear", b, "used by one product, or made of a weight");
    }
}

/* What a Gemm computes besides a product; false when that is more than a bias. */
static bool read_gemm(struct linear *linear, const struct onr_node *gemm)
{
    linear->trans_a = onr_attr_int(gemm, "transA", 0) != 0;
    linear->trans_b = onr_attr_int(gemm, "transB", 0) != 0;
    linear->alpha = onr_attr_float(gemm, "alpha", 1.0f);
    if (gemm->input_count < 3 || gemm->inputs[2] == ONR_NO_VALUE) {
        return true;
    }
    linear->inputs[BIAS] = gemm->inputs[2];
    return (onr_attr_float(gemm, "beta", 1.0f) == 1.0f && is_row(linear, gemm->inputs[2])) ||
           onr_fuse_miss(linear->fuser, "Linear", gemm->inputs[2],
                         "one number per column of the product, times beta = 1");
}

static void set_flag(struct onr_fused *fused, const char *name, bool is_set)
{
    if (is_set) {
        onr_fused_int(fused, name, 1);
    }
}

static void fill_in(const struct linear *linear, struct onr_fused *fused)
{
    static const char *const params[] = {"activation_alpha", "activation_beta"};
    const struct onr_fuse_activation *activation = &linear->activation;
    fused->last = linear->last;
    fused->domain = "onnxrun";
    fused->op_type = "Linear";
    fused->version = 1;
    for (uint32_t i = 0; i < INPUTS; i++) {
        fused->inputs[i] = linear->inputs[i];
        fused->input_count = linear->inputs[i] != ONR_NO_VALUE ? i + 1 : fused->input_count;
    }
    if (linear->alpha != 1.0f) {
        onr_fused_float(fused, "alpha", linear->alpha);
    }
    set_flag(fused, "transA", linear->trans_a);
    set_flag(fused, "transB", linear->trans_b);
    set_flag(fused, "allowzero", linear->keeps_zeros);
    if (activation->name != NULL) {
        onr_fused_string(fused, "activation", activation->name);
    }
    for (uint32_t i = 0; i < activation->param_count; i++) {
        onr_fused_float(fused, params[i], activation->params[i]);
    }
}

static bool match_product(const struct onr_fuser *fuser, const struct onr_node *anchor,
                          struct onr_fused *fused)
{
    const struct onr_graph *graph = fuser->graph;
    struct linear linear = {.fuser = fuser, .alpha = 1.0f};
    linear.last = &graph->nodes[graph->values[anchor->outputs[0]].producer];
    for (uint32_t i = 0; i < INPUTS; i++) {
        linear.inputs[i] = i <= B ? anchor->inputs[i] : ONR_NO_VALUE;
    }
    if (!is_float(&linear, anchor->outputs[0]) ||
        (onr_fuse_is(anchor, "Gemm") && !read_gemm(&linear, anchor))) {
        return false;
    }
    turn_b(&linear);
    while (take_scale(&linear) || take_bias(&linear) || take_view(&linear) ||
           take_addend(&linear) || take_activation(&linear) || take_factor(&linear)) {
    }
    if (linear.is_better) {
        fill_in(&linear, fused);
    }
    return linear.is_better;
}

enum onr_status onr_pass_fuse_linear(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    static const struct onr_fusion fusions[] = {
        {"MatMul", match_product}, {"Gemm", match_product}, {NULL, NULL}};
    return onr_fuse(graph, fusions, ctx);
}
