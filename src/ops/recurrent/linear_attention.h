/* SPDX-License-Identifier: Apache-2.0 */
/* Inside LinearAttention: what run reads. */
#ifndef ONR_OPS_RECURRENT_LINEAR_ATTENTION_H
#define ONR_OPS_RECURRENT_LINEAR_ATTENTION_H

#include "graph/op_def.h"

enum {
    ONR_LINEAR_QUERY,
    ONR_LINEAR_KEY,
    ONR_LINEAR_VALUE,
    ONR_LINEAR_PAST,
    ONR_LINEAR_DECAY,
    ONR_LINEAR_BETA,
};

/* Columns of the state that are computed together. */
#define ONR_LINEAR_COLUMNS ((size_t)64)

struct onr_linear_attention {
    enum onr_dtype dtype, state_dtype;
    size_t batch, length;
    size_t q_heads, k_heads, heads; /* heads: of values and of the state */
    size_t dk, dv;
    size_t slots; /* states that present holds: those after the last tokens */
    bool is_gated, is_delta;
    bool is_decay_wide; /* one decay per key element, else one per head */
    bool is_beta_wide;  /* one beta per head, else one per token */
    float scale;
    size_t blocks; /* of columns, per head */
    size_t worker_bytes;
};

enum onr_status onr_linear_attention_run(struct onr_run_ctx *ctx);

#endif
