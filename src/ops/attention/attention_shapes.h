/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs and outputs of Attention and the inference of its shapes. */
#ifndef ONR_OPS_ATTENTION_ATTENTION_SHAPES_H
#define ONR_OPS_ATTENTION_ATTENTION_SHAPES_H

#include "graph/op_def.h"

enum {
    ONR_ATTENTION_IN_Q,
    ONR_ATTENTION_IN_K,
    ONR_ATTENTION_IN_V,
    ONR_ATTENTION_IN_MASK,
    ONR_ATTENTION_IN_PAST_KEY,
    ONR_ATTENTION_IN_PAST_VALUE,
    ONR_ATTENTION_IN_NONPAD
};
enum {
    ONR_ATTENTION_OUT_Y,
    ONR_ATTENTION_OUT_PRESENT_KEY,
    ONR_ATTENTION_OUT_PRESENT_VALUE,
    ONR_ATTENTION_OUT_SCORES
};

/* Checks attributes and inputs, sets the shapes of the outputs. */
enum onr_status onr_attention_infer(struct onr_infer_ctx *ctx) ONR_MUST_USE;

#endif
