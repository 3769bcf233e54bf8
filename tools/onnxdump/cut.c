/* SPDX-License-Identifier: Apache-2.0 */
/* From the names of values to the nodes and weights between them. */
#include "onnxdump/cut.h"

#include "common/nearest.h"

#include <stdlib.h>
#include <string.h>

/* Field numbers of NodeProto, AttributeProto and others. */
enum {
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_ATTRIBUTE = 5,
    ATTRIBUTE_GRAPH = 6,
    ATTRIBUTE_GRAPHS = 11,
    SPARSE_VALUES = 1,
    TENSOR_NAME = 8,
    VALUE_NAME = 1,
    ANNOTATION_PARAMETERS = 2,
    ENTRY_VALUE = 2
};

void cut_free(struct cut *cut)
{
    struct cut_ends *ends[] = {&cut->inputs, &cut->outputs};
    for (size_t e = 0; e < 2; e++) {
        for (size_t i = 0; i < ends[e]->count; i++) {
            free(ends[e]->items[i].name);
        }
        free(ends[e]->items);
    }
    free(cut->items);
    free(cut->is_kept);
    free(cut->names);
    free(cut->stack);
    free(cut->missing);
}

static void add_name(struct cut *cut, struct wire_span name, uint32_t field, size_t item)
{
    size_t index = cut->name_count++;
    if ((index & (index - 1)) == 0) {
        cut->names = tool_resize(cut->names, index > 0 ? 2 * index : 1, sizeof *cut->names);
    }
    cut->names[index] = (struct cut_name){name, field, item};
}

/* The name that a field of the graph gives a type, a weight or an annotation. */
static struct wire_span item_name(const struct wire_field *item)
{
    switch (item->number) {
    case CUT_WEIGHT:
        return wire_value(item->value, TENSOR_NAME);
    case CUT_SPARSE_WEIGHT:
        return wire_value(wire_value(item->value, SPARSE_VALUES), TENSOR_NAME);
    default:
        return wire_value(item->value, VALUE_NAME);
    }
}

/* Fields that belong to some of the values; others, such as documentation, to the graph. */
static bool is_chosen(uint32_t number)
{
    return number == CUT_NODE || number == CUT_WEIGHT || number == CUT_SPARSE_WEIGHT ||
           (number >= CUT_INPUT && number <= CUT_ANNOTATION);
}

static void add_names(struct cut *cut, size_t index)
{
    const struct wire_field *item = &cut->items[index];
    struct wire_span rest = item->value;
    struct wire_field field;
    switch (item->number) {
    case CUT_NODE:
        while (wire_next(&rest, &field)) {
            if (field.number == NODE_OUTPUT && field.value.size > 0) {
                add_name(cut, field.value, CUT_NODE, index);
            }
        }
        break;
    case CUT_SPARSE_WEIGHT:
        add_name(cut, item_name(item), CUT_WEIGHT, index);
        break;
    case CUT_WEIGHT:
    case CUT_INPUT:
    case CUT_OUTPUT:
    case CUT_VALUE_INFO:
    case CUT_ANNOTATION:
        add_name(cut, item_name(item), item->number, index);
        break;
    default:
        break;
    }
}

static int compare_name(const void *left, const void *right)
{
    const struct cut_name *a = left, *b = right;
    int order = wire_compare(a->name, b->name);
    return order != 0 ? order : a->field < b->field ? -1 : a->field > b->field;
}

void cut_index(struct cut *cut, struct wire_span graph)
{
    struct wire_field field;
    while (wire_next(&graph, &field)) {
        size_t index = cut->item_count++;
        if ((index & (index - 1)) == 0) {
            cut->items = tool_resize(cut->items, index > 0 ? 2 * index : 1, sizeof *cut->items);
        }
        cut->items[index] = field;
        add_names(cut, index);
    }
    cut->is_kept = tool_alloc(cut->item_count, sizeof *cut->is_kept);
    for (size_t i = 0; i < cut->item_count; i++) {
        cut->is_kept[i] = !is_chosen(cut->items[i].number);
    }
    cut->stack = tool_alloc(cut->item_count, sizeof *cut->stack);
    if (cut->name_count > 0) {
        qsort(cut->names, cut->name_count, sizeof *cut->names, compare_name);
    }
}

static const struct cut_name *find_name(const struct cut *cut, struct wire_span name,
                                        uint32_t field)
{
    const struct cut_name key = {.name = name, .field = field};
    return cut->name_count > 0
               ? bsearch(&key, cut->names, cut->name_count, sizeof key, compare_name)
               : NULL;
}

