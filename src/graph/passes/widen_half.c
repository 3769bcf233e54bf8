/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Computes what the model computes in float16 or bfloat16 in float32: kernels work in float32
 * anyway, so that rounding each intermediate result costs time and digits. A chain of such nodes is
 * rounded once, where a value leaves it. Operators that only move data take part when their data is
 * already wide, so that tables of weights keep their size; KEEP_TYPE operators, whose result is
 * about the type itself, never do.
 */
#include "graph/passes/insert.h"
#include "graph/passes/pass.h"

#include <string.h>

struct widener {
    struct onr_graph *graph;
    struct onr_error *err;
    struct onr_mem *mem;
    struct onr_node *nodes; /* [node_count] of the graph as it was */
    uint32_t node_count;
    uint32_t *wide; /* [value_count] the float32 twin of a half value, or ONR_NO_VALUE */
    uint32_t value_count;
};

static bool is_half(const struct onr_graph *graph, uint32_t id)
{
    return id != ONR_NO_VALUE && onr_dtypes_has(ONR_DTYPES_HALF, graph->values[id].fact.dtype);
}

/* True when the parameter could be float32 just as well. */
static bool allows_float(const struct onr_param_spec *specs, uint32_t index)
{
    struct onr_param_spec spec = onr_param_spec_at(specs, index);
    return spec.group != 0 && onr_dtypes_has(spec.dtypes, ONR_FLOAT);
}

/* True when the node's half inputs and outputs can all become float32. A node that was folded makes
 * nothing any more that casts could read. */
static bool can_widen(const struct widener *w, const struct onr_node *node)
{
    if (node->is_dead || node->op == NULL || node->body_count > 0 ||
        (node->op->traits & (ONR_TRAIT_KEEP_TYPE | ONR_TRAIT_BODIES)) != 0) {
        return false;
    }
    bool is_movement =
        onr_dtypes_has(onr_param_spec_at(node->op->input_specs, 0).dtypes, ONR_STRING);
    bool has_half_input = false;
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (!is_half(w->graph, node->inputs[i])) {
            continue;
        }
        has_half_input = true;
        if (!allows_float(node->op->input_specs, i) ||
            (is_movement && w->wide[node->inputs[i]] == ONR_NO_VALUE)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (is_half(w->graph, node->outputs[i]) && !allows_float(node->op->output_specs, i)) {
            return false;
        }
    }
    return has_half_input;
}

/* Adds a Cast node and, when to is ONR_NO_VALUE, the value that it makes. */
static enum onr_status add_cast(struct widener *w, uint32_t from, uint32_t *to,
                                enum onr_dtype dtype, const struct onr_op_def *cast)
{
    struct onr_graph *graph = w->graph;
    if (*to == ONR_NO_VALUE) {
        char *name = onr_arena_printf(graph->arena, "%s.float", graph->values[from].name);
        if (name == NULL) {
            return onr_fail_memory(w->err, "name of a value");
        }
        ONR_TRY(onr_graph_add_value(graph, name, to, w->err));
        graph->values[*to].fact = onr_fact_of(dtype, &graph->values[from].fact.shape);
    }
    const struct onr_attr attr = {
        .name = "to", .kind = ONR_ATTR_INT, .count = 1, .as.i = (int64_t)dtype};
    return onr_insert_between(graph, cast, from, *to, &attr, w->err);
}

/* Appends the node with float32 in place of half, with casts before and behind it. */
static enum onr_status widen_node(struct widener *w, struct onr_node *node,
                                  const struct onr_op_def *cast)
{
    struct onr_graph *graph = w->graph;
    for (uint32_t i = 0; i < node->input_count; i++) {
        uint32_t id = node->inputs[i];
        if (is_half(graph, id)) {
            node->half = graph->values[id].fact.dtype;
            if (w->wide[id] == ONR_NO_VALUE) {
                ONR_TRY(add_cast(w, id, &w->wide[id], ONR_FLOAT, cast));
            }
            node->inputs[i] = w->wide[id];
        }
    }
    uint32_t narrow_count = node->output_count;
    uint32_t *narrow =
        onr_arena_copy(graph->arena, node->outputs, narrow_count * sizeof *node->outputs);
    if (narrow == NULL) {
        return onr_fail_memory(w->err, "outputs of a node");
    }
    for (uint32_t i = 0; i < narrow_count; i++) {
        if (is_half(graph, narrow[i])) {
            char *name = onr_arena_printf(graph->arena, "%s.float", graph->values[narrow[i]].name);
            if (name == NULL) {
                return onr_fail_memory(w->err, "name of a value");
            }
            ONR_TRY(onr_graph_add_value(graph, name, &node->outputs[i], w->err));
            graph->values[node->outputs[i]].fact =
                onr_fact_of(ONR_FLOAT, &graph->values[narrow[i]].fact.shape);
            w->wide[narrow[i]] = node->outputs[i];
        }
    }
    ONR_TRY(onr_insert_node(graph, node, w->err));
    for (uint32_t i = 0; i < narrow_count; i++) {
        if (narrow[i] != node->outputs[i]) {
            enum onr_dtype dtype = graph->values[narrow[i]].fact.dtype;
            ONR_TRY(add_cast(w, node->outputs[i], &narrow[i], dtype, cast));
        }
    }
    return ONR_OK;
}

static enum onr_status widen_nodes(struct widener *w, const struct onr_op_def *cast)
{
    for (uint32_t n = 0; n < w->node_count; n++) {
        if (can_widen(w, &w->nodes[n])) {
            ONR_TRY(widen_node(w, &w->nodes[n], cast));
        } else {
            ONR_TRY(onr_insert_node(w->graph, &w->nodes[n], w->err));
        }
    }
    return ONR_OK;
}

static bool has_half_node(const struct widener *w)
{
    for (uint32_t n = 0; n < w->node_count; n++) {
        if (can_widen(w, &w->nodes[n])) {
            return true;
        }
    }
    return false;
}

enum onr_status onr_pass_widen_half(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    struct widener w = {.graph = graph,
                        .err = ctx->err,
                        .mem = ctx->eval->mem,
                        .nodes = graph->nodes,
                        .node_count = graph->node_count,
                        .value_count = graph->value_count};
    const struct onr_op_def *cast = ctx->registry->find("", "Cast", 13);
    size_t bytes = w.value_count * sizeof *w.wide;
    w.wide = onr_mem_alloc(w.mem, bytes);
    if (w.wide == NULL) {
        return onr_fail_memory(ctx->err, "pass widen_half");
    }
    memset(w.wide, 0xff, bytes);
    enum onr_status status = ONR_OK;
    if (cast != NULL && has_half_node(&w)) {
        w.nodes = onr_insert_begin(graph, &w.node_count);
        status = widen_nodes(&w, cast);
    }
    onr_mem_free(w.mem, w.wide, bytes);
    ONR_TRY(status);
    return onr_pass_bodies(graph, onr_pass_widen_half, ctx);
}
