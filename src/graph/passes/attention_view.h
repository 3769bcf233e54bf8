/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out where an operand of an attention comes from: nodes that only move it, repeat its heads,
 * cut it out of a larger tensor or scale it are left out, as far as AttentionChain can read what is
 * before them.
 */
#ifndef ONR_GRAPH_PASSES_ATTENTION_VIEW_H
#define ONR_GRAPH_PASSES_ATTENTION_VIEW_H

#include "graph/passes/fuse.h"

#define ONR_VIEW_AXES 6

enum { ONR_VIEW_INDEX, ONR_VIEW_OFFSET, ONR_VIEW_WIDTH, ONR_VIEW_HEADS, ONR_VIEW_STRIDE };

/* The operand as AttentionChain reads it: its attributes of these names. */
struct onr_attention_view {
    uint32_t value;
    /* a letter for each axis; m: batches and heads in one axis */
    char order[ONR_VIEW_AXES + 1];
    int64_t part[5];
    int64_t groups;
    double scale; /* of what the operand was multiplied with */
};

/* What a walk may go past. */
enum {
    ONR_VIEW_SCALES = 1, /* a multiplication with one number */
    ONR_VIEW_GROUPS = 2, /* heads that are repeated */
    ONR_VIEW_MERGED = 4, /* batches and heads stay one axis, m */
};

/*
 * Walks back from a value whose axes are in this order, like "bnsh", or "msh" where batches and heads
 * are one axis. split: a value whose first axes are these batches and heads, where it is known, or
 * ONR_NO_VALUE. False when nothing is found that AttentionChain can read.
 */
bool onr_attention_view(const struct onr_fuser *fuser, uint32_t value, const char *order,
                        uint32_t ways, uint32_t split, struct onr_attention_view *view);

#endif
