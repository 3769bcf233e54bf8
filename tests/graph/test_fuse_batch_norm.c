/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/session_test.h"

#include <onnxrun/inspect.h>
#include <string.h>

static void check_fused(const char *model, const char *expected)
{
    graph_test_fused(model, expected, 2e-6f);
}

#define X      "in float x [n, 4]; init int64 s [3] = 1, 2, 4; a = Reshape(x, s);"
#define Y      "out float y [?, ?, ?];"
#define WEIGHT "init float w [3, 2, 2] = 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -2, -3;"
#define PARAMS                                                                                     \
    "init float scale [3] = 1, -2, 0.5; init float bias [3] = 0, 1, 2;"                            \
    "init float mean [3] = 0.5, 1, -3; init float var [3] = 1, 0.25, 4;"
#define NORM "y = BatchNormalization(c, scale, bias, mean, var) epsilon=0.001;"

static void convolution(void **state)
{
    (void)state;
    check_fused(X Y WEIGHT PARAMS "c = Conv(a, w);" NORM, "Reshape Conv");
    check_fused(X Y WEIGHT PARAMS "init float b [3] = 3, 2, 1; c = Conv(a, w, b) pads=[1, 1];" NORM,
                "Reshape Conv");
    check_fused("opset 13;" X Y WEIGHT PARAMS "c = Conv(a, w);" NORM, "Reshape Conv");
    check_fused("opset 6;" X Y WEIGHT PARAMS
                "c = Conv(a, w); y = BatchNormalization(c, scale, bias, mean, var) is_test=1;",
                "Reshape Conv");
}

static void grouped_convolution(void **state)
{
    (void)state;
    check_fused(X Y "init float w [4, 1, 1] = 1, 2, 3, 4; init float p [4] = 1, 2, 0.5, 3;"
                    "c = Conv(a, w) group=2; y = BatchNormalization(c, p, p, p, p);",
                "Reshape Conv");
}

static void transposed_convolution(void **state)
{
    (void)state;
    check_fused(X Y "init float w [2, 3, 2] = 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -2, -3;" PARAMS
                    "c = ConvTranspose(a, w);" NORM,
                "Reshape ConvTranspose");
    check_fused(X Y "init float w [2, 2, 1] = 1, 2, 3, 4; init float p [4] = 1, 2, 0.5, 3;"
                    "c = ConvTranspose(a, w, p) group=2; y = BatchNormalization(c, p, p, p, p);",
                "Reshape ConvTranspose");
}

#define GEMM "in float x [n, 4]; out float y [n, 3];" PARAMS
#define ROWS "init float w [4, 3] = 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -2, -3;"

static void product(void **state)
{
    (void)state;
    check_fused(GEMM ROWS "c = Gemm(x, w);" NORM, "Gemm");
    check_fused(GEMM ROWS "c = Gemm(x, w, mean) alpha=0.5;" NORM, "Gemm");
    check_fused(GEMM "init float w [3, 4] = 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -2, -3;"
                     "c = Gemm(x, w, mean) transB=1;" NORM,
                "Gemm");
    check_fused(GEMM ROWS "c = Gemm(x, w, mean) beta=0.5;" NORM, "Gemm BatchNormalization");
    check_fused(GEMM ROWS "init float f [1] = 2; c = Gemm(x, w, f);" NORM,
                "Gemm BatchNormalization");
}

static void product_without_a_bias(void **state)
{
    (void)state;
    check_fused(GEMM ROWS "c = MatMul(x, w);" NORM, "onnxrun.Linear");
    check_fused(GEMM ROWS "c = MatMul(x, w); d = BatchNormalization(c, scale, bias, mean, var);"
                          "y = Relu(d);",
                "onnxrun.Linear");
    check_fused(X "out float y [?, 3];" PARAMS ROWS
                  "init int64 t [2] = -1, 3; p = MatMul(a, w); c = Reshape(p, t);" NORM,
                "Reshape onnxrun.Linear");
    check_fused(X "out float y [?, 3];" PARAMS ROWS "p = MatMul(a, w); c = Flatten(p) axis=2;" NORM,
                "Reshape onnxrun.Linear Flatten");
    check_fused("opset 7;" GEMM ROWS "c = MatMul(x, w);" NORM, "onnxrun.Linear");
    /* Other views have other channels. */
    check_fused(X "out float y [?, 3];" PARAMS ROWS
                  "init int64 t [2] = -1, 3; m = MatMul(a, w); p = Transpose(m) perm=[0, 2, 1];"
                  "c = Reshape(p, t);" NORM,
                "Reshape MatMul Transpose Reshape BatchNormalization");
    check_fused(X "out float y [?, ?, ?];" PARAMS ROWS "init float q [2] = 1, 2; c = MatMul(a, w);"
                  "y = BatchNormalization(c, q, q, q, q);",
                "Reshape MatMul BatchNormalization");
}

