/* SPDX-License-Identifier: Apache-2.0 */
/* Axes of operators. */
#include "ops/common/axes.h"

#include <inttypes.h>

/* Element steps that are worth waking another thread for. */
#define GRAIN_STEPS 16384

enum onr_status onr_axis_check(int64_t axis, int rank, int *normalized, struct onr_error *err)
{
    if (!onr_axis_normalize(axis, rank, normalized)) {
        return onr_fail(err, ONR_ERR_SHAPE,
                        "axis %" PRId64 " out of range for rank %d, expected %d to %d", axis, rank,
                        -rank, rank - 1);
    }
    return ONR_OK;
}

enum onr_status onr_axes_mask(const int64_t *axes, size_t count, int rank, uint32_t *mask,
                              struct onr_error *err)
{
    *mask = 0;
    for (size_t i = 0; i < count; i++) {
        int axis = 0;
        ONR_TRY(onr_axis_check(axes[i], rank, &axis, err));
        if ((*mask >> axis & 1u) != 0) {
            return onr_fail(err, ONR_ERR_SHAPE, "axis %" PRId64 " is given twice", axes[i]);
        }
        *mask |= (uint32_t)1 << axis;
    }
    return ONR_OK;
}

struct onr_axis_view onr_axis_view(const struct onr_shape *shape, int axis)
{
    return (struct onr_axis_view){
        .outer = (size_t)onr_shape_range(shape, 0, axis),
        .size = (size_t)shape->dim[axis],
        .inner = (size_t)onr_shape_range(shape, axis + 1, shape->rank),
    };
}

bool onr_fact_ints(const struct onr_fact *fact, size_t max, int64_t *ints, size_t *count)
{
    if (!onr_fact_is_shaped(fact)) {
        return false;
    }
    int64_t total = onr_shape_count(&fact->shape);
    if (total < 0 || (uint64_t)total > max) {
        return false;
    }
    *count = (size_t)total;
    for (size_t i = 0; i < *count; i++) {
        if (fact->data != NULL) {
            ints[i] = onr_fact_int(fact, (int64_t)i);
        } else if (fact->contents != NULL && fact->contents[i].dim == 0) {
            ints[i] = fact->contents[i].value;
        } else {
            return false;
        }
    }
    return true;
}

size_t onr_grain(size_t work)
{
    return work >= GRAIN_STEPS ? 1 : GRAIN_STEPS / (work > 0 ? work : 1);
}
