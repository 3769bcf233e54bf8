/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

/* Every operator over x = 1..6 of shape [2, 3], along axis 1 without keepdims. */
static void each_operator_along_the_last_axis(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        float y[2];
    } cases[] = {
        {"ReduceSum", {6, 15}},
        {"ReduceMean", {2, 5}},
        {"ReduceMax", {3, 6}},
        {"ReduceMin", {1, 4}},
        {"ReduceProd", {6, 120}},
        {"ReduceL1", {6, 15}},
        {"ReduceL2", {3.7416574f, 8.774964f}},
        {"ReduceLogSum", {1.7917595f, 2.7080502f}},
        {"ReduceLogSumExp", {3.407606f, 6.407606f}},
        {"ReduceSumSquare", {14, 77}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct op_test t;
        op_test_begin(&t, "", cases[i].name, 18);
        op_test_int(&t, "keepdims", 0);
        op_test_input(&t, test_f32(SHAPE(2, 3), (float[]){1, 2, 3, 4, 5, 6}));
        op_test_input(&t, test_i64(SHAPE(1), (int64_t[]){-1}));
        op_test_output(&t, test_f32(SHAPE(2), cases[i].y));
        op_test_run(&t);
    }
}

/* The sum and maximum over any set of axes of [3, 1, 5, 300, 2], against plain loops. */
static void every_set_of_axes_agrees_with_plain_loops(void **state)
{
    (void)state;
    static const int64_t dims[5] = {3, 1, 5, 300, 2};
    struct onr_tensor *x = test_f32(5, dims, NULL);
    test_random(7, 9000, x->data);
    for (unsigned mask = 1; mask < 32; mask++) {
        int64_t axes[5];
        int64_t kept[5];
        int64_t axis_count = 0;
        for (int i = 0; i < 5; i++) {
            kept[i] = (mask >> i & 1) != 0 ? 1 : dims[i];
            if ((mask >> i & 1) != 0) {
                axes[axis_count++] = i;
            }
        }
        struct onr_tensor *sum = test_f32(5, kept, NULL);
        struct onr_tensor *max = test_f32(5, kept, NULL);
        int64_t outputs = onr_tensor_count(sum);
        for (int64_t o = 0; o < outputs; o++) {
            double total = 0;
            double best = (double)-INFINITY;
            for (int64_t e = 0; e < 9000; e++) {
                int64_t rest = e;
                int64_t to = 0;
                int64_t stride = 1;
                for (int i = 4; i >= 0; i--) {
                    to += (rest % dims[i]) % kept[i] * stride;
                    stride *= kept[i];
                    rest /= dims[i];
                }
                double v = (double)((float *)x->data)[e];
                total += to == o ? v : 0;
                best = to == o && v > best ? v : best;
            }
            ((float *)sum->data)[o] = (float)total;
            ((float *)max->data)[o] = (float)best;
            if (outputs > 300) {
                o += 97;
            }
        }
        if (outputs > 300) {
            continue; /* the loops above are quadratic; wide outputs are covered by the other masks
                       */
        }
        for (int op = 0; op < 2; op++) {
            struct op_test t;
            op_test_begin(&t, "", op == 0 ? "ReduceSum" : "ReduceMax", 18);
            op_test_input(&t, x);
            op_test_input(&t, test_i64(1, &axis_count, axes));
            op_test_output(&t, op == 0 ? sum : max);
            op_test_run(&t);
        }
    }
}

