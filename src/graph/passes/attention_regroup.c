/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/passes/attention_regroup.h"

#include "graph/op_def.h"

static const struct onr_shape *shape_of(const struct onr_fuser *fuser, uint32_t value)
{
    return &onr_fuse_fact(fuser, value)->shape;
}

/* As onr_attention_regroups, where axis `unit` of split, behind batches and heads, is left out; -1: none. */
static bool regroups_without(const struct onr_shape *merged, const struct onr_shape *split,
                             int axis, int unit)
{
    int unknown = 0;
    int at = 0;
    for (int i = 0; i < merged->rank; i++, at++) {
        at += at == unit ? 1 : 0;
        bool is_same = merged->dim[i] == split->dim[at] && merged->dim[i] != ONR_DIM_UNKNOWN;
        unknown += i == axis || is_same ? 0 : 1;
        at += i == axis ? 1 : 0;
    }
    /* as there are as many elements, the last dimension follows from all others */
    return unknown == 0 ||
           (unknown == 1 && merged->dim[axis] != ONR_DIM_UNKNOWN &&
            merged->dim[axis] == onr_dim_mul(split->dim[axis], split->dim[axis + 1]));
}

bool onr_attention_regroups(const struct onr_fuser *fuser, uint32_t merged, uint32_t split,
                            int axis, int *unit)
{
    const struct onr_shape *m = shape_of(fuser, merged);
    const struct onr_shape *s = shape_of(fuser, split);
    *unit = -1;
    if (m->rank < 0 || s->rank != m->rank + 2) {
        return m->rank >= 0 && s->rank == m->rank + 1 && regroups_without(m, s, axis, -1);
    }
    for (*unit = s->rank - 1; *unit > axis + 1; --*unit) {
        if (s->dim[*unit] == 1 && regroups_without(m, s, axis, *unit)) {
            return true;
        }
    }
    return false;
}

/* Of Reshape, which may add or drop axes of extent 1 as well, by nodes of their own. */
static bool is_reshape(const struct onr_node *node)
{
    return onr_fuse_is(node, "Reshape") || onr_fuse_is(node, "Squeeze") ||
           onr_fuse_is(node, "Unsqueeze");
}

#define MOST_RESHAPES 3

static bool is_regroup(const struct onr_fuser *fuser, uint32_t from, uint32_t to)
{
    int ranks[2] = {shape_of(fuser, from)->rank, shape_of(fuser, to)->rank};
    return (ranks[0] == 3 && ranks[1] == 4) || (ranks[0] == 4 && ranks[1] == 3);
}

uint32_t onr_before_regroup(const struct onr_fuser *fuser, uint32_t value)
{
    uint32_t from = value;
    for (int i = 0; i < MOST_RESHAPES && !is_regroup(fuser, from, value); i++) {
        const struct onr_node *node = onr_fuse_any_producer(fuser, from);
        if (node == NULL || !is_reshape(node)) {
            return ONR_NO_VALUE;
        }
        from = node->inputs[0];
    }
    return is_regroup(fuser, from, value) ? from : ONR_NO_VALUE;
}

/* What a Reshape makes of the value with another of these ranks, or ONR_NO_VALUE. */
static uint32_t after_regroup(const struct onr_fuser *fuser, uint32_t value)
{
    uint32_t to = value;
    for (int i = 0; i < MOST_RESHAPES && !is_regroup(fuser, value, to); i++) {
        const struct onr_node *node =
            fuser->user[to] != ONR_NO_VALUE ? &fuser->graph->nodes[fuser->user[to]] : NULL;
        if (node == NULL || node->is_dead || !is_reshape(node) || node->inputs[0] != to) {
            return ONR_NO_VALUE;
        }
        to = node->outputs[0];
    }
    return is_regroup(fuser, value, to) ? to : ONR_NO_VALUE;
}

uint32_t onr_regroup_scores(const struct onr_fuser *fuser, uint32_t value,
                            struct onr_regroup *regroup)
{
    uint32_t from = onr_before_regroup(fuser, value);
    bool is_merged = shape_of(fuser, value)->rank == 3;
    if (from == ONR_NO_VALUE || regroup->s4 != ONR_NO_VALUE ||
        (is_merged && regroup->p3 != ONR_NO_VALUE)) {
        return ONR_NO_VALUE;
    }
    *(is_merged ? &regroup->p3 : &regroup->s4) = value;
    *(is_merged ? &regroup->p4 : &regroup->s3) = from;
    return from;
}

uint32_t onr_regroup_probabilities(const struct onr_fuser *fuser, uint32_t p,
                                   struct onr_regroup *regroup)
{
    uint32_t p3 = shape_of(fuser, p)->rank == 4 ? after_regroup(fuser, p) : ONR_NO_VALUE;
    if (p3 != ONR_NO_VALUE) {
        regroup->p4 = p;
        regroup->p3 = p3;
    }
    return p3;
}

bool onr_regroup_result(const struct onr_fuser *fuser, uint32_t y3, struct onr_regroup *regroup)
{
    regroup->y3 = y3;
    regroup->y4 = after_regroup(fuser, y3);
    return regroup->y4 != ONR_NO_VALUE;
}

bool onr_regroup_holds(const struct onr_fuser *fuser, const struct onr_regroup *r)
{
    int unit = 0;
    if (!onr_attention_regroups(fuser, r->y3, r->y4, 0, &unit)) {
        return false;
    }
    if (r->s4 == ONR_NO_VALUE || r->p3 == ONR_NO_VALUE) {
        return r->s4 == r->p3;
    }
    return onr_attention_regroups(fuser, r->s3, r->s4, 0, &unit) &&
           (onr_attention_regroups(fuser, r->p3, r->p4, 0, &unit) ||
            onr_attention_regroups(fuser, r->p3, r->s4, 0, &unit)) &&
           (onr_fuse_same_dim(fuser, r->y4, 0, r->s4, 0) ||
            onr_fuse_same_dim(fuser, r->y4, 1, r->s4, 1));
}
