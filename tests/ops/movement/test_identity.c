/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void identity_copies_any_type(void **state)
{
    (void)state;
    struct onr_string strings[] = {{"a", 1}, {"", 0}};
    struct op_test t;
    op_test_begin(&t, "", "Identity", 13);
    op_test_input(&t, test_tensor(ONR_STRING, SHAPE(2), strings));
    op_test_output(&t, test_tensor(ONR_STRING, SHAPE(2), strings));
    op_test_run(&t);
    op_test_begin(&t, "", "Identity", 1);
    op_test_input(&t, test_f32(SHAPE(0, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(0, 2), NULL));
    op_test_run(&t);
}

static void dropout_keeps_every_element(void **state)
{
    (void)state;
    const float values[] = {1, -2, 3};
    struct op_test t;
    op_test_begin(&t, "", "Dropout", 7);
    op_test_float(&t, "ratio", 0.9f);
    op_test_input(&t, test_f32(SHAPE(3), values));
    op_test_output(&t, test_f32(SHAPE(3), values));
    op_test_output(&t, test_f32(SHAPE(3), (float[]){1, 1, 1}));
    op_test_run(&t);
    op_test_begin(&t, "", "Dropout", 13);
    op_test_input(&t, test_f32(SHAPE(3), values));
    op_test_input(&t, test_f32(SCALAR, (float[]){0.5f}));
    op_test_input(&t, test_tensor(ONR_BOOL, SCALAR, (uint8_t[]){0}));
    op_test_output(&t, test_f32(SHAPE(3), values));
    op_test_output(&t, test_tensor(ONR_BOOL, SHAPE(3), (uint8_t[]){1, 1, 1}));
    op_test_run(&t);
}

static void training(struct op_test *t, const struct onr_tensor *ratio)
{
    op_test_begin(t, "", "Dropout", 12);
    op_test_input(t, test_f32(SHAPE(1), (float[]){4}));
    op_test_input(t, ratio);
    op_test_input(t, test_tensor(ONR_BOOL, SCALAR, (uint8_t[]){1}));
    op_test_output(t, test_f32(SHAPE(1), (float[]){4}));
}

static void training_is_refused_unless_nothing_is_dropped(void **state)
{
    (void)state;
    struct op_test t;
    training(&t, NULL);
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "training_mode is not supported");
    training(&t, test_tensor(ONR_DOUBLE, SCALAR, (double[]){0.1}));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "training_mode is not supported");
    training(&t, test_f32(SCALAR, (float[]){0}));
    op_test_run(&t);
    training(&t, test_tensor(ONR_FLOAT16, SCALAR, (uint16_t[]){0x8000}));
    op_test_run(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(identity_copies_any_type, test_tensors_free),
        cmocka_unit_test_teardown(dropout_keeps_every_element, test_tensors_free),
        cmocka_unit_test_teardown(training_is_refused_unless_nothing_is_dropped, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
