/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void range(struct op_test *t, int64_t version, enum onr_dtype dtype, const void *start,
                  const void *limit, const void *delta)
{
    op_test_begin(t, "", "Range", version);
    op_test_input(t, test_tensor(dtype, SCALAR, start));
    op_test_input(t, test_tensor(dtype, SCALAR, limit));
    op_test_input(t, test_tensor(dtype, SCALAR, delta));
}

static void range_i64(struct op_test *t, int64_t start, int64_t limit, int64_t delta)
{
    range(t, 11, ONR_INT64, &start, &limit, &delta);
}

static void range_f32(struct op_test *t, float start, float limit, float delta)
{
    range(t, 11, ONR_FLOAT, &start, &limit, &delta);
}

static void integers_count_up_and_down(void **state)
{
    (void)state;
    struct op_test t;
    range_i64(&t, 3, 9, 3);
    op_test_output(&t, test_i64(SHAPE(2), (int64_t[]){3, 6}));
    op_test_run(&t);
    range_i64(&t, 10, 4, -4);
    op_test_output(&t, test_i64(SHAPE(2), (int64_t[]){10, 6}));
    op_test_run(&t);
    range_i64(&t, 1, 1, 1);
    op_test_output(&t, test_i64(SHAPE(0), NULL));
    op_test_run(&t);
    range_i64(&t, INT64_MIN, INT64_MAX, INT64_MAX);
    op_test_output(&t, test_i64(SHAPE(3), (int64_t[]){INT64_MIN, -1, INT64_MAX - 1}));
    op_test_run(&t);
    range(&t, 11, ONR_INT16, (int16_t[]){5}, (int16_t[]){0}, (int16_t[]){-2});
    op_test_output(&t, test_tensor(ONR_INT16, SHAPE(3), (int16_t[]){5, 3, 1}));
    op_test_run(&t);
}

static void floats_are_multiplied_not_summed_up(void **state)
{
    (void)state;
    struct op_test t;
    struct onr_tensor *y = test_f32(SHAPE(20001), NULL);
    for (int i = 0; i < 20001; i++) {
        ((float *)y->data)[i] = (float)(i * (double)0.1f);
    }
    range_f32(&t, 0, 2000.05f, 0.1f);
    t.rtol = 0;
    t.atol = 0;
    op_test_output(&t, y);
    op_test_run(&t);
    range_f32(&t, 1, -1, 1);
    op_test_output(&t, test_f32(SHAPE(0), NULL));
    op_test_run(&t);
    range(&t, 11, ONR_DOUBLE, (double[]){1}, (double[]){0}, (double[]){-0.4});
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(3), (double[]){1, 0.6, 0.2}));
    op_test_run(&t);
}

static void halves_are_ranges_from_27_on(void **state)
{
    (void)state;
    struct op_test t;
    range(&t, 27, ONR_FLOAT16, (uint16_t[]){0}, (uint16_t[]){0x4000}, (uint16_t[]){0x3c00});
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(2), (uint16_t[]){0, 0x3c00}));
    op_test_run(&t);
    range(&t, 27, ONR_BFLOAT16, (uint16_t[]){0}, (uint16_t[]){0x4000}, (uint16_t[]){0x3f80});
    op_test_output(&t, test_tensor(ONR_BFLOAT16, SHAPE(2), (uint16_t[]){0, 0x3f80}));
    op_test_run(&t);
}

static void endless_ranges_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    range_i64(&t, 0, 1, 0);
    op_test_output(&t, test_i64(SHAPE(0), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "delta is 0");
    range_f32(&t, 0, 1, 0);
    op_test_output(&t, test_f32(SHAPE(0), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "delta is 0");
    range_f32(&t, 0, INFINITY, 1);
    op_test_output(&t, test_f32(SHAPE(0), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "give inf elements");
    range_f32(&t, 0, NAN, 1);
    op_test_output(&t, test_f32(SHAPE(0), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "nan elements");
    range_i64(&t, 0, INT64_MAX, 1);
    op_test_output(&t, test_i64(SHAPE(0), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "elements");
    op_test_begin(&t, "", "Range", 11);
    op_test_input(&t, test_i64(SHAPE(2), NULL));
    op_test_input(&t, test_i64(SCALAR, NULL));
    op_test_input(&t, test_i64(SCALAR, NULL));
    op_test_output(&t, test_i64(SHAPE(0), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 0 has 2 elements, expected a scalar");
}

static void begin_contrib(struct op_test *t, enum onr_dtype dtype, const void *start,
                          const void *limit)
{
    op_test_begin(t, "com.microsoft", "Range", 1);
    op_test_input(t, test_tensor(dtype, SCALAR, start));
    op_test_input(t, test_tensor(dtype, SCALAR, limit));
}

static void delta_of_com_microsoft_is_1_when_left_out(void **state)
{
    (void)state;
    struct op_test t;
    begin_contrib(&t, ONR_INT64, (int64_t[]){2}, (int64_t[]){5});
    op_test_output(&t, test_i64(SHAPE(3), (int64_t[]){2, 3, 4}));
    op_test_run(&t);
    begin_contrib(&t, ONR_FLOAT, (float[]){0.5f}, (float[]){2});
    op_test_output(&t, test_f32(SHAPE(2), (float[]){0.5f, 1.5f}));
    op_test_run(&t);
    begin_contrib(&t, ONR_INT16, (int16_t[]){5}, (int16_t[]){0});
    op_test_input(&t, test_tensor(ONR_INT16, SCALAR, (int16_t[]){-3}));
    op_test_output(&t, test_tensor(ONR_INT16, SHAPE(2), (int16_t[]){5, 2}));
    op_test_run(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(integers_count_up_and_down, test_tensors_free),
        cmocka_unit_test_teardown(floats_are_multiplied_not_summed_up, test_tensors_free),
        cmocka_unit_test_teardown(halves_are_ranges_from_27_on, test_tensors_free),
        cmocka_unit_test_teardown(endless_ranges_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(delta_of_com_microsoft_is_1_when_left_out, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
