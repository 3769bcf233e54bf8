/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops that are put off and run as one: threads share out all their items, so that each works on
 * whole loops, and few are split. What they write lies in one block, in the order in which it was
 * asked for: of many blocks each would end in a large page that is not there for it.
 */
#ifndef ONR_BASE_BACKLOG_H
#define ONR_BASE_BACKLOG_H

#include "base/arena.h"
#include "base/parallel.h"

#include <stdbool.h>

struct onr_backlog_loop;
struct onr_backlog_room;

struct onr_backlog {
    const struct onr_parallel *parallel; /* borrowed, as the arena */
    struct onr_arena *arena;
    bool is_at_once;
    struct onr_backlog_loop *first; /* NULL: nothing is put off */
    struct onr_backlog_loop **end;
    size_t bytes;
    struct onr_backlog_room *rooms; /* that are asked for, as loops */
    struct onr_backlog_room **rooms_end;
    size_t room_bytes;
};

/* at_once: nothing is put off. */
void onr_backlog_init(struct onr_backlog *backlog, const struct onr_parallel *parallel,
                      struct onr_arena *arena, bool at_once);

/*
 * Adds the loop fn(arg, ...) over [0, count), whose items take about as long as it takes to write
 * item_bytes (> 0). The arg_bytes at arg are copied. False when memory is out.
 */
bool onr_backlog_add(struct onr_backlog *backlog, size_t count, size_t item_bytes, onr_task_fn fn,
                     const void *arg, size_t arg_bytes) ONR_MUST_USE;

/*
 * Has *place set, before loops that are added later are done, to a block of bytes, uninitialised and
 * aligned as memory is, that lives as long as the arena. False when memory is out.
 */
bool onr_backlog_room(struct onr_backlog *backlog, size_t bytes, void **place) ONR_MUST_USE;

/* Does what is put off. False: memory is out, and nothing was done. */
bool onr_backlog_run(struct onr_backlog *backlog) ONR_MUST_USE;

#endif
