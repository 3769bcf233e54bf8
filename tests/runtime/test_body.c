/* SPDX-License-Identifier: Apache-2.0 */
/* If, Loop and Scan: captures, shapes that change, state between iterations, limits. */
#include "support/session_test.h"

#include <string.h>

#define X2      test_f32(SHAPE(2), (float[]){1, -2})
#define BOOL(b) test_tensor(ONR_BOOL, SCALAR, (uint8_t[]){b})
#define INT(i)  test_i64(SCALAR, (int64_t[]){i})

/* Asserts that runs with the inputs as they are allocate nothing any more. */
static void runs_without_allocation(struct session_test *t)
{
    session_test_run(t);
    uint64_t allocs = session_test_allocs(t);
    session_test_run(t);
    assert_int_equal(session_test_allocs(t), allocs);
}

static void branches_may_differ_in_rank(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in bool c; in float x [n]; init int64 s [2] = -1, 1; a = Neg(x);"
                           "b = If(c) then_branch={t = Reshape(a, s); out float t;}"
                           "          else_branch={e = ReduceSum(a) keepdims=0; out float e;};"
                           "y = Neg(b); out float y;");
    session_test_in(&t, "x", X2);
    for (int i = 0; i < 2; i++) {
        session_test_in(&t, "c", BOOL(1));
        session_test_out(&t, "y", test_f32(SHAPE(2, 1), (float[]){1, -2}));
        session_test_run(&t);
        session_test_in(&t, "c", BOOL(0));
        session_test_out(&t, "y", test_f32(SCALAR, (float[]){-1}));
        session_test_run(&t);
    }
    runs_without_allocation(&t);
    session_test_end(&t);
}

static void a_branch_may_give_a_capture_or_a_constant(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in bool c; in float x [n]; init float w [2] = 7, 8; a = Neg(x);"
                           "y, z = If(c) then_branch={out float a; out float w;}"
                           "             else_branch={out float x; init float k [2] = 5, 6;"
                           "                          out float k;};"
                           "a2 = Abs(a); out float y; out float z; out float a2;");
    session_test_in(&t, "x", X2);
    session_test_in(&t, "c", BOOL(1));
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){-1, 2}));
    session_test_out(&t, "z", test_f32(SHAPE(2), (float[]){7, 8}));
    session_test_out(&t, "a2", test_f32(SHAPE(2), (float[]){1, 2}));
    session_test_run(&t);
    session_test_in(&t, "c", BOOL(0));
    session_test_out(&t, "y", X2);
    session_test_out(&t, "z", test_f32(SHAPE(2), (float[]){5, 6}));
    session_test_run(&t);
    session_test_end(&t);
}

static void captures_reach_through_two_levels(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in bool c; in bool d; in float x [n]; a = Neg(x);"
                           "y = If(c) then_branch={"
                           "      i = If(d) then_branch={t = Add(a, x); out float t;}"
                           "                else_branch={t2 = Mul(a, x); out float t2;};"
                           "      j = Abs(i); out float j;}"
                           "    else_branch={e = Identity(a); out float e;}; out float y;");
    session_test_in(&t, "x", X2);
    session_test_in(&t, "c", BOOL(1));
    session_test_in(&t, "d", BOOL(0));
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){1, 4}));
    session_test_run(&t);
    session_test_in(&t, "d", BOOL(1));
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){0, 0}));
    session_test_run(&t);
    session_test_in(&t, "c", BOOL(0));
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){-1, 2}));
    session_test_run(&t);
    session_test_end(&t);
}

