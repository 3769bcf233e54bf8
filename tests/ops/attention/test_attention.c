/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* One call, with what the oracle needs to know of it. Layout of all operands: [batch, heads, rows,
 * width]. */
struct call {
    int64_t batch, heads, kv_heads, queries, past, added, head, v_head;
    bool is_causal;
    double softcap;
    const float *mask; /* [queries, past + added], or NULL */
};

static float at(const struct onr_tensor *t, int64_t b, int64_t n, int64_t row, int64_t i)
{
    const int64_t *d = t->shape.dim;
    return ((const float *)t->data)[((b * d[1] + n) * d[2] + row) * d[3] + i];
}

/* Key or value row j out of past and new ones. */
static double cached(const struct onr_tensor *past, const struct onr_tensor *added, int64_t b,
                     int64_t n, int64_t j, int64_t i)
{
    int64_t count = past != NULL ? past->shape.dim[2] : 0;
    return (double)(j < count ? at(past, b, n, j, i) : at(added, b, n, j - count, i));
}

/* Naive attention in double. */
static struct onr_tensor *expect(const struct call *c, const struct onr_tensor *q,
                                 const struct onr_tensor *k, const struct onr_tensor *v,
                                 const struct onr_tensor *past_k, const struct onr_tensor *past_v)
{
    struct onr_tensor *y = test_f32(SHAPE(c->batch, c->heads, c->queries, c->v_head), NULL);
    int64_t keys = c->past + c->added;
    double *p = test_tensor(ONR_DOUBLE, SHAPE(keys), NULL)->data;
    float *out = y->data;
    for (int64_t row = 0; row < c->batch * c->heads * c->queries; row++) {
        int64_t b = row / c->queries / c->heads;
        int64_t n = row / c->queries % c->heads;
        int64_t i = row % c->queries;
        int64_t kv = n / (c->heads / c->kv_heads);
        double sum = 0;
        for (int64_t j = 0; j < keys; j++) {
            double dot = 0;
            for (int64_t h = 0; h < c->head; h++) {
                dot += (double)at(q, b, n, i, h) * cached(past_k, k, b, kv, j, h);
            }
            dot /= sqrt((double)c->head);
            dot = c->softcap > 0 ? c->softcap * tanh(dot / c->softcap) : dot;
            dot += c->mask != NULL ? (double)c->mask[i * keys + j] : 0;
            p[j] = c->is_causal && j > i + c->past ? 0 : exp(dot);
            sum += p[j];
        }
        for (int64_t h = 0; h < c->v_head; h++, out++) {
            double value = 0;
            for (int64_t j = 0; j < keys; j++) {
                value += sum > 0 ? p[j] / sum * cached(past_v, v, b, kv, j, h) : 0;
            }
            *out = (float)value;
        }
    }
    return y;
}

static struct onr_tensor *random_tensor(uint64_t seed, int64_t b, int64_t n, int64_t rows,
                                        int64_t width)
{
    struct onr_tensor *t = test_f32(SHAPE(b, n, rows, width), NULL);
    test_random(seed, (size_t)(b * n * rows * width), t->data);
    return t;
}

static void check_call(const struct call *c)
{
    int64_t keys = c->past + c->added;
    struct onr_tensor *q = random_tensor(1, c->batch, c->heads, c->queries, c->head);
    struct onr_tensor *k = random_tensor(2, c->batch, c->kv_heads, c->added, c->head);
    struct onr_tensor *v = random_tensor(3, c->batch, c->kv_heads, c->added, c->v_head);
    struct onr_tensor *past_k = NULL;
    struct onr_tensor *past_v = NULL;
    if (c->past > 0) {
        past_k = random_tensor(4, c->batch, c->kv_heads, c->past, c->head);
        past_v = random_tensor(5, c->batch, c->kv_heads, c->past, c->v_head);
    }
    struct op_test t;
    op_test_begin(&t, "", "Attention", 24);
    op_test_int(&t, "is_causal", c->is_causal);
    op_test_float(&t, "softcap", (float)c->softcap);
    op_test_input(&t, q);
    op_test_input(&t, k);
    op_test_input(&t, v);
    op_test_input(&t, c->mask != NULL ? test_f32(SHAPE(c->queries, keys), c->mask) : NULL);
    op_test_input(&t, past_k);
    op_test_input(&t, past_v);
    op_test_output(&t, expect(c, q, k, v, past_k, past_v));
    t.rtol = 1e-4;
    t.atol = 1e-5;
    op_test_run(&t);
}

static void sizes_around_blocks_and_tiles(void **state)
{
    (void)state;
    static const struct call calls[] = {
        {1, 1, 1, 1, 0, 1, 1, 1, false, 0, NULL},     {2, 3, 3, 33, 0, 131, 17, 65, false, 0, NULL},
        {1, 4, 2, 5, 0, 7, 64, 64, true, 0, NULL},    {2, 4, 1, 1, 129, 1, 16, 128, true, 0, NULL},
        {1, 2, 2, 40, 10, 40, 33, 31, true, 0, NULL}, {1, 2, 1, 3, 0, 9, 8, 8, false, 2.0, NULL},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        check_call(&calls[i]);
    }
}

