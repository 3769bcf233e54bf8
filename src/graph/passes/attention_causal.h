/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Masks that are the same in each row but for their diagonal, as Trilu makes them, also where it is
 * compared and replaced behind: what torch's exporters write for causal attention.
 */
#ifndef ONR_GRAPH_PASSES_ATTENTION_CAUSAL_H
#define ONR_GRAPH_PASSES_ATTENTION_CAUSAL_H

#include "graph/passes/attention_masking.h"

/*
 * Whether the masking of the scores [.., queries, keys] leaves query i the keys up to i + *last, *last
 * >= 0, adds nothing to these, and hides all others for sure: by -inf, or when there is no other mask
 * (is_only) by a number so low that it weighs nothing beside a key that is left.
 */
bool onr_attention_causal(const struct onr_fuser *fuser, const struct onr_masking *mask,
                          uint32_t scores, bool is_only, int64_t *last);

#endif
