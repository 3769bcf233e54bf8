/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What MatMul shares with FusedMatMul and Linear: Y = alpha op(A) op(B), where A and B are the
 * inputs 0 and 1. Without the attributes that those have, op leaves its argument alone.
 */
#ifndef ONR_OPS_MATRIX_MATMUL_H
#define ONR_OPS_MATRIX_MATMUL_H

#include "ops/matrix/product.h"

/* The shape of Y; its rank is unknown when one of the operands' is. Error: ONR_ERR_SHAPE. */
enum onr_status onr_matmul_shape(const struct onr_node *node, const struct onr_shape *a,
                                 const struct onr_shape *b, struct onr_shape *y,
                                 struct onr_error *err) ONR_MUST_USE;

/* Sets the shape of output 0. */
enum onr_status onr_matmul_infer(struct onr_infer_ctx *ctx);

/* Packs a constant B. */
enum onr_status onr_matmul_prepare(struct onr_prepare_ctx *ctx);

/* Sets the extents and strides of the product, for onr_product_plan; y: the shape of Y. Error: no memory. */
enum onr_status onr_matmul_product(const struct onr_plan_ctx *ctx, const struct onr_shape *y,
                                   struct onr_product *product) ONR_MUST_USE;

/* The rest of a row: ctx->plan is a struct onr_product. */
enum onr_status onr_matmul_plan(struct onr_plan_ctx *ctx);
enum onr_status onr_matmul_run(struct onr_run_ctx *ctx);

#endif
