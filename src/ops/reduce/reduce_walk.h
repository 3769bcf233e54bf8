/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape side of a reduction: which elements of the input belong to which element of the output.
 *
 * Neighbouring dimensions that are both reduced or both kept are merged. If the last group is
 * reduced, the innermost loop runs along it (rows); if it is kept, the innermost loop runs across
 * it (columns).
 */
#ifndef ONR_OPS_REDUCE_REDUCE_WALK_H
#define ONR_OPS_REDUCE_REDUCE_WALK_H

#include "base/shape.h"

struct onr_index_group {
    int rank;
    size_t dim[ONR_MAX_RANK];
    size_t stride[ONR_MAX_RANK]; /* in elements of the input */
    size_t count;                /* product of dim */
};

struct onr_reduce_walk {
    bool is_columns;
    size_t run;                  /* contiguous elements: of one row, or columns beside each other */
    struct onr_index_group kept; /* outputs, without the columns */
    struct onr_index_group reduced; /* steps of one output, without the row */
};

/* axes: bit i is set when dimension i is reduced. shape is known. */
void onr_reduce_walk_init(struct onr_reduce_walk *walk, const struct onr_shape *shape,
                          uint32_t axes);

/* Element offset of the index-th element of a group in row-major order. */
size_t onr_index_group_offset(const struct onr_index_group *group, size_t index);

#endif
