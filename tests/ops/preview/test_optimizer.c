/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

#define DOMAIN "ai.onnx.preview.training"

static void begin(struct op_test *t, const char *op, double rate, int64_t round)
{
    op_test_begin(t, DOMAIN, op, 1);
    op_test_input(t, test_tensor(ONR_DOUBLE, SCALAR, &rate));
    op_test_input(t, test_i64(SCALAR, &round));
}

static void begin_momentum(struct op_test *t, const char *mode, int64_t round)
{
    begin(t, "Momentum", 0.1, round);
    op_test_float(t, "norm_coefficient", 0.001f);
    op_test_float(t, "alpha", 0.95f);
    op_test_float(t, "beta", 0.5f);
    op_test_string(t, "mode", mode);
}

static void momentum_moves_along_its_velocity(void **state)
{
    (void)state;
    static const double x[] = {1.2, 2.8};
    static const double g[] = {-0.94, -2.5};
    static const double v[] = {1.7, 3.6};
    for (int i = 0; i < 4; i++) {
        struct op_test t;
        double new_x[2];
        double new_v[2];
        for (int k = 0; k < 2; k++) {
            double q = 0.001 * x[k] + g[k];
            new_v[k] = 0.95 * v[k] + (i % 2 == 1 ? 0.5 : 1.0) * q;
            new_x[k] = x[k] - 0.1 * (i / 2 == 0 ? new_v[k] : q + 0.95 * new_v[k]);
        }
        begin_momentum(&t, i / 2 == 0 ? "standard" : "nesterov", i % 2);
        op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2), x));
        op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2), g));
        op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(2), v));
        op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(2), new_x));
        op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(2), new_v));
        op_test_run(&t);
    }
}

static void adagrad_decays_its_rate(void **state)
{
    (void)state;
    struct op_test t;
    float q = 0.001f * 1.0f - 1.0f;
    float h = 2.0f + q * q;
    float x = 1.0f - 0.1f / (1 + 3 * 0.1f) * q / (sqrtf(h) + 1e-5f);
    begin(&t, "Adagrad", 0.1, 3);
    op_test_float(&t, "norm_coefficient", 0.001f);
    op_test_float(&t, "epsilon", 1e-5f);
    op_test_float(&t, "decay_factor", 0.1f);
    op_test_input(&t, test_f32(SHAPE(1), (float[]){1}));
    op_test_input(&t, test_f32(SHAPE(1), (float[]){-1}));
    op_test_input(&t, test_f32(SHAPE(1), (float[]){2}));
    op_test_output(&t, test_f32(SHAPE(1), &x));
    op_test_output(&t, test_f32(SHAPE(1), &h));
    op_test_run(&t);
}

/* Two tensors of different types and sizes, more than one chunk; the last state is not wanted. */
static void adam_steps_each_tensor_of_a_group(void **state)
{
    (void)state;
    struct op_test t;
    struct onr_tensor *in[8];
    struct onr_tensor *out[6];
    for (int i = 0; i < 8; i++) {
        in[i] = i % 2 == 0 ? test_tensor(ONR_DOUBLE, SHAPE(3, 101), NULL) : test_f32(SCALAR, NULL);
    }
    for (int i = 0; i < 6; i++) {
        out[i] = i % 2 == 0 ? test_tensor(ONR_DOUBLE, SHAPE(3, 101), NULL) : test_f32(SCALAR, NULL);
    }
    double rate = 0.1 * sqrt(1 - pow(0.999, 2)) / (1 - pow(0.5, 2));
    for (int i = 0; i < 304; i++) {
        double x = 1 + i;
        double g = 3 - 0.5 * i;
        double v = 0.25 * i;
        double h = 2 + i;
        double q = 0.25 * x + g;
        double new_v = 0.5 * v + 0.5 * q;
        double new_h = 0.999 * h + 0.001 * q * q;
        double new_x = 0.75 * (x - rate * new_v / (sqrt(new_h) + 1e-6));
        const double old[] = {x, g, v, h};
        const double new[] = {new_x, new_v, new_h};
        for (int k = 0; k < 4; k++) {
            if (i < 303) {
                ((double *)in[2 * k]->data)[i] = old[k];
            } else {
                *(float *)in[2 * k + 1]->data = (float)old[k];
            }
        }
        for (int k = 0; k < 3; k++) {
            if (i < 303) {
                ((double *)out[2 * k]->data)[i] = new[k];
            } else {
                *(float *)out[2 * k + 1]->data = (float)new[k];
            }
        }
    }
    begin(&t, "Adam", 0.1, 2);
    op_test_float(&t, "alpha", 0.5f);
    op_test_float(&t, "norm_coefficient", 0.25f);
    op_test_float(&t, "norm_coefficient_post", 0.25f);
    for (int i = 0; i < 8; i++) {
        op_test_input(&t, in[i]);
    }
    for (int i = 0; i < 5; i++) {
        op_test_output(&t, i == 1 ? NULL : out[i]);
    }
    op_test_run(&t);

    /* In the first round the bias is not corrected; defaults of the other attributes. */
    begin(&t, "Adam", 0.1, 0);
    for (int i = 0; i < 4; i++) {
        op_test_input(&t, test_f32(SHAPE(1), (float[]){1}));
    }
    op_test_output(&t, test_f32(SHAPE(1), (float[]){1 - 0.1f / (1 + 1e-6f)}));
    op_test_run(&t);
}

static void wrong_inputs_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    struct onr_tensor *one = test_f32(SHAPE(1), NULL);
    begin_momentum(&t, "other", 0);
    for (int i = 0; i < 3; i++) {
        op_test_input(&t, one);
    }
    op_test_output(&t, one);
    op_test_fails(&t, ONR_ERR_MODEL, "mode is \"other\", expected standard or nesterov");

    begin(&t, "Adam", 0.1, 0);
    for (int i = 0; i < 5; i++) {
        op_test_input(&t, one);
    }
    op_test_output(&t, one);
    op_test_fails(&t, ONR_ERR_MODEL, "7 inputs and 1 outputs, expected 2 + 4 n and 3 n");

    begin(&t, "Adagrad", 0.1, 0);
    op_test_input(&t, one);
    op_test_input(&t, test_f32(SHAPE(2), NULL));
    op_test_input(&t, one);
    op_test_output(&t, one);
    op_test_fails(&t, ONR_ERR_SHAPE, "input 3 has shape 2, expected 1");
    t.inputs[3] = test_tensor(ONR_DOUBLE, SHAPE(1), NULL);
    op_test_fails(&t, ONR_ERR_MODEL, "input 3 is double, expected float");
    t.inputs[3] = one;
    t.inputs[0] = test_f32(SHAPE(2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "the learning rate has shape 2, expected one element");
    t.inputs[0] = one;
    for (int i = 0; i < 3; i++) {
        op_test_input(&t, i == 0 ? NULL : one);
    }
    op_test_fails(&t, ONR_ERR_MODEL, "input 5 is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(momentum_moves_along_its_velocity, test_tensors_free),
        cmocka_unit_test_teardown(adagrad_decays_its_rate, test_tensors_free),
        cmocka_unit_test_teardown(adam_steps_each_tensor_of_a_group, test_tensors_free),
        cmocka_unit_test_teardown(wrong_inputs_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
