/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes and shapes of MoE and QMoE. */
#include "base/size.h"
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/contrib/moe.h"

#include <inttypes.h>
#include <math.h>

static const char *const layer_names[] = {"fc1", "fc2", "fc3"};

/* ---- attributes ---- */

static bool has_input(const struct onr_node *node, uint32_t index)
{
    return index < node->input_count && node->inputs[index] != ONR_NO_VALUE;
}

static enum onr_status read_activation(struct onr_moe_config *config, const struct onr_node *node,
                                       struct onr_error *err)
{
    static const char *const names[] = {"relu", "gelu", "silu", "swiglu", "identity", NULL};
    size_t choice = 0;
    ONR_TRY(onr_check_attr_choice(node, "activation_type", names, &choice, err));
    config->activation = (enum onr_moe_activation)choice;
    config->alpha = onr_attr_float(node, "activation_alpha", 1.0f);
    bool is_swiglu = config->activation == ONR_MOE_SWIGLU;
    int64_t fusion = onr_attr_int(node, "swiglu_fusion", 0);
    if (fusion < 0 || fusion > 2) {
        return onr_fail(err, ONR_ERR_MODEL,
                        "attribute swiglu_fusion is %" PRId64 ", expected 0 to 2", fusion);
    }
    config->beta = is_swiglu ? onr_attr_float(node, "activation_beta", 0.0f) : 0.0f;
    config->limit = is_swiglu ? onr_attr_float(node, "swiglu_limit", INFINITY) : INFINITY;
    config->is_fused = is_swiglu && fusion != 0;
    config->is_interleaved = config->is_fused && fusion == 1;
    if (is_swiglu && config->is_fused == config->has_fc3) {
        return onr_fail(err, ONR_ERR_MODEL,
                        "swiglu needs either fc3_experts_weights or swiglu_fusion 1 or 2");
    }
    return ONR_OK;
}

static enum onr_status read_routing(struct onr_moe_config *config, const struct onr_moe_inputs *in,
                                    const struct onr_node *node, struct onr_error *err)
{
    int64_t k = onr_attr_int(node, "k", 1);
    if (k < 1 || k > INT32_MAX) {
        return onr_fail(err, ONR_ERR_MODEL, "attribute k is %" PRId64 ", expected 1 to %d", k,
                        INT32_MAX);
    }
    config->k = (size_t)k;
    config->routing = in->is_quantized ? ONR_MOE_TOP_SOFTMAX : ONR_MOE_SOFTMAX;
    config->is_normalized = onr_attr_int(node, "normalize_routing_weights", 0) != 0;
    if (has_input(node, in->router_weights)) {
        config->routing = ONR_MOE_GIVEN;
    } else if (onr_attr_int(node, "use_sparse_mixer", 0) != 0) {
        config->routing = ONR_MOE_SPARSE;
        config->is_normalized = false;
        if (k != 2) {
            return onr_fail(err, ONR_ERR_MODEL,
                            "attribute k is %" PRId64 ", expected 2 with use_sparse_mixer", k);
        }
    }
    return ONR_OK;
}

static enum onr_status read_bits(struct onr_moe_config *config, const struct onr_node *node,
                                 struct onr_error *err)
{
    static const char *const names[] = {"fc1_expert_weight_bits", "fc2_expert_weight_bits",
                                        "fc3_expert_weight_bits"};
    int64_t common = onr_attr_int(node, "expert_weight_bits", 4);
    for (size_t l = 0; l < ONR_MOE_LAYERS; l++) {
        int64_t bits = onr_attr_int(node, names[l], common);
        if (bits != 2 && bits != 4 && bits != 8) {
            return onr_fail(err, ONR_ERR_UNSUPPORTED,
                            "weights of %s have %" PRId64 " bits, supported are 2, 4 and 8",
                            layer_names[l], bits);
        }
        config->bits[l] = (unsigned)bits;
    }
    int64_t block = onr_attr_int(node, "block_size", 0);
    if (block > 0 && (block < 16 || block > INT32_MAX || (block & (block - 1)) != 0)) {
        return onr_fail(err, ONR_ERR_MODEL,
                        "attribute block_size is %" PRId64 ", expected a power of two from 16 on",
                        block);
    }
    config->block_size = block > 0 ? (size_t)block : 0;
    return ONR_OK;
}

