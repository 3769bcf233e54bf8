/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/passes/past_views.h"

#include "graph/op_def.h"

static bool is_shape_change(const struct onr_node *node)
{
    static const char *const names[] = {"Reshape", "Flatten", "Squeeze", "Unsqueeze"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (onr_fuse_is(node, names[i])) {
            return true;
        }
    }
    return false;
}

/* The places of heads and tokens change, where attention is to find them, also when there is one head. */
static bool moves_heads(const int64_t *perm, size_t count)
{
    return count == 4 && perm[0] == 0 && perm[1] == 2 && perm[2] == 1;
}

/* Whether the dimensions of a Transpose that are not known to be 1 keep their order. */
static bool moves_ones(const struct onr_fuser *fuser, const struct onr_node *transpose)
{
    const struct onr_shape *x = &onr_fuse_fact(fuser, transpose->inputs[0])->shape;
    size_t count = 0;
    const int64_t *perm = onr_attr_ints(transpose, "perm", &count);
    int64_t last = -1;
    if (perm == NULL || x->rank < 0 || count != (size_t)x->rank || moves_heads(perm, count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (perm[i] < 0 || perm[i] >= x->rank) {
            return false; /* what was not inferred was not checked either */
        }
        if (x->dim[perm[i]] == 1) {
            continue;
        }
        if (perm[i] < last) {
            return false;
        }
        last = perm[i];
    }
    return true;
}

/* Whether a Gather picks, once, the only element that its axis has. */
static bool gathers_all(const struct onr_fuser *fuser, const struct onr_node *gather)
{
    const struct onr_shape *x = &onr_fuse_fact(fuser, gather->inputs[0])->shape;
    const struct onr_shape *indices = &onr_fuse_fact(fuser, gather->inputs[1])->shape;
    int axis = 0;
    int64_t index = 0;
    return x->rank > 0 && indices->rank >= 0 && onr_shape_range(indices, 0, indices->rank) == 1 &&
           onr_axis_normalize(onr_attr_int(gather, "axis", 0), x->rank, &axis) &&
           x->dim[axis] == 1 && onr_fuse_int(fuser, gather, 1, 0, &index) &&
           (index == 0 || index == -1);
}

uint32_t onr_before_view(const struct onr_fuser *fuser, uint32_t value)
{
    const struct onr_node *node = onr_fuse_any_producer(fuser, value);
    bool is_view = node != NULL && (is_shape_change(node) ||
                                    (onr_fuse_is(node, "Transpose") && moves_ones(fuser, node)) ||
                                    (onr_fuse_is(node, "Gather") && gathers_all(fuser, node)));
    return is_view ? node->inputs[0] : ONR_NO_VALUE;
}

/* Whether the list of a Reshape means the same for the value: without 0, which is "as in the input",
 * it depends on the count of elements alone. */
static bool fits_list(const struct onr_fuser *fuser, const struct onr_node *reshape, uint32_t value)
{
    const struct onr_fact *list = onr_fuse_fact(fuser, reshape->inputs[1]);
    const struct onr_shape *x = &onr_fuse_fact(fuser, value)->shape;
    const struct onr_shape *y = &onr_fuse_fact(fuser, reshape->outputs[0])->shape;
    int64_t number = 0;
    for (int i = 0; i < y->rank; i++) {
        bool is_kept = i < x->rank && x->dim[i] == y->dim[i] && x->dim[i] != ONR_DIM_UNKNOWN;
        if (!onr_fuse_int(fuser, reshape, 1, i, &number) || (number == 0 && !is_kept)) {
            return false;
        }
    }
    return list->shape.rank == 1 && list->shape.dim[0] == y->rank;
}

/* Where batches and heads become one axis, attention is to find them apart before. */
static bool merges_heads(const struct onr_fuser *fuser, const struct onr_node *reshape,
                         uint32_t value)
{
    const struct onr_shape *x = &onr_fuse_fact(fuser, value)->shape;
    const struct onr_shape *y = &onr_fuse_fact(fuser, reshape->outputs[0])->shape;
    return x->rank == 4 && y->rank == 3 && x->dim[2] == y->dim[1] && x->dim[3] == y->dim[2];
}

void onr_read_past_views(const struct onr_fuser *fuser, struct onr_node *reshape)
{
    uint32_t value = reshape->inputs[0];
    uint32_t source = ONR_NO_VALUE;
    if (!onr_fuse_has_input(reshape, 1)) {
        return;
    }
    while (value != ONR_NO_VALUE && !merges_heads(fuser, reshape, value)) {
        value = onr_before_view(fuser, value);
        source = value != ONR_NO_VALUE && fits_list(fuser, reshape, value) ? value : source;
    }
    if (source != ONR_NO_VALUE) {
        reshape->inputs[0] = source;
        fuser->graph->values[source].use_count++;
    }
}
