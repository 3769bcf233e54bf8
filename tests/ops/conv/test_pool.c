/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#include <math.h>

/* 1 to 25 in a square. */
static struct onr_tensor *square(void)
{
    struct onr_tensor *x = test_f32(SHAPE(1, 1, 5, 5), NULL);
    for (int i = 0; i < 25; i++) {
        ((float *)x->data)[i] = (float)(i + 1);
    }
    return x;
}

static void begin(struct op_test *t, const char *op, int version, const struct onr_tensor *x,
                  int64_t kernel, int64_t stride)
{
    size_t rank = (size_t)x->shape.rank - 2;
    static int64_t kernels[3];
    static int64_t strides[3];
    for (int d = 0; d < 3; d++) {
        kernels[d] = kernel;
        strides[d] = stride;
    }
    op_test_begin(t, "", op, version);
    op_test_ints(t, "kernel_shape", rank, kernels);
    op_test_ints(t, "strides", rank, strides);
    op_test_input(t, x);
}

static void largest_and_where(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "MaxPool", 12, square(), 2, 2);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){7, 9, 17, 19}));
    op_test_output(&t, test_i64(SHAPE(1, 1, 2, 2), (int64_t[]){6, 8, 16, 18}));
    op_test_run(&t);
    begin(&t, "MaxPool", 8, square(), 2, 2);
    op_test_int(&t, "storage_order", 1);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 2), (float[]){7, 9, 17, 19}));
    op_test_output(&t, test_i64(SHAPE(1, 1, 2, 2), (int64_t[]){6, 16, 8, 18}));
    op_test_run(&t);
}

static void indices_count_planes(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "MaxPool", 12, test_f32(SHAPE(2, 2, 2), (float[]){1, 2, 4, 3, 5, 6, 8, 8}), 2, 1);
    op_test_output(&t, test_f32(SHAPE(2, 2, 1), (float[]){2, 4, 6, 8}));
    op_test_output(&t, test_i64(SHAPE(2, 2, 1), (int64_t[]){1, 2, 5, 6}));
    op_test_run(&t);
}

static void padding_ceil_and_dilation(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "MaxPool", 10, test_f32(SHAPE(1, 1, 4), (float[]){-1, -2, -3, -4}), 3, 2);
    op_test_ints(&t, "pads", 2, (int64_t[]){1, 1});
    op_test_output(&t, test_f32(SHAPE(1, 1, 2), (float[]){-1, -2}));
    op_test_run(&t);
    begin(&t, "MaxPool", 10, test_f32(SHAPE(1, 1, 6), (float[]){1, 2, 3, 4, 5, 6}), 3, 2);
    op_test_int(&t, "ceil_mode", 1);
    op_test_output(&t, test_f32(SHAPE(1, 1, 3), (float[]){3, 5, 6}));
    op_test_run(&t);
    /* A window that would begin behind the input is dropped. */
    begin(&t, "MaxPool", 10, test_f32(SHAPE(1, 1, 2), (float[]){1, 2}), 1, 3);
    op_test_int(&t, "ceil_mode", 1);
    op_test_output(&t, test_f32(SHAPE(1, 1, 1), (float[]){1}));
    op_test_run(&t);
    begin(&t, "MaxPool", 10, square(), 2, 1);
    op_test_ints(&t, "dilations", 2, (int64_t[]){2, 3});
    op_test_output(&t, test_f32(SHAPE(1, 1, 3, 2), (float[]){14, 15, 19, 20, 24, 25}));
    op_test_run(&t);
}

static void nan_wins_and_padding_alone_is_lowest(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "MaxPool", 12, test_f32(SHAPE(1, 1, 4), (float[]){1, NAN, 3, -INFINITY}), 2, 1);
    op_test_output(&t, test_f32(SHAPE(1, 1, 3), (float[]){NAN, NAN, 3}));
    op_test_run(&t);
    begin(&t, "MaxPool", 12, test_tensor(ONR_INT8, SHAPE(1, 1, 1), (int8_t[]){-7}), 1, 1);
    op_test_ints(&t, "pads", 2, (int64_t[]){1, 0});
    op_test_output(&t, test_tensor(ONR_INT8, SHAPE(1, 1, 2), (int8_t[]){-128, -7}));
    op_test_run(&t);
}

