/* SPDX-License-Identifier: Apache-2.0 */
/* Constant folding of one node, and facts of constants, for the pass infer_facts while it walks. */
#include "base/size.h"
#include "graph/passes/pass.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Largest input bytes of an operator whose output size is not known before it ran. */
#define MAX_DYNAMIC_INPUT_BYTES ((size_t)1 << 20)

/* Constants up to this size whose bytes in the file cannot be read in place are copied when their
 * facts are made, larger ones when a node is folded that reads them: most are packed instead. */
#define MAX_COPIED_BYTES ((size_t)1 << 16)

enum onr_status onr_constant_fact(struct onr_graph *graph, struct onr_value *value,
                                  struct onr_error *err)
{
    const struct onr_constant *constant = value->constant;
    if (value->is_input) {
        return ONR_OK; /* a default, which the caller may override within what is declared */
    }
    value->fact = onr_fact_of(constant->dtype, &constant->shape);
    if (onr_constant_is_direct(constant)) {
        value->fact.data = constant->data;
        return ONR_OK;
    }
    size_t bytes = (size_t)onr_constant_count(constant) * onr_dtype_size(constant->dtype);
    if (bytes <= MAX_COPIED_BYTES) {
        void *copy = onr_arena_alloc(graph->arena, bytes);
        if (copy == NULL) {
            return onr_fail_memory(err, "constant");
        }
        onr_constant_copy(constant, copy);
        value->fact.data = copy;
    }
    return ONR_OK;
}

/* The constant of an input whose fact has no data yet, or NULL. */
static const struct onr_constant *unread_constant(const struct onr_graph *graph, uint32_t id)
{
    const struct onr_value *value = id != ONR_NO_VALUE ? &graph->values[id] : NULL;
    return value != NULL && !value->is_input && value->fact.data == NULL ? value->constant : NULL;
}

/* Bytes of all outputs (of the inputs, for a DYNAMIC operator); false when folding is out of the
 * question. */
static bool fold_cost(const struct onr_graph *graph, const struct onr_node *node,
                      const struct onr_fact *const *inputs, const struct onr_fact *facts,
                      uint64_t *cost)
{
    bool is_dynamic = (node->op->traits & ONR_TRAIT_DYNAMIC) != 0;
    size_t bytes = 0;
    *cost = 0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (inputs[i] == NULL) {
            continue;
        }
        if (!onr_fact_is_constant(inputs[i]) && unread_constant(graph, node->inputs[i]) == NULL) {
            return false;
        }
        bool is_sized = onr_shape_bytes(&inputs[i]->shape, inputs[i]->dtype, &bytes);
        if (is_dynamic && (!is_sized || bytes > MAX_DYNAMIC_INPUT_BYTES)) {
            return false;
        }
        *cost += is_dynamic ? bytes : 0;
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (!onr_fact_is_tensor(&facts[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < node->output_count && !is_dynamic; i++) {
        if (!onr_fact_is_shaped(&facts[i]) ||
            !onr_shape_bytes(&facts[i].shape, facts[i].dtype, &bytes)) {
            return false;
        }
        *cost += bytes;
    }
    return true;
}

/* Results of at least this size get storage of their own, so that it can be given back. */
#define MIN_OWN_BYTES ((uint64_t)1 << 16)

void onr_folds_free(struct onr_fold *folds)
{
    for (; folds != NULL; folds = folds->next) {
        onr_arena_free(&folds->arena);
    }
}

/* Storage for the results of a node, or NULL when memory is out. */
static struct onr_fold *new_fold(struct onr_graph *graph, const struct onr_node *node,
                                 uint64_t bytes, struct onr_pass_ctx *ctx)
{
    struct onr_fold *fold = ONR_ARENA_NEW(graph->arena, struct onr_fold);
    if (fold == NULL) {
        return NULL;
    }
    onr_arena_init(&fold->arena, ctx->eval->mem);
    fold->bytes = bytes;
    fold->next = *ctx->folds;
    *ctx->folds = fold;
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] != ONR_NO_VALUE) {
            graph->values[node->outputs[i]].fold = fold;
            fold->use_count += graph->values[node->outputs[i]].use_count;
        }
    }
    return fold;
}

/* The node needs its inputs no longer: gives back results that nothing else needs. */
static void release_inputs(struct onr_graph *graph, const struct onr_node *node,
                           struct onr_pass_ctx *ctx)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        struct onr_value *value =
            node->inputs[i] != ONR_NO_VALUE ? &graph->values[node->inputs[i]] : NULL;
        if (value == NULL || value->fold == NULL || --value->fold->use_count > 0) {
            continue;
        }
        onr_arena_free(&value->fold->arena);
        ctx->fold_bytes += value->fold->bytes;
        value->fold->bytes = 0;
        value->constant = NULL;
        value->fact.data = NULL;
    }
}

/* Makes the value a constant that shares the fact's data. */
static enum onr_status set_constant(struct onr_graph *graph, uint32_t id,
                                    const struct onr_fact *fact, struct onr_pass_ctx *ctx)
{
    struct onr_constant *constant = ONR_ARENA_NEW(graph->arena, struct onr_constant);
    if (constant == NULL) {
        return onr_fail_memory(ctx->err, "folded constant");
    }
    *constant =
        (struct onr_constant){.dtype = fact->dtype, .shape = fact->shape, .data = fact->data};
    size_t count = (size_t)onr_shape_count(&fact->shape);
    constant->bytes = count * onr_dtype_size(fact->dtype);
    if (onr_dtypes_has(ONR_DTYPES_NARROW, fact->dtype) && count > 0) {
        if (!onr_dtype_file_bytes(fact->dtype, (int64_t)count, &constant->bytes)) {
            return onr_fail(ctx->err, ONR_ERR_LIMIT, "folded constant is too large");
        }
        uint8_t *packed = onr_arena_alloc(graph->arena, constant->bytes);
        if (packed == NULL) {
            return onr_fail_memory(ctx->err, "folded constant");
        }
        onr_dtype_pack(fact->dtype, count, fact->data, packed);
        constant->data = packed;
    }
    graph->values[id].constant = constant;
    graph->values[id].fact = *fact;
    return ONR_OK;
}

