/* SPDX-License-Identifier: Apache-2.0 */
/* The order of import: scan, unpack, model, functions, main graph. */
#include "graph/import/import.h"

#include "graph/import/importer.h"
#include "graph/import/wire.h"

#define DEFAULT_FILE_BYTES ((uint64_t)INT32_MAX)
#define DEFAULT_NODE_COUNT 4000000
#define DEFAULT_NAME_BYTES 65536

/* ---- the model ---- */

static enum onr_status import_opset(struct importer *im, const Onnx__OperatorSetIdProto *proto)
{
    struct onr_model_info *info = im->info;
    const char *domain = onr_import_domain(proto->domain);
    int64_t known = onr_import_version(im, NULL, domain);
    if (proto->version <= 0) {
        return onr_fail(im->err, ONR_ERR_MODEL,
                        "version %lld of the operator set \"%.128s\" is none",
                        (long long)proto->version, domain);
    }
    if (known != 0 && known != proto->version) {
        return onr_fail(im->err, ONR_ERR_MODEL,
                        "the operator set \"%.128s\" is imported in versions %lld and %lld", domain,
                        (long long)known, (long long)proto->version);
    }
    if (known != 0) {
        return ONR_OK;
    }
    struct onr_opset *opset = &info->opsets[info->opset_count++];
    opset->version = proto->version;
    opset->domain = onr_import_copy(im, domain);
    return opset->domain != NULL ? ONR_OK : ONR_MEMORY_FAILED(im);
}

