/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/session_test.h"

static void check_fused(const char *model, const char *expected)
{
    graph_test_fused(model, expected, 1e-5f);
}

#define X       "in float x [n, 4]; out float y [n, 3];"
#define SQUARE  "in float x [n, 4]; out float y [n, 4];"
#define WEIGHT  "init float w [4, 3] = 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -2, -3;"
#define TURNED  "init float t [3, 4] = 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -2, -3;"
#define MATRIX  "init float v [4, 4] = 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -2, -3, 0.5, 0, 0, 1;"
#define ROW     "init float b [3] = 1, -20, 3;"
#define WIDE    "init float c [4] = 1, -20, 3, 4;"
#define HALF    "init float half = 0.5;"
#define MATMUL  X WEIGHT ROW HALF "p = MatMul(x, w);"
#define PRODUCT SQUARE MATRIX WIDE HALF "p = MatMul(x, v);"

static void transposed_weights_are_read_as_they_are(void **state)
{
    (void)state;
    /* Folding is not asked here: the weight is made in the run. */
    check_fused("opset 13;" SQUARE "r = Relu(x); t = Transpose(r) perm=[1, 0];"
                "p = MatMul(x, t); y = MatMul(p, x);",
                "Relu onnxrun.Linear MatMul");
    check_fused("in float x [n, 4]; init int64 s [3] = 1, -1, 4; a = Reshape(x, s); r = Relu(a);"
                "t = Transpose(r) perm=[0, 2, 1]; y = MatMul(a, t); out float y [1, n, n];",
                "Reshape Relu onnxrun.Linear");
    /* turned twice */
    check_fused(SQUARE MATRIX "r = Relu(x); t = Transpose(r); y = Gemm(t, v) transA=1;",
                "Relu Transpose Gemm");
    check_fused("in float x [n, 4]; r = Relu(x); t = Transpose(r); y = Gemm(x, t);"
                "out float y [n, n];",
                "Relu onnxrun.Linear");
}

static void transposes_that_others_need_stay(void **state)
{
    (void)state;
    const char *model = "in float x [n, 4]; out float y [n, n]; r = Relu(x); t = Transpose(r);"
                        "p = MatMul(x, t); a = ReduceSum(t); y = Sub(p, a);";
    check_fused(model, "Relu Transpose MatMul ReduceSum Sub");
    graph_test_explains(model, "used by one product, or made of a weight");
    /* other axes, and the first operand */
    check_fused("in float x [n, 4]; init int64 s [3] = 2, 1, 4; a = Reshape(x, s); r = Relu(a);"
                "t = Transpose(r) perm=[1, 2, 0]; y = MatMul(a, t); out float y [?, ?, ?];",
                "Reshape Relu Transpose MatMul");
    check_fused("in float x [n, 4]; out float y [4, 4]; r = Relu(x); t = Transpose(r);"
                "y = MatMul(t, x);",
                "Relu Transpose MatMul");
}

static void bias_in_either_order(void **state)
{
    (void)state;
    check_fused(MATMUL "y = Add(p, b);", "onnxrun.Linear");
    check_fused(MATMUL "y = Add(b, p);", "onnxrun.Linear");
    check_fused("in float x; out float y;" WEIGHT ROW "p = MatMul(x, w); y = Add(p, b);",
                "onnxrun.Linear");
    check_fused(X WEIGHT ROW "y = Gemm(x, w, b);", "Gemm");
    check_fused(X TURNED ROW "p = Gemm(x, t, b) transB=1 alpha=0.5; y = Relu(p);",
                "onnxrun.Linear");
}

static void scale_comes_first(void **state)
{
    (void)state;
    check_fused(MATMUL "s = Mul(p, half); y = Add(s, b);", "onnxrun.Linear");
    check_fused(MATMUL "s = Add(p, b); y = Mul(half, s);", "onnxrun.Linear Mul");
}

static void activation_behind_the_bias(void **state)
{
    (void)state;
    check_fused(MATMUL "s = Add(p, b); y = Relu(s);", "onnxrun.Linear");
    check_fused(MATMUL "y = Tanh(p);", "onnxrun.Linear");
    check_fused(MATMUL "s = Add(p, b); y = LeakyRelu(s);", "onnxrun.Linear");
    check_fused(MATMUL "s = Add(p, b); y = LeakyRelu(s) alpha=0.0;", "onnxrun.Linear");
    check_fused(MATMUL "s = Add(p, b); y = Elu(s) alpha=0.5;", "onnxrun.Linear");
    check_fused(MATMUL "y = HardSigmoid(p) beta=0.25;", "onnxrun.Linear");
    check_fused("opset 13;" MATMUL "y = Clip(p, half);", "onnxrun.Linear");
    check_fused(MATMUL "s = Add(p, b); g = Sigmoid(s); y = Mul(s, g);", "onnxrun.Linear");
    check_fused("opset 20;" MATMUL "y = Gelu(p) approximate='tanh';", "onnxrun.Linear");
    check_fused("opset 20;" MATMUL "y = Gelu(p);", "onnxrun.Linear");
}

