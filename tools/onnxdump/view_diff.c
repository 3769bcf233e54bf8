/* SPDX-License-Identifier: Apache-2.0 */
/* What differs between two models, as text or JSON. */
#include "common/escape.h"
#include "onnxdump/diff.h"
#include "onnxdump/diff_groups.h"
#include "onnxdump/views.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LINES 24 /* of a section but nodes, and groups of nodes; JSON has all */

static size_t count_changes(const struct diff_changes *changes, enum diff_section section,
                            char sign)
{
    size_t count = 0;
    for (size_t i = 0; i < changes->count; i++) {
        count += changes->items[i].section == section &&
                 (sign == '\0' || changes->items[i].sign == sign);
    }
    return count;
}

/* ---- text ---- */

/* "weights: 201 equal, 12 of them with other names; 3 changed, 1 only in the first model" */
static void print_counts(const struct diff_changes *changes, enum diff_section section,
                         const char *what, size_t equal, size_t renamed)
{
    static const struct {
        char sign;
        const char *text;
    } kinds[] = {
        {'!', "changed"}, {'-', "only in the first model"}, {'+', "only in the second model"}};
    printf("\n%s: %zu equal", what, equal);
    if (renamed > 0) {
        printf(", %zu of them with other names", renamed);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t count = count_changes(changes, section, kinds[i].sign);
        if (count > 0) {
            printf(", %zu %s", count, kinds[i].text);
        }
    }
    fputc('\n', stdout);
}

static void print_change(const struct diff_change *change)
{
    printf("%c ", change->sign);
    if (change->section != DIFF_WEIGHTS) {
        escape_name(stdout, change->what);
        fputs(change->name[0] != '\0' ? " " : "", stdout);
    }
    escape_name(stdout, change->name);
    diff_print_body(stdout, change);
    printf(": %s\n", change->detail);
}

static void print_section(const struct diff_changes *changes, enum diff_section section)
{
    size_t count = 0;
    for (size_t i = 0; i < changes->count; i++) {
        if (changes->items[i].section == section && count++ < MAX_LINES) {
            print_change(&changes->items[i]);
        }
    }
    if (count > MAX_LINES) {
        printf("  and %zu more, which --json lists\n", count - MAX_LINES);
    }
}

static void print_nodes(const struct diff_changes *changes)
{
    struct diff_groups groups = diff_groups_make(changes);
    for (size_t i = 0; i < groups.count && i < MAX_LINES; i++) {
        diff_group_print(stdout, &groups.items[i]);
    }
    if (groups.count > MAX_LINES) {
        printf("  and %zu modules more, which --json lists\n", groups.count - MAX_LINES);
    }
    diff_groups_free(&groups);
}

static void print_text(const struct diff_changes *changes, const struct view_options *options)
{
    fputs("- ", stdout);
    escape_name(stdout, options->name);
    fputs("\n+ ", stdout);
    escape_name(stdout, options->other_name);
    fputc('\n', stdout);
    if (count_changes(changes, DIFF_SIGNATURE, '\0') > 0) {
        puts("\nsignature");
        print_section(changes, DIFF_SIGNATURE);
    }
    if (count_changes(changes, DIFF_MODEL, '\0') > 0) {
        puts("\nmodel");
        print_section(changes, DIFF_MODEL);
    }
    print_counts(changes, DIFF_WEIGHTS, "weights", changes->equal_weights,
                 changes->renamed_weights);
    print_section(changes, DIFF_WEIGHTS);
    print_counts(changes, DIFF_NODES, "nodes", changes->equal_nodes, changes->renamed_nodes);
    if (changes->moved_constants > 0) {
        printf("  %zu Constant node%s of one model %s in the other\n", changes->moved_constants,
               VIEW_PLURAL(changes->moved_constants),
               changes->moved_constants == 1 ? "is a weight" : "are weights");
    }
    print_nodes(changes);
    fputs(changes->count == 0 ? "\nThe models are equal.\n" : "", stdout);
}

/* ---- JSON ---- */

static void print_member(const char *name, const char *text)
{
    printf(", \"%s\": ", name);
    if (text != NULL) {
        escape_json(stdout, text, strlen(text));
    } else {
        fputs("null", stdout);
    }
}

static void print_json(const struct diff_changes *changes)
{
    static const char *const sections[] = {"signature", "model", "weights", "nodes"};
    printf("{\"equal\": %s,\n \"equal_weights\": %zu, \"renamed_weights\": %zu, "
           "\"equal_nodes\": %zu, \"renamed_nodes\": %zu, \"moved_constants\": %zu,\n "
           "\"changes\": [",
           changes->count == 0 ? "true" : "false", changes->equal_weights, changes->renamed_weights,
           changes->equal_nodes, changes->renamed_nodes, changes->moved_constants);
    for (size_t i = 0; i < changes->count; i++) {
        const struct diff_change *change = &changes->items[i];
        printf("%s\n  {\"section\": \"%s\", \"sign\": \"%c\"", i > 0 ? "," : "",
               sections[change->section], change->sign);
        print_member("what", change->what);
        print_member("name", change->name);
        print_member("detail", change->detail);
        print_member("module", change->module);
        print_member("body", change->body);
        fputc('}', stdout);
    }
    fputs("]}\n", stdout);
}

int view_diff(const struct view_options *options)
{
    onnxrun_error error;
    struct diff_side a, b = {.model = NULL};
    struct diff_changes changes = {.count = 0};
    onnxrun_status status = diff_side_open(&a, options->path, options->name, &error);
    if (status == ONNXRUN_OK) {
        status = diff_side_open(&b, options->other, options->other_name, &error);
    }
    if (status == ONNXRUN_OK) {
        diff_match(&a, &b);
        diff_list(&changes, &a, &b);
        if (options->is_json) {
            print_json(&changes);
        } else {
            print_text(&changes, options);
        }
    } else {
        (void)tool_report(&error);
    }
    int code = status != ONNXRUN_OK ? VIEW_DIFF_TROUBLE : changes.count > 0;
    diff_changes_free(&changes);
    diff_side_free(&a);
    diff_side_free(&b);
    return code;
}
