/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside streaming attention: rows of masks that hide all keys but some side by side, and add nothing
 * to these, as causality, padding and windows have it. Heads and queries that share such a row share
 * what is found in it, once in a run: they never read the mask.
 */
#ifndef ONR_OPS_ATTENTION_ATTENTION_OPEN_H
#define ONR_OPS_ATTENTION_ATTENTION_OPEN_H

#include "ops/attention/attention_core.h"

/* Masks at or below this hide a key from a row that sees another one: e^x is 0 either way. */
#define ONR_LOW_MASK (-1e38f)

/* Rows of mask m that are looked at: 0 when they are shared too little, or by other rules than
 * broadcasting. */
size_t onr_attention_open_count(const struct onr_attention *attention, int m);

/* Looks at all rows; what is found is kept in the workspace, at open_at. False, and nothing is: there
 * is no mask, or they have to be read. */
bool onr_attention_open_find(const struct onr_attention *attention,
                             const struct onr_attention_data *data, const struct onr_run_ctx *ctx);

/*
 * Cuts *keys down to those that all masks, in which something was found, leave open to a query, whose
 * row begins there in each mask. False, and nothing is cut: they have to be read.
 */
bool onr_attention_open_keys(const struct onr_attention *attention,
                             const struct onr_attention_data *data,
                             const size_t mask_rows[ONR_ATTENTION_MASKS],
                             struct onr_key_range *keys);

#endif