static void query_that_sees_nothing_gives_zeros(void **state)
{
    (void)state;
    static const float mask[] = {0, -INFINITY, -INFINITY, -INFINITY, 0.5f, -1};
    check_call(&(struct call){1, 2, 2, 2, 0, 3, 4, 4, false, 0, mask});
}

static void all_lowest_mask_is_uniform(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Attention", 23);
    op_test_input(&t, test_f32(SHAPE(1, 1, 1, 1), (float[]){1}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 2}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){10, 20}));
    op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){-3.4028234e38f, -3.4028234e38f}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 1), (float[]){15}));
    op_test_run(&t);
}

/* Rank 3, bool mask that is too short, presents, probabilities. Keys 0 and 1 score 0, 2 is hidden.
 */
static void rank_3_short_mask_presents_and_probabilities(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Attention", 24);
    op_test_int(&t, "q_num_heads", 2);
    op_test_int(&t, "kv_num_heads", 1);
    op_test_int(&t, "qk_matmul_output_mode", 3);
    op_test_input(&t, test_f32(SHAPE(1, 1, 2), (float[]){0, 0}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 1), (float[]){5, 6}));
    op_test_input(&t, test_f32(SHAPE(1, 2, 2), (float[]){2, 4, 100, 100}));
    op_test_input(&t, test_tensor(ONR_BOOL, SHAPE(1, 2), (uint8_t[]){1, 1}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 1, 1), (float[]){4}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 1, 2), (float[]){0, 2}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 4), (float[]){1, 3, 1, 3}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 3, 1), (float[]){4, 5, 6}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 3, 2), (float[]){0, 2, 2, 4, 100, 100}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 1, 3), (float[]){0.5f, 0.5f, 0, 0.5f, 0.5f, 0}));
    op_test_run(&t);
}

static void padded_keys_are_hidden_and_counted(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Attention", 24);
    op_test_int(&t, "is_causal", 1);
    op_test_input(&t, test_f32(SHAPE(2, 1, 1, 1), (float[]){0, 0}));
    op_test_input(&t, test_f32(SHAPE(2, 1, 3, 1), (float[]){1, 1, 1, 1, 1, 1}));
    op_test_input(&t, test_f32(SHAPE(2, 1, 3, 1), (float[]){1, 3, 9, 1, 3, 8}));
    op_test_input(&t, NULL);
    op_test_input(&t, NULL);
    op_test_input(&t, NULL);
    op_test_input(&t, test_i64(SHAPE(2), (int64_t[]){2, 3}));
    op_test_output(&t, test_f32(SHAPE(2, 1, 1, 1), (float[]){2, 4}));
    op_test_run(&t);
    t.inputs[6] = test_i64(SHAPE(2), (int64_t[]){2, 4});
    op_test_fails(&t, ONR_ERR_VALUE, "nonpad_kv_seqlen[1] is 4, expected 0 to 3");
}

static void windows_bound_both_sides(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Attention", 25);
    op_test_int(&t, "left_window_size", 1);
    op_test_int(&t, "right_window_size", 0);
    op_test_input(&t, test_f32(SHAPE(1, 1, 3, 1), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 1, 3, 1), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 1, 3, 1), (float[]){1, 3, 9}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 3, 1), (float[]){1, 2, 6}));
    op_test_run(&t);
}

static void double_and_half_types(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Attention", 23);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 1, 1), (double[]){0}));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 2, 1), (double[]){1, 2}));
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 2, 1), (double[]){1, 2}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 1, 1), (double[]){1.5}));
    op_test_run(&t);
    op_test_begin(&t, "", "Attention", 23);
    op_test_int(&t, "softmax_precision", ONR_DOUBLE);
    op_test_input(&t, test_tensor(ONR_BFLOAT16, SHAPE(1, 1, 1, 1), NULL));
    op_test_input(&t, test_tensor(ONR_BFLOAT16, SHAPE(1, 1, 2, 1), (uint16_t[]){0x3f80, 0x4000}));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1, 2, 1), (uint16_t[]){0x3c00, 0x4000}));
    op_test_output(&t, test_tensor(ONR_BFLOAT16, SHAPE(1, 1, 1, 1), (uint16_t[]){0x3fc0}));
    op_test_run(&t);
    t.attr_count = 0;
    op_test_run(&t);
}

