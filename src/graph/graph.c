/* SPDX-License-Identifier: Apache-2.0 */
/* Building and reading a graph. */
#include "graph/graph.h"

#include <string.h>

/* The array with room for one more item: itself, or a copy of twice the size; NULL when memory is
 * out. */
static void *with_room(struct onr_arena *arena, void *items, uint32_t count, uint32_t *capacity,
                       size_t item_bytes)
{
    if (count < *capacity) {
        return items;
    }
    uint32_t bigger = *capacity != 0 ? *capacity * 2 : 16;
    void *copy = onr_arena_array(arena, bigger, item_bytes);
    if (copy != NULL && count > 0) {
        memcpy(copy, items, count * item_bytes);
    }
    *capacity = copy != NULL ? bigger : *capacity;
    return copy;
}

enum onr_status onr_graph_add_value(struct onr_graph *graph, const char *name, uint32_t *id,
                                    struct onr_error *err)
{
    struct onr_value *values = with_room(graph->arena, graph->values, graph->value_count,
                                         &graph->value_capacity, sizeof *values);
    if (values == NULL) {
        return onr_fail_memory(err, "graph values");
    }
    graph->values = values;
    *id = graph->value_count++;
    values[*id] = (struct onr_value){
        .name = name, .fact.shape.rank = ONR_RANK_UNKNOWN, .producer = ONR_NO_VALUE};
    return ONR_OK;
}

enum onr_status onr_graph_add_node(struct onr_graph *graph, struct onr_node **node,
                                   struct onr_error *err)
{
    struct onr_node *nodes = with_room(graph->arena, graph->nodes, graph->node_count,
                                       &graph->node_capacity, sizeof *nodes);
    if (nodes == NULL) {
        return onr_fail_memory(err, "graph nodes");
    }
    graph->nodes = nodes;
    *node = &nodes[graph->node_count++];
    **node = (struct onr_node){.name = "", .op_type = "", .domain = ""};
    return ONR_OK;
}

const struct onr_attr *onr_node_attr(const struct onr_node *node, const char *name)
{
    for (uint32_t i = 0; i < node->attr_count; i++) {
        /* Most names differ in their first letter, and the planner asks for many. */
        if (node->attrs[i].name[0] == name[0] && strcmp(node->attrs[i].name, name) == 0) {
            return &node->attrs[i];
        }
    }
    return NULL;
}

const struct onr_body *onr_node_body(const struct onr_node *node, const char *attr_name)
{
    for (uint32_t i = 0; i < node->body_count; i++) {
        if (strcmp(node->bodies[i].attr_name, attr_name) == 0) {
            return &node->bodies[i];
        }
    }
    return NULL;
}

const char *onr_node_label(const struct onr_graph *graph, const struct onr_node *node)
{
    if (node->name[0] != '\0') {
        return node->name;
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] != ONR_NO_VALUE) {
            return graph->values[node->outputs[i]].name;
        }
    }
    return "?";
}

bool onr_constant_is_direct(const struct onr_constant *constant)
{
    if (onr_dtypes_has(ONR_DTYPES_NARROW, constant->dtype)) {
        return false;
    }
    size_t align = onr_dtype_size(constant->dtype);
    align = align > 8 ? 8 : align;
    return ((uintptr_t)constant->data & (align - 1)) == 0;
}

void onr_constant_copy(const struct onr_constant *constant, void *out)
{
    size_t count = (size_t)onr_constant_count(constant);
    if (count == 0) {
        return;
    }
    if (onr_dtypes_has(ONR_DTYPES_NARROW, constant->dtype)) {
        onr_dtype_unpack(constant->dtype, count, constant->data, out);
    } else {
        memcpy(out, constant->data, count * onr_dtype_size(constant->dtype));
    }
}
