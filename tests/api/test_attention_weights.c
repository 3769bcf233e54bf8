/* SPDX-License-Identifier: Apache-2.0 */
/* on_attention: the weights of attention in whatever form a model has it, against plain loops. */
#include "support/session_test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST 128

/* What a run has told. */
struct seen {
    char nodes[256]; /* "index op_type output batch_count,query_count,head_count,key_count; ..." */
    size_t rows;
    size_t stop_at; /* of rows; 0: never */
    size_t written;
    float weights[MOST]; /* in the order of the calls */
};

static int note_row(void *user, const onnxrun_attention_row *row)
{
    struct seen *seen = user;
    size_t count = row->head_count * row->key_count;
    assert_int_equal(row->struct_size, sizeof *row);
    assert_true(row->batch < row->batch_count && row->query < row->query_count);
    if (row->batch == 0 && row->query == 0) {
        size_t used = strlen(seen->nodes);
        (void)snprintf(seen->nodes + used, sizeof seen->nodes - used,
                       "%zu:%u %s %s %zu,%zu,%zu,%zu; ", row->index, (unsigned)row->depth,
                       row->op_type, row->output_name, row->batch_count, row->query_count,
                       row->head_count, row->key_count);
    }
    for (size_t i = 0; i < count && seen->written < MOST; i++) {
        seen->weights[seen->written++] = row->weights[i];
    }
    return ++seen->rows == seen->stop_at;
}

static void begin(struct session_test *t, struct seen *seen, const char *text)
{
    onnxrun_session_options options = ONNXRUN_SESSION_OPTIONS_INIT;
    *seen = (struct seen){.rows = 0};
    options.threads = 2;
    options.on_attention = note_row;
    options.attention_user = seen;
    session_test_begin(t, text);
    session_test_restart(t, &options);
}

/* SHAPE(...) as in test_f32 */
static const struct onr_tensor *random_f32(uint64_t seed, size_t rank, const int64_t *dims)
{
    struct onr_tensor *tensor = test_f32(rank, dims, NULL);
    test_random(seed, (size_t)onr_tensor_count(tensor), tensor->data);
    return tensor;
}

static void assert_weights(const struct seen *seen, size_t count, const double *want)
{
    assert_int_equal(seen->written, count);
    for (size_t i = 0; i < count; i++) {
        bool is_same = fabs((double)seen->weights[i] - want[i]) < 2e-6 ||
                       (seen->weights[i] != seen->weights[i] && want[i] != want[i]);
        if (!is_same) {
            fail_msg("weight %zu is %.9g, expected %.9g", i, (double)seen->weights[i], want[i]);
        }
    }
}

/* Softmax over count scores. A score of -inf is hidden; all of them: `empty`. */
static void softmax(size_t count, double sink, double empty, double *scores)
{
    double sum = exp(sink);
    for (size_t j = 0; j < count; j++) {
        sum += exp(scores[j]);
    }
    for (size_t j = 0; j < count; j++) {
        scores[j] = sum == 0 ? empty : exp(scores[j]) / sum;
    }
}

/* q . k of head elements */
static double dot(size_t count, const float *q, const float *k)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)q[i] * (double)k[i];
    }
    return sum;
}

