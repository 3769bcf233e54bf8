/* SPDX-License-Identifier: Apache-2.0 */
/* A graph as one JSON object for programs. Dimensions are numbers, names of symbols, or null. */
#include "graph/print.h"

#include <inttypes.h>

/* Longest constant whose elements are written. */
#define SHOWN_ELEMENTS 64

static void json_string(struct onr_text *text, const char *string)
{
    onr_text_add_json_string(text, string != NULL ? string : "");
}

static void json_key(struct onr_text *text, const char *before, const char *key)
{
    onr_text_add(text, "%s\"%s\": ", before, key);
}

static void json_pair(struct onr_text *text, const char *before, const char *key, const char *value)
{
    json_key(text, before, key);
    json_string(text, value);
}

static void json_shape(struct onr_text *text, const struct onr_graph *graph,
                       const struct onr_shape *shape)
{
    if (shape->rank == ONR_RANK_UNKNOWN) {
        onr_text_add(text, "null");
        return;
    }
    onr_text_add(text, "[");
    for (int i = 0; i < shape->rank; i++) {
        int64_t dim = shape->dim[i];
        onr_text_add(text, "%s", i > 0 ? ", " : "");
        if (dim >= 0) {
            onr_text_add(text, "%" PRId64, dim);
        } else if (onr_dim_name(graph, dim) != NULL) {
            json_string(text, onr_dim_name(graph, dim));
        } else {
            onr_text_add(text, "null");
        }
    }
    onr_text_add(text, "]");
}

static void json_fact(struct onr_text *text, const char *separator, const struct onr_graph *graph,
                      const struct onr_fact *fact)
{
    static const char *const kinds[] = {"tensor", "sequence", "none", "other"};
    json_pair(text, separator, "kind", kinds[fact->kind]);
    if (fact->is_optional) {
        onr_text_add(text, ", \"is_optional\": true");
    }
    json_pair(text, ", ", "dtype", onr_dtype_name(fact->dtype));
    json_key(text, ", ", "shape");
    json_shape(text, graph, &fact->shape);
}

static void json_constant(struct onr_text *text, const struct onr_graph *graph,
                          const struct onr_constant *constant)
{
    json_pair(text, "", "dtype", onr_dtype_name(constant->dtype));
    json_key(text, ", ", "shape");
    json_shape(text, graph, &constant->shape);
    onr_text_add(text, ", \"bytes\": %zu", constant->bytes);
    json_key(text, ", ", "location");
    if (constant->location != NULL) {
        json_string(text, constant->location);
    } else {
        onr_text_add(text, "null");
    }
    json_key(text, ", ", "data");
    onr_print_constant(text, constant, SHOWN_ELEMENTS, true);
}

static void json_info(struct onr_text *text, const struct onr_model_info *info)
{
    onr_text_add(text, ",\n \"ir_version\": %" PRId64, info->ir_version);
    json_pair(text, ",\n ", "producer_name", info->producer_name);
    json_pair(text, ",\n ", "producer_version", info->producer_version);
    json_pair(text, ",\n ", "domain", info->domain);
    onr_text_add(text, ",\n \"model_version\": %" PRId64, info->model_version);
    onr_text_add(text, ",\n \"opsets\": [");
    for (uint32_t i = 0; i < info->opset_count; i++) {
        json_pair(text, i > 0 ? ", {" : "{", "domain", info->opsets[i].domain);
        onr_text_add(text, ", \"version\": %" PRId64 "}", info->opsets[i].version);
    }
    onr_text_add(text, "],\n \"metadata\": [");
    for (uint32_t i = 0; i < info->metadata_count; i++) {
        json_pair(text, i > 0 ? ", {" : "{", "key", info->metadata[i].key);
        json_pair(text, ", ", "value", info->metadata[i].value);
        onr_text_add(text, "}");
    }
    onr_text_add(text, "],\n \"functions\": [");
    for (uint32_t i = 0; i < info->function_count; i++) {
        json_pair(text, i > 0 ? ", {" : "{", "domain", info->functions[i].domain);
        json_pair(text, ", ", "name", info->functions[i].name);
        onr_text_add(text, ", \"nodes\": %" PRIu32 "}", info->functions[i].node_count);
    }
    onr_text_add(text, "]");
}

