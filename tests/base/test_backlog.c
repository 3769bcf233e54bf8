/* SPDX-License-Identifier: Apache-2.0 */
#include "base/backlog.h"
#include "support/test.h"

#include <stdatomic.h>
#include <string.h>

#define LOOPS 4
#define ITEMS 100

/* How often each item was done, and by how many calls. */
struct seen {
    unsigned char times[LOOPS][ITEMS];
    atomic_uint calls[LOOPS];
};

struct loop {
    struct seen *seen;
    unsigned index;
};

static void mark(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct loop *loop = arg;
    (void)worker;
    atomic_fetch_add(&loop->seen->calls[loop->index], 1);
    for (size_t i = begin; i < end; i++) {
        loop->seen->times[loop->index][i]++;
    }
}

struct fixture {
    struct onr_mem mem;
    struct onr_arena arena;
    struct onr_parallel parallel;
    struct onr_backlog backlog;
};

static void begin(struct fixture *f, unsigned threads, bool at_once)
{
    struct onr_error err;
    onr_mem_init(&f->mem, NULL, 0);
    onr_arena_init(&f->arena, &f->mem);
    assert_int_equal(onr_parallel_init(&f->parallel, threads, &f->mem, &err), ONR_OK);
    onr_backlog_init(&f->backlog, &f->parallel, &f->arena, at_once);
}

static void end(struct fixture *f)
{
    onr_arena_free(&f->arena);
    onr_parallel_free(&f->parallel);
    assert_int_equal(f->mem.live_bytes, 0);
}

static void add(struct fixture *f, struct seen *seen, unsigned index, size_t count, size_t bytes)
{
    struct loop loop = {seen, index};
    assert_true(onr_backlog_add(&f->backlog, count, bytes, mark, &loop, sizeof loop));
    memset(&loop, 0xff, sizeof loop); /* it was copied */
}

static void check_done(const struct seen *seen, unsigned index, size_t count)
{
    for (size_t i = 0; i < ITEMS; i++) {
        assert_int_equal(seen->times[index][i], i < count);
    }
}

static void each_item_is_done_once_whatever_the_sizes(void **state)
{
    (void)state;
    static const size_t bytes[] = {1, 7, 3000, 65536, 1000001};
    for (unsigned threads = 1; threads <= 5; threads++) {
        for (size_t b = 0; b < sizeof bytes / sizeof bytes[0]; b++) {
            struct fixture f;
            struct seen seen = {.calls = {0}};
            begin(&f, threads, false);
            add(&f, &seen, 0, 1, 1);
            add(&f, &seen, 1, ITEMS, bytes[b]);
            add(&f, &seen, 2, 0, 1);
            add(&f, &seen, 3, 17, 4096);
            assert_int_equal(seen.calls[0] + seen.calls[1] + seen.calls[3], 0);
            assert_true(onr_backlog_run(&f.backlog));
            check_done(&seen, 0, 1);
            check_done(&seen, 1, ITEMS);
            check_done(&seen, 2, 0);
            check_done(&seen, 3, 17);
            end(&f);
        }
    }
}

static void loops_are_split_only_where_the_shares_of_threads_meet(void **state)
{
    (void)state;
    struct fixture f;
    struct seen seen = {.calls = {0}};
    begin(&f, 2, false);
    for (unsigned i = 0; i < LOOPS; i++) {
        add(&f, &seen, i, ITEMS, 4096);
    }
    assert_true(onr_backlog_run(&f.backlog));
    for (unsigned i = 0; i < LOOPS; i++) {
        assert_int_equal(seen.calls[i], 1);
        check_done(&seen, i, ITEMS);
    }
    end(&f);
}

