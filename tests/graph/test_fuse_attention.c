/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/session_test.h"

#include <math.h>
#include <stdio.h>

/* Runs the model on x [2, 4] with and without fusion; the results may differ by rounding. */
static void check_results(const char *model)
{
    float data[] = {-3, -1.5f, -0.25f, 0, 0.5f, 1, 2.75f, 6};
    float results[2][64];
    size_t bytes[2];
    for (uint32_t k = 0; k < 2; k++) {
        bytes[k] = graph_test_run(model, k != 0, data, results[k], sizeof results[k]);
    }
    assert_int_equal(bytes[0], bytes[1]);
    for (size_t i = 0; i < bytes[0] / sizeof(float); i++) {
        float difference = fabsf(results[0][i] - results[1][i]);
        assert_true(difference <= 2e-6f * fmaxf(1, fabsf(results[1][i])) ||
                    (isnan(results[0][i]) && isnan(results[1][i])));
    }
}

static void check_fused(const char *model, const char *expected)
{
    graph_test_nodes(model, expected);
    check_results(model);
}

#define X "in float x [n, 4]; out float y [n, 4];"

/* h: [1, 2 or n rows, 2 heads, 2] */
#define HEADS                                                                                      \
    "init int64 split [4] = 1, -1, 2, 2; init int64 flat [2] = -1, 4; init float two = 2;"         \
    "init float root = 0.70710677; h = Reshape(x, split);"
#define QKV                                                                                        \
    HEADS "q = Transpose(h) perm=[0, 2, 1, 3]; k = Transpose(h) perm=[0, 2, 3, 1];"                \
          "v = Transpose(h) perm=[0, 2, 1, 3];"
#define MERGE "t = Transpose(o) perm=[0, 2, 1, 3]; y = Reshape(t, flat);"
#define FUSED "Reshape onnxrun.AttentionChain Reshape"

static void attention_by_scores_that_are_scaled(void **state)
{
    (void)state;
    check_fused(X QKV "s = MatMul(q, k); d = Div(s, two); p = Softmax(d); o = MatMul(p, v);" MERGE,
                FUSED);
    check_fused("opset 11;" X QKV "init float b [2, 1, 2] = 0, 1, 2, 3; s = MatMul(q, k);"
                "d = Mul(root, s); m = Add(b, d); p = Softmax(m) axis=3; c = Cast(p) to=1;"
                "e = Cast(c) to=1; o = MatMul(e, v);" MERGE,
                FUSED);
    /* T5: no scale; the output is used as it is */
    check_fused(X QKV "s = MatMul(q, k); p = Softmax(s) axis=3; o = MatMul(p, v);"
                      "n = Neg(o); y = Reshape(n, flat);",
                "Reshape onnxrun.AttentionChain Neg Reshape");
}

static void attention_by_operands_that_are_scaled(void **state)
{
    (void)state;
    check_fused(X QKV "a = Mul(q, root); b = Mul(k, root); s = MatMul(a, b); p = Softmax(s);"
                      "o = MatMul(p, v);" MERGE,
                FUSED);
    check_fused(X HEADS "q = Transpose(h) perm=[0, 2, 1, 3]; a = Div(q, two); b = Mul(q, two);"
                        "k = Transpose(b) perm=[0, 1, 3, 2]; s = MatMul(a, k); p = Softmax(s);"
                        "o = MatMul(p, q);" MERGE,
                FUSED);
}

#define PIECES                                                                                     \
    "init int64 one [1] = 1; init int64 two_ [1] = 2; init int64 three [1] = 3;"                   \
    "init int64 four [1] = 4; init int64 all [1] = -1; init int64 zero [1] = 0;"                   \
    "z = Shape(v); b = Slice(z, zero, two_); r = Slice(z, two_, three); w = Slice(z, three, "      \
    "four);"

static void attention_by_keys_that_are_flattened(void **state)
{
    (void)state;
    const char *rest = "f = Reshape(v, l); g = Transpose(f) perm=[0, 2, 1]; e = Concat(b, w, r) "
                       "axis=0; c = Reshape(g, e); s = MatMul(q, c); p = Softmax(s);"
                       "o = MatMul(p, v);" MERGE;
    char model[2048];
    (void)snprintf(model, sizeof model, "%s%s", X QKV PIECES "l = Concat(all, r, w) axis=0;", rest);
    check_fused(model, FUSED);
    /* rows of which nothing is known */
    (void)snprintf(
        model, sizeof model, "%s%s",
        "in float x [?, 4]; out float y [?, 4];" QKV PIECES "l = Concat(all, r, w) axis=0;", rest);
    check_fused(model, FUSED);
}

