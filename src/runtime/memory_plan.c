/* SPDX-License-Identifier: Apache-2.0 */
/* Best-fit placement of blocks in a slab. */
#include "runtime/memory_plan.h"

#include "base/size.h"

#include <string.h>

static bool reserve(struct onr_memory_plan *plan, uint32_t capacity)
{
    if (capacity <= plan->capacity) {
        return true;
    }
    struct onr_block *live = ONR_ARENA_ARRAY(plan->arena, (size_t)capacity * 2, struct onr_block);
    if (live == NULL) {
        return false;
    }
    if (plan->count > 0) {
        memcpy(live, plan->live, plan->count * sizeof *live);
    }
    plan->live = live;
    plan->capacity = capacity * 2;
    return true;
}

bool onr_memory_plan_init(struct onr_memory_plan *plan, struct onr_arena *arena,
                          const struct onr_memory_plan *from)
{
    *plan = (struct onr_memory_plan){.arena = arena};
    if (from == NULL) {
        return true;
    }
    plan->slab_bytes = from->slab_bytes;
    plan->live_bytes = from->live_bytes;
    if (!reserve(plan, from->count)) {
        return false;
    }
    if (from->count > 0) {
        memcpy(plan->live, from->live, from->count * sizeof *from->live);
    }
    plan->count = from->count;
    return true;
}

void onr_memory_plan_expire(struct onr_memory_plan *plan, uint32_t node)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        if (plan->live[i].last_use >= node) {
            plan->live[kept++] = plan->live[i];
        } else {
            plan->live_bytes -= plan->live[i].bytes;
        }
    }
    plan->count = kept;
}

bool onr_memory_plan_place(struct onr_memory_plan *plan, size_t bytes, uint32_t last_use,
                           size_t *offset)
{
    size_t need = onr_size_align(bytes != 0 ? bytes : 1, ONR_SLAB_ALIGN);
    if (bytes > ONR_SIZE_LIMIT || !reserve(plan, plan->count + 1)) {
        return false;
    }
    /* The smallest gap between live blocks; behind the last one when none fits. */
    size_t end = 0;
    size_t best_gap = SIZE_MAX;
    uint32_t best = plan->count;
    size_t best_offset = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        size_t gap = plan->live[i].offset - end;
        if (gap >= need && gap < best_gap) {
            best_gap = gap;
            best = i;
            best_offset = end;
        }
        end = plan->live[i].offset + plan->live[i].bytes;
    }
    if (best == plan->count) {
        best_offset = end;
    }
    if (best_offset + need > ONR_SIZE_LIMIT) {
        return false;
    }
    memmove(plan->live + best + 1, plan->live + best, (plan->count - best) * sizeof *plan->live);
    plan->live[best] =
        (struct onr_block){.offset = best_offset, .bytes = need, .last_use = last_use};
    plan->count++;
    plan->live_bytes += need;
    if (best_offset + need > plan->slab_bytes) {
        plan->slab_bytes = best_offset + need;
    }
    *offset = best_offset;
    return true;
}

void onr_memory_plan_extend(struct onr_memory_plan *plan, size_t offset, uint32_t last_use)
{
    for (uint32_t i = 0; i < plan->count; i++) {
        if (plan->live[i].offset == offset && plan->live[i].last_use < last_use) {
            plan->live[i].last_use = last_use;
        }
    }
}
