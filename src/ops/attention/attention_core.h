/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scaled dot-product attention over strided heads: the engine of Attention, MultiHeadAttention and
 * GroupQueryAttention. It describes one call by strides, so that no operand is ever transposed, and
 * past and new keys stay where they are.
 *
 *     scores[i][j] = softcap(scale * q[i] . k[j]) + masks[i][j]      i < queries, j < keys
 *     y[i] = sum_j softmax(scores[i])[j] * v[j]
 *
 * Query i of batch b sees the keys j with j < limit[b] and, as far as these are asked for,
 * j <= offset[b] + i (causal) and offset[b] + i - window_left <= j <= offset[b] + i + window_right.
 * A query that sees no key, or only keys masked with -inf, gives zeros.
 */
#ifndef ONR_OPS_ATTENTION_ATTENTION_CORE_H
#define ONR_OPS_ATTENTION_ATTENTION_CORE_H

#include "graph/op_def.h"
#include "kernels/attention/attention.h"
#include "kernels/gemm/gemm.h"

/* Strides in elements: of the batch, of a head, of a row. */
struct onr_head_strides {
    size_t batch;
    size_t head;
    size_t row;
};

/* A mask over [batch, heads, queries, keys]; stride 0 where it is broadcast, keys lie side by side.
 */
struct onr_attention_mask {
    enum onr_dtype dtype; /* ONR_UNDEFINED: no mask */
    bool is_flag;         /* not above 0: add `fill`, else nothing; if not set: add the element */
    bool is_inverted;     /* of a flag: above 0 */
    bool replaces;        /* of a flag: `fill` is not added but stands for the score */
    double fill;          /* -inf hides the key */
    struct onr_head_strides strides;
    size_t keys;         /* that the mask covers; those beyond are hidden */
    size_t period;       /* heads after which its heads come again; 0: it has all of them */
    size_t batch_period; /* likewise of batches */
    size_t block; /* positions that share a row, the first from position 0; 0: a row per query */
};

#define ONR_ATTENTION_MASKS 2

/* What is handed out as scores: nothing, scale * q.k, after softcap, after masks, probabilities. */
enum onr_scores_output {
    ONR_SCORES_NONE = -1,
    ONR_SCORES_RAW = 0,
    ONR_SCORES_CAPPED = 1,
    ONR_SCORES_MASKED = 2,
    ONR_SCORES_SOFTMAX = 3,
};

struct onr_attention {
    size_t batch;
    size_t heads;
    size_t kv_heads; /* divides heads: head n uses n / (heads / kv_heads) */
    size_t queries;
    size_t past; /* keys that come from past_k and past_v */
    size_t keys; /* past and new */
    size_t head;
    size_t v_head;
    enum onr_dtype q_dtype;
    enum onr_dtype k_dtype;
    enum onr_dtype v_dtype;
    enum onr_dtype y_dtype;
    struct onr_head_strides q, k, v, past_k, past_v, y;
    double scale;
    double softcap; /* 0: none */
    bool is_causal;
    int64_t window_left; /* -1: no bound */
    int64_t window_right;
    struct onr_attention_mask masks[ONR_ATTENTION_MASKS];
    enum onr_scores_output scores_output;
    double hidden;  /* what ONR_SCORES_MASKED shows for keys out of range */
    bool is_double; /* computed in double, else in float */
    bool
        empty_is_nan; /* a query that sees no key gives NaN, also as weights that are told, not 0 */
    /* set by onr_attention_plan */
    enum onr_dtype scores_dtype;
    struct onr_head_strides scores;
    size_t block;      /* queries that are done together, where scores are handed out */
    size_t block_keys; /* keys that are done together, and rows of queries that share them */
    size_t chunk;
    size_t worker_bytes; /* of scratch */
    size_t parts_at;     /* where results over parts of the keys lie in the workspace */
    /* Weights that are told lie there, [block, heads, told_keys]. They are told as those of a batch
     * of this size; what a run does not do of it counts as hidden. */
    size_t told_at;
    size_t told_batch;
    size_t told_queries;
    size_t told_keys;
    size_t open_at[ONR_ATTENTION_MASKS]; /* and the keys that rows of a mask leave open */
};

struct onr_attention_data {
    const void *q, *k, *v;
    const void *past_k, *past_v; /* NULL when past is 0 */
    const void *masks[ONR_ATTENTION_MASKS];
    void *y;
    void *scores;          /* [batch, heads, queries, keys] or NULL */
    size_t scores_from;    /* the first query in scores */
    size_t told_from;      /* the first batch in what is told */
    const size_t *limit;   /* [batch]; NULL: keys */
    const int64_t *offset; /* [batch]; NULL: past, where no mask has blocks */
    const size_t *columns; /* [batch]: column of the masks that belongs to key 0; NULL: 0 */
    const float *sinks; /* [heads]: a score that takes part in the sum but has no value; or NULL */
    void *workspace;    /* of the bytes that onr_attention_plan asks for */
};

/* Chooses the block and the scratch; *bytes gets what all workers need. Error: ONR_ERR_LIMIT. */
enum onr_status onr_attention_plan(struct onr_attention *attention, struct onr_plan_ctx *ctx,
                                   size_t *bytes) ONR_MUST_USE;

/* Floating-point operations of the products, for what rules of position let queries see when the first
 * stands at `offset`; keys that masks or lengths hide count as well. */
