/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/session_test.h"

#include <math.h>
#include <stdio.h>

/* The nodes that are left, and bit for bit the same results with and without the pass. */
static void check(const char *model, const char *expected)
{
    static const float x[] = {-3, -0.0f, 0, NAN, INFINITY, 1e-30f, 2.75f, 6};
    uint8_t with[64];
    uint8_t without[64];
    graph_test_nodes(model, expected);
    size_t bytes = graph_test_run(model, false, x, with, sizeof with);
    assert_int_equal(graph_test_run(model, true, x, without, sizeof without), bytes);
    assert_memory_equal(with, without, bytes);
}

#define X "in float x [n, 4]; out float y [n, 4];"

static void copies_and_casts_to_the_own_type(void **state)
{
    (void)state;
    check(X "a = Identity(x); y = Neg(a);", "Neg");
    check(X "a = Neg(x); b = Identity(a); y = Identity(b);", "Neg");
    check(X "a = Cast(x) to=1; y = Neg(a);", "Neg");
    check(X "a = CastLike(x, x); y = Neg(a);", "Neg");
    check(X "a = Cast(x) to=11; y = Cast(a) to=1;", "Cast Cast");
    check("in float x; out float y; a = Identity(x); b = Cast(a) to=1; y = Neg(b);", "Neg");
}

static void outputs_keep_their_names(void **state)
{
    (void)state;
    check(X "y = Identity(x);", "");
    check(X "y = Neg(x); out float z [n, 4]; z = Identity(y);", "Neg");
    check("in float x [n, 4]; init float k [2] = 1, 2; out float y [2]; y = Identity(k);", "");
    struct session_test t;
    float data[] = {1, 2};
    float negated[] = {-1, -2};
    session_test_begin(&t, "in float x [n]; a = Neg(x); y = Identity(a); z = Identity(x);"
                           "out float z [n]; out float y [n]; out float a [n];");
    session_test_in(&t, "x", test_f32(SHAPE(2), data));
    session_test_out(&t, "y", test_f32(SHAPE(2), negated));
    session_test_out(&t, "z", test_f32(SHAPE(2), data));
    session_test_out(&t, "a", test_f32(SHAPE(2), negated));
    session_test_run(&t);
    session_test_end(&t);
}

static void dropout_in_inference(void **state)
{
    (void)state;
    check(X "a = Dropout(x); y = Neg(a);", "Neg");
    check(X "init float r = 0.5; init bool no = 0; a, m = Dropout(x, r, no); y = Neg(a);", "Neg");
    check("opset 10;" X "a, m = Dropout(x); y = Neg(a);", "Neg");
    check("opset 6;" X "a = Dropout(x) is_test=1; y = Neg(a);", "Neg");
    graph_test_nodes("opset 6;" X "a = Dropout(x); y = Neg(a);", "Dropout Neg");
    graph_test_nodes(X "init float r = 0.5; init bool t = 1; a = Dropout(x, r, t); y = Neg(a);",
                     "Dropout Neg");
    check(X "in bool c; init float r = 0; a = Dropout(x, r, c); y = Neg(a);", "Dropout Neg");
    check(X "a, m = Dropout(x); y = Neg(a); out bool m [n, 4];", "Dropout Neg");
}

static void shapes_that_stay(void **state)
{
    (void)state;
    check(X "init int64 s [2] = -1, 4; a = Reshape(x, s); y = Neg(a);", "Neg");
    check(X "init int64 s [2] = 0, 0; a = Reshape(x, s); y = Neg(a);", "Neg");
    check(X "s = Shape(x); a = Reshape(x, s); y = Neg(a);", "Neg");
    check(X "s = Shape(x); a = Expand(x, s); y = Neg(a);", "Neg");
    check(X "init int64 s [2] = 1, 4; a = Expand(x, s); y = Neg(a);", "Neg");
    check(X "init int64 s [2] = 1, 1; a = Tile(x, s); y = Neg(a);", "Neg");
    check(X "a = Flatten(x) axis=1; y = Neg(a);", "Neg");
    check("in float x [n, 4]; out float y; init int64 s [3] = 2, 2, 2; a = Reshape(x, s);"
          "y = Neg(a);",
          "Reshape Neg");
    check("in float x [n, 4]; out float y; init int64 s [2] = 1, 2; a = Tile(x, s); y = Neg(a);",
          "Tile Neg");
    check("in float x [n, 4]; out float y; init int64 s [3] = 1, 1, 4; a = Expand(x, s);"
          "y = Neg(a);",
          "Expand Neg");
}

