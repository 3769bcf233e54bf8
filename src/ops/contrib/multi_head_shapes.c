/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of the attentions of com.microsoft whose operands come projected. */
#include "base/size.h"
#include "ops/common/contents.h"
#include "ops/contrib/multi_head.h"

#include <inttypes.h>

/* What the functions below read from; inputs that are absent are NULL. */
struct source {
    const struct onr_node *node;
    const struct onr_fact *const *inputs;
    struct onr_error *err;
};

static const struct onr_shape *shape_of(const struct source *from, uint32_t index)
{
    return index < from->node->input_count && from->inputs[index] != NULL
               ? &from->inputs[index]->shape
               : NULL;
}

/* Merges what a dimension is with what is known of it. */
static enum onr_status agree(const struct source *from, const char *what, int64_t dim,
                             int64_t *known)
{
    if (dim >= 0 && *known >= 0 && dim != *known) {
        return onr_fail(from->err, ONR_ERR_SHAPE, "%s is %" PRId64 ", expected %" PRId64, what, dim,
                        *known);
    }
    *known = *known >= 0 ? *known : dim;
    return ONR_OK;
}

static enum onr_status wrong_format(const struct source *from)
{
    int ranks[3];
    for (uint32_t i = 0; i < 3; i++) {
        const struct onr_shape *shape = shape_of(from, i);
        ranks[i] = shape != NULL ? shape->rank : 0;
    }
    return onr_fail(from->err, ONR_ERR_SHAPE,
                    "query, key and value of ranks %d, %d and %d (0: absent) are no known format",
                    ranks[0], ranks[1], ranks[2]);
}

static enum onr_status read_format(const struct source *from, bool is_decoder,
                                   enum onr_qkv_format *format)
{
    int query = from->inputs[ONR_MULTI_HEAD_QUERY]->shape.rank;
    const struct onr_shape *key = shape_of(from, ONR_MULTI_HEAD_KEY);
    const struct onr_shape *value = shape_of(from, ONR_MULTI_HEAD_VALUE);
    if (query == 5 && key == NULL && value == NULL) {
        *format = ONR_QKV_HEADS;
    } else if (query == 3 && key == NULL && value == NULL && is_decoder) {
        *format = ONR_QKV_ROWS;
    } else if (query == 3 && key != NULL && key->rank == 5 && value == NULL) {
        *format = ONR_QKV_KV;
    } else if (query == 3 && key != NULL && value != NULL && key->rank == value->rank &&
               (key->rank == 3 || key->rank == 4)) {
        *format = key->rank == 3 ? ONR_QKV_APART : ONR_QKV_CACHED;
    } else {
        return wrong_format(from);
    }
    return ONR_OK;
}

/* The width of one of so many heads that lie side by side. */
static enum onr_status split(const struct source *from, const char *what, int64_t width,
                             int64_t heads, int64_t *size)
{
    if (width >= 0 && width % heads != 0) {
        return onr_fail(from->err, ONR_ERR_SHAPE,
                        "%s: width %" PRId64 " is not a multiple of %" PRId64 " heads", what, width,
                        heads);
    }
    return agree(from, what, width >= 0 ? width / heads : ONR_DIM_UNKNOWN, size);
}

static enum onr_status read_packed(const struct source *from, const char *what,
                                   const struct onr_shape *shape, int64_t parts,
                                   struct onr_multi_head_dims *d)
{
    ONR_TRY(agree(from, "batch size", shape->dim[0], &d->scores.batch));
    ONR_TRY(agree(from, "number of heads", shape->dim[2], &d->scores.heads));
    ONR_TRY(agree(from, what, shape->dim[3], &parts));
    ONR_TRY(agree(from, "head size", shape->dim[4], &d->head));
    d->added = shape->dim[1];
    return ONR_OK;
}

