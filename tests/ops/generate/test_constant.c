/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void the_value_has_its_own_shape(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Constant", 1);
    op_test_value(&t, "value", test_f32(SHAPE(2, 1), (float[]){1, NAN}));
    op_test_output(&t, test_f32(SHAPE(2, 1), (float[]){1, NAN}));
    op_test_run(&t);
    op_test_begin(&t, "", "Constant", 21);
    op_test_value(&t, "value", test_tensor(ONR_INT4, SHAPE(3), (int8_t[]){-8, 7, 1}));
    op_test_output(&t, test_tensor(ONR_INT4, SHAPE(3), (int8_t[]){-8, 7, 1}));
    op_test_run(&t);
}

static void plain_attributes_make_scalars_and_lists(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Constant", 13);
    op_test_int(&t, "value_int", -5);
    op_test_output(&t, test_i64(SCALAR, (int64_t[]){-5}));
    op_test_run(&t);
    op_test_begin(&t, "", "Constant", 13);
    op_test_ints(&t, "value_ints", 2, (int64_t[]){3, 4});
    op_test_output(&t, test_i64(SHAPE(2), (int64_t[]){3, 4}));
    op_test_run(&t);
    op_test_begin(&t, "", "Constant", 13);
    op_test_float(&t, "value_float", 0.5f);
    op_test_output(&t, test_f32(SCALAR, (float[]){0.5f}));
    op_test_run(&t);
    op_test_begin(&t, "", "Constant", 13);
    op_test_floats(&t, "value_floats", 0, NULL);
    op_test_output(&t, test_f32(SHAPE(0), NULL));
    op_test_run(&t);
    op_test_begin(&t, "", "Constant", 13);
    op_test_string(&t, "value_string", "abc");
    op_test_output(&t, test_tensor(ONR_STRING, SCALAR, (struct onr_string[]){{"abc", 3}}));
    op_test_run(&t);
}

static void a_constant_has_one_value(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Constant", 13);
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "0 attributes, expected one value");
    op_test_int(&t, "value_int", 1);
    op_test_float(&t, "value_float", 1);
    op_test_fails(&t, ONR_ERR_MODEL, "2 attributes");
}

static void fill(struct op_test *t, const struct onr_tensor *value, const struct onr_tensor *shape)
{
    op_test_begin(t, "", "ConstantOfShape", 9);
    if (value != NULL) {
        op_test_value(t, "value", value);
    }
    op_test_input(t, shape);
}

static void shapes_are_filled_with_any_type(void **state)
{
    (void)state;
    struct op_test t;
    const struct onr_tensor *shape = test_i64(SHAPE(2), (int64_t[]){2, 3});
    fill(&t, NULL, shape);
    op_test_output(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_run(&t);
    fill(&t, test_i64(SHAPE(1), (int64_t[]){-1}), shape);
    op_test_output(&t, test_i64(SHAPE(2, 3), (int64_t[]){-1, -1, -1, -1, -1, -1}));
    op_test_run(&t);
    fill(&t, test_tensor(ONR_BOOL, SHAPE(1), (uint8_t[]){1}), test_i64(SHAPE(0), NULL));
    op_test_output(&t, test_tensor(ONR_BOOL, SCALAR, (uint8_t[]){1}));
    op_test_run(&t);
    fill(&t, NULL, test_i64(SHAPE(2), (int64_t[]){0, 3}));
    op_test_output(&t, test_f32(SHAPE(0, 3), NULL));
    op_test_run(&t);
}

static void impossible_fills_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    fill(&t, NULL, test_i64(SHAPE(2), (int64_t[]){2, -1}));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "dimension 1 is -1, expected at least 0");
    fill(&t, test_f32(SHAPE(2), NULL), test_i64(SHAPE(1), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "has 2 elements, expected 1");
    fill(&t, NULL, test_i64(SHAPE(2), (int64_t[]){INT64_MAX, 8}));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_LIMIT, "too large");
    fill(&t, NULL, test_i64(SHAPE(17), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_LIMIT, "rank 17");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_value_has_its_own_shape, test_tensors_free),
        cmocka_unit_test_teardown(plain_attributes_make_scalars_and_lists, test_tensors_free),
        cmocka_unit_test_teardown(a_constant_has_one_value, test_tensors_free),
        cmocka_unit_test_teardown(shapes_are_filled_with_any_type, test_tensors_free),
        cmocka_unit_test_teardown(impossible_fills_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
