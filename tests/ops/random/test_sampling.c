/* SPDX-License-Identifier: Apache-2.0 */
/* Bernoulli and Multinomial: frequencies, certain outcomes, types, what is refused. */
#include "support/op_test.h"
#include "support/session_test.h"

#include <math.h>

#define COUNT 20000

static void certain_outcomes_are_certain_in_every_type(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Bernoulli", 15);
    op_test_input(&t, test_f32(SHAPE(2, 3), (float[]){0, 1, -1, 2, (float)NAN, 1}));
    op_test_output(&t, test_f32(SHAPE(2, 3), (float[]){0, 1, 0, 1, 0, 1}));
    op_test_run(&t);
    op_test_begin(&t, "", "Bernoulli", 22);
    op_test_int(&t, "dtype", ONR_BOOL);
    op_test_input(&t, test_tensor(ONR_BFLOAT16, SHAPE(3), (uint16_t[]){0x3f80, 0, 0x3f80}));
    op_test_output(&t, test_tensor(ONR_BOOL, SHAPE(3), (uint8_t[]){1, 0, 1}));
    op_test_run(&t);
    op_test_begin(&t, "", "Bernoulli", 15);
    op_test_int(&t, "dtype", ONR_UINT64);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SCALAR, (double[]){1}));
    op_test_output(&t, test_tensor(ONR_UINT64, SCALAR, (uint64_t[]){1}));
    op_test_run(&t);
    op_test_begin(&t, "", "Bernoulli", 15);
    op_test_int(&t, "dtype", ONR_INT8);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(0, 2), NULL));
    op_test_output(&t, test_tensor(ONR_INT8, SHAPE(0, 2), NULL));
    op_test_run(&t);
    t.attrs[0].as.i = ONR_STRING;
    op_test_fails(&t, ONR_ERR_MODEL, "dtype is string, which the operator does not make");
}

/* A share of count draws with probability p is within 4 deviations. */
static void has_share(size_t hits, double p)
{
    assert_true(fabs((double)hits / COUNT - p) < 4 * sqrt(p * (1 - p) / COUNT));
}

static void shares_are_as_likely_as_asked_for(void **state)
{
    (void)state;
    struct session_test t;
    struct onr_tensor *p = test_f32(SHAPE(COUNT), NULL);
    for (size_t i = 0; i < COUNT; i++) {
        ((float *)p->data)[i] = i % 2 == 0 ? 0.1f : 0.75f;
    }
    session_test_begin(&t, "in float x [n]; a = Bernoulli(x) seed=1.0 dtype=9;"
                           "b = Bernoulli(x) seed=2.0 dtype=9; out bool a [n]; out bool b [n];");
    session_test_in(&t, "x", p);
    session_test_out(&t, "a", NULL);
    session_test_out(&t, "b", NULL);
    session_test_run(&t);
    size_t hits[2] = {0, 0};
    const uint8_t *a = session_test_result(&t, 0).data;
    const uint8_t *b = session_test_result(&t, 1).data;
    size_t both = 0;
    for (size_t i = 0; i < COUNT; i++) {
        hits[i % 2] += a[i];
        both += i % 2 == 1 && a[i] != 0 && b[i] != 0;
    }
    has_share(2 * hits[0], 0.1);
    has_share(2 * hits[1], 0.75);
    has_share(2 * both, 0.75 * 0.75);
    session_test_end(&t);
}

