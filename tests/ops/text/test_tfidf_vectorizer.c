/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#define S(text)                                                                                    \
    {                                                                                              \
        .data = text, .length = sizeof(text) - 1                                                   \
    }

/* The pool of the specification: 1-grams 2 3 5 4, 2-grams 5 6, 7 8, 6 7. */
static const int64_t pool[] = {2, 3, 5, 4, 5, 6, 7, 8, 6, 7};
static const struct onr_string words[] = {S("two"), S("three"), S("five"),  S("four"), S("five"),
                                          S("six"), S("seven"), S("eight"), S("six"),  S("seven")};
static const int64_t counts[] = {0, 4};
static const int64_t indexes[] = {0, 1, 2, 3, 4, 5, 6};

static void begin(struct op_test *t, const char *mode, int64_t min, int64_t max, int64_t skip)
{
    op_test_begin(t, "", "TfIdfVectorizer", 9);
    op_test_string(t, "mode", mode);
    op_test_int(t, "min_gram_length", min);
    op_test_int(t, "max_gram_length", max);
    op_test_int(t, "max_skip_count", skip);
    op_test_ints(t, "ngram_counts", 2, counts);
    op_test_ints(t, "ngram_indexes", 7, indexes);
}

static void bigrams_of_each_row_with_skips(void **state)
{
    (void)state;
    static const int32_t x[] = {1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8};
    struct op_test t;
    begin(&t, "TF", 2, 2, 0);
    op_test_ints(&t, "pool_int64s", 10, pool);
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(2, 6), x));
    op_test_output(&t, test_f32(SHAPE(2, 7), (float[]){0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1}));
    op_test_run(&t);

    begin(&t, "TF", 1, 2, 5);
    op_test_ints(&t, "pool_int64s", 10, pool);
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(12), x));
    op_test_output(&t, test_f32(SHAPE(7), (float[]){0, 3, 1, 0, 1, 3, 1}));
    op_test_run(&t);
}

static void modes_weigh_the_counts_of_words(void **state)
{
    (void)state;
    static const struct onr_string x[] = {S("three"), S("three"), S("five"),
                                          S("six"),   S("nine"),  S("")};
    static const float weights[] = {1, 2, 3, 4, 5, 6, 7};
    static const char *const modes[] = {"TF", "IDF", "TFIDF", "IDF"};
    static const float expected[][7] = {
        {0, 2, 1, 0, 1, 0, 0}, {0, 2, 3, 0, 5, 0, 0}, {0, 4, 3, 0, 5, 0, 0}, {0, 1, 1, 0, 1, 0, 0}};
    for (int i = 0; i < 4; i++) {
        struct op_test t;
        begin(&t, modes[i], 1, 3, 0);
        op_test_strings(&t, "pool_strings", 10, words);
        if (i < 3) {
            op_test_floats(&t, "weights", 7, weights);
        }
        op_test_input(&t, test_tensor(ONR_STRING, SHAPE(6), x));
        op_test_output(&t, test_f32(SHAPE(7), expected[i]));
        op_test_run(&t);
    }
}

static void edges_have_results(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "TF", 1, INT64_MAX, INT64_MAX);
    op_test_ints(&t, "pool_int64s", 10, pool);
    op_test_input(&t, test_i64(SCALAR, (int64_t[]){3}));
    op_test_output(&t, test_f32(SHAPE(7), (float[]){0, 1, 0, 0, 0, 0, 0}));
    op_test_run(&t);
    t.inputs[0] = test_i64(SHAPE(0), NULL);
    t.outputs[0] = test_f32(SHAPE(7), NULL);
    op_test_run(&t);
    t.inputs[0] = test_i64(SHAPE(2, 0), NULL);
    t.outputs[0] = test_f32(SHAPE(2, 7), NULL);
    op_test_run(&t);
    t.inputs[0] = test_i64(SHAPE(0, 3), NULL);
    t.outputs[0] = test_f32(SHAPE(0, 7), NULL);
    op_test_run(&t);
    t.inputs[0] = test_i64(SHAPE(4), (int64_t[]){5, 0, 0, 6});
    t.outputs[0] = test_f32(SHAPE(7), (float[]){0, 0, 1, 0, 1, 0, 0});
    op_test_run(&t);
}

