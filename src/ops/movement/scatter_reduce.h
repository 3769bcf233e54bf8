/* SPDX-License-Identifier: Apache-2.0 */
/* What ScatterElements and ScatterND do with an element that is hit: the attribute `reduction`. */
#ifndef ONR_OPS_MOVEMENT_SCATTER_REDUCE_H
#define ONR_OPS_MOVEMENT_SCATTER_REDUCE_H

#include "graph/op_def.h"

/*
 * dst[i] = dst[i] + src[i], and so on, for i < count. Integers wrap; max and min of a NaN are NaN.
 */
typedef void (*onr_combine_fn)(size_t count, const void *src, void *dst);

/* *combine for the node's reduction, NULL for "none". Errors: ONR_ERR_MODEL for an unknown one,
 * ONR_ERR_UNSUPPORTED for one that the type does not have. */
enum onr_status onr_scatter_reduction(const struct onr_node *node, enum onr_dtype dtype,
                                      onr_combine_fn *combine, struct onr_error *err) ONR_MUST_USE;

#endif
