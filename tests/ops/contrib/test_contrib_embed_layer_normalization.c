/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

#define NO_SEGMENTS NULL

static void embed(struct op_test *t, const int32_t *ids, const struct onr_tensor *segments)
{
    op_test_begin(t, "com.microsoft", "EmbedLayerNormalization", 1);
    op_test_float(t, "epsilon", 0);
    op_test_input(t, test_tensor(ONR_INT32, SHAPE(2, 2), ids));
    op_test_input(t, segments);
    op_test_input(t, test_f32(SHAPE(3, 2), (float[]){0, 0, 0, 1, 1, 0}));
    op_test_input(t, test_f32(SHAPE(2, 2), (float[]){0, 1, 2, 0}));
    op_test_input(t, segments == NULL ? NULL : test_f32(SHAPE(2, 2), (float[]){0, 0, 9, 0}));
    op_test_input(t, test_f32(SHAPE(2), (float[]){1, 2}));
    op_test_input(t, test_f32(SHAPE(2), (float[]){0, 10}));
}

static void words_positions_and_segments_are_added(void **state)
{
    (void)state;
    const int32_t ids[] = {0, 1, 1, 2};
    const int32_t segments[] = {0, 0, 1, 0};
    struct op_test t;
    embed(&t, ids, test_tensor(ONR_INT32, SHAPE(2, 2), segments));
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(2, 2), (int32_t[]){1, 0, 1, 1}));
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), (float[]){-1, 12, 1, 8, 1, 8, 1, 8}));
    op_test_output(&t, test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){1, 2}));
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), (float[]){0, 1, 2, 1, 9, 2, 3, 0}));
    op_test_run(&t);
}

static void positions_may_be_given_for_all_of_the_batch(void **state)
{
    (void)state;
    const int32_t ids[] = {0, 0, 2, 2};
    struct op_test t;
    embed(&t, ids, NO_SEGMENTS);
    op_test_input(&t, NULL);
    op_test_input(&t, test_tensor(ONR_INT32, SHAPE(1, 2), (int32_t[]){1, 1}));
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), (float[]){1, 8, 1, 8, 1, 8, 1, 8}));
    op_test_output(&t, test_tensor(ONR_INT32, SHAPE(2), NULL));
    op_test_run(&t);
}

static void double_and_half(void **state)
{
    (void)state;
    const uint16_t half_word[] = {0, 0x3c00};
    const uint16_t half_ones[] = {0x3c00, 0x3c00};
    struct op_test t;
    for (int i = 0; i < 2; i++) {
        enum onr_dtype dtype = i == 0 ? ONR_FLOAT16 : ONR_DOUBLE;
        const void *word = i == 0 ? (const void *)half_word : (double[]){0, 1};
        const void *ones = i == 0 ? (const void *)half_ones : (double[]){1, 1};
        const void *want = i == 0 ? (const void *)(uint16_t[]){0, 0x4000} : (double[]){0, 2};
        op_test_begin(&t, "com.microsoft", "EmbedLayerNormalization", 1);
        op_test_input(&t, test_tensor(ONR_INT32, SHAPE(1, 1), NULL));
        op_test_input(&t, NULL);
        op_test_input(&t, test_tensor(dtype, SHAPE(1, 2), word));
        op_test_input(&t, test_tensor(dtype, SHAPE(1, 2), ones));
        op_test_input(&t, NULL);
        op_test_input(&t, test_tensor(dtype, SHAPE(2), ones));
        op_test_input(&t, test_tensor(dtype, SHAPE(2), ones));
        op_test_output(&t, test_tensor(dtype, SHAPE(1, 1, 2), want));
        op_test_run(&t);
    }
}

static void ids_outside_a_table_are_refused(void **state)
{
    (void)state;
    const int32_t good[] = {0, 1, 1, 2};
    const int32_t high[] = {0, 1, 1, 3};
    struct op_test t;
    embed(&t, high, NO_SEGMENTS);
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "input_ids has 3, the embedding has 3 rows");
    embed(&t, good, test_tensor(ONR_INT32, SHAPE(2, 2), (int32_t[]){0, 0, 0, -1}));
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "segment_ids has -1, the embedding has 2 rows");
    embed(&t, good, NO_SEGMENTS);
    t.inputs[3] = test_f32(SHAPE(1, 2), NULL);
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "position_ids has 1, the embedding has 1 rows");
}

