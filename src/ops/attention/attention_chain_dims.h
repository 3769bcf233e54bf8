/* SPDX-License-Identifier: Apache-2.0 */
/* The operands of AttentionChain put together: what is broadcast to what. */
#ifndef ONR_OPS_ATTENTION_ATTENTION_CHAIN_DIMS_H
#define ONR_OPS_ATTENTION_ATTENTION_CHAIN_DIMS_H

#include "ops/attention/attention_layout.h"

/* Inputs of AttentionChain. */
enum {
    ONR_CHAIN_Q,
    ONR_CHAIN_K,
    ONR_CHAIN_V,
    ONR_CHAIN_MASK,
    ONR_CHAIN_SINKS = ONR_CHAIN_MASK + ONR_ATTENTION_MASKS
};

struct onr_chain_dims {
    struct onr_head_layout layout[3]; /* of Q, K, V */
    struct onr_head_layout y_layout;
    struct onr_head_dims in[3];
    struct onr_head_dims masks[ONR_ATTENTION_MASKS]; /* width: keys */
    struct onr_head_dims y;
    int64_t keys;
    int64_t groups;
};

/* Whether batches of this input, a mask, come again: attribute repeats. */
bool onr_chain_repeats(const struct onr_node *node, uint32_t input);

/* Reads and checks the dimensions of the operands, as far as they are known; all have a rank. */
enum onr_status onr_chain_dims_read(const struct onr_node *node,
                                    const struct onr_fact *const *inputs,
                                    const struct onr_fact *const masks[ONR_ATTENTION_MASKS],
                                    struct onr_chain_dims *d, struct onr_error *err) ONR_MUST_USE;

#endif