#define TOKENS                                                                                     \
    "in float x [n, 4]; init int64 u [1] = 0; a = Unsqueeze(x, u); out float y [1, n, 3];" PARAMS  \
        ROWS
#define BACK "d = BatchNormalization(c, scale, bias, mean, var); t = Shape(p); e = Reshape(d, t);"

/* What comes behind the rows is of the shape of the product again. */
static void product_of_rows_that_are_taken_back(void **state)
{
    (void)state;
    check_fused(TOKENS "p = MatMul(a, w); c = Flatten(p) axis=2;" BACK "y = HardSwish(e);",
                "Unsqueeze onnxrun.Linear");
    check_fused(TOKENS "p = MatMul(a, w); c = Flatten(p) axis=2;" BACK
                       "r = MatMul(a, w); y = Add(r, e);",
                "Unsqueeze MatMul onnxrun.Linear");
    check_fused(TOKENS "p = MatMul(a, w); init int64 s [2] = -1, 3; c = Reshape(p, s);" BACK
                       "r = MatMul(a, w); y = Add(r, e);",
                "Unsqueeze MatMul onnxrun.Linear");
}

static void what_is_no_constant_stays(void **state)
{
    (void)state;
    const char *model = GEMM ROWS "r = ReduceMax(x) axes=[0, 1] keepdims=0; e = Expand(r, k);"
                                  "init int64 k [1] = 3; c = Gemm(x, w);"
                                  "y = BatchNormalization(c, e, bias, mean, var);";
    check_fused(model, "ReduceMax Expand Gemm BatchNormalization");
    char *text = graph_test_explain(model);
    assert_non_null(strstr(text, "a constant of float32, one number per channel"));
    onnxrun_text_free(text);
    check_fused(GEMM "r = ReduceMax(x) axes=[0, 1] keepdims=0; w = Expand(r, k);"
                     "init int64 k [2] = 4, 3; c = Gemm(x, w);" NORM,
                "ReduceMax Expand Gemm BatchNormalization");
}

static void what_others_need_stays(void **state)
{
    (void)state;
    check_fused(GEMM ROWS "c = Gemm(x, w);"
                          "d = BatchNormalization(c, scale, bias, mean, var); y = Add(c, d);",
                "Gemm BatchNormalization Add");
}

static void training_stays(void **state)
{
    (void)state;
    graph_test_nodes(X Y WEIGHT PARAMS
                     "c = Conv(a, w); y, m, v = BatchNormalization(c, scale, bias, mean, var)"
                     "training_mode=1; out float m [3];",
                     "Reshape Conv BatchNormalization");
}

static void weights_that_would_not_be_finite_stay(void **state)
{
    (void)state;
    check_fused(GEMM ROWS "init float bad [3] = 1, -1, 4; c = Gemm(x, w);"
                          "y = BatchNormalization(c, scale, bias, mean, bad);",
                "Gemm BatchNormalization");
}

static void shared_weights_are_kept_for_others(void **state)
{
    (void)state;
    check_fused(GEMM ROWS "c = Gemm(x, w); d = BatchNormalization(c, scale, bias, mean, var);"
                          "z = Neg(x); e = Gemm(z, w); y = Add(d, e);",
                "Neg Gemm onnxrun.Linear");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(convolution, test_tensors_free),
        cmocka_unit_test_teardown(grouped_convolution, test_tensors_free),
        cmocka_unit_test_teardown(transposed_convolution, test_tensors_free),
        cmocka_unit_test_teardown(product, test_tensors_free),
        cmocka_unit_test_teardown(product_without_a_bias, test_tensors_free),
        cmocka_unit_test_teardown(product_of_rows_that_are_taken_back, test_tensors_free),
        cmocka_unit_test_teardown(what_is_no_constant_stays, test_tensors_free),
        cmocka_unit_test_teardown(what_others_need_stays, test_tensors_free),
        cmocka_unit_test_teardown(training_stays, test_tensors_free),
        cmocka_unit_test_teardown(weights_that_would_not_be_finite_stay, test_tensors_free),
        cmocka_unit_test_teardown(shared_weights_are_kept_for_others, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
