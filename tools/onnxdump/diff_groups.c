/* SPDX-License-Identifier: Apache-2.0 */
/* From single changes to lines that can be read. */
#include "onnxdump/diff_groups.h"

#include "common/escape.h"

#include <stdlib.h>
#include <string.h>

#define MAX_NAMED 40 /* changes that are all listed with the names of their nodes */
#define DIGITS    "0123456789"

/* ---- lines of a module ---- */

/* The changes of one module. */
struct members {
    const struct diff_change **items; /* [count] */
    size_t count;
};

/* The detail without the names of values, which differ in modules that are alike otherwise. */
static char *nameless_detail(const struct diff_change *change)
{
    struct text text;
    bool is_quoted = false;
    text_begin(&text);
    for (const char *at = change->detail != NULL ? change->detail : ""; *at != '\0'; at++) {
        bool is_quote = *at == '"';
        if (is_quote && !is_quoted) {
            fputs("...", text.out);
        } else if (!is_quote && !is_quoted) {
            fputc(*at, text.out);
        }
        is_quoted = is_quote != is_quoted;
    }
    return text_end(&text);
}

/* "  - Div  /layer/Div_1", "  ! Softmax  /layer/Softmax: axis: 1 -> -1" */
static void print_named(FILE *out, const struct members *members)
{
    for (size_t i = 0; i < members->count; i++) {
        const struct diff_change *change = members->items[i];
        fprintf(out, "  %c ", change->sign);
        escape_name(out, change->what);
        fputs("  ", out);
        escape_name(out, change->name);
        diff_print_body(out, change);
        if (change->detail != NULL) {
            fprintf(out, ": %s", change->detail);
        }
        fputc('\n', out);
    }
}

/* Changes of a module that read the same. */
struct kind {
    const struct diff_change *change; /* the first of them */
    char *detail;
    size_t count;
};

struct kinds {
    struct kind *items; /* [count] */
    size_t count;
};

static void count_kind(struct kinds *kinds, const struct diff_change *change)
{
    char *detail = nameless_detail(change);
    for (size_t i = 0; i < kinds->count; i++) {
        struct kind *kind = &kinds->items[i];
        if (kind->change->sign == change->sign && strcmp(kind->change->what, change->what) == 0 &&
            strcmp(kind->detail, detail) == 0) {
            kind->count++;
            free(detail);
            return;
        }
    }
    kinds->items = tool_resize(kinds->items, kinds->count + 1, sizeof *kinds->items);
    kinds->items[kinds->count++] = (struct kind){change, detail, 1};
}

/* "  - Div, 2 Mul": a line for all of a sign, or one for each with a detail. */
static void print_sign(FILE *out, const struct kinds *kinds, char sign)
{
    const char *separator = "";
    for (size_t i = 0; i < kinds->count; i++) {
        const struct kind *kind = &kinds->items[i];
        if (kind->change->sign != sign) {
            continue;
        }
        if (separator[0] == '\0' || sign == '!') {
            fprintf(out, "%s  %c ", separator[0] != '\0' ? "\n" : "", sign);
        } else {
            fputs(separator, out);
        }
        if (kind->count > 1) {
            fprintf(out, "%zu ", kind->count);
        }
        escape_name(out, kind->change->what);
        fprintf(out, "%s%s", kind->detail[0] != '\0' ? ": " : "", kind->detail);
        separator = ", ";
    }
    fputs(separator[0] != '\0' ? "\n" : "", out);
}

static void print_counted(FILE *out, const struct members *members)
{
    struct kinds kinds = {.count = 0};
    for (size_t i = 0; i < members->count; i++) {
        count_kind(&kinds, members->items[i]);
    }
    print_sign(out, &kinds, '-');
    print_sign(out, &kinds, '+');
    print_sign(out, &kinds, '!');
    for (size_t i = 0; i < kinds.count; i++) {
        free(kinds.items[i].detail);
    }
    free(kinds.items);
}

/* ---- modules ---- */

