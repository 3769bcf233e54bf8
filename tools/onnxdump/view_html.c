/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model as a page for a browser, with everything in it: what the library says about the stages as
 * JSON, and the script that draws it (folder html). The JSON stands in elements that no browser runs,
 * written so that nothing in it can end one.
 */
#include "common/escape.h"
#include "common/file.h"
#include "common/text.h"
#include "onnxdump/html_page.h"
#include "onnxdump/module_tree.h"
#include "onnxdump/views.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_DIGITS 16 /* JavaScript rounds whole numbers of more */

/* ---- JSON within HTML ---- */

/* Prints the number that text begins with, as a string when it is a whole one that JavaScript would
 * round; returns its length, 0 when there is none. */
static size_t put_number(FILE *out, const char *text)
{
    size_t length = strspn(text, "+-.0123456789eE");
    bool is_long = length >= EXACT_DIGITS && strspn(text, "-0123456789") == length;
    const char *quote = is_long ? "\"" : "";
    fprintf(out, "%s%.*s%s", quote, (int)length, text, quote);
    return length;
}

/* A character that means something to HTML or JavaScript, and how JSON writes it otherwise; they
 * occur within strings alone. */
static size_t put_special(FILE *out, const char *text)
{
    static const char *const specials[] = {"<", ">", "&", "\xe2\x80\xa8", "\xe2\x80\xa9"};
    static const char *const codes[] = {"\\u003c", "\\u003e", "\\u0026", "\\u2028", "\\u2029"};
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++) {
        size_t length = strlen(specials[i]);
        if (strncmp(text, specials[i], length) == 0) {
            fputs(codes[i], out);
            return length;
        }
    }
    return 0;
}

static void put_json(FILE *out, const char *text)
{
    bool is_string = false;
    while (*text != '\0') {
        size_t length = is_string ? put_special(out, text) : put_number(out, text);
        if (length > 0) {
            text += length;
            continue;
        }
        is_string = is_string != (*text == '"');
        if (is_string && *text == '\\') {
            fputc(*text++, out);
        }
        fputc(*text++, out);
    }
}

static void put_data(FILE *out, const char *name, const char *json)
{
    fprintf(out, "<script type=\"application/json\" id=\"data-%s\">", name);
    put_json(out, json);
    fputs("</script>\n", out);
}

/* ---- what the page is made of ---- */

/* A stage as JSON, or why there is none, and the model with its nodes. */
struct page_stage {
    const char *name;
    onnxrun_stage stage;
    char *json;
    onnxrun_model *model;
    bool is_there;
    onnxrun_error error;
};

static onnxrun_status load_stage(struct page_stage *stage, const struct view_options *options)
{
    onnxrun_status status =
        onnxrun_describe(options->path, stage->stage, ONNXRUN_FORMAT_JSON, options->dims.items,
                         options->dims.count, &stage->json, &stage->error);
    if (stage->stage != ONNXRUN_STAGE_PASSES && status == ONNXRUN_OK) {
        status = view_open(options, NULL, stage->stage, &stage->model, &stage->error);
    }
    stage->is_there =
        stage->json != NULL && (stage->model != NULL || stage->stage == ONNXRUN_STAGE_PASSES);
    return status;
}

static void free_stage(struct page_stage *stage)
{
    onnxrun_model_free(stage->model);
    if (stage->json != NULL) {
        onnxrun_text_free(stage->json);
    }
}

/* Prints the module of each node, those of bodies behind the node that has them, as deep as the
 * library lets them nest. */
static void put_modules(FILE *out, struct module_tree *tree, const onnxrun_graph *graph,
                        const char **separator)
{
    onnxrun_graph_info info;
    onnxrun_graph_get_info(graph, &info);
    for (uint32_t n = 0; n < info.node_count; n++) {
        fprintf(out, "%s%zu", *separator, module_tree_find(tree, graph, n));
        *separator = ",";
        uint32_t body_count = view_node(graph, n).body_count;
        for (uint32_t i = 0; i < body_count; i++) {
            onnxrun_body body;
            (void)onnxrun_node_body(graph, n, i, &body, NULL);
            put_modules(out, tree, body.graph, separator);
        }
    }
}

