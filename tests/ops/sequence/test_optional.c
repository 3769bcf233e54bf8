/* SPDX-License-Identifier: Apache-2.0 */
/* Optional, OptionalHasElement, OptionalGetElement, and optionals through If and Loop. */
#include "support/session_test.h"

#define X2      test_f32(SHAPE(2), (float[]){1, 2})
#define BOOL(b) test_tensor(ONR_BOOL, SCALAR, (uint8_t[]){b})
#define INT(i)  test_i64(SCALAR, (int64_t[]){i})

static void an_input_may_have_no_element(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "opset 18; in optional(float) o [n]; in float d [n];"
                           "h = OptionalHasElement(o); y = If(h)"
                           "  then_branch={e = OptionalGetElement(o); f = Neg(e); out float f;}"
                           "  else_branch={out float d;}; out float y; out bool h;");
    session_test_in(&t, "d", test_f32(SHAPE(2), (float[]){7, 8}));
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){7, 8}));
    session_test_out(&t, "h", BOOL(0));
    session_test_run(&t);
    session_test_in(&t, "o", X2);
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){-1, -2}));
    session_test_out(&t, "h", BOOL(1));
    session_test_run(&t);
    session_test_end(&t);
}

static void no_input_is_no_element(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "opset 18; in float x; h = OptionalHasElement();"
                           "i = OptionalHasElement(_); j = OptionalHasElement(x);"
                           "out bool h; out bool i; out bool j;");
    session_test_in(&t, "x", X2);
    session_test_out(&t, "h", BOOL(0));
    session_test_out(&t, "i", BOOL(0));
    session_test_out(&t, "j", BOOL(1));
    session_test_run(&t);
    session_test_end(&t);
}

static void an_optional_is_made_and_opened(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x; init float w [1] = 5; o = Optional(x); p = Optional(w);"
                           "n = Optional() type=:seq(float); s = SequenceConstruct(x);"
                           "q = Optional(s) type=:seq(float);"
                           "a = OptionalGetElement(o); b = OptionalGetElement(p);"
                           "c = OptionalGetElement(q); l = SequenceLength(c);"
                           "h = OptionalHasElement(n); i = OptionalHasElement(q);"
                           "out float a; out float b; out int64 l; out bool h; out bool i;"
                           "out optional(seq(float)) n; out optional(seq(float)) q;");
    session_test_in(&t, "x", X2);
    session_test_out(&t, "a", X2);
    session_test_out(&t, "b", test_f32(SHAPE(1), (float[]){5}));
    session_test_out(&t, "l", INT(1));
    session_test_out(&t, "h", BOOL(0));
    session_test_out(&t, "i", BOOL(1));
    session_test_out(&t, "n", NULL);
    session_test_out(&t, "q", NULL);
    session_test_run(&t);
    assert_null(t.outputs[5].tensor);
    assert_int_equal(onnxrun_tensor_count(t.outputs[6].tensor), 1);
    session_test_end(&t);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    session_test_refused("o = Optional(); out optional(float) o;", ONNXRUN_ERR_MODEL,
                         "there is neither an input nor the attribute type");
    session_test_refused("o = Optional() type=:float; y = OptionalGetElement(o); out float y;",
                         ONNXRUN_ERR_VALUE, "the optional has no element");
    session_test_refused("in float x; o = Optional(x) type=:int64; out optional(int64) o;",
                         ONNXRUN_ERR_MODEL,
                         "the input is a tensor of type float, type is a tensor of int64");
    session_test_refused("o = Optional() type=:optional(float); out optional(float) o;",
                         ONNXRUN_ERR_UNSUPPORTED, "neither a tensor nor a sequence");
    session_test_refused("in optional(float) o; y = Neg(o); out float y;", ONNXRUN_ERR_MODEL,
                         "input 0 is an optional tensor, expected a tensor");
    session_test_refused("opset 15; h = OptionalHasElement(); out bool h;", ONNXRUN_ERR_MODEL,
                         "0 inputs, expected 1 to 1");
    struct session_test t;
    session_test_begin(&t, "in optional(float) o; y = OptionalGetElement(o); out float y;");
    session_test_out(&t, "y", NULL);
    session_test_fails(&t, ONNXRUN_ERR_VALUE, "the optional has no element");
    session_test_end(&t);
}

static void a_branch_may_give_no_element(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in bool c; in float x; r = If(c)"
                           "  then_branch={n = Optional() type=:float; out optional(float) n;}"
                           "  else_branch={o = Optional(x); out optional(float) o;};"
                           "h = OptionalHasElement(r); out bool h; out optional(float) r;");
    session_test_in(&t, "x", X2);
    session_test_out(&t, "h", BOOL(0));
    session_test_out(&t, "r", NULL);
    session_test_in(&t, "c", BOOL(1));
    session_test_run(&t);
    assert_null(t.outputs[1].tensor);
    session_test_in(&t, "c", BOOL(0));
    session_test_out(&t, "h", BOOL(1));
    session_test_run(&t);
    assert_int_equal(onnxrun_tensor_count(t.outputs[1].tensor), 2);
    session_test_end(&t);
    session_test_refused("in bool c; in float x; r = If(c) then_branch={out float x;}"
                         "  else_branch={s = SequenceConstruct(x); out seq(float) s;};"
                         "out float r;",
                         ONNXRUN_ERR_MODEL,
                         "output 0 is a tensor in then_branch, a sequence in else_branch");
}

static void a_loop_may_start_without_element(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(
        &t, "in int64 m; in float x [n]; init bool c = 1; n = Optional() type=:seq(float);"
            "s = Loop(m, c, n) body={in int64 i; in bool go; in optional(seq(float)) a;"
            "  h = OptionalHasElement(a); b = If(h)"
            "    then_branch={e = OptionalGetElement(a); out seq(float) e;}"
            "    else_branch={f = SequenceEmpty(); out seq(float) f;};"
            "  d = SequenceInsert(b, x); g = Identity(go); out bool g; out seq(float) d;};"
            "l = SequenceLength(s); out int64 l;");
    session_test_in(&t, "x", X2);
    session_test_in(&t, "m", INT(4));
    session_test_out(&t, "l", INT(4));
    session_test_run(&t);
    session_test_in(&t, "m", INT(0));
    session_test_fails(&t, ONNXRUN_ERR_MODEL, "input 0 is an optional without element");
    session_test_end(&t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, test_tensors_free)
    const struct CMUnitTest tests[] = {
        TEST(an_input_may_have_no_element),   TEST(no_input_is_no_element),
        TEST(an_optional_is_made_and_opened), TEST(what_cannot_be_is_refused),
        TEST(a_branch_may_give_no_element),   TEST(a_loop_may_start_without_element),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
