/* SPDX-License-Identifier: Apache-2.0 */
/* Attention in windows, as of Swin: a mask for each window of an image, the same for all images. */
#include "support/graph_test.h"
#include "support/session_test.h"

#include <stdio.h>

/* h: [n windows of 2 in one axis, 2 rows, 2 heads, 2]; the lists as exporters write them */
#define HIDDEN                                                                                     \
    "in float x [n, 4]; out float y; init float root = 0.7; init float big = 2;"                   \
    "init int64 apart [4] = -1, 2, 2, 2; init int64 i0 [1] = 0; init int64 two [1] = 2;"           \
    "init int64 all [1] = -1; init int64 together [4] = -1, 2, 2, 2;"                              \
    "init int64 flat [3] = -1, 2, 4;"                                                              \
    "x0 = Neg(x); x1 = Mul(x, root); x2 = Add(x, big); g = Concat(x, x0, x1, x2) axis=1;"          \
    "h = Reshape(g, apart); q = Transpose(h) perm=[0, 2, 1, 3];"                                   \
    "k = Transpose(h) perm=[0, 2, 3, 1]; s = MatMul(q, k); d = Div(s, big); z = Shape(h);"         \
    "m = Gather(z, i0); b = Div(m, two); l5 = Concat(b, two, two, two, two) axis=0;"
#define RESULT                                                                                     \
    "p = Softmax(a4); o = MatMul(p, q); t = Transpose(o) perm=[0, 2, 1, 3]; y = Reshape(t, flat);"
#define WINDOWS "s5 = Reshape(d, l5); a5 = Add(s5, c); a4 = Reshape(a5, together);"
#define FUSED   "Neg Mul Add Concat Reshape onnxrun.AttentionChain Reshape"

static void masks_for_each_window(void **state)
{
    (void)state;
    static const char *const masks[] = {
        "init float c [1, 2, 1, 2, 2] = 0, -100, -100, 0, 0, 0, -100, 0;",
        "init float c [2, 1, 1, 2] = 0, -100, 1, 2;",
        "init float c [2, 2, 2, 1] = 0, -inf, 0, 0, 0, -100, 0, 3;",
        "init float c [1, 2, 2, 1, 2] = 0, -100, 0, -3e38, -3e38, -3e38, 0, 0;",
        "init float c [2, 2] = 0, -100, 1, 2;",
    };
    char model[2048];
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        (void)snprintf(model, sizeof model, "%s%s%s", HIDDEN, masks[i], WINDOWS RESULT);
        graph_test_fused(model, FUSED, 2e-6f);
    }
    /* after a bias for each head, from the left */
    graph_test_fused(HIDDEN
                     "init float e [2, 2, 2] = 0, 1, 2, 3, 4, 5, 6, 7; d1 = Add(d, e);"
                     "init float c [1, 2, 1, 2, 2] = 0, -100, -100, 0, 0, 0, -100, 0;"
                     "s5 = Reshape(d1, l5); a5 = Add(c, s5); a4 = Reshape(a5, together);" RESULT,
                     FUSED, 2e-6f);
}

static void other_masks_of_five_dimensions_stay(void **state)
{
    (void)state;
    static const char *const kept[] = {
        /* one for each image */
        "init float c [2, 1, 1, 1, 2] = 0, -100, 1, 2;" WINDOWS,
        /* scores that are needed with their windows apart */
        "init float c [2, 1, 1, 1] = 0, -100; out float a5;" WINDOWS,
        /* heads before windows */
        "init float c [2, 1, 1, 1] = 0, -100; l6 = Concat(two, b, two, two, two) axis=0;"
        "s5 = Reshape(d, l6); a5 = Add(s5, c); a4 = Reshape(a5, together);",
    };
    char model[2048];
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        (void)snprintf(model, sizeof model, "%s%s%s", HIDDEN, kept[i], RESULT);
        graph_test_explains(model, "expected  scores: a product of Q and K', scaled, capped, and "
                                   "with two masks at most");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(masks_for_each_window, test_tensors_free),
        cmocka_unit_test_teardown(other_masks_of_five_dimensions_stay, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
