/* SPDX-License-Identifier: Apache-2.0 */
/* SequenceConstruct, SequenceEmpty, SequenceInsert, SequenceErase, SequenceAt, SequenceLength. */
#include "support/session_test.h"

#define X2     test_f32(SHAPE(2), (float[]){1, 2})
#define X3     test_f32(SHAPE(3), (float[]){3, 4, 5})
#define INT(i) test_i64(SCALAR, (int64_t[]){i})

/* Asserts that output `index` is a sequence of these tensors. */
static void gives(struct session_test *t, size_t count, const struct onr_tensor *const *wanted)
{
    t->wanted[0] = NULL;
    session_test_run(t);
    const onnxrun_tensor *sequence = t->outputs[0].tensor;
    assert_int_equal(onnxrun_tensor_kind(sequence), ONNXRUN_KIND_SEQUENCE);
    assert_int_equal(onnxrun_tensor_count(sequence), count);
    assert_null(onnxrun_sequence_at(sequence, count));
    for (size_t i = 0; i < count; i++) {
        const onnxrun_tensor *item = onnxrun_sequence_at(sequence, i);
        assert_int_equal(onnxrun_tensor_bytes(item), onr_tensor_bytes(wanted[i]));
        assert_memory_equal(onnxrun_tensor_data(item), wanted[i]->data,
                            onr_tensor_bytes(wanted[i]));
    }
}

static void begin_pair(struct session_test *t, const char *text)
{
    session_test_begin(t, text);
    session_test_in(t, "x", X2);
    session_test_in(t, "y", X3);
}

static void tensors_of_different_shapes_make_a_sequence(void **state)
{
    (void)state;
    struct session_test t;
    begin_pair(&t, "in float x [n]; in float y [m]; s = SequenceConstruct(x, y, x);"
                   "out seq(float) s;");
    session_test_out(&t, "s", NULL);
    gives(&t, 3, (const struct onr_tensor *[]){X2, X3, X2});
    uint64_t allocs = session_test_allocs(&t);
    gives(&t, 3, (const struct onr_tensor *[]){X2, X3, X2});
    assert_int_equal(session_test_allocs(&t), allocs);
    session_test_in(&t, "y", test_f32(SHAPE(0), NULL));
    gives(&t, 3, (const struct onr_tensor *[]){X2, test_f32(SHAPE(0), NULL), X2});
    session_test_end(&t);
}

static void a_tensor_is_inserted_before_the_position(void **state)
{
    (void)state;
    struct session_test t;
    begin_pair(&t, "in float x [n]; in float y [m]; in int64 p; s = SequenceConstruct(x, x);"
                   "t = SequenceInsert(s, y, p); out seq(float) t;");
    session_test_out(&t, "t", NULL);
    static const int64_t positions[] = {0, 1, 2, -1, -2};
    static const size_t places[] = {0, 1, 2, 1, 0};
    for (size_t i = 0; i < 5; i++) {
        const struct onr_tensor *wanted[3] = {X2, X2, X2};
        wanted[places[i]] = X3;
        session_test_in(&t, "p", INT(positions[i]));
        gives(&t, 3, wanted);
    }
    session_test_in(&t, "p", INT(3));
    session_test_fails(&t, ONNXRUN_ERR_VALUE, "position is 3 in a sequence of 2 tensors");
    session_test_in(&t, "p", INT(-3));
    session_test_fails(&t, ONNXRUN_ERR_VALUE, "position is -3 in a sequence of 2 tensors");
    session_test_in(&t, "p", INT(INT64_MIN));
    session_test_fails(&t, ONNXRUN_ERR_VALUE, "in a sequence of 2 tensors");
    session_test_end(&t);
}

