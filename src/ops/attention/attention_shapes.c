/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of Attention. */
#include "ops/attention/attention_shapes.h"

#include "base/size.h"

#include <inttypes.h>

/* Sizes as far as they are known; others are ONR_DIM_UNKNOWN or symbols. */
struct attention_dims {
    int rank;
    int64_t batch, heads, kv_heads, queries, added, past, head, v_head;
};

/* Version 25 forbids for rank 4 what before had no meaning there. */
static enum onr_status check_heads(struct onr_infer_ctx *ctx, const char *attr, int rank)
{
    const struct onr_attr *heads = onr_node_attr(ctx->node, attr);
    if (rank == 4 && heads != NULL && ctx->node->version >= 25) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "attribute \"%s\" is for inputs of rank 3, these have rank 4", attr);
    }
    if (rank == 3 && heads == NULL) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "attribute \"%s\" is needed for rank 3", attr);
    }
    if (rank == 3 && heads->as.i <= 0) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "%s is %" PRId64 ", expected above 0", attr,
                              heads->as.i);
    }
    return ONR_OK;
}

static enum onr_status split_heads(struct onr_infer_ctx *ctx, uint32_t index, const char *attr,
                                   int64_t *heads, int64_t *rows, int64_t *width)
{
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    ONR_TRY(check_heads(ctx, attr, shape->rank));
    if (shape->rank == 4) {
        *heads = shape->dim[1];
        *rows = shape->dim[2];
        *width = shape->dim[3];
        return ONR_OK;
    }
    *heads = onr_attr_int(ctx->node, attr, 0);
    *rows = shape->dim[1];
    *width = shape->dim[2];
    if (*width >= 0) {
        if (*width % *heads != 0) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "input %u: %" PRId64 " is not a multiple of %" PRId64 " heads",
                                  (unsigned)index, *width, *heads);
        }
        *width /= *heads;
    } else if (*heads != 1) {
        *width = ONR_DIM_UNKNOWN;
    }
    return ONR_OK;
}

static enum onr_status check_equal(struct onr_infer_ctx *ctx, const char *what, int64_t a,
                                   int64_t b)
{
    if (a >= 0 && b >= 0 && a != b) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%s differs: %" PRId64 " and %" PRId64, what, a,
                              b);
    }
    return ONR_OK;
}

static enum onr_status read_dims(struct onr_infer_ctx *ctx, struct attention_dims *d)
{
    int64_t rows = 0;
    int64_t width = 0;
    int64_t kv_heads = 0;
    for (uint32_t i = ONR_ATTENTION_IN_Q; i <= ONR_ATTENTION_IN_V; i++) {
        int rank = ctx->inputs[i]->shape.rank;
        if ((rank != 3 && rank != 4) || rank != ctx->inputs[0]->shape.rank) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "input %u has rank %d, expected 3 or 4 as the others",
                                  (unsigned)i, rank);
        }
        ONR_TRY(check_equal(ctx, "batch size", ctx->inputs[0]->shape.dim[0],
                            ctx->inputs[i]->shape.dim[0]));
    }
    d->rank = ctx->inputs[0]->shape.rank;
    d->batch = ctx->inputs[0]->shape.dim[0];
    ONR_TRY(split_heads(ctx, ONR_ATTENTION_IN_Q, "q_num_heads", &d->heads, &d->queries, &d->head));
    ONR_TRY(split_heads(ctx, ONR_ATTENTION_IN_K, "kv_num_heads", &d->kv_heads, &d->added, &width));
    ONR_TRY(check_equal(ctx, "head size of Q and K", d->head, width));
    ONR_TRY(split_heads(ctx, ONR_ATTENTION_IN_V, "kv_num_heads", &kv_heads, &rows, &d->v_head));
    ONR_TRY(check_equal(ctx, "number of heads of K and V", d->kv_heads, kv_heads));
    ONR_TRY(check_equal(ctx, "length of K and V", d->added, rows));
    if (d->heads >= 0 && d->kv_heads >= 0 &&
        (d->kv_heads == 0 ? d->heads != 0 : d->heads % d->kv_heads != 0)) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "%" PRId64 " heads are not a multiple of %" PRId64 " kv heads",
                              d->heads, d->kv_heads);
    }
    return ONR_OK;
}

static enum onr_status check_past(struct onr_infer_ctx *ctx, struct attention_dims *d)
{
    bool has_key = onr_infer_has_input(ctx, ONR_ATTENTION_IN_PAST_KEY);
    d->past = 0;
    if (has_key != onr_infer_has_input(ctx, ONR_ATTENTION_IN_PAST_VALUE)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "past_key and past_value must come together");
    }
    if (!has_key) {
        return ONR_OK;
    }
    if (onr_infer_has_input(ctx, ONR_ATTENTION_IN_NONPAD)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "past_key and nonpad_kv_seqlen exclude each other");
    }
    const struct onr_shape *key = &ctx->inputs[ONR_ATTENTION_IN_PAST_KEY]->shape;
    const struct onr_shape *value = &ctx->inputs[ONR_ATTENTION_IN_PAST_VALUE]->shape;
    d->past = ONR_DIM_UNKNOWN;
    if (key->rank < 0 || value->rank < 0) {
        return ONR_OK;
    }
    if (key->rank != 4 || value->rank != 4) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "past_key and past_value must have rank 4");
    }
    d->past = key->dim[2];
    ONR_TRY(check_equal(ctx, "length of past_key and past_value", d->past, value->dim[2]));
    ONR_TRY(check_equal(ctx, "batch size of past_key", d->batch, key->dim[0]));
    ONR_TRY(check_equal(ctx, "batch size of past_value", d->batch, value->dim[0]));
    ONR_TRY(check_equal(ctx, "heads of past_key", d->kv_heads, key->dim[1]));
    ONR_TRY(check_equal(ctx, "heads of past_value", d->kv_heads, value->dim[1]));
    ONR_TRY(check_equal(ctx, "head size of past_key", d->head, key->dim[3]));
    return check_equal(ctx, "head size of past_value", d->v_head, value->dim[3]);
}

