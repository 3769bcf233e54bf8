/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/passes/report.h"
#include "support/graph_test.h"
#include "support/json.h"
#include "support/session_test.h"

#include <onnxrun/inspect.h>
#include <string.h>

#define X         "in float x [n, 4]; out float y [n, 4];"
#define CONSTANTS "init float half = 0.5; init float one = 1; init float two = 2;"
#define ROOT      "init float root = 1.4142135;"

static void check_no_near_miss(const char *model)
{
    char *text = graph_test_explain(model);
    if (strstr(text, "near miss") != NULL) {
        fail_msg("got\n%s\nexpected no near miss", text);
    }
    onnxrun_text_free(text);
}

static void fusions_and_removed_nodes_are_told(void **state)
{
    (void)state;
    graph_test_explains(X "i = Identity(x); s = Sigmoid(i); dead = Neg(s); y = Mul(i, s);",
                        "passes: 4 nodes before, 1 after\n"
                        "  dead_code               1 removed\n"
                        "  no_ops                  1 removed\n"
                        "  fuse_gelu               1 fused, 1 removed\n"
                        "\nfused by fuse_gelu\n"
                        "  Swish at node \"y\"\n");
}

static void common_subexpressions_are_told(void **state)
{
    (void)state;
    graph_test_explains(X "a = Neg(x); b = Neg(x); y = Add(a, b);",
                        "passes: 3 nodes before, 2 after\n"
                        "  common_subexpressions   1 removed\n");
}

static void added_nodes_are_told(void **state)
{
    (void)state;
    graph_test_explains("in float16 x [n]; y = Sqrt(x); out float16 y [n];",
                        "widen_half              2 added\n");
}

static void bodies_count(void **state)
{
    (void)state;
    graph_test_explains("in float x [n, 4]; in bool w; y = If(w) then_branch={s = Sigmoid(x);"
                        "t = Mul(x, s); out float t;} else_branch={u = Neg(x); out float u;};"
                        "out float y [n, 4];",
                        "passes: 4 nodes before, 3 after\n");
}

static void what_a_fusion_has_made_needless_is_not_fused_again(void **state)
{
    (void)state;
    const char *model =
        X "init int64 split [4] = 1, -1, 2, 2; init int64 flat [2] = -1, 4; init float b [1, 2] = "
          "0, 1;"
          "init float root = 0.70710677; h = Reshape(x, split);"
          "q = Transpose(h) perm=[0, 2, 1, 3]; k = Transpose(h) perm=[0, 2, 3, 1];"
          "v = Transpose(h) perm=[0, 2, 1, 3]; s = MatMul(q, k); d = Mul(s, root); m = Add(d, b);"
          "p = Softmax(m); o = MatMul(p, v); t = Transpose(o) perm=[0, 2, 1, 3]; y = Reshape(t, "
          "flat);";
    graph_test_explains(model, "passes: 11 nodes before, 3 after\n"
                               "  fuse_attention          1 fused, 8 removed\n"
                               "\nfused by fuse_attention\n"
                               "  AttentionChain at node \"t\"\n");
    char *text = graph_test_explain(model);
    assert_null(strstr(text, "MaskedSoftmax"));
    onnxrun_text_free(text);
    /* what stands between the first node of a fusion and its last, too */
    check_no_near_miss("opset 18;" X "init float g [4] = 1, 2, 3, 4; init float eps = 1e-5;"
                       "init int64 last [1] = -1; e = ReduceMean(x, last); c = Sub(x, e);"
                       "p = Mul(c, c); v = ReduceMean(p, last); w = Add(v, eps); s = Sqrt(w);"
                       "q = Div(c, s); z = Mul(q, g); y = Neg(z);");
}