static enum onr_status read_pair(const struct source *from, struct onr_multi_head_dims *d)
{
    const struct onr_shape *key = &from->inputs[ONR_MULTI_HEAD_KEY]->shape;
    const struct onr_shape *value = &from->inputs[ONR_MULTI_HEAD_VALUE]->shape;
    bool is_cached = d->format == ONR_QKV_CACHED;
    int rows = is_cached ? 2 : 1;
    d->added = key->dim[rows];
    ONR_TRY(agree(from, "batch size of key", key->dim[0], &d->scores.batch));
    ONR_TRY(agree(from, "batch size of value", value->dim[0], &d->scores.batch));
    ONR_TRY(agree(from, "length of value", value->dim[rows], &d->added));
    if (!is_cached) {
        ONR_TRY(split(from, "head size of key", key->dim[2], d->scores.heads, &d->head));
        return split(from, "head size of value", value->dim[2], d->scores.heads, &d->v_head);
    }
    ONR_TRY(agree(from, "heads of key", key->dim[1], &d->scores.heads));
    ONR_TRY(agree(from, "heads of value", value->dim[1], &d->scores.heads));
    ONR_TRY(agree(from, "head size of key", key->dim[3], &d->head));
    return agree(from, "head size of value", value->dim[3], &d->v_head);
}

static enum onr_status read_operands(const struct source *from, struct onr_multi_head_dims *d)
{
    const struct onr_shape *query = &from->inputs[ONR_MULTI_HEAD_QUERY]->shape;
    int64_t heads = d->scores.heads;
    d->scores.batch = query->dim[0];
    d->scores.queries = d->added = query->dim[1];
    if (d->format == ONR_QKV_HEADS) {
        ONR_TRY(read_packed(from, "dimension 3 of query", query, 3, d));
    } else {
        ONR_TRY(split(from, "query", query->dim[2], d->format == ONR_QKV_ROWS ? 3 * heads : heads,
                      &d->head));
    }
    if (d->format == ONR_QKV_APART || d->format == ONR_QKV_CACHED) {
        return read_pair(from, d);
    }
    if (d->format == ONR_QKV_KV) {
        const struct onr_shape *key = &from->inputs[ONR_MULTI_HEAD_KEY]->shape;
        ONR_TRY(read_packed(from, "dimension 3 of key", key, 2, d));
    }
    d->v_head = d->head;
    return ONR_OK;
}

static enum onr_status read_cache(const struct source *from, const struct onr_shape *cache,
                                  int64_t *head, struct onr_multi_head_dims *d)
{
    if (cache->rank < 0) {
        return ONR_OK;
    }
    if (cache->rank != 4) {
        return onr_fail(from->err, ONR_ERR_SHAPE, "past_key or past_value has rank %d, expected 4",
                        cache->rank);
    }
    ONR_TRY(agree(from, "batch size of past", cache->dim[0], &d->scores.batch));
    ONR_TRY(agree(from, "heads of past", cache->dim[1], &d->scores.heads));
    ONR_TRY(agree(from, "length of past", cache->dim[2], &d->past));
    return agree(from, "head size of past", cache->dim[3], head);
}

