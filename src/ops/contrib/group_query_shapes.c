/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of GroupQueryAttention. */
#include "ops/contrib/group_query_shapes.h"

#include "base/size.h"

#include <inttypes.h>

static enum onr_status check_supported(struct onr_infer_ctx *ctx)
{
    if (!onr_infer_has_input(ctx, ONR_GQA_SEQLENS) || !onr_infer_has_input(ctx, ONR_GQA_TOTAL)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "seqlens_k and total_sequence_length are required");
    }
    for (uint32_t i = ONR_GQA_COUNT; i < ctx->node->input_count; i++) {
        if (ctx->inputs[i] != NULL) {
            return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED, "input %" PRIu32, i);
        }
    }
    struct onr_string k_type = onr_attr_string(ctx->node, "k_quant_type", "NONE");
    struct onr_string v_type = onr_attr_string(ctx->node, "v_quant_type", "NONE");
    if (!onr_string_is(k_type, "NONE") || !onr_string_is(v_type, "NONE") ||
        onr_attr_int(ctx->node, "qk_output", 0) > 0 || onr_attr_int(ctx->node, "causal", 1) != 1 ||
        onr_attr_int(ctx->node, "sliding_window_cache", 0) != 0) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED,
                              "a quantised or sliding cache, output of scores, or causal = 0");
    }
    bool do_rotary = onr_attr_int(ctx->node, "do_rotary", 0) != 0;
    if (do_rotary &&
        !(onr_infer_has_input(ctx, ONR_GQA_COS) && onr_infer_has_input(ctx, ONR_GQA_SIN))) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "do_rotary needs cos_cache and sin_cache");
    }
    bool has_key = onr_infer_has_input(ctx, ONR_GQA_KEY);
    if (has_key != onr_infer_has_input(ctx, ONR_GQA_VALUE) ||
        onr_infer_has_input(ctx, ONR_GQA_PAST_KEY) !=
            onr_infer_has_input(ctx, ONR_GQA_PAST_VALUE)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "key and value must come together");
    }
    return ONR_OK;
}

/* Fails unless an input, if present and known, has these dims (negative: any). */
static enum onr_status check_shape(struct onr_infer_ctx *ctx, uint32_t index, int rank,
                                   const int64_t *want)
{
    if (!onr_infer_has_input(ctx, index) || ctx->inputs[index]->shape.rank < 0) {
        return ONR_OK;
    }
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    bool fits = shape->rank == rank;
    for (int i = 0; fits && i < rank; i++) {
        fits = want[i] < 0 || shape->dim[i] < 0 || shape->dim[i] == want[i];
    }
    if (!fits) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "input %" PRIu32 " has shape %s, which does not "
                              "fit query, num_heads and kv_num_heads",
                              index, onr_shape_text(shape, text));
    }
    return ONR_OK;
}

static enum onr_status head_size(struct onr_infer_ctx *ctx, int64_t heads, int64_t kv_heads,
                                 int64_t *size)
{
    int64_t width = ctx->inputs[ONR_GQA_QUERY]->shape.dim[2];
    int64_t all = onr_infer_has_input(ctx, ONR_GQA_KEY) ? heads : heads + 2 * kv_heads;
    *size = ONR_DIM_UNKNOWN;
    if (width >= 0 && width % all != 0) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "query: %" PRId64 " is not a multiple of %" PRId64 " heads", width,
                              all);
    }
    *size = width >= 0 ? width / all : ONR_DIM_UNKNOWN;
    return ONR_OK;
}

/* Length of present: the larger of past and total_sequence_length. */
static enum onr_status present_rows(struct onr_infer_ctx *ctx, int64_t *rows)
{
    const int64_t *total = NULL;
    size_t count = 0;
    int64_t past = 0;
    ONR_TRY(onr_infer_ints(ctx, ONR_GQA_TOTAL, &total, &count));
    if (onr_infer_has_input(ctx, ONR_GQA_PAST_KEY)) {
        const struct onr_shape *shape = &ctx->inputs[ONR_GQA_PAST_KEY]->shape;
        past = shape->rank == 4 ? shape->dim[2] : ONR_DIM_UNKNOWN;
    }
    if (total != NULL && (count != 1 || total[0] < 0)) {
        return onr_infer_fail(ctx, ONR_ERR_VALUE, "total_sequence_length must be one number >= 0");
    }
    *rows = total != NULL && past >= 0 ? onr_int_max(past, total[0]) : ONR_DIM_UNKNOWN;
    return ONR_OK;
}

