/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts of all values, in one walk in topological order. Declared value_info is not used: it may be
 * stale. Whatever turns out constant on the way is folded, so that later shapes can depend on it.
 */
#include "graph/infer.h"
#include "graph/passes/pass.h"

#include <inttypes.h>
#include <string.h>

static enum onr_status start_facts(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    for (uint32_t i = 0; i < graph->value_count; i++) {
        struct onr_value *value = &graph->values[i];
        if (value->constant != NULL) {
            ONR_TRY(onr_constant_fact(graph, value, ctx->err));
        }
    }
    return ONR_OK;
}

/* Hands the facts of captured values to a body; a captured constant becomes the body's own. */
static void pass_captures(const struct onr_graph *graph, const struct onr_body *body)
{
    struct onr_graph *inner = body->graph;
    for (uint32_t i = 0; i < body->capture_count; i++) {
        const struct onr_value *outer = &graph->values[body->captures[i]];
        struct onr_value *value = &inner->values[inner->inputs[inner->formal_input_count + i]];
        if (outer->constant != NULL && !outer->is_input) {
            value->constant = outer->constant;
            value->is_input = false;
        }
        value->fact = outer->fact;
        value->fact.contents = NULL;
        for (int d = 0; d < value->fact.shape.rank; d++) {
            if (onr_dim_is_symbol(value->fact.shape.dim[d])) {
                value->fact.shape.dim[d] = ONR_DIM_UNKNOWN; /* symbols are numbered per graph */
            }
        }
    }
}

/*
 * Formal inputs of a body keep their declared type, or take that of the node's input when none is
 * declared (both lists end with the same values); their shapes may change between iterations.
 */
static void start_formal_inputs(const struct onr_graph *graph, const struct onr_node *node,
                                struct onr_graph *inner)
{
    uint32_t count = inner->formal_input_count;
    uint32_t skipped = node->input_count > count ? node->input_count - count : 0;
    for (uint32_t i = 0; i < count; i++) {
        struct onr_fact *fact = &inner->values[inner->inputs[i]].fact;
        fact->shape.rank = ONR_RANK_UNKNOWN;
        uint32_t outer = i + skipped < node->input_count ? node->inputs[i + skipped] : ONR_NO_VALUE;
        if (fact->dtype != ONR_UNDEFINED || outer == ONR_NO_VALUE) {
            continue;
        }
        const struct onr_fact *given = &graph->values[outer].fact;
        if (given->kind == ONR_KIND_NONE) {
            continue; /* a later iteration may have an element, of a kind that nothing tells */
        }
        bool is_item = node->op != NULL && (node->op->traits & ONR_TRAIT_MAPS_ITEMS) != 0;
        fact->kind = is_item ? ONR_KIND_TENSOR : given->kind;
        fact->is_optional = given->is_optional;
        fact->dtype = given->dtype;
    }
}

static enum onr_status infer_nodes(struct onr_graph *graph, bool is_body, struct onr_pass_ctx *ctx);

/*
 * Infers the bodies of a node. A shape error in a branch that may never be taken is no error of the
 * model: it is left for the run, and of what comes of it only the types are known.
 */
static enum onr_status infer_bodies(struct onr_graph *graph, const struct onr_node *node,
                                    struct onr_pass_ctx *ctx)
{
    for (uint32_t b = 0; b < node->body_count; b++) {
        struct onr_graph *inner = node->bodies[b].graph;
        pass_captures(graph, &node->bodies[b]);
        start_formal_inputs(graph, node, inner);
        ONR_TRY(infer_nodes(inner, true, ctx));
    }
    return ONR_OK;
}

/* Gathers pointers to the facts of a node's inputs; NULL where one is absent. */
static enum onr_status gather_inputs(struct onr_graph *graph, const struct onr_node *node,
                                     const struct onr_fact ***inputs, struct onr_error *err)
{
    *inputs = ONR_ARENA_ARRAY(graph->arena, node->input_count, const struct onr_fact *);
    if (*inputs == NULL) {
        return onr_fail_memory(err, "facts of a node");
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i] != ONR_NO_VALUE) {
            (*inputs)[i] = &graph->values[node->inputs[i]].fact;
        }
    }
    return ONR_OK;
}

static bool has_known_kinds(const struct onr_node *node, const struct onr_fact *const *inputs)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (inputs[i] != NULL && inputs[i]->kind == ONR_KIND_OTHER) {
            return false;
        }
    }
    return true;
}

/* Gives the dimensions of a tensor that nothing tells symbols of their own, by which they are known
 * again in what is made of it. */
static void name_dims(struct onr_graph *graph, struct onr_fact *fact)
{
    for (int i = 0; onr_fact_is_tensor(fact) && i < fact->shape.rank; i++) {
        if (fact->shape.dim[i] == ONR_DIM_UNKNOWN &&
            graph->unnamed_count < UINT32_MAX - graph->symbol_count) {
            fact->shape.dim[i] = onr_dim_symbol(graph->symbol_count + graph->unnamed_count++);
        }
    }
}

