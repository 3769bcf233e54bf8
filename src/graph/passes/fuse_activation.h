/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that products and convolutions apply to what they compute. */
#ifndef ONR_GRAPH_PASSES_FUSE_ACTIVATION_H
#define ONR_GRAPH_PASSES_FUSE_ACTIVATION_H

#include "graph/passes/fuse.h"

/* As the attributes of fused operators have it (ops/common/fused_activation.c). */
struct onr_fuse_activation {
    const char *name; /* NULL: none */
    float params[2];
    uint32_t param_count;
};

/* The only node that uses the value, when it applies such a function to it, else NULL. *activation is the
 * function, or none. */
struct onr_node *onr_fuse_find_activation(const struct onr_fuser *fuser, uint32_t value,
                                          struct onr_fuse_activation *activation);

/* Gives a fused operator the attributes of the node that it begins with, and a function unless its name
 * is NULL. */
void onr_fused_activate(struct onr_fused *fused, const struct onr_node *anchor,
                        const struct onr_fuse_activation *activation);

#endif
