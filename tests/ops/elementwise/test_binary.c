/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>
#include <string.h>

/* Runs op on two tensors and compares with the third. */
static void check(const char *op, int version, const struct onr_tensor *a,
                  const struct onr_tensor *b, const struct onr_tensor *c)
{
    struct op_test t;
    op_test_begin(&t, "", op, version);
    op_test_input(&t, a);
    op_test_input(&t, b);
    op_test_output(&t, c);
    op_test_run(&t);
}

#define f64(...)  test_tensor(ONR_DOUBLE, __VA_ARGS__)
#define i32(...)  test_tensor(ONR_INT32, __VA_ARGS__)
#define i8(...)   test_tensor(ONR_INT8, __VA_ARGS__)
#define u8(...)   test_tensor(ONR_UINT8, __VA_ARGS__)
#define u16(...)  test_tensor(ONR_UINT16, __VA_ARGS__)
#define f16(...)  test_tensor(ONR_FLOAT16, __VA_ARGS__)
#define flag(...) test_tensor(ONR_BOOL, __VA_ARGS__)

static void arithmetic_of_floats(void **state)
{
    (void)state;
    const struct onr_tensor *a = test_f32(SHAPE(5), (float[]){1, -2, 0, INFINITY, NAN});
    const struct onr_tensor *b = test_f32(SHAPE(5), (float[]){4, 0.5f, 0, INFINITY, 1});
    check("Add", 14, a, b, test_f32(SHAPE(5), (float[]){5, -1.5f, 0, INFINITY, NAN}));
    check("Sub", 14, a, b, test_f32(SHAPE(5), (float[]){-3, -2.5f, 0, NAN, NAN}));
    check("Mul", 14, a, b, test_f32(SHAPE(5), (float[]){4, -1, 0, INFINITY, NAN}));
    check("Div", 14, a, b, test_f32(SHAPE(5), (float[]){0.25f, -4, NAN, NAN, NAN}));
    check("Add", 7, f64(SHAPE(2), (double[]){1e300, 1}), f64(SCALAR, (double[]){1}),
          f64(SHAPE(2), (double[]){1e300, 2}));
    check("Div", 14, f16(SHAPE(2), (uint16_t[]){0x3c00, 0x4200}), f16(SCALAR, (uint16_t[]){0x4000}),
          f16(SHAPE(2), (uint16_t[]){0x3800, 0x3e00}));
    check("Add", 14, test_tensor(ONR_BFLOAT16, SHAPE(1), (uint16_t[]){0x3f80}),
          test_tensor(ONR_BFLOAT16, SHAPE(1), (uint16_t[]){0x4000}),
          test_tensor(ONR_BFLOAT16, SHAPE(1), (uint16_t[]){0x4040}));
}

static void arithmetic_of_integers_wraps_and_never_traps(void **state)
{
    (void)state;
    const struct onr_tensor *a = i32(SHAPE(4), (int32_t[]){INT32_MIN, -7, 5, INT32_MAX});
    const struct onr_tensor *b = i32(SHAPE(4), (int32_t[]){-1, 2, 0, INT32_MAX});
    check("Add", 14, a, b, i32(SHAPE(4), (int32_t[]){INT32_MAX, -5, 5, -2}));
    check("Sub", 14, a, b, i32(SHAPE(4), (int32_t[]){INT32_MIN + 1, -9, 5, 0}));
    check("Mul", 14, a, b, i32(SHAPE(4), (int32_t[]){INT32_MIN, -14, 0, 1}));
    check("Div", 14, a, b, i32(SHAPE(4), (int32_t[]){INT32_MIN, -3, 0, 1}));
    check("Mod", 13, a, b, i32(SHAPE(4), (int32_t[]){0, 1, 0, 0}));
    check("Mul", 14, u16(SHAPE(1), (uint16_t[]){65535}), u16(SHAPE(1), (uint16_t[]){65535}),
          u16(SHAPE(1), (uint16_t[]){1}));
    check("Div", 14, i8(SHAPE(2), (int8_t[]){-128, 7}), i8(SHAPE(2), (int8_t[]){-1, 0}),
          i8(SHAPE(2), (int8_t[]){-128, 0}));
    check("Div", 7, test_i64(SHAPE(1), (int64_t[]){INT64_MIN}), test_i64(SCALAR, (int64_t[]){-1}),
          test_i64(SHAPE(1), (int64_t[]){INT64_MIN}));
    check("Sub", 14, u8(SHAPE(1), (uint8_t[]){1}), u8(SHAPE(1), (uint8_t[]){2}),
          u8(SHAPE(1), (uint8_t[]){255}));
}

