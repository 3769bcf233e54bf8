/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "base/float_mode.h"
#include "base/os.h"
#include "base/parallel.h"
#include "support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
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

static struct onr_mem mem;

static void start(struct onr_parallel *parallel, unsigned threads)
{
    struct onr_error err;
    onr_mem_init(&mem, NULL, 0);
    assert_int_equal(onr_parallel_init(parallel, threads, &mem, &err), ONR_OK);
}

static void end(struct onr_parallel *parallel)
{
    onr_parallel_free(parallel);
    assert_null(parallel->team);
    assert_int_equal(mem.live_bytes, 0);
}

static void check(const struct onr_parallel *parallel, size_t count, size_t grain)
{
    struct seen seen = {.ranges = {0}};
    unsigned ranges = 0;
    onr_parallel_for(parallel, count, grain, mark, &seen);
    for (size_t i = 0; i < MAX_COUNT; i++) {
        assert_int_equal(seen.times[i], i < count);
    }
    for (unsigned i = 0; i < ONR_MAX_THREADS; i++) {
        assert_true(seen.ranges[i] == 0 || i < parallel->thread_count);
        ranges += seen.ranges[i];
    }
    assert_true(ranges <= parallel->thread_count);
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
        struct onr_parallel parallel;
        start(&parallel, threads[t]);
        for (size_t c = 0; c < 11; c++) {
            for (size_t g = 0; g < 7; g++) {
                check(&parallel, counts[c], grains[g]);
            }
        }
        end(&parallel);
    }
}

/* Many loops of changing size in a row; in each, every item must be done once when it returns. The
 * number of the first loop that went wrong, or SIZE_MAX. */
static size_t run_loops(const struct onr_parallel *parallel, size_t loop_count)
{
    struct seen seen = {.ranges = {0}};
    size_t wrong = SIZE_MAX;
    for (size_t i = 0; i < loop_count; i++) {
        size_t count = i % 37;
        memset(seen.times, 0, 64);
        onr_parallel_for(parallel, count, 1 + i % 3, mark, &seen);
        for (size_t k = 0; k < 64; k++) {
            if (seen.times[k] != (k < count) && wrong == SIZE_MAX) {
                wrong = i;
            }
        }
    }
    return wrong;
}

static void every_loop_is_complete_when_it_returns(void **state)
{
    (void)state;
    static const unsigned threads[] = {1, 2, 3, 8};
    for (size_t t = 0; t < 4; t++) {
        struct onr_parallel parallel;
        start(&parallel, threads[t]);
        assert_true(run_loops(&parallel, 500) == SIZE_MAX);
        onr_parallel_open(&parallel);
        assert_true(run_loops(&parallel, 5000) == SIZE_MAX);
        onr_parallel_close(&parallel);
        assert_true(run_loops(&parallel, 500) == SIZE_MAX);
        end(&parallel);
    }
}

struct counter {
    _Atomic unsigned value;
};

/* Ranges of which each waits until another thread has begun one, or a second is over. */
static void meet(void *arg, size_t begin, size_t end_item, unsigned worker)
{
    struct counter *present = arg;
    (void)begin;
    (void)end_item;
    (void)worker;
    atomic_fetch_add(&present->value, 1);
    double until = onr_os_seconds() + 1;
    while (atomic_load(&present->value) < 2 && onr_os_seconds() < until) {
        onr_os_yield();
    }
}

static void sleeping_threads_are_woken(void **state)
{
    (void)state;
    struct onr_parallel parallel;
    start(&parallel, 2);
    for (int i = 0; i < 20; i++) {
        struct counter present = {.value = 0};
        onr_parallel_open(&parallel);
        double begin = onr_os_seconds();
        onr_parallel_for(&parallel, 2, 1, meet, &present);
        if (parallel.thread_count == 2) {
            assert_true(onr_os_seconds() - begin < 1);
        }
        onr_parallel_close(&parallel);
        const struct timespec pause = {.tv_nsec = 1000000};
        (void)nanosleep(&pause, NULL);
    }
    end(&parallel);
}

/* The other thread stays in its range, so that the caller comes to sleep. */
static void linger(void *arg, size_t begin, size_t end_item, unsigned worker)
{
    struct counter *done = arg;
    (void)begin;
    (void)end_item;
    if (worker != 0) {
        const struct timespec pause = {.tv_nsec = 20000000};
        (void)nanosleep(&pause, NULL);
    }
    atomic_fetch_add(&done->value, 1);
}

static void the_caller_waits_for_ranges_that_have_begun(void **state)
{
    (void)state;
    struct onr_parallel parallel;
    start(&parallel, 3);
    for (int i = 0; i < 10; i++) {
        struct counter done = {.value = 0};
        onr_parallel_for(&parallel, 3, 1, linger, &done);
        assert_true(atomic_load(&done.value) == (parallel.thread_count < 3 ? 1u : 3u));
    }
    end(&parallel);
}

struct nested {
    const struct onr_parallel *parallel;
    struct seen seen[4];
};