static void empty_batches_and_no_keys(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Attention", 23);
    op_test_input(&t, test_f32(SHAPE(0, 1, 2, 4), NULL));
    op_test_input(&t, test_f32(SHAPE(0, 1, 3, 4), NULL));
    op_test_input(&t, test_f32(SHAPE(0, 1, 3, 4), NULL));
    op_test_output(&t, test_f32(SHAPE(0, 1, 2, 4), NULL));
    op_test_run(&t);
    t.inputs[0] = test_f32(SHAPE(1, 1, 2, 4), NULL);
    t.inputs[1] = t.inputs[2] = test_f32(SHAPE(1, 1, 0, 4), NULL);
    t.outputs[0] = test_f32(SHAPE(1, 1, 2, 4), NULL);
    op_test_run(&t);
}

static void operands_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Attention", 23);
    op_test_input(&t, test_f32(SHAPE(1, 4, 2, 8), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 3, 2, 8), NULL));
    op_test_input(&t, test_f32(SHAPE(1, 3, 2, 8), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 4, 2, 8), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "4 heads are not a multiple of 3 kv heads");
    t.inputs[1] = test_f32(SHAPE(1, 4, 2, 7), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "head size of Q and K differs: 8 and 7");
    t.inputs[1] = t.inputs[2] = test_f32(SHAPE(1, 4, 2, 8), NULL);
    op_test_input(&t, test_f32(SHAPE(3, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "mask of shape 3x2 does not fit scores of [1, 4, 2, 2]");
    t.inputs[3] = NULL;
    op_test_input(&t, test_f32(SHAPE(1, 4, 2, 8), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "past_key and past_value must come together");
    t.input_count = 3;
    t.inputs[0] = t.inputs[1] = t.inputs[2] = test_f32(SHAPE(1, 2, 8), NULL);
    op_test_fails(&t, ONR_ERR_MODEL, "attribute \"q_num_heads\" is needed for rank 3");
    op_test_int(&t, "qk_matmul_output_mode", 4);
    op_test_fails(&t, ONR_ERR_MODEL, "qk_matmul_output_mode is 4");
}

static void windows_below_minus_one_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"left_window_size", "right_window_size"};
    for (int i = 0; i < 2; i++) {
        struct op_test t;
        char message[128];
        op_test_begin(&t, "", "Attention", 25);
        op_test_int(&t, names[i], -2);
        for (int k = 0; k < 3; k++) {
            op_test_input(&t, test_f32(SHAPE(1, 1, 2, 4), NULL));
        }
        op_test_output(&t, test_f32(SHAPE(1, 1, 2, 4), NULL));
        (void)snprintf(message, sizeof message, "%s is -2, expected -1 (no bound) or more",
                       names[i]);
        op_test_fails(&t, ONR_ERR_MODEL, message);
        t.attrs[0].as.i = -1;
        op_test_run(&t);
    }
}

static void numbers_of_heads_are_for_rank_3(void **state)
{
    (void)state;
    static const char *const names[] = {"q_num_heads", "kv_num_heads"};
    for (int i = 0; i < 2; i++) {
        struct op_test t;
        char message[128];
        op_test_begin(&t, "", "Attention", 25);
        op_test_int(&t, names[i], 1);
        for (int k = 0; k < 3; k++) {
            op_test_input(&t, test_f32(SHAPE(1, 1, 2, 4), NULL));
        }
        op_test_output(&t, test_f32(SHAPE(1, 1, 2, 4), NULL));
        (void)snprintf(message, sizeof message,
                       "attribute \"%s\" is for inputs of rank 3, these have rank 4", names[i]);
        op_test_fails(&t, ONR_ERR_MODEL, message);
        t.version = 24; /* ignored there */
        op_test_run(&t);
    }
    struct op_test t;
    op_test_begin(&t, "", "Attention", 25);
    op_test_int(&t, "q_num_heads", 2);
    op_test_int(&t, "kv_num_heads", -2);
    for (int k = 0; k < 3; k++) {
        op_test_input(&t, test_f32(SHAPE(1, 2, 8), NULL));
    }
    op_test_output(&t, test_f32(SHAPE(1, 2, 8), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "kv_num_heads is -2, expected above 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(sizes_around_blocks_and_tiles, test_tensors_free),
        cmocka_unit_test_teardown(query_that_sees_nothing_gives_zeros, test_tensors_free),
        cmocka_unit_test_teardown(all_lowest_mask_is_uniform, test_tensors_free),
        cmocka_unit_test_teardown(rank_3_short_mask_presents_and_probabilities, test_tensors_free),
        cmocka_unit_test_teardown(padded_keys_are_hidden_and_counted, test_tensors_free),
        cmocka_unit_test_teardown(windows_bound_both_sides, test_tensors_free),
        cmocka_unit_test_teardown(windows_below_minus_one_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(numbers_of_heads_are_for_rank_3, test_tensors_free),
        cmocka_unit_test_teardown(double_and_half_types, test_tensors_free),
        cmocka_unit_test_teardown(empty_batches_and_no_keys, test_tensors_free),
        cmocka_unit_test_teardown(operands_that_do_not_fit_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