static void check_mod(int fmod, const struct onr_tensor *a, const struct onr_tensor *b,
                      const struct onr_tensor *c)
{
    struct op_test t;
    op_test_begin(&t, "", "Mod", 13);
    op_test_int(&t, "fmod", fmod);
    op_test_input(&t, a);
    op_test_input(&t, b);
    op_test_output(&t, c);
    op_test_run(&t);
}

static void mod_takes_the_sign_of_the_divisor_unless_fmod(void **state)
{
    (void)state;
    const struct onr_tensor *a = test_i64(SHAPE(6), (int64_t[]){-4, 7, 5, 4, -7, 8});
    const struct onr_tensor *b = test_i64(SHAPE(6), (int64_t[]){2, -3, 8, -2, 3, 5});
    check_mod(0, a, b, test_i64(SHAPE(6), (int64_t[]){0, -2, 5, 0, 2, 3}));
    check_mod(1, a, b, test_i64(SHAPE(6), (int64_t[]){0, 1, 5, 0, -1, 3}));
    a = test_f32(SHAPE(4), (float[]){-4.3f, 7.2f, 5, -1});
    b = test_f32(SHAPE(4), (float[]){2.1f, -3.4f, 0, INFINITY});
    check_mod(1, a, b, test_f32(SHAPE(4), (float[]){-0.1f, 0.4f, NAN, -1}));
    check_mod(0, a, b, test_f32(SHAPE(4), (float[]){2.0f, -3.0f, NAN, INFINITY}));
    a = f64(SHAPE(4), (double[]){HUGE_VAL, 5, -5, -HUGE_VAL});
    b = f64(SHAPE(4), (double[]){3, -HUGE_VAL, -HUGE_VAL, -HUGE_VAL});
    check_mod(0, a, b, f64(SHAPE(4), (double[]){(double)NAN, -HUGE_VAL, -5, (double)NAN}));
    check_mod(1, u8(SHAPE(2), (uint8_t[]){200, 3}), u8(SHAPE(2), (uint8_t[]){7, 0}),
              u8(SHAPE(2), (uint8_t[]){4, 0}));
    struct op_test t;
    op_test_begin(&t, "", "Mod", 28);
    op_test_int(&t, "fmod", 2);
    op_test_input(&t, a);
    op_test_input(&t, b);
    op_test_output(&t, a);
    op_test_fails(&t, ONR_ERR_MODEL, "fmod is 2, expected 0 or 1");
}

static void comparisons_give_bool(void **state)
{
    (void)state;
    const struct onr_tensor *a = test_f32(SHAPE(4), (float[]){1, 2, -0.0f, NAN});
    const struct onr_tensor *b = test_f32(SHAPE(4), (float[]){2, 1, 0, NAN});
    check("Equal", 13, a, b, flag(SHAPE(4), (uint8_t[]){0, 0, 1, 0}));
    check("Less", 13, a, b, flag(SHAPE(4), (uint8_t[]){1, 0, 0, 0}));
    check("LessOrEqual", 16, a, b, flag(SHAPE(4), (uint8_t[]){1, 0, 1, 0}));
    check("Greater", 13, a, b, flag(SHAPE(4), (uint8_t[]){0, 1, 0, 0}));
    check("GreaterOrEqual", 12, a, b, flag(SHAPE(4), (uint8_t[]){0, 1, 1, 0}));
    check("Greater", 9, u8(SHAPE(2, 1), (uint8_t[]){200, 5}), u8(SHAPE(2), (uint8_t[]){100, 5}),
          flag(SHAPE(2, 2), (uint8_t[]){1, 1, 0, 0}));
    check("Less", 13, i8(SHAPE(2), (int8_t[]){-1, 1}), i8(SCALAR, (int8_t[]){0}),
          flag(SHAPE(2), (uint8_t[]){1, 0}));
    check("Greater", 13, f16(SHAPE(2), (uint16_t[]){0x3c00, 0xbc00}),
          f16(SHAPE(1), (uint16_t[]){0x0000}), flag(SHAPE(2), (uint8_t[]){1, 0}));
    check("Equal", 11, flag(SHAPE(2), (uint8_t[]){0, 1}), flag(SHAPE(1), (uint8_t[]){1}),
          flag(SHAPE(2), (uint8_t[]){0, 1}));
    const struct onr_string words[] = {{"ab", 2}, {"a", 1}, {NULL, 0}};
    const struct onr_string word = {"ab", 2};
    check("Equal", 19, test_tensor(ONR_STRING, SHAPE(3), words),
          test_tensor(ONR_STRING, SHAPE(1), &word), flag(SHAPE(3), (uint8_t[]){1, 0, 0}));
}

