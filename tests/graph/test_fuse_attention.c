/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/session_test.h"

#include <onnxrun/inspect.h>
#include <stdio.h>
#include <string.h>

static void check_fused(const char *model, const char *expected)
{
    graph_test_fused(model, expected, 2e-6f);
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

static void attention_with_scores_that_are_replaced(void **state)
{
    (void)state;
    static const char *const flags[] = {"true, false, false, false", "true, true, false, true"};
    static const char *const fills[] = {"-inf", "-3.4028235e38", "-1e4", "-5"};
    static const char *const orders[] = {"Where(c, f, d)", "Where(c, d, f)"};
    char model[2048];
    for (size_t i = 0; i < 2 * 4 * 2; i++) {
        (void)snprintf(model, sizeof model,
                       "%sinit bool c [2, 2] = %s; init float f = %s; s = MatMul(q, k);"
                       "d = Mul(s, root); a = %s; p = Softmax(a); o = MatMul(p, v);" MERGE,
                       X QKV, flags[i / 8], fills[i % 4], orders[i / 4 % 2]);
        check_fused(model, FUSED);
    }
    /* masked_fill with expand_as, from TorchScript: Shape uses the scores as well */
    check_fused(X QKV "init bool hide [2] = 0, 1; init float low = -1e4; s = MatMul(q, k);"
                      "z = Shape(s); e = Expand(hide, z); w = Where(e, low, s); p = Softmax(w);"
                      "o = MatMul(p, v);" MERGE,
                FUSED);
}

static void attention_with_two_masks(void **state)
{
    (void)state;
#define BIAS "init float b [1, 2, 2, 2] = 0, 1, 2, 3, -4, 5, -6, 7;"
#define TAIL "p = Softmax(a); o = MatMul(p, v);" MERGE
    /* T5, ALiBi: a bias of positions and a mask */
    check_fused(X QKV BIAS "init float m [2, 2] = 0, -inf, 0, 0; s = MatMul(q, k); d = Add(s, b);"
                           "a = Add(d, m);" TAIL,
                FUSED);
    check_fused(X QKV BIAS "init bool c [2, 2] = false, true, true, true; init float f = -1e9;"
                           "s = MatMul(q, k); d = Add(b, s); a = Where(c, f, d);" TAIL,
                FUSED);
    check_fused(X QKV BIAS "init bool c [2, 1] = false, true; init float f = -1e9;"
                           "s = MatMul(q, k); d = Where(c, s, f); a = Add(d, b);" TAIL,
                FUSED);
}

static void attention_under_the_diagonal(void **state)
{
    (void)state;
#define SQUARE                                                                                     \
    "in float x [n, 4]; out float y [n, 4]; init int64 one [1] = 1; init int64 two [2] = 2, 2;"    \
    "init int64 flat [2] = -1, 4; init float ones = 1; init float zero = 0;"                       \
    "init float low = -inf; init float lowest = -3.4028235e38; init int64 up = 1;"                 \
    "rows = Shape(x) end=1; split = Concat(one, rows, two) axis=0; h = Reshape(x, split);"         \
    "square = Concat(rows, rows) axis=0;"                                                          \
    "q = Transpose(h) perm=[0, 2, 1, 3]; k = Transpose(h) perm=[0, 2, 3, 1];"                      \
    "v = Transpose(h) perm=[0, 2, 1, 3]; s = MatMul(q, k);"
#define LOWER "e = Expand(ones, square); l = Trilu(e) upper=0; f = Equal(l, zero);"
#define UPPER "e = Expand(ones, square); u = Trilu(e, up); f = Equal(u, ones);"
#define EACH  "init float b [2, 1, 1] = 0.5, 1;" /* for each head */
#define TAKEN "Shape Concat Reshape onnxrun.AttentionChain Reshape"
    static const char *const taken[] = {
        SQUARE LOWER "m = Where(f, low, zero); a = Add(s, m);" TAIL,
        SQUARE LOWER "m = Where(f, lowest, zero); a = Add(m, s);" TAIL,
        SQUARE UPPER "a = Where(f, lowest, s);" TAIL,
        SQUARE UPPER "g = Not(f); a = Where(g, s, low);" TAIL,
        SQUARE "e = Expand(low, square); u = Trilu(e, up); init int64 axes [2] = 0, 1;"
               "m = Unsqueeze(u, axes); a = Add(s, m);" TAIL,
        SQUARE LOWER EACH "m = Where(f, low, zero); c = Add(s, b); a = Add(c, m);" TAIL,
        SQUARE LOWER EACH "m = Where(f, low, zero); c = Add(s, m); a = Add(c, b);" TAIL,
        SQUARE UPPER "w = Trilu(e) upper=0; g = Equal(w, zero); c = Where(f, low, s);"
                     "a = Where(g, low, c);" TAIL,
    };
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        check_fused(taken[i], TAKEN);
    }
}

