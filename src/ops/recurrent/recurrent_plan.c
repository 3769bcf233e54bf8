/* SPDX-License-Identifier: Apache-2.0 */
/* plan: products, and where everything stands in the workspace. */
#include "base/mem.h"
#include "base/size.h"
#include "ops/recurrent/recurrent.h"

/* Projected inputs of about this many bytes are made at a time, so that they stay in L2. */
#define CHUNK_BYTES ((size_t)1 << 20)

/* Bytes of R that stay in the L2 of one processor from step to step, but for a small part. */
#define CACHE_BYTES 1310720

/* Blocks laid out one after the other. */
struct layout {
    size_t bytes;
    bool is_too_large;
};

static void add_block(struct layout *layout, struct onr_recurrent_plan *plan,
                      enum onr_recurrent_block block, const size_t *extents, size_t rank)
{
    size_t bytes = onr_dtype_size(plan->wide);
    bool fits = true;
    for (size_t i = 0; i < rank; i++) {
        fits = fits && onr_size_mul(bytes, extents[i], &bytes);
    }
    fits = fits && bytes <= ONR_SIZE_LIMIT - layout->bytes;
    plan->block[block] = layout->bytes;
    layout->is_too_large = layout->is_too_large || !fits;
    layout->bytes += fits ? onr_size_align(bytes, ONR_MEM_ALIGN) : 0;
}

static void add_operands(struct layout *layout, struct onr_recurrent_plan *plan,
                         const struct onr_recurrent_config *config)
{
    const struct onr_recurrent_dims *d = &plan->dims;
    size_t directions = config->directions;
    size_t all = config->gates;
    if (plan->is_copied[0]) {
        add_block(layout, plan, ONR_BLOCK_X, (size_t[]){d->steps, d->batch, d->input}, 3);
    }
    if (plan->is_copied[1]) {
        add_block(layout, plan, ONR_BLOCK_W, (size_t[]){directions, all, d->hidden, d->input}, 4);
    }
    if (plan->is_copied[2]) {
        add_block(layout, plan, ONR_BLOCK_R, (size_t[]){directions, all, d->hidden, d->hidden}, 4);
    }
}

/* The blocks of a direction. */
static void add_blocks(struct layout *layout, struct onr_recurrent_plan *plan,
                       const struct onr_recurrent_config *config)
{
    const struct onr_recurrent_dims *d = &plan->dims;
    size_t all = config->gates;
    add_block(layout, plan, ONR_BLOCK_PROJECTED, (size_t[]){plan->chunk, d->batch, all, d->hidden},
              4);
    add_block(layout, plan, ONR_BLOCK_SUMS, (size_t[]){d->batch, all, d->hidden}, 3);
    add_block(layout, plan, ONR_BLOCK_H, (size_t[]){d->batch, d->hidden}, 2);
    add_block(layout, plan, ONR_BLOCK_SPARE, (size_t[]){d->batch, d->hidden}, 2);
    add_block(layout, plan, ONR_BLOCK_BIAS, (size_t[]){all, d->hidden}, 2);
    add_block(layout, plan, ONR_BLOCK_HIDDEN_BIAS, (size_t[]){all, d->hidden}, 2);
    if (config->kind == ONR_CELL_LSTM) {
        add_block(layout, plan, ONR_BLOCK_C, (size_t[]){d->batch, d->hidden}, 2);
        add_block(layout, plan, ONR_BLOCK_PEEPHOLES, (size_t[]){3, d->hidden}, 2);
    }
    if (config->is_quantized) {
        add_block(layout, plan, ONR_BLOCK_ROUNDED, (size_t[]){d->batch, d->hidden}, 2);
    }
}

static size_t choose_chunk(const struct onr_recurrent_plan *plan, unsigned gates)
{
    double step_bytes = (double)plan->dims.batch * gates * (double)plan->dims.hidden *
                        (double)onr_dtype_size(plan->wide);
    double steps = (double)CHUNK_BYTES / (step_bytes + 1.0);
    size_t chunk = steps < (double)plan->dims.steps ? (size_t)steps : plan->dims.steps;
    return chunk == 0 && plan->dims.steps > 0 ? 1 : chunk;
}

static struct onr_product make_product(const struct onr_recurrent_plan *plan,
                                       const struct onr_recurrent_config *config,
                                       enum onr_recurrent_part part)
{
    struct onr_recurrent_view view = onr_recurrent_view(config, &plan->dims, 0, part);
    return (struct onr_product){
        .dtype = plan->wide,
        .m = plan->dims.batch,
        .n = view.n,
        .k = view.k,
        .a_row_stride = view.k,
        .a_column_stride = 1,
        .b_row_stride = view.row_stride,
        .b_column_stride = view.column_stride,
        .y_row_stride = config->gates * plan->dims.hidden,
        .alpha = 1.0f,
        .beta = 1.0f,
    };
}

