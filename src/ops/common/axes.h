/* SPDX-License-Identifier: Apache-2.0 */
/* Axes given as attribute or input: reading and checking them; tensors seen as [outer, axis,
 * inner]. */
#ifndef ONR_OPS_COMMON_AXES_H
#define ONR_OPS_COMMON_AXES_H

#include "graph/op_def.h"

/* Normalises one axis. Error: ONR_ERR_SHAPE naming axis, range and rank. */
enum onr_status onr_axis_check(int64_t axis, int rank, int *normalized,
                               struct onr_error *err) ONR_MUST_USE;

/* The axes as a set of bits. Error: ONR_ERR_SHAPE for an axis out of range or given twice. */
enum onr_status onr_axes_mask(const int64_t *axes, size_t count, int rank, uint32_t *mask,
                              struct onr_error *err) ONR_MUST_USE;

/* A row-major tensor of a known shape around one axis. */
struct onr_axis_view {
    size_t outer; /* product of the dims before the axis */
    size_t size;  /* of the axis */
    size_t inner; /* product of the dims after it: the stride of the axis in elements */
};

struct onr_axis_view onr_axis_view(const struct onr_shape *shape, int axis);

/*
 * The integers of an input that infer has asked for (onr_infer_ints), read again from its fact at
 * plan time. At most max are written; false when their number or one of them is not known.
 */
bool onr_fact_ints(const struct onr_fact *fact, size_t max, int64_t *ints, size_t *count);

/* Items per range of a parallel loop when each costs about `work` element steps. */
size_t onr_grain(size_t work);

#endif
