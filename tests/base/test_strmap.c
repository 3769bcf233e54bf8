/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strmap.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>

static void keys_are_found_again(void **state)
{
    (void)state;
    enum { COUNT = 100000, BYTES = 8 };
    struct onr_mem mem;
    struct onr_strmap map;
    char *keys = malloc((size_t)COUNT * BYTES);
    assert_non_null(keys);
    onr_mem_init(&mem, NULL, 0);
    onr_strmap_init(&map, &mem);
    assert_int_equal(onr_strmap_get(&map, "k0"), ONR_STRMAP_NONE);
    for (uint32_t i = 0; i < COUNT; i++) {
        char *key = keys + (size_t)i * BYTES;
        (void)snprintf(key, BYTES, "k%u", i);
        assert_true(onr_strmap_put(&map, key, i));
    }
    assert_int_equal(map.count, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(onr_strmap_get(&map, keys + (size_t)i * BYTES), i);
    }
    assert_int_equal(onr_strmap_get(&map, "k100000"), ONR_STRMAP_NONE);
    assert_int_equal(onr_strmap_get(&map, ""), ONR_STRMAP_NONE);
    onr_strmap_free(&map);
    assert_int_equal(mem.live_bytes, 0);
    free(keys);
}

static void a_later_value_replaces_the_earlier_one(void **state)
{
    (void)state;
    struct onr_mem mem;
    struct onr_strmap map;
    onr_mem_init(&mem, NULL, 0);
    onr_strmap_init(&map, &mem);
    assert_true(onr_strmap_put(&map, "", 1));
    assert_true(onr_strmap_put(&map, "a", 2));
    assert_true(onr_strmap_put(&map, "a", 3));
    assert_int_equal(map.count, 2);
    assert_int_equal(onr_strmap_get(&map, ""), 1);
    assert_int_equal(onr_strmap_get(&map, "a"), 3);
    onr_strmap_free(&map);
    assert_int_equal(onr_strmap_get(&map, "a"), ONR_STRMAP_NONE);
}

static void running_out_of_memory_keeps_the_map(void **state)
{
    (void)state;
    struct onr_mem mem;
    struct onr_strmap map;
    char keys[64][4];
    uint32_t count = 0;
    onr_mem_init(&mem, NULL, 64 * sizeof(struct onr_strmap_entry));
    onr_strmap_init(&map, &mem);
    for (; count < 64; count++) {
        (void)snprintf(keys[count], sizeof keys[count], "%u", count);
        if (!onr_strmap_put(&map, keys[count], count)) {
            break;
        }
    }
    assert_true(count > 0 && count < 64);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(onr_strmap_get(&map, keys[i]), i);
    }
    onr_strmap_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_found_again),
        cmocka_unit_test(a_later_value_replaces_the_earlier_one),
        cmocka_unit_test(running_out_of_memory_keeps_the_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
