/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void start(struct op_test *t, const char *op, const struct onr_tensor *x,
                  const struct onr_tensor *list)
{
    op_test_begin(t, "", op, 13);
    op_test_input(t, x);
    op_test_input(t, list);
}

static void expand_broadcasts_both_ways(void **state)
{
    (void)state;
    struct op_test t;
    start(&t, "Expand", test_f32(SHAPE(3, 1), (float[]){1, 2, 3}),
          test_i64(SHAPE(3), (int64_t[]){2, 1, 2}));
    op_test_output(&t, test_f32(SHAPE(2, 3, 2), (float[]){1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3}));
    op_test_run(&t);
    start(&t, "Expand", test_f32(SHAPE(2, 2), (float[]){1, 2, 3, 4}),
          test_i64(SHAPE(1), (int64_t[]){1}));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){1, 2, 3, 4}));
    op_test_run(&t);
    start(&t, "Expand", test_tensor(ONR_BOOL, SCALAR, (uint8_t[]){1}),
          test_i64(SHAPE(1), (int64_t[]){3}));
    op_test_output(&t, test_tensor(ONR_BOOL, SHAPE(3), (uint8_t[]){1, 1, 1}));
    op_test_run(&t);
    start(&t, "Expand", test_f32(SHAPE(1), (float[]){1}), test_i64(SHAPE(2), (int64_t[]){0, 2}));
    op_test_output(&t, test_f32(SHAPE(0, 2), NULL));
    op_test_run(&t);
}

static void expand_refuses_what_does_not_broadcast(void **state)
{
    (void)state;
    struct op_test t;
    start(&t, "Expand", test_f32(SHAPE(2, 3), NULL), test_i64(SHAPE(2), (int64_t[]){2, 4}));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "cannot expand 2x3: shape asks for 4 at 1");
    start(&t, "Expand", test_f32(SHAPE(2, 3), NULL), test_i64(SHAPE(2), (int64_t[]){-1, 3}));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "shape asks for -1 at 0");
}

static void tile_repeats_each_dimension(void **state)
{
    (void)state;
    struct op_test t;
    start(&t, "Tile", test_f32(SHAPE(2, 2), (float[]){1, 2, 3, 4}),
          test_i64(SHAPE(2), (int64_t[]){2, 3}));
    op_test_output(&t, test_f32(SHAPE(4, 6), (float[]){1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4,
                                                       1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4}));
    op_test_run(&t);
    start(&t, "Tile", test_f32(SHAPE(2), (float[]){1, 2}), test_i64(SHAPE(1), (int64_t[]){0}));
    op_test_output(&t, test_f32(SHAPE(0), NULL));
    op_test_run(&t);
    start(&t, "Tile", test_f32(SCALAR, (float[]){1}), test_i64(SHAPE(0), NULL));
    op_test_output(&t, test_f32(SCALAR, (float[]){1}));
    op_test_run(&t);
}

static void tile_refuses_impossible_repeats(void **state)
{
    (void)state;
    struct op_test t;
    start(&t, "Tile", test_f32(SHAPE(2), NULL), test_i64(SHAPE(2), (int64_t[]){1, 1}));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "2 repeats for an input of rank 1");
    start(&t, "Tile", test_f32(SHAPE(2), NULL), test_i64(SHAPE(1), (int64_t[]){-1}));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "repeats has -1 at 0");
}

static void repeats_beyond_any_size_are_no_internal_error(void **state)
{
    (void)state;
    struct op_test t;
    start(&t, "Tile", test_f32(SHAPE(1, 2), NULL), test_i64(SHAPE(2), (int64_t[]){1, INT64_MAX}));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_LIMIT,
                  "dimension 1 of the output, 2 * 9223372036854775807, is too large");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(expand_broadcasts_both_ways, test_tensors_free),
        cmocka_unit_test_teardown(expand_refuses_what_does_not_broadcast, test_tensors_free),
        cmocka_unit_test_teardown(tile_repeats_each_dimension, test_tensors_free),
        cmocka_unit_test_teardown(tile_refuses_impossible_repeats, test_tensors_free),
        cmocka_unit_test_teardown(repeats_beyond_any_size_are_no_internal_error, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
