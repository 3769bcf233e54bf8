/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libFuzzer target: any bytes through import, and through the parser of single tensors. Besides
 * what the sanitizers find, it stops when memory leaks, when the budget is exceeded, or when an
 * error has no message.
 *
 *     cmake --preset fuzz && cmake --build build/fuzz --target import_fuzz
 *     build/fuzz/tests/fuzz/import_fuzz -max_len=4096 CORPUS
 */
#include "graph/import/import.h"
#include "graph/import/tensor_proto.h"

#include <stddef.h>
#include <stdint.h>

#define PARSE_BYTES  ((size_t)1 << 20)
#define MEMORY_BYTES ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int is_true)
{
    if (!is_true) {
        __builtin_trap();
    }
}

static void check_result(enum onr_status status, const struct onr_error *err)
{
    check(status != ONR_ERR_INTERNAL);
    check((status == ONR_OK) == (err->message[0] == '\0'));
    check(status == err->status);
}

static void fuzz_import(const uint8_t *data, size_t size)
{
    struct onr_mem mem;
    struct onr_arena arena;
    struct onr_external_files files;
    struct onr_graph *graph = NULL;
    struct onr_error err;
    onr_mem_init(&mem, NULL, MEMORY_BYTES);
    onr_arena_init(&arena, &mem);
    onr_external_files_init(&files, &mem);
    onr_error_clear(&err);
    const struct onr_import_source source = {
        .data = data,
        .size = size,
        .limits = {.parse_bytes = PARSE_BYTES, .node_count = 10000},
    };
    enum onr_status status = onr_import(&source, &arena, &mem, &files, &graph, &err);
    check_result(status, &err);
    check((status == ONR_OK) == (graph != NULL));
    onr_arena_free(&arena);
    onr_external_files_free(&files);
    check(mem.live_bytes == 0);
}

static void fuzz_tensor(const uint8_t *data, size_t size)
{
    struct onr_mem mem;
    struct onr_arena arena;
    struct onr_constant constant;
    const char *name = NULL;
    struct onr_error err;
    onr_mem_init(&mem, NULL, MEMORY_BYTES);
    onr_arena_init(&arena, &mem);
    onr_error_clear(&err);
    check_result(onr_tensor_parse(data, size, &arena, &mem, &constant, &name, &err), &err);
    onr_arena_free(&arena);
    check(mem.live_bytes == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_import(data, size);
    fuzz_tensor(data, size);
    return 0;
}