static void products_that_are_joined_are_told(void **state)
{
    (void)state;
    graph_test_explains("in float x [n, 2]; out float y [n, 2]; init float a [2, 2] = 1, 2, 3, 4;"
                        "init float b [2, 2] = 5, 6, 7, 8; init float c [2] = 1, 2;"
                        "p = MatMul(x, a); s = Add(p, c); q = MatMul(x, b); y = Max(s, q);",
                        "  fuse_linear             1 fused, 1 removed\n"
                        "  fuse_projections        1 fused, 1 removed\n"
                        "\nfused by fuse_linear\n"
                        "  Linear at node \"s\"\n"
                        "fused by fuse_projections\n"
                        "  Projections at node \"s\", joined with \"q\"\n");
}

#define GELU_CHAIN "d = Div(x, root); e = Erf(d); a = Add(e, one); m = Mul(x, a);"

static void near_misses_of_gelu(void **state)
{
    (void)state;
    graph_test_explains(
        X CONSTANTS ROOT GELU_CHAIN "y = Mul(m, half); out float e [n, 4];",
        "near misses by fuse_gelu\n"
        "  Gelu at node \"e\"\n"
        "      expected  used by one Add, of 1\n"
        "      found     \"e\": float[n, 4] made by Erf, used by Add, an output of the "
        "graph\n");
    graph_test_explains(X CONSTANTS ROOT GELU_CHAIN "y = Mul(m, half); out float a [n, 4];",
                        "expected  used by products with x and 0.5 alone\n"
                        "      found     \"a\": float[n, 4] made by Add");
    graph_test_explains(X CONSTANTS "init float root = 1.5;" GELU_CHAIN "y = Mul(m, half);",
                        "expected  x / sqrt(2), of the x that is multiplied with the sum\n"
                        "      found     \"d\": float[n, 4] made by Div, used by Erf\n");
    graph_test_explains(X "s = Sigmoid(x); y = Mul(x, s); out float s [n, 4];",
                        "  Swish at node \"s\"\n"
                        "      expected  used by one Mul, with x\n");
}

static void what_is_no_gelu_at_all_is_no_near_miss(void **state)
{
    (void)state;
    check_no_near_miss(X "t = Tanh(x); s = Sigmoid(x); y = Mul(t, s);");
    check_no_near_miss(X CONSTANTS "e = Erf(x); y = Mul(e, two);");
}

#define ROW  "init float g [4] = 1, 2, 3, 4; init float eps = 1e-5;"
#define LAST "init int64 last [1] = -1;"
#define RMS  "p = Mul(x, x); v = ReduceMean(p, last); w = Add(v, eps); s = Sqrt(w);"

static void near_misses_of_normalizations(void **state)
{
    (void)state;
    graph_test_explains("opset 18;" X ROW "init int64 last [1] = 0;" RMS
                        "q = Div(x, s); y = Mul(q, g);",
                        "  RMSNormalization at node \"s\"\n"
                        "      expected  a mean over the last axis alone, kept as an axis\n"
                        "      found     \"v\": float[1, 4] made by ReduceMean, used by Add\n");
    graph_test_explains("opset 18; in float x [n, 4]; out float y; in float eps [1];"
                        "init float g [4] = 1, 2, 3, 4;" LAST RMS "q = Div(x, s); y = Mul(q, g);",
                        "expected  epsilon: a constant of one number\n"
                        "      found     \"eps\": float[1], an input, used by Add\n");
    graph_test_explains("opset 18;" X ROW LAST RMS "q = Div(s, x); y = Mul(q, g);",
                        "expected  used by one Div, of what the mean of squares is of\n"
                        "      found     \"s\": float[n, 1] made by Sqrt, used by Div\n");
    graph_test_explains("opset 18;" X ROW LAST RMS
                        "r = Reciprocal(s); q = Mul(g, r); y = Mul(q, x);",
                        "expected  used by one Mul, with what the mean of squares is of\n"
                        "      found     \"r\": float[n, 1] made by Reciprocal, used by Mul\n");
    graph_test_explains(
        "opset 18;" X ROW LAST RMS "q = Div(x, s); z = Mul(q, g); y = Add(z, q);",
        "expected  used by one Mul, with scale\n"
        "      found     \"q\": float[n, 4] made by Div, used by Add, used 1 more time\n");
    graph_test_explains("opset 18;" X ROW LAST RMS
                        "q = Div(x, s); y = Mul(q, two); init float two = 2;",
                        "expected  scale: one number for each element of the last axis\n"
                        "      found     \"two\": float[] {2}, used by Mul\n");
}

