/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allocator that everything goes through: counts live bytes, peak and calls, and refuses to go
 * over a cap. Blocks are aligned to 64 bytes and freed with their size.
 */
#ifndef ONR_BASE_MEM_H
#define ONR_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

#define ONR_MEM_ALIGN 64

/*
 * Where memory comes from. Both functions may be called by one thread at a time per struct onr_mem.
 */
struct onr_allocator {
    void *user;
    /* bytes > 0, align a power of two; NULL when there is none. */
    void *(*alloc)(void *user, size_t bytes, size_t align);
    void (*free)(void *user, void *block, size_t bytes);
};

struct onr_mem {
    struct onr_allocator allocator;
    size_t live_bytes;
    size_t peak_bytes;
    size_t cap_bytes; /* SIZE_MAX: no cap */
    uint64_t alloc_count;
};

/* allocator NULL: the C library's. cap_bytes 0: no cap. */
void onr_mem_init(struct onr_mem *mem, const struct onr_allocator *allocator, size_t cap_bytes);

/* An uninitialised block of bytes (0 counts as 1), or NULL at the cap or when memory is out. */
void *onr_mem_alloc(struct onr_mem *mem, size_t bytes);

/* The same, filled with zeros. */
void *onr_mem_calloc(struct onr_mem *mem, size_t bytes);

/* Gives back a block with the size it was asked for; block may be NULL. */
void onr_mem_free(struct onr_mem *mem, void *block, size_t bytes);

#endif
