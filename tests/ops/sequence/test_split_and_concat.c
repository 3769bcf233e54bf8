/* SPDX-License-Identifier: Apache-2.0 */
/* SplitToSequence and ConcatFromSequence, which undo each other. */
#include "support/session_test.h"

#include <stdio.h>

#define INT(i) test_i64(SCALAR, (int64_t[]){i})
#define X      test_f32(SHAPE(2, 3), (float[]){1, 2, 3, 4, 5, 6})

/* Splits x by `split` and takes the part at p. */
static void begin_split(struct session_test *t, const char *attrs)
{
    char text[300];
    (void)snprintf(text, sizeof text,
                   "in float x [n, m]; in int64 split; in int64 p;"
                   "s = SplitToSequence(x, split) %s; y = SequenceAt(s, p); l = SequenceLength(s);"
                   "out float y; out int64 l;",
                   attrs);
    session_test_begin(t, text);
    session_test_in(t, "x", X);
}

static void a_scalar_is_the_extent_of_each_part(void **state)
{
    (void)state;
    struct session_test t;
    begin_split(&t, "axis=1 keepdims=0");
    session_test_in(&t, "split", INT(2));
    session_test_in(&t, "p", INT(0));
    session_test_out(&t, "y", test_f32(SHAPE(2, 2), (float[]){1, 2, 4, 5}));
    session_test_out(&t, "l", INT(2));
    session_test_run(&t);
    session_test_in(&t, "p", INT(1));
    session_test_out(&t, "y", test_f32(SHAPE(2, 1), (float[]){3, 6}));
    session_test_run(&t);
    session_test_in(&t, "split", INT(0));
    session_test_fails(&t, ONNXRUN_ERR_VALUE, "split is 0, expected at least 1");
    session_test_in(&t, "split", INT(INT64_MAX));
    session_test_in(&t, "p", INT(0));
    session_test_out(&t, "y", X);
    session_test_out(&t, "l", INT(1));
    session_test_run(&t);
    session_test_end(&t);
}

static void a_list_gives_every_extent(void **state)
{
    (void)state;
    struct session_test t;
    begin_split(&t, "axis=-1");
    session_test_in(&t, "split", test_i64(SHAPE(3), (int64_t[]){1, 0, 2}));
    session_test_in(&t, "p", INT(-1));
    session_test_out(&t, "y", test_f32(SHAPE(2, 2), (float[]){2, 3, 5, 6}));
    session_test_out(&t, "l", INT(3));
    session_test_run(&t);
    session_test_in(&t, "p", INT(1));
    session_test_out(&t, "y", test_f32(SHAPE(2, 0), NULL));
    session_test_run(&t);
    session_test_in(&t, "split", test_i64(SHAPE(2), (int64_t[]){1, 1}));
    session_test_fails(&t, ONNXRUN_ERR_VALUE, "the parts of split leave 1 of 3");
    session_test_in(&t, "split", test_i64(SHAPE(2), (int64_t[]){2, INT64_MAX}));
    session_test_fails(&t, ONNXRUN_ERR_VALUE, "at 1, expected 0 to 1");
    session_test_in(&t, "split", test_i64(SHAPE(2), (int64_t[]){-1, 4}));
    session_test_fails(&t, ONNXRUN_ERR_VALUE, "split has -1 at 0, expected 0 to 3");
    session_test_in(&t, "split", test_i64(SHAPE(1, 1), (int64_t[]){3}));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "split has rank 2, expected 0 or 1");
    session_test_end(&t);
}

static void without_split_keepdims_counts(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [n, m]; init int64 p = 1; a = SplitToSequence(x);"
                           "b = SplitToSequence(x) axis=1 keepdims=0; y = SequenceAt(a, p);"
                           "z = SequenceAt(b, p); out float y; out float z;");
    session_test_in(&t, "x", X);
    session_test_out(&t, "y", test_f32(SHAPE(1, 3), (float[]){4, 5, 6}));
    session_test_out(&t, "z", test_f32(SHAPE(2), (float[]){2, 5}));
    session_test_run(&t);
    uint64_t allocs = session_test_allocs(&t);
    session_test_run(&t);
    assert_int_equal(session_test_allocs(&t), allocs);
    session_test_end(&t);
}

static void too_many_parts_are_a_limit(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [n, m]; s = SplitToSequence(x); l = SequenceLength(s);"
                           "out int64 l;");
    session_test_in(&t, "x", test_f32(SHAPE((int64_t)1 << 40, 0), NULL));
    session_test_out(&t, "l", NULL);
    session_test_fails(&t, ONNXRUN_ERR_LIMIT, "a sequence of 1099511627776 tensors, at most");
    session_test_end(&t);
}

static void tensors_are_joined_along_an_axis(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t,
                       "in float x [n, m]; in int64 split; s = SplitToSequence(x, split) axis=1;"
                       "y = ConcatFromSequence(s) axis=-1; out float y;");
    session_test_in(&t, "x", X);
    session_test_in(&t, "split", test_i64(SHAPE(4), (int64_t[]){0, 1, 2, 0}));
    session_test_out(&t, "y", X);
    session_test_run(&t);
    session_test_end(&t);
    session_test_begin(&t,
                       "in float x [n, m]; s = SplitToSequence(x) keepdims=0;"
                       "a = ConcatFromSequence(s) axis=0 new_axis=1;"
                       "b = ConcatFromSequence(s) axis=-1 new_axis=1; out float a; out float b;");
    session_test_in(&t, "x", X);
    session_test_out(&t, "a", X);
    session_test_out(&t, "b", test_f32(SHAPE(3, 2), (float[]){1, 4, 2, 5, 3, 6}));
    session_test_run(&t);
    session_test_end(&t);
}

static void shapes_must_fit_to_be_joined(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x; in float y; s = SequenceConstruct(x, y);"
                           "a = ConcatFromSequence(s) axis=0; b = ConcatFromSequence(s) axis=0 "
                           "new_axis=1; out float a; out float b;");
    session_test_out(&t, "a", test_f32(SHAPE(3, 2), NULL));
    session_test_out(&t, "b", NULL);
    session_test_in(&t, "x", test_f32(SHAPE(1, 2), NULL));
    session_test_in(&t, "y", test_f32(SHAPE(2, 2), NULL));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE,
                       "tensor 1 has shape 2x2, which does not fit 1x2 of the first one");
    session_test_in(&t, "y", test_f32(SHAPE(2), NULL));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "tensor 1 has shape 2, which does not fit 1x2");
    session_test_in(&t, "x", test_f32(SCALAR, NULL));
    session_test_in(&t, "y", test_f32(SCALAR, NULL));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "axis 0");
    session_test_end(&t);
    session_test_refused("in seq(float) s; y = ConcatFromSequence(s); out float y;",
                         ONNXRUN_ERR_MODEL, "attribute \"axis\" is missing");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, test_tensors_free)
    const struct CMUnitTest tests[] = {
        TEST(a_scalar_is_the_extent_of_each_part), TEST(a_list_gives_every_extent),
        TEST(without_split_keepdims_counts),       TEST(too_many_parts_are_a_limit),
        TEST(tensors_are_joined_along_an_axis),    TEST(shapes_must_fit_to_be_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
