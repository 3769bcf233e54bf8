/* SPDX-License-Identifier: Apache-2.0 */
#include "support/import_test.h"

#include <string.h>

enum onr_status import_test_load(struct import_test *t, const void *data, size_t size)
{
    onr_mem_init(&t->mem, NULL, 0);
    onr_arena_init(&t->arena, &t->mem);
    onr_external_files_init(&t->files, &t->mem);
    onr_error_clear(&t->err);
    const struct onr_import_source source = {
        .data = data, .size = size, .path = t->path, .limits = t->limits, .registry = t->registry};
    return onr_import(&source, &t->arena, &t->mem, &t->files, &t->graph, &t->err);
}

void import_test_free(struct import_test *t)
{
    onr_arena_free(&t->arena);
    onr_external_files_free(&t->files);
    assert_int_equal(t->mem.live_bytes, 0);
}

void import_ok(struct import_test *t, struct proto *p)
{
    proto_end(p);
    if (import_test_load(t, p->data, p->size) != ONR_OK) {
        fail_msg("import failed: %s", t->err.message);
    }
}

static void good_model_loads(void)
{
    struct proto p;
    struct import_test t = {0};
    proto_good_model(&p);
    import_ok(&t, &p);
    assert_int_equal(t.graph->node_count, 1);
    import_test_free(&t);
    proto_free(&p);
}

void import_fails(struct proto *p, enum onr_status status, const char *text)
{
    struct import_test t = {0};
    proto_end(p);
    enum onr_status got = import_test_load(&t, p->data, p->size);
    if (got != status || strstr(t.err.message, text) == NULL) {
        fail_msg("got status %d \"%s\", want %d \"...%s...\"", got, t.err.message, status, text);
    }
    assert_int_equal(t.err.status, status);
    assert_null(t.graph);
    import_test_free(&t);
    proto_free(p);
    good_model_loads();
}

const struct onr_value *import_value(const struct onr_graph *graph, const char *name)
{
    for (uint32_t i = 0; i < graph->value_count; i++) {
        if (strcmp(graph->values[i].name, name) == 0) {
            return &graph->values[i];
        }
    }
    fail_msg("no value \"%s\"", name);
    return NULL;
}
