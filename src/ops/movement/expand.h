/* SPDX-License-Identifier: Apache-2.0 */
/* Expand and Tile as parts of other operators. */
#ifndef ONR_OPS_MOVEMENT_EXPAND_H
#define ONR_OPS_MOVEMENT_EXPAND_H

#include "graph/op_def.h"

/* What they make of shape x, by the contents of the node's input `list`: y, or x again when that is
 * absent. */
enum onr_status onr_expand_part(struct onr_infer_ctx *ctx, uint32_t list, const struct onr_shape *x,
                                struct onr_shape *y) ONR_MUST_USE;
enum onr_status onr_tile_part(struct onr_infer_ctx *ctx, uint32_t list, const struct onr_shape *x,
                              struct onr_shape *y) ONR_MUST_USE;

#endif
