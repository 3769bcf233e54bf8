/* SPDX-License-Identifier: Apache-2.0 */
/* What the views share, and the views that the library prints. */
#include "onnxdump/views.h"

#include "common/escape.h"
#include "common/progress.h"

#include <inttypes.h>
#include <string.h>

const char *view_count(uint64_t count, char text[VIEW_NUMBER_BYTES])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRIu64, count);
    char *at = text;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            *at++ = ',';
        }
        *at++ = digits[i];
    }
    *at = '\0';
    return text;
}

/* The number in the largest of the units that does not make it less than 1. */
static const char *in_units(double number, double step, const char *const *units,
                            char text[VIEW_NUMBER_BYTES])
{
    while (number >= step && units[1] != NULL) {
        number /= step;
        units++;
    }
    (void)snprintf(text, VIEW_NUMBER_BYTES, number < 10 ? "%.2f %s" : "%.1f %s", number, *units);
    return text;
}

const char *view_bytes(uint64_t bytes, char text[VIEW_NUMBER_BYTES])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", NULL};
    if (bytes < 1024) {
        (void)snprintf(text, VIEW_NUMBER_BYTES, "%" PRIu64 " B", bytes);
        return text;
    }
    return in_units((double)bytes / 1024, 1024, units, text);
}

const char *view_scaled(uint64_t count, char text[VIEW_NUMBER_BYTES])
{
    static const char *const units[] = {"k", "M", "G", "T", NULL};
    if (count < 1000) {
        (void)snprintf(text, VIEW_NUMBER_BYTES, "%" PRIu64, count);
        return text;
    }
    return in_units((double)count / 1000, 1000, units, text);
}

const char *view_value_name(const onnxrun_graph *graph, uint32_t value)
{
    onnxrun_value_info info = {.name = ""};
    const onnxrun_weight *weight;
    if (value != ONNXRUN_NO_VALUE) {
        (void)onnxrun_graph_value(graph, value, &info, &weight, NULL);
    }
    return info.name;
}

const onnxrun_weight *view_weight(const onnxrun_graph *graph, uint32_t value)
{
    onnxrun_value_info info;
    const onnxrun_weight *weight = NULL;
    if (value != ONNXRUN_NO_VALUE) {
        (void)onnxrun_graph_value(graph, value, &info, &weight, NULL);
    }
    return weight;
}

onnxrun_node view_node(const onnxrun_graph *graph, uint32_t index)
{
    onnxrun_node node = {.name = "", .op_type = "", .domain = ""};
    (void)onnxrun_graph_node(graph, index, &node, NULL);
    return node;
}

void view_node_label(FILE *out, const onnxrun_graph *graph, uint32_t node)
{
    onnxrun_node info = view_node(graph, node);
    const char *label = info.name;
    for (uint32_t i = 0; label[0] == '\0' && i < info.output_count; i++) {
        label = view_value_name(graph, info.outputs[i]);
    }
    escape_name(out, label);
}

onnxrun_status view_open(const struct view_options *options, const onnxrun_model_options *load,
                         onnxrun_stage stage, onnxrun_model **model, onnxrun_error *error)
{
    struct progress progress;
    progress_begin(&progress, "loading", options->name);
    onnxrun_status status = onnxrun_model_open(options->path, load, stage, model, error);
    progress_end(&progress);
    return status;
}

size_t view_piece(size_t count, size_t begin)
{
    size_t left = count - begin;
    return left < VIEW_PIECE_ELEMENTS ? left : VIEW_PIECE_ELEMENTS;
}

void view_print_weight_type(FILE *out, const onnxrun_weight_info *info)
{
    fprintf(out, "%s[", onnxrun_dtype_name(info->dtype));
    for (uint32_t i = 0; i < info->rank; i++) {
        fprintf(out, "%s%" PRId64, i > 0 ? ", " : "", info->dims[i]);
    }
    fputc(']', out);
}

/* ---- what the library prints ---- */

/* A name of -d that the model does not have; a model that cannot be read is left to the stage. */
static int check_dims(const struct view_options *options)
{
    onnxrun_error ignored;
    onnxrun_model *model;
    if (options->dims.count == 0 || onnxrun_model_open(options->path, NULL, ONNXRUN_STAGE_MODEL,
                                                       &model, &ignored) != ONNXRUN_OK) {
        return EXIT_CODE_OK;
    }
    int code = dims_check(&options->dims, model);
    onnxrun_model_free(model);
    return code;
}

int view_stage(const struct view_options *options, onnxrun_stage stage)
{
    int code = check_dims(options);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    char *text = NULL;
    onnxrun_error error;
    onnxrun_format format = options->is_json ? ONNXRUN_FORMAT_JSON : ONNXRUN_FORMAT_TEXT;
    struct progress progress;
    progress_begin(&progress, "loading", options->name);
    onnxrun_status status = onnxrun_describe(options->path, stage, format, options->dims.items,
                                             options->dims.count, &text, &error);
    progress_end(&progress);
    if (text != NULL) {
        fputs(text, stdout);
        onnxrun_text_free(text);
    }
    return status == ONNXRUN_OK ? EXIT_CODE_OK : tool_report(&error);
}

static void print_dtypes(uint32_t dtypes, const char *quote, const char *separator)
{
    bool is_first = true;
    for (int i = 1; i <= ONNXRUN_FLOAT6E3M2; i++) {
        if ((dtypes >> i & 1) != 0) {
            printf("%s%s%s%s", is_first ? "" : separator, quote,
                   onnxrun_dtype_name((onnxrun_dtype)i), quote);
            is_first = false;
        }
    }
}

int view_ops(bool is_json)
{
    size_t count = onnxrun_op_count();
    fputs(is_json ? "[" : "", stdout);
    for (size_t i = 0; i < count; i++) {
        onnxrun_op_info op = {.name = ""};
        (void)onnxrun_op_at(i, &op, NULL);
        if (is_json) {
            printf("%s{\"domain\": \"%s\", \"name\": \"%s\", \"since\": %" PRId32
                   ", \"last\": %" PRId32 ", \"dtypes\": [",
                   i > 0 ? ",\n " : "", op.domain, op.name, op.since_version, op.last_version);
            print_dtypes(op.input_dtypes, "\"", ", ");
            fputs("]}", stdout);
        } else {
            char name[80], versions[32];
            (void)snprintf(name, sizeof name, "%s%s%s", op.domain, op.domain[0] == '\0' ? "" : ".",
                           op.name);
            (void)snprintf(versions, sizeof versions, "%" PRId32 "-%" PRId32, op.since_version,
                           op.last_version);
            printf("%-40s %-8s ", name, versions);
            print_dtypes(op.input_dtypes, "", " ");
            fputc('\n', stdout);
        }
    }
    fputs(is_json ? "]\n" : "", stdout);
    return EXIT_CODE_OK;
}
