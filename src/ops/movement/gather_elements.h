/* SPDX-License-Identifier: Apache-2.0 */
/* What GatherElements shares with ScatterElements, and with operators that it is a part of. */
#ifndef ONR_OPS_MOVEMENT_GATHER_ELEMENTS_H
#define ONR_OPS_MOVEMENT_GATHER_ELEMENTS_H

#include "graph/op_def.h"

/* Fails with ONR_ERR_SHAPE when indices, of the rank of x, exceed x off the axis for sure. */
enum onr_status onr_check_elements(const struct onr_infer_ctx *ctx, int axis,
                                   const struct onr_shape *x,
                                   const struct onr_shape *indices) ONR_MUST_USE;

#endif
