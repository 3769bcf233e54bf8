/* SPDX-License-Identifier: Apache-2.0 */
/* A part of a model as a model of its own. */
#include "common/escape.h"
#include "common/file.h"
#include "common/inputs.h"
#include "onnxdump/part.h"
#include "onnxdump/views.h"

#include <stdlib.h>
#include <string.h>

/* ---- arguments ---- */

static void add_end(struct cut_ends *ends, const char *begin, size_t length)
{
    char *name = tool_alloc(length + 1, 1);
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        i += begin[i] == '\\' && i + 1 < length;
        name[used++] = begin[i];
    }
    ends->items = tool_resize(ends->items, ends->count + 1, sizeof *ends->items);
    ends->items[ends->count++] = (struct cut_end){.name = name};
}

/* The length of the name at the front of text: up to a comma, two dots or the end. */
static size_t name_length(const char *text, bool stops_at_dots)
{
    size_t length = 0;
    while (text[length] != '\0' && text[length] != ',' &&
           !(stops_at_dots && strncmp(text + length, "..", 2) == 0)) {
        length += text[length] == '\\' && text[length + 1] != '\0' ? 2 : 1;
    }
    return length;
}

/* Names with commas between them; returns what follows. */
static const char *parse_names(struct cut_ends *ends, const char *text, bool stops_at_dots)
{
    for (;; text++) {
        size_t length = name_length(text, stops_at_dots);
        if (length > 0) {
            add_end(ends, text, length);
        }
        text += length;
        if (*text != ',') {
            return text;
        }
    }
}

/* IN,IN..OUT,OUT; a backslash takes away the meaning of what follows it. */
static onnxrun_status parse(struct cut *cut, const char *text, onnxrun_error *error)
{
    const char *dots = parse_names(&cut->inputs, text, true);
    if (*dots == '\0') {
        return tool_fail(error, ONNXRUN_ERR_ARGUMENT,
                         "--extract %s: expected IN..OUT, names of values before and after the "
                         "part, with commas between them",
                         text);
    }
    (void)parse_names(&cut->outputs, dots + 2, false);
    return ONNXRUN_OK;
}

/* ---- the part ---- */

static size_t count_items(const struct cut *cut, uint32_t field, bool is_kept)
{
    size_t count = 0;
    for (size_t i = 0; i < cut->item_count; i++) {
        count += cut->items[i].number == field && (cut->is_kept[i] || !is_kept);
    }
    return count;
}

/* What was written: how much, and its signature as the library reads it back. */
static onnxrun_status print_summary(const struct cut *cut, const char *path, onnxrun_error *error)
{
    onnxrun_model *model;
    size_t weights = count_items(cut, CUT_WEIGHT, true) + count_items(cut, CUT_SPARSE_WEIGHT, true);
    escape_name(stdout, path);
    printf(": %zu of %zu nodes, %zu weight%s\n", count_items(cut, CUT_NODE, true),
           count_items(cut, CUT_NODE, false), weights, VIEW_PLURAL(weights));
    onnxrun_status status = onnxrun_model_open(path, NULL, ONNXRUN_STAGE_MODEL, &model, error);
    for (size_t side = 0; side < 2 && status == ONNXRUN_OK; side++) {
        size_t count =
            side == 0 ? onnxrun_model_input_count(model) : onnxrun_model_output_count(model);
        for (size_t i = 0; i < count; i++) {
            onnxrun_value_info info;
            (void)(side == 0 ? onnxrun_model_input_info : onnxrun_model_output_info)(model, i,
                                                                                     &info, NULL);
            fputs(side == 0 ? "  in   " : "  out  ", stdout);
            inputs_print_info(stdout, &info);
            fputc('\n', stdout);
        }
    }
    onnxrun_model_free(model);
    return status;
}

static onnxrun_status extract(const struct view_options *options, struct cut *cut,
                              struct file_bytes *file, onnxrun_error *error)
{
    onnxrun_model *typed = NULL;
    onnxrun_error ignored;
    onnxrun_status status = parse(cut, options->extract, error);
    if (status == ONNXRUN_OK) {
        status = file_read(options->path, file, error);
    }
    if (status != ONNXRUN_OK) {
        return status;
    }
    struct wire_span model = {file->data, file->size};
    cut_index(cut, wire_value(model, PART_GRAPH));
    status = cut_select(cut, error);
    if (status == ONNXRUN_OK) {
        /* A model whose types cannot be inferred may declare them. */
        (void)view_open(options, NULL, ONNXRUN_STAGE_TYPES, &typed, &ignored);
        struct part part = {.cut = cut,
                            .typed = typed,
                            .model_path = options->path,
                            .model_name = options->name,
                            .model = model};
        status = part_write(&part, options->output, error);
        onnxrun_model_free(typed);
    }
    return status;
}

int view_extract(const struct view_options *options)
{
    onnxrun_error error;
    onnxrun_model *model;
    struct cut cut = {.item_count = 0};
    struct file_bytes file = {NULL, 0};
    if (options->output == NULL) {
        return tool_usage_error("onnxdump", "--extract needs a file to write: -o FILE");
    }
    /* What is taken apart here byte by byte has been checked there. */
    onnxrun_status status = view_open(options, NULL, ONNXRUN_STAGE_MODEL, &model, &error);
    onnxrun_model_free(model);
    if (status == ONNXRUN_OK) {
        status = extract(options, &cut, &file, &error);
    }
    if (status == ONNXRUN_OK && strcmp(options->output, "-") != 0) {
        status = print_summary(&cut, options->output, &error);
    }
    cut_free(&cut);
    file_free(&file);
    return status == ONNXRUN_OK ? EXIT_CODE_OK : tool_report(&error);
}
