/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/passes/report.h"

#include "graph/print.h"

#include <string.h>

void onr_report_init(struct onr_report *report, const struct onr_graph *graph)
{
    uint32_t count = onr_graph_count_nodes(graph);
    *report = (struct onr_report){.arena = graph->arena, .first_count = count, .node_count = count};
}

void onr_report_begin_pass(struct onr_report *report, const char *name)
{
    struct onr_pass_record **end = &report->passes;
    while (*end != NULL && strcmp((*end)->name, name) != 0) {
        end = &(*end)->next;
    }
    if (*end == NULL) {
        *end = ONR_ARENA_NEW(report->arena, struct onr_pass_record);
    }
    report->pass = *end;
    if (*end == NULL) {
        report->has_failed = true;
        return;
    }
    report->pass->name = name;
    report->pass->missed = (struct onr_notes){0};
}

void onr_report_end_pass(struct onr_report *report, const struct onr_graph *graph)
{
    uint32_t before = report->node_count;
    uint32_t after = onr_graph_count_nodes(graph);
    report->node_count = after;
    if (report->pass != NULL) {
        report->pass->removed += before > after ? before - after : 0;
        report->pass->added += after > before ? after - before : 0;
    }
}

/* Copies the text when there is one. */
static const char *keep_text(struct onr_report *report, const char *text)
{
    char *copy = text != NULL ? onr_arena_string(report->arena, text, strlen(text)) : NULL;
    report->has_failed = report->has_failed || (text != NULL && copy == NULL);
    return copy;
}

static void add_note(struct onr_report *report, struct onr_notes *notes,
                     const struct onr_note *note)
{
    notes->count++;
    if (notes->kept == ONR_REPORT_NOTES) {
        return;
    }
    struct onr_note *kept = ONR_ARENA_NEW(report->arena, struct onr_note);
    if (kept == NULL) {
        report->has_failed = true;
        return;
    }
    *kept = *note;
    kept->expected = keep_text(report, note->expected);
    kept->found = keep_text(report, note->found);
    kept->next = NULL;
    *(notes->last != NULL ? &notes->last->next : &notes->first) = kept;
    notes->last = kept;
    notes->kept++;
}

void onr_report_fused(struct onr_report *report, const char *op, const char *node)
{
    const struct onr_note note = {.op = op, .node = node};
    if (report->pass != NULL) {
        add_note(report, &report->pass->fused, &note);
    }
}

void onr_report_joined(struct onr_report *report, const char *op, const char *const *parts,
                       uint32_t part_count)
{
    const char **copy = onr_arena_copy(report->arena, parts, part_count * sizeof *parts);
    const struct onr_note note = {
        .op = op, .node = parts[0], .parts = copy, .part_count = copy != NULL ? part_count : 0};
    report->has_failed = report->has_failed || copy == NULL;
    if (report->pass != NULL) {
        add_note(report, &report->pass->fused, &note);
    }
}

void onr_report_missed(struct onr_report *report, const struct onr_note *note)
{
    if (report->pass != NULL) {
        add_note(report, &report->pass->missed, note);
    }
}
