/* SPDX-License-Identifier: Apache-2.0 */
/* What the views share, and the views that the library prints. */
#include "onnxdump/views.h"

#include "common/escape.h"
#include "common/progress.h"

#include <inttypes.h>
#include <stdlib.h>
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

void view_print_weight_type(FILE *out, const onnxrun_weight_info *info)
{
    fprintf(out, "%s[", onnxrun_dtype_name(info->dtype));
    for (uint32_t i = 0; i < info->rank; i++) {
        fprintf(out, "%s%" PRId64, i > 0 ? ", " : "", info->dims[i]);
    }
    fputc(']', out);
}

/* ---- dimensions ---- */

static bool has_name(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* Names of the symbolic dimensions of all inputs, each once; freed by the caller. */
static const char **input_dims(const onnxrun_model *model, size_t *count)
{
    const char **names = NULL;
    *count = 0;
    for (size_t i = 0; i < onnxrun_model_input_count(model); i++) {
        onnxrun_value_info info = {.rank = 0};
        (void)onnxrun_model_input_info(model, i, &info, NULL);
        for (int32_t a = 0; a < info.rank; a++) {
            if (info.symbols[a] != NULL && !has_name(names, *count, info.symbols[a])) {
                names = tool_resize(names, *count + 1, sizeof *names);
                names[(*count)++] = info.symbols[a];
            }
        }
    }
    return names;
}

size_t view_open_dims(const onnxrun_model *model, const struct view_options *options,
                      const char **names)
{
    size_t count, open = 0;
    const char **all = input_dims(model, &count);
    for (size_t i = 0; i < count; i++) {
        bool is_given = false;
        for (size_t j = 0; j < options->dim_count; j++) {
            is_given = is_given || strcmp(options->dims[j].name, all[i]) == 0;
        }
        if (!is_given && names != NULL) {
            names[open] = all[i];
        }
        open += !is_given;
    }
    free(all);
    return open;
}

onnxrun_status view_check_dims(const onnxrun_model *model, const struct view_options *options,
                               onnxrun_error *error)
{
    size_t count;
    onnxrun_status status = ONNXRUN_OK;
    const char **names = input_dims(model, &count);
    for (size_t i = 0; i < options->dim_count && status == ONNXRUN_OK; i++) {
        if (!has_name(names, count, options->dims[i].name)) {
            status = tool_fail(error, ONNXRUN_ERR_ARGUMENT, "no input has a dimension \"%s\"",
                               options->dims[i].name);
        }
    }
    free(names);
    return status;
}

/* ---- what the library prints ---- */

int view_stage(const struct view_options *options, onnxrun_stage stage)
{
    char *text = NULL;
    onnxrun_error error;
    onnxrun_format format = options->is_json ? ONNXRUN_FORMAT_JSON : ONNXRUN_FORMAT_TEXT;
    struct progress progress;
    progress_begin(&progress, "loading", options->name);
    onnxrun_status status = onnxrun_describe(options->path, stage, format, options->dims,
                                             options->dim_count, &text, &error);
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
