/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"
#include "support/session_test.h"

/* A square window over `high` x `wide`. */
struct form {
    int64_t batch, channels, filters, group, high, wide, kernel, stride, pad, dilation;
};

static int64_t outputs_of(const struct form *f, int64_t inputs)
{
    return (inputs + 2 * f->pad - (f->kernel - 1) * f->dilation - 1) / f->stride + 1;
}

static double sum_at(const struct form *f, const float *x, const float *w, const int64_t at[3],
                     int64_t filter)
{
    int64_t inputs = f->channels / f->group;
    int64_t first = filter / (f->filters / f->group) * inputs;
    double sum = 0;
    for (int64_t i = 0; i < inputs * f->kernel * f->kernel; i++) {
        int64_t tap = i % (f->kernel * f->kernel);
        int64_t r = at[1] * f->stride - f->pad + tap / f->kernel * f->dilation;
        int64_t c = at[2] * f->stride - f->pad + tap % f->kernel * f->dilation;
        if (r >= 0 && r < f->high && c >= 0 && c < f->wide) {
            int64_t place = (at[0] * f->high + r) * f->wide + c;
            int64_t channel = first + i / (f->kernel * f->kernel);
            sum += (double)x[place * f->channels + channel] *
                   (double)w[filter * inputs * f->kernel * f->kernel + i];
        }
    }
    return sum;
}

enum kind { IMAGES, TOKENS, PLANES };

static void check_kind(const struct form *f, enum kind kind, const struct onr_tensor *x,
                       const struct onr_tensor *w, const struct onr_tensor *b,
                       const struct onr_tensor *y)
{
    const int64_t *dim = y->shape.dim;
    struct op_test t;
    op_test_begin(&t, "onnxrun", "ConvLast", 1);
    op_test_int(&t, "group", f->group);
    op_test_ints(&t, "pads", 4, (int64_t[]){f->pad, f->pad, f->pad, f->pad});
    op_test_ints(&t, "strides", 2, (int64_t[]){f->stride, f->stride});
    op_test_ints(&t, "dilations", 2, (int64_t[]){f->dilation, f->dilation});
    op_test_string(&t, "activation", "LeakyRelu");
    op_test_floats(&t, "activation_params", 1, (float[]){0.5f});
    op_test_int(&t, "flat", kind == TOKENS);
    op_test_int(&t, "first", kind == PLANES);
    op_test_input(&t, x);
    op_test_input(&t, w);
    op_test_input(&t, b);
    if (kind == TOKENS) {
        op_test_input(&t, test_i64(SHAPE(4), (int64_t[]){-1, f->channels, f->high, f->wide}));
        y = test_f32(SHAPE(dim[0], dim[1] * dim[2], dim[3]), y->data);
    }
    op_test_output(&t, y);
    t.atol = 1e-4;
    op_test_run(&t);
}

/* The numbers of images with their channels in front. */
static struct onr_tensor *make_planes(const struct form *f, const float *images)
{
    struct onr_tensor *planes = test_f32(SHAPE(f->batch, f->channels, f->high, f->wide), NULL);
    int64_t size = f->high * f->wide;
    for (int64_t i = 0; i < onr_tensor_count(planes); i++) {
        int64_t image = i / size / f->channels;
        int64_t from = (image * size + i % size) * f->channels + i / size % f->channels;
        ((float *)planes->data)[i] = images[from];
    }
    return planes;
}

static void check_form(const struct form *f)
{
    int64_t high = outputs_of(f, f->high);
    int64_t wide = outputs_of(f, f->wide);
    struct onr_tensor *images = test_f32(SHAPE(f->batch, f->high, f->wide, f->channels), NULL);
    test_random(1, (size_t)onr_tensor_count(images), images->data);
    struct onr_tensor *tokens =
        test_f32(SHAPE(f->batch, f->high * f->wide, f->channels), images->data);
    struct onr_tensor *w =
        test_f32(SHAPE(f->filters, f->channels / f->group, f->kernel, f->kernel), NULL);
    test_random(2, (size_t)onr_tensor_count(w), w->data);
    struct onr_tensor *b = test_f32(SHAPE(f->filters), NULL);
    test_random(3, (size_t)f->filters, b->data);
    struct onr_tensor *y = test_f32(SHAPE(f->batch, high, wide, f->filters), NULL);
    for (int64_t i = 0; i < onr_tensor_count(y); i++) {
        int64_t place = i / f->filters;
        int64_t at[3] = {place / wide / high, place / wide % high, place % wide};
        double sum = sum_at(f, images->data, w->data, at, i % f->filters) +
                     (double)((const float *)b->data)[i % f->filters];
        ((float *)y->data)[i] = (float)(sum < 0 ? 0.5 * sum : sum);
    }
    check_kind(f, IMAGES, images, w, b, y);
    check_kind(f, TOKENS, tokens, w, b, y);
    if (f->group == 1) {
        check_kind(f, PLANES, make_planes(f, images->data), w, b, y);
    }
}

