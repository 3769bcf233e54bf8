/* SPDX-License-Identifier: Apache-2.0 */
#include "base/float_mode.h"
#include "base/minifloat.h"
#include "support/test.h"

#include <math.h>

static const struct onr_minifloat *const types[] = {&onr_e4m3fn, &onr_e4m3fnuz, &onr_e5m2,
                                                    &onr_e5m2fnuz};

/* The value of a code by its definition, in double. */
static double defined_value(const struct onr_minifloat *type, uint32_t code)
{
    uint32_t magnitude = code & 0x7f;
    int exponent = (int)(magnitude >> type->fraction_bits);
    double fraction = (double)(magnitude & ((1u << type->fraction_bits) - 1));
    double value = exponent == 0 ? ldexp(fraction, 1 - type->bias - type->fraction_bits)
                                 : ldexp(fraction + (double)(1 << type->fraction_bits),
                                         exponent - type->bias - type->fraction_bits);
    return (code & 0x80) != 0 ? -value : value;
}

static void codes_have_the_values_of_their_definition(void **state)
{
    (void)state;
    for (size_t t = 0; t < 4; t++) {
        for (uint32_t code = 0; code < 256; code++) {
            float value = onr_minifloat_to_float(types[t], (uint8_t)code);
            bool is_number =
                types[t]->is_unsigned_zero ? code != 0x80 : (code & 0x7f) <= types[t]->largest;
            if (is_number) {
                assert_true((double)value == defined_value(types[t], code));
                assert_int_equal(onr_float_to_minifloat(types[t], value, false), code);
            } else {
                assert_true(!isfinite(value));
            }
        }
    }
    assert_true(isinf(onr_minifloat_to_float(&onr_e5m2, 0xfc)));
    assert_true(isnan(onr_minifloat_to_float(&onr_e5m2, 0x7d)));
}

static void numbers_go_to_the_nearest_code(void **state)
{
    (void)state;
    for (size_t t = 0; t < 4; t++) {
        for (uint32_t code = 0; code < types[t]->largest; code++) {
            double low = defined_value(types[t], code);
            double high = defined_value(types[t], code + 1);
            float middle = (float)((low + high) / 2);
            uint32_t even = code % 2 == 0 ? code : code + 1;
            assert_int_equal(onr_float_to_minifloat(types[t], middle, true), even);
            assert_int_equal(onr_float_to_minifloat(types[t], nextafterf(middle, 0.0f), true),
                             code);
            assert_int_equal(onr_float_to_minifloat(types[t], nextafterf(middle, 1e9f), true),
                             code + 1);
        }
    }
}

static void too_large_numbers_saturate_or_overflow(void **state)
{
    (void)state;
    for (size_t t = 0; t < 4; t++) {
        assert_int_equal(onr_float_to_minifloat(types[t], 1e6f, true), types[t]->largest);
        assert_int_equal(onr_float_to_minifloat(types[t], -INFINITY, true),
                         types[t]->largest | 0x80);
        assert_int_equal(onr_float_to_minifloat(types[t], 1e6f, false), types[t]->overflow);
        assert_int_equal(onr_float_to_minifloat(types[t], NAN, true), types[t]->nan);
    }
    assert_int_equal(onr_float_to_minifloat(&onr_e4m3fn, -0.0f, true), 0x80);
    assert_int_equal(onr_float_to_minifloat(&onr_e4m3fnuz, -0.0f, true), 0x00);
    assert_int_equal(onr_float_to_minifloat(&onr_e5m2fnuz, -1e-9f, true), 0x00);
}

static void e8m0_rounds_as_it_is_told(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 255; code++) {
        float value = onr_e8m0_to_float((uint8_t)code);
        assert_true((double)value == ldexp(1.0, (int)code - 127));
        assert_int_equal(onr_float_to_e8m0(value, ONR_ROUND_UP, false), code);
    }
    assert_true(isnan(onr_e8m0_to_float(0xff)));
    assert_int_equal(onr_float_to_e8m0(1.1f, ONR_ROUND_UP, true), 128);
    assert_int_equal(onr_float_to_e8m0(1.9f, ONR_ROUND_DOWN, true), 127);
    assert_int_equal(onr_float_to_e8m0(1.4f, ONR_ROUND_NEAREST, true), 127);
    assert_int_equal(onr_float_to_e8m0(1.5f, ONR_ROUND_NEAREST, true), 128);
    assert_int_equal(onr_float_to_e8m0(INFINITY, ONR_ROUND_UP, true), 254);
    assert_int_equal(onr_float_to_e8m0(INFINITY, ONR_ROUND_UP, false), 255);
    assert_int_equal(onr_float_to_e8m0(0.0f, ONR_ROUND_UP, true), 0);
    assert_int_equal(onr_float_to_e8m0(0.0f, ONR_ROUND_NEAREST, false), 255);
    assert_int_equal(onr_float_to_e8m0(NAN, ONR_ROUND_UP, true), 255);
}

