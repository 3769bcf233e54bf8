/* SPDX-License-Identifier: Apache-2.0 */
/* What Concat shares with QLinearConcat. */
#ifndef ONR_OPS_MOVEMENT_CONCAT_H
#define ONR_OPS_MOVEMENT_CONCAT_H

#include "graph/op_def.h"

/*
 * The shape of inputs first, first + step, ... joined along attribute axis. Errors: ONR_ERR_MODEL
 * for an input that is missing, ONR_ERR_SHAPE.
 */
enum onr_status onr_concat_infer(struct onr_infer_ctx *ctx, uint32_t first,
                                 uint32_t step) ONR_MUST_USE;

#endif