static void a_backlog_can_be_used_again_and_be_empty(void **state)
{
    (void)state;
    struct fixture f;
    struct seen seen = {.calls = {0}};
    begin(&f, 2, false);
    assert_true(onr_backlog_run(&f.backlog));
    add(&f, &seen, 0, 10, 100);
    assert_true(onr_backlog_run(&f.backlog));
    assert_true(onr_backlog_run(&f.backlog));
    add(&f, &seen, 1, 20, 100);
    assert_true(onr_backlog_run(&f.backlog));
    check_done(&seen, 0, 10);
    check_done(&seen, 1, 20);
    end(&f);
}

static void at_once_puts_nothing_off(void **state)
{
    (void)state;
    struct fixture f;
    struct seen seen = {.calls = {0}};
    begin(&f, 2, true);
    add(&f, &seen, 0, ITEMS, 100);
    check_done(&seen, 0, ITEMS);
    assert_null(f.backlog.first);
    end(&f);
}

/* A loop over what was asked for. */
static void fill(void *arg, size_t begin, size_t end, unsigned worker)
{
    void *const *const *place = arg;
    (void)worker;
    memset((char *)**place + begin, 1, end - begin);
}

static void rooms_lie_one_behind_the_other(void **state)
{
    (void)state;
    static const size_t bytes[] = {100, 0, 3000000, 64};
    for (unsigned at_once = 0; at_once < 2; at_once++) {
        struct fixture f;
        void *place[4] = {NULL};
        begin(&f, 2, at_once != 0);
        for (size_t i = 0; i < 4; i++) {
            assert_true(onr_backlog_room(&f.backlog, bytes[i], &place[i]));
            assert_true((place[i] != NULL) == (at_once != 0));
            void **at = &place[i];
            assert_true(onr_backlog_add(&f.backlog, bytes[i], 1, fill, &at, sizeof at));
        }
        assert_true(onr_backlog_run(&f.backlog));
        for (size_t i = 0; i < 4; i++) {
            assert_true(bytes[i] == 0 || (uintptr_t)place[i] % ONR_MEM_ALIGN == 0);
        }
        if (at_once == 0) {
            assert_ptr_equal(place[1], (char *)place[0] + 128);
            assert_ptr_equal(place[2], place[1]);
            assert_ptr_equal(place[3], (char *)place[2] + 3000000);
        }
        end(&f);
    }
}

static void rooms_for_which_there_is_no_memory_are_told(void **state)
{
    (void)state;
    struct fixture f;
    struct seen seen = {.calls = {0}};
    void *place = NULL;
    begin(&f, 1, false);
    assert_false(onr_backlog_room(&f.backlog, SIZE_MAX, &place));
    add(&f, &seen, 0, 10, 1);
    assert_true(onr_backlog_room(&f.backlog, 100000, &place));
    f.mem.cap_bytes = f.mem.live_bytes;
    assert_false(onr_backlog_run(&f.backlog));
    assert_true(place == NULL && seen.calls[0] == 0);
    assert_true(onr_backlog_run(&f.backlog)); /* both are forgotten */
    end(&f);
}

static void memory_that_is_out_is_told(void **state)
{
    (void)state;
    struct fixture f;
    struct seen seen = {.calls = {0}};
    struct loop loop = {&seen, 0};
    begin(&f, 1, false);
    f.mem.cap_bytes = f.mem.live_bytes;
    assert_false(onr_backlog_add(&f.backlog, 1, 1, mark, &loop, sizeof loop));
    assert_true(onr_backlog_run(&f.backlog));
    assert_int_equal(seen.calls[0], 0);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_item_is_done_once_whatever_the_sizes),
        cmocka_unit_test(loops_are_split_only_where_the_shares_of_threads_meet),
        cmocka_unit_test(a_backlog_can_be_used_again_and_be_empty),
        cmocka_unit_test(at_once_puts_nothing_off),
        cmocka_unit_test(rooms_lie_one_behind_the_other),
        cmocka_unit_test(rooms_for_which_there_is_no_memory_are_told),
        cmocka_unit_test(memory_that_is_out_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
