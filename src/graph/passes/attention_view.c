/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/passes/attention_view.h"

#include "graph/op_def.h"
#include "graph/passes/attention_regroup.h"

#include <string.h>

#define MOST_STEPS 24 /* nodes that are walked past */

/* An axis of a value. */
struct axis {
    uint32_t value;
    int axis;
};

struct walk {
    const struct onr_fuser *fuser;
    uint32_t ways;
    struct onr_attention_view at;
    struct axis batch, heads; /* where they were put together, or of ONR_NO_VALUE */
};

static int rank_of(const struct walk *w, uint32_t value)
{
    return onr_fuse_fact(w->fuser, value)->shape.rank;
}

static int64_t dim_of(const struct walk *w, uint32_t value, int axis)
{
    return onr_fuse_fact(w->fuser, value)->shape.dim[axis];
}

static int axis_of(const struct walk *w, char letter)
{
    const char *found = strchr(w->at.order, letter);
    return found != NULL ? (int)(found - w->at.order) : -1;
}

static void insert_axis(char *order, int axis, char letter)
{
    memmove(order + axis + 1, order + axis, strlen(order + axis) + 1);
    order[axis] = letter;
}

static void remove_axis(char *order, int axis)
{
    memmove(order + axis, order + axis + 1, strlen(order + axis + 1) + 1);
}

static bool step_transpose(struct walk *w, const struct onr_node *node)
{
    char order[ONR_VIEW_AXES + 1] = "";
    size_t count = 0;
    const int64_t *perm = onr_attr_ints(node, "perm", &count);
    if (perm == NULL || count != strlen(w->at.order)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (perm[i] < 0 || perm[i] >= (int64_t)count) {
            return false; /* what was not inferred was not checked either */
        }
        order[perm[i]] = w->at.order[i];
    }
    memcpy(w->at.order, order, sizeof order);
    w->at.value = node->inputs[0];
    return true;
}

/* Squeeze: an axis that it drops comes back; Unsqueeze: one that it adds goes. */
static bool step_squeeze(struct walk *w, const struct onr_node *node)
{
    bool drops = onr_fuse_is(node, "Squeeze");
    uint32_t with = drops ? node->inputs[0] : node->outputs[0];
    size_t count = 0;
    const int64_t *axes = onr_attr_ints(node, "axes", &count);
    int64_t axis = count == 1 ? axes[0] : 0;
    int rank = rank_of(w, with);
    bool is_one =
        count == 1 || (onr_fuse_int(w->fuser, node, 1, 0, &axis) &&
                       onr_fuse_fact(w->fuser, node->inputs[1])->shape.rank <= 1 &&
                       onr_shape_count(&onr_fuse_fact(w->fuser, node->inputs[1])->shape) == 1);
    axis += axis < 0 ? rank : 0;
    if (!is_one || rank < 0 || rank > ONR_VIEW_AXES || axis < 0 || axis >= rank) {
        return false;
    }
    if (drops) {
        insert_axis(w->at.order, (int)axis, '1');
    } else if (strchr("1bn", w->at.order[axis]) != NULL) {
        remove_axis(w->at.order, (int)axis);
    } else {
        return false;
    }
    w->at.value = node->inputs[0];
    return true;
}

/* The first `start` elements of an axis are left out; `extent` are used. */
static bool cut_axis(struct walk *w, int axis, int64_t start, int64_t extent, uint32_t from)
{
    switch (w->at.order[axis]) {
    case '1':
        if (axis_of(w, 'x') >= 0) {
            return false;
        }
        w->at.order[axis] = 'x';
        w->at.part[ONR_VIEW_INDEX] = start;
        break;
    case 'p':
        w->at.part[ONR_VIEW_OFFSET] += start;
        break;
    case 'h':
        if (w->at.part[ONR_VIEW_WIDTH] == 0) {
            w->at.part[ONR_VIEW_WIDTH] = extent;
        }
        w->at.part[ONR_VIEW_OFFSET] += start;
        break;
    default:
        return false;
    }
    w->at.value = from;
    return start >= 0 && extent > 0 && start + extent <= INT32_MAX;
}

