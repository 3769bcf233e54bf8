/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void elements(struct op_test *t, const char *reduction, int64_t axis,
                     const struct onr_tensor *x, const struct onr_tensor *indices,
                     const struct onr_tensor *updates)
{
    op_test_begin(t, "", "ScatterElements", 18);
    op_test_int(t, "axis", axis);
    if (reduction != NULL) {
        op_test_string(t, "reduction", reduction);
    }
    op_test_input(t, x);
    op_test_input(t, indices);
    op_test_input(t, updates);
}

static void the_last_of_equal_indices_stays(void **state)
{
    (void)state;
    const float x[] = {1, 2, 3, 4, 5};
    struct op_test t;
    elements(&t, NULL, 1, test_f32(SHAPE(1, 5), x), test_i64(SHAPE(1, 3), (int64_t[]){1, -2, 1}),
             test_f32(SHAPE(1, 3), (float[]){10, 20, 30}));
    op_test_output(&t, test_f32(SHAPE(1, 5), (float[]){1, 30, 3, 20, 5}));
    op_test_run(&t);
    op_test_begin(&t, "", "Scatter", 9);
    op_test_input(&t, test_f32(SHAPE(2, 2), x));
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(1, 2), (int32_t[]){1, 0}));
    op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){8, 9}));
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){1, 9, 8, 4}));
    op_test_run(&t);
}

static void check_reduction(const char *reduction, float a, float b)
{
    struct op_test t;
    elements(&t, reduction, 0, test_f32(SHAPE(2), (float[]){3, NAN}),
             test_i64(SHAPE(3), (int64_t[]){0, 0, 1}), test_f32(SHAPE(3), (float[]){2, 5, 1}));
    op_test_output(&t, test_f32(SHAPE(2), (float[]){a, b}));
    op_test_run(&t);
}

static void reductions_combine_all_updates(void **state)
{
    (void)state;
    check_reduction("add", 10, NAN);
    check_reduction("mul", 30, NAN);
    check_reduction("max", 5, NAN);
    check_reduction("min", 2, NAN);
    struct op_test t;
    elements(&t, "add", 0, test_tensor(ONR_INT8, SHAPE(1), (int8_t[]){127}),
             test_i64(SHAPE(1), NULL), test_tensor(ONR_INT8, SHAPE(1), (int8_t[]){1}));
    op_test_output(&t, test_tensor(ONR_INT8, SHAPE(1), (int8_t[]){-128}));
    op_test_run(&t);
    elements(&t, "mul", 0, test_tensor(ONR_FLOAT16, SHAPE(1), (uint16_t[]){0x4000}),
             test_i64(SHAPE(1), NULL), test_tensor(ONR_FLOAT16, SHAPE(1), (uint16_t[]){0x4200}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1), (uint16_t[]){0x4600}));
    op_test_run(&t);
}

static void check_elements_refused(const char *reduction, enum onr_dtype dtype,
                                   const struct onr_tensor *indices, enum onr_status status,
                                   const char *text)
{
    struct op_test t;
    elements(&t, reduction, 0, test_tensor(dtype, SHAPE(2), NULL), indices,
             test_tensor(dtype, SHAPE(1), NULL));
    op_test_output(&t, test_tensor(dtype, SHAPE(2), NULL));
    op_test_fails(&t, status, text);
}

static void impossible_scatters_are_refused(void **state)
{
    (void)state;
    const struct onr_tensor *zero = test_i64(SHAPE(1), NULL);
    check_elements_refused(NULL, ONR_FLOAT, test_i64(SHAPE(1), (int64_t[]){2}), ONR_ERR_VALUE,
                           "index 2 at 0 is out of range [-2, 1]");
    check_elements_refused("mean", ONR_FLOAT, zero, ONR_ERR_MODEL, "reduction is \"mean\"");
    check_elements_refused("add", ONR_STRING, zero, ONR_ERR_UNSUPPORTED,
                           "reduction \"add\" of type string");
    check_elements_refused(NULL, ONR_FLOAT, test_i64(SHAPE(2), NULL), ONR_ERR_SHAPE,
                           "updates have 1 in dimension 0, expected 2");
}

static void nd(struct op_test *t, const char *reduction, const struct onr_tensor *indices,
               const struct onr_tensor *updates)
{
    op_test_begin(t, "", "ScatterND", 18);
    if (reduction != NULL) {
        op_test_string(t, "reduction", reduction);
    }
    op_test_input(t, test_f32(SHAPE(3, 2), (float[]){1, 2, 3, 4, 5, 6}));
    op_test_input(t, indices);
    op_test_input(t, updates);
}

static void tuples_name_blocks(void **state)
{
    (void)state;
    struct op_test t;
    nd(&t, NULL, test_i64(SHAPE(2, 1), (int64_t[]){-1, 0}),
       test_f32(SHAPE(2, 2), (float[]){10, 20, 30, 40}));
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){30, 40, 3, 4, 10, 20}));
    op_test_run(&t);
    nd(&t, "add", test_i64(SHAPE(2, 2), (int64_t[]){1, 1, 1, 1}),
       test_f32(SHAPE(2), (float[]){10, 20}));
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){1, 2, 3, 34, 5, 6}));
    op_test_run(&t);
    nd(&t, NULL, test_i64(SHAPE(0, 1), NULL), test_f32(SHAPE(0, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){1, 2, 3, 4, 5, 6}));
    op_test_run(&t);
}

