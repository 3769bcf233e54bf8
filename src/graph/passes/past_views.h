/* SPDX-License-Identifier: Apache-2.0 */
/* Values that nodes have given another shape, with the same elements in the same order. */
#ifndef ONR_GRAPH_PASSES_PAST_VIEWS_H
#define ONR_GRAPH_PASSES_PAST_VIEWS_H

#include "graph/passes/fuse.h"

/*
 * What a value is with another shape, when a node has given it that, else ONR_NO_VALUE: a Reshape,
 * Flatten, Squeeze or Unsqueeze, a Transpose that moves dimensions of 1 only, or a Gather of all of a
 * dimension of 1.
 */
uint32_t onr_before_view(const struct onr_fuser *fuser, uint32_t value);

/* Has a Reshape read past such nodes where its list means the same there. */
void onr_read_past_views(const struct onr_fuser *fuser, struct onr_node *reshape);

#endif
