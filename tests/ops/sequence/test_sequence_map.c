/* SPDX-License-Identifier: Apache-2.0 */
#include "support/session_test.h"

#define X2     test_f32(SHAPE(2), (float[]){1, 2})
#define X3     test_f32(SHAPE(3), (float[]){3, 4, 5})
#define INT(i) test_i64(SCALAR, (int64_t[]){i})

static void the_body_sees_one_position_at_a_time(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [n]; in float y [m]; in float k; in int64 p;"
                           "s = SequenceConstruct(x, y); r = SequenceConstruct(y, x);"
                           "a, b = SequenceMap(s, r, k) body={in float u; in float v; in float w;"
                           "  f = Mul(u, w); g = Add(v, k); out float f; out float g;};"
                           "c = SequenceAt(a, p); d = SequenceAt(b, p); l = SequenceLength(a);"
                           "out float c; out float d; out int64 l;");
    session_test_in(&t, "x", X2);
    session_test_in(&t, "y", X3);
    session_test_in(&t, "k", test_f32(SCALAR, (float[]){10}));
    session_test_in(&t, "p", INT(0));
    session_test_out(&t, "c", test_f32(SHAPE(2), (float[]){10, 20}));
    session_test_out(&t, "d", test_f32(SHAPE(3), (float[]){13, 14, 15}));
    session_test_out(&t, "l", INT(2));
    session_test_run(&t);
    session_test_in(&t, "p", INT(1));
    session_test_out(&t, "c", test_f32(SHAPE(3), (float[]){30, 40, 50}));
    session_test_out(&t, "d", test_f32(SHAPE(2), (float[]){11, 12}));
    session_test_run(&t);
    uint64_t allocs = session_test_allocs(&t);
    session_test_run(&t);
    assert_int_equal(session_test_allocs(&t), allocs);
    session_test_end(&t);
}

static void an_empty_sequence_maps_to_one(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "s = SequenceEmpty(); a = SequenceMap(s) body={in float u;"
                           "  f = Shape(u); out int64 f;}; l = SequenceLength(a); out int64 l;"
                           "out seq(int64) a;");
    session_test_out(&t, "l", INT(0));
    session_test_out(&t, "a", NULL);
    session_test_run(&t);
    assert_int_equal(onnxrun_tensor_dtype(t.outputs[1].tensor), ONNXRUN_INT64);
    session_test_end(&t);
}

static void lengths_and_bodies_must_fit(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x; s = SequenceConstruct(x, x); r = SequenceConstruct(x);"
                           "a = SequenceMap(s, r) body={in float u; in float v; f = Add(u, v);"
                           "  out float f;}; out seq(float) a;");
    session_test_in(&t, "x", X2);
    session_test_out(&t, "a", NULL);
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "input 1 has 1 tensors, input 0 has 2");
    session_test_end(&t);
    session_test_refused("in seq(float) s; a = SequenceMap(s, s) body={in float u; out float u;};"
                         "out seq(float) a;",
                         ONNXRUN_ERR_MODEL, "body has 1 inputs and 1 outputs, expected 2 and 1");
    session_test_refused("in float s; a = SequenceMap(s) body={in float u; out float u;};"
                         "out seq(float) a;",
                         ONNXRUN_ERR_MODEL, "input 0 is a tensor, expected a sequence");
    session_test_refused("in seq(float) s; a = SequenceMap(s) body={in float u;"
                         "  f = SequenceConstruct(u); out seq(float) f;}; out seq(float) a;",
                         ONNXRUN_ERR_MODEL,
                         "output 0 of the body is a sequence, expected a tensor");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, test_tensors_free)
    const struct CMUnitTest tests[] = {
        TEST(the_body_sees_one_position_at_a_time),
        TEST(an_empty_sequence_maps_to_one),
        TEST(lengths_and_bodies_must_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
