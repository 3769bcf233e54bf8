/* SPDX-License-Identifier: Apache-2.0 */
/* Gives nodes the other order of channels, with Transposes where it begins and ends. */
#include "graph/passes/channels_last.h"
#include "graph/passes/insert.h"

#include <string.h>

static struct onr_shape move_channels(const struct onr_shape *shape)
{
    struct onr_shape moved = *shape;
    for (int d = 1; d + 1 < shape->rank; d++) {
        moved.dim[d] = shape->dim[d + 1];
    }
    moved.dim[shape->rank - 1] = shape->dim[1];
    return moved;
}

/* The value that will be this one with its channels last. */
static enum onr_status add_last(const struct onr_layouts *l, uint32_t value)
{
    struct onr_graph *graph = l->graph;
    const struct onr_shape shape = move_channels(&graph->values[value].fact.shape);
    char *name = onr_arena_printf(graph->arena, "%s.last", graph->values[value].name);
    if (name == NULL) {
        return onr_fail_memory(l->ctx->err, "name of a value");
    }
    ONR_TRY(onr_graph_add_value(graph, name, &l->last[value], l->ctx->err));
    graph->values[l->last[value]].fact = onr_fact_of(ONR_FLOAT, &shape);
    return ONR_OK;
}

static enum onr_status add_transpose(const struct onr_layouts *l, uint32_t from, uint32_t to,
                                     bool to_front)
{
    struct onr_graph *graph = l->graph;
    int rank = graph->values[from].fact.shape.rank;
    int64_t *perm = ONR_ARENA_ARRAY(graph->arena, (size_t)rank, int64_t);
    if (perm == NULL) {
        return onr_fail_memory(l->ctx->err, "node");
    }
    perm[0] = 0;
    for (int d = 1; d < rank; d++) {
        perm[d] = to_front ? (d == 1 ? rank - 1 : d - 1) : (d == rank - 1 ? 1 : d + 1);
    }
    const struct onr_attr attr = {
        .name = "perm", .kind = ONR_ATTR_INTS, .count = (size_t)rank, .as.ints = perm};
    return onr_insert_between(graph, l->transpose, from, to, &attr, l->ctx->err);
}

/* Has the value with its channels last made, if nobody does yet. */
static enum onr_status need_last(const struct onr_layouts *l, uint32_t value)
{
    if (l->last[value] != ONR_NO_VALUE) {
        return ONR_OK;
    }
    ONR_TRY(add_last(l, value));
    return add_transpose(l, value, l->last[value], false);
}

static enum onr_status make_conv(const struct onr_layouts *l, struct onr_node *node)
{
    enum { LAST_ADDEND = 4 };
    uint32_t *inputs = ONR_ARENA_ARRAY(l->graph->arena, LAST_ADDEND + 1, uint32_t);
    if (inputs == NULL) {
        return onr_fail_memory(l->ctx->err, "inputs of a node");
    }
    for (uint32_t i = 0; i <= LAST_ADDEND; i++) {
        inputs[i] =
            i <= ONR_CONV_BIAS && onr_fuse_has_input(node, i) ? node->inputs[i] : ONR_NO_VALUE;
    }
    if (onr_fuse_has_input(node, ONR_CONV_ADDEND)) {
        inputs[LAST_ADDEND] = node->inputs[ONR_CONV_ADDEND];
        node->input_count = LAST_ADDEND + 1;
    }
    node->inputs = inputs;
    node->op_type = l->conv->name;
    node->domain = l->conv->domain;
    node->version = l->conv->since_version;
    node->op = l->conv;
    if (l->ctx->report != NULL) {
        onr_report_fused(l->ctx->report, node->op_type, onr_node_label(l->graph, node));
    }
    return ONR_OK;
}

/* A reduction over the planes where they are now, in the version that has its axes as an attribute. */
static enum onr_status make_reduction(const struct onr_layouts *l, enum onr_layout_kind kind,
                                      struct onr_node *node)
{
    int rank = l->graph->values[node->inputs[ONR_CONV_X]].fact.shape.rank;
    const char *name = onr_fuse_is(node, "GlobalAveragePool") ? "ReduceMean" : node->op_type;
    const struct onr_op_def *op = l->ctx->registry->find("", name, 11);
    struct onr_attr *attrs = ONR_ARENA_ARRAY(l->graph->arena, 2, struct onr_attr);
    int64_t *axes = ONR_ARENA_ARRAY(l->graph->arena, (size_t)rank, int64_t);
    if (attrs == NULL || axes == NULL) {
        return onr_fail_memory(l->ctx->err, "node");
    }
    for (int d = 1; d < rank - 1; d++) {
        axes[d - 1] = d;
    }
    attrs[0] = (struct onr_attr){
        .name = "axes", .kind = ONR_ATTR_INTS, .count = (size_t)rank - 2, .as.ints = axes};
    attrs[1] = (struct onr_attr){
        .name = "keepdims", .kind = ONR_ATTR_INT, .count = 1, .as.i = kind == ONR_LAYOUT_POINTS};
    node->op_type = op->name;
    node->version = op->since_version;
    node->input_count = 1;
    node->attrs = attrs;
    node->attr_count = 2;
    node->op = op;
    return ONR_OK;
}

