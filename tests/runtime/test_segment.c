/* SPDX-License-Identifier: Apache-2.0 */
/* Plans in several segments: shapes that depend on what is computed. */
#include "support/session_test.h"

#define X4 test_f32(SHAPE(4), (float[]){1, 0, -2, 3})

static void a_shape_that_is_an_input_ends_a_segment(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [n]; in int64 s [r]; a = Neg(x); b = Reshape(a, s);"
                           "y = Abs(b); out float y; out float a [n];");
    session_test_in(&t, "x", X4);
    session_test_in(&t, "s", test_i64(SHAPE(2), (int64_t[]){2, -1}));
    session_test_out(&t, "y", test_f32(SHAPE(2, 2), (float[]){1, 0, 2, 3}));
    session_test_out(&t, "a", test_f32(SHAPE(4), (float[]){-1, 0, 2, -3}));
    session_test_run(&t);
    uint64_t allocs = session_test_allocs(&t);
    session_test_run(&t);
    assert_int_equal(session_test_allocs(&t), allocs);
    session_test_in(&t, "s", test_i64(SHAPE(2), (int64_t[]){4, 1}));
    session_test_out(&t, "y", test_f32(SHAPE(4, 1), (float[]){1, 0, 2, 3}));
    session_test_run(&t);
    session_test_in(&t, "s", test_i64(SHAPE(1), (int64_t[]){4}));
    session_test_out(&t, "y", test_f32(SHAPE(4), (float[]){1, 0, 2, 3}));
    session_test_run(&t);
    session_test_in(&t, "s", test_i64(SHAPE(1), (int64_t[]){3}));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "plan: node \"b\" (Reshape-17): ");
    session_test_in(&t, "s", test_i64(SHAPE(1), (int64_t[]){-1}));
    session_test_run(&t);
    session_test_end(&t);
}

/* Twenty shapes are more than are cached; the first ones are planned again. */
static void children_of_a_plan_are_evicted_and_made_again(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [1]; in int64 s [1]; a = Expand(x, s); y = Neg(a);"
                           "out float y;");
    session_test_in(&t, "x", test_f32(SHAPE(1), (float[]){1}));
    for (int i = 0; i < 60; i++) {
        int64_t length = i % 20;
        float wanted[20];
        for (int k = 0; k < 20; k++) {
            wanted[k] = -1;
        }
        session_test_in(&t, "s", test_i64(SHAPE(1), &length));
        session_test_out(&t, "y", test_tensor(ONR_FLOAT, 1, &length, wanted));
        session_test_run(&t);
    }
    session_test_end(&t);
}

/* b is computed before the slab has to grow for the second segment, and read after it. */
static void values_stay_when_the_slab_grows(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [n]; in int64 s [1]; b = Neg(x); c = Abs(x);"
                           "big = Expand(c, s); e = Neg(big); f = Mul(e, b); y = Add(f, c);"
                           "out float y; out float b [n];");
    session_test_in(&t, "x", test_f32(SHAPE(1), (float[]){-3}));
    session_test_out(&t, "b", test_f32(SHAPE(1), (float[]){3}));
    for (int64_t length = 1; length <= 4096; length *= 8) {
        static float wanted[4096];
        for (int64_t i = 0; i < length; i++) {
            wanted[i] = -6;
        }
        session_test_in(&t, "s", test_i64(SHAPE(1), &length));
        session_test_out(&t, "y", test_tensor(ONR_FLOAT, 1, &length, wanted));
        session_test_run(&t);
    }
    session_test_end(&t);
}

static void outputs_that_depend_on_data_end_a_segment(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [n]; b = Neg(x); i = NonZero(b); init int64 s [1] = -1;"
                           "j = Reshape(i, s); g = Gather(b, j); y = Abs(g); out float y;"
                           "out int64 i; out int64 j;");
    session_test_in(&t, "x", X4);
    session_test_out(&t, "y", test_f32(SHAPE(3), (float[]){1, 2, 3}));
    session_test_out(&t, "i", test_i64(SHAPE(1, 3), (int64_t[]){0, 2, 3}));
    session_test_out(&t, "j", test_i64(SHAPE(3), (int64_t[]){0, 2, 3}));
    session_test_run(&t);
    session_test_in(&t, "x", test_f32(SHAPE(4), (float[]){0, 5, 0, 0}));
    session_test_out(&t, "y", test_f32(SHAPE(1), (float[]){5}));
    session_test_out(&t, "i", test_i64(SHAPE(1, 1), (int64_t[]){1}));
    session_test_out(&t, "j", test_i64(SHAPE(1), (int64_t[]){1}));
    session_test_run(&t);
    session_test_in(&t, "x", test_f32(SHAPE(4), NULL));
    session_test_out(&t, "y", test_f32(SHAPE(0), NULL));
    session_test_out(&t, "i", test_i64(SHAPE(1, 0), NULL));
    session_test_out(&t, "j", test_i64(SHAPE(0), NULL));
    session_test_run(&t);
    uint64_t allocs = session_test_allocs(&t);
    session_test_run(&t);
    assert_int_equal(session_test_allocs(&t), allocs);
    session_test_end(&t);
}

static void a_dynamic_node_may_be_the_last_one(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [n]; i = NonZero(x); out int64 i;");
    session_test_in(&t, "x", X4);
    session_test_out(&t, "i", test_i64(SHAPE(1, 3), (int64_t[]){0, 2, 3}));
    session_test_run(&t);
    session_test_run(&t);
    session_test_end(&t);
}

static void a_dynamic_node_on_constants_is_folded(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [2]; init float w [3] = 0, 1, 2; i = NonZero(w);"
                           "init int64 s [1] = -1; j = Reshape(i, s); y = Gather(w, j);"
                           "z = Add(x, y); out float z;");
    session_test_in(&t, "x", test_f32(SHAPE(2), (float[]){10, 20}));
    session_test_out(&t, "z", test_f32(SHAPE(2), (float[]){11, 22}));
    session_test_run(&t);
    session_test_end(&t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, test_tensors_free)
    const struct CMUnitTest tests[] = {
        TEST(a_shape_that_is_an_input_ends_a_segment),
        TEST(children_of_a_plan_are_evicted_and_made_again),
        TEST(values_stay_when_the_slab_grows),
        TEST(outputs_that_depend_on_data_end_a_segment),
        TEST(a_dynamic_node_may_be_the_last_one),
        TEST(a_dynamic_node_on_constants_is_folded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
