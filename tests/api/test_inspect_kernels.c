/* SPDX-License-Identifier: Apache-2.0 */
/* What ONNXRUN_STAGE_PASSES tells of kernels, on a given instruction set. */
#define _POSIX_C_SOURCE 200809L
#include "kernels/cpu.h"
#include "support/json.h"
#include "support/model_text.h"
#include "support/test.h"

#include <onnxrun/inspect.h>
#include <stdio.h>
#include <stdlib.h>

static const char path[] = "onnxrun_test_inspect_kernels.onnx";

static int remove_model(void **state)
{
    (void)state;
    (void)unsetenv("ONNXRUN_MAX_ISA");
    return remove(path);
}

static char *describe(onnxrun_format format, const onnxrun_dim *dims, size_t dim_count)
{
    char *text = NULL;
    onnxrun_error error;
    if (onnxrun_describe(path, ONNXRUN_STAGE_PASSES, format, dims, dim_count, &text, &error) !=
        ONNXRUN_OK) {
        fail_msg("%s", error.message);
    }
    return text;
}

/* Describes the model with n = N, unless that is 0; parts of the text and of the JSON, which must be one. */
static void check_both(const char *isa, const char *model, int64_t n, const char *text_part,
                       const char *json_part)
{
    onnxrun_dim dim = {"n", n};
    model_text_write(path, model);
    (void)setenv("ONNXRUN_MAX_ISA", isa, 1);
    char *text = describe(ONNXRUN_FORMAT_TEXT, &dim, n > 0);
    char *json = describe(ONNXRUN_FORMAT_JSON, &dim, n > 0);
    assert_contains(text, text_part);
    assert_contains(json, json_part);
    assert_true(json_is_valid(json));
    onnxrun_text_free(text);
    onnxrun_text_free(json);
}

static void check(const char *isa, const char *model, int64_t n, const char *expected)
{
    check_both(isa, model, n, expected, "");
}

#define PRODUCT                                                                                    \
    "in float x [n, 2]; init float w [2, 3] = 1, 2, 3, 4, 5, 6; y = MatMul(x, w);"                 \
    "out float y;"

static void products_are_told(void **state)
{
    (void)state;
    check("scalar", PRODUCT, 7,
          "\nkernels up to scalar, for n = 7\n"
          "  count  operator                    computes in             by\n"
          "      1  MatMul                      float                   "
          "gemm scalar: tiles up to 4 x 8, B packed at load\n");
    check("scalar", "in float x [n, 2]; in float w [2, 9]; y = MatMul(x, w); out float y;", 2,
          "tiles up to 4 x 8, B read in place\n");
    check("scalar", "in float x [n, 2]; in float w [2, 9]; y = MatMul(x, w); out float y;", 9,
          "tiles up to 4 x 8, B copied in pieces\n");
    check("scalar", "in double x [n, 2]; y = MatMul(x, x); out double y;", 2,
          "MatMul                      double                  contract scalar\n");
}

static void few_rows_are_told(void **state)
{
    (void)state;
    if (onr_cpu_isa() < ONR_ISA_AVX2) {
        skip();
    }
    static const char wide[] =
        "in float x [n, 1]; init float w [1, 1] = 1; init int64 s [2] = 1, 96;"
        "v = Expand(w, s); y = MatMul(x, v); out float y;";
    check("avx2", wide, 1, "gemm avx2: 1 row by up to 6 panels of 16 columns, B packed at load\n");
    check("avx2", wide, 2, "gemm avx2: 2 rows by up to 3 panels of 16 columns, B packed at load\n");
    check("avx2", wide, 5, "gemm avx2: tiles up to 6 x 16, B packed at load\n");
    check("avx2", PRODUCT, 1, "gemm avx2: tiles up to 6 x 16, B packed at load\n");
}

static void transposed_operands_are_told(void **state)
{
    (void)state;
    if (onr_cpu_isa() < ONR_ISA_AVX2) {
        skip();
    }
    static const char gemm[] = "in float x [n, 32]; in float w [64, 32];"
                               "y = Gemm(x, w) transB=1; out float y;";
    check("scalar", gemm, 1, "B copied in pieces\n");
    check("avx2", gemm, 3, "B read transposed\n");
    check("avx2", gemm, 4, "B copied in pieces\n");
    if (onr_cpu_isa() >= ONR_ISA_AVX512) {
        check("avx512", gemm, 16, "B read transposed\n");
        check("avx512", gemm, 17, "B copied in pieces\n");
    }
}

static void the_instruction_set_is_that_of_the_function(void **state)
{
    (void)state;
    if (onr_cpu_isa() < ONR_ISA_AVX2) {
        skip();
    }
    check("avx2",
          "in float x [n]; in double z [n]; in int32 i [n]; y = Tanh(x); v = Tanh(z);"
          "w = Neg(i); out float y; out double v; out int32 w;",
          3,
          "      1  Tanh                        float                   unary avx2\n"
          "      1  Tanh                        double                  unary scalar\n"
          "      1  Neg                         int32                   unary scalar\n");
}

static void operators_without_a_kernel_name_none(void **state)
{
    (void)state;
    check("scalar", "in float x [n, 2]; y = Softmax(x); z = Hardmax(x); out float y; out float z;",
          3,
          "      1  Softmax                     float                   softmax scalar\n"
          "      1  Hardmax                     float                   a loop compiled once\n");
    check("scalar",
          "in float x [n, 2]; in int64 t [n]; y = NegativeLogLikelihoodLoss(x, t);"
          "z = SoftmaxCrossEntropyLoss(x, t); out float y; out float z;",
          3,
          "      1  NegativeLogLikelihoodLoss   float, int64            a loop compiled once\n"
          "      1  SoftmaxCrossEntropyLoss     float, int64            softmax scalar\n");
    check("scalar",
          "in float x [1, 1, n, n]; in float g [1, 2, 2, 2]; y = GridSample(x, g);"
          "z = GridSample(x, g) mode='nearest'; out float y; out float z;",
          3,
          "      1  GridSample                  float                   image scalar\n"
          "      1  GridSample                  float                   a loop compiled once\n");
}

