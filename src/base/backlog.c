/* SPDX-License-Identifier: Apache-2.0 */
/* Loops one after the other on one scale of bytes, which threads cut into equal parts. */
#include "base/backlog.h"

/* Least part of a thread. */
#define GRAIN_BYTES ((size_t)1 << 16)

struct onr_backlog_loop {
    struct onr_backlog_loop *next;
    size_t begin; /* bytes of the loops before it */
    size_t count;
    size_t item_bytes;
    onr_task_fn fn;
    void *arg;
};

void onr_backlog_init(struct onr_backlog *backlog, const struct onr_parallel *parallel,
                      struct onr_arena *arena, bool at_once)
{
    *backlog = (struct onr_backlog){.parallel = parallel, .arena = arena, .is_at_once = at_once};
    backlog->end = &backlog->first;
}

/* Items of the loop that begin before this byte. */
static size_t items_before(const struct onr_backlog_loop *loop, size_t byte)
{
    if (byte <= loop->begin) {
        return 0;
    }
    size_t items = (byte - loop->begin - 1) / loop->item_bytes + 1;
    return items < loop->count ? items : loop->count;
}

static void run_part(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct onr_backlog *backlog = arg;
    for (const struct onr_backlog_loop *loop = backlog->first; loop != NULL; loop = loop->next) {
        size_t first = items_before(loop, begin);
        size_t last = items_before(loop, end);
        if (first < last) {
            loop->fn(loop->arg, first, last, worker);
        }
    }
}

void onr_backlog_run(struct onr_backlog *backlog)
{
    onr_parallel_for(backlog->parallel, backlog->bytes, GRAIN_BYTES, run_part, backlog);
    backlog->first = NULL;
    backlog->end = &backlog->first;
    backlog->bytes = 0;
}

bool onr_backlog_add(struct onr_backlog *backlog, size_t count, size_t item_bytes, onr_task_fn fn,
                     const void *arg, size_t arg_bytes)
{
    struct onr_backlog_loop *loop = ONR_ARENA_NEW(backlog->arena, struct onr_backlog_loop);
    void *copy = onr_arena_copy(backlog->arena, arg, arg_bytes);
    if (loop == NULL || copy == NULL) {
        return false;
    }
    *loop = (struct onr_backlog_loop){
        .begin = backlog->bytes, .count = count, .item_bytes = item_bytes, .fn = fn, .arg = copy};
    *backlog->end = loop;
    backlog->end = &loop->next;
    backlog->bytes += count * item_bytes;
    if (backlog->is_at_once) {
        onr_backlog_run(backlog);
    }
    return true;
}
