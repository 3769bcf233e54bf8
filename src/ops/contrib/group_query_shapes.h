/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs of GroupQueryAttention and the inference of its shapes. */
#ifndef ONR_OPS_CONTRIB_GROUP_QUERY_SHAPES_H
#define ONR_OPS_CONTRIB_GROUP_QUERY_SHAPES_H

#include "graph/op_def.h"

enum onr_gqa_input {
    ONR_GQA_QUERY,
    ONR_GQA_KEY,
    ONR_GQA_VALUE,
    ONR_GQA_PAST_KEY,
    ONR_GQA_PAST_VALUE,
    ONR_GQA_SEQLENS,
    ONR_GQA_TOTAL,
    ONR_GQA_COS,
    ONR_GQA_SIN,
    ONR_GQA_POSITIONS,
    ONR_GQA_BIAS,
    ONR_GQA_SINK,
    ONR_GQA_COUNT,
};

/* The attributes, of which onr_gqa_infer refuses those that are not implemented. */
extern const struct onr_attr_spec onr_gqa_attrs[];

/* Checks attributes and inputs, sets the shapes of the outputs. */
enum onr_status onr_gqa_infer(struct onr_infer_ctx *ctx) ONR_MUST_USE;

#endif
