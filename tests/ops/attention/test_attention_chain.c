/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>
#include <string.h>

/* Shapes of Q, K, V and mask as [batch, heads, rows, width]; no mask: its rank is 0 dims. */
struct call {
    int64_t q[4], k[4], v[4], mask[4];
    bool has_mask;
    bool by_rows; /* Q, K, V and Y are stored as [batch, rows, heads, width] */
    float scale;
};

static int64_t wider(int64_t a, int64_t b)
{
    return a == 1 ? b : a;
}

/* The element at these places of a tensor whose dimensions of 1 are broadcast. */
static double at(const struct onr_tensor *t, const int64_t d[4], bool by_rows, int64_t b, int64_t n,
                 int64_t row, int64_t i)
{
    b = d[0] == 1 ? 0 : b;
    n = d[1] == 1 ? 0 : n;
    row = d[2] == 1 ? 0 : row;
    i = d[3] == 1 ? 0 : i;
    int64_t place = by_rows ? (b * d[2] + row) * d[1] + n : (b * d[1] + n) * d[2] + row;
    return (double)((const float *)t->data)[place * d[3] + i];
}

static struct onr_tensor *make(uint64_t seed, const int64_t d[4], bool by_rows)
{
    struct onr_tensor *t =
        test_f32(SHAPE(d[0], by_rows ? d[2] : d[1], by_rows ? d[1] : d[2], d[3]), NULL);
    test_random(seed, (size_t)(d[0] * d[1] * d[2] * d[3]), t->data);
    return t;
}

/* One row of the result in double. */
static void expect_row(const struct call *c, const struct onr_tensor *const *in, int64_t b,
                       int64_t n, int64_t row, int64_t keys, float *y)
{
    double p[64];
    double max = (double)-INFINITY;
    double sum = 0;
    for (int64_t j = 0; j < keys; j++) {
        p[j] = 0;
        for (int64_t h = 0; h < c->q[3]; h++) {
            p[j] += at(in[0], c->q, c->by_rows, b, n, row, h) *
                    at(in[1], c->k, c->by_rows, b, n, j, h) * (double)c->scale;
        }
        p[j] += c->has_mask ? at(in[3], c->mask, false, b, n, row, j) : 0;
        max = fmax(max, p[j]);
    }
    for (int64_t j = 0; j < keys; j++) {
        p[j] = exp(p[j] - max);
        sum += p[j];
    }
    for (int64_t h = 0; h < c->v[3]; h++) {
        double value = 0;
        for (int64_t j = 0; j < keys; j++) {
            value += p[j] / sum * at(in[2], c->v, c->by_rows, b, n, j, h);
        }
        y[h] = (float)value;
    }
}

static void check_call(const struct call *c)
{
    const struct onr_tensor *in[4] = {make(1, c->q, c->by_rows), make(2, c->k, c->by_rows),
                                      make(3, c->v, c->by_rows), make(4, c->mask, false)};
    int64_t d[4] = {0, 0, wider(c->q[2], c->mask[2]), c->v[3]};
    int64_t keys = wider(c->k[2], c->mask[3]);
    for (int i = 0; i < 2; i++) {
        d[i] = wider(wider(wider(c->q[i], c->k[i]), c->v[i]), c->mask[i]);
    }
    struct onr_tensor *y =
        test_f32(SHAPE(d[0], c->by_rows ? d[2] : d[1], c->by_rows ? d[1] : d[2], d[3]), NULL);
    for (int64_t item = 0; item < d[0] * d[1] * d[2]; item++) {
        int64_t row = item % d[2];
        int64_t n = item / d[2] % d[1];
        int64_t b = item / d[2] / d[1];
        int64_t place = c->by_rows ? (b * d[2] + row) * d[1] + n : item;
        expect_row(c, in, b, n, row, keys, (float *)y->data + place * d[3]);
    }
    struct op_test t;
    op_test_begin(&t, "onnxrun", "AttentionChain", 1);
    op_test_float(&t, "scale", c->scale);
    static const char *const attrs[] = {"q", "k", "v", "y"};
    for (int i = 0; i < 4; i++) {
        op_test_string(&t, attrs[i], c->by_rows ? "bsnh" : "bnsh");
    }
    for (int i = 0; i < (c->has_mask ? 4 : 3); i++) {
        op_test_input(&t, in[i]);
    }
    op_test_output(&t, y);
    op_test_run(&t);
}

