/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parallel loops over threads of our own.
 *
 * An OpenMP region ends with a barrier: on a busy machine its caller waits until the system has
 * scheduled each thread once, though there was nothing left to do. And the runtimes of OpenMP end
 * the process when they get no thread.
 *
 * All that decides who may do a range is one word, ranges << 16 | next. A thread looks at the loop
 * only after it has taken a ticket, and the caller stays until what was taken is done. So it does no
 * harm when a thread has slept through any number of loops between reading the word and taking a
 * ticket: either the word has changed, or the ticket is one of the present loop.
 */
#include "base/parallel.h"

#include "base/float_mode.h"
#include "base/os.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Looks for work before a thread begins to yield, and before it sleeps: 50 to 100 us in all, which
 * is about what it costs to wake it. */
#define SPIN_COUNT 2000
#define IDLE_COUNT 2050

struct member {
    struct onr_team *team;
    unsigned worker;
    struct onr_os_thread thread;
};

struct onr_team {
    _Alignas(64) _Atomic uint32_t tickets;
    _Alignas(64) _Atomic uint32_t done_count; /* ranges of this loop that are done */
    _Atomic uint32_t is_awaited;              /* the caller sleeps on done_count */
    _Alignas(64) _Atomic uint32_t alarm; /* changes when there is work; idle threads sleep on it */
    _Atomic uint32_t sleeper_count;
    _Atomic uint32_t is_open; /* idle threads stay awake for a while */
    _Atomic uint32_t is_over; /* threads end */
    /* The loop, written while no ticket is out. */
    _Alignas(64) onr_task_fn fn;
    void *arg;
    size_t count;
    uint64_t float_mode;
    double spin_seconds; /* that threads stay awake outside; constant once they have started */
    bool is_busy;        /* from the first ticket until all are done */
    /* The caller's own. */
    bool is_started;
    bool is_ours; /* since open: this is no child of the process that made the team */
    long owner_pid;
    struct onr_mem *mem;
    unsigned member_count; /* that run */
    unsigned member_limit;
    struct member members[];
};

static size_t team_bytes(unsigned member_limit)
{
    return sizeof(struct onr_team) + member_limit * sizeof(struct member);
}

enum onr_status onr_parallel_init(struct onr_parallel *parallel, unsigned thread_count,
                                  struct onr_mem *mem, struct onr_error *err)
{
    unsigned count = thread_count != 0 ? thread_count : onr_os_default_threads();
    if (count > ONR_MAX_THREADS) {
        count = ONR_MAX_THREADS;
    }
#ifndef ONR_THREADS
    count = 1;
#endif
    *parallel = (struct onr_parallel){.thread_count = count};
    if (count == 1) {
        return ONR_OK;
    }
    struct onr_team *team = onr_mem_calloc(mem, team_bytes(count - 1));
    if (team == NULL) {
        return onr_fail_memory(err, "threads");
    }
    team->owner_pid = onr_os_process_id();
    team->mem = mem;
    team->member_limit = count - 1;
    parallel->team = team;
    return ONR_OK;
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
    uint32_t tickets = atomic_load_explicit(&team->tickets, memory_order_acquire);
    do {
        if ((tickets & UINT16_MAX) >= tickets >> 16) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&team->tickets, &tickets, tickets + 1,
                                                    memory_order_acq_rel, memory_order_acquire));
    uint32_t ranges = tickets >> 16;
    uint32_t r = tickets & UINT16_MAX;
    if ((onr_float_mode() & ~ONR_FLOAT_MODE_FLAGS) != team->float_mode) {
        onr_float_mode_set(team->float_mode);
    }
    team->fn(team->arg, range_begin(team->count, ranges, r),
             range_begin(team->count, ranges, r + 1), worker);
    atomic_fetch_add(&team->done_count, 1);
    if (atomic_load(&team->is_awaited) != 0) {
        onr_os_wake(&team->done_count, 1);
    }
    return true;
}

/* Waits a little, and longer the more often it was called. */
static void back_off(unsigned *idle_count)
{
    if (++*idle_count < SPIN_COUNT) {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        __asm__ volatile("isb");
#endif
    } else {
        onr_os_yield();
    }
}

/*
 * Either this thread sees the tickets of a new loop, or the caller sees this sleeper and raises the
 * alarm: both first write and then read, in one order of all such operations.
 */
static void sleep_until_alarm(struct onr_team *team)
{
    uint32_t alarm = atomic_load(&team->alarm);
    atomic_fetch_add(&team->sleeper_count, 1);
    uint32_t tickets = atomic_load(&team->tickets);
    if ((tickets & UINT16_MAX) >= tickets >> 16 && atomic_load(&team->is_over) == 0) {
        onr_os_sleep_while(&team->alarm, alarm);
    }
    atomic_fetch_sub(&team->sleeper_count, 1);
}