static void shapes_must_fit(void **state)
{
    (void)state;
    const int32_t ids[] = {0, 1, 1, 2};
    struct op_test t;
    embed(&t, ids, NO_SEGMENTS);
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), NULL));
    t.inputs[3] = test_f32(SHAPE(2, 3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "position_embedding has shape 2x3, expected ?x2");
    t.inputs[3] = test_f32(SHAPE(2, 2), NULL);
    t.inputs[6] = test_f32(SHAPE(3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "beta has shape 3, expected 2");
    t.inputs[4] = test_f32(SHAPE(2, 2), NULL);
    op_test_fails(&t, ONR_ERR_MODEL, "segment_ids and segment_embedding must come together");
    t.inputs[5] = NULL;
    op_test_fails(&t, ONR_ERR_MODEL, "required input 5 is empty");
}

/* The example above with tables of bytes: numbers have the scale 1 and the zero point 3. */
static void embed_bytes(struct op_test *t, bool has_segments, int last)
{
    const int32_t ids[] = {0, 1, 1, 2};
    const int32_t segments[] = {0, 0, 1, 0};
    const uint8_t zero = 3;
    op_test_begin(t, "com.microsoft", "QEmbedLayerNormalization", 1);
    op_test_float(t, "epsilon", 0);
    op_test_input(t, test_tensor(ONR_INT32, SHAPE(2, 2), ids));
    op_test_input(t, has_segments ? test_tensor(ONR_INT32, SHAPE(2, 2), segments) : NULL);
    op_test_input(t, test_tensor(ONR_UINT8, SHAPE(3, 2), (uint8_t[]){3, 3, 3, 4, 4, 3}));
    op_test_input(t, test_tensor(ONR_UINT8, SHAPE(2, 2), (uint8_t[]){3, 4, 5, 3}));
    op_test_input(t, has_segments ? test_tensor(ONR_UINT8, SHAPE(2, 2), (uint8_t[]){3, 3, 12, 3})
                                  : NULL);
    op_test_input(t, test_tensor(ONR_UINT8, SHAPE(2), (uint8_t[]){4, 5}));
    op_test_input(t, test_tensor(ONR_UINT8, SHAPE(2), (uint8_t[]){3, 13}));
    op_test_input(t, NULL);
    for (int i = 8; i < last; i++) {
        bool is_absent = !has_segments && (i == 10 || i == 15);
        op_test_input(t, is_absent ? NULL
                         : i < 13  ? test_f32(SCALAR, (float[]){1})
                                   : test_tensor(ONR_UINT8, SCALAR, &zero));
    }
}

static void tables_of_bytes_stand_for_numbers(void **state)
{
    (void)state;
    struct op_test t;
    embed_bytes(&t, true, 18);
    t.inputs[7] = test_tensor(ONR_INT32, SHAPE(2, 2), (int32_t[]){1, 0, 1, 1});
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), (float[]){-1, 12, 1, 8, 1, 8, 1, 8}));
    op_test_output(&t, test_tensor(ONR_INT32, SHAPE(2), (int32_t[]){1, 2}));
    op_test_run(&t);
    t.inputs[12] = test_f32(SHAPE(1), (float[]){0.5f});
    t.outputs[0] = test_f32(SHAPE(2, 2, 2), (float[]){-1, 7, 1, 3, 1, 3, 1, 3});
    op_test_run(&t);
    embed_bytes(&t, false, 18);
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), (float[]){-1, 12, 1, 8, -1, 12, 1, 8}));
    op_test_output(&t, test_tensor(ONR_INT32, SHAPE(2), NULL));
    op_test_run(&t);
}

static void tables_of_bytes_need_scales(void **state)
{
    (void)state;
    struct op_test t;
    embed_bytes(&t, true, 17);
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), NULL));
    op_test_fails(&t, ONR_ERR_MODEL, "required input 17 is empty");
    op_test_input(&t, test_tensor(ONR_UINT8, SHAPE(2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "input 17 has shape 2, expected one element");
    t.inputs[17] = test_tensor(ONR_INT8, SCALAR, NULL);
    op_test_fails(&t, ONR_ERR_MODEL, "type");
    t.inputs[17] = test_tensor(ONR_UINT8, SCALAR, NULL);
    t.inputs[10] = NULL;
    op_test_fails(&t, ONR_ERR_MODEL, "required input 10 is empty");
    embed_bytes(&t, true, 18);
    op_test_output(&t, test_f32(SHAPE(2, 2, 2), NULL));
    t.inputs[0] = test_tensor(ONR_INT32, SHAPE(2, 2), (int32_t[]){0, 0, 3, 0});
    op_test_fails(&t, ONR_ERR_VALUE, "input_ids has 3, the embedding has 3 rows");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(words_positions_and_segments_are_added, test_tensors_free),
        cmocka_unit_test_teardown(positions_may_be_given_for_all_of_the_batch, test_tensors_free),
        cmocka_unit_test_teardown(double_and_half, test_tensors_free),
        cmocka_unit_test_teardown(ids_outside_a_table_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(shapes_must_fit, test_tensors_free),
        cmocka_unit_test_teardown(tables_of_bytes_stand_for_numbers, test_tensors_free),
        cmocka_unit_test_teardown(tables_of_bytes_need_scales, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
