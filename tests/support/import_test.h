/* SPDX-License-Identifier: Apache-2.0 */
/* Imports models that a test writes, and checks that nothing leaks however it ends. */
#ifndef ONR_TESTS_SUPPORT_IMPORT_TEST_H
#define ONR_TESTS_SUPPORT_IMPORT_TEST_H

#include "graph/import/import.h"
#include "support/proto_writer.h"
#include "support/test.h"

struct import_test {
    struct onr_import_limits limits;     /* set before the load; 0: defaults */
    const struct onr_registry *registry; /* likewise */
    const char *path;                    /* likewise */
    struct onr_mem mem;
    struct onr_arena arena;
    struct onr_external_files files;
    struct onr_graph *graph;
    struct onr_error err;
};

/* Imports data [size] and returns the status. */
enum onr_status import_test_load(struct import_test *t, const void *data, size_t size);

/* Frees what the load made and asserts that nothing is left. */
void import_test_free(struct import_test *t);

/* Ends and imports the model, which must succeed; p must live until import_test_free. */
void import_ok(struct import_test *t, struct proto *p);

/* Ends and imports the model; asserts status and message, that nothing leaks, and that a good model
 * can be imported afterwards. Frees p. */
void import_fails(struct proto *p, enum onr_status status, const char *text);

/* The value of this name in a graph; fails the test when there is none. */
const struct onr_value *import_value(const struct onr_graph *graph, const char *name);

#endif
