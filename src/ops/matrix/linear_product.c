/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linear (onnxrun), version 1: what the pass fuse_linear makes of a product and what is around it.
 *
 * Y = f(view(alpha op(A) op(B) + bias) + addend) * factor
 *
 * Shapes    A, B: as for MatMul, after op; bias, optional: [n], B has rank 2 or more; shape,
 *           optional: what view makes of the product, as Reshape does; addend and factor, optional:
 *           broadcast with that -> Y: what all of them broadcast to.
 * Types     float32; shape: int64.
 * Attrs     alpha: float, default 1. transA, transB: int, default 0: op swaps the last two
 *           dimensions. allowzero: of Reshape. activation: string, default none, see
 *           fused_activation.c; activation_alpha, activation_beta, activation_gamma: float.
 * Edge      k = 0 -> f(bias + addend) * factor.
 * Aliasing  none.
 *
 * An addend and a factor of the shape of the product are taken while tiles are stored. The pass
 * asks for no more than that they may be of that shape; where it turns out that they are not, they
 * are applied to the finished product.
 */
#include "ops/common/broadcast.h"
#include "ops/common/check_dims.h"
#include "ops/common/fused_activation.h"
#include "ops/common/workspace.h"
#include "ops/matrix/matmul.h"
#include "ops/movement/reshape.h"

enum { A, B, BIAS, ADDEND, FACTOR, SHAPE };

/* Elements that one thread takes at least. */
#define GRAIN 8192

struct linear {
    struct onr_product product;
    struct onr_activation activation;  /* applied behind the product */
    const struct onr_broadcast *loops; /* over the product, addend, factor; NULL: tiles do it all */
    size_t product_at;                 /* of the workspace */
};

static enum onr_status check_bias(struct onr_infer_ctx *ctx, const struct onr_shape *product)
{
    if (!onr_infer_has_input(ctx, BIAS) || product->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (ctx->inputs[B]->shape.rank < 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "b has rank %d, expected 2 or more with a bias",
                              ctx->inputs[B]->shape.rank);
    }
    return onr_check_dims(ctx, BIAS, "bias", 1, &product->dim[product->rank - 1]);
}

/* The shape of the product, and that of its view. */
static enum onr_status find_shapes(struct onr_infer_ctx *ctx, struct onr_shape *product,
                                   struct onr_shape *view)
{
    ONR_TRY(onr_matmul_shape(ctx->node, &ctx->inputs[A]->shape, &ctx->inputs[B]->shape, product,
                             ctx->err));
    ONR_TRY(check_bias(ctx, product));
    return onr_reshape_part(ctx, SHAPE, product, true, view);
}

static enum onr_status linear_infer(struct onr_infer_ctx *ctx)
{
    struct onr_shape product;
    struct onr_shape y;
    ONR_TRY(find_shapes(ctx, &product, &y));
    for (uint32_t i = ADDEND; i <= FACTOR && y.rank != ONR_RANK_UNKNOWN; i++) {
        if (onr_infer_has_input(ctx, i)) {
            ONR_TRY(onr_infer_broadcast_input(ctx, i, &y));
        }
    }
    ctx->outputs[0].shape = y;
    return ONR_OK;
}

static enum onr_status linear_prepare(struct onr_prepare_ctx *ctx)
{
    struct onr_activation activation;
    ONR_TRY(onr_fused_activation_read(ctx->node, ONR_FLOAT, ctx->kernels, &activation, ctx->err));
    return onr_matmul_prepare(ctx);
}

/* True for an input that is not laid out as Y. */
static bool is_spread(const struct onr_plan_ctx *ctx, uint32_t input)
{
    const struct onr_fact *fact = onr_plan_input(ctx, input);
    return fact != NULL && !onr_shape_equal(&fact->shape, &ctx->outputs[0].shape);
}

