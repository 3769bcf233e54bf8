/* SPDX-License-Identifier: Apache-2.0 */
/* Attention of packed sequences. */
#include "ops/contrib/packed_attention.h"

#include "ops/common/check_dims.h"
#include "ops/contrib/padding_mask.h"

#include <inttypes.h>
#include <math.h>

enum onr_status onr_packed_attention_heads(const struct onr_infer_ctx *ctx, int64_t *heads)
{
    return onr_check_attr_int(ctx, "num_heads", 0, 1, INT32_MAX, heads);
}

enum onr_status onr_packed_attention_infer(struct onr_infer_ctx *ctx,
                                           const struct onr_packed_inputs *in, int64_t tokens,
                                           int64_t heads, int64_t v_hidden)
{
    ONR_TRY(onr_check_dims(ctx, in->token_offset, "token_offset", 2, (int64_t[]){-1, -1}));
    int64_t batch = onr_known_dim(ctx, in->token_offset, 0);
    int64_t length = onr_known_dim(ctx, in->token_offset, 1);
    int64_t sums = batch >= 0 ? batch + 1 : ONR_DIM_UNKNOWN;
    ONR_TRY(onr_check_dims(ctx, in->cumulated, "cumulative_sequence_length", 1, &sums));
    struct onr_score_dims scores = {batch, heads, length, length};
    ONR_TRY(onr_score_bias_check(ctx, in->attention_bias, &scores));
    ctx->outputs[0].shape = (struct onr_shape){.rank = 2, .dim = {tokens, v_hidden}};
    return ONR_OK;
}

enum onr_status onr_packed_attention_plan(struct onr_packed_attention *packed,
                                          const struct onr_packed_inputs *in,
                                          struct onr_plan_ctx *ctx)
{
    struct onr_attention *a = &packed->attention;
    const struct onr_shape *offset = &ctx->inputs[in->token_offset]->shape;
    enum onr_dtype dtype = ctx->inputs[0]->dtype;
    float scale = onr_attr_float(ctx->node, "scale", 0);
    packed->in = *in;
    packed->batch = (size_t)offset->dim[0];
    packed->tokens = (size_t)ctx->outputs[0].shape.dim[0];
    a->batch = 1;
    a->kv_heads = a->heads;
    a->queries = a->keys = (size_t)offset->dim[1];
    a->q_dtype = a->k_dtype = a->v_dtype = a->y_dtype = dtype;
    a->y = (struct onr_head_strides){0, a->v_head, a->heads * a->v_head};
    a->scale = scale != 0.0f ? (double)scale : 1.0 / sqrt((double)a->head);
    a->window_left = a->window_right = -1;
    a->scores_output = ONR_SCORES_NONE;
    onr_score_bias_plan(&a->masks[0], onr_plan_input(ctx, in->attention_bias));
    packed->bias_stride = a->masks[0].strides.batch;
    ONR_TRY(onr_attention_plan(a, ctx, &packed->bytes));
    a->told_batch = packed->batch;
    return ONR_OK;
}

static enum onr_status check_lengths(const struct onr_packed_attention *packed,
                                     const int32_t *cumulated, struct onr_error *err)
{
    for (size_t b = 0; b < packed->batch; b++) {
        int64_t length = (int64_t)cumulated[b + 1] - cumulated[b];
        if (length < 0 || (size_t)length > packed->attention.keys) {
            return onr_fail(err, ONR_ERR_VALUE,
                            "cumulative_sequence_length gives sequence %zu a length of %" PRId64
                            ", expected 0 to %zu",
                            b, length, packed->attention.keys);
        }
    }
    int32_t first = cumulated[0];
    int32_t last = cumulated[packed->batch];
    if (first != 0 || (size_t)last != packed->tokens) {
        return onr_fail(err, ONR_ERR_VALUE,
                        "cumulative_sequence_length goes from %" PRId32 " to %" PRId32
                        ", expected 0 to %zu tokens",
                        first, last, packed->tokens);
    }
    return ONR_OK;
}

enum onr_status onr_packed_attention_run(const struct onr_packed_attention *packed, const void *q,
                                         const void *k, const void *v, void *workspace,
                                         const struct onr_run_ctx *ctx)
{
    const int32_t *cumulated = ctx->inputs[packed->in.cumulated]->data;
    const char *bias = onr_input_data(ctx, packed->in.attention_bias);
    ONR_TRY(check_lengths(packed, cumulated, ctx->err));
    struct onr_attention a = packed->attention;
    size_t element = onr_dtype_size(a.q_dtype);
    for (size_t b = 0; b < packed->batch; b++) {
        size_t first = (size_t)cumulated[b];
        a.queries = a.keys = (size_t)cumulated[b + 1] - first;
        struct onr_attention_data data = {
            .q = (const char *)q + first * a.q.row * element,
            .k = (const char *)k + first * a.k.row * element,
            .v = (const char *)v + first * a.v.row * element,
            .masks = {bias != NULL ? bias + b * packed->bias_stride * element : NULL},
            .y = (char *)ctx->outputs[0]->data + first * a.y.row * element,
            .workspace = workspace,
            .told_from = b,
        };
        if (a.queries > 0) {
            ONR_TRY(onr_attention_run(&a, &data, ctx));
        }
    }
    return ONR_OK;
}