static void loop_within(void *arg, size_t begin, size_t end_item, unsigned worker)
{
    struct nested *nested = arg;
    (void)worker;
    for (size_t i = begin; i < end_item; i++) {
        onr_parallel_for(nested->parallel, 100, 1, mark, &nested->seen[i]);
    }
}

static void a_loop_within_a_loop_is_serial(void **state)
{
    (void)state;
    struct onr_parallel parallel;
    start(&parallel, 4);
    struct nested nested = {.parallel = &parallel};
    onr_parallel_for(&parallel, 4, 1, loop_within, &nested);
    for (size_t i = 0; i < 4; i++) {
        assert_true(nested.seen[i].times[0] == 1 && nested.seen[i].times[99] == 1);
        assert_true(parallel.thread_count == 1 || nested.seen[i].ranges[0] == 1);
    }
    end(&parallel);
}

/* CPU seconds of the whole process. */
static double cpu_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void threads_sleep_between_runs(void **state)
{
    (void)state;
    struct onr_parallel parallel;
    start(&parallel, 4);
    onr_parallel_open(&parallel);
    assert_true(run_loops(&parallel, 1000) == SIZE_MAX);
    onr_parallel_close(&parallel);
    const struct timespec moment = {.tv_nsec = 20000000};
    (void)nanosleep(&moment, NULL);
    double before = cpu_seconds();
    const struct timespec pause = {.tv_nsec = 200000000};
    (void)nanosleep(&pause, NULL);
    assert_true(cpu_seconds() - before < 0.02);
    end(&parallel);
}

/* CPU seconds from the end of a run on, in which threads look for work for 0.1 s. On a busy machine these
 * may pass before the threads get a processor. */
static double cpu_seconds_after_run(struct onr_parallel *parallel)
{
    onr_parallel_open(parallel);
    assert_true(run_loops(parallel, 1000) == SIZE_MAX);
    double before = cpu_seconds();
    onr_parallel_close(parallel);
    const struct timespec moment = {.tv_nsec = 200000000};
    (void)nanosleep(&moment, NULL);
    return cpu_seconds() - before;
}

static void threads_look_for_work_as_long_as_they_may_and_then_sleep(void **state)
{
    (void)state;
    struct onr_parallel parallel;
    start(&parallel, 4);
    onr_parallel_spin(&parallel, 100000);
    double looking = cpu_seconds_after_run(&parallel);
    for (int more = 0; more < 20 && parallel.thread_count > 1 && looking <= 0.001; more++) {
        looking = cpu_seconds_after_run(&parallel);
    }
    assert_true(parallel.thread_count == 1 || looking > 0.001);
    double before = cpu_seconds();
    const struct timespec moment = {.tv_nsec = 200000000};
    (void)nanosleep(&moment, NULL);
    assert_true(cpu_seconds() - before < 0.02);
    assert_true(run_loops(&parallel, 1000) == SIZE_MAX);
    end(&parallel);
}

static void threads_with_nothing_to_do_sleep_in_a_run(void **state)
{
    (void)state;
    struct onr_parallel parallel;
    start(&parallel, 4);
    onr_parallel_open(&parallel);
    assert_true(run_loops(&parallel, 1000) == SIZE_MAX);
    const struct timespec moment = {.tv_nsec = 50000000};
    (void)nanosleep(&moment, NULL);
    double before = cpu_seconds();
    const struct timespec pause = {.tv_nsec = 200000000};
    (void)nanosleep(&pause, NULL);
    assert_true(cpu_seconds() - before < 0.02);
    assert_true(run_loops(&parallel, 1000) == SIZE_MAX);
    onr_parallel_close(&parallel);
    end(&parallel);
}

struct modes {
    struct counter present;
    uint64_t of[8];
    float halved[8]; /* of the smallest normal number */
};

static void note_mode(void *arg, size_t begin, size_t end_item, unsigned worker)
{
    struct modes *modes = arg;
    meet(&modes->present, begin, end_item, worker);
    for (size_t i = begin; i < end_item; i++) {
        volatile float least = 1.17549435e-38f;
        modes->of[i] = onr_float_mode() & ~ONR_FLOAT_MODE_FLAGS;
        modes->halved[i] = least * 0.5f;
    }
}

static void threads_take_over_the_floating_point_environment(void **state)
{
    (void)state;
    static const uint64_t wanted[] = {ONR_FLOAT_MODE_FLUSH, ONR_FLOAT_MODE_DEFAULT};
    struct onr_parallel parallel;
    uint64_t before = onr_float_mode();
    start(&parallel, 2);
    for (int i = 0; i < 10; i++) {
        struct modes modes = {.present.value = 0};
        onr_float_mode_set(wanted[i % 2]);
        onr_parallel_for(&parallel, 8, 1, note_mode, &modes);
        onr_float_mode_set(before);
        bool is_flushed = ONR_FLOAT_MODE_FLUSH != ONR_FLOAT_MODE_DEFAULT && i % 2 == 0;
        for (int k = 0; k < 8; k++) {
            assert_true(modes.of[k] == wanted[i % 2]);
            assert_true((modes.halved[k] == 0) == is_flushed);
        }
    }
    end(&parallel);
}

