/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <float.h>
#include <math.h>

/* low, high: NULL is absent. */
static void check(enum onr_dtype dtype, const void *x, const void *low, const void *high,
                  const void *y)
{
    struct op_test t;
    op_test_begin(&t, "", "Clip", 13);
    op_test_input(&t, test_tensor(dtype, SHAPE(4), x));
    op_test_input(&t, low != NULL ? test_tensor(dtype, SCALAR, low) : NULL);
    if (high != NULL) {
        op_test_input(&t, test_tensor(dtype, SHAPE(1), high));
    }
    op_test_output(&t, test_tensor(dtype, SHAPE(4), y));
    op_test_run(&t);
}

static void bounds_are_optional(void **state)
{
    (void)state;
    const float x[] = {-INFINITY, 0.5f, 3, NAN};
    const float one = 1;
    const float two = 2;
    check(ONR_FLOAT, x, &one, &two, (float[]){1, 1, 2, NAN});
    check(ONR_FLOAT, x, &one, NULL, (float[]){1, 1, 3, NAN});
    check(ONR_FLOAT, x, NULL, &two, (float[]){-INFINITY, 0.5f, 2, NAN});
    check(ONR_FLOAT, x, NULL, NULL, x);
    check(ONR_FLOAT, x, &two, &one, (float[]){1, 1, 1, NAN}); /* max wins */
}

static void all_kinds_of_types(void **state)
{
    (void)state;
    check(ONR_DOUBLE, (double[]){-1, 0, 1, (double)NAN}, (double[]){-0.5}, (double[]){0.5},
          (double[]){-0.5, 0, 0.5, (double)NAN});
    check(ONR_FLOAT16, (uint16_t[]){0xbc00, 0, 0x3c00, 0x4000}, (uint16_t[]){0},
          (uint16_t[]){0x3c00}, (uint16_t[]){0, 0, 0x3c00, 0x3c00});
    check(ONR_INT8, (int8_t[]){-128, -1, 0, 127}, (int8_t[]){-2}, NULL, (int8_t[]){-2, -1, 0, 127});
    check(ONR_UINT64, (uint64_t[]){0, 1, 2, UINT64_MAX}, (uint64_t[]){1}, NULL,
          (uint64_t[]){1, 1, 2, UINT64_MAX});
    check(ONR_INT64, (int64_t[]){INT64_MIN, -1, 0, INT64_MAX}, NULL, (int64_t[]){5},
          (int64_t[]){INT64_MIN, -1, 0, 5});
}

static void before_version_11_bounds_are_attributes(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Clip", 6);
    op_test_float(&t, "min", -1);
    op_test_float(&t, "max", 1);
    op_test_input(&t, test_f32(SHAPE(3), (float[]){-2, 0, 2}));
    op_test_output(&t, test_f32(SHAPE(3), (float[]){-1, 0, 1}));
    op_test_run(&t);
    op_test_begin(&t, "", "Clip", 6);
    op_test_input(&t, test_f32(SHAPE(2), (float[]){-INFINITY, 2}));
    op_test_output(&t, test_f32(SHAPE(2), (float[]){-FLT_MAX, 2}));
    op_test_run(&t);
    op_test_begin(&t, "", "Clip", 6);
    op_test_float(&t, "max", 0.5f);
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(2), (uint16_t[]){0xfbff, 0x3c00}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(2), (uint16_t[]){0xfbff, 0x3800}));
    op_test_run(&t);
}

static void bounds_are_single_numbers(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Clip", 12);
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_output(&t, test_f32(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 1 has shape 2, expected one element");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(bounds_are_optional, test_tensors_free),
        cmocka_unit_test_teardown(all_kinds_of_types, test_tensors_free),
        cmocka_unit_test_teardown(before_version_11_bounds_are_attributes, test_tensors_free),
        cmocka_unit_test_teardown(bounds_are_single_numbers, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
