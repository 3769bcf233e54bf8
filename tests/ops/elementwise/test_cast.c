/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void cast(struct op_test *t, int64_t version, enum onr_dtype to, const struct onr_tensor *x)
{
    op_test_begin(t, "", "Cast", version);
    op_test_int(t, "to", to);
    op_test_input(t, x);
}

static void floats_are_cut_off_and_out_of_range_is_pinned(void **state)
{
    (void)state;
    const float x[] = {1.9f, -1.9f, 300, -129, 3e9f, NAN, INFINITY, -0.0f};
    struct op_test t;
    cast(&t, 13, ONR_INT32, test_f32(SHAPE(8), x));
    op_test_output(&t,
                   test_tensor(ONR_INT32, SHAPE(8),
                               (int32_t[]){1, -1, 300, -129, INT32_MIN, INT32_MIN, INT32_MIN, 0}));
    op_test_run(&t);
    cast(&t, 13, ONR_INT64, test_f32(SHAPE(8), x));
    op_test_output(
        &t, test_i64(SHAPE(8), (int64_t[]){1, -1, 300, -129, 3000000000, INT64_MIN, INT64_MIN, 0}));
    op_test_run(&t);
    cast(&t, 13, ONR_UINT8, test_f32(SHAPE(8), x));
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(8), (uint8_t[]){1, 255, 44, 127, 0, 0, 0, 0}));
    op_test_run(&t);
    cast(&t, 13, ONR_INT8, test_f32(SHAPE(8), x));
    op_test_output(&t, test_tensor(ONR_INT8, SHAPE(8), (int8_t[]){1, -1, 44, 127, 0, 0, 0, 0}));
    op_test_run(&t);
    cast(&t, 13, ONR_BOOL, test_f32(SHAPE(8), x));
    op_test_output(&t, test_tensor(ONR_BOOL, SHAPE(8), (uint8_t[]){1, 1, 1, 1, 1, 1, 1, 0}));
    op_test_run(&t);
}

static void integers_keep_their_low_bits(void **state)
{
    (void)state;
    struct op_test t;
    cast(&t, 9, ONR_INT8, test_tensor(ONR_INT16, SHAPE(2), (int16_t[]){200, -129}));
    op_test_output(&t, test_tensor(ONR_INT8, SHAPE(2), (int8_t[]){-56, 127}));
    op_test_run(&t);
    cast(&t, 25, ONR_INT2, test_i64(SHAPE(3), (int64_t[]){1, 2, -3}));
    op_test_output(&t, test_tensor(ONR_INT2, SHAPE(3), (int8_t[]){1, -2, 1}));
    op_test_run(&t);
    cast(&t, 13, ONR_FLOAT, test_tensor(ONR_UINT64, SHAPE(1), (uint64_t[]){UINT64_MAX}));
    op_test_output(&t, test_f32(SHAPE(1), (float[]){0x1p64f}));
    op_test_run(&t);
    cast(&t, 13, ONR_INT64, test_tensor(ONR_BOOL, SHAPE(2), (uint8_t[]){1, 0}));
    op_test_output(&t, test_i64(SHAPE(2), (int64_t[]){1, 0}));
    op_test_run(&t);
}

static void large_tensors_are_shared_by_threads(void **state)
{
    (void)state;
    const int64_t count = 50021;
    struct onr_tensor *x = test_tensor(ONR_INT32, 1, &count, NULL);
    struct onr_tensor *y = test_tensor(ONR_DOUBLE, 1, &count, NULL);
    struct op_test t;
    for (int64_t i = 0; i < count; i++) {
        ((int32_t *)x->data)[i] = (int32_t)(i * 40503 % 65537) - 32768;
        ((double *)y->data)[i] = (double)((int32_t *)x->data)[i];
    }
    cast(&t, 13, ONR_DOUBLE, x);
    op_test_output(&t, y);
    op_test_run(&t);
}

static void narrow_floats_saturate_unless_told_otherwise(void **state)
{
    (void)state;
    const float x[] = {1e6f, -INFINITY, 1, NAN};
    struct op_test t;
    cast(&t, 19, ONR_FLOAT8E4M3FN, test_f32(SHAPE(4), x));
    op_test_output(&t,
                   test_tensor(ONR_FLOAT8E4M3FN, SHAPE(4), (uint8_t[]){0x7e, 0xfe, 0x38, 0x7f}));
    op_test_run(&t);
    cast(&t, 19, ONR_FLOAT8E5M2, test_f32(SHAPE(4), x));
    op_test_int(&t, "saturate", 0);
    op_test_output(&t, test_tensor(ONR_FLOAT8E5M2, SHAPE(4), (uint8_t[]){0x7c, 0xfc, 0x3c, 0x7e}));
    op_test_run(&t);
    cast(&t, 28, ONR_FLOAT6E2M3, test_f32(SHAPE(4), x));
    op_test_output(&t, test_tensor(ONR_FLOAT6E2M3, SHAPE(4), (uint8_t[]){0x1f, 0x3f, 0x08, 0x20}));
    op_test_run(&t);
    cast(&t, 24, ONR_FLOAT8E8M0, test_f32(SHAPE(1), (float[]){1.9f}));
    op_test_string(&t, "round_mode", "down");
    op_test_output(&t, test_tensor(ONR_FLOAT8E8M0, SHAPE(1), (uint8_t[]){127}));
    op_test_run(&t);
}