static void without_position_the_end_is_meant(void **state)
{
    (void)state;
    struct session_test t;
    begin_pair(&t, "in float x [n]; in float y [m]; e = SequenceEmpty(); a = SequenceInsert(e, x);"
                   "b = SequenceInsert(a, y); c = SequenceInsert(b, x); d = SequenceErase(c);"
                   "out seq(float) d;");
    session_test_out(&t, "d", NULL);
    gives(&t, 2, (const struct onr_tensor *[]){X2, X3});
    session_test_end(&t);
}

static void a_tensor_is_erased(void **state)
{
    (void)state;
    struct session_test t;
    begin_pair(&t, "in float x [n]; in float y [m]; in int32 p; s = SequenceConstruct(x, y, x);"
                   "t = SequenceErase(s, p); out seq(float) t;");
    session_test_out(&t, "t", NULL);
    session_test_in(&t, "p", test_tensor(ONR_INT32, SHAPE(1), (int32_t[]){-3}));
    gives(&t, 2, (const struct onr_tensor *[]){X3, X2});
    session_test_in(&t, "p", test_tensor(ONR_INT32, SCALAR, (int32_t[]){1}));
    gives(&t, 2, (const struct onr_tensor *[]){X2, X2});
    session_test_in(&t, "p", test_tensor(ONR_INT32, SCALAR, (int32_t[]){3}));
    session_test_fails(&t, ONNXRUN_ERR_VALUE, "position is 3 in a sequence of 3 tensors");
    session_test_in(&t, "p", test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){0, 0}));
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "position has shape 2, expected one element");
    session_test_end(&t);
}

static void an_empty_sequence_has_a_length_and_no_tensor(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "e = SequenceEmpty() dtype=7; n = SequenceLength(e); out int64 n;");
    session_test_out(&t, "n", INT(0));
    session_test_run(&t);
    session_test_end(&t);
    session_test_begin(&t, "e = SequenceEmpty(); s = SequenceErase(e); out seq(float) s;");
    session_test_out(&t, "s", NULL);
    session_test_fails(&t, ONNXRUN_ERR_VALUE, "the sequence has no tensor to erase");
    session_test_end(&t);
    session_test_refused("e = SequenceEmpty() dtype=99; out seq(float) e;", ONNXRUN_ERR_MODEL,
                         "dtype is 99, which is no element type");
}

static void the_tensor_at_a_position_has_its_own_shape(void **state)
{
    (void)state;
    struct session_test t;
    begin_pair(&t, "in float x [n]; in float y [m]; in int64 p; s = SequenceConstruct(x, y);"
                   "a = SequenceAt(s, p); z = Neg(a); n = SequenceLength(s);"
                   "out float z; out int64 n;");
    session_test_out(&t, "z", test_f32(SHAPE(3), (float[]){-3, -4, -5}));
    session_test_out(&t, "n", INT(2));
    session_test_in(&t, "p", INT(-1));
    session_test_run(&t);
    session_test_in(&t, "p", INT(0));
    session_test_out(&t, "z", test_f32(SHAPE(2), (float[]){-1, -2}));
    session_test_run(&t);
    uint64_t allocs = session_test_allocs(&t);
    session_test_run(&t);
    assert_int_equal(session_test_allocs(&t), allocs);
    session_test_in(&t, "p", INT(2));
    session_test_fails(&t, ONNXRUN_ERR_VALUE, "position is 2 in a sequence of 2 tensors");
    session_test_end(&t);
}

static void strings_stay_whole(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in string x [n]; init int64 p = 0; s = SequenceConstruct(x);"
                           "y = SequenceAt(s, p); out string y;");
    const struct onr_string words[] = {{"a", 1}, {"", 0}};
    session_test_in(&t, "x", test_tensor(ONR_STRING, SHAPE(2), words));
    session_test_out(&t, "y", test_tensor(ONR_STRING, SHAPE(2), words));
    session_test_run(&t);
    session_test_end(&t);
}

