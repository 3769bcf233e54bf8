/* SPDX-License-Identifier: Apache-2.0 */
/* Scan of version 8, with a batch axis and sequences of different lengths. */
#include "support/session_test.h"

#include <stdio.h>

#define BODY                                                                                       \
    "body={in float s [2]; in float v [2]; t = Add(s, v); o = Identity(t); out float t [2]; "      \
    "out float o [2];} num_scan_inputs=1"

/* Two sequences of three vectors of two numbers. */
#define X test_f32(SHAPE(2, 3, 2), (float[]){1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60})

static void begin(struct session_test *t, const char *attrs)
{
    char text[400];
    (void)snprintf(text, sizeof text,
                   "opset 8; in int64 lens [k]; in float s [b, 2]; in float x [b, n, 2];"
                   "t, o = Scan(lens, s, x) %s %s; out float t; out float o;",
                   BODY, attrs);
    session_test_begin(t, text);
    session_test_in(t, "s", test_f32(SHAPE(2, 2), (float[]){0, 0, 1, 1}));
    session_test_in(t, "x", X);
    session_test_in(t, "lens", test_i64(SHAPE(2), (int64_t[]){3, 2}));
}

static void each_sequence_ends_at_its_length(void **state)
{
    (void)state;
    struct session_test t;
    begin(&t, "");
    session_test_out(&t, "t", test_f32(SHAPE(2, 2), (float[]){9, 12, 41, 61}));
    session_test_out(&t, "o",
                     test_f32(SHAPE(2, 3, 2), (float[]){1, 2, 4, 6, 9, 12, 11, 21, 41, 61, 0, 0}));
    session_test_run(&t);
    uint64_t allocs = session_test_allocs(&t);
    session_test_run(&t);
    assert_int_equal(session_test_allocs(&t), allocs);
    session_test_end(&t);
}

static void backwards_starts_at_the_end_of_each_sequence(void **state)
{
    (void)state;
    struct session_test t;
    begin(&t, "directions=[1]");
    session_test_out(&t, "t", test_f32(SHAPE(2, 2), (float[]){9, 12, 41, 61}));
    session_test_out(&t, "o",
                     test_f32(SHAPE(2, 3, 2), (float[]){5, 6, 8, 10, 9, 12, 31, 41, 41, 61, 0, 0}));
    session_test_run(&t);
    session_test_end(&t);
}

static void without_steps_states_stay(void **state)
{
    (void)state;
    struct session_test t;
    begin(&t, "");
    session_test_in(&t, "lens", test_i64(SHAPE(2), (int64_t[]){0, 0}));
    session_test_out(&t, "t", test_f32(SHAPE(2, 2), (float[]){0, 0, 1, 1}));
    session_test_out(&t, "o", test_f32(SHAPE(2, 3, 2), NULL));
    session_test_run(&t);
    session_test_in(&t, "s", test_f32(SHAPE(0, 2), NULL));
    session_test_in(&t, "x", test_f32(SHAPE(0, 3, 2), NULL));
    session_test_in(&t, "lens", test_i64(SHAPE(0), NULL));
    session_test_out(&t, "t", test_f32(SHAPE(0, 2), NULL));
    session_test_out(&t, "o", test_f32(SHAPE(0, 3, 2), NULL));
    session_test_run(&t);
    session_test_end(&t);
}

static void wrong_lengths_and_shapes_are_refused(void **state)
{
    (void)state;
    struct session_test t;
    begin(&t, "");
    session_test_out(&t, "t", NULL);
    session_test_in(&t, "lens", test_i64(SHAPE(2), (int64_t[]){1, 4}));
    session_test_fails(&t, ONNXRUN_ERR_VALUE, "sequence_lens has 4 at 1, expected 0 to 3");
    session_test_in(&t, "lens", test_i64(SHAPE(2), (int64_t[]){-1, 1}));
    session_test_fails(&t, ONNXRUN_ERR_VALUE, "sequence_lens has -1 at 0, expected 0 to 3");
    session_test_in(&t, "lens", test_i64(SHAPE(3), NULL));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "sequence_lens has shape 3, expected 2");
    session_test_end(&t);
    session_test_begin(&t, "opset 8; in float s; in float x; t, o = Scan(_, s, x) " BODY
                           "; out float t; out float o;");
    session_test_out(&t, "t", NULL);
    session_test_in(&t, "s", test_f32(SHAPE(1, 2), NULL));
    session_test_in(&t, "x", test_f32(SHAPE(2, 3, 2), NULL));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "input 2 has 2 in dimension 0, expected 1");
    session_test_in(&t, "x", test_f32(SHAPE(1), NULL));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "input 2 has rank 1, expected 2 or more");
    session_test_in(&t, "s", test_f32(SHAPE(1, 1), NULL));
    session_test_in(&t, "x", test_f32(SHAPE(1, 3, 2), NULL));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "output 0 of the body is float 2, expected float 1");
    session_test_end(&t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, test_tensors_free)
    const struct CMUnitTest tests[] = {
        TEST(each_sequence_ends_at_its_length),
        TEST(backwards_starts_at_the_end_of_each_sequence),
        TEST(without_steps_states_stay),
        TEST(wrong_lengths_and_shapes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
