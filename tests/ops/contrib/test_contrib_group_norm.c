/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void begin(struct op_test *t, const char *op, int64_t groups, int64_t activation)
{
    op_test_begin(t, "com.microsoft", op, 1);
    op_test_int(t, "groups", groups);
    op_test_int(t, "activation", activation);
    op_test_float(t, "epsilon", 0);
}

static void channels_stand_last_unless_told(void **state)
{
    (void)state;
    struct op_test t;
    const struct onr_tensor *gamma = test_f32(SHAPE(2), (float[]){1, 2});
    const struct onr_tensor *beta = test_f32(SHAPE(2), (float[]){0, 1});
    begin(&t, "GroupNorm", 2, 0);
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){1, 10, 3, 30}));
    op_test_input(&t, gamma);
    op_test_input(&t, beta);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){-1, -1, 1, 3}));
    op_test_run(&t);
    begin(&t, "GroupNorm", 2, 0);
    op_test_int(&t, "channels_last", 0);
    op_test_input(&t, test_f32(SHAPE(1, 2, 1, 2), (float[]){1, 3, 10, 30}));
    op_test_input(&t, gamma);
    op_test_input(&t, beta);
    op_test_output(&t, test_f32(SHAPE(1, 2, 1, 2), (float[]){-1, 1, -1, 3}));
    op_test_run(&t);
}

/* GroupNorm or SkipGroupNorm of random data against the formula in double precision. */
static void check(bool is_last, bool has_skip, size_t skip_rank, bool is_activated)
{
    enum { N = 2, C = 6, P = 15, GROUPS = 3, PART = C / GROUPS * P };
    float x[N * C * P], skip[N * C * P], params[3 * C], sum[N * C * P], y[N * C * P];
    test_random(1, N * C * P, x);
    test_random(2, N * C * P, skip);
    test_random(3, 3 * C, params);
    for (size_t row = 0; row < (size_t)N * GROUPS; row++) {
        size_t at[PART];
        double mean = 0, variance = 0;
        for (size_t i = 0; i < PART; i++) {
            size_t n = row / GROUPS, c = row % GROUPS * (C / GROUPS) + i / P, p = i % P;
            at[i] = is_last ? (n * P + p) * C + c : (n * C + c) * P + p;
            float addend = skip_rank == 4 ? skip[at[i]] : skip[n * C + c];
            sum[at[i]] = has_skip ? x[at[i]] + addend + params[2 * C + c] : x[at[i]];
            mean += (double)sum[at[i]] / PART;
        }
        for (size_t i = 0; i < PART; i++) {
            variance += pow((double)sum[at[i]] - mean, 2) / PART;
        }
        for (size_t i = 0; i < PART; i++) {
            size_t c = row % GROUPS * (C / GROUPS) + i / P;
            double v = ((double)sum[at[i]] - mean) / sqrt(variance) * (double)params[c] +
                       (double)params[C + c];
            y[at[i]] = (float)(is_activated ? v / (1 + exp(-v)) : v);
        }
    }
    struct op_test t;
    const int64_t last[] = {N, 3, 5, C}, first[] = {N, C, 3, 5}, flat[] = {N, C};
    const int64_t *dims = is_last ? last : first;
    begin(&t, has_skip ? "SkipGroupNorm" : "GroupNorm", GROUPS, is_activated);
    op_test_int(&t, "channels_last", is_last);
    op_test_input(&t, test_f32(4, dims, x));
    op_test_input(&t, test_f32(SHAPE(C), params));
    op_test_input(&t, test_f32(SHAPE(C), params + C));
    if (has_skip) {
        op_test_input(&t, test_f32(skip_rank, skip_rank == 4 ? dims : flat, skip));
        op_test_input(&t, test_f32(SHAPE(C), params + (size_t)2 * C));
    }
    op_test_output(&t, test_f32(4, dims, y));
    if (has_skip) {
        op_test_output(&t, test_f32(4, dims, sum));
    }
    t.atol = 1e-5;
    op_test_run(&t);
}

