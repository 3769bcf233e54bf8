/* SPDX-License-Identifier: Apache-2.0 */
/* Inside Pad: what all its versions share. */
#ifndef ONR_OPS_MOVEMENT_PAD_H
#define ONR_OPS_MOVEMENT_PAD_H

#include "graph/op_def.h"

enum onr_pad_mode { ONR_PAD_CONSTANT, ONR_PAD_REFLECT, ONR_PAD_EDGE, ONR_PAD_WRAP };

/* What is added before and after each dimension of x. */
struct onr_pads {
    int64_t begin[ONR_MAX_RANK];
    int64_t end[ONR_MAX_RANK];
};

/* The attribute `mode`. */
enum onr_status onr_pad_read_mode(const struct onr_node *node, enum onr_pad_mode *mode,
                                  struct onr_error *err) ONR_MUST_USE;

/* Plan and run of a Pad by pads that fit its input; run reads the value from input 2, if there is one. */
enum onr_status onr_pad_plan(struct onr_plan_ctx *ctx, const struct onr_pads *pads) ONR_MUST_USE;
enum onr_status onr_pad_run(struct onr_run_ctx *ctx) ONR_MUST_USE;

#endif
