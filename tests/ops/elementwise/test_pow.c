/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void check(int version, const struct onr_tensor *x, const struct onr_tensor *y,
                  const struct onr_tensor *z)
{
    struct op_test t;
    op_test_begin(&t, "", "Pow", version);
    op_test_input(&t, x);
    op_test_input(&t, y);
    op_test_output(&t, z);
    op_test_run(&t);
}

static void powers_of_floats(void **state)
{
    (void)state;
    const float x[] = {1, 2, 3, -8, 0, -0.0f, INFINITY, -INFINITY, NAN};
    const struct {
        float y;
        float z[9];
    } cases[] = {
        {2, {1, 4, 9, 64, 0, 0, INFINITY, INFINITY, NAN}},
        {3, {1, 8, 27, -512, 0, 0, INFINITY, -INFINITY, NAN}},
        {0.5f, {1, 1.41421356f, 1.7320508f, NAN, 0, 0, INFINITY, INFINITY, NAN}},
        {-1, {1, 0.5f, 0.33333333f, -0.125f, INFINITY, -INFINITY, 0, 0, NAN}},
        {0, {1, 1, 1, 1, 1, 1, 1, 1, 1}},
        {NAN, {1, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check(15, test_f32(SHAPE(9), x), test_f32(SCALAR, &cases[i].y),
              test_f32(SHAPE(9), cases[i].z));
    }
    check(7, test_f32(SHAPE(3), (float[]){1, 2, 3}), test_f32(SHAPE(3), (float[]){4, 5, 6}),
          test_f32(SHAPE(3), (float[]){1, 32, 729}));
    check(15, test_f32(SCALAR, (float[]){2}), test_f32(SHAPE(3), (float[]){1, 2, 3}),
          test_f32(SHAPE(3), (float[]){2, 4, 8}));
    check(13, test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){2, 10}),
          test_tensor(ONR_DOUBLE, SHAPE(1), (double[]){0.5}),
          test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){1.4142135623730951, 3.1622776601683795}));
    check(13, test_tensor(ONR_FLOAT16, SHAPE(2), (uint16_t[]){0x4000, 0x4200}),
          test_tensor(ONR_FLOAT16, SCALAR, (uint16_t[]){0x4000}),
          test_tensor(ONR_FLOAT16, SHAPE(2), (uint16_t[]){0x4400, 0x4880}));
}

static void powers_of_integers_are_exact(void **state)
{
    (void)state;
    check(12, test_i64(SHAPE(6), (int64_t[]){3, -2, 2, 2, 0, -1}),
          test_i64(SHAPE(6), (int64_t[]){39, 63, 64, -1, -1, -3}),
          test_i64(SHAPE(6), (int64_t[]){4052555153018976267, INT64_MIN, 0, 0, 0, -1}));
    check(12, test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){3, 65536}),
          test_tensor(ONR_UINT8, SHAPE(1), (uint8_t[]){2}),
          test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){9, 0}));
    check(12, test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){3, -1}),
          test_tensor(ONR_UINT64, SHAPE(1), (uint64_t[]){UINT64_MAX}),
          test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){-1431655765, -1}));
}

static void exponents_may_have_another_type(void **state)
{
    (void)state;
    check(12, test_f32(SHAPE(3), (float[]){1, 2, -3}), test_i64(SHAPE(3), (int64_t[]){4, -1, 3}),
          test_f32(SHAPE(3), (float[]){1, 0.5f, -27}));
    check(12, test_i64(SHAPE(4), (int64_t[]){2, 3, 3, -8}),
          test_f32(SHAPE(4), (float[]){-1, 0.5f, 100, 0.5f}),
          test_i64(SHAPE(4), (int64_t[]){0, 1, INT64_MAX, 0}));
    check(15, test_tensor(ONR_BFLOAT16, SHAPE(2), (uint16_t[]){0x4040, 0x4080}),
          test_tensor(ONR_INT8, SHAPE(1), (int8_t[]){2}),
          test_tensor(ONR_BFLOAT16, SHAPE(2), (uint16_t[]){0x4110, 0x4180}));
    check(13, test_f32(SHAPE(2, 1), (float[]){2, 3}),
          test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){1, 2}),
          test_f32(SHAPE(2, 2), (float[]){2, 4, 3, 9}));
    const struct onr_tensor *x = test_f32(SHAPE(20, 1001), NULL); /* blocks and threads */
    const struct onr_tensor *z = test_f32(SHAPE(20, 1001), NULL);
    test_random(1, 20020, x->data);
    for (int i = 0; i < 20020; i++) {
        float v = ((const float *)x->data)[i];
        ((float *)z->data)[i] = v * v;
    }
    check(12, x, test_tensor(ONR_INT32, SCALAR, (int32_t[]){2}), z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(powers_of_floats, test_tensors_free),
        cmocka_unit_test_teardown(powers_of_integers_are_exact, test_tensors_free),
        cmocka_unit_test_teardown(exponents_may_have_another_type, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
