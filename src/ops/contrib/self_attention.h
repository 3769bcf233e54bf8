/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention of a sequence to itself and to what came before, from queries, keys and values that
 * were projected together: what Attention, QAttention and DecoderMaskedSelfAttention of
 * com.microsoft share. Inputs 0, 1 and 2 are input [B,S,Din], weights [Din,D+D+Dv] and bias
 * [D+D+Dv]; the operator multiplies them to qkv [B,S,D+D+Dv] and hands that to
 * onr_self_attention_run.
 */
#ifndef ONR_OPS_CONTRIB_SELF_ATTENTION_H
#define ONR_OPS_CONTRIB_SELF_ATTENTION_H

#include "ops/contrib/padding_mask.h"

/* Where an operator has the inputs that not all have; ONR_NO_VALUE where it has none. */
struct onr_self_attention_inputs {
    uint32_t mask;
    uint32_t past; /* [2,B,N,P,H], or [2,B,N,M,H] with a shared buffer */
    uint32_t bias; /* attention_bias */
    uint32_t past_length;
};

/*
 * Checks shapes and the attributes num_heads, qkv_hidden_sizes, unidirectional, do_rotary,
 * rotary_embedding_dim and past_present_share_buffer, and sets the shapes of output and present.
 */
enum onr_status onr_self_attention_infer(struct onr_infer_ctx *ctx,
                                         const struct onr_self_attention_inputs *in) ONR_MUST_USE;

/*
 * The widths of queries (and keys) and of values, from qkv_hidden_sizes or from the width of the
 * weights; both are multiples of heads. Errors: ONR_ERR_SHAPE, ONR_ERR_MODEL.
 */
enum onr_status onr_self_attention_widths(struct onr_infer_ctx *ctx, int64_t width, int64_t heads,
                                          int64_t *hidden, int64_t *v_hidden) ONR_MUST_USE;

struct onr_self_attention {
    struct onr_attention attention;
    struct onr_padding padding;
    struct onr_self_attention_inputs in;
    size_t row;       /* elements of a row of qkv */
    size_t past_rows; /* of past */
    bool is_shared;   /* present is past with the new rows written into it */
    size_t half;      /* pairs of queries and keys that turn; 0: none */
    /* offsets in the workspace */
    size_t flags_at, limit_at, offset_at, turn_at, present_at, attention_at;
    size_t turn_bytes; /* of one worker */
    size_t bytes;      /* of the workspace, a multiple of ONR_MEM_ALIGN */
};

/* dtype: of qkv, attention_bias, past, output and present. */
enum onr_status onr_self_attention_plan(struct onr_self_attention *self,
                                        const struct onr_self_attention_inputs *in,
                                        enum onr_dtype dtype,
                                        struct onr_plan_ctx *ctx) ONR_MUST_USE;

/* qkv is turned in place if do_rotary asks for it; workspace: self->bytes. */
enum onr_status onr_self_attention_run(const struct onr_self_attention *self, void *qkv,
                                       void *workspace, const struct onr_run_ctx *ctx) ONR_MUST_USE;

#endif
