/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an operand of AttentionChain has its batches, heads, rows and elements of a head: a string
 * with one letter for each axis of the tensor.
 *
 *   b n s h   batch, heads, rows, elements of a head; one that is missing has the extent 1
 *   p         heads and their elements in one axis
 *   x         an axis of which one index is meant
 *   1         an axis of extent 1
 *
 * The last letter is h or p, so that the elements of a head lie side by side. "bsnh" is what
 * Reshape makes of [batch, rows, heads * width]; "bsp" with part is a piece of packed Q, K and V.
 */
#ifndef ONR_OPS_ATTENTION_ATTENTION_LAYOUT_H
#define ONR_OPS_ATTENTION_ATTENTION_LAYOUT_H

#include "ops/attention/attention_core.h"

#define ONR_LAYOUT_AXES 6

struct onr_head_layout {
    char order[ONR_LAYOUT_AXES + 1];
    /* A part of the last axis: `heads` pieces (1 for h) of `width` elements from `offset` on, each
     * `stride` after the one before. width 0: an axis h as a whole. */
    int64_t index; /* of axis x */
    int64_t offset;
    int64_t width;
    int64_t heads;
    int64_t stride;
};

/* Unknown and symbolic where the shape is. */
struct onr_head_dims {
    int64_t batch, heads, rows, width;
};

/* The attributes NAME, a letter: the order, and NAME_part: [index, offset, width, heads, stride]. */
enum onr_status onr_head_layout_read(const struct onr_node *node, const char *name,
                                     struct onr_head_layout *layout,
                                     struct onr_error *err) ONR_MUST_USE;

/* The dimensions of the operand of this name and shape, which has a rank. Errors: ONR_ERR_SHAPE. */
enum onr_status onr_head_layout_dims(const struct onr_head_layout *layout, const char *name,
                                     const struct onr_shape *shape, struct onr_head_dims *dims,
                                     struct onr_error *err) ONR_MUST_USE;

/* The shape of an output without parts. */
struct onr_shape onr_head_layout_shape(const struct onr_head_layout *layout,
                                       const struct onr_head_dims *dims);

/* Strides in an operand of a known shape, 0 where a dimension of 1 is broadcast, and the element at
 * which it begins. */
struct onr_head_strides onr_head_layout_strides(const struct onr_head_layout *layout,
                                                const struct onr_shape *shape,
                                                const struct onr_head_dims *dims, size_t *first);

#endif