#define NO_MASK {1, 1, 1, 1}, false

static void heads_in_both_orders(void **state)
{
    (void)state;
    for (int by_rows = 0; by_rows < 2; by_rows++) {
        check_call(
            &(struct call){{2, 3, 5, 8}, {2, 3, 7, 8}, {2, 3, 7, 4}, NO_MASK, by_rows != 0, 0.25f});
        check_call(
            &(struct call){{2, 3, 1, 8}, {2, 3, 7, 8}, {2, 3, 7, 4}, NO_MASK, by_rows != 0, 1});
        check_call(&(struct call){{1, 2, 40, 16},
                                  {1, 2, 33, 16},
                                  {1, 2, 33, 17},
                                  {1, 1, 40, 33},
                                  true,
                                  by_rows != 0,
                                  0.5f});
    }
}

static void dimensions_of_one_are_broadcast(void **state)
{
    (void)state;
    int64_t full[2] = {2, 3};
    for (int bits = 0; bits < 64; bits++) {
        struct call c = {{1, 1, 5, 8}, {1, 1, 7, 8}, {1, 1, 7, 4}, {2, 3, 5, 7}, true, false, 1};
        for (int i = 0; i < 2; i++) {
            c.q[i] = (bits >> i & 1) != 0 ? full[i] : 1;
            c.k[i] = (bits >> (2 + i) & 1) != 0 ? full[i] : 1;
            c.v[i] = (bits >> (4 + i) & 1) != 0 ? full[i] : 1;
        }
        check_call(&c);
        c.has_mask = false;
        memcpy(c.mask, (int64_t[]){1, 1, 1, 1}, sizeof c.mask);
        check_call(&c);
    }
}

static void masks_of_all_shapes(void **state)
{
    (void)state;
    for (int bits = 0; bits < 16; bits++) {
        struct call c = {{2, 3, 5, 8}, {2, 3, 7, 8}, {2, 3, 7, 4}, {2, 3, 5, 7}, true, true, 1};
        for (int i = 0; i < 4; i++) {
            c.mask[i] = (bits >> i & 1) != 0 ? c.mask[i] : 1;
        }
        check_call(&c);
    }
    /* the mask has more rows, and more keys, than the scores */
    check_call(
        &(struct call){{2, 3, 1, 8}, {2, 3, 1, 8}, {2, 3, 7, 4}, {1, 1, 5, 7}, true, false, 1});
}

static void begin_rows(struct op_test *t, const float *mask)
{
    op_test_begin(t, "onnxrun", "AttentionChain", 1);
    op_test_input(t, test_f32(SHAPE(1, 2, 1, 1), (float[]){1, 1}));
    op_test_input(t, test_f32(SHAPE(1, 1, 2, 1), (float[]){3, 3}));
    op_test_input(t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 3}));
    op_test_input(t, test_f32(SHAPE(2, 2), mask));
}

static void queries_that_see_nothing(void **state)
{
    (void)state;
    const float low = -3.40282347e38f;
    struct op_test t;
    begin_rows(&t, (float[]){-INFINITY, -INFINITY, -INFINITY, 0});
    op_test_output(&t, test_f32(SHAPE(1, 2, 2, 1), (float[]){NAN, 3, NAN, 3}));
    op_test_run(&t);
    begin_rows(&t, (float[]){-INFINITY, -INFINITY, -INFINITY, 0});
    op_test_int(&t, "empty_is_zero", 1);
    op_test_output(&t, test_f32(SHAPE(1, 2, 2, 1), (float[]){0, 3, 0, 3}));
    op_test_run(&t);
    begin_rows(&t, (float[]){low, low, 0, low});
    op_test_output(&t, test_f32(SHAPE(1, 2, 2, 1), (float[]){2, 1, 2, 1}));
    op_test_run(&t);
}

static void doubles(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "onnxrun", "AttentionChain", 1);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 2, 1), (double[]){0, 0}));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 2, 1), (double[]){1, 2}));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 2, 1), (double[]){1, 3}));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2, 1), (double[]){5, (double)-INFINITY}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 2, 1), (double[]){2, (double)NAN}));
    op_test_run(&t);
}

