/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#define flag(...) test_tensor(ONR_BOOL, __VA_ARGS__)

static void check(const struct onr_tensor *condition, const struct onr_tensor *x,
                  const struct onr_tensor *y, const struct onr_tensor *z)
{
    struct op_test t;
    op_test_begin(&t, "", "Where", 16);
    op_test_input(&t, condition);
    op_test_input(&t, x);
    op_test_input(&t, y);
    op_test_output(&t, z);
    op_test_run(&t);
}

static void all_three_inputs_broadcast(void **state)
{
    (void)state;
    const struct onr_tensor *condition = flag(SHAPE(2, 2), (uint8_t[]){1, 0, 1, 1});
    const struct onr_tensor *x = test_f32(SHAPE(2, 2), (float[]){1, 2, 3, 4});
    const struct onr_tensor *y = test_f32(SHAPE(2, 2), (float[]){9, 8, 7, 6});
    check(condition, x, y, test_f32(SHAPE(2, 2), (float[]){1, 8, 3, 4}));
    check(condition, x, test_f32(SCALAR, (float[]){-1}),
          test_f32(SHAPE(2, 2), (float[]){1, -1, 3, 4}));
    check(condition, test_f32(SCALAR, (float[]){-1}), y,
          test_f32(SHAPE(2, 2), (float[]){-1, 8, -1, -1}));
    check(condition, test_f32(SCALAR, (float[]){1}), test_f32(SHAPE(1), (float[]){2}),
          test_f32(SHAPE(2, 2), (float[]){1, 2, 1, 1}));
    check(flag(SHAPE(2, 1), (uint8_t[]){1, 0}), x, y, test_f32(SHAPE(2, 2), (float[]){1, 2, 7, 6}));
    check(flag(SHAPE(2, 1), (uint8_t[]){1, 0}), test_f32(SHAPE(2), (float[]){1, 2}),
          test_f32(SCALAR, (float[]){0}), test_f32(SHAPE(2, 2), (float[]){1, 2, 0, 0}));
    check(flag(SHAPE(1, 1, 2), (uint8_t[]){1, 0}), test_f32(SHAPE(2, 1, 1), (float[]){1, 2}),
          test_f32(SHAPE(1, 2, 1), (float[]){3, 4}),
          test_f32(SHAPE(2, 2, 2), (float[]){1, 3, 1, 4, 2, 3, 2, 4}));
    check(flag(SHAPE(0), NULL), test_f32(SCALAR, (float[]){1}), test_f32(SHAPE(1), (float[]){2}),
          test_f32(SHAPE(0), NULL));
}

static void every_type_is_selected(void **state)
{
    (void)state;
    const struct onr_tensor *condition = flag(SHAPE(2), (uint8_t[]){0, 1});
    for (int type = 1; type < ONR_DTYPE_COUNT; type++) {
        enum onr_dtype dtype = (enum onr_dtype)type;
        uint8_t bytes[3][32] = {{0}};
        size_t size = onr_dtype_size(dtype);
        const struct onr_string words[] = {{"x", 1}, {"yy", 2}};
        if (dtype == ONR_STRING) {
            check(condition, test_tensor(dtype, SHAPE(1), &words[0]),
                  test_tensor(dtype, SHAPE(1), &words[1]),
                  test_tensor(dtype, SHAPE(2), (struct onr_string[]){words[1], words[0]}));
            continue;
        }
        for (size_t i = 0; i < 2 * size; i++) {
            bytes[0][i] = (uint8_t)(i % 2);
            bytes[1][i] = (uint8_t)((i + 1) % 2);
            bytes[2][i] = bytes[i < size][i];
        }
        check(condition, test_tensor(dtype, SHAPE(2), bytes[0]),
              test_tensor(dtype, SHAPE(2), bytes[1]), test_tensor(dtype, SHAPE(2), bytes[2]));
    }
}

static void wrong_inputs_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Where", 9);
    op_test_input(&t, test_i64(SHAPE(2), NULL));
    op_test_input(&t, test_i64(SHAPE(2), NULL));
    op_test_input(&t, test_i64(SHAPE(2), NULL));
    op_test_output(&t, test_i64(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "input 0 of type int64");
    op_test_begin(&t, "", "Where", 9);
    op_test_input(&t, flag(SHAPE(2), NULL));
    op_test_input(&t, test_i64(SHAPE(2), NULL));
    op_test_input(&t, test_i64(SHAPE(3), NULL));
    op_test_output(&t, test_i64(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 2 of shape 3 does not broadcast with shape 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(all_three_inputs_broadcast, test_tensors_free),
        cmocka_unit_test_teardown(every_type_is_selected, test_tensors_free),
        cmocka_unit_test_teardown(wrong_inputs_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