static void layouts_and_skips_match_their_definition(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        bool is_last = i % 2 == 0;
        bool is_activated = i / 2 != 0;
        check(is_last, false, 0, is_activated);
        check(is_last, true, 4, is_activated);
        check(is_last, true, 2, is_activated);
    }
}

static void half_data_may_have_float_parameters(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "SkipGroupNorm", 1, 0);
    op_test_input(
        &t, test_tensor(ONR_FLOAT16, SHAPE(1, 1, 1, 2), (uint16_t[]){0x3c00, 0x4000})); /* 1, 2 */
    op_test_input(&t, test_f32(SHAPE(2), (float[]){1, 0.5f}));
    op_test_input(&t, test_f32(SHAPE(2), (float[]){0, 1}));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 2), (uint16_t[]){0, 0x3c00}));
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1, 1, 2),
                                   (uint16_t[]){0xbc00, 0x3e00})); /* -1, 1.5 */
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(1, 1, 1, 2), (uint16_t[]){0x3c00, 0x4200}));
    op_test_run(&t);
}

static void empty_images_give_empty_results(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "GroupNorm", 2, 1);
    op_test_input(&t, test_f32(SHAPE(2, 0, 3, 4), NULL));
    op_test_input(&t, test_f32(SHAPE(4), NULL));
    op_test_input(&t, test_f32(SHAPE(4), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 0, 3, 4), NULL));
    op_test_run(&t);
}

struct refusal {
    size_t x_rank;
    int64_t groups, activation, gamma;
    size_t skip_rank;
    int64_t skip[4];
    enum onr_status status;
    const char *message;
};

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const struct refusal list[] = {
        {4, 4, 0, 6, 0, {0}, ONR_ERR_SHAPE, "channels: 6 does not divide into 4"},
        {4, 0, 0, 6, 0, {0}, ONR_ERR_MODEL, "attribute groups is 0"},
        {4, 2, 2, 6, 0, {0}, ONR_ERR_MODEL, "attribute activation is 2, expected 0 to 1"},
        {3, 2, 0, 6, 0, {0}, ONR_ERR_SHAPE, "X has shape 2x3x5, expected ?x?x?x?"},
        {4, 2, 0, 5, 0, {0}, ONR_ERR_SHAPE, "gamma has shape 5, expected 6"},
        {4, 2, 0, 6, 2, {2, 5}, ONR_ERR_SHAPE, "skip has shape 2x5, expected 2x6"},
        {4, 2, 0, 6, 4, {1, 1, 1, 6}, ONR_ERR_SHAPE, "skip has shape 1x1x1x6, expected 2x1x1x6"},
        {4, 2, 0, 6, 4, {2, 3, 1, 6}, ONR_ERR_SHAPE, "skip has shape 2x3x1x6, expected 2x3x5x6"},
        {4, 2, 0, 6, 1, {6}, ONR_ERR_SHAPE, "skip has shape 6, expected 2x3x5x6"},
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct op_test t;
        const int64_t x[] = {2, 3, 5, 6};
        begin(&t, list[i].skip_rank > 0 ? "SkipGroupNorm" : "GroupNorm", list[i].groups,
              list[i].activation);
        op_test_input(&t, test_f32(list[i].x_rank, x, NULL));
        op_test_input(&t, test_f32(SHAPE(list[i].gamma), NULL));
        op_test_input(&t, test_f32(SHAPE(6), NULL));
        if (list[i].skip_rank > 0) {
            op_test_input(&t, test_f32(list[i].skip_rank, list[i].skip, NULL));
        }
        op_test_output(&t, test_f32(list[i].x_rank, x, NULL));
        op_test_fails(&t, list[i].status, list[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(channels_stand_last_unless_told, test_tensors_free),
        cmocka_unit_test_teardown(layouts_and_skips_match_their_definition, test_tensors_free),
        cmocka_unit_test_teardown(half_data_may_have_float_parameters, test_tensors_free),
        cmocka_unit_test_teardown(empty_images_give_empty_results, test_tensors_free),
        cmocka_unit_test_teardown(what_does_not_fit_is_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
