/* SPDX-License-Identifier: Apache-2.0 */
/* The report on the passes as text and JSON. */
#include "graph/passes/pass.h"
#include "graph/print.h"

#include <inttypes.h>

static bool has_done_something(const struct onr_pass_record *pass)
{
    return pass->removed + pass->added + pass->fused.count + pass->missed.count > 0;
}

/* ---- text ---- */

static void text_count(struct onr_text *text, const char **separator, uint32_t count,
                       const char *what)
{
    if (count > 0) {
        onr_text_add(text, "%s%" PRIu32 " %s", *separator, count, what);
        *separator = ", ";
    }
}

static void text_passes(struct onr_text *text, const struct onr_report *report)
{
    onr_text_add(text, "passes: %" PRIu32 " nodes before, %" PRIu32 " after\n", report->first_count,
                 report->node_count);
    for (const struct onr_pass_record *pass = report->passes; pass != NULL; pass = pass->next) {
        const char *separator = "";
        if (has_done_something(pass)) {
            onr_text_add(text, "  %-22s  ", pass->name);
            text_count(text, &separator, pass->fused.count, "fused");
            text_count(text, &separator, pass->removed, "removed");
            text_count(text, &separator, pass->added, "added");
            text_count(text, &separator, pass->missed.count,
                       pass->missed.count > 1 ? "near misses" : "near miss");
            onr_text_add(text, "\n");
        }
    }
}

static void text_label(struct onr_text *text, const char *label)
{
    onr_text_add(text, "\"");
    onr_text_add_name(text, label);
    onr_text_add(text, "\"");
}

static void text_note(struct onr_text *text, const struct onr_note *note)
{
    onr_text_add(text, "  %s at node ", note->op);
    text_label(text, note->node);
    for (uint32_t i = 1; i < note->part_count; i++) {
        onr_text_add(text, i > 1 ? ", " : ", joined with ");
        text_label(text, note->parts[i]);
    }
    onr_text_add(text, "\n");
    if (note->expected != NULL) {
        onr_text_add(text, "      expected  %s\n      found     ", note->expected);
        if (note->value != NULL) {
            text_label(text, note->value);
            onr_text_add(text, ": ");
        }
        onr_text_add(text, "%s\n", note->found);
    }
}

static void text_notes(struct onr_text *text, const char *title, const struct onr_report *report,
                       bool is_missed)
{
    bool is_first = true;
    for (const struct onr_pass_record *pass = report->passes; pass != NULL; pass = pass->next) {
        const struct onr_notes *notes = is_missed ? &pass->missed : &pass->fused;
        if (notes->count > 0) {
            onr_text_add(text, "%s%s by %s\n", is_first ? "\n" : "", title, pass->name);
            is_first = false;
        }
        for (const struct onr_note *note = notes->first; note != NULL; note = note->next) {
            text_note(text, note);
        }
        if (notes->count > notes->kept) {
            onr_text_add(text, "  and %" PRIu32 " more\n", notes->count - notes->kept);
        }
    }
}

static void text_missing(struct onr_text *text, const struct onr_missing *missing)
{
    onr_text_add(text, "not supported\n");
    for (; missing != NULL; missing = missing->next) {
        onr_text_add(text, "  ");
        if (missing->domain[0] != '\0') {
            onr_text_add_name(text, missing->domain);
            onr_text_add(text, ".");
        }
        onr_text_add_name(text, missing->op_type);
        onr_text_add(text, "-%" PRId64, missing->version);
        if (missing->detail[0] != '\0') {
            onr_text_add(text, " (");
            onr_text_add_name(text, missing->detail);
            onr_text_add(text, ")");
        }
        onr_text_add(text, " at %" PRIu32 " node%s\n", missing->node_count,
                     missing->node_count > 1 ? "s" : "");
        for (const struct onr_missing_node *node = missing->nodes; node != NULL;
             node = node->next) {
            onr_text_add(text, "      ");
            text_label(text, node->label);
            onr_text_add(text, "\n");
        }
    }
}

