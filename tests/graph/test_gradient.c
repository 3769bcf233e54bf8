/* SPDX-License-Identifier: Apache-2.0 */
#include "support/session_test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_COUNT 24
#define STEP      1e-5

/* A part of the graph between inputs a, b, c and y, and values for these. */
struct function {
    const char *inputs; /* "in double a [2]; in double b;" */
    const char *nodes;
    const char *xs;      /* "ab" */
    const char *symbols; /* the same inputs with dimensions that are not known, or NULL */
    const struct onr_tensor *at[3]; /* doubles */
};

static void write_model(char *text, size_t capacity, const struct function *f, bool is_symbolic)
{
    char names[64] = "";
    char inputs[64] = "";
    char outputs[64] = "";
    char declared[128] = "";
    for (const char *x = f->xs; *x != '\0'; x++) {
        const char *comma = x == f->xs ? "" : ", ";
        (void)snprintf(names + strlen(names), 16, "%s'%c'", comma, *x);
        (void)snprintf(inputs + strlen(inputs), 16, "%s%c", comma, *x);
        (void)snprintf(outputs + strlen(outputs), 16, "%sd%c", comma, *x);
        (void)snprintf(declared + strlen(declared), 24, "out double d%c;", *x);
    }
    const char *opset = strncmp(f->nodes, "opset", 5) == 0 ? strchr(f->nodes, ';') + 1 : f->nodes;
    int length = snprintf(text, capacity,
                          "%.*s%s%s%s = ai.onnx.preview.training:Gradient(%s) xs=[%s] y='y';"
                          "out double y;%s",
                          (int)(opset - f->nodes), f->nodes, is_symbolic ? f->symbols : f->inputs,
                          opset, outputs, inputs, names, declared);
    assert_true(length > 0 && (size_t)length < capacity);
}

static void bind(struct session_test *t, const struct function *f)
{
    for (size_t i = 0; i < 3 && f->at[i] != NULL; i++) {
        const char name[] = {(char)('a' + i), '\0'};
        session_test_in(t, name[0] == 'a' ? "a" : name[0] == 'b' ? "b" : "c", f->at[i]);
    }
}

static double sum_of_y(struct session_test *t, const struct function *f)
{
    bind(t, f);
    session_test_run(t);
    struct onr_tensor y = session_test_result(t, 0);
    double sum = 0;
    for (int64_t i = 0; i < onr_tensor_count(&y); i++) {
        sum += ((const double *)y.data)[i];
    }
    return sum;
}

/* Compares with the difference that a small step of each element makes. */
static void check_gradient(struct session_test *t, const struct function *f, size_t index)
{
    double got[MAX_COUNT];
    const struct onr_tensor *x = f->at[f->xs[index] - 'a'];
    (void)sum_of_y(t, f);
    struct onr_tensor gradient = session_test_result(t, index + 1);
    size_t count = (size_t)onr_tensor_count(x);
    assert_true(onr_shape_equal(&gradient.shape, &x->shape) && count <= MAX_COUNT);
    memcpy(got, gradient.data, count * sizeof *got);
    for (size_t i = 0; i < count; i++) {
        double *element = (double *)x->data + i;
        double before = *element;
        *element = before + STEP;
        double up = sum_of_y(t, f);
        *element = before - STEP;
        double down = sum_of_y(t, f);
        *element = before;
        double expected = (up - down) / (2 * STEP);
        if (!(fabs(got[i] - expected) <= 1e-6 * (1 + fabs(expected)))) {
            fail_msg("%s: d%c[%zu] is %.9g, expected %.9g", f->nodes, f->xs[index], i, got[i],
                     expected);
        }
    }
}

