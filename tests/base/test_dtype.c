/* SPDX-License-Identifier: Apache-2.0 */
#include "base/dtype.h"
#include "support/test.h"

#include <string.h>

static void facts_of_all_types(void **state)
{
    (void)state;
    for (int i = 1; i < ONR_DTYPE_COUNT; i++) {
        enum onr_dtype dtype = (enum onr_dtype)i;
        assert_true(onr_dtype_size(dtype) > 0);
        assert_true(onr_dtype_name(dtype)[0] != '\0');
        assert_true(onr_dtypes_has(ONR_DTYPES_ALL, dtype));
        assert_true(onr_dtype_file_bits(dtype) > 0 || dtype == ONR_STRING);
        assert_true(onr_dtype_file_bits(dtype) <= 8 * onr_dtype_size(dtype));
    }
    assert_false(onr_dtypes_has(ONR_DTYPES_ALL, ONR_UNDEFINED));
    assert_int_equal(onr_dtype_size(ONR_UNDEFINED), 0);
    assert_false(onr_dtype_is_valid(0));
    assert_false(onr_dtype_is_valid(29));
    assert_false(onr_dtype_is_valid(INT64_MIN));
    assert_true(onr_dtype_is_valid(28));
}

static void bytes_in_a_file(void **state)
{
    (void)state;
    size_t bytes = 0;
    assert_true(onr_dtype_file_bytes(ONR_INT4, 3, &bytes) && bytes == 2);
    assert_true(onr_dtype_file_bytes(ONR_UINT2, 5, &bytes) && bytes == 2);
    assert_true(onr_dtype_file_bytes(ONR_INT2, 4, &bytes) && bytes == 1);
    assert_true(onr_dtype_file_bytes(ONR_COMPLEX128, 3, &bytes) && bytes == 48);
    assert_true(onr_dtype_file_bytes(ONR_FLOAT, 0, &bytes) && bytes == 0);
    assert_true(onr_dtype_file_bytes(ONR_INT4, INT64_MAX / 4, &bytes));
    assert_false(onr_dtype_file_bytes(ONR_FLOAT, INT64_MAX, &bytes));
    assert_false(onr_dtype_file_bytes(ONR_FLOAT, -1, &bytes));
}

static void packed_numbers_survive_a_round_trip(void **state)
{
    (void)state;
    static const enum onr_dtype dtypes[] = {ONR_UINT4, ONR_INT4, ONR_FLOAT4E2M1,
                                            ONR_UINT2, ONR_INT2, ONR_FLOAT6E2M3};
    for (size_t d = 0; d < 6; d++) {
        for (size_t count = 0; count <= 33; count++) {
            size_t bytes = 0;
            uint8_t packed[25];
            uint8_t again[25];
            uint8_t codes[33];
            assert_true(onr_dtype_file_bytes(dtypes[d], (int64_t)count, &bytes));
            for (size_t i = 0; i < bytes; i++) {
                packed[i] = (uint8_t)(i * 37 + count);
            }
            onr_dtype_unpack(dtypes[d], count, packed, codes);
            onr_dtype_pack(dtypes[d], count, codes, again);
            /* Bits behind the last element are zero. */
            size_t used = count * onr_dtype_file_bits(dtypes[d]) % 8;
            if (used != 0) {
                packed[bytes - 1] = (uint8_t)(packed[bytes - 1] & ((1u << used) - 1));
            }
            assert_memory_equal(packed, again, bytes);
        }
    }
    onr_dtype_pack(ONR_INT4, 0, NULL, NULL);
    onr_dtype_unpack(ONR_INT4, 0, NULL, NULL);
}

static void the_first_element_has_the_lowest_bits(void **state)
{
    (void)state;
    uint8_t codes[4];
    onr_dtype_unpack(ONR_INT4, 2, (const uint8_t[]){0x7f}, codes);
    assert_memory_equal(codes, ((const uint8_t[]){0xff, 7}), 2);
    onr_dtype_unpack(ONR_UINT4, 2, (const uint8_t[]){0x7f}, codes);
    assert_memory_equal(codes, ((const uint8_t[]){15, 7}), 2);
    onr_dtype_unpack(ONR_INT2, 4, (const uint8_t[]){0xe4}, codes);
    assert_memory_equal(codes, ((const uint8_t[]){0, 1, 0xfe, 0xff}), 4);
    onr_dtype_unpack(ONR_UINT2, 4, (const uint8_t[]){0xe4}, codes);
    assert_memory_equal(codes, ((const uint8_t[]){0, 1, 2, 3}), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_of_all_types),
        cmocka_unit_test(bytes_in_a_file),
        cmocka_unit_test(packed_numbers_survive_a_round_trip),
        cmocka_unit_test(the_first_element_has_the_lowest_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