/* Two queries after a past of 3 keys, 2 heads of width 4; window, softcap and a mask of numbers. */
static void attention_with_past_window_softcap_and_mask(void **state)
{
    (void)state;
    struct session_test t;
    struct seen seen;
    begin(&t, &seen,
          "opset 25; in float q [2, 2, 2, 4]; in float k [2, 1, 2, 4]; in float v [2, 1, 2, 3];"
          "in float pk [2, 1, 3, 4]; in float pv [2, 1, 3, 3]; in float m [2, 5];"
          "y = Attention(q, k, v, m, pk, pv) is_causal=1 softcap=2.0 left_window_size=2;"
          "out float y [2, 2, 2, 3];");
    const float *q = random_f32(1, SHAPE(2, 2, 2, 4))->data;
    const float *k = random_f32(2, SHAPE(2, 1, 2, 4))->data;
    const float *pk = random_f32(3, SHAPE(2, 1, 3, 4))->data;
    const float mask[] = {0, 0.5f, -INFINITY, 1, 0, 0, 0, -INFINITY, -INFINITY, -INFINITY};
    double want[2 * 2 * 2 * 5];
    for (size_t b = 0; b < 2; b++) {
        for (size_t i = 0; i < 2; i++) {
            for (size_t n = 0; n < 2; n++) {
                double *row = want + ((b * 2 + i) * 2 + n) * 5;
                for (size_t j = 0; j < 5; j++) {
                    const float *key = j < 3 ? pk + (b * 3 + j) * 4 : k + (b * 2 + j - 3) * 4;
                    double score = dot(4, q + ((b * 2 + n) * 2 + i) * 4, key) / 2;
                    bool is_seen = j <= 3 + i && j + 2 >= 3 + i;
                    row[j] =
                        is_seen ? 2 * tanh(score / 2) + (double)mask[i * 5 + j] : (double)-INFINITY;
                }
                softmax(5, (double)-INFINITY, 0, row);
            }
        }
    }
    session_test_in(&t, "q", test_f32(SHAPE(2, 2, 2, 4), q));
    session_test_in(&t, "k", test_f32(SHAPE(2, 1, 2, 4), k));
    session_test_in(&t, "v", random_f32(4, SHAPE(2, 1, 2, 3)));
    session_test_in(&t, "pk", test_f32(SHAPE(2, 1, 3, 4), pk));
    session_test_in(&t, "pv", random_f32(5, SHAPE(2, 1, 3, 3)));
    session_test_in(&t, "m", test_f32(SHAPE(2, 5), mask));
    session_test_out(&t, "y", NULL);
    session_test_run(&t);
    assert_string_equal(seen.nodes, "0:0 Attention y 2,2,2,5; ");
    assert_weights(&seen, 40, want);
    assert_true(want[5] == 0 && want[6] > 0.0 && want[7] == 0); /* the mask, and the window */
    session_test_end(&t);
}

/* A cache of 6 rows of which 3 and 2 are valid with the new one; 4 heads, 2 of keys; a sink. */
static void group_query_attention_with_lengths_and_sinks(void **state)
{
    (void)state;
    struct session_test t;
    struct seen seen;
    begin(
        &t, &seen,
        "in float q [2, 1, 16]; in float k [2, 1, 8]; in float v [2, 1, 8];"
        "in float pk [2, 2, 6, 4]; in float pv [2, 2, 6, 4]; in int32 l [2]; init int32 n [1] = 6;"
        "in float s [4]; y, a, b = com.microsoft:GroupQueryAttention(q, k, v, pk, pv, l, n, _, _, "
        "_,"
        "_, s) num_heads=4 kv_num_heads=2; out float y [2, 1, 16];");
    const float *q = random_f32(1, SHAPE(2, 1, 16))->data;
    const float *k = random_f32(2, SHAPE(2, 1, 8))->data;
    const float *pk = random_f32(3, SHAPE(2, 2, 6, 4))->data;
    const int32_t last[] = {2, 1};
    const float sinks[] = {0, 1, -1, 2};
    double want[2 * 4 * 6];
    for (size_t b = 0; b < 2; b++) {
        for (size_t n = 0; n < 4; n++) {
            double *row = want + (b * 4 + n) * 6;
            for (size_t j = 0; j < 6; j++) {
                size_t kv = n / 2, valid = (size_t)last[b];
                const float *key =
                    j < valid ? pk + ((b * 2 + kv) * 6 + j) * 4 : k + (b * 2 + kv) * 4;
                row[j] = j > valid ? (double)-INFINITY : dot(4, q + (b * 4 + n) * 4, key) / 2;
            }
            softmax(6, (double)sinks[n], 0, row);
        }
    }
    session_test_in(&t, "q", test_f32(SHAPE(2, 1, 16), q));
    session_test_in(&t, "k", test_f32(SHAPE(2, 1, 8), k));
    session_test_in(&t, "v", random_f32(4, SHAPE(2, 1, 8)));
    session_test_in(&t, "pk", test_f32(SHAPE(2, 2, 6, 4), pk));
    session_test_in(&t, "pv", random_f32(5, SHAPE(2, 2, 6, 4)));
    session_test_in(&t, "l", test_tensor(ONR_INT32, SHAPE(2), last));
    session_test_in(&t, "s", test_f32(SHAPE(4), sinks));
    session_test_out(&t, "y", NULL);
    session_test_run(&t);
    assert_string_equal(seen.nodes, "0:0 GroupQueryAttention y 2,1,4,6; ");
    assert_weights(&seen, 48, want);
    session_test_end(&t);
}

