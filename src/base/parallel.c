/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parallel loops over OpenMP, or plain ones in a build without it.
 *
 * In a region the threads take the ranges of a loop by ticket. All that decides who may take one is a single
 * word, so that a thread that slept through a loop cannot touch the next one with what it read before:
 *
 *     63        32 31     16 15      0
 *     | generation | ranges | next    |      next == ranges: nothing to take
 */
#include "base/parallel.h"

#include "base/os.h"

#ifdef _OPENMP
#    include <omp.h>
#endif
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Looks at an idle region before its threads begin to yield; some tens of microseconds. */
#define SPIN_COUNT 2000

struct onr_team {
    _Alignas(64) _Atomic uint64_t tickets;
    _Alignas(64) _Atomic uint32_t done_count; /* ranges of this loop that are done */
    _Alignas(64) _Atomic uint32_t is_over;    /* the region ends */
    onr_task_fn fn;                           /* of the loop; written while no ticket is out */
    void *arg;
    size_t count;
};

void onr_parallel_init(struct onr_parallel *parallel, unsigned thread_count)
{
    unsigned count = thread_count != 0 ? thread_count : onr_os_default_threads();
    if (count > ONR_MAX_THREADS) {
        count = ONR_MAX_THREADS;
    }
#ifndef _OPENMP
    count = 1;
#endif
    *parallel = (struct onr_parallel){.thread_count = count, .owner_pid = onr_os_process_id()};
}

/* First item of range r of ranges over count items. */
static size_t range_begin(size_t count, size_t ranges, size_t r)
{
    size_t rest = count % ranges;
    return r * (count / ranges) + (r < rest ? r : rest);
}

/* Takes the next range and does it; false when all have been taken. */
static bool take_range(struct onr_team *team, unsigned worker)
{
    uint64_t tickets = atomic_load_explicit(&team->tickets, memory_order_acquire);
    size_t ranges = 0;
    size_t r = 0;
    do {
        ranges = tickets >> 16 & UINT16_MAX;
        r = tickets & UINT16_MAX;
        if (r >= ranges) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&team->tickets, &tickets, tickets + 1,
                                                    memory_order_acq_rel, memory_order_acquire));
    team->fn(team->arg, range_begin(team->count, ranges, r),
             range_begin(team->count, ranges, r + 1), worker);
    atomic_fetch_add_explicit(&team->done_count, 1, memory_order_release);
    return true;
}

/* Waits a little, and longer the more often it was called. */
static void back_off(unsigned *idle_count)
{
    if (++*idle_count < SPIN_COUNT) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#endif
    } else {
        onr_os_yield();
    }
}

/* A loop in a region: the caller takes ranges too, then waits for those that others have taken. */
static void team_for(struct onr_team *team, size_t count, size_t ranges, onr_task_fn fn, void *arg)
{
    uint64_t generation = (atomic_load_explicit(&team->tickets, memory_order_relaxed) >> 32) + 1;
    unsigned idle_count = 0;
    team->fn = fn;
    team->arg = arg;
    team->count = count;
    atomic_store_explicit(&team->done_count, 0, memory_order_relaxed);
    atomic_store_explicit(&team->tickets, generation << 32 | (uint64_t)ranges << 16,
                          memory_order_release);
    while (take_range(team, 0)) {
    }
    while (atomic_load_explicit(&team->done_count, memory_order_acquire) < ranges) {
        back_off(&idle_count);
    }
}

void onr_parallel_for(const struct onr_parallel *parallel, size_t count, size_t grain,
                      onr_task_fn fn, void *arg)
{
    if (count == 0) {
        return;
    }
    size_t ranges = grain > 1 ? count / grain : count;
    if (ranges > parallel->thread_count) {
        ranges = parallel->thread_count;
    }
    if (ranges <= 1 || onr_os_process_id() != parallel->owner_pid) {
        fn(arg, 0, count, 0);
        return;
    }
    if (parallel->team != NULL) {
        team_for(parallel->team, count, ranges, fn, arg);
        return;
    }
#pragma omp parallel for num_threads((int)ranges) schedule(static, 1)
    for (size_t r = 0; r < ranges; r++) {
        fn(arg, range_begin(count, ranges, r), range_begin(count, ranges, r + 1), (unsigned)r);
    }
}

/* What a thread other than the caller does in a region: ranges, until it is over. */
static void serve(struct onr_team *team, unsigned worker)
{
    unsigned idle_count = 0;
    while (atomic_load_explicit(&team->is_over, memory_order_acquire) == 0) {
        if (take_range(team, worker)) {
            idle_count = 0;
        } else {
            back_off(&idle_count);
        }
    }
}

static unsigned thread_number(void)
{
#ifdef _OPENMP
    return (unsigned)omp_get_thread_num();
#else
    return 0;
#endif
}

static void open_region(struct onr_parallel *parallel, void (*fn)(void *arg), void *arg)
{
    struct onr_team team = {.count = 0};
    parallel->team = &team;
#pragma omp parallel num_threads((int)parallel->thread_count)
    {
        unsigned worker = thread_number();
        if (worker == 0) {
            fn(arg);
            atomic_store_explicit(&team.is_over, 1, memory_order_release);
        } else {
            serve(&team, worker);
        }
    }
    parallel->team = NULL;
}

void onr_parallel_region(struct onr_parallel *parallel, void (*fn)(void *arg), void *arg)
{
    if (parallel->thread_count > 1 && onr_os_process_id() == parallel->owner_pid) {
        open_region(parallel, fn, arg);
    } else {
        fn(arg);
    }
}
