/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dimensions that are not known are equal when they come from the same one: through nodes that keep
 * it, or because two Reshape get it from the same element of a list. The element may also be a
 * multiple of another.
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

/* Where an element of a list comes from; false when it is no dimension, nor a list of one. */
static bool walk_list(const struct onr_fuser *fuser, uint32_t value, int64_t index,
                      struct dim_source *at)
{
    *at = (struct dim_source){value, -1};
    for (int i = 0; i < MOST_STEPS && at->axis < 0 && step_list(fuser, at, &index); i++) {
    }
    /* a constant is a number, or -1 or 0 with another meaning */
    return at->axis >= 0 || (index == 0 && onr_fuse_fact(fuser, at->value)->data == NULL);
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
        struct dim_source from;
        bool is_found = walk_list(fuser, node->inputs[1], at->axis, &from);
        *at = is_found ? from : *at;
        return is_found;
    }
    if (onr_fuse_is(node, "Softmax")) {
        at->value = node->inputs[0];
        return true;
    }
    if (onr_fuse_is(node, "MatMul")) { /* rows and columns, which are not broadcast */
        int from_end = onr_fuse_fact(fuser, at->value)->shape.rank - at->axis;
        int ranks[2] = {onr_fuse_fact(fuser, node->inputs[0])->shape.rank,
                        onr_fuse_fact(fuser, node->inputs[1])->shape.rank};
        int i = from_end == 1 ? 1 : 0;
        if (ranks[0] < 2 || ranks[1] < 2 || from_end > 2) { /* a vector takes its axis with it */
            return false;
        }
        *at = (struct dim_source){node->inputs[i], ranks[i] - from_end};
        return true;
    }
    double scale = 1;
    uint32_t before = onr_fuse_before_scale(fuser, at->value, &scale);
    at->value = before != ONR_NO_VALUE ? before : at->value;
    return before != ONR_NO_VALUE;
}

static bool is_same_source(const struct onr_fuser *fuser, struct dim_source a, struct dim_source b)
{
    struct dim_source from_a[MOST_STEPS] = {a};
    int count = 1;
    while (count < MOST_STEPS && from_a[count - 1].axis >= 0) {
        from_a[count] = from_a[count - 1];
        if (!step_dim(fuser, &from_a[count])) {
            break;
        }
        count++;
    }
    for (int i = 0; i < MOST_STEPS; i++) {
        for (int j = 0; j < count; j++) {
            if (b.value == from_a[j].value && b.axis == from_a[j].axis) {
                return true;
            }
        }
        if (b.axis < 0 || !step_dim(fuser, &b)) {
            return false;
        }
    }
    return false;
}

bool onr_fuse_same_dim(const struct onr_fuser *fuser, uint32_t a, int a_axis, uint32_t b,
                       int b_axis)
{
    int64_t a_dim = onr_fuse_fact(fuser, a)->shape.dim[a_axis];
    int64_t b_dim = onr_fuse_fact(fuser, b)->shape.dim[b_axis];
    return (a_dim >= 0 && b_dim >= 0) || (a_dim == b_dim && a_dim != ONR_DIM_UNKNOWN)
               ? a_dim == b_dim
               : is_same_source(fuser, (struct dim_source){a, a_axis},
                                (struct dim_source){b, b_axis});
}

bool onr_fuse_is_multiple(const struct onr_fuser *fuser, uint32_t a, int a_axis, int64_t factor,
                          uint32_t b, int b_axis)
{
    struct dim_source at = {a, a_axis};
    struct dim_source from = {ONR_NO_VALUE, -1};
    int64_t number = onr_fuse_fact(fuser, b)->shape.dim[b_axis];
    int64_t dim = onr_fuse_fact(fuser, a)->shape.dim[a_axis];
    if (dim >= 0 && number >= 0) {
        return !__builtin_mul_overflow(number, factor, &number) && number == dim;
    }
    for (int i = 0; i < MOST_STEPS && at.axis >= 0 && step_dim(fuser, &at); i++) {
    }
    const struct onr_node *mul = at.axis < 0 ? onr_fuse_producer(fuser, at.value, "Mul") : NULL;
    for (uint32_t i = 0; mul != NULL && i < 2; i++) {
        if (onr_fuse_int(fuser, mul, i, 0, &number) && number == factor &&
            walk_list(fuser, mul->inputs[1 - i], 0, &from)) {
            return from.axis >= 0 ? onr_fuse_same_dim(fuser, from.value, from.axis, b, b_axis)
                                  : is_same_source(fuser, from, (struct dim_source){b, b_axis});
        }
    }
    return false;
}