/* Fibonacci: the carried values change places, and b comes out of the body as it went in. */
static void carried_values_may_change_places(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in int64 m; in bool go; in float p [1]; in float q [1];"
                           "r, s, all = Loop(m, go, p, q) body={in int64 i; in bool c; in float a;"
                           "   in float b; n = Add(a, b); out bool c; out float b; out float n;"
                           "   out float a;};"
                           "out float r; out float s; out float all;");
    session_test_in(&t, "p", test_f32(SHAPE(1), (float[]){0}));
    session_test_in(&t, "q", test_f32(SHAPE(1), (float[]){1}));
    session_test_in(&t, "go", BOOL(1));
    session_test_in(&t, "m", INT(6));
    session_test_out(&t, "r", test_f32(SHAPE(1), (float[]){8}));
    session_test_out(&t, "s", test_f32(SHAPE(1), (float[]){13}));
    session_test_out(&t, "all", test_f32(SHAPE(6, 1), (float[]){0, 1, 1, 2, 3, 5}));
    runs_without_allocation(&t);
    session_test_in(&t, "m", INT(1));
    session_test_out(&t, "r", test_f32(SHAPE(1), (float[]){1}));
    session_test_out(&t, "s", test_f32(SHAPE(1), (float[]){1}));
    session_test_out(&t, "all", test_f32(SHAPE(1, 1), (float[]){0}));
    session_test_run(&t);
    session_test_end(&t);
}

static void values_that_only_swap(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in int64 m; in float p [n]; in float q [k];"
                           "r, s = Loop(m, _, p, q) body={in int64 i; in bool c; in float a;"
                           "   in float b; out bool c; out float b; out float a;};"
                           "out float r; out float s;");
    session_test_in(&t, "p", X2);
    session_test_in(&t, "q", test_f32(SHAPE(3), (float[]){4, 5, 6}));
    session_test_in(&t, "m", INT(3));
    session_test_out(&t, "r", test_f32(SHAPE(3), (float[]){4, 5, 6}));
    session_test_out(&t, "s", X2);
    session_test_run(&t);
    session_test_end(&t);
}

static void a_loop_may_not_run_at_all(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in int64 m; in bool go; in float x [n];"
                           "y, all = Loop(m, go, x) body={in int64 i; in bool c; in float a [2];"
                           "   b = Neg(a); init float k [1, 3] = 1, 2, 3; z = Neg(k);"
                           "   out bool c; out float b; out float z;};"
                           "out float y; out float all;");
    session_test_in(&t, "x", X2);
    session_test_out(&t, "y", X2);
    session_test_out(&t, "all", test_f32(SHAPE(0, 1, 3), NULL));
    session_test_in(&t, "go", BOOL(1));
    session_test_in(&t, "m", INT(0));
    session_test_run(&t);
    session_test_in(&t, "m", INT(-5));
    session_test_run(&t);
    session_test_in(&t, "m", INT(5));
    session_test_in(&t, "go", BOOL(0));
    session_test_run(&t);
    session_test_in(&t, "go", BOOL(1));
    session_test_in(&t, "m", INT(1));
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){-1, 2}));
    session_test_out(&t, "all", test_f32(SHAPE(1, 1, 3), (float[]){-1, -2, -3}));
    session_test_run(&t);
    session_test_end(&t);
}

/* x doubles its length until the condition that the body computes turns false. */
static void a_carried_value_may_change_its_shape(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [n]; in int64 most;"
                           "y = Loop(_, _, x) body={in int64 i; in bool c; in float a [?];"
                           "   b = Concat(a, a) axis=0; s = Size(b); more = Less(s, most);"
                           "   out bool more; out float b;}; out float y;");
    session_test_in(&t, "x", X2);
    session_test_in(&t, "most", INT(8));
    session_test_out(&t, "y", test_f32(SHAPE(8), (float[]){1, -2, 1, -2, 1, -2, 1, -2}));
    runs_without_allocation(&t);
    session_test_in(&t, "most", INT(2));
    session_test_out(&t, "y", test_f32(SHAPE(4), (float[]){1, -2, 1, -2}));
    session_test_run(&t);
    session_test_end(&t);
}

#define NESTED                                                                                     \
    "in int64 m; in int64 k; in bool c; in float x [n];"                                           \
    "y = Loop(m, _, x) body={in int64 i; in bool g; in float a;"                                   \
    "   b = If(c) then_branch={"                                                                   \
    "         r = Loop(k, _, a) body={in int64 j; in bool h; in float e; f = Add(e, x);"           \
    "                                 out bool h; out float f;};"                                  \
    "         out float r;}"                                                                       \
    "       else_branch={q = Neg(a); out float q;};"                                               \
    "   out bool g; out float b;}; out float y;"

