/* SPDX-License-Identifier: Apache-2.0 */
/* Names to values: definition, lookup through enclosing graphs, captures, and names for inlined
 * values. */
#include "graph/import/importer.h"

#include <string.h>

char *onr_import_copy(struct importer *im, const char *text)
{
    text = onr_text_or_empty(text);
    return onr_arena_string(im->arena, text, strlen(text));
}

void *onr_import_room(struct onr_arena *arena, void *items, uint32_t count, uint32_t *capacity,
                      size_t item_bytes)
{
    if (count < *capacity) {
        return items;
    }
    uint32_t bigger = *capacity != 0 ? *capacity * 2 : 8;
    void *copy = onr_arena_array(arena, bigger, item_bytes);
    if (copy != NULL && count > 0) {
        memcpy(copy, items, count * item_bytes);
    }
    *capacity = copy != NULL ? bigger : *capacity;
    return copy;
}

void onr_scope_free(struct scope *scope)
{
    onr_strmap_free(&scope->names);
    onr_strmap_free(&scope->hints);
    onr_strmap_free(&scope->made);
}

/* Bytes of text up to limit, not ending within a UTF-8 sequence. */
static int cut_length(const char *text, size_t limit)
{
    size_t length = strlen(text);
    if (length > limit) {
        length = limit;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) {
            length--;
        }
    }
    return (int)length;
}

char *onr_scope_label(struct importer *im, const struct scope *scope, const char *name)
{
    if (scope->prefix == NULL) {
        return onr_import_copy(im, name);
    }
    return onr_arena_printf(im->arena, "%s/%.*s", scope->prefix,
                            cut_length(name, ONR_MAX_MADE_NAME), name);
}

/* A name for the value that is called `name` in scope, which no other value of the graph has. */
static enum onr_status make_name(struct importer *im, struct scope *scope, const char *name,
                                 const char **made)
{
    struct scope *home = scope->home;
    char *label = onr_scope_label(im, scope, name);
    char *candidate = label;
    while (candidate != NULL && (onr_strmap_get(&home->made, candidate) != ONR_STRMAP_NONE ||
                                 (scope->prefix != NULL &&
                                  onr_strmap_get(&home->names, candidate) != ONR_STRMAP_NONE))) {
        candidate = onr_arena_printf(im->arena, "%.*s#%u", cut_length(label, ONR_MAX_MADE_NAME),
                                     label, ++home->made_count);
    }
    bool is_made = scope->prefix != NULL || candidate != label;
    if (candidate == NULL || (is_made && !onr_strmap_put(&home->made, candidate, 0))) {
        return ONR_MEMORY_FAILED(im);
    }
    *made = candidate;
    return ONR_OK;
}

enum onr_status onr_scope_bind(struct importer *im, struct scope *scope, const char *name,
                               uint32_t id)
{
    if (onr_strmap_get(&scope->names, name) != ONR_STRMAP_NONE) {
        return onr_fail(im->err, ONR_ERR_MODEL, "the name \"%.128s\" is defined twice", name);
    }
    return onr_strmap_put(&scope->names, name, id) ? ONR_OK : ONR_MEMORY_FAILED(im);
}

enum onr_status onr_scope_define(struct importer *im, struct scope *scope, const char *name,
                                 uint32_t *id)
{
    if (onr_strmap_get(&scope->names, name) != ONR_STRMAP_NONE) {
        return onr_fail(im->err, ONR_ERR_MODEL, "the name \"%.128s\" is defined twice", name);
    }
    const char *made = NULL;
    ONR_TRY(make_name(im, scope, name, &made));
    ONR_TRY(onr_graph_add_value(scope->graph, made, id, im->err));
    return onr_strmap_put(&scope->names, name, *id) ? ONR_OK : ONR_MEMORY_FAILED(im);
}

/* Makes a value of the parent's graph one of the body's: shared when it is constant, else captured.
 */
static enum onr_status capture(struct importer *im, struct scope *scope, const char *name,
                               uint32_t outer, uint32_t *id)
{
    ONR_TRY(onr_scope_define(im, scope, name, id));
    const struct onr_value *from = &scope->parent->graph->values[outer];
    struct onr_value *value = &scope->graph->values[*id];
    value->fact = from->fact;
    if (from->constant != NULL && !from->is_input) {
        value->constant = from->constant;
        return ONR_OK;
    }
    value->is_input = true;
    uint32_t capacity = scope->capture_capacity;
    uint32_t *captures = onr_import_room(im->arena, scope->captures, scope->capture_count,
                                         &scope->capture_capacity, sizeof *captures);
    uint32_t *captured = onr_import_room(im->arena, scope->captured, scope->capture_count,
                                         &capacity, sizeof *captured);
    if (captures == NULL || captured == NULL) {
        return ONR_MEMORY_FAILED(im);
    }
    scope->captures = captures;
    scope->captured = captured;
    captures[scope->capture_count] = outer;
    captured[scope->capture_count++] = *id;
    return ONR_OK;
}

enum onr_status onr_scope_find(struct importer *im, struct scope *scope, const char *name,
                               uint32_t *id, bool *is_found)
{
    struct scope *chain[ONR_MAX_BODY_DEPTH + 2];
    size_t length = 0;
    uint32_t got = ONR_STRMAP_NONE;
    for (struct scope *s = scope; s != NULL && got == ONR_STRMAP_NONE; s = s->parent) {
        chain[length++] = s;
        got = onr_strmap_get(&s->names, name);
    }
    *is_found = got != ONR_STRMAP_NONE;
    *id = ONR_NO_VALUE;
    if (!*is_found || got == ONR_ABSENT) {
        return ONR_OK;
    }
    for (size_t i = length - 1; i-- > 0;) {
        ONR_TRY(capture(im, chain[i], name, got, &got));
    }
    *id = got;
    return ONR_OK;
}
