/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>
#include <string.h>

#define COUNT 8
#define E     2.718281828459045235
#define LN2   0.6931471805599453094
#define PI    3.141592653589793238
#define SQRT2 1.414213562373095049
#define INF   ((double)INFINITY)
#define NONE  ((double)NAN)

/* Expected results of float functions; the same numbers are used for double and, rounded, for the
 * half types. */
static const struct {
    const char *op;
    int version;
    double x[COUNT];
    double y[COUNT];
} cases[] = {
    {"Abs", 13, {-2, 2, -0.0, -INF, NONE}, {2, 2, 0, INF, NONE}},
    {"Acos", 7, {1, 0, -1, 2}, {0, PI / 2, PI, NONE, PI / 2, PI / 2, PI / 2, PI / 2}},
    {"Acosh", 9, {1, 2, 0.5, INF, 1, 1, 1, 1}, {0, 1.3169578969248166, NONE, INF}},
    {"Asin", 22, {1, 0, -1, 2}, {PI / 2, 0, -PI / 2, NONE}},
    {"Asinh", 9, {1, 0, -INF}, {0.881373587019543, 0, -INF}},
    {"Atan", 7, {1, 0, -INF, NONE}, {PI / 4, 0, -PI / 2, NONE}},
    {"Atanh", 9, {0.5, 0, 1, -2}, {0.5493061443340548, 0, INF, NONE}},
    {"Ceil", 13, {-1.5, 1.25, 2, INF, NONE}, {-1, 2, 2, INF, NONE}},
    {"Cos", 7, {PI, 2, INF, NONE}, {-1, -0.4161468365471424, NONE, NONE, 1, 1, 1, 1}},
    {"Cosh", 9, {1, -INF}, {1.5430806348152437, INF, 1, 1, 1, 1, 1, 1}},
    {"Erf", 13, {0.5, -2, INF, NONE}, {0.5204998778130465, -0.9953222650189527, 1, NONE}},
    {"Exp", 13, {1, -INF, INF, NONE}, {E, 0, INF, NONE, 1, 1, 1, 1}},
    {"Floor", 6, {-1.5, 1.25, 2, -INF, NONE}, {-2, 1, 2, -INF, NONE}},
    {"HardSwish", 14, {-4, -1.5, 1.5, 5, INF, NONE}, {0, -0.375, 1.125, 5, INF, NONE}},
    {"Log", 13, {E, 1, 0, -1, INF, NONE, 1, 1}, {1, 0, -INF, NONE, INF, NONE}},
    {"Mish", 18, {1, -2, 30, NONE}, {0.8650983882673103, -0.2525014826957089, 30, NONE}},
    {"Neg", 13, {-2, 2, INF, NONE}, {2, -2, -INF, NONE}},
    {"Reciprocal", 13, {-4, 2, 0, -0.0, INF, NONE, 1, 1}, {-0.25, 0.5, INF, -INF, 0, NONE, 1, 1}},
    {"Relu", 14, {-1, 1, INF, -INF, NONE}, {0, 1, INF, 0, NONE}},
    {"Round", 11, {0.5, 1.5, -2.5, -0.25, INF, NONE, 1.25}, {0, 2, -2, 0, INF, NONE, 1}},
    {"Sigmoid", 13, {1, -100, INF, -INF, NONE}, {0.7310585786300049, 0, 1, 0, NONE, 0.5, 0.5, 0.5}},
    {"Sign", 13, {-3, 0.5, 0, INF, NONE}, {-1, 1, 0, 1, NONE}},
    {"Sin", 22, {PI / 2, 2, INF, NONE}, {1, 0.9092974268256817, NONE, NONE}},
    {"Sinh", 9, {1, -INF}, {1.1752011936438014, -INF}},
    {"Softplus", 22, {1, 100, -INF, NONE}, {1.3132616875182228, 100, 0, NONE, LN2, LN2, LN2, LN2}},
    {"Softsign", 1, {1, -3, NONE}, {0.5, -0.75, NONE}},
    {"Sqrt", 13, {4, 2, -1, INF, NONE}, {2, SQRT2, NONE, INF, NONE}},
    {"Tan", 7, {PI / 4, -1, INF}, {1, -1.5574077246549023, NONE}},
    {"Tanh", 13, {0.5, -2, INF, NONE}, {0.46211715726000973, -0.9640275800758169, 1, NONE}},
};

