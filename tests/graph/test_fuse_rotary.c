/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/session_test.h"

#include <onnxrun/inspect.h>
#include <string.h>

/* Not a bit of the result changes. */
static void check_fused(const char *model, const char *expected)
{
    graph_test_fused(model, expected, 0);
}

#define X "in float x [n, 4]; out float y;"
#define TABLES                                                                                     \
    "init float c [4] = 0.5, 0.25, 0.125, 2; init float s [4] = 0.75, 3, 0.1, 0.3;"                \
    "init float c2 [2] = 0.5, 0.25; init float s2 [2] = 0.75, 3;"
#define INTS                                                                                       \
    "init int64 zero [1] = 0; init int64 one [1] = 1; init int64 two [1] = 2;"                     \
    "init int64 three [1] = 3; init int64 end [1] = 9223372036854775807;"                          \
    "init int64 last [1] = -1;"
#define HALVES "a = Slice(x, zero, two, last, one); b = Slice(x, two, end, last);"
#define TURN   "g = Neg(b); t = Concat(g, a) axis=-1; u = Mul(x, c); v = Mul(t, s); y = Add(u, v);"

static void halves(void **state)
{
    (void)state;
    check_fused(X TABLES INTS HALVES TURN, "onnxrun.RotaryChain");
    check_fused(X TABLES INTS "a = Slice(x, zero, two, one, one); b = Slice(x, two, end, one);"
                              "g = Neg(b); t = Concat(g, a) axis=1; u = Mul(c, x); v = Mul(s, t);"
                              "y = Add(v, u);",
                "onnxrun.RotaryChain");
    check_fused("opset 13;" X TABLES "a, b = Split(x) axis=-1;" TURN, "onnxrun.RotaryChain");
    check_fused("opset 9;" X TABLES "a = Slice(x) starts=[0] ends=[2] axes=[1];"
                "b = Slice(x) starts=[-2] ends=[100] axes=[-1];" TURN,
                "onnxrun.RotaryChain");
}

static void neighbours(void **state)
{
    (void)state;
    check_fused(X TABLES INTS
                "a = Slice(x, zero, end, last, two); b = Slice(x, one, end, last, two); g = Neg(b);"
                "g1 = Unsqueeze(g, last); a1 = Unsqueeze(a, last); p = Concat(g1, a1) axis=-1;"
                "init int64 shape [2] = 0, 4; t = Reshape(p, shape); u = Mul(x, c);"
                "v = Mul(t, s); y = Add(u, v);",
                "onnxrun.RotaryChain");
}

static void a_part_of_a_row(void **state)
{
    (void)state;
    /* the first two elements turn */
    const char *partial =
        X TABLES INTS "h = Slice(x, zero, two, last); r = Slice(x, two, end, last);"
                      "a = Slice(h, zero, one, last); b = Slice(h, one, end, last); g = Neg(b);"
                      "t = Concat(g, a) axis=-1; u = Mul(h, c2); v = Mul(t, s2); w = Add(u, v);"
                      "y = Concat(w, r) axis=-1;";
    check_fused(partial, "onnxrun.RotaryChain");
    char *text = graph_test_text(partial);
    assert_non_null(strstr(text, "y = onnxrun.RotaryChain <turned = 2> (x, c2, s2)"));
    onnxrun_text_free(text);
    /* two in the middle turn, and nothing else is used */
    check_fused(X TABLES INTS "h = Slice(x, one, three, last); a = Slice(h, zero, one, last);"
                              "b = Slice(h, one, end, last); g = Neg(b); t = Concat(g, a) axis=-1;"
                              "u = Mul(h, c2); v = Mul(t, s2); y = Add(u, v);",
                "onnxrun.RotaryChain");
    /* what follows is not the rest */
    check_fused(X TABLES INTS
                "h = Slice(x, zero, two, last); r = Slice(x, one, three, last);"
                "a = Slice(h, zero, one, last); b = Slice(h, one, end, last); g = Neg(b);"
                "t = Concat(g, a) axis=-1; u = Mul(h, c2); v = Mul(t, s2); w = Add(u, v);"
                "y = Concat(w, r) axis=-1;",
                "Slice onnxrun.RotaryChain Concat");
}

static void rows_that_are_made_heads(void **state)
{
    (void)state;
    const char *model =
        X "init float c [2, 2] = 0.5, 0.25, 3, 4; init float s [2, 2] = 5, 6, 7, 8;" INTS
          "init int64 shape [4] = 1, 2, 2, 2; r = Reshape(x, shape);"
          "z = Transpose(r) perm=[0, 2, 1, 3]; a = Slice(z, zero, one, last);"
          "b = Slice(z, one, end, last); g = Neg(b); t = Concat(g, a) axis=-1; u = Mul(z, c);"
          "v = Mul(t, s); y = Add(u, v);";
    check_fused(model, "Reshape onnxrun.RotaryChain");
    char *text = graph_test_text(model);
    assert_non_null(strstr(text, "y = onnxrun.RotaryChain <x_by_rows = 1> (r, c, s)"));
    onnxrun_text_free(text);
}

#define PAIR                                                                                       \
    "p = Mul(a, c2); q = Mul(b, s2); d = Sub(p, q); k = Mul(b, c2); l = Mul(a, s2); e = Add(k, "   \
    "l);"

