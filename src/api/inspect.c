/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a model as text or JSON, and the table of operators. */
#include "api/handles.h"
#include "graph/passes/report.h"
#include "graph/print.h"
#include "ops/registry.h"
#include "runtime/print.h"

#include <onnxrun/inspect.h>
#include <stddef.h>
#include <string.h>

/* The text that is handed out, with its size in front so that it can be given back. */
struct text_block {
    _Alignas(ONR_MEM_ALIGN) size_t bytes;
    char text[];
};

static enum onr_status print_plan(const onnxrun_model *model, onnxrun_format format,
                                  const onnxrun_dim *dims, size_t dim_count, struct onr_text *text,
                                  struct onr_error *err)
{
    struct onr_planned planned;
    enum onr_status status = onr_model_plan(model, dims, dim_count, &planned, err);
    if (status == ONR_OK) {
        onr_print_plan(text, model->program, planned.plan, format == ONNXRUN_FORMAT_JSON);
    }
    onr_planned_free(&planned);
    return status;
}

/* What is not supported is printed, and is a failure besides. */
static enum onr_status print_passes(onnxrun_model *model, onnxrun_format format,
                                    const onnxrun_dim *dims, size_t dim_count,
                                    struct onr_text *text, struct onr_error *err)
{
    struct onr_report report;
    struct onr_text kernels;
    bool is_json = format == ONNXRUN_FORMAT_JSON;
    onr_text_init(&kernels, &model->mem);
    onr_report_init(&report, model->graph);
    enum onr_status status = onr_model_optimize(model, &report, err);
    if (status == ONR_OK) {
        status = onr_model_bind(model, err);
    }
    if (status == ONR_OK) {
        status = onr_print_kernels(&kernels, model, dims, dim_count, is_json, err);
    }
    if (status == ONR_OK || report.missing != NULL) {
        onr_print_report(text, &report, kernels.data, is_json);
    }
    text->has_failed = text->has_failed || kernels.has_failed;
    onr_text_free(&kernels);
    return status;
}

static enum onr_status print_stage(onnxrun_model *model, const char *path, onnxrun_stage stage,
                                   onnxrun_format format, const onnxrun_dim *dims, size_t dim_count,
                                   struct onr_text *text, struct onr_error *err)
{
    bool is_json = format == ONNXRUN_FORMAT_JSON;
    ONR_TRY(onr_model_open(model, path, err));
    if (stage == ONNXRUN_STAGE_PASSES) {
        return print_passes(model, format, dims, dim_count, text, err);
    }
    if (stage == ONNXRUN_STAGE_SUMMARY && !is_json) {
        onr_print_summary(text, model->graph, "model");
        return ONR_OK;
    }
    bool is_file = stage == ONNXRUN_STAGE_MODEL || stage == ONNXRUN_STAGE_SUMMARY;
    if (!is_file) {
        ONR_TRY(onr_model_optimize(model, NULL, err));
    }
    if (is_file || stage == ONNXRUN_STAGE_GRAPH) {
        (is_json ? onr_print_graph_json : onr_print_graph_text)(text, model->graph, !is_file);
        return ONR_OK;
    }
    ONR_TRY(onr_model_bind(model, err));
    if (stage == ONNXRUN_STAGE_PROGRAM) {
        onr_print_program(text, model->program, onr_isa_name(model->kernels.isa), is_json);
        return ONR_OK;
    }
    return print_plan(model, format, dims, dim_count, text, err);
}

/* Moves the text into a block of its own. */
static enum onr_status hand_out(const struct onr_text *text, char **out, struct onr_error *err)
{
    struct onr_mem mem;
    onr_mem_init(&mem, NULL, 0);
    size_t bytes = offsetof(struct text_block, text) + text->length + 1;
    struct text_block *block = text->has_failed ? NULL : onr_mem_calloc(&mem, bytes);
    if (block == NULL) {
        return onr_fail_memory(err, "text");
    }
    block->bytes = bytes;
    if (text->length > 0) {
        memcpy(block->text, text->data, text->length);
    }
    *out = block->text;
    return ONR_OK;
}

onnxrun_status onnxrun_describe(const char *path, onnxrun_stage stage, onnxrun_format format,
                                const onnxrun_dim *dims, size_t dim_count, char **text,
                                onnxrun_error *error)
{
    struct onr_error err;
    onr_error_clear(&err);
    onnxrun_model *model = NULL;
    *text = NULL;
    if ((unsigned)stage > ONNXRUN_STAGE_SUMMARY) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT, "describe: %d is no stage", (int)stage);
    }
    enum onr_status status = onr_model_new(NULL, &model, &err);
    if (status == ONR_OK) {
        struct onr_text written;
        onr_text_init(&written, &model->mem);
        status = print_stage(model, path, stage, format, dims, dim_count, &written, &err);
        if (status == ONR_OK || written.length > 0) {
            enum onr_status printed = hand_out(&written, text, &err);
            status = printed == ONR_OK ? status : printed;
        }
        onr_text_free(&written);
        onnxrun_model_free(model);
    }
    return onr_api_result(status, &err, error);
}

void onnxrun_text_free(char *text)
{
    if (text != NULL) {
        struct onr_mem mem;
        onr_mem_init(&mem, NULL, 0);
        struct text_block *block =
            (struct text_block *)(void *)(text - offsetof(struct text_block, text));
        onr_mem_free(&mem, block, block->bytes);
    }
}

/* The row with this index, counting through all tables; NULL behind the last one. */
static const struct onr_op_def *op_at(size_t index, size_t *count)
{
    const struct onr_op_def *found = NULL;
    *count = 0;
    for (const struct onr_op_def *const *table = onr_op_registry.tables; *table != NULL; table++) {
        for (const struct onr_op_def *op = *table; op->name != NULL; op++) {
            if ((*count)++ == index) {
                found = op;
            }
        }
    }
    return found;
}

size_t onnxrun_op_count(void)
{
    size_t count = 0;
    (void)op_at(SIZE_MAX, &count);
    return count;
}

onnxrun_status onnxrun_op_at(size_t index, onnxrun_op_info *info, onnxrun_error *error)
{
    size_t count = 0;
    const struct onr_op_def *op = op_at(index, &count);
    if (op == NULL) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT,
                            "operator %zu does not exist, there are %zu", index, count);
    }
    bool has_input = op->inputs.max > 0;
    *info = (onnxrun_op_info){.domain = op->domain,
                              .name = op->name,
                              .since_version = op->since_version,
                              .last_version = op->last_version,
                              .input_dtypes =
                                  has_input ? onr_param_spec_at(op->input_specs, 0).dtypes : 0};
    return onr_api_result(ONR_OK, NULL, error);
}
