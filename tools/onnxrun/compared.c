/* SPDX-License-Identifier: Apache-2.0 */
#include "onnxrun/compared.h"

#include "common/escape.h"
#include "common/show.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- values ---- */

void compared_add(struct compared *compared, const onnxrun_step *step, const char *name,
                  const onnxrun_tensor *value)
{
    if (compared->count == compared->room) {
        compared->room = compared->room > 0 ? 2 * compared->room : 256;
        compared->values = tool_resize(compared->values, compared->room, sizeof *compared->values);
    }
    const char *domain = step != NULL ? step->domain : "";
    compared->values[compared->count++] = (struct compared_value){
        .name = tool_printf("%s", name),
        .node = tool_printf("%s", step != NULL ? step->name : ""),
        .op = tool_printf("%s%s%s", domain, domain[0] != '\0' ? "." : "",
                          step != NULL ? step->op_type : ""),
        .type = show_type(value),
        .bytes = onnxrun_tensor_bytes(value),
        .verdict = COMPARED_MISSING,
    };
}

size_t compared_find(const struct compared *compared, size_t from, const char *name)
{
    while (from < compared->count && strcmp(compared->values[from].name, name) != 0) {
        from++;
    }
    return from;
}

void compared_set(struct compared *compared, size_t index, const onnxrun_tensor *got,
                  const onnxrun_tensor *want)
{
    struct compared_value *value = &compared->values[index];
    if (want == NULL) {
        return;
    }
    bool are_tensors = onnxrun_tensor_kind(got) == ONNXRUN_KIND_TENSOR &&
                       onnxrun_tensor_kind(want) == ONNXRUN_KIND_TENSOR;
    value->comparison = are_tensors ? compare_numbers(got, want, compared->rtol, compared->atol)
                                    : compare_values(got, want, compared->rtol, compared->atol);
    value->verdict = value->comparison.is_equal ? COMPARED_SAME : COMPARED_DIFFERENT;
    if (are_tensors && value->comparison.max_error > 0) {
        show_index(value->where, sizeof value->where, got, value->comparison.worst);
    }
}

size_t compared_number_of(const struct compared *compared, enum compared_verdict verdict)
{
    size_t number = 0;
    for (size_t i = 0; i < compared->count; i++) {
        number += compared->values[i].verdict == verdict;
    }
    return number;
}

void compared_free(struct compared *compared)
{
    for (size_t i = 0; i < compared->count; i++) {
        free(compared->values[i].name);
        free(compared->values[i].node);
        free(compared->values[i].op);
        free(compared->values[i].type);
    }
    free(compared->values);
}

static const struct compared_value *first_different(const struct compared *compared)
{
    for (size_t i = 0; i < compared->count; i++) {
        if (compared->values[i].verdict == COMPARED_DIFFERENT) {
            return &compared->values[i];
        }
    }
    return NULL;
}

/* ---- text ---- */

/* Begins with "> " for the first that differs, "* " for those that follow. */
static void print_value(const struct compared_value *value, char mark)
{
    const struct comparison *comparison = &value->comparison;
    printf("%c %9.2g %9.2g %9.3g  %-16s  ", mark, comparison->max_error, comparison->max_relative,
           comparison->max_ulp, value->where);
    escape_name(stdout, value->op);
    fputs("  ", stdout);
    escape_name(stdout, value->name);
    printf(": %s\n", value->type);
}

static void print_first(const struct compared_value *first)
{
    fputs("\nfirst difference: ", stdout);
    escape_name(stdout, first->op);
    if (first->node[0] != '\0') {
        fputs(" \"", stdout);
        escape_name(stdout, first->node);
        fputs("\"", stdout);
    }
    fputs(", value \"", stdout);
    escape_name(stdout, first->name);
    fputs("\": ", stdout);
    escape_name(stdout, first->comparison.message);
    fputc('\n', stdout);
}

void compared_print_text(const struct compared *compared, const char *against)
{
    const struct compared_value *first = first_different(compared);
    size_t missing = compared_number_of(compared, COMPARED_MISSING);
    size_t different = compared_number_of(compared, COMPARED_DIFFERENT);
    printf("  %9s %9s %9s  %-16s  operator and value\n", "absolute", "relative", "ulp", "at");
    for (size_t i = 0; i < compared->count; i++) {
        const struct compared_value *value = &compared->values[i];
        if (value->verdict != COMPARED_MISSING) {
            print_value(value, value == first                         ? '>'
                               : value->verdict == COMPARED_DIFFERENT ? '*'
                                                                      : ' ');
        }
    }
    if (first != NULL) {
        print_first(first);
    }
    printf("\n%zu values compared: %zu differ by more than %g + %g |expected|",
           compared->count - missing, different, compared->atol, compared->rtol);
    if (missing > 0) {
        printf("; %zu are not in ", missing);
        escape_name(stdout, against);
    }
    fputc('\n', stdout);
}

/* ---- JSON ---- */

static void print_text(const char *key, const char *text)
{
    printf("\"%s\": ", key);
    escape_json(stdout, text, strlen(text));
    fputs(", ", stdout);
}

static void print_json_value(const struct compared_value *value)
{
    static const char *const verdicts[] = {"same", "different", "missing"};
    fputc('{', stdout);
    print_text("value", value->name);
    print_text("node", value->node);
    print_text("op", value->op);
    print_text("type", value->type);
    printf("\"verdict\": \"%s\"", verdicts[value->verdict]);
    if (value->verdict != COMPARED_MISSING) {
        printf(", \"max_error\": %.9g, \"max_relative\": %.9g, \"max_ulp\": %.9g, ",
               value->comparison.max_error, value->comparison.max_relative,
               value->comparison.max_ulp);
        print_text("where", value->where);
        fputs("\"message\": ", stdout);
        escape_json(stdout, value->comparison.message, strlen(value->comparison.message));
    }
    fputc('}', stdout);
}

void compared_print_json(const struct compared *compared, const char *model_path,
                         const char *against)
{
    const struct compared_value *first = first_different(compared);
    fputs("{", stdout);
    print_text("model", model_path);
    print_text("against", against);
    printf(
        "\"rtol\": %.9g, \"atol\": %.9g,\n \"same\": %zu, \"different\": %zu, \"missing\": %zu, ",
        compared->rtol, compared->atol, compared_number_of(compared, COMPARED_SAME),
        compared_number_of(compared, COMPARED_DIFFERENT),
        compared_number_of(compared, COMPARED_MISSING));
    if (first != NULL) {
        print_text("first_different", first->name);
    }
    fputs("\n \"values\": [", stdout);
    for (size_t i = 0; i < compared->count; i++) {
        fputs(i > 0 ? ",\n  " : "\n  ", stdout);
        print_json_value(&compared->values[i]);
    }
    fputs("]}\n", stdout);
}