const struct wire_field *cut_find(const struct cut *cut, struct wire_span name, uint32_t field)
{
    const struct cut_name *found = find_name(cut, name, field);
    return found != NULL ? &cut->items[found->item] : NULL;
}

/* ---- what a value needs ---- */

static struct cut_end *find_end(const struct cut_ends *ends, struct wire_span name)
{
    for (size_t i = 0; i < ends->count; i++) {
        if (wire_is(name, ends->items[i].name)) {
            return &ends->items[i];
        }
    }
    return NULL;
}

/* Keeps a field that has the name; false when there is none. */
static bool keep(struct cut *cut, struct wire_span name, uint32_t field)
{
    const struct cut_name *found = find_name(cut, name, field);
    if (found != NULL && !cut->is_kept[found->item]) {
        cut->is_kept[found->item] = true;
        if (field == CUT_NODE) {
            cut->stack[cut->stack_count++] = found->item;
        }
    }
    return found != NULL;
}

/* An annotation names weights that say how a value was quantised. */
static void keep_annotation(struct cut *cut, struct wire_span name)
{
    const struct wire_field *annotation = cut_find(cut, name, CUT_ANNOTATION);
    struct wire_span rest = annotation != NULL ? annotation->value : (struct wire_span){NULL, 0};
    struct wire_field field;
    (void)keep(cut, name, CUT_ANNOTATION);
    while (wire_next(&rest, &field)) {
        if (field.number == ANNOTATION_PARAMETERS) {
            (void)keep(cut, wire_value(field.value, ENTRY_VALUE), CUT_WEIGHT);
        }
    }
}

static void need(struct cut *cut, struct wire_span name)
{
    struct cut_end *end = find_end(&cut->inputs, name);
    if (end != NULL) {
        end->is_used = true;
        return;
    }
    if (find_end(&cut->outputs, name) == NULL) {
        (void)keep(cut, name, CUT_VALUE_INFO);
    }
    keep_annotation(cut, name);
    if (keep(cut, name, CUT_NODE)) {
        return;
    }
    bool has_default = keep(cut, name, CUT_WEIGHT);
    const struct cut_name *input = find_name(cut, name, CUT_INPUT);
    if (input == NULL || cut->is_kept[input->item]) {
        return;
    }
    cut->is_kept[input->item] = true;
    if (!has_default && cut->inputs.count > 0) {
        char *before = cut->missing;
        cut->missing =
            tool_printf("%s%s\"%.*s\"", before != NULL ? before : "", before != NULL ? ", " : "",
                        (int)name.size, (const char *)name.data);
        free(before);
    }
}

/* Names that a body and those around it define. */
struct locals {
    const struct locals *outer;
    struct cut body;
};

static bool is_local(const struct locals *locals, struct wire_span name)
{
    for (; locals != NULL; locals = locals->outer) {
        if (find_name(&locals->body, name, CUT_NODE) != NULL ||
            find_name(&locals->body, name, CUT_WEIGHT) != NULL ||
            find_name(&locals->body, name, CUT_INPUT) != NULL) {
            return true;
        }
    }
    return false;
}

static void need_outside(struct cut *cut, struct wire_span name, const struct locals *locals)
{
    if (name.size > 0 && !is_local(locals, name)) {
        need(cut, name);
    }
}

static void follow_body(struct cut *cut, struct wire_span graph, const struct locals *outer);

/* Goes as deep as bodies nest, which the library has limited. */
static void follow_node(struct cut *cut, struct wire_span node, const struct locals *locals)
{
    struct wire_field field, part;
    while (wire_next(&node, &field)) {
        if (field.number == NODE_INPUT) {
            need_outside(cut, field.value, locals);
        }
        while (field.number == NODE_ATTRIBUTE && wire_next(&field.value, &part)) {
            if (part.number == ATTRIBUTE_GRAPH || part.number == ATTRIBUTE_GRAPHS) {
                follow_body(cut, part.value, locals);
            }
        }
    }
}

static void follow_body(struct cut *cut, struct wire_span graph, const struct locals *outer)
{
    struct locals locals = {.outer = outer};
    cut_index(&locals.body, graph);
    for (size_t i = 0; i < locals.body.item_count; i++) {
        const struct wire_field *item = &locals.body.items[i];
        if (item->number == CUT_NODE) {
            follow_node(cut, item->value, &locals);
        } else if (item->number == CUT_OUTPUT) {
            need_outside(cut, item_name(item), &locals);
        }
    }
    cut_free(&locals.body);
}

/* ---- the part ---- */