static void loops_work_after_the_threads_have_ended(void **state)
{
    (void)state;
    struct onr_parallel parallel;
    start(&parallel, 2);
    check(&parallel, 100, 1);
    end(&parallel);
    onr_parallel_open(&parallel);
    check(&parallel, 100, 1);
    onr_parallel_close(&parallel);
    end(&parallel);
}

/* No room for the stacks of threads: the system refuses them. */
static void loops_work_without_threads(void **state)
{
    (void)state;
    pthread_attr_t before;
    pthread_attr_t huge;
    struct onr_parallel parallel;
    start(&parallel, 4);
    assert_int_equal(pthread_getattr_default_np(&before), 0);
    assert_int_equal(pthread_attr_init(&huge), 0);
    assert_int_equal(pthread_attr_setstacksize(&huge, (size_t)1 << 47), 0);
    assert_int_equal(pthread_setattr_default_np(&huge), 0);
    size_t wrong = run_loops(&parallel, 1000);
    struct seen seen = {.ranges = {0}};
    onr_parallel_for(&parallel, MAX_COUNT, 1, mark, &seen);
    assert_int_equal(pthread_setattr_default_np(&before), 0);
    assert_true(wrong == SIZE_MAX);
    assert_int_equal(seen.ranges[0], parallel.thread_count);
    (void)pthread_attr_destroy(&huge);
    (void)pthread_attr_destroy(&before);
    end(&parallel);
}

static void a_team_needs_memory(void **state)
{
    (void)state;
    struct onr_parallel parallel;
    struct onr_error err;
    onr_mem_init(&mem, NULL, 16);
    enum onr_status status = onr_parallel_init(&parallel, 2, &mem, &err);
    assert_int_equal(status, parallel.thread_count == 1 ? ONR_OK : ONR_ERR_MEMORY);
    onr_parallel_free(&parallel);
}

static void thread_counts_are_bounded(void **state)
{
    (void)state;
    static const unsigned asked[] = {100000, 0};
    for (size_t i = 0; i < 2; i++) {
        struct onr_parallel parallel;
        start(&parallel, asked[i]);
        assert_true(parallel.thread_count >= 1 && parallel.thread_count <= ONR_MAX_THREADS);
        end(&parallel);
    }
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

/* Threads do not survive a fork: the child must not wait for them. */
struct numbers {
    struct onr_counter counter;
    _Atomic unsigned char times[MAX_COUNT];
};

static void take_numbers(void *arg, size_t begin, size_t end, unsigned worker)
{
    struct numbers *numbers = arg;
    (void)begin;
    (void)end;
    (void)worker;
    size_t n;
    while ((n = onr_counter_take(&numbers->counter)) < MAX_COUNT) {
        atomic_fetch_add(&numbers->times[n], 1);
    }
}

static void each_number_is_taken_once(void **state)
{
    (void)state;
    struct onr_parallel parallel;
    static struct numbers numbers;
    start(&parallel, 4);
    onr_parallel_for(&parallel, 4, 1, take_numbers, &numbers);
    for (size_t i = 0; i < MAX_COUNT; i++) {
        assert_int_equal(numbers.times[i], 1);
    }
    end(&parallel);
}

static void a_forked_child_runs_serially(void **state)
{
    (void)state;
    struct onr_parallel parallel;
    start(&parallel, 4);
    check(&parallel, MAX_COUNT, 1);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct seen seen = {.ranges = {0}};
        onr_parallel_open(&parallel);
        size_t wrong = run_loops(&parallel, 1000);
        onr_parallel_close(&parallel);
        onr_parallel_for(&parallel, MAX_COUNT, 1, mark, &seen);
        onr_parallel_free(&parallel);
        _exit(wrong == SIZE_MAX && seen.ranges[0] == 1 && seen.times[MAX_COUNT - 1] == 1 ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    check(&parallel, MAX_COUNT, 1);
    end(&parallel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_is_done_once),
        cmocka_unit_test(each_number_is_taken_once),
        cmocka_unit_test(every_loop_is_complete_when_it_returns),
        cmocka_unit_test(sleeping_threads_are_woken),
        cmocka_unit_test(the_caller_waits_for_ranges_that_have_begun),
        cmocka_unit_test(a_loop_within_a_loop_is_serial),
        cmocka_unit_test(threads_sleep_between_runs),
        cmocka_unit_test(threads_look_for_work_as_long_as_they_may_and_then_sleep),
        cmocka_unit_test(threads_with_nothing_to_do_sleep_in_a_run),
        cmocka_unit_test(threads_take_over_the_floating_point_environment),
        cmocka_unit_test(loops_work_after_the_threads_have_ended),
        cmocka_unit_test(loops_work_without_threads),
        cmocka_unit_test(a_team_needs_memory),
        cmocka_unit_test(thread_counts_are_bounded),
        cmocka_unit_test(the_environment_gives_the_default),
        cmocka_unit_test(a_forked_child_runs_serially),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
