/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two models whose parts were matched. */
#include "common/escape.h"
#include "common/inputs.h"
#include "onnxdump/diff.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void diff_add(struct diff_changes *changes, enum diff_section section, char sign, const char *what,
              const char *name, char *detail, char *module)
{
    size_t index = changes->count++;
    if ((index & (index - 1)) == 0) {
        changes->items =
            tool_resize(changes->items, index > 0 ? 2 * index : 1, sizeof *changes->items);
    }
    changes->items[index] = (struct diff_change){
        .section = section,
        .sign = sign,
        .what = tool_printf("%s", what),
        .name = tool_printf("%s", name),
        .detail = detail,
        .module = module,
        .body = changes->body != NULL ? tool_printf("%s", changes->body) : NULL};
}

void diff_print_body(FILE *out, const struct diff_change *change)
{
    if (change->body != NULL) {
        fputs(" (", out);
        escape_name(out, change->body);
        fputc(')', out);
    }
}

void diff_changes_free(struct diff_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        free(changes->items[i].what);
        free(changes->items[i].name);
        free(changes->items[i].detail);
        free(changes->items[i].module);
        free(changes->items[i].body);
    }
    free(changes->items);
}

/* ---- signature ---- */

static size_t end_count(const struct diff_side *side, bool is_input)
{
    return is_input ? onnxrun_model_input_count(side->model)
                    : onnxrun_model_output_count(side->model);
}

static onnxrun_value_info end_at(const struct diff_side *side, bool is_input, size_t index)
{
    onnxrun_value_info info = {.name = ""};
    (void)(is_input ? onnxrun_model_input_info : onnxrun_model_output_info)(side->model, index,
                                                                            &info, NULL);
    return info;
}

