/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void begin(struct op_test *t, float floor)
{
    op_test_begin(t, "onnxrun", "UnitRows", 1);
    op_test_float(t, "floor", floor);
}

static void rows_have_length_one_or_less(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 5);
    op_test_input(&t, test_f32(SHAPE(3, 2), (float[]){6, -8, 3, 4, 1, 0}));
    op_test_output(&t, test_f32(SHAPE(3, 2), (float[]){0.6f, -0.8f, 0.6f, 0.8f, 0.2f, 0}));
    op_test_run(&t);
    begin(&t, 0);
    op_test_input(&t, test_f32(SHAPE(2), (float[]){0, -4}));
    op_test_output(&t, test_f32(SHAPE(2), (float[]){0, -1}));
    op_test_run(&t);
    begin(&t, 0);
    op_test_input(&t, test_f32(SHAPE(2, 0, 3), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 0, 3), NULL));
    op_test_run(&t);
}

/* More rows than are done at a time, of two heads that lie beside each other. */
static void rows_are_read_in_the_order_of_perm(void **state)
{
    (void)state;
    struct op_test t;
    float x[1 * 18 * 2 * 2], y[1 * 2 * 18 * 2];
    for (size_t row = 0; row < 18; row++) {
        for (size_t head = 0; head < 2; head++) {
            float size = (float)(1 + row + 20 * head);
            float *from = x + (row * 2 + head) * 2;
            float *to = y + (head * 18 + row) * 2;
            from[0] = 3 * size;
            from[1] = -4 * size;
            to[0] = 0.6f;
            to[1] = -0.8f;
        }
    }
    begin(&t, 1e-12f);
    op_test_ints(&t, "perm", 4, (int64_t[]){0, 2, 1, 3});
    op_test_input(&t, test_f32(SHAPE(1, 18, 2, 2), x));
    op_test_output(&t, test_f32(SHAPE(1, 2, 18, 2), y));
    op_test_run(&t);
}

static void check_refused(const int64_t *perm, size_t count, enum onr_status status,
                          const char *text)
{
    struct op_test t;
    begin(&t, 0);
    op_test_ints(&t, "perm", count, perm);
    op_test_input(&t, test_f32(SHAPE(1, 1, 1), (float[]){1}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 1), NULL));
    op_test_fails(&t, status, text);
}

static void what_is_no_order_of_rows_is_refused(void **state)
{
    (void)state;
    struct op_test t;
    check_refused((int64_t[]){0, 2, 1}, 3, ONR_ERR_VALUE,
                  "perm moves the last dimension to another place");
    check_refused((int64_t[]){0, 0, 2}, 3, ONR_ERR_VALUE, "perm has 0 twice");
    check_refused((int64_t[]){0, 3, 2}, 3, ONR_ERR_SHAPE, "axis 3 out of range for rank 3");
    check_refused((int64_t[]){0, 1}, 2, ONR_ERR_SHAPE, "perm has 2 entries for an input of rank 3");
    begin(&t, 0);
    op_test_input(&t, test_f32(SCALAR, (float[]){1}));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "x has rank 0, expected 1 or more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(rows_have_length_one_or_less, test_tensors_free),
        cmocka_unit_test_teardown(rows_are_read_in_the_order_of_perm, test_tensors_free),
        cmocka_unit_test_teardown(what_is_no_order_of_rows_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
