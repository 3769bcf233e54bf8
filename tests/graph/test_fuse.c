/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/session_test.h"

static void check_fused(const char *model, const char *expected)
{
    graph_test_fused(model, expected, 2e-6f);
}

#define X         "in float x [n, 4]; out float y [n, 4];"
#define CONSTANTS "init float half = 0.5; init float one = 1; init float two = 2;"
#define ROOT      "init float root = 1.4142135; init float inverse = 0.70710677;"

static void gelu_by_erf_in_the_orders_of_the_exporters(void **state)
{
    (void)state;
    /* transformers by the TorchScript exporter */
    check_fused(X CONSTANTS ROOT "d = Div(x, root); e = Erf(d); a = Add(e, one); m = Mul(x, a);"
                                 "y = Mul(m, half);",
                "Gelu");
    /* torch.nn.functional.gelu by both exporters */
    check_fused(X CONSTANTS ROOT "d = Mul(x, inverse); e = Erf(d); a = Add(one, e);"
                                 "h = Mul(half, x); y = Mul(h, a);",
                "Gelu");
    check_fused(X CONSTANTS ROOT "d = Div(x, root); e = Erf(d); a = Add(e, one); m = Mul(a, half);"
                                 "y = Mul(x, m);",
                "Gelu");
}

static void gelu_of_a_scaled_value(void **state)
{
    (void)state;
    check_fused(X CONSTANTS ROOT "z = Mul(x, two); d = Div(z, root); e = Erf(d); a = Add(e, one);"
                                 "m = Mul(z, a); y = Mul(m, half);",
                "Mul Gelu");
}

static void gelu_by_tanh(void **state)
{
    (void)state;
    check_fused(X CONSTANTS
                "init float three = 3; init float c = 0.044715; init float s = 0.7978846;"
                "p = Pow(x, three); q = Mul(p, c); r = Add(x, q); t = Mul(r, s);"
                "e = Tanh(t); a = Add(e, one); h = Mul(x, half); y = Mul(h, a);",
                "Gelu");
    check_fused(X CONSTANTS "init float c = 0.044715; init float s = 0.7978846;"
                            "p = Mul(x, x); q = Mul(p, c); r = Add(one, q); u = Mul(x, r);"
                            "t = Mul(s, u); e = Tanh(t); a = Add(one, e); h = Mul(half, x);"
                            "y = Mul(h, a);",
                "Gelu");
}

static void swish(void **state)
{
    (void)state;
    check_fused(X "s = Sigmoid(x); y = Mul(x, s);", "Swish");
    check_fused(X "init float q = 1.702; t = Mul(q, x); s = Sigmoid(t); y = Mul(x, s);", "Swish");
}

static void what_is_no_gelu_stays(void **state)
{
    (void)state;
    /* another factor */
    check_fused(X CONSTANTS ROOT "d = Div(x, root); e = Erf(d); a = Add(e, one); m = Mul(x, a);"
                                 "y = Mul(m, two);",
                "Div Erf Add Mul Mul");
    /* another argument */
    check_fused(X CONSTANTS ROOT "d = Div(x, two); e = Erf(d); a = Add(e, one); m = Mul(x, a);"
                                 "y = Mul(m, half);",
                "Div Erf Add Mul Mul");
    /* an inner value that is an output */
    graph_test_nodes(X CONSTANTS ROOT
                     "d = Div(x, root); e = Erf(d); a = Add(e, one); m = Mul(x, a);"
                     "y = Mul(m, half); out float a [n, 4];",
                     "Div Erf Add Mul Mul");
    /* a gate that is not the argument */
    check_fused(X CONSTANTS "z = Add(x, one); s = Sigmoid(x); y = Mul(z, s);", "Add Sigmoid Mul");
}

#define ROW "init float g [4] = 1, 2, 3, 4; init float b [4] = 5, 6, 7, 8; init float eps = 1e-5;"

static void layer_normalization(void **state)
{
    (void)state;
    check_fused("opset 13;" X ROW CONSTANTS
                "m = ReduceMean(x) axes=[-1]; d = Sub(x, m); p = Pow(d, two);"
                "v = ReduceMean(p) axes=[-1]; e = Add(v, eps); s = Sqrt(e); q = Div(d, s);"
                "w = Mul(q, g); y = Add(w, b);",
                "LayerNormalization");
    check_fused("opset 18;" X ROW "init int64 last [1] = 1;"
                "m = ReduceMean(x, last); d = Sub(x, m); p = Mul(d, d); v = ReduceMean(p, last);"
                "e = Add(eps, v); s = Sqrt(e); r = Reciprocal(s); q = Mul(d, r); y = Mul(g, q);",
                "LayerNormalization");
}

