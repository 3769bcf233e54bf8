/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/passes/insert.h"

#include <string.h>

struct onr_node *onr_insert_begin(struct onr_graph *graph, uint32_t *count)
{
    struct onr_node *nodes = graph->nodes;
    *count = graph->node_count;
    graph->nodes = NULL;
    graph->node_count = 0;
    graph->node_capacity = 0;
    return nodes;
}

enum onr_status onr_insert_node(struct onr_graph *graph, const struct onr_node *node,
                                struct onr_error *err)
{
    struct onr_node *copy = NULL;
    ONR_TRY(onr_graph_add_node(graph, &copy, err));
    *copy = *node;
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] != ONR_NO_VALUE) {
            graph->values[node->outputs[i]].producer = graph->node_count - 1;
        }
    }
    return ONR_OK;
}

enum onr_status onr_insert_between(struct onr_graph *graph, const struct onr_op_def *op,
                                   uint32_t from, uint32_t to, const struct onr_attr *attr,
                                   struct onr_error *err)
{
    struct onr_attr *own = onr_arena_copy(graph->arena, attr, sizeof *attr);
    uint32_t *ids = ONR_ARENA_ARRAY(graph->arena, 2, uint32_t);
    if (own == NULL || ids == NULL) {
        return onr_fail_memory(err, "node");
    }
    ids[0] = from;
    ids[1] = to;
    const struct onr_node node = {.name = graph->values[to].name,
                                  .op_type = op->name,
                                  .domain = op->domain,
                                  .version = op->since_version,
                                  .inputs = ids,
                                  .outputs = ids + 1,
                                  .input_count = 1,
                                  .output_count = 1,
                                  .attrs = own,
                                  .attr_count = 1,
                                  .op = op};
    return onr_insert_node(graph, &node, err);
}

void onr_insert_operator(struct onr_node *node, const struct onr_node *like)
{
    node->op_type = like->op_type;
    node->domain = like->domain;
    node->version = like->version;
    node->op = like->op;
    node->attrs = like->attrs;
    node->attr_count = like->attr_count;
}

enum onr_status onr_insert_constant(struct onr_graph *graph, const char *name,
                                    const struct onr_shape *shape, const float *data, uint32_t *id,
                                    struct onr_error *err)
{
    struct onr_constant *constant = ONR_ARENA_NEW(graph->arena, struct onr_constant);
    if (constant == NULL) {
        return onr_fail_memory(err, "a constant");
    }
    size_t bytes = (size_t)onr_shape_range(shape, 0, shape->rank) * sizeof(float);
    *constant =
        (struct onr_constant){.dtype = ONR_FLOAT, .shape = *shape, .data = data, .bytes = bytes};
    ONR_TRY(onr_graph_add_value(graph, name, id, err));
    struct onr_value *value = &graph->values[*id];
    value->constant = constant;
    value->fact = onr_fact_of(ONR_FLOAT, shape);
    value->fact.data = data;
    return ONR_OK;
}

/* ---- few nodes ---- */

/* A new node, to stand before the one of this index. */
struct onr_inserted {
    struct onr_node node;
    uint32_t before;
    struct onr_inserted *next;
};

void onr_insert_start(struct onr_inserter *insert, struct onr_graph *graph,
                      struct onr_pass_ctx *ctx)
{
    *insert = (struct onr_inserter){.graph = graph, .ctx = ctx, .end = &insert->first};
}

enum onr_status onr_insert_instead(struct onr_inserter *insert, struct onr_node *node,
                                   const struct onr_node *like, const uint32_t *inputs)
{
    onr_insert_operator(node, like);
    node->inputs = onr_arena_copy(insert->graph->arena, inputs, like->input_count * sizeof *inputs);
    node->input_count = like->input_count;
    return node->inputs != NULL ? ONR_OK : onr_fail_memory(insert->ctx->err, "node");
}

static enum onr_status add_value(const struct onr_inserter *insert, const char *name,
                                 const struct onr_node *node, uint32_t *id)
{
    struct onr_graph *graph = insert->graph;
    const struct onr_fact *first = &graph->values[node->inputs[0]].fact;
    bool is_flag = strcmp(node->op_type, "Cast") == 0;
    const struct onr_fact fact = onr_fact_of(is_flag ? ONR_BOOL : first->dtype, &first->shape);
    ONR_TRY(onr_graph_add_value(graph, name, id, insert->ctx->err));
    graph->values[*id].fact = fact;
    graph->values[*id].use_count = 1;
    return ONR_OK;
}

/* Computes the node when its inputs are constant, else gives it a place. */
static enum onr_status fold(struct onr_inserter *insert, struct onr_inserted *added)
{
    const struct onr_fact *inputs[ONR_INSERT_INPUTS] = {NULL};
    struct onr_fact fact = insert->graph->values[added->node.outputs[0]].fact;
    bool is_folded = false;
    for (uint32_t i = 0; i < added->node.input_count; i++) {
        if (added->node.inputs[i] == ONR_NO_VALUE) {
            continue;
        }
        struct onr_value *value = &insert->graph->values[added->node.inputs[i]];
        inputs[i] = &value->fact;
        if (value->fold != NULL) {
            value->fold->use_count++; /* folding gives back what nothing needs any more */
        }
    }
    ONR_TRY(onr_fold_node(insert->graph, &added->node, inputs, &fact, &is_folded, insert->ctx));
    if (!is_folded) {
        *insert->end = added;
        insert->end = &added->next;
    }
    return ONR_OK;
}

enum onr_status onr_insert_before(struct onr_inserter *insert, const struct onr_node *like,
                                  const uint32_t *inputs, const char *suffix, uint32_t *made)
{
    struct onr_graph *graph = insert->graph;
    struct onr_inserted *added = ONR_ARENA_NEW(graph->arena, struct onr_inserted);
    uint32_t *id = ONR_ARENA_NEW(graph->arena, uint32_t);
    uint32_t output = graph->nodes[insert->at].outputs[0];
    char *name = onr_arena_printf(graph->arena, "%s.%s", graph->values[output].name, suffix);
    if (name == NULL || added == NULL || id == NULL) {
        return onr_fail_memory(insert->ctx->err, "node");
    }
    added->node = *like;
    added->before = insert->at;
    ONR_TRY(onr_insert_instead(insert, &added->node, like, inputs));
    ONR_TRY(add_value(insert, name, &added->node, id));
    added->node.name = name;
    added->node.outputs = id;
    added->node.output_count = 1;
    *made = *id;
    return fold(insert, added);
}

enum onr_status onr_insert_place(struct onr_inserter *insert)
{
    uint32_t count = 0;
    const struct onr_inserted *added = insert->first;
    if (added == NULL) {
        return ONR_OK;
    }
    struct onr_node *nodes = onr_insert_begin(insert->graph, &count);
    for (uint32_t n = 0; n < count; n++) {
        for (; added != NULL && added->before == n; added = added->next) {
            ONR_TRY(onr_insert_node(insert->graph, &added->node, insert->ctx->err));
        }
        ONR_TRY(onr_insert_node(insert->graph, &nodes[n], insert->ctx->err));
    }
    return ONR_OK;
}
