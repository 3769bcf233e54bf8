/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/attention/attention_chain_dims.h"

#include <inttypes.h>
#include <string.h>

static struct onr_head_dims mask_dims(const struct onr_fact *mask)
{
    int64_t d[5] = {1, 1, 1, 1, 1};
    for (int i = 0; mask != NULL && i < mask->shape.rank; i++) {
        d[5 - mask->shape.rank + i] = mask->shape.dim[i];
    }
    return (struct onr_head_dims){d[1], d[2], d[3], d[4]};
}

bool onr_chain_repeats(const struct onr_node *node, uint32_t input)
{
    return input >= ONR_CHAIN_MASK && input < ONR_CHAIN_SINKS &&
           (onr_attr_int(node, "repeats", 0) >> (input - ONR_CHAIN_MASK) & 1) != 0;
}

/* Whether a mask of rank 5 can be one of batches that come again. */
static bool is_repeated(const struct onr_fact *mask, int64_t own, int64_t batch)
{
    bool is_open = own < 0 || batch < 0;
    return (mask->shape.rank < 5 || mask->shape.dim[0] == 1) &&
           (is_open || (own > 0 ? batch % own == 0 : batch == 0));
}

/* Heads of Q for these heads of K or V. */
static int64_t query_heads(const struct onr_chain_dims *d, int64_t heads)
{
    int64_t product = 0;
    return heads >= 0 && !__builtin_mul_overflow(heads, d->groups, &product) ? product
           : d->groups == 1                                                  ? heads
                                                                             : ONR_DIM_UNKNOWN;
}

/* Whether a dimension of a mask is 1 or this one, as far as they are known. */
static bool is_within(int64_t mask, int64_t dim)
{
    return mask < 0 || dim < 0 || mask == 1 || mask == dim;
}

/* Takes batches and heads, which are one dimension of a mask of scores, apart. */
static bool split_mask(const struct onr_chain_dims *d, struct onr_head_dims *mask)
{
    int64_t all = ONR_DIM_UNKNOWN;
    bool is_known = d->y.batch >= 0 && d->y.heads >= 0;
    if ((is_known && __builtin_mul_overflow(d->y.batch, d->y.heads, &all)) ||
        !is_within(mask->batch, 1) || !is_within(mask->heads, all) ||
        !is_within(mask->rows, d->y.rows) || !is_within(mask->width, d->keys)) {
        return false;
    }
    if (mask->heads != 1) {
        mask->batch = d->y.batch;
        mask->heads = d->y.heads;
    }
    return true;
}

/* Broadcasts the batches and heads of all operands, rows and keys with those of the masks. */
static bool broadcast_dims(const struct onr_node *node,
                           const struct onr_fact *const masks[ONR_ATTENTION_MASKS],
                           struct onr_chain_dims *d)
{
    int64_t merged = onr_attr_int(node, "merged", 0);
    bool is_possible = true;
    d->y = (struct onr_head_dims){1, 1, d->in[ONR_CHAIN_Q].rows, d->in[ONR_CHAIN_V].width};
    d->keys = 1;
    for (int i = 0; i < 3; i++) {
        int64_t heads = i == ONR_CHAIN_Q ? d->in[i].heads : query_heads(d, d->in[i].heads);
        is_possible = is_possible && onr_dim_broadcast(d->y.batch, d->in[i].batch, &d->y.batch) &&
                      onr_dim_broadcast(d->y.heads, heads, &d->y.heads) &&
                      (i == ONR_CHAIN_Q || onr_dim_broadcast(d->keys, d->in[i].rows, &d->keys));
    }
    for (int m = 0; m < ONR_ATTENTION_MASKS; m++) {
        struct onr_head_dims *mask = &d->masks[m];
        bool repeats = masks[m] != NULL && onr_chain_repeats(node, (uint32_t)(ONR_CHAIN_MASK + m));
        is_possible = is_possible && ((merged >> m & 1) == 0 || split_mask(d, mask)) &&
                      (repeats ? is_repeated(masks[m], mask->batch, d->y.batch)
                               : onr_dim_broadcast(d->y.batch, mask->batch, &d->y.batch)) &&
                      onr_dim_broadcast(d->y.heads, mask->heads, &d->y.heads) &&
                      onr_dim_broadcast(d->y.rows, mask->rows, &d->y.rows) &&
                      onr_dim_broadcast(d->keys, mask->width, &d->keys);
    }
    return is_possible;
}

static enum onr_status fail_broadcast(const struct onr_fact *const *inputs,
                                      const struct onr_fact *const masks[ONR_ATTENTION_MASKS],
                                      struct onr_error *err)
{
    char q[ONR_SHAPE_TEXT_BYTES];
    char k[ONR_SHAPE_TEXT_BYTES];
    char v[ONR_SHAPE_TEXT_BYTES];
    char mask[ONR_ATTENTION_MASKS][ONR_SHAPE_TEXT_BYTES] = {"none", "none"};
    for (int m = 0; m < ONR_ATTENTION_MASKS; m++) {
        if (masks[m] != NULL) {
            (void)onr_shape_text(&masks[m]->shape, mask[m]);
        }
    }
    return onr_fail(err, ONR_ERR_SHAPE, "cannot broadcast Q %s, K %s, V %s, masks %s and %s",
                    onr_shape_text(&inputs[ONR_CHAIN_Q]->shape, q),
                    onr_shape_text(&inputs[ONR_CHAIN_K]->shape, k),
                    onr_shape_text(&inputs[ONR_CHAIN_V]->shape, v), mask[0], mask[1]);
}

enum onr_status onr_chain_dims_read(const struct onr_node *node,
                                    const struct onr_fact *const *inputs,
                                    const struct onr_fact *const masks[ONR_ATTENTION_MASKS],
                                    struct onr_chain_dims *d, struct onr_error *err)
{
    static const char *const names[] = {"q", "k", "v"};
    for (int i = 0; i < 3; i++) {
        ONR_TRY(onr_head_layout_read(node, names[i], &d->layout[i], err));
        ONR_TRY(onr_head_layout_dims(&d->layout[i], names[i], &inputs[i]->shape, &d->in[i], err));
    }
    ONR_TRY(onr_head_layout_read(node, "y", &d->y_layout, err));
    d->groups = onr_attr_int(node, "groups", 1);
    if (d->groups < 1 || strpbrk(d->y_layout.order, "px") != NULL) {
        return onr_fail(err, ONR_ERR_VALUE, "expected groups >= 1 and whole axes of Y");
    }
    for (int m = 0; m < ONR_ATTENTION_MASKS; m++) {
        d->masks[m] = mask_dims(masks[m]);
    }
    if (!broadcast_dims(node, masks, d)) {
        return fail_broadcast(inputs, masks, err);
    }
    int64_t q_width = d->in[ONR_CHAIN_Q].width;
    int64_t k_width = d->in[ONR_CHAIN_K].width;
    if (q_width >= 0 && k_width >= 0 && q_width != k_width) {
        return onr_fail(err, ONR_ERR_SHAPE,
                        "head size of Q and K differs: %" PRId64 " and %" PRId64, q_width, k_width);
    }
    return ONR_OK;
}