/* The parts of a layer that go with its weights are there, and only with them. */
static enum onr_status check_presence(const struct onr_moe_layer_inputs *in, const char *name,
                                      bool is_required, const struct onr_node *node,
                                      struct onr_error *err)
{
    if (!has_input(node, in->weight)) {
        if (is_required || has_input(node, in->bias) || has_input(node, in->scale) ||
            has_input(node, in->zero)) {
            return onr_fail(err, ONR_ERR_MODEL, "%s_experts_weights is missing", name);
        }
    } else if (in->scale != ONR_NO_VALUE && !has_input(node, in->scale)) {
        return onr_fail(err, ONR_ERR_MODEL, "%s_scales is missing", name);
    }
    return ONR_OK;
}

enum onr_status onr_moe_configure(struct onr_moe_config *config, const struct onr_moe_inputs *in,
                                  const struct onr_node *node, struct onr_error *err)
{
    *config = (struct onr_moe_config){.has_fc3 = has_input(node, in->layer[ONR_MOE_FC3].weight)};
    for (size_t l = 0; l < ONR_MOE_LAYERS; l++) {
        ONR_TRY(check_presence(&in->layer[l], layer_names[l], l != ONR_MOE_FC3, node, err));
    }
    ONR_TRY(read_activation(config, node, err));
    ONR_TRY(read_routing(config, in, node, err));
    return in->is_quantized ? read_bits(config, node, err) : ONR_OK;
}

/* ---- shapes ---- */

/* Dimension d, unknown when the rank is or has no such dimension. */
static int64_t dim_of(const struct onr_fact *fact, int d)
{
    return fact->shape.rank > d ? fact->shape.dim[d] : ONR_DIM_UNKNOWN;
}

/* Bytes (or elements, where there are no bits) that `count` packed weights take. */
static int64_t packed(int64_t count, unsigned bits)
{
    return count < 0 || bits == 0 ? count : (count * bits + 7) / 8;
}

enum onr_status onr_moe_read_dims(struct onr_moe_dims *dims, const struct onr_moe_config *config,
                                  const struct onr_moe_inputs *in,
                                  const struct onr_fact *const *inputs, struct onr_error *err)
{
    const struct onr_fact *input = inputs[ONR_MOE_INPUT];
    const struct onr_fact *fc1 = inputs[in->layer[ONR_MOE_FC1].weight];
    const struct onr_fact *fc2 = inputs[in->layer[ONR_MOE_FC2].weight];
    int rank = input->shape.rank;
    *dims = (struct onr_moe_dims){.tokens = ONR_DIM_UNKNOWN,
                                  .hidden = ONR_DIM_UNKNOWN,
                                  .inter = ONR_DIM_UNKNOWN,
                                  .width = ONR_DIM_UNKNOWN,
                                  .experts = dim_of(inputs[ONR_MOE_ROUTER], 1)};
    if (rank == 2 || rank == 3) {
        dims->tokens = onr_dim_range(&input->shape, 0, rank - 1);
        dims->hidden = input->shape.dim[rank - 1];
    }
    if (dims->experts < 0) {
        dims->experts = dim_of(fc1, 0);
    }
    int64_t rows = dim_of(fc2, 1);
    int64_t count = 0;
    if (rows < 0 || dim_of(fc2, 2) < 0 || dims->hidden < 0) {
        return ONR_OK;
    }
    unsigned bits = config->bits[ONR_MOE_FC2];
    if (!onr_int_mul(rows, dim_of(fc2, 2), &count) ||
        !onr_int_mul(count, bits == 0 ? 1 : 8 / bits, &count) || count > INT64_MAX / 32) {
        return onr_fail(err, ONR_ERR_LIMIT, "the weights are too large");
    }
    dims->inter = dims->hidden > 0 ? count / dims->hidden : 0;
    dims->width = config->is_fused ? 2 * dims->inter : dims->inter;
    dims->is_transposed = dims->hidden != dims->inter
                              ? rows == dims->inter
                              : config->is_fused && dim_of(fc1, 1) == dims->hidden;
    return ONR_OK;
}

