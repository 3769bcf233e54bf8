/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void begin(struct op_test *t, int64_t buckets, int64_t max_distance, int64_t query,
                  int64_t key)
{
    /* Bucket i of head h is 10 h + i; the memory is [heads, buckets]. */
    float table[16] = {0};
    for (int64_t i = 0; i < 2 * buckets; i++) {
        table[i] = (float)(i < buckets ? i : 10 + i - buckets);
    }
    op_test_begin(t, "com.microsoft", "RelativePositionBias", 1);
    op_test_int(t, "max_distance", max_distance);
    op_test_input(t, test_f32(SHAPE(buckets, 2), table));
    op_test_input(t, test_i64(SCALAR, &query));
    op_test_input(t, test_i64(SHAPE(1), &key));
}

static void distances_to_the_left_have_buckets(void **state)
{
    (void)state;
    struct op_test t;
    const float head[] = {0, 0, 0, 0, 1, 0, 0, 0, 2, 1, 0, 0, 2, 2, 1, 0};
    float y[32];
    for (size_t i = 0; i < 32; i++) {
        y[i] = head[i % 16] + (i < 16 ? 0 : 10);
    }
    begin(&t, 4, 8, 4, 4); /* 0, 1, then 2-3 in one and 4-.. in another */
    op_test_output(&t, test_f32(SHAPE(1, 2, 4, 4), y));
    op_test_run(&t);
}

static void both_sides_have_half_of_the_buckets(void **state)
{
    (void)state;
    struct op_test t;
    const float head[] = {0, 5, 6, 1, 0, 5, 2, 1, 0};
    float y[18];
    for (size_t i = 0; i < 18; i++) {
        y[i] = head[i % 9] + (i < 9 ? 0 : 10);
    }
    begin(&t, 8, 20, 3, 3);
    op_test_int(&t, "is_bidirectional", 1);
    op_test_output(&t, test_f32(SHAPE(1, 2, 3, 3), y));
    op_test_run(&t);
}

static void the_last_bucket_holds_all_beyond_max_distance(void **state)
{
    (void)state;
    struct op_test t;
    enum { S = 40 };
    float y[2 * S * S];
    for (size_t i = 0; i < (size_t)2 * S * S; i++) {
        size_t row = i / S % S, column = i % S;
        size_t distance = row > column ? row - column : 0;
        y[i] = (float)(distance < 2 ? distance : distance < 4 ? 2 : 3) + (i < S * S ? 0 : 10);
    }
    begin(&t, 4, 8, S, S);
    op_test_output(&t, test_f32(SHAPE(1, 2, S, S), y));
    op_test_run(&t);
    begin(&t, 4, 8, 0, 0);
    op_test_output(&t, test_f32(SHAPE(1, 2, 0, 0), NULL));
    op_test_run(&t);
}

static void check_refused(int64_t buckets, int64_t max_distance, int64_t query, int64_t key,
                          enum onr_status status, const char *message)
{
    struct op_test t;
    begin(&t, buckets, max_distance, query, key);
    op_test_output(&t, test_f32(SHAPE(1, 2, 1, 1), NULL));
    op_test_fails(&t, status, message);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    check_refused(4, 8, 2, 3, ONR_ERR_UNSUPPORTED, "query_length 2 and key_length 3");
    check_refused(4, 8, -1, -1, ONR_ERR_VALUE, "the length is -1, expected 0 to 2147483647");
    check_refused(1, 8, 2, 2, ONR_ERR_SHAPE, "1 buckets, expected 2 for each side");
    check_refused(4, 2, 2, 2, ONR_ERR_MODEL, "max_distance is 2, expected 3 to 2147483647");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(distances_to_the_left_have_buckets, test_tensors_free),
        cmocka_unit_test_teardown(both_sides_have_half_of_the_buckets, test_tensors_free),
        cmocka_unit_test_teardown(the_last_bucket_holds_all_beyond_max_distance, test_tensors_free),
        cmocka_unit_test_teardown(what_does_not_fit_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
