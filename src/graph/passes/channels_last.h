/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the pass channels_last: which nodes are changed, and how. */
#ifndef ONR_GRAPH_PASSES_CHANNELS_LAST_H
#define ONR_GRAPH_PASSES_CHANNELS_LAST_H

#include "graph/op_def.h"
#include "graph/passes/fuse.h"

/* The inputs of Conv and FusedConv. */
enum { ONR_CONV_X, ONR_CONV_W, ONR_CONV_BIAS, ONR_CONV_ADDEND };

enum onr_layout_kind {
    ONR_LAYOUT_STAYS,
    ONR_LAYOUT_CONV,     /* Conv or FusedConv */
    ONR_LAYOUT_READER,   /* ConvLast that reads planes */
    ONR_LAYOUT_ELEMENTS, /* each element of the output follows from one of each input */
    ONR_LAYOUT_RESIZE,   /* Resize */
    ONR_LAYOUT_POINTS,   /* of each plane one element: GlobalAveragePool, Reduce operators */
    ONR_LAYOUT_NUMBERS,  /* the same without the dimensions of the planes */
};

struct onr_layouts {
    struct onr_graph *graph;
    struct onr_pass_ctx *ctx;
    struct onr_node *nodes; /* of the graph, also while it is without nodes */
    uint32_t node_count, value_count;
    unsigned char *kind; /* [node_count] enum onr_layout_kind */
    uint32_t *group; /* [node_count] another changed node of its group of neighbours, or itself */
    double *total;   /* [node_count] what a group gains, at its node that is its own */
    uint32_t *uses;  /* [value_count] by nodes that want its channels last */
    uint32_t *last;  /* [value_count] the same value with its channels last, or ONR_NO_VALUE */
    const struct onr_op_def *transpose, *conv;
};

/* Whether the node, if it is changed, wants this input with its channels last. */
bool onr_layout_wants(const struct onr_layouts *l, enum onr_layout_kind kind,
                      const struct onr_node *node, uint32_t input);

/* Whether somebody needs the value as it is. */
static inline bool onr_layout_needs_first(const struct onr_layouts *l, uint32_t value)
{
    return l->graph->values[value].use_count > l->uses[value];
}

/* Sets kind and uses, in the memory that there is for them; returns whether anything is changed. */
bool onr_layouts_choose(const struct onr_layouts *l);

/* Changes the nodes of these kinds. */
enum onr_status onr_layouts_change(struct onr_layouts *l) ONR_MUST_USE;

#endif