/* The tensor in the attribute of a Constant node, which is a constant as it is; else NULL. */
static const struct onr_constant *constant_attribute(const struct onr_node *node)
{
    if (strcmp(node->op_type, "Constant") != 0 || node->op->domain[0] != '\0' ||
        node->output_count != 1 || node->outputs[0] == ONR_NO_VALUE) {
        return NULL;
    }
    const struct onr_attr *attr = onr_node_attr(node, "value");
    return attr != NULL && attr->kind == ONR_ATTR_TENSOR ? attr->as.tensor : NULL;
}

/* The facts of the node's inputs, with data for all: in scratch, where a constant was not read. */
static const struct onr_fact *const *read_inputs(const struct onr_graph *graph,
                                                 const struct onr_node *node,
                                                 const struct onr_fact *const *inputs,
                                                 struct onr_arena *scratch)
{
    const struct onr_fact **read =
        onr_arena_copy(scratch, inputs, node->input_count * sizeof *inputs);
    for (uint32_t i = 0; read != NULL && i < node->input_count; i++) {
        const struct onr_constant *constant = unread_constant(graph, node->inputs[i]);
        if (constant == NULL) {
            continue;
        }
        struct onr_fact *fact = onr_arena_copy(scratch, inputs[i], sizeof *fact);
        void *copy = onr_arena_array(scratch, (size_t)onr_constant_count(constant),
                                     onr_dtype_size(constant->dtype));
        if (fact == NULL || copy == NULL) {
            return NULL;
        }
        onr_constant_copy(constant, copy);
        fact->data = copy;
        read[i] = fact;
    }
    return read;
}

static enum onr_status evaluate(struct onr_graph *graph, const struct onr_node *node,
                                const struct onr_fact *const *inputs, struct onr_fact *facts,
                                struct onr_arena *arena, struct onr_pass_ctx *ctx)
{
    struct onr_arena scratch;
    onr_arena_init(&scratch, ctx->eval->mem);
    const struct onr_constant **constants =
        ONR_ARENA_ARRAY(&scratch, node->input_count, const struct onr_constant *);
    inputs = read_inputs(graph, node, inputs, &scratch);
    if (constants == NULL || inputs == NULL) {
        onr_arena_free(&scratch);
        return onr_fail_memory(ctx->err, "folded constant");
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i] != ONR_NO_VALUE) {
            constants[i] = graph->values[node->inputs[i]].constant;
        }
    }
    enum onr_status status =
        onr_eval_node(ctx->eval, graph, node, node->op, inputs, constants, facts, arena, ctx->err);
    onr_arena_free(&scratch);
    return status;
}

/* Tells that the node is not folded because its results are too large. */
static void report_budget(const struct onr_graph *graph, const struct onr_node *node, uint64_t cost,
                          const struct onr_pass_ctx *ctx)
{
    char expected[96];
    char found[80];
    if (ctx->report == NULL) {
        return;
    }
    (void)snprintf(expected, sizeof expected,
                   "at most %" PRIu64 " bytes, what is left of the budget of constant folding",
                   ctx->fold_bytes);
    (void)snprintf(found, sizeof found, "%" PRIu64 " bytes", cost);
    const struct onr_note note = {.op = "constant",
                                  .node = onr_node_label(graph, node),
                                  .expected = expected,
                                  .found = found};
    onr_report_missed(ctx->report, &note);
}

enum onr_status onr_fold_node(struct onr_graph *graph, struct onr_node *node,
                              const struct onr_fact *const *inputs, struct onr_fact *facts,
                              bool *is_folded, struct onr_pass_ctx *ctx)
{
    uint64_t cost = 0;
    const struct onr_constant *tensor = constant_attribute(node);
    *is_folded = tensor != NULL;
    if (tensor != NULL) {
        struct onr_value *value = &graph->values[node->outputs[0]];
        value->constant = tensor;
        node->is_dead = true;
        return onr_constant_fact(graph, value, ctx->err);
    }
    if ((node->op->traits & (ONR_TRAIT_IMPURE | ONR_TRAIT_BODIES)) != 0 ||
        !fold_cost(graph, node, inputs, facts, &cost)) {
        return ONR_OK;
    }
    if (cost > ctx->fold_bytes) {
        report_budget(graph, node, cost, ctx);
        return ONR_OK;
    }
    struct onr_arena *arena = graph->arena;
    if (cost >= MIN_OWN_BYTES) {
        struct onr_fold *fold = new_fold(graph, node, cost, ctx);
        if (fold == NULL) {
            return onr_fail_memory(ctx->err, "folded constant");
        }
        arena = &fold->arena;
    }
    ONR_TRY(evaluate(graph, node, inputs, facts, arena, ctx));
    ctx->fold_bytes -= cost;
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] != ONR_NO_VALUE) {
            ONR_TRY(set_constant(graph, node->outputs[i], &facts[i], ctx));
        }
    }
    release_inputs(graph, node, ctx);
    node->is_dead = true;
    *is_folded = true;
    return ONR_OK;
}