static enum onr_status read_past(const struct source *from, const struct onr_multi_head_inputs *in,
                                 struct onr_multi_head_dims *d)
{
    const struct onr_shape *key = shape_of(from, in->past_key);
    const struct onr_shape *value = shape_of(from, in->past_value);
    bool has_length = shape_of(from, in->past_length) != NULL;
    d->is_shared = in->is_decoder ? onr_attr_int(from->node, "past_present_share_buffer", 0) != 0 &&
                                        d->format != ONR_QKV_CACHED
                                  : has_length && key != NULL;
    if ((key == NULL) != (value == NULL) || (key != NULL && d->format == ONR_QKV_CACHED)) {
        return onr_fail(from->err, ONR_ERR_MODEL,
                        "past_key and past_value must come together, and not with a key of rank 4");
    }
    if (d->is_shared && (!has_length || key == NULL)) {
        return onr_fail(from->err, ONR_ERR_MODEL,
                        "past_present_share_buffer needs past and past_sequence_length");
    }
    if (shape_of(from, in->beam_of) != NULL && !d->is_shared) {
        return onr_fail(from->err, ONR_ERR_MODEL, "cache_indirection needs a shared buffer");
    }
    d->past = 0;
    d->scores.keys = d->added;
    if (key == NULL) {
        return ONR_OK;
    }
    d->past = ONR_DIM_UNKNOWN;
    ONR_TRY(read_cache(from, key, &d->head, d));
    ONR_TRY(read_cache(from, value, &d->v_head, d));
    d->scores.keys = ONR_DIM_UNKNOWN;
    if (!d->is_shared && d->past >= 0 && d->added >= 0 &&
        !onr_int_add(d->past, d->added, &d->scores.keys)) {
        return onr_fail(from->err, ONR_ERR_LIMIT, "past is too long");
    }
    return ONR_OK;
}

enum onr_status onr_multi_head_read(const struct onr_node *node,
                                    const struct onr_fact *const *inputs,
                                    const struct onr_multi_head_inputs *in,
                                    struct onr_multi_head_dims *dims, bool *is_known,
                                    struct onr_error *err)
{
    struct source from = {node, inputs, err};
    *dims = (struct onr_multi_head_dims){.head = ONR_DIM_UNKNOWN, .v_head = ONR_DIM_UNKNOWN};
    dims->scores.heads = onr_attr_int(node, "num_heads", 0);
    *is_known = false;
    if (dims->scores.heads <= 0 || dims->scores.heads > INT32_MAX) {
        return onr_fail(err, ONR_ERR_MODEL, "num_heads is %" PRId64 ", expected a positive number",
                        dims->scores.heads);
    }
    for (uint32_t i = 0; i < 3; i++) {
        const struct onr_shape *shape = shape_of(&from, i);
        if (shape != NULL && shape->rank < 0) {
            return ONR_OK;
        }
    }
    *is_known = true;
    ONR_TRY(read_format(&from, in->is_decoder, &dims->format));
    ONR_TRY(read_operands(&from, dims));
    if (in->is_decoder && dims->scores.queries >= 0 && dims->scores.queries != 1) {
        return onr_fail(err, ONR_ERR_SHAPE, "query has %" PRId64 " rows, expected 1",
                        dims->scores.queries);
    }
    return read_past(&from, in, dims);
}

/* bias: of queries, keys and values, one after the other. */
static enum onr_status check_bias(struct onr_infer_ctx *ctx, uint32_t index,
                                  const struct onr_multi_head_dims *d)
{
    if (!onr_infer_has_input(ctx, index)) {
        return ONR_OK;
    }
    ONR_TRY(onr_check_rank(ctx, index, 1));
    const struct onr_shape *bias = &ctx->inputs[index]->shape;
    int64_t width = ONR_DIM_UNKNOWN;
    if (d->head >= 0 && d->v_head >= 0 &&
        !(onr_int_mul(d->head, 2, &width) && onr_int_add(width, d->v_head, &width) &&
          onr_int_mul(width, d->scores.heads, &width))) {
        return onr_infer_fail(ctx, ONR_ERR_LIMIT, "heads are too large");
    }
    if (bias->rank == 1 && bias->dim[0] >= 0 && width >= 0 && bias->dim[0] != width) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "length of bias is %" PRId64 ", expected %" PRId64, bias->dim[0],
                              width);
    }
    return ONR_OK;
}