static void multi_head_attention_with_padding_and_bias(void **state)
{
    (void)state;
    struct session_test t;
    struct seen seen;
    begin(&t, &seen,
          "in float q [1, 2, 4]; in float k [1, 3, 4]; in float v [1, 3, 4]; in int32 p [1, 3];"
          "in float b [1, 2, 2, 3]; y = com.microsoft:MultiHeadAttention(q, k, v, _, p, b) "
          "num_heads=2"
          " scale=1.0; out float y [1, 2, 4];");
    const float *q = random_f32(1, SHAPE(1, 2, 4))->data;
    const float *k = random_f32(2, SHAPE(1, 3, 4))->data;
    const float *bias = random_f32(3, SHAPE(1, 2, 2, 3))->data;
    const int32_t padding[] = {1, 0, 1};
    double want[2 * 2 * 3];
    for (size_t i = 0; i < 2; i++) {
        for (size_t n = 0; n < 2; n++) {
            double *row = want + (i * 2 + n) * 3;
            for (size_t j = 0; j < 3; j++) {
                row[j] = dot(2, q + i * 4 + n * 2, k + j * 4 + n * 2) +
                         (double)bias[(n * 2 + i) * 3 + j] + (padding[j] != 0 ? 0 : -10000.0);
            }
            softmax(3, (double)-INFINITY, 0, row);
        }
    }
    session_test_in(&t, "q", test_f32(SHAPE(1, 2, 4), q));
    session_test_in(&t, "k", test_f32(SHAPE(1, 3, 4), k));
    session_test_in(&t, "v", random_f32(4, SHAPE(1, 3, 4)));
    session_test_in(&t, "p", test_tensor(ONR_INT32, SHAPE(1, 3), padding));
    session_test_in(&t, "b", test_f32(SHAPE(1, 2, 2, 3), bias));
    session_test_out(&t, "y", NULL);
    session_test_run(&t);
    assert_string_equal(seen.nodes, "0:0 MultiHeadAttention y 1,2,2,3; ");
    assert_weights(&seen, 12, want);
    session_test_end(&t);
}

/* Keys are 0, so that each token weighs what it sees alike: sequences of 2, 0 and 1 tokens. */
static void packed_sequences_are_told_as_a_batch_with_padding(void **state)
{
    (void)state;
    struct session_test t;
    struct seen seen;
    begin(&t, &seen,
          "in float x [3, 1]; in float w [1, 3]; in float b [3];"
          "in int32 o [3, 2]; in int32 c [4];"
          "y = com.microsoft:PackedAttention(x, w, b, o, c) num_heads=1; out float y [3, 1];");
    session_test_in(&t, "x", test_f32(SHAPE(3, 1), (float[]){1, 3, 10}));
    session_test_in(&t, "w", test_f32(SHAPE(1, 3), (float[]){0, 0, 1}));
    session_test_in(&t, "b", test_f32(SHAPE(3), NULL));
    session_test_in(&t, "o", test_tensor(ONR_INT32, SHAPE(3, 2), (int32_t[]){0, 1, 4, 2, 3, 5}));
    session_test_in(&t, "c", test_tensor(ONR_INT32, SHAPE(4), (int32_t[]){0, 2, 2, 3}));
    session_test_out(&t, "y", NULL);
    session_test_run(&t);
    assert_string_equal(seen.nodes, "0:0 PackedAttention y 3,2,1,2; ");
    assert_int_equal(seen.rows, 3);
    assert_weights(&seen, 6, (double[]){0.5, 0.5, 0.5, 0.5, 1, 0});
    session_test_end(&t);
}

#define CHAIN                                                                                      \
    "in float q [1, 1, 3, 2]; in float k [1, 1, 2, 2]; in float v [1, 1, 2, 2];"                   \
    "in float m [3, 2]; t = Transpose(k) perm=[0, 1, 3, 2]; s = MatMul(q, t);"                     \
    "n = Add(s, m); p = Softmax(n) axis=-1; y = MatMul(p, v); out float y;"

static void bind_chain(struct session_test *t)
{
    static const float mask[] = {0, 0, -INFINITY, 0, -INFINITY, -INFINITY};
    session_test_in(t, "q", test_f32(SHAPE(1, 1, 3, 2), (float[]){0, 0, 1, 2, 1, 1}));
    session_test_in(t, "k", test_f32(SHAPE(1, 1, 2, 2), (float[]){1, 1, 2, 1}));
    session_test_in(t, "v", test_f32(SHAPE(1, 1, 2, 2), (float[]){1, 2, 3, 4}));
    session_test_in(t, "m", test_f32(SHAPE(3, 2), mask));
    session_test_out(t, "y", NULL);
}