static void raise_alarm(struct onr_team *team, unsigned count)
{
    atomic_fetch_add(&team->alarm, 1);
    onr_os_wake(&team->alarm, count);
}

/* Whether a thread that has been idle since it looked idle_count times goes on looking for work.
 * *since is the time when it began to look outside of open and close. */
static bool stays_awake(const struct onr_team *team, unsigned idle_count, double *since)
{
    if (idle_count < IDLE_COUNT &&
        atomic_load_explicit(&team->is_open, memory_order_relaxed) != 0) {
        *since = 0;
        return true;
    }
    if (team->spin_seconds <= 0) {
        return false;
    }
    double now = onr_os_seconds();
    *since = *since > 0 ? *since : now;
    return now - *since < team->spin_seconds;
}

/* What each thread but the caller does. */
static void *serve(void *arg)
{
    const struct member *self = arg;
    struct onr_team *team = self->team;
    unsigned idle_count = 0;
    double since = 0;
    while (atomic_load_explicit(&team->is_over, memory_order_acquire) == 0) {
        if (take_range(team, self->worker)) {
            idle_count = 0;
            since = 0;
        } else if (stays_awake(team, idle_count, &since)) {
            back_off(&idle_count);
        } else {
            sleep_until_alarm(team);
            idle_count = 0;
            since = 0;
        }
    }
    return NULL;
}

static void start_threads(struct onr_team *team)
{
    team->is_started = true;
    while (team->member_count < team->member_limit) {
        struct member *member = &team->members[team->member_count];
        *member = (struct member){.team = team, .worker = team->member_count + 1};
        if (!onr_os_thread_start(&member->thread, serve, member)) {
            return;
        }
        team->member_count++;
    }
}

void onr_parallel_free(struct onr_parallel *parallel)
{
    struct onr_team *team = parallel->team;
    if (team == NULL) {
        return;
    }
    if (onr_os_process_id() == team->owner_pid) {
        atomic_store(&team->is_over, 1);
        raise_alarm(team, team->member_count);
        for (unsigned i = 0; i < team->member_count; i++) {
            onr_os_thread_join(&team->members[i].thread);
        }
    }
    onr_mem_free(team->mem, team, team_bytes(team->member_limit));
    parallel->team = NULL;
}

/* Waits for the ranges that other threads have begun. */
static void await_ranges(struct onr_team *team, uint32_t ranges)
{
    unsigned idle_count = 0;
    uint32_t done = 0;
    while ((done = atomic_load(&team->done_count)) < ranges) {
        if (idle_count < IDLE_COUNT) {
            back_off(&idle_count);
        } else if (atomic_exchange(&team->is_awaited, 1) != 0) {
            onr_os_sleep_while(&team->done_count, done);
        }
    }
    atomic_store_explicit(&team->is_awaited, 0, memory_order_relaxed);
}

static void share(struct onr_team *team, size_t count, uint32_t ranges, onr_task_fn fn, void *arg)
{
    team->fn = fn;
    team->arg = arg;
    team->count = count;
    team->float_mode = onr_float_mode() & ~ONR_FLOAT_MODE_FLAGS;
    team->is_busy = true;
    atomic_store_explicit(&team->done_count, 0, memory_order_relaxed);
    atomic_store(&team->tickets, ranges << 16);
    uint32_t sleepers = atomic_load(&team->sleeper_count);
    if (sleepers > 0) {
        raise_alarm(team, sleepers < ranges ? sleepers : ranges - 1);
    }
    while (take_range(team, 0)) {
    }
    await_ranges(team, ranges);
    team->is_busy = false;
}

/* True when the team may do a loop now. */
static bool is_free(const struct onr_team *team)
{
    return !team->is_busy && (team->is_ours || onr_os_process_id() == team->owner_pid);
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
    struct onr_team *team = parallel->team;
    if (ranges <= 1 || team == NULL || !is_free(team)) {
        fn(arg, 0, count, 0);
        return;
    }
    if (!team->is_started) {
        start_threads(team);
    }
    share(team, count, (uint32_t)ranges, fn, arg);
}

void onr_parallel_open(const struct onr_parallel *parallel)
{
    struct onr_team *team = parallel->team;
    if (team != NULL) {
        team->is_ours = onr_os_process_id() == team->owner_pid;
        atomic_store_explicit(&team->is_open, 1, memory_order_relaxed);
    }
}

void onr_parallel_close(const struct onr_parallel *parallel)
{
    struct onr_team *team = parallel->team;
    if (team != NULL) {
        team->is_ours = false;
        atomic_store_explicit(&team->is_open, 0, memory_order_relaxed);
    }
}

void onr_parallel_spin(const struct onr_parallel *parallel, uint32_t microseconds)
{
    struct onr_team *team = parallel->team;
    if (team != NULL) {
        team->spin_seconds = 1e-6 * microseconds;
    }
}
