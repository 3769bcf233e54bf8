/* SPDX-License-Identifier: Apache-2.0 */
#include "base/size.h"
#include "support/test.h"

static void overflow_is_seen(void **state)
{
    (void)state;
    size_t size = 0;
    int64_t number = 0;
    assert_true(onr_size_add(SIZE_MAX - 1, 1, &size) && size == SIZE_MAX);
    assert_false(onr_size_add(SIZE_MAX, 1, &size));
    assert_true(onr_size_mul((size_t)1 << 31, (size_t)1 << 32, &size) && size == (size_t)1 << 63);
    assert_false(onr_size_mul((size_t)1 << 32, (size_t)1 << 32, &size));
    assert_true(onr_size_mul(SIZE_MAX, 0, &size) && size == 0);
    assert_false(onr_int_add(INT64_MAX, 1, &number));
    assert_false(onr_int_add(INT64_MIN, -1, &number));
    assert_true(onr_int_add(INT64_MIN, INT64_MAX, &number) && number == -1);
    assert_false(onr_int_mul(INT64_MIN, -1, &number));
    assert_true(onr_int_mul(INT64_MIN, 1, &number) && number == INT64_MIN);
}

static void sizes_are_rounded_up(void **state)
{
    (void)state;
    assert_int_equal(onr_size_align(0, 64), 0);
    assert_int_equal(onr_size_align(1, 64), 64);
    assert_int_equal(onr_size_align(64, 64), 64);
    assert_int_equal(onr_size_align(65, 64), 128);
    assert_int_equal(onr_size_align(ONR_SIZE_LIMIT, 64), ONR_SIZE_LIMIT);
    assert_int_equal(onr_int_min(-1, 2), -1);
    assert_int_equal(onr_int_max(-1, 2), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overflow_is_seen),
        cmocka_unit_test(sizes_are_rounded_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
