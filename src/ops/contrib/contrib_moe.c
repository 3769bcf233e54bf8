/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MoE (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MoE
 *
 * output = sum over the k experts e with the largest router_probs of
 *          weight_e * (FC2_e g + fc2_bias_e),  h = FC1_e x + fc1_bias_e
 *
 *     g = f(h)                              relu, gelu (by tanh), silu or identity
 *     g = f(h) * (FC3_e x + fc3_bias_e)     the same with FC3
 *     g = G sigmoid(alpha G) (L + beta)     swiglu; G = min(gate, limit), L = linear in [-limit, limit]
 *
 * Inputs    input, router_probs, fc1_experts_weights, fc1_experts_bias?, fc2_experts_weights,
 *           fc2_experts_bias?, fc3_experts_weights?, fc3_experts_bias?
 * Shapes    input, output: [T,D] or [B,S,D] with T = B * S. router_probs: [T,E], logits. FC1:
 *           [E,F*I,D], FC2: [E,D,I], FC3: [E,I,D]; the last two dimensions may be given the other
 *           way round, for the same data. Biases: [E,F*I], [E,D], [E,I].
 * Types     float32, float16, bfloat16 (computed in float32).
 * Attrs     k: int, default 1. activation_type: "relu" (default), "gelu", "silu", "swiglu",
 *           "identity". swiglu_fusion: 0 (default): gate from FC1, linear from FC3; 1: FC1 gives gate
 *           and linear in turn (F = 2); 2: first all gates. activation_alpha: default 1,
 *           activation_beta: default 0, swiglu_limit: default infinity, all for swiglu alone.
 *           normalize_routing_weights: int, default 0. use_sparse_mixer: int, default 0.
 * Weights   The softmax of router_probs over all experts, divided by the sum over the k if normalised.
 *           With use_sparse_mixer, for k = 2: exp(0) / sum of exp(p_j - p_e) over the experts j with
 *           p_e - p_j <= 0.02 max(|p_j|, p_e), without the first one for the second.
 * Edge      Of equal logits the lower expert is chosen. NaN is chosen first.
 * Aliasing  none.
 */
#include "ops/contrib/moe.h"

static const struct onr_moe_inputs moe_in = {
    .layer = {{.weight = 2, .bias = 3, .scale = ONR_NO_VALUE, .zero = ONR_NO_VALUE},
              {.weight = 4, .bias = 5, .scale = ONR_NO_VALUE, .zero = ONR_NO_VALUE},
              {.weight = 6, .bias = 7, .scale = ONR_NO_VALUE, .zero = ONR_NO_VALUE}},
    .router_weights = ONR_NO_VALUE};

static enum onr_status moe_infer(struct onr_infer_ctx *ctx)
{
    return onr_moe_infer(ctx, &moe_in);
}

/* Packs the n x k matrix of each expert. */
static enum onr_status pack_layer(struct onr_prepare_ctx *ctx, struct onr_moe_state *state,
                                  size_t layer, size_t n, size_t k)
{
    uint32_t input = moe_in.layer[layer].weight;
    const struct onr_constant *weights =
        input < ctx->node->input_count ? ctx->constants[input] : NULL;
    if (weights == NULL || n == 0 || k == 0) {
        return ONR_OK;
    }
    struct onr_packed_b *packed = ONR_ARENA_ARRAY(ctx->arena, state->experts, struct onr_packed_b);
    if (packed == NULL) {
        return onr_fail_memory(ctx->err, "packed weights of experts");
    }
    state->packed[layer] = packed;
    struct onr_gemm_matrix b = {
        .data = weights->data, .dtype = weights->dtype, .row_stride = 1, .column_stride = k};
    for (size_t e = 0; e < state->experts; e++) {
        ONR_TRY(onr_product_pack(ctx, &b, k, n, &packed[e]));
        b.data = (const char *)b.data + n * k * onr_dtype_size(weights->dtype);
    }
    ctx->consumed |= 1u << input;
    return ONR_OK;
}

static enum onr_status pack_layers(struct onr_prepare_ctx *ctx, struct onr_moe_state *state)
{
    struct onr_moe_config config;
    struct onr_moe_dims dims;
    ONR_TRY(onr_moe_configure(&config, &moe_in, ctx->node, ctx->err));
    ONR_TRY(onr_moe_read_dims(&dims, &config, &moe_in, ctx->inputs, ctx->err));
    if (dims.inter < 0 || dims.experts < 0) {
        return ONR_OK;
    }
    size_t hidden = (size_t)dims.hidden;
    size_t inter = (size_t)dims.inter;
    state->experts = (size_t)dims.experts;
    ONR_TRY(pack_layer(ctx, state, ONR_MOE_FC1, (size_t)dims.width, hidden));
    ONR_TRY(pack_layer(ctx, state, ONR_MOE_FC2, hidden, inter));
    return pack_layer(ctx, state, ONR_MOE_FC3, inter, hidden);
}

static enum onr_status moe_prepare(struct onr_prepare_ctx *ctx)
{
    struct onr_moe_state *state = ONR_ARENA_NEW(ctx->arena, struct onr_moe_state);
    if (state == NULL) {
        return onr_fail_memory(ctx->err, "the state of a mixture of experts");
    }
    state->kernels = ctx->kernels;
    ctx->state = state;
    return pack_layers(ctx, state);
}

static enum onr_status moe_plan(struct onr_plan_ctx *ctx)
{
    return onr_moe_plan(ctx, &moe_in, NULL);
}

#define MOE_TYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static const struct onr_attr_spec moe_attrs[] = {
    {"activation_alpha", ONR_ATTR_FLOAT, false},
    {"activation_beta", ONR_ATTR_FLOAT, false},
    {"activation_type", ONR_ATTR_STRING, false},
    {"k", ONR_ATTR_INT, false},
    {"normalize_routing_weights", ONR_ATTR_INT, false},
    {"swiglu_fusion", ONR_ATTR_INT, false},
    {"swiglu_limit", ONR_ATTR_FLOAT, false},
    {"use_sparse_mixer", ONR_ATTR_INT, false},
    {NULL, 0, false},
};
static const struct onr_param_spec moe_params[] = {{MOE_TYPES, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_contrib_moe[];
const struct onr_op_def onr_ops_contrib_moe[] = {
    {.domain = "com.microsoft",
     .name = "MoE",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {3, 8},
     .outputs = {1, 1},
     .attrs = moe_attrs,
     .input_specs = moe_params,
     .output_specs = moe_params,
     .infer = moe_infer,
     .prepare = moe_prepare,
     .plan = moe_plan,
     .run = onr_moe_run},
    {.name = NULL},
};
