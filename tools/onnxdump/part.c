/* SPDX-License-Identifier: Apache-2.0 */
/* From the fields that are kept to a file. */
#include "onnxdump/part.h"

#include "common/file.h"
#include "onnxdump/external.h"

#include <inttypes.h>
#include <onnxrun/inspect.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_BYTES ((uint64_t)INT32_MAX) /* of a protobuf file */

/* Field numbers of ValueInfoProto, TypeProto and what is in it. */
enum {
    VALUE_NAME = 1,
    VALUE_TYPE = 2,
    TYPE_TENSOR = 1,
    TYPE_SEQUENCE = 4,
    TYPE_OPTIONAL = 9,
    TYPE_ELEMENT = 1,
    TENSOR_SHAPE = 2,
    SHAPE_DIM = 1,
    DIM_VALUE = 1,
    DIM_NAME = 2
};

/* ---- types ---- */

static void put_shape(struct wire_out *out, const onnxrun_value_info *info)
{
    struct wire_out shape = {.data = NULL};
    for (int32_t i = 0; i < info->rank; i++) {
        struct wire_out dim = {.data = NULL};
        if (info->dims[i] >= 0) {
            wire_put_int(&dim, DIM_VALUE, (uint64_t)info->dims[i]);
        } else if (info->symbols[i] != NULL) {
            wire_put(&dim, DIM_NAME, wire_text(info->symbols[i]));
        }
        wire_put_message(&shape, SHAPE_DIM, &dim);
    }
    if (info->rank >= 0) {
        wire_put_message(out, TENSOR_SHAPE, &shape);
    }
}

static void put_tensor_type(struct wire_out *out, const onnxrun_value_info *info)
{
    struct wire_out tensor = {.data = NULL};
    wire_put_int(&tensor, TYPE_ELEMENT, (uint64_t)info->dtype);
    put_shape(&tensor, info);
    wire_put_message(out, TYPE_TENSOR, &tensor);
}

/* Puts a type around the one that is in out: a message of this field with that as its element. */
static void wrap_type(struct wire_out *out, uint32_t field)
{
    struct wire_out element = {.data = NULL}, type = {.data = NULL};
    wire_put_message(&element, TYPE_ELEMENT, out);
    wire_put_message(&type, field, &element);
    *out = type;
}

static void put_value(struct wire_out *out, const char *name, const onnxrun_value_info *info)
{
    struct wire_out type = {.data = NULL};
    put_tensor_type(&type, info);
    if (info->kind == ONNXRUN_KIND_SEQUENCE || info->kind == ONNXRUN_KIND_OPTIONAL_SEQUENCE) {
        wrap_type(&type, TYPE_SEQUENCE);
    }
    if (info->kind == ONNXRUN_KIND_OPTIONAL || info->kind == ONNXRUN_KIND_OPTIONAL_SEQUENCE) {
        wrap_type(&type, TYPE_OPTIONAL);
    }
    wire_put(out, VALUE_NAME, wire_text(name));
    wire_put_message(out, VALUE_TYPE, &type);
}

/* What inference knows of a value of the main graph; false when it is nothing. */
static bool inferred(const struct part *part, const char *name, onnxrun_value_info *info)
{
    const onnxrun_graph *graph = part->typed != NULL ? onnxrun_model_graph(part->typed) : NULL;
    const onnxrun_weight *weight;
    for (uint32_t i = 0;
         graph != NULL && onnxrun_graph_value(graph, i, info, &weight, NULL) == ONNXRUN_OK; i++) {
        if (strcmp(info->name, name) == 0) {
            return info->dtype != ONNXRUN_UNDEFINED && info->kind != ONNXRUN_KIND_OTHER;
        }
    }
    return false;
}

/* Writes the ValueInfoProto of an input or output: as the signature of the model has it, as inferred,
 * or as the file declares it. */
static onnxrun_status put_end(const struct part *part, const char *name, struct wire_out *out,
                              onnxrun_error *error)
{
    struct wire_span span = wire_text(name);
    const struct wire_field *declared = cut_find(part->cut, span, CUT_INPUT);
    declared = declared != NULL ? declared : cut_find(part->cut, span, CUT_OUTPUT);
    onnxrun_value_info info;
    if (declared == NULL && inferred(part, name, &info)) {
        put_value(out, name, &info);
        return ONNXRUN_OK;
    }
    declared = declared != NULL ? declared : cut_find(part->cut, span, CUT_VALUE_INFO);
    if (declared == NULL) {
        return tool_fail(error, ONNXRUN_ERR_UNSUPPORTED,
                         "the type of \"%s\" is not known: the file declares none, and none can be "
                         "inferred (onnxdump --check tells why)",
                         name);
    }
    wire_put_raw(out, declared->value);
    return ONNXRUN_OK;
}

/* ---- pieces ---- */

/* A file in the making. */
struct pieces {
    struct file_part *parts; /* [count] */
    size_t count;
    uint64_t bytes;
    struct wire_out *made; /* [made_count] bytes that are not those of the model */
    size_t made_count;
};

static void add_piece(struct pieces *pieces, struct wire_span span)
{
    size_t index = pieces->count++;
    if ((index & (index - 1)) == 0) {
        pieces->parts =
            tool_resize(pieces->parts, index > 0 ? 2 * index : 1, sizeof *pieces->parts);
    }
    pieces->parts[index] = (struct file_part){span.data, span.size};
    pieces->bytes += span.size;
}

/* Takes the bytes over. */
static void add_made(struct pieces *pieces, const struct wire_out *made)
{
    pieces->made = tool_resize(pieces->made, pieces->made_count + 1, sizeof *pieces->made);
    pieces->made[pieces->made_count++] = *made;
    add_piece(pieces, wire_span_of(made));
}