static size_t find_end(const struct diff_side *side, bool is_input, const char *name)
{
    for (size_t i = 0; i < end_count(side, is_input); i++) {
        if (strcmp(end_at(side, is_input, i).name, name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static char *type_text(const onnxrun_value_info *info)
{
    struct text text;
    text_begin(&text);
    inputs_print_type(text.out, info);
    return text_end(&text);
}

/* "FROM -> TO", which are freed. */
static char *arrow_text(char *from, char *to)
{
    char *text = tool_printf("%s -> %s", from, to);
    free(from);
    free(to);
    return text;
}

static void list_ends(struct diff_changes *changes, const struct diff_side *a,
                      const struct diff_side *b, bool is_input)
{
    const char *what = is_input ? "input" : "output";
    size_t last = 0;
    bool is_ordered = true;
    for (size_t i = 0; i < end_count(a, is_input); i++) {
        onnxrun_value_info from = end_at(a, is_input, i);
        size_t at = find_end(b, is_input, from.name);
        char *type = type_text(&from);
        if (at == SIZE_MAX) {
            diff_add(changes, DIFF_SIGNATURE, '-', what, from.name, type, NULL);
            continue;
        }
        onnxrun_value_info to = end_at(b, is_input, at);
        char *other = type_text(&to);
        is_ordered = is_ordered && at >= last;
        last = at;
        if (strcmp(type, other) != 0) {
            diff_add(changes, DIFF_SIGNATURE, '!', what, from.name, arrow_text(type, other), NULL);
        } else {
            free(type);
            free(other);
        }
    }
    for (size_t i = 0; i < end_count(b, is_input); i++) {
        onnxrun_value_info to = end_at(b, is_input, i);
        if (find_end(a, is_input, to.name) == SIZE_MAX) {
            diff_add(changes, DIFF_SIGNATURE, '+', what, to.name, type_text(&to), NULL);
        }
    }
    if (!is_ordered) {
        diff_add(changes, DIFF_SIGNATURE, '!', is_input ? "inputs" : "outputs", "",
                 tool_printf("in another order"), NULL);
    }
}

/* ---- model ---- */

static void list_text(struct diff_changes *changes, const char *what, const char *name,
                      const char *from, const char *to)
{
    struct text text;
    bool is_gone = to == NULL || to[0] == '\0', is_new = from == NULL || from[0] == '\0';
    if ((is_gone && is_new) || (!is_gone && !is_new && strcmp(from, to) == 0)) {
        return;
    }
    text_begin(&text);
    escape_name(text.out, is_new ? "" : from);
    fputs(is_gone || is_new ? "" : " -> ", text.out);
    escape_name(text.out, is_gone ? "" : to);
    diff_add(changes, DIFF_MODEL,
             is_gone  ? '-'
             : is_new ? '+'
                      : '!',
             what, name, text_end(&text), NULL);
}

static void list_number(struct diff_changes *changes, const char *what, int64_t from, int64_t to)
{
    char before[24], after[24];
    (void)snprintf(before, sizeof before, "%" PRId64, from);
    (void)snprintf(after, sizeof after, "%" PRId64, to);
    list_text(changes, what, "", before, after);
}

/* The version of an operator set as text; NULL when the model does not import it. */
static const char *opset_text(const struct diff_side *side, const char *domain, char text[24])
{
    const char *name;
    int64_t version;
    for (size_t i = 0; onnxrun_model_opset(side->model, i, &name, &version, NULL) == ONNXRUN_OK;
         i++) {
        if (strcmp(name, domain) == 0) {
            (void)snprintf(text, 24, "%" PRId64, version);
            return text;
        }
    }
    return NULL;
}

static const char *metadata_text(const struct diff_side *side, const char *key)
{
    const char *other, *value;
    for (size_t i = 0; onnxrun_model_metadata(side->model, i, &other, &value, NULL) == ONNXRUN_OK;
         i++) {
        if (strcmp(other, key) == 0) {
            return value;
        }
    }
    return NULL;
}

/* Operator sets and metadata of one side; of the second one what the first one lacks. */
static void list_pairs(struct diff_changes *changes, const struct diff_side *a,
                       const struct diff_side *b, bool is_first)
{
    const struct diff_side *side = is_first ? a : b;
    const char *name, *value;
    int64_t version;
    char from[24], to[24];
    for (size_t i = 0; onnxrun_model_opset(side->model, i, &name, &version, NULL) == ONNXRUN_OK;
         i++) {
        if (is_first || opset_text(a, name, from) == NULL) {
            list_text(changes, "operator set", name[0] != '\0' ? name : "ai.onnx",
                      opset_text(a, name, from), opset_text(b, name, to));
        }
    }
    for (size_t i = 0; onnxrun_model_metadata(side->model, i, &name, &value, NULL) == ONNXRUN_OK;
         i++) {
        if (is_first || metadata_text(a, name) == NULL) {
            list_text(changes, "metadata", name, metadata_text(a, name), metadata_text(b, name));
        }
    }
}

static void list_model(struct diff_changes *changes, const struct diff_side *a,
                       const struct diff_side *b)
{
    onnxrun_model_info from = {.struct_size = sizeof from}, to = {.struct_size = sizeof to};
    onnxrun_model_get_info(a->model, &from);
    onnxrun_model_get_info(b->model, &to);
    list_number(changes, "IR version", from.ir_version, to.ir_version);
    list_number(changes, "model version", from.model_version, to.model_version);
    list_text(changes, "producer", "", from.producer_name, to.producer_name);
    list_text(changes, "producer version", "", from.producer_version, to.producer_version);
    list_text(changes, "domain", "", from.domain, to.domain);
    list_text(changes, "description", "", from.description, to.description);
    list_text(changes, "graph", "", from.graph_name, to.graph_name);
    list_text(changes, "description of the graph", "", from.graph_description,
              to.graph_description);
    list_pairs(changes, a, b, true);
    list_pairs(changes, a, b, false);
}

void diff_list(struct diff_changes *changes, const struct diff_side *a, const struct diff_side *b)
{
    list_ends(changes, a, b, true);
    list_ends(changes, a, b, false);
    list_model(changes, a, b);
    diff_list_weights(changes, a, b);
    diff_list_nodes(changes, a, b);
}
