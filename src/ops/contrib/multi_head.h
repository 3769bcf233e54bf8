/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention over queries, keys and values that come projected: what MultiHeadAttention and
 * DecoderMaskedMultiHeadAttention of com.microsoft share.
 */
#ifndef ONR_OPS_CONTRIB_MULTI_HEAD_H
#define ONR_OPS_CONTRIB_MULTI_HEAD_H

#include "ops/contrib/padding_mask.h"

/* Where an operator has its inputs; query, key and value are the first three. */
struct onr_multi_head_inputs {
    uint32_t bias, mask, score_bias, past_key, past_value, past_length, beams, beam_of;
    bool is_decoder; /* one query; past_present_share_buffer and output_qk are attributes */
};

enum { ONR_MULTI_HEAD_QUERY, ONR_MULTI_HEAD_KEY, ONR_MULTI_HEAD_VALUE };
enum {
    ONR_MULTI_HEAD_OUT,
    ONR_MULTI_HEAD_PRESENT_KEY,
    ONR_MULTI_HEAD_PRESENT_VALUE,
    ONR_MULTI_HEAD_SCORES
};

/* How queries, keys and values come. */
enum onr_qkv_format {
    ONR_QKV_APART,  /* [B,S,N*H], [B,L,N*H], [B,L,N*Hv] */
    ONR_QKV_CACHED, /* [B,S,N*H], [B,N,L,H], [B,N,L,Hv] */
    ONR_QKV_KV,     /* [B,S,N*H], [B,L,N,2,H] */
    ONR_QKV_HEADS,  /* [B,S,N,3,H] */
    ONR_QKV_ROWS,   /* [B,S,3*N*H] */
};

/* Sizes as far as they are known. */
struct onr_multi_head_dims {
    enum onr_qkv_format format;
    bool is_shared;               /* present is past with the new rows written into it */
    struct onr_score_dims scores; /* keys: past and new */
    int64_t added;                /* new keys */
    int64_t past;                 /* rows of past */
    int64_t head, v_head;
};

/*
 * Reads the sizes from facts; *is_known is false when the rank of one of the operands is not known.
 * Errors: ONR_ERR_MODEL, ONR_ERR_SHAPE.
 */
enum onr_status onr_multi_head_read(const struct onr_node *node,
                                    const struct onr_fact *const *inputs,
                                    const struct onr_multi_head_inputs *in,
                                    struct onr_multi_head_dims *dims, bool *is_known,
                                    struct onr_error *err) ONR_MUST_USE;

/* Checks inputs and attributes and sets the shapes of the outputs. */
enum onr_status onr_multi_head_infer(struct onr_infer_ctx *ctx,
                                     const struct onr_multi_head_inputs *in) ONR_MUST_USE;
enum onr_status onr_multi_head_plan(struct onr_plan_ctx *ctx,
                                    const struct onr_multi_head_inputs *in) ONR_MUST_USE;
enum onr_status onr_multi_head_run(struct onr_run_ctx *ctx);

#endif
