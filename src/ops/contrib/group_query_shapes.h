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
    ONR_GQA_K_SCALE,
    ONR_GQA_V_SCALE,
    ONR_GQA_Q_NORM,
    ONR_GQA_K_NORM,
};

extern const struct onr_attr_spec onr_gqa_attrs[];

/* Bits of an element of a quantised cache; 0: it has the type of query. */
unsigned onr_gqa_cache_bits(const struct onr_node *node);

/* The type of a quantised cache; past_key may be NULL. */
enum onr_dtype onr_gqa_cache_dtype(const struct onr_node *node, const struct onr_fact *past_key);

/* Checks attributes and inputs, sets the shapes of the outputs. */
enum onr_status onr_gqa_infer(struct onr_infer_ctx *ctx) ONR_MUST_USE;

#endif