/* Everything of a graph up to its nodes. */
static void json_graph_head(struct onr_text *text, const struct onr_graph *graph, bool with_facts)
{
    json_key(text, "", "inputs");
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const struct onr_value *value = &graph->values[graph->inputs[i]];
        json_pair(text, i > 0 ? ",\n  {" : "[\n  {", "name", value->name);
        json_fact(text, ", ", graph, &value->fact);
        onr_text_add(text, ", \"optional\": %s}", value->constant != NULL ? "true" : "false");
    }
    json_key(text, graph->input_count > 0 ? "],\n " : "[],\n ", "outputs");
    for (uint32_t i = 0; i < graph->output_count; i++) {
        const struct onr_value *value = &graph->values[graph->outputs[i]];
        json_pair(text, i > 0 ? ",\n  {" : "[\n  {", "name", graph->output_names[i]);
        json_pair(text, ", ", "value", value->name);
        json_fact(text, ", ", graph, &value->fact);
        onr_text_add(text, "}");
    }
    json_key(text, graph->output_count > 0 ? "],\n " : "[],\n ", "constants");
    const char *before = "[\n  {";
    for (uint32_t i = 0; i < graph->value_count; i++) {
        if (graph->values[i].constant != NULL) {
            json_pair(text, before, "name", graph->values[i].name);
            onr_text_add(text, ", ");
            json_constant(text, graph, graph->values[i].constant);
            onr_text_add(text, "}");
            before = ",\n  {";
        }
    }
    onr_text_add(text, "%s", before[0] == '[' ? "[]" : "]");
    if (with_facts) {
        before = "[\n  {";
        json_key(text, ",\n ", "values");
        for (uint32_t i = 0; i < graph->value_count; i++) {
            json_pair(text, before, "name", graph->values[i].name);
            json_fact(text, ", ", graph, &graph->values[i].fact);
            onr_text_add(text, "}");
            before = ",\n  {";
        }
        onr_text_add(text, "%s", before[0] == '[' ? "[]" : "]");
    }
}

static const char *attr_kind_name(enum onr_attr_kind kind)
{
    static const char *const names[] = {"",       "float",  "int",   "string",  "tensor",
                                        "graph",  "floats", "ints",  "strings", "tensors",
                                        "graphs", "other",  "other", "type"};
    return names[kind];
}

static void json_attr_element(struct onr_text *text, const struct onr_graph *graph,
                              const struct onr_attr *attr, size_t index)
{
    switch (attr->kind) {
    case ONR_ATTR_FLOAT:
        onr_print_real(text, (double)attr->as.f, false, true);
        break;
    case ONR_ATTR_FLOATS:
        onr_print_real(text, (double)attr->as.floats[index], false, true);
        break;
    case ONR_ATTR_INT:
        onr_text_add(text, "%" PRId64, attr->as.i);
        break;
    case ONR_ATTR_INTS:
        onr_text_add(text, "%" PRId64, attr->as.ints[index]);
        break;
    case ONR_ATTR_STRING:
        onr_text_add_json(text, attr->as.s.data, attr->as.s.length);
        break;
    case ONR_ATTR_STRINGS:
        onr_text_add_json(text, attr->as.strings[index].data, attr->as.strings[index].length);
        break;
    case ONR_ATTR_TENSOR:
    case ONR_ATTR_TENSORS:
        onr_text_add(text, "{");
        json_constant(text, graph,
                      attr->kind == ONR_ATTR_TENSOR ? attr->as.tensor : attr->as.tensors[index]);
        onr_text_add(text, "}");
        break;
    case ONR_ATTR_TYPE:
        json_fact(text, "{", graph, attr->as.type);
        onr_text_add(text, "}");
        break;
    case ONR_ATTR_GRAPH:
    case ONR_ATTR_GRAPHS:
    case ONR_ATTR_OTHER:
        onr_text_add(text, "null");
        break;
    }
}

