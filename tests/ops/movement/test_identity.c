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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(identity_copies_any_type, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
