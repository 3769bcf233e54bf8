/* SPDX-License-Identifier: Apache-2.0 */
/* Planning of a mixture of experts. */
#include "base/size.h"
#include "ops/common/workspace.h"
#include "ops/contrib/moe.h"
#include "ops/matrix/row_groups.h"

/* Floats between layers of a round of tokens, and the fewest tokens of a round. */
#define ROUND_FLOATS ((size_t)1 << 24)
#define ROUND_TOKENS 64

/* Floats of weights that are filled in at once, where a panel has fewer. */
#define CHUNK_FLOATS 131072

struct onr_gemm_f32_job onr_moe_product(const struct onr_moe_layer *layer,
                                        const struct onr_moe *moe, size_t rows, size_t columns)
{
    struct onr_gemm_matrix stored = {NULL, moe->dtype, 1, layer->k};
    struct onr_gemm_matrix filled = {NULL, ONR_FLOAT, layer->chunk, 1};
    return (struct onr_gemm_f32_job){
        .kernel = layer->kernel,
        .m = rows,
        .n = columns,
        .k = layer->k,
        .a = {NULL, ONR_FLOAT, layer->a_stride, 1},
        .b = moe->fill != NULL ? filled : stored,
        .last = layer->packed != NULL ? layer->packed[0].last : NULL,
        .c_stride = layer->c_stride,
        .scale = 1.0f,
    };
}

/* Chooses tiles and chunks, so that all threads have work, and the worker's scratch. */
static void plan_layer(struct onr_moe_layer *layer, const struct onr_moe *moe,
                       const struct onr_moe_state *state, unsigned thread_count)
{
    if (layer->n == 0) {
        return;
    }
    layer->kernel = layer->packed != NULL ? layer->packed[0].kernel
                                          : onr_gemm_f32_choose(&state->kernels->gemm, layer->n);
    layer->chunk = onr_group_chunk(layer->kernel, layer->n, thread_count);
    if (moe->fill != NULL) {
        size_t columns = layer->kernel->columns;
        size_t most = columns * (CHUNK_FLOATS / (columns * (layer->k + 1)) + 1);
        layer->chunk = layer->chunk < most ? layer->chunk : most;
        layer->chunk = onr_size_align(layer->chunk, ONR_NBITS_COLUMNS);
        layer->weight_bytes =
            onr_size_align(layer->chunk * layer->k * sizeof(float), ONR_MEM_ALIGN);
    }
    struct onr_gemm_f32_job job = onr_moe_product(layer, moe, moe->round, layer->chunk);
    job.b_packed = layer->packed != NULL ? layer->packed[0].data : NULL;
    layer->gemm_bytes = onr_gemm_f32_workspace(&job);
}

static size_t worker_bytes(const struct onr_moe *moe)
{
    size_t row = moe->experts > moe->inter ? moe->experts : moe->inter;
    row = moe->hidden > row ? moe->hidden : row;
    size_t bytes = row * sizeof(float);
    for (size_t l = 0; l < ONR_MOE_LAYERS; l++) {
        const struct onr_moe_layer *layer = &moe->layer[l];
        size_t bias = layer->chunk * sizeof(float);
        size_t needs = layer->gemm_bytes + layer->weight_bytes + bias;
        bytes = needs > bytes ? needs : bytes;
    }
    return onr_size_align(bytes, ONR_MEM_ALIGN);
}

static enum onr_status plan_workspace(struct onr_moe *moe, struct onr_plan_ctx *ctx)
{
    struct onr_workspace space = {0};
    size_t rows = 0;
    space.is_too_large = !onr_size_mul(moe->round, moe->config.k, &rows);
    size_t linear = moe->config.has_fc3 ? rows : 0;
    size_t floats = 0;
    space.is_too_large = space.is_too_large || !onr_size_mul(rows, moe->hidden, &floats);
    moe->rows_at = onr_workspace_add(&space, floats, sizeof(float));
    space.is_too_large = space.is_too_large || !onr_size_mul(rows, moe->width, &floats);
    moe->h_at = onr_workspace_add(&space, floats, sizeof(float));
    space.is_too_large = space.is_too_large || !onr_size_mul(linear, moe->inter, &floats);
    moe->linear_at = onr_workspace_add(&space, floats, sizeof(float));
    moe->expert_at = onr_workspace_add(&space, rows, sizeof(uint32_t));
    moe->weight_at = onr_workspace_add(&space, rows, sizeof(float));
    moe->row_at = onr_workspace_add(&space, rows, sizeof(size_t));
    moe->token_at = onr_workspace_add(&space, rows, sizeof(size_t));
    moe->begin_at = onr_workspace_add(&space, moe->experts + 1, sizeof(size_t));
    moe->active_at = onr_workspace_add(&space, moe->experts, sizeof(size_t));
    moe->worker_bytes = worker_bytes(moe);
    moe->scratch_at = onr_workspace_add(&space, ctx->thread_count, moe->worker_bytes);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

static void read_sizes(struct onr_moe *moe, const struct onr_moe_dims *dims)
{
    moe->tokens = (size_t)dims->tokens;
    moe->experts = (size_t)dims->experts;
    moe->hidden = (size_t)dims->hidden;
    moe->inter = (size_t)dims->inter;
    moe->width = (size_t)dims->width;
    size_t floats = moe->hidden + moe->width + (moe->config.has_fc3 ? moe->inter : 0) + 1;
    size_t round = ROUND_FLOATS / floats / moe->config.k;
    round = round < ROUND_TOKENS ? ROUND_TOKENS : round;
    moe->round = round < moe->tokens ? round : moe->tokens;
}

enum onr_status onr_moe_plan(struct onr_plan_ctx *ctx, const struct onr_moe_inputs *in,
                             onr_moe_fill_fn fill)
{
    const struct onr_moe_state *state = ctx->state;
    struct onr_moe_dims dims;
    struct onr_moe *moe = ONR_ARENA_NEW(ctx->arena, struct onr_moe);
    if (moe == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a mixture of experts");
    }
    ctx->plan = moe;
    moe->dtype = ctx->inputs[ONR_MOE_INPUT]->dtype;
    moe->router_weights = in->router_weights;
    moe->fill = fill;
    ONR_TRY(onr_moe_configure(&moe->config, in, ctx->node, ctx->err));
    ONR_TRY(onr_moe_read_dims(&dims, &moe->config, in, ctx->inputs, ctx->err));
    read_sizes(moe, &dims);
    for (size_t l = 0; l < ONR_MOE_LAYERS; l++) {
        if (l == ONR_MOE_FC3 && !moe->config.has_fc3) {
            continue;
        }
        struct onr_moe_layer *layer = &moe->layer[l];
        size_t n = l == ONR_MOE_FC1 ? moe->width : l == ONR_MOE_FC2 ? moe->hidden : moe->inter;
        *layer = (struct onr_moe_layer){
            .in = in->layer[l],
            .n = n,
            .k = l == ONR_MOE_FC2 ? moe->inter : moe->hidden,
            .a_stride = l == ONR_MOE_FC2 ? moe->width : moe->hidden,
            .c_stride = n,
            .packed = state->packed[l],
        };
        plan_layer(layer, moe, state, ctx->thread_count);
        ctx->flops += 2 * (uint64_t)moe->tokens * moe->config.k * layer->n * layer->k;
    }
    ctx->told.kernel = ONR_KERNEL_AT(gemm.f32);
    ctx->told.tiles = moe->layer[ONR_MOE_FC1].kernel;
    ctx->told.way = "rows gathered by expert";
    return plan_workspace(moe, ctx);
}
