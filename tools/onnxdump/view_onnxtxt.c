/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model in ONNX's textual syntax, as onnx.parser reads it. Calls of functions are inlined. Large
 * weights are references into the files that hold them, the model file included, so that the text
 * is to be read where the model lies. Control characters are written as "\x1b", which no terminal
 * obeys; common/onnxtxt reads that as the byte, onnx.parser as "x1b". Only newlines and tabs in data
 * are kept.
 */
#include "common/escape.h"
#include "onnxdump/onnxtxt.h"
#include "onnxdump/views.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define INLINE_ELEMENTS 32 /* most that are written of a weight that lies in a file as it is */

/* A weight and what it is called in a graph. */
struct named_weight {
    const onnxrun_weight *weight;
    const char *name;
};

/* A graph with the names of its values in the text: what it captures is called as outside. */
struct scope {
    const onnxrun_graph *graph;
    onnxrun_graph_info info;
    const struct scope *outer;    /* NULL for the main graph */
    const char **names;           /* [value_count] */
    struct named_weight *weights; /* [weight_count] that this graph writes, sorted */
    size_t weight_count;
    int depth;
};

struct writer {
    const onnxrun_model *model;
    const char *file; /* name of the model file, without its folder */
    void *piece;      /* [ONNXTXT_PIECE_BYTES] */
};

/* "float[2, N] x"; name may differ from that of the value. */
static void put_typed(const struct scope *scope, uint32_t value, const char *name)
{
    onnxrun_value_info info;
    const onnxrun_weight *weight;
    (void)onnxrun_graph_value(scope->graph, value, &info, &weight, NULL);
    if (onnxtxt_type(&info)) {
        fputc(' ', stdout);
    }
    onnxtxt_name(name);
}

/* ---- weights ---- */

static void put_weight(const struct writer *writer, const struct named_weight *named)
{
    onnxrun_weight_info info;
    onnxrun_weight_get_info(writer->model, named->weight, &info);
    onnxtxt_weight_type(&info);
    fputc(' ', stdout);
    onnxtxt_name(named->name);
    fputs(" = ", stdout);
    if (info.count <= INLINE_ELEMENTS || info.offset == UINT64_MAX) {
        onnxtxt_elements(named->weight, &info, writer->piece);
        return;
    }
    const char *file = info.file != NULL ? info.file : writer->file;
    fputs("[\"location\": ", stdout);
    onnxtxt_quoted(file, strlen(file));
    printf(", \"offset\": \"%" PRIu64 "\", \"length\": \"%zu\"]", info.offset, info.bytes);
}

static int compare_weight(const void *left, const void *right)
{
    const struct named_weight *a = left, *b = right;
    uintptr_t x = (uintptr_t)a->weight, y = (uintptr_t)b->weight;
    return x < y ? -1 : x > y;
}

/* The name of a weight that a graph around this one writes, or NULL. */
static const char *outer_name(const struct scope *scope, const onnxrun_weight *weight)
{
    struct named_weight key = {.weight = weight};
    for (const struct scope *s = scope->outer; s != NULL; s = s->outer) {
        const struct named_weight *found =
            s->weight_count > 0
                ? bsearch(&key, s->weights, s->weight_count, sizeof key, compare_weight)
                : NULL;
        if (found != NULL) {
            return found->name;
        }
    }
    return NULL;
}

static void scope_open(struct scope *scope, const onnxrun_graph *graph, const struct scope *outer,
                       const onnxrun_body *body)
{
    *scope = (struct scope){.graph = graph, .outer = outer};
    scope->depth = outer != NULL ? outer->depth + 1 : 0;
    onnxrun_graph_get_info(graph, &scope->info);
    scope->names = tool_alloc(scope->info.value_count, sizeof *scope->names);
    scope->weights = tool_alloc(scope->info.value_count, sizeof *scope->weights);
    for (uint32_t i = 0; i < scope->info.value_count; i++) {
        const onnxrun_weight *weight = view_weight(graph, i);
        const char *name = weight != NULL ? outer_name(scope, weight) : NULL;
        scope->names[i] = name != NULL ? name : view_value_name(graph, i);
        if (weight != NULL && name == NULL) {
            scope->weights[scope->weight_count++] = (struct named_weight){weight, scope->names[i]};
        }
    }
    for (uint32_t i = 0; body != NULL && i < body->capture_count; i++) {
        scope->names[body->inputs[i]] = outer->names[body->captures[i]];
    }
}