static int64_t total_keys(const struct attention_dims *d)
{
    if (d->past == 0) {
        return d->added;
    }
    return d->past > 0 && d->added >= 0 ? d->past + d->added : ONR_DIM_UNKNOWN;
}

static enum onr_status check_mask(struct onr_infer_ctx *ctx, const struct attention_dims *d)
{
    if (!onr_infer_has_input(ctx, ONR_ATTENTION_IN_MASK) ||
        ctx->inputs[ONR_ATTENTION_IN_MASK]->shape.rank < 0) {
        return ONR_OK;
    }
    const struct onr_shape *mask = &ctx->inputs[ONR_ATTENTION_IN_MASK]->shape;
    int64_t wanted[4] = {d->batch, d->heads, d->queries, total_keys(d)};
    bool fits = mask->rank >= 1 && mask->rank <= 4;
    for (int i = 0; fits && i < mask->rank; i++) {
        int64_t want = wanted[4 - mask->rank + i];
        int64_t dim = mask->dim[i];
        bool is_last = i == mask->rank - 1;
        fits = dim < 0 || want < 0 || dim == want || (is_last ? dim < want : dim == 1);
    }
    if (!fits) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "mask of shape %s does not fit scores of [%" PRId64 ", %" PRId64
                              ", %" PRId64 ", %" PRId64 "]",
                              onr_shape_text(mask, text), wanted[0], wanted[1], wanted[2],
                              wanted[3]);
    }
    return ONR_OK;
}

static enum onr_status check_attrs(struct onr_infer_ctx *ctx)
{
    static const char *const windows[] = {"left_window_size", "right_window_size"};
    int64_t mode = onr_attr_int(ctx->node, "qk_matmul_output_mode", 0);
    int64_t precision = onr_attr_int(ctx->node, "softmax_precision", ONR_FLOAT);
    for (int i = 0; i < 2; i++) {
        int64_t size = onr_attr_int(ctx->node, windows[i], -1);
        if (size < -1) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL,
                                  "%s is %" PRId64 ", expected -1 (no bound) or more", windows[i],
                                  size);
        }
    }
    if (mode < 0 || mode > 3) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "qk_matmul_output_mode is %" PRId64 ", expected 0 to 3", mode);
    }
    if (!onr_dtype_is_valid(precision) ||
        !onr_dtypes_has(ONR_DTYPES_FLOAT, (enum onr_dtype)precision)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "softmax_precision is %" PRId64 ", expected 1, 10, 11 or 16",
                              precision);
    }
    return ONR_OK;
}

static void set_shape(struct onr_infer_ctx *ctx, uint32_t index, int64_t a, int64_t b, int64_t c,
                      int64_t d)
{
    if (index < ctx->node->output_count) {
        ctx->outputs[index].shape = (struct onr_shape){.rank = 4, .dim = {a, b, c, d}};
    }
}

enum onr_status onr_attention_infer(struct onr_infer_ctx *ctx)
{
    struct attention_dims d = {0};
    ONR_TRY(check_attrs(ctx));
    if (ctx->inputs[0]->shape.rank < 0 || ctx->inputs[1]->shape.rank < 0 ||
        ctx->inputs[2]->shape.rank < 0) {
        return ONR_OK;
    }
    ONR_TRY(read_dims(ctx, &d));
    ONR_TRY(check_past(ctx, &d));
    ONR_TRY(check_mask(ctx, &d));
    if (onr_infer_has_input(ctx, ONR_ATTENTION_IN_NONPAD) &&
        ctx->inputs[ONR_ATTENTION_IN_NONPAD]->shape.rank >= 0) {
        const struct onr_shape *nonpad = &ctx->inputs[ONR_ATTENTION_IN_NONPAD]->shape;
        if (nonpad->rank != 1) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE, "nonpad_kv_seqlen has rank %d, expected 1",
                                  nonpad->rank);
        }
        ONR_TRY(check_equal(ctx, "batch size of nonpad_kv_seqlen", d.batch, nonpad->dim[0]));
    }
    if (d.rank == 4) {
        set_shape(ctx, ONR_ATTENTION_OUT_Y, d.batch, d.heads, d.queries, d.v_head);
    } else {
        int64_t width = d.v_head >= 0 ? 0 : ONR_DIM_UNKNOWN;
        if (width == 0 && !onr_int_mul(d.heads, d.v_head, &width)) {
            return onr_infer_fail(ctx, ONR_ERR_LIMIT, "heads are too large");
        }
        ctx->outputs[0].shape = (struct onr_shape){.rank = 3, .dim = {d.batch, d.queries, width}};
    }
    set_shape(ctx, ONR_ATTENTION_OUT_PRESENT_KEY, d.batch, d.kv_heads, total_keys(&d), d.head);
    set_shape(ctx, ONR_ATTENTION_OUT_PRESENT_VALUE, d.batch, d.kv_heads, total_keys(&d), d.v_head);
    set_shape(ctx, ONR_ATTENTION_OUT_SCORES, d.batch, d.heads, d.queries, total_keys(&d));
    return ONR_OK;
}
