/* SPDX-License-Identifier: Apache-2.0 */
/* Merges the dimensions of a reduction. */
#include "ops/reduce/reduce_walk.h"

/* Puts a dimension before the others of its group, into the first one when that lies right beneath
 * it. */
static void add_outer(struct onr_index_group *group, size_t dim, size_t stride)
{
    if (group->rank > 0 && group->stride[0] * group->dim[0] == stride && group->dim[0] != 0) {
        group->dim[0] *= dim;
    } else {
        for (int i = group->rank; i > 0; i--) {
            group->dim[i] = group->dim[i - 1];
            group->stride[i] = group->stride[i - 1];
        }
        group->dim[0] = dim;
        group->stride[0] = stride;
        group->rank++;
    }
    group->count *= dim;
}

void onr_reduce_walk_init(struct onr_reduce_walk *walk, const struct onr_shape *shape,
                          uint32_t axes)
{
    *walk = (struct onr_reduce_walk){.run = 1, .kept.count = 1, .reduced.count = 1};
    size_t stride = 1;
    int i = shape->rank - 1;
    while (i >= 0 && shape->dim[i] == 1) {
        i--;
    }
    walk->is_columns = i >= 0 && (axes >> i & 1u) == 0;
    for (; i >= 0; i--) {
        bool is_kept = (axes >> i & 1u) == 0;
        if (shape->dim[i] != 1 && is_kept != walk->is_columns) {
            break;
        }
        walk->run *= (size_t)shape->dim[i];
        stride *= (size_t)shape->dim[i];
    }
    for (; i >= 0; i--) {
        size_t dim = (size_t)shape->dim[i];
        if (dim != 1) {
            add_outer((axes >> i & 1u) != 0 ? &walk->reduced : &walk->kept, dim, stride);
        }
        stride *= dim;
    }
}

size_t onr_index_group_offset(const struct onr_index_group *group, size_t index)
{
    size_t offset = 0;
    for (int i = group->rank - 1; i > 0; i--) {
        offset += index % group->dim[i] * group->stride[i];
        index /= group->dim[i];
    }
    return group->rank > 0 ? offset + index * group->stride[0] : 0;
}