static void run_typed(const char *op, enum onr_dtype dtype, const void *x, const void *y)
{
    struct op_test t;
    begin(&t, op, 22, test_tensor(dtype, SHAPE(1, 1, 2), x), 2, 1);
    op_test_output(&t, test_tensor(dtype, SHAPE(1, 1, 1), y));
    op_test_run(&t);
}

static void all_types(void **state)
{
    (void)state;
    run_typed("MaxPool", ONR_DOUBLE, (double[]){1, 3}, (double[]){3});
    run_typed("MaxPool", ONR_FLOAT16, (uint16_t[]){0x3c00, 0x4200}, (uint16_t[]){0x4200});
    run_typed("MaxPool", ONR_BFLOAT16, (uint16_t[]){0x3f80, 0x4040}, (uint16_t[]){0x4040});
    run_typed("MaxPool", ONR_UINT8, (uint8_t[]){200, 100}, (uint8_t[]){200});
    run_typed("AveragePool", ONR_DOUBLE, (double[]){1, 3}, (double[]){2});
    run_typed("AveragePool", ONR_FLOAT16, (uint16_t[]){0x3c00, 0x4200}, (uint16_t[]){0x4000});
    run_typed("AveragePool", ONR_BFLOAT16, (uint16_t[]){0x3f80, 0x4040}, (uint16_t[]){0x4000});
    run_typed("LpPool", ONR_DOUBLE, (double[]){-3, 4}, (double[]){5});
    run_typed("LpPool", ONR_FLOAT16, (uint16_t[]){0x4200, 0x4400}, (uint16_t[]){0x4500});
    run_typed("LpPool", ONR_BFLOAT16, (uint16_t[]){0x4040, 0x4080}, (uint16_t[]){0x40a0});
}

static void run_average(int version, int64_t counts, int64_t is_ceil, const struct onr_tensor *y)
{
    struct op_test t;
    begin(&t, "AveragePool", version, test_f32(SHAPE(1, 1, 5), (float[]){2, 4, 6, 8, 10}), 3, 2);
    op_test_ints(&t, "pads", 2, (int64_t[]){1, 0});
    op_test_int(&t, "count_include_pad", counts);
    op_test_int(&t, "ceil_mode", is_ceil);
    op_test_output(&t, y);
    op_test_run(&t);
}

static void averages_with_and_without_padding(void **state)
{
    (void)state;
    run_average(10, 0, 0, test_f32(SHAPE(1, 1, 2), (float[]){3, 6}));
    run_average(10, 1, 0, test_f32(SHAPE(1, 1, 2), (float[]){2, 6}));
    /* The third window reaches behind the padded plane; what is there never counts. */
    run_average(19, 0, 1, test_f32(SHAPE(1, 1, 3), (float[]){3, 6, 9}));
    run_average(19, 1, 1, test_f32(SHAPE(1, 1, 3), (float[]){2, 6, 9}));
    struct op_test t;
    begin(&t, "AveragePool", 7, square(), 3, 2);
    op_test_string(&t, "auto_pad", "SAME_LOWER");
    op_test_output(
        &t, test_f32(SHAPE(1, 1, 3, 3), (float[]){4, 5.5f, 7, 11.5f, 13, 14.5f, 19, 20.5f, 22}));
    op_test_run(&t);
}

static void three_dimensions(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "AveragePool", 11, test_f32(SHAPE(1, 1, 2, 2, 2), (float[]){1, 2, 3, 4, 5, 6, 7, 8}),
          2, 1);
    op_test_output(&t, test_f32(SHAPE(1, 1, 1, 1, 1), (float[]){4.5f}));
    op_test_run(&t);
}

