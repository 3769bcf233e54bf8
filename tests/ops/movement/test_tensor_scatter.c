/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

/* A cache [2,3,2] of zeros, and an update [2,2,2] of 1 to 8. */
static void scatter(struct op_test *t, const char *mode, const struct onr_tensor *starts)
{
    const float update[] = {1, 2, 3, 4, 5, 6, 7, 8};
    op_test_begin(t, "", "TensorScatter", 24);
    if (mode != NULL) {
        op_test_string(t, "mode", mode);
    }
    op_test_input(t, test_f32(SHAPE(2, 3, 2), NULL));
    op_test_input(t, test_f32(SHAPE(2, 2, 2), update));
    op_test_input(t, starts);
}

static void updates_begin_at_their_index(void **state)
{
    (void)state;
    const float zero[] = {1, 2, 3, 4, 0, 0, 5, 6, 7, 8, 0, 0};
    const float one[] = {0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0};
    struct op_test t;
    scatter(&t, NULL, NULL);
    op_test_output(&t, test_f32(SHAPE(2, 3, 2), zero));
    op_test_run(&t);
    scatter(&t, "linear", test_i64(SHAPE(2), (int64_t[]){1, 0}));
    op_test_output(&t, test_f32(SHAPE(2, 3, 2), one));
    op_test_run(&t);
}

static void circular_updates_go_on_at_the_start(void **state)
{
    (void)state;
    const float want[] = {3, 4, 0, 0, 1, 2, 7, 8, 0, 0, 5, 6};
    struct op_test t;
    scatter(&t, "circular", test_i64(SHAPE(2), (int64_t[]){5, -1}));
    op_test_output(&t, test_f32(SHAPE(2, 3, 2), want));
    op_test_run(&t);
}

static void any_axis_and_type(void **state)
{
    (void)state;
    const int8_t cache[] = {1, 2, 3, 4, 5, 6};
    const struct onr_string texts[] = {{"a", 1}, {"b", 1}};
    const struct onr_string update[] = {{"long", 4}};
    const struct onr_string want[] = {{"a", 1}, {"long", 4}};
    struct op_test t;
    op_test_begin(&t, "", "TensorScatter", 24);
    op_test_int(&t, "axis", -1);
    op_test_input(&t, test_tensor(ONR_INT4, SHAPE(1, 2, 3), cache));
    op_test_input(&t, test_tensor(ONR_INT4, SHAPE(1, 2, 1), (int8_t[]){7, -8}));
    op_test_input(&t, test_i64(SHAPE(1), (int64_t[]){2}));
    op_test_output(&t, test_tensor(ONR_INT4, SHAPE(1, 2, 3), (int8_t[]){1, 2, 7, 4, 5, -8}));
    op_test_run(&t);
    op_test_begin(&t, "", "TensorScatter", 24);
    op_test_int(&t, "axis", 1);
    op_test_input(&t, test_tensor(ONR_STRING, SHAPE(1, 2), texts));
    op_test_input(&t, test_tensor(ONR_STRING, SHAPE(1, 1), update));
    op_test_input(&t, test_i64(SHAPE(1), (int64_t[]){1}));
    op_test_output(&t, test_tensor(ONR_STRING, SHAPE(1, 2), want));
    op_test_run(&t);
}

static void nothing_to_write(void **state)
{
    (void)state;
    const float cache[] = {1, 2};
    struct op_test t;
    op_test_begin(&t, "", "TensorScatter", 24);
    op_test_string(&t, "mode", "circular");
    op_test_input(&t, test_f32(SHAPE(1, 2, 1), cache));
    op_test_input(&t, test_f32(SHAPE(1, 0, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 2, 1), cache));
    op_test_run(&t);
    t.inputs[0] = t.inputs[1] = t.outputs[0] = test_f32(SHAPE(1, 0, 1), NULL);
    op_test_run(&t);
}

static void impossible_updates_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    scatter(&t, NULL, test_i64(SHAPE(2), (int64_t[]){0, 2}));
    op_test_output(&t, test_f32(SHAPE(2, 3, 2), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "write_indices has 2 at 1, expected 0 to 1");
    t.inputs[2] = test_i64(SHAPE(2), (int64_t[]){-1, 0});
    op_test_fails(&t, ONR_ERR_VALUE, "write_indices has -1 at 0, expected 0 to 1");
    t.inputs[2] = test_i64(SHAPE(3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "write_indices has shape 3, expected 2");
    t.inputs[1] = test_f32(SHAPE(2, 4, 2), NULL);
    t.inputs[2] = NULL;
    op_test_fails(&t, ONR_ERR_SHAPE, "update has 4 in dimension 1, expected at most 3");
    t.inputs[1] = test_f32(SHAPE(2, 2, 3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "update has shape 2x2x3, expected 2x?x2");
    op_test_int(&t, "axis", 0);
    op_test_fails(&t, ONR_ERR_MODEL, "axis is that of the batch");
    scatter(&t, "ring", NULL);
    op_test_output(&t, test_f32(SHAPE(2, 3, 2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "attribute mode is \"ring\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(updates_begin_at_their_index, test_tensors_free),
        cmocka_unit_test_teardown(circular_updates_go_on_at_the_start, test_tensors_free),
        cmocka_unit_test_teardown(any_axis_and_type, test_tensors_free),
        cmocka_unit_test_teardown(nothing_to_write, test_tensors_free),
        cmocka_unit_test_teardown(impossible_updates_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