/* The last of equal n-grams counts; coordinates may be any, and need no weight of their own. */
static void coordinates_may_be_far_apart_or_shared(void **state)
{
    (void)state;
    static const int64_t twice[] = {7, 7, 9};
    static const int64_t places[] = {0, 4, 4};
    static const int64_t start[] = {0};
    static const float weights[] = {9, 9, 9};
    struct op_test t;
    op_test_begin(&t, "", "TfIdfVectorizer", 9);
    op_test_string(&t, "mode", "TFIDF");
    op_test_int(&t, "min_gram_length", 1);
    op_test_int(&t, "max_gram_length", 1);
    op_test_int(&t, "max_skip_count", 0);
    op_test_ints(&t, "ngram_counts", 1, start);
    op_test_ints(&t, "ngram_indexes", 3, places);
    op_test_ints(&t, "pool_int64s", 3, twice);
    op_test_floats(&t, "weights", 3, weights);
    op_test_input(&t, test_i64(SHAPE(3), (int64_t[]){7, 9, 9}));
    op_test_output(&t, test_f32(SHAPE(5), (float[]){0, 0, 0, 0, 3}));
    op_test_run(&t);
}

struct bad {
    const char *mode;
    int64_t min, max, skip;
    int64_t counts[2];
    size_t index_count;
    int64_t first_index;
    size_t weight_count;
    size_t pool_count;
    const char *message;
};

static void wrong_attributes_are_refused(void **state)
{
    (void)state;
    static const struct bad cases[] = {
        {"tf", 1, 1, 0, {0, 4}, 7, 0, 0, 10, "mode is \"tf\", expected TF, IDF or TFIDF"},
        {"TF", 0, 1, 0, {0, 4}, 7, 0, 0, 10, "n-grams of 0 to 1 items with 0 skips"},
        {"TF", 2, 1, 0, {0, 4}, 7, 0, 0, 10, "n-grams of 2 to 1"},
        {"TF", 1, 1, -1, {0, 4}, 7, 0, 0, 10, "-1 skips"},
        {"TF", 1, 1, 0, {0, 11}, 7, 0, 0, 10, "ngram_counts[1] is 11"},
        {"TF", 1, 1, 0, {4, 3}, 7, 0, 0, 10, "ngram_counts[1] is 3"},
        {"TF", 1, 1, 0, {-1, 3}, 7, 0, 0, 10, "ngram_counts[0] is -1"},
        {"TF", 1, 1, 0, {0, 3}, 7, 0, 0, 10, "7 items are no whole number of 2-grams"},
        {"TF", 1, 1, 0, {0, 4}, 6, 0, 0, 10, "7 n-grams, but 6 in ngram_indexes"},
        {"TF", 1, 1, 0, {0, 4}, 7, -1, 0, 10, "ngram_indexes[0] is -1"},
        {"TF", 1, 1, 0, {0, 4}, 0, 0, 0, 10, "ngram_indexes is empty"},
        {"TF", 1, 1, 0, {0, 4}, 7, 0, 6, 10, "6 weights, expected 7"},
        {"TF", 1, 1, 0, {0, 4}, 7, 0, 0, 0, "expected one of pool_int64s and pool_strings"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct bad *bad = &cases[i];
        int64_t places[7] = {bad->first_index, 1, 2, 3, 4, 5, 6};
        float weights[7] = {0};
        struct op_test t;
        op_test_begin(&t, "", "TfIdfVectorizer", 9);
        op_test_string(&t, "mode", bad->mode);
        op_test_int(&t, "min_gram_length", bad->min);
        op_test_int(&t, "max_gram_length", bad->max);
        op_test_int(&t, "max_skip_count", bad->skip);
        op_test_ints(&t, "ngram_counts", 2, bad->counts);
        op_test_ints(&t, "ngram_indexes", bad->index_count, places);
        if (bad->pool_count > 0) {
            op_test_ints(&t, "pool_int64s", bad->pool_count, pool);
        }
        if (bad->weight_count > 0) {
            op_test_floats(&t, "weights", bad->weight_count, weights);
        }
        op_test_input(&t, test_i64(SHAPE(3), NULL));
        op_test_output(&t, test_f32(SHAPE(7), NULL));
        op_test_fails(&t, ONR_ERR_MODEL, bad->message);
    }
}

static void wrong_inputs_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "TF", 1, 1, 0);
    op_test_ints(&t, "pool_int64s", 10, pool);
    op_test_input(&t, test_i64(SHAPE(1, 1, 3), NULL));
    op_test_output(&t, test_f32(SHAPE(7), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input has rank 3, expected 1 or 2");
    t.inputs[0] = test_tensor(ONR_STRING, SHAPE(3), NULL);
    op_test_fails(&t, ONR_ERR_MODEL, "input is string, but the pool holds integers");
    t.inputs[0] = test_f32(SHAPE(3), NULL);
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "float");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(bigrams_of_each_row_with_skips, test_tensors_free),
        cmocka_unit_test_teardown(modes_weigh_the_counts_of_words, test_tensors_free),
        cmocka_unit_test_teardown(edges_have_results, test_tensors_free),
        cmocka_unit_test_teardown(coordinates_may_be_far_apart_or_shared, test_tensors_free),
        cmocka_unit_test_teardown(wrong_attributes_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(wrong_inputs_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