static void check(const struct function *f)
{
    static const char *const outputs[] = {"da", "db", "dc"};
    char text[1024];
    for (int form = 0; form < 4; form++) {
        struct session_test t;
        onnxrun_model_options options = ONNXRUN_MODEL_OPTIONS_INIT;
        options.no_fusion = form % 2 == 1;
        if (form >= 2 && f->symbols == NULL) {
            break;
        }
        write_model(text, sizeof text, f, form >= 2);
        if (session_test_load(&t, text, &options) != ONNXRUN_OK) {
            fail_msg("%s", t.error.message);
        }
        session_test_out(&t, "y", NULL);
        for (size_t i = 0; f->xs[i] != '\0'; i++) {
            session_test_out(&t, outputs[f->xs[i] - 'a'], NULL);
        }
        for (size_t i = 0; f->xs[i] != '\0'; i++) {
            check_gradient(&t, f, i);
        }
        session_test_end(&t);
    }
}

/* count numbers that no operator has an edge at, from a on, in turn negative when is_signed. */
static const struct onr_tensor *numbers(size_t rank, const int64_t *dims, double a, bool is_signed)
{
    double values[MAX_COUNT];
    for (size_t i = 0; i < MAX_COUNT; i++) {
        values[i] = (a + 0.17 * (double)((i * 7) % 11)) * (is_signed && i % 3 == 1 ? -1 : 1);
    }
    return test_tensor(ONR_DOUBLE, rank, dims, values);
}

static void operators_of_one_input(void **state)
{
    (void)state;
    static const char *const nodes[] = {"Abs",  "Cos",     "Exp", "Identity", "Neg", "Reciprocal",
                                        "Relu", "Sigmoid", "Sin", "Softplus", "Tanh"};
    static const char *const positive[] = {"Log", "Sqrt"};
    for (size_t i = 0; i < 13; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "y = %s(a);", i < 11 ? nodes[i] : positive[i - 11]);
        struct function f = {
            "in double a [2, 3];", text, "a", "in double a;", {numbers(SHAPE(2, 3), 0.3, i < 11)}};
        check(&f);
    }
}

#define TWO    "in double a [2, 3]; in double b [3];"
#define ROUGH  "in double a; in double b;"
#define SIGNED numbers(SHAPE(2, 3), 0.3, true), numbers(SHAPE(3), 0.4, true)

static void operators_with_broadcasting(void **state)
{
    (void)state;
    static const char *const ops[] = {"Add", "Sub", "Mul", "Div", "Sum"};
    for (size_t i = 0; i < 5; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "r = %s(a, b); y = Mul(r, r);", ops[i]);
        check(&(struct function){TWO, text, "ab", ROUGH, {SIGNED}});
        (void)snprintf(text, sizeof text, "r = %s(b, a); y = Mul(r, r);", ops[i]);
        check(
            &(struct function){TWO, text, "ab", "in double a [n, 3]; in double b [3];", {SIGNED}});
        check(&(struct function){
            "in double a [2, 1, 3]; in double b [1, 2, 1];",
            text,
            "ba",
            "in double a [i, j, 3]; in double b [k, l, m];",
            {numbers(SHAPE(2, 1, 3), 0.3, true), numbers(SHAPE(1, 2, 1), 0.5, false)}});
        check(&(struct function){"in double a; in double b [2];",
                                 text,
                                 "ab",
                                 ROUGH,
                                 {numbers(SCALAR, 0.3, true), numbers(SHAPE(2), 0.5, false)}});
    }
    check(&(struct function){TWO "in double c;",
                             "y = Sum(a, b, c, a);",
                             "cab",
                             NULL,
                             {SIGNED, numbers(SCALAR, 1, false)}});
}

static void powers(void **state)
{
    (void)state;
    check(&(struct function){TWO,
                             "y = Pow(a, b);",
                             "ab",
                             ROUGH,
                             {numbers(SHAPE(2, 3), 0.3, false), numbers(SHAPE(3), 0.4, true)}});
    check(&(struct function){"in double a [3];",
                             "init int64 two = 2; y = Pow(a, two);",
                             "a",
                             "in double a;",
                             {numbers(SHAPE(3), 0.3, true)}});
    /* at 0 by the base, for exponents 0, 1 and 3, where x^(n - 1) is infinite, 1 and 0 */
    check(&(struct function){"in double a [3];",
                             "init double p [3] = 0, 1, 3; y = Pow(a, p);",
                             "a",
                             "in double a;",
                             {test_tensor(ONR_DOUBLE, SHAPE(3), (double[]){0, 0, 0})}});
    /* 0 to a positive power stays 0 when the exponent changes */
    check(&(struct function){"in double a [2];",
                             "init double z = 0; y = Pow(z, a);",
                             "a",
                             "in double a;",
                             {test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){1.5, 2})}});
}

