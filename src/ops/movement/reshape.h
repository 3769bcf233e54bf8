/* SPDX-License-Identifier: Apache-2.0 */
/* Reshape as a part of other operators. */
#ifndef ONR_OPS_MOVEMENT_RESHAPE_H
#define ONR_OPS_MOVEMENT_RESHAPE_H

#include "graph/op_def.h"

/*
 * What such a part of the node makes of shape x: y, by the contents of the node's input `list` and the
 * attribute `allowzero`, or x again when the input is absent. When y `is_output` of the node, the
 * graph tells a -1 that the numbers alone do not.
 */
enum onr_status onr_reshape_part(struct onr_infer_ctx *ctx, uint32_t list,
                                 const struct onr_shape *x, bool is_output,
                                 struct onr_shape *y) ONR_MUST_USE;

#endif
