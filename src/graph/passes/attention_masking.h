/* SPDX-License-Identifier: Apache-2.0 */
/* What stands between the product of an attention and Softmax, and guards what was masked whole behind
 * it. */
#ifndef ONR_GRAPH_PASSES_ATTENTION_MASKING_H
#define ONR_GRAPH_PASSES_ATTENTION_MASKING_H

#include "graph/passes/fuse.h"

#define ONR_SCORES_DEPTH 8 /* nodes between the product and Softmax, at most */

/* What happens to scores: numbers are added, or flags put one in place of some or add it to these. */
struct onr_masking {
    uint32_t value;
    bool is_flag; /* true keys, or false ones, get the score `fill` */
    bool hides;
    bool adds;      /* of flags: `fill` is added to the score */
    bool is_merged; /* of scores with batches and heads in one axis */
    bool repeats;   /* its batches come again and again */
    double fill;
};

/* Whether the value is a product of Q and K' up to what may stand between it and Softmax. */
bool onr_leads_to_scores(const struct onr_fuser *fuser, uint32_t value);

/* The scores before an Add or Where that masks them, with what it does in *mask, or
 * ONR_NO_VALUE. */
uint32_t onr_before_mask(const struct onr_fuser *fuser, uint32_t value, struct onr_masking *mask);

/* The same for windows of Swin: batches are taken apart, [b * w, n, s, t] to [b, w, n, s, t], a mask
 * is added, and they are put together again. */
uint32_t onr_before_windows(const struct onr_fuser *fuser, uint32_t value,
                            struct onr_masking *mask);

/* Where(IsNaN(p), 0, p) and nothing else that uses p, or NULL; p may be tested as another float. */
const struct onr_node *onr_guard_of(const struct onr_fuser *fuser, uint32_t p);

#endif
