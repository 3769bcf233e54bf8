/* SPDX-License-Identifier: Apache-2.0 */
#include "base/float_mode.h"
#include "base/half.h"
#include "support/test.h"

#include <math.h>

static void every_half_survives_a_round_trip(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 65536; bits++) {
        float value = onr_half_to_float((uint16_t)bits);
        uint16_t back = onr_float_to_half(value);
        assert_int_equal(back, isnan(value) ? bits | 0x200u : bits);
        assert_int_equal(onr_double_to_half((double)value), back);
    }
}

static void every_bfloat16_survives_a_round_trip(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 65536; bits++) {
        float value = onr_bfloat16_to_float((uint16_t)bits);
        uint16_t back = onr_float_to_bfloat16(value);
        assert_int_equal(back, isnan(value) ? bits | 0x40u : bits);
    }
}

static void halves_round_to_nearest_even(void **state)
{
    (void)state;
    assert_int_equal(onr_float_to_half(1.0f + 0x1p-11f), 0x3c00);
    assert_int_equal(onr_float_to_half(1.0f + 0x3p-11f), 0x3c02);
    assert_int_equal(onr_float_to_half(1.0f + 0x1p-11f + 0x1p-20f), 0x3c01);
    assert_int_equal(onr_float_to_half(0x1p-25f), 0x0000);
    assert_int_equal(onr_float_to_half(0x1.8p-25f), 0x0001);
    assert_int_equal(onr_float_to_half(-0x3p-25f), 0x8002);
    assert_int_equal(onr_float_to_half(0x1.ffep-15f), 0x0400);
    assert_int_equal(onr_float_to_half(-0.0f), 0x8000);
}

static void large_numbers_become_infinite(void **state)
{
    (void)state;
    assert_int_equal(onr_float_to_half(65504.0f), 0x7bff);
    assert_int_equal(onr_float_to_half(65519.99f), 0x7bff);
    assert_int_equal(onr_float_to_half(65520.0f), 0x7c00);
    assert_int_equal(onr_float_to_half(-INFINITY), 0xfc00);
    assert_int_equal(onr_float_to_bfloat16(3.4028235e38f), 0x7f80);
    assert_int_equal(onr_double_to_half(1e300), 0x7c00);
}

static void nan_stays_nan_when_its_payload_is_cut(void **state)
{
    (void)state;
    float signalling = onr_float_from_bits(0x7f800001u);
    assert_true(isnan(onr_half_to_float(onr_float_to_half(signalling))));
    assert_true(isnan(onr_bfloat16_to_float(onr_float_to_bfloat16(signalling))));
    assert_true(isnan(onr_half_to_float(onr_double_to_half((double)NAN))));
}

static void doubles_round_once(void **state)
{
    (void)state;
    /* As a float this would be the tie that rounds down. */
    assert_int_equal(onr_double_to_half(1.0 + 0x1p-11 + 0x1p-40), 0x3c01);
    assert_int_equal(onr_double_to_half(1.0 + 0x1p-11 - 0x1p-40), 0x3c00);
    assert_int_equal(onr_double_to_bfloat16(1.0 + 0x1p-8 + 0x1p-40), 0x3f81);
    assert_int_equal(onr_double_to_half(0x1p-25 + 0x1p-60), 0x0001);
    assert_int_equal(onr_double_to_half(-0x1p-200), 0x8000);
}

static void subnormal_halves_stay_when_denormal_floats_are_flushed(void **state)
{
    (void)state;
    uint64_t before = onr_float_mode();
    uint32_t wrong = 0;
    onr_float_mode_set(ONR_FLOAT_MODE_FLUSH);
    for (uint32_t bits = 0; bits <= 0x7c00; bits++) {
        wrong += onr_float_to_half(onr_half_to_float((uint16_t)bits)) != bits;
    }
    float smallest = onr_half_to_float(0x8001);
    onr_float_mode_set(before);
    assert_int_equal(wrong, 0);
    assert_true(smallest == -0x1p-24f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_survives_a_round_trip),
        cmocka_unit_test(every_bfloat16_survives_a_round_trip),
        cmocka_unit_test(halves_round_to_nearest_even),
        cmocka_unit_test(large_numbers_become_infinite),
        cmocka_unit_test(nan_stays_nan_when_its_payload_is_cut),
        cmocka_unit_test(doubles_round_once),
        cmocka_unit_test(subnormal_halves_stay_when_denormal_floats_are_flushed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
