/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs that are something else as well: inputs, constants, views, each other. */
#include "support/session_test.h"

#include <string.h>

#define X2 test_f32(SHAPE(2), (float[]){1, -2})

static void an_output_that_is_an_input_is_a_copy(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [n]; y = Identity(x); out float y [n];");
    session_test_in(&t, "x", X2);
    session_test_out(&t, "y", X2);
    session_test_run(&t);
    assert_ptr_not_equal(onnxrun_tensor_data(t.outputs[0].tensor),
                         onnxrun_tensor_data(t.inputs[0].tensor));
    uint64_t allocs = session_test_allocs(&t);
    session_test_run(&t);
    assert_int_equal(session_test_allocs(&t), allocs);
    session_test_end(&t);
}

static void an_input_may_be_an_output_directly(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [n]; y = Neg(x); out float x [n]; out float y [n];");
    session_test_in(&t, "x", X2);
    session_test_out(&t, "x", X2);
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){-1, 2}));
    session_test_run(&t);
    session_test_end(&t);
}

static void a_view_of_an_input_may_be_an_output(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [n]; init int64 s [2] = -1, 1; y = Reshape(x, s);"
                           "out float y [n, 1];");
    session_test_in(&t, "x", X2);
    session_test_out(&t, "y", test_f32(SHAPE(2, 1), (float[]){1, -2}));
    session_test_run(&t);
    session_test_in(&t, "x", test_f32(SHAPE(0), NULL));
    session_test_out(&t, "y", test_f32(SHAPE(0, 1), NULL));
    session_test_run(&t);
    session_test_end(&t);
}

static void two_outputs_may_be_one_value(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [n]; y = Neg(x); z = Identity(y); out float y [n];"
                           "out float z [n];");
    session_test_in(&t, "x", X2);
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){-1, 2}));
    session_test_out(&t, "z", test_f32(SHAPE(2), (float[]){-1, 2}));
    session_test_run(&t);
    session_test_end(&t);
}

static void overwrite_results(struct session_test *t)
{
    for (size_t i = 0; i < t->output_count; i++) {
        struct onr_tensor result = session_test_result(t, i);
        memset(result.data, 0x55, onr_tensor_bytes(&result));
    }
}

/* What the caller writes to an output must not change a weight or a cached plan. */
static void outputs_that_are_constants_can_be_written_to(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [n]; init float w [2] = 3, 4; s = Shape(x); v = Neg(w);"
                           "out int64 s [1]; out float w [2]; out float v [2];");
    session_test_in(&t, "x", X2);
    session_test_out(&t, "s", test_i64(SHAPE(1), (int64_t[]){2}));
    session_test_out(&t, "w", test_f32(SHAPE(2), (float[]){3, 4}));
    session_test_out(&t, "v", test_f32(SHAPE(2), (float[]){-3, -4}));
    for (int i = 0; i < 2; i++) {
        session_test_run(&t);
        overwrite_results(&t);
    }
    session_test_end(&t);
}

static void only_some_outputs_may_be_asked_for(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [n]; y = Neg(x); z = Abs(x); out float y [n];"
                           "out float z [n];");
    session_test_in(&t, "x", X2);
    session_test_run(&t);
    session_test_out(&t, "z", test_f32(SHAPE(2), (float[]){1, 2}));
    session_test_run(&t);
    session_test_end(&t);
}

static void a_model_without_inputs_runs(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "init float w [2] = 3, 4; y = Neg(w); out float y [2];");
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){-3, -4}));
    session_test_run(&t);
    session_test_run(&t);
    session_test_end(&t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, test_tensors_free)
    const struct CMUnitTest tests[] = {
        TEST(an_output_that_is_an_input_is_a_copy),
        TEST(an_input_may_be_an_output_directly),
        TEST(a_view_of_an_input_may_be_an_output),
        TEST(two_outputs_may_be_one_value),
        TEST(outputs_that_are_constants_can_be_written_to),
        TEST(only_some_outputs_may_be_asked_for),
        TEST(a_model_without_inputs_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
