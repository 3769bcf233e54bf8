/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a model one by one: graphs, values, nodes, attributes, weights. */
#include "api/handles.h"
#include "base/float_mode.h"

#include <inttypes.h>
#include <onnxrun/inspect.h>

/* ARGUMENT unless index is one of count. */
static onnxrun_status check_index(const char *what, size_t index, size_t count,
                                  onnxrun_error *error)
{
    if (index >= count) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT, "%s %zu does not exist, there are %zu",
                            what, index, count);
    }
    return onr_api_result(ONR_OK, NULL, error);
}

static enum onr_status open_stage(onnxrun_model *model, const char *path, onnxrun_stage stage,
                                  struct onr_error *err)
{
    ONR_TRY(onr_model_open(model, path, err));
    if (stage == ONNXRUN_STAGE_MODEL) {
        return ONR_OK;
    }
    ONR_TRY(onr_model_optimize(model, NULL, err));
    return stage == ONNXRUN_STAGE_PROGRAM ? onr_model_bind(model, err) : ONR_OK;
}

onnxrun_status onnxrun_model_open(const char *path, const onnxrun_model_options *options,
                                  onnxrun_stage stage, onnxrun_model **model, onnxrun_error *error)
{
    struct onr_error err;
    onr_error_clear(&err);
    *model = NULL;
    bool has_types_only = stage == ONNXRUN_STAGE_TYPES;
    if (((unsigned)stage > ONNXRUN_STAGE_PROGRAM && !has_types_only) || path == NULL) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT,
                            path == NULL ? "model: path is NULL" : "model: cannot open it there");
    }
    onnxrun_model *made = NULL;
    enum onr_status status = onr_model_new(options, &made, &err);
    if (status == ONR_OK) {
        made->keeps_metadata = true;
        made->types_only = has_types_only;
        uint64_t caller_mode = onr_float_mode();
        onr_float_mode_set(ONR_FLOAT_MODE_DEFAULT);
        status = open_stage(made, path, stage, &err);
        onr_float_mode_set(caller_mode);
        onr_parallel_free(&made->parallel);
    }
    if (status != ONR_OK) {
        onnxrun_model_free(made);
        made = NULL;
    }
    *model = made;
    return onr_api_result(status, &err, error);
}

const onnxrun_graph *onnxrun_model_graph(const onnxrun_model *model)
{
    return model->graph;
}

onnxrun_status onnxrun_model_opset(const onnxrun_model *model, size_t index, const char **domain,
                                   int64_t *version, onnxrun_error *error)
{
    const struct onr_model_info *info = model->graph->info;
    onnxrun_status status = check_index("operator set", index, info->opset_count, error);
    if (status == ONNXRUN_OK) {
        *domain = info->opsets[index].domain;
        *version = info->opsets[index].version;
    }
    return status;
}

void onnxrun_graph_get_info(const onnxrun_graph *graph, onnxrun_graph_info *info)
{
    bool is_body = graph->info == NULL;
    *info = (onnxrun_graph_info){.name = graph->name != NULL ? graph->name : "",
                                 .value_count = graph->value_count,
                                 .node_count = graph->node_count,
                                 .input_count =
                                     is_body ? graph->formal_input_count : graph->input_count,
                                 .output_count = graph->output_count,
                                 .inputs = graph->inputs,
                                 .outputs = graph->outputs,
                                 .output_names = graph->output_names};
}

onnxrun_status onnxrun_graph_value(const onnxrun_graph *graph, uint32_t index,
                                   onnxrun_value_info *info, const onnxrun_weight **weight,
                                   onnxrun_error *error)
{
    onnxrun_status status = check_index("value", index, graph->value_count, error);
    if (status == ONNXRUN_OK) {
        const struct onr_value *value = &graph->values[index];
        onr_model_value_info(graph, value->name, &value->fact, info);
        info->is_optional = value->is_input && (value->constant != NULL || value->fact.is_optional);
        *weight = value->constant;
    }
    return status;
}

onnxrun_status onnxrun_graph_node(const onnxrun_graph *graph, uint32_t index, onnxrun_node *node,
                                  onnxrun_error *error)
{
    onnxrun_status status = check_index("node", index, graph->node_count, error);
    if (status == ONNXRUN_OK) {
        const struct onr_node *from = &graph->nodes[index];
        *node = (onnxrun_node){.name = from->name,
                               .op_type = from->op_type,
                               .domain = from->domain,
                               .version = from->version,
                               .inputs = from->inputs,
                               .outputs = from->outputs,
                               .input_count = from->input_count,
                               .output_count = from->output_count,
                               .attribute_count = from->attr_count,
                               .body_count = from->body_count,
                               .metadata_count = from->metadata_count};
    }
    return status;
}

static onnxrun_status find_node(const onnxrun_graph *graph, uint32_t index,
                                const struct onr_node **node, onnxrun_error *error)
{
    onnxrun_status status = check_index("node", index, graph->node_count, error);
    *node = status == ONNXRUN_OK ? &graph->nodes[index] : NULL;
    return status;
}