/* The mask stays: Trilu does. */
static void masks_that_are_not_causal_stay(void **state)
{
    (void)state;
    static const char *const kept[] = {
        /* another mask may leave what is above alone */
        SQUARE LOWER EACH "m = Where(f, lowest, zero); c = Add(s, b); a = Add(c, m);" TAIL,
        /* something is added below; what is above counts; the first query sees nothing */
        SQUARE LOWER "m = Where(f, low, ones); a = Add(s, m);" TAIL,
        SQUARE LOWER "init float some = -100; m = Where(f, some, zero); a = Add(s, m);" TAIL,
        SQUARE "init int64 down = -1; e = Expand(ones, square); l = Trilu(e, down) upper=0;"
               "f = Equal(l, zero); m = Where(f, low, zero); a = Add(s, m);" TAIL,
        /* the other way round; two diagonals; a row for all queries; a diagonal across heads */
        SQUARE LOWER "a = Where(f, s, low);" TAIL,
        SQUARE UPPER "l = Trilu(e) upper=1; g = Equal(l, u); m = Where(g, low, zero);"
                     "a = Add(s, m);" TAIL,
        SQUARE "row = Concat(one, rows) axis=0; e = Expand(ones, row); l = Trilu(e) upper=0;"
               "f = Equal(l, zero); m = Where(f, low, zero); a = Add(s, m);" TAIL,
        /* a later mask gives what is hidden another score */
        SQUARE LOWER "init float some = -5; init bool c [2] = true, false; b = Where(f, low, s);"
                     "a = Where(c, some, b);" TAIL,
    };
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        graph_test_results(kept[i], 2e-6f);
        char *text = graph_test_text(kept[i]);
        assert_non_null(strstr(text, "= Trilu"));
        onnxrun_text_free(text);
    }
}

static void attention_with_softcap(void **state)
{
    (void)state;
    check_fused(X QKV "init float m [2, 2] = 0, -inf, 0, 0; s = MatMul(q, k); e = Mul(s, root);"
                      "d = Div(e, two); t0 = Tanh(d); c = Mul(t0, two); a = Add(c, m);" TAIL,
                FUSED);
    check_fused(X QKV "s = MatMul(q, k); a = Tanh(s);" TAIL, FUSED);
}

#define SINKS                                                                                      \
    QKV "init float sink [1, 2, 1, 1] = 0.5, -2; init int64 one [1] = 1; init int64 zero [1] = 0;" \
        "init int64 end [1] = -1; init int64 last [1] = 3; s = MatMul(q, k); u = Shape(q);"        \
        "w = Slice(u, zero, last); r0 = Concat(w, one) axis=0; e = Expand(sink, r0);"              \
        "a = Concat(s, e) axis=-1;"

static void attention_with_sinks(void **state)
{
    (void)state;
    const char *tail = "r = Softmax(z); p = Slice(r, zero, end, last); o = MatMul(p, v);" MERGE;
    char model[2048];
    (void)snprintf(model, sizeof model, "%s%s", X SINKS "z = Add(a, a0); init float a0 = 0;", tail);
    graph_test_nodes(
        model, "Reshape Transpose Transpose MatMul onnxrun.Dims Slice Concat Expand Concat Add "
               "Softmax Slice MatMul Transpose Reshape");
    (void)snprintf(model, sizeof model, "%s%s",
                   X SINKS "x0 = ReduceMax(a) axes=[-1]; z = Sub(a, x0);", tail);
    check_fused(model, FUSED);
    check_fused(X SINKS "r = Softmax(a); p = Slice(r, zero, end, last); o = MatMul(p, v);" MERGE,
                FUSED);
}

/* 4 heads of one query; 2 heads of two keys */
#define GROUPS                                                                                     \
    "init int64 qs [4] = 1, 4, 1, 2; init int64 ks [4] = 1, 2, 2, 2; init int64 two_ [1] = 2;"     \
    "init int64 xs [5] = 1, 2, 2, 2, 2; init int64 all [4] = 1, 4, 2, 2;"                          \
    "init int64 ts [5] = 1, 1, 2, 1, 1; init int64 flat [2] = -1, 4; q = Reshape(x, qs);"          \
    "h = Reshape(x, ks); n = Neg(h); u = Unsqueeze(h, two_); w = Unsqueeze(n, two_);"