static void slices_and_pads_of_everything(void **state)
{
    (void)state;
    check(X "init int64 b [1] = 0; init int64 e [1] = 9223372036854775807; init int64 k [1] = 1;"
            "a = Slice(x, b, e, k); y = Neg(a);",
          "Neg");
    check(X
          "init int64 b [1] = 0; init int64 e [1] = 4; init int64 k [1] = 1; init int64 o [1] = 1;"
          "a = Slice(x, b, e, k, o); y = Neg(a);",
          "Neg");
    check(X "init int64 p [4] = 0, 0, 0, 0; a = Pad(x, p); y = Neg(a);", "Neg");
    check("opset 9;" X "a = Pad(x) pads=[0, 0, 0, 0]; y = Neg(a);", "Neg");
    /* the last to the first; one column cut and one added */
    check(X "init int64 b [1] = -1; init int64 e [1] = -9; init int64 k [1] = 1;"
            "init int64 o [1] = -1; a = Slice(x, b, e, k, o); y = Neg(a);",
          "Slice Neg");
    check(X "init int64 p [4] = 0, 1, 0, -1; a = Pad(x, p); y = Neg(a);", "Pad Neg");
}

static void joins_and_splits_of_one(void **state)
{
    (void)state;
    check(X "a = Concat(x) axis=0; y = Neg(a);", "Neg");
    check(X "s = NonZero(x); a = Concat(s) axis=0; y2 = Neg(a); out int64 y2; y = Neg(x);",
          "NonZero Neg Neg");
    check(X "init float e [2, 0]; init int64 s [2] = 2, 4; r = Reshape(x, s);"
            "a = Concat(r, e) axis=1; y = Neg(a);",
          "Reshape Neg");
    check(X "init int64 s [1] = 4; a = Split(x, s) axis=1; y = Neg(a);", "Neg");
    check("in float x [n, 4]; out float y; a = Concat(x, x) axis=0; y = Neg(a);", "Concat Neg");
}