/* Once the weights are written: sorts them, for bodies to find. */
static void scope_sort(struct scope *scope)
{
    if (scope->weight_count > 0) {
        qsort(scope->weights, scope->weight_count, sizeof *scope->weights, compare_weight);
    }
}

static void scope_close(struct scope *scope)
{
    free(scope->names);
    free(scope->weights);
}

/* ---- attributes ---- */

static void put_tensor(const struct writer *writer, const onnxrun_weight *weight)
{
    onnxrun_weight_info info;
    onnxrun_weight_get_info(writer->model, weight, &info);
    onnxtxt_weight_type(&info);
    fputc(' ', stdout);
    onnxtxt_elements(weight, &info, writer->piece);
}

static void put_attribute_element(const struct writer *writer, const onnxrun_attribute *attribute,
                                  size_t index)
{
    if (attribute->floats != NULL) {
        onnxtxt_real((double)attribute->floats[index], false);
    } else if (attribute->ints != NULL) {
        printf("%" PRId64, attribute->ints[index]);
    } else if (attribute->strings != NULL) {
        onnxtxt_quoted(attribute->strings[index].data, attribute->strings[index].length);
    } else if (attribute->tensors != NULL) {
        put_tensor(writer, attribute->tensors[index]);
    } else {
        (void)onnxtxt_type(&attribute->type);
    }
}

/* "axes: ints = [1, 2]" */
static void put_attribute(const struct writer *writer, const onnxrun_attribute *attribute)
{
    static const char *const kinds[] = {"",       "float",  "int",  "string",    "tensor",
                                        "graph",  "floats", "ints", "strings",   "tensors",
                                        "graphs", "",       "",     "type_proto"};
    bool is_list =
        attribute->kind >= ONNXRUN_ATTRIBUTE_FLOATS && attribute->kind <= ONNXRUN_ATTRIBUTE_TENSORS;
    onnxtxt_name(attribute->name);
    printf(": %s = %s", kinds[attribute->kind], is_list ? "[" : "");
    for (size_t i = 0; i < attribute->count; i++) {
        fputs(i > 0 ? ", " : "", stdout);
        put_attribute_element(writer, attribute, i);
    }
    fputs(is_list ? "]" : "", stdout);
}

/* ---- nodes and graphs ---- */

static void put_values(const struct scope *scope, const uint32_t *values, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        fputs(i > 0 ? ", " : "", stdout);
        onnxtxt_name(values[i] != ONNXRUN_NO_VALUE ? scope->names[values[i]] : "");
    }
}

static void put_indent(const struct scope *scope, int more)
{
    printf("%*s", 4 * (scope->depth + more), "");
}

static void put_graph(const struct writer *writer, struct scope *scope);

/* Goes as deep as bodies nest, which the library limits. */
static void put_bodies(const struct writer *writer, const struct scope *scope, uint32_t n,
                       const char *separator)
{
    uint32_t count = view_node(scope->graph, n).body_count;
    for (uint32_t i = 0; i < count; i++) {
        onnxrun_body body;
        struct scope inner;
        (void)onnxrun_node_body(scope->graph, n, i, &body, NULL);
        fputs(separator, stdout);
        onnxtxt_name(body.attribute);
        fputs(": graph = ", stdout);
        scope_open(&inner, body.graph, scope, &body);
        put_graph(writer, &inner);
        scope_close(&inner);
        separator = ", ";
    }
}

static void put_node(const struct writer *writer, const struct scope *scope, uint32_t n)
{
    onnxrun_node node = view_node(scope->graph, n);
    const char *separator = " <";
    put_indent(scope, 1);
    if (node.name[0] != '\0') {
        fputc('[', stdout);
        onnxtxt_name(node.name);
        fputs("] ", stdout);
    }
    put_values(scope, node.outputs, node.output_count);
    fputs(" = ", stdout);
    if (node.domain[0] != '\0') {
        escape_name(stdout, node.domain);
        fputc('.', stdout);
    }
    escape_name(stdout, node.op_type);
    for (uint32_t i = 0; i < node.attribute_count; i++) {
        onnxrun_attribute attribute;
        (void)onnxrun_node_attribute(scope->graph, n, i, &attribute, NULL);
        if (attribute.kind != ONNXRUN_ATTRIBUTE_OTHER) {
            fputs(separator, stdout);
            put_attribute(writer, &attribute);
            separator = ", ";
        }
    }
    put_bodies(writer, scope, n, separator);
    bool has_any = separator[0] == ',' || node.body_count > 0;
    fputs(has_any ? "> (" : " (", stdout);
    put_values(scope, node.inputs, node.input_count);
    fputs(")\n", stdout);
}