/* Has the product made in the workspace, to be spread over Y with addend and factor. */
static enum onr_status plan_spread(struct linear *linear, struct onr_plan_ctx *ctx,
                                   const struct onr_shape *view)
{
    struct onr_product *product = &linear->product;
    const struct onr_fact *addend = onr_plan_input(ctx, ADDEND);
    const struct onr_fact *factor = onr_plan_input(ctx, FACTOR);
    const struct onr_shape *shapes[] = {view, addend != NULL ? &addend->shape : view,
                                        factor != NULL ? &factor->shape : view};
    linear->loops = onr_broadcast_plan(ctx->arena, &ctx->outputs[0].shape, shapes, 3);
    if (linear->loops == NULL) {
        return onr_fail_memory(ctx->err, "plan of Linear");
    }
    if (addend != NULL) {
        linear->activation = product->activation;
        product->activation = (struct onr_activation){.function = NULL};
    }
    product->has_addend = false;
    product->multiply = NULL;
    struct onr_workspace space = {0};
    size_t bytes = 0;
    onr_product_plan(product, ctx->state, ctx->thread_count, &bytes);
    onr_product_tell(product, ctx);
    (void)onr_workspace_add(&space, bytes, 1);
    linear->product_at = onr_workspace_add(&space, (size_t)onr_shape_count(view), sizeof(float));
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

static enum onr_status linear_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_product_state *state = ctx->state;
    struct linear *linear = ONR_ARENA_NEW(ctx->arena, struct linear);
    struct onr_infer_ctx infer = {
        .node = ctx->node, .inputs = ctx->inputs, .arena = ctx->arena, .err = ctx->err};
    struct onr_shape shape;
    struct onr_shape view;
    ONR_TRY(find_shapes(&infer, &shape, &view));
    if (linear == NULL) {
        return onr_fail_memory(ctx->err, "plan of Linear");
    }
    struct onr_product *product = &linear->product;
    ONR_TRY(onr_matmul_product(ctx, &shape, product));
    if (onr_plan_input(ctx, BIAS) != NULL) {
        product->bias = ONR_PRODUCT_COLUMN_BIAS;
    }
    product->has_addend = onr_plan_input(ctx, ADDEND) != NULL;
    if (onr_plan_input(ctx, FACTOR) != NULL) {
        product->multiply = ctx->kernels->binary.rows[ONR_BINARY_MUL][ONR_FLOAT];
    }
    ONR_TRY(onr_fused_activation_read(ctx->node, ONR_FLOAT, state->kernels, &product->activation,
                                      ctx->err));
    ctx->plan = linear;
    ctx->flops = 2 * (uint64_t)onr_shape_count(&shape) * product->k;
    if (onr_shape_count(&view) != onr_shape_count(&ctx->outputs[0].shape) ||
        is_spread(ctx, ADDEND) || is_spread(ctx, FACTOR)) {
        return plan_spread(linear, ctx, &view);
    }
    onr_product_plan(product, state, ctx->thread_count, &ctx->workspace_bytes);
    onr_product_link(product, 1, ctx);
    onr_product_tell(product, ctx);
    return ONR_OK;
}

struct spread_job {
    const struct linear *linear;
    const struct onr_kernels *kernels;
    const float *product;
    const float *addend; /* or NULL, as factor */
    const float *factor;
    float *y;
};

static void spread_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct spread_job *job = arg;
    const struct onr_broadcast *loops = job->linear->loops;
    const onr_binary_fn add = job->kernels->binary.rows[ONR_BINARY_ADD][ONR_FLOAT];
    const onr_binary_fn multiply = job->kernels->binary.rows[ONR_BINARY_MUL][ONR_FLOAT];
    struct onr_cursor at;
    (void)worker;
    onr_cursor_seek(loops, begin, &at);
    while (begin < end) {
        size_t run = onr_cursor_run(loops, &at, end - begin);
        const float *x = job->product + at.offset[0];
        size_t x_step = loops->stride[0][0];
        float *y = job->y + begin;
        if (job->addend != NULL) {
            add(run, x, x_step, job->addend + at.offset[1], loops->stride[1][0], y);
            onr_activation_apply(&job->linear->activation, run, y);
            x = y;
            x_step = 1;
        }
        if (job->factor != NULL) {
            multiply(run, x, x_step, job->factor + at.offset[2], loops->stride[2][0], y);
        }
        onr_cursor_advance(loops, run, &at);
        begin += run;
    }
}

static enum onr_status linear_run(struct onr_run_ctx *ctx)
{
    const struct linear *linear = ctx->plan;
    const struct onr_product *product = &linear->product;
    struct onr_product_operands operands = {
        .a = ctx->inputs[A]->data,
        .b = product->packed == NULL ? ctx->inputs[B]->data : NULL,
        .c = onr_input_data(ctx, BIAS),
        .addend = onr_input_data(ctx, ADDEND),
        .factor = onr_input_data(ctx, FACTOR),
        .y = ctx->outputs[0]->data,
    };
    if (linear->loops != NULL) {
        operands.y = (char *)ctx->workspace + linear->product_at;
    }
    onr_product_run(product, &operands, ctx);
    if (linear->loops != NULL) {
        struct spread_job job = {linear,          ctx->kernels,    operands.y,
                                 operands.addend, operands.factor, ctx->outputs[0]->data};
        onr_parallel_for(ctx->parallel, linear->loops->count, GRAIN, spread_range, &job);
    }
    return ONR_OK;
}

#define FLOAT_SPEC                                                                                 \
    {                                                                                              \
        ONR_BIT(FLOAT), 1                                                                          \
    }
static const struct onr_param_spec specs[] = {
    FLOAT_SPEC, FLOAT_SPEC, FLOAT_SPEC, FLOAT_SPEC, FLOAT_SPEC, {ONR_BIT(INT64), 0}, {0}};
static const struct onr_attr_spec attrs[] = {{"activation", ONR_ATTR_STRING, false},
                                             {"activation_alpha", ONR_ATTR_FLOAT, false},
                                             {"activation_beta", ONR_ATTR_FLOAT, false},
                                             {"activation_gamma", ONR_ATTR_FLOAT, false},
                                             {"allowzero", ONR_ATTR_INT, false},
                                             {"alpha", ONR_ATTR_FLOAT, false},
                                             {"transA", ONR_ATTR_INT, false},
                                             {"transB", ONR_ATTR_INT, false},
                                             {.name = NULL}};

extern const struct onr_op_def onr_ops_linear_product[];
const struct onr_op_def onr_ops_linear_product[] = {
    {.domain = "onnxrun",
     .name = "Linear",
     .since_version = 1,
     .last_version = 1,
     .inputs = {2, 6},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = specs,
     .output_specs = specs,
     .infer = linear_infer,
     .prepare = linear_prepare,
     .plan = linear_plan,
     .run = linear_run},
    {.name = NULL},
};
