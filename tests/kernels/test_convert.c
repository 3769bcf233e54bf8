/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/kernels.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

#define MAX_COUNT 1031

static const size_t counts[] = {0, 1, 7, 8, 9, 511, 512, 513, MAX_COUNT};
static const struct onr_narrowing saturated = {.is_saturated = true};
static struct onr_kernels kernels;

/* Bit patterns of any number of a type: small integers, and for floats also fractions and specials.
 */
static void fill(enum onr_dtype dtype, void *data)
{
    static const float specials[] = {0.0f, -0.0f, 1.5f, -2.75f, NAN, INFINITY, -INFINITY, 1e-9f};
    for (size_t i = 0; i < MAX_COUNT; i++) {
        char *element = (char *)data + i * onr_dtype_size(dtype);
        int64_t integer = (int64_t)i - 500;
        float number = i % 5 == 0 ? specials[i / 5 % 8] : (float)integer * 0.37f;
        if (onr_wide_of(dtype) == ONR_WIDE_DOUBLE) {
            double wide = (double)number;
            kernels.convert.narrow[ONR_WIDE_DOUBLE][dtype](1, &wide, element, &saturated);
        } else {
            kernels.convert.narrow[ONR_WIDE_INT64][dtype](1, &integer, element, &saturated);
        }
    }
}

/* One element at a time through the wide type, which the scalar rows define. */
static void convert_slowly(enum onr_dtype from, enum onr_dtype to, const void *x, void *y)
{
    struct onr_kernels scalar;
    onr_kernels_init(&scalar, ONR_ISA_SCALAR);
    for (size_t i = 0; i < MAX_COUNT; i++) {
        uint64_t wide;
        scalar.convert.widen[from](1, (const char *)x + i * onr_dtype_size(from), &wide);
        scalar.convert.narrow[onr_wide_of(from)][to](1, &wide, (char *)y + i * onr_dtype_size(to),
                                                     &saturated);
    }
}

static void check_pair(enum onr_dtype from, enum onr_dtype to)
{
    _Alignas(16) unsigned char x[MAX_COUNT * 8];
    _Alignas(16) unsigned char y[MAX_COUNT * 8 + 8];
    _Alignas(16) unsigned char want[MAX_COUNT * 8];
    size_t size = onr_dtype_size(to);
    fill(from, x);
    convert_slowly(from, to, x, want);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        memset(y, 0x5a, sizeof y);
        onr_convert(&kernels, from, to, &saturated, counts[i], x, y);
        if (counts[i] > 0) {
            assert_memory_equal(y, want, counts[i] * size);
        }
        assert_int_equal(y[counts[i] * size], 0x5a);
    }
}

static void every_pair_agrees_with_its_wide_type(void **state)
{
    (void)state;
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        for (int pair = 0; pair < ONR_DTYPE_COUNT * ONR_DTYPE_COUNT; pair++) {
            enum onr_dtype from = (enum onr_dtype)(pair / ONR_DTYPE_COUNT);
            enum onr_dtype to = (enum onr_dtype)(pair % ONR_DTYPE_COUNT);
            if (onr_can_convert(from) && onr_can_convert(to)) {
                check_pair(from, to);
            }
        }
    }
}

static void halves_convert_alike_on_all_instruction_sets(void **state)
{
    (void)state;
    static uint16_t halves[65536];
    static float floats[65536];
    for (uint32_t i = 0; i < 65536; i++) {
        halves[i] = (uint16_t)i;
    }
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        onr_convert(&kernels, ONR_FLOAT16, ONR_FLOAT, NULL, 65536, halves, floats);
        for (uint32_t i = 0; i < 65536; i++) {
            assert_int_equal(onr_float_bits(floats[i]),
                             onr_float_bits(onr_half_to_float(halves[i])));
        }
    }
}

/* Halves, the numbers just beside them and between them; in pieces with each kind of rest. */
static void floats_convert_to_halves_alike_on_all_instruction_sets(void **state)
{
    (void)state;
    static float floats[65536 * 4];
    static uint16_t halves[65536 * 4];
    for (uint32_t i = 0; i < 65536 * 4; i++) {
        uint32_t bits = onr_float_bits(onr_half_to_float((uint16_t)(i / 4)));
        floats[i] = onr_float_from_bits(bits + (i % 4 == 3 ? 0x1000u : i % 4) - 1u);
    }
    for (int isa = 0; isa <= (int)onr_cpu_isa(); isa++) {
        onr_kernels_init(&kernels, (enum onr_isa)isa);
        uint32_t done = 0;
        for (uint32_t length = 1; done < 65536 * 4; length = length % 99 + 1) {
            length = length < 65536 * 4 - done ? length : 65536 * 4 - done;
            onr_convert(&kernels, ONR_FLOAT, ONR_FLOAT16, NULL, length, floats + done,
                        halves + done);
            done += length;
        }
        for (uint32_t i = 0; i < 65536 * 4; i++) {
            assert_int_equal(halves[i], onr_float_to_half(floats[i]));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_agrees_with_its_wide_type),
        cmocka_unit_test(halves_convert_alike_on_all_instruction_sets),
        cmocka_unit_test(floats_convert_to_halves_alike_on_all_instruction_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
