/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of operands whose dimensions follow from other operands and attributes. */
#ifndef ONR_OPS_COMMON_CHECK_DIMS_H
#define ONR_OPS_COMMON_CHECK_DIMS_H

#include "graph/op_def.h"

/* Fails with ONR_ERR_MODEL unless the input is there: for those behind optional ones. */
enum onr_status onr_check_present(const struct onr_infer_ctx *ctx, uint32_t index) ONR_MUST_USE;

/*
 * Fails with ONR_ERR_SHAPE naming the input unless it is absent, its shape is unknown, or it has
 * this rank and these dims (negative ones: any).
 */
enum onr_status onr_check_dims(const struct onr_infer_ctx *ctx, uint32_t index, const char *name,
                               int rank, const int64_t *want) ONR_MUST_USE;

/* Fails with ONR_ERR_MODEL unless low <= the attribute <= high. */
enum onr_status onr_check_attr_int(const struct onr_infer_ctx *ctx, const char *name,
                                   int64_t fallback, int64_t low, int64_t high,
                                   int64_t *value) ONR_MUST_USE;

/*
 * Which of the texts (ended by NULL) the string attribute is, the first when it is absent. Error:
 * ONR_ERR_MODEL listing them.
 */
enum onr_status onr_check_attr_choice(const struct onr_node *node, const char *name,
                                      const char *const *texts, size_t *choice,
                                      struct onr_error *err) ONR_MUST_USE;

/* *part = dim / parts, unknown when dim is. Error: ONR_ERR_SHAPE naming dim unless it divides. */
enum onr_status onr_divide_dim(const struct onr_infer_ctx *ctx, const char *name, int64_t dim,
                               int64_t parts, int64_t *part) ONR_MUST_USE;

/*
 * *product = dim * factor for dimension d of the output, unknown when one of them is. Error:
 * ONR_ERR_LIMIT when the product of numbers is too large.
 */
enum onr_status onr_multiply_dim(const struct onr_infer_ctx *ctx, int d, int64_t dim,
                                 int64_t factor, int64_t *product) ONR_MUST_USE;

/* Dimension d of an input, unknown when the rank is. Input and d must exist otherwise. */
static inline int64_t onr_known_dim(const struct onr_infer_ctx *ctx, uint32_t index, int d)
{
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    return shape->rank > d ? shape->dim[d] : ONR_DIM_UNKNOWN;
}

#endif