static void json_attr(struct onr_text *text, const struct onr_graph *graph,
                      const struct onr_attr *attr)
{
    json_pair(text, "{", "name", attr->name);
    json_pair(text, ", ", "kind", attr_kind_name(attr->kind));
    json_key(text, ", ", "value");
    bool is_list = attr->kind >= ONR_ATTR_FLOATS && attr->kind <= ONR_ATTR_GRAPHS;
    size_t count = is_list ? attr->count : 1;
    onr_text_add(text, "%s", is_list ? "[" : "");
    for (size_t i = 0; i < count; i++) {
        onr_text_add(text, "%s", i > 0 ? ", " : "");
        json_attr_element(text, graph, attr, i);
    }
    onr_text_add(text, "%s}", is_list ? "]" : "");
}

static void json_ids(struct onr_text *text, const struct onr_graph *graph, const char *key,
                     const uint32_t *ids, uint32_t count)
{
    json_key(text, ", ", key);
    onr_text_add(text, "[");
    for (uint32_t i = 0; i < count; i++) {
        onr_text_add(text, "%s", i > 0 ? ", " : "");
        json_string(text, ids[i] == ONR_NO_VALUE ? "" : graph->values[ids[i]].name);
    }
    onr_text_add(text, "]");
}

/* A node up to its bodies. */
static void json_node_head(struct onr_text *text, const struct onr_graph *graph,
                           const struct onr_node *node)
{
    json_pair(text, "{", "name", node->name);
    json_pair(text, ", ", "op_type", node->op_type);
    json_pair(text, ", ", "domain", node->domain);
    onr_text_add(text, ", \"version\": %" PRId64, node->version);
    json_ids(text, graph, "inputs", node->inputs, node->input_count);
    json_ids(text, graph, "outputs", node->outputs, node->output_count);
    onr_text_add(text, ", \"attributes\": [");
    for (uint32_t i = 0; i < node->attr_count; i++) {
        onr_text_add(text, "%s", i > 0 ? ", " : "");
        json_attr(text, graph, &node->attrs[i]);
    }
    onr_text_add(text, "], \"bodies\": [");
}

static void json_body_head(struct onr_text *text, const struct onr_walk *walk,
                           const struct onr_graph *outer, bool with_facts)
{
    json_pair(text, walk->body == walk->node->bodies ? "\n {" : ",\n {", "attribute",
              walk->body->attr_name);
    json_pair(text, ", ", "name", walk->graph->name);
    json_ids(text, outer, "captures", walk->body->captures, walk->body->capture_count);
    onr_text_add(text, ",\n ");
    json_graph_head(text, walk->graph, with_facts);
    onr_text_add(text, ",\n \"nodes\": [");
}

static void json_nodes(struct onr_text *text, const struct onr_graph *graph, bool with_facts)
{
    struct onr_walk walk;
    bool is_first = true; /* node of its graph */
    onr_text_add(text, ",\n \"nodes\": [");
    onr_walk_begin(&walk, graph);
    for (enum onr_walk_event event; (event = onr_walk_next(&walk)) != ONR_WALK_DONE;) {
        if (event == ONR_WALK_NODE) {
            onr_text_add(text, "%s\n  ", is_first ? "" : ",");
            json_node_head(text, walk.graph, walk.node);
        } else if (event == ONR_WALK_BODY) {
            json_body_head(text, &walk, walk.frames[walk.depth - 1].graph, with_facts);
        } else {
            onr_text_add(text, "]}");
        }
        is_first = event == ONR_WALK_BODY;
    }
    onr_text_add(text, "]");
}

void onr_print_graph_json(struct onr_text *text, const struct onr_graph *graph, bool with_facts)
{
    json_pair(text, "{", "stage", with_facts ? "graph" : "model");
    json_pair(text, ",\n ", "name", graph->name);
    if (graph->info != NULL) {
        json_info(text, graph->info);
    }
    onr_text_add(text, ",\n ");
    json_graph_head(text, graph, with_facts);
    json_nodes(text, graph, with_facts);
    onr_text_add(text, "}\n");
}
