/* SPDX-License-Identifier: Apache-2.0 */
/* Attention by products of rank 3 around scores that are masked with batches and heads apart. */
#include "support/graph_test.h"
#include "support/session_test.h"

#include <onnxrun/inspect.h>
#include <stdio.h>
#include <string.h>

/* u: [batch, 2 rows, 8]; in h: [batch, 2 rows, 4 heads, 2] */
#define HIDDEN                                                                                     \
    "in float x [n, 4]; out float y [n, 16]; init float root = 0.7; init float big = 2;"           \
    "init int64 one [1] = 1; init int64 two [1] = 2; init int64 four [1] = 4;"                     \
    "init int64 eight [1] = 8; init int64 all [1] = -1; init int64 flat [2] = -1, 16;"             \
    "x0 = Neg(x); x1 = Mul(x, root); x2 = Add(x, big); g = Concat(x, x0, x1, x2) axis=1;"          \
    "b = Shape(x) end=1; m = Mul(b, four); apart = Concat(b, two, four, two) axis=0;"              \
    "h = Reshape(g, apart);"
/* products of BART in transformers 4; BLOOM and DeBERTa have Softmax first */
#define PRODUCT                                                                                    \
    "one_axis = Concat(m, all, two) axis=0; scores = Concat(b, four, two, two) axis=0;"            \
    "joined = Concat(m, two, two) axis=0; q4 = Transpose(h) perm=[0, 2, 1, 3];"                    \
    "q = Reshape(q4, one_axis); kt = Transpose(q) perm=[0, 2, 1]; s = MatMul(q, kt);"
#define RESULT                                                                                     \
    "o = MatMul(r, q); o4 = Reshape(o, scores); t = Transpose(o4) perm=[0, 2, 1, 3];"              \
    "y = Reshape(t, flat);"
#define SCORES4 "s4 = Reshape(s, scores);"
#define LATE    "p3 = Reshape(a, joined); r = Softmax(p3);" RESULT
#define EARLY   "p = Softmax(a); r = Reshape(p, joined);" RESULT
#define EXPECTED                                                                                   \
    "expected  batches and heads: apart as they were before they became one axis, the same for "   \
    "scores, operands and result, and needed for these alone"
#define FUSED "Neg Mul Add Concat Reshape onnxrun.AttentionChain Reshape"

static void check_fused(const char *model)
{
    graph_test_fused(model, FUSED, 2e-6f);
}

static void attention_of_products_of_rank_3(void **state)
{
    (void)state;
    check_fused(HIDDEN PRODUCT "r = Softmax(s);" RESULT);
    check_fused(HIDDEN PRODUCT "d = Div(s, big); r = Softmax(d);" RESULT);
    check_fused(HIDDEN PRODUCT "init float c [8, 1, 2] = 0, 1, 2, 3, 4, 5, 6, 7, 0, -1, -2, -3, -4,"
                               "-5, -6, -inf; a = Add(s, c); r = Softmax(a);" RESULT);
    /* a batch that is known, and rows that are not */
    graph_test_fused(
        "in float x [n, 4]; out float y [1, ?, 16]; init float root = 0.7; init float big = 2;"
        "init int64 four [1] = 4; init int64 one [1] = 1; init int64 apart [4] = 1, -1, 4, 4;"
        "init int64 l3 [3] = 4, -1, 4; init int64 l4 [4] = 1, 4, -1, 4;"
        "init int64 flat [3] = 1, -1, 16; x0 = Neg(x); x1 = Mul(x, root); x2 = Add(x, big);"
        "g = Concat(x, x0, x1, x2) axis=1; h = Reshape(g, apart);"
        "q4 = Transpose(h) perm=[0, 2, 1, 3]; q = Reshape(q4, l3);"
        "kt = Transpose(q) perm=[0, 2, 1]; s = MatMul(q, kt); r = Softmax(s); o = MatMul(r, q);"
        "o4 = Reshape(o, l4); t = Transpose(o4) perm=[0, 2, 1, 3]; y = Reshape(t, flat);",
        "Neg Mul Add Concat Reshape onnxrun.AttentionChain Reshape", 2e-6f);
}