static void products(void **state)
{
    (void)state;
    static const struct {
        size_t a_rank, b_rank;
        int64_t a[4], b[4];
    } shapes[] = {
        {2, 2, {2, 3}, {3, 2}},
        {1, 2, {3}, {3, 2}},
        {2, 1, {2, 3}, {3}},
        {1, 1, {3}, {3}},
        {3, 2, {2, 2, 3}, {3, 2}},
        {2, 3, {2, 3}, {2, 3, 2}},
        {3, 3, {2, 1, 3}, {1, 3, 2}},
        {1, 3, {3}, {2, 3, 1}},
        {3, 1, {2, 2, 3}, {3}},
        {2, 2, {3, 3}, {3, 3}},
        {4, 3, {2, 1, 1, 3}, {2, 3, 1}},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        check(&(struct function){ROUGH,
                                 "p = MatMul(a, b); y = Mul(p, p);",
                                 "ab",
                                 ROUGH,
                                 {numbers(shapes[i].a_rank, shapes[i].a, 0.3, true),
                                  numbers(shapes[i].b_rank, shapes[i].b, 0.4, true)}});
    }
    check(&(struct function){"in double a [n, 3]; in double b [3, 2];",
                             "p = MatMul(a, b); y = Sigmoid(p);",
                             "ab",
                             NULL,
                             {numbers(SHAPE(2, 3), 0.3, true), numbers(SHAPE(3, 2), 0.4, true)}});
}

static void products_with_transposes(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        char text[128];
        (void)snprintf(text, sizeof text,
                       "opset %d; p = Gemm(a, b, c) transA=%d transB=%d alpha=0.5 beta=3.0;"
                       "y = Mul(p, p);",
                       i < 2 ? 11 : 13, i % 2, i / 2);
        struct function f = {
            ROUGH "in double c;",
            text,
            "abc",
            NULL,
            {i % 2 != 0 ? numbers(SHAPE(3, 2), 0.3, true) : numbers(SHAPE(2, 3), 0.3, true),
             i / 2 != 0 ? numbers(SHAPE(4, 3), 0.4, true) : numbers(SHAPE(3, 4), 0.4, true),
             numbers(SHAPE(2, 1), 0.5, true)}};
        check(&f);
        (void)snprintf(text, sizeof text,
                       "p = com.microsoft:FusedMatMul(a, b) transA=%d transB=%d alpha=0.5;"
                       "y = Mul(p, p);",
                       i % 2, i / 2);
        f.inputs = ROUGH;
        f.xs = "ab";
        f.at[2] = NULL;
        check(&f);
    }
    check(&(struct function){"in double a [2, 3]; in double b [3, 2];",
                             "p = Gemm(a, b); y = Mul(p, p);",
                             "ba",
                             ROUGH,
                             {numbers(SHAPE(2, 3), 0.3, true), numbers(SHAPE(3, 2), 0.4, true)}});
}

#define WEIGH                                                                                      \
    "init double w [2, 3, 2] = 1, 2, -3, 4, 0.5, 6, 7, -1, 3, 2, 5, 4; v = Mul(r, w); y = "        \
    "Tanh(v);"
#define SQUARE "y = Mul(r, r);"

/* Functions of a [2, 3, 2]. */
static void check_each(const char *const *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check(&(struct function){"in double a [2, 3, 2];",
                                 nodes[i],
                                 "a",
                                 "in double a;",
                                 {numbers(SHAPE(2, 3, 2), 0.31, true)}});
    }
}

