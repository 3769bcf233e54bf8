/* SPDX-License-Identifier: Apache-2.0 */
/* Operands that are expanded for an operator that broadcasts them itself. */
#ifndef ONR_GRAPH_PASSES_PAST_EXPAND_H
#define ONR_GRAPH_PASSES_PAST_EXPAND_H

#include "graph/passes/fuse.h"

/* Has an operator that broadcasts read past each Expand to the shape of another of its operands. */
void onr_read_past_expands(const struct onr_fuser *fuser, struct onr_node *node);

#endif
