/* SPDX-License-Identifier: Apache-2.0 */
/* The module tree, as text with a line for modules that are alike. */
#include "common/escape.h"
#include "onnxdump/module_tree.h"
#include "onnxdump/views.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LABEL_WIDTH 60

/* ---- text ---- */

/* The part of a name before the number at its end, as in "layer.11". */
static size_t stem_length(const char *name)
{
    size_t length = strlen(name);
    while (length > 0 && name[length - 1] >= '0' && name[length - 1] <= '9') {
        length--;
    }
    return length;
}

/* Number of modules from index on, in a row, that are alike but for the number in their names. */
static size_t alike_count(const struct module_tree *tree, size_t index, size_t *last)
{
    const struct module *module = &tree->modules[index];
    size_t stem = stem_length(module->name), count = 1;
    *last = index;
    for (size_t i = module->next; i != MODULE_NONE; i = tree->modules[i].next) {
        const struct module *other = &tree->modules[i];
        if (module->name[stem] == '\0' || stem_length(other->name) != stem ||
            memcmp(other->name, module->name, stem) != 0 || other->likeness != module->likeness) {
            break;
        }
        *last = i;
        count++;
    }
    return count;
}

struct module_line {
    size_t module;
    size_t last; /* of those alike */
    size_t count;
};

/* The lines of the tree, in order: what is within the first of modules alike stands for all. */
static struct module_line *list_lines(const struct module_tree *tree, size_t *line_count)
{
    struct module_line *lines = tool_alloc(tree->count, sizeof *lines);
    size_t index = tree->modules[0].first;
    *line_count = 0;
    while (index != MODULE_NONE) {
        struct module_line *line = &lines[(*line_count)++];
        line->module = index;
        line->count = alike_count(tree, index, &line->last);
        if (tree->modules[index].first != MODULE_NONE) {
            index = tree->modules[index].first;
            continue;
        }
        /* Behind this line, or behind one that it is within. */
        size_t done = *line_count - 1;
        size_t next = tree->modules[line->last].next;
        while (next == MODULE_NONE && tree->modules[lines[done].module].parent != 0) {
            size_t around = tree->modules[lines[done].module].parent;
            while (lines[done].module != around) {
                done--;
            }
            next = tree->modules[lines[done].last].next;
        }
        index = next;
    }
    return lines;
}

static char *line_label(const struct module_tree *tree, const struct module_line *line)
{
    const struct module *module = &tree->modules[line->module];
    size_t stem = stem_length(module->name);
    const char *colon = module->class_name != NULL ? ": " : "";
    const char *class_name = module->class_name != NULL ? module->class_name : "";
    int indent = 2 * (int)module->depth;
    if (line->count == 1) {
        return tool_printf("%*s%s%s%s", indent, "", module->name, colon, class_name);
    }
    return tool_printf("%*s%.*s{%s..%s}%s%s", indent, "", (int)stem, module->name,
                       module->name + stem, tree->modules[line->last].name + stem, colon,
                       class_name);
}

static void print_sums(const struct module *module, bool has_macs)
{
    char number[VIEW_NUMBER_BYTES];
    printf(" %7" PRIu64 " %15s", module->nodes, view_count(module->parameters, number));
    printf(" %10s", view_bytes(module->bytes, number));
    if (has_macs) {
        printf(" %10s", view_scaled(module->macs, number));
    }
}

static void print_line(const char *label, int width, const struct module *module, size_t count,
                       bool has_macs)
{
    int length = (int)strlen(label);
    escape_name(stdout, label);
    printf("%*s", length < width ? width - length : 0, "");
    print_sums(module, has_macs);
    if (count > 1) {
        printf("  each of %zu", count);
    }
    fputc('\n', stdout);
}

static void print_tree(const struct module_tree *tree, bool has_macs)
{
    size_t count;
    struct module_line *lines = list_lines(tree, &count);
    char **labels = tool_alloc(count, sizeof *labels);
    int width = 24;
    for (size_t i = 0; i < count; i++) {
        labels[i] = line_label(tree, &lines[i]);
        int length = (int)strlen(labels[i]);
        width = length > width && length <= MAX_LABEL_WIDTH ? length : width;
    }
    printf("modules%*s   nodes      parameters      bytes%s\n", width - 7, "",
           has_macs ? "       MACs" : "");
    print_line("  all", width, &tree->modules[0], 1, has_macs);
    for (size_t i = 0; i < count; i++) {
        print_line(labels[i], width, &tree->modules[lines[i].module], lines[i].count, has_macs);
        free(labels[i]);
    }
    free(labels);
    free(lines);
}

/* Why there are no multiplications, or not all. */
static void print_note(const struct dims *open, onnxrun_status status, const onnxrun_error *error,
                       bool is_complete)
{
    if (open->count > 0) {
        fputs("MACs need a number for each dimension:", stdout);
        for (size_t i = 0; i < open->count; i++) {
            fputs(" -d ", stdout);
            escape_name(stdout, open->names[i]);
            fputs("=N", stdout);
        }
        fputc('\n', stdout);
    } else if (status != ONNXRUN_OK) {
        fputs("MACs are not known: ", stdout);
        escape_name(stdout, error->message);
        fputc('\n', stdout);
    } else if (!is_complete) {
        puts("MACs behind the first node whose result has a shape that depends on data, and those "
             "of bodies, are not counted");
    }
}

static void show(struct module_tree *tree, const onnxrun_model *model,
                 const struct view_options *options)
{
    onnxrun_error error;
    onnxrun_status status = ONNXRUN_OK;
    struct dims open = dims_open(model, &options->dims);
    bool is_complete = true, has_macs = open.count == 0;
    if (has_macs) {
        status = module_tree_add_macs(tree, options, &is_complete, &error);
        has_macs = status == ONNXRUN_OK;
    }
    module_tree_sum(tree);
    if (options->is_json) {
        fputs("{\"modules\": ", stdout);
        module_tree_json(stdout, tree, has_macs);
        fputs("}\n", stdout);
    } else {
        print_tree(tree, has_macs);
        print_note(&open, status, &error, is_complete);
    }
    dims_free(&open);
}

int view_modules(const struct view_options *options)
{
    onnxrun_error error;
    onnxrun_model *model;
    if (view_open(options, NULL, ONNXRUN_STAGE_MODEL, &model, &error) != ONNXRUN_OK) {
        return tool_report(&error);
    }
    int code = dims_check(&options->dims, model);
    if (code == EXIT_CODE_OK) {
        struct module_tree tree;
        module_tree_init(&tree);
        module_tree_add(&tree, model);
        show(&tree, model, options);
        module_tree_free(&tree);
    }
    onnxrun_model_free(model);
    return code;
}

int view_summary(const struct view_options *options)
{
    if (options->is_json) {
        return view_stage(options, ONNXRUN_STAGE_MODEL);
    }
    int code = view_stage(options, ONNXRUN_STAGE_SUMMARY);
    if (code == EXIT_CODE_OK) {
        fputc('\n', stdout);
        code = view_modules(options);
    }
    return code;
}