/* "<float[2] w = {1, 2}, ...>" */
static void put_weights(const struct writer *writer, const struct scope *scope)
{
    for (size_t i = 0; i < scope->weight_count; i++) {
        put_indent(scope, 0);
        fputs(i == 0 ? "<" : " ", stdout);
        put_weight(writer, &scope->weights[i]);
        fputs(i + 1 < scope->weight_count ? ",\n" : ">\n", stdout);
    }
}

static void put_graph(const struct writer *writer, struct scope *scope)
{
    const onnxrun_graph_info *info = &scope->info;
    onnxtxt_name(info->name[0] != '\0' ? info->name : "graph");
    fputs(" (", stdout);
    for (uint32_t i = 0; i < info->input_count; i++) {
        fputs(i > 0 ? ", " : "", stdout);
        put_typed(scope, info->inputs[i], scope->names[info->inputs[i]]);
    }
    fputs(") => (", stdout);
    for (uint32_t i = 0; i < info->output_count; i++) {
        fputs(i > 0 ? ", " : "", stdout);
        put_typed(scope, info->outputs[i], scope->names[info->outputs[i]]);
    }
    fputs(")\n", stdout);
    put_weights(writer, scope);
    scope_sort(scope);
    put_indent(scope, 0);
    fputs("{\n", stdout);
    for (uint32_t n = 0; n < info->node_count; n++) {
        put_node(writer, scope, n);
    }
    put_indent(scope, 0);
    fputs("}", stdout);
}

/* ---- the model ---- */

static void put_text_field(const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        printf(",\n   %s: ", key);
        onnxtxt_quoted(text, strlen(text));
    }
}

static void put_head(const onnxrun_model *model)
{
    onnxrun_model_info info = {.struct_size = sizeof info};
    const char *domain, *key, *value;
    int64_t version;
    onnxrun_model_get_info(model, &info);
    printf("<\n   ir_version: %" PRId64 ",\n   opset_import: [", info.ir_version);
    for (size_t i = 0; onnxrun_model_opset(model, i, &domain, &version, NULL) == ONNXRUN_OK; i++) {
        fputs(i > 0 ? ", " : "", stdout);
        onnxtxt_quoted(domain, strlen(domain));
        printf(" : %" PRId64, version);
    }
    fputc(']', stdout);
    put_text_field("producer_name", info.producer_name);
    put_text_field("producer_version", info.producer_version);
    put_text_field("domain", info.domain);
    if (info.model_version > 0) {
        printf(",\n   model_version: %" PRId64, info.model_version);
    }
    put_text_field("doc_string", info.description);
    for (size_t i = 0; i < info.metadata_count; i++) {
        (void)onnxrun_model_metadata(model, i, &key, &value, NULL);
        fputs(i > 0 ? ", " : ",\n   metadata_props: [", stdout);
        onnxtxt_quoted(key, strlen(key));
        fputs(": ", stdout);
        onnxtxt_quoted(value, strlen(value));
    }
    fputs(info.metadata_count > 0 ? "]\n>\n" : "\n>\n", stdout);
}

int view_onnxtxt(const struct view_options *options)
{
    onnxrun_error error;
    onnxrun_model *model;
    onnxrun_status status = view_open(options, NULL, ONNXRUN_STAGE_MODEL, &model, &error);
    if (status != ONNXRUN_OK) {
        return tool_report(&error);
    }
    const char *slash = strrchr(options->path, '/');
    struct writer writer = {.model = model,
                            .file = slash != NULL ? slash + 1 : options->path,
                            .piece = tool_alloc(1, ONNXTXT_PIECE_BYTES)};
    struct scope scope;
    scope_open(&scope, onnxrun_model_graph(model), NULL, NULL);
    put_head(model);
    put_graph(&writer, &scope);
    fputc('\n', stdout);
    scope_close(&scope);
    free(writer.piece);
    onnxrun_model_free(model);
    return EXIT_CODE_OK;
}