static void masks_on_heads_that_are_apart(void **state)
{
    (void)state;
    static const char *const masks[] = {
        "init float c [2, 1, 1, 2] = 0, -inf, 0, 0;",
        "init float c [1, 1, 2, 2] = 0, -3.4028235e38, 0, 0;",
        "init float c [4, 1, 2] = 0, 1, 2, 3, 4, 5, 6, 7;",
        "init float c [2, 1, 2, 2] = -inf, -inf, 0, 0, 0, -inf, -inf, 0;",
        "init float c [2, 1, 1, 2] = -3.4028235e38, -3.4028235e38, 0, -3.4028235e38;",
        "init float c = 3;",
    };
    char model[4096];
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        (void)snprintf(model, sizeof model, "%s%s%s", HIDDEN PRODUCT SCORES4, masks[i],
                       "a = Add(s4, c);" LATE);
        check_fused(model);
        (void)snprintf(model, sizeof model, "%s%s%s", HIDDEN PRODUCT SCORES4, masks[i],
                       "a = Add(c, s4);" EARLY);
        check_fused(model);
    }
    /* DeBERTa: flags; what they hide is known to be 0 where all is */
    check_fused(HIDDEN PRODUCT SCORES4
                "init bool c [2, 1, 1, 2] = true, true, false, true; init float f = -1e9;"
                "a = Where(c, f, s4);" EARLY);
    check_fused(HIDDEN PRODUCT SCORES4
                "init float c [2, 1, 1, 2] = -inf, -inf, 0, -inf; init float zero = 0;"
                "a = Add(s4, c); p = Softmax(a); i = IsNaN(p); w = Where(i, zero, p);"
                "r = Reshape(w, joined);" RESULT);
}

static void masks_on_heads_in_one_axis(void **state)
{
    (void)state;
    static const char *const masks[] = {
        "init float c [8, 1, 2] = 0, 1, 2, 3, 4, 5, 6, 7, 0, -1, -2, -3, -4, -5, -6, -inf;",
        "init float c [1, 2, 2] = 1, 2, 3, -inf;",
        "init float c [8, 2, 1] = 0, 1, 2, 3, 4, 5, 6, 7, 0, -1, -2, -3, -4, -5, -6, -inf;",
        "init float c [2] = 1, 2;",
    };
    char model[4096];
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(model, sizeof model, "%s%s%s", HIDDEN PRODUCT, masks[i],
                       "init float d [2, 1, 1, 2] = 0, -inf, 0, 0; e = Mul(s, root);"
                       "s3 = Add(e, c); s4 = Reshape(s3, scores); a = Add(s4, d);" EARLY);
        check_fused(model);
    }
}

/* DeBERTa by TorchScript: lists of dimensions that are read off the value they are for. */
#define SIZE(v, name, from, to)                                                                    \
    name "_z = Shape(" v ") start=" from " end=" to "; " name "_e = Squeeze(" name "_z);" name     \
         " = Unsqueeze(" name "_e, zero_axis);"
#define SIZES                                                                                      \
    "init int64 zero_axis [1] = 0; init float c [2, 1, 1, 2] = 0, -inf, 0, 0;" SIZE("s", "rows",   \
                                                                                    "1", "2")      \
        SIZE("s", "keys", "2", "3") "l4 = Concat(all, four, rows, keys) axis=0;"                   \
                                    "s4 = Reshape(s, l4); a = Add(s4, c); p = Softmax(a);"         \
                                    "pz = Shape(p);"                                               \
                                    "init int64 i2 [1] = -2; init int64 i3 [1] = -1;"              \
                                    "init int64 past [1] = 9; p2 = Slice(pz, i2, i3);"             \
                                    "p1 = Slice(pz, i3, past);"                                    \
                                    "l3 = Concat(all, p2, p1) axis=0; r = Reshape(p, l3);"

static void dimensions_that_are_read_off_the_scores(void **state)
{
    (void)state;
    check_fused(HIDDEN PRODUCT SIZES RESULT);
    /* something else wants them too */
    static const char *const model = HIDDEN PRODUCT SIZES RESULT "out int64 pz;";
    char *text = graph_test_text(model);
    assert_non_null(strstr(text, "Softmax"));
    onnxrun_text_free(text);
    graph_test_explains(model, EXPECTED);
    graph_test_results(model, 2e-6f);
}

/* BLOOM by TorchScript: the shape of a product, which the result has as well. */
static void dimensions_that_are_read_off_the_result(void **state)
{
    (void)state;
    static const char *const model =
        HIDDEN PRODUCT SCORES4 "init float c [2, 1, 1, 2] = 0, -inf, 0, 0; a = Add(s4, c);"
                               "p = Softmax(a); r = Reshape(p, joined); o = MatMul(r, q);"
                               "init int64 i0 [1] = 0; init int64 i1 [1] = 1; oz = Shape(o);"
                               "om = Gather(oz, i0); ob = Div(om, four); rows = Gather(oz, i1);"
                               "l4 = Concat(ob, four, rows, two) axis=0; o4 = Reshape(o, l4);"
                               "t = Transpose(o4) perm=[0, 2, 1, 3];"
                               "l3 = Concat(ob, rows, eight) axis=0; y3 = Reshape(t, l3);"
                               "y = Reshape(y3, flat);";
    check_fused(model);
}

