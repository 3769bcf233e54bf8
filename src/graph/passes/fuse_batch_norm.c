/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BatchNormalization, in inference, into the Conv, ConvTranspose, Gemm or MatMul before it:
 *
 *   y = (W x + b - mean) * s + bias = (s W) x + ((b - mean) * s + bias)
 *   s = scale / sqrt(var + epsilon)
 *
 * MatMul has no b: an Add takes the place of the normalization. Between the two there may be a
 * Reshape or Flatten to the rows that BatchNormalization wants, as exporters write it for LeViT; it
 * comes behind the Add then, where what takes it back can be seen.
 *
 * where everything but x is a constant of float32. The new weights are computed in double and count
 * as results of constant folding, within its budget. Where they would not be finite, nothing is
 * done.
 */
#include "base/size.h"
#include "graph/op_def.h"
#include "graph/passes/fuse.h"
#include "graph/passes/report.h"

#include <math.h>

/* To which channel an element of the weights belongs: the output channels of a group follow each
 * other every `inner` elements, and come again until the group's elements end. */
struct layout {
    size_t count;    /* of elements */
    size_t channels; /* of a group */
    size_t inner;
    size_t group; /* elements of one */
};

/* The version whose Add is made: broadcasting, of any floats. */
#define ADD_VERSION 14

/* The parameters of a BatchNormalization, and the bias of the node before it. */
enum { SCALE, BIAS, MEAN, VAR, OWN_BIAS, VECTORS };

struct folding {
    struct onr_graph *graph;
    struct onr_pass_ctx *ctx;
    struct onr_node *norm;
    struct onr_node *view; /* between product and norm, or NULL */
    struct onr_node *product;
    struct layout layout;
    size_t channels;        /* of all groups */
    float *vectors;         /* [VECTORS][channels] */
    double *factor, *shift; /* [channels]: what the bias is multiplied with, and then added */
};

static bool is_inference(const struct onr_node *norm)
{
    for (uint32_t i = 1; i < norm->output_count; i++) {
        if (norm->outputs[i] != ONR_NO_VALUE) {
            return false;
        }
    }
    if (norm->version < 9 && onr_attr_int(norm, "spatial", 1) == 0) {
        return false;
    }
    return norm->version < 7 ? onr_attr_int(norm, "is_test", 0) != 0
                             : onr_attr_int(norm, "training_mode", 0) == 0;
}

/* A constant of float32, or NULL. */
static const struct onr_constant *constant_of(const struct onr_graph *graph, uint32_t value)
{
    const struct onr_value *v = &graph->values[value];
    return v->constant != NULL && !v->is_input && v->constant->dtype == ONR_FLOAT ? v->constant
                                                                                  : NULL;
}

static bool has_bias(const struct onr_node *product)
{
    return product->input_count > 2 && product->inputs[2] != ONR_NO_VALUE;
}

static bool find_layout(struct folding *f)
{
    const struct onr_constant *w = constant_of(f->graph, f->product->inputs[1]);
    bool is_matmul = onr_fuse_is(f->product, "MatMul");
    if (w == NULL || onr_constant_count(w) == 0 || w->shape.rank < 2 ||
        (is_matmul && w->shape.rank != 2)) {
        return false;
    }
    int64_t groups = 1;
    int axis = is_matmul ? 1 : 0;
    if (onr_fuse_is(f->product, "ConvTranspose")) {
        groups = onr_attr_int(f->product, "group", 1);
        axis = 1;
    } else if (onr_fuse_is(f->product, "Gemm")) {
        axis = onr_attr_int(f->product, "transB", 0) != 0 ? 0 : 1;
    }
    if (groups < 1 || w->shape.dim[0] % groups != 0) {
        return false; /* what was not inferred was not checked either */
    }
    f->layout.count = (size_t)onr_constant_count(w);
    f->layout.channels = (size_t)w->shape.dim[axis];
    f->layout.inner = (size_t)onr_shape_range(&w->shape, axis + 1, w->shape.rank);
    f->layout.group = f->layout.count / (size_t)groups;
    f->channels = f->layout.channels * (size_t)groups;
    return true;
}

