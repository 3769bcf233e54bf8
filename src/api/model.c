/* SPDX-License-Identifier: Apache-2.0 */
/* Models: the one place that wires scan, import, passes and program together. */
#include "api/handles.h"
#include "base/float_mode.h"
#include "graph/passes/pass.h"
#include "ops/registry.h"

#include <inttypes.h>
#include <string.h>

/* Default budget of constant folding: 64 MiB, or enough to turn all weights from int8 to float
 * twice. */
#define MIN_FOLD_BYTES     ((uint64_t)64 << 20)
#define FOLD_PER_BYTE      ((uint64_t)8)
#define DEFAULT_LOOP_COUNT ((uint64_t)1 << 31)

enum onr_status onr_model_new(const onnxrun_model_options *options, onnxrun_model **model,
                              struct onr_error *err)
{
    onnxrun_model_options given = ONNXRUN_MODEL_OPTIONS_INIT;
    *model = NULL;
    if (options != NULL) {
        if (options->struct_size != sizeof *options) {
            return onr_fail(err, ONR_ERR_ARGUMENT, "model options: struct_size is %u, expected %zu",
                            options->struct_size, sizeof *options);
        }
        given = *options;
    }
    if ((given.allocator.alloc == NULL) != (given.allocator.free == NULL)) {
        return onr_fail(err, ONR_ERR_ARGUMENT,
                        "model options: allocator has one of alloc and free, expected both");
    }
    struct onr_allocator allocator = {
        .user = given.allocator.user, .alloc = given.allocator.alloc, .free = given.allocator.free};
    struct onr_mem mem;
    onr_mem_init(&mem, &allocator, (size_t)given.limits.memory_bytes);
    onnxrun_model *made = onr_mem_calloc(&mem, sizeof *made);
    if (made == NULL) {
        return onr_fail_memory(err, "model");
    }
    made->mem = mem;
    made->limits = given.limits;
    made->no_fusion = given.no_fusion != 0;
    if (made->limits.loop_count == 0) {
        made->limits.loop_count = DEFAULT_LOOP_COUNT;
    }
    onr_arena_init(&made->arena, &made->mem);
    onr_external_files_init(&made->externals, &made->mem);
    onr_kernels_init(&made->kernels, onr_cpu_isa_capped(onr_os_environment("ONNXRUN_MAX_ISA")));
    enum onr_status status = onr_parallel_init(&made->parallel, given.threads, &made->mem, err);
    if (status != ONR_OK) {
        onr_mem_free(&mem, made, sizeof *made);
        return status;
    }
    *model = made;
    return ONR_OK;
}

static onnxrun_kind public_kind(const struct onr_fact *fact)
{
    if (fact->kind == ONR_KIND_TENSOR) {
        return fact->is_optional ? ONNXRUN_KIND_OPTIONAL : ONNXRUN_KIND_TENSOR;
    }
    if (fact->kind == ONR_KIND_SEQUENCE) {
        return fact->is_optional ? ONNXRUN_KIND_OPTIONAL_SEQUENCE : ONNXRUN_KIND_SEQUENCE;
    }
    return ONNXRUN_KIND_OTHER;
}

void onr_model_value_info(const struct onr_graph *graph, const char *name,
                          const struct onr_fact *fact, onnxrun_value_info *info)
{
    const struct onr_shape *shape = &fact->shape;
    *info = (onnxrun_value_info){.name = name,
                                 .dtype = (onnxrun_dtype)fact->dtype,
                                 .rank = fact->kind == ONR_KIND_TENSOR ? shape->rank : -1,
                                 .kind = public_kind(fact)};
    for (int i = 0; i < ONR_MAX_RANK; i++) {
        int64_t dim = i < info->rank ? shape->dim[i] : -1;
        info->dims[i] = dim >= 0 ? dim : -1;
        info->symbols[i] = onr_dim_name(graph, dim);
    }
}