static void reductions(void **state)
{
    (void)state;
    static const char *const nodes[] = {
        "r = ReduceSum(a);" SQUARE,
        "init int64 k [1] = 1; r = ReduceSum(a, k);" SQUARE,
        "init int64 k [2] = -1, 0; r = ReduceSum(a, k) keepdims=0;" SQUARE,
        "r = ReduceSum(a) keepdims=0;" SQUARE,
        "init int64 k [0]; r = ReduceSum(a, k) noop_with_empty_axes=1 keepdims=0;" SQUARE,
        "opset 11; r = ReduceSum(a) axes=[0, 2] keepdims=0;" SQUARE,
        "opset 17; r = ReduceMean(a) axes=[1];" SQUARE,
        "opset 17; r = ReduceMean(a) keepdims=0;" SQUARE,
        "opset 18; init int64 k [1] = 2; r = ReduceMean(a, k) keepdims=0;" SQUARE,
    };
    check_each(nodes, sizeof nodes / sizeof nodes[0]);
}

static void softmax(void **state)
{
    (void)state;
    static const char *const nodes[] = {
        "r = Softmax(a);" WEIGH,
        "r = Softmax(a) axis=1;" WEIGH,
        "r = LogSoftmax(a) axis=0;" WEIGH,
        "opset 12; r = Softmax(a);" WEIGH,
        "opset 11; r = Softmax(a) axis=2;" WEIGH,
        "opset 11; r = Softmax(a) axis=0;" WEIGH,
    };
    check_each(nodes, sizeof nodes / sizeof nodes[0]);
}

static void shapes_and_types(void **state)
{
    (void)state;
    static const char *const nodes[] = {
        "init int64 s [2] = 3, -1; r = Reshape(a, s);" SQUARE,
        "r = Flatten(a) axis=2;" SQUARE,
        "init int64 k [1] = 0; u = Unsqueeze(a, k); r = Squeeze(u, k);" SQUARE,
        "opset 12; u = Unsqueeze(a) axes=[0]; r = Squeeze(u);" SQUARE,
        "t = Transpose(a) perm=[2, 0, 1]; r = Transpose(t) perm=[1, 2, 0];" WEIGH,
        "init int64 s [4] = 2, 1, 3, 2; r = Expand(a, s);" SQUARE,
        "c = Cast(a) to=11; d = CastLike(c, a); y = Mul(a, d);",
        "i = Cast(a) to=6; c = Cast(i) to=11; y = Mul(a, c);",
        "init double low = -0.9; init double high = 1; r = Clip(a, low, high);" SQUARE,
    };
    check_each(nodes, sizeof nodes / sizeof nodes[0]);
    check(
        &(struct function){"in double a [2, 3];",
                           "t = Transpose(a) perm=[1, 0]; init double w [3, 2] = 1, 2, 3, 4, 5, 6;"
                           "r = Mul(t, w);" SQUARE,
                           "a",
                           "in double a;",
                           {numbers(SHAPE(2, 3), 0.3, true)}});
}

static void choices_and_steps(void **state)
{
    (void)state;
    check(&(struct function){TWO,
                             "l = Less(a, b); r = Where(l, a, b);" SQUARE,
                             "ab",
                             ROUGH,
                             {numbers(SHAPE(2, 3), 0.3, true), numbers(SHAPE(3), 0.45, true)}});
    check(&(struct function){TWO,
                             "f = Floor(a); s = Sign(b); n = Size(a); k = Cast(n) to=11;"
                             "p = Mul(f, b); q = Mul(s, a); r = Add(p, q); y = Mul(r, k);",
                             "ab",
                             ROUGH,
                             {numbers(SHAPE(2, 3), 0.31, true), numbers(SHAPE(3), 0.4, true)}});
}