static bool read_vector(const struct folding *f, uint32_t value, size_t row)
{
    const struct onr_constant *constant = constant_of(f->graph, value);
    if (constant == NULL || constant->shape.rank != 1 ||
        (size_t)constant->shape.dim[0] != f->channels) {
        return false;
    }
    onr_constant_copy(constant, f->vectors + row * f->channels);
    return true;
}

/* False, which is told, when one of the vectors is not known. */
static bool read_vectors(const struct folding *f)
{
    uint32_t missing = ONR_NO_VALUE;
    for (uint32_t i = SCALE; i <= VAR && missing == ONR_NO_VALUE; i++) {
        missing = read_vector(f, f->norm->inputs[1 + i], i) ? missing : f->norm->inputs[1 + i];
    }
    if (missing == ONR_NO_VALUE && has_bias(f->product)) {
        missing = read_vector(f, f->product->inputs[2], OWN_BIAS) ? missing : f->product->inputs[2];
    }
    if (missing != ONR_NO_VALUE && f->ctx->report != NULL) {
        const struct onr_note note = {.op = f->product->op_type,
                                      .node = onr_node_label(f->graph, f->norm),
                                      .value = f->graph->values[missing].name,
                                      .expected = "a constant of float32, one number per channel",
                                      .found = "something else"};
        onr_report_missed(f->ctx->report, &note);
    }
    return missing == ONR_NO_VALUE;
}

static void find_factors(const struct folding *f)
{
    const float *v = f->vectors;
    size_t count = f->channels;
    double epsilon = (double)onr_attr_float(f->norm, "epsilon", 1e-5f);
    for (size_t c = 0; c < count; c++) {
        f->factor[c] = (double)v[SCALE * count + c] / sqrt((double)v[VAR * count + c] + epsilon);
        f->shift[c] = (double)v[BIAS * count + c] - (double)v[MEAN * count + c] * f->factor[c];
    }
}

/* w[i] *= the factor of its channel; false when a result is not finite. */
static bool scale_weights(const struct folding *f, float *w)
{
    const struct layout *l = &f->layout;
    bool is_finite = true;
    for (size_t first = 0; first < l->count; first += l->inner) {
        size_t channel = first / l->group * l->channels + first / l->inner % l->channels;
        for (size_t i = first; i < first + l->inner; i++) {
            w[i] = (float)((double)w[i] * f->factor[channel]);
            is_finite = is_finite && isfinite(w[i]);
        }
    }
    return is_finite;
}

static bool make_bias(const struct folding *f, float *bias)
{
    const float *own = f->vectors + OWN_BIAS * f->channels;
    bool is_finite = true;
    for (size_t c = 0; c < f->channels; c++) {
        bias[c] = (float)((double)own[c] * f->factor[c] + f->shift[c]);
        is_finite = is_finite && isfinite(bias[c]);
    }
    return is_finite;
}

/* Adds a constant that is named after the value that it replaces. */
static enum onr_status add_constant(const struct folding *f, uint32_t origin,
                                    const struct onr_shape *shape, const float *data, uint32_t *id)
{
    struct onr_arena *arena = f->graph->arena;
    struct onr_constant *constant = ONR_ARENA_NEW(arena, struct onr_constant);
    char *name = onr_arena_printf(arena, "%s.normalized", f->graph->values[origin].name);
    if (constant == NULL || name == NULL) {
        return onr_fail_memory(f->ctx->err, "weights of a normalization");
    }
    size_t bytes = (size_t)onr_shape_range(shape, 0, shape->rank) * sizeof(float);
    *constant =
        (struct onr_constant){.dtype = ONR_FLOAT, .shape = *shape, .data = data, .bytes = bytes};
    ONR_TRY(onr_graph_add_value(f->graph, name, id, f->ctx->err));
    struct onr_value *value = &f->graph->values[*id];
    value->constant = constant;
    value->fact = onr_fact_of(ONR_FLOAT, shape);
    value->fact.data = data;
    return ONR_OK;
}