/* "; the nearest names are ..." */
static onnxrun_status fail_unknown(const struct cut *cut, const char *name, onnxrun_error *error)
{
    struct nearest nearest = {.wanted = name};
    char text[NEAREST_TEXT_BYTES];
    for (size_t i = 0; i < cut->name_count; i++) {
        bool is_new = i == 0 || wire_compare(cut->names[i].name, cut->names[i - 1].name) != 0;
        if (is_new) {
            nearest_offer(&nearest, (const char *)cut->names[i].name.data, cut->names[i].name.size);
        }
    }
    return tool_fail(error, ONNXRUN_ERR_ARGUMENT, "the graph has no value \"%s\"%s", name,
                     nearest_text(&nearest, text));
}

static onnxrun_status check_ends(const struct cut *cut, onnxrun_error *error)
{
    for (size_t i = 0; i < cut->inputs.count; i++) {
        const char *name = cut->inputs.items[i].name;
        struct wire_span span = wire_text(name);
        if (find_name(cut, span, CUT_NODE) == NULL && find_name(cut, span, CUT_WEIGHT) == NULL &&
            find_name(cut, span, CUT_INPUT) == NULL) {
            return fail_unknown(cut, name, error);
        }
        if (find_end(&cut->inputs, span) != &cut->inputs.items[i]) {
            return tool_fail(error, ONNXRUN_ERR_ARGUMENT, "\"%s\" is given twice", name);
        }
    }
    for (size_t i = 0; i < cut->outputs.count; i++) {
        const char *name = cut->outputs.items[i].name;
        struct wire_span span = wire_text(name);
        bool is_weight = find_name(cut, span, CUT_WEIGHT) != NULL;
        if (find_name(cut, span, CUT_NODE) == NULL) {
            return is_weight || find_name(cut, span, CUT_INPUT) != NULL
                       ? tool_fail(error, ONNXRUN_ERR_ARGUMENT,
                                   "\"%s\" is %s of the model: there is no node that computes it",
                                   name, is_weight ? "a weight" : "an input")
                       : fail_unknown(cut, name, error);
        }
        if (find_end(&cut->outputs, span) != &cut->outputs.items[i] ||
            find_end(&cut->inputs, span) != NULL) {
            return tool_fail(error, ONNXRUN_ERR_ARGUMENT, "\"%s\" is given twice", name);
        }
    }
    return ONNXRUN_OK;
}

/* Without names all outputs of the model are meant. */
static void take_all_outputs(struct cut *cut)
{
    for (size_t i = 0; i < cut->item_count; i++) {
        if (cut->items[i].number == CUT_OUTPUT) {
            struct wire_span name = item_name(&cut->items[i]);
            struct cut_ends *ends = &cut->outputs;
            ends->items = tool_resize(ends->items, ends->count + 1, sizeof *ends->items);
            ends->items[ends->count++].name =
                tool_printf("%.*s", (int)name.size, (const char *)name.data);
        }
    }
}

/* A node that is needed for one of its outputs, while another is an input of the part. */
static onnxrun_status check_nodes(const struct cut *cut, onnxrun_error *error)
{
    for (size_t i = 0; i < cut->inputs.count; i++) {
        const char *name = cut->inputs.items[i].name;
        const struct cut_name *found = find_name(cut, wire_text(name), CUT_NODE);
        if (found != NULL && cut->is_kept[found->item]) {
            return tool_fail(error, ONNXRUN_ERR_ARGUMENT,
                             "the node that computes \"%s\" is needed for another of its outputs; "
                             "cut behind all of them, or before the node",
                             name);
        }
        if (!cut->inputs.items[i].is_used) {
            return tool_fail(error, ONNXRUN_ERR_ARGUMENT, "no output depends on \"%s\"", name);
        }
    }
    return ONNXRUN_OK;
}

onnxrun_status cut_select(struct cut *cut, onnxrun_error *error)
{
    if (cut->outputs.count == 0) {
        take_all_outputs(cut);
    }
    onnxrun_status status = check_ends(cut, error);
    for (size_t i = 0; i < cut->outputs.count && status == ONNXRUN_OK; i++) {
        need(cut, wire_text(cut->outputs.items[i].name));
        while (cut->stack_count > 0) {
            follow_node(cut, cut->items[cut->stack[--cut->stack_count]].value, NULL);
        }
        if (cut->missing != NULL) {
            status =
                tool_fail(error, ONNXRUN_ERR_ARGUMENT,
                          "\"%s\" depends on the input %s of the model as well: name it before "
                          "the dots, or a value between",
                          cut->outputs.items[i].name, cut->missing);
        }
    }
    return status == ONNXRUN_OK ? check_nodes(cut, error) : status;
}
