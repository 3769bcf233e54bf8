/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MultiHeadAttention and DecoderMaskedMultiHeadAttention (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * output = softmax(scale * Q K' + mask + attention_bias) V for each head, with the keys and values
 * of past in front of the new ones; the second operator is the first for one query.
 *
 * Inputs    query, key?, value?, bias?, key_padding_mask?, attention_bias?, past_key?, past_value?,
 *           past_sequence_length?, cache_indirection?; decoder: query, key?, value?, mask_index?,
 *           attention_bias?, past_key?, past_value?, past_sequence_length?, beam_width?,
 *           cache_indirection?, bias?
 * Outputs   output, present_key?, present_value?, qk?
 * Shapes    query: [B,S,N*H], key: [B,L,N*H], value: [B,L,N*Hv]; or key [B,N,L,H], value [B,N,L,Hv]
 *           (cached: no bias is added to them, no past); or key [B,L,N,2,H] alone; or query
 *           [B,S,N,3,H] alone; decoder also query [B,1,3*N*H] alone. bias: [2*N*H+N*Hv]. Masks: see
 *           padding_mask.h. past: [B,N,P,.], present: [B,N,T,.], T = P + L. A shared buffer
 *           (past_sequence_length is given; decoder: past_present_share_buffer): past and present
 *           are [B,N,M,.], of which past_sequence_length rows are filled. cache_indirection:
 *           [B/beams,beams,M]: the beam that row j of the past of each beam comes from. output:
 *           [B,S,N*Hv]. qk: [B,N,S,T].
 * Types     float32, float16, bfloat16 (computed in float32). Masks, lengths and beams: int32.
 * Attrs     num_heads: int, required. unidirectional: int, default 0: query i sees keys up to
 *           P + i. scale: float, default 1/sqrt(H). mask_filter_value: float, default -10000, added
 *           to scores of keys that the mask leaves out. output_qk: the output says it.
 * Edge      qk are the scores with mask and bias; the lowest float where unidirectional hides a key.
 *           Beams come with a shared buffer only. beam_width must be what cache_indirection says.
 * Aliasing  none.
 */
#include "ops/contrib/multi_head.h"

#include <inttypes.h>

static const struct onr_multi_head_inputs standard_in = {.bias = 3,
                                                         .mask = 4,
                                                         .score_bias = 5,
                                                         .past_key = 6,
                                                         .past_value = 7,
                                                         .past_length = 8,
                                                         .beams = ONR_NO_VALUE,
                                                         .beam_of = 9};

static const struct onr_multi_head_inputs decoder_in = {.mask = 3,
                                                        .score_bias = 4,
                                                        .past_key = 5,
                                                        .past_value = 6,
                                                        .past_length = 7,
                                                        .beams = 8,
                                                        .beam_of = 9,
                                                        .bias = 10,
                                                        .is_decoder = true};

static enum onr_status standard_infer(struct onr_infer_ctx *ctx)
{
    return onr_multi_head_infer(ctx, &standard_in);
}

static enum onr_status standard_plan(struct onr_plan_ctx *ctx)
{
    return onr_multi_head_plan(ctx, &standard_in);
}

static enum onr_status decoder_infer(struct onr_infer_ctx *ctx)
{
    return onr_multi_head_infer(ctx, &decoder_in);
}

static enum onr_status decoder_plan(struct onr_plan_ctx *ctx)
{
    return onr_multi_head_plan(ctx, &decoder_in);
}

static enum onr_status decoder_run(struct onr_run_ctx *ctx)
{
    if (decoder_in.beams < ctx->input_count && ctx->inputs[decoder_in.beams] != NULL) {
        bool has_beams =
            decoder_in.beam_of < ctx->input_count && ctx->inputs[decoder_in.beam_of] != NULL;
        int64_t want = has_beams ? ctx->inputs[decoder_in.beam_of]->shape.dim[1] : 1;
        int32_t beams = *(const int32_t *)ctx->inputs[decoder_in.beams]->data;
        if (beams != want) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "beam_width is %" PRId32 ", expected %" PRId64
                            " as cache_indirection has",
                            beams, want);
        }
    }
    return onr_multi_head_run(ctx);
}

static const struct onr_attr_spec standard_attrs[] = {
    {"mask_filter_value", ONR_ATTR_FLOAT, false},
    {"num_heads", ONR_ATTR_INT, true},
    {"scale", ONR_ATTR_FLOAT, false},
    {"unidirectional", ONR_ATTR_INT, false},
    {NULL, 0, false},
};
static const struct onr_attr_spec decoder_attrs[] = {
    {"mask_filter_value", ONR_ATTR_FLOAT, false},
    {"num_heads", ONR_ATTR_INT, true},
    {"output_qk", ONR_ATTR_INT, false},
    {"past_present_share_buffer", ONR_ATTR_INT, false},
    {"scale", ONR_ATTR_FLOAT, false},
    {NULL, 0, false},
};

#define TYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static const struct onr_param_spec standard_inputs[] = {
    {TYPES, 1},          {TYPES, 1},          {TYPES, 1}, {TYPES, 1},
    {ONR_BIT(INT32), 0}, {TYPES, 1},          {TYPES, 1}, {TYPES, 1},
    {ONR_BIT(INT32), 0}, {ONR_BIT(INT32), 0}, {0, 0}};
static const struct onr_param_spec decoder_inputs[] = {
    {TYPES, 1},          {TYPES, 1},          {TYPES, 1}, {ONR_BIT(INT32), 0},
    {TYPES, 1},          {TYPES, 1},          {TYPES, 1}, {ONR_BIT(INT32), 0},
    {ONR_BIT(INT32), 0}, {ONR_BIT(INT32), 0}, {TYPES, 1}, {0, 0}};
static const struct onr_param_spec all_outputs[] = {{TYPES, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_contrib_multi_head_attention[];
const struct onr_op_def onr_ops_contrib_multi_head_attention[] = {
    {.domain = "com.microsoft",
     .name = "DecoderMaskedMultiHeadAttention",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {1, 11},
     .outputs = {1, 4},
     .attrs = decoder_attrs,
     .input_specs = decoder_inputs,
     .output_specs = all_outputs,
     .infer = decoder_infer,
     .plan = decoder_plan,
     .run = decoder_run},
    {.domain = "com.microsoft",
     .name = "MultiHeadAttention",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {1, 10},
     .outputs = {1, 4},
     .attrs = standard_attrs,
     .input_specs = standard_inputs,
     .output_specs = all_outputs,
     .infer = standard_infer,
     .plan = standard_plan,
     .run = onr_multi_head_run},
    {.name = NULL},
};