static enum onr_status check_inputs(struct onr_infer_ctx *ctx, int64_t heads, int64_t kv_heads,
                                    int64_t size)
{
    const struct onr_shape *query = &ctx->inputs[ONR_GQA_QUERY]->shape;
    int64_t batch = query->dim[0];
    int64_t width = -1;
    if (size >= 0 && !onr_int_mul(kv_heads, size, &width)) {
        return onr_infer_fail(ctx, ONR_ERR_LIMIT, "heads are too large");
    }
    const int64_t added[] = {batch, query->dim[1], width};
    const int64_t past[] = {batch, kv_heads, -1, size};
    ONR_TRY(check_shape(ctx, ONR_GQA_KEY, 3, added));
    ONR_TRY(check_shape(ctx, ONR_GQA_VALUE, 3, added));
    ONR_TRY(check_shape(ctx, ONR_GQA_PAST_KEY, 4, past));
    ONR_TRY(check_shape(ctx, ONR_GQA_PAST_VALUE, 4, past));
    ONR_TRY(check_shape(ctx, ONR_GQA_SEQLENS, 1, &batch));
    ONR_TRY(check_shape(ctx, ONR_GQA_POSITIONS, 2, added));
    ONR_TRY(check_shape(ctx, ONR_GQA_SINK, 1, &heads));
    ONR_TRY(check_shape(ctx, ONR_GQA_COS, 2, (const int64_t[]){-1, -1}));
    if (onr_infer_has_input(ctx, ONR_GQA_COS) && onr_infer_has_input(ctx, ONR_GQA_SIN)) {
        const struct onr_shape *cos = &ctx->inputs[ONR_GQA_COS]->shape;
        ONR_TRY(check_shape(ctx, ONR_GQA_SIN, 2,
                            cos->rank == 2 ? cos->dim : (const int64_t[]){-1, -1}));
        if (cos->rank == 2 && size >= 0 && cos->dim[1] > size / 2) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "cos_cache has width %" PRId64 ", heads have %" PRId64
                                  " elements",
                                  cos->dim[1], size);
        }
    }
    if (onr_infer_has_input(ctx, ONR_GQA_BIAS) && ctx->inputs[ONR_GQA_BIAS]->shape.rank >= 0) {
        const struct onr_shape *bias = &ctx->inputs[ONR_GQA_BIAS]->shape;
        const int64_t want[] = {bias->rank > 0 && bias->dim[0] == 1 ? 1 : batch,
                                bias->rank > 1 && bias->dim[1] == 1 ? 1 : heads, query->dim[1], -1};
        return check_shape(ctx, ONR_GQA_BIAS, 4, want);
    }
    return ONR_OK;
}

enum onr_status onr_gqa_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *query = &ctx->inputs[ONR_GQA_QUERY]->shape;
    int64_t heads = onr_attr_int(ctx->node, "num_heads", 0);
    int64_t kv_heads = onr_attr_int(ctx->node, "kv_num_heads", 0);
    int64_t rows = ONR_DIM_UNKNOWN;
    int64_t size = ONR_DIM_UNKNOWN;
    ONR_TRY(check_supported(ctx));
    if (heads <= 0 || kv_heads <= 0 || heads > INT32_MAX || heads % kv_heads != 0) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "num_heads %" PRId64 " is not a multiple of kv_num_heads %" PRId64,
                              heads, kv_heads);
    }
    ONR_TRY(present_rows(ctx, &rows));
    if (query->rank < 0) {
        return ONR_OK;
    }
    if (query->rank != 3) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "query has rank %d, expected 3", query->rank);
    }
    ONR_TRY(head_size(ctx, heads, kv_heads, &size));
    ONR_TRY(check_inputs(ctx, heads, kv_heads, size));
    ctx->outputs[0].shape = *query;
    ctx->outputs[0].shape.dim[2] = size >= 0 ? heads * size : ONR_DIM_UNKNOWN;
    for (uint32_t i = 1; i < ctx->node->output_count; i++) {
        ctx->outputs[i].shape =
            (struct onr_shape){.rank = 4, .dim = {query->dim[0], kv_heads, rows, size}};
    }
    return ONR_OK;
}

const struct onr_attr_spec onr_gqa_attrs[] = {
    {"causal", ONR_ATTR_INT, false},          {"do_rotary", ONR_ATTR_INT, false},
    {"k_quant_type", ONR_ATTR_STRING, false}, {"kv_cache_bit_width", ONR_ATTR_INT, false},
    {"kv_num_heads", ONR_ATTR_INT, true},     {"local_window_size", ONR_ATTR_INT, false},
    {"num_heads", ONR_ATTR_INT, true},        {"qk_norm_epsilon", ONR_ATTR_FLOAT, false},
    {"qk_output", ONR_ATTR_INT, false},       {"rotary_interleaved", ONR_ATTR_INT, false},
    {"scale", ONR_ATTR_FLOAT, false},         {"sliding_window_cache", ONR_ATTR_INT, false},
    {"smooth_softmax", ONR_ATTR_INT, false},  {"softcap", ONR_ATTR_FLOAT, false},
    {"v_quant_type", ONR_ATTR_STRING, false}, {NULL, 0, false},
};
