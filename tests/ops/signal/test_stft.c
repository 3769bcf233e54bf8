/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void begin(struct op_test *t, const struct onr_tensor *signal, int64_t step)
{
    op_test_begin(t, "", "STFT", 17);
    op_test_input(t, signal);
    op_test_input(t, test_i64(SCALAR, &step));
}

static void frames_overlap_and_the_rest_is_left_out(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_f32(SHAPE(1, 7, 1), (float[]){1, 2, 3, 4, 5, 6, 7}), 2);
    op_test_input(&t, NULL);
    op_test_input(&t, test_i64(SCALAR, (int64_t[]){4}));
    op_test_output(
        &t, test_f32(SHAPE(1, 2, 3, 2), (float[]){10, 0, -2, 2, -2, 0, 18, 0, -2, 2, -2, 0}));
    op_test_run(&t);
}

static void the_window_gives_the_length_and_signals_may_have_rank_two(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_f32(SHAPE(2, 3), (float[]){1, 2, 3, 4, 5, 6}), 1);
    op_test_int(&t, "onesided", 0);
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 0.5f}));
    op_test_output(&t, test_f32(SHAPE(2, 2, 2, 2), (float[]){2, 0, 0, 0, 3.5f, 0, 0.5f, 0, 6.5f, 0,
                                                             1.5f, 0, 8, 0, 2, 0}));
    op_test_run(&t);
}

static void without_both_the_whole_signal_is_one_frame(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 3, 1), (double[]){1, 2, 3}), 5);
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 2, 2),
                                   (double[]){6, 0, -1.5, 0.86602540378443864676}));
    t.rtol = 1e-14;
    op_test_run(&t);
}

static void complex_signals(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, test_tensor(ONR_BFLOAT16, SHAPE(1, 2, 2), (uint16_t[]){0x3f80, 0x4000, 0, 0x3f80}),
          1);
    op_test_int(&t, "onesided", 0);
    op_test_output(&t, test_tensor(ONR_BFLOAT16, SHAPE(1, 1, 2, 2),
                                   (uint16_t[]){0x3f80, 0x4040, 0x3f80, 0x3f80}));
    op_test_run(&t);
}

static void refuse(const struct onr_tensor *signal, int64_t step, const struct onr_tensor *window,
                   const struct onr_tensor *length, enum onr_status status, const char *text)
{
    struct op_test t;
    begin(&t, signal, step);
    op_test_input(&t, window);
    op_test_input(&t, length);
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, status, text);
}

static void bad_inputs_are_refused(void **state)
{
    (void)state;
    struct onr_tensor *signal = test_f32(SHAPE(1, 8, 1), NULL);
    struct onr_tensor *four = test_i64(SCALAR, (int64_t[]){4});
    refuse(signal, 0, NULL, four, ONR_ERR_VALUE, "frame_step is 0");
    refuse(signal, 1, NULL, test_i64(SCALAR, (int64_t[]){0}), ONR_ERR_VALUE, "frame_length is 0");
    refuse(signal, 1, NULL, test_i64(SCALAR, (int64_t[]){9}), ONR_ERR_SHAPE, "1 to the signal's 8");
    refuse(signal, 1, NULL, test_i64(SHAPE(2), NULL), ONR_ERR_SHAPE, "frame_length has 2");
    refuse(signal, 1, test_f32(SHAPE(3), NULL), four, ONR_ERR_SHAPE, "window has 3 points");
    refuse(signal, 1, test_f32(SHAPE(2, 2), NULL), NULL, ONR_ERR_SHAPE, "rank");
    refuse(test_f32(SHAPE(1, 8, 2), NULL), 1, NULL, four, ONR_ERR_SHAPE, "signal is complex");
    refuse(test_f32(SHAPE(8), NULL), 1, NULL, four, ONR_ERR_SHAPE, "signal has shape 8");
    refuse(test_f32(SHAPE(1, 0, 1), NULL), 1, NULL, NULL, ONR_ERR_SHAPE, "a frame has 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(frames_overlap_and_the_rest_is_left_out, test_tensors_free),
        cmocka_unit_test_teardown(the_window_gives_the_length_and_signals_may_have_rank_two,
                                  test_tensors_free),
        cmocka_unit_test_teardown(without_both_the_whole_signal_is_one_frame, test_tensors_free),
        cmocka_unit_test_teardown(complex_signals, test_tensors_free),
        cmocka_unit_test_teardown(bad_inputs_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
