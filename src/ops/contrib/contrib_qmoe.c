/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QMoE (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QMoE
 *
 * MoE (contrib_moe.c) with weights (q - zero_point) * scale of 2, 4 or 8 bits.
 *
 * Inputs    input, router_probs, fc1_experts_weights, fc1_scales, fc1_experts_bias?,
 *           fc2_experts_weights, fc2_scales, fc2_experts_bias?, fc3_experts_weights?, fc3_scales?,
 *           fc3_experts_bias?, fc1_zero_points?, fc2_zero_points?, fc3_zero_points?, router_weights?,
 *           then six that belong to other values of quant_type
 * Shapes    As MoE, but weights of N outputs and K inputs are [E,N,K*bits/8], low bits first.
 *           scales: [E,N], or with block_size [E,N,G], G = ceil(K / block_size). zero_points:
 *           [E,ceil(N*bits/8)], or [E,N,ceil(G*bits/8)], packed as weights.
 *           router_weights: [T,E].
 * Types     input, router_*, biases, output: float32, float16, bfloat16 (computed in float32).
 *           Scales: any of these. Weights and zero_points: uint8.
 * Attrs     As MoE, and expert_weight_bits: 2, 4 (default), 8; fc1_, fc2_ and
 *           fc3_expert_weight_bits: default expert_weight_bits. block_size: a power of two from 16
 *           on; 0 (default): one scale for a row. quant_type: "int". weights_prepacked: -1, 0.
 *           accuracy_level: accepted; activations are never rounded.
 * Weights   of experts: the softmax over the k chosen ones; or router_weights, which are divided by
 *           their sum with normalize_routing_weights.
 * Edge      Without zero points they are 2^(bits - 1). Rows of weights fill whole bytes.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/contrib/moe.h"
#include "ops/contrib/nbits_weights.h"

#define FIRST_FLOAT_INPUT 15 /* of those that go with weights of float8 and float4 */

static const struct onr_moe_inputs qmoe_in = {
    .layer = {{.weight = 2, .bias = 4, .scale = 3, .zero = 11},
              {.weight = 5, .bias = 7, .scale = 6, .zero = 12},
              {.weight = 8, .bias = 10, .scale = 9, .zero = 13}},
    .router_weights = 14,
    .is_quantized = true};

static enum onr_status qmoe_infer(struct onr_infer_ctx *ctx)
{
    struct onr_string type = onr_attr_string(ctx->node, "quant_type", "int");
    if (!onr_string_is(type, "int")) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED,
                              "attribute quant_type is \"%.*s\", supported is \"int\"",
                              type.length < 32 ? (int)type.length : 32, type.data);
    }
    if (onr_attr_int(ctx->node, "weights_prepacked", -1) > 0) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED, "weights packed for a GPU");
    }
    for (uint32_t i = FIRST_FLOAT_INPUT; i < ctx->node->input_count; i++) {
        if (ctx->inputs[i] != NULL) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL,
                                  "input %u does not go with quant_type \"int\"", i);
        }
    }
    return onr_moe_infer(ctx, &qmoe_in);
}

/* Weights of a layer in panels: [experts][panels][panel_bytes]. */
struct panels {
    char *data; /* NULL: weights are read as they are */
    size_t bytes;
    size_t panel_bytes;
    bool has_zeros;
};

struct qmoe_state {
    struct onr_moe_state moe;
    struct panels panels[ONR_MOE_LAYERS];
};

/* A layer without pointers; n outputs of k inputs. */
static struct onr_nbits_weights describe(const struct onr_moe_config *config, size_t layer,
                                         size_t n, size_t k, bool has_zeros)
{
    size_t block = config->block_size > 0 ? config->block_size : k;
    return (struct onr_nbits_weights){
        .bits = config->bits[layer],
        .block_size = block,
        .block_bytes = block * config->bits[layer] / 8,
        .blocks = (k + block - 1) / block,
        .column_bytes = k * config->bits[layer] / 8,
        .n = n,
        .has_zeros = has_zeros,
        .has_packed_zeros = has_zeros,
        .has_joint_zeros = config->block_size == 0,
    };
}

/* Points the weights, which point to those of all experts, to those of one. */
static void choose_expert(struct onr_nbits_weights *weights, size_t expert)
{
    size_t zeros = weights->has_joint_zeros
                       ? (weights->n * weights->bits + 7) / 8
                       : weights->n * ((weights->blocks * weights->bits + 7) / 8);
    size_t scales = weights->n * weights->blocks * onr_dtype_size(weights->dtype);
    weights->b += expert * weights->n * weights->column_bytes;
    weights->scales = (const char *)weights->scales + expert * scales;
    weights->zeros = weights->has_zeros ? (const char *)weights->zeros + expert * zeros : NULL;
}

