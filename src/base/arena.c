/* SPDX-License-Identifier: Apache-2.0 */
/* Region allocator over chunks that double in size. */
#include "base/arena.h"

#include "base/size.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define FIRST_CHUNK_BYTES ((size_t)4096)
#define MAX_CHUNK_BYTES   ((size_t)1 << 20)

/* Header in front of each chunk's bytes; 64 bytes so that the payload stays aligned. */
struct onr_arena_chunk {
    _Alignas(ONR_MEM_ALIGN) struct onr_arena_chunk *next;
    size_t bytes; /* header included */
};

void onr_arena_init(struct onr_arena *arena, struct onr_mem *mem)
{
    *arena = (struct onr_arena){.mem = mem};
}

static void free_chunks(struct onr_arena *arena, struct onr_arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct onr_arena_chunk *next = chunk->next;
        onr_mem_free(arena->mem, chunk, chunk->bytes);
        chunk = next;
    }
}

void onr_arena_trim(struct onr_arena *arena)
{
    free_chunks(arena, arena->spare);
    arena->spare = NULL;
}

void onr_arena_free(struct onr_arena *arena)
{
    free_chunks(arena, arena->chunks);
    onr_arena_trim(arena);
    onr_arena_init(arena, arena->mem);
}

void onr_arena_reset(struct onr_arena *arena)
{
    while (arena->chunks != NULL) {
        struct onr_arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        chunk->next = arena->spare;
        arena->spare = chunk;
    }
    arena->cursor = NULL;
    arena->end = NULL;
}

/* Takes the first spare chunk of at least this size out of its list; NULL when there is none. */
static struct onr_arena_chunk *take_spare(struct onr_arena *arena, size_t bytes)
{
    struct onr_arena_chunk **link = &arena->spare;
    while (*link != NULL && (*link)->bytes < bytes) {
        link = &(*link)->next;
    }
    struct onr_arena_chunk *chunk = *link;
    if (chunk != NULL) {
        *link = chunk->next;
    }
    return chunk;
}

static struct onr_arena_chunk *new_chunk(struct onr_arena *arena, size_t bytes)
{
    size_t size = FIRST_CHUNK_BYTES; /* again behind a large block, which has a chunk of its own */
    if (arena->chunks != NULL && arena->chunks->bytes <= MAX_CHUNK_BYTES) {
        size = arena->chunks->bytes < MAX_CHUNK_BYTES ? arena->chunks->bytes * 2 : MAX_CHUNK_BYTES;
    }
    size = size < bytes ? bytes : size;
    struct onr_arena_chunk *chunk = onr_mem_alloc(arena->mem, size);
    if (chunk != NULL) {
        chunk->bytes = size;
    }
    return chunk;
}

static bool add_chunk(struct onr_arena *arena, size_t bytes)
{
    size_t need = bytes + sizeof(struct onr_arena_chunk) + ONR_MEM_ALIGN;
    struct onr_arena_chunk *chunk = take_spare(arena, need);
    if (chunk == NULL) {
        chunk = new_chunk(arena, need);
    }
    if (chunk == NULL) {
        return false;
    }
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->cursor = (char *)chunk + sizeof *chunk;
    arena->end = (char *)chunk + chunk->bytes;
    return true;
}

void *onr_arena_room(struct onr_arena *arena, size_t bytes)
{
    if (bytes > ONR_SIZE_LIMIT) {
        return NULL;
    }
    size_t align = bytes >= ONR_MEM_ALIGN ? ONR_MEM_ALIGN : 16;
    for (int attempt = 0; attempt < 2; attempt++) {
        if (arena->cursor != NULL) {
            size_t pad = (size_t)(-(uintptr_t)arena->cursor & (align - 1));
            if ((size_t)(arena->end - arena->cursor) >= pad + bytes) {
                char *block = arena->cursor + pad;
                arena->cursor = block + bytes;
                return block;
            }
        }
        if (!add_chunk(arena, bytes)) {
            return NULL;
        }
    }
    return NULL;
}

void *onr_arena_alloc(struct onr_arena *arena, size_t bytes)
{
    void *block = onr_arena_room(arena, bytes);
    return block != NULL ? memset(block, 0, bytes) : NULL;
}

void *onr_arena_array(struct onr_arena *arena, size_t count, size_t size)
{
    size_t bytes = 0;
    return onr_size_mul(count, size, &bytes) ? onr_arena_alloc(arena, bytes) : NULL;
}

void *onr_arena_copy(struct onr_arena *arena, const void *data, size_t bytes)
{
    void *copy = onr_arena_room(arena, bytes);
    if (copy != NULL && bytes > 0) {
        memcpy(copy, data, bytes);
    }
    return copy;
}

char *onr_arena_string(struct onr_arena *arena, const char *text, size_t length)
{
    char *copy = onr_arena_alloc(arena, length + 1);
    if (copy != NULL && length > 0) {
        memcpy(copy, text, length);
    }
    return copy;
}

char *onr_arena_printf(struct onr_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : onr_arena_alloc(arena, (size_t)length + 1);
    if (text != NULL) {
        (void)vsnprintf(text, (size_t)length + 1, format, again);
    }
    va_end(again);
    return text;
}