static void functions_match_their_definition(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float x[COUNT];
        float y[COUNT];
        for (size_t j = 0; j < COUNT; j++) {
            x[j] = (float)cases[i].x[j];
            y[j] = (float)cases[i].y[j];
        }
        struct op_test t;
        op_test_begin(&t, "", cases[i].op, cases[i].version);
        op_test_input(&t, test_f32(SHAPE(2, 4), x));
        op_test_output(&t, test_f32(SHAPE(2, 4), y));
        op_test_run(&t);

        op_test_begin(&t, "", cases[i].op, cases[i].version);
        op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(COUNT), cases[i].x));
        op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(COUNT), cases[i].y));
        t.rtol = 1e-14;
        t.atol = 1e-15;
        op_test_run(&t);
    }
}

static void half_types_are_computed_in_float(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Exp", 13); /* of -1, 0, 1, inf */
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(4), (uint16_t[]){0xbc00, 0, 0x3c00, 0x7c00}));
    op_test_output(
        &t, test_tensor(ONR_FLOAT16, SHAPE(4), (uint16_t[]){0x35e3, 0x3c00, 0x4170, 0x7c00}));
    op_test_run(&t);
    op_test_begin(&t, "", "Exp", 13);
    op_test_input(&t, test_tensor(ONR_BFLOAT16, SHAPE(3), (uint16_t[]){0xbf80, 0, 0x3f80}));
    op_test_output(&t, test_tensor(ONR_BFLOAT16, SHAPE(3), (uint16_t[]){0x3ebc, 0x3f80, 0x402e}));
    op_test_run(&t);
}

static void check_ints(const char *op, int version, enum onr_dtype dtype, const void *x,
                       const void *y)
{
    struct op_test t;
    op_test_begin(&t, "", op, version);
    op_test_input(&t, test_tensor(dtype, SHAPE(4), x));
    op_test_output(&t, test_tensor(dtype, SHAPE(4), y));
    op_test_run(&t);
}

static void integers_wrap(void **state)
{
    (void)state;
    const int64_t x64[] = {INT64_MIN, -3, 0, INT64_MAX};
    check_ints("Abs", 13, ONR_INT64, x64, (int64_t[]){INT64_MIN, 3, 0, INT64_MAX});
    check_ints("Neg", 13, ONR_INT64, x64, (int64_t[]){INT64_MIN, 3, 0, -INT64_MAX});
    check_ints("Sign", 13, ONR_INT64, x64, (int64_t[]){-1, -1, 0, 1});
    check_ints("Relu", 14, ONR_INT64, x64, (int64_t[]){0, 0, 0, INT64_MAX});
    check_ints("Erf", 9, ONR_INT64, x64, (int64_t[]){-1, 0, 0, 1});
    check_ints("BitwiseNot", 18, ONR_INT64, x64, (int64_t[]){INT64_MAX, 2, -1, INT64_MIN});
    const int8_t x8[] = {INT8_MIN, -3, 0, INT8_MAX};
    check_ints("Abs", 13, ONR_INT8, x8, (int8_t[]){INT8_MIN, 3, 0, INT8_MAX});
    check_ints("Neg", 13, ONR_INT8, x8, (int8_t[]){INT8_MIN, 3, 0, -INT8_MAX});
    const uint16_t x16[] = {0, 1, 2, UINT16_MAX};
    check_ints("Abs", 6, ONR_UINT16, x16, x16);
    check_ints("Sign", 9, ONR_UINT16, x16, (uint16_t[]){0, 1, 1, 1});
    check_ints("BitwiseNot", 18, ONR_UINT16, x16, (uint16_t[]){UINT16_MAX, 65534, 65533, 0});
    check_ints("Not", 1, ONR_BOOL, (uint8_t[]){0, 1, 1, 0}, (uint8_t[]){1, 0, 0, 1});
}

static void check_test(const char *op, int positive, int negative, enum onr_dtype dtype,
                       const void *x, const uint8_t y[4])
{
    struct op_test t;
    op_test_begin(&t, "", op, 20);
    if (positive >= 0) {
        op_test_int(&t, "detect_positive", positive);
        op_test_int(&t, "detect_negative", negative);
    }
    op_test_input(&t, test_tensor(dtype, SHAPE(4), x));
    op_test_output(&t, test_tensor(ONR_BOOL, SHAPE(4), y));
    op_test_run(&t);
}