/* ---- packing ---- */

struct pack_job {
    struct onr_nbits_weights weights;
    const struct panels *panels;
};

/* Items are panels of experts. */
static void pack_panels(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct pack_job *job = arg;
    size_t panels = onr_nbits_panels(&job->weights);
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        struct onr_nbits_weights weights = job->weights;
        choose_expert(&weights, i / panels);
        onr_nbits_pack(&weights, i % panels, job->panels->data + i * job->panels->panel_bytes);
    }
}

/* Packs the n x k weights of a layer if all that they consist of is constant and fills words. */
static enum onr_status pack_layer(struct onr_prepare_ctx *ctx, const struct onr_moe_config *config,
                                  const struct onr_moe_dims *dims, size_t layer, size_t n, size_t k)
{
    const struct onr_moe_layer_inputs *in = &qmoe_in.layer[layer];
    bool has_zeros = in->zero < ctx->node->input_count && ctx->inputs[in->zero] != NULL;
    if (in->weight >= ctx->node->input_count || ctx->constants[in->weight] == NULL ||
        ctx->constants[in->scale] == NULL || (has_zeros && ctx->constants[in->zero] == NULL) ||
        n == 0 || k == 0) {
        return ONR_OK;
    }
    struct qmoe_state *state = ctx->state;
    struct panels *panels = &state->panels[layer];
    panels->has_zeros = has_zeros;
    struct pack_job job = {.panels = panels};
    job.weights = describe(config, layer, n, k, has_zeros);
    job.weights.dtype = ctx->constants[in->scale]->dtype;
    job.weights.b = ctx->constants[in->weight]->data;
    job.weights.scales = ctx->constants[in->scale]->data;
    job.weights.zeros = has_zeros ? ctx->constants[in->zero]->data : NULL;
    if (job.weights.block_bytes % 4 != 0 || k % job.weights.block_size != 0) {
        return ONR_OK;
    }
    size_t count = (size_t)dims->experts * onr_nbits_panels(&job.weights);
    if (!onr_nbits_panel_bytes(&job.weights, &panels->panel_bytes) ||
        !onr_size_mul(count, panels->panel_bytes, &panels->bytes)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "packed weights are too large");
    }
    panels->data = onr_mem_alloc(ctx->mem, panels->bytes);
    if (panels->data == NULL ||
        !onr_backlog_add(ctx->backlog, count, panels->panel_bytes, pack_panels, &job, sizeof job)) {
        return onr_fail_memory(ctx->err, "packed weights");
    }
    ctx->consumed |= 1u << in->weight | 1u << in->scale | (has_zeros ? 1u << in->zero : 0);
    return ONR_OK;
}

static void qmoe_release(struct onr_mem *mem, void *state)
{
    struct qmoe_state *qmoe = state;
    for (size_t l = 0; qmoe != NULL && l < ONR_MOE_LAYERS; l++) {
        onr_mem_free(mem, qmoe->panels[l].data, qmoe->panels[l].bytes);
        qmoe->panels[l].data = NULL;
    }
}

static enum onr_status pack_layers(struct onr_prepare_ctx *ctx)
{
    struct onr_moe_config config;
    struct onr_moe_dims dims;
    ONR_TRY(onr_moe_configure(&config, &qmoe_in, ctx->node, ctx->err));
    ONR_TRY(onr_moe_read_dims(&dims, &config, &qmoe_in, ctx->inputs, ctx->err));
    if (dims.inter < 0 || dims.experts < 0) {
        return ONR_OK;
    }
    size_t hidden = (size_t)dims.hidden;
    size_t inter = (size_t)dims.inter;
    ONR_TRY(pack_layer(ctx, &config, &dims, ONR_MOE_FC1, (size_t)dims.width, hidden));
    ONR_TRY(pack_layer(ctx, &config, &dims, ONR_MOE_FC2, hidden, inter));
    return pack_layer(ctx, &config, &dims, ONR_MOE_FC3, inter, hidden);
}

static enum onr_status qmoe_prepare(struct onr_prepare_ctx *ctx)
{
    struct qmoe_state *state = ONR_ARENA_NEW(ctx->arena, struct qmoe_state);
    if (state == NULL) {
        return onr_fail_memory(ctx->err, "the state of a mixture of experts");
    }
    state->moe.kernels = ctx->kernels;
    ctx->state = state;
    enum onr_status status = pack_layers(ctx);
    if (status != ONR_OK) {
        qmoe_release(ctx->mem, state);
    }
    return status;
}

