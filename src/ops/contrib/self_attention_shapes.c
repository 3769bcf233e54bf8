/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of the attentions of com.microsoft that project their input. */
#include "base/size.h"
#include "ops/common/contents.h"
#include "ops/contrib/self_attention.h"

#include <inttypes.h>

/* Sizes as far as they are known. */
struct self_dims {
    struct onr_score_dims scores;
    int64_t hidden, v_hidden; /* of queries and keys, of values */
    int64_t rows;             /* of present */
};

static enum onr_status check_dim(struct onr_infer_ctx *ctx, const char *what, int64_t got,
                                 int64_t want)
{
    if (got >= 0 && want >= 0 && got != want) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%s is %" PRId64 ", expected %" PRId64, what, got,
                              want);
    }
    return ONR_OK;
}

enum onr_status onr_self_attention_widths(struct onr_infer_ctx *ctx, int64_t width, int64_t heads,
                                          int64_t *hidden, int64_t *v_hidden)
{
    size_t count = 0;
    const int64_t *sizes = onr_attr_ints(ctx->node, "qkv_hidden_sizes", &count);
    *hidden = *v_hidden = ONR_DIM_UNKNOWN;
    if (count == 0) {
        if (width >= 0 && width % 3 != 0) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "weights: %" PRId64 " columns are not a multiple of 3", width);
        }
        *hidden = *v_hidden = width >= 0 ? width / 3 : ONR_DIM_UNKNOWN;
    } else {
        int64_t sum = 0;
        if (count != 3 || sizes[0] < 0 || sizes[2] < 0 || sizes[0] != sizes[1] ||
            !onr_int_add(sizes[0], sizes[1], &sum) || !onr_int_add(sum, sizes[2], &sum)) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL,
                                  "qkv_hidden_sizes must be three sizes, of which the first two "
                                  "are equal");
        }
        ONR_TRY(check_dim(ctx, "width of weights", width, sum));
        *hidden = sizes[0];
        *v_hidden = sizes[2];
    }
    if ((*hidden >= 0 && *hidden % heads != 0) || (*v_hidden >= 0 && *v_hidden % heads != 0)) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "hidden sizes %" PRId64 " and %" PRId64
                              " are not multiples of %" PRId64 " heads",
                              *hidden, *v_hidden, heads);
    }
    return ONR_OK;
}

static enum onr_status check_operands(struct onr_infer_ctx *ctx, struct self_dims *d)
{
    const struct onr_shape *input = &ctx->inputs[0]->shape;
    const struct onr_shape *weights = &ctx->inputs[1]->shape;
    ONR_TRY(onr_check_rank(ctx, 0, 3));
    ONR_TRY(onr_check_rank(ctx, 1, 2));
    d->scores.batch = input->rank < 0 ? ONR_DIM_UNKNOWN : input->dim[0];
    d->scores.queries = input->rank < 0 ? ONR_DIM_UNKNOWN : input->dim[1];
    int64_t width = weights->rank < 0 ? ONR_DIM_UNKNOWN : weights->dim[1];
    if (input->rank > 0 && weights->rank > 0) {
        ONR_TRY(check_dim(ctx, "height of weights", weights->dim[0], input->dim[2]));
    }
    if (onr_infer_has_input(ctx, 2)) {
        ONR_TRY(onr_check_rank(ctx, 2, 1));
        if (ctx->inputs[2]->shape.rank == 1) {
            ONR_TRY(check_dim(ctx, "length of bias", ctx->inputs[2]->shape.dim[0], width));
            width = width >= 0 ? width : ctx->inputs[2]->shape.dim[0];
        }
    }
    return onr_self_attention_widths(ctx, width, d->scores.heads, &d->hidden, &d->v_hidden);
}