#define GROUPED                                                                                    \
    "k = Transpose(l) perm=[0, 1, 3, 2]; s = MatMul(q, k); p = Softmax(s);"                        \
    "o = MatMul(p, v); y = Reshape(o, flat);"

static void attention_with_heads_that_share_keys(void **state)
{
    (void)state;
    const char *fused = "Reshape Reshape Neg onnxrun.AttentionChain Reshape";
    check_fused(X GROUPS "e = Expand(u, xs); f = Expand(w, xs); l = Reshape(e, all);"
                         "v = Reshape(f, all);" GROUPED,
                fused);
    check_fused(X GROUPS "e = Tile(u, ts); f = Tile(w, ts); l = Reshape(e, all);"
                         "v = Reshape(f, all);" GROUPED,
                fused);
    /* keys alone: both are read as they are */
    check_fused(X GROUPS "e = Expand(u, xs); l = Reshape(e, all); v = Neg(l);" GROUPED,
                "Reshape Reshape Unsqueeze Expand Reshape Neg onnxrun.AttentionChain Reshape");
    /* heads in another order */
    check_fused(X "init int64 qs [4] = 1, 4, 1, 2; init int64 ks [4] = 1, 2, 2, 2;"
                  "init int64 ts [4] = 1, 2, 1, 1; init int64 flat [2] = -1, 4;"
                  "q = Reshape(x, qs); h = Reshape(x, ks); l = Tile(h, ts); v = Neg(l);" GROUPED,
                "Reshape Reshape Tile Neg onnxrun.AttentionChain Reshape");
}

static void heads_repeated_among_seven_dimensions_are_copied(void **state)
{
    (void)state;
    check_fused(X "init int64 qs [4] = 1, 4, 1, 2; init int64 ks [7] = 1, 2, 1, 1, 1, 2, 2;"
                  "init int64 xs [7] = 1, 2, 2, 1, 1, 2, 2; init int64 all [6] = 1, 4, 1, 1, 2, 2;"
                  "init int64 two_ [1] = 2; init int64 flat [2] = -1, 4; q = Reshape(x, qs);"
                  "h = Reshape(x, ks); n = Neg(h); e = Expand(h, xs); f = Expand(n, xs);"
                  "c = Reshape(e, all); d = Reshape(f, all); i = Squeeze(c, two_);"
                  "j = Squeeze(d, two_); l = Squeeze(i, two_); v = Squeeze(j, two_);" GROUPED,
                "Reshape Reshape Neg Expand Expand Reshape Reshape onnxrun.AttentionChain Reshape");
}

static void attention_by_einsum(void **state)
{
    (void)state;
    check_fused(X HEADS "s = Einsum(h, h) equation='bqhd,bkhd->bhqk'; d = Mul(s, root);"
                        "p = Softmax(d); o = Einsum(p, h) equation='bhqk,bkhd->bqhd';"
                        "y = Reshape(o, flat);",
                FUSED);
    check_fused(X HEADS "n = Neg(h); s = Einsum(n, h) equation='bkhd,bqhd->bhqk'; p = Softmax(s);"
                        "o = Einsum(n, p) equation='bkhd,bhqk->bhqd';"
                        "t = Transpose(o) perm=[0, 2, 1, 3]; y = Reshape(t, flat);",
                "Reshape Neg onnxrun.AttentionChain Reshape");
    check_fused("in float x [n, 4]; out float y [1, n, 4];"
                "init int64 r [3] = 1, -1, 4; h = Reshape(x, r);"
                "s = Einsum(h, h) equation='bid,bjd->bij'; p = Softmax(s);"
                "y = Einsum(p, h) equation='bij,bjd->bid';",
                "Reshape onnxrun.AttentionChain");
    /* not a product of rows: elements of a head are kept apart */
    graph_test_nodes(X HEADS "s = Einsum(h, h) equation='bqhd,bkhd->hdqk'; p = Softmax(s);"
                             "o = Einsum(p, h) equation='hdqk,bkhd->bqhd'; y = Reshape(o, flat);",
                     "Reshape Einsum Softmax Einsum Reshape");
}

