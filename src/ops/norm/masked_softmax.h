/* SPDX-License-Identifier: Apache-2.0 */
/* Softmax of rows to which a mask is added: what MaskedSoftmax and BiasSoftmax share. */
#ifndef ONR_OPS_NORM_MASKED_SOFTMAX_H
#define ONR_OPS_NORM_MASKED_SOFTMAX_H

#include "graph/op_def.h"

/*
 * Plans y = softmax(scale * data + mask) over all dimensions of y from axis on together. Inputs:
 * data, mask; both have the dimensions of y from axis on, and are broadcast before them. Error:
 * ONR_ERR_LIMIT when the scratch is too large.
 */
enum onr_status onr_masked_softmax_plan(struct onr_plan_ctx *ctx, int axis,
                                        float scale) ONR_MUST_USE;

/* y may share storage with an input of which nothing is repeated. */
enum onr_status onr_masked_softmax_run(struct onr_run_ctx *ctx);

#endif
