/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/passes/attention_regroup.h"

#include "graph/op_def.h"

#include <string.h>

static const struct onr_shape *shape_of(const struct onr_fuser *fuser, uint32_t value)
{
    return &onr_fuse_fact(fuser, value)->shape;
}

bool onr_attention_regroups(const struct onr_fuser *fuser, uint32_t merged, uint32_t split,
                            int axis)
{
    int rank = shape_of(fuser, merged)->rank;
    int unknown = 0;
    if (rank < 0 || shape_of(fuser, split)->rank != rank + 1) {
        return false;
    }
    for (int i = 0; i < rank; i++) {
        bool is_same =
            i == axis || onr_fuse_same_dim(fuser, merged, i, split, i < axis ? i : i + 1);
        unknown += is_same ? 0 : 1;
    }
    /* as there are as many elements, the last dimension follows from all others */
    int64_t heads = shape_of(fuser, split)->dim[axis + 1];
    return unknown == 0 || (unknown == 1 && heads > 0 &&
                            onr_fuse_is_multiple(fuser, merged, axis, heads, split, axis));
}

uint32_t onr_before_regroup(const struct onr_fuser *fuser, uint32_t value)
{
    const struct onr_node *reshape = onr_fuse_producer(fuser, value, "Reshape");
    uint32_t from = reshape != NULL ? reshape->inputs[0] : value;
    int rank = shape_of(fuser, value)->rank;
    int from_rank = shape_of(fuser, from)->rank;
    return (rank == 3 && from_rank == 4) || (rank == 4 && from_rank == 3) ? from : ONR_NO_VALUE;
}

/* The Shape that an element of a list comes from, by nodes that go when the list does, or NULL:
 * Gather or Slice, Squeeze, Unsqueeze. */
static const struct onr_node *shape_before(const struct onr_fuser *fuser, uint32_t element)
{
    const struct onr_node *node = onr_fuse_any_producer(fuser, element);
    for (int i = 0; i < 3 && onr_fuse_use_count(fuser, element) == 1 && node != NULL &&
                    onr_fuse_has_input(node, 0) && !onr_fuse_is(node, "Shape");
         i++) {
        element = node->inputs[0];
        node = onr_fuse_any_producer(fuser, element);
    }
    return node != NULL && onr_fuse_is(node, "Shape") ? node : NULL;
}

/* Whether what uses the value goes with this Reshape: a Shape for each element of its list, or one
 * for all. */
static bool is_used_by(const struct onr_fuser *fuser, uint32_t value,
                       const struct onr_node *reshape)
{
    const struct onr_node *list = onr_fuse_producer(fuser, reshape->inputs[1], "Concat");
    uint32_t others = onr_fuse_use_count(fuser, value) - 1;
    uint32_t elements = 0;
    uint32_t of_one = 0; /* where the Shape has no other use */
    uint32_t of_all = 0; /* uses of a Shape */
    for (uint32_t i = 0; list != NULL && i < list->input_count; i++) {
        const struct onr_node *shape = shape_before(fuser, list->inputs[i]);
        if (shape != NULL && shape->inputs[0] == value) {
            of_all = onr_fuse_use_count(fuser, shape->outputs[0]);
            of_one += of_all == 1 ? 1 : 0;
            elements++;
        }
    }
    return others == 0 ||
           (list != NULL && onr_fuse_use_count(fuser, list->outputs[0]) == 1 &&
            ((others == elements && of_one == elements) || (others == 1 && of_all == elements)));
}

/* The Reshape from the value to another of these ranks, when nothing else uses it, or NULL. */
static const struct onr_node *regroup_of(const struct onr_fuser *fuser, uint32_t value)
{
    const struct onr_node *node =
        fuser->user[value] != ONR_NO_VALUE ? &fuser->graph->nodes[fuser->user[value]] : NULL;
    return node != NULL && onr_fuse_is(node, "Reshape") && onr_fuse_has_input(node, 1) &&
                   !node->is_dead && onr_before_regroup(fuser, node->outputs[0]) == value &&
                   is_used_by(fuser, value, node)
               ? node
               : NULL;
}