/* Has the node add the bias to the product. */
static enum onr_status make_addition(const struct folding *f, struct onr_node *node, uint32_t bias)
{
    uint32_t *inputs = ONR_ARENA_ARRAY(f->graph->arena, 2, uint32_t);
    if (inputs == NULL) {
        return onr_fail_memory(f->ctx->err, "inputs of a node");
    }
    inputs[0] = f->product->outputs[0];
    inputs[1] = bias;
    node->op_type = "Add";
    node->version = ADD_VERSION;
    node->op = f->ctx->registry->find("", node->op_type, node->version);
    node->inputs = inputs;
    node->input_count = 2;
    node->output_count = 1;
    node->attr_count = 0;
    return node->op != NULL ? ONR_OK : onr_fail(f->ctx->err, ONR_ERR_INTERNAL, "no operator Add");
}

/* Has the normalization do what the view does, which is free to make the sum then. */
static enum onr_status swap_view(const struct folding *f)
{
    struct onr_graph *graph = f->graph;
    struct onr_node *norm = f->norm;
    struct onr_node *view = f->view;
    uint32_t *sum = ONR_ARENA_NEW(graph->arena, uint32_t);
    char *name =
        onr_arena_printf(graph->arena, "%s.sum", graph->values[f->product->outputs[0]].name);
    if (sum == NULL || name == NULL) {
        return onr_fail_memory(f->ctx->err, "sum of a normalization");
    }
    ONR_TRY(onr_graph_add_value(graph, name, sum, f->ctx->err));
    graph->values[*sum].fact = graph->values[f->product->outputs[0]].fact;
    norm->op_type = view->op_type;
    norm->version = view->version;
    norm->op = view->op;
    norm->attrs = view->attrs;
    norm->attr_count = view->attr_count;
    norm->inputs = view->inputs;
    norm->inputs[0] = *sum;
    norm->input_count = view->input_count;
    norm->output_count = 1;
    view->outputs = sum;
    return ONR_OK;
}

/* Has the product read the new weights and, with its own bias, make what the normalization makes. */
static enum onr_status change_product(const struct folding *f, const float *w, const float *bias)
{
    struct onr_node *product = f->product;
    const struct onr_shape shape = constant_of(f->graph, product->inputs[1])->shape;
    const struct onr_shape row = {.rank = 1, .dim = {(int64_t)f->channels}};
    uint32_t *inputs = ONR_ARENA_ARRAY(f->graph->arena, 3, uint32_t);
    if (inputs == NULL) {
        return onr_fail_memory(f->ctx->err, "inputs of a node");
    }
    inputs[0] = product->inputs[0];
    ONR_TRY(add_constant(f, product->inputs[1], &shape, w, &inputs[1]));
    ONR_TRY(add_constant(f, f->norm->inputs[2], &row, bias, &inputs[2]));
    product->inputs = inputs;
    if (onr_fuse_is(product, "MatMul")) {
        if (f->view != NULL) {
            ONR_TRY(swap_view(f));
        }
        ONR_TRY(make_addition(f, f->view != NULL ? f->view : f->norm, inputs[2]));
    } else {
        product->input_count = 3;
        product->outputs = f->norm->outputs;
        product->output_count = 1;
        f->norm->is_dead = true;
    }
    if (f->ctx->report != NULL) {
        onr_report_fused(f->ctx->report, product->op_type, onr_node_label(f->graph, product));
    }
    return ONR_OK;
}