static void residual_and_gate(void **state)
{
    (void)state;
    check_fused(PRODUCT "s = Add(p, c); y = Add(x, s);", "onnxrun.Linear");
    check_fused(PRODUCT "s = Add(p, x); y = Add(s, c);", "onnxrun.Linear");
    check_fused(PRODUCT "s = Add(p, x); y = Relu(s);", "onnxrun.Linear");
    check_fused(PRODUCT "s = Sigmoid(p); y = Mul(s, x);", "onnxrun.Linear");
    /* activation in front of the residual */
    check_fused(PRODUCT "s = Relu(p); y = Add(s, x);", "onnxrun.Linear Add");
}

static void shapes_that_turn_out_different_are_broadcast(void **state)
{
    (void)state;
    const char *slice = "in float x [?, 4]; out float y [?, 4];" MATRIX
                        "init int64 zero [1] = 0; init int64 one [1] = 1;"
                        "f = Slice(x, zero, one, zero); p = MatMul(f, v); y = Add(p, x);";
    check_fused(slice, "Slice onnxrun.Linear");
    slice = "in float x [?, 4]; out float y [?, 4];" MATRIX
            "init int64 zero [1] = 0; init int64 one [1] = 1;"
            "f = Slice(x, zero, one, zero); p = MatMul(x, v); y = Mul(p, f);";
    check_fused(slice, "Slice onnxrun.Linear");
}

static void views_do_not_stand_in_the_way(void **state)
{
    (void)state;
    check_fused("opset 14; in float x [n, 4]; out float y [1, n, 4];" MATRIX WIDE
                "init int64 s [3] = 1, -1, 4; init int64 f [2] = -1, 4; a = Reshape(x, s);"
                "r = Relu(a); g = Reshape(r, f); p = Gemm(g, v, c); h = Reshape(p, s);"
                "q = Tanh(h); y = Mul(q, a);",
                "Reshape Relu Reshape onnxrun.Linear");
    /* columns that are cut: a bias of the view is none of the product */
    check_fused("in float x [n, 4]; out float y [?, 2];" MATRIX
                "init int64 s [2] = -1, 2; init float d [2] = 1, 2; p = MatMul(x, v);"
                "h = Reshape(p, s); y = Add(h, d);",
                "MatMul Reshape Add");
}

static void what_others_need_stays(void **state)
{
    (void)state;
    graph_test_nodes(MATMUL "out float p [n, 3]; y = Add(p, b);", "MatMul Add");
    check_fused(MATMUL "s = Add(p, b); r = Relu(s); y = Add(r, s);", "onnxrun.Linear Relu Add");
    graph_test_explains(PRODUCT "init float k [1, 4] = 1, 2, 3, 4; y = Add(p, k);",
                        "one number per column of the product, or a tensor of its shape");
}

static void other_types_stay(void **state)
{
    (void)state;
    graph_test_nodes("in double x [n, 1]; in double w [1, 1]; in double b [1];"
                     "p = MatMul(x, w); y = Add(p, b); out double y [n, 1];",
                     "MatMul Add");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(transposed_weights_are_read_as_they_are, test_tensors_free),
        cmocka_unit_test_teardown(transposes_that_others_need_stay, test_tensors_free),
        cmocka_unit_test_teardown(bias_in_either_order, test_tensors_free),
        cmocka_unit_test_teardown(scale_comes_first, test_tensors_free),
        cmocka_unit_test_teardown(activation_behind_the_bias, test_tensors_free),
        cmocka_unit_test_teardown(residual_and_gate, test_tensors_free),
        cmocka_unit_test_teardown(shapes_that_turn_out_different_are_broadcast, test_tensors_free),
        cmocka_unit_test_teardown(views_do_not_stand_in_the_way, test_tensors_free),
        cmocka_unit_test_teardown(what_others_need_stays, test_tensors_free),
        cmocka_unit_test_teardown(other_types_stay, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