static void pairs_that_are_put_together(void **state)
{
    (void)state;
    check_fused(X TABLES INTS HALVES PAIR "y = Concat(d, e) axis=-1;", "onnxrun.RotaryChain");
    check_fused(X TABLES INTS
                "a = Slice(x, zero, end, last, two); b = Slice(x, one, end, last, two);"
                "p = Mul(c2, a); q = Mul(s2, b); d = Sub(p, q); k = Mul(c2, b); l = Mul(s2, a);"
                "e = Add(l, k); y = Concat(d, e) axis=-1;",
                "onnxrun.RotaryChain");
    check_fused(X TABLES INTS HALVES PAIR "d1 = Unsqueeze(d, last); e1 = Unsqueeze(e, last);"
                                          "z = Concat(d1, e1) axis=-1;"
                                          "init int64 shape [2] = -1, 4; y = Reshape(z, shape);",
                "onnxrun.RotaryChain");
}

static void tables_of_unknown_width(void **state)
{
    (void)state;
    check_fused(X INTS TABLES "init float wide [6] = 1, 2, 3, 4, 5, 6; m = ArgMax(x) axis=1;"
                              "k = ReduceMax(m) axes=[0, 1] keepdims=0; k1 = Add(k, one);"
                              "c3 = Slice(wide, zero, k1, zero);" HALVES
                              "g = Neg(b); t = Concat(g, a) axis=-1; u = Mul(x, c3);"
                              "v = Mul(t, s); y = Add(u, v);",
                "ArgMax ReduceMax Add Slice onnxrun.RotaryChain");
    check_fused(X INTS "init float c = 2; init float s [1] = 3;" HALVES TURN,
                "Slice Slice Neg Concat Mul Mul Add");
    check_fused(X INTS "init float c [1, 1] = 2; init float s [1] = 3;" HALVES TURN,
                "onnxrun.RotaryChain");
}

static void what_is_no_rotation_stays(void **state)
{
    (void)state;
    /* the second half is not turned to the front */
    check_fused(X TABLES INTS HALVES "g = Neg(b); t = Concat(a, g) axis=-1; u = Mul(x, c);"
                                     "v = Mul(t, s); y = Add(u, v);",
                "Slice Slice Neg Concat Mul Mul Add");
    /* the wrong half is negative */
    check_fused(X TABLES INTS HALVES "g = Neg(a); t = Concat(g, b) axis=-1; u = Mul(x, c);"
                                     "v = Mul(t, s); y = Add(u, v);",
                "Slice Slice Neg Concat Mul Mul Add");
    /* neighbours are put together as halves */
    check_fused(X TABLES INTS
                "a = Slice(x, zero, end, last, two); b = Slice(x, one, end, last, two);" TURN,
                "Slice Slice Neg Concat Mul Mul Add");
    /* another axis */
    check_fused(X INTS "init float c [4] = 1, 2, 3, 4; init float s [4] = 5, 6, 7, 8;"
                       "a = Slice(x, zero, one, zero); b = Slice(x, one, end, zero); g = Neg(b);"
                       "t = Concat(g, a) axis=0; u = Mul(x, c); v = Mul(t, s); y = Add(u, v);",
                "Slice Slice Neg Concat Mul Mul Add");
    /* double */
    graph_test_nodes("in double x [n, 4]; out double y; init float cf [4] = 1, 2, 3, 4;"
                     "c = Cast(cf) to=11; s = Neg(c);" INTS HALVES TURN,
                     "Slice Slice Neg Concat Mul Mul Add");
}

#define MISS "  RotaryChain at node \"g\"\n      expected  "

static void near_misses_are_told(void **state)
{
    (void)state;
    graph_test_explains(X TABLES INTS HALVES TURN "out float t;",
                        MISS "used by one Mul, with the sines\n      found     \"t\": float[n, 4] "
                             "made by Concat, used by Mul, an output of the graph\n");
    graph_test_explains(X TABLES INTS HALVES TURN "out float v;",
                        MISS "used by one Add, of the product with the cosines\n"
                             "      found     \"v\"");
    graph_test_explains(X TABLES INTS HALVES TURN "out float u;",
                        MISS "the product of the cosines and what is turned\n"
                             "      found     \"u\"");
    graph_test_explains(X INTS "init float c [4] = 1, 2, 3, 4; init float s = 3;" HALVES TURN,
                        MISS "a table of float with a number for each element that turns\n"
                             "      found     \"s\": float[] {3}, used by Mul\n");
    graph_test_explains(X TABLES INTS HALVES PAIR "y = Concat(d, e) axis=-1; out float d;",
                        "  RotaryChain at node \"d\"\n"
                        "      expected  used by one Concat, with the other half of the pairs\n"
                        "      found     \"d\"");
    graph_test_explains(X TABLES INTS HALVES PAIR "y = Concat(e, d) axis=-1;",
                        "      expected  x2 * cos + x1 * sin, behind x1 * cos - x2 * sin\n"
                        "      found     \"d\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(halves, test_tensors_free),
        cmocka_unit_test_teardown(neighbours, test_tensors_free),
        cmocka_unit_test_teardown(a_part_of_a_row, test_tensors_free),
        cmocka_unit_test_teardown(rows_that_are_made_heads, test_tensors_free),
        cmocka_unit_test_teardown(pairs_that_are_put_together, test_tensors_free),
        cmocka_unit_test_teardown(tables_of_unknown_width, test_tensors_free),
        cmocka_unit_test_teardown(what_is_no_rotation_stays, test_tensors_free),
        cmocka_unit_test(near_misses_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