static enum onr_status import_opsets(struct importer *im)
{
    const Onnx__ModelProto *model = im->model;
    size_t count = model->n_opset_import;
    if (count > ONR_MAX_OPSETS) {
        return onr_fail(im->err, ONR_ERR_LIMIT, "%zu operator sets are imported, the limit is %d",
                        count, ONR_MAX_OPSETS);
    }
    if (count == 0 && model->ir_version >= 3) {
        return onr_fail(im->err, ONR_ERR_MODEL, "the model imports no operator set");
    }
    im->info->opsets = ONR_ARENA_ARRAY(im->arena, count + 1, struct onr_opset);
    if (im->info->opsets == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    if (count == 0) {
        im->info->opsets[0] = (struct onr_opset){.domain = "", .version = 1};
        im->info->opset_count = 1;
    }
    for (size_t i = 0; i < count; i++) {
        ONR_TRY(import_opset(im, model->opset_import[i]));
    }
    return ONR_OK;
}

enum onr_status onr_import_metadata(struct importer *im, Onnx__StringStringEntryProto *const *props,
                                    size_t prop_count, struct onr_metadata **metadata,
                                    uint32_t *count)
{
    struct onr_metadata *entries = ONR_ARENA_ARRAY(im->arena, prop_count, struct onr_metadata);
    if (entries == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    for (size_t i = 0; i < prop_count; i++) {
        entries[i].key = onr_import_copy(im, props[i]->key);
        entries[i].value = onr_import_copy(im, props[i]->value);
        if (entries[i].key == NULL || entries[i].value == NULL) {
            return ONR_MEMORY_FAILED(im);
        }
    }
    *metadata = entries;
    *count = (uint32_t)prop_count;
    return ONR_OK;
}

static enum onr_status import_info(struct importer *im)
{
    const Onnx__ModelProto *model = im->model;
    struct onr_model_info *info = ONR_ARENA_NEW(im->arena, struct onr_model_info);
    im->info = info;
    if (info == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    info->ir_version = model->ir_version;
    info->producer_name = onr_import_copy(im, model->producer_name);
    info->producer_version = onr_import_copy(im, model->producer_version);
    info->domain = onr_import_copy(im, model->domain);
    info->description = onr_import_copy(im, model->doc_string);
    info->graph_description = onr_import_copy(im, model->graph->doc_string);
    info->model_version = model->model_version;
    if (info->producer_name == NULL || info->producer_version == NULL || info->domain == NULL ||
        info->description == NULL || info->graph_description == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    ONR_TRY(import_opsets(im));
    ONR_TRY(onr_import_metadata(im, model->metadata_props, model->n_metadata_props, &info->metadata,
                                &info->metadata_count));
    return onr_import_functions(im);
}

/* Says what the file is when it is no model. */
static enum onr_status check_model(struct importer *im)
{
    const Onnx__ModelProto *model = im->model;
    const char *guess = onr_wire_guess(im->source->data, im->source->size);
    if (model->graph == NULL && guess != NULL) {
        return onr_fail(im->err, ONR_ERR_PARSE, "this is %s", guess);
    }
    if (model->graph == NULL) {
        return onr_fail(im->err, ONR_ERR_MODEL, "the model has no graph");
    }
    if (model->ir_version <= 0) {
        return onr_fail(im->err, ONR_ERR_MODEL, "ir_version %lld is none",
                        (long long)model->ir_version);
    }
    if (model->ir_version > ONR_IR_LATEST) {
        return onr_fail(im->err, ONR_ERR_UNSUPPORTED,
                        "ir_version %lld is newer than %d, the newest that is supported",
                        (long long)model->ir_version, ONR_IR_LATEST);
    }
    return ONR_OK;
}

static enum onr_status import_main(struct importer *im)
{
    struct onr_graph *graph = ONR_ARENA_NEW(im->arena, struct onr_graph);
    struct frame *frame = onr_push_frame(im);
    if (graph == NULL || frame == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    graph->arena = im->arena;
    graph->info = im->info;
    im->root = graph;
    frame->scope.graph = graph;
    frame->graph = im->model->graph;
    ONR_TRY(onr_import_graph_begin(im, frame));
    return onr_import_frames(im);
}

static enum onr_status import_model(struct importer *im)
{
    ONR_TRY(check_model(im));
    ONR_TRY(import_info(im));
    ONR_TRY(import_main(im));
    for (uint32_t i = 0; i < im->body_count; i++) {
        im->bodies[i]->symbols = im->root->symbols;
        im->bodies[i]->symbol_count = im->root->symbol_count;
        im->bodies[i]->symbol_capacity = im->root->symbol_count;
    }
    return ONR_OK;
}

/* ---- start and end ---- */

static struct onr_import_limits limits_of(const struct onr_import_limits *given)
{
    struct onr_import_limits limits = *given;
    limits.file_bytes = limits.file_bytes != 0 ? limits.file_bytes : DEFAULT_FILE_BYTES;
    limits.node_count = limits.node_count != 0 ? limits.node_count : DEFAULT_NODE_COUNT;
    limits.name_bytes = limits.name_bytes != 0 ? limits.name_bytes : DEFAULT_NAME_BYTES;
    return limits;
}

static enum onr_status read_model(const struct onr_import_source *source, struct onr_mem *mem,
                                  struct onr_wire_message *message, struct onr_error *err)
{
    const struct onr_wire_limits limits = {.parse_bytes = source->limits.parse_bytes,
                                           .name_bytes = source->limits.name_bytes,
                                           .keeps_metadata = source->keeps_metadata};
    *message = (struct onr_wire_message){0};
    if (source->size == 0) {
        return onr_fail(err, ONR_ERR_PARSE, "the file is empty");
    }
    if (source->size > source->limits.file_bytes) {
        return onr_fail(err, ONR_ERR_LIMIT, "the file has %zu bytes, the limit file_bytes is %llu",
                        source->size, (unsigned long long)source->limits.file_bytes);
    }
    enum onr_status status = onr_wire_read(&onnx__model_proto__descriptor, source->data,
                                           source->size, &limits, mem, message, err);
    const char *guess = onr_wire_guess(source->data, source->size);
    if (status == ONR_ERR_PARSE && guess != NULL) {
        return onr_fail(err, ONR_ERR_PARSE, "this is %s", guess);
    }
    return status;
}

static void importer_deinit(struct importer *im)
{
    while (im->top != NULL) {
        onr_pop_frame(im);
    }
    onr_strmap_free(&im->symbols);
    onr_strmap_free(&im->function_names);
    onr_arena_free(&im->scratch);
}

enum onr_status onr_import(const struct onr_import_source *source, struct onr_arena *arena,
                           struct onr_mem *mem, struct onr_external_files *files,
                           struct onr_graph **graph, struct onr_error *err)
{
    struct onr_import_source own = *source;
    own.limits = limits_of(&source->limits);
    *graph = NULL;
    struct importer im = {.source = &own, .arena = arena, .mem = mem, .err = err};
    im.live_at_start = mem->live_bytes;
    im.tensors = (struct onr_tensor_source){
        .data = own.data, .path = own.path, .files = files, .arena = arena};
    onr_arena_init(&im.scratch, mem);
    onr_strmap_init(&im.symbols, mem);
    onr_strmap_init(&im.function_names, mem);
    struct onr_wire_message message;
    enum onr_status status = read_model(&own, mem, &message, err);
    if (status == ONR_OK) {
        im.model = (const Onnx__ModelProto *)message.root;
        status = import_model(&im);
    }
    importer_deinit(&im);
    onr_wire_close(&message);
    *graph = status == ONR_OK ? im.root : NULL;
    return status;
}