/* The quantised parts of a layer with n outputs of k weights each. */
static enum onr_status check_scales(const struct onr_infer_ctx *ctx,
                                    const struct onr_moe_layer_inputs *in,
                                    const struct onr_moe_config *config, size_t layer,
                                    int64_t experts, int64_t n, int64_t k)
{
    static const char *const scales[] = {"fc1_scales", "fc2_scales", "fc3_scales"};
    static const char *const zeros[] = {"fc1_zero_points", "fc2_zero_points", "fc3_zero_points"};
    unsigned bits = config->bits[layer];
    int64_t block = (int64_t)config->block_size;
    if (k >= 0 && k * bits % 8 != 0) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "%s has rows of %" PRId64
                              " weights of %u bits, which do not fill bytes",
                              layer_names[layer], k, bits);
    }
    if (block == 0) {
        ONR_TRY(onr_check_dims(ctx, in->scale, scales[layer], 2, (int64_t[]){experts, n}));
        return onr_check_dims(ctx, in->zero, zeros[layer], 2,
                              (int64_t[]){experts, packed(n, bits)});
    }
    int64_t blocks = k < 0 ? k : k / block + (k % block != 0);
    ONR_TRY(onr_check_dims(ctx, in->scale, scales[layer], 3, (int64_t[]){experts, n, blocks}));
    return onr_check_dims(ctx, in->zero, zeros[layer], 3,
                          (int64_t[]){experts, n, packed(blocks, bits)});
}

static enum onr_status check_layer(const struct onr_infer_ctx *ctx, const struct onr_moe_inputs *in,
                                   const struct onr_moe_config *config,
                                   const struct onr_moe_dims *dims, size_t layer)
{
    static const char *const weights[] = {"fc1_experts_weights", "fc2_experts_weights",
                                          "fc3_experts_weights"};
    static const char *const biases[] = {"fc1_experts_bias", "fc2_experts_bias",
                                         "fc3_experts_bias"};
    const struct onr_moe_layer_inputs *inputs = &in->layer[layer];
    if (!onr_infer_has_input(ctx, inputs->weight)) {
        return ONR_OK;
    }
    int64_t n = layer == ONR_MOE_FC1   ? dims->width
                : layer == ONR_MOE_FC2 ? dims->hidden
                                       : dims->inter;
    int64_t k = layer == ONR_MOE_FC2 ? dims->inter : dims->hidden;
    bool is_known = n >= 0 && k >= 0; /* else it is not known either which way round they are */
    int64_t rows = !is_known ? ONR_DIM_UNKNOWN : dims->is_transposed ? k : n;
    int64_t columns = !is_known ? ONR_DIM_UNKNOWN : dims->is_transposed ? n : k;
    if (in->is_quantized) {
        ONR_TRY(check_scales(ctx, inputs, config, layer, dims->experts, n, k));
    }
    ONR_TRY(onr_check_dims(ctx, inputs->weight, weights[layer], 3,
                           (int64_t[]){dims->experts, rows, packed(columns, config->bits[layer])}));
    return onr_check_dims(ctx, inputs->bias, biases[layer], 2, (int64_t[]){dims->experts, n});
}

enum onr_status onr_moe_infer(struct onr_infer_ctx *ctx, const struct onr_moe_inputs *in)
{
    struct onr_moe_config config;
    struct onr_moe_dims dims;
    int rank = ctx->inputs[ONR_MOE_INPUT]->shape.rank;
    ONR_TRY(onr_moe_configure(&config, in, ctx->node, ctx->err));
    if (rank != ONR_RANK_UNKNOWN && rank != 2 && rank != 3) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input has rank %d, expected 2 or 3", rank);
    }
    ONR_TRY(onr_moe_read_dims(&dims, &config, in, ctx->inputs, ctx->err));
    ONR_TRY(onr_check_dims(ctx, ONR_MOE_ROUTER, "router_probs", 2,
                           (int64_t[]){dims.tokens, dims.experts}));
    ONR_TRY(onr_check_dims(ctx, in->router_weights, "router_weights", 2,
                           (int64_t[]){dims.tokens, dims.experts}));
    for (size_t layer = 0; layer < ONR_MOE_LAYERS; layer++) {
        ONR_TRY(check_layer(ctx, in, &config, &dims, layer));
    }
    if (dims.experts >= 0 && config.k > (size_t)dims.experts) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "attribute k is %zu, but there are only %" PRId64 " experts",
                              config.k, dims.experts);
    }
    return onr_infer_same_shape(ctx);
}
