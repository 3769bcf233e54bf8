/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static const float count_up[] = {0, 1, 2, 3, 4, 5, 6};

static void parts_follow_the_list(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Split", 13);
    op_test_int(&t, "axis", -1);
    op_test_input(&t, test_f32(SHAPE(2, 3), count_up));
    op_test_input(&t, test_i64(SHAPE(3), (int64_t[]){2, 0, 1}));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){0, 1, 3, 4}));
    op_test_output(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 1), (float[]){2, 5}));
    op_test_run(&t);
    op_test_begin(&t, "", "Split", 2);
    op_test_ints(&t, "split", 2, (int64_t[]){3, 4});
    op_test_input(&t, test_f32(SHAPE(7), count_up));
    op_test_output(&t, NULL);
    op_test_output(&t, test_f32(SHAPE(4), count_up + 3));
    op_test_run(&t);
}

static void parts_are_equal_by_default(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Split", 11);
    op_test_input(&t, test_f32(SHAPE(4), count_up));
    op_test_output(&t, test_f32(SHAPE(2), count_up));
    op_test_output(&t, test_f32(SHAPE(2), count_up + 2));
    op_test_run(&t);
}

static void the_last_part_may_be_smaller_from_18_on(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Split", 18);
    op_test_int(&t, "num_outputs", 3);
    op_test_input(&t, test_f32(SHAPE(7), count_up));
    op_test_output(&t, test_f32(SHAPE(3), count_up));
    op_test_output(&t, test_f32(SHAPE(3), count_up + 3));
    op_test_output(&t, test_f32(SHAPE(1), count_up + 6));
    op_test_run(&t);
}

static void check_refused(int64_t version, const struct onr_tensor *split, const char *text)
{
    struct op_test t;
    op_test_begin(&t, "", "Split", version);
    op_test_input(&t, test_f32(SHAPE(7), count_up));
    if (split != NULL) {
        op_test_input(&t, split);
    }
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, text);
}

static void parts_must_make_up_the_dimension(void **state)
{
    (void)state;
    check_refused(13, NULL, "dimension 0 is 7, which 2 parts do not divide");
    check_refused(13, test_i64(SHAPE(2), (int64_t[]){3, 3}), "leave 1 of dimension 0");
    check_refused(13, test_i64(SHAPE(2), (int64_t[]){3, 5}), "split has 5 at 1");
    check_refused(13, test_i64(SHAPE(2), (int64_t[]){8, -1}), "split has 8 at 0");
    check_refused(13, test_i64(SHAPE(1), (int64_t[]){7}), "1 entries for 2 outputs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(parts_follow_the_list, test_tensors_free),
        cmocka_unit_test_teardown(parts_are_equal_by_default, test_tensors_free),
        cmocka_unit_test_teardown(the_last_part_may_be_smaller_from_18_on, test_tensors_free),
        cmocka_unit_test_teardown(parts_must_make_up_the_dimension, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
