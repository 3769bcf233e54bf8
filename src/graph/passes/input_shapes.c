/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shape of what nodes compute becomes Dims (onnxrun, ops/movement/shape.c) of an input of the graph
 * that has the same dimensions. What was asked for its shape then has one use less, and may go into a
 * fusion.
 */
#include "graph/op_def.h"
#include "graph/passes/fuse.h"

/* What Dims is to give for a dimension: a number, or -1 - axis of the input that has it. */
static bool find_dim(const struct onr_shape *input, struct onr_sint wanted, int64_t *dim)
{
    *dim = wanted.value;
    bool is_found = wanted.dim == 0;
    for (int axis = 0; axis < input->rank && !is_found; axis++) {
        is_found = wanted.dim != ONR_DIM_UNKNOWN && input->dim[axis] == wanted.dim;
        *dim = -1 - axis;
    }
    return is_found;
}

/* The input that has all dimensions which are no numbers, or ONR_NO_VALUE. */
static uint32_t find_input(const struct onr_graph *graph, const struct onr_fact *shape,
                           int64_t *dims)
{
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const struct onr_value *input = &graph->values[graph->inputs[i]];
        bool has_all = onr_fact_is_tensor(&input->fact) && input->constant == NULL;
        for (int64_t d = 0; has_all && d < shape->shape.dim[0]; d++) {
            has_all = find_dim(&input->fact.shape, shape->contents[d], &dims[d]);
        }
        if (has_all) {
            return graph->inputs[i];
        }
    }
    return ONR_NO_VALUE;
}

static enum onr_status replace(struct onr_graph *graph, struct onr_node *node, uint32_t input,
                               const int64_t *dims, const struct onr_pass_ctx *ctx)
{
    size_t count = (size_t)graph->values[node->outputs[0]].fact.shape.dim[0];
    struct onr_fused fused = {.attr_count = 0};
    onr_fused_ints(&fused, "dims", dims, count);
    node->inputs = onr_arena_copy(graph->arena, &input, sizeof input);
    node->attrs = onr_fused_copy_attrs(graph->arena, &fused);
    node->attr_count = 1;
    node->domain = "onnxrun";
    node->op_type = "Dims";
    node->version = 1;
    node->op = ctx->registry->find(node->domain, node->op_type, node->version);
    return node->inputs != NULL && node->attrs != NULL ? ONR_OK
                                                       : onr_fail_memory(ctx->err, "fused node");
}

enum onr_status onr_pass_input_shapes(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    int64_t dims[ONR_MAX_RANK];
    for (uint32_t n = 0; n < graph->node_count; n++) {
        struct onr_node *node = &graph->nodes[n];
        const struct onr_fact *shape = &graph->values[node->outputs[0]].fact;
        if (!onr_fuse_is(node, "Shape") || shape->contents == NULL || shape->data != NULL ||
            graph->values[node->inputs[0]].producer == ONR_NO_VALUE) {
            continue;
        }
        uint32_t input = find_input(graph, shape, dims);
        if (input != ONR_NO_VALUE) {
            ONR_TRY(replace(graph, node, input, dims, ctx));
        }
    }
    return onr_pass_bodies(graph, onr_pass_input_shapes, ctx);
}
