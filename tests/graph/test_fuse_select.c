/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/session_test.h"

#define CHOICE                                                                                     \
    "in float x [n, 4]; init float zero = 0; c = Greater(x, zero); e = Not(c); t = Exp(x);"        \
    "f = Cast(c) to=1; g = Cast(e) to=1; out float y [n, 4];"

static void sums_of_products_with_opposite_flags(void **state)
{
    (void)state;
    graph_test_fused(CHOICE "a = Mul(t, f); b = Mul(x, g); y = Add(a, b);", "Greater Exp Where", 0);
    graph_test_fused(CHOICE "a = Mul(g, x); b = Mul(f, t); y = Add(a, b);", "Greater Exp Where", 0);
    graph_test_fused(CHOICE "r = Not(e); h = Cast(r) to=1; a = Mul(g, x); b = Mul(h, t);"
                            "y = Add(a, b);",
                     "Greater Not Exp Where", 0);
}

static void other_sums_stay(void **state)
{
    (void)state;
    const char *same = CHOICE "a = Mul(t, f); b = Mul(x, f); y = Add(a, b);";
    graph_test_fused(same, "Greater Exp Cast Mul Mul Add", 0);
    graph_test_explains(same, "Not of the other factor's flag");
    /* a product is wanted besides */
    graph_test_fused(CHOICE "a = Mul(t, f); b = Mul(x, g); s = Add(a, b); y = Sub(s, a);",
                     "Greater Not Exp Cast Cast Mul Mul Add Sub", 0);
    /* no flag */
    graph_test_fused(CHOICE "a = Mul(t, f); b = Mul(x, t); y = Add(a, b);",
                     "Greater Exp Cast Mul Mul Add", 0);
}

/* Attention of Keras by tf2onnx: what a mask hides is lowered, and the mask asks scores for their
 * shape. */
#define PRODUCT                                                                                    \
    "in float x [n, 4]; out float y [1, n, 4]; init int64 first [1] = 0; init float low = 3;"      \
    "init int32 one = 1; init int32 rows = -2; init int32 columns = -1; u = Unsqueeze(x, first);"  \
    "k = Neg(u); kt = Transpose(k) perm=[0, 2, 1]; s = MatMul(u, kt);"
#define CAUSAL                                                                                     \
    "z = Shape(s); ones = Expand(one, z); i = CumSum(ones, rows); j = CumSum(ones, columns);"      \
    "seen = GreaterOrEqual(i, j);"
#define SCORES    PRODUCT "lowered = Sub(s, low);" CAUSAL
#define ATTENTION "p = Softmax(a); y = MatMul(p, u);"
#define MASK      "onnxrun.Dims Expand CumSum CumSum GreaterOrEqual"

static void masks_that_lower_scores(void **state)
{
    (void)state;
    graph_test_fused(SCORES "hidden = Not(seen); f = Cast(seen) to=1; g = Cast(hidden) to=1;"
                            "a0 = Mul(s, f); a1 = Mul(g, lowered); a = Add(a0, a1);" ATTENTION,
                     "Unsqueeze Neg " MASK " onnxrun.AttentionChain", 2e-6f);
    graph_test_fused(SCORES "hidden = Not(seen); a = Where(hidden, lowered, s);" ATTENTION,
                     "Unsqueeze Neg " MASK " Not onnxrun.AttentionChain", 2e-6f);
}

static void other_masks_stay(void **state)
{
    (void)state;
    static const char *const kept[] = {
        /* lowered by what is not a constant */
        PRODUCT "t = ReduceMax(x) keepdims=0; lowered = Sub(s, t);" CAUSAL
                "a = Where(seen, s, lowered);" ATTENTION,
        /* lowered by a number of higher rank, which adds a dimension */
        PRODUCT "init float t [1, 1, 1, 1] = 3; lowered = Sub(s, t);" CAUSAL
                "a = Where(seen, s, lowered); p = Softmax(a); r = MatMul(p, u);"
                "y = Squeeze(r, first);",
        /* scores are what is taken away */
        PRODUCT "lowered = Sub(low, s);" CAUSAL "a = Where(seen, s, lowered);" ATTENTION,
        /* the scores are wanted as well */
        SCORES "a = Where(seen, s, lowered); out float s;" ATTENTION,
        /* and so is what is lowered */
        SCORES "a = Where(seen, s, lowered); out float lowered;" ATTENTION,
    };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        graph_test_explains(kept[i], "scores: a product of Q and K', scaled, capped, and with two "
                                     "masks at most");
        graph_test_results(kept[i], 2e-6f);
    }
}

static void shapes_are_asked_of_inputs(void **state)
{
    (void)state;
    graph_test_fused("in float x [n, 4]; out int64 y [3]; init int64 one [1] = 1;"
                     "u = Unsqueeze(x, one); e = Exp(u); z = Shape(e); y = Neg(z);",
                     "onnxrun.Dims Neg", 0);
    /* a dimension that no input has */
    graph_test_fused(
        "in float x [n, 4]; out int64 y [2]; k = NonZero(x); z = Shape(k); y = Neg(z);",
        "NonZero Shape Neg", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_products_with_opposite_flags),
        cmocka_unit_test(other_sums_stay),
        cmocka_unit_test(masks_that_lower_scores),
        cmocka_unit_test(other_masks_stay),
        cmocka_unit_test(shapes_are_asked_of_inputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
