/* SPDX-License-Identifier: Apache-2.0 */
#include "common/compare.h"
#include "common/element.h"

#include "support/test.h"

#include <math.h>
#include <string.h>

static onnxrun_tensor *make(onnxrun_dtype dtype, int64_t count, const void *data)
{
    onnxrun_tensor *tensor = NULL;
    assert_int_equal(onnxrun_tensor_create(dtype, 1, &count, &tensor, NULL), ONNXRUN_OK);
    memcpy(onnxrun_tensor_mutable_data(tensor), data, onnxrun_tensor_bytes(tensor));
    return tensor;
}

static struct comparison compare(onnxrun_dtype dtype, int64_t count, const void *got,
                                 const void *want)
{
    onnxrun_tensor *a = make(dtype, count, got), *b = make(dtype, count, want);
    struct comparison result = compare_tensors(a, b, 1e-3, 1e-7);
    onnxrun_tensor_free(a);
    onnxrun_tensor_free(b);
    return result;
}

static void errors_are_counted_in_units_of_the_expected_number(void **state)
{
    (void)state;
    const float want[] = {1, -2, 0, NAN, INFINITY};
    const float got[] = {1 + 2 * 0x1p-23f, -2 - 0x1p-22f, 0, NAN, INFINITY};
    struct comparison result = compare(ONNXRUN_FLOAT, 5, got, want);
    assert_true(result.is_equal);
    assert_true(result.max_ulp == 2);
    assert_true(result.max_error == 0x1p-22);
    /* Below the normal numbers, the unit is the smallest number. */
    result = compare(ONNXRUN_FLOAT, 1, &(float){3 * 0x1p-149f}, &(float){0});
    assert_true(result.is_equal && result.max_ulp == 3);
    /* 1 and 1 + 2^-10; 1 and 1 + 2^-7. */
    result = compare(ONNXRUN_FLOAT16, 1, &(uint16_t){0x3c01}, &(uint16_t){0x3c00});
    assert_true(result.is_equal && result.max_ulp == 1);
    result = compare(ONNXRUN_BFLOAT16, 1, &(uint16_t){0x3f81}, &(uint16_t){0x3f80});
    assert_true(!result.is_equal && result.max_ulp == 1);
}

static void integers_have_no_units(void **state)
{
    (void)state;
    struct comparison result = compare(ONNXRUN_INT32, 1, &(int32_t){7}, &(int32_t){5});
    assert_true(!result.is_equal && result.max_ulp == 0 && result.max_error == 2);
}

static void the_largest_error_is_told_in_all_ways(void **state)
{
    (void)state;
    struct comparison result =
        compare(ONNXRUN_FLOAT, 3, (float[]){1, 2.5F, -8}, (float[]){1, 2, -9});
    assert_true(result.max_error == 1 && result.worst == 2);
    assert_true(result.max_relative == 0.25);
    /* Zero has no parts, and an infinite error is no number. */
    result = compare(ONNXRUN_FLOAT, 2, (float[]){1, INFINITY}, (float[]){0, 1});
    assert_true(result.max_error == 1 && result.worst == 0 && result.max_relative == 0);
}

static struct comparison compare_types(onnxrun_dtype got_type, const void *got,
                                       onnxrun_dtype want_type, const void *want)
{
    onnxrun_tensor *a = make(got_type, 1, got), *b = make(want_type, 1, want);
    struct comparison result = compare_numbers(a, b, 1e-3, 0);
    onnxrun_tensor_free(a);
    onnxrun_tensor_free(b);
    return result;
}

static void numbers_of_different_types_can_be_compared(void **state)
{
    (void)state;
    const float one = 1, near = 1 + 0x1p-7F;
    const uint16_t bfloat16_one = 0x3f80;
    struct comparison result = compare_types(ONNXRUN_BFLOAT16, &bfloat16_one, ONNXRUN_FLOAT, &near);
    assert_true(!result.is_equal && result.max_ulp == 1);
    assert_string_equal(result.message, "1 of 1 elements differ, first at [0]: got 1, expected "
                                        "1.0078125; largest error 0.00781");
    assert_true(compare_types(ONNXRUN_DOUBLE, &(double){1}, ONNXRUN_FLOAT, &one).is_equal);
    assert_true(compare_types(ONNXRUN_INT64, &(int64_t){1}, ONNXRUN_UINT8, &(uint8_t){1}).is_equal);
    assert_true(compare_types(ONNXRUN_BOOL, &(bool){true}, ONNXRUN_INT8, &(int8_t){1}).is_equal);
    result = compare_types(ONNXRUN_INT32, &(int32_t){1}, ONNXRUN_FLOAT, &one);
    assert_true(!result.is_equal);
    assert_string_equal(result.message, "got int32[1], expected float[1]");
}

static void lengths_of_complex_numbers_neither_overflow_nor_vanish(void **state)
{
    (void)state;
    assert_true(complex_length(0, 0) == 0 && complex_length(-2.5, 0) == 2.5);
    assert_true(complex_length(3, -4) == 5 && complex_length(4e300, 3e300) == 5e300);
    assert_true(complex_length(3e-320, 0) == 3e-320 && complex_length(-3e-300, 4e-300) == 5e-300);
    const double nan = (double)NAN;
    assert_true(complex_length(-HUGE_VAL, HUGE_VAL) == HUGE_VAL);
    assert_true(complex_length(1, HUGE_VAL) == HUGE_VAL);
    assert_true(isnan(complex_length(nan, 1)) && isnan(complex_length(0, nan)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_counted_in_units_of_the_expected_number),
        cmocka_unit_test(integers_have_no_units),
        cmocka_unit_test(the_largest_error_is_told_in_all_ways),
        cmocka_unit_test(numbers_of_different_types_can_be_compared),
        cmocka_unit_test(lengths_of_complex_numbers_neither_overflow_nor_vanish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