/* ---- JSON ---- */

static void json_pair(struct onr_text *text, const char *before, const char *key, const char *value)
{
    onr_text_add(text, "%s\"%s\": ", before, key);
    onr_text_add_json_string(text, value);
}

static void json_passes(struct onr_text *text, const struct onr_report *report)
{
    onr_text_add(text,
                 "{\"nodes_before\": %" PRIu32 ", \"nodes_after\": %" PRIu32 ",\n \"passes\": [",
                 report->first_count, report->node_count);
    for (const struct onr_pass_record *pass = report->passes; pass != NULL; pass = pass->next) {
        json_pair(text, pass != report->passes ? ",\n  {" : "\n  {", "pass", pass->name);
        onr_text_add(text,
                     ", \"removed\": %" PRIu32 ", \"added\": %" PRIu32 ", \"fused\": %" PRIu32
                     ", \"near_misses\": %" PRIu32 "}",
                     pass->removed, pass->added, pass->fused.count, pass->missed.count);
    }
    onr_text_add(text, "]");
}

static void json_parts(struct onr_text *text, const struct onr_note *note)
{
    for (uint32_t i = 0; i < note->part_count; i++) {
        onr_text_add(text, i > 0 ? ", " : ", \"parts\": [");
        onr_text_add_json_string(text, note->parts[i]);
    }
    onr_text_add(text, note->part_count > 0 ? "]" : "");
}

static void json_notes(struct onr_text *text, const char *key, const struct onr_report *report,
                       bool is_missed)
{
    const char *before = "\n  {";
    onr_text_add(text, ",\n \"%s\": [", key);
    for (const struct onr_pass_record *pass = report->passes; pass != NULL; pass = pass->next) {
        const struct onr_notes *notes = is_missed ? &pass->missed : &pass->fused;
        for (const struct onr_note *note = notes->first; note != NULL; note = note->next) {
            json_pair(text, before, "pass", pass->name);
            json_pair(text, ", ", "op", note->op);
            json_pair(text, ", ", "node", note->node);
            if (is_missed) {
                json_pair(text, ", ", "value", note->value);
                json_pair(text, ", ", "expected", note->expected);
                json_pair(text, ", ", "found", note->found);
            }
            json_parts(text, note);
            onr_text_add(text, "}");
            before = ",\n  {";
        }
    }
    onr_text_add(text, "]");
}

static void json_missing(struct onr_text *text, const struct onr_missing *missing)
{
    onr_text_add(text, ",\n \"unsupported\": [");
    for (const char *before = "\n  {"; missing != NULL; missing = missing->next) {
        json_pair(text, before, "domain", missing->domain);
        json_pair(text, ", ", "op", missing->op_type);
        onr_text_add(text, ", \"version\": %" PRId64, missing->version);
        json_pair(text, ", ", "detail", missing->detail);
        onr_text_add(text, ", \"nodes\": [");
        for (const struct onr_missing_node *node = missing->nodes; node != NULL;
             node = node->next) {
            onr_text_add(text, "%s", node != missing->nodes ? ", " : "");
            onr_text_add_json_string(text, node->label);
        }
        onr_text_add(text, "]}");
        before = ",\n  {";
    }
    onr_text_add(text, "]");
}

void onr_print_report(struct onr_text *text, const struct onr_report *report, const char *more,
                      bool is_json)
{
    text->has_failed = text->has_failed || report->has_failed;
    if (is_json) {
        json_passes(text, report);
        json_notes(text, "fused", report, false);
        json_notes(text, "near_misses", report, true);
        json_missing(text, report->missing);
        onr_text_add(text, "%s%s}\n", more != NULL ? ",\n " : "", more != NULL ? more : "");
        return;
    }
    if (report->missing != NULL) {
        text_missing(text, report->missing);
        return;
    }
    text_passes(text, report);
    text_notes(text, "fused", report, false);
    text_notes(text, "near misses", report, true);
    onr_text_add(text, "%s", more != NULL ? more : "");
}
