/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void spec_example_along_the_last_axis(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Softmax", 13);
    op_test_input(&t, test_f32(SHAPE(2, 4), (float[]){0, 1, 2, 3, 10000, 10001, 10002, 10003}));
    op_test_output(
        &t, test_f32(SHAPE(2, 4), (float[]){0.032058604f, 0.08714432f, 0.23688284f, 0.6439143f,
                                            0.032058604f, 0.08714432f, 0.23688284f, 0.6439143f}));
    op_test_run(&t);
}

static void all_negative_row_sums_to_one(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Softmax", 13);
    op_test_input(&t, test_f32(SHAPE(3), (float[]){-200, -201, -202}));
    op_test_output(&t, test_f32(SHAPE(3), (float[]){0.66524094f, 0.24472848f, 0.09003057f}));
    op_test_run(&t);
}

static void masked_nan_and_infinite_rows(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Softmax", 13);
    float x[] = {-INFINITY, 0,        -INFINITY, -INFINITY, 0,      NAN,
                 0,         INFINITY, 1,         -3e38f,    -3e38f, -3e38f};
    float y[] = {0, 1, 0, NAN, NAN, NAN, 0, NAN, 0, 1 / 3.f, 1 / 3.f, 1 / 3.f};
    x[3] = 5;
    y[6] = y[8] = NAN;
    op_test_input(&t, test_f32(SHAPE(4, 3), x));
    op_test_output(&t, test_f32(SHAPE(4, 3), y));
    op_test_run(&t);

    op_test_begin(&t, "", "Softmax", 13);
    op_test_input(&t, test_f32(SHAPE(2), (float[]){-INFINITY, -INFINITY}));
    op_test_output(&t, test_f32(SHAPE(2), (float[]){NAN, NAN}));
    op_test_run(&t);
}

/* x[i] = (i * 7) % 5 over [2, 33, 5], more columns than one gather takes; checked along every axis.
 */
static void every_axis_and_type_agree_with_the_formula(void **state)
{
    (void)state;
    static const int64_t dims[] = {2, 33, 21};
    static const enum onr_dtype types[] = {ONR_FLOAT, ONR_DOUBLE};
    for (int which = 0; which < 6; which++) {
        int axis = which % 3;
        int64_t stride = axis == 0 ? 33 * 21 : axis == 1 ? 21 : 1;
        struct onr_tensor *x = test_tensor(types[which / 3], 3, dims, NULL);
        struct onr_tensor *soft = test_tensor(types[which / 3], 3, dims, NULL);
        struct onr_tensor *logs = test_tensor(types[which / 3], 3, dims, NULL);
        for (int64_t i = 0; i < 2 * 33 * 21; i++) {
            double sum = 0;
            int64_t position = i / stride % dims[axis];
            for (int64_t k = 0; k < dims[axis]; k++) {
                sum += exp((double)((i + (k - position) * stride) * 7 % 5));
            }
            double value = (double)(i * 7 % 5);
            if (which < 3) {
                ((float *)x->data)[i] = (float)value;
                ((float *)soft->data)[i] = (float)(exp(value) / sum);
                ((float *)logs->data)[i] = (float)(value - log(sum));
            } else {
                ((double *)x->data)[i] = value;
                ((double *)soft->data)[i] = exp(value) / sum;
                ((double *)logs->data)[i] = value - log(sum);
            }
        }
        const char *names[] = {"Softmax", "LogSoftmax"};
        for (int op = 0; op < 2; op++) {
            struct op_test t;
            op_test_begin(&t, "", names[op], 13);
            op_test_int(&t, "axis", axis - 3);
            op_test_input(&t, x);
            op_test_output(&t, op == 0 ? soft : logs);
            op_test_run(&t);
        }
    }
}

static void half_types_are_computed_in_float(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Softmax", 13);
    op_test_int(&t, "axis", 0);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(2, 1), (uint16_t[]){0x3c00, 0x3c00}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(2, 1), (uint16_t[]){0x3800, 0x3800}));
    op_test_run(&t);
    op_test_begin(&t, "", "Softmax", 13);
    op_test_input(&t, test_tensor(ONR_BFLOAT16, SHAPE(1, 2), (uint16_t[]){0x3f80, 0x3f80}));
    op_test_output(&t, test_tensor(ONR_BFLOAT16, SHAPE(1, 2), (uint16_t[]){0x3f00, 0x3f00}));
    op_test_run(&t);
}

static void before_13_all_dims_from_axis_on_are_one_row(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Softmax", 11);
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){1, 1, 1, 1}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){0.25f, 0.25f, 0.25f, 0.25f}));
    op_test_run(&t);
}

static void hardmax_marks_the_first_maximum(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Hardmax", 13);
    op_test_input(&t, test_f32(SHAPE(2, 3), (float[]){-3, -1, -1, 1, NAN, 2}));
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){0, 1, 0, 0, 1, 0}));
    op_test_run(&t);
}

static void empty_tensors_give_empty_tensors(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {{0, 3}, {3, 0}};
    for (int i = 0; i < 2; i++) {
        struct op_test t;
        op_test_begin(&t, "", "Softmax", 13);
        op_test_input(&t, test_f32(2, shapes[i], NULL));
        op_test_output(&t, test_f32(2, shapes[i], NULL));
        op_test_run(&t);
    }
}

static void axis_must_be_within_the_rank(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Softmax", 13);
    op_test_int(&t, "axis", 2);
    op_test_input(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "axis 2 out of range for rank 2, expected -2 to 1");

    op_test_begin(&t, "", "Softmax", 13);
    op_test_input(&t, test_i64(SHAPE(2), NULL));
    op_test_output(&t, test_i64(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "input 0 of type int64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(spec_example_along_the_last_axis, test_tensors_free),
        cmocka_unit_test_teardown(all_negative_row_sums_to_one, test_tensors_free),
        cmocka_unit_test_teardown(masked_nan_and_infinite_rows, test_tensors_free),
        cmocka_unit_test_teardown(every_axis_and_type_agree_with_the_formula, test_tensors_free),
        cmocka_unit_test_teardown(half_types_are_computed_in_float, test_tensors_free),
        cmocka_unit_test_teardown(before_13_all_dims_from_axis_on_are_one_row, test_tensors_free),
        cmocka_unit_test_teardown(hardmax_marks_the_first_maximum, test_tensors_free),
        cmocka_unit_test_teardown(empty_tensors_give_empty_tensors, test_tensors_free),
        cmocka_unit_test_teardown(axis_must_be_within_the_rank, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