static void operators_that_broadcast_read_past_expand(void **state)
{
    (void)state;
    const char *row = X "init float r [4] = 1, 2, 3, 4; s = Shape(x);";
    char model[512];
    static const struct {
        const char *rest, *left;
    } rows[] = {
        {"a = Expand(r, s); y = Mul(x, a);", "Mul"},
        {"a = Expand(r, s); y = Sub(a, x);", "Sub"},
        {"a = Expand(r, s); c = IsNaN(a); y = Where(c, x, a);", "Shape Expand IsNaN Where"},
        {"c = IsNaN(r); a = Expand(c, s); m = Neg(x); y = Where(a, x, m);", "Neg Where"},
        {"a = Expand(r, s); n = Neg(x); y = Max(n, a);", "Shape Expand Neg Max"},
        {"t = Shape(x) start=1; a = Expand(r, t); y = Add(x, a);", "Add"},
        {"init int64 u [2] = 2, 4; a = Expand(r, u); y = Add(a, x);", "Add"},
        {"a = Expand(r, s); b = Expand(r, s); y = Add(a, b);", "Shape Expand Add"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(model, sizeof model, "%s%s", row, rows[i].rest);
        check(model, rows[i].left);
    }
}

/* As TorchScript writes masked_fill: the scores have no known shape, and Shape is a use of them. */
static void scores_that_masked_fill_asks_for_their_shape(void **state)
{
    (void)state;
    graph_test_nodes("in float x; out float y; in bool m; init float low = -1e9; a = Neg(x);"
                     "s = Shape(a); e = Expand(m, s); y = Where(e, low, a);",
                     "Neg Where");
    graph_test_nodes("in float x; out float y; in bool m; init float low = -1e9; a = Neg(x);"
                     "s = Shape(a) end=2; e = Expand(m, s); y = Where(e, low, a);",
                     "Neg Shape Expand Where");
}

#define NUMBERS "init float one = 1; init float zero = 0; init float less = -0.0;"

static void neutral_numbers(void **state)
{
    (void)state;
    check(X NUMBERS "a = Mul(x, one); b = Mul(one, a); c = Div(b, one); d = Sub(c, zero);"
                    "e = Add(d, less); f = Add(less, e); y = Neg(f);",
          "Neg");
    check("in float x; out float y;" NUMBERS "a = Mul(x, one); y = Neg(a);", "Neg");
    check(X "init float one [1, 1] = 1; a = Mul(x, one); y = Neg(a);", "Neg");
    check("in float x [n, 4]; out int64 y; init int64 zero [1] = 0; init int64 one [1] = 1;"
          "s = Shape(x); z = NonZero(s); a = Add(z, zero); b = Mul(one, a); c = Div(b, one);"
          "d = Sub(c, zero); y = Neg(d);",
          "Shape NonZero Neg");
    /* these make 0 of -0 or change the sign; a new dimension */
    check(X NUMBERS "a = Add(x, zero); y = Abs(a);", "Add Abs");
    check(X NUMBERS "a = Sub(x, less); y = Abs(a);", "Sub Abs");
    check(X NUMBERS "a = Sub(zero, x); y = Abs(a);", "Sub Abs");
    check(X NUMBERS "a = Div(one, x); y = Abs(a);", "Div Abs");
    check("in float x [n, 4]; out float y; init float one [1, 1, 1] = 1; a = Mul(x, one);"
          "y = Neg(a);",
          "Mul Neg");
    check("in float x; out float y; init float one [1] = 1; a = Mul(x, one); y = Neg(a);",
          "Mul Neg");
    check(X "init float ones [4] = 1, 1, 1, 2; a = Mul(x, ones); y = Neg(a);", "Mul Neg");
    /* a default is no constant */
    check(X "in float k; init float k = 1; a = Mul(x, k); y = Neg(a);", "Mul Neg");
}

static void transposes(void **state)
{
    (void)state;
    check(X "a = Transpose(x) perm=[0, 1]; y = Neg(a);", "Neg");
    check(X "a = Transpose(x); b = Transpose(a); y = Neg(b);", "Neg");
    check(X "a = Transpose(x) perm=[1, 0]; b = Identity(a); c = Transpose(b); y = Neg(c);", "Neg");
    check("in float x [n, 4]; out float y; init int64 s [3] = 2, 2, 2; r = Reshape(x, s);"
          "a = Transpose(r) perm=[1, 0, 2]; y = Transpose(a) perm=[0, 2, 1];",
          "Reshape Transpose");
    check("in float x [n, 4]; out float y; init int64 s [3] = 2, 2, 2; r = Reshape(x, s);"
          "a = Transpose(r) perm=[2, 0, 1]; y = Transpose(a) perm=[1, 2, 0];",
          "Reshape");
    /* others need the inner result */
    check("in float x [n, 4]; out float y; out float a; init int64 s [3] = 2, 2, 2;"
          "r = Reshape(x, s); a = Transpose(r) perm=[1, 0, 2]; y = Transpose(a) perm=[0, 2, 1];",
          "Reshape Transpose Transpose");
    check("in float x; out float y; a = Transpose(x) perm=[0, 1]; y = Neg(a);", "Transpose Neg");
}

static void reshapes_of_reshapes(void **state)
{
    (void)state;
    check("in float x [n, 4]; out float y; init int64 s [3] = 2, 2, 2; init int64 t [2] = 4, -1;"
          "a = Reshape(x, s); y = Reshape(a, t);",
          "Reshape");
    check("in float x [n, 4]; out float y; init int64 s [1] = 1; init int64 t [2] = 4, -1;"
          "a = Unsqueeze(x, s); y = Reshape(a, t);",
          "Reshape");
    check(X "init int64 s [1] = 8; init int64 t [2] = 2, 4; a = Reshape(x, s); b = Reshape(a, t);"
            "y = Neg(b);",
          "Reshape Neg");
    /* back to what it was, by a list that is computed */
    check(X
          "init int64 s [1] = -1; z = Shape(x); a = Reshape(x, s); b = Reshape(a, z); y = Neg(b);",
          "Neg");
    check(X "init int64 s [1] = 1; init int64 t [3] = 0, 2, 2; z = Shape(x); u = Unsqueeze(x, s);"
            "a = Reshape(u, t); b = Neg(a); c = Reshape(a, z); out float b; y = Neg(c);",
          "Reshape Neg Neg");
    /* 0: the dimension of what is reshaped, which what it was before has as well or not */
    check("in float x [n, 4]; out float y; init int64 s [3] = 0, 2, 2; init int64 t [2] = 0, -1;"
          "a = Reshape(x, s); y = Reshape(a, t);",
          "");
    check("in float x [n, 4]; out float y; init int64 s [3] = 0, 2, 2; init int64 t [4] = 0, 2, 1, "
          "-1;"
          "a = Reshape(x, s); y = Reshape(a, t);",
          "Reshape");
    check("in float x [n, 4]; out float y; init int64 s [3] = 2, 2, 2; init int64 t [2] = 0, -1;"
          "a = Reshape(x, s); y = Reshape(a, t);",
          "Reshape Reshape");
}

static void reshapes_of_what_only_moves_ones(void **state)
{
    (void)state;
    check("in float x [n, 4]; out float y; init int64 s [4] = 2, 1, 4, 1; init int64 t [2] = 4, -1;"
          "a = Reshape(x, s); b = Transpose(a) perm=[1, 0, 3, 2]; y = Reshape(b, t);",
          "Reshape");
    check("in float x [n, 4]; out float y; init int64 s [3] = 0, 4, 1; init int64 t [3] = 0, 2, 2;"
          "a = Reshape(x, s); b = Transpose(a) perm=[0, 2, 1]; y = Reshape(b, t);",
          "Reshape");
    check("in float x [n, 4]; out float y; init int64 s [4] = 2, 2, 2, 1; init int64 t [2] = 4, -1;"
          "a = Reshape(x, s); b = Transpose(a) perm=[1, 0, 3, 2]; y = Reshape(b, t);",
          "Reshape Transpose Reshape");
    /* the heads of attention, also when there is one */
    check("in float x [n, 4]; out float y; init int64 s [4] = 1, 2, 1, 4; init int64 t [2] = 4, -1;"
          "a = Reshape(x, s); b = Transpose(a) perm=[0, 2, 1, 3]; y = Reshape(b, t);",
          "Reshape Transpose Reshape");
}

static void reshapes_of_all_of_a_dimension_of_one(void **state)
{
    (void)state;
    check("in float x [n, 4]; out float y; init int64 s [3] = 2, 1, 4; init int64 t [2] = 4, -1;"
          "init int64 i [1, 1] = -1; a = Reshape(x, s); b = Gather(a, i) axis=1;"
          "y = Reshape(b, t);",
          "Reshape");
    check(X "init int64 s [1] = 1; init int64 i = 0; a = Unsqueeze(x, s); b = Gather(a, i) axis=1;"
            "init int64 t [2] = -1, 4; c = Reshape(b, t); y = Neg(c);",
          "Neg");
    check("in float x [n, 4]; out float y; init int64 s [3] = 2, 1, 4; init int64 t [2] = 4, -1;"
          "init int64 i [2] = 0, 0; a = Reshape(x, s); b = Gather(a, i) axis=1;"
          "y = Reshape(b, t);",
          "Reshape Gather Reshape");
    check("in float x [n, 4]; out float y; init int64 s [3] = 2, 1, 4; init int64 t [2] = 1, -1;"
          "init int64 i = 0; a = Reshape(x, s); b = Gather(a, i) axis=2; y = Reshape(b, t);",
          "Reshape Gather Reshape");
    /* an index that is not there is refused where it is used */
    graph_test_nodes("in float x [n, 4]; out float y; init int64 s [3] = 2, 1, 4;"
                     "init int64 t [2] = 4, -1; init int64 i = 1; a = Reshape(x, s);"
                     "b = Gather(a, i) axis=1; y = Reshape(b, t);",
                     "Reshape Gather Reshape");
}

static void bodies(void **state)
{
    (void)state;
    /* a branch that gives what it captures */
    check(X "in bool c; a = Identity(x); y = If(c) then_branch={t = Identity(a);"
            "out float t;} else_branch={u = Neg(x); v = Identity(u); out float v;};",
          "If Neg");
    /* values that change places in each iteration */
    check(X "init int64 three = 3; init bool go = 1; k = Abs(x);"
            "y, z = Loop(three, go, x, k) body={in int64 i; in bool g; in float p; in float q;"
            "h = Identity(g); r = Identity(q); s = Identity(p); out bool h; out float r;"
            "out float s;};",
          "Abs Loop");
    /* the same with a value that is scanned */
    check("in float x [n, 4]; out float y; init int64 two = 2; init bool go = 1;"
          "z, y = Loop(two, go, x) body={in int64 i; in bool g; in float p; h = Identity(g);"
          "r = Neg(p); s = Identity(p); out bool h; out float r; out float s;};",
          "Loop Neg");
}

static void sequences(void **state)
{
    (void)state;
    check(X "init int64 zero = 0; s = SequenceConstruct(x); t = Identity(s);"
            "a = SequenceAt(t, zero); y = Neg(a);",
          "SequenceConstruct SequenceAt Neg");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(copies_and_casts_to_the_own_type, test_tensors_free),
        cmocka_unit_test_teardown(outputs_keep_their_names, test_tensors_free),
        cmocka_unit_test_teardown(dropout_in_inference, test_tensors_free),
        cmocka_unit_test_teardown(shapes_that_stay, test_tensors_free),
        cmocka_unit_test_teardown(slices_and_pads_of_everything, test_tensors_free),
        cmocka_unit_test_teardown(joins_and_splits_of_one, test_tensors_free),
        cmocka_unit_test_teardown(operators_that_broadcast_read_past_expand, test_tensors_free),
        cmocka_unit_test_teardown(scores_that_masked_fill_asks_for_their_shape, test_tensors_free),
        cmocka_unit_test_teardown(neutral_numbers, test_tensors_free),
        cmocka_unit_test_teardown(transposes, test_tensors_free),
        cmocka_unit_test_teardown(reshapes_of_reshapes, test_tensors_free),
        cmocka_unit_test_teardown(reshapes_of_what_only_moves_ones, test_tensors_free),
        cmocka_unit_test_teardown(reshapes_of_all_of_a_dimension_of_one, test_tensors_free),
        cmocka_unit_test_teardown(bodies, test_tensors_free),
        cmocka_unit_test_teardown(sequences, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
