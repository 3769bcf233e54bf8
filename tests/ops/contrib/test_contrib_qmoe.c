/* SPDX-License-Identifier: Apache-2.0 */
/* QMoE; over its attributes: tests/contrib. */
#include "support/op_test.h"

#include <math.h>

#define test_u8(...) test_tensor(ONR_UINT8, __VA_ARGS__)

/* Two experts of two inputs, two hidden units; weights of 4 bits: FC1 is the identity and twice the
 * identity, FC2 swaps. */
static void begin(struct op_test *t, size_t tokens, const float *x, const float *logits)
{
    op_test_begin(t, "com.microsoft", "QMoE", 1);
    op_test_string(t, "activation_type", "identity");
    op_test_input(t, test_f32(SHAPE((int64_t)tokens, 2), x));
    op_test_input(t, test_f32(SHAPE((int64_t)tokens, 2), logits));
    op_test_input(t, test_u8(SHAPE(2, 2, 1), (uint8_t[]){0x89, 0x98, 0x8a, 0xa8}));
    op_test_input(t, test_f32(SHAPE(2, 2), (float[]){1, 1, 1, 1}));
    op_test_input(t, NULL);
    op_test_input(t, test_u8(SHAPE(2, 2, 1), (uint8_t[]){0x98, 0x89, 0x98, 0x89}));
    op_test_input(t, test_f32(SHAPE(2, 2), (float[]){1, 1, 1, 0.5f}));
}

static void set_input(struct op_test *t, uint32_t index, const struct onr_tensor *input)
{
    while (t->input_count <= index) {
        op_test_input(t, NULL);
    }
    t->inputs[index] = input;
}

static void weights_are_unpacked_and_scaled(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 2, (float[]){1, 10, 1, 10}, (float[]){1, 0, 0, 1});
    op_test_output(&t, test_f32(SHAPE(2, 2), (float[]){10, 1, 20, 1}));
    op_test_run(&t);
}

static void the_weights_of_the_chosen_experts_sum_to_one(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (float[]){1, 10}, (float[]){0, logf(3)});
    op_test_int(&t, "k", 2);
    op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){17.5f, 1}));
    op_test_run(&t);
}

static void router_weights_replace_the_softmax(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (float[]){1, 10}, (float[]){0, 100});
    op_test_int(&t, "k", 2);
    set_input(&t, 14, test_f32(SHAPE(1, 2), (float[]){3, 1}));
    op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){50, 4}));
    op_test_run(&t);
    op_test_int(&t, "normalize_routing_weights", 1);
    t.outputs[0] = test_f32(SHAPE(1, 2), (float[]){12.5f, 1});
    op_test_run(&t);
    set_input(&t, 14, test_f32(SHAPE(1, 2), (float[]){0, 0}));
    t.outputs[0] = test_f32(SHAPE(1, 2), (float[]){0, 0});
    op_test_run(&t);
    set_input(&t, 14, test_f32(SHAPE(2, 2), NULL));
    op_test_fails(&t, ONR_ERR_SHAPE, "router_weights has shape 2x2, expected 1x2");
}

static void zero_points_of_rows_are_packed_over_rows(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (float[]){1, 10}, (float[]){1, 0});
    /* FC1 becomes ((2, 1), (-1, 0)) */
    set_input(&t, 11, test_u8(SHAPE(2, 1), (uint8_t[]){0x97, 0}));
    op_test_output(&t, test_f32(SHAPE(1, 2), (float[]){-1, 12}));
    op_test_run(&t);
}

static void bfloat16_is_taken_with_scales_of_its_own_type(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 1, (float[]){1, 10}, (float[]){1, 0});
    t.inputs[0] = test_tensor(ONR_BFLOAT16, SHAPE(1, 2), (uint16_t[]){0x3f80, 0x4120});
    t.inputs[1] = test_tensor(ONR_BFLOAT16, SHAPE(1, 2), (uint16_t[]){0x3f80, 0});
    op_test_output(&t, test_tensor(ONR_BFLOAT16, SHAPE(1, 2), (uint16_t[]){0x4120, 0x3f80}));
    op_test_run(&t);
}

static void no_tokens_give_no_rows(void **state)
{
    (void)state;
    struct op_test t;
    begin(&t, 0, NULL, NULL);
    op_test_output(&t, test_f32(SHAPE(0, 2), NULL));
    op_test_run(&t);
}

