/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void window(struct op_test *t, const char *name, int64_t size, int64_t periodic,
                   enum onr_dtype dtype)
{
    op_test_begin(t, "", name, 17);
    op_test_int(t, "periodic", periodic);
    op_test_int(t, "output_datatype", dtype);
    op_test_input(t, test_i64(SCALAR, &size));
}

static void windows_have_their_definitions(void **state)
{
    (void)state;
    struct op_test t;
    window(&t, "HannWindow", 4, 1, ONR_FLOAT);
    op_test_output(&t, test_f32(SHAPE(4), (float[]){0, 0.5f, 1, 0.5f}));
    op_test_run(&t);
    window(&t, "HannWindow", 5, 0, ONR_DOUBLE);
    op_test_output(&t, test_tensor(ONR_DOUBLE, SHAPE(5), (double[]){0, 0.5, 1, 0.5, 0}));
    op_test_run(&t);
    window(&t, "HammingWindow", 4, 1, ONR_FLOAT);
    op_test_output(&t, test_f32(SHAPE(4), (float[]){4.0f / 46, 25.0f / 46, 1, 25.0f / 46}));
    op_test_run(&t);
    window(&t, "BlackmanWindow", 4, 1, ONR_FLOAT);
    op_test_output(&t, test_f32(SHAPE(4), (float[]){0, 0.34f, 1, 0.34f}));
    op_test_run(&t);
}

static void the_default_is_a_periodic_float_window(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "HannWindow", 17);
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(1), (int32_t[]){2}));
    op_test_output(&t, test_f32(SHAPE(2), (float[]){0, 1}));
    op_test_run(&t);
}

static void edges_and_other_types(void **state)
{
    (void)state;
    struct op_test t;
    window(&t, "HannWindow", 1, 0, ONR_FLOAT);
    op_test_output(&t, test_f32(SHAPE(1), (float[]){1}));
    op_test_run(&t);
    window(&t, "BlackmanWindow", 0, 1, ONR_FLOAT16);
    op_test_output(&t, test_tensor(ONR_FLOAT16, SHAPE(0), NULL));
    op_test_run(&t);
    window(&t, "HannWindow", 4, 1, ONR_BFLOAT16);
    op_test_output(&t,
                   test_tensor(ONR_BFLOAT16, SHAPE(4), (uint16_t[]){0, 0x3f00, 0x3f80, 0x3f00}));
    op_test_run(&t);
    window(&t, "HannWindow", 4, 1, ONR_UINT8);
    op_test_output(&t, test_tensor(ONR_UINT8, SHAPE(4), (uint8_t[]){0, 0, 1, 0}));
    op_test_run(&t);
}

static void bad_sizes_and_types_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    window(&t, "HannWindow", -1, 1, ONR_FLOAT);
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "size is -1");
    window(&t, "HannWindow", 4, 1, ONR_BOOL);
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "output_datatype is bool");
    window(&t, "HannWindow", 4, 1, (enum onr_dtype)99);
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "output_datatype is 99");
    op_test_begin(&t, "", "HannWindow", 17);
    op_test_input(&t, test_i64(SHAPE(2), NULL));
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "size has 2 elements");
}

static void mel(struct op_test *t, int64_t bins, int64_t length, int64_t rate, float low,
                float high)
{
    op_test_begin(t, "", "MelWeightMatrix", 17);
    op_test_input(t, test_i64(SCALAR, &bins));
    op_test_input(t, test_i64(SCALAR, &length));
    op_test_input(t, test_i64(SCALAR, &rate));
    op_test_input(t, test_f32(SCALAR, &low));
    op_test_input(t, test_f32(SCALAR, &high));
}

static void triangles_on_the_mel_scale(void **state)
{
    (void)state;
    struct op_test t;
    mel(&t, 8, 16, 8192, 0, 8192 / 2);
    const float expected[] = {1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0,
                              0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
                              0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
                              0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    op_test_output(&t, test_f32(SHAPE(9, 8), expected));
    op_test_run(&t);
}

static void bad_mel_scales_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    mel(&t, 0, 16, 8192, 0, 4096);
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "num_mel_bins is 0");
    mel(&t, 8, 16, -1, 0, 4096);
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "sample_rate is -1");
    mel(&t, 8, 16, 8192, 100, 50);
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "the edges are 100 and 50");
    mel(&t, 8, 16, 8192, 0, 20000);
    op_test_output(&t, test_f32(SHAPE(1), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "upper_edge_hertz is 20000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(windows_have_their_definitions, test_tensors_free),
        cmocka_unit_test_teardown(the_default_is_a_periodic_float_window, test_tensors_free),
        cmocka_unit_test_teardown(edges_and_other_types, test_tensors_free),
        cmocka_unit_test_teardown(bad_sizes_and_types_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(triangles_on_the_mel_scale, test_tensors_free),
        cmocka_unit_test_teardown(bad_mel_scales_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
