/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes and shapes of LSTM, GRU and RNN. */
#include "support/op_test.h"

#include <math.h>

static void begin(struct op_test *t, const char *op, const struct onr_tensor *x,
                  const struct onr_tensor *w, const struct onr_tensor *r)
{
    op_test_begin(t, "", op, 14);
    op_test_input(t, x);
    op_test_input(t, w);
    op_test_input(t, r);
    op_test_output(t, test_f32(SHAPE(1), NULL));
}

static void activations_take_their_parameters_in_turn(void **state)
{
    (void)state;
    struct op_test t;
    const struct onr_string name = {"scaledtanh", 10};
    begin(&t, "RNN", test_f32(SHAPE(1, 1, 1), (float[]){0.5f}),
          test_f32(SHAPE(1, 1, 1), (float[]){1}), test_f32(SHAPE(1, 1, 1), (float[]){0}));
    t.output_count = 0;
    t.attrs[t.attr_count++] = (struct onr_attr){
        .name = "activations", .kind = ONR_ATTR_STRINGS, .count = 1, .as.strings = &name};
    op_test_floats(&t, "activation_alpha", 2, (float[]){3, 9});
    op_test_floats(&t, "activation_beta", 1, (float[]){2});
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 1), (float[]){3 * tanhf(1)}));
    op_test_run(&t);
}

static void bad_attributes_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    const struct onr_string names[] = {{"Tanh", 4}, {"Cosine", 6}};
    struct onr_tensor *one = test_f32(SHAPE(1, 1, 1), NULL);
    begin(&t, "RNN", one, one, one);
    op_test_string(&t, "direction", "sideways");
    op_test_fails(&t, ONR_ERR_MODEL, "direction is \"sideways\"");
    begin(&t, "RNN", one, one, one);
    op_test_float(&t, "clip", -1);
    op_test_fails(&t, ONR_ERR_MODEL, "clip is -1");
    begin(&t, "RNN", one, one, one);
    op_test_int(&t, "hidden_size", -5);
    op_test_fails(&t, ONR_ERR_MODEL, "hidden_size is -5");
    begin(&t, "RNN", one, one, one);
    t.attrs[t.attr_count++] = (struct onr_attr){
        .name = "activations", .kind = ONR_ATTR_STRINGS, .count = 1, .as.strings = names + 1};
    op_test_fails(&t, ONR_ERR_MODEL, "activations names \"Cosine\"");
    t.attrs[0].count = 2;
    t.attrs[0].as.strings = names;
    op_test_fails(&t, ONR_ERR_MODEL, "activations has 2 names, expected 1");
}

static void bad_shapes_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    struct onr_tensor *x = test_f32(SHAPE(5, 2, 3), NULL);
    struct onr_tensor *w = test_f32(SHAPE(1, 16, 3), NULL);
    struct onr_tensor *r = test_f32(SHAPE(1, 16, 4), NULL);
    begin(&t, "LSTM", test_f32(SHAPE(5, 3), NULL), w, r);
    op_test_fails(&t, ONR_ERR_SHAPE, "X has rank 2");
    begin(&t, "LSTM", x, test_f32(SHAPE(2, 16, 3), NULL), r);
    op_test_fails(&t, ONR_ERR_SHAPE, "W has 2 at dimension 0, expected 1");
    begin(&t, "LSTM", x, test_f32(SHAPE(1, 12, 3), NULL), r);
    op_test_fails(&t, ONR_ERR_SHAPE, "W has 12 at dimension 1, expected 4 times hidden size 4");
    begin(&t, "LSTM", x, test_f32(SHAPE(1, 16, 2), NULL), r);
    op_test_fails(&t, ONR_ERR_SHAPE, "W has 2 at dimension 2, expected 3");
    begin(&t, "LSTM", x, w, r);
    op_test_int(&t, "hidden_size", 5);
    op_test_fails(&t, ONR_ERR_SHAPE, "R has 4 at dimension 2, expected 5");
    begin(&t, "LSTM", x, w, r);
    op_test_input(&t, test_f32(SHAPE(1, 16), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "B has 16 at dimension 1");
    begin(&t, "LSTM", x, w, r);
    op_test_input(&t, NULL);
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(3), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "sequence_lens has 3 at dimension 0, expected 2");
    begin(&t, "LSTM", x, w, r);
    for (int i = 0; i < 4; i++) {
        op_test_input(&t, NULL);
    }
    op_test_input(&t, test_f32(SHAPE(1, 8), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "P has 8 at dimension 1");
}

static void bad_lengths_are_refused(void **state)
{
    (void)state;
    static const int32_t bad[][2] = {{1, 6}, {-1, 2}, {INT32_MIN, 0}};
    for (int i = 0; i < 3; i++) {
        struct op_test t;
        begin(&t, "GRU", test_f32(SHAPE(5, 2, 1), NULL), test_f32(SHAPE(1, 3, 1), NULL),
              test_f32(SHAPE(1, 3, 1), NULL));
        op_test_input(&t, NULL);
        op_test_input(&t, test_tensor(ONR_INT32, SHAPE(2), bad[i]));
        op_test_fails(&t, ONR_ERR_VALUE, "expected 0 to 5");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(activations_take_their_parameters_in_turn, test_tensors_free),
        cmocka_unit_test_teardown(bad_attributes_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(bad_shapes_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(bad_lengths_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