static bool step_split(struct walk *w, const struct onr_node *node)
{
    int axis = 0;
    int64_t start = 0;
    if (!onr_axis_normalize(onr_attr_int(node, "axis", 0), (int)strlen(w->at.order), &axis)) {
        return false;
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] == ONR_NO_VALUE || dim_of(w, node->outputs[i], axis) < 0) {
            return false;
        }
        if (node->outputs[i] == w->at.value) {
            return cut_axis(w, axis, start, dim_of(w, w->at.value, axis), node->inputs[0]);
        }
        start += dim_of(w, node->outputs[i], axis);
    }
    return false;
}

/* Slice of one axis by step 1. */
static bool step_slice(struct walk *w, const struct onr_node *node)
{
    int64_t start = 0;
    int64_t axis = 0;
    int64_t step = 1;
    int normal = 0;
    if (node->version < 10 || !onr_fuse_int(w->fuser, node, 1, 0, &start) ||
        onr_shape_count(&onr_fuse_fact(w->fuser, node->inputs[1])->shape) != 1 ||
        (onr_fuse_has_input(node, 3) && !onr_fuse_int(w->fuser, node, 3, 0, &axis)) ||
        (onr_fuse_has_input(node, 4) && !onr_fuse_int(w->fuser, node, 4, 0, &step)) || step != 1 ||
        !onr_axis_normalize(axis, (int)strlen(w->at.order), &normal)) {
        return false;
    }
    int64_t whole = dim_of(w, node->inputs[0], normal);
    int64_t extent = dim_of(w, w->at.value, normal);
    start += start < 0 ? whole : 0;
    return whole >= 0 && extent >= 0 && start >= 0 && start + extent <= whole &&
           cut_axis(w, normal, start, extent, node->inputs[0]);
}

/* Gather of one index: an axis that is gone, or of extent 1. */
static bool step_gather(struct walk *w, const struct onr_node *node)
{
    int64_t index = 0;
    int axis = 0;
    int rank = rank_of(w, node->inputs[0]);
    if (rank < 0 || rank > ONR_VIEW_AXES || !onr_fuse_int(w->fuser, node, 1, 0, &index) ||
        onr_shape_count(&onr_fuse_fact(w->fuser, node->inputs[1])->shape) != 1 ||
        !onr_axis_normalize(onr_attr_int(node, "axis", 0), rank, &axis)) {
        return false;
    }
    int64_t whole = dim_of(w, node->inputs[0], axis);
    index += index < 0 ? whole : 0;
    if (whole < 0 || index < 0 || index >= whole || rank_of(w, node->inputs[1]) > 1) {
        return false;
    }
    if (rank_of(w, node->inputs[1]) == 0) {
        insert_axis(w->at.order, axis, '1');
    }
    return cut_axis(w, axis, index, 1, node->inputs[0]);
}

/* ---- Reshape ---- */

/* [.., b, n, ..] from [.., m, ..]; which of these are b and n is kept for the way back. */
static bool step_merge(struct walk *w, uint32_t from)
{
    int b = axis_of(w, 'b');
    int n = axis_of(w, 'n');
    int unit = -1;
    if (b < 0 || n != b + 1 || !onr_attention_regroups(w->fuser, from, w->at.value, b, &unit) ||
        unit >= 0) {
        return false;
    }
    w->batch = (struct axis){w->at.value, b};
    w->heads = (struct axis){w->at.value, n};
    remove_axis(w->at.order, n);
    w->at.order[b] = 'm';
    w->at.value = from;
    return true;
}

/* Whether a merge that was walked past had this batch, or these heads. */
static bool is_known_split(const struct walk *w, uint32_t from, int b, int n)
{
    return w->batch.value != ONR_NO_VALUE &&
           ((b >= 0 && onr_fuse_same_dim(w->fuser, w->batch.value, w->batch.axis, from, b)) ||
            (n >= 0 && onr_fuse_same_dim(w->fuser, w->heads.value, w->heads.axis, from, n)));
}