static void kinds_and_types_must_fit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"in float x; in int64 y; s = SequenceConstruct(x, y); out seq(float) s;",
         "input 1 has type int64, expected float"},
        {"in float x; s = SequenceConstruct(x); t = SequenceConstruct(s); out seq(float) t;",
         "input 0 is a sequence, expected a tensor"},
        {"in float x; in int64 p; y = SequenceAt(x, p); out float y;",
         "input 0 is a tensor, expected a sequence"},
        {"in optional(seq(float)) s; n = SequenceLength(s); out int64 n;",
         "input 0 is an optional sequence, expected a sequence"},
        {"in seq(float) s; y = Neg(s); out float y;", "input 0 is a sequence, expected a tensor"},
        {"in seq(float) s; in int64 x; t = SequenceInsert(s, x); out seq(float) t;",
         "input 1 has type int64, expected float"},
        {"in seq(float) s; in seq(int64) p; y = SequenceAt(s, p); out float y;",
         "input 1 is a sequence, expected a tensor"},
        {"in seq(float) s; in seq(int64) p; y = SequenceErase(s, p); out seq(float) y;",
         "input 1 is a sequence, expected a tensor"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        session_test_refused(cases[i].text, ONNXRUN_ERR_MODEL, cases[i].message);
    }
}

static void a_loop_may_grow_a_sequence(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in int64 m; in float x [n]; init bool c = 1; e = SequenceEmpty();"
                           "s = Loop(m, c, e) body={in int64 i; in bool go; in seq(float) a;"
                           "  f = Cast(i) to=1; v = Add(x, f); b = SequenceInsert(a, v);"
                           "  g = Identity(go); out bool g; out seq(float) b;};"
                           "y = ConcatFromSequence(s) axis=0 new_axis=1; l = SequenceLength(s);"
                           "out float y; out int64 l;");
    session_test_in(&t, "x", X2);
    session_test_in(&t, "m", INT(3));
    session_test_out(&t, "y", test_f32(SHAPE(3, 2), (float[]){1, 2, 2, 3, 3, 4}));
    session_test_out(&t, "l", INT(3));
    session_test_run(&t);
    uint64_t allocs = session_test_allocs(&t);
    session_test_run(&t);
    assert_int_equal(session_test_allocs(&t), allocs);
    session_test_in(&t, "m", INT(500));
    session_test_out(&t, "y", NULL);
    session_test_out(&t, "l", INT(500));
    session_test_run(&t);
    session_test_in(&t, "m", INT(0));
    session_test_fails(&t, ONNXRUN_ERR_VALUE, "the sequence has no tensors to concatenate");
    session_test_end(&t);
}

static void branches_and_views_hand_sequences_on(void **state)
{
    (void)state;
    struct session_test t;
    begin_pair(&t, "in bool c; in float x [n]; in float y [m]; s = SequenceConstruct(x, y);"
                   "r = If(c) then_branch={e = SequenceErase(s); out seq(float) e;}"
                   "          else_branch={out seq(float) s;};"
                   "v = Identity(r); out seq(float) v;");
    session_test_out(&t, "v", NULL);
    session_test_in(&t, "c", test_tensor(ONR_BOOL, SCALAR, (uint8_t[]){1}));
    gives(&t, 1, (const struct onr_tensor *[]){X2});
    session_test_in(&t, "c", test_tensor(ONR_BOOL, SCALAR, (uint8_t[]){0}));
    gives(&t, 2, (const struct onr_tensor *[]){X2, X3});
    session_test_end(&t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, test_tensors_free)
    const struct CMUnitTest tests[] = {
        TEST(tensors_of_different_shapes_make_a_sequence),
        TEST(a_tensor_is_inserted_before_the_position),
        TEST(without_position_the_end_is_meant),
        TEST(a_tensor_is_erased),
        TEST(an_empty_sequence_has_a_length_and_no_tensor),
        TEST(the_tensor_at_a_position_has_its_own_shape),
        TEST(strings_stay_whole),
        TEST(kinds_and_types_must_fit),
        TEST(a_loop_may_grow_a_sequence),
        TEST(branches_and_views_hand_sequences_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
