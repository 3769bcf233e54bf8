/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GroupQueryAttention and SparseAttention: what is known per shapes and per run, and the filling of
 * the cache.
 */
#ifndef ONR_OPS_CONTRIB_GROUP_QUERY_H
#define ONR_OPS_CONTRIB_GROUP_QUERY_H

#include "ops/attention/attention_core.h"

struct onr_gqa_plan {
    struct onr_attention attention;
    struct onr_head_strides q, k, v; /* of the operands as they come */
    size_t k_first, v_first;         /* where key and value begin in their tensor */
    bool is_packed;
    bool is_interleaved;
    bool is_smooth;
    bool is_sparse; /* SparseAttention: lengths are not less 1, and the cache is never cleared */
    bool has_norms;
    float epsilon;
    bool is_turned;             /* queries and keys are changed: normalised, rotated or both */
    enum onr_dtype dtype;       /* of query, key and value */
    enum onr_dtype cache_dtype; /* of past and present, when they are quantised */
    unsigned bits;              /* of an element of a quantised cache, else 0 */
    bool is_per_channel;        /* it has a scale for each element of each head, else one for all */
    size_t past_rows;           /* of past_key */
    size_t present_rows;        /* of present_key */
    size_t row_bytes;           /* of a row of them */
    size_t staged_rows;         /* of the staged cache that attention reads; 0: it reads present */
    enum onr_dtype staged_dtype;
    size_t window;     /* of a sliding cache, else 0 */
    size_t total;      /* total_sequence_length */
    size_t half;       /* pairs that turn; 0: none */
    size_t cache_rows; /* of cos_cache */
    /* offsets in the workspace */
    size_t spans_at, limit_at, offset_at, columns_at, sinks_at, rotated_at, present_at, staged_at;
    size_t scratch_at, attention_at;
    size_t worker_bytes; /* scratch of one head */
};

/* Rows of one batch: old ones of past, then new ones; of these the cache keeps some. */
struct onr_gqa_span {
    size_t past;       /* position of the first new row */
    size_t old;        /* rows from past_key, up to that position */
    size_t first_kept; /* of old and new rows */
    size_t kept;
};

/* Where the rows of each batch come from and go to, and which of them queries see. */
struct onr_gqa_lengths {
    struct onr_gqa_span *spans; /* [batch], as what follows: see attention_core.h */
    size_t *limit;
    int64_t *offset;
    size_t *columns;
};

struct onr_gqa_job {
    const struct onr_gqa_plan *plan;
    const struct onr_kernels *kernels;
    const char *query, *key, *value, *past_key, *past_value;
    const void *cos, *sin;
    const void *q_norm, *k_norm;
    const float *k_scale, *v_scale;
    const int64_t *positions;         /* NULL: they follow the past */
    const struct onr_gqa_span *spans; /* [batch] */
    char *rotated;                    /* [B,S,N,H] */
    char *present_key, *present_value;
    char *staged_key, *staged_value; /* [B,Nk,staged_rows,H] */
    char *scratch;
};

/* Floats of scratch that one worker needs. */
static inline size_t onr_gqa_scratch_floats(const struct onr_gqa_plan *plan)
{
    return 6 * plan->attention.head + 2;
}

/* Bytes of a row that is staged. */
static inline size_t onr_gqa_staged_bytes(const struct onr_gqa_plan *plan)
{
    return plan->attention.head * onr_dtype_size(plan->staged_dtype);
}

/* Plans and runs a node; ctx has the inputs of GroupQueryAttention, plan is a struct onr_gqa_plan. */
enum onr_status onr_gqa_make_plan(struct onr_plan_ctx *ctx) ONR_MUST_USE;
enum onr_status onr_gqa_run(struct onr_run_ctx *ctx) ONR_MUST_USE;

/* Fills lengths from seqlens_k. Error: ONR_ERR_VALUE when it does not fit the cache. */
enum onr_status onr_gqa_read_lengths(const struct onr_run_ctx *ctx, const struct onr_gqa_plan *plan,
                                     const struct onr_gqa_lengths *lengths) ONR_MUST_USE;

/* Writes present keys and values, the staged cache, and queries that are turned. */
void onr_gqa_fill(const struct onr_gqa_job *job, const struct onr_run_ctx *ctx);

#endif