static void integers_wrap_and_means_are_cut(void **state)
{
    (void)state;
    struct op_test t;
    int32_t big[] = {2147483647, 1, -7, 2};
    op_test_begin(&t, "", "ReduceSum", 13);
    op_test_int(&t, "keepdims", 0);
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(2, 2), big));
    op_test_input(&t, test_i64(SHAPE(1), (int64_t[]){1}));
    op_test_output(&t, test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){INT32_MIN, -5}));
    op_test_run(&t);

    op_test_begin(&t, "", "ReduceMean", 13);
    op_test_int(&t, "keepdims", 0);
    op_test_ints(&t, "axes", 1, (int64_t[]){0});
    op_test_input(&t, test_i64(SHAPE(2, 2), (int64_t[]){-7, 7, 2, 2}));
    op_test_output(&t, test_i64(SHAPE(2), (int64_t[]){-2, 4}));
    op_test_run(&t);

    op_test_begin(&t, "", "ReduceL2", 13);
    op_test_int(&t, "keepdims", 0);
    op_test_input(&t, test_tensor(ONR_UINT32, SHAPE(2), (uint32_t[]){3, 5}));
    op_test_output(&t, test_tensor(ONR_UINT32, SCALAR, (uint32_t[]){5}));
    op_test_run(&t);
}

static void max_and_min_take_small_and_bool_types(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "ReduceMax", 20);
    op_test_input(&t, test_tensor(ONR_BOOL, SHAPE(2, 2), (uint8_t[]){0, 0, 0, 1}));
    op_test_input(&t, test_i64(SHAPE(1), (int64_t[]){1}));
    op_test_output(&t, test_tensor(ONR_BOOL, SHAPE(2, 1), (uint8_t[]){0, 1}));
    op_test_run(&t);
    op_test_begin(&t, "", "ReduceMin", 18);
    op_test_int(&t, "keepdims", 0);
    op_test_input(&t, test_tensor(ONR_INT8, SHAPE(2, 2), (int8_t[]){-3, 4, 5, -128}));
    op_test_output(&t, test_tensor(ONR_INT8, SCALAR, (int8_t[]){-128}));
    op_test_run(&t);
}

static void nan_reaches_max_and_min(void **state)
{
    (void)state;
    const char *names[] = {"ReduceMax", "ReduceMin"};
    for (int op = 0; op < 2; op++) {
        for (int64_t axis = 0; axis < 2; axis++) {
            struct op_test t;
            op_test_begin(&t, "", names[op], 13);
            op_test_int(&t, "keepdims", 0);
            op_test_ints(&t, "axes", 1, &axis);
            op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){NAN, 1, -NAN, 1}));
            op_test_output(&t,
                           test_f32(SHAPE(2), axis == 0 ? (float[]){NAN, 1} : (float[]){NAN, NAN}));
            op_test_run(&t);
        }
    }
}

static void no_axes_reduce_all_or_nothing(void **state)
{
    (void)state;
    for (int64_t noop = 0; noop < 2; noop++) {
        struct op_test t;
        op_test_begin(&t, "", "ReduceSumSquare", 18);
        op_test_int(&t, "noop_with_empty_axes", noop);
        op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){-2, 3}));
        op_test_input(&t, test_i64(SHAPE(0), NULL));
        op_test_output(&t, noop != 0 ? test_f32(SHAPE(1, 2), (float[]){4, 9})
                                     : test_f32(SHAPE(1, 1), (float[]){13}));
        op_test_run(&t);
    }
}

static void empty_sets_give_the_identity(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        float y;
    } cases[] = {
        {"ReduceSum", 0},         {"ReduceProd", 1},
        {"ReduceMax", -INFINITY}, {"ReduceMin", INFINITY},
        {"ReduceMean", NAN},      {"ReduceLogSum", -INFINITY},
        {"ReduceL2", 0},          {"ReduceLogSumExp", -INFINITY},
    };
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        int64_t axis = (int64_t)(i % 2);
        int64_t dims[] = {2, 2};
        dims[axis] = 0;
        float y[] = {cases[i / 2].y, cases[i / 2].y};
        struct op_test t;
        op_test_begin(&t, "", cases[i / 2].name, 18);
        op_test_int(&t, "keepdims", 0);
        op_test_input(&t, test_f32(2, dims, NULL));
        op_test_input(&t, test_i64(SHAPE(1), &axis));
        op_test_output(&t, test_f32(SHAPE(2), y));
        op_test_run(&t);
    }
    struct op_test t;
    op_test_begin(&t, "", "ReduceMax", 18);
    op_test_int(&t, "keepdims", 0);
    op_test_input(&t, test_tensor(ONR_INT8, SHAPE(0), NULL));
    op_test_output(&t, test_tensor(ONR_INT8, SCALAR, (int8_t[]){-128}));
    op_test_run(&t);
}

