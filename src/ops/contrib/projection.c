/* SPDX-License-Identifier: Apache-2.0 */
/* Projection of queries, keys and values. */
#include "ops/contrib/projection.h"

enum { INPUT, WEIGHTS, BIAS };

enum onr_status onr_projection_prepare(struct onr_prepare_ctx *ctx)
{
    const struct onr_constant *weights = ctx->constants[WEIGHTS];
    if (weights == NULL) {
        return onr_product_prepare(ctx, NULL, 0, 0, 0, 0, 0);
    }
    size_t k = (size_t)weights->shape.dim[0];
    size_t n = (size_t)weights->shape.dim[1];
    return onr_product_prepare(ctx, weights, 1, k, n, n, 1);
}

void onr_projection_plan(struct onr_product *product, const struct onr_plan_ctx *ctx, size_t *bytes)
{
    const struct onr_shape *input = &ctx->inputs[INPUT]->shape;
    size_t depth = (size_t)input->dim[input->rank - 1];
    size_t width = (size_t)ctx->inputs[WEIGHTS]->shape.dim[1];
    *product = (struct onr_product){
        .dtype = ctx->inputs[INPUT]->dtype,
        .m = (size_t)onr_shape_range(input, 0, input->rank - 1),
        .n = width,
        .k = depth,
        .a_row_stride = depth,
        .a_column_stride = 1,
        .b_row_stride = width,
        .b_column_stride = 1,
        .y_row_stride = width,
        .alpha = 1.0f,
        .beta = 1.0f,
        .bias = onr_plan_input(ctx, BIAS) != NULL ? ONR_PRODUCT_COLUMN_BIAS : ONR_PRODUCT_NO_BIAS,
    };
    onr_product_plan(product, ctx->state, ctx->thread_count, bytes);
}

void onr_projection_run(const struct onr_product *product, void *qkv, const struct onr_run_ctx *ctx)
{
    struct onr_product_operands operands = {
        .a = ctx->inputs[INPUT]->data,
        .b = product->packed == NULL ? ctx->inputs[WEIGHTS]->data : NULL,
        .c = onr_input_data(ctx, BIAS),
        .y = qkv,
    };
    onr_product_run(product, &operands, ctx);
}