static void a_network(void **state)
{
    (void)state;
    check(&(struct function){
        "in double a [4, 3]; in double b [2, 4]; in double c [3];",
        "h = MatMul(b, a); i = Add(h, c); t = Tanh(i); s = Softmax(t); l = Log(s);"
        "init double k [2, 3] = 1, 0, 0, 0, 0.5, 0.5; p = Mul(k, l); r = ReduceSum(p) keepdims=0;"
        "y = Neg(r);",
        "abc",
        "in double a [p, 3]; in double b [n, p]; in double c [3];",
        {numbers(SHAPE(4, 3), 0.1, true), numbers(SHAPE(2, 4), 0.2, true),
         numbers(SHAPE(3), 0.3, true)}});
}

#define GRADIENT "ai.onnx.preview.training:Gradient"

/* x^4 and A^3: the gradient of a gradient, through copies of what the first one made. */
static void gradients_of_gradients(void **state)
{
    (void)state;
    struct session_test t;
    double x[] = {1, -2};
    double second[] = {12, 48};
    session_test_begin(&t, "in double x [n]; q = Mul(x, x); y = Mul(q, q);"
                           "g = " GRADIENT "(x) xs=['x'] y='y';"
                           "h = " GRADIENT "(x) xs=['x'] y='g';"
                           "out double h [n];");
    session_test_in(&t, "x", test_tensor(ONR_DOUBLE, SHAPE(2), x));
    session_test_out(&t, "h", test_tensor(ONR_DOUBLE, SHAPE(2), second));
    session_test_run(&t);
    session_test_end(&t);
    check(&(struct function){"in double a [2, 2]; in double b [2, 2];",
                             "p = MatMul(a, b); q = Mul(p, p); g = MatMul(q, b); s = Softmax(g);"
                             "k = Mul(s, a); w = " GRADIENT "(a, b) xs=['a'] zs=['b'] y='k';"
                             "y = Mul(w, w);",
                             "ab",
                             ROUGH,
                             {numbers(SHAPE(2, 2), 0.3, true), numbers(SHAPE(2, 2), 0.2, true)}});
}

/* The tensors named have other values than the inputs; one is made in the graph; order is free. */
static void at_other_values(void **state)
{
    (void)state;
    struct session_test t;
    double three[] = {3};
    double seven[] = {7};
    double expected[] = {42};
    for (int late = 0; late < 2; late++) {
        char text[512];
        const char *gradient = "dh, _ = " GRADIENT "(p, q) xs=['h', 'z'] y='y';";
        (void)snprintf(text, sizeof text,
                       "in double x [1]; in double z [1]; in double p [1]; in double q [1];"
                       "h = Exp(x); %s s = Mul(h, h); y = Mul(s, z); %s"
                       "out double dh [1]; out double y [1];",
                       late != 0 ? "" : gradient, late != 0 ? gradient : "");
        session_test_begin(&t, text);
        session_test_in(&t, "x", test_tensor(ONR_DOUBLE, SHAPE(1), (double[]){0}));
        session_test_in(&t, "z", test_tensor(ONR_DOUBLE, SHAPE(1), (double[]){1}));
        session_test_in(&t, "p", test_tensor(ONR_DOUBLE, SHAPE(1), three));
        session_test_in(&t, "q", test_tensor(ONR_DOUBLE, SHAPE(1), seven));
        session_test_out(&t, "dh", test_tensor(ONR_DOUBLE, SHAPE(1), expected));
        session_test_out(&t, "y", test_tensor(ONR_DOUBLE, SHAPE(1), (double[]){1}));
        session_test_run(&t);
        session_test_end(&t);
    }
}

static void one_input_as_the_result(void **state)
{
    (void)state;
    struct session_test t;
    float x[] = {5, -1};
    float ones[] = {1, 1};
    session_test_begin(&t, "in float x [n]; g = " GRADIENT "(x) xs=['x'] y='x'; out float g [n];");
    session_test_in(&t, "x", test_f32(SHAPE(2), x));
    session_test_out(&t, "g", test_f32(SHAPE(2), ones));
    session_test_run(&t);
    session_test_in(&t, "x", test_f32(SHAPE(0), NULL));
    session_test_out(&t, "g", test_f32(SHAPE(0), NULL));
    session_test_run(&t);
    session_test_end(&t);
}