static void add_head(struct pieces *pieces, uint32_t number, uint64_t bytes)
{
    struct wire_out head = {.data = NULL};
    wire_put_head(&head, number, (size_t)bytes);
    add_made(pieces, &head);
}

static void free_pieces(struct pieces *pieces)
{
    for (size_t i = 0; i < pieces->made_count; i++) {
        wire_free(&pieces->made[i]);
    }
    free(pieces->made);
    free(pieces->parts);
}

/* ---- the file ---- */

struct writing {
    const struct part *part;
    bool embeds; /* weights in files beside the model become part of the file */
    onnxrun_error *error;
};

/* A field as it is, or with its weights in it. */
static onnxrun_status add_field(struct pieces *pieces, const struct writing *writing,
                                const struct wire_field *field, enum external_message around)
{
    enum external_message message = external_message_of(around, field->number);
    if (!writing->embeds || !external_any(message, field->value, "", NULL, NULL)) {
        add_piece(pieces, field->whole);
        return ONNXRUN_OK;
    }
    struct wire_out value = {.data = NULL};
    onnxrun_status status =
        external_embed(message, field->value, writing->part->model_path, &value, writing->error);
    add_head(pieces, field->number, value.size);
    add_made(pieces, &value);
    return status;
}

static onnxrun_status add_graph(struct pieces *pieces, const struct writing *writing)
{
    const struct cut *cut = writing->part->cut;
    const struct cut_ends *ends[] = {&cut->inputs, &cut->outputs};
    onnxrun_status status = ONNXRUN_OK;
    for (size_t e = 0; e < 2; e++) {
        for (size_t i = 0; i < ends[e]->count && status == ONNXRUN_OK; i++) {
            struct wire_out value = {.data = NULL};
            status = put_end(writing->part, ends[e]->items[i].name, &value, writing->error);
            add_head(pieces, e == 0 ? CUT_INPUT : CUT_OUTPUT, value.size);
            add_made(pieces, &value);
        }
    }
    for (size_t i = 0; i < cut->item_count && status == ONNXRUN_OK; i++) {
        if (cut->is_kept[i]) {
            status = add_field(pieces, writing, &cut->items[i], EXTERNAL_GRAPH);
        }
    }
    return status;
}

/* The model with another graph; what trains it would have lost the ground under it. */
static onnxrun_status add_model(struct pieces *pieces, const struct writing *writing,
                                const struct pieces *graph)
{
    struct wire_span rest = writing->part->model;
    struct wire_field field;
    onnxrun_status status = ONNXRUN_OK;
    while (status == ONNXRUN_OK && wire_next(&rest, &field)) {
        if (field.number == PART_GRAPH) {
            add_head(pieces, PART_GRAPH, graph->bytes);
            for (size_t i = 0; i < graph->count; i++) {
                add_piece(pieces, (struct wire_span){graph->parts[i].data, graph->parts[i].size});
            }
        } else if (field.number != PART_TRAINING) {
            status = add_field(pieces, writing, &field, EXTERNAL_MODEL);
        }
    }
    return status;
}

/* ---- where it goes ---- */

static bool is_same_file(const char *path, const void *user)
{
    struct stat a, b;
    return stat(path, &a) == 0 && stat(user, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

static bool is_same_folder(const char *a, const char *b)
{
    const char *const paths[] = {a, b};
    char *folders[2];
    for (size_t i = 0; i < 2; i++) {
        const char *slash = strrchr(paths[i], '/');
        folders[i] = slash != NULL ? tool_printf("%.*s", (int)(slash + 1 - paths[i]), paths[i])
                                   : tool_printf(".");
    }
    bool is_same = is_same_file(folders[0], folders[1]);
    free(folders[0]);
    free(folders[1]);
    return is_same;
}

static onnxrun_status check_path(const struct part *part, const char *path, onnxrun_error *error)
{
    if (is_same_file(part->model_name, path)) {
        return tool_fail(error, ONNXRUN_ERR_ARGUMENT, "-o %s is the model itself", path);
    }
    if (external_any(EXTERNAL_MODEL, part->model, part->model_path, is_same_file, path)) {
        return tool_fail(error, ONNXRUN_ERR_ARGUMENT, "-o %s holds weights of the model", path);
    }
    return ONNXRUN_OK;
}

onnxrun_status part_write(const struct part *part, const char *path, onnxrun_error *error)
{
    bool is_stdout = strcmp(path, "-") == 0;
    struct writing writing = {.part = part,
                              .embeds = is_stdout || !is_same_folder(path, part->model_path),
                              .error = error};
    struct pieces graph = {.count = 0}, model = {.count = 0};
    onnxrun_status status = is_stdout ? ONNXRUN_OK : check_path(part, path, error);
    if (status == ONNXRUN_OK) {
        status = add_graph(&graph, &writing);
    }
    if (status == ONNXRUN_OK) {
        status = add_model(&model, &writing, &graph);
    }
    if (status == ONNXRUN_OK && model.bytes > MAX_BYTES) {
        status = tool_fail(error, ONNXRUN_ERR_LIMIT,
                           "the part has %" PRIu64 " bytes, a protobuf file can have %" PRIu64
                           "; in the folder of the model weights can stay in files of their own",
                           model.bytes, MAX_BYTES);
    }
    if (status == ONNXRUN_OK) {
        status = file_write(path, model.parts, model.count, error);
    }
    free_pieces(&graph);
    free_pieces(&model);
    return status;
}