static void rms_normalization(void **state)
{
    (void)state;
    check_fused("opset 18;" X ROW CONSTANTS "init int64 last [1] = -1;"
                "p = Pow(x, two); v = ReduceMean(p, last); e = Add(v, eps); s = Sqrt(e);"
                "r = Reciprocal(s); q = Mul(x, r); y = Mul(g, q);",
                "RMSNormalization");
}

static void rms_normalization_by_one_over_the_root(void **state)
{
    (void)state;
    check_fused("opset 13;" X ROW CONSTANTS
                "p = Pow(x, two); v = ReduceMean(p) axes=[-1]; e = Add(v, eps); s = Sqrt(e);"
                "r = Div(one, s); q = Mul(x, r); y = Mul(g, q);",
                "RMSNormalization");
    /* two over the root is another number */
    check_fused("opset 13;" X ROW CONSTANTS
                "p = Pow(x, two); v = ReduceMean(p) axes=[-1]; e = Add(v, eps); s = Sqrt(e);"
                "r = Div(two, s); q = Mul(x, r); y = Mul(g, q);",
                "Pow ReduceMean Add Sqrt Div Mul Mul");
}

#define FACTORED                                                                                   \
    "opset 13;" X "init float g [1, 4] = 1, 2, 3, 4; init float b [4] = 5, 6, 7, 8;"               \
    "init float eps = 1e-5; m = ReduceMean(x) axes=[-1]; d = Sub(x, m); p = Mul(d, d);"            \
    "v = ReduceMean(p) axes=[-1]; e = Add(v, eps); s = Sqrt(e); r = Reciprocal(s); f = Mul(r, g);"

static void layer_normalization_with_factors_taken_out(void **state)
{
    (void)state;
    check_fused(FACTORED "t = Mul(x, f); u = Mul(m, f); w = Sub(b, u); y = Add(t, w);",
                "LayerNormalization");
    check_fused(FACTORED "n = Neg(m); u = Mul(n, f); w = Add(u, b); t = Mul(f, x); y = Add(w, t);",
                "LayerNormalization");
    /* not the mean of x */
    check_fused(FACTORED "n = Neg(v); u = Mul(n, f); w = Add(u, b); t = Mul(f, x); y = Add(w, t);",
                "ReduceMean Sub Mul ReduceMean Add Sqrt Reciprocal Mul Neg Mul Add Mul Add");
    /* not x */
    check_fused(FACTORED "u = Mul(m, f); w = Sub(b, u); t = Mul(f, d); y = Add(w, t);",
                "ReduceMean Sub Mul ReduceMean Add Sqrt Reciprocal Mul Mul Sub Mul Add");
    /* an inner value that is an output */
    graph_test_nodes(FACTORED "t = Mul(x, f); u = Mul(m, f); w = Sub(b, u); y = Add(t, w);"
                              "out float w [n, 4];",
                     "ReduceMean Sub Mul ReduceMean Add Sqrt Reciprocal Mul Mul Mul Sub Add");
    /* the wrong way round */
    check_fused(FACTORED "t = Mul(x, f); u = Mul(m, f); w = Sub(u, b); y = Add(t, w);",
                "ReduceMean Sub Mul ReduceMean Add Sqrt Reciprocal Mul Mul Mul Sub Add");
}

static void what_is_no_normalization_of_rows_stays(void **state)
{
    (void)state;
    /* another axis */
    check_fused("opset 13;" X ROW CONSTANTS
                "p = Pow(x, two); v = ReduceMean(p) axes=[0]; e = Add(v, eps); s = Sqrt(e);"
                "q = Div(x, s); y = Mul(g, q);",
                "Pow ReduceMean Add Sqrt Div Mul");
    /* a scale that is one number */
    check_fused("opset 13;" X ROW CONSTANTS
                "p = Pow(x, two); v = ReduceMean(p) axes=[1]; e = Add(v, eps); s = Sqrt(e);"
                "q = Div(x, s); y = Mul(two, q);",
                "Pow ReduceMean Add Sqrt Div Mul");
}

#define GROUPS                                                                                     \
    "in float x [n, 4]; init int64 cube [4] = 2, 2, 2, 1; init int64 rows [3] = 0, 2, -1;"         \
    "init float ones [2] = 1, 1; init float zeros [2] = 0, 0; r = Reshape(x, cube);"               \
    "init float g [2, 1, 1] = 3, 4; init float b [1, 2, 1, 1] = 5, 6; d = Reshape(r, rows);"
#define GROUP_NORM "i = InstanceNormalization(d, ones, zeros) epsilon=0.001; k = Reshape(i, cube);"