/* A Resize along the same axes where they are now, in the version that has their places as an attribute:
 * scales and sizes are in their order. */
static enum onr_status make_resize(const struct onr_layouts *l, struct onr_node *node)
{
    const struct onr_op_def *op = l->ctx->registry->find("", "Resize", 18);
    int rank = l->graph->values[node->inputs[ONR_CONV_X]].fact.shape.rank;
    size_t count = 0;
    const int64_t *axes = onr_attr_ints(node, "axes", &count);
    count = axes != NULL ? count : (size_t)rank;
    struct onr_attr *attrs =
        ONR_ARENA_ARRAY(l->graph->arena, node->attr_count + 1, struct onr_attr);
    int64_t *moved = ONR_ARENA_ARRAY(l->graph->arena, count, int64_t);
    if (attrs == NULL || moved == NULL) {
        return onr_fail_memory(l->ctx->err, "node");
    }
    for (size_t i = 0; i < count; i++) {
        int axis = (int)i;
        (void)(axes == NULL || onr_axis_normalize(axes[i], rank, &axis)); /* inference has looked */
        moved[i] = axis == 0 ? 0 : axis == 1 ? rank - 1 : axis - 1;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < node->attr_count; i++) {
        if (strcmp(node->attrs[i].name, "axes") != 0) {
            attrs[kept++] = node->attrs[i];
        }
    }
    attrs[kept++] =
        (struct onr_attr){.name = "axes", .kind = ONR_ATTR_INTS, .count = count, .as.ints = moved};
    node->attrs = attrs;
    node->attr_count = kept;
    node->version = op->since_version;
    node->op = op;
    return ONR_OK;
}

static void drop_first(struct onr_node *node)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < node->attr_count; i++) {
        if (strcmp(node->attrs[i].name, "first") != 0) {
            node->attrs[kept++] = node->attrs[i];
        }
    }
    node->attr_count = kept;
}

/* Appends the node in the other order, with Transposes before and behind it where they are needed. */
static enum onr_status change_node(const struct onr_layouts *l, enum onr_layout_kind kind,
                                   struct onr_node *node)
{
    uint32_t y = node->outputs[0];
    uint32_t *inputs =
        onr_arena_copy(l->graph->arena, node->inputs, node->input_count * sizeof *inputs);
    uint32_t *output = ONR_ARENA_NEW(l->graph->arena, uint32_t);
    if (inputs == NULL || output == NULL) {
        return onr_fail_memory(l->ctx->err, "inputs of a node");
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (onr_layout_wants(l, kind, node, i)) {
            ONR_TRY(need_last(l, node->inputs[i]));
            inputs[i] = l->last[node->inputs[i]];
        }
    }
    node->inputs = inputs;
    if (kind == ONR_LAYOUT_READER) {
        drop_first(node);
    } else if (kind == ONR_LAYOUT_CONV) {
        ONR_TRY(make_conv(l, node));
    } else if (kind == ONR_LAYOUT_RESIZE) {
        ONR_TRY(make_resize(l, node));
    } else if (kind == ONR_LAYOUT_POINTS || kind == ONR_LAYOUT_NUMBERS) {
        ONR_TRY(make_reduction(l, kind, node));
    }
    if (kind == ONR_LAYOUT_READER || kind == ONR_LAYOUT_NUMBERS) {
        return onr_insert_node(l->graph, node, l->ctx->err);
    }
    ONR_TRY(add_last(l, y));
    *output = l->last[y];
    node->outputs = output;
    ONR_TRY(onr_insert_node(l->graph, node, l->ctx->err));
    return onr_layout_needs_first(l, y) ? add_transpose(l, l->last[y], y, true) : ONR_OK;
}

enum onr_status onr_layouts_change(struct onr_layouts *l)
{
    l->nodes = onr_insert_begin(l->graph, &l->node_count);
    for (uint32_t n = 0; n < l->node_count; n++) {
        enum onr_layout_kind kind = (enum onr_layout_kind)l->kind[n];
        ONR_TRY(kind == ONR_LAYOUT_STAYS ? onr_insert_node(l->graph, &l->nodes[n], l->ctx->err)
                                         : change_node(l, kind, &l->nodes[n]));
    }
    return ONR_OK;
}
