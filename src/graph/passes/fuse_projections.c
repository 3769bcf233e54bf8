/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Projections (onnxrun, ops/matrix/projections.c) from products of one input with weights, with a
 * bias or without, such as those for queries, keys and values: MatMul, Gemm and Linear.
 *
 * Only products between which there are no others are joined: what a model computes much later may
 * as well be computed later.
 */
#include "graph/op_def.h"
#include "graph/passes/fuse.h"
#include "graph/passes/report.h"

#include <string.h>

#define MAX_COUNT 8 /* of the operator */

/* The products of a row of such, so far. */
struct group {
    struct onr_node *nodes[MAX_COUNT];
    uint32_t count;
    uint32_t a;
    bool trans_b;
};

static bool is_linear(const struct onr_node *node)
{
    return strcmp(node->domain, "onnxrun") == 0 && strcmp(node->op_type, "Linear") == 0;
}

static bool is_product(const struct onr_node *node)
{
    return onr_fuse_is(node, "MatMul") || onr_fuse_is(node, "Gemm") || is_linear(node);
}

/* True for a tensor of float32 of this rank, or of more when at_least. */
static bool has_rank(const struct onr_graph *graph, uint32_t value, int rank, bool at_least)
{
    const struct onr_fact *fact = &graph->values[value].fact;
    return onr_fact_is_tensor(fact) && fact->dtype == ONR_FLOAT &&
           (fact->shape.rank == rank || (at_least && fact->shape.rank > rank));
}

static uint32_t bias_of(const struct onr_node *node)
{
    return node->input_count > 2 ? node->inputs[2] : ONR_NO_VALUE;
}

/* True for one number per column. */
static bool is_row(const struct onr_graph *graph, uint32_t value, uint32_t product)
{
    const struct onr_shape *row = &graph->values[value].fact.shape;
    const struct onr_shape *y = &graph->values[product].fact.shape;
    return has_rank(graph, value, 1, false) && row->dim[0] > 0 &&
           row->dim[0] == y->dim[y->rank - 1];
}

/* True for a product of a matrix, or more of them, and weights, that does nothing but add a bias. */
static bool is_projection(const struct onr_graph *graph, const struct onr_node *node)
{
    if (node->is_dead || !is_product(node) || node->input_count > 3 ||
        !has_rank(graph, node->inputs[0], 2, true) || !has_rank(graph, node->inputs[1], 2, false) ||
        !has_rank(graph, node->outputs[0], 2, true)) {
        return false;
    }
    const struct onr_value *b = &graph->values[node->inputs[1]];
    return b->constant != NULL && !b->is_input && onr_attr_int(node, "transA", 0) == 0 &&
           onr_attr_float(node, "alpha", 1.0f) == 1.0f &&
           onr_attr_float(node, "beta", 1.0f) == 1.0f &&
           onr_node_attr(node, "activation") == NULL &&
           (bias_of(node) == ONR_NO_VALUE || is_row(graph, bias_of(node), node->outputs[0]));
}

static bool is_turned(const struct onr_node *node)
{
    return onr_attr_int(node, "transB", 0) != 0;
}

/* Has the first node compute what all do. */
static enum onr_status join(const struct onr_graph *graph, const struct group *group,
                            const struct onr_pass_ctx *ctx)
{
    struct onr_node *first = group->nodes[0];
    const struct onr_op_def *op = ctx->registry->find("onnxrun", "Projections", 1);
    uint32_t *inputs = ONR_ARENA_ARRAY(graph->arena, 1 + 2 * (size_t)group->count, uint32_t);
    uint32_t *outputs = ONR_ARENA_ARRAY(graph->arena, group->count, uint32_t);
    struct onr_attr *attr = ONR_ARENA_NEW(graph->arena, struct onr_attr);
    if (inputs == NULL || outputs == NULL || attr == NULL) {
        return onr_fail_memory(ctx->err, "joined products");
    }
    if (op == NULL) {
        return onr_fail(ctx->err, ONR_ERR_INTERNAL, "no operator Projections");
    }
    const char *labels[MAX_COUNT];
    uint32_t input_count = 1;
    inputs[0] = group->a;
    for (uint32_t i = 0; i < group->count; i++) {
        inputs[1 + 2 * i] = group->nodes[i]->inputs[1];
        inputs[2 + 2 * i] = bias_of(group->nodes[i]);
        input_count = inputs[2 + 2 * i] != ONR_NO_VALUE ? 3 + 2 * i : 2 + 2 * i;
        outputs[i] = group->nodes[i]->outputs[0];
        labels[i] = onr_node_label(graph, group->nodes[i]);
        group->nodes[i]->is_dead = i > 0;
    }
    *attr = (struct onr_attr){.name = "transB", .kind = ONR_ATTR_INT, .count = 1, .as.i = 1};
    *first = (struct onr_node){.name = first->name,
                               .op_type = "Projections",
                               .domain = "onnxrun",
                               .version = 1,
                               .inputs = inputs,
                               .input_count = input_count,
                               .outputs = outputs,
                               .output_count = group->count,
                               .attrs = attr,
                               .attr_count = group->trans_b ? 1 : 0,
                               .op = op,
                               .half = first->half};
    if (ctx->report != NULL) {
        onr_report_joined(ctx->report, "Projections", labels, group->count);
    }
    return ONR_OK;
}

static enum onr_status finish(const struct onr_graph *graph, struct group *group,
                              const struct onr_pass_ctx *ctx)
{
    uint32_t count = group->count;
    enum onr_status status = count > 1 ? join(graph, group, ctx) : ONR_OK;
    group->count = 0;
    return status;
}

enum onr_status onr_pass_fuse_projections(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    struct group group = {.count = 0};
    for (uint32_t n = 0; n < graph->node_count; n++) {
        struct onr_node *node = &graph->nodes[n];
        if (!is_product(node)) {
            continue;
        }
        bool fits = is_projection(graph, node);
        if (!fits || group.count == MAX_COUNT || node->inputs[0] != group.a ||
            is_turned(node) != group.trans_b) {
            ONR_TRY(finish(graph, &group, ctx));
        }
        if (fits) {
            group.a = node->inputs[0];
            group.trans_b = is_turned(node);
            group.nodes[group.count++] = node;
        }
    }
    ONR_TRY(finish(graph, &group, ctx));
    return onr_pass_bodies(graph, onr_pass_fuse_projections, ctx);
}
