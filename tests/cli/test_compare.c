/* SPDX-License-Identifier: Apache-2.0 */
#include "common/compare.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_are_counted_in_units_of_the_expected_number),
        cmocka_unit_test(integers_have_no_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