static void a_loop_in_a_branch_in_a_loop(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, NESTED);
    session_test_in(&t, "x", X2);
    session_test_in(&t, "m", INT(3));
    session_test_in(&t, "k", INT(4));
    session_test_in(&t, "c", BOOL(1));
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){13, -26}));
    runs_without_allocation(&t);
    session_test_in(&t, "c", BOOL(0));
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){-1, 2}));
    session_test_run(&t);
    session_test_end(&t);
}

static void iterations_of_all_loops_are_limited_together(void **state)
{
    (void)state;
    struct session_test t;
    onnxrun_model_options options = ONNXRUN_MODEL_OPTIONS_INIT;
    options.limits.loop_count = 15;
    assert_int_equal(session_test_load(&t, NESTED, &options), ONNXRUN_OK);
    session_test_in(&t, "x", X2);
    session_test_in(&t, "m", INT(3));
    session_test_in(&t, "k", INT(4));
    session_test_in(&t, "c", BOOL(1));
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){13, -26}));
    session_test_run(&t);
    session_test_in(&t, "k", INT(5));
    session_test_fails(&t, ONNXRUN_ERR_LIMIT, "more loop iterations than the limit allows");
    session_test_in(&t, "k", INT(4));
    session_test_run(&t);
    session_test_end(&t);
}

static void a_loop_without_end_is_stopped(void **state)
{
    (void)state;
    struct session_test t;
    onnxrun_model_options options = ONNXRUN_MODEL_OPTIONS_INIT;
    options.limits.loop_count = 1000;
    assert_int_equal(session_test_load(&t,
                                       "in float x [n]; y = Loop(_, _, x) body={in int64 i;"
                                       "in bool c; in float a; out bool c; out float a;};"
                                       "out float y;",
                                       &options),
                     ONNXRUN_OK);
    session_test_in(&t, "x", X2);
    session_test_fails(&t, ONNXRUN_ERR_LIMIT, "run: node \"y\" (Loop-17): more loop iterations");
    session_test_end(&t);
}

static void unwanted_outputs_of_a_loop_may_be_left_out(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in int64 m; in float x [n];"
                           "y, _, _ = Loop(m, _, x, x) body={in int64 i; in bool c; in float a;"
                           "   in float b; d = Neg(a); out bool c; out float d; out float b;"
                           "   out float a;}; out float y;");
    session_test_in(&t, "x", X2);
    session_test_in(&t, "m", INT(3));
    session_test_out(&t, "y", test_f32(SHAPE(2), (float[]){-1, 2}));
    session_test_run(&t);
    session_test_end(&t);
}

static void an_empty_carried_input_is_refused(void **state)
{
    (void)state;
    session_test_refused("in float x [n]; y, z = Loop(_, _, _, x) body={in int64 i; in bool c;"
                         "in float a; in float b; out bool c; out float a; out float b;};"
                         "out float z;",
                         ONNXRUN_ERR_MODEL, "load: node \"y\" (Loop-17): carried input 0 is empty");
    session_test_refused("in float x [n]; y, z = Scan(x, _, x) num_scan_inputs=1 body={in float a;"
                         "in float b; in float c; out float a; out float b;}; out float z;",
                         ONNXRUN_ERR_MODEL, "input 1 is empty");
}

static void scan_values_may_not_change_their_shape(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in int64 m; in float x [n];"
                           "y, all = Loop(m, _, x) body={in int64 i; in bool c; in float a [?];"
                           "   b = Concat(a, a) axis=0; out bool c; out float b; out float a;};"
                           "out float y; out float all;");
    session_test_in(&t, "x", X2);
    session_test_in(&t, "m", INT(2));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "scan output 1 changes to float 4");
    session_test_in(&t, "m", INT(1));
    session_test_run(&t);
    session_test_end(&t);
}

