/* SPDX-License-Identifier: Apache-2.0 */
/* Weights, attributes and bodies: hashes to compare them by, and words for what differs. */
#include "common/element.h"
#include "common/escape.h"
#include "common/hash.h"
#include "common/inputs.h"
#include "onnxdump/diff.h"
#include "onnxdump/views.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SHOWN 8 /* elements of an attribute that are printed */

/* ---- hashes ---- */

static uint64_t hash_strings(uint64_t hash, const onnxrun_string *strings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hash = hash_number(hash, strings[i].length);
        hash = strings[i].length > 0 ? hash_bytes(hash, strings[i].data, strings[i].length) : hash;
    }
    return hash;
}

uint64_t diff_weight_hash(const onnxrun_model *model, const onnxrun_weight *weight)
{
    onnxrun_weight_info info;
    onnxrun_weight_get_info(model, weight, &info);
    uint64_t hash = hash_number(hash_number(HASH_SEED, (uint64_t)info.dtype), info.rank);
    for (uint32_t i = 0; i < info.rank; i++) {
        hash = hash_number(hash, (uint64_t)info.dims[i]);
    }
    size_t size = onnxrun_dtype_size(info.dtype);
    void *piece = tool_alloc(VIEW_PIECE_ELEMENTS, size);
    for (size_t begin = 0; begin < info.count; begin += VIEW_PIECE_ELEMENTS) {
        size_t count = view_piece(info.count, begin);
        (void)onnxrun_weight_read(weight, begin, count, piece, NULL);
        hash = info.dtype == ONNXRUN_STRING ? hash_strings(hash, piece, count)
                                            : hash_bytes(hash, piece, count * size);
    }
    free(piece);
    return hash;
}

static uint64_t hash_type(uint64_t hash, const onnxrun_value_info *type)
{
    hash = hash_number(hash_number(hash, (uint64_t)type->kind), (uint64_t)type->dtype);
    for (int32_t i = 0; i < type->rank; i++) {
        hash = hash_number(hash, (uint64_t)type->dims[i]);
        hash = type->symbols[i] != NULL ? hash_text(hash, type->symbols[i]) : hash;
    }
    return hash;
}

static uint64_t attribute_hash(const onnxrun_model *model, const onnxrun_attribute *attribute)
{
    uint64_t hash = hash_text(HASH_SEED, attribute->name);
    hash = hash_number(hash_number(hash, (uint64_t)attribute->kind), attribute->count);
    for (size_t i = 0; attribute->tensors != NULL && i < attribute->count; i++) {
        hash = hash_number(hash, diff_weight_hash(model, attribute->tensors[i]));
    }
    if (attribute->floats != NULL) {
        hash = hash_bytes(hash, attribute->floats, attribute->count * sizeof(float));
    } else if (attribute->ints != NULL) {
        hash = hash_bytes(hash, attribute->ints, attribute->count * sizeof(int64_t));
    } else if (attribute->strings != NULL) {
        hash = hash_strings(hash, attribute->strings, attribute->count);
    } else if (attribute->kind == ONNXRUN_ATTRIBUTE_TYPE) {
        hash = hash_type(hash, &attribute->type);
    }
    return hash;
}

/* Hashes what the values of a body are: a number in the order in which they appear, or a content. */
struct numbering {
    const onnxrun_model *model;
    const onnxrun_graph *graph;
    uint64_t *numbers; /* [value_count] 0: not yet */
    uint64_t count;
};

static uint64_t number_of(struct numbering *numbering, uint32_t value)
{
    if (value == ONNXRUN_NO_VALUE) {
        return 0;
    }
    if (numbering->numbers[value] == 0) {
        const onnxrun_weight *weight = view_weight(numbering->graph, value);
        numbering->numbers[value] =
            weight != NULL ? diff_weight_hash(numbering->model, weight) : ++numbering->count;
    }
    return numbering->numbers[value];
}

/* Goes as deep as bodies nest, which the library limits. */
static uint64_t body_hash(const onnxrun_model *model, const onnxrun_body *body)
{
    onnxrun_graph_info info;
    onnxrun_graph_get_info(body->graph, &info);
    struct numbering numbering = {.model = model, .graph = body->graph};
    numbering.numbers = tool_alloc(info.value_count, sizeof *numbering.numbers);
    uint64_t hash = hash_number(hash_text(HASH_SEED, body->attribute), info.node_count);
    for (uint32_t i = 0; i < body->capture_count; i++) {
        hash = hash_number(hash, number_of(&numbering, body->inputs[i]));
    }
    for (uint32_t i = 0; i < info.input_count; i++) {
        hash = hash_number(hash, number_of(&numbering, info.inputs[i]));
    }
    for (uint32_t n = 0; n < info.node_count; n++) {
        onnxrun_node node = view_node(body->graph, n);
        hash = hash_text(hash_text(hash, node.domain), node.op_type);
        hash = hash_number(hash, diff_attributes_hash(model, body->graph, n));
        for (uint32_t i = 0; i < node.input_count; i++) {
            hash = hash_number(hash, number_of(&numbering, node.inputs[i]));
        }
        for (uint32_t i = 0; i < node.output_count; i++) {
            hash = hash_number(hash, number_of(&numbering, node.outputs[i]));
        }
    }
    for (uint32_t i = 0; i < info.output_count; i++) {
        hash = hash_number(hash, number_of(&numbering, info.outputs[i]));
    }
    free(numbering.numbers);
    return hash;
}