/* [.., m, ..] from [.., b, n, ..] */
static bool step_unmerge(struct walk *w, uint32_t from)
{
    int m = axis_of(w, 'm');
    int unit = -1;
    if (m < 0 || !onr_attention_regroups(w->fuser, w->at.value, from, m, &unit) ||
        rank_of(w, from) > ONR_VIEW_AXES) {
        return false;
    }
    if (w->batch.value != ONR_NO_VALUE && !is_known_split(w, from, m, m + 1)) {
        return false;
    }
    w->at.order[m] = 'b';
    insert_axis(w->at.order, m + 1, 'n');
    if (unit >= 0) {
        insert_axis(w->at.order, unit, '1');
    }
    w->at.value = from;
    return true;
}

static void set_packed(struct walk *w, uint32_t from, int64_t heads, int64_t width)
{
    int last = (int)strlen(w->at.order) - 1;
    w->at.order[last] = 'p';
    w->at.part[ONR_VIEW_WIDTH] = width;
    w->at.part[ONR_VIEW_HEADS] = heads;
    w->at.part[ONR_VIEW_STRIDE] = width;
    w->at.value = from;
}

/* [.., n, h] from [.., n * h]: the other axes are equal, and of one of these it need not be known. */
static bool step_pack(struct walk *w, uint32_t from)
{
    int rank = (int)strlen(w->at.order);
    if (rank_of(w, from) != rank - 1 || axis_of(w, 'n') != rank - 2 ||
        axis_of(w, 'h') != rank - 1 || w->at.part[ONR_VIEW_WIDTH] != 0) {
        return false;
    }
    int64_t width = dim_of(w, w->at.value, rank - 1);
    int64_t all = dim_of(w, from, rank - 2);
    int unknown = 0;
    for (int i = 0; i < rank - 2; i++) {
        unknown += onr_fuse_same_dim(w->fuser, w->at.value, i, from, i) ? 0 : 1;
    }
    if (width <= 0 || all <= 0 || all > INT32_MAX || all % width != 0 || unknown > 1 ||
        dim_of(w, w->at.value, rank - 2) != all / width) {
        return false;
    }
    remove_axis(w->at.order, rank - 2);
    set_packed(w, from, all / width, width);
    return true;
}

/* [s, m, h] from [s, b, n * h] */
static bool step_pack_merged(struct walk *w, uint32_t from)
{
    int64_t width = dim_of(w, w->at.value, 2);
    if (strcmp(w->at.order, "smh") != 0 || rank_of(w, from) != 3 || width <= 0 ||
        w->at.part[ONR_VIEW_WIDTH] != 0) {
        return false;
    }
    int64_t all = dim_of(w, from, 2);
    bool is_heads = w->heads.value != ONR_NO_VALUE && all > 0 &&
                    dim_of(w, w->heads.value, w->heads.axis) == all / width;
    if (all <= 0 || all > INT32_MAX || all % width != 0 ||
        !onr_fuse_same_dim(w->fuser, w->at.value, 0, from, 0) ||
        !(is_heads || is_known_split(w, from, 1, -1))) {
        return false;
    }
    w->at.order[1] = 'b';
    set_packed(w, from, all / width, width);
    return true;
}

/*
 * [.., n, ..] from [.., n / groups, groups, ..], where Expand or Tile has repeated each head. Expand
 * may repeat a single row or batch as well: rows are broadcast by AttentionChain too, and batches
 * have to be known.
 */
