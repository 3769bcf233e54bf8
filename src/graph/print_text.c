/* SPDX-License-Identifier: Apache-2.0 */
/* A graph as text for people: constants and nodes, each on a line. */
#include "graph/print.h"

#include <inttypes.h>
#include <string.h>

/* Longest constant that is shown with its elements, and longest list attribute. */
#define SHOWN_ELEMENTS 8
#define SHOWN_LIST     16

static void print_indent(struct onr_text *text, int depth)
{
    onr_text_add(text, "%*s", 2 + 4 * depth, "");
}

/* ---- constants ---- */

static void print_constant_type(struct onr_text *text, const struct onr_constant *constant)
{
    onr_text_add(text, "%s", onr_dtype_name(constant->dtype));
    for (int i = 0; i < constant->shape.rank; i++) {
        onr_text_add(text, "%s%" PRId64, i > 0 ? ", " : "[", constant->shape.dim[i]);
    }
    onr_text_add(text, "%s", constant->shape.rank > 0 ? "]" : "");
}

/* The initializers of one graph, one per line. */
static void print_constants(struct onr_text *text, const struct onr_graph *graph, int depth)
{
    for (uint32_t i = 0; i < graph->value_count; i++) {
        const struct onr_constant *constant = graph->values[i].constant;
        if (constant == NULL) {
            continue;
        }
        print_indent(text, depth);
        print_constant_type(text, constant);
        onr_text_add(text, " ");
        onr_text_add_name(text, graph->values[i].name);
        if (onr_constant_count(constant) <= SHOWN_ELEMENTS) {
            onr_text_add(text, " = ");
            onr_print_constant(text, constant, SHOWN_ELEMENTS, false);
        }
        if (constant->location != NULL) {
            onr_text_add(text, "  # in ");
            onr_text_add_name(text, constant->location);
        }
        onr_text_add(text, "\n");
    }
}

/* ---- nodes ---- */

static void print_float(struct onr_text *text, float value)
{
    size_t start = text->length;
    onr_print_real(text, (double)value, false, false);
    if (!text->has_failed && strpbrk(text->data + start, ".en") == NULL) {
        onr_text_add(text, ".0");
    }
}

/* Element index of an attribute; index 0 of one that is no list. */
static void print_attr_element(struct onr_text *text, const struct onr_graph *graph,
                               const struct onr_attr *attr, size_t index)
{
    switch (attr->kind) {
    case ONR_ATTR_FLOAT:
        print_float(text, attr->as.f);
        break;
    case ONR_ATTR_FLOATS:
        print_float(text, attr->as.floats[index]);
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
    case ONR_ATTR_TENSORS: {
        const struct onr_constant *tensor =
            attr->kind == ONR_ATTR_TENSOR ? attr->as.tensor : attr->as.tensors[index];
        print_constant_type(text, tensor);
        onr_text_add(text, " ");
        onr_print_constant(text, tensor, SHOWN_ELEMENTS, false);
        break;
    }
    case ONR_ATTR_TYPE:
        onr_print_fact(text, graph, attr->as.type);
        break;
    case ONR_ATTR_GRAPH:
    case ONR_ATTR_GRAPHS:
    case ONR_ATTR_OTHER:
        onr_text_add(text, "...");
        break;
    }
}

static bool attr_is_list(const struct onr_attr *attr)
{
    return attr->kind >= ONR_ATTR_FLOATS && attr->kind <= ONR_ATTR_GRAPHS;
}

static void print_attr(struct onr_text *text, const struct onr_graph *graph,
                       const struct onr_attr *attr)
{
    onr_text_add_name(text, attr->name);
    onr_text_add(text, " = ");
    if (!attr_is_list(attr)) {
        print_attr_element(text, graph, attr, 0);
        return;
    }
    onr_text_add(text, "[");
    for (size_t i = 0; i < attr->count && i < SHOWN_LIST; i++) {
        onr_text_add(text, "%s", i > 0 ? ", " : "");
        print_attr_element(text, graph, attr, i);
    }
    onr_text_add(text, attr->count > SHOWN_LIST ? ", ...]" : "]");
}