static void a_chain_of_nodes_tells_what_its_softmax_gives(void **state)
{
    (void)state;
    struct session_test t;
    struct seen seen;
    begin(&t, &seen, CHAIN);
    bind_chain(&t);
    session_test_run(&t);
    assert_string_equal(seen.nodes, "0:0 AttentionChain y 1,3,1,2; ");
    assert_weights(&seen, 6, (double[]){0.5, 0.5, 0, 1, (double)NAN, (double)NAN});
    session_test_end(&t);
}

static void without_fusion_a_chain_tells_nothing(void **state)
{
    (void)state;
    struct session_test t;
    struct seen seen = {.rows = 0};
    onnxrun_model_options options = ONNXRUN_MODEL_OPTIONS_INIT;
    onnxrun_session_options session = ONNXRUN_SESSION_OPTIONS_INIT;
    options.no_fusion = 1;
    session.on_attention = note_row;
    session.attention_user = &seen;
    assert_int_equal(session_test_load(&t, CHAIN, &options), ONNXRUN_OK);
    session_test_restart(&t, &session);
    bind_chain(&t);
    session_test_run(&t);
    assert_int_equal(seen.rows, 0);
    session_test_end(&t);
}

static void a_run_ends_when_the_answer_is_not_0(void **state)
{
    (void)state;
    struct session_test t;
    struct seen seen;
    begin(&t, &seen, CHAIN);
    bind_chain(&t);
    seen.stop_at = 2;
    session_test_fails(&t, ONNXRUN_ERR_CANCELLED, "y");
    assert_int_equal(seen.rows, 2);
    session_test_run(&t); /* the session can be used on */
    assert_int_equal(seen.rows, 5);
    session_test_end(&t);
}

/* Attentions are counted run by run, those in bodies too. */
static void attentions_are_counted_in_bodies_and_run_by_run(void **state)
{
    (void)state;
    struct session_test t;
    struct seen seen;
    begin(&t, &seen,
          "opset 23; in float x [1, 1, 1, 2]; in bool c; a = Attention(x, x, x);"
          "r = If(c) then_branch={b = Attention(a, a, a); out float b;}"
          "else_branch={out float a;}; z = Attention(r, x, x); out float z;");
    session_test_in(&t, "x", test_f32(SHAPE(1, 1, 1, 2), (float[]){1, 2}));
    session_test_in(&t, "c", test_tensor(ONR_BOOL, SCALAR, (bool[]){true}));
    session_test_out(&t, "z", NULL);
    session_test_run(&t);
    assert_string_equal(seen.nodes, "0:0 Attention a 1,1,1,1; 1:1 Attention b 1,1,1,1; "
                                    "2:0 Attention z 1,1,1,1; ");
    seen = (struct seen){.rows = 0};
    session_test_in(&t, "c", test_tensor(ONR_BOOL, SCALAR, (bool[]){false}));
    session_test_run(&t);
    assert_string_equal(seen.nodes, "0:0 Attention a 1,1,1,1; 1:0 Attention z 1,1,1,1; ");
    session_test_end(&t);
}

/* 16384 x 16384 weights of 2 heads would be 2 GiB. */
static void memory_holds_a_few_queries_only(void **state)
{
    (void)state;
    struct session_test t;
    struct seen seen;
    onnxrun_session_stats stats = {.struct_size = sizeof stats};
    begin(&t, &seen,
          "opset 23; in float x [1, 2, n, 8]; y = Attention(x, x, x); out float y [1, 2, n, 8];");
    seen.stop_at = 40;
    session_test_in(&t, "x", random_f32(1, SHAPE(1, 2, 16384, 8)));
    session_test_out(&t, "y", NULL);
    session_test_fails(&t, ONNXRUN_ERR_CANCELLED, "");
    assert_string_equal(seen.nodes, "0:0 Attention y 1,16384,2,16384; ");
    onnxrun_session_get_stats(t.session, &stats);
    assert_true(stats.peak_bytes < 8 << 20);
    session_test_end(&t);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, test_tensors_free)
    const struct CMUnitTest tests[] = {
        TEST(attention_with_past_window_softcap_and_mask),
        TEST(group_query_attention_with_lengths_and_sinks),
        TEST(multi_head_attention_with_padding_and_bias),
        TEST(packed_sequences_are_told_as_a_batch_with_padding),
        TEST(a_chain_of_nodes_tells_what_its_softmax_gives),
        TEST(without_fusion_a_chain_tells_nothing),
        TEST(a_run_ends_when_the_answer_is_not_0),
        TEST(attentions_are_counted_in_bodies_and_run_by_run),
        TEST(memory_holds_a_few_queries_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