/* cache_indirection: [B / beams, beams, M]. */
static enum onr_status check_beams(struct onr_infer_ctx *ctx,
                                   const struct onr_multi_head_inputs *in,
                                   const struct onr_multi_head_dims *d)
{
    if (!onr_infer_has_input(ctx, in->beam_of) || ctx->inputs[in->beam_of]->shape.rank < 0) {
        return ONR_OK;
    }
    ONR_TRY(onr_check_rank(ctx, in->beam_of, 3));
    const int64_t *dim = ctx->inputs[in->beam_of]->shape.dim;
    int64_t batch = 0;
    if (dim[0] >= 0 && dim[1] >= 0 && d->scores.batch >= 0 &&
        (!onr_int_mul(dim[0], dim[1], &batch) || batch != d->scores.batch)) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "cache_indirection has %" PRId64 " times %" PRId64
                              " beams, expected a batch of %" PRId64,
                              dim[0], dim[1], d->scores.batch);
    }
    return ONR_OK;
}

/* With a shared buffer the number of keys follows from past_sequence_length. */
static enum onr_status scores_keys(struct onr_infer_ctx *ctx,
                                   const struct onr_multi_head_inputs *in,
                                   const struct onr_multi_head_dims *d, int64_t *keys)
{
    const int64_t *length = NULL;
    size_t count = 0;
    *keys = d->scores.keys;
    if (!d->is_shared) {
        return ONR_OK;
    }
    ONR_TRY(onr_infer_ints(ctx, in->past_length, &length, &count));
    if (length == NULL || d->added < 0 || d->past < 0) {
        return ONR_OK;
    }
    if (count != 1 || length[0] < 0 || length[0] > d->past - d->added) {
        return onr_infer_fail(ctx, ONR_ERR_VALUE,
                              "past_sequence_length does not fit %" PRId64
                              " new rows in a buffer of %" PRId64,
                              d->added, d->past);
    }
    *keys = length[0] + d->added;
    return ONR_OK;
}

static void set_cache(struct onr_infer_ctx *ctx, uint32_t index,
                      const struct onr_multi_head_dims *d, int64_t head)
{
    if (index < ctx->node->output_count) {
        ctx->outputs[index].shape =
            (struct onr_shape){.rank = 4,
                               .dim = {d->scores.batch, d->scores.heads,
                                       d->is_shared ? d->past : d->scores.keys, head}};
    }
}

enum onr_status onr_multi_head_infer(struct onr_infer_ctx *ctx,
                                     const struct onr_multi_head_inputs *in)
{
    struct onr_multi_head_dims d;
    bool is_known = false;
    int64_t width = ONR_DIM_UNKNOWN;
    ONR_TRY(onr_multi_head_read(ctx->node, ctx->inputs, in, &d, &is_known, ctx->err));
    if (!is_known) {
        return ONR_OK;
    }
    ONR_TRY(check_bias(ctx, in->bias, &d));
    ONR_TRY(onr_padding_check(ctx, in->mask, &d.scores));
    ONR_TRY(onr_score_bias_check(ctx, in->score_bias, &d.scores));
    ONR_TRY(check_beams(ctx, in, &d));
    if (d.v_head >= 0 && !onr_int_mul(d.scores.heads, d.v_head, &width)) {
        return onr_infer_fail(ctx, ONR_ERR_LIMIT, "heads are too large");
    }
    ctx->outputs[ONR_MULTI_HEAD_OUT].shape =
        (struct onr_shape){.rank = 3, .dim = {d.scores.batch, d.scores.queries, width}};
    set_cache(ctx, ONR_MULTI_HEAD_PRESENT_KEY, &d, d.head);
    set_cache(ctx, ONR_MULTI_HEAD_PRESENT_VALUE, &d, d.v_head);
    if (ctx->node->output_count > ONR_MULTI_HEAD_SCORES) {
        int64_t keys = 0;
        ONR_TRY(scores_keys(ctx, in, &d, &keys));
        ctx->outputs[ONR_MULTI_HEAD_SCORES].shape = (struct onr_shape){
            .rank = 4, .dim = {d.scores.batch, d.scores.heads, d.scores.queries, keys}};
    }
    return ONR_OK;
}
