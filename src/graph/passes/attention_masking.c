/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/passes/attention_masking.h"

#include "graph/op_def.h"
#include "graph/passes/attention_regroup.h"

#include <math.h>

/* A number that Where puts in place of some scores, given as input 1 or 2; the other one then is in
 * *scores. */
static bool read_fill(const struct onr_fuser *fuser, const struct onr_node *where,
                      struct onr_masking *mask, uint32_t *scores)
{
    for (uint32_t i = 1; i <= 2; i++) {
        if (onr_fuse_number(fuser, where->inputs[i], &mask->fill) && !isnan(mask->fill)) {
            mask->value = where->inputs[0];
            mask->is_flag = true;
            mask->hides = i == 1;
            *scores = where->inputs[3 - i];
            return true;
        }
    }
    return false;
}

/* Scores that Where chooses with or without a number added, or ONR_NO_VALUE; nothing else uses them. */
static uint32_t read_lowered(const struct onr_fuser *fuser, const struct onr_node *where,
                             struct onr_masking *mask)
{
    for (uint32_t i = 1; i <= 2; i++) {
        uint32_t scores = where->inputs[3 - i];
        const struct onr_node *lowered = onr_fuse_producer(fuser, where->inputs[i], "Sub");
        if (lowered != NULL && lowered->inputs[0] == scores &&
            onr_fuse_number(fuser, lowered->inputs[1], &mask->fill) && isfinite(mask->fill) &&
            onr_fuse_fact(fuser, scores)->shape.rank ==
                onr_fuse_fact(fuser, where->inputs[i])->shape.rank &&
            onr_fuse_use_count(fuser, scores) == 2 &&
            onr_fuse_use_count(fuser, where->inputs[i]) == 1) {
            mask->value = where->inputs[0];
            mask->is_flag = true;
            mask->hides = i == 1;
            mask->adds = true;
            mask->fill = -mask->fill;
            return scores;
        }
    }
    return ONR_NO_VALUE;
}

/* Whether the value is a product up to what may stand between it and Softmax. */
static bool leads_to_product(const struct onr_fuser *fuser, uint32_t value, int depth)
{
    struct onr_attention_product product;
    struct onr_masking mask;
    double scale = 1;
    if (depth == 0 || onr_attention_scores(fuser, value, &product)) {
        return depth > 0;
    }
    uint32_t before = onr_fuse_before_scale(fuser, value, &scale);
    const struct onr_node *node = onr_fuse_any_producer(fuser, value);
    if (onr_before_regroup(fuser, value) != ONR_NO_VALUE) {
        before = onr_before_regroup(fuser, value);
    } else if (node != NULL && onr_fuse_is(node, "Tanh")) {
        before = node->inputs[0];
    } else if (node != NULL && onr_fuse_is(node, "Where")) {
        before = read_fill(fuser, node, &mask, &before) ? before : ONR_NO_VALUE;
    } else if (node != NULL && onr_fuse_is(node, "Add")) {
        return leads_to_product(fuser, node->inputs[0], depth - 1) ||
               leads_to_product(fuser, node->inputs[1], depth - 1);
    }
    return before != ONR_NO_VALUE && leads_to_product(fuser, before, depth - 1);
}

bool onr_leads_to_scores(const struct onr_fuser *fuser, uint32_t value)
{
    return leads_to_product(fuser, value, ONR_SCORES_DEPTH);
}