static void print_values(struct onr_text *text, const struct onr_graph *graph, const uint32_t *ids,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        onr_text_add(text, "%s", i > 0 ? ", " : "");
        if (ids[i] != ONR_NO_VALUE) {
            onr_text_add_name(text, graph->values[ids[i]].name);
        } else if (count == 1 || i + 1 == count) {
            onr_text_add(text, "\"\"");
        }
    }
}

static void print_node_facts(struct onr_text *text, const struct onr_graph *graph,
                             const struct onr_node *node)
{
    onr_text_add(text, "  # ");
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] != ONR_NO_VALUE) {
            onr_text_add(text, "%s", i > 0 ? ", " : "");
            onr_print_fact(text, graph, &graph->values[node->outputs[i]].fact);
        }
    }
    if (node->name != NULL && node->name[0] != '\0') {
        onr_text_add(text, "  ");
        onr_text_add_json_string(text, node->name);
    }
}

static void print_node(struct onr_text *text, const struct onr_graph *graph,
                       const struct onr_node *node, int depth, bool with_facts)
{
    print_indent(text, depth);
    print_values(text, graph, node->outputs, node->output_count);
    onr_text_add(text, " = ");
    if (node->domain[0] != '\0') {
        onr_text_add_name(text, node->domain);
        onr_text_add(text, ".");
    }
    onr_text_add_name(text, node->op_type);
    for (uint32_t i = 0; i < node->attr_count; i++) {
        onr_text_add(text, "%s", i > 0 ? ", " : " <");
        print_attr(text, graph, &node->attrs[i]);
    }
    onr_text_add(text, "%s (", node->attr_count > 0 ? ">" : "");
    print_values(text, graph, node->inputs, node->input_count);
    onr_text_add(text, ")%s", node->body_count > 0 ? " <" : "");
    if (with_facts) {
        print_node_facts(text, graph, node);
    }
    onr_text_add(text, "\n");
}

static void print_body_head(struct onr_text *text, const struct onr_walk *walk, int depth)
{
    const struct onr_graph *graph = walk->graph;
    onr_text_add(text, "%*s", 4 * depth, "");
    onr_text_add_name(text, walk->body->attr_name);
    onr_text_add(text, " = ");
    onr_text_add_name(text, graph->name != NULL && graph->name[0] != '\0' ? graph->name : "body");
    onr_text_add(text, " (");
    print_values(text, graph, graph->inputs, graph->formal_input_count);
    onr_text_add(text, ") => (");
    for (uint32_t i = 0; i < graph->output_count; i++) {
        onr_text_add(text, "%s", i > 0 ? ", " : "");
        onr_text_add_name(text, graph->output_names[i]);
    }
    onr_text_add(text, ") {\n");
}

static void print_nodes(struct onr_text *text, const struct onr_graph *graph, bool with_facts)
{
    struct onr_walk walk;
    onr_walk_begin(&walk, graph);
    for (enum onr_walk_event event; (event = onr_walk_next(&walk)) != ONR_WALK_DONE;) {
        int depth = walk.depth;
        if (event == ONR_WALK_NODE) {
            print_node(text, walk.graph, walk.node, depth, with_facts);
        } else if (event == ONR_WALK_BODY) {
            print_body_head(text, &walk, depth);
            print_constants(text, walk.graph, depth);
        } else if (event == ONR_WALK_BODY_END) {
            onr_text_add(text, "%*s}\n", 4 * (depth + 1), "");
        } else if (walk.node->body_count > 0) {
            onr_text_add(text, "%*s>\n", 2 + 4 * depth, "");
        }
    }
}

void onr_print_graph_text(struct onr_text *text, const struct onr_graph *graph, bool with_facts)
{
    onr_print_summary(text, graph, with_facts ? "graph" : "model");
    onr_text_add(text, "\nconstants\n");
    print_constants(text, graph, 0);
    onr_text_add(text, "\nnodes\n");
    print_nodes(text, graph, with_facts);
}
