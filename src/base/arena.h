/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Region allocator: each stage (graph, program, plan) owns one and is freed with it, whole. Nothing
 * in an arena is freed singly, so error paths have nothing to undo.
 */
#ifndef ONR_BASE_ARENA_H
#define ONR_BASE_ARENA_H

#include "base/mem.h"

#include <stddef.h>

struct onr_arena_chunk;

struct onr_arena {
    struct onr_mem *mem;            /* borrowed, outlives the arena */
    struct onr_arena_chunk *chunks; /* newest first */
    struct onr_arena_chunk *spare;  /* kept by a reset, in the order in which they were made */
    char *cursor;
    char *end;
};

void onr_arena_init(struct onr_arena *arena, struct onr_mem *mem);

/* Frees all that was allocated; the arena can be used again. */
void onr_arena_free(struct onr_arena *arena);

/* Forgets all that was allocated but keeps the memory, so that filling it in the same way again
 * allocates nothing. */
void onr_arena_reset(struct onr_arena *arena);

/* Frees the memory that a reset kept and that has not been needed since. */
void onr_arena_trim(struct onr_arena *arena);

/* A zeroed block aligned to 16 bytes (64 when it has 64 bytes or more); NULL when memory is out. */
void *onr_arena_alloc(struct onr_arena *arena, size_t bytes);

/* The same, uninitialised. */
void *onr_arena_room(struct onr_arena *arena, size_t bytes);

/* A zeroed array of count items of size bytes; NULL also when the product overflows. */
void *onr_arena_array(struct onr_arena *arena, size_t count, size_t size);

/* Copies of memory and of a string with its terminator; NULL when memory is out. */
void *onr_arena_copy(struct onr_arena *arena, const void *data, size_t bytes);
char *onr_arena_string(struct onr_arena *arena, const char *text, size_t length);

/* printf into the arena; NULL when memory is out. */
char *onr_arena_printf(struct onr_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define ONR_ARENA_NEW(arena, type) ((type *)onr_arena_alloc((arena), sizeof(type)))
#define ONR_ARENA_ARRAY(arena, count, type)                                                        \
    ((type *)onr_arena_array((arena), (count), sizeof(type)))

#endif
