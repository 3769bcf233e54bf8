/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes of products of quantised matrices, A: [batch..., m, k] times B: [batch..., k, n] with
 * numpy's rules for batches and vectors, and of the scales and zero points that go with them.
 */
#ifndef ONR_OPS_QUANT_INTEGER_SHAPE_H
#define ONR_OPS_QUANT_INTEGER_SHAPE_H

#include "graph/op_def.h"

/* An operand seen as [batch..., rows, columns]; vectors get a row or column of 1. */
struct onr_integer_view {
    int batch_rank;
    int64_t rows;
    int64_t columns;
};

/* The view of a known rank of 1 or more. */
struct onr_integer_view onr_integer_view(const struct onr_shape *shape, bool is_left);

/* Dimension `axis` of `rank` broadcast batch dimensions, for an operand with own_rank of them. */
int64_t onr_integer_batch_dim(const struct onr_shape *shape, int own_rank, int rank, int axis);

/*
 * The shape of the product of inputs a and b; its rank is unknown where theirs is. Error:
 * ONR_ERR_SHAPE.
 */
enum onr_status onr_integer_infer(struct onr_infer_ctx *ctx, uint32_t a, uint32_t b,
                                  struct onr_shape *y) ONR_MUST_USE;

/* What a scale or zero point may have one value for. */
enum onr_integer_per { ONR_PER_TENSOR, ONR_PER_ROW, ONR_PER_COLUMN };

/*
 * Checks that input `index`, if there is one, has one element or, unless per tensor, one for each
 * row or column of the matrices of `of`: [rows] or [batch..., rows, 1], [columns] or [batch..., 1,
 * columns]. Error: ONR_ERR_SHAPE.
 */
enum onr_status onr_integer_check(struct onr_infer_ctx *ctx, uint32_t index,
                                  enum onr_integer_per per,
                                  const struct onr_shape *of) ONR_MUST_USE;

/* Checks that input `index`, if there is one, is [count] (count may be unknown). */
enum onr_status onr_integer_check_vector(struct onr_infer_ctx *ctx, uint32_t index,
                                         int64_t count) ONR_MUST_USE;

#endif