static void norms(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, "LpPool", 18, test_f32(SHAPE(1, 1, 3), (float[]){-3, 4, 0}), 2, 1);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2), (float[]){5, 4}));
    op_test_run(&t);
    begin(&t, "LpPool", 2, test_f32(SHAPE(1, 1, 3), (float[]){-3, 4, 0}), 2, 1);
    op_test_int(&t, "p", 1);
    op_test_output(&t, test_f32(SHAPE(1, 1, 2), (float[]){7, 4}));
    op_test_run(&t);
    begin(&t, "LpPool", 11, test_f32(SHAPE(1, 1, 2), (float[]){-3, 4}), 2, 1);
    op_test_int(&t, "p", 3);
    op_test_output(&t, test_f32(SHAPE(1, 1, 1), (float[]){4.4979414f}));
    op_test_run(&t);
}

static void run_global(const char *op, const struct onr_tensor *x, const struct onr_tensor *y)
{
    struct op_test t;
    op_test_begin(&t, "", op, 22);
    op_test_input(&t, x);
    op_test_output(&t, y);
    op_test_run(&t);
}

static void whole_planes(void **state)
{
    (void)state;
    run_global("GlobalMaxPool", square(), test_f32(SHAPE(1, 1, 1, 1), (float[]){25}));
    run_global("GlobalAveragePool", square(), test_f32(SHAPE(1, 1, 1, 1), (float[]){13}));
    run_global("GlobalLpPool", test_f32(SHAPE(1, 2, 2), (float[]){3, -4, 6, 8}),
               test_f32(SHAPE(1, 2, 1), (float[]){5, 10}));
    run_global("GlobalAveragePool", test_f32(SHAPE(1, 2), (float[]){3, 4}),
               test_f32(SHAPE(1, 2), (float[]){3, 4}));
    run_global("GlobalAveragePool", test_f32(SHAPE(1, 1, 1, 1, 1, 2), (float[]){3, 4}),
               test_f32(SHAPE(1, 1, 1, 1, 1, 1), (float[]){3.5f}));
    run_global("GlobalAveragePool", test_f32(SHAPE(1, 1, 0), NULL),
               test_f32(SHAPE(1, 1, 1), (float[]){0}));
    run_global("GlobalMaxPool", test_f32(SHAPE(0, 1, 3), NULL), test_f32(SHAPE(0, 1, 1), NULL));
}

static void bad_nodes_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "MaxPool", 12);
    op_test_input(&t, square());
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "kernel_shape");
    begin(&t, "MaxPool", 12, square(), 0, 1);
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "attribute kernel_shape[0] is 0, expected 1 to");
    begin(&t, "MaxPool", 12, square(), 6, 1);
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "window of 6 is larger than spatial dimension 0, 5");
    begin(&t, "LpPool", 18, square(), 2, 1);
    op_test_int(&t, "p", 0);
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "attribute p is 0, expected >= 1");
    op_test_begin(&t, "", "GlobalMaxPool", 1);
    op_test_input(&t, test_f32(SHAPE(3), NULL));
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "x has rank 1, expected at least 2");
    begin(&t, "MaxPool", 11, test_tensor(ONR_INT8, SHAPE(1, 1, 1), NULL), 1, 1);
    op_test_output(&t, test_f32(SCALAR, NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "input 0 of type int8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(largest_and_where, test_tensors_free),
        cmocka_unit_test_teardown(indices_count_planes, test_tensors_free),
        cmocka_unit_test_teardown(padding_ceil_and_dilation, test_tensors_free),
        cmocka_unit_test_teardown(nan_wins_and_padding_alone_is_lowest, test_tensors_free),
        cmocka_unit_test_teardown(all_types, test_tensors_free),
        cmocka_unit_test_teardown(averages_with_and_without_padding, test_tensors_free),
        cmocka_unit_test_teardown(three_dimensions, test_tensors_free),
        cmocka_unit_test_teardown(norms, test_tensors_free),
        cmocka_unit_test_teardown(whole_planes, test_tensors_free),
        cmocka_unit_test_teardown(bad_nodes_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
