/* SPDX-License-Identifier: Apache-2.0 */
/* What masks, softcap and sinks do to scores, and what AttentionChain refuses. */
#include "support/op_test.h"

#include <math.h>

/* ---- masks ---- */

/* Two queries and two keys with scores {1, 2} and values {1, 3}. */
static void begin_flags(struct op_test *t, const bool *flags, const char *fill, float number)
{
    op_test_begin(t, "onnxrun", "AttentionChain", 1);
    op_test_input(t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 1}));
    op_test_input(t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 2}));
    op_test_input(t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 3}));
    op_test_input(t, test_tensor(ONR_BOOL, SHAPE(2, 2), flags));
    if (fill != NULL) {
        op_test_float(t, fill, number);
    }
}

static void flags_replace_scores(void **state)
{
    (void)state;
    const bool flags[] = {true, false, false, false};
    struct op_test t;
    begin_flags(&t, flags, NULL, 0);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, NAN}));
    op_test_run(&t);
    begin_flags(&t, flags, NULL, 0);
    op_test_int(&t, "empty_is_zero", 1);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 0}));
    op_test_run(&t);
    /* -10 + 1 and -10 + 2 would not give the mean */
    begin_flags(&t, flags, "fill", -10);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1.0000334f, 2}));
    op_test_run(&t);
    begin_flags(&t, flags, "fill", -3.40282347e38f);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 2}));
    op_test_run(&t);
    begin_flags(&t, flags, NULL, 0);
    op_test_int(&t, "hides", 1);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){3, 2.4621172f}));
    op_test_run(&t);
}

static void flags_in_double(void **state)
{
    (void)state;
    const bool flags[] = {true, false, false, false};
    for (int hides = 0; hides < 2; hides++) {
        struct op_test t;
        op_test_begin(&t, "onnxrun", "AttentionChain", 1);
        op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 2, 1), (double[]){1, 1}));
        op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 2, 1), (double[]){1, 2}));
        op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 2, 1), (double[]){1, 3}));
        op_test_input(&t, test_tensor(ONR_BOOL, SHAPE(2, 2), flags));
        op_test_int(&t, "hides", hides);
        op_test_float(&t, "fill", -1000);
        double mean = 1 + 2 / (1 + exp(-1));
        op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 2, 1),
                                       hides != 0 ? (double[]){3, mean} : (double[]){1, 2}));
        op_test_run(&t);
    }
}

/* Two batches of two heads, with a query and two keys of scores 0 and values 1 and 3 each. */
static void begin_merged(struct op_test *t, const struct onr_tensor *mask)
{
    op_test_begin(t, "onnxrun", "AttentionChain", 1);
    op_test_input(t, test_f32(SHAPE(2, 2, 1, 1), (float[4]){0}));
    op_test_input(t, test_f32(SHAPE(2, 2, 2, 1), (float[8]){0}));
    op_test_input(t, test_f32(SHAPE(2, 2, 2, 1), (float[]){1, 3, 1, 3, 1, 3, 1, 3}));
    op_test_input(t, mask);
    op_test_int(t, "merged", 1);
}

static void masks_with_batches_and_heads_in_one_dimension(void **state)
{
    (void)state;
    const float each[] = {-INFINITY, 0, 0, -INFINITY, 0, 0, -INFINITY, 0};
    struct op_test t;
    begin_merged(&t, test_f32(SHAPE(4, 1, 2), each));
    op_test_output(&t, test_f32(SHAPE(2, 2, 1, 1), (float[]){3, 1, 2, 3}));
    op_test_run(&t);
    begin_merged(&t, test_f32(SHAPE(4, 1, 1), (float[]){1, 2, -INFINITY, 3}));
    op_test_output(&t, test_f32(SHAPE(2, 2, 1, 1), (float[]){2, 2, NAN, 2}));
    op_test_run(&t);
    begin_merged(&t, test_f32(SHAPE(1, 1, 2), each));
    op_test_output(&t, test_f32(SHAPE(2, 2, 1, 1), (float[]){3, 3, 3, 3}));
    op_test_run(&t);
    const struct onr_tensor *refused[] = {
        test_f32(SHAPE(2, 1, 2), each), test_f32(SHAPE(4, 2, 1), each),
        test_f32(SHAPE(1, 1, 3), each), test_f32(SHAPE(0, 4, 1, 2), NULL), /* has no elements */
        test_f32(SHAPE(2, 4, 1, 1), each)};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        begin_merged(&t, refused[i]);
        op_test_output(&t, test_f32(SHAPE(2, 2, 1, 1), NULL));
        op_test_fails(&t, ONR_ERR_SHAPE, "cannot broadcast");
    }
}

