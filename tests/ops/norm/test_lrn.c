/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

static void begin(struct op_test *t, int64_t size)
{
    op_test_begin(t, "", "LRN", 13);
    op_test_int(t, "size", size);
    op_test_float(t, "alpha", 2);
}

static void windows_end_at_the_first_and_last_channel(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 2);
    op_test_float(&t, "beta", 1);
    op_test_float(&t, "bias", 2);
    op_test_input(&t, test_f32(SHAPE(1, 3, 2), (float[]){1, 2, 3, 4, 5, 6}));
    op_test_output(&t, test_f32(SHAPE(1, 3, 2), (float[]){1.0f / 12, 2.0f / 22, 3.0f / 36,
                                                          4.0f / 54, 5.0f / 27, 6.0f / 38}));
    op_test_run(&t);
}

static void attributes_have_defaults(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "LRN", 1);
    op_test_int(&t, "size", 1);
    op_test_input(&t, test_f32(SHAPE(1, 2), (float[]){1000, NAN}));
    op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){(float)(1000 / pow(101, 0.75)), NAN}));
    op_test_run(&t);
}

/* A window as large as can be, more elements than a block, several images. */
static void all_channels_add_up(void **state)
{
    (void)state;
    enum { N = 2, C = 3, INNER = 300 };
    struct op_test t;
    float *x = test_f32(SHAPE(N, C, INNER), NULL)->data;
    float *y = test_f32(SHAPE(N, C, INNER), NULL)->data;
    test_random(7, N * C * INNER, x);
    for (size_t i = 0; i < N * C * INNER; i++) {
        const float *first = x + i / (C * INNER) * C * INNER + i % INNER;
        double sum = 0;
        for (size_t c = 0; c < C; c++) {
            sum += (double)first[c * INNER] * (double)first[c * INNER];
        }
        y[i] = (float)((double)x[i] / pow(1 + sum * 2 / 7, 0.75));
    }
    begin(&t, 7);
    op_test_input(&t, test_f32(SHAPE(N, C, INNER), x));
    op_test_output(&t, test_f32(SHAPE(N, C, INNER), y));
    op_test_run(&t);
}

static void every_float_type_works(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1);
    op_test_float(&t, "beta", 0.5f);
    op_test_float(&t, "bias", 1);
    op_test_input(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 1), (double[]){2}));
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(1, 1, 1), (double[]){2.0 / 3}));
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_FLOAT16, SHAPE(1, 1, 1), (uint16_t[]){0x4000});
    t.outputs[0] = test_tensor(ONR_FLOAT16, SHAPE(1, 1, 1), (uint16_t[]){0x3955});
    op_test_run(&t);
    t.inputs[0] = test_tensor(ONR_BFLOAT16, SHAPE(1, 1, 1), (uint16_t[]){0x4000});
    t.outputs[0] = test_tensor(ONR_BFLOAT16, SHAPE(1, 1, 1), (uint16_t[]){0x3f2b});
    op_test_run(&t);
    t.version = 1;
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "bfloat16");
}

static void empty_gives_empty(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 3);
    op_test_input(&t, test_f32(SHAPE(2, 0, 3), NULL));
    op_test_output(&t, test_f32(SHAPE(2, 0, 3), NULL));
    op_test_run(&t);
}

static void wrong_size_and_rank_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 0);
    op_test_input(&t, test_f32(SHAPE(1, 1), NULL));
    op_test_output(&t, test_f32(SHAPE(1, 1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "size is 0");
    t.attrs[0].as.i = 3;
    t.inputs[0] = test_f32(SHAPE(1), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "rank 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(windows_end_at_the_first_and_last_channel, test_tensors_free),
        cmocka_unit_test_teardown(attributes_have_defaults, test_tensors_free),
        cmocka_unit_test_teardown(all_channels_add_up, test_tensors_free),
        cmocka_unit_test_teardown(every_float_type_works, test_tensors_free),
        cmocka_unit_test_teardown(empty_gives_empty, test_tensors_free),
        cmocka_unit_test_teardown(wrong_size_and_rank_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
