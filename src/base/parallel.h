/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Data-parallel loops: the only home of OpenMP. Work is split over outputs in contiguous ranges, so
 * results never depend on the number of threads. Loops do not nest.
 */
#ifndef ONR_BASE_PARALLEL_H
#define ONR_BASE_PARALLEL_H

#include <stddef.h>

#define ONR_MAX_THREADS 256

struct onr_team;

/* How many threads a session runs with; 1 to ONR_MAX_THREADS. */
struct onr_parallel {
    unsigned thread_count;
    long owner_pid; /* a child after fork runs serially: an OpenMP team does not survive it */
    struct onr_team *team; /* that waits for loops in an open region, else NULL */
};

/* Does the items [begin, end); worker is 0 .. thread_count-1 and picks per-thread scratch. */
typedef void (*onr_task_fn)(void *arg, size_t begin, size_t end, unsigned worker);

/* thread_count 0: OMP_NUM_THREADS, else what affinity mask and cgroup quota allow. */
void onr_parallel_init(struct onr_parallel *parallel, unsigned thread_count);

/*
 * Calls fn over [0, count) in at most thread_count ranges of at least grain items each, and returns
 * when all are done. One range, and every range in a build without OpenMP or in a forked child,
 * runs in the caller.
 */
void onr_parallel_for(const struct onr_parallel *parallel, size_t count, size_t grain,
                      onr_task_fn fn, void *arg);

/*
 * Calls fn(arg) while the other threads stay ready for the loops within, which then start at once and do not
 * wait for a thread that the system has not scheduled: the caller does its share. Regions do not nest.
 */
void onr_parallel_region(struct onr_parallel *parallel, void (*fn)(void *arg), void *arg);

#endif