/* Four batches of one head, with a query and two keys of scores 0 and values 1 and 3 each. */
static void begin_repeated(struct op_test *t, const struct onr_tensor *mask)
{
    op_test_begin(t, "onnxrun", "AttentionChain", 1);
    op_test_input(t, test_f32(SHAPE(4, 1, 1, 1), (float[4]){0}));
    op_test_input(t, test_f32(SHAPE(4, 1, 2, 1), (float[8]){0}));
    op_test_input(t, test_f32(SHAPE(4, 1, 2, 1), (float[]){1, 3, 1, 3, 1, 3, 1, 3}));
    op_test_input(t, mask);
    op_test_int(t, "repeats", 1);
}

static void masks_whose_batches_come_again(void **state)
{
    (void)state;
    const float each[] = {-INFINITY, 0, 0, -INFINITY, 0, 0, 0, -INFINITY};
    struct op_test t;
    begin_repeated(&t, test_f32(SHAPE(1, 2, 1, 1, 2), each));
    op_test_output(&t, test_f32(SHAPE(4, 1, 1, 1), (float[]){3, 1, 3, 1}));
    op_test_run(&t);
    begin_repeated(&t, test_f32(SHAPE(2, 1, 1, 1), (float[]){-INFINITY, 5}));
    op_test_output(&t, test_f32(SHAPE(4, 1, 1, 1), (float[]){NAN, 2, NAN, 2}));
    op_test_run(&t);
    begin_repeated(&t, test_f32(SHAPE(4, 1, 1, 2), each));
    op_test_output(&t, test_f32(SHAPE(4, 1, 1, 1), (float[]){3, 1, 2, 1}));
    op_test_run(&t);
    begin_repeated(&t, test_f32(SHAPE(1, 2), each));
    op_test_output(&t, test_f32(SHAPE(4, 1, 1, 1), (float[]){3, 3, 3, 3}));
    op_test_run(&t);
    const struct onr_tensor *refused[] = {test_f32(SHAPE(1, 3, 1, 1, 1), each),
                                          test_f32(SHAPE(2, 2, 1, 1, 2), each),
                                          test_f32(SHAPE(0, 1, 1, 1), NULL)};
    for (size_t i = 0; i < 3; i++) {
        begin_repeated(&t, refused[i]);
        op_test_output(&t, test_f32(SHAPE(4, 1, 1, 1), NULL));
        op_test_fails(&t, ONR_ERR_SHAPE, "cannot broadcast");
    }
    begin_repeated(&t, test_f32(SHAPE(1, 1, 2, 1, 1, 2), each));
    op_test_output(&t, test_f32(SHAPE(4, 1, 1, 1), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 3 has rank 6, expected 5 at most");
}

/* What a flag gets is added to the score: one key is lowered, none, both. */
static void flags_that_add(void **state)
{
    (void)state;
    const float lowered = 1.0f / (1.0f + expf(-1.0f));
    struct op_test t;
    op_test_begin(&t, "onnxrun", "AttentionChain", 1);
    op_test_input(&t, test_f32(SHAPE(3, 1, 1, 1), (float[]){1, 1, 1}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){3, 2}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 0}));
    op_test_input(&t, test_tensor(ONR_BOOL, SHAPE(3, 1, 1, 2), (uint8_t[]){0, 1, 0, 0, 1, 1}));
    op_test_int(&t, "adds", 1);
    op_test_int(&t, "hides", 1);
    op_test_float(&t, "fill", -1e9f);
    op_test_float(&t, "scale", 1.0f);
    op_test_output(&t, test_f32(SHAPE(3, 1, 1, 1), (float[]){1, lowered, 0.5f}));
    op_test_run(&t);
}

/* The first query may see one key alone by its position, and that one the mask hides. */
static void what_position_and_mask_hide_together_is_nan(void **state)
{
    (void)state;
    const bool flags[] = {false, true};
    struct op_test t;
    begin_flags(&t, (bool[]){false, true, false, true}, NULL, 0);
    op_test_int(&t, "right", 0);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){NAN, 3}));
    op_test_run(&t);
    op_test_begin(&t, "onnxrun", "AttentionChain", 1);
    for (int i = 0; i < 3; i++) {
        op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 2, 1), (double[]){1, 3}));
    }
    op_test_input(&t, test_tensor(ONR_BOOL, SHAPE(1, 2), flags));
    op_test_int(&t, "right", 0);
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 2, 1), (double[]){(double)NAN, 3}));
    op_test_run(&t);
}

