/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/passes/attention_sinks.h"

#include "graph/op_def.h"

uint32_t onr_before_shift(const struct onr_fuser *fuser, uint32_t value)
{
    const struct onr_node *shift = onr_fuse_producer(fuser, value, "Sub");
    const struct onr_node *max =
        shift != NULL ? onr_fuse_producer(fuser, shift->inputs[1], "ReduceMax") : NULL;
    size_t count = 0;
    int64_t axis = 0;
    if (max == NULL || max->inputs[0] != shift->inputs[0] ||
        onr_fuse_use_count(fuser, value) != 1 || onr_fuse_use_count(fuser, max->outputs[0]) != 1 ||
        onr_fuse_use_count(fuser, max->inputs[0]) != 2 || onr_attr_int(max, "keepdims", 1) == 0) {
        return value;
    }
    const int64_t *axes = onr_attr_ints(max, "axes", &count);
    bool is_one =
        count == 1 || (onr_fuse_int(fuser, max, 1, 0, &axis) &&
                       onr_shape_count(&onr_fuse_fact(fuser, max->inputs[1])->shape) == 1);
    axis = count == 1 ? axes[0] : axis;
    return is_one && onr_fuse_is_last_axis(fuser, value, axis) ? shift->inputs[0] : value;
}

/* One number for each head, as [1, heads, 1, 1] or after Expand from there. */
static bool is_sinks(const struct onr_fuser *fuser, const struct onr_fact *scores, uint32_t value)
{
    const struct onr_shape *shape = &onr_fuse_fact(fuser, value)->shape;
    bool is_column = scores->shape.rank == 4 && shape->rank == 4 && shape->dim[0] == 1 &&
                     shape->dim[2] == 1 && shape->dim[3] == 1 && shape->dim[1] >= 0;
    return is_column && scores->shape.dim[1] == shape->dim[1] &&
           onr_fuse_fact(fuser, value)->dtype == ONR_FLOAT;
}

uint32_t onr_before_sinks(const struct onr_fuser *fuser, uint32_t value, uint32_t *sinks_of)
{
    const struct onr_node *concat = onr_fuse_producer(fuser, value, "Concat");
    if (concat == NULL || concat->input_count != 2 ||
        !onr_fuse_is_last_axis(fuser, value, onr_attr_int(concat, "axis", 0))) {
        return value;
    }
    uint32_t sinks = concat->inputs[1];
    const struct onr_shape *shape = &onr_fuse_fact(fuser, sinks)->shape;
    const struct onr_node *expand = onr_fuse_producer(fuser, sinks, "Expand");
    bool is_column = shape->rank == 4 && shape->dim[3] == 1;
    sinks = expand != NULL ? expand->inputs[0] : sinks;
    if (is_column && is_sinks(fuser, onr_fuse_fact(fuser, concat->inputs[0]), sinks)) {
        *sinks_of = sinks;
        return concat->inputs[0];
    }
    return value;
}

uint32_t onr_after_sinks(const struct onr_fuser *fuser, uint32_t p)
{
    const struct onr_node *slice = onr_fuse_user(fuser, p, "Slice");
    int64_t start = 0;
    int64_t end = 0;
    int64_t axis = 0;
    int64_t step = 1;
    bool is_cut =
        slice != NULL && slice->version >= 10 && slice->inputs[0] == p &&
        onr_fuse_int(fuser, slice, 1, 0, &start) && start == 0 &&
        onr_fuse_int(fuser, slice, 2, 0, &end) && end == -1 &&
        onr_shape_count(&onr_fuse_fact(fuser, slice->inputs[1])->shape) == 1 &&
        onr_fuse_int(fuser, slice, 3, 0, &axis) && onr_fuse_is_last_axis(fuser, p, axis) &&
        (!onr_fuse_has_input(slice, 4) || (onr_fuse_int(fuser, slice, 4, 0, &step) && step == 1));
    return is_cut ? slice->outputs[0] : ONR_NO_VALUE;
}