static void nan_and_infinity_are_found_in_all_float_types(void **state)
{
    (void)state;
    const float x32[] = {NAN, INFINITY, -INFINITY, 1};
    const double x64[] = {NONE, INF, -INF, 1};
    const uint16_t x16[] = {0x7e01, 0x7c00, 0xfc00, 0x3c00};
    const uint16_t xb16[] = {0x7fc1, 0x7f80, 0xff80, 0x3f80};
    const uint8_t e5m2[] = {0x7e, 0x7c, 0xfc, 0x3c};
    const struct {
        enum onr_dtype dtype;
        const void *x;
    } types[] = {{ONR_FLOAT, x32},
                 {ONR_DOUBLE, x64},
                 {ONR_FLOAT16, x16},
                 {ONR_BFLOAT16, xb16},
                 {ONR_FLOAT8E5M2, e5m2}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        check_test("IsNaN", -1, 0, types[i].dtype, types[i].x, (uint8_t[]){1, 0, 0, 0});
        check_test("IsInf", -1, 0, types[i].dtype, types[i].x, (uint8_t[]){0, 1, 1, 0});
        check_test("IsInf", 1, 0, types[i].dtype, types[i].x, (uint8_t[]){0, 1, 0, 0});
        check_test("IsInf", 0, 1, types[i].dtype, types[i].x, (uint8_t[]){0, 0, 1, 0});
        check_test("IsInf", 0, 0, types[i].dtype, types[i].x, (uint8_t[]){0, 0, 0, 0});
    }
    const uint8_t e4m3[] = {0x7f, 0x80, 0xff, 0x01};
    check_test("IsNaN", -1, 0, ONR_FLOAT8E4M3FN, e4m3, (uint8_t[]){1, 0, 1, 0});
    check_test("IsNaN", -1, 0, ONR_FLOAT8E4M3FNUZ, e4m3, (uint8_t[]){0, 1, 0, 0});
    check_test("IsNaN", -1, 0, ONR_FLOAT8E5M2FNUZ, e4m3, (uint8_t[]){0, 1, 0, 0});
    check_test("IsInf", -1, 0, ONR_FLOAT8E4M3FN, e4m3, (uint8_t[]){0, 0, 0, 0});
}

static void scalars_empty_and_large_tensors_work(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Neg", 13);
    op_test_input(&t, test_f32(SCALAR, (float[]){2}));
    op_test_output(&t, test_f32(SCALAR, (float[]){-2}));
    op_test_run(&t);
    op_test_begin(&t, "", "Neg", 13);
    op_test_input(&t, test_f32(SHAPE(2, 0, 3), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 0, 3), NULL));
    op_test_run(&t);
    const struct onr_tensor *x = test_f32(SHAPE(3, 20011), NULL); /* enough for three threads */
    const struct onr_tensor *y = test_f32(SHAPE(3, 20011), NULL);
    test_random(1, 60033, x->data);
    for (size_t i = 0; i < 60033; i++) {
        ((float *)y->data)[i] = -((const float *)x->data)[i];
    }
    op_test_begin(&t, "", "Neg", 13);
    op_test_input(&t, x);
    op_test_output(&t, y);
    op_test_run(&t);
}

static void wrong_types_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Exp", 13);
    op_test_input(&t, test_i64(SHAPE(1), NULL));
    op_test_output(&t, test_i64(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "input 0 of type int64");
    op_test_begin(&t, "", "Neg", 13);
    op_test_input(&t, test_tensor(ONR_UINT8, SHAPE(1), NULL));
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "input 0 of type uint8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(functions_match_their_definition, test_tensors_free),
        cmocka_unit_test_teardown(half_types_are_computed_in_float, test_tensors_free),
        cmocka_unit_test_teardown(integers_wrap, test_tensors_free),
        cmocka_unit_test_teardown(nan_and_infinity_are_found_in_all_float_types, test_tensors_free),
        cmocka_unit_test_teardown(scalars_empty_and_large_tensors_work, test_tensors_free),
        cmocka_unit_test_teardown(wrong_types_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
