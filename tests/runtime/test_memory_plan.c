/* SPDX-License-Identifier: Apache-2.0 */
#include "base/size.h"
#include "runtime/memory_plan.h"
#include "support/test.h"

#include <string.h>

struct fixture {
    struct onr_mem mem;
    struct onr_arena arena;
    struct onr_memory_plan plan;
};

static int setup(void **state)
{
    static struct fixture fixture;
    onr_mem_init(&fixture.mem, NULL, 0);
    onr_arena_init(&fixture.arena, &fixture.mem);
    assert_true(onr_memory_plan_init(&fixture.plan, &fixture.arena, NULL));
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    onr_arena_free(&fixture->arena);
    assert_int_equal(fixture->mem.live_bytes, 0);
    return 0;
}

static size_t place(struct onr_memory_plan *plan, size_t bytes, uint32_t last_use)
{
    size_t offset = SIZE_MAX;
    assert_true(onr_memory_plan_place(plan, bytes, last_use, &offset));
    return offset;
}

static void blocks_are_aligned_and_follow_each_other(void **state)
{
    struct onr_memory_plan *plan = &((struct fixture *)*state)->plan;
    assert_int_equal(place(plan, 1, 9), 0);
    assert_int_equal(place(plan, 65, 9), 64);
    assert_int_equal(place(plan, 0, 9), 192);
    assert_int_equal(place(plan, 64, 9), 256);
    assert_int_equal(plan->slab_bytes, 320);
    assert_int_equal(plan->live_bytes, 320);
}

static void the_smallest_gap_that_fits_is_taken(void **state)
{
    struct onr_memory_plan *plan = &((struct fixture *)*state)->plan;
    assert_int_equal(place(plan, 192, 1), 0);
    assert_int_equal(place(plan, 64, 9), 192);
    assert_int_equal(place(plan, 128, 1), 256);
    assert_int_equal(place(plan, 64, 9), 384);
    onr_memory_plan_expire(plan, 2);
    assert_int_equal(plan->count, 2);
    assert_int_equal(plan->live_bytes, 128);
    assert_int_equal(place(plan, 128, 9), 256);
    assert_int_equal(place(plan, 256, 9), 448);
    assert_int_equal(place(plan, 100, 9), 0);
    assert_int_equal(place(plan, 64, 9), 128);
    assert_int_equal(plan->slab_bytes, 704);
}

static void a_block_lives_through_its_last_use(void **state)
{
    struct onr_memory_plan *plan = &((struct fixture *)*state)->plan;
    (void)place(plan, 64, 3);
    onr_memory_plan_expire(plan, 3);
    assert_int_equal(plan->count, 1);
    onr_memory_plan_expire(plan, 4);
    assert_int_equal(plan->count, 0);
    assert_int_equal(place(plan, 64, 5), 0);
    assert_int_equal(plan->slab_bytes, 64);
}

static void extending_only_ever_lengthens(void **state)
{
    struct onr_memory_plan *plan = &((struct fixture *)*state)->plan;
    size_t offset = place(plan, 64, 3);
    onr_memory_plan_extend(plan, offset, 7);
    onr_memory_plan_extend(plan, offset, 5);
    onr_memory_plan_extend(plan, offset + 64, 9);
    onr_memory_plan_expire(plan, 7);
    assert_int_equal(plan->count, 1);
    onr_memory_plan_expire(plan, 8);
    assert_int_equal(plan->count, 0);
}

static void a_copy_goes_on_where_its_parent_stopped(void **state)
{
    struct fixture *fixture = *state;
    struct onr_memory_plan child;
    (void)place(&fixture->plan, 64, 1);
    (void)place(&fixture->plan, 64, 9);
    assert_true(onr_memory_plan_init(&child, &fixture->arena, &fixture->plan));
    onr_memory_plan_expire(&child, 2);
    assert_int_equal(place(&child, 64, 9), 0);
    assert_int_equal(place(&child, 64, 9), 128);
    assert_int_equal(child.slab_bytes, 192);
    assert_int_equal(fixture->plan.count, 2);
    assert_int_equal(fixture->plan.slab_bytes, 128);
}

static void too_much_is_refused(void **state)
{
    struct onr_memory_plan *plan = &((struct fixture *)*state)->plan;
    size_t offset = 0;
    assert_false(onr_memory_plan_place(plan, ONR_SIZE_LIMIT + 1, 1, &offset));
    assert_false(onr_memory_plan_place(plan, SIZE_MAX, 1, &offset));
    assert_int_equal(place(plan, ONR_SIZE_LIMIT, 1), 0);
    assert_false(onr_memory_plan_place(plan, 1, 1, &offset));
    assert_int_equal(plan->count, 1);
}

static void running_out_of_memory_is_reported(void **state)
{
    struct fixture *fixture = *state;
    size_t offset = 0;
    fixture->mem.cap_bytes = 1;
    assert_false(onr_memory_plan_place(&fixture->plan, 64, 1, &offset));
    assert_int_equal(fixture->plan.count, 0);
}

struct reference {
    size_t offset;
    size_t bytes;
    uint32_t last_use;
};

static void check_disjoint(const struct reference *blocks, size_t count, uint32_t node,
                           size_t slab_bytes)
{
    const struct reference *latest = &blocks[count - 1];
    assert_true(latest->offset + latest->bytes <= slab_bytes);
    for (size_t i = 0; i + 1 < count; i++) {
        bool is_apart = blocks[i].offset + blocks[i].bytes <= latest->offset ||
                        latest->offset + latest->bytes <= blocks[i].offset;
        assert_true(blocks[i].last_use < node || is_apart);
    }
}

/* Random sizes and lifetimes: no two blocks that live at the same node overlap. */
static void live_blocks_never_overlap(void **state)
{
    enum { NODES = 200, PER_NODE = 3 };
    struct onr_memory_plan *plan = &((struct fixture *)*state)->plan;
    static struct reference blocks[NODES * PER_NODE];
    size_t count = 0;
    size_t total = 0;
    float random[NODES * PER_NODE * 2];
    test_random(7, sizeof random / sizeof random[0], random);
    for (uint32_t node = 0; node < NODES; node++) {
        onr_memory_plan_expire(plan, node);
        for (int i = 0; i < PER_NODE; i++) {
            size_t bytes = (size_t)((random[count * 2] + 1) * 2000);
            uint32_t last_use = node + (uint32_t)((random[count * 2 + 1] + 1) * 10);
            blocks[count] = (struct reference){place(plan, bytes, last_use), bytes, last_use};
            total += bytes;
            count++;
            check_disjoint(blocks, count, node, plan->slab_bytes);
        }
    }
    assert_true(plan->slab_bytes < total / 4);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(blocks_are_aligned_and_follow_each_other), TEST(the_smallest_gap_that_fits_is_taken),
        TEST(a_block_lives_through_its_last_use),       TEST(extending_only_ever_lengthens),
        TEST(a_copy_goes_on_where_its_parent_stopped),  TEST(too_much_is_refused),
        TEST(running_out_of_memory_is_reported),        TEST(live_blocks_never_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
