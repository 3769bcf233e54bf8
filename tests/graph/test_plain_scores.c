/* SPDX-License-Identifier: Apache-2.0 */
/* Scores that are scaled behind their mask, masked twice, scaled by numbers for each head, chosen by
 * numbers, or limited to what a float can hold. */
#include "support/graph_test.h"
#include "support/session_test.h"

#include <math.h>
#include <stdio.h>

/* h: [n, 2 heads, 4 rows, 2]; s: [n, 2, 4, 4] */
#define SCORES                                                                                     \
    "in float x [n, 4]; out float y; init float two = 2; init float zero = 0;"                     \
    "init float low = -3.4028235e38; init int64 apart [4] = -1, 4, 2, 2; x0 = Neg(x);"             \
    "x1 = Mul(x, two); x2 = Add(x, two); g = Concat(x, x0, x1, x2) axis=1; h = Reshape(g, apart);" \
    "q = Transpose(h) perm=[0, 2, 1, 3]; k = Transpose(h) perm=[0, 2, 3, 1];"
#define PRODUCT "s = MatMul(q, k);"
#define RESULT  "p = Softmax(a); y = MatMul(p, q);"
#define HEADS   "Neg Mul Add Concat Reshape "
#define CHAIN   "onnxrun.AttentionChain"

static void check(const char *middle, const char *nodes)
{
    char model[2048];
    char expected[256];
    (void)snprintf(model, sizeof model, SCORES "%s" RESULT, middle);
    (void)snprintf(expected, sizeof expected, HEADS "%s", nodes);
    graph_test_fused(model, expected, 2e-6f);
}

static void check_kept(const char *before, const char *middle)
{
    char model[2048];
    (void)snprintf(model, sizeof model, SCORES "%s%s" RESULT, before, middle);
    graph_test_explains(model, "scores: a product of Q and K', scaled, capped, and with two "
                               "masks at most");
    graph_test_results(model, 2e-6f);
}

/* as in CodeGen */
static void scores_that_are_scaled_behind_their_mask(void **state)
{
    (void)state;
    check("r = ReduceMax(q) axes=[3] keepdims=0; f = Greater(r, zero);"
          "init int64 three [1] = 2; f4 = Unsqueeze(f, three); m = Where(f4, zero, low);" PRODUCT
          "b = Add(s, m); a = Div(b, two);",
          "Transpose ReduceMax Greater Unsqueeze Where " CHAIN);
    /* the mask becomes smaller, or -inf, than what the float can hold: it is scaled as well */
    check("r = ReduceMax(q) axes=[3] keepdims=1; f = Greater(r, zero); m = Where(f, zero, low);"
          "kt = Transpose(m) perm=[0, 1, 3, 2];" PRODUCT "b = Add(kt, s); a = Mul(two, b);",
          "Transpose ReduceMax Greater Where Transpose Mul " CHAIN);
    check("r = ReduceMax(x) keepdims=0;" PRODUCT "b = Add(s, r); a = Div(b, two);",
          "ReduceMax Div " CHAIN);
    check("init float m [2, 1, 4] = 0, -1, 2, 3, -inf, 0, 0, 1;" PRODUCT
          "b = Add(m, s); a = Div(b, two);",
          CHAIN);
}

static void rows_that_are_masked_whole_keep_their_mean(void **state)
{
    (void)state;
    const float x[8] = {1, -2, 3, -4, 5, -6, 7, -8};
    static const char *const factors[] = {"a = Div(b, two);", "a = Mul(b, half);"};
    for (size_t i = 0; i < 2; i++) {
        char model[2048];
        float y[2][32];
        (void)snprintf(model, sizeof model,
                       SCORES "init float half = 0.5; init float big = 100;"
                              "r = ReduceMax(q) axes=[3] keepdims=1; f = Greater(r, big);"
                              "m = Where(f, zero, low);" PRODUCT "b = Add(s, m); %s" RESULT,
                       factors[i]);
        assert_int_equal(graph_test_run(model, false, x, y[0], sizeof y[0]), sizeof y[0]);
        assert_int_equal(graph_test_run(model, true, x, y[1], sizeof y[1]), sizeof y[1]);
        for (size_t e = 0; e < 32; e++) {
            assert_true(y[0][e] == y[1][e]);
        }
    }
}

static void masks_of_one_shape_are_one(void **state)
{
    (void)state;
    check("init float m [2, 1, 4] = 0, -1, 2, 3, -inf, 0, 0, 1; init float m2 [2, 1, 4] = 7, 1, 0, "
          "2, 4, 3, 0, 9;"
          "init float m3 [4, 1] = 0, 5, 6, 7;" PRODUCT
          "b = Add(s, m); c = Add(m2, b); a = Add(c, m3);",
          CHAIN);
}