/* Half precision, empty tensors and a Gradient in the body of an If. */
static void other_types_and_places(void **state)
{
    (void)state;
    struct session_test t;
    uint16_t half[] = {0x4000, 0xc000};   /* 2, -2 */
    uint16_t wanted[] = {0x4400, 0xc400}; /* 4, -4 */
    bool yes[] = {true};
    session_test_begin(&t, "in float16 x [2]; in bool c;"
                           "g = If(c) then_branch={y = Mul(x, x); d = " GRADIENT
                           "(x) xs=['x'] y='y'; out float16 d;} else_branch={out float16 x;};"
                           "out float16 g [2];");
    session_test_in(&t, "x", test_tensor(ONR_FLOAT16, SHAPE(2), half));
    session_test_in(&t, "c", test_tensor(ONR_BOOL, SCALAR, yes));
    session_test_out(&t, "g", test_tensor(ONR_FLOAT16, SHAPE(2), wanted));
    session_test_run(&t);
    session_test_end(&t);
    session_test_begin(&t, "in float x; in float w; r = Add(x, w); y = ReduceSum(r);"
                           "g, h = " GRADIENT "(x, w) xs=['x', 'w'] y='y';"
                           "out float g; out float h;");
    session_test_in(&t, "x", test_f32(SHAPE(2, 0), NULL));
    session_test_in(&t, "w", test_f32(SHAPE(2, 1), (float[]){1, 2}));
    session_test_out(&t, "g", test_f32(SHAPE(2, 0), NULL));
    session_test_out(&t, "h", test_f32(SHAPE(2, 1), (float[]){0, 0}));
    session_test_run(&t);
    session_test_end(&t);
}

#define REFUSED(model, status, text)                                                               \
    session_test_refused("in float x [2]; in float z [2]; out float g;" model, status, text)
#define AT "load: node \"g\" (Gradient-1): "