static void nothing_to_do(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "onnxrun", "AttentionChain", 1);
    op_test_input(&t, test_f32(SHAPE(0, 2, 3, 4), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 2, 5, 4), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 2, 5, 4), NULL));
    op_test_output(&t, test_f32(SHAPE(0, 2, 3, 4), NULL));
    op_test_run(&t);
    op_test_begin(&t, "onnxrun", "AttentionChain", 1); /* no keys */
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 4), (float[8]){0}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 0, 4), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 1, 0, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 0), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[4]){0}));
    op_test_run(&t);
    op_test_begin(&t, "onnxrun", "AttentionChain", 1); /* heads without width: equal scores */
    op_test_input(&t, test_f32(SHAPE(1, 1, 1, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 0), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 3}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 1), (float[]){2}));
    op_test_run(&t);
}

static void check_refused(const struct onr_tensor *q, const struct onr_tensor *k,
                          const struct onr_tensor *v, const struct onr_tensor *mask,
                          const char *text)
{
    struct op_test t;
    op_test_begin(&t, "onnxrun", "AttentionChain", 1);
    op_test_input(&t, q);
    op_test_input(&t, k);
    op_test_input(&t, v);
    op_test_input(&t, mask);
    op_test_output(&t, q);
    op_test_fails(&t, ONR_ERR_SHAPE, text);
}

static void operands_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct onr_tensor *a = test_f32(SHAPE(1, 1, 2, 4), (float[8]){0});
    struct onr_tensor *longer = test_f32(SHAPE(1, 1, 3, 4), (float[12]){0});
    struct onr_tensor *mask = test_f32(SHAPE(2, 2), (float[4]){0});
    check_refused(test_f32(SHAPE(1, 2, 4), (float[8]){0}), a, a, mask, "q has rank 3, expected 4");
    check_refused(a, a, a, test_f32(SHAPE(1, 1, 1, 2, 2), (float[4]){0}), "input 3 has rank 5");
    check_refused(test_f32(SHAPE(1, 1, 2, 3), (float[6]){0}), a, a, mask, "head size");
    check_refused(a, a, longer, mask,
                  "cannot broadcast Q 1x1x2x4, K 1x1x2x4, V 1x1x3x4, masks 2x2 and none");
    check_refused(a, longer, longer, mask, "cannot broadcast");
    check_refused(test_f32(SHAPE(2, 1, 2, 4), (float[16]){0}), a,
                  test_f32(SHAPE(3, 1, 2, 4), (float[24]){0}), mask, "cannot broadcast");
}

/* ---- where heads lie ---- */

/* One tensor that holds Q, K and V, [2 batches, 3 heads, 5 rows, 4] each: place gives the element. */
struct packed {
    int64_t dims[6];
    int rank;
    const char *order;
    int64_t parts[3][5];
    int64_t (*place)(int64_t operand, int64_t b, int64_t n, int64_t s, int64_t h);
};

static int64_t place_side_by_side(int64_t operand, int64_t b, int64_t n, int64_t s, int64_t h)
{
    return (b * 5 + s) * 36 + operand * 12 + n * 4 + h; /* [b, s, (operand, n, h)] */
}

static int64_t place_by_head(int64_t operand, int64_t b, int64_t n, int64_t s, int64_t h)
{
    return (b * 5 + s) * 36 + n * 12 + operand * 4 + h; /* [b, s, n, (operand, h)] */
}

static int64_t place_rows_first(int64_t operand, int64_t b, int64_t n, int64_t s, int64_t h)
{
    return ((operand * 5 + s) * 2 + b) * 12 + n * 4 + h; /* [operand, s, b, (n, h)] */
}

static int64_t place_apart(int64_t operand, int64_t b, int64_t n, int64_t s, int64_t h)
{
    return (((operand * 2 + b) * 3 + n) * 5 + s) * 4 + h; /* [operand, b, n, s, h] */
}

