/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention of sequences that are packed, one after another and without padding: what
 * PackedAttention and PackedMultiHeadAttention of com.microsoft share. The sequences are those of a
 * batch [B,S] from which RemovePadding took the padding at their ends: sequence b is the rows
 * [cumulated[b], cumulated[b + 1]), and each of its tokens sees all of its tokens.
 */
#ifndef ONR_OPS_CONTRIB_PACKED_ATTENTION_H
#define ONR_OPS_CONTRIB_PACKED_ATTENTION_H

#include "ops/attention/attention_core.h"

/* Where an operator has its inputs. */
struct onr_packed_inputs {
    uint32_t token_offset;   /* [B,S]; what it holds is not needed */
    uint32_t cumulated;      /* int32 [B+1] */
    uint32_t attention_bias; /* [B|1,N|1,S,S] */
};

/* Checks these inputs and gives output 0 the shape [tokens, v_hidden]. */
enum onr_status onr_packed_attention_infer(struct onr_infer_ctx *ctx,
                                           const struct onr_packed_inputs *in, int64_t tokens,
                                           int64_t heads, int64_t v_hidden) ONR_MUST_USE;

/* Reads num_heads. Error: ONR_ERR_MODEL. */
enum onr_status onr_packed_attention_heads(const struct onr_infer_ctx *ctx,
                                           int64_t *heads) ONR_MUST_USE;

struct onr_packed_attention {
    struct onr_attention attention; /* of one sequence: batch 1, at most S queries and keys */
    struct onr_packed_inputs in;
    size_t batch;
    size_t tokens;
    size_t bias_stride; /* of attention_bias, from sequence to sequence */
    size_t bytes;       /* of the workspace */
};

/* heads, head, v_head and the strides q, k and v of packed->attention are set before. */
enum onr_status onr_packed_attention_plan(struct onr_packed_attention *packed,
                                          const struct onr_packed_inputs *in,
                                          struct onr_plan_ctx *ctx) ONR_MUST_USE;

/* q, k and v: of the first token. workspace: packed->bytes. Error: ONR_ERR_VALUE. */
enum onr_status onr_packed_attention_run(const struct onr_packed_attention *packed, const void *q,
                                         const void *k, const void *v, void *workspace,
                                         const struct onr_run_ctx *ctx) ONR_MUST_USE;

#endif