uint32_t onr_regroup_scores(const struct onr_fuser *fuser, uint32_t value,
                            struct onr_regroup *regroup)
{
    uint32_t from = onr_before_regroup(fuser, value);
    bool is_merged = shape_of(fuser, value)->rank == 3;
    if (from == ONR_NO_VALUE || regroup->s4 != ONR_NO_VALUE ||
        (is_merged && regroup->p3 != ONR_NO_VALUE) || regroup_of(fuser, from) == NULL) {
        return ONR_NO_VALUE;
    }
    *(is_merged ? &regroup->p3 : &regroup->s4) = value;
    *(is_merged ? &regroup->p4 : &regroup->s3) = from;
    return from;
}

uint32_t onr_regroup_probabilities(const struct onr_fuser *fuser, uint32_t p,
                                   struct onr_regroup *regroup)
{
    const struct onr_node *reshape = regroup_of(fuser, p);
    if (reshape == NULL || shape_of(fuser, p)->rank != 4) {
        return ONR_NO_VALUE;
    }
    regroup->p4 = p;
    regroup->p3 = reshape->outputs[0];
    return regroup->p3;
}

bool onr_regroup_result(const struct onr_fuser *fuser, uint32_t y3, struct onr_regroup *regroup)
{
    const struct onr_node *reshape = regroup_of(fuser, y3);
    if (reshape == NULL) {
        return false;
    }
    regroup->y3 = y3;
    regroup->y4 = reshape->outputs[0];
    return true;
}

/*
 * Whether `split` has the batches, heads and rows of Q, given that `merged`, a Reshape of it, has so
 * many elements. `before`: a value with the columns of `merged`, of which more may be known.
 */
static bool is_like_q(const struct onr_fuser *fuser, uint32_t split, uint32_t merged,
                      uint32_t before, const struct onr_attention_view *q)
{
    const char *b = strchr(q->split_order, 'b');
    const char *s = strchr(q->split_order, 's');
    if (q->split == ONR_NO_VALUE || b == NULL || s == NULL) {
        return false;
    }
    int batch = (int)(b - q->split_order);
    bool same_b = onr_fuse_same_dim(fuser, split, 0, q->split, batch);
    bool same_n = onr_fuse_same_dim(fuser, split, 1, q->split, batch + 1);
    bool same_s = onr_fuse_same_dim(fuser, split, 2, q->split, (int)(s - q->split_order)) ||
                  onr_fuse_same_dim(fuser, split, 2, merged, 1);
    bool same_columns = onr_fuse_same_dim(fuser, split, 3, merged, 2) ||
                        onr_fuse_same_dim(fuser, split, 3, before, 2);
    return same_n && (int)same_b + (int)same_s + (int)same_columns >= 2;
}

bool onr_regroup_holds(const struct onr_fuser *fuser, const struct onr_regroup *r,
                       const struct onr_attention_product *scores,
                       const struct onr_attention_view *q)
{
    if (!is_like_q(fuser, r->y4, r->y3, r->y3, q) &&
        !onr_attention_regroups(fuser, r->y3, r->y4, 0)) {
        return false;
    }
    if (r->s4 == ONR_NO_VALUE || r->p3 == ONR_NO_VALUE) {
        return r->s4 == r->p3;
    }
    return is_like_q(fuser, r->s4, r->s3, scores->node->outputs[0], q) &&
           (onr_attention_regroups(fuser, r->p3, r->p4, 0) ||
            onr_attention_regroups(fuser, r->p3, r->s4, 0)) &&
           (onr_fuse_same_dim(fuser, r->y4, 0, r->s4, 0) ||
            onr_fuse_same_dim(fuser, r->y4, 1, r->s4, 1));
}
