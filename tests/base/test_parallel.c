/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L
#include "base/os.h"
#include "base/parallel.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_COUNT 1000

struct seen {
    unsigned char times[MAX_COUNT];
    unsigned char ranges[ONR_MAX_THREADS]; /* how often each worker was called */
};

static void mark(void *arg, size_t begin, size_t end, unsigned worker)
{
    struct seen *seen = arg;
    seen->ranges[worker]++;
    for (size_t i = begin; i < end; i++) {
        seen->times[i]++;
    }
}

static void check(unsigned threads, size_t count, size_t grain)
{
    struct onr_parallel parallel;
    struct seen seen = {.ranges = {0}};
    unsigned ranges = 0;
    onr_parallel_init(&parallel, threads);
    onr_parallel_for(&parallel, count, grain, mark, &seen);
    for (size_t i = 0; i < MAX_COUNT; i++) {
        assert_int_equal(seen.times[i], i < count);
    }
    for (unsigned i = 0; i < ONR_MAX_THREADS; i++) {
        assert_true(seen.ranges[i] <= (i < parallel.thread_count));
        ranges += seen.ranges[i];
    }
    assert_true(ranges <= 1 || ranges * grain <= count);
    assert_true(count == 0 || ranges > 0);
}

static void every_item_is_done_once(void **state)
{
    (void)state;
    static const unsigned threads[] = {1, 2, 3, 7, 64};
    static const size_t counts[] = {0, 1, 2, 3, 7, 8, 63, 64, 65, 997, MAX_COUNT};
    static const size_t grains[] = {0, 1, 2, 10, 500, 501, 100000};
    for (size_t t = 0; t < 5; t++) {
        for (size_t c = 0; c < 11; c++) {
            for (size_t g = 0; g < 7; g++) {
                check(threads[t], counts[c], grains[g]);
            }
        }
    }
}

struct region {
    struct onr_parallel parallel;
    struct seen seen;
    size_t loop_count; /* that went wrong: SIZE_MAX when none did */
};

/* Many loops of changing size in a row; in each, every item must be done once when it returns. */
static void run_loops(void *arg)
{
    struct region *region = arg;
    region->loop_count = SIZE_MAX;
    for (size_t i = 0; i < 20000; i++) {
        size_t count = i % 37;
        memset(region->seen.times, 0, 64);
        onr_parallel_for(&region->parallel, count, 1 + i % 3, mark, &region->seen);
        for (size_t k = 0; k < 64; k++) {
            if (region->seen.times[k] != (k < count) && region->loop_count == SIZE_MAX) {
                region->loop_count = i;
            }
        }
    }
}

static void every_loop_of_a_region_is_complete_when_it_returns(void **state)
{
    (void)state;
    static const unsigned threads[] = {1, 2, 3, 8};
    for (size_t t = 0; t < 4; t++) {
        struct region region = {.loop_count = 0};
        onr_parallel_init(&region.parallel, threads[t]);
        onr_parallel_region(&region.parallel, run_loops, &region);
        assert_true(region.loop_count == SIZE_MAX);
        for (unsigned i = region.parallel.thread_count; i < ONR_MAX_THREADS; i++) {
            assert_int_equal(region.seen.ranges[i], 0);
        }
    }
}

static void loops_work_after_a_region(void **state)
{
    (void)state;
    struct region region = {.loop_count = 0};
    onr_parallel_init(&region.parallel, 2);
    onr_parallel_region(&region.parallel, run_loops, &region);
    run_loops(&region);
    assert_true(region.loop_count == SIZE_MAX);
}

static void thread_counts_are_bounded(void **state)
{
    (void)state;
    struct onr_parallel parallel;
    onr_parallel_init(&parallel, 100000);
    assert_true(parallel.thread_count >= 1 && parallel.thread_count <= ONR_MAX_THREADS);
    onr_parallel_init(&parallel, 0);
    assert_true(parallel.thread_count >= 1 && parallel.thread_count <= ONR_MAX_THREADS);
}

static void the_environment_gives_the_default(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        unsigned threads; /* 0: what the system allows */
    } cases[] = {{"3", 3}, {"5,2", 5}, {"0", 0}, {"-1", 0}, {"", 0}, {"many", 0}, {"99999999", 0}};
    assert_int_equal(unsetenv("OMP_NUM_THREADS"), 0);
    unsigned fallback = onr_os_default_threads();
    assert_true(fallback >= 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(setenv("OMP_NUM_THREADS", cases[i].value, 1), 0);
        assert_int_equal(onr_os_default_threads(),
                         cases[i].threads != 0 ? cases[i].threads : fallback);
    }
    assert_int_equal(unsetenv("OMP_NUM_THREADS"), 0);
}

/* An OpenMP team does not survive a fork: the child must not wait for it. */
static void a_forked_child_runs_serially(void **state)
{
    (void)state;
    struct onr_parallel parallel;
    struct seen seen = {.ranges = {0}};
    onr_parallel_init(&parallel, 4);
    onr_parallel_for(&parallel, MAX_COUNT, 1, mark, &seen);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        memset(&seen, 0, sizeof seen);
        struct region region = {.parallel = parallel};
        onr_parallel_region(&region.parallel, run_loops, &region);
        onr_parallel_for(&parallel, MAX_COUNT, 1, mark, &seen);
        _exit(region.loop_count == SIZE_MAX && seen.ranges[0] == 1 && seen.times[0] == 1 &&
                      seen.times[MAX_COUNT - 1] == 1
                  ? 0
                  : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_is_done_once),
        cmocka_unit_test(every_loop_of_a_region_is_complete_when_it_returns),
        cmocka_unit_test(loops_work_after_a_region),
        cmocka_unit_test(thread_counts_are_bounded),
        cmocka_unit_test(the_environment_gives_the_default),
        cmocka_unit_test(a_forked_child_runs_serially),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