/* Rows of which all blocks but the first are hidden, and one that is hidden whole. */
static void flags_over_many_keys(void **state)
{
    (void)state;
    enum { KEYS = 1100 };
    struct onr_tensor *flags = test_tensor(ONR_BOOL, SHAPE(20, KEYS), NULL);
    struct onr_tensor *k = test_f32(SHAPE(1, 1, KEYS, 1), NULL);
    struct onr_tensor *v = test_f32(SHAPE(1, 1, KEYS, 1), NULL);
    struct onr_tensor *q = test_f32(SHAPE(1, 1, 20, 1), NULL);
    for (int hides = 0; hides < 2; hides++) {
        float y[20];
        for (int64_t i = 0; i < 20; i++) {
            for (int64_t j = 0; j < KEYS; j++) {
                ((bool *)flags->data)[i * KEYS + j] = (j < i) != (hides != 0);
                ((float *)v->data)[j] = (float)(j % 7);
            }
            double sum = 0;
            int64_t seen = i > 0 ? i : KEYS;
            for (int64_t j = 0; j < seen; j++) {
                sum += (double)(j % 7);
            }
            y[i] = (float)(sum / (double)seen);
            ((float *)q->data)[i] = 0;
        }
        struct op_test t;
        op_test_begin(&t, "onnxrun", "AttentionChain", 1);
        op_test_input(&t, q);
        op_test_input(&t, k);
        op_test_input(&t, v);
        op_test_input(&t, flags);
        op_test_int(&t, "hides", hides);
        op_test_float(&t, "fill", -3.40282347e38f);
        op_test_output(&t, test_f32(SHAPE(1, 1, 20, 1), y));
        op_test_run(&t);
    }
}

static void two_masks_in_order(void **state)
{
    (void)state;
    const bool flags[] = {true, false, false, false};
    const float bias[] = {-INFINITY, 0, -INFINITY, -INFINITY};
    struct op_test t;
    begin_flags(&t, flags, NULL, 0); /* one hides what the other leaves */
    op_test_input(&t, test_f32(SHAPE(2, 2), bias));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){NAN, NAN}));
    op_test_run(&t);
    op_test_begin(&t, "onnxrun", "AttentionChain", 1); /* the second gives numbers again */
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 1}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 2}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 3}));
    op_test_input(&t, test_f32(SHAPE(2, 2), bias));
    op_test_input(&t, test_tensor(ONR_BOOL, SHAPE(2, 1), flags + 1));
    op_test_float(&t, "fill2", -3.40282347e38f);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){2, 2}));
    op_test_run(&t);
    op_test_begin(&t, "onnxrun", "AttentionChain", 1);
    op_test_input(&t, test_f32(SHAPE(1, 1, 1, 1), (float[]){1}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 2}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 3}));
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 0}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 1), (float[]){2}));
    op_test_run(&t);
}

static void softcap_and_sinks(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "onnxrun", "AttentionChain", 1);
    op_test_input(&t, test_f32(SHAPE(1, 1, 1, 1), (float[]){1}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){0, 1000}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 3}));
    op_test_float(&t, "softcap", 1);
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 1), (float[]){2.4621172f}));
    op_test_run(&t);
    for (int is_hidden = 0; is_hidden < 2; is_hidden++) {
        float bias = is_hidden != 0 ? -INFINITY : 0;
        op_test_begin(&t, "onnxrun", "AttentionChain", 1);
        op_test_input(&t, test_f32(SHAPE(1, 2, 1, 1), (float[]){0, 0}));
        op_test_input(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 1}));
        op_test_input(&t, test_f32(SHAPE(1, 1, 2, 1), (float[]){1, 3}));
        op_test_input(&t, test_f32(SHAPE(1), &bias));
        op_test_input(&t, NULL);
        op_test_input(&t, test_f32(SHAPE(1, 2, 1, 1), (float[]){0, -100}));
        op_test_output(&t, test_f32(SHAPE(1, 2, 1, 1),
                                    is_hidden != 0 ? (float[]){0, 0} : (float[]){4.0f / 3, 2}));
        op_test_run(&t);
    }
}

static struct onr_tensor *column(enum onr_dtype dtype, const double x[3])
{
    const float rounded[] = {(float)x[0], (float)x[1], (float)x[2]};
    return test_tensor(dtype, SHAPE(1, 1, 3, 1),
                       dtype == ONR_DOUBLE ? (const void *)x : (const void *)rounded);
}

