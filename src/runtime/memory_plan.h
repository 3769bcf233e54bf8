/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places blocks in one slab by their lifetimes. Blocks are placed in the order in which nodes run:
 * expired ones make room, and each new one takes the smallest gap that fits, so that a later
 * segment of a plan can go on where an earlier one stopped.
 *
 *     offset  0          64         128        192
 *             |== x ====|          |== y =====|           x lives in nodes 0..3, y in 2..5
 *                       |-- gap ---|                       z (64 bytes, 3..4) goes here
 */
#ifndef ONR_RUNTIME_MEMORY_PLAN_H
#define ONR_RUNTIME_MEMORY_PLAN_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ONR_SLAB_ALIGN 64

struct onr_block {
    size_t offset;     /* bytes, a multiple of ONR_SLAB_ALIGN */
    size_t bytes;      /* rounded up likewise */
    uint32_t last_use; /* node after which the block is free */
};

struct onr_memory_plan {
    struct onr_arena *arena;
    struct onr_block *live; /* [count], sorted by offset, disjoint */
    uint32_t count;
    uint32_t capacity;
    size_t live_bytes; /* of all live blocks */
    size_t slab_bytes; /* highest end of a block so far */
};

/* An empty plan, or a copy of the state that another one has reached (from may be NULL). False: no
 * memory. */
bool onr_memory_plan_init(struct onr_memory_plan *plan, struct onr_arena *arena,
                          const struct onr_memory_plan *from);

/* Frees the blocks whose last use is before this node. */
void onr_memory_plan_expire(struct onr_memory_plan *plan, uint32_t node);

/* Places a block that lives until last_use; false when memory is out or the slab grows over the
 * limit. */
bool onr_memory_plan_place(struct onr_memory_plan *plan, size_t bytes, uint32_t last_use,
                           size_t *offset);

/* Lets the block at offset live until last_use, if that is later than now. */
void onr_memory_plan_extend(struct onr_memory_plan *plan, size_t offset, uint32_t last_use);

#endif
