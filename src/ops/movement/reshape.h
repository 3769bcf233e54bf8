/* SPDX-License-Identifier: Apache-2.0 */
/* The shape that Reshape gives input 0 by the contents of input 1, for operators that include one:
 * also by attribute `allowzero`. */
#ifndef ONR_OPS_MOVEMENT_RESHAPE_H
#define ONR_OPS_MOVEMENT_RESHAPE_H

#include "graph/op_def.h"

enum onr_status onr_reshape_infer(struct onr_infer_ctx *ctx);

#endif