static void logic_and_bits(void **state)
{
    (void)state;
    const struct onr_tensor *a = flag(SHAPE(4), (uint8_t[]){0, 0, 1, 1});
    const struct onr_tensor *b = flag(SHAPE(4), (uint8_t[]){0, 1, 0, 1});
    check("And", 7, a, b, flag(SHAPE(4), (uint8_t[]){0, 0, 0, 1}));
    check("Or", 7, a, b, flag(SHAPE(4), (uint8_t[]){0, 1, 1, 1}));
    check("Xor", 7, a, b, flag(SHAPE(4), (uint8_t[]){0, 1, 1, 0}));
    const struct onr_tensor *x = i32(SHAPE(2), (int32_t[]){-1, 12});
    const struct onr_tensor *y = i32(SCALAR, (int32_t[]){10});
    check("BitwiseAnd", 18, x, y, i32(SHAPE(2), (int32_t[]){10, 8}));
    check("BitwiseOr", 18, x, y, i32(SHAPE(2), (int32_t[]){-1, 14}));
    check("BitwiseXor", 18, x, y, i32(SHAPE(2), (int32_t[]){-11, 6}));
}

static void shifts_by_the_width_give_zero(void **state)
{
    (void)state;
    const char *directions[] = {"LEFT", "RIGHT"};
    const uint8_t results[2][3] = {{32, 0, 0}, {4, 0, 1}};
    struct op_test t;
    for (int i = 0; i < 2; i++) {
        op_test_begin(&t, "", "BitShift", 11);
        op_test_string(&t, "direction", directions[i]);
        op_test_input(&t, u8(SHAPE(3), (uint8_t[]){16, 255, 128}));
        op_test_input(&t, u8(SHAPE(3), (uint8_t[]){i == 0 ? 1 : 2, 8, 7}));
        op_test_output(&t, u8(SHAPE(3), results[i]));
        op_test_run(&t);
    }
    op_test_begin(&t, "", "BitShift", 11);
    op_test_string(&t, "direction", "UP");
    op_test_input(&t, u8(SHAPE(1), NULL));
    op_test_input(&t, u8(SHAPE(1), NULL));
    op_test_output(&t, u8(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "\"UP\", expected LEFT or RIGHT");
}

static void shift(const char *direction, const struct onr_tensor *a, const struct onr_tensor *b,
                  const struct onr_tensor *c)
{
    struct op_test t;
    op_test_begin(&t, "", "BitShift", 28);
    op_test_string(&t, "direction", direction);
    op_test_input(&t, a);
    op_test_input(&t, b);
    op_test_output(&t, c);
    op_test_run(&t);
}

static void shifts_of_signed_integers_keep_the_sign_to_the_right(void **state)
{
    (void)state;
    const struct onr_tensor *a = i8(SHAPE(6), (int8_t[]){-128, -1, 100, 3, -5, 5});
    const struct onr_tensor *b = i8(SHAPE(6), (int8_t[]){1, 7, 2, 8, -1, -128});
    shift("RIGHT", a, b, i8(SHAPE(6), (int8_t[]){-64, -1, 25, 0, -1, 0}));
    shift("LEFT", a, b, i8(SHAPE(6), (int8_t[]){0, -128, -112, 0, 0, 0}));
    a = test_tensor(ONR_INT16, SHAPE(3), (int16_t[]){INT16_MIN, 1, -3});
    b = test_tensor(ONR_INT16, SHAPE(3), (int16_t[]){15, 15, 16});
    shift("RIGHT", a, b, test_tensor(ONR_INT16, SHAPE(3), (int16_t[]){-1, 0, -1}));
    shift("LEFT", a, b, test_tensor(ONR_INT16, SHAPE(3), (int16_t[]){0, INT16_MIN, 0}));
    a = i32(SHAPE(3), (int32_t[]){INT32_MIN, INT32_MAX, -3});
    b = i32(SHAPE(3), (int32_t[]){31, 1, INT32_MIN});
    shift("RIGHT", a, b, i32(SHAPE(3), (int32_t[]){-1, INT32_MAX / 2, -1}));
    shift("LEFT", a, b, i32(SHAPE(3), (int32_t[]){0, -2, 0}));
    a = test_i64(SHAPE(3), (int64_t[]){INT64_MIN, 1, -3});
    b = test_i64(SHAPE(3), (int64_t[]){62, 63, 64});
    shift("RIGHT", a, b, test_i64(SHAPE(3), (int64_t[]){-2, 0, -1}));
    shift("LEFT", a, b, test_i64(SHAPE(3), (int64_t[]){0, INT64_MIN, 0}));
}

static void prelu_is_broadcast_one_way(void **state)
{
    (void)state;
    const struct onr_tensor *x = test_f32(SHAPE(1, 2, 2), (float[]){-1, 1, -2, NAN});
    check("PRelu", 16, x, test_f32(SHAPE(2, 1), (float[]){0.5f, 0.25f}),
          test_f32(SHAPE(1, 2, 2), (float[]){-0.5f, 1, -0.5f, NAN}));
    check("PRelu", 6, x, test_f32(SHAPE(2), (float[]){0.5f, 0.25f}), /* per channel */
          test_f32(SHAPE(1, 2, 2), (float[]){-0.5f, 1, -0.5f, NAN}));
    check("PRelu", 9, test_i64(SHAPE(2), (int64_t[]){-3, 3}), test_i64(SCALAR, (int64_t[]){2}),
          test_i64(SHAPE(2), (int64_t[]){-6, 3}));
    struct op_test t;
    op_test_begin(&t, "", "PRelu", 16);
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_input(&t, test_f32(SHAPE(3, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(3, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 1 of shape 3x2 does not fit input 0 of shape 2");
}

/* a - b at every index, by the definition. */
static void check_broadcast(size_t rank, const int64_t *a_dims, const int64_t *b_dims)
{
    int64_t dims[ONR_MAX_RANK];
    int64_t count = 1;
    for (size_t i = 0; i < rank; i++) {
        dims[i] = a_dims[i] == 1 ? b_dims[i] : a_dims[i];
        count *= dims[i];
    }
    const struct onr_tensor *a = test_f32(rank, a_dims, NULL);
    const struct onr_tensor *b = test_f32(rank, b_dims, NULL);
    const struct onr_tensor *c = test_f32(rank, dims, NULL);
    test_random(1, (size_t)onr_tensor_count(a), a->data);
    test_random(2, (size_t)onr_tensor_count(b), b->data);
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = i;
        int64_t offsets[2] = {0, 0};
        int64_t inner[2] = {1, 1};
        for (size_t d = rank; d-- > 0;) {
            int64_t index = rest % dims[d];
            rest /= dims[d];
            offsets[0] += (a_dims[d] == 1 ? 0 : index) * inner[0];
            offsets[1] += (b_dims[d] == 1 ? 0 : index) * inner[1];
            inner[0] *= a_dims[d];
            inner[1] *= b_dims[d];
        }
        ((float *)c->data)[i] =
            ((const float *)a->data)[offsets[0]] - ((const float *)b->data)[offsets[1]];
    }
    check("Sub", 14, a, b, c);
}

static void broadcasting_follows_the_definition(void **state)
{
    (void)state;
    check_broadcast(3, (int64_t[]){2, 3, 4}, (int64_t[]){2, 3, 4});
    check_broadcast(3, (int64_t[]){2, 3, 4}, (int64_t[]){1, 1, 4});
    check_broadcast(3, (int64_t[]){2, 3, 4}, (int64_t[]){2, 3, 1});
    check_broadcast(3, (int64_t[]){2, 3, 4}, (int64_t[]){1, 3, 1});
    check_broadcast(3, (int64_t[]){2, 1, 4}, (int64_t[]){1, 3, 1});
    check_broadcast(4, (int64_t[]){1, 3, 1, 5}, (int64_t[]){2, 1, 4, 1});
    check_broadcast(4, (int64_t[]){2, 3, 4, 5}, (int64_t[]){2, 1, 4, 1});
    check_broadcast(2, (int64_t[]){0, 3}, (int64_t[]){1, 3});
    check_broadcast(3, (int64_t[]){40, 30, 50}, (int64_t[]){40, 1, 50}); /* on several threads */
    check_broadcast(2, (int64_t[]){1, 50021}, (int64_t[]){1, 1});
    int64_t a[ONR_MAX_RANK];
    int64_t b[ONR_MAX_RANK];
    for (int i = 0; i < ONR_MAX_RANK; i++) {
        a[i] = i % 2 == 0 ? 2 : 1;
        b[i] = i % 3 == 0 ? 2 : 1;
    }
    check_broadcast(ONR_MAX_RANK, a, b);
}

static void scalars_stay_scalars(void **state)
{
    (void)state;
    check("Add", 14, test_f32(SCALAR, (float[]){1}), test_f32(SCALAR, (float[]){2}),
          test_f32(SCALAR, (float[]){3}));
    check("Add", 14, test_f32(SCALAR, (float[]){1}), test_f32(SHAPE(1, 1), (float[]){2}),
          test_f32(SHAPE(1, 1), (float[]){3}));
}

static void shapes_and_types_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Add", 14);
    op_test_input(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 3), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 1 of shape 2 does not broadcast with shape 2x3");
    op_test_begin(&t, "", "Add", 14);
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_input(&t, test_i64(SHAPE(2), NULL));
    op_test_output(&t, test_f32(SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "input 1 has type int64, expected float");
}

static void check_old(int axis, int is_broadcast, const struct onr_tensor *b, const float *c)
{
    struct op_test t;
    op_test_begin(&t, "", "Add", 6);
    if (axis >= 0) {
        op_test_int(&t, "axis", axis);
    }
    op_test_int(&t, "broadcast", is_broadcast);
    op_test_input(&t, test_f32(SHAPE(2, 3), (float[]){0, 1, 2, 3, 4, 5}));
    op_test_input(&t, b);
    op_test_output(&t, test_f32(SHAPE(2, 3), c));
    if (c != NULL) {
        op_test_run(&t);
    } else {
        op_test_fails(&t, ONR_ERR_SHAPE, "does not fit input 0 of shape 2x3");
    }
}

static void versions_before_7_broadcast_one_way(void **state)
{
    (void)state;
    const struct onr_tensor *row = test_f32(SHAPE(3), (float[]){10, 20, 30});
    const struct onr_tensor *column = test_f32(SHAPE(2), (float[]){10, 20});
    check_old(-1, 1, row, (float[]){10, 21, 32, 13, 24, 35});
    check_old(1, 1, row, (float[]){10, 21, 32, 13, 24, 35});
    check_old(0, 1, column, (float[]){10, 11, 12, 23, 24, 25});
    check_old(-1, 1, test_f32(SHAPE(1), (float[]){10}), (float[]){10, 11, 12, 13, 14, 15});
    check_old(1, 1, column, NULL);
    check_old(2, 1, column, NULL);
    check_old(-1, 0, row, NULL);
    check_old(0, 1, test_f32(SHAPE(1, 2, 3), NULL), NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(arithmetic_of_floats, test_tensors_free),
        cmocka_unit_test_teardown(arithmetic_of_integers_wraps_and_never_traps, test_tensors_free),
        cmocka_unit_test_teardown(mod_takes_the_sign_of_the_divisor_unless_fmod, test_tensors_free),
        cmocka_unit_test_teardown(comparisons_give_bool, test_tensors_free),
        cmocka_unit_test_teardown(logic_and_bits, test_tensors_free),
        cmocka_unit_test_teardown(shifts_by_the_width_give_zero, test_tensors_free),
        cmocka_unit_test_teardown(shifts_of_signed_integers_keep_the_sign_to_the_right,
                                  test_tensors_free),
        cmocka_unit_test_teardown(prelu_is_broadcast_one_way, test_tensors_free),
        cmocka_unit_test_teardown(broadcasting_follows_the_definition, test_tensors_free),
        cmocka_unit_test_teardown(scalars_stay_scalars, test_tensors_free),
        cmocka_unit_test_teardown(shapes_and_types_that_do_not_fit_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(versions_before_7_broadcast_one_way, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
