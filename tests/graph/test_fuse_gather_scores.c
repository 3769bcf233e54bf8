/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/session_test.h"

/* Four queries q of two heads, with embeddings of three positions for each head, and which of them
 * two keys have. */
#define HEAD                                                                                       \
    "in float x [n, 4]; init int64 rows [3] = -1, 1, 2; q = Reshape(x, rows); s = Shape(q);"       \
    "init int64 first [1] = 0; init int64 one [1] = 1; init int64 two [1] = 2;"                    \
    "init int64 i [1, 1, 2] = 2, 0; init float p [2, 3, 2] = 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, 0.5, " \
    "3;"
#define HALF    "b = Gather(s, first); h = Div(b, two);"
#define REPEATS HALF "r = Concat(h, one, one) axis=0;"
#define WIDER   "e = Concat(b, one, two) axis=0; x2 = Expand(i, e);"
#define TILED   "t = Tile(p, r); u = Transpose(t) perm=[0, 2, 1];"
#define Y       "out float y [m, 1, 2];"
#define LISTS   "Reshape Shape Gather Div Concat Concat "

static void check_fused(const char *model, const char *expected)
{
    graph_test_fused(model, expected, 1e-6f);
}

static void scores_that_are_looked_up(void **state)
{
    (void)state;
    check_fused(HEAD REPEATS WIDER TILED Y "z = MatMul(q, u); y = GatherElements(z, x2) axis=2;",
                LISTS "onnxrun.GatherScores");
    check_fused(HEAD REPEATS WIDER TILED Y "z = MatMul(q, u); y = GatherElements(z, x2) axis=-1;",
                LISTS "onnxrun.GatherScores");
    /* columns are embeddings; as many queries as heads; indices that are not expanded */
    check_fused("in float x [2, 4]; init int64 two [3] = 2, 2, 2; q = Reshape(x, two); m = Abs(q);"
                "init int64 i [2, 2, 1] = 2, 0, 1, 2; j = Identity(i); out float y [2, 2, 1];"
                "init float p [2, 2, 3] = 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, 0.5, 3;"
                "z = MatMul(m, p); y = GatherElements(z, j) axis=2;",
                "Reshape Abs onnxrun.GatherScores");
}

static void other_scores_stay(void **state)
{
    (void)state;
    const char *used = HEAD REPEATS WIDER TILED Y
        "z = MatMul(q, u); g = GatherElements(z, x2) axis=2; c = ReduceSum(z); y = Add(g, c);";
    graph_test_explains(used, "used by GatherElements alone");
    const char *wide = HEAD REPEATS WIDER Y
        "r2 = Concat(h, one, h) axis=0; t = Tile(p, r2); w = Concat(q, q) axis=2;"
        "u = Transpose(t) perm=[0, 2, 1]; z = MatMul(w, u); y = GatherElements(z, x2) axis=2;";
    graph_test_explains(wide, "1 for all dimensions but the first");
    graph_test_results(wide, 1e-6f);
    /* one matrix, or looked up along another axis */
    const char *one = HEAD HALF WIDER Y "init float w [1, 2, 3] = 1, 2, 3, 4, 5, 6;"
                                        "z = MatMul(q, w); y = GatherElements(z, x2) axis=2;";
    graph_test_explains(one, "several matrices");
    graph_test_results(one, 1e-6f);
    graph_test_results(HEAD REPEATS TILED Y "init int64 k [1, 1, 2] = 0, 0; z = MatMul(q, u);"
                                            "e = Concat(b, one, two) axis=0; x2 = Expand(k, e);"
                                            "y = GatherElements(z, x2) axis=1;",
                       0);
}

static void indices_that_are_expanded_within_a_matrix(void **state)
{
    (void)state;
    check_fused(HEAD REPEATS TILED
                "out float y [m, 1, 2]; init int64 k [1, 1, 1] = 1; e = Concat(b, one, two) axis=0;"
                "x2 = Expand(k, e); z = MatMul(q, u); y = GatherElements(z, x2) axis=2;",
                "Reshape Shape Gather Div Concat Concat Expand onnxrun.GatherScores");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_that_are_looked_up),
        cmocka_unit_test(other_scores_stay),
        cmocka_unit_test(indices_that_are_expanded_within_a_matrix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