static void finite_types_have_the_numbers_of_their_tables(void **state)
{
    (void)state;
    static const float values[] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
    for (uint32_t code = 0; code < 8; code++) {
        assert_true(onr_finite_to_float(&onr_e2m1, (uint8_t)code) == values[code]);
        assert_true(onr_finite_to_float(&onr_e2m1, (uint8_t)(code | 8)) == -values[code]);
    }
    assert_true(onr_finite_to_float(&onr_e2m3, 0x01) == 0.125f);
    assert_true(onr_finite_to_float(&onr_e2m3, 0x08) == 1);
    assert_true(onr_finite_to_float(&onr_e2m3, 0x3f) == -7.5f);
    assert_true(onr_finite_to_float(&onr_e3m2, 0x01) == 0.0625f);
    assert_true(onr_finite_to_float(&onr_e3m2, 0x0c) == 1);
    assert_true(onr_finite_to_float(&onr_e3m2, 0x1f) == 28);
}

static void check_finite(const struct onr_finite_float *type)
{
    float largest = onr_finite_to_float(type, type->largest);
    uint8_t sign = (uint8_t)(type->largest + 1);
    for (unsigned code = 0; code < 2u * sign; code++) {
        float value = onr_finite_to_float(type, (uint8_t)code);
        assert_int_equal(onr_float_to_finite(type, value), code);
    }
    for (uint8_t code = 0; code < type->largest; code++) {
        float low = onr_finite_to_float(type, code);
        float high = onr_finite_to_float(type, (uint8_t)(code + 1));
        float middle = (low + high) / 2;
        assert_int_equal(onr_float_to_finite(type, nextafterf(middle, low)), code);
        assert_int_equal(onr_float_to_finite(type, middle), code + (code & 1));
        assert_int_equal(onr_float_to_finite(type, nextafterf(middle, high)), code + 1);
    }
    assert_int_equal(onr_float_to_finite(type, 2 * largest), type->largest);
    assert_int_equal(onr_float_to_finite(type, -INFINITY), type->largest | sign);
    assert_int_equal(onr_float_to_finite(type, NAN), sign);
}

static void finite_types_round_to_nearest_even_and_saturate(void **state)
{
    (void)state;
    check_finite(&onr_e2m1);
    check_finite(&onr_e2m3);
    check_finite(&onr_e3m2);
}

/* All conversions of the codes of a type, forth and back, in the given environment. */
static void convert_all(uint64_t mode, float values[4][256], uint8_t codes[4][256])
{
    uint64_t before = onr_float_mode();
    onr_float_mode_set(mode);
    for (size_t t = 0; t < 4; t++) {
        for (uint32_t code = 0; code < 256; code++) {
            values[t][code] = onr_minifloat_to_float(types[t], (uint8_t)code);
            codes[t][code] = onr_float_to_minifloat(types[t], values[t][code], false);
        }
    }
    onr_float_mode_set(before);
}

static void subnormal_numbers_stay_when_denormal_floats_are_flushed(void **state)
{
    (void)state;
    float values[2][4][256];
    uint8_t codes[2][4][256];
    convert_all(ONR_FLOAT_MODE_DEFAULT, values[0], codes[0]);
    convert_all(ONR_FLOAT_MODE_FLUSH, values[1], codes[1]);
    assert_memory_equal(values[0], values[1], sizeof values[0]);
    assert_memory_equal(codes[0], codes[1], sizeof codes[0]);
    uint64_t before = onr_float_mode();
    onr_float_mode_set(ONR_FLOAT_MODE_FLUSH);
    float half = onr_finite_to_float(&onr_e2m1, 1);
    float eighth = onr_finite_to_float(&onr_e2m3, 1);
    onr_float_mode_set(before);
    assert_true(half == 0.5f && eighth == 0.125f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_the_values_of_their_definition),
        cmocka_unit_test(numbers_go_to_the_nearest_code),
        cmocka_unit_test(too_large_numbers_saturate_or_overflow),
        cmocka_unit_test(e8m0_rounds_as_it_is_told),
        cmocka_unit_test(finite_types_have_the_numbers_of_their_tables),
        cmocka_unit_test(finite_types_round_to_nearest_even_and_saturate),
        cmocka_unit_test(subnormal_numbers_stay_when_denormal_floats_are_flushed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
