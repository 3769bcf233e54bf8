/* SPDX-License-Identifier: Apache-2.0 */
#include "support/op_test.h"

/* Position 0 does not turn; position 1 turns by a quarter: (a, b) becomes (-b, a). */
#define COS                                                                                        \
    {                                                                                              \
        1, 1, 0, 0                                                                                 \
    }
#define SIN                                                                                        \
    {                                                                                              \
        0, 0, 1, 1                                                                                 \
    }

static void halves_and_neighbours(void **state)
{
    (void)state;
    for (int64_t interleaved = 0; interleaved < 2; interleaved++) {
        struct op_test t;
        op_test_begin(&t, "", "RotaryEmbedding", 23);
        op_test_int(&t, "interleaved", interleaved);
        op_test_input(&t, test_f32(SHAPE(1, 1, 2, 4), (float[]){1, 2, 3, 4, 5, 6, 7, 8}));
        op_test_input(&t, test_f32(SHAPE(2, 2), (float[])COS));
        op_test_input(&t, test_f32(SHAPE(2, 2), (float[])SIN));
        op_test_input(&t, test_i64(SHAPE(1, 2), (int64_t[]){0, 1}));
        op_test_output(&t, test_f32(SHAPE(1, 1, 2, 4), interleaved != 0
                                                           ? (float[]){1, 2, 3, 4, -6, 5, -8, 7}
                                                           : (float[]){1, 2, 3, 4, -7, -8, 5, 6}));
        op_test_run(&t);
    }
}

static void rank_3_keeps_the_tail_of_each_head(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "RotaryEmbedding", 23);
    op_test_int(&t, "num_heads", 2);
    op_test_int(&t, "rotary_embedding_dim", 2);
    op_test_input(&t, test_f32(SHAPE(1, 1, 6), (float[]){1, 2, 3, 4, 5, 6}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 1), (float[]){0}));
    op_test_input(&t, test_f32(SHAPE(1, 1, 1), (float[]){1}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 6), (float[]){-2, 1, 3, -5, 4, 6}));
    op_test_run(&t);
}

static void contrib_form_takes_a_start_position(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "com.microsoft", "RotaryEmbedding", 1);
    op_test_input(
        &t, test_tensor(ONR_FLOAT16, SHAPE(1, 1, 4), (uint16_t[]){0x3c00, 0x4000, 0x4200, 0x4400}));
    op_test_input(&t, test_i64(SHAPE(1), (int64_t[]){1}));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(2, 2), (uint16_t[]){0x3c00, 0x3c00, 0, 0}));
    op_test_input(&t, test_tensor(ONR_FLOAT16, SHAPE(2, 2), (uint16_t[]){0, 0, 0x3c00, 0x3c00}));
    op_test_output(
        &t, test_tensor(ONR_FLOAT16, SHAPE(1, 1, 4), (uint16_t[]){0xc200, 0xc400, 0x3c00, 0x4000}));
    op_test_run(&t);
    t.inputs[1] = test_i64(SCALAR, (int64_t[]){1});
    op_test_float(&t, "scale", 3); /* of which nothing comes */
    op_test_int(&t, "is_packed_batching", 1);
    op_test_run(&t);
    t.inputs[1] = test_i64(SHAPE(1), (int64_t[]){2});
    op_test_fails(&t, ONR_ERR_VALUE, "position_ids[0] is 2, the cache has 2 rows");
}

static void bad_shapes_and_positions_are_refused(void **state)
{
    (void)state;
    struct op_test t;
    op_test_begin(&t, "", "RotaryEmbedding", 23);
    op_test_input(&t, test_f32(SHAPE(1, 1, 2, 4), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_input(&t, test_f32(SHAPE(2, 2), NULL));
    op_test_input(&t, test_i64(SHAPE(1, 2), (int64_t[]){0, -1}));
    op_test_output(&t, test_f32(SHAPE(1, 1, 2, 4), NULL));
    op_test_fails(&t, ONR_ERR_VALUE, "position_ids[1] is -1");
    t.inputs[1] = test_f32(SHAPE(2, 3), NULL);
    op_test_fails(&t, ONR_ERR_SHAPE, "input 1: dimension 1 is 3, expected 2");
    t.inputs[0] = test_f32(SHAPE(1, 2, 4), NULL);
    op_test_fails(&t, ONR_ERR_MODEL, "\"num_heads\" is needed for rank 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(halves_and_neighbours, test_tensors_free),
        cmocka_unit_test_teardown(rank_3_keeps_the_tail_of_each_head, test_tensors_free),
        cmocka_unit_test_teardown(contrib_form_takes_a_start_position, test_tensors_free),
        cmocka_unit_test_teardown(bad_shapes_and_positions_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
