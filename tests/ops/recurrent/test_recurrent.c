/* SPDX-License-Identifier: Apache-2.0 */
/* LSTM, GRU and RNN against their equations, one number at a time in double precision. */
#include "base/half.h"
#include "support/op_test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One call. Arrays are in the order of the operator with layout 0; NULL: absent. */
struct call {
    const char *op;
    size_t gates;
    size_t steps, batch, input, hidden, directions;
    bool is_reverse, is_linear, is_coupled, is_batch_first;
    double clip; /* 0: none */
    enum onr_dtype dtype;
    struct onr_tensor *x, *w, *r, *b, *lengths, *h, *c, *p;
};

static double at(const struct onr_tensor *t, size_t i)
{
    switch (t->dtype) {
    case ONR_DOUBLE:
        return ((const double *)t->data)[i];
    case ONR_FLOAT:
        return (double)((const float *)t->data)[i];
    case ONR_FLOAT16:
        return (double)onr_half_to_float(((const uint16_t *)t->data)[i]);
    default:
        return (double)onr_bfloat16_to_float(((const uint16_t *)t->data)[i]);
    }
}

static void put(struct onr_tensor *t, size_t i, double value)
{
    switch (t->dtype) {
    case ONR_DOUBLE:
        ((double *)t->data)[i] = value;
        break;
    case ONR_FLOAT:
        ((float *)t->data)[i] = (float)value;
        break;
    case ONR_FLOAT16:
        ((uint16_t *)t->data)[i] = onr_double_to_half(value);
        break;
    default:
        ((uint16_t *)t->data)[i] = onr_double_to_bfloat16(value);
        break;
    }
}

static struct onr_tensor *numbers(enum onr_dtype dtype, uint64_t seed, size_t rank,
                                  const int64_t *dims)
{
    struct onr_tensor *t = test_tensor(dtype, rank, dims, NULL);
    size_t count = (size_t)onr_tensor_count(t);
    float *values = calloc(count + 1, sizeof *values);
    assert_non_null(values);
    test_random(seed, count, values);
    for (size_t i = 0; i < count; i++) {
        put(t, i, (double)values[i]);
    }
    free(values);
    return t;
}

static double sigmoid(double v)
{
    return 1.0 / (1.0 + exp(-v));
}

static double held(const struct call *k, double v)
{
    return k->clip > 0 ? fmin(fmax(v, -k->clip), k->clip) : v;
}

/* X Wg^T + Wbg of one number, and H Rg^T + Rbg. */
static double from_input(const struct call *k, size_t d, size_t x_row, size_t row)
{
    double sum = k->b != NULL ? at(k->b, d * 2 * k->gates * k->hidden + row) : 0;
    for (size_t i = 0; i < k->input; i++) {
        sum += at(k->x, x_row * k->input + i) *
               at(k->w, (d * k->gates * k->hidden + row) * k->input + i);
    }
    return sum;
}

static double from_state(const struct call *k, size_t d, const double *h, size_t row)
{
    size_t all = k->gates * k->hidden;
    double sum = k->b != NULL ? at(k->b, d * 2 * all + all + row) : 0;
    for (size_t i = 0; i < k->hidden; i++) {
        sum += h[i] * at(k->r, (d * all + row) * k->hidden + i);
    }
    return sum;
}

static double peephole(const struct call *k, size_t d, size_t gate, size_t j, double c)
{
    return k->p != NULL ? at(k->p, (d * 3 + gate) * k->hidden + j) * c : 0;
}

#define MAX_HIDDEN 320

static void step_lstm(const struct call *k, size_t d, size_t row, double *h, double *c)
{
    double old[MAX_HIDDEN];
    size_t n = k->hidden;
    memcpy(old, h, n * sizeof *old);
    for (size_t j = 0; j < n; j++) {
        double v[4];
        for (size_t g = 0; g < 4; g++) {
            v[g] = from_input(k, d, row, g * n + j) + from_state(k, d, old, g * n + j);
        }
        double i = sigmoid(held(k, v[0] + peephole(k, d, 0, j, c[j])));
        double f = k->is_coupled ? 1 - i : sigmoid(held(k, v[2] + peephole(k, d, 2, j, c[j])));
        c[j] = f * c[j] + i * tanh(held(k, v[3]));
        h[j] = sigmoid(held(k, v[1] + peephole(k, d, 1, j, c[j]))) * tanh(c[j]);
    }
}

static void step_gru(const struct call *k, size_t d, size_t row, double *h)
{
    double old[MAX_HIDDEN];
    double reset[MAX_HIDDEN];
    double r[MAX_HIDDEN];
    size_t n = k->hidden;
    memcpy(old, h, n * sizeof *old);
    for (size_t j = 0; j < n; j++) {
        r[j] = sigmoid(held(k, from_input(k, d, row, n + j) + from_state(k, d, old, n + j)));
        reset[j] = r[j] * old[j];
    }
    for (size_t j = 0; j < n; j++) {
        double z = sigmoid(held(k, from_input(k, d, row, j) + from_state(k, d, old, j)));
        double state = k->is_linear ? r[j] * from_state(k, d, old, 2 * n + j)
                                    : from_state(k, d, reset, 2 * n + j);
        h[j] = (1 - z) * tanh(held(k, from_input(k, d, row, 2 * n + j) + state)) + z * old[j];
    }
}

