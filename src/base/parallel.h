/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data-parallel loops over the threads of a session. Work is split over outputs in contiguous
 * ranges, so results never depend on the number of threads, nor on which thread did what.
 *
 * The caller never waits for a thread that has not begun: threads take the ranges of a loop by
 * ticket, and the caller takes all those that nobody else has come for.
 */
#ifndef ONR_BASE_PARALLEL_H
#define ONR_BASE_PARALLEL_H

#include "base/error.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <stddef.h>

#define ONR_MAX_THREADS 256

struct onr_team;

/* The threads of one session. One thread at a time may start loops. */
struct onr_parallel {
    unsigned thread_count; /* 1 to ONR_MAX_THREADS, the caller included */
    struct onr_team *team; /* NULL: every loop runs in the caller */
};

/* Does the items [begin, end); worker is 0 .. thread_count-1 and picks per-thread scratch. */
typedef void (*onr_task_fn)(void *arg, size_t begin, size_t end, unsigned worker);

/*
 * thread_count 0: OMP_NUM_THREADS, else what affinity mask and cgroup quota allow. Threads start
 * with the first loop that is split; a loop works without those that the system refuses.
 * Errors: ONR_ERR_MEMORY.
 */
enum onr_status onr_parallel_init(struct onr_parallel *parallel, unsigned thread_count,
                                  struct onr_mem *mem, struct onr_error *err) ONR_MUST_USE;

/* Ends the threads. Loops may still be run, in the caller. */
void onr_parallel_free(struct onr_parallel *parallel);

/*
 * Calls fn over [0, count) in at most thread_count ranges of at least grain items each, and returns
 * when all are done. Other threads take over the caller's floating-point environment. Everything
 * runs in the caller when there is one range, in a child after fork, and in a loop within a loop.
 */
void onr_parallel_for(const struct onr_parallel *parallel, size_t count, size_t grain,
                      onr_task_fn fn, void *arg);

/* Numbers from 0 on that the threads of a loop take one by one: work that is not shared out before
 * but goes to whoever is free. */
struct onr_counter {
    _Atomic size_t next;
};

static inline size_t onr_counter_take(struct onr_counter *counter)
{
    return atomic_fetch_add_explicit(&counter->next, 1, memory_order_relaxed);
}

/*
 * Between open and close the threads stay awake for a while after each loop, so that the next one
 * starts at once; outside they sleep, but for the time that onr_parallel_spin grants. Neither of the
 * two waits for a thread.
 */
void onr_parallel_open(const struct onr_parallel *parallel);
void onr_parallel_close(const struct onr_parallel *parallel);

/* How long threads look for work after close before they sleep; 0, as at first: not at all. Before
 * the first loop. */
void onr_parallel_spin(const struct onr_parallel *parallel, uint32_t microseconds);

#endif