/* Compares names with all numbers alike. */
static bool is_alike(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        size_t digits = strspn(a, DIGITS), others = strspn(b, DIGITS);
        if ((digits > 0) != (others > 0) || (digits == 0 && *a != *b)) {
            return false;
        }
        a += digits > 0 ? digits : 1;
        b += others > 0 ? others : 1;
    }
    return *a == *b;
}

static int compare_change(const void *left, const void *right)
{
    const struct diff_change *const *a = left, *const *b = right;
    int order = strcmp((*a)->module, (*b)->module);
    return order != 0 ? order : *a < *b ? -1 : *a > *b;
}

static int compare_group(const void *left, const void *right)
{
    const struct diff_group *a = left, *b = right;
    return a->first < b->first ? -1 : a->first > b->first;
}

/* The group of the changes of one module. */
static struct diff_group make_group(const struct diff_changes *changes,
                                    const struct members *members, bool is_named)
{
    struct text text;
    text_begin(&text);
    (is_named ? print_named : print_counted)(text.out, members);
    const char *module = members->items[0]->module;
    return (struct diff_group){.module = module,
                               .last = module,
                               .count = 1,
                               .first = (size_t)(members->items[0] - changes->items),
                               .lines = text_end(&text)};
}

/* Joins groups that say the same of modules that differ in a number. */
static void join_alike(struct diff_groups *groups)
{
    size_t kept = 0;
    for (size_t i = 0; i < groups->count; i++) {
        struct diff_group *group = &groups->items[i];
        size_t same = 0;
        while (same < kept && (strcmp(groups->items[same].lines, group->lines) != 0 ||
                               !is_alike(groups->items[same].module, group->module))) {
            same++;
        }
        if (same == kept) {
            groups->items[kept++] = *group;
        } else {
            groups->items[same].last = group->module;
            groups->items[same].count++;
            free(group->lines);
        }
    }
    groups->count = kept;
}

struct diff_groups diff_groups_make(const struct diff_changes *changes)
{
    struct diff_groups groups = {.count = 0};
    struct members all = {.items = tool_alloc(changes->count, sizeof *all.items)};
    for (size_t i = 0; i < changes->count; i++) {
        if (changes->items[i].section == DIFF_NODES) {
            all.items[all.count++] = &changes->items[i];
        }
    }
    groups.items = tool_alloc(all.count, sizeof *groups.items);
    if (all.count > 0) {
        qsort(all.items, all.count, sizeof *all.items, compare_change);
    }
    for (size_t i = 0; i < all.count;) {
        struct members members = {.items = all.items + i};
        while (i < all.count && strcmp(all.items[i]->module, members.items[0]->module) == 0) {
            members.count++;
            i++;
        }
        groups.items[groups.count++] = make_group(changes, &members, all.count <= MAX_NAMED);
    }
    if (groups.count > 0) {
        qsort(groups.items, groups.count, sizeof *groups.items, compare_group);
    }
    join_alike(&groups);
    free(all.items);
    return groups;
}

void diff_groups_free(struct diff_groups *groups)
{
    for (size_t i = 0; i < groups->count; i++) {
        free(groups->items[i].lines);
    }
    free(groups->items);
}

/* "layer.{0..11}/attention" for the first and last of modules that are alike. */
static void print_module(FILE *out, const char *first, const char *last)
{
    struct text text;
    text_begin(&text);
    while (*first != '\0') {
        int digits = (int)strspn(first, DIGITS), others = (int)strspn(last, DIGITS);
        if (digits == 0) {
            fputc(*first, text.out);
        } else if (digits == others && strncmp(first, last, (size_t)digits) == 0) {
            fprintf(text.out, "%.*s", digits, first);
        } else {
            fprintf(text.out, "{%.*s..%.*s}", digits, first, others, last);
        }
        first += digits > 0 ? digits : 1;
        last += others > 0 ? others : 1;
    }
    char *name = text_end(&text);
    escape_name(out, name);
    free(name);
}

void diff_group_print(FILE *out, const struct diff_group *group)
{
    if (group->module[0] == '\0') {
        fputs("in no module", out);
    } else {
        print_module(out, group->module, group->last);
    }
    if (group->count > 1) {
        fprintf(out, ", each of %zu", group->count);
    }
    fprintf(out, "\n%s", group->lines);
}
