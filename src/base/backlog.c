/* SPDX-License-Identifier: Apache-2.0 */
/* Loops one after the other on one scale of bytes, which threads cut into equal parts. */
#include "base/backlog.h"

#include "base/size.h"

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

struct onr_backlog_room {
    struct onr_backlog_room *next;
    size_t begin; /* in the block of all */
    void **place;
};

static void clear(struct onr_backlog *backlog)
{
    backlog->first = NULL;
    backlog->end = &backlog->first;
    backlog->bytes = 0;
    backlog->rooms = NULL;
    backlog->rooms_end = &backlog->rooms;
    backlog->room_bytes = 0;
}

void onr_backlog_init(struct onr_backlog *backlog, const struct onr_parallel *parallel,
                      struct onr_arena *arena, bool at_once)
{
    *backlog = (struct onr_backlog){.parallel = parallel, .arena = arena, .is_at_once = at_once};
    clear(backlog);
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

/* Sets the places of what was asked for. */
static bool make_room(struct onr_backlog *backlog)
{
    char *block = NULL;
    if (backlog->rooms != NULL) {
        block = onr_arena_room(backlog->arena, backlog->room_bytes);
        if (block == NULL) {
            return false;
        }
    }
    for (const struct onr_backlog_room *room = backlog->rooms; room != NULL; room = room->next) {
        *room->place = block + room->begin;
    }
    return true;
}

bool onr_backlog_run(struct onr_backlog *backlog)
{
    bool has_room = make_room(backlog);
    if (has_room) {
        onr_parallel_for(backlog->parallel, backlog->bytes, GRAIN_BYTES, run_part, backlog);
    }
    clear(backlog);
    return has_room;
}

bool onr_backlog_room(struct onr_backlog *backlog, size_t bytes, void **place)
{
    struct onr_backlog_room *room = ONR_ARENA_NEW(backlog->arena, struct onr_backlog_room);
    size_t begin = backlog->room_bytes;
    if (room == NULL || bytes > ONR_SIZE_LIMIT ||
        !onr_size_add(begin, onr_size_align(bytes, ONR_MEM_ALIGN), &backlog->room_bytes)) {
        return false;
    }
    *room = (struct onr_backlog_room){.begin = begin, .place = place};
    *backlog->rooms_end = room;
    backlog->rooms_end = &room->next;
    return !backlog->is_at_once || onr_backlog_run(backlog);
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
    return !backlog->is_at_once || onr_backlog_run(backlog);
}