static enum onr_status fold(const struct folding *f)
{
    size_t bytes = 0;
    size_t count = f->layout.count;
    if (!onr_size_mul(count + f->channels, sizeof(float), &bytes) || bytes > f->ctx->fold_bytes ||
        !read_vectors(f)) {
        return ONR_OK;
    }
    find_factors(f);
    float *w = onr_arena_alloc(f->graph->arena, count * sizeof *w);
    float *bias = onr_arena_alloc(f->graph->arena, f->channels * sizeof *bias);
    if (w == NULL || bias == NULL) {
        return onr_fail_memory(f->ctx->err, "weights of a normalization");
    }
    f->ctx->fold_bytes -= bytes;
    onr_constant_copy(constant_of(f->graph, f->product->inputs[1]), w);
    return scale_weights(f, w) && make_bias(f, bias) ? change_product(f, w, bias) : ONR_OK;
}

/* The node that makes the value, when nothing else needs it, or NULL. */
static struct onr_node *only_producer(const struct onr_graph *graph, uint32_t value)
{
    const struct onr_value *v = &graph->values[value];
    return v->producer != ONR_NO_VALUE && v->use_count == 1 ? &graph->nodes[v->producer] : NULL;
}

/* Whether the channels, which are the last dimension of the normalization's input, are that of the
 * value too. */
static bool has_channels_last(const struct onr_graph *graph, const struct onr_node *norm,
                              uint32_t value)
{
    const struct onr_shape *x = &graph->values[norm->inputs[0]].fact.shape;
    const struct onr_shape *shape = &graph->values[value].fact.shape;
    return x->rank == 2 && x->dim[1] > 0 && shape->rank >= 2 &&
           shape->dim[shape->rank - 1] == x->dim[1];
}

/* Finds the product before the normalization, when nothing else needs it. */
static bool find_product(struct folding *f)
{
    struct onr_node *node = only_producer(f->graph, f->norm->inputs[0]);
    if (node != NULL && (onr_fuse_is(node, "Reshape") || onr_fuse_is(node, "Flatten"))) {
        f->view = node;
        node = only_producer(f->graph, node->inputs[0]);
    }
    f->product = node;
    if (node == NULL) {
        return false;
    }
    if (onr_fuse_is(node, "MatMul")) {
        return has_channels_last(f->graph, f->norm, node->outputs[0]);
    }
    bool is_gemm = onr_fuse_is(node, "Gemm") && onr_attr_float(node, "beta", 1.0f) == 1.0f;
    return f->view == NULL &&
           (is_gemm || onr_fuse_is(node, "Conv") || onr_fuse_is(node, "ConvTranspose"));
}

static enum onr_status fuse_norm(struct onr_graph *graph, struct onr_node *norm,
                                 struct onr_pass_ctx *ctx)
{
    struct folding f = {.graph = graph, .ctx = ctx, .norm = norm};
    if (!find_product(&f) || !is_inference(norm) || !find_layout(&f)) {
        return ONR_OK;
    }
    /* As many bytes as the parameters of the model take, which are there. */
    size_t bytes = f.channels * (2 * sizeof(double) + VECTORS * sizeof(float));
    f.factor = onr_mem_calloc(ctx->eval->mem, bytes);
    if (f.factor == NULL) {
        return onr_fail_memory(ctx->err, "pass fuse_batch_norm");
    }
    f.shift = f.factor + f.channels;
    f.vectors = (float *)(f.shift + f.channels);
    enum onr_status status = fold(&f);
    onr_mem_free(ctx->eval->mem, f.factor, bytes);
    return status;
}

enum onr_status onr_pass_fuse_batch_norm(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    for (uint32_t n = 0; n < graph->node_count; n++) {
        if (onr_fuse_is(&graph->nodes[n], "BatchNormalization")) {
            ONR_TRY(fuse_norm(graph, &graph->nodes[n], ctx));
        }
    }
    return onr_pass_bodies(graph, onr_pass_fuse_batch_norm, ctx);
}