static void attention_keeps_what_hidden_queries_give(void **state)
{
    (void)state;
    const char *masks[] = {"init float m [2, 2] = -inf, -inf, 0, -inf;",
                           "init float m [2, 2] = -3.4028235e38, -3.4028235e38, 0, -3.4028235e38;",
                           "init float m [2, 1] = -inf, 0;", "init float m = 1;"};
    char model[2048];
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(model, sizeof model, "%s%s%s", X QKV, masks[i],
                       "s = MatMul(q, k); a = Add(s, m); p = Softmax(a); o = MatMul(p, v);" MERGE);
        check_fused(model, FUSED);
        (void)snprintf(model, sizeof model, "%s%s%s", X QKV "init float zero = 0;", masks[i],
                       "s = MatMul(q, k); a = Add(s, m); p = Softmax(a); i = IsNaN(p);"
                       "g = Where(i, zero, p); o = MatMul(g, v);" MERGE);
        check_fused(model, FUSED);
    }
}

static void attention_broadcasts_as_its_nodes_do(void **state)
{
    (void)state;
    check_fused(X HEADS "init float q [1, 1, 1, 2] = 1, 2; init float b [2, 1] = 1, 2;"
                        "k = Transpose(h) perm=[0, 2, 3, 1]; v = Transpose(h) perm=[0, 2, 1, 3];"
                        "s = MatMul(q, k); a = Add(s, b); p = Softmax(a); o = MatMul(p, v);" MERGE,
                FUSED);
}

static void what_is_no_attention_stays(void **state)
{
    (void)state;
    const char *nodes = "Reshape Transpose Transpose MatMul ";
    static const struct {
        const char *model;
        const char *rest;
    } cases[] = {
        /* another axis */
        {X QKV "s = MatMul(q, k); p = Softmax(s) axis=2; o = MatMul(p, v);" MERGE,
         "Softmax MatMul Transpose Reshape"},
        /* a mask that is scaled too */
        {X QKV "init float b [2] = 1, 2; s = MatMul(q, k); a = Add(s, b); d = Mul(a, two);"
               "p = Softmax(d); o = MatMul(p, v);" MERGE,
         "Add Mul Softmax MatMul Transpose Reshape"},
        /* inner values that are used elsewhere */
        {X QKV "s = MatMul(q, k); p = Softmax(s); o = MatMul(p, v);" MERGE "out float s;",
         "Softmax MatMul Transpose Reshape"},
        {X QKV "s = MatMul(q, k); p = Softmax(s); o = MatMul(p, v);" MERGE "out float p;",
         "Softmax MatMul Transpose Reshape"},
        /* another number in place of NaN */
        {X QKV "s = MatMul(q, k); p = Softmax(s); i = IsNaN(p); g = Where(i, two, p);"
               "o = MatMul(g, v);" MERGE,
         "Softmax IsNaN Where MatMul Transpose Reshape"},
        /* probabilities on the right */
        {X QKV "s = MatMul(q, k); p = Softmax(s); o = MatMul(v, p);" MERGE,
         "Softmax MatMul Transpose Reshape"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[256];
        (void)snprintf(expected, sizeof expected, "%s%s", nodes, cases[i].rest);
        graph_test_nodes(cases[i].model, expected);
    }
    /* keys that are not transposed */
    graph_test_nodes(X HEADS
                     "s = MatMul(h, h); p = Softmax(s); o = MatMul(p, h); y = Reshape(o, flat);",
                     "Reshape MatMul Softmax MatMul Reshape");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(attention_by_scores_that_are_scaled, test_tensors_free),
        cmocka_unit_test_teardown(attention_by_operands_that_are_scaled, test_tensors_free),
        cmocka_unit_test_teardown(attention_by_keys_that_are_flattened, test_tensors_free),
        cmocka_unit_test_teardown(attention_keeps_what_hidden_queries_give, test_tensors_free),
        cmocka_unit_test_teardown(attention_broadcasts_as_its_nodes_do, test_tensors_free),
        cmocka_unit_test_teardown(what_is_no_attention_stays, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