static void step_rnn(const struct call *k, size_t d, size_t row, double *h)
{
    double old[MAX_HIDDEN];
    memcpy(old, h, k->hidden * sizeof *old);
    for (size_t j = 0; j < k->hidden; j++) {
        h[j] = tanh(held(k, from_input(k, d, row, j) + from_state(k, d, old, j)));
    }
}

/* One sequence in one direction; y: all outputs. */
static void naive(const struct call *k, size_t d, size_t b, struct onr_tensor *const *y)
{
    double h[MAX_HIDDEN] = {0};
    double c[MAX_HIDDEN] = {0};
    size_t n = k->hidden;
    bool first = k->is_batch_first;
    size_t state = (first ? b * k->directions + d : d * k->batch + b) * n;
    size_t length = k->lengths != NULL ? (size_t)((const int32_t *)k->lengths->data)[b] : k->steps;
    for (size_t j = 0; j < n && length > 0; j++) {
        h[j] = k->h != NULL ? at(k->h, state + j) : 0;
        c[j] = k->c != NULL ? at(k->c, state + j) : 0;
    }
    for (size_t s = 0; s < length; s++) {
        size_t t = d == 1 || k->is_reverse ? length - 1 - s : s;
        size_t row = first ? b * k->steps + t : t * k->batch + b;
        size_t out =
            first ? (b * k->steps + t) * k->directions + d : (t * k->directions + d) * k->batch + b;
        if (k->gates == 4) {
            step_lstm(k, d, row, h, c);
        } else if (k->gates == 3) {
            step_gru(k, d, row, h);
        } else {
            step_rnn(k, d, row, h);
        }
        for (size_t j = 0; j < n; j++) {
            put(y[0], out * n + j, h[j]);
        }
    }
    for (size_t j = 0; j < n; j++) {
        put(y[1], state + j, h[j]);
        if (k->gates == 4) {
            put(y[2], state + j, c[j]);
        }
    }
}

#define DIM(x) ((int64_t)(x))

static void fill(struct call *k, bool is_full)
{
    int64_t all = DIM(k->gates * k->hidden);
    int64_t d = DIM(k->directions), t = DIM(k->steps), b = DIM(k->batch), n = DIM(k->hidden);
    bool first = k->is_batch_first;
    k->x = first ? numbers(k->dtype, 1, SHAPE(b, t, DIM(k->input)))
                 : numbers(k->dtype, 1, SHAPE(t, b, DIM(k->input)));
    k->w = numbers(k->dtype, 2, SHAPE(d, all, DIM(k->input)));
    k->r = numbers(k->dtype, 3, SHAPE(d, all, n));
    for (int64_t i = 0; i < d * all * n; i++) { /* or differences grow from step to step */
        put(k->r, (size_t)i, at(k->r, (size_t)i) / sqrt((double)n));
    }
    if (!is_full) {
        return;
    }
    k->b = numbers(k->dtype, 4, SHAPE(d, 2 * all));
    k->h = first ? numbers(k->dtype, 5, SHAPE(b, d, n)) : numbers(k->dtype, 5, SHAPE(d, b, n));
    k->lengths = test_tensor(ONR_INT32, SHAPE(b), NULL);
    for (int64_t i = 0; i < b; i++) {
        ((int32_t *)k->lengths->data)[i] = (int32_t)((t * 2 + i * 3) % (t + 1));
    }
    if (k->gates == 4) {
        k->c = first ? numbers(k->dtype, 6, SHAPE(b, d, n)) : numbers(k->dtype, 6, SHAPE(d, b, n));
        k->p = numbers(k->dtype, 7, SHAPE(d, 3 * n));
    }
}

