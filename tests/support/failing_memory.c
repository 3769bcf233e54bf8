/* SPDX-License-Identifier: Apache-2.0 */
#include "support/failing_memory.h"

#include <stdlib.h>

void *failing_alloc(void *user, size_t bytes, size_t align)
{
    struct failing_memory *memory = user;
    if (memory->left == 0) {
        memory->left -= memory->fails_once;
        return NULL;
    }
    memory->left -= memory->left > 0;
    memory->blocks++;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}

void failing_free(void *user, void *block, size_t bytes)
{
    struct failing_memory *memory = user;
    (void)bytes;
    memory->blocks--;
    free(block);
}