static void fill_attribute(const onnxrun_graph *graph, const struct onr_attr *attr,
                           onnxrun_attribute *attribute)
{
    bool is_list = attr->kind >= ONR_ATTR_FLOATS && attr->kind <= ONR_ATTR_TENSORS;
    *attribute = (onnxrun_attribute){.name = attr->name,
                                     .kind = (onnxrun_attribute_kind)attr->kind,
                                     .count = is_list ? attr->count : 1,
                                     .type.name = ""};
    switch (attr->kind) {
    case ONR_ATTR_FLOAT:
    case ONR_ATTR_FLOATS:
        attribute->floats = is_list ? attr->as.floats : &attr->as.f;
        break;
    case ONR_ATTR_INT:
    case ONR_ATTR_INTS:
        attribute->ints = is_list ? attr->as.ints : &attr->as.i;
        break;
    case ONR_ATTR_STRING:
    case ONR_ATTR_STRINGS:
        attribute->strings =
            (const onnxrun_string *)(const void *)(is_list ? attr->as.strings : &attr->as.s);
        break;
    case ONR_ATTR_TENSOR:
    case ONR_ATTR_TENSORS:
        attribute->tensors = is_list ? attr->as.tensors : &attr->as.tensor;
        break;
    case ONR_ATTR_TYPE:
        onr_model_value_info(graph, "", attr->as.type, &attribute->type);
        break;
    case ONR_ATTR_GRAPH:
    case ONR_ATTR_GRAPHS:
    case ONR_ATTR_OTHER:
        attribute->kind = ONNXRUN_ATTRIBUTE_OTHER;
        break;
    }
}

onnxrun_status onnxrun_node_attribute(const onnxrun_graph *graph, uint32_t node, uint32_t index,
                                      onnxrun_attribute *attribute, onnxrun_error *error)
{
    const struct onr_node *from;
    onnxrun_status status = find_node(graph, node, &from, error);
    if (status == ONNXRUN_OK) {
        status = check_index("attribute", index, from->attr_count, error);
    }
    if (status == ONNXRUN_OK) {
        fill_attribute(graph, &from->attrs[index], attribute);
    }
    return status;
}

onnxrun_status onnxrun_node_body(const onnxrun_graph *graph, uint32_t node, uint32_t index,
                                 onnxrun_body *body, onnxrun_error *error)
{
    const struct onr_node *from;
    onnxrun_status status = find_node(graph, node, &from, error);
    if (status == ONNXRUN_OK) {
        status = check_index("body", index, from->body_count, error);
    }
    if (status == ONNXRUN_OK) {
        const struct onr_body *found = &from->bodies[index];
        *body = (onnxrun_body){.attribute = found->attr_name,
                               .graph = found->graph,
                               .captures = found->captures,
                               .inputs = found->graph->inputs + found->graph->formal_input_count,
                               .capture_count = found->capture_count};
    }
    return status;
}

onnxrun_status onnxrun_node_metadata(const onnxrun_graph *graph, uint32_t node, uint32_t index,
                                     const char **key, const char **value, onnxrun_error *error)
{
    const struct onr_node *from;
    onnxrun_status status = find_node(graph, node, &from, error);
    if (status == ONNXRUN_OK) {
        status = check_index("metadata", index, from->metadata_count, error);
    }
    if (status == ONNXRUN_OK) {
        *key = from->metadata[index].key;
        *value = from->metadata[index].value;
    }
    return status;
}

/* Offset of data in a mapped file; UINT64_MAX when it is not there. */
static uint64_t offset_in(const struct onr_file *file, const void *data)
{
    uintptr_t begin = (uintptr_t)file->data, at = (uintptr_t)data;
    return file->data != NULL && at >= begin && at - begin < file->size ? at - begin : UINT64_MAX;
}

void onnxrun_weight_get_info(const onnxrun_model *model, const onnxrun_weight *weight,
                             onnxrun_weight_info *info)
{
    const struct onr_file *file = &model->file;
    const struct onr_external_files *files = &model->externals;
    for (uint32_t i = 0; i < files->count; i++) {
        if (offset_in(&files->items[i].file, weight->data) != UINT64_MAX) {
            file = &files->items[i].file;
        }
    }
    *info = (onnxrun_weight_info){.dtype = (onnxrun_dtype)weight->dtype,
                                  .rank = (uint32_t)weight->shape.rank,
                                  .dims = weight->shape.dim,
                                  .count = (size_t)onr_constant_count(weight),
                                  .bytes = weight->bytes,
                                  .file = weight->location,
                                  .offset = weight->is_mapped ? offset_in(file, weight->data)
                                                              : UINT64_MAX};
}

onnxrun_status onnxrun_weight_read(const onnxrun_weight *weight, size_t begin, size_t count,
                                   void *out, onnxrun_error *error)
{
    size_t total = (size_t)onr_constant_count(weight);
    if (begin % 8 != 0 || begin > total || count > total - begin) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT,
                            "weight: no elements from %zu on, %zu of %zu; the first must be a "
                            "multiple of 8",
                            begin, count, total);
    }
    if (count > 0) {
        unsigned bits = onr_dtype_file_bits(weight->dtype);
        size_t before = bits != 0 ? begin / 8 * bits : begin * sizeof(struct onr_string);
        struct onr_constant part = {.dtype = weight->dtype,
                                    .shape = {.rank = 1, .dim = {(int64_t)count}},
                                    .data = (const uint8_t *)weight->data + before};
        onr_constant_copy(&part, out);
    }
    return onr_api_result(ONR_OK, NULL, error);
}
