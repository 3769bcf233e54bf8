/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mixture of experts: what MoE and QMoE of com.microsoft share. Each token is given to k of the
 * experts, of which each is a small network of two layers, or three:
 *
 *     h = FC1 x + b1      g = f(h), or f(gate) * (linear + beta)      y = FC2 g + b2
 *
 * The tokens of an expert are brought together, so that each layer is one matrix product per
 * expert. Sums run in an order that the layer alone determines: a token gets the same bits alone
 * and in any batch. Many tokens are done in rounds, which bounds the workspace.
 */
#ifndef ONR_OPS_CONTRIB_MOE_H
#define ONR_OPS_CONTRIB_MOE_H

#include "graph/op_def.h"
#include "kernels/kernels.h"
#include "ops/matrix/product.h"

enum { ONR_MOE_INPUT, ONR_MOE_ROUTER }; /* input numbers */

enum { ONR_MOE_FC1, ONR_MOE_FC2, ONR_MOE_FC3, ONR_MOE_LAYERS };

/* Where an operator has the inputs of a layer; ONR_NO_VALUE where it has none. */
struct onr_moe_layer_inputs {
    uint32_t weight, bias, scale, zero;
};

struct onr_moe_inputs {
    struct onr_moe_layer_inputs layer[ONR_MOE_LAYERS];
    uint32_t router_weights;
    bool is_quantized;
};

/* Sizes as far as they are known. */
struct onr_moe_dims {
    int64_t tokens, experts, hidden, inter;
    int64_t width;      /* outputs of FC1: inter, or twice as many */
    bool is_transposed; /* the shapes of weights are given the other way round; not their layout */
};

enum onr_moe_activation {
    ONR_MOE_RELU,
    ONR_MOE_GELU,
    ONR_MOE_SILU,
    ONR_MOE_SWIGLU,
    ONR_MOE_IDENTITY,
};

/* What the weight of an expert is computed from. */
enum onr_moe_routing {
    ONR_MOE_SOFTMAX,     /* over the logits of all experts */
    ONR_MOE_TOP_SOFTMAX, /* over those of the chosen ones */
    ONR_MOE_SPARSE,      /* two experts, each against those that come near it */
    ONR_MOE_GIVEN,       /* the input router_weights */
};

struct onr_moe_config {
    size_t k;
    enum onr_moe_routing routing;
    bool is_normalized; /* weights are divided by their sum */
    enum onr_moe_activation activation;
    bool is_fused;       /* FC1 gives gates and linear parts */
    bool is_interleaved; /* in turn */
    bool has_fc3;        /* which gives the linear parts */
    float alpha, beta, limit;
    unsigned bits[ONR_MOE_LAYERS]; /* of a weight; 0: not quantised */
    size_t block_size;             /* of quantised weights; 0: one scale for a row */
};

/* Reads the attributes. Errors: ONR_ERR_MODEL, ONR_ERR_UNSUPPORTED. */
enum onr_status onr_moe_configure(struct onr_moe_config *config, const struct onr_moe_inputs *in,
                                  const struct onr_node *node, struct onr_error *err) ONR_MUST_USE;

/* The sizes from facts. Error: ONR_ERR_SHAPE. */
enum onr_status onr_moe_read_dims(struct onr_moe_dims *dims, const struct onr_moe_config *config,
                                  const struct onr_moe_inputs *in,
                                  const struct onr_fact *const *inputs,
                                  struct onr_error *err) ONR_MUST_USE;

/* Checks inputs and attributes and gives output 0 the shape of input 0. */
enum onr_status onr_moe_infer(struct onr_infer_ctx *ctx,
                              const struct onr_moe_inputs *in) ONR_MUST_USE;

/* ---- routing ---- */

struct onr_moe_routing_job {
    const struct onr_moe_config *config;
    size_t experts;
    enum onr_dtype dtype;
    const void *logits;  /* [tokens, experts] */
    const void *weights; /* the same, or NULL */
};

/* The experts [k] of a token, best first, ties to the lower number, and their weights [k]. buffer:
 * [experts]. */
void onr_moe_route(const struct onr_moe_routing_job *job, size_t token, float *buffer,
                   uint32_t *expert, float *weight);

/* ---- planning and running ---- */

/* Writes the weights for the outputs [begin, end) of an expert in a layer: that of input p for output
 * j is w[p * stride + j - begin]. begin and stride are multiples of ONR_NBITS_COLUMNS, up to which
 * columns beyond end may be written. */
typedef void (*onr_moe_fill_fn)(const struct onr_run_ctx *ctx, size_t layer, size_t expert,
                                size_t begin, size_t end, float *w, size_t stride);

/* A layer of all experts: [rows, k] -> [rows, n]. */
struct onr_moe_layer {
    struct onr_moe_layer_inputs in;
    size_t n, k;
    const struct onr_packed_b *packed; /* [experts], or NULL */
    const struct onr_gemm_f32 *kernel;
    size_t chunk; /* outputs that are made at once */
    size_t a_stride, c_stride;
    size_t gemm_bytes, weight_bytes; /* of a worker's scratch */
};

struct onr_moe {
    struct onr_moe_config config;
    enum onr_dtype dtype;
    size_t tokens, experts, hidden, inter, width;
    struct onr_moe_layer layer[ONR_MOE_LAYERS];
    uint32_t router_weights;
    onr_moe_fill_fn fill; /* NULL: weights are read as they are */
    size_t round;         /* tokens that are done together */
    /* offsets in the workspace */
    size_t expert_at, weight_at, row_at, token_at, begin_at, active_at;
    size_t rows_at;   /* [round * k, hidden]: input of FC1 and FC3, then output of FC2 */
    size_t h_at;      /* [round * k, width]: output of FC1, then input of FC2 */
    size_t linear_at; /* [round * k, inter]: output of FC3 */
    size_t scratch_at, worker_bytes;
};

/* State of MoE and QMoE. */
struct onr_moe_state {
    const struct onr_kernels *kernels;
    size_t experts;
    struct onr_packed_b *packed[ONR_MOE_LAYERS]; /* [experts], or NULL */
};

/* The product of some rows with `columns` outputs of an expert, without pointers to data. */
struct onr_gemm_f32_job onr_moe_product(const struct onr_moe_layer *layer,
                                        const struct onr_moe *moe, size_t rows, size_t columns);

/* Plans; ctx->state is an onr_moe_state, ctx->plan becomes an onr_moe. Error: ONR_ERR_LIMIT. */
enum onr_status onr_moe_plan(struct onr_plan_ctx *ctx, const struct onr_moe_inputs *in,
                             onr_moe_fill_fn fill) ONR_MUST_USE;
enum onr_status onr_moe_run(struct onr_run_ctx *ctx) ONR_MUST_USE;

#endif