/* Keeps the declared types of inputs and outputs. */
static enum onr_status keep_signature(onnxrun_model *model, struct onr_error *err)
{
    const struct onr_graph *graph = model->graph;
    model->inputs = ONR_ARENA_ARRAY(&model->arena, graph->input_count, onnxrun_value_info);
    model->outputs = ONR_ARENA_ARRAY(&model->arena, graph->output_count, onnxrun_value_info);
    if (model->inputs == NULL || model->outputs == NULL) {
        return onr_fail_memory(err, "signature");
    }
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const struct onr_value *value = &graph->values[graph->inputs[i]];
        onr_model_value_info(graph, value->name, &value->fact, &model->inputs[i]);
        model->inputs[i].is_optional = value->constant != NULL || value->fact.is_optional;
    }
    for (uint32_t i = 0; i < graph->output_count; i++) {
        onr_model_value_info(graph, graph->output_names[i], &graph->values[graph->outputs[i]].fact,
                             &model->outputs[i]);
    }
    return ONR_OK;
}

static enum onr_status import_model(onnxrun_model *model, const uint8_t *data, size_t size,
                                    const char *path, struct onr_error *err)
{
    struct onr_import_source source = {.data = data,
                                       .size = size,
                                       .path = path,
                                       .limits = {.file_bytes = model->limits.file_bytes,
                                                  .parse_bytes = model->limits.parse_bytes,
                                                  .node_count = model->limits.node_count,
                                                  .name_bytes = model->limits.name_bytes},
                                       .registry = &onr_op_registry,
                                       .keeps_metadata = model->keeps_metadata};
    ONR_TRY(onr_import(&source, &model->arena, &model->mem, &model->externals, &model->graph, err));
    model->size = size;
    return keep_signature(model, err);
}

enum onr_status onr_model_open(onnxrun_model *model, const char *path, struct onr_error *err)
{
    ONR_TRY(onr_file_map(path, &model->file, err));
    enum onr_status status = import_model(model, model->file.data, model->file.size, path, err);
    if (status == ONR_ERR_PARSE) {
        onr_error_prefix(err, "%.512s: ", path);
    }
    return status;
}

/* Inputs that are neither tensors nor sequences can be shown but not run. */
static enum onr_status check_signature(const onnxrun_model *model, struct onr_error *err)
{
    const struct onr_graph *graph = model->graph;
    for (uint32_t i = 0; i < graph->input_count; i++) {
        const struct onr_value *value = &graph->values[graph->inputs[i]];
        if (value->fact.kind == ONR_KIND_OTHER) {
            return onr_fail(err, ONR_ERR_UNSUPPORTED,
                            "load: not supported: input \"%.128s\" is neither a tensor nor a "
                            "sequence of tensors",
                            value->name);
        }
    }
    return ONR_OK;
}

/* The budget of constant folding: the caller's, else in proportion to the weights. */
static uint64_t fold_budget(const onnxrun_model *model)
{
    uint64_t bytes = FOLD_PER_BYTE * model->size;
    if (model->limits.fold_bytes != 0) {
        return model->limits.fold_bytes;
    }
    return bytes > MIN_FOLD_BYTES ? bytes : MIN_FOLD_BYTES;
}

enum onr_status onr_model_optimize(onnxrun_model *model, struct onr_report *report,
                                   struct onr_error *err)
{
    struct onr_eval eval = {
        .kernels = &model->kernels, .parallel = &model->parallel, .mem = &model->mem};
    struct onr_pass_ctx passes = {.registry = &onr_op_registry,
                                  .eval = &eval,
                                  .no_fusion = model->no_fusion,
                                  .types_only = model->types_only,
                                  .fold_bytes = fold_budget(model),
                                  .folds = &model->folds,
                                  .report = report,
                                  .err = err};
    ONR_TRY(check_signature(model, err));
    return onr_run_passes(model->graph, &passes);
}

enum onr_status onr_model_bind(onnxrun_model *model, struct onr_error *err)
{
    struct onr_program_options options = {.graph = model->graph,
                                          .kernels = &model->kernels,
                                          .parallel = &model->parallel,
                                          .mem = &model->mem};
    onr_parallel_open(&model->parallel);
    enum onr_status status = onr_program_build(&options, &model->program, err);
    onr_parallel_close(&model->parallel);
    return status;
}

/* Loads from path, or from data when path is NULL. */
static enum onr_status load_model(onnxrun_model *model, const char *path, const void *data,
                                  size_t size, struct onr_error *err)
{
    if (path != NULL) {
        ONR_TRY(onr_model_open(model, path, err));
    } else {
        ONR_TRY(import_model(model, data, size, NULL, err));
    }
    ONR_TRY(onr_model_optimize(model, NULL, err));
    enum onr_status status = onr_model_bind(model, err);
    onr_parallel_free(&model->parallel); /* whose threads have nothing to do from here on */
    return status;
}

