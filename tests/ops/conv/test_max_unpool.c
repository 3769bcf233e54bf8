/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

static void begin(struct op_test *t, int64_t version)
{
    static const int64_t two = 2;
    op_test_begin(t, "", "MaxUnpool", version);
    op_test_ints(t, "kernel_shape", 1, &two);
    op_test_ints(t, "strides", 1, &two);
    op_test_input(t, test_f32(SHAPE(1, 2, 2), (float[]){1, 2, 3, 4}));
    op_test_input(t, test_i64(SHAPE(1, 2, 2), (int64_t[]){1, 2, 4, 7}));
}

static void values_return_to_their_places(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 9);
    op_test_output(&t, test_f32(SHAPE(1, 2, 4), (float[]){0, 1, 2, 0, 3, 0, 0, 4}));
    op_test_run(&t);
    t.version = 22;
    op_test_run(&t);
}

static void a_larger_output_has_zeros_behind(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 11);
    op_test_input(&t, test_i64(SHAPE(3), (int64_t[]){1, 2, 5}));
    op_test_output(&t, test_f32(SHAPE(1, 2, 5), (float[]){0, 1, 2, 0, 0, 3, 0, 0, 4, 0}));
    op_test_run(&t);
}

static void pads_shrink_the_output_and_the_last_of_equal_indices_counts(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 22);
    op_test_ints(&t, "pads", 2, (int64_t[]){1, 0});
    t.inputs[1] = test_i64(SHAPE(1, 2, 2), (int64_t[]){0, 0, 5, 5});
    op_test_output(&t, test_f32(SHAPE(1, 2, 3), (float[]){2, 0, 0, 0, 0, 4}));
    op_test_run(&t);
}

static void every_float_type_and_two_dimensions(void **state)
{
    (void)state;
    static const enum onr_dtype dtypes[] = {ONR_DOUBLE, ONR_FLOAT16, ONR_BFLOAT16};
    static const uint16_t halves[] = {0, 0, 0, 0x4000};
    struct op_test t;
    for (size_t i = 0; i < 3; i++) {
        bool is_half = dtypes[i] != ONR_DOUBLE;
        op_test_begin(&t, "", "MaxUnpool", 22);
        op_test_ints(&t, "kernel_shape", 2, (int64_t[]){2, 2});
        op_test_input(&t, test_tensor(dtypes[i], SHAPE(1, 1, 1, 1),
                                      is_half ? (const void *)(halves + 3) : (double[]){2}));
        op_test_input(&t, test_i64(SHAPE(1, 1, 1, 1), (int64_t[]){3}));
        op_test_output(&t, test_tensor(dtypes[i], SHAPE(1, 1, 2, 2),
                                       is_half ? (const void *)halves : (double[]){0, 0, 0, 2}));
        op_test_run(&t);
    }
    t.version = 11;
    op_test_fails(&t, ONR_ERR_UNSUPPORTED, "bfloat16");
}

static void no_images_give_none(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 22);
    t.inputs[0] = test_f32(SHAPE(0, 2, 2), NULL);
    t.inputs[1] = test_i64(SHAPE(0, 2, 2), NULL);
    op_test_output(&t, test_f32(SHAPE(0, 2, 4), NULL));
    op_test_run(&t);
}

static void wrong_operands_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 22);
    op_test_output(&t, test_f32(SHAPE(1, 2, 4), NULL));
    t.inputs[1] = test_i64(SHAPE(1, 2, 2), (int64_t[]){0, 1, 8, 2});
    op_test_fails(&t, ONR_ERR_VALUE, "index 2 is 8, expected 0 to 7");
    t.inputs[1] = test_i64(SHAPE(1, 2, 2), (int64_t[]){-1, 1, 2, 2});
    op_test_fails(&t, ONR_ERR_VALUE, "index 0 is -1");
    t.inputs[1] = test_i64(SHAPE(1, 2, 3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "indices");
    t.inputs[1] = test_i64(SHAPE(1, 2, 2), NULL);
    op_test_input(&t, test_i64(SHAPE(3), (int64_t[]){1, 2, 3}));
    op_test_fails(&t, ONR_ERR_SHAPE, "output_shape[2] is 3, expected at least 4");
    t.inputs[2] = test_i64(SHAPE(2), (int64_t[]){1, 2});
    op_test_fails(&t, ONR_ERR_SHAPE, "output_shape");
}

static void wrong_attributes_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 22);
    op_test_output(&t, test_f32(SHAPE(1, 2, 4), NULL));
    op_test_ints(&t, "pads", 2, (int64_t[]){9, 9});
    op_test_fails(&t, ONR_ERR_SHAPE, "spatial dimension 0 of x is 2");
    t.attr_count--;
    op_test_ints(&t, "pads", 1, (int64_t[]){0});
    op_test_fails(&t, ONR_ERR_MODEL, "pads");
    t.attr_count--;
    t.inputs[0] = test_f32(SHAPE(1, 2), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "rank 2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(values_return_to_their_places, test_tensors_free),
        cmocka_unit_test_teardown(a_larger_output_has_zeros_behind, test_tensors_free),
        cmocka_unit_test_teardown(pads_shrink_the_output_and_the_last_of_equal_indices_counts,
                                  test_tensors_free),
        cmocka_unit_test_teardown(every_float_type_and_two_dimensions, test_tensors_free),
        cmocka_unit_test_teardown(no_images_give_none, test_tensors_free),
        cmocka_unit_test_teardown(wrong_operands_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(wrong_attributes_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
