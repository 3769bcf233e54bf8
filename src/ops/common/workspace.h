/* SPDX-License-Identifier: Apache-2.0 */
/* Laying out the workspace of an operator: parts follow each other, each on a cache line. */
#ifndef ONR_OPS_COMMON_WORKSPACE_H
#define ONR_OPS_COMMON_WORKSPACE_H

#include "base/error.h"
#include "base/mem.h"
#include "base/size.h"

struct onr_workspace {
    size_t used;
    bool is_too_large;
};

/* Appends count items of size bytes each and returns where they begin. */
static inline size_t onr_workspace_add(struct onr_workspace *space, size_t count, size_t size)
{
    size_t at = space->used;
    size_t bytes = 0;
    if (!onr_size_mul(count, size, &bytes) || bytes > ONR_SIZE_LIMIT ||
        at + onr_size_align(bytes, ONR_MEM_ALIGN) > ONR_SIZE_LIMIT) {
        space->is_too_large = true;
        return 0;
    }
    space->used = at + onr_size_align(bytes, ONR_MEM_ALIGN);
    return at;
}

/* *bytes is what all parts take. Error: ONR_ERR_LIMIT when one or all of them were too large. */
static inline enum onr_status onr_workspace_finish(const struct onr_workspace *space, size_t *bytes,
                                                   struct onr_error *err)
{
    *bytes = space->used;
    return space->is_too_large ? onr_fail(err, ONR_ERR_LIMIT, "operands are too large") : ONR_OK;
}

#endif
