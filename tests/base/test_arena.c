/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/size.h"
#include "support/test.h"

#include <stdbool.h>
#include <string.h>

static struct onr_mem mem;
static struct onr_arena arena;

static int setup(void **state)
{
    (void)state;
    onr_mem_init(&mem, NULL, 0);
    onr_arena_init(&arena, &mem);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    onr_arena_free(&arena);
    assert_int_equal(mem.live_bytes, 0);
    return 0;
}

static void blocks_are_zeroed_and_aligned(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < 300; bytes++) {
        unsigned char *block = onr_arena_alloc(&arena, bytes);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % (bytes >= 64 ? 64 : 16), 0);
        for (size_t i = 0; i < bytes; i++) {
            assert_int_equal(block[i], 0);
            block[i] = 0xff;
        }
    }
    assert_non_null(onr_arena_alloc(&arena, 5 << 20));
}

/* Allocates blocks of very different sizes, and fills them. */
static void fill(size_t scale)
{
    for (size_t i = 0; i < 200; i++) {
        size_t bytes = (i * 7919 % 1000 + 1) * scale;
        void *block = onr_arena_alloc(&arena, bytes);
        assert_non_null(block);
        memset(block, 0xff, bytes);
    }
}

static void filling_again_after_a_reset_allocates_nothing(void **state)
{
    (void)state;
    const size_t scales[] = {1, 100, 5000};
    for (size_t s = 0; s < 3; s++) {
        fill(scales[s]);
        uint64_t count = mem.alloc_count;
        for (int i = 0; i < 3; i++) {
            onr_arena_reset(&arena);
            const unsigned char *block = onr_arena_alloc(&arena, 64);
            assert_int_equal(block[63], 0);
            onr_arena_reset(&arena);
            fill(scales[s]);
            assert_int_equal(mem.alloc_count, count);
        }
        onr_arena_free(&arena);
        assert_int_equal(mem.live_bytes, 0);
    }
    onr_arena_reset(&arena);
}

static void trimming_frees_what_a_reset_kept_and_nothing_took(void **state)
{
    (void)state;
    fill(1);
    size_t live_bytes = mem.live_bytes;
    fill(100);
    onr_arena_reset(&arena);
    fill(1);
    onr_arena_trim(&arena);
    assert_int_equal(mem.live_bytes, live_bytes);
    onr_arena_trim(&arena);
    assert_int_equal(mem.live_bytes, live_bytes);
    fill(1);
}

static void too_large_blocks_are_refused(void **state)
{
    (void)state;
    assert_null(onr_arena_alloc(&arena, ONR_SIZE_LIMIT + 1));
    assert_null(onr_arena_alloc(&arena, SIZE_MAX));
    assert_null(onr_arena_array(&arena, SIZE_MAX / 8 + 2, 8));
    assert_null(onr_arena_array(&arena, (size_t)1 << 32, (size_t)1 << 32));
    mem.cap_bytes = 10000;
    assert_null(onr_arena_alloc(&arena, 10000));
    assert_non_null(onr_arena_alloc(&arena, 100));
}

static void copies_are_terminated(void **state)
{
    (void)state;
    assert_string_equal(onr_arena_string(&arena, "abcdef", 3), "abc");
    assert_string_equal(onr_arena_string(&arena, NULL, 0), "");
    assert_memory_equal(onr_arena_copy(&arena, "a\0b", 3), "a\0b", 3);
    assert_non_null(onr_arena_copy(&arena, NULL, 0));
    assert_string_equal(onr_arena_printf(&arena, "%s-%d", "Add", 13), "Add-13");
    char *wide = onr_arena_printf(&arena, "%*d", 100000, 7);
    assert_int_equal(strlen(wide), 100000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(blocks_are_zeroed_and_aligned),
        TEST(filling_again_after_a_reset_allocates_nothing),
        TEST(trimming_frees_what_a_reset_kept_and_nothing_took),
        TEST(too_large_blocks_are_refused),
        TEST(copies_are_terminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
