/* SPDX-License-Identifier: Apache-2.0 */
/* The counting allocator, and the only callers of malloc's family in the library. */
#include "base/mem.h"

#include "base/os.h"
#include "base/size.h"

#include <stdlib.h>
#include <string.h>

/* A large page. Blocks of at least this size begin on one, so that few of their bytes are left for
 * small pages: a stream over weights stops short at the end of each. */
#define LARGE_PAGE_BYTES ((size_t)2 << 20)

static void *libc_alloc(void *user, size_t bytes, size_t align)
{
    (void)user;
    if (bytes < LARGE_PAGE_BYTES) {
        return aligned_alloc(align, onr_size_align(bytes, align));
    }
    /* C11 wants a multiple of the alignment; what lies behind the bytes is not touched. */
    void *block = aligned_alloc(LARGE_PAGE_BYTES, onr_size_align(bytes, LARGE_PAGE_BYTES));
    if (block != NULL) {
        onr_os_prefer_large_pages(block, bytes);
    }
    return block;
}

static void libc_free(void *user, void *block, size_t bytes)
{
    (void)user;
    (void)bytes;
    free(block);
}

void onr_mem_init(struct onr_mem *mem, const struct onr_allocator *allocator, size_t cap_bytes)
{
    *mem = (struct onr_mem){.cap_bytes = cap_bytes != 0 ? cap_bytes : SIZE_MAX};
    if (allocator != NULL && allocator->alloc != NULL && allocator->free != NULL) {
        mem->allocator = *allocator;
    } else {
        mem->allocator = (struct onr_allocator){.alloc = libc_alloc, .free = libc_free};
    }
}

void *onr_mem_alloc(struct onr_mem *mem, size_t bytes)
{
    bytes = bytes != 0 ? bytes : 1;
    if (bytes > ONR_SIZE_LIMIT || bytes > mem->cap_bytes ||
        mem->live_bytes > mem->cap_bytes - bytes) {
        return NULL;
    }
    void *block = mem->allocator.alloc(mem->allocator.user, bytes, ONR_MEM_ALIGN);
    if (block == NULL) {
        return NULL;
    }
    mem->live_bytes += bytes;
    mem->alloc_count++;
    if (mem->live_bytes > mem->peak_bytes) {
        mem->peak_bytes = mem->live_bytes;
    }
    return block;
}

void *onr_mem_calloc(struct onr_mem *mem, size_t bytes)
{
    void *block = onr_mem_alloc(mem, bytes);
    if (block != NULL) {
        memset(block, 0, bytes);
    }
    return block;
}

void onr_mem_free(struct onr_mem *mem, void *block, size_t bytes)
{
    if (block == NULL) {
        return;
    }
    mem->live_bytes -= bytes != 0 ? bytes : 1;
    mem->allocator.free(mem->allocator.user, block, bytes);
}
