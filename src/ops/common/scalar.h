/* SPDX-License-Identifier: Apache-2.0 */
/* Scalars that decide about shapes and types, for infer. */
#ifndef ONR_OPS_COMMON_SCALAR_H
#define ONR_OPS_COMMON_SCALAR_H

#include "graph/op_def.h"

/*
 * The integer in input `index` (int32 or int64), or the fallback when it is absent; then is_known.
 * Otherwise the need is recorded. Error: ONR_ERR_SHAPE unless it has one element; name is for the
 * message.
 */
enum onr_status onr_infer_scalar(struct onr_infer_ctx *ctx, uint32_t index, const char *name,
                                 int64_t fallback, int64_t *value, bool *is_known) ONR_MUST_USE;

/* The same at plan time, when all is known. */
int64_t onr_plan_scalar(const struct onr_plan_ctx *ctx, uint32_t index, int64_t fallback);

/*
 * The element type that an int attribute names, or the fallback when it is absent. Error:
 * ONR_ERR_MODEL when it is not one of `allowed`.
 */
enum onr_status onr_infer_dtype_attr(struct onr_infer_ctx *ctx, const char *name,
                                     enum onr_dtype fallback, onr_dtypes allowed,
                                     enum onr_dtype *dtype) ONR_MUST_USE;

#endif