/* The projection of the inputs of `steps` steps; the result is [steps, batch, gates * hidden]. */
static struct onr_product make_projection(struct onr_recurrent_plan *plan,
                                          const struct onr_recurrent_config *config, size_t steps)
{
    struct onr_product product = make_product(plan, config, ONR_PART_INPUT);
    product.bias = ONR_PRODUCT_COLUMN_BIAS;
    if (!config->is_batch_first) {
        product.m = steps * plan->dims.batch;
        return product;
    }
    product.m = steps;
    plan->batch = (struct onr_product_dim){.count = plan->dims.batch,
                                           .a = plan->dims.steps * plan->dims.input,
                                           .y = product.y_row_stride};
    product.batch_rank = 1;
    product.batch = &plan->batch;
    product.y_row_stride *= plan->dims.batch;
    return product;
}

static bool stays_in_cache(const struct onr_recurrent_plan *plan,
                           const struct onr_recurrent_config *config)
{
    size_t numbers = config->gates * plan->dims.hidden * plan->dims.hidden;
    return numbers * onr_dtype_size(plan->wide) <= CACHE_BYTES;
}

/* Returns the scratch that the largest of the products needs. */
static size_t plan_products(struct onr_recurrent_plan *plan,
                            const struct onr_recurrent_state *state, unsigned thread_count)
{
    const struct onr_recurrent_config *config = &state->config;
    size_t most = 0;
    size_t bytes = 0;
    plan->product[ONR_PART_INPUT] = make_projection(plan, config, plan->chunk);
    plan->rest =
        make_projection(plan, config, plan->chunk > 0 ? plan->dims.steps % plan->chunk : 0);
    onr_product_plan(&plan->rest, &state->part[0][ONR_PART_INPUT], thread_count, &bytes);
    most = bytes;
    for (unsigned part = 0; part < ONR_PART_COUNT; part++) {
        if (!onr_recurrent_has_part(config, (enum onr_recurrent_part)part)) {
            continue;
        }
        if (part != ONR_PART_INPUT) {
            plan->product[part] = make_product(plan, config, (enum onr_recurrent_part)part);
            plan->product[part].is_b_hot = stays_in_cache(plan, config);
        }
        if (part == ONR_PART_RECURRENT && config->is_linear_before_reset) {
            plan->product[part].bias = ONR_PRODUCT_COLUMN_BIAS;
        }
        onr_product_plan(&plan->product[part], &state->part[0][part], thread_count, &bytes);
        most = bytes > most ? bytes : most;
    }
    return most;
}

/* A thread for each direction need not wait for others in each step. But many threads are of more use
 * in the products, where each of them also reads less of R. */
static bool runs_side_by_side(const struct onr_recurrent_plan *plan,
                              const struct onr_recurrent_config *config, unsigned thread_count)
{
    return config->directions > 1 && thread_count / config->directions == 1 &&
           stays_in_cache(plan, config);
}

enum onr_status onr_recurrent_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_recurrent_state *state = ctx->state;
    const struct onr_recurrent_config *config = &state->config;
    struct onr_recurrent_plan *plan = ONR_ARENA_NEW(ctx->arena, struct onr_recurrent_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of a recurrent operator");
    }
    plan->dims = onr_recurrent_dims(config, &ctx->inputs[0]->shape, &ctx->inputs[2]->shape);
    plan->dtype = ctx->inputs[0]->dtype;
    plan->wide = plan->dtype == ONR_DOUBLE ? ONR_DOUBLE : ONR_FLOAT;
    plan->chunk = choose_chunk(plan, config->gates);
    plan->is_copied[0] = plan->dtype != plan->wide || config->is_quantized;
    for (unsigned i = 1; i <= 2; i++) {
        enum onr_recurrent_part part = i == 1 ? ONR_PART_INPUT : ONR_PART_RECURRENT;
        plan->is_copied[i] =
            state->part[0][part].packed.data == NULL && ctx->inputs[i]->dtype != plan->wide;
    }
    struct layout shared = {0};
    struct layout layout = {.bytes = plan_products(plan, state, ctx->thread_count)};
    onr_product_tell(&plan->product[ONR_PART_RECURRENT], ctx);
    layout.bytes = onr_size_align(layout.bytes, ONR_MEM_ALIGN);
    add_operands(&shared, plan, config);
    add_blocks(&layout, plan, config);
    if (shared.is_too_large || layout.is_too_large) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "the workspace of the operator is too large");
    }
    plan->shared_bytes = shared.bytes;
    plan->direction_bytes = runs_side_by_side(plan, config, ctx->thread_count) ? layout.bytes : 0;
    ctx->workspace_bytes = shared.bytes + layout.bytes + plan->direction_bytes;
    ctx->flops = 2 * (uint64_t)config->directions * plan->dims.steps * plan->dims.batch *
                 config->gates * plan->dims.hidden * (plan->dims.input + plan->dims.hidden);
    ctx->plan = plan;
    return ONR_OK;
}