static void group_normalization(void **state)
{
    (void)state;
    check_fused(GROUPS GROUP_NORM "p = Mul(k, g); y = Add(b, p); out float y;",
                "Reshape GroupNormalization");
    /* of dimensions that only a run tells */
    graph_test_nodes("in float x [n, 4, h, w]; init int64 rows [3] = 0, 2, -1;"
                     "init float ones [2] = 1, 1; init float zeros [2] = 0, 0;"
                     "init float g [4, 1, 1] = 3, 4, 5, 6; init float b [4, 1, 1] = 5, 6, 7, 8;"
                     "d = Reshape(x, rows); s = Shape(x);"
                     "i = InstanceNormalization(d, ones, zeros); k = Reshape(i, s);"
                     "p = Mul(k, g); y = Add(p, b); out float y;",
                     "GroupNormalization");
    /* a channel a group */
    graph_test_nodes("in float x [n, 2, w]; init int64 rows [3] = 0, 2, -1;"
                     "init float ones [2] = 1, 1; init float zeros [2] = 0, 0;"
                     "init float g [2, 1] = 3, 4; init float b [2, 1] = 5, 6;"
                     "d = Reshape(x, rows); s = Shape(x);"
                     "i = InstanceNormalization(d, ones, zeros); k = Reshape(i, s);"
                     "p = Mul(k, g); y = Add(p, b); out float y;",
                     "GroupNormalization");
}

#define GROUP_MISS "  GroupNormalization at node \"i\"\n      expected  "

static void near_misses_of_group_normalization(void **state)
{
    (void)state;
    graph_test_explains(GROUPS GROUP_NORM "p = Mul(k, g); y = Add(g, p); out float y;",
                        GROUP_MISS "a constant with a number for each channel, used once\n"
                                   "      found     \"g\"");
    graph_test_explains(GROUPS GROUP_NORM "p = Mul(k, g); y = Neg(p); out float y;",
                        GROUP_MISS "used by one Add, with bias\n      found     \"p\"");
    graph_test_explains(GROUPS GROUP_NORM "y = Neg(k); out float y;",
                        GROUP_MISS "used by one Mul, with scale\n      found     \"k\"");
    graph_test_explains(GROUPS "i = InstanceNormalization(d, zeros, zeros); k = Reshape(i, cube);"
                               "p = Mul(k, g); y = Add(p, b); out float y;",
                        GROUP_MISS "ones\n      found     \"zeros\": float[2] {0, 0}");
    graph_test_explains(GROUPS
                        "i = InstanceNormalization(d, ones, zeros); y = Neg(i); out float y;",
                        GROUP_MISS "given the dimensions of x by one Reshape\n"
                                   "      found     \"i\"");
    /* other dimensions */
    graph_test_explains(GROUPS "i = InstanceNormalization(d, ones, zeros);"
                               "init int64 other [4] = 1, 2, 4, 1; k = Reshape(i, other);"
                               "p = Mul(k, g); y = Add(p, b); out float y;",
                        GROUP_MISS "given the dimensions of x by one Reshape\n"
                                   "      found     \"k\"");
}

static void fusion_reaches_bodies(void **state)
{
    (void)state;
    graph_test_nodes("in float x [n, 4]; in bool w; y = If(w) then_branch={s = Sigmoid(x);"
                     "t = Mul(x, s); out float t;} else_branch={u = Neg(x); out float u;};"
                     "out float y [n, 4];",
                     "If Swish Neg");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(gelu_by_erf_in_the_orders_of_the_exporters, test_tensors_free),
        cmocka_unit_test_teardown(gelu_of_a_scaled_value, test_tensors_free),
        cmocka_unit_test_teardown(gelu_by_tanh, test_tensors_free),
        cmocka_unit_test_teardown(swish, test_tensors_free),
        cmocka_unit_test_teardown(what_is_no_gelu_stays, test_tensors_free),
        cmocka_unit_test_teardown(layer_normalization, test_tensors_free),
        cmocka_unit_test_teardown(rms_normalization, test_tensors_free),
        cmocka_unit_test_teardown(rms_normalization_by_one_over_the_root, test_tensors_free),
        cmocka_unit_test_teardown(layer_normalization_with_factors_taken_out, test_tensors_free),
        cmocka_unit_test_teardown(what_is_no_normalization_of_rows_stays, test_tensors_free),
        cmocka_unit_test_teardown(group_normalization, test_tensors_free),
        cmocka_unit_test(near_misses_of_group_normalization),
        cmocka_unit_test_teardown(fusion_reaches_bodies, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