/* MultiHeadAttention of Keras by tf2onnx: axes of extent 1, and lists of products and maxima. */
#define KERAS_OPERAND(name, axis, perm)                                                            \
    "init int64 " name "_a [1] = " axis "; " name "_u = Unsqueeze(h, " name "_a);" name            \
    "_t = Transpose(" name "_u) perm=[" perm "]; " name "_z = Shape(" name "_t);" name             \
    "_l = Gather(" name "_z, i01); " name "_p = ReduceProd(" name "_l);"
#define KERAS                                                                                      \
    "init int64 i01 [2] = 0, 1; init int64 i2 [1] = 2; init int64 i3 [1] = 3; init int64 i4 [1] "  \
    "= 4;" KERAS_OPERAND("q", "3", "0, 2, 1, 3, 4") KERAS_OPERAND("k", "1", "0, 3, 1, 2, 4")       \
        KERAS_OPERAND(                                                                             \
            "v", "2",                                                                              \
            "0, 3, 2, 4, 1") "q_s = Concat(q_p, all, two) axis=0; q3 = Reshape(q_t, q_s);"         \
                             "k_s = Concat(k_p, all, two) axis=0; k3 = Reshape(k_t, k_s);"         \
                             "v_k = Gather(v_z, i4); v_s = Concat(v_p, all, v_k) axis=0; v3 = "    \
                             "Reshape(v_t, v_s);"                                                  \
                             "kt = Transpose(k3) perm=[0, 2, 1]; s = MatMul(q3, kt); lead = "      \
                             "Max(q_l, k_l);"                                                      \
                             "sq = Gather(q_z, i2); sk = Gather(k_z, i3);"                         \
                             "s_s = Concat(lead, sq, sk, one) axis=0; s5 = Reshape(s, s_s); s4 = " \
                             "Squeeze(s5, i4);"                                                    \
                             "d = Mul(s4, root);"
#define KERAS_RESULT                                                                               \
    "p = Softmax(a); p_u = Unsqueeze(p, i3); p_z = Shape(p_u); p_l = Gather(p_z, i01);"            \
    "p_p = ReduceProd(p_l); p_k = Gather(p_z, i4); p_s = Concat(p_p, all, p_k) axis=0;"            \
    "r = Reshape(p_u, p_s); vt = Transpose(v3) perm=[0, 2, 1]; o = MatMul(r, vt);"                 \
    "lead2 = Max(p_l, v_l); o_q = Gather(p_z, i2); o_h = Gather(v_z, i3);"                         \
    "o_s = Concat(lead2, o_q, o_h, one) axis=0; o5 = Reshape(o, o_s); o4 = Squeeze(o5, i4);"       \
    "t = Transpose(o4) perm=[0, 2, 1, 3]; y = Reshape(t, flat);"

static void axes_of_extent_1(void **state)
{
    (void)state;
    check_fused(HIDDEN KERAS
                "init float c [2, 1, 1, 2] = 0, -1e9, -1e9, -1e9; a = Add(d, c);" KERAS_RESULT);
    /* the batch has no name */
    graph_test_fused("in float x [?, 4]; out float y [?, 8]; init float root = 0.7;"
                     "init int64 one [1] = 1; init int64 two [1] = 2; init int64 all [1] = -1;"
                     "init int64 flat [2] = -1, 8; init int64 apart [4] = -1, 2, 2, 2;"
                     "x0 = Neg(x); g = Concat(x, x0) axis=1; h = Reshape(g, apart);" KERAS
                     "a = Mul(d, root);" KERAS_RESULT,
                     "Neg Concat Reshape onnxrun.AttentionChain Reshape", 2e-6f);
    /* the scores are wanted too */
    graph_test_explains(HIDDEN KERAS "a = Mul(d, root); out float s;" KERAS_RESULT, EXPECTED);
    /* a shape in it is, which inputs have as well */
    graph_test_explains(HIDDEN KERAS "a = Mul(d, root); out int64 p_l;" KERAS_RESULT,
                        "fuse_attention          1 fused");
}

/* as in the encoder of SAM by the dynamo exporter: batches and heads come in one axis, and keys are
 * transposed in one */