static void check(struct call *k, bool is_full)
{
    struct op_test t;
    int64_t d = DIM(k->directions), s = DIM(k->steps), b = DIM(k->batch), n = DIM(k->hidden);
    bool first = k->is_batch_first;
    fill(k, is_full);
    op_test_begin(&t, "", k->op, 22);
    op_test_string(&t, "direction",
                   k->directions == 2 ? "bidirectional" : (k->is_reverse ? "reverse" : "forward"));
    op_test_int(&t, "layout", first);
    if (k->gates == 3) {
        op_test_int(&t, "linear_before_reset", k->is_linear);
    } else if (k->gates == 4) {
        op_test_int(&t, "input_forget", k->is_coupled);
    }
    if (k->clip > 0) {
        op_test_float(&t, "clip", (float)k->clip);
    }
    struct onr_tensor *inputs[] = {k->x, k->w, k->r, k->b, k->lengths, k->h, k->c, k->p};
    for (int i = 0; i < (k->gates == 4 ? 8 : 6); i++) {
        op_test_input(&t, inputs[i]);
    }
    struct onr_tensor *y[3];
    y[0] = first ? test_tensor(k->dtype, SHAPE(b, s, d, n), NULL)
                 : test_tensor(k->dtype, SHAPE(s, d, b, n), NULL);
    for (int i = 1; i < 3; i++) {
        y[i] = first ? test_tensor(k->dtype, SHAPE(b, d, n), NULL)
                     : test_tensor(k->dtype, SHAPE(d, b, n), NULL);
    }
    for (size_t i = 0; i < k->directions * k->batch; i++) {
        naive(k, i / k->batch, i % k->batch, y);
    }
    for (int i = 0; i < (k->gates == 4 ? 3 : 2); i++) {
        op_test_output(&t, y[i]);
    }
    double accuracy[] = {
        [ONR_FLOAT] = 2e-5, [ONR_FLOAT16] = 2e-3, [ONR_DOUBLE] = 1e-12, [ONR_BFLOAT16] = 2e-2};
    t.rtol = t.atol = accuracy[k->dtype];
    op_test_run(&t);
}

static void check_all(const char *op, size_t gates)
{
    static const enum onr_dtype dtypes[] = {ONR_FLOAT, ONR_DOUBLE, ONR_FLOAT16, ONR_BFLOAT16};
    for (unsigned i = 0; i < 32; i++) {
        struct call k = {.op = op,
                         .gates = gates,
                         .steps = 5,
                         .batch = 1 + i % 3,
                         .input = 3 + i % 2,
                         .hidden = 4 + i % 5,
                         .directions = 1 + i % 2,
                         .is_reverse = i % 4 == 2,
                         .is_linear = (i / 4) % 2 == 1,
                         .is_coupled = (i / 4) % 2 == 1,
                         .is_batch_first = (i / 2) % 2 == 1,
                         .clip = i % 5 == 0 ? 0.5 : 0,
                         .dtype = dtypes[i / 8]};
        check(&k, i % 8 != 0);
        test_tensors_free(NULL);
    }
}

static void lstm_follows_its_equations(void **state)
{
    (void)state;
    check_all("LSTM", 4);
}

static void gru_follows_its_equations(void **state)
{
    (void)state;
    check_all("GRU", 3);
}

static void rnn_follows_its_equations(void **state)
{
    (void)state;
    check_all("RNN", 1);
}

/* The projected input takes several chunks, the last of them a shorter one. */
static void long_sequences_are_projected_in_chunks(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct call k = {.op = "GRU",
                         .gates = 3,
                         .steps = 61,
                         .batch = 67,
                         .input = 2,
                         .hidden = 43,
                         .directions = 1 + i % 2,
                         .is_batch_first = i / 2 == 1,
                         .dtype = ONR_FLOAT};
        check(&k, true);
        test_tensors_free(NULL);
    }
}

/* R is many panels, read from both ends in turns; that of LSTM more than a cache has room for. */
static void wide_states_read_their_weights_to_and_fro(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 9; i++) {
        static const char *const ops[] = {"LSTM", "GRU", "GRU"};
        struct call k = {.op = ops[i % 3],
                         .gates = i % 3 == 0 ? 4 : 3,
                         .steps = 4,
                         .batch = 1 + i / 3 * 2,
                         .input = 2,
                         .hidden = i % 3 == 0 ? 290 : 205,
                         .directions = 2,
                         .is_linear = i % 3 == 1,
                         .dtype = ONR_FLOAT};
        check(&k, i < 6);
        test_tensors_free(NULL);
    }
}

static void empty_sequences_and_batches(void **state)
{
    (void)state;
    struct call k = {.op = "LSTM",
                     .gates = 4,
                     .batch = 2,
                     .input = 3,
                     .hidden = 4,
                     .directions = 2,
                     .dtype = ONR_FLOAT};
    check(&k, false);
    k.steps = 3;
    k.batch = 0;
    check(&k, false);
    k.batch = 2;
    k.input = 0;
    check(&k, false);
    k.dtype = ONR_FLOAT16;
    check(&k, false);
    k.hidden = 0;
    check(&k, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(lstm_follows_its_equations, test_tensors_free),
        cmocka_unit_test_teardown(gru_follows_its_equations, test_tensors_free),
        cmocka_unit_test_teardown(rnn_follows_its_equations, test_tensors_free),
        cmocka_unit_test_teardown(long_sequences_are_projected_in_chunks, test_tensors_free),
        cmocka_unit_test_teardown(wide_states_read_their_weights_to_and_fro, test_tensors_free),
        cmocka_unit_test_teardown(empty_sequences_and_batches, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
