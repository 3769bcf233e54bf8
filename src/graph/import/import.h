/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the bytes of an ONNX file to a graph. All that comes from the file is checked here, so that
 * later stages work on a graph whose names, references, counts and sizes are right; what the
 * operators ask of their inputs is checked by the passes.
 *
 *     struct onr_external_files files;
 *     onr_external_files_init(&files, mem);
 *     struct onr_import_source source = {.data = file.data, .size = file.size, .path = path, ...};
 *     onr_import(&source, &arena, mem, &files, &graph, err)
 *     ...
 *     onr_arena_free(&arena);              graph and constants
 *     onr_external_files_free(&files);     and then what constants point to
 */
#ifndef ONR_GRAPH_IMPORT_IMPORT_H
#define ONR_GRAPH_IMPORT_IMPORT_H

#include "graph/graph.h"
#include "graph/import/external.h"
#include "graph/op_def.h"

/* Newest ir_version that is understood. */
#define ONR_IR_LATEST 14

#define ONR_MAX_FUNCTIONS 10000

/* What import may cost. A field that is 0 takes the default in parentheses. */
struct onr_import_limits {
    uint64_t file_bytes;  /* protobuf without external data (2 GiB - 1) */
    uint64_t parse_bytes; /* heap while parsing (64 MiB or 16 times the bytes without weights) */
    uint32_t node_count;  /* nodes and function calls, after inlining (4 million) */
    uint32_t name_bytes;  /* one name (64 KiB) */
};

struct onr_import_source {
    const uint8_t *data; /* [size], kept as long as the graph */
    size_t size;
    const char
        *path; /* data is this file, mapped; NULL: memory of the caller, external data is refused */
    struct onr_import_limits limits;
    const struct onr_registry
        *registry;       /* functions that it knows are not inlined; NULL: all are */
    bool keeps_metadata; /* of nodes */
};

/*
 * Imports a model. Everything but weights is copied to the arena; weights stay in data and in
 * files. mem is for temporary memory; arena may use the same. Errors: ONR_ERR_PARSE (byte offset),
 * ONR_ERR_MODEL, ONR_ERR_SHAPE, ONR_ERR_UNSUPPORTED, ONR_ERR_LIMIT, ONR_ERR_IO, ONR_ERR_MEMORY;
 * *graph is NULL then, and arena and files hold garbage that is freed with them.
 */
enum onr_status onr_import(const struct onr_import_source *source, struct onr_arena *arena,
                           struct onr_mem *mem, struct onr_external_files *files,
                           struct onr_graph **graph, struct onr_error *err) ONR_MUST_USE;

#endif
