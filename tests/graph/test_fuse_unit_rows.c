/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/test.h"

#define X "in float x [n, 4]; out float y [?, ?]; init float low = 1;"
#define TURN                                                                                       \
    "in float x [n, 4]; out float y [?, ?, ?, ?]; init float low = 2; init int64 s [4] = 1, 2, "   \
    "2, 2;"                                                                                        \
    "a = Reshape(x, s);"

/* No bit differs. */
static void check_fused(const char *model, const char *expected)
{
    graph_test_fused(model, expected, 0);
}

static void rows_over_their_length(void **state)
{
    (void)state;
    check_fused(X "r = ReduceL2(x) axes=[-1]; c = Clip(r, low); y = Div(x, c);",
                "onnxrun.UnitRows");
    check_fused("opset 18;" X "init int64 last [1] = 1; r = ReduceL2(x, last); c = Clip(r, low);"
                "y = Div(x, c);",
                "onnxrun.UnitRows");
    check_fused(X "r = ReduceL2(x) axes=[1]; y = Div(x, r);", "onnxrun.UnitRows");
    graph_test_explains(X "r = ReduceL2(x) axes=[-1]; c = Clip(r, low); y = Div(x, c);",
                        "fused by fuse_norm\n  UnitRows at node \"y\"\n");
}

static void transposed_rows(void **state)
{
    (void)state;
    check_fused(TURN "t = Transpose(a) perm=[0, 2, 1, 3]; r = ReduceL2(t) axes=[-1];"
                     "c = Clip(r, low); y = Div(t, c);",
                "Reshape onnxrun.UnitRows");
    check_fused(TURN "t = Transpose(a) perm=[0, 3, 1, 2]; r = ReduceL2(t) axes=[-1];"
                     "c = Clip(r, low); y = Div(t, c);",
                "Reshape Transpose onnxrun.UnitRows");
    check_fused(TURN "t = Transpose(a) perm=[0, 2, 1, 3]; r = ReduceL2(t) axes=[-1];"
                     "c = Clip(r, low); d = Div(t, c); y = Sub(d, t);",
                "Reshape Transpose onnxrun.UnitRows Sub");
}

static void other_norms_stay(void **state)
{
    (void)state;
    check_fused(X "r = ReduceL2(x) axes=[0]; c = Clip(r, low); y = Div(x, c);",
                "ReduceL2 Clip Div");
    check_fused(X "r = ReduceL2(x) axes=[-1]; c = Clip(r, _, low); y = Div(x, c);",
                "ReduceL2 Clip Div");
    check_fused(X "r = ReduceL2(x) axes=[-1]; c = Clip(r, low); y = Div(c, x);",
                "ReduceL2 Clip Div");
    check_fused(X "z = Neg(x); r = ReduceL2(x) axes=[-1]; c = Clip(r, low); y = Div(z, c);",
                "Neg ReduceL2 Clip Div");
    check_fused(X "r = ReduceL2(x) axes=[-1]; c = Clip(r, low); d = Div(x, c); y = Add(d, r);",
                "ReduceL2 Clip Div Add");
    graph_test_explains(X "r = ReduceL2(x) axes=[-1]; c = Clip(r, low); y = Mul(x, c);",
                        "used by one Div, of what the norm is of");
    graph_test_explains(X "r = ReduceL2(x) axes=[-1]; c = Clip(r, low, low); y = Div(x, c);",
                        "used by one Clip, to a constant minimum");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_over_their_length),
        cmocka_unit_test(transposed_rows),
        cmocka_unit_test(other_norms_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