static void classes_come_as_often_as_their_probability_says(void **state)
{
    (void)state;
    struct session_test t;
    const float x[] = {0, 1, 2, -INFINITY, 100, (float)NAN, 102, 102};
    session_test_begin(&t, "in float x [n, 4]; y = Multinomial(x) seed=1.0 sample_size=20000;"
                           "out int32 y [n, 20000];");
    session_test_in(&t, "x", test_f32(SHAPE(2, 4), x));
    session_test_out(&t, "y", NULL);
    session_test_run(&t);
    const int32_t *y = session_test_result(&t, 0).data;
    for (size_t row = 0; row < 2; row++) {
        size_t seen[4] = {0, 0, 0, 0};
        double p[4];
        double total = 0;
        double chi_square = 0;
        for (size_t i = 0; i < COUNT; i++) {
            assert_true(y[row * COUNT + i] >= 0 && y[row * COUNT + i] < 4);
            seen[y[row * COUNT + i]]++;
        }
        for (size_t c = 0; c < 4; c++) {
            p[c] = isfinite(x[4 * row + c]) ? exp((double)x[4 * row + c] - (double)(100 * row)) : 0;
            total += p[c];
        }
        for (size_t c = 0; c < 4; c++) {
            double want = p[c] / total * COUNT;
            double off = (double)seen[c] - want;
            assert_true(p[c] > 0 || seen[c] == 0);
            chi_square += p[c] > 0 ? off * off / want : 0;
        }
        assert_true(chi_square < 13.8); /* 2 degrees of freedom: above once in a thousand times */
    }
    session_test_end(&t);
}

static void multinomial(struct op_test *t, const struct onr_tensor *x, const struct onr_tensor *y)
{
    op_test_begin(t, "", "Multinomial", 7);
    op_test_input(t, x);
    op_test_output(t, y);
}

static void one_class_is_always_drawn(void **state)
{
    (void)state;
    struct op_test t;
    multinomial(&t, test_f32(SHAPE(2, 1), (float[]){-1e30f, 3}),
                test_tensor(ONR_INT32, SHAPE(2, 1), NULL));
    op_test_run(&t);
    multinomial(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 3), (double[]){-HUGE_VAL, -900, -HUGE_VAL}),
                test_i64(SHAPE(1, 3), (int64_t[]){1, 1, 1}));
    op_test_int(&t, "dtype", ONR_INT64);
    op_test_int(&t, "sample_size", 3);
    op_test_run(&t);
    multinomial(&t, test_tensor(ONR_BFLOAT16, SHAPE(0, 3), NULL),
                test_tensor(ONR_INT32, SHAPE(0, 1), NULL));
    op_test_run(&t);
    multinomial(&t, test_tensor(ONR_FLOAT16, SHAPE(2, 3), NULL),
                test_tensor(ONR_INT32, SHAPE(2, 0), NULL));
    op_test_int(&t, "sample_size", 0);
    op_test_run(&t);
}

static void what_cannot_be_drawn_is_refused(void **state)
{
    (void)state;
    struct op_test t;
    const struct onr_tensor *y = test_tensor(ONR_INT32, SHAPE(2, 1), NULL);
    multinomial(&t, test_f32(SHAPE(2, 2), (float[]){0, 0, (float)NAN, -INFINITY}), y);
    op_test_fails(&t, ONR_ERR_VALUE, "row 1 has no finite log-probability");
    multinomial(&t, test_f32(SHAPE(2), NULL), y);
    op_test_fails(&t, ONR_ERR_SHAPE, "rank 1, expected 2");
    multinomial(&t, test_f32(SHAPE(2, 0), NULL), y);
    op_test_fails(&t, ONR_ERR_SHAPE, "input has 0 classes, expected 1 to 2147483647");
    multinomial(&t, test_f32(SHAPE(2, 2), NULL), y);
    op_test_int(&t, "sample_size", -1);
    op_test_fails(&t, ONR_ERR_MODEL, "attribute sample_size is -1, expected 0 to");
    multinomial(&t, test_f32(SHAPE(2, 2), NULL), y);
    op_test_int(&t, "dtype", ONR_FLOAT);
    op_test_fails(&t, ONR_ERR_MODEL, "dtype is float, which the operator does not make");
    multinomial(&t, test_i64(SHAPE(2, 2), NULL), y);
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "input 0 of type int64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(certain_outcomes_are_certain_in_every_type, test_tensors_free),
        cmocka_unit_test_teardown(shares_are_as_likely_as_asked_for, test_tensors_free),
        cmocka_unit_test_teardown(classes_come_as_often_as_their_probability_says,
                                  test_tensors_free),
        cmocka_unit_test_teardown(one_class_is_always_drawn, test_tensors_free),
        cmocka_unit_test_teardown(what_cannot_be_drawn_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