static void every_form_is_that_of_plain_loops(void **state)
{
    (void)state;
    static const struct form forms[] = {
        {2, 3, 3, 3, 7, 5, 3, 1, 1, 1},     /* depthwise, fewer channels than a vector has */
        {1, 40, 40, 40, 9, 14, 3, 1, 1, 1}, /* some at a time, and the rest */
        {1, 24, 24, 24, 9, 8, 5, 2, 2, 1},       {2, 20, 20, 20, 6, 6, 3, 1, 2, 2},
        {1, 1100, 1100, 1100, 5, 9, 3, 1, 1, 1}, /* several pieces */
        {1, 8, 18, 1, 8, 8, 4, 4, 0, 1},         /* a product, windows side by side */
        {2, 5, 70, 1, 7, 9, 3, 2, 1, 1},         /* padding */
        {1, 3, 20, 1, 9, 9, 3, 1, 2, 2},         /* places between taps */
        {3, 33, 50, 1, 4, 5, 1, 1, 0, 1},        /* rows as they are */
        {1, 33, 50, 1, 5, 5, 1, 2, 0, 1},        /* some of them */
        {1, 130, 49, 1, 6, 6, 3, 1, 1, 1},       /* more than one block of k */
        {1, 1024, 40, 1, 5, 5, 1, 1, 0, 1},      /* rows that share a cache set */
        {2, 4, 16, 1, 14, 14, 2, 1, 0, 1},       /* several blocks of rows */
        {1, 3, 24, 1, 34, 50, 16, 16, 0, 1},     /* patches of whole pieces */
        {2, 2, 24, 1, 20, 40, 20, 18, 3, 1},     /* longer ones */
        {1, 3, 24, 1, 29, 27, 7, 4, 3, 1},       /* that overlap */
        {1, 6, 9, 1, 1, 1, 1, 1, 0, 1},          /* one row */
        {1, 24, 50, 1, 14, 14, 3, 1, 1, 1},      /* strips with padding around them */
        {2, 32, 70, 1, 9, 12, 3, 2, 1, 1},       /* that move by two */
        {1, 64, 20, 1, 20, 9, 3, 1, 2, 2},       /* taps apart */
        {1, 30, 33, 1, 12, 11, 3, 1, 0, 1},      /* in place */
        {2, 70, 33, 1, 13, 12, 1, 2, 0, 1},      /* some places of them */
        {1, 400, 49, 1, 6, 6, 3, 1, 1, 1},       /* pieces of several blocks of k */
        {1, 22, 18, 1, 3, 300, 3, 1, 1, 1},      /* lines of several boxes */
        {1, 40, 18, 1, 60, 30, 5, 1, 2, 1},      /* large strips */
        {1, 22, 18, 1, 2, 2, 3, 1, 4, 1},        /* more padding than inputs */
        {2, 96, 40, 2, 9, 8, 3, 1, 1, 1},        /* groups */
        {2, 96, 110, 2, 9, 8, 1, 2, 0, 1},       /* in place */
        {2, 12, 40, 2, 9, 8, 3, 2, 1, 1},        /* of copied rows */
        {1, 12, 8, 4, 2, 1, 1, 1, 0, 1},         /* of a few rows */
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        check_form(&forms[i]);
        test_tensors_free(state);
    }
}

static void check_sum(int64_t channels, int64_t filters, int64_t group, int64_t kernel)
{
    struct op_test t;
    struct onr_tensor *w = test_f32(SHAPE(filters, channels / group, kernel), NULL);
    struct onr_tensor *z = test_f32(SHAPE(1, 9, filters), NULL);
    struct onr_tensor *y = test_f32(SHAPE(1, 9, filters), NULL);
    for (int64_t i = 0; i < onr_tensor_count(w); i++) {
        ((float *)w->data)[i] = (float)(i % kernel == kernel / 2);
    }
    for (int64_t i = 0; i < 9 * filters; i++) {
        double sum = (double)(channels / group) - (double)(i % 7 * 10);
        ((float *)z->data)[i] = -10.0f * (float)(i % 7);
        ((float *)y->data)[i] = (float)(sum < 0 ? 0 : sum);
    }
    struct onr_tensor *x = test_f32(SHAPE(1, 9, channels), NULL);
    for (int64_t i = 0; i < 9 * channels; i++) {
        ((float *)x->data)[i] = 1.0f;
    }
    op_test_begin(&t, "onnxrun", "ConvLast", 1);
    op_test_int(&t, "group", group);
    op_test_ints(&t, "pads", 2, (int64_t[]){kernel / 2, kernel / 2});
    op_test_string(&t, "activation", "Relu");
    op_test_input(&t, x);
    op_test_input(&t, w);
    op_test_input(&t, NULL);
    op_test_input(&t, NULL);
    op_test_input(&t, z);
    op_test_output(&t, y);
    op_test_run(&t);
}

static void an_addend_comes_before_the_activation(void **state)
{
    (void)state;
    check_sum(30, 50, 1, 3);  /* strips */
    check_sum(70, 50, 1, 1);  /* in place */
    check_sum(6, 50, 1, 3);   /* copied rows */
    check_sum(70, 40, 2, 3);  /* groups */
    check_sum(20, 20, 20, 3); /* sums */
}

