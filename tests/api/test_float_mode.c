/* SPDX-License-Identifier: Apache-2.0 */
#include "base/float_mode.h"
#include "support/session_test.h"

#include <fenv.h>

/* Enough numbers for two threads to share. */
#define COUNT 200000

static const char source[] = "in float x [n]; init float h = 0.5; y = Mul(x, h); out float y;";

static bool can_flush(void)
{
    return ONR_FLOAT_MODE_FLUSH != ONR_FLOAT_MODE_DEFAULT;
}

/* The halves of the smallest normal number, in all places. */
static void check_halves(struct session_test *t, float wanted)
{
    struct onr_tensor *x = test_f32(SHAPE(COUNT), NULL);
    struct onr_tensor *y = test_f32(SHAPE(COUNT), NULL);
    for (size_t i = 0; i < COUNT; i++) {
        ((float *)x->data)[i] = 0x1p-126f;
        ((float *)y->data)[i] = wanted;
    }
    session_test_in(t, "x", x);
    session_test_out(t, "y", y);
    session_test_run(t);
    session_test_run(t);
}

static void a_run_takes_denormals_for_zero_unless_told_otherwise(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, source);
    check_halves(&t, can_flush() ? 0.0f : 0x1p-127f);
    session_test_end(&t);
    for (uint32_t threads = 1; threads <= 2; threads++) {
        onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
        options.threads = threads;
        options.keep_denormals = 1;
        session_test_begin(&t, source);
        session_test_restart(&t, &options);
        check_halves(&t, 0x1p-127f);
        session_test_end(&t);
    }
}

static void the_environment_of_the_caller_neither_matters_nor_changes(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [1]; init float d = 3; y = Div(x, d); out float y;");
    session_test_in(&t, "x", test_f32(SHAPE(1), (float[]){1}));
    session_test_out(&t, "y", test_f32(SHAPE(1), (float[]){0x1.555556p-2f}));
    uint64_t before = onr_float_mode();
    assert_int_equal(fesetround(FE_DOWNWARD), 0);
    uint64_t downward = onr_float_mode();
    session_test_run(&t);
    uint64_t after = onr_float_mode();
    int rounding = fegetround();
    onr_float_mode_set(before);
    (void)fesetround(FE_TONEAREST);
    assert_true(after == downward);
    assert_int_equal(rounding, FE_DOWNWARD);
    session_test_end(&t);
}

static void it_is_restored_after_an_error(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [a, b]; in float z [c, d]; y = MatMul(x, z); out float y;");
    session_test_in(&t, "x", test_f32(SHAPE(1, 2), NULL));
    session_test_in(&t, "z", test_f32(SHAPE(3, 1), NULL));
    session_test_out(&t, "y", NULL);
    uint64_t before = onr_float_mode();
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "MatMul");
    assert_true(((onr_float_mode() ^ before) & ~ONR_FLOAT_MODE_FLAGS) == 0);
    session_test_end(&t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, test_tensors_free)
    const struct CMUnitTest tests[] = {
        TEST(a_run_takes_denormals_for_zero_unless_told_otherwise),
        TEST(the_environment_of_the_caller_neither_matters_nor_changes),
        TEST(it_is_restored_after_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
