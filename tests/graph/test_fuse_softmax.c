/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/session_test.h"

#include <onnxrun/inspect.h>
#include <string.h>

/* Checks the operators after fusion, and that not a bit of the result changes. */
static void check_fused(const char *model, const char *expected)
{
    float data[] = {-3, -1.5f, -0.25f, 0, 0.5f, 1, 2.75f, 6};
    float results[2][64];
    size_t bytes[2];
    graph_test_nodes(model, expected);
    for (uint32_t k = 0; k < 2; k++) {
        bytes[k] = graph_test_run(model, k != 0, data, results[k], sizeof results[k]);
    }
    assert_int_equal(bytes[0], bytes[1]);
    assert_memory_equal(results[0], results[1], bytes[0]);
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
