/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dimensions that are not known are equal when they come from the same one: through nodes that keep
 * it, or because two Reshape get it from the same element of a list.
 */
#include "graph/op_def.h"
#include "graph/passes/fuse.h"

#define MOST_STEPS 24 /* nodes that are walked past */

/* A dimension of a value; axis -1: the number that the value, a list of one, holds. */
struct dim_source {
    uint32_t value;
    int axis;
};

/* Where the element of a list of dimensions comes from. */
static bool step_list(const struct onr_fuser *fuser, struct dim_source *at, int64_t *index)
{
    const struct onr_node *node = onr_fuse_any_producer(fuser, at->value);
    int64_t start = 0;
    if (node == NULL) {
        return false;
    }
    if (onr_fuse_is(node, "Concat")) {
        for (uint32_t i = 0; i < node->input_count; i++) {
            const struct onr_shape *shape = &onr_fuse_fact(fuser, node->inputs[i])->shape;
            if (shape->rank != 1 || shape->dim[0] < 0) {
                return false;
            }
            if (*index < shape->dim[0]) {
                at->value = node->inputs[i];
                return true;
            }
            *index -= shape->dim[0];
        }
        return false;
    }
    if (onr_fuse_is(node, "Slice") && onr_fuse_int(fuser, node, 1, 0, &start)) {
        const struct onr_shape *shape = &onr_fuse_fact(fuser, node->inputs[0])->shape;
        int64_t step = 1;
        if (shape->rank != 1 ||
            (onr_fuse_has_input(node, 4) && !onr_fuse_int(fuser, node, 4, 0, &step)) || step != 1 ||
            shape->dim[0] < 0) {
            return false;
        }
        start += start < 0 ? shape->dim[0] : 0;
        *index += start < 0 ? 0 : start;
        at->value = node->inputs[0];
        return true;
    }
    if (onr_fuse_is(node, "Gather") && onr_fuse_int(fuser, node, 1, *index, &start) &&
        onr_fuse_fact(fuser, node->inputs[0])->shape.rank == 1) {
        int64_t length = onr_fuse_fact(fuser, node->inputs[0])->shape.dim[0];
        *index = start < 0 ? start + length : start;
        at->value = node->inputs[0];
        return *index >= 0;
    }
    bool is_one = onr_fuse_is(node, "Unsqueeze") || onr_fuse_is(node, "Squeeze") ||
                  onr_fuse_is(node, "Reshape");
    if (is_one && *index == 0 && onr_fuse_fact(fuser, node->inputs[0])->shape.rank <= 1) {
        at->value = node->inputs[0];
        return true;
    }
    if (onr_fuse_is(node, "Shape")) {
        int rank = onr_fuse_fact(fuser, node->inputs[0])->shape.rank;
        start = onr_attr_int(node, "start", 0);
        start += start < 0 ? rank : 0;
        at->value = node->inputs[0];
        at->axis = (int)(*index + (start < 0 ? 0 : start));
        return rank >= 0 && at->axis < rank;
    }
    return false;
}

/* Where a dimension of what a node makes comes from, one step further back. */
static bool step_dim(const struct onr_fuser *fuser, struct dim_source *at)
{
    const struct onr_node *node = onr_fuse_any_producer(fuser, at->value);
    if (node == NULL) {
        return false;
    }
    if (onr_fuse_is(node, "Transpose")) {
        size_t count = 0;
        const int64_t *perm = onr_attr_ints(node, "perm", &count);
        if (perm == NULL || at->axis >= (int)count) {
            return false;
        }
        *at = (struct dim_source){node->inputs[0], (int)perm[at->axis]};
        return true;
    }
    if (onr_fuse_is(node, "Reshape") && onr_fuse_has_input(node, 1)) {
        struct dim_source list = {node->inputs[1], -1};
        int64_t index = at->axis;
        for (int i = 0; i < MOST_STEPS && list.axis < 0 && step_list(fuser, &list, &index); i++) {
        }
        if (list.axis < 0 && onr_fuse_fact(fuser, list.value)->data != NULL) {
            return false; /* a number, or -1 or 0 with another meaning */
        }
        *at = list;
        return list.axis >= 0 || index == 0;
    }
    double scale = 1;
    uint32_t before = onr_fuse_before_scale(fuser, at->value, &scale);
    at->value = before != ONR_NO_VALUE ? before : at->value;
    return before != ONR_NO_VALUE;
}

bool onr_fuse_same_dim(const struct onr_fuser *fuser, uint32_t a, int a_axis, uint32_t b,
                       int b_axis)
{
    int64_t a_dim = onr_fuse_fact(fuser, a)->shape.dim[a_axis];
    int64_t b_dim = onr_fuse_fact(fuser, b)->shape.dim[b_axis];
    if ((a_dim >= 0 && b_dim >= 0) || (a_dim == b_dim && a_dim != ONR_DIM_UNKNOWN)) {
        return a_dim == b_dim;
    }
    struct dim_source from_a[MOST_STEPS] = {{a, a_axis}};
    int count = 1;
    while (count < MOST_STEPS && from_a[count - 1].axis >= 0) {
        from_a[count] = from_a[count - 1];
        if (!step_dim(fuser, &from_a[count])) {
            break;
        }
        count++;
    }
    struct dim_source at = {b, b_axis};
    for (int i = 0; i < MOST_STEPS; i++) {
        for (int j = 0; j < count; j++) {
            if (at.value == from_a[j].value && at.axis == from_a[j].axis) {
                return true;
            }
        }
        if (at.axis < 0 || !step_dim(fuser, &at)) {
            return false;
        }
    }
    return false;
}
