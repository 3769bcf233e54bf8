/* SPDX-License-Identifier: Apache-2.0 */
/* RandomNormal, RandomUniform and their ...Like forms: distribution, types, shapes, what is refused. */
#include "base/half.h"
#include "support/op_test.h"
#include "support/session_test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT 20000

/* Runs the model, whose only output is y, and copies its COUNT numbers. */
static void draw(const char *model, double *numbers)
{
    struct session_test t;
    session_test_begin(&t, model);
    session_test_out(&t, "y", NULL);
    session_test_run(&t);
    struct onr_tensor y = session_test_result(&t, 0);
    assert_int_equal(onr_tensor_count(&y), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        switch (y.dtype) {
        case ONR_FLOAT:
            numbers[i] = (double)((const float *)y.data)[i];
            break;
        case ONR_DOUBLE:
            numbers[i] = ((const double *)y.data)[i];
            break;
        case ONR_FLOAT16:
            numbers[i] = (double)onr_half_to_float(((const uint16_t *)y.data)[i]);
            break;
        default:
            numbers[i] = (double)onr_bfloat16_to_float(((const uint16_t *)y.data)[i]);
            break;
        }
    }
    session_test_end(&t);
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double normal_below(double x)
{
    return 0.5 * erfc(-x / sqrt(2.0));
}

static double uniform_below(double x)
{
    return x < 0 ? 0 : x > 1 ? 1 : x;
}

/*
 * The test of Kolmogorov and Smirnov: the largest distance between the share of numbers below x and the
 * distribution's, times the root of the count, is above 1.95 once in a thousand times.
 */
static void follows(double *numbers, double (*below)(double))
{
    double largest = 0;
    qsort(numbers, COUNT, sizeof *numbers, compare_numbers);
    for (size_t i = 0; i < COUNT; i++) {
        double want = below(numbers[i]);
        double distance =
            fmax(fabs(want - (double)i / COUNT), fabs(want - (double)(i + 1) / COUNT));
        largest = fmax(largest, distance);
    }
    assert_true(largest * sqrt(COUNT) < 1.95);
}

static void has_moments(const double *numbers, double mean, double deviation)
{
    double sum = 0;
    double squares = 0;
    for (size_t i = 0; i < COUNT; i++) {
        sum += numbers[i];
        squares += (numbers[i] - mean) * (numbers[i] - mean);
    }
    assert_true(fabs(sum / COUNT - mean) < 4 * deviation / sqrt(COUNT));
    assert_true(fabs(sqrt(squares / COUNT) / deviation - 1) < 0.03);
}

static void numbers_follow_the_distribution(void **state)
{
    (void)state;
    double *numbers = calloc(COUNT, sizeof *numbers);
    draw("y = RandomNormal() shape=[20000] seed=1.0; out float y [20000];", numbers);
    has_moments(numbers, 0, 1);
    follows(numbers, normal_below);
    draw("y = RandomUniform() shape=[20000] seed=2.0 dtype=11; out double y [20000];", numbers);
    has_moments(numbers, 0.5, sqrt(1.0 / 12));
    follows(numbers, uniform_below);
    draw("y = RandomNormal() shape=[100, 200] seed=3.0 mean=5.0 scale=2.0; out float y [100, 200];",
         numbers);
    has_moments(numbers, 5, 2);
    draw("y = RandomUniform() shape=[20000] seed=4.0 low=-3.0 high=1.0; out float y [20000];",
         numbers);
    has_moments(numbers, -1, 4 * sqrt(1.0 / 12));
    free(numbers);
}

/* A number of 16 bits could be rounded up to 1. */
static void uniform_numbers_stay_below_one_in_every_type(void **state)
{
    (void)state;
    static const char *const models[] = {
        "opset 22; y = RandomUniform() shape=[20000] seed=1.0 dtype=10; out float16 y [20000];",
        "opset 22; y = RandomUniform() shape=[20000] seed=1.0 dtype=16; out bfloat16 y [20000];",
        "opset 22; y = RandomUniform() shape=[20000] seed=1.0; out float y [20000];"};
    double *numbers = calloc(COUNT, sizeof *numbers);
    for (int i = 0; i < 3; i++) {
        draw(models[i], numbers);
        has_moments(numbers, 0.5, sqrt(1.0 / 12));
        for (size_t k = 0; k < COUNT; k++) {
            assert_true(numbers[k] >= 0 && numbers[k] < 1);
        }
    }
    free(numbers);
}

static void a_range_of_one_number_gives_that_number(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "RandomUniform", 1);
    op_test_ints(&t, "shape", 2, (int64_t[]){1, 3});
    op_test_float(&t, "low", 2);
    op_test_float(&t, "high", 2);
    op_test_output(&t, test_f32(SHAPE(1, 3), (float[]){2, 2, 2}));
    op_test_run(&t);
    op_test_begin(&t, "", "RandomNormal", 22);
    op_test_ints(&t, "shape", 1, (int64_t[]){3});
    op_test_float(&t, "mean", -1);
    op_test_float(&t, "scale", 0);
    op_test_output(&t, test_f32(SHAPE(3), (float[]){-1, -1, -1}));
    op_test_run(&t);
}