static void precision_is_told(void **state)
{
    (void)state;
    check("scalar", "in float16 x [n]; s = Sqrt(x); y = Add(s, s); out float16 y;", 3,
          "      1  Cast                        float16 -> float        convert scalar\n"
          "      1  Sqrt                        float (float16 in the file) unary scalar\n"
          "      1  Add                         float (float16 in the file) binary scalar\n");
    check("scalar", "in float16 x [n, 3]; y = Transpose(x); out float16 y;", 3,
          "Transpose                   float16                 move scalar\n");
    check("scalar", "in uint8 x [n, 2]; in int8 w [2, 3]; y = MatMulInteger(x, w); out int32 y;", 3,
          "MatMulInteger               uint8, int8 -> int32    quant scalar\n");
}

static void nodes_without_kernels_are_counted(void **state)
{
    (void)state;
    check("scalar",
          "in float x [n, 2]; init int64 s [1] = -1; f = Reshape(x, s); z = NonZero(f);"
          "y = Neg(z); out int64 y;",
          3,
          "      1  NonZero                     float -> int64          a loop compiled once\n"
          "      1  are views of what is there, or computed with the plan\n"
          "      1  depend on data and are planned during the run\n");
    check("scalar",
          "in float x [n]; in bool c []; y = If(c) then_branch={t = Neg(x); out float t;}"
          "else_branch={u = Abs(x); v = Neg(u); out float v;}; out float y;",
          3,
          "runs its bodies\n"
          "      3  stand in bodies, which are planned when they run\n");
}

static void dimensions_without_a_name_are_called_by_input_and_axis(void **state)
{
    (void)state;
    onnxrun_dim dims[] = {{"x/1", 5}, {"n", 3}};
    (void)setenv("ONNXRUN_MAX_ISA", "scalar", 1);
    model_text_write(path, "in float x [n, ?, ?, 2]; y = Neg(x); out float y;");
    char *text = describe(ONNXRUN_FORMAT_TEXT, dims, 2);
    assert_contains(text, "\nkernels up to scalar, for n = 3, x/1 = 5, x/2 = 1\n");
    onnxrun_text_free(text);
    text = describe(ONNXRUN_FORMAT_JSON, dims, 2);
    assert_contains(text, "\"dims\": {\"n\": 3, \"x/1\": 5, \"x/2\": 1}");
    onnxrun_text_free(text);
}

static void dimensions_of_defaults_are_told_once(void **state)
{
    (void)state;
    onnxrun_dim dims[] = {{"n", 3}, {"m", 2}};
    (void)setenv("ONNXRUN_MAX_ISA", "scalar", 1);
    model_text_write(path, "in float x [n, n]; in float a [n, m]; init float a [1, 1] = 2;"
                           "y = MatMul(x, a); out float y;");
    char *text = describe(ONNXRUN_FORMAT_TEXT, dims, 2);
    assert_contains(text, "\nkernels up to scalar, for n = 3, m = 2\n");
    onnxrun_text_free(text);
}

static void names_that_no_input_has_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"m", "x", "x/0", "x/3", "x/11", "y/1"};
    model_text_write(path, "in float x [n, ?, ?, 2]; y = Neg(x); out float y;");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        onnxrun_dim dim = {names[i], 5};
        onnxrun_error error;
        char *text, expected[64];
        (void)snprintf(expected, sizeof expected, "no input has a dimension \"%s\"", names[i]);
        assert_int_equal(onnxrun_describe(path, ONNXRUN_STAGE_PASSES, ONNXRUN_FORMAT_TEXT, &dim, 1,
                                          &text, &error),
                         ONNXRUN_ERR_ARGUMENT);
        assert_null(text);
        assert_contains(error.message, expected);
    }
}

static void models_that_cannot_be_planned_are_told(void **state)
{
    (void)state;
    check("scalar", "in float x; y = Neg(x); out float y;", 0,
          "passes: 1 nodes before, 1 after\n"
          "\nkernels are not known: input \"x\" has no declared shape to plan for\n");
}

static void json_tells_each_node(void **state)
{
    (void)state;
    check_both("scalar", PRODUCT, 7, "",
               "\"isa\": \"scalar\", \"dims\": {\"n\": 7},\n \"kernels\": [\n"
               "  {\"node\": \"y\", \"op\": \"MatMul\", \"types\": \"float\", "
               "\"kernel\": \"gemm\", \"isa\": \"scalar\", "
               "\"way\": \"tiles up to 4 x 8, B packed at load\"}]}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_told),
        cmocka_unit_test(few_rows_are_told),
        cmocka_unit_test(transposed_operands_are_told),
        cmocka_unit_test(the_instruction_set_is_that_of_the_function),
        cmocka_unit_test(operators_without_a_kernel_name_none),
        cmocka_unit_test(precision_is_told),
        cmocka_unit_test(nodes_without_kernels_are_counted),
        cmocka_unit_test(dimensions_without_a_name_are_called_by_input_and_axis),
        cmocka_unit_test(dimensions_of_defaults_are_told_once),
        cmocka_unit_test(names_that_no_input_has_are_refused),
        cmocka_unit_test(models_that_cannot_be_planned_are_told),
        cmocka_unit_test(json_tells_each_node),
    };
    return cmocka_run_group_tests(tests, NULL, remove_model);
}