static void check_packed(const struct packed *layout)
{
    const struct call c = {{2, 3, 5, 4}, {2, 3, 5, 4}, {2, 3, 5, 4}, {1, 1, 1, 1}, false, false, 1};
    const struct onr_tensor *in[4] = {make(1, c.q, false), make(2, c.k, false), make(3, c.v, false),
                                      NULL};
    struct onr_tensor *x = test_f32((size_t)layout->rank, layout->dims, NULL);
    struct onr_tensor *y = test_f32(SHAPE(2, 3, 5, 4), NULL);
    for (int64_t item = 0; item < 30; item++) {
        int64_t b = item / 15;
        int64_t n = item / 5 % 3;
        int64_t row = item % 5;
        expect_row(&c, in, b, n, row, 5, (float *)y->data + item * 4);
        for (int64_t i = 0; i < 12; i++) {
            ((float *)x->data)[layout->place(i / 4, b, n, row, i % 4)] =
                ((const float *)in[i / 4]->data)[item * 4 + i % 4];
        }
    }
    struct op_test t;
    op_test_begin(&t, "onnxrun", "AttentionChain", 1);
    static const char *const attrs[3][2] = {{"q", "q_part"}, {"k", "k_part"}, {"v", "v_part"}};
    for (int i = 0; i < 3; i++) {
        op_test_string(&t, attrs[i][0], layout->order);
        op_test_ints(&t, attrs[i][1], 5, layout->parts[i]);
        op_test_input(&t, x);
    }
    op_test_output(&t, y);
    op_test_run(&t);
}

static void heads_that_are_part_of_a_tensor(void **state)
{
    (void)state;
    check_packed(&(struct packed){{2, 5, 36},
                                  3,
                                  "bsp",
                                  {{0, 0, 4, 3, 4}, {0, 12, 4, 3, 4}, {0, 24, 4, 3, 4}},
                                  place_side_by_side});
    check_packed(&(struct packed){{2, 5, 3, 3, 4},
                                  5,
                                  "bsxnh",
                                  {{0, 0, 0, 0, 0}, {1, 0, 0, 0, 0}, {2, 0, 0, 0, 0}},
                                  place_side_by_side});
    check_packed(&(struct packed){{2, 5, 3, 12},
                                  4,
                                  "bsnh",
                                  {{0, 0, 4, 0, 0}, {0, 4, 4, 0, 0}, {0, 8, 4, 0, 0}},
                                  place_by_head});
    check_packed(&(struct packed){{2, 5, 36},
                                  3,
                                  "bsp",
                                  {{0, 0, 4, 3, 12}, {0, 4, 4, 3, 12}, {0, 8, 4, 3, 12}},
                                  place_by_head});
    check_packed(&(struct packed){{3, 5, 1, 2, 12},
                                  5,
                                  "xs1bp",
                                  {{0, 0, 4, 3, 4}, {1, 0, 4, 3, 4}, {2, 0, 4, 3, 4}},
                                  place_rows_first});
    check_packed(&(struct packed){{3, 2, 3, 5, 4},
                                  5,
                                  "xbnsh",
                                  {{0, 0, 0, 0, 0}, {1, 0, 0, 0, 0}, {2, 0, 0, 0, 0}},
                                  place_apart});
}

static void heads_of_queries_share_keys(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "onnxrun", "AttentionChain", 1);
    op_test_int(&t, "groups", 2);
    op_test_string(&t, "y", "bsnh");
    op_test_input(&t, test_f32(SHAPE(1, 4, 1, 1), (float[]){0, 100, 0, 100}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 2, 1), (float[]){1, 2, 2, 1}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 2, 1), (float[]){3, 5, 7, 9}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 4, 1), (float[]){4, 5, 8, 7}));
    op_test_run(&t);
    op_test_begin(&t, "onnxrun", "AttentionChain", 1);
    op_test_int(&t, "groups", 3);
    op_test_input(&t, test_f32(SHAPE(1, 4, 1, 1), (float[4]){0}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 2, 1), (float[4]){0}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 2, 1), (float[4]){0}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 4, 1), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "cannot broadcast");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(heads_in_both_orders, test_tensors_free),
        cmocka_unit_test_teardown(dimensions_of_one_are_broadcast, test_tensors_free),
        cmocka_unit_test_teardown(masks_of_all_shapes, test_tensors_free),
        cmocka_unit_test_teardown(queries_that_see_nothing, test_tensors_free),
        cmocka_unit_test_teardown(doubles, test_tensors_free),
        cmocka_unit_test_teardown(nothing_to_do, test_tensors_free),
        cmocka_unit_test_teardown(operands_that_do_not_fit_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(heads_that_are_part_of_a_tensor, test_tensors_free),
        cmocka_unit_test_teardown(heads_of_queries_share_keys, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