static onnxrun_status load(const char *path, const void *data, size_t size,
                           const onnxrun_model_options *options, onnxrun_model **model,
                           onnxrun_error *error)
{
    struct onr_error err;
    onr_error_clear(&err);
    enum onr_status status = onr_model_new(options, model, &err);
    if (status == ONR_OK) {
        uint64_t caller_mode = onr_float_mode();
        onr_float_mode_set(ONR_FLOAT_MODE_DEFAULT);
        status = load_model(*model, path, data, size, &err);
        onr_float_mode_set(caller_mode);
        if (status != ONR_OK) {
            onnxrun_model_free(*model);
            *model = NULL;
        }
    }
    return onr_api_result(status, &err, error);
}

onnxrun_status onnxrun_model_load(const char *path, const onnxrun_model_options *options,
                                  onnxrun_model **model, onnxrun_error *error)
{
    if (path == NULL) {
        *model = NULL;
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT, "model: path is NULL");
    }
    return load(path, NULL, 0, options, model, error);
}

onnxrun_status onnxrun_model_load_memory(const void *bytes, size_t size,
                                         const onnxrun_model_options *options,
                                         onnxrun_model **model, onnxrun_error *error)
{
    if (bytes == NULL && size > 0) {
        *model = NULL;
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT, "model: bytes is NULL");
    }
    return load(NULL, bytes, size, options, model, error);
}

void onnxrun_model_free(onnxrun_model *model)
{
    if (model == NULL) {
        return;
    }
    onr_parallel_free(&model->parallel);
    onr_program_free(model->program);
    onr_folds_free(model->folds);
    onr_arena_free(&model->arena);
    onr_external_files_free(&model->externals);
    onr_file_unmap(&model->file);
    struct onr_mem mem = model->mem;
    onr_mem_free(&mem, model, sizeof *model);
}

size_t onnxrun_model_input_count(const onnxrun_model *model)
{
    return model->graph->input_count;
}

size_t onnxrun_model_output_count(const onnxrun_model *model)
{
    return model->graph->output_count;
}

void onnxrun_model_get_info(const onnxrun_model *model, onnxrun_model_info *info)
{
    const struct onr_model_info *from = model->graph->info;
    if (info->struct_size == sizeof *info) {
        *info = (onnxrun_model_info){.struct_size = sizeof *info,
                                     .ir_version = from->ir_version,
                                     .model_version = from->model_version,
                                     .producer_name = from->producer_name,
                                     .producer_version = from->producer_version,
                                     .domain = from->domain,
                                     .description = from->description,
                                     .graph_name = model->graph->name,
                                     .graph_description = from->graph_description,
                                     .metadata_count = from->metadata_count};
    }
}

onnxrun_status onnxrun_model_metadata(const onnxrun_model *model, size_t index, const char **key,
                                      const char **value, onnxrun_error *error)
{
    const struct onr_model_info *info = model->graph->info;
    if (index >= info->metadata_count) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT,
                            "metadata %zu does not exist, there are %" PRIu32, index,
                            info->metadata_count);
    }
    *key = info->metadata[index].key;
    *value = info->metadata[index].value;
    return onr_api_result(ONR_OK, NULL, error);
}

static onnxrun_status copy_info(const onnxrun_value_info *infos, size_t count, size_t index,
                                const char *what, onnxrun_value_info *info, onnxrun_error *error)
{
    if (index >= count) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT, "%s %zu does not exist, there are %zu",
                            what, index, count);
    }
    *info = infos[index];
    return onr_api_result(ONR_OK, NULL, error);
}

onnxrun_status onnxrun_model_input_info(const onnxrun_model *model, size_t index,
                                        onnxrun_value_info *info, onnxrun_error *error)
{
    return copy_info(model->inputs, model->graph->input_count, index, "input", info, error);
}

onnxrun_status onnxrun_model_output_info(const onnxrun_model *model, size_t index,
                                         onnxrun_value_info *info, onnxrun_error *error)
{
    return copy_info(model->outputs, model->graph->output_count, index, "output", info, error);
}