static void like(struct op_test *t, const char *name, const struct onr_tensor *input,
                 enum onr_dtype dtype, const struct onr_tensor *expected)
{
    op_test_begin(t, "", name, 22);
    op_test_input(t, input);
    op_test_float(t, strstr(name, "Normal") != NULL ? "scale" : "high", 0);
    if (dtype != ONR_UNDEFINED) {
        op_test_int(t, "dtype", dtype);
    }
    op_test_output(t, expected);
}

static void like_takes_shape_and_type_of_the_input(void **state)
{
    (void)state;
    static const char *const names[] = {"RandomNormalLike", "RandomUniformLike"};
    struct onr_string strings[] = {{"a", 1}, {"", 0}};
    for (int i = 0; i < 2; i++) {
        struct op_test t;
        like(&t, names[i], test_tensor(ONR_DOUBLE, SHAPE(2, 1), NULL), ONR_UNDEFINED,
             test_tensor(ONR_DOUBLE, SHAPE(2, 1), NULL));
        op_test_run(&t);
        like(&t, names[i], test_tensor(ONR_STRING, SHAPE(2), strings), ONR_BFLOAT16,
             test_tensor(ONR_BFLOAT16, SHAPE(2), NULL));
        op_test_run(&t);
        like(&t, names[i], test_f32(SHAPE(0, 3), NULL), ONR_UNDEFINED, test_f32(SHAPE(0, 3), NULL));
        op_test_run(&t);
        like(&t, names[i], test_f32(SCALAR, NULL), ONR_UNDEFINED, test_f32(SCALAR, NULL));
        op_test_run(&t);
        like(&t, names[i], test_i64(SHAPE(2), NULL), ONR_UNDEFINED, test_i64(SHAPE(2), NULL));
        op_test_fails(&t, ONR_ERR_MODEL, "dtype is int64, which the operator does not make");
    }
}

static void shaped(struct op_test *t, const char *name, size_t rank, const int64_t *dims)
{
    op_test_begin(t, "", name, 1);
    op_test_ints(t, "shape", rank, dims);
    op_test_output(t, test_f32(SHAPE(1), NULL));
}

static void wrong_attributes_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    int64_t ones[17] = {1};
    op_test_begin(&t, "", "RandomNormal", 1);
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "attribute \"shape\" is missing");
    shaped(&t, "RandomNormal", 2, (int64_t[]){1, -2});
    op_test_fails(&t, ONR_ERR_MODEL, "shape[1] is -2, expected at least 0");
    shaped(&t, "RandomNormal", 17, ones);
    op_test_fails(&t, ONR_ERR_LIMIT, "17");
    shaped(&t, "RandomUniform", 2, (int64_t[]){INT64_MAX, INT64_MAX});
    op_test_fails(&t, ONR_ERR_LIMIT, "too large");
    shaped(&t, "RandomUniform", 1, (int64_t[]){1});
    op_test_int(&t, "dtype", ONR_INT32);
    op_test_fails(&t, ONR_ERR_MODEL, "dtype is int32, which the operator does not make");
    t.attrs[1].as.i = 99;
    op_test_fails(&t, ONR_ERR_MODEL, "dtype is 99, expected an element type");
    shaped(&t, "RandomUniform", 1, (int64_t[]){1});
    op_test_float(&t, "low", 1.5f);
    op_test_fails(&t, ONR_ERR_MODEL,
                  "low is 1.5 and high is 1, expected finite numbers, low <= high");
    t.attrs[1].as.f = (float)NAN;
    op_test_fails(&t, ONR_ERR_MODEL, "low is nan");
    shaped(&t, "RandomNormal", 1, (int64_t[]){1});
    op_test_float(&t, "scale", -1);
    op_test_fails(&t, ONR_ERR_MODEL,
                  "mean is 0 and scale is -1, expected finite numbers, scale >= 0");
    op_test_begin(&t, "", "RandomNormalLike", 1);
    op_test_ints(&t, "shape", 0, NULL);
    op_test_input(&t, test_f32(SHAPE(1), NULL));
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "attribute \"shape\" is not known");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_follow_the_distribution),
        cmocka_unit_test(uniform_numbers_stay_below_one_in_every_type),
        cmocka_unit_test_teardown(a_range_of_one_number_gives_that_number, test_tensors_free),
        cmocka_unit_test_teardown(like_takes_shape_and_type_of_the_input, test_tensors_free),
        cmocka_unit_test_teardown(wrong_attributes_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
