/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An allocator that counts its blocks, and has no memory when a test says so:
 *
 *     struct failing_memory memory = {.left = 3};
 *     options.allocator = (onnxrun_allocator){&memory, failing_alloc, failing_free};
 */
#ifndef ONR_TESTS_SUPPORT_FAILING_MEMORY_H
#define ONR_TESTS_SUPPORT_FAILING_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct failing_memory {
    long blocks;     /* that are in use */
    long left;       /* blocks until there is no memory; below 0: there is always */
    bool fails_once; /* after a failure there is always memory */
};

/* As in onr_allocator and onnxrun_allocator; user is the struct failing_memory. */
void *failing_alloc(void *user, size_t bytes, size_t align);
void failing_free(void *user, void *block, size_t bytes);

#endif