static void keys_up_to_a_diagonal(void **state)
{
    (void)state;
    static const double y[3][3] = {{1, 2, 3}, {2, 3, 3}, {3, 3, 3}};
    static const enum onr_dtype dtypes[] = {ONR_FLOAT, ONR_DOUBLE};
    for (int64_t right = -1; right < 3; right++) {
        for (int d = 0; d < 2; d++) {
            struct op_test t;
            const double *want = y[right < 0 ? 2 : right];
            op_test_begin(&t, "onnxrun", "AttentionChain", 1);
            op_test_input(&t, column(dtypes[d], (double[]){0, 0, 0}));
            op_test_input(&t, column(dtypes[d], (double[]){1, 1, 1}));
            op_test_input(&t, column(dtypes[d], (double[]){1, 3, 5}));
            op_test_int(&t, "right", right);
            op_test_output(&t, column(dtypes[d], want));
            op_test_run(&t);
        }
    }
}

/* ---- refusals ---- */

static void begin_small(struct op_test *t, const char *order)
{
    op_test_begin(t, "onnxrun", "AttentionChain", 1);
    op_test_string(t, "q", order);
    for (int i = 0; i < 3; i++) {
        op_test_input(t, test_f32(SHAPE(1, 1, 2, 4), (float[8]){0}));
    }
    op_test_output(t, test_f32(SHAPE(1, 1, 2, 4), NULL));
}

static void layouts_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const char *const orders[] = {"", "bnhs", "bbsh", "bn?h", "bnsp", "abcdefgh", "bsh "};
    struct op_test t;
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        begin_small(&t, orders[i]);
        op_test_fails(&t, ONR_ERR_VALUE, "attribute q: expected an order of axes");
    }
    begin_small(&t, "bsxh");
    op_test_fails(&t, ONR_ERR_VALUE, "attribute q_part: expected index, offset");
    begin_small(&t, "bsxh");
    op_test_ints(&t, "q_part", 5, (int64_t[]){2, 0, 0, 0, 0});
    op_test_fails(&t, ONR_ERR_SHAPE, "does not have the part");
    begin_small(&t, "bnsh");
    op_test_ints(&t, "q_part", 5, (int64_t[]){0, 1, 4, 0, 0});
    op_test_fails(&t, ONR_ERR_SHAPE, "does not have the part");
    begin_small(&t, "bnsh"); /* a whole axis from its second element on would end behind it */
    op_test_ints(&t, "q_part", 5, (int64_t[]){0, 1, 0, 1, 0});
    op_test_fails(&t, ONR_ERR_SHAPE, "does not have the part");
    begin_small(&t, "bnsh");
    op_test_ints(&t, "q_part", 5, (int64_t[]){0, -1, 4, 0, 0});
    op_test_fails(&t, ONR_ERR_VALUE, "attribute q_part");
    begin_small(&t, "bs1h");
    op_test_fails(&t, ONR_ERR_SHAPE, "does not have the part");
    begin_small(&t, "bnsh");
    op_test_string(&t, "y", "bsp");
    op_test_ints(&t, "y_part", 5, (int64_t[]){0, 0, 4, 1, 4});
    op_test_fails(&t, ONR_ERR_MODEL, "y_part");
    begin_small(&t, "bnsh");
    op_test_int(&t, "groups", 0);
    op_test_fails(&t, ONR_ERR_VALUE, "groups");
}

static void masks_and_sinks_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin_small(&t, "bnsh");
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2), (double[]){0, 0}));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "input 3 is not of the type of Q");
    begin_small(&t, "bnsh");
    op_test_input(&t, NULL);
    op_test_input(&t, NULL);
    op_test_input(&t, test_f32(SHAPE(3), (float[3]){0}));
    op_test_fails(&t, ONR_ERR_SHAPE, "there are 3 sinks");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(flags_replace_scores, test_tensors_free),
        cmocka_unit_test_teardown(flags_in_double, test_tensors_free),
        cmocka_unit_test_teardown(masks_with_batches_and_heads_in_one_dimension, test_tensors_free),
        cmocka_unit_test_teardown(masks_whose_batches_come_again, test_tensors_free),
        cmocka_unit_test_teardown(flags_that_add, test_tensors_free),
        cmocka_unit_test_teardown(what_position_and_mask_hide_together_is_nan, test_tensors_free),
        cmocka_unit_test_teardown(flags_over_many_keys, test_tensors_free),
        cmocka_unit_test_teardown(two_masks_in_order, test_tensors_free),
        cmocka_unit_test_teardown(softcap_and_sinks, test_tensors_free),
        cmocka_unit_test_teardown(keys_up_to_a_diagonal, test_tensors_free),
        cmocka_unit_test_teardown(layouts_that_make_no_sense_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(masks_and_sinks_that_do_not_fit_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
