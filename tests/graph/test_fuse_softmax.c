/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/session_test.h"

/* Not a bit of the result changes. */
static void check_fused(const char *model, const char *expected)
{
    graph_test_fused(model, expected, 0);
}

#define X     "in float x [n, 4]; out float y [n, 4];"
#define MASK  "init float m [1, 4] = 0, -10000, 0.25, 3;"
#define THIRD "init float third [] = 0.333;"
#define EIGHT "init float eight [1] = 8;"
#define SEVEN "init float seven [] = 7;"

static void mask(void **state)
{
    (void)state;
    check_fused(X MASK "a = Add(x, m); y = Softmax(a);", "onnxrun.MaskedSoftmax");
    check_fused(X MASK "a = Add(m, x); y = Softmax(a) axis=1;", "onnxrun.MaskedSoftmax");
    check_fused("opset 11;" X MASK "a = Add(m, x); y = Softmax(a);", "onnxrun.MaskedSoftmax");
    check_fused(X "a = Add(x, x); y = Softmax(a);", "onnxrun.MaskedSoftmax");
}

static void scores_are_repeated(void **state)
{
    (void)state;
    check_fused("in float x [2, 4]; out float y [2, 2, 4]; init float m [2, 1, 4] = 0, 1, 2, 3, 4,"
                "5, 6, 7; a = Add(x, m); y = Softmax(a);",
                "onnxrun.MaskedSoftmax");
}

static void scale_and_mask(void **state)
{
    (void)state;
    check_fused(X MASK THIRD "s = Mul(x, third); a = Add(s, m); y = Softmax(a);",
                "onnxrun.MaskedSoftmax");
    check_fused(X MASK EIGHT "s = Div(x, eight); a = Add(m, s); y = Softmax(a);",
                "onnxrun.MaskedSoftmax");
}

static void scale_that_is_no_float_stays(void **state)
{
    (void)state;
    check_fused(X MASK SEVEN "s = Div(x, seven); a = Add(s, m); y = Softmax(a);",
                "Div onnxrun.MaskedSoftmax");
}

static void what_is_used_elsewhere_stays(void **state)
{
    (void)state;
    check_fused(X MASK THIRD "s = Mul(x, third); a = Add(s, m); p = Softmax(a); y = Mul(p, s);",
                "Mul onnxrun.MaskedSoftmax Mul");
    const char *shared = X MASK "a = Add(x, m); p = Softmax(a); y = Mul(p, a);";
    check_fused(shared, "Add Softmax Mul");
    graph_test_explains(shared, "used by the Softmax alone");
}

static void what_is_no_mask_stays(void **state)
{
    (void)state;
    const char *narrow = X "init float m [1] = 2; a = Add(x, m); y = Softmax(a);";
    check_fused(narrow, "Add Softmax");
    graph_test_explains(narrow, "scores or a mask, with a number for each element of a row");
    check_fused(X MASK "a = Add(x, m); y = Softmax(a) axis=0;", "Add Softmax");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mask),
        cmocka_unit_test(scores_are_repeated),
        cmocka_unit_test(scale_and_mask),
        cmocka_unit_test(scale_that_is_no_float_stays),
        cmocka_unit_test(what_is_used_elsewhere_stays),
        cmocka_unit_test(what_is_no_mask_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