static void what_is_refused(void **state)
{
    (void)state;
    REFUSED("y = Neg(x); g = " GRADIENT "(x) xs=['x'] y='w';", ONNXRUN_ERR_MODEL,
            AT "y: the graph has no tensor \"w\"");
    REFUSED("y = Neg(x); g = " GRADIENT "(x) xs=['w'] y='y';", ONNXRUN_ERR_MODEL,
            AT "xs: the graph has no tensor \"w\"");
    REFUSED("y = Neg(x); g = " GRADIENT "(x, z) xs=['x'] zs=['k'] y='y';", ONNXRUN_ERR_MODEL,
            AT "zs: the graph has no tensor \"k\"");
    REFUSED("y = Neg(x); g = " GRADIENT "(x, z) xs=['x', 'x'] y='y';", ONNXRUN_ERR_MODEL,
            AT "xs: \"x\" is named twice");
    REFUSED("y = Neg(x); g = " GRADIENT "(x, z) xs=['x', 'z'] y='y';", ONNXRUN_ERR_MODEL,
            AT "y \"y\" does not depend on \"z\" of xs, or only in steps");
    REFUSED("y = Floor(x); g = " GRADIENT "(x) xs=['x'] y='y';", ONNXRUN_ERR_MODEL,
            AT "y \"y\" does not depend on \"x\" of xs, or only in steps");
    REFUSED("y = Neg(x); g = " GRADIENT "(x, z) xs=['x'] y='y';", ONNXRUN_ERR_MODEL,
            AT "2 inputs and 1 outputs, but xs names 1 tensors and zs 0");
    REFUSED("y = Neg(x); g, h = " GRADIENT "(x) xs=['x'] y='y';", ONNXRUN_ERR_MODEL,
            AT "1 inputs and 2 outputs, but xs names 1 tensors and zs 0");
    REFUSED("y = Neg(x); g = " GRADIENT "(x) xs=['x'];", ONNXRUN_ERR_MODEL,
            AT "attribute \"y\" is missing");
    REFUSED("y = Neg(x); g = " GRADIENT "(x) xs='x' y='y';", ONNXRUN_ERR_MODEL,
            AT "attribute \"xs\" has type 3, expected 8");
    REFUSED("y = Erf(x); g = " GRADIENT "(x) xs=['x'] y='y';", ONNXRUN_ERR_UNSUPPORTED,
            AT "the gradient of Erf-17 at node \"y\" is not supported");
    REFUSED("y = com.microsoft:Gelu(x); g = " GRADIENT "(x) xs=['x'] y='y';",
            ONNXRUN_ERR_UNSUPPORTED,
            AT "the gradient of com.microsoft.Gelu-1 at node \"y\" is not supported");
    REFUSED("init float k = 1; y = Clip(k, x, z); g = " GRADIENT "(x) xs=['x'] y='y';",
            ONNXRUN_ERR_UNSUPPORTED, AT "the gradient of Clip-17 at node \"y\" is not supported");
    REFUSED("a, y = Split(x); g = " GRADIENT "(x) xs=['x'] y='y';", ONNXRUN_ERR_UNSUPPORTED,
            AT "the gradient of Split-17 at node \"a\" is not supported");
    REFUSED("y = com.microsoft:FusedMatMul(x, z) transBatchA=1; g = " GRADIENT
            "(x) xs=['x'] y='y';",
            ONNXRUN_ERR_UNSUPPORTED, AT "the gradient of com.microsoft.FusedMatMul-1");
    REFUSED("init bool c = 1; y = If(c) then_branch={out float x;} else_branch={out float z;};"
            "g = " GRADIENT "(x) xs=['x'] y='y';",
            ONNXRUN_ERR_UNSUPPORTED, AT "the gradient of If-17 at node \"y\" is not supported");
    REFUSED("g = " GRADIENT "(x) xs=['x'] y='g';", ONNXRUN_ERR_UNSUPPORTED,
            AT "the gradient of ai.onnx.preview.training.Gradient-1 at node \"g\"");
    session_test_refused("opset 6; in float x [2]; y = Mul(x, x); g = " GRADIENT
                         "(x) xs=['x'] y='y'; out float g;",
                         ONNXRUN_ERR_UNSUPPORTED, AT "the gradient of Mul-6 at node \"y\"");
}

/* Each Gradient works on what the one before it made, which grows by a factor. */
static void endless_gradients_of_gradients(void **state)
{
    (void)state;
    char text[8192] = "in float y0; out float y0;";
    for (int i = 0; i < 60; i++) {
        (void)snprintf(text + strlen(text), sizeof text - strlen(text),
                       "q%d = Softmax(y%d); y%d = " GRADIENT "(y0) xs=['y0'] y='q%d';", i, i, i + 1,
                       i);
    }
    session_test_refused(text, ONNXRUN_ERR_LIMIT, "more than 262144 nodes with gradients");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(operators_of_one_input, test_tensors_free),
        cmocka_unit_test_teardown(operators_with_broadcasting, test_tensors_free),
        cmocka_unit_test_teardown(powers, test_tensors_free),
        cmocka_unit_test_teardown(products, test_tensors_free),
        cmocka_unit_test_teardown(products_with_transposes, test_tensors_free),
        cmocka_unit_test_teardown(reductions, test_tensors_free),
        cmocka_unit_test_teardown(softmax, test_tensors_free),
        cmocka_unit_test_teardown(shapes_and_types, test_tensors_free),
        cmocka_unit_test_teardown(choices_and_steps, test_tensors_free),
        cmocka_unit_test_teardown(a_network, test_tensors_free),
        cmocka_unit_test_teardown(gradients_of_gradients, test_tensors_free),
        cmocka_unit_test_teardown(at_other_values, test_tensors_free),
        cmocka_unit_test_teardown(one_input_as_the_result, test_tensors_free),
        cmocka_unit_test_teardown(other_types_and_places, test_tensors_free),
        cmocka_unit_test_teardown(what_is_refused, test_tensors_free),
        cmocka_unit_test_teardown(endless_gradients_of_gradients, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