static void log_sum_exp_does_not_overflow(void **state)
{
    (void)state;
    for (int64_t axis = 0; axis < 2; axis++) {
        struct op_test t;
        op_test_begin(&t, "", "ReduceLogSumExp", 13);
        op_test_int(&t, "keepdims", 0);
        op_test_ints(&t, "axes", 1, &axis);
        op_test_input(&t, test_f32(SHAPE(2, 2), (float[]){1000, 1000, 1000, 1000}));
        op_test_output(&t, test_f32(SHAPE(2), (float[]){1000.6931f, 1000.6931f}));
        op_test_run(&t);
    }
    struct op_test t;
    op_test_begin(&t, "", "ReduceLogSumExp", 13);
    op_test_int(&t, "keepdims", 0);
    op_test_input(&t, test_f32(SHAPE(2), (float[]){-INFINITY, -INFINITY}));
    op_test_output(&t, test_f32(SCALAR, (float[]){-INFINITY}));
    op_test_run(&t);
}

static void sums_of_many_elements_stay_exact(void **state)
{
    (void)state;
    int64_t dims[] = {1 << 20};
    struct onr_tensor *x = test_f32(1, dims, NULL);
    for (int i = 0; i < 1 << 20; i++) {
        ((float *)x->data)[i] = 0.1f;
    }
    struct op_test t;
    op_test_begin(&t, "", "ReduceSum", 13);
    op_test_int(&t, "keepdims", 0);
    op_test_input(&t, x);
    op_test_output(&t, test_f32(SCALAR, (float[]){104857.6016f}));
    t.rtol = 1e-6; /* one running float sum is off by 1e-2 */
    op_test_run(&t);
}

static void bad_axes_are_refused(void **state)
{
    (void)state;
    static const struct {
        int64_t axes[2];
        const char *message;
    } cases[] = {
        {{0, 2}, "axis 2 out of range for rank 2"},
        {{-3, 0}, "axis -3 out of range for rank 2"},
        {{1, -1}, "axis -1 is given twice"},
    };
    for (size_t i = 0; i < 3; i++) {
        struct op_test t;
        op_test_begin(&t, "", "ReduceSum", 13);
        op_test_input(&t, test_f32(SHAPE(2, 2), NULL));
        op_test_input(&t, test_i64(SHAPE(2), cases[i].axes));
        op_test_output(&t, test_f32(SHAPE(1, 1), NULL));
        op_test_fails(&t, ONR_ERR_SHAPE, cases[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(each_operator_along_the_last_axis, test_tensors_free),
        cmocka_unit_test_teardown(every_set_of_axes_agrees_with_plain_loops, test_tensors_free),
        cmocka_unit_test_teardown(integers_wrap_and_means_are_cut, test_tensors_free),
        cmocka_unit_test_teardown(max_and_min_take_small_and_bool_types, test_tensors_free),
        cmocka_unit_test_teardown(nan_reaches_max_and_min, test_tensors_free),
        cmocka_unit_test_teardown(no_axes_reduce_all_or_nothing, test_tensors_free),
        cmocka_unit_test_teardown(empty_sets_give_the_identity, test_tensors_free),
        cmocka_unit_test_teardown(log_sum_exp_does_not_overflow, test_tensors_free),
        cmocka_unit_test_teardown(sums_of_many_elements_stay_exact, test_tensors_free),
        cmocka_unit_test_teardown(bad_axes_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
