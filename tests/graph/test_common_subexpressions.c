/* SPDX-License-Identifier: Apache-2.0 */
#include "support/graph_test.h"
#include "support/session_test.h"

#define X "in float x [n]; out float y [n];"

static void equal_nodes_become_one(void **state)
{
    (void)state;
    graph_test_nodes(X "a = Neg(x); b = Neg(x); y = Add(a, b);", "Neg Add");
    graph_test_nodes(X "a = Neg(x); b = Neg(x); c = Exp(a); d = Exp(b); y = Add(c, d);",
                     "Neg Exp Add");
    graph_test_nodes(X "a = LeakyRelu(x) alpha=0.5; b = LeakyRelu(x) alpha=0.5; y = Add(a, b);",
                     "LeakyRelu Add");
    graph_test_nodes("in float x [n, 4]; out float y;"
                     "a = Transpose(x) perm=[1, 0]; b = Transpose(x) perm=[1, 0]; y = Add(a, b);",
                     "Transpose Add");
    graph_test_nodes("in float x [n, 4]; out float y;"
                     "a, i = TopK(x, k) axis=0 largest=0; b, j = TopK(x, k) largest=0 axis=0;"
                     "init int64 k [1] = 2; s = Add(i, j); t = Cast(s) to=1; u = Add(a, b);"
                     "y = Add(t, u);",
                     "TopK Add Cast Add Add");
}

static void constants_count_by_contents(void **state)
{
    (void)state;
    graph_test_nodes(X "init float p = 2; init float q = 2; a = Mul(x, p); b = Mul(x, q);"
                       "y = Add(a, b);",
                     "Mul Add");
    graph_test_nodes(X "init float p = 2; init float q = 3; a = Mul(x, p); b = Mul(x, q);"
                       "y = Add(a, b);",
                     "Mul Mul Add");
    graph_test_nodes("in float x [n, 1]; out float y; init float p = 2; init float q [1] = 2;"
                     "a = Mul(x, p); b = Mul(x, q); y = Add(a, b);",
                     "Mul Mul Add");
    graph_test_nodes(X "init float p = 0.0; init float q = -0.0; a = Mul(x, p); b = Mul(x, q);"
                       "y = Add(a, b);",
                     "Mul Mul Add");
    /* a default is no constant */
    graph_test_nodes(X "in float p; init float p = 2; init float q = 2; a = Mul(x, p);"
                       "b = Mul(x, q); y = Add(a, b);",
                     "Mul Mul Add");
}

static void what_differs_stays(void **state)
{
    (void)state;
    graph_test_nodes(X "a = LeakyRelu(x) alpha=0.5; b = LeakyRelu(x) alpha=0.25; y = Add(a, b);",
                     "LeakyRelu LeakyRelu Add");
    graph_test_nodes(X "a = LeakyRelu(x) alpha=0.5; b = LeakyRelu(x); y = Add(a, b);",
                     "LeakyRelu LeakyRelu Add");
    graph_test_nodes(X "a = Exp(x); b = Sub(a, x); c = Sub(x, a); y = Add(b, c);",
                     "Exp Sub Sub Add");
    graph_test_nodes("in float x [n, m]; out float y; a = ReduceMax(x) axes=[0];"
                     "b = ReduceMax(x) axes=[1]; y = Add(a, b);",
                     "ReduceMax ReduceMax Add");
    graph_test_nodes("opset 20; in string x [n]; out string y;"
                     "a = StringNormalizer(x) stopwords=['a', 'bc'];"
                     "b = StringNormalizer(x) stopwords=['ab', 'c']; y = StringConcat(a, b);",
                     "StringNormalizer StringNormalizer StringConcat");
    graph_test_nodes("opset 20; in string x [n]; out string y;"
                     "a = StringNormalizer(x) stopwords=['a', 'bc'];"
                     "b = StringNormalizer(x) stopwords=['a', 'bc']; y = StringConcat(a, b);",
                     "StringNormalizer StringConcat");
}

static void random_numbers_and_bodies_stay(void **state)
{
    (void)state;
    graph_test_nodes(X "a = RandomUniformLike(x); b = RandomUniformLike(x); y = Add(a, b);",
                     "RandomUniformLike RandomUniformLike Add");
    graph_test_nodes(X "in bool c; a = If(c) then_branch={t = Neg(x); out float t;}"
                       "else_branch={u = Exp(x); out float u;};"
                       "b = If(c) then_branch={t = Neg(x); out float t;}"
                       "else_branch={u = Exp(x); out float u;}; y = Add(a, b);",
                     "If Neg Exp If Neg Exp Add");
}

static void bodies_are_cleaned_too(void **state)
{
    (void)state;
    graph_test_nodes(X "in bool c; p = Neg(x); q = Neg(x); y = If(c)"
                       "then_branch={s = Exp(p); t = Exp(p); u = Add(s, t); out float u;}"
                       "else_branch={v = Add(p, q); out float v;};",
                     "Neg If Exp Add Add");
}

static void outputs_keep_their_names(void **state)
{
    (void)state;
    struct session_test t;
    float data[] = {1, 2};
    float negated[] = {-1, -2};
    session_test_begin(&t, "in float x [n]; init float p [1] = 5; init float q [1] = 5;"
                           "a = Neg(x); b = Neg(x); out float b [n]; out float a [n];"
                           "out float q [1]; out float p [1];");
    session_test_in(&t, "x", test_f32(SHAPE(2), data));
    session_test_out(&t, "a", test_f32(SHAPE(2), negated));
    session_test_out(&t, "b", test_f32(SHAPE(2), negated));
    session_test_out(&t, "p", test_f32(SHAPE(1), (float[]){5}));
    session_test_out(&t, "q", test_f32(SHAPE(1), (float[]){5}));
    session_test_run(&t);
    session_test_end(&t);
}

/* Each inner value is only used once, and two normalizations of one value share them all. */
static void fusions_come_first(void **state)
{
    (void)state;
    graph_test_nodes("opset 18; in float x [n, 4]; out float y [n, 4]; init int64 last [1] = 1;"
                     "init float g [4] = 1, 2, 3, 4; init float h [4] = 4, 3, 2, 1;"
                     "init float eps = 1e-5;"
                     "a = Mul(x, x); b = ReduceMean(a, last); c = Add(b, eps); d = Sqrt(c);"
                     "e = Div(x, d); f = Mul(e, g);"
                     "p = Mul(x, x); q = ReduceMean(p, last); r = Add(q, eps); s = Sqrt(r);"
                     "t = Div(x, s); u = Mul(t, h); y = Add(f, u);",
                     "RMSNormalization RMSNormalization Add");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_nodes_become_one),
        cmocka_unit_test(constants_count_by_contents),
        cmocka_unit_test(what_differs_stays),
        cmocka_unit_test(random_numbers_and_bodies_stay),
        cmocka_unit_test(bodies_are_cleaned_too),
        cmocka_unit_test_teardown(outputs_keep_their_names, test_tensors_free),
        cmocka_unit_test(fusions_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
