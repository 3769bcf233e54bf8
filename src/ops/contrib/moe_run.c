/* SPDX-License-Identifier: Apache-2.0 */
/* Running a mixture of experts. */
#include "ops/common/axes.h"
#include "ops/common/float_io.h"
#include "ops/contrib/moe.h"
#include "ops/matrix/row_groups.h"

#include <string.h>

struct moe_job {
    const struct onr_moe *moe;
    const struct onr_run_ctx *ctx;
    size_t first;  /* token of the round */
    size_t tokens; /* of the round */
    struct onr_moe_routing_job routing;
    uint32_t *expert; /* [tokens, k] */
    float *weight;    /* [tokens, k] */
    size_t *row;      /* [tokens, k]: where a token stands among those of all experts */
    size_t *token;    /* [tokens * k]: and which token stands there */
    struct onr_row_groups experts;
    float *rows, *h, *linear;
    char *scratch;
};

static void route_tokens(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct moe_job *job = arg;
    size_t k = job->moe->config.k;
    float *buffer = (float *)(void *)(job->scratch + worker * job->moe->worker_bytes);
    for (size_t t = begin; t < end; t++) {
        onr_moe_route(&job->routing, job->first + t, buffer, job->expert + t * k,
                      job->weight + t * k);
    }
}

/* Brings the tokens of each expert together, in their order. */
static void group_tokens(struct moe_job *job)
{
    size_t k = job->moe->config.k;
    size_t rows = job->tokens * k;
    onr_group_rows(&job->experts, job->moe->experts, job->expert, rows, job->row);
    for (size_t i = 0; i < rows; i++) {
        job->token[job->row[i]] = i / k;
    }
}

static void gather_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct moe_job *job = arg;
    const struct onr_moe *moe = job->moe;
    for (size_t row = begin; row < end; row++) {
        onr_float_gather(moe->dtype, job->ctx->inputs[ONR_MOE_INPUT]->data,
                         (job->first + job->token[row]) * moe->hidden, 1, moe->hidden,
                         job->rows + row * moe->hidden);
    }
}

struct layer_job {
    const struct moe_job *job;
    const struct onr_moe_layer *layer;
    const float *a;
    float *c;
};

/* Where the weights of the outputs from `first` on are. */
static void set_weights(struct onr_gemm_f32_job *gemm, const struct layer_job *task, size_t expert,
                        size_t first, float *filled)
{
    const struct onr_moe *moe = task->job->moe;
    const struct onr_moe_layer *layer = task->layer;
    const struct onr_run_ctx *ctx = task->job->ctx;
    if (layer->k == 0) {
        return;
    }
    if (layer->packed != NULL) {
        gemm->b_packed = (const float *)layer->packed[expert].data + first * layer->k;
    } else if (moe->fill != NULL) {
        moe->fill(ctx, (size_t)(layer - moe->layer), expert, first, first + gemm->n, filled,
                  layer->chunk);
        gemm->b.data = filled;
    } else {
        gemm->b.data = (const char *)ctx->inputs[layer->in.weight]->data +
                       (expert * layer->n + first) * layer->k * onr_dtype_size(gemm->b.dtype);
    }
}

/* Items are chunks of outputs of each expert that has tokens. */
static void multiply_items(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct layer_job *task = arg;
    const struct moe_job *job = task->job;
    const struct onr_moe *moe = job->moe;
    const struct onr_moe_layer *layer = task->layer;
    char *scratch = job->scratch + worker * moe->worker_bytes;
    float *filled = (float *)(void *)(scratch + layer->gemm_bytes);
    float *bias_buffer = (float *)(void *)(scratch + layer->gemm_bytes + layer->weight_bytes);
    const void *bias = onr_input_data(job->ctx, layer->in.bias);
    for (size_t i = begin; i < end; i++) {
        struct onr_group_item item = onr_group_item_at(&job->experts, layer->n, layer->chunk, i);
        struct onr_gemm_f32_job gemm = onr_moe_product(layer, moe, item.rows, item.columns);
        set_weights(&gemm, task, item.group, item.first, filled);
        gemm.a.data = task->a + item.row * layer->a_stride;
        gemm.c = task->c + item.row * layer->c_stride + item.first;
        if (bias != NULL) {
            gemm.column_bias = onr_float_read(moe->dtype, bias, item.group * layer->n + item.first,
                                              item.columns, bias_buffer);
        }
        onr_gemm_f32_run(&gemm, 0, item.rows, 0, onr_gemm_f32_panels(layer->kernel, item.columns),
                         scratch);
    }
}

static void run_layer(const struct moe_job *job, size_t which, const float *a, float *c)
{
    const struct onr_moe_layer *layer = &job->moe->layer[which];
    struct layer_job task = {.job = job, .layer = layer, .a = a, .c = c};
    onr_group_for(job->ctx->parallel, &job->experts, job->moe->experts, layer->n, layer->k,
                  layer->chunk, multiply_items, &task);
}

