/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/size.h"
#include "support/test.h"

#include <string.h>

static void bytes_and_calls_are_counted(void **state)
{
    (void)state;
    struct onr_mem mem;
    onr_mem_init(&mem, NULL, 0);
    void *a = onr_mem_alloc(&mem, 100);
    unsigned char *b = onr_mem_calloc(&mem, 200);
    assert_int_equal((uintptr_t)a % ONR_MEM_ALIGN, 0);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(b[i], 0);
    }
    onr_mem_free(&mem, a, 100);
    assert_int_equal(mem.live_bytes, 200);
    assert_int_equal(mem.peak_bytes, 300);
    assert_int_equal(mem.alloc_count, 2);
    onr_mem_free(&mem, b, 200);
    onr_mem_free(&mem, NULL, 77);
    assert_int_equal(mem.live_bytes, 0);
}

static void no_bytes_count_as_one(void **state)
{
    (void)state;
    struct onr_mem mem;
    onr_mem_init(&mem, NULL, 0);
    void *block = onr_mem_calloc(&mem, 0);
    assert_non_null(block);
    assert_int_equal(mem.live_bytes, 1);
    onr_mem_free(&mem, block, 0);
    assert_int_equal(mem.live_bytes, 0);
}

static void the_cap_is_exact(void **state)
{
    (void)state;
    struct onr_mem mem;
    onr_mem_init(&mem, NULL, 100);
    void *a = onr_mem_alloc(&mem, 60);
    assert_non_null(a);
    assert_null(onr_mem_alloc(&mem, 41));
    assert_null(onr_mem_alloc(&mem, SIZE_MAX));
    void *b = onr_mem_alloc(&mem, 40);
    assert_non_null(b);
    assert_null(onr_mem_alloc(&mem, 0));
    onr_mem_free(&mem, a, 60);
    assert_null(onr_mem_alloc(&mem, 61));
    onr_mem_free(&mem, b, 40);
    assert_int_equal(mem.alloc_count, 2);
    onr_mem_init(&mem, NULL, 0);
    assert_null(onr_mem_alloc(&mem, ONR_SIZE_LIMIT + 1));
}

static void a_large_block_begins_on_a_large_page(void **state)
{
    (void)state;
    struct onr_mem mem;
    onr_mem_init(&mem, NULL, 0);
    size_t bytes = ((size_t)5 << 20) + 1;
    unsigned char *block = onr_mem_alloc(&mem, bytes);
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % ((size_t)2 << 20), 0);
    memset(block, 1, bytes);
    assert_int_equal(mem.live_bytes, bytes);
    onr_mem_free(&mem, block, bytes);
    assert_int_equal(mem.live_bytes, 0);
}

struct log {
    char block[256];
    size_t bytes;
    size_t align;
    size_t freed;
};

static void *log_alloc(void *user, size_t bytes, size_t align)
{
    struct log *log = user;
    log->bytes = bytes;
    log->align = align;
    return bytes <= sizeof log->block ? log->block : NULL;
}

static void log_free(void *user, void *block, size_t bytes)
{
    struct log *log = user;
    assert_ptr_equal(block, log->block);
    log->freed += bytes;
}

static void an_allocator_of_the_caller_is_used(void **state)
{
    (void)state;
    struct log log = {.freed = 0};
    struct onr_mem mem;
    onr_mem_init(&mem, &(struct onr_allocator){&log, log_alloc, log_free}, 0);
    assert_ptr_equal(onr_mem_alloc(&mem, 100), log.block);
    assert_int_equal(log.bytes, 100);
    assert_int_equal(log.align, ONR_MEM_ALIGN);
    onr_mem_free(&mem, log.block, 100);
    assert_int_equal(log.freed, 100);
    assert_null(onr_mem_alloc(&mem, 257));
    assert_int_equal(mem.alloc_count, 1);
    assert_int_equal(mem.live_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_and_calls_are_counted),
        cmocka_unit_test(no_bytes_count_as_one),
        cmocka_unit_test(the_cap_is_exact),
        cmocka_unit_test(a_large_block_begins_on_a_large_page),
        cmocka_unit_test(an_allocator_of_the_caller_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