static bool step_groups(struct walk *w, uint32_t from)
{
    int n = axis_of(w, 'n');
    const struct onr_node *repeat = onr_fuse_any_producer(w->fuser, from);
    bool is_tile = repeat != NULL && onr_fuse_is(repeat, "Tile");
    if (n < 0 || w->at.groups != 1 || (w->ways & ONR_VIEW_GROUPS) == 0 ||
        rank_of(w, from) != (int)strlen(w->at.order) + 1 || rank_of(w, from) > ONR_VIEW_AXES ||
        repeat == NULL || (!is_tile && !onr_fuse_is(repeat, "Expand"))) {
        return false;
    }
    uint32_t x = repeat->inputs[0];
    int64_t groups = dim_of(w, from, n + 1);
    int64_t repeats = 1;
    int unknown = 0;
    if (rank_of(w, x) != rank_of(w, from) || groups <= 0 || dim_of(w, x, n + 1) != 1) {
        return false;
    }
    for (int i = 0; i < rank_of(w, from); i++) {
        char letter = i == n + 1 ? 'g' : w->at.order[i <= n ? i : i - 1];
        bool is_same =
            is_tile
                ? letter == 'g' || (onr_fuse_int(w->fuser, repeat, 1, i, &repeats) && repeats == 1)
                : strchr("gs", letter) != NULL || onr_fuse_same_dim(w->fuser, x, i, from, i);
        bool is_kept = letter == 'g' || letter == 'n' ||
                       onr_fuse_same_dim(w->fuser, w->at.value, i <= n ? i : i - 1, from, i);
        unknown += is_kept ? 0 : 1;
        if (!is_same) {
            return false;
        }
    }
    int64_t heads = dim_of(w, w->at.value, n);
    if (unknown > (heads >= 0 && heads == dim_of(w, from, n) * groups ? 1 : 0)) {
        return false;
    }
    w->at.groups = groups;
    insert_axis(w->at.order, n + 1, '1');
    w->at.value = x;
    return true;
}

static bool step_reshape(struct walk *w, const struct onr_node *node)
{
    uint32_t from = node->inputs[0];
    return rank_of(w, from) >= 0 &&
           (step_groups(w, from) || step_unmerge(w, from) || step_merge(w, from) ||
            step_pack(w, from) || step_pack_merged(w, from));
}

/* ---- */

static const struct {
    const char *op_type;
    bool (*step)(struct walk *w, const struct onr_node *node);
} steps[] = {{"Transpose", step_transpose}, {"Reshape", step_reshape}, {"Squeeze", step_squeeze},
             {"Unsqueeze", step_squeeze},   {"Split", step_split},     {"Slice", step_slice},
             {"Gather", step_gather}};

static bool step_back(struct walk *w)
{
    const struct onr_node *node = onr_fuse_any_producer(w->fuser, w->at.value);
    uint32_t before = (w->ways & ONR_VIEW_SCALES) != 0
                          ? onr_fuse_before_scale(w->fuser, w->at.value, &w->at.scale)
                          : ONR_NO_VALUE;
    if (before != ONR_NO_VALUE) {
        w->at.value = before;
        return true;
    }
    for (size_t i = 0; node != NULL && i < sizeof steps / sizeof steps[0]; i++) {
        if (onr_fuse_is(node, steps[i].op_type)) {
            return onr_fuse_has_input(node, 0) && steps[i].step(w, node);
        }
    }
    return false;
}

static bool is_readable(const struct walk *w)
{
    char last = w->at.order[strlen(w->at.order) - 1];
    return (axis_of(w, 'm') >= 0) == ((w->ways & ONR_VIEW_MERGED) != 0) &&
           (last == 'h' || last == 'p');
}

bool onr_attention_view(const struct onr_fuser *fuser, uint32_t value, const char *order,
                        uint32_t ways, uint32_t split, struct onr_attention_view *view)
{
    struct walk w = {.fuser = fuser, .ways = ways, .batch = {split, 0}, .heads = {split, 1}};
    bool is_found = false;
    w.at = (struct onr_attention_view){.value = value, .groups = 1, .scale = 1};
    memcpy(w.at.order, order, strlen(order));
    for (int i = 0; i < MOST_STEPS && rank_of(&w, w.at.value) == (int)strlen(w.at.order); i++) {
        if (is_readable(&w)) {
            *view = w.at;
            is_found = true;
        }
        if (!step_back(&w)) {
            break;
        }
    }
    return is_found;
}
