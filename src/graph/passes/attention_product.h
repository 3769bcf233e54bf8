/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two products of an attention, by MatMul, FusedMatMul or Einsum: which axis of an operand is what.
 * Orders are as for attention_view.h; with rank 3, batches and heads are one axis, m.
 */
#ifndef ONR_GRAPH_PASSES_ATTENTION_PRODUCT_H
#define ONR_GRAPH_PASSES_ATTENTION_PRODUCT_H

#include "graph/passes/attention_view.h"

struct onr_attention_product {
    struct onr_node *node;
    uint32_t a, b; /* Q and K, or probabilities and V */
    char a_order[ONR_VIEW_AXES + 1];
    char b_order[ONR_VIEW_AXES + 1];
    char y_order[ONR_VIEW_AXES + 1];
    double scale;
};

/* Whether the value is Q K', [b, n, queries, keys]. */
bool onr_attention_scores(const struct onr_fuser *fuser, uint32_t value,
                          struct onr_attention_product *product);

/* Whether p, [b, n, queries, keys], is used by p V and nothing else. */
bool onr_attention_values(const struct onr_fuser *fuser, uint32_t p,
                          struct onr_attention_product *product);

#endif
