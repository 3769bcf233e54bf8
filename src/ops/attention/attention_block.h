/* SPDX-License-Identifier: Apache-2.0 */
/* Inside streaming attention: rows of queries against blocks of keys. */
#ifndef ONR_OPS_ATTENTION_ATTENTION_BLOCK_H
#define ONR_OPS_ATTENTION_ATTENTION_BLOCK_H

#include "kernels/kernels.h"
#include "ops/attention/attention_core.h"

#define ONR_ATTENTION_TILE_ROWS 28 /* most rows whose scores exist at once */
#define ONR_ATTENTION_LANES     16 /* most that scores are summed in */

/* Rows a multiple of so many floats apart push each other out of L1, where a tile takes one step after
 * the other in all of them. */
#define ONR_ATTENTION_FAR 512

/* One run. */
struct onr_attention_stream {
    const struct onr_attention *a;
    const struct onr_attention_data *d;
    const struct onr_kernels *kernels;
    const struct onr_gemm_f32 *k_gemm; /* columns are keys */
    /* For a last panel of up to (i + 1) * ONR_ATTENTION_LANES keys. */
    const struct onr_gemm_f32 *last_gemm[ONR_GEMM_MAX_COLUMNS / ONR_ATTENTION_LANES];
    const struct onr_gemm_f32 *v_gemm; /* columns are elements of values */
    struct onr_attention_operand keys, values;
    size_t group;        /* heads that share keys */
    size_t rows;         /* queries of a group */
    size_t parts;        /* of the keys */
    size_t tiles;        /* of the rows of a group: the same for any chunks */
    size_t chunks;       /* of the tiles */
    size_t items;        /* chunks of all heads and batches */
    size_t shares;       /* of the items: one for each thread to begin with */
    size_t step;         /* items that are taken at a time */
    size_t ahead_rows;   /* that are asked for at a time; 0: nothing is */
    bool has_open;       /* what masks leave open was found */
    bool is_head_masked; /* a mask is not the same for all heads */
    /* Steps of each share. */
    struct onr_counter taken[ONR_MAX_THREADS];
};

/* How far a chunk is with asking for what the next one reads and writes. */
struct onr_attention_ahead {
    size_t b;
    size_t kv;
    size_t matrix; /* keys, values, then queries and results of each head */
    size_t row;    /* of the matrix */
};

/* A query of a head. */
struct onr_attention_row {
    size_t member; /* which of the heads that share keys */
    size_t query;
    struct onr_key_range keys;             /* that limits, causality and windows let it see */
    size_t mask_rows[ONR_ATTENTION_MASKS]; /* element offset in each mask */
    bool is_open;                          /* masks were heeded in keys, and add nothing */
    size_t alike; /* rows of the chunk from here on for which all this is the same */
};

/* Rows that one worker does, and its scratch. */
struct onr_attention_chunk {
    size_t b;
    size_t kv;
    size_t tile, tile_end; /* of the group */
    size_t row;
    size_t count;
    bool is_few;
    bool is_part; /* of the keys: y is where the results of parts are kept */
    size_t q_stride, copy_stride, y_stride, score_stride;
    struct onr_attention_mask masks[ONR_ATTENTION_MASKS]; /* from the column of key 0 on */
    struct onr_attention_row *rows;                       /* [count] */
    size_t rows_of;                                       /* the batch they are of, or SIZE_MAX */
    struct onr_softmax_row_f32 *states;                   /* [count] */
    const float *q;                                       /* [count, head] */
    float *q_copy;                                        /* room for them */
    float *y;                                             /* [count, v_head] */
    float *scores; /* [ONR_ATTENTION_TILE_ROWS, block_keys] */
    float *k;      /* a block of keys: packed, or converted */
    float *v;
    struct onr_attention_ahead *ahead; /* NULL: nothing is known of the next chunk */
};

/* Keys [begin, begin + count), and where they and their values are read. */
struct onr_key_block {
    size_t begin;
    size_t count;
    bool is_ready;
    struct onr_rows_f32 k, v;
    float k_scale;  /* of the products, that packed keys do not have in them */
    size_t v_panel; /* floats from one panel of values to the next */
};

/* Rows whose scores exist at once. */
struct onr_score_rows {
    size_t row; /* of the chunk */
    size_t count;
    bool is_alike;            /* all see the same */
    struct onr_key_range any; /* keys of the block that any of them sees */
    struct onr_key_range seen[ONR_ATTENTION_TILE_ROWS]; /* those that each may see by rule */
    size_t from; /* key of the first score: where a vector begins, so that a row is summed alike */
    float *scores; /* in whatever company */
};

/* Where a tile begins in the rows of a group. */
static inline size_t onr_attention_tile_row(const struct onr_attention_stream *stream, size_t tile)
{
    return stream->rows * tile / stream->tiles;
}

/* A row before its first block: nothing seen but the sink, a score before all others, unless it is NULL. */
struct onr_softmax_row_f32 onr_attention_begin_state(const float *sink);

/* Fills in the rows of a chunk: finds or copies its queries, and clears its sums. */
void onr_attention_begin_rows(const struct onr_attention_stream *stream,
                              struct onr_attention_chunk *chunk);

/* Asks for the queries of rows [begin, end), as far as there are. */
void onr_attention_ask_rows(const struct onr_attention_stream *stream,
                            const struct onr_attention_chunk *chunk, size_t begin, size_t end);

/* Rows to ask for at a time, so that all are asked for while a chunk is computed: set when chunks are
 * whole heads that come from memory. */
size_t onr_attention_ahead_rows(const struct onr_attention_stream *stream);

/* Asks for some more of what the next chunk reads and writes. */
void onr_attention_ask_ahead(const struct onr_attention_stream *stream,
                             struct onr_attention_ahead *ahead);

/* Writes the y / sum, each a row of y, of some queries of head n from i on; zeros, or NaN, where
 * nothing was seen. */
void onr_attention_write_rows(const struct onr_attention_stream *stream, size_t b, size_t n,
                              size_t i, size_t count, const struct onr_softmax_row_f32 *states,
                              float *y, size_t y_stride);

/* Writes what came of all rows of a chunk. */
void onr_attention_end_rows(const struct onr_attention_stream *stream,
                            const struct onr_attention_chunk *chunk);

/* Finds what keys of the block the rows see: sets any, and seen. What only a mask hides from one of them
 * becomes 0 by being added. */
void onr_attention_see_keys(const struct onr_attention_stream *stream,
                            const struct onr_attention_chunk *chunk,
                            const struct onr_key_block *block, struct onr_score_rows *rows);

/* Caps and masks scores, and turns them into weights. */
void onr_attention_weigh_rows(const struct onr_attention_stream *stream,
                              const struct onr_attention_chunk *chunk,
                              const struct onr_score_rows *rows);

/* All blocks of keys [begin, end) for the rows of a chunk. Both are where blocks begin, or ends of
 * past or of all keys. */
void onr_attention_do_keys(const struct onr_attention_stream *stream,
                           const struct onr_attention_chunk *chunk, size_t begin, size_t end);

#endif