static void refuse(uint32_t input, const struct onr_tensor *tensor, enum onr_status status,
                   const char *text)
{
    struct op_test t;
    begin(&t, 1, (float[]){1, 2}, (float[]){1, 2});
    set_input(&t, input, tensor);
    op_test_output(&t, test_f32(SHAPE(1, 2), NULL));
    op_test_fails(&t, status, text);
}

static void inputs_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    refuse(2, test_u8(SHAPE(2, 2, 2), NULL), ONR_ERR_SHAPE,
           "fc1_experts_weights has shape 2x2x2, expected 2x2x1");
    refuse(3, NULL, ONR_ERR_MODEL, "fc1_scales is missing");
    refuse(3, test_f32(SHAPE(2, 2, 1), NULL), ONR_ERR_SHAPE,
           "fc1_scales has shape 2x2x1, expected 2x2");
    refuse(5, NULL, ONR_ERR_MODEL, "fc2_experts_weights is missing");
    refuse(6, test_f32(SHAPE(2, 1), NULL), ONR_ERR_SHAPE, "fc2_scales has shape 2x1, expected 2x2");
    refuse(10, test_f32(SHAPE(2, 2), NULL), ONR_ERR_MODEL, "fc3_experts_weights is missing");
    refuse(11, test_u8(SHAPE(2, 2), NULL), ONR_ERR_SHAPE,
           "fc1_zero_points has shape 2x2, expected 2x1");
    refuse(15, test_f32(SHAPE(2), NULL), ONR_ERR_MODEL,
           "input 15 does not go with quant_type \"int\"");
    refuse(2, test_tensor(ONR_FLOAT8E4M3FN, SHAPE(2, 2, 2), NULL), ONR_ERR_UNSUPPORTED,
           "float8e4m3fn");
}

static void refuse_int(const char *name, int64_t value, enum onr_status status, const char *text)
{
    struct op_test t;
    begin(&t, 1, (float[]){1, 2}, (float[]){1, 2});
    op_test_int(&t, name, value);
    op_test_output(&t, test_f32(SHAPE(1, 2), NULL));
    op_test_fails(&t, status, text);
}

static void attributes_out_of_range_are_refused(void **state)
{
    (void)state;
    refuse_int("expert_weight_bits", 3, ONR_ERR_UNSUPPORTED,
               "weights of fc1 have 3 bits, supported are 2, 4 and 8");
    refuse_int("fc2_expert_weight_bits", 1, ONR_ERR_UNSUPPORTED,
               "weights of fc2 have 1 bits, supported are 2, 4 and 8");
    refuse_int("fc1_expert_weight_bits", 2, ONR_ERR_SHAPE,
               "fc1 has rows of 2 weights of 2 bits, which do not fill bytes");
    refuse_int("block_size", 24, ONR_ERR_MODEL,
               "attribute block_size is 24, expected a power of two from 16 on");
    refuse_int("block_size", 16, ONR_ERR_SHAPE, "fc1_scales has shape 2x2, expected 2x2x1");
    refuse_int("weights_prepacked", 1, ONR_ERR_UNSUPPORTED, "weights packed for a GPU");
    struct op_test t;
    begin(&t, 1, (float[]){1, 2}, (float[]){1, 2});
    op_test_string(&t, "quant_type", "nvfp4");
    op_test_output(&t, test_f32(SHAPE(1, 2), NULL));
    op_test_fails(&t, ONR_ERR_UNSUPPORTED,
                  "attribute quant_type is \"nvfp4\", supported is \"int\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(weights_are_unpacked_and_scaled, test_tensors_free),
        cmocka_unit_test_teardown(the_weights_of_the_chosen_experts_sum_to_one, test_tensors_free),
        cmocka_unit_test_teardown(router_weights_replace_the_softmax, test_tensors_free),
        cmocka_unit_test_teardown(zero_points_of_rows_are_packed_over_rows, test_tensors_free),
        cmocka_unit_test_teardown(bfloat16_is_taken_with_scales_of_its_own_type, test_tensors_free),
        cmocka_unit_test_teardown(no_tokens_give_no_rows, test_tensors_free),
        cmocka_unit_test_teardown(inputs_that_do_not_fit_are_refused, test_tensors_free),
        cmocka_unit_test_teardown(attributes_out_of_range_are_refused, test_tensors_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