uint32_t onr_before_mask(const struct onr_fuser *fuser, uint32_t value, struct onr_masking *mask)
{
    const struct onr_node *where = onr_fuse_producer(fuser, value, "Where");
    const struct onr_node *sum = onr_fuse_producer(fuser, value, "Add");
    uint32_t scores = ONR_NO_VALUE;
    *mask = (struct onr_masking){.is_merged = onr_fuse_fact(fuser, value)->shape.rank == 3};
    if (where != NULL && !read_fill(fuser, where, mask, &scores)) {
        scores = read_lowered(fuser, where, mask);
    }
    /* where both operands are products, the one that is not behind a Reshape has the scores */
    for (uint32_t i = 0; sum != NULL && i < 4 && scores == ONR_NO_VALUE; i++) {
        bool is_reshaped = onr_before_regroup(fuser, sum->inputs[i % 2]) != ONR_NO_VALUE;
        if (is_reshaped == (i >= 2) && onr_leads_to_scores(fuser, sum->inputs[i % 2])) {
            mask->value = sum->inputs[1 - i % 2];
            scores = sum->inputs[i % 2];
        }
    }
    return scores;
}

/* Whether `split` [b, w, n, s, t] has the last dimensions of `whole` [b * w, n, s, t], numbers. */
static bool is_in_windows(const struct onr_fuser *fuser, uint32_t whole, uint32_t split)
{
    const struct onr_shape *from = &onr_fuse_fact(fuser, whole)->shape;
    const struct onr_shape *to = &onr_fuse_fact(fuser, split)->shape;
    bool is_same = from->rank == 4 && to->rank == 5;
    for (int i = 1; i < 4 && is_same; i++) {
        is_same = from->dim[i] > 0 && from->dim[i] == to->dim[i + 1];
    }
    return is_same && to->dim[1] > 0;
}

/* Whether a mask of windows has one for each, or one for all. */
static bool is_window_mask(const struct onr_shape *mask, int64_t windows)
{
    int64_t lead = mask->rank == 5 ? mask->dim[0] : 1;
    int64_t own = mask->rank >= 4 ? mask->dim[mask->rank - 4] : 1;
    return mask->rank >= 0 && lead == 1 && (own == 1 || own == windows);
}

uint32_t onr_before_windows(const struct onr_fuser *fuser, uint32_t value, struct onr_masking *mask)
{
    const struct onr_node *back = onr_fuse_producer(fuser, value, "Reshape");
    uint32_t masked = back != NULL ? back->inputs[0] : value;
    const struct onr_node *sum = onr_fuse_producer(fuser, masked, "Add");
    for (uint32_t i = 0; sum != NULL && back != NULL && i < 2; i++) {
        uint32_t split = sum->inputs[i];
        const struct onr_node *apart = onr_fuse_producer(fuser, split, "Reshape");
        uint32_t scores = apart != NULL ? apart->inputs[0] : split;
        const struct onr_shape *shape = &onr_fuse_fact(fuser, split)->shape;
        *mask = (struct onr_masking){.value = sum->inputs[1 - i], .repeats = true};
        if (is_in_windows(fuser, scores, split) && is_in_windows(fuser, value, split) &&
            onr_shape_equal(shape, &onr_fuse_fact(fuser, masked)->shape) &&
            is_window_mask(&onr_fuse_fact(fuser, mask->value)->shape, shape->dim[1]) &&
            onr_fuse_use_count(fuser, split) == 1 && onr_fuse_use_count(fuser, masked) == 1) {
            return scores;
        }
    }
    return ONR_NO_VALUE;
}

const struct onr_node *onr_guard_of(const struct onr_fuser *fuser, uint32_t p)
{
    double zero = 1;
    const struct onr_node *guard =
        fuser->user[p] != ONR_NO_VALUE ? &fuser->graph->nodes[fuser->user[p]] : NULL;
    if (onr_fuse_use_count(fuser, p) != 2 || guard == NULL || !onr_fuse_is(guard, "Where") ||
        guard->inputs[2] != p || !onr_fuse_number(fuser, guard->inputs[1], &zero) || zero != 0) {
        return NULL;
    }
    const struct onr_node *is_nan = onr_fuse_producer(fuser, guard->inputs[0], "IsNaN");
    if (is_nan == NULL) {
        return NULL;
    }
    const struct onr_node *cast = onr_fuse_producer(fuser, is_nan->inputs[0], "Cast");
    return (cast != NULL ? cast->inputs[0] : is_nan->inputs[0]) == p ? guard : NULL;
}