static enum onr_status check_rotary(struct onr_infer_ctx *ctx, const struct self_dims *d)
{
    int64_t dim = onr_attr_int(ctx->node, "rotary_embedding_dim", 0);
    int64_t head = d->hidden >= 0 ? d->hidden / d->scores.heads : INT64_MAX - 1;
    if (onr_attr_int(ctx->node, "do_rotary", 0) != 0 &&
        (dim < 0 || dim > head || dim % 2 != 0 || (dim == 0 && head % 2 != 0))) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "rotary_embedding_dim is %" PRId64
                              ", expected an even number up to the head size %" PRId64,
                              dim, head);
    }
    return ONR_OK;
}

/* Sizes that follow from past, whose keys and values are of one width. */
static enum onr_status check_past(struct onr_infer_ctx *ctx, struct self_dims *d,
                                  const struct onr_self_attention_inputs *in)
{
    bool is_shared = onr_attr_int(ctx->node, "past_present_share_buffer", 0) != 0;
    bool has_past = onr_infer_has_input(ctx, in->past);
    d->scores.keys = d->scores.queries;
    d->rows = d->scores.queries;
    if (is_shared && !(has_past && onr_infer_has_input(ctx, in->past_length))) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "past_present_share_buffer needs past and past_sequence_length");
    }
    if (has_past || ctx->node->output_count > 1) {
        ONR_TRY(
            check_dim(ctx, "hidden size of values with past or present", d->v_hidden, d->hidden));
    }
    if (!has_past) {
        return ONR_OK;
    }
    const struct onr_shape *past = &ctx->inputs[in->past]->shape;
    ONR_TRY(onr_check_rank(ctx, in->past, 5));
    d->scores.keys = d->rows = ONR_DIM_UNKNOWN;
    if (past->rank < 0) {
        return ONR_OK;
    }
    int64_t head = d->hidden >= 0 ? d->hidden / d->scores.heads : ONR_DIM_UNKNOWN;
    ONR_TRY(check_dim(ctx, "dimension 0 of past", past->dim[0], 2));
    ONR_TRY(check_dim(ctx, "batch size of past", past->dim[1], d->scores.batch));
    ONR_TRY(check_dim(ctx, "heads of past", past->dim[2], d->scores.heads));
    ONR_TRY(check_dim(ctx, "head size of past", past->dim[4], head));
    if (is_shared) {
        d->rows = past->dim[3];
    } else if (past->dim[3] >= 0 && d->scores.queries >= 0) {
        if (!onr_int_add(past->dim[3], d->scores.queries, &d->rows)) {
            return onr_infer_fail(ctx, ONR_ERR_LIMIT, "past is too long");
        }
        d->scores.keys = d->rows;
    }
    return ONR_OK;
}

enum onr_status onr_self_attention_infer(struct onr_infer_ctx *ctx,
                                         const struct onr_self_attention_inputs *in)
{
    struct self_dims d = {.scores.heads = onr_attr_int(ctx->node, "num_heads", 0)};
    if (d.scores.heads <= 0 || d.scores.heads > INT32_MAX) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "num_heads is %" PRId64 ", expected a positive number",
                              d.scores.heads);
    }
    ONR_TRY(check_operands(ctx, &d));
    ONR_TRY(check_rotary(ctx, &d));
    ONR_TRY(check_past(ctx, &d, in));
    ONR_TRY(onr_padding_check(ctx, in->mask, &d.scores));
    ONR_TRY(onr_score_bias_check(ctx, in->bias, &d.scores));
    ctx->outputs[0].shape =
        (struct onr_shape){.rank = 3, .dim = {d.scores.batch, d.scores.queries, d.v_hidden}};
    if (ctx->node->output_count > 1) {
        int64_t head = d.hidden >= 0 ? d.hidden / d.scores.heads : ONR_DIM_UNKNOWN;
        ctx->outputs[1].shape =
            (struct onr_shape){.rank = 5, .dim = {2, d.scores.batch, d.scores.heads, d.rows, head}};
    }
    return ONR_OK;
}
