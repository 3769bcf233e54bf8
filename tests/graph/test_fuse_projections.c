/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/session_test.h"

/* Not a bit of the result changes. */
static void check_fused(const char *model, const char *expected)
{
    graph_test_fused(model, expected, 0);
}

#define X "in float x [n, 4]; out float y [n, 3];"
#define WEIGHTS                                                                                    \
    "init float v [4, 3] = 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -2, -3;"                                 \
    "init float w [4, 3] = 1, 2, 3, 4, 0, 6, 7, 8, 9, -1, -2, 3;"                                  \
    "init float t [3, 4] = 1, 0, 3, 4, 5, 6, 7, 8, 9, -1, -2, -3;"                                 \
    "init float u [3, 4] = 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, 0, -3;"
#define ROW "init float b [3] = 1, -20, 3;"

static void products_of_one_input_are_joined(void **state)
{
    (void)state;
    check_fused(X WEIGHTS "p = MatMul(x, v); q = MatMul(x, w); y = Max(p, q);",
                "onnxrun.Projections Max");
    check_fused(X WEIGHTS ROW "p = MatMul(x, v); s = Add(p, b); q = MatMul(x, w); r = Neg(s);"
                              "y = Max(r, q);",
                "onnxrun.Projections Neg Max");
    check_fused(X WEIGHTS ROW "p = Gemm(x, t, b) transB=1; q = Gemm(x, u) transB=1;"
                              "y = Max(p, q);",
                "onnxrun.Projections Max");
}

static void more_than_eight_make_two_groups(void **state)
{
    (void)state;
    check_fused(X WEIGHTS
                "init float k [4, 3] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1; e = Neg(v); f = Abs(v);"
                "p = MatMul(x, v); q = MatMul(x, w); r = MatMul(x, k); s = MatMul(x, e);"
                "a = MatMul(x, f); c = Neg(w); d = Abs(w); g = MatMul(x, c); h = MatMul(x, d);"
                "i = Neg(f); j = MatMul(x, i); l = Neg(k); m = MatMul(x, l);"
                "y = Max(p, q, r, s, a, g, h, j, m);",
                "onnxrun.Projections MatMul Max");
}

static void other_products_are_not_joined(void **state)
{
    (void)state;
    /* another input, and one between two others */
    check_fused(X WEIGHTS "z = Neg(x); p = MatMul(x, v); q = MatMul(z, w); y = Max(p, q);",
                "Neg MatMul MatMul Max");
    check_fused(X WEIGHTS "z = Neg(x); p = MatMul(x, v); r = MatMul(z, v); q = MatMul(x, w);"
                          "y = Max(p, q, r);",
                "Neg MatMul MatMul MatMul Max");
    /* one turned, one with an activation, one that is scaled */
    check_fused(X WEIGHTS "p = Gemm(x, t) transB=1; q = MatMul(x, w); y = Max(p, q);",
                "Gemm MatMul Max");
    check_fused(X WEIGHTS "p = MatMul(x, v); r = Tanh(p); q = MatMul(x, w); y = Max(r, q);",
                "onnxrun.Linear MatMul Max");
    check_fused(X WEIGHTS "p = Gemm(x, v) alpha=2.0; q = MatMul(x, w); y = Max(p, q);",
                "Gemm MatMul Max");
    /* what is made in the run */
    check_fused("in float x [n, 4]; a = Transpose(x); b = Neg(a); p = MatMul(x, a);"
                "q = MatMul(x, b); y = Max(p, q); out float y [n, n];",
                "Transpose Neg MatMul MatMul Max");
}

static void joining_reaches_bodies(void **state)
{
    (void)state;
    graph_test_nodes("in float x [n, 4]; in bool c;" WEIGHTS
                     "y = If(c) then_branch={p = MatMul(x, v); q = MatMul(x, w); r = Max(p, q);"
                     "out float r;} else_branch={s = MatMul(x, v); out float s;};"
                     "out float y [n, 3];",
                     "If onnxrun.Projections Max MatMul");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(products_of_one_input_are_joined, test_tensors_free),
        cmocka_unit_test_teardown(more_than_eight_make_two_groups, test_tensors_free),
        cmocka_unit_test_teardown(other_products_are_not_joined, test_tensors_free),
        cmocka_unit_test_teardown(joining_reaches_bodies, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