#define TEXT(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static void numbers_print_as_in_numpy(void **state)
{
    (void)state;
    struct op_test t;
    struct onr_string floats[] = {TEXT("1.0"),   TEXT("0.1"),    TEXT("-0.0"), TEXT("1e-05"),
                                  TEXT("1e+16"), TEXT("1234.5"), TEXT("nan"),  TEXT("-inf")};
    cast(&t, 13, ONR_STRING,
         test_f32(SHAPE(8), (float[]){1, 0.1f, -0.0f, 1e-5f, 1e16f, 1234.5f, NAN, -INFINITY}));
    op_test_output(&t, test_tensor(ONR_STRING, SHAPE(8), floats));
    op_test_run(&t);
    struct onr_string doubles[] = {TEXT("0.30000000000000004"), TEXT("1.5e-300")};
    cast(&t, 13, ONR_STRING, test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){0.1 + 0.2, 1.5e-300}));
    op_test_output(&t, test_tensor(ONR_STRING, SHAPE(2), doubles));
    op_test_run(&t);
    struct onr_string halves[] = {TEXT("0.1"), TEXT("65500.0")};
    cast(&t, 13, ONR_STRING, test_tensor(ONR_FLOAT16, SHAPE(2), (uint16_t[]){0x2e66, 0x7bff}));
    op_test_output(&t, test_tensor(ONR_STRING, SHAPE(2), halves));
    op_test_run(&t);
    struct onr_string ints[] = {TEXT("-9223372036854775808")};
    cast(&t, 13, ONR_STRING, test_i64(SHAPE(1), (int64_t[]){INT64_MIN}));
    op_test_output(&t, test_tensor(ONR_STRING, SHAPE(1), ints));
    op_test_run(&t);
    struct onr_string bools[] = {TEXT("True"), TEXT("False")};
    cast(&t, 13, ONR_STRING, test_tensor(ONR_BOOL, SHAPE(2), (uint8_t[]){1, 0}));
    op_test_output(&t, test_tensor(ONR_STRING, SHAPE(2), bools));
    op_test_run(&t);
}

static void text_is_read_as_numbers(void **state)
{
    (void)state;
    struct op_test t;
    struct onr_string floats[] = {TEXT(" 3.14 "), TEXT("1e-5"), TEXT("+INF"),
                                  TEXT("-inf"),   TEXT("NaN"),  TEXT("-7")};
    cast(&t, 13, ONR_FLOAT, test_tensor(ONR_STRING, SHAPE(6), floats));
    op_test_output(&t, test_f32(SHAPE(6), (float[]){3.14f, 1e-5f, INFINITY, -INFINITY, NAN, -7}));
    op_test_run(&t);
    struct onr_string ints[] = {TEXT("9007199254740993"), TEXT("-5"), TEXT("1E3")};
    cast(&t, 13, ONR_INT64, test_tensor(ONR_STRING, SHAPE(3), ints));
    op_test_output(&t, test_i64(SHAPE(3), (int64_t[]){9007199254740993, -5, 1000}));
    op_test_run(&t);
    struct onr_string bools[] = {TEXT("TRUE"), TEXT("false"), TEXT("2")};
    cast(&t, 13, ONR_BOOL, test_tensor(ONR_STRING, SHAPE(3), bools));
    op_test_output(&t, test_tensor(ONR_BOOL, SHAPE(3), (uint8_t[]){1, 0, 1}));
    op_test_run(&t);
}

static void text_that_is_no_number_is_refused(void **state)
{
    (void)state;
    static const struct onr_string words[] = {TEXT("Hello"), TEXT(""),    TEXT("1 2"),
                                              TEXT("0x10"),  TEXT("1e+"), TEXT("+")};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct op_test t;
        cast(&t, 13, ONR_FLOAT, test_tensor(ONR_STRING, SHAPE(1), &words[i]));
        op_test_output(&t, test_f32(SHAPE(1), NULL));
        op_test_fails(&t, ONR_ERR_VALUE, "at 0 is no number");
    }
}

static void impossible_types_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    cast(&t, 13, ONR_COMPLEX64, test_f32(SHAPE(1), NULL));
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "cast to complex64");
    cast(&t, 13, (enum onr_dtype)99, test_f32(SHAPE(1), NULL));
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "to is 99");
    cast(&t, 24, ONR_FLOAT8E8M0, test_f32(SHAPE(1), NULL));
    op_test_string(&t, "round_mode", "away");
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "round_mode is \"away\"");
}

static void cast_like_takes_the_type_of_its_second_input(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "CastLike", 15);
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1.5f, -2}));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(0), NULL));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(2), (uint16_t[]){0x3e00, 0xc000}));
    op_test_run(&t);
    op_test_begin(&t, "", "CastLike", 15);
    op_test_input(&t, test_f32(SCALAR, (float[]){3}));
    op_test_input(&t, test_f32(SHAPE(1), NULL));
    op_test_output(&t, test_f32(SCALAR, (float[]){3}));
    op_test_run(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(floats_are_cut_off_and_out_of_range_is_pinned, test_tensors_free),
        cmocka_unit_test_teardown(integers_keep_their_low_bits, test_tensors_free),
        cmocka_unit_test_teardown(large_tensors_are_shared_by_threads, test_tensors_free),
        cmocka_unit_test_teardown(narrow_floats_saturate_unless_told_otherwise, test_tensors_free),
        cmocka_unit_test_teardown(numbers_print_as_in_numpy, test_tensors_free),
        cmocka_unit_test_teardown(text_is_read_as_numbers, test_tensors_free),
        cmocka_unit_test_teardown(text_that_is_no_number_is_refused, test_tensors_free),
        cmocka_unit_test_teardown(impossible_types_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(cast_like_takes_the_type_of_its_second_input, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
