/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

/* The six boxes of the specification's examples: three pairs of which each overlaps itself alone. */
static const float six_boxes[] = {0, 0,  1, 1,  0, 0.1f,  1, 1.1f,  0, -0.1f, 1, 0.9f,
                                  0, 10, 1, 11, 0, 10.1f, 1, 11.1f, 0, 100,   1, 101};
static const float six_scores[] = {0.9f, 0.75f, 0.6f, 0.95f, 0.5f, 0.3f};

static void begin(struct op_test *t, const float *scores, int64_t max_output, float iou)
{
    op_test_begin(t, "", "NonMaxSuppression", 11);
    op_test_input(t, test_f32(SHAPE(1, 6, 4), six_boxes));
    op_test_input(t, test_f32(SHAPE(1, 1, 6), scores));
    op_test_input(t, test_i64(SHAPE(1), &max_output));
    op_test_input(t, test_f32(SCALAR, &iou));
}

static void boxes_that_overlap_a_better_one_go(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, six_scores, 3, 0.5f);
    op_test_output(&t, test_i64(SHAPE(3, 3), (int64_t[]){0, 0, 3, 0, 0, 0, 0, 0, 5}));
    op_test_run(&t);
}

static void scores_must_exceed_their_threshold(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, six_scores, INT64_MAX, 0.5f);
    op_test_input(&t, test_f32(SHAPE(1), (float[]){0.9f}));
    op_test_output(&t, test_i64(SHAPE(1, 3), (int64_t[]){0, 0, 3}));
    op_test_run(&t);
}

static void the_lower_index_and_numbers_come_first(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, (float[]){NAN, 0.5f, -INFINITY, 0.5f, NAN, 0.5f}, 9, 1.0f);
    op_test_output(&t, test_i64(SHAPE(6, 3),
                                (int64_t[]){0, 0, 1, 0, 0, 3, 0, 0, 5, 0, 0, 2, 0, 0, 0, 0, 0, 4}));
    op_test_run(&t);
}

static void without_a_maximum_nothing_is_kept(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, six_scores, 0, 0.5f);
    op_test_output(&t, test_i64(SHAPE(0, 3), NULL));
    op_test_run(&t);
    t.input_count = 2;
    op_test_run(&t);
    begin(&t, six_scores, -1, 0.5f);
    op_test_output(&t, test_i64(SHAPE(0, 3), NULL));
    op_test_run(&t);
}

static void no_boxes_give_no_rows(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "NonMaxSuppression", 10);
    op_test_input(&t, test_f32(SHAPE(1, 0, 4), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 2, 0), NULL));
    op_test_input(&t, test_i64(SCALAR, (int64_t[]){3}));
    op_test_output(&t, test_i64(SHAPE(0, 3), NULL));
    op_test_run(&t);
}

static void corners_come_in_any_order_and_an_equal_overlap_stays(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "NonMaxSuppression", 11);
    op_test_input(&t, test_f32(SHAPE(1, 3, 4), (float[]){1, 2, 0, 0, 0, 1, 1, 3, 0, 2, 1, 2}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 3), (float[]){3, 2, 1}));
    op_test_input(&t, test_i64(SCALAR, (int64_t[]){3}));
    op_test_input(&t, test_f32(SCALAR, (float[]){1.0f / 3}));
    op_test_output(&t, test_i64(SHAPE(3, 3), (int64_t[]){0, 0, 0, 0, 0, 1, 0, 0, 2}));
    op_test_run(&t);
}

static void each_batch_and_class_is_on_its_own(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "NonMaxSuppression", 11);
    op_test_int(&t, "center_point_box", 1);
    op_test_input(
        &t, test_f32(SHAPE(2, 2, 4), (float[]){0, 0, 2, 2, 0, 0.1f, 2, 2, 0, 0, 2, 2, 9, 9, 2, 2}));
    op_test_input(&t, test_f32(SHAPE(2, 2, 2), (float[]){1, 2, 2, 1, 1, 2, 2, 1}));
    op_test_input(&t, test_i64(SCALAR, (int64_t[]){2}));
    op_test_output(&t, test_i64(SHAPE(6, 3),
                                (int64_t[]){0, 0, 1, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1}));
    op_test_run(&t);
}

static void thresholds_out_of_range_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    const float bad[] = {-0.1f, 1.5f, NAN};
    for (size_t i = 0; i < 3; i++) {
        begin(&t, six_scores, 3, bad[i]);
        op_test_output(&t, test_i64(SHAPE(0, 3), NULL));
        op_test_fails(&t, ONR_ERR_VALUE, "iou_threshold is");
    }
}

static void wrong_operands_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, six_scores, 3, 0.5f);
    op_test_output(&t, test_i64(SHAPE(0, 3), NULL));
    const struct onr_tensor *boxes = t.inputs[0];
    const struct onr_tensor *scores = t.inputs[1];
    t.inputs[0] = test_f32(SHAPE(1, 6, 5), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "boxes");
    t.inputs[0] = boxes;
    t.inputs[1] = test_f32(SHAPE(1, 1, 5), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "scores");
    t.inputs[1] = test_f32(SHAPE(2, 1, 6), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "scores");
    t.inputs[1] = scores;
    t.inputs[2] = test_i64(SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "max_output_boxes_per_class");
    t.inputs[2] = test_i64(SHAPE(0), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "max_output_boxes_per_class");
    begin(&t, six_scores, 3, 0.5f);
    op_test_output(&t, test_i64(SHAPE(0, 3), NULL));
    op_test_int(&t, "center_point_box", 2);
    op_test_fails(&t, ONR_ERR_MODEL, "center_point_box");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(boxes_that_overlap_a_better_one_go, test_tensors_free),
        cmocka_unit_test_teardown(scores_must_exceed_their_threshold, test_tensors_free),
        cmocka_unit_test_teardown(the_lower_index_and_numbers_come_first, test_tensors_free),
        cmocka_unit_test_teardown(without_a_maximum_nothing_is_kept, test_tensors_free),
        cmocka_unit_test_teardown(no_boxes_give_no_rows, test_tensors_free),
        cmocka_unit_test_teardown(corners_come_in_any_order_and_an_equal_overlap_stays,
                                  test_tensors_free),
        cmocka_unit_test_teardown(each_batch_and_class_is_on_its_own, test_tensors_free),
        cmocka_unit_test_teardown(thresholds_out_of_range_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(wrong_operands_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
