/* SPDX-License-Identifier: Apache-2.0 */
/* DynamicQuantizeLSTM: one step by hand, and what it refuses; tests/contrib has the rest. */
#include "support/op_test.h"

#include <math.h>

static float sigmoid(float v)
{
    return 1.0f / (1.0f + expf(-v));
}

/* The inputs 3 to 7, all absent, and those after them. */
static void add_parameters(struct op_test *t, const struct onr_tensor *const *parameters)
{
    for (int i = 3; i < 8; i++) {
        op_test_input(t, NULL);
    }
    for (int i = 0; i < 4; i++) {
        op_test_input(t, parameters[i]);
    }
}

/* X lies on the steps of its own quantisation, 1 / 64 apart, so that rounding leaves it as it is;
 * the gates in the order i, o, f, c are 0.5, 1, 0 and -0.25 times x. */
static void one_step(enum onr_dtype dtype, const void *w, bool by_column)
{
    static const float x[] = {-2, 127.0f / 64};
    static const float scales[] = {0.25f, 0.25f, 0.25f, 0.25f};
    static const uint8_t zeros[] = {1, 1, 1, 1};
    struct onr_tensor *scale =
        by_column ? test_f32(SHAPE(1, 4), scales) : test_f32(SHAPE(1), scales);
    struct onr_tensor *zero =
        by_column ? test_tensor(dtype, SHAPE(1, 4), zeros) : test_tensor(dtype, SHAPE(1), zeros);
    float h[2];
    float c[2];
    for (int i = 0; i < 2; i++) {
        c[i] = sigmoid(0.5f * x[i]) * tanhf(-0.25f * x[i]);
        h[i] = sigmoid(x[i]) * tanhf(c[i]);
    }
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "DynamicQuantizeLSTM", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2, 1), x));
    op_test_input(&t, test_tensor(dtype, SHAPE(1, 1, 4), w));
    op_test_input(&t, test_tensor(dtype, SHAPE(1, 1, 4), w));
    add_parameters(&t, (const struct onr_tensor *[]){scale, zero, scale, zero});
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 1), h));
    op_test_output(&t, test_f32(SHAPE(1, 2, 1), h));
    op_test_output(&t, test_f32(SHAPE(1, 2, 1), c));
    t.rtol = 1e-5;
    t.atol = 1e-6;
    op_test_run(&t);
}

static void weights_are_dequantised(void **state)
{
    (void)state;
    for (int by_column = 0; by_column < 2; by_column++) {
        one_step(ONR_UINT8, (uint8_t[]){3, 5, 1, 0}, by_column != 0);
        one_step(ONR_INT8, (int8_t[]){3, 5, 1, 0}, by_column != 0);
    }
}

/* hidden size 1, one direction. */
static void refuse(const struct onr_tensor *w, const struct onr_tensor *const *parameters,
                   enum onr_status status, const char *text)
{
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "DynamicQuantizeLSTM", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2, 3), NULL));
    op_test_input(&t, w);
    op_test_input(&t, test_tensor(ONR_INT8, SHAPE(1, 1, 4), NULL));
    add_parameters(&t, parameters);
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, status, text);
}

#define WIDE 300

/* With the identity as activation Y is o * (i * g), of which each factor is one sum of integers times
 * one scale: no bit is lost in the sum. */
static void sums_are_those_of_integers(void **state)
{
    (void)state;
    static const float scale[] = {0.013f};
    static const uint8_t zero[] = {0};
    float x[WIDE];
    int8_t w[WIDE * 4];
    int64_t sums[4] = {0};
    x[0] = -3.5f;
    x[1] = 4.25f;
    for (int i = 2; i < WIDE; i++) {
        x[i] = 0.37f * (float)(i * 29 % 23 - 11) / 1.7f;
    }
    float step = (4.25f + 3.5f) / 255.0f;
    for (int i = 0; i < WIDE; i++) {
        for (int gate = 0; gate < 4; gate++) {
            int number = (i * 37 + gate * 53) % 251 - 125;
            w[i * 4 + gate] = (int8_t)number;
            sums[gate] += number * (int64_t)nearbyintf(x[i] / step);
        }
    }
    float gates[4];
    for (int gate = 0; gate < 4; gate++) {
        gates[gate] = (float)sums[gate] * (step * scale[0]);
    }
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "DynamicQuantizeLSTM", 1);
    op_test_strings(&t, "activations", 3,
                    (struct onr_string[]){{"Affine", 6}, {"Affine", 6}, {"Affine", 6}});
    op_test_floats(&t, "activation_alpha", 3, (float[]){1, 1, 1});
    op_test_floats(&t, "activation_beta", 3, (float[]){0, 0, 0});
    op_test_input(&t, test_f32(SHAPE(1, 1, WIDE), x));
    op_test_input(&t, test_tensor(ONR_INT8, SHAPE(1, WIDE, 4), w));
    op_test_input(&t, test_tensor(ONR_INT8, SHAPE(1, 1, 4), (int8_t[]){1, 2, 3, 4}));
    struct onr_tensor *scales = test_f32(SHAPE(1), scale);
    struct onr_tensor *zeros = test_tensor(ONR_INT8, SHAPE(1), zero);
    add_parameters(&t, (const struct onr_tensor *[]){scales, zeros, scales, zeros});
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 1), (float[]){gates[1] * (gates[0] * gates[3])}));
    t.rtol = 0;
    t.atol = 0;
    op_test_run(&t);
}

static void bad_shapes_are_refused(void **state)
{
    (void)state;
    struct onr_tensor *w = test_tensor(ONR_INT8, SHAPE(1, 3, 4), NULL);
    struct onr_tensor *s = test_f32(SHAPE(1), NULL);
    struct onr_tensor *z = test_tensor(ONR_INT8, SHAPE(1), NULL);
    const struct onr_tensor *good[] = {s, z, s, z};
    refuse(test_tensor(ONR_INT8, SHAPE(1, 4, 3), NULL), good, ONR_ERR_SHAPE,
           "W has 4 at dimension 1, expected 3");
    refuse(w, (const struct onr_tensor *[]){NULL, z, s, z}, ONR_ERR_MODEL,
           "required input W_scale is empty");
    refuse(w, (const struct onr_tensor *[]){s, z, test_f32(SHAPE(2), NULL), z}, ONR_ERR_SHAPE,
           "R_scale has 2 at dimension 0, expected 1");
    refuse(w, (const struct onr_tensor *[]){test_f32(SHAPE(1, 3), NULL), z, s, z}, ONR_ERR_SHAPE,
           "W_scale has 3 at dimension 1, expected 4");
    refuse(w, (const struct onr_tensor *[]){test_f32(SHAPE(1, 1, 1), NULL), z, s, z}, ONR_ERR_SHAPE,
           "W_scale has rank 3, expected 1 or 2");
    refuse(w, (const struct onr_tensor *[]){s, z, test_f32(SHAPE(1, 4), NULL), z}, ONR_ERR_SHAPE,
           "R_zero_point has rank 1, expected 2 as R_scale");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(weights_are_dequantised, test_tensors_free),
        cmocka_unit_test_teardown(sums_are_those_of_integers, test_tensors_free),
        cmocka_unit_test_teardown(bad_shapes_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