static void any_number_of_empty_tuples_may_put_nothing(void **state)
{
    (void)state;
    const int64_t many = (int64_t)1 << 40;
    struct op_test t;
    op_test_begin(&t, "", "ScatterND", 18);
    op_test_input(&t, test_f32(SHAPE(0, 3), NULL));
    op_test_input(&t, test_i64(SHAPE(many, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(many, 0, 3), NULL));
    op_test_output(&t, test_f32(SHAPE(0, 3), NULL));
    op_test_run(&t);
}

/* More than are looked at together: in runs, in pairs that come again, and counted from the end. */
static void many_tuples_are_done_in_order(void **state)
{
    (void)state;
    enum { COUNT = 150, ROWS = 20, COLUMNS = 11 };
    static const char *const reductions[] = {NULL, "add", "max"};
    for (size_t i = 0; i < sizeof reductions / sizeof *reductions; i++) {
        struct op_test t;
        int64_t indices[COUNT][2];
        float updates[COUNT];
        float y[ROWS * COLUMNS] = {0};
        for (int64_t u = 0; u < COUNT; u++) {
            int64_t place = u < 100 ? 40 + u : (u * 37 % 50) / 2 * 9;
            indices[u][0] = place / COLUMNS - (u % 7 == 0 ? ROWS : 0);
            indices[u][1] = place % COLUMNS - (u % 5 == 0 ? COLUMNS : 0);
            updates[u] = (float)(u * 29 % 64);
            float sum = y[place] + updates[u];
            float most = y[place] > updates[u] ? y[place] : updates[u];
            y[place] = i == 0 ? updates[u] : i == 1 ? sum : most;
        }
        op_test_begin(&t, "", "ScatterND", 18);
        if (reductions[i] != NULL) {
            op_test_string(&t, "reduction", reductions[i]);
        }
        op_test_input(&t, test_f32(SHAPE(ROWS, COLUMNS), NULL));
        op_test_input(&t, test_i64(SHAPE(COUNT, 2), indices[0]));
        op_test_input(&t, test_f32(SHAPE(COUNT), updates));
        op_test_output(&t, test_f32(SHAPE(ROWS, COLUMNS), y));
        op_test_run(&t);
    }
}

/* Places that rise are shared out between threads; not so if one comes twice, at the end of what is looked
 * at together. */
static void rising_places_are_told_from_one_that_comes_twice(void **state)
{
    (void)state;
    enum { COUNT = 4000, ROWS = 90, COLUMNS = 64, BLOCK = 2 };
    static const int64_t twice[] = {COUNT, 64, 63, 2048, 3999};
    for (size_t i = 0; i < sizeof twice / sizeof *twice; i++) {
        struct op_test t;
        struct onr_tensor *indices = test_i64(SHAPE(COUNT, 2), NULL);
        struct onr_tensor *updates = test_f32(SHAPE(COUNT, BLOCK), NULL);
        struct onr_tensor *y = test_f32(SHAPE(ROWS, COLUMNS, BLOCK), NULL);
        for (int64_t u = 0; u < COUNT; u++) {
            int64_t place = u + u / 3 - (u == twice[i]);
            place -= u == twice[i] && u % 3 == 0;
            ((int64_t *)indices->data)[2 * u] = place / COLUMNS;
            ((int64_t *)indices->data)[2 * u + 1] = place % COLUMNS - COLUMNS;
            for (int64_t b = 0; b < BLOCK; b++) {
                float update = (float)(1 + u * BLOCK + b);
                ((float *)updates->data)[u * BLOCK + b] = update;
                ((float *)y->data)[place * BLOCK + b] = update;
            }
        }
        op_test_begin(&t, "", "ScatterND", 18);
        op_test_input(&t, test_f32(SHAPE(ROWS, COLUMNS, BLOCK), NULL));
        op_test_input(&t, indices);
        op_test_input(&t, updates);
        op_test_output(&t, y);
        op_test_run(&t);
    }
}

static void a_late_tuple_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct op_test t;
    int64_t indices[90][2] = {{0, 0}};
    indices[77][1] = -3;
    indices[89][0] = 3;
    nd(&t, NULL, test_i64(SHAPE(90, 2), indices[0]), test_f32(SHAPE(90), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "index -3 at 155 is out of range [-2, 1]");
}

static void tuples_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    nd(&t, NULL, test_i64(SHAPE(1, 2), (int64_t[]){0, 2}), test_f32(SHAPE(1), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "index 2 at 1 is out of range [-2, 1]");
    nd(&t, NULL, test_i64(SHAPE(1, 3), NULL), test_f32(SHAPE(1), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "3 entries for a rank of 2");
    nd(&t, NULL, test_i64(SHAPE(1, 1), NULL), test_f32(SHAPE(1, 3), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "updates have 3 in dimension 1, expected 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_last_of_equal_indices_stays, test_tensors_free),
        cmocka_unit_test_teardown(reductions_combine_all_updates, test_tensors_free),
        cmocka_unit_test_teardown(impossible_scatters_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(tuples_name_blocks, test_tensors_free),
        cmocka_unit_test_teardown(any_number_of_empty_tuples_may_put_nothing, test_tensors_free),
        cmocka_unit_test_teardown(many_tuples_are_done_in_order, test_tensors_free),
        cmocka_unit_test_teardown(rising_places_are_told_from_one_that_comes_twice,
                                  test_tensors_free),
        cmocka_unit_test_teardown(a_late_tuple_that_does_not_fit_is_refused, test_tensors_free),
        cmocka_unit_test_teardown(tuples_that_do_not_fit_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