static void rows_of_three_dimensions_are_lines(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "onnxrun", "ConvLast", 1);
    op_test_ints(&t, "pads", 2, (int64_t[]){1, 0});
    op_test_input(&t, test_f32(SHAPE(1, 3, 2), (float[]){1, 2, 3, 4, 5, 6}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){1, 10, 100, 1000}));
    op_test_output(&t, test_f32(SHAPE(1, 3, 1), (float[]){2010, 4231, 6453}));
    op_test_run(&t);
}

static void nothing_is_computed_of_nothing(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "onnxrun", "ConvLast", 1);
    op_test_input(&t, test_f32(SHAPE(0, 3, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), NULL));
    op_test_output(&t, test_f32(SHAPE(0, 2, 1), NULL));
    op_test_run(&t);
    op_test_begin(&t, "onnxrun", "ConvLast", 1);
    op_test_input(&t, test_f32(SHAPE(1, 3, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 0, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){3, 4}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 2), (float[]){3, 4, 3, 4}));
    op_test_run(&t);
}

/* What the -1 is can then not be told, least of all by the dimensions of the output. */
static void planes_of_an_empty_batch_have_no_dimension_of_the_output(void **state)
{
    (void)state;
    struct session_test t;
    session_test_begin(&t, "in float x [b, 6, 3]; init int64 planes [4] = 0, 0, -1, 2;"
                           "init float w [3, 1, 2, 1] = 1, 2, 3, 4, 5, 6;"
                           "a = Transpose(x) perm=[0, 2, 1]; c = Reshape(a, planes);"
                           "p = Conv(c, w) group=3; y = Transpose(p) perm=[0, 2, 3, 1];"
                           "out float y [b, h, w, c];");
    session_test_in(&t, "x", test_f32(SHAPE(0, 6, 3), NULL));
    session_test_out(&t, "y", NULL);
    session_test_fails(&t, ONNXRUN_ERR_SHAPE, "cannot reshape 0x3x6 to 0x3x?x2");
    session_test_end(&t);
}

static void check_refused(struct onr_tensor *x, struct onr_tensor *w, int64_t group,
                          struct onr_tensor *planes, enum onr_status status, const char *text)
{
    struct op_test t;
    op_test_begin(&t, "onnxrun", "ConvLast", 1);
    op_test_int(&t, "group", group);
    op_test_input(&t, x);
    op_test_input(&t, w);
    op_test_input(&t, NULL);
    if (planes != NULL) {
        op_test_input(&t, planes);
    }
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, status, text);
}

static void bad_operands_are_refused(void **state)
{
    (void)state;
    check_refused(test_f32(SHAPE(1, 4, 3), NULL), test_f32(SHAPE(4, 2, 1), NULL), 1, NULL,
                  ONR_ERR_SHAPE, "x has 3 channels, w expects 2 in 1 groups of 2");
    check_refused(test_f32(SHAPE(1, 4), NULL), test_f32(SHAPE(4, 4, 1), NULL), 1, NULL,
                  ONR_ERR_SHAPE, "x has rank 2 and w rank 3");
    check_refused(test_f32(SHAPE(1, 4, 2), NULL), test_f32(SHAPE(4, 2, 1, 1), NULL), 1,
                  test_i64(SHAPE(4), (int64_t[]){1, 4, 2, 1}), ONR_ERR_SHAPE,
                  "dimension 1 of the planes is 4, expected 2");
    check_refused(test_f32(SHAPE(1, 4, 2), NULL), test_f32(SHAPE(4, 2, 1, 1), NULL), 1,
                  test_i64(SHAPE(4), (int64_t[]){1, 2, 3, 1}), ONR_ERR_SHAPE,
                  "cannot reshape 1x2x4 to 1x2x3x1");
    struct op_test t;
    op_test_begin(&t, "onnxrun", "ConvLast", 1);
    op_test_input(&t, test_f32(SHAPE(1, 4, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(4, 2, 1), NULL));
    op_test_input(&t, NULL);
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(1, 4, 3), NULL));
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "addend");
    op_test_begin(&t, "onnxrun", "ConvLast", 1);
    op_test_int(&t, "group", 2);
    op_test_int(&t, "first", 1);
    op_test_input(&t, test_f32(SHAPE(1, 4, 4), NULL));
    op_test_input(&t, test_f32(SHAPE(4, 2, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "2 groups of planes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_form_is_that_of_plain_loops, test_tensors_free),
        cmocka_unit_test_teardown(an_addend_comes_before_the_activation, test_tensors_free),
        cmocka_unit_test_teardown(rows_of_three_dimensions_are_lines, test_tensors_free),
        cmocka_unit_test_teardown(nothing_is_computed_of_nothing, test_tensors_free),
        cmocka_unit_test_teardown(planes_of_an_empty_batch_have_no_dimension_of_the_output,
                                  test_tensors_free),
        cmocka_unit_test_teardown(bad_operands_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
