/* SPDX-License-Identifier: Apache-2.0 */
/* MatMulNBits of one row in float32: weights are used once, in registers. */
#ifndef ONR_OPS_CONTRIB_NBITS_ROW_H
#define ONR_OPS_CONTRIB_NBITS_ROW_H

#include "graph/op_def.h"
#include "ops/contrib/nbits_weights.h"

/* packed: all panels. a: [k], y: [n], of weights->dtype; bias may be NULL. The workspace has room
 * for k floats. The bits are those of the row in a product of more. */
void onr_nbits_row_run(const struct onr_nbits_weights *weights, const void *packed, size_t k,
                       const void *a, const void *bias, void *y, const struct onr_run_ctx *ctx);

#endif