/* as in Swin of version 2 */
static void masks_of_windows_are_one(void **state)
{
    (void)state;
    check("init int64 l5 [5] = -1, 1, 2, 4, 4; init int64 l4 [4] = -1, 2, 4, 4;"
          "init float e [2, 4, 1] = 1, 2, 3, 4, 5, 6, 7, 8; init float t [2, 1, 1] = 3, 4;"
          "init float m [1, 1, 1, 4, 4] = 0, -100, 0, 0, 0, 0, 0, 0, -100, 0, 0, 0, 0, 0, 0, "
          "0;" PRODUCT "d = Mul(s, t); b = Add(d, e); s5 = Reshape(b, l5); c5 = Add(s5, m);"
          "d5 = Add(c5, m); a = Reshape(d5, l4);",
          "Transpose Mul " CHAIN);
}

static void factors_of_heads_go_to_queries(void **state)
{
    (void)state;
    check("init float t [2, 1, 1] = 3, 4;" PRODUCT "a = Mul(t, s);", "Transpose Mul " CHAIN);
    check("init float t [1, 2, 4, 1] = 1, 2, 3, 4, 5, 6, 7, 8;" PRODUCT
          "b = Mul(s, t); init float m [4] = 0, 0, -inf, 0; a = Add(b, m);",
          "Transpose Mul " CHAIN);
}

/* as in GPT-1: flags as numbers, a part of a constant */
#define FLAGS                                                                                      \
    "init float b6 [6, 4] = 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, " \
    "1;"                                                                                           \
    "init int64 i0 [1] = 0; init float one = 1; init float fill = -10000; z = Shape(x);"           \
    "n1 = Gather(z, i0); end = Add(n1, n1); b = Slice(b6, i0, end, i0); c = Sub(one, b);"

static void numbers_that_choose_scores(void **state)
{
    (void)state;
    check(FLAGS "e = Mul(c, fill);" PRODUCT "d = Mul(s, b); a = Add(d, e);",
          "Shape Gather Add Slice Cast " CHAIN);
    check(FLAGS "e = Mul(fill, c); init float m [4] = 0, 0, 5, 0;" PRODUCT
                "t = Div(s, two); d = Mul(b, t); f = Add(e, d); a = Add(f, m);",
          "Shape Gather Add Slice Cast " CHAIN);
}

/* Names of different length move what follows them in the file. */
static void large_tables_of_flags_need_not_be_aligned(void **state)
{
    (void)state;
    static const char *const names[] = {"t", "tt", "ttt", "tttt"};
    char model[2048];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(model, sizeof model,
                       SCORES "init float %s [5000, 4] = 1, 1, 0, 1, 0, ...; init int64 i0 [1] = 0;"
                              "init float one = 1; init float fill = -10000; z = Shape(x);"
                              "n1 = Gather(z, i0); end = Add(n1, n1); b = Slice(%s, i0, end, i0);"
                              "c = Sub(one, b); e = Mul(c, fill);" PRODUCT
                              "d = Mul(s, b); a = Add(d, e);" RESULT,
                       names[i], names[i]);
        graph_test_fused(model, HEADS "Shape Gather Add Slice Cast " CHAIN, 2e-6f);
    }
}

/* as in XGLM, and in OPT of transformers 4 */
static void scores_that_are_not_below_the_lowest_number(void **state)
{
    (void)state;
    check("init float m [2, 1, 4] = 0, -1, -3.4028235e38, 2, -inf, 0, 0, 1;" PRODUCT
          "b = Add(s, m); a = Max(b, low);",
          CHAIN);
    check("r = ReduceMax(q) axes=[3] keepdims=1; l = Log(r); m = Transpose(l) perm=[0, 1, 3, 2];"
          "init float half = 0.5;" PRODUCT "t = Mul(s, half); b = Add(m, t); a = Max(low, b);",
          "Transpose ReduceMax Log Transpose Max " CHAIN);
}

static void rows_that_are_masked_by_infinity_get_the_mean(void **state)
{
    (void)state;
    const float x[8] = {1, -2, 3, -4, 5, -6, 7, -8};
    const char *model = SCORES "init float m [4, 1] = 0, -inf, -3.4028235e38, -1;" PRODUCT
                               "b = Add(s, m); a = Max(b, low);" RESULT;
    float y[2][32];
    assert_int_equal(graph_test_run(model, false, x, y[0], sizeof y[0]), sizeof y[0]);
    assert_int_equal(graph_test_run(model, true, x, y[1], sizeof y[1]), sizeof y[1]);
    for (size_t e = 0; e < 32; e++) {
        assert_true(fabsf(y[0][e] - y[1][e]) <= 2e-6f * fabsf(y[0][e]));
    }
}