static void attention_by_fused_products(void **state)
{
    (void)state;
    check_fused(X QKV "s = com.microsoft:FusedMatMul(q, v) transB=1 alpha=0.5; p = Softmax(s);"
                      "o = MatMul(p, v);" MERGE,
                FUSED);
}

#define SELF "s = MatMul(q, k); p = Softmax(s); o = MatMul(p, v);" MERGE

static void attention_on_parts_of_one_product(void **state)
{
    (void)state;
    const char *fused = "Neg Concat Reshape onnxrun.AttentionChain Reshape";
#define PACKED "init int64 flat [2] = -1, 4; m = Neg(x); c = Concat(x, m, x) axis=-1;"
#define QKV_OF                                                                                     \
    "q = Transpose(a0) perm=[0, 2, 1, 3]; k = Transpose(a1) perm=[0, 2, 3, 1];"                    \
    "v = Transpose(a2) perm=[0, 2, 1, 3];" SELF
    /* GPT-2 */
    check_fused(X PACKED "init int64 w [3] = 1, 2, 12; init int64 r [4] = 1, 2, 2, 2;"
                         "i = Reshape(c, w); b0, b1, b2 = Split(i) axis=2; a0 = Reshape(b0, r);"
                         "a1 = Reshape(b1, r); a2 = Reshape(b2, r);" QKV_OF,
                fused);
    /* BLOOM, Falcon: of each head in turn */
    check_fused(X PACKED "init int64 w [5] = 1, 2, 2, 3, 2; init int64 i0 = 0; init int64 i1 = 1;"
                         "init int64 i2 = -1; i = Reshape(c, w); a0 = Gather(i, i0) axis=3;"
                         "a1 = Gather(i, i1) axis=3; a2 = Gather(i, i2) axis=3;" QKV_OF,
                fused);
    /* GPT-NeoX */
    check_fused(X PACKED "init int64 w [4] = 1, 2, 2, 6; i = Reshape(c, w);"
                         "a0, a1, a2 = Split(i) axis=3;" QKV_OF,
                fused);
    /* tensor.unbind */
    check_fused(X PACKED "init int64 w [5] = 1, 2, 3, 2, 2; init int64 z [1] = 0;"
                         "init int64 z1 [1] = 1; init int64 z2 [1] = 2; init int64 z3 [1] = 3;"
                         "i = Reshape(c, w); b0 = Slice(i, z, z1, z2); b1 = Slice(i, z1, z2, z2);"
                         "b2 = Slice(i, z2, z3, z2); a0 = Squeeze(b0, z2); a1 = Squeeze(b1, z2);"
                         "a2 = Squeeze(b2, z2);" QKV_OF,
                fused);
    /* timm */
    check_fused(X PACKED "init int64 w [5] = 1, 2, 3, 2, 2; init int64 i0 = 0; init int64 i1 = 1;"
                         "init int64 i2 = 2; j = Reshape(c, w);"
                         "i = Transpose(j) perm=[2, 0, 3, 1, 4]; q = Gather(i, i0); u = Gather(i, "
                         "i1); v = Gather(i, i2); k = Transpose(u) perm=[0, 1, 3, 2];" SELF,
                fused);
}

static void attention_with_rows_before_batches(void **state)
{
    (void)state;
    /* nn.MultiheadAttention: [rows, batch * heads, 2] */
    check_fused(
        X "init int64 w [3] = 2, 1, 4; init int64 r [3] = 2, 2, 2;"
          "init int64 f [4] = 1, 2, 2, 2; init int64 flat [2] = -1, 4; g = Reshape(x, w);"
          "h = Neg(g); m = Reshape(h, r); t0 = Transpose(m) perm=[1, 0, 2]; q = Reshape(t0, f);"
          "k = Transpose(q) perm=[0, 1, 3, 2]; s = MatMul(q, k); p = Softmax(s);"
          "o = MatMul(p, q); t = Transpose(o) perm=[2, 0, 1, 3]; y = Reshape(t, flat);",
        "Reshape Neg onnxrun.AttentionChain Reshape");
}

static void attention_of_batches_and_heads_in_one_axis(void **state)
{
    (void)state;
    check_fused(X "init int64 r [3] = -1, 2, 2; init int64 flat [2] = -1, 4;"
                  "init float m [2, 2, 2] = 0, -inf, 0, 0, 0, 0, -inf, -inf; h = Reshape(x, r);"
                  "q = Transpose(h) perm=[1, 0, 2]; k = Transpose(h) perm=[1, 2, 0];"
                  "d = Mul(q, root); init float root = 0.7; s = MatMul(d, k); a = Add(s, m);"
                  "p = Softmax(a); o = MatMul(p, q); t = Transpose(o) perm=[1, 0, 2];"
                  "y = Reshape(t, flat);",
                FUSED);
}