/* A running sum over the columns from right to left, and the columns themselves. */
static void scan_walks_along_an_axis_backwards(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float z [2]; in float x [2, n];"
                           "last, sums = Scan(z, x) num_scan_inputs=1 scan_input_axes=[1]"
                           "   scan_input_directions=[1] scan_output_axes=[-1]"
                           "   scan_output_directions=[1]"
                           "   body={in float s [2]; in float e [2]; t = Add(s, e);"
                           "         u = Identity(t); out float t; out float u;};"
                           "out float last; out float sums;");
    session_test_in(&t, "z", test_f32(SHAPE(2), NULL));
    session_test_in(&t, "x", test_f32(SHAPE(2, 3), (float[]){1, 2, 3, 4, 5, 6}));
    session_test_out(&t, "last", test_f32(SHAPE(2), (float[]){6, 15}));
    session_test_out(&t, "sums", test_f32(SHAPE(2, 3), (float[]){6, 5, 3, 15, 11, 6}));
    runs_without_allocation(&t);
    /* Nothing is known of the elements of a stack that stays empty. */
    session_test_in(&t, "x", test_f32(SHAPE(2, 0), NULL));
    session_test_out(&t, "last", test_f32(SHAPE(2), NULL));
    session_test_out(&t, "sums", NULL);
    session_test_run(&t);
    assert_int_equal(onnxrun_tensor_count(t.outputs[1].tensor), 0);
    session_test_end(&t);
}

static void errors_in_a_body_name_both_nodes(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in int64 i; in float x [n]; in bool c;"
                           "y = If(c) then_branch={t = Gather(x, i); out float t;}"
                           "          else_branch={out float x;}; out float y;");
    session_test_in(&t, "x", X2);
    session_test_in(&t, "c", BOOL(1));
    session_test_in(&t, "i", INT(7));
    session_test_fails(&t, ONNXRUN_ERR_VALUE, "run: node \"t\" (Gather-17): ");
    assert_non_null(strstr(t.error.message, "run: node \"y\" (If-17): "));
    session_test_in(&t, "i", INT(1));
    session_test_out(&t, "y", test_f32(SCALAR, (float[]){-2}));
    session_test_run(&t);
    session_test_end(&t);
}

static void conditions_are_one_element(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in bool c; in float x [n]; y = If(c) then_branch={out float x;}"
                           "else_branch={out float x;}; out float y;");
    session_test_in(&t, "x", X2);
    session_test_out(&t, "y", X2);
    session_test_in(&t, "c", BOOL(1));
    session_test_run(&t);
    session_test_end(&t);
    session_test_begin(&t, "in bool c [k]; in float x [n]; y = If(c) then_branch={out float x;}"
                           "else_branch={out float x;}; out float y;");
    session_test_in(&t, "x", X2);
    session_test_out(&t, "y", X2);
    session_test_in(&t, "c", test_tensor(ONR_BOOL, SHAPE(2), NULL));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "cond has shape 2, expected one element");
    session_test_in(&t, "c", test_tensor(ONR_BOOL, SHAPE(1), NULL));
    session_test_run(&t);
    session_test_end(&t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, test_tensors_free)
    const struct CMUnitTest tests[] = {
        TEST(branches_may_differ_in_rank),
        TEST(a_branch_may_give_a_capture_or_a_constant),
        TEST(captures_reach_through_two_levels),
        TEST(carried_values_may_change_places),
        TEST(values_that_only_swap),
        TEST(a_loop_may_not_run_at_all),
        TEST(a_carried_value_may_change_its_shape),
        TEST(a_loop_in_a_branch_in_a_loop),
        TEST(iterations_of_all_loops_are_limited_together),
        TEST(a_loop_without_end_is_stopped),
        TEST(unwanted_outputs_of_a_loop_may_be_left_out),
        TEST(an_empty_carried_input_is_refused),
        TEST(scan_values_may_not_change_their_shape),
        TEST(scan_walks_along_an_axis_backwards),
        TEST(errors_in_a_body_name_both_nodes),
        TEST(conditions_are_one_element),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