static void heads_that_are_taken_apart_before_keys_are_transposed(void **state)
{
    (void)state;
    graph_test_fused("in float x [n, 4]; out float y; init float two = 2; init int64 i0 [1] = 0;"
                     "init int64 i1 [1] = 1; init int64 one [4] = 1, -1, 2, 4;"
                     "init int64 apart [4] = -1, 2, 2, 4; init int64 flat [3] = -1, 2, 4;"
                     "init int64 rest [3] = 2, 4, 2; x1 = Mul(x, two); x2 = Neg(x);"
                     "x3 = Add(x, two); g = Concat(x, x1, x2, x3) axis=1; u = Reshape(g, one);"
                     "z = Exp(u); q = Reshape(z, apart);"
                     "d = Shape(q); b = Slice(d, i0, i1); list = Concat(b, rest) axis=0;"
                     "k3 = Reshape(q, flat); t = Transpose(k3) perm=[0, 2, 1];"
                     "k = Reshape(t, list); s = MatMul(q, k); p = Softmax(s); y = MatMul(p, q);",
                     "Mul Neg Add Concat Reshape Exp Reshape onnxrun.AttentionChain", 2e-6f);
}

static void regroups_of_another_kind_stay(void **state)
{
    (void)state;
    static const char *const kept[] = {
        /* two heads of four rows */
        HIDDEN PRODUCT "mixed = Concat(b, two, four, two) axis=0; s4 = Reshape(s, mixed);"
                       "init float c [4, 1] = 0, 1, 2, 3; a = Add(s4, c);" EARLY,
        /* heads before batches */
        HIDDEN PRODUCT "mixed = Concat(four, b, two, two) axis=0; s4 = Reshape(s, mixed);"
                       "init float c [4, 1, 1, 1] = 0, 1, 2, 3; a = Add(s4, c);" EARLY,
        /* rows of probabilities in another order */
        HIDDEN PRODUCT SCORES4 "init float c [4, 1, 2] = 0, 1, 2, 3, 4, 5, 6, 7; a = Add(s4, c);"
                               "p = Softmax(a); p4 = Transpose(p) perm=[1, 0, 2, 3];"
                               "r = Reshape(p4, joined);" RESULT,
        /* the result is not taken apart */
        HIDDEN PRODUCT SCORES4 "init float c [2] = 0, 1; a = Add(s4, c); p = Softmax(a);"
                               "r = Reshape(p, joined); o = MatMul(r, q); y = Reshape(o, flat);",
    };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        char *text = graph_test_text(kept[i]);
        assert_non_null(strstr(text, "Softmax"));
        onnxrun_text_free(text);
        graph_test_results(kept[i], 2e-6f);
        if (i != 2) {
            graph_test_explains(kept[i], EXPECTED);
        }
    }
}

/* z: [1, rows, heads], the rows of h, not its heads, though these are the last but one dimension of h. */
static void rows_of_a_matrix_by_a_vector_are_not_taken_for_heads(void **state)
{
    (void)state;
    graph_test_results(
        "in float x [n, 4]; out float y [?, 16]; init float root = 0.7; init float big = 2;"
        "init int64 apart [4] = 1, -1, 4, 4; init int64 l3 [3] = 4, -1, 4;"
        "init int64 one [1] = 1; init int64 all [1] = -1; init int64 four [1] = 4;"
        "init int64 flat [2] = -1, 16; init float v [4] = 1, 2, 3, 4;"
        "x0 = Neg(x); x1 = Mul(x, root); x2 = Add(x, big); g = Concat(x, x0, x1, x2) axis=1;"
        "h = Reshape(g, apart); z = MatMul(h, v); rows = Shape(z) start=1 end=2;"
        "l4 = Concat(one, rows, all, four) axis=0; q4 = Transpose(h) perm=[0, 2, 1, 3];"
        "q = Reshape(q4, l3); kt = Transpose(q) perm=[0, 2, 1]; s = MatMul(q, kt);"
        "r = Softmax(s); o = MatMul(r, q); o4 = Reshape(o, l4);"
        "t = Transpose(o4) perm=[0, 2, 1, 3]; y = Reshape(t, flat);",
        2e-6f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(attention_of_products_of_rank_3, test_tensors_free),
        cmocka_unit_test_teardown(masks_on_heads_that_are_apart, test_tensors_free),
        cmocka_unit_test_teardown(masks_on_heads_in_one_axis, test_tensors_free),
        cmocka_unit_test_teardown(dimensions_that_are_read_off_the_scores, test_tensors_free),
        cmocka_unit_test_teardown(dimensions_that_are_read_off_the_result, test_tensors_free),
        cmocka_unit_test_teardown(axes_of_extent_1, test_tensors_free),
        cmocka_unit_test_teardown(heads_that_are_taken_apart_before_keys_are_transposed,
                                  test_tensors_free),
        cmocka_unit_test_teardown(regroups_of_another_kind_stay, test_tensors_free),
        cmocka_unit_test_teardown(rows_of_a_matrix_by_a_vector_are_not_taken_for_heads,
                                  test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
