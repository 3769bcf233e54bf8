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
 * where everything but x is a constant of float32 (fold_channels.h). Where new weights would not be
 * finite, nothing is done.
 */
#include "graph/op_def.h"
#include "graph/passes/fold_channels.h"
#include "graph/passes/fuse.h"
#include "graph/passes/insert.h"
#include "graph/passes/report.h"

#include <math.h>

/* The version whose Add is made: broadcasting, of any floats. */
#define ADD_VERSION 14

/* The parameters of a BatchNormalization. */
enum { SCALE, BIAS, MEAN, VAR, VECTORS };

struct folding {
    struct onr_graph *graph;
    struct onr_pass_ctx *ctx;
    struct onr_node *norm;
    struct onr_node *view; /* between product and norm, or NULL */
    struct onr_channels channels;
    float *vectors; /* [VECTORS][channels.count] */
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

/* False, which is told, when one of the vectors is not known. */
static bool read_vectors(const struct folding *f)
{
    const struct onr_channels *c = &f->channels;
    uint32_t missing = ONR_NO_VALUE;
    for (uint32_t i = 0; i < VECTORS && missing == ONR_NO_VALUE; i++) {
        uint32_t value = f->norm->inputs[1 + i];
        missing = onr_channels_read(c, value, f->vectors + i * c->count) ? missing : value;
    }
    if (missing == ONR_NO_VALUE && !onr_channels_read_bias(c)) {
        missing = c->product->inputs[2];
    }
    if (missing != ONR_NO_VALUE && f->ctx->report != NULL) {
        const struct onr_note note = {.op = c->product->op_type,
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
    size_t count = f->channels.count;
    double *factor = f->channels.factor;
    double *shift = f->channels.shift;
    double epsilon = (double)onr_attr_float(f->norm, "epsilon", 1e-5f);
    for (size_t c = 0; c < count; c++) {
        factor[c] = (double)v[SCALE * count + c] / sqrt((double)v[VAR * count + c] + epsilon);
        shift[c] = (double)v[BIAS * count + c] - (double)v[MEAN * count + c] * factor[c];
    }
}

/* Has the node add the bias to the product. */
static enum onr_status make_addition(const struct folding *f, struct onr_node *node, uint32_t bias)
{
    uint32_t *inputs = ONR_ARENA_ARRAY(f->graph->arena, 2, uint32_t);
    if (inputs == NULL) {
        return onr_fail_memory(f->ctx->err, "inputs of a node");
    }
    inputs[0] = f->channels.product->outputs[0];
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
    char *name = onr_arena_printf(graph->arena, "%s.sum",
                                  graph->values[f->channels.product->outputs[0]].name);
    if (sum == NULL || name == NULL) {
        return onr_fail_memory(f->ctx->err, "sum of a normalization");
    }
    ONR_TRY(onr_graph_add_value(graph, name, sum, f->ctx->err));
    graph->values[*sum].fact = graph->values[f->channels.product->outputs[0]].fact;
    onr_insert_operator(norm, view);
    norm->inputs = view->inputs;
    norm->inputs[0] = *sum;
    norm->input_count = view->input_count;
    norm->output_count = 1;
    view->outputs = sum;
    return ONR_OK;
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
    struct onr_node *node = onr_channels_producer(f->graph, f->norm->inputs[0]);
    if (node != NULL && (onr_fuse_is(node, "Reshape") || onr_fuse_is(node, "Flatten"))) {
        f->view = node;
        node = onr_channels_producer(f->graph, node->inputs[0]);
    }
    f->channels.product = node;
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

static enum onr_status fold(const struct folding *f)
{
    bool is_folded = false;
    if (!read_vectors(f)) {
        return ONR_OK;
    }
    find_factors(f);
    ONR_TRY(onr_channels_fold(&f->channels, f->norm->inputs[2], &is_folded));
    if (!is_folded) {
        return ONR_OK;
    }
    if (!onr_fuse_is(f->channels.product, "MatMul")) {
        onr_channels_replace(&f->channels, f->norm);
        return ONR_OK;
    }
    if (f->view != NULL) {
        ONR_TRY(swap_view(f));
    }
    return make_addition(f, f->view != NULL ? f->view : f->norm, f->channels.product->inputs[2]);
}

static enum onr_status fuse_norm(struct onr_graph *graph, struct onr_node *norm,
                                 struct onr_pass_ctx *ctx)
{
    struct folding f = {
        .graph = graph, .ctx = ctx, .norm = norm, .channels = {.graph = graph, .ctx = ctx}};
    if (!find_product(&f) || !is_inference(norm) || !onr_channels_find(&f.channels)) {
        return ONR_OK;
    }
    size_t bytes = VECTORS * f.channels.count * sizeof(float);
    f.vectors = onr_mem_calloc(ctx->eval->mem, bytes);
    enum onr_status status = f.vectors != NULL ? onr_channels_begin(&f.channels)
                                               : onr_fail_memory(ctx->err, "pass fuse_batch_norm");
    if (status == ONR_OK) {
        status = fold(&f);
        onr_channels_end(&f.channels);
    }
    onr_mem_free(ctx->eval->mem, f.vectors, bytes);
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
