/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention in float that never holds a row of scores: it goes over blocks of keys and keeps, for each
 * query, the largest score so far, the sum of exponentials and the sum of values, which are scaled
 * down whenever the largest score grows.
 */
#ifndef ONR_OPS_ATTENTION_ATTENTION_STREAM_H
#define ONR_OPS_ATTENTION_ATTENTION_STREAM_H

#include "ops/attention/attention_core.h"

/* Sets the sizes of blocks and returns the bytes of scratch of one worker. */
size_t onr_attention_stream_plan(struct onr_attention *attention, unsigned thread_count);

/* How onr_attention_stream_run reads the keys of so many queries; static storage. */
const char *onr_attention_stream_way(const struct onr_attention *attention);

/* Results over parts of the keys that there are when the queries are few, and the bytes of each.
 * SIZE_MAX when they are too many to count. */
size_t onr_attention_part_count(const struct onr_attention *attention);
size_t onr_attention_part_bytes(const struct onr_attention *attention);

/* queries and keys may be fewer than planned. */
void onr_attention_stream_run(const struct onr_attention *attention,
                              const struct onr_attention_data *data, const struct onr_run_ctx *ctx);

#endif
