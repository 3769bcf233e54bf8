/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

#define COUNT 6
#define NONE  ((double)NAN)

/* Results for x = -3, -0.5, 0, 0.5, 3, NaN. A name is set as an attribute, NULL leaves the default.
 */
static const float xs[COUNT] = {-3, -0.5f, 0, 0.5f, 3, NAN};

static const struct {
    const char *domain;
    const char *op;
    int version;
    const char *a_name;
    float a;
    const char *b_name;
    float b;
    double y[COUNT];
} cases[] = {
    {"", "Celu", 12, NULL, 0, NULL, 0, {-0.9502129, -0.3934693, 0, 0.5, 3, NONE}},
    {"", "Celu", 12, "alpha", 2, NULL, 0, {-1.5537397, -0.4423984, 0, 0.5, 3, NONE}},
    {"", "Elu", 6, NULL, 0, NULL, 0, {-0.9502129, -0.3934693, 0, 0.5, 3, NONE}},
    {"", "Elu", 22, "alpha", 2, NULL, 0, {-1.9004259, -0.7869387, 0, 0.5, 3, NONE}},
    {"", "HardSigmoid", 6, NULL, 0, NULL, 0, {0, 0.4, 0.5, 0.6, 1, NONE}},
    {"", "HardSigmoid", 6, "alpha", 0.5f, "beta", 0.6f, {0, 0.35, 0.6, 0.85, 1, NONE}},
    {"", "LeakyRelu", 16, NULL, 0, NULL, 0, {-0.03, -0.005, 0, 0.5, 3, NONE}},
    {"", "LeakyRelu", 6, "alpha", 0.1f, NULL, 0, {-0.3, -0.05, 0, 0.5, 3, NONE}},
    {"", "Selu", 6, NULL, 0, NULL, 0, {-1.6705687, -0.6917582, 0, 0.5253505, 3.1521030, NONE}},
    {"", "Selu", 6, "alpha", 2, "gamma", 3, {-5.7012776, -2.3608160, 0, 1.5, 9, NONE}},
    {"", "Shrink", 9, NULL, 0, NULL, 0, {-3, 0, 0, 0, 3, 0}},
    {"", "Shrink", 9, "lambd", 0.25f, "bias", 1, {-2, 0.5, 0, -0.5, 2, 0}},
    {"", "Swish", 24, NULL, 0, NULL, 0, {-0.1422776, -0.1887703, 0, 0.3112297, 2.8577224, NONE}},
    {"", "Swish", 24, "alpha", 2, NULL, 0, {-0.0074179, -0.1344707, 0, 0.3655293, 2.9925821, NONE}},
    {"", "ThresholdedRelu", 10, NULL, 0, NULL, 0, {0, 0, 0, 0, 3, 0}},
    {"", "ThresholdedRelu", 10, "alpha", 0, NULL, 0, {0, 0, 0, 0.5, 3, 0}},
    {"com.microsoft",
     "QuickGelu",
     1,
     NULL,
     0,
     NULL,
     0,
     {-0.0180713, -0.1496116, 0, 0.3503884, 2.9819287, NONE}},
    {"", "Gelu", 20, NULL, 0, NULL, 0, {-0.0040497, -0.1542688, 0, 0.3457312, 2.9959503, NONE}},
};

static void check(const char *domain, const char *op, int version, const char *const names[2],
                  const float values[2], const double y[COUNT])
{
    for (int is_double = 0; is_double < 2; is_double++) {
        double wide_xs[COUNT];
        float narrow_y[COUNT];
        for (int i = 0; i < COUNT; i++) {
            wide_xs[i] = (double)xs[i];
            narrow_y[i] = (float)y[i];
        }
        struct op_test t;
        op_test_begin(&t, domain, op, version);
        for (int i = 0; i < 2; i++) {
            if (names[i] != NULL) {
                op_test_float(&t, names[i], values[i]);
            }
        }
        enum onr_dtype dtype = is_double ? ONR_DOUBLE : ONR_FLOAT;
        op_test_input(&t, test_tensor(dtype, SHAPE(COUNT),
                                      is_double ? (const void *)wide_xs : (const void *)xs));
        op_test_output(&t, test_tensor(dtype, SHAPE(COUNT),
                                       is_double ? (const void *)y : (const void *)narrow_y));
        t.atol = 1e-7;
        op_test_run(&t);
    }
}

static void functions_match_their_definition(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        check(cases[i].domain, cases[i].op, cases[i].version,
              (const char *[]){cases[i].a_name, cases[i].b_name}, (float[]){cases[i].a, cases[i].b},
              cases[i].y);
    }
}

static void gelu_takes_its_form_from_approximate(void **state)
{
    (void)state;
    const struct onr_tensor *x = test_f32(SHAPE(3), (float[]){-1, 0, 1});
    const struct {
        const char *form;
        float y[3];
    } forms[] = {{"none", {-0.15865526f, 0, 0.84134474f}},
                 {"tanh", {-0.15880801f, 0, 0.84119199f}}};
    struct op_test t;
    for (int i = 0; i < 2; i++) {
        op_test_begin(&t, "", "Gelu", 20);
        op_test_string(&t, "approximate", forms[i].form);
        op_test_input(&t, x);
        op_test_output(&t, test_f32(SHAPE(3), forms[i].y));
        op_test_run(&t);
    }
    op_test_begin(&t, "", "Gelu", 20);
    op_test_string(&t, "approximate", "sigmoid");
    op_test_input(&t, x);
    op_test_output(&t, x);
    op_test_fails(&t, ONR_ERR_MODEL, "attribute approximate is \"sigmoid\", expected none or tanh");
}

static void shrink_takes_integers(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Shrink", 9);
    op_test_float(&t, "lambd", 1.5f);
    op_test_float(&t, "bias", 1.5f);
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(5), (int32_t[]){-4, -1, 0, 2, 7}));
    op_test_output(&t, test_tensor(ONR_INT32, SHAPE(5), (int32_t[]){-2, 0, 0, 0, 5}));
    op_test_run(&t);
}

static void selu_1_has_other_defaults(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "Selu", 5);
    op_test_ints(&t, "consumed_inputs", 1, (int64_t[]){0});
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1000, -100}));
    op_test_output(&t, test_f32(SHAPE(2), (float[]){1050.7f, -1.75803124f}));
    t.rtol = 1e-7;
    op_test_run(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(functions_match_their_definition, test_tensors_free),
        cmocka_unit_test_teardown(gelu_takes_its_form_from_approximate, test_tensors_free),
        cmocka_unit_test_teardown(shrink_takes_integers, test_tensors_free),
        cmocka_unit_test_teardown(selu_1_has_other_defaults, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