/* As WavLM has it: rows first, and no operand that tells how batches and heads were put together. */
static void heads_that_nothing_tells_from_batches_are_no_crash(void **state)
{
    (void)state;
    check_fused(
        X "init int64 one [1] = 1; init int64 split [3] = 0, -1, 2; init int64 flat [2] = -1, 4;"
          "u = Unsqueeze(x, one); h = Reshape(u, split); q = Transpose(h) perm=[1, 0, 2];"
          "k = Transpose(h) perm=[1, 2, 0]; s = MatMul(q, k); p = Softmax(s);"
          "o = MatMul(p, q); t = Transpose(o) perm=[1, 0, 2]; y = Reshape(t, flat);",
        "Reshape onnxrun.AttentionChain Reshape");
}

static void near_misses_are_explained(void **state)
{
    (void)state;
    graph_test_explains(X QKV "s = MatMul(q, k); p = Softmax(s); o = MatMul(p, v);" MERGE
                              "out float p;",
                        "probabilities: used by their product with V alone");
    graph_test_explains(X QKV "s = MatMul(q, k); p = Softmax(s); o = MatMul(p, v);" MERGE
                              "out float s;",
                        "scores: used by Softmax alone");
    graph_test_explains(X QKV
                        "s = MatMul(q, k); a = Neg(s); p = Softmax(a); o = MatMul(p, v);" MERGE,
                        "scores: a product of Q and K'");
    graph_test_explains(X HEADS
                        "s = MatMul(h, h); p = Softmax(s); o = MatMul(p, h); y = Reshape(o, flat);",
                        "keys: transposed by a node");
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
        /* scores in place of others */
        {X QKV "init bool c [2, 2] = true, false, true, true; s = MatMul(q, k); d = Neg(s);"
               "a = Where(c, s, d); p = Softmax(a); o = MatMul(p, v);" MERGE,
         "Neg Where Softmax MatMul Transpose Reshape"},
        /* a mask within softcap */
        {X QKV "init float b [2] = 1, 2; s = MatMul(q, k); a = Add(s, b); d = Tanh(a);"
               "p = Softmax(d); o = MatMul(p, v);" MERGE,
         "Add Tanh Softmax MatMul Transpose Reshape"},
        /* three masks */
        {X QKV "init float b [2] = 1, 2; init float b1 [2, 1] = 1, 2;"
               "init float b2 [2, 2] = 1, 2, 3, 4; s = MatMul(q, k); a = Add(s, b);"
               "d = Add(a, b1); e = Add(d, b2); p = Softmax(e); o = MatMul(p, v);" MERGE,
         "Add Add onnxrun.MaskedSoftmax MatMul Transpose Reshape"},
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
        cmocka_unit_test_teardown(attention_with_scores_that_are_replaced, test_tensors_free),
        cmocka_unit_test_teardown(attention_with_two_masks, test_tensors_free),
        cmocka_unit_test_teardown(attention_under_the_diagonal, test_tensors_free),
        cmocka_unit_test_teardown(masks_that_are_not_causal_stay, test_tensors_free),
        cmocka_unit_test_teardown(attention_with_softcap, test_tensors_free),
        cmocka_unit_test_teardown(attention_with_sinks, test_tensors_free),
        cmocka_unit_test_teardown(attention_with_heads_that_share_keys, test_tensors_free),
        cmocka_unit_test_teardown(heads_repeated_among_seven_dimensions_are_copied,
                                  test_tensors_free),
        cmocka_unit_test_teardown(attention_by_einsum, test_tensors_free),
        cmocka_unit_test_teardown(attention_by_fused_products, test_tensors_free),
        cmocka_unit_test_teardown(attention_on_parts_of_one_product, test_tensors_free),
        cmocka_unit_test_teardown(attention_with_rows_before_batches, test_tensors_free),
        cmocka_unit_test_teardown(attention_of_batches_and_heads_in_one_axis, test_tensors_free),
        cmocka_unit_test_teardown(heads_that_nothing_tells_from_batches_are_no_crash,
                                  test_tensors_free),
        cmocka_unit_test_teardown(near_misses_are_explained, test_tensors_free),
        cmocka_unit_test_teardown(what_is_no_attention_stays, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
