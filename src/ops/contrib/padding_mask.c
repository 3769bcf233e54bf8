/* SPDX-License-Identifier: Apache-2.0 */
/* Masks of the attention operators of com.microsoft. */
#include "ops/contrib/padding_mask.h"

#include "ops/attention/attention_heads.h"

#include <inttypes.h>
#include <string.h>

static bool fits(int64_t dim, int64_t want)
{
    return dim < 0 || want < 0 || dim == want;
}

static bool lengths_fit(int64_t dim, int64_t batch)
{
    return dim < 0 || batch < 0 || dim == batch || (dim % 2 == 0 && dim / 2 == batch) ||
           (dim % 3 == 2 && dim / 3 == batch);
}

enum onr_status onr_padding_check(struct onr_infer_ctx *ctx, uint32_t index,
                                  const struct onr_score_dims *dims)
{
    if (!onr_infer_has_input(ctx, index) || ctx->inputs[index]->shape.rank < 0) {
        return ONR_OK;
    }
    const struct onr_shape *mask = &ctx->inputs[index]->shape;
    bool is_good = false;
    if (mask->rank == 1) {
        is_good = lengths_fit(mask->dim[0], dims->batch);
    } else if (mask->rank == 2) {
        is_good = fits(mask->dim[0], dims->batch) && fits(mask->dim[1], dims->keys);
    } else if (mask->rank == 3) {
        is_good = fits(mask->dim[0], dims->batch) && fits(mask->dim[1], dims->queries) &&
                  fits(mask->dim[2], dims->keys);
    } else if (mask->rank == 4) {
        bool is_long = mask->dim[2] < 0 || dims->keys < 0 || mask->dim[2] >= dims->keys;
        is_good = fits(mask->dim[0], dims->batch) && fits(mask->dim[1], 1) &&
                  fits(mask->dim[3], mask->dim[2]) && is_long;
    }
    if (!is_good) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "mask of shape %s does not fit batch size %" PRId64 ", %" PRId64
                              " queries and %" PRId64 " keys",
                              onr_shape_text(mask, text), dims->batch, dims->queries, dims->keys);
    }
    return ONR_OK;
}

enum onr_status onr_score_bias_check(struct onr_infer_ctx *ctx, uint32_t index,
                                     const struct onr_score_dims *dims)
{
    if (!onr_infer_has_input(ctx, index) || ctx->inputs[index]->shape.rank < 0) {
        return ONR_OK;
    }
    const struct onr_shape *bias = &ctx->inputs[index]->shape;
    const int64_t want[4] = {dims->batch, dims->heads, dims->queries, dims->keys};
    bool is_good = bias->rank == 4;
    for (int i = 0; is_good && i < 4; i++) {
        is_good = fits(bias->dim[i], want[i]) || (i < 2 && bias->dim[i] == 1);
    }
    if (!is_good) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "attention_bias of shape %s does not fit scores of [%" PRId64
                              ", %" PRId64 ", %" PRId64 ", %" PRId64 "]",
                              onr_shape_text(bias, text), want[0], want[1], want[2], want[3]);
    }
    return ONR_OK;
}

void onr_padding_plan(struct onr_padding *padding, const struct onr_attention *attention,
                      const struct onr_fact *mask, double fill)
{
    *padding = (struct onr_padding){.batch = attention->batch, .keys = attention->keys};
    if (mask == NULL) {
        return;
    }
    const int64_t *dim = mask->shape.dim;
    size_t last = (size_t)dim[mask->shape.rank - 1];
    padding->mask = (struct onr_attention_mask){
        .dtype = ONR_INT32, .is_flag = true, .fill = fill, .keys = last};
    switch (mask->shape.rank) {
    case 1:
        padding->has_ends = true;
        padding->has_starts = last == 2 * padding->batch;
        padding->bytes = padding->batch * padding->keys;
        padding->mask.dtype = ONR_BOOL;
        padding->mask.keys = padding->keys;
        padding->mask.strides.batch = padding->keys;
        break;
    case 2:
        padding->mask.strides.batch = last;
        break;
    case 3:
        padding->mask.strides.batch = (size_t)dim[1] * last;
        padding->mask.strides.row = last;
        break;
    default:
        padding->mask.strides.batch = last * last;
        padding->mask.strides.row = last;
        padding->first = attention->past * last;
        break;
    }
}

const void *onr_padding_read(const struct onr_padding *padding, const void *mask, void *flags)
{
    if (mask == NULL) {
        return NULL;
    }
    const int32_t *numbers = mask;
    if (!padding->has_ends) {
        return numbers + padding->first;
    }
    bool *row = flags;
    for (size_t b = 0; b < padding->batch; b++, row += padding->keys) {
        int64_t end = numbers[b];
        int64_t begin = padding->has_starts ? numbers[padding->batch + b] : 0;
        for (size_t j = 0; j < padding->keys; j++) {
            row[j] = (int64_t)j >= begin && (int64_t)j < end;
        }
    }
    return flags;
}

void onr_score_bias_plan(struct onr_attention_mask *mask, const struct onr_fact *bias)
{
    if (bias == NULL) {
        return;
    }
    struct onr_head_strides strides = onr_head_strides_of(&bias->shape, 1);
    strides.batch = bias->shape.dim[0] == 1 ? 0 : strides.batch;
    strides.head = bias->shape.dim[1] == 1 ? 0 : strides.head;
    *mask = (struct onr_attention_mask){
        .dtype = bias->dtype, .strides = strides, .keys = (size_t)bias->shape.dim[3]};
}