static void put_file(FILE *out, const struct view_options *options)
{
    const char *slash = strrchr(options->name, '/');
    const char *name = slash != NULL ? slash + 1 : options->name;
    fputs("{\"file\": ", out);
    escape_json(out, name, strlen(name));
    fputs(", \"dims\": [", out);
    for (size_t i = 0; i < options->dims.count; i++) {
        fputs(i > 0 ? ", {\"name\": " : "{\"name\": ", out);
        escape_json(out, options->dims.items[i].name, strlen(options->dims.items[i].name));
        fprintf(out, ", \"value\": %" PRId64 "}", options->dims.items[i].value);
    }
    fputs("]", out);
}

static void put_errors(FILE *out, const struct page_stage *stages, size_t count)
{
    const char *separator = "";
    fputs(",\n\"errors\": {", out);
    for (size_t i = 0; i < count; i++) {
        if (!stages[i].is_there) {
            fprintf(out, "%s\"%s\": ", separator, stages[i].name);
            escape_json(out, stages[i].error.message, strlen(stages[i].error.message));
            separator = ", ";
        }
    }
    fputs("}", out);
}

static void put_tree(FILE *out, const struct page_stage *stages, size_t count,
                     const struct view_options *options)
{
    struct module_tree tree;
    const char *before = "";
    module_tree_init(&tree);
    module_tree_add(&tree, stages[0].model);
    fputs(",\n\"node_modules\": {", out);
    for (size_t i = 0; i < count; i++) {
        if (stages[i].model != NULL) {
            const char *separator = "";
            fprintf(out, "%s\"%s\": [", before, stages[i].name);
            put_modules(out, &tree, onnxrun_model_graph(stages[i].model), &separator);
            fputc(']', out);
            before = ",\n";
        }
    }
    onnxrun_error error;
    struct dims open = dims_open(stages[0].model, &options->dims);
    bool is_complete = true, has_macs = open.count == 0;
    has_macs = has_macs && module_tree_add_macs(&tree, options, &is_complete, &error) == ONNXRUN_OK;
    module_tree_sum(&tree);
    fputs("},\n\"modules\": ", out);
    module_tree_json(out, &tree, has_macs);
    fputs("}\n", out);
    dims_free(&open);
    module_tree_free(&tree);
}

static void put_page(FILE *out, const struct page_stage *stages, size_t count,
                     const struct view_options *options)
{
    struct text data;
    text_begin(&data);
    put_file(data.out, options);
    put_errors(data.out, stages, count);
    put_tree(data.out, stages, count, options);
    char *text = text_end(&data);
    fputs(html_page_head, out);
    put_data(out, "page", text);
    for (size_t i = 0; i < count; i++) {
        if (stages[i].is_there) {
            put_data(out, stages[i].name, stages[i].json);
        }
    }
    fputs(html_page_tail, out);
    free(text);
}

/* Writes the page of a model whose first stage is loaded. */
static onnxrun_status write_page(const char *path, struct page_stage *stages, size_t count,
                                 const struct view_options *options, onnxrun_error *error)
{
    struct text page;
    text_begin(&page);
    /* A model that cannot be run is shown as it is, with the reason. */
    for (size_t i = 1; i < count; i++) {
        (void)load_stage(&stages[i], options);
    }
    put_page(page.out, stages, count, options);
    char *text = text_end(&page);
    onnxrun_status status = file_write(path, &(struct file_part){text, page.length}, 1, error);
    free(text);
    return status;
}

int view_html(const struct view_options *options, const char *path)
{
    struct page_stage stages[] = {{.name = "model", .stage = ONNXRUN_STAGE_MODEL},
                                  {.name = "graph", .stage = ONNXRUN_STAGE_GRAPH},
                                  {.name = "passes", .stage = ONNXRUN_STAGE_PASSES}};
    size_t count = sizeof stages / sizeof stages[0];
    onnxrun_error error;
    int code = load_stage(&stages[0], options) == ONNXRUN_OK
                   ? dims_check(&options->dims, stages[0].model)
                   : tool_report(&stages[0].error);
    if (code == EXIT_CODE_OK && write_page(path, stages, count, options, &error) != ONNXRUN_OK) {
        code = tool_report(&error);
    }
    for (size_t i = 0; i < count; i++) {
        free_stage(&stages[i]);
    }
    return code;
}