static void other_limits_of_scores_stay(void **state)
{
    (void)state;
    static const char *const kept[] = {
        /* a number that scores may be below */
        "init float l = -1e30; init float m [4] = 0, -2e30, 0, 1;" PRODUCT
        "b = Add(s, m); a = Max(b, l);",
        /* the lowest number twice is -inf, which is raised */
        "init float m [4] = -3.4028235e38, 0, 0, 0;"
        "init float m2 [4, 1] = -3.4028235e38, 0, 0, 0;" PRODUCT
        "b = Add(s, m); c = Add(b, m2); a = Max(c, low);",
        /* the same behind a factor, and by a choice */
        "init float m [4] = -3.4028235e38, 0, 0, 0; init float one = 1;"
        "init float m2 [4, 1] = -3.4028235e38, 0, 0, 0;" PRODUCT
        "b = Add(s, m); d = Mul(b, one); c = Add(d, m2); a = Max(c, low);",
        "r = ReduceMax(q) axes=[3] keepdims=1; f = Greater(r, zero);"
        "init float m2 [4, 1] = -3.4028235e38, 0, 0, 0;" PRODUCT
        "b = Where(f, s, low); c = Add(b, m2); a = Max(c, low);",
        /* three operands */
        "init float m [4] = 0, -1, 0, 1; init float two0 = 2;" PRODUCT
        "b = Add(s, m); a = Max(b, low, two0);",
        /* the sum is needed */
        "init float m [4] = 0, -1, 0, 1; out float b;" PRODUCT "b = Add(s, m); a = Max(b, low);",
    };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        check_kept("", kept[i]);
    }
}

static void other_sums_of_products_stay(void **state)
{
    (void)state;
    static const char *const kept[] = {
        /* no flags */
        "init float h2 [4, 4] = 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1; v = Mul(b, h2);"
        "c2 = Sub(one, v); e = Mul(c2, fill);" PRODUCT "d = Mul(s, v); a = Add(d, e);",
        /* other flags */
        "e = Mul(c, fill); b2 = Slice(b6, i0, end, i0); v = Mul(b2, two);" PRODUCT
        "d = Mul(s, v); a = Add(d, e);",
        /* not the rest of 1 */
        "c2 = Sub(two, b); e = Mul(c2, fill);" PRODUCT "d = Mul(s, b); a = Add(d, e);",
    };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        check_kept(FLAGS, kept[i]);
    }
}

static void other_factors_stay(void **state)
{
    (void)state;
    static const char *const kept[] = {
        /* a number for each key */
        "init float t [2, 1, 4] = 1, 2, 3, 4, 5, 6, 7, 8;" PRODUCT "a = Mul(t, s);",
        /* no constant */
        "t = ReduceMax(q) axes=[0, 2, 3] keepdims=1;" PRODUCT "a = Mul(s, t);",
        /* scores are needed */
        "init float t [2, 1, 1] = 3, 4; out float s;" PRODUCT "a = Mul(t, s);",
    };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        check_kept("", kept[i]);
    }
    /* scores with fewer columns than the queries */
    graph_test_fused("in float x [n, 4]; out float y; init int64 two [4] = -1, 2, 1, 4;"
                     "init float t [2, 1, 1] = 3, 4; q = Reshape(x, two);"
                     "k = Transpose(q) perm=[0, 1, 3, 2]; s = MatMul(q, k); a = Mul(s, t);"
                     "y = Softmax(a);",
                     "Reshape onnxrun.Linear Mul Softmax", 2e-6f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(scores_that_are_scaled_behind_their_mask, test_tensors_free),
        cmocka_unit_test_teardown(rows_that_are_masked_whole_keep_their_mean, test_tensors_free),
        cmocka_unit_test_teardown(masks_of_one_shape_are_one, test_tensors_free),
        cmocka_unit_test_teardown(masks_of_windows_are_one, test_tensors_free),
        cmocka_unit_test_teardown(factors_of_heads_go_to_queries, test_tensors_free),
        cmocka_unit_test_teardown(numbers_that_choose_scores, test_tensors_free),
        cmocka_unit_test_teardown(large_tables_of_flags_need_not_be_aligned, test_tensors_free),
        cmocka_unit_test_teardown(scores_that_are_not_below_the_lowest_number, test_tensors_free),
        cmocka_unit_test_teardown(rows_that_are_masked_by_infinity_get_the_mean, test_tensors_free),
        cmocka_unit_test_teardown(other_limits_of_scores_stay, test_tensors_free),
        cmocka_unit_test_teardown(other_sums_of_products_stay, test_tensors_free),
        cmocka_unit_test_teardown(other_factors_stay, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