static void what_is_over_the_budget_of_folding_is_told(void **state)
{
    (void)state;
    graph_test_explains(
        "in float x [1]; init int64 shape [1] = 100000000; init float one [1] = 1;"
        "a = Expand(one, shape); y = Add(x, a); out float y;",
        "near misses by infer_facts\n"
        "  constant at node \"a\"\n"
        "      expected  at most 67108864 bytes, what is left of the budget of constant "
        "folding\n"
        "      found     400000000 bytes\n");
}

/* A report that prints without running out of memory, as text or JSON. */
static void print(const struct onr_report *report, struct onr_mem *mem, bool is_json,
                  const char *expected)
{
    struct onr_text text;
    onr_text_init(&text, mem);
    onr_print_report(&text, report, NULL, is_json);
    assert_false(text.has_failed);
    assert_true(!is_json || json_is_valid(text.data));
    assert_contains(text.data, expected);
    onr_text_free(&text);
}

static void long_reports_are_cut(void **state)
{
    (void)state;
    struct onr_mem mem;
    struct onr_arena arena;
    struct onr_report report;
    onr_mem_init(&mem, NULL, 0);
    onr_arena_init(&arena, &mem);
    const struct onr_graph graph = {.arena = &arena};
    const struct onr_note note = {
        .op = "Gelu", .node = "n\x1b[2J", .value = "v\x1b", .expected = "e", .found = "f"};
    onr_report_init(&report, &graph);
    onr_report_begin_pass(&report, "first");
    for (int i = 0; i < ONR_REPORT_NOTES + 7; i++) {
        onr_report_missed(&report, &note);
        onr_report_fused(&report, "Gelu", "n");
    }
    assert_in_range(mem.live_bytes, 1, 4000000);
    print(&report, &mem, false, "  first                   10007 fused, 10007 near misses\n");
    print(&report, &mem, false,
          "  and 7 more\n\nnear misses by first\n  Gelu at node \"n\\x1b[2J\"\n");
    print(&report, &mem, true, "\"near_misses\": 10007}");
    print(&report, &mem, true, "\"node\": \"n\\u001b[2J\", \"value\": \"v\\u001b\"");
    /* a second run tells anew what it misses */
    onr_report_begin_pass(&report, "first");
    print(&report, &mem, false, "  first                   10007 fused\n");
    onr_arena_free(&arena);
}

static void reports_without_memory_fail(void **state)
{
    (void)state;
    struct onr_mem mem;
    struct onr_arena arena;
    struct onr_report report;
    struct onr_text text;
    onr_mem_init(&mem, NULL, 10);
    onr_arena_init(&arena, &mem);
    const struct onr_graph graph = {.arena = &arena};
    onr_report_init(&report, &graph);
    onr_report_begin_pass(&report, "first");
    onr_report_fused(&report, "Gelu", "n");
    onr_report_end_pass(&report, &graph);
    onr_text_init(&text, &mem);
    onr_print_report(&text, &report, NULL, false);
    assert_true(text.has_failed);
    onr_text_free(&text);
    onr_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fusions_and_removed_nodes_are_told),
        cmocka_unit_test(common_subexpressions_are_told),
        cmocka_unit_test(added_nodes_are_told),
        cmocka_unit_test(bodies_count),
        cmocka_unit_test(what_a_fusion_has_made_needless_is_not_fused_again),
        cmocka_unit_test(products_that_are_joined_are_told),
        cmocka_unit_test(near_misses_of_gelu),
        cmocka_unit_test(what_is_no_gelu_at_all_is_no_near_miss),
        cmocka_unit_test(near_misses_of_normalizations),
        cmocka_unit_test(what_is_over_the_budget_of_folding_is_told),
        cmocka_unit_test(long_reports_are_cut),
        cmocka_unit_test(reports_without_memory_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
