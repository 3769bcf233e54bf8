/* SPDX-License-Identifier: Apache-2.0 */
#include "base/half.h"
#include "support/graph_test.h"
#include "support/session_test.h"

#include <onnxrun/inspect.h>
#include <string.h>

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        count++;
    }
    return count;
}

static void dead_nodes_and_constant_ones_are_gone(void **state)
{
    (void)state;
    char *graph = graph_test_text("in float x [n]; init float a [1] = 2; b = Neg(a); c = Exp(b);"
                                  "dead = Abs(x); y = Mul(x, c); out float y [n];");
    assert_non_null(strstr(graph, "1 nodes"));
    assert_int_equal(count_of(graph, " = Mul"), 1);
    onnxrun_text_free(graph);
}

static void shape_chains_keep_symbols(void **state)
{
    (void)state;
    char *graph =
        graph_test_text("in float x [batch, seq, 6]; init int64 zero = 0; init int64 one = 1;"
                        "init int64 axis [1] = 0; init int64 two [1] = 2; init int64 three [1] = 3;"
                        "s = Shape(x); b = Gather(s, zero); q = Gather(s, one);"
                        "b1 = Unsqueeze(b, axis); q1 = Unsqueeze(q, axis);"
                        "t = Concat(b1, q1, two, three) axis=0; y = Reshape(x, t); out float y;");
    assert_non_null(strstr(graph, "float[batch, seq, 2, 3]"));
    onnxrun_text_free(graph);
}