static onr_unary_fn activation_of(const struct onr_moe_config *config,
                                  const struct onr_unary_kernels *unary)
{
    switch (config->activation) {
    case ONR_MOE_RELU:
        return unary->rows[ONR_UNARY_RELU][ONR_FLOAT];
    case ONR_MOE_GELU:
        return unary->rows[ONR_UNARY_GELU_TANH][ONR_FLOAT];
    case ONR_MOE_SILU:
    case ONR_MOE_SWIGLU:
        return unary->rows[ONR_UNARY_SWISH][ONR_FLOAT];
    default:
        return NULL;
    }
}

/* Held in [-limit, limit]; NaN stays NaN. */
static float clamp(float x, float limit)
{
    return x > limit ? limit : x < -limit ? -limit : x;
}

/* h becomes the input of FC2; items are rows. */
static void activate_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct moe_job *job = arg;
    const struct onr_moe *moe = job->moe;
    const struct onr_moe_config *config = &moe->config;
    onr_unary_fn function = activation_of(config, &job->ctx->kernels->unary);
    struct onr_unary_args args = {config->activation == ONR_MOE_SWIGLU ? config->alpha : 1.0f, 0};
    float *g = (float *)(void *)(job->scratch + worker * moe->worker_bytes);
    size_t step = config->is_interleaved ? 2 : 1;
    for (size_t row = begin; row < end; row++) {
        float *h = job->h + row * moe->width;
        const float *linear = config->is_interleaved ? h + 1
                              : config->is_fused     ? h + moe->inter
                              : config->has_fc3      ? job->linear + row * moe->inter
                                                     : NULL;
        for (size_t i = 0; i < moe->inter; i++) {
            float gate = h[i * step];
            g[i] = gate > config->limit ? config->limit : gate;
        }
        if (function != NULL) {
            function(moe->inter, g, g, args);
        }
        for (size_t i = 0; linear != NULL && i < moe->inter; i++) {
            g[i] *= clamp(linear[i * step], config->limit) + config->beta;
        }
        memcpy(h, g, moe->inter * sizeof *g);
    }
}

/* Adds up what the experts of a token gave, best first. */
static void combine_tokens(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct moe_job *job = arg;
    const struct onr_moe *moe = job->moe;
    size_t k = moe->config.k;
    float *buffer = (float *)(void *)(job->scratch + worker * moe->worker_bytes);
    for (size_t t = begin; t < end; t++) {
        size_t first = (job->first + t) * moe->hidden;
        float *y = onr_float_place(moe->dtype, job->ctx->outputs[0]->data, first, buffer);
        for (size_t j = 0; j < k; j++) {
            const float *row = job->rows + job->row[t * k + j] * moe->hidden;
            float weight = job->weight[t * k + j];
            for (size_t i = 0; i < moe->hidden; i++) {
                y[i] = (j == 0 ? 0.0f : y[i]) + weight * row[i];
            }
        }
        onr_float_write(moe->dtype, y, first, moe->hidden, job->ctx->outputs[0]->data);
    }
}

static void run_round(struct moe_job *job)
{
    const struct onr_moe *moe = job->moe;
    const struct onr_parallel *parallel = job->ctx->parallel;
    size_t rows = job->tokens * moe->config.k;
    onr_parallel_for(parallel, job->tokens, onr_grain(moe->experts * (moe->config.k + 8)),
                     route_tokens, job);
    group_tokens(job);
    onr_parallel_for(parallel, rows, onr_grain(moe->hidden), gather_rows, job);
    run_layer(job, ONR_MOE_FC1, job->rows, job->h);
    if (moe->config.has_fc3) {
        run_layer(job, ONR_MOE_FC3, job->rows, job->linear);
    }
    onr_parallel_for(parallel, rows, onr_grain(8 * moe->inter), activate_rows, job);
    run_layer(job, ONR_MOE_FC2, job->h, job->rows);
    onr_parallel_for(parallel, job->tokens, onr_grain(moe->config.k * moe->hidden), combine_tokens,
                     job);
}

enum onr_status onr_moe_run(struct onr_run_ctx *ctx)
{
    const struct onr_moe *moe = ctx->plan;
    char *space = ctx->workspace;
    struct moe_job job = {
        .moe = moe,
        .ctx = ctx,
        .routing = {.config = &moe->config,
                    .experts = moe->experts,
                    .dtype = moe->dtype,
                    .logits = ctx->inputs[ONR_MOE_ROUTER]->data,
                    .weights = onr_input_data(ctx, moe->router_weights)},
        .expert = (void *)(space + moe->expert_at),
        .weight = (void *)(space + moe->weight_at),
        .row = (void *)(space + moe->row_at),
        .token = (void *)(space + moe->token_at),
        .experts = {.begin = (void *)(space + moe->begin_at),
                    .active = (void *)(space + moe->active_at)},
        .rows = (void *)(space + moe->rows_at),
        .h = (void *)(space + moe->h_at),
        .linear = (void *)(space + moe->linear_at),
        .scratch = space + moe->scratch_at,
    };
    for (; job.first < moe->tokens; job.first += job.tokens) {
        size_t left = moe->tokens - job.first;
        job.tokens = left < moe->round ? left : moe->round;
        run_round(&job);
    }
    return ONR_OK;
}