uint64_t diff_attributes_hash(const onnxrun_model *model, const onnxrun_graph *graph, uint32_t node)
{
    onnxrun_node info = view_node(graph, node);
    uint64_t sum = 0; /* in any order */
    for (uint32_t i = 0; i < info.attribute_count; i++) {
        onnxrun_attribute attribute;
        (void)onnxrun_node_attribute(graph, node, i, &attribute, NULL);
        sum += attribute_hash(model, &attribute);
    }
    for (uint32_t i = 0; i < info.body_count; i++) {
        onnxrun_body body;
        (void)onnxrun_node_body(graph, node, i, &body, NULL);
        sum += body_hash(model, &body);
    }
    return sum;
}

/* ---- words ---- */

static void print_tensor(FILE *out, const onnxrun_model *model, const onnxrun_weight *weight)
{
    onnxrun_weight_info info;
    uint64_t data[2 * MAX_SHOWN];
    onnxrun_weight_get_info(model, weight, &info);
    view_print_weight_type(out, &info);
    if (info.count > MAX_SHOWN || info.dtype == ONNXRUN_STRING) {
        return;
    }
    (void)onnxrun_weight_read(weight, 0, info.count, data, NULL);
    fputs(" {", out);
    for (size_t i = 0; i < info.count; i++) {
        char text[ELEMENT_TEXT_BYTES];
        struct number number = element_get(info.dtype, data, i);
        fprintf(out, "%s%s", i > 0 ? ", " : "", element_text(info.dtype, &number, text));
    }
    fputc('}', out);
}

static void print_element(FILE *out, const onnxrun_model *model, const onnxrun_attribute *attribute,
                          size_t index)
{
    if (attribute->floats != NULL) {
        fprintf(out, "%.7g", (double)attribute->floats[index]);
    } else if (attribute->ints != NULL) {
        fprintf(out, "%" PRId64, attribute->ints[index]);
    } else if (attribute->strings != NULL) {
        fputc('\'', out);
        escape_print(out, attribute->strings[index].data, attribute->strings[index].length);
        fputc('\'', out);
    } else if (attribute->tensors != NULL) {
        print_tensor(out, model, attribute->tensors[index]);
    } else if (attribute->kind == ONNXRUN_ATTRIBUTE_TYPE) {
        inputs_print_type(out, &attribute->type);
    }
}

static void print_attribute(FILE *out, const onnxrun_model *model,
                            const onnxrun_attribute *attribute)
{
    bool is_list =
        attribute->kind >= ONNXRUN_ATTRIBUTE_FLOATS && attribute->kind <= ONNXRUN_ATTRIBUTE_TENSORS;
    fputs(is_list ? "[" : "", out);
    for (size_t i = 0; i < attribute->count && i < MAX_SHOWN; i++) {
        fputs(i > 0 ? ", " : "", out);
        print_element(out, model, attribute, i);
    }
    fputs(attribute->count > MAX_SHOWN ? ", ..." : "", out);
    fputs(is_list ? "]" : "", out);
}

static bool find_attribute(const struct diff_side *side, uint32_t node, const char *name,
                           onnxrun_attribute *attribute)
{
    for (uint32_t i = 0; i < side->nodes[node].info.attribute_count; i++) {
        (void)onnxrun_node_attribute(side->graph, node, i, attribute, NULL);
        if (strcmp(attribute->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static const char *begin_part(FILE *out, const char *separator, const char *name)
{
    fputs(separator, out);
    escape_name(out, name);
    fputs(": ", out);
    return "; ";
}

/* Bodies that only one of the nodes has. */
static const char *print_bodies(FILE *out, const struct diff_side *a, uint32_t x,
                                const struct diff_side *b, uint32_t y, bool is_first,
                                const char *separator)
{
    for (uint32_t i = 0; i < a->nodes[x].info.body_count; i++) {
        onnxrun_body body;
        struct diff_body other;
        onnxrun_graph_info info;
        (void)onnxrun_node_body(a->graph, x, i, &body, NULL);
        if (!diff_find_body(b, y, body.attribute, &other)) {
            onnxrun_graph_get_info(body.graph, &info);
            separator = begin_part(out, separator, body.attribute);
            fprintf(out, is_first ? "%" PRIu32 " node%s -> none" : "none -> %" PRIu32 " node%s",
                    info.node_count, VIEW_PLURAL(info.node_count));
        }
    }
    return separator;
}

const char *diff_print_attributes(FILE *out, const struct diff_side *a, uint32_t x,
                                  const struct diff_side *b, uint32_t y)
{
    const char *separator = "";
    onnxrun_attribute from, to;
    for (uint32_t i = 0; i < a->nodes[x].info.attribute_count; i++) {
        (void)onnxrun_node_attribute(a->graph, x, i, &from, NULL);
        bool is_there = find_attribute(b, y, from.name, &to);
        if (!is_there || attribute_hash(a->model, &from) != attribute_hash(b->model, &to)) {
            separator = begin_part(out, separator, from.name);
            print_attribute(out, a->model, &from);
            fputs(is_there ? " -> " : " -> none", out);
            if (is_there) {
                print_attribute(out, b->model, &to);
            }
        }
    }
    for (uint32_t i = 0; i < b->nodes[y].info.attribute_count; i++) {
        (void)onnxrun_node_attribute(b->graph, y, i, &to, NULL);
        if (!find_attribute(a, x, to.name, &from)) {
            separator = begin_part(out, separator, to.name);
            fputs("none -> ", out);
            print_attribute(out, b->model, &to);
        }
    }
    separator = print_bodies(out, a, x, b, y, true, separator);
    return print_bodies(out, b, y, a, x, false, separator);
}