/* What is left of lists of dimensions: bit for bit the same results. */
static void lists_of_dimensions_that_are_known_are_constants(void **state)
{
    (void)state;
#define LISTS                                                                                      \
    "in float x [?, 4]; out float y; init int64 i0 [1] = 0; init int64 i1 [1] = 1;"                \
    "init int64 two [1] = 2; init int64 all [1] = -1; a = Neg(x); s = Shape(a);"                   \
    "b = Gather(s, i0); c = Gather(s, i1);"
    static const struct {
        const char *model, *nodes;
    } rows[] = {
        {LISTS "l = Concat(b, two, two) axis=0; y = Reshape(a, l);", "Neg Reshape"},
        {LISTS "l = Concat(b, two, two) axis=0; y = Reshape(a, l) allowzero=1;", "Neg Reshape"},
        {LISTS "l = Concat(b, all, two) axis=0; y = Reshape(a, l);", "Neg Reshape"},
        {LISTS "l = Concat(all, c) axis=0; y = Reshape(a, l);", "Neg"},
        /* rows that were added are not those of x */
        {LISTS "d = Concat(a, x) axis=0; l = Concat(all, b, two) axis=0; y = Reshape(d, l);",
         "Neg onnxrun.Dims Gather Concat Concat Reshape"},
        /* -1 stays where it was, and comes nowhere else */
        {LISTS "l = Concat(two, b, two) axis=0; y = Reshape(a, l);",
         "Neg onnxrun.Dims Gather Concat Reshape"},
        {LISTS "l = Concat(two, all, two) axis=0; z = Reshape(a, l); m = Shape(z);"
               "y = Reshape(x, m);",
         "onnxrun.Dims Reshape"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        graph_test_fused(rows[i].model, rows[i].nodes, 0);
    }
#undef LISTS
}

/* Symbols of one graph mean nothing in another. */
static void dimensions_without_a_name_are_known_again(void **state)
{
    (void)state;
    /* rows that differ are not the same rows */
    graph_test_results("in float x [?, 4]; out float y; init int64 i0 [1] = 0;"
                       "init int64 i2 [1] = 2; init int64 all [1] = -1; init int64 four [1] = 4;"
                       "a = Concat(x, x) axis=0; s = Shape(x); b = Gather(s, i0);"
                       "l = Concat(b, all, four) axis=0; y = Reshape(a, l);",
                       0);
    graph_test_results("in float x [?, 4]; out float y; init int64 i0 [1] = 0;"
                       "init int64 all [1] = -1; init int64 four [1] = 4; init float zero = 0;"
                       "m = ReduceMax(x) keepdims=0; c = Greater(m, zero); a = Concat(x, x) axis=0;"
                       "y = If(c) then_branch={s = Shape(x); b = Gather(s, i0);"
                       "l = Concat(b, all, four) axis=0; t = Reshape(a, l); out float t;}"
                       "else_branch={u = Neg(a); out float u;};",
                       0);
    char *graph = graph_test_text("in float x [?, 4]; out float y; a = Concat(x, x) axis=0;"
                                  "b = Concat(a, x) axis=1; y = Neg(b);");
    assert_non_null(strstr(graph, "float[?, 8]")); /* as before, '?' is what is shown */
    onnxrun_text_free(graph);
}

/* A default that is spread over the rows that are given. */
static void a_default_has_other_dimensions_than_what_is_given(void **state)
{
    (void)state;
    graph_test_fused("in float x [n, 4]; in float a [n, 1, 4]; init float a [1, 1, 4] = 1, 2, 3, 4;"
                     "init int64 one [1] = 1; init float w [1, 1, 1] = 2; out float y [n, 1, 4];"
                     "u = Unsqueeze(x, one); c = Conv(u, w); y = Add(c, a);",
                     "Unsqueeze Conv Add", 0);
}

static void half_chains_are_rounded_where_they_end(void **state)
{
    (void)state;
    const char *model = "in float16 x [n]; a = Mul(x, x); b = Mul(a, a); c = Sqrt(b); y = Sqrt(c);"
                        "out float16 y [n];";
    char *graph = graph_test_text(model);
    assert_int_equal(count_of(graph, " = Cast"), 2);
    onnxrun_text_free(graph);
    /* 1000^4 is no float16, but the fourth root of it is. */
    uint16_t thousand[] = {onr_float_to_half(1000.0f)};
    struct session_test t;
    session_test_begin(&t, model);
    session_test_in(&t, "x", test_tensor(ONR_FLOAT16, SHAPE(1), thousand));
    session_test_out(&t, "y", test_tensor(ONR_FLOAT16, SHAPE(1), thousand));
    session_test_run(&t);
    session_test_end(&t);
}

static void half_constants_that_were_folded_stay_folded(void **state)
{
    (void)state;
    const char *model = "in float16 x [n]; init float a [1] = 2; b = Cast(a) to=10;"
                        "c = Mul(b, b); y = Add(x, c); out float16 y [n]; out float16 c [1];";
    char *graph = graph_test_text(model);
    assert_int_equal(count_of(graph, " = Mul"), 0);
    onnxrun_text_free(graph);
    uint16_t one[] = {onr_float_to_half(1.0f)};
    uint16_t four[] = {onr_float_to_half(4.0f)};
    uint16_t five[] = {onr_float_to_half(5.0f)};
    struct session_test t;
    session_test_begin(&t, model);
    session_test_in(&t, "x", test_tensor(ONR_FLOAT16, SHAPE(1), one));
    session_test_out(&t, "y", test_tensor(ONR_FLOAT16, SHAPE(1), five));
    session_test_out(&t, "c", test_tensor(ONR_FLOAT16, SHAPE(1), four));
    session_test_run(&t);
    session_test_end(&t);
}

static void half_weights_that_are_only_moved_stay_half(void **state)
{
    (void)state;
    char *graph = graph_test_text("in float16 x [4, 2]; in int64 i [n]; y = Gather(x, i);"
                                  "out float16 y [n, 2];");
    assert_int_equal(count_of(graph, " = Cast"), 0);
    onnxrun_text_free(graph);
}

static void intermediate_folds_are_given_back(void **state)
{
    (void)state;
    /* Three results of 400 KB each; only the last one is needed. */
    struct session_test t;
    session_test_begin(&t, "in float x [1]; init int64 shape [1] = 100000; init float one [1] = 1;"
                           "a = Expand(one, shape); b = Neg(a); c = Exp(b); y = Add(x, c);"
                           "out float y;");
    onnxrun_session_stats stats = {.struct_size = sizeof stats};
    onnxrun_session_get_stats(t.session, &stats);
    assert_in_range(stats.model_bytes, 400000, 799999);
    session_test_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dead_nodes_and_constant_ones_are_gone),
        cmocka_unit_test(shape_chains_keep_symbols),
        cmocka_unit_test(lists_of_dimensions_that_are_known_are_constants),
        cmocka_unit_test(dimensions_without_a_name_are_known_again),
        cmocka_unit_test_teardown(a_default_has_other_dimensions_than_what_is_given,
                                  test_tensors_free),
        cmocka_unit_test_teardown(half_chains_are_rounded_where_they_end, test_tensors_free),
        cmocka_unit_test_teardown(half_constants_that_were_folded_stay_folded, test_tensors_free),
        cmocka_unit_test(half_weights_that_are_only_moved_stay_half),
        cmocka_unit_test(intermediate_folds_are_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