/* A default need not have the dimensions that other inputs are given for the same names: it is not
 * known by these. */
static void name_inputs(struct onr_graph *graph)
{
    for (uint32_t i = 0; i < graph->input_count; i++) {
        struct onr_value *value = &graph->values[graph->inputs[i]];
        for (int d = 0; value->constant != NULL && d < value->fact.shape.rank; d++) {
            bool is_symbol = onr_dim_is_symbol(value->fact.shape.dim[d]);
            value->fact.shape.dim[d] = is_symbol ? ONR_DIM_UNKNOWN : value->fact.shape.dim[d];
        }
        name_dims(graph, &value->fact);
    }
}

/* Checks types and infers one node, or makes its outputs constants. */
static enum onr_status find_facts(struct onr_graph *graph, struct onr_node *node,
                                  struct onr_fact *facts, bool *is_folded, struct onr_pass_ctx *ctx)
{
    const struct onr_fact **inputs = NULL;
    ONR_TRY(gather_inputs(graph, node, &inputs, ctx->err));
    if (!has_known_kinds(node, inputs)) {
        return onr_note_missing(graph, node, "input that is no tensor or sequence", ctx);
    }
    enum onr_status status = onr_check_dtypes(node, node->op, inputs, ctx->err);
    if (status == ONR_ERR_UNSUPPORTED) {
        return onr_note_missing(graph, node, ctx->err->message, ctx);
    }
    ONR_TRY(status);
    uint32_t needs = 0;
    ONR_TRY(onr_infer_node(graph, node, node->op, inputs, facts, &needs, graph->arena, ctx->err));
    return onr_fold_node(graph, node, inputs, facts, is_folded, ctx);
}

/* Infers one node; facts of what is missing stay unknown, and after an error all but the types. */
static enum onr_status infer_one(struct onr_graph *graph, struct onr_node *node,
                                 struct onr_pass_ctx *ctx)
{
    struct onr_fact *facts = ONR_ARENA_ARRAY(graph->arena, node->output_count, struct onr_fact);
    if (facts == NULL) {
        return onr_fail_memory(ctx->err, "facts of a node");
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        facts[i].shape.rank = ONR_RANK_UNKNOWN;
    }
    bool is_folded = false;
    enum onr_status status = find_facts(graph, node, facts, &is_folded, ctx);
    for (uint32_t i = 0; i < node->output_count && !is_folded; i++) {
        if (status != ONR_OK) {
            facts[i] = (struct onr_fact){.kind = facts[i].kind,
                                         .is_optional = facts[i].is_optional,
                                         .dtype = facts[i].dtype,
                                         .shape.rank = ONR_RANK_UNKNOWN};
        }
        if (node->outputs[i] != ONR_NO_VALUE) {
            name_dims(graph, &facts[i]);
            graph->values[node->outputs[i]].fact = facts[i];
        }
    }
    return status;
}

static enum onr_status infer_with_context(struct onr_graph *graph, struct onr_node *node,
                                          struct onr_pass_ctx *ctx)
{
    ONR_TRY(infer_bodies(graph, node, ctx));
    if (node->op == NULL) {
        for (uint32_t i = 0; i < node->output_count; i++) {
            if (node->outputs[i] != ONR_NO_VALUE) {
                graph->values[node->outputs[i]].fact =
                    (struct onr_fact){.shape.rank = ONR_RANK_UNKNOWN};
            }
        }
        return ONR_OK;
    }
    enum onr_status status = infer_one(graph, node, ctx);
    if (status != ONR_OK && strncmp(ctx->err->message, "load: ", 6) != 0) {
        onr_error_prefix(ctx->err,
                         "load: node \"%.128s\" (%s-%" PRId64 "): ", onr_node_label(graph, node),
                         node->op_type, node->version);
    }
    return status;
}

static bool is_fatal(enum onr_status status)
{
    return status == ONR_ERR_MEMORY || status == ONR_ERR_LIMIT || status == ONR_ERR_INTERNAL;
}

static enum onr_status infer_nodes(struct onr_graph *graph, bool is_body, struct onr_pass_ctx *ctx)
{
    ONR_TRY(start_facts(graph, ctx));
    name_inputs(graph);
    for (uint32_t n = 0; n < graph->node_count; n++) {
        enum onr_status status = infer_with_context(graph, &graph->nodes[n], ctx);
        if (status != ONR_OK && (!is_body || is_fatal(status))) {
            return status;
        }
    }
    return ONR_OK;
}

enum onr_status onr_pass_infer_facts(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    return infer_nodes(graph, false, ctx);
}