uint64_t onr_attention_flops(const struct onr_attention *attention, size_t offset);

/* Offset of queries that are the last of as many positions as there are keys. */
static inline size_t onr_attention_last(const struct onr_attention *attention)
{
    return attention->keys > attention->queries ? attention->keys - attention->queries : 0;
}

/* Writes y and scores, unless they are NULL, and tells the weights if they are wanted. Error: that
 * of telling. */
enum onr_status onr_attention_run(const struct onr_attention *attention,
                                  const struct onr_attention_data *data,
                                  const struct onr_run_ctx *ctx) ONR_MUST_USE;

/* ---- shared by the forms ---- */

/* Keys [begin, end) that query i of batch b sees. */
struct onr_key_range {
    size_t begin;
    size_t end;
};

struct onr_key_range onr_attention_range(const struct onr_attention *attention,
                                         const struct onr_attention_data *data, size_t b, size_t i);

/* What a mask makes of the score of one key. */
double onr_attention_masked(const struct onr_attention_mask *mask, const void *data, size_t row,
                            size_t key, double score);

/* Element offset of the row of a mask, and in *mask the same mask from the column of key 0 on. */
static inline size_t onr_mask_row(struct onr_attention_mask *mask,
                                  const struct onr_attention_data *data, size_t b, size_t n,
                                  size_t i)
{
    size_t column = data->columns != NULL ? data->columns[b] : 0;
    column = column < mask->keys ? column : mask->keys;
    mask->keys -= column;
    size_t batch = mask->batch_period > 0 ? b % mask->batch_period : b;
    size_t head = mask->period > 0 ? n % mask->period : n;
    size_t row = mask->block > 0 ? ((size_t)data->offset[b] + i) / mask->block : i;
    return batch * mask->strides.batch + head * mask->strides.head + row * mask->strides.row +
           column;
}

static inline size_t onr_head_offset(const struct onr_head_strides *strides, size_t b, size_t n,
                                     size_t row)
{
    return b * strides->batch + n * strides->head + row * strides->row;
}

/* Adds a mask, whose row begins at element `row`, to the scores of some keys; scores has the first of
 * these. */
void onr_attention_add_mask(const struct onr_attention_mask *mask, const void *data, size_t row,
                            struct onr_key_range keys, float *scores);

/* Adds all masks to the scores of some keys of query i; scores has the first of these. */
void onr_attention_add_masks(const struct onr_attention *attention,
                             const struct onr_attention_data *data, size_t b, size_t n, size_t i,
                             struct onr_key_range keys, float *scores);

/* Keys or values: rows of past, followed by new ones. */
struct onr_attention_operand {
    enum onr_dtype dtype;
    size_t width;
    const void *past;
    const void *data;
    struct onr_head_strides past_strides, strides;
};

static inline struct onr_attention_operand onr_attention_keys(const struct onr_attention *attention,
                                                              const struct onr_attention_data *data)
{
    return (struct onr_attention_operand){attention->k_dtype, attention->head,
                                          data->past_k,       data->k,
                                          attention->past_k,  attention->k};
}

static inline struct onr_attention_operand onr_attention_values(
    const struct onr_attention *attention, const struct onr_attention_data *data)
{
    return (struct onr_attention_operand){attention->v_dtype, attention->v_head,
                                          data->past_v,       data->v,
                                          attention->past_v,  attention->v};
}

/*
 * Rows [j, j + *count) of head kv, of which the first `past` ones lie in past; *count shrinks so
 * that they come from one place. buffer: room for them where they must be converted.
 */
struct onr_rows_f32 onr_attention_rows(const struct onr_attention_operand *operand, size_t b,
                                       size_t kv, size_t past, size_t j, size_t *count,
                                       float *buffer);

/* Rows from j on as a matrix; as many as there are in the place in which row j is. */
struct onr_gemm_matrix onr_attention_matrix(const struct onr_attention_operand *operand, size_t b,
                                            size_t kv, size_t past, size_t j);

/* Queries [begin, end) of head n of batch b, at most `block`, with scores handed out. The plan sets
 * the block and returns the bytes of scratch. */
size_t onr_attention_rows_plan(struct onr_attention *attention);
void onr_attention_rows_run(const struct onr_attention *attention,
                            const struct onr_attention_data *data,
                            const struct onr_kernels *kernels, size_t b, size_t n, size_t begin,
                            size_t end, void *scratch);

/* Queries [begin, end) of head n of batch b in double; scratch has worker_bytes. */
void onr_attention_rows_f64(const struct onr_attention *attention,
                            const struct onr_attention_data *data, size_t b, size_t n, size_t begin,
                            size_t end, double *scratch);

/* The one or the other. */
void onr_attention_rows_do(const struct onr_attention *attention,
                           const struct onr_attention_data *data, const struct onr_kernels *kernels,
                           size_t b, size_t n, size_t begin, size_t end, void *scratch);

/* Computes the weights once more, by rows, and tells them: some queries of all heads at a time, so
 * that memory grows with the keys alone. */
enum onr_status onr_attention_tell(const struct onr_attention *attention,
                                   const struct onr_attention_data *data,
                                   const struct onr_run_ctx *ctx) ONR_MUST_USE;

/* Doubles of scratch that onr_attention_rows_f64 needs. */
static inline size_t onr_attention_scratch_f64(const struct onr_attention *attention)
{
    return attention->keys + attention->head + 2 * attention->v_head + attention->head;
}

#endif