/* ---- running ---- */

static void fill_columns(const struct onr_run_ctx *ctx, size_t which, size_t expert, size_t begin,
                         size_t end, float *w, size_t stride)
{
    const struct onr_moe *moe = ctx->plan;
    const struct onr_moe_layer *layer = &moe->layer[which];
    const struct qmoe_state *state = ctx->state;
    const struct panels *panels = &state->panels[which];
    const void *zeros = onr_input_data(ctx, layer->in.zero);
    struct onr_nbits_weights weights =
        describe(&moe->config, which, layer->n, layer->k,
                 panels->data != NULL ? panels->has_zeros : zeros != NULL);
    if (panels->data == NULL) {
        weights.b = ctx->inputs[layer->in.weight]->data;
        weights.dtype = ctx->inputs[layer->in.scale]->dtype;
        weights.scales = ctx->inputs[layer->in.scale]->data;
        weights.zeros = zeros;
        choose_expert(&weights, expert);
        onr_nbits_fill(&weights, NULL, layer->k, begin, end, w, stride);
        return;
    }
    size_t first = expert * onr_nbits_panels(&weights);
    for (size_t j = begin; j < end; j += ONR_NBITS_COLUMNS, w += ONR_NBITS_COLUMNS) {
        size_t index = first + j / ONR_NBITS_COLUMNS;
        struct onr_nbits_panel panel =
            onr_nbits_panel_at(&weights, panels->data + index * panels->panel_bytes);
        ctx->kernels->nbits.dequantize(&panel, w, stride);
    }
}

static enum onr_status qmoe_plan(struct onr_plan_ctx *ctx)
{
    return onr_moe_plan(ctx, &qmoe_in, fill_columns);
}

#define REAL_TYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static const struct onr_attr_spec qmoe_attrs[] = {
    {"accuracy_level", ONR_ATTR_INT, false},
    {"activation_alpha", ONR_ATTR_FLOAT, false},
    {"activation_beta", ONR_ATTR_FLOAT, false},
    {"activation_type", ONR_ATTR_STRING, false},
    {"block_size", ONR_ATTR_INT, false},
    {"expert_weight_bits", ONR_ATTR_INT, false},
    {"fc1_expert_weight_bits", ONR_ATTR_INT, false},
    {"fc2_expert_weight_bits", ONR_ATTR_INT, false},
    {"fc3_expert_weight_bits", ONR_ATTR_INT, false},
    {"k", ONR_ATTR_INT, false},
    {"normalize_routing_weights", ONR_ATTR_INT, false},
    {"quant_type", ONR_ATTR_STRING, false},
    {"swiglu_fusion", ONR_ATTR_INT, false},
    {"swiglu_limit", ONR_ATTR_FLOAT, false},
    {"use_sparse_mixer", ONR_ATTR_INT, false},
    {"weights_prepacked", ONR_ATTR_INT, false},
    {NULL, 0, false},
};

#define REAL                                                                                       \
    {                                                                                              \
        REAL_TYPES, 1                                                                              \
    }
#define SCALE                                                                                      \
    {                                                                                              \
        REAL_TYPES, 0                                                                              \
    }
#define BYTES                                                                                      \
    {                                                                                              \
        ONR_BIT(UINT8), 0                                                                          \
    }

static const struct onr_param_spec qmoe_inputs[] = {
    REAL,  REAL,  BYTES, SCALE, REAL,  BYTES, SCALE, REAL,
    BYTES, SCALE, REAL,  BYTES, BYTES, BYTES, REAL,  {ONR_DTYPES_ALL, 0},
    {0, 0}};
static const struct onr_param_spec qmoe_outputs[] = {REAL, {0, 0}};

extern const struct onr_op_def onr_ops_contrib_qmoe[];
const struct onr_op_def onr_ops_contrib_qmoe[] = {
    {.domain = "com.microsoft",
     .name = "QMoE",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {3, 21},
     .outputs = {1, 1},
     .attrs = qmoe_attrs,
     .input_specs = qmoe_inputs,
     .output_specs = qmoe_outputs,
     .infer = qmoe_infer,
     .prepare = qmoe_prepare,
     .plan = qmoe_plan,
     .run = onr_moe_run,
     .release = qmoe_release},
    {.name = NULL},
};
