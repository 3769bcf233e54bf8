/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes of GroupQueryAttention. */
#include "ops/contrib/group_query_shapes.h"

#include "base/size.h"

#include <inttypes.h>
#include <string.h>

unsigned onr_gqa_cache_bits(const struct onr_node *node)
{
    bool is_quantised = !onr_string_is(onr_attr_string(node, "k_quant_type", "NONE"), "NONE");
    return is_quantised ? (unsigned)onr_attr_int(node, "kv_cache_bit_width", 0) : 0;
}

enum onr_dtype onr_gqa_cache_dtype(const struct onr_node *node, const struct onr_fact *past_key)
{
    bool is_float = past_key != NULL && past_key->dtype == ONR_FLOAT8E4M3FN;
    return onr_gqa_cache_bits(node) == 4 ? ONR_UINT8 : is_float ? ONR_FLOAT8E4M3FN : ONR_INT8;
}

static bool has_both(const struct onr_infer_ctx *ctx, uint32_t first, uint32_t second)
{
    return onr_infer_has_input(ctx, first) && onr_infer_has_input(ctx, second);
}

static bool has_one(const struct onr_infer_ctx *ctx, uint32_t first, uint32_t second)
{
    return onr_infer_has_input(ctx, first) != onr_infer_has_input(ctx, second);
}

/* Inputs that are there or not. */
static enum onr_status check_presence(struct onr_infer_ctx *ctx)
{
    if (!has_both(ctx, ONR_GQA_SEQLENS, ONR_GQA_TOTAL)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "seqlens_k and total_sequence_length are required");
    }
    if (onr_attr_int(ctx->node, "do_rotary", 0) != 0 && !has_both(ctx, ONR_GQA_COS, ONR_GQA_SIN)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "do_rotary needs cos_cache and sin_cache");
    }
    if (has_one(ctx, ONR_GQA_KEY, ONR_GQA_VALUE) ||
        has_one(ctx, ONR_GQA_PAST_KEY, ONR_GQA_PAST_VALUE) ||
        has_one(ctx, ONR_GQA_Q_NORM, ONR_GQA_K_NORM)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "key and value must come together");
    }
    return ONR_OK;
}

/* The types of a quantised cache. */
static enum onr_status check_cache(struct onr_infer_ctx *ctx)
{
    struct onr_string k_type = onr_attr_string(ctx->node, "k_quant_type", "NONE");
    struct onr_string v_type = onr_attr_string(ctx->node, "v_quant_type", "NONE");
    int64_t bits = onr_attr_int(ctx->node, "kv_cache_bit_width", 0);
    bool is_quantised = !onr_string_is(k_type, "NONE");
    if (k_type.length != v_type.length || memcmp(k_type.data, v_type.data, k_type.length) != 0) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED,
                              "k_quant_type and v_quant_type that are not the same");
    }
    if (is_quantised && !onr_string_is(k_type, "PER_TENSOR") &&
        !onr_string_is(k_type, "PER_CHANNEL")) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "k_quant_type must be NONE, PER_TENSOR or PER_CHANNEL");
    }
    if (is_quantised && bits != 4 && bits != 8) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "kv_cache_bit_width is %" PRId64 ", expected 4 or 8", bits);
    }
    if (is_quantised && !has_both(ctx, ONR_GQA_K_SCALE, ONR_GQA_V_SCALE)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "a quantised cache needs k_scale and v_scale");
    }
    enum onr_dtype want = ctx->inputs[ONR_GQA_QUERY]->dtype;
    const struct onr_fact *past =
        onr_infer_has_input(ctx, ONR_GQA_PAST_KEY) ? ctx->inputs[ONR_GQA_PAST_KEY] : NULL;
    enum onr_dtype got = past != NULL ? past->dtype : ONR_UNDEFINED;
    want = is_quantised ? onr_gqa_cache_dtype(ctx->node, past) : want;
    if (got != ONR_UNDEFINED && want != ONR_UNDEFINED && got != want) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "past_key is %s, expected %s",
                              onr_dtype_name(got), onr_dtype_name(want));
    }
    for (uint32_t i = 1; i < 3 && i < ctx->node->output_count; i++) {
        ctx->outputs[i].dtype = want;
    }
    return ONR_OK;
}

/* What is seen, and what is handed out of it. */
static enum onr_status check_window(struct onr_infer_ctx *ctx)
{
    int64_t window = onr_attr_int(ctx->node, "local_window_size", -1);
    bool is_sliding = onr_attr_int(ctx->node, "sliding_window_cache", 0) != 0;
    bool wants_scores = ctx->node->output_count > 3 && ctx->node->outputs[3] != ONR_NO_VALUE;
    int64_t scores = onr_attr_int(ctx->node, "qk_output", 0);
    if (onr_attr_int(ctx->node, "causal", 1) == 0 && window != -1) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "local_window_size is %" PRId64 ", expected -1 with causal = 0",
                              window);
    }
    if (wants_scores && scores != 1 && scores != 2) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "qk_output is %" PRId64 ", expected 1 or 2 with output_qk", scores);
    }
    if (!is_sliding) {
        return ONR_OK;
    }
    if (window <= 0 || !onr_infer_has_input(ctx, ONR_GQA_PAST_KEY)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "sliding_window_cache needs a local_window_size and past_key");
    }
    const struct onr_shape *past = &ctx->inputs[ONR_GQA_PAST_KEY]->shape;
    if (past->rank == 4 && past->dim[2] >= 0 && past->dim[2] < window) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "the cache has %" PRId64 " rows, expected local_window_size %" PRId64
                              " at least",
                              past->dim[2], window);
    }
    return wants_scores ? onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED, "output_qk of a sliding cache")
                        : ONR_OK;
}

static const char *const input_names[] = {
    "query",
    "key",
    "value",
    "past_key",
    "past_value",
    "seqlens_k",
    "total_sequence_length",
    "cos_cache",
    "sin_cache",
    "position_ids",
    "attention_bias",
    "head_sink",
    "k_scale",
    "v_scale",
    "q_norm_weight",
    "k_norm_weight",
};

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
                              "%s has shape %s, which does not fit query, num_heads and "
                              "kv_num_heads",
                              input_names[index], onr_shape_text(shape, text));
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

/* total_sequence_length, and the length of present: the larger of past and that. */
static enum onr_status present_rows(struct onr_infer_ctx *ctx, int64_t *all, int64_t *rows)
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
    *all = total != NULL ? total[0] : ONR_DIM_UNKNOWN;
    if (onr_attr_int(ctx->node, "sliding_window_cache", 0) != 0) {
        *rows = past;
        return ONR_OK;
    }
    *rows = total != NULL && past >= 0 ? onr_int_max(past, total[0]) : ONR_DIM_UNKNOWN;
    return ONR_OK;
}

/* Elements of a row of the cache: two codes of 4 bits are one. */
static int64_t cache_width(const struct onr_node *node, int64_t size)
{
    return size >= 0 && onr_gqa_cache_bits(node) == 4 ? size / 2 : size;
}

/* The numbers of a scale: one, or one for each element of each head. */
static enum onr_status check_scales(struct onr_infer_ctx *ctx, int64_t width)
{
    struct onr_string type = onr_attr_string(ctx->node, "k_quant_type", "NONE");
    int64_t want = onr_string_is(type, "PER_CHANNEL") ? width : 1;
    for (uint32_t i = ONR_GQA_K_SCALE; i <= ONR_GQA_V_SCALE && onr_gqa_cache_bits(ctx->node) > 0;
         i++) {
        int64_t count =
            onr_fact_is_shaped(ctx->inputs[i]) ? onr_shape_count(&ctx->inputs[i]->shape) : want;
        if (want >= 0 && count != want) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "%s has %" PRId64 " elements, expected %" PRId64,
                                  i == ONR_GQA_K_SCALE ? "k_scale" : "v_scale", count, want);
        }
    }
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
    const int64_t past[] = {batch, kv_heads, -1, cache_width(ctx->node, size)};
    ONR_TRY(check_shape(ctx, ONR_GQA_KEY, 3, added));
    ONR_TRY(check_shape(ctx, ONR_GQA_VALUE, 3, added));
    ONR_TRY(check_shape(ctx, ONR_GQA_PAST_KEY, 4, past));
    ONR_TRY(check_shape(ctx, ONR_GQA_PAST_VALUE, 4, past));
    ONR_TRY(check_shape(ctx, ONR_GQA_SEQLENS, 1, &batch));
    ONR_TRY(check_shape(ctx, ONR_GQA_POSITIONS, 2, added));
    ONR_TRY(check_shape(ctx, ONR_GQA_SINK, 1, &heads));
    ONR_TRY(check_shape(ctx, ONR_GQA_Q_NORM, 1, &size));
    ONR_TRY(check_shape(ctx, ONR_GQA_K_NORM, 1, &size));
    ONR_TRY(check_scales(ctx, width));
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
    int64_t total = ONR_DIM_UNKNOWN;
    int64_t rows = ONR_DIM_UNKNOWN;
    int64_t size = ONR_DIM_UNKNOWN;
    ONR_TRY(check_presence(ctx));
    ONR_TRY(check_cache(ctx));
    ONR_TRY(check_window(ctx));
    if (heads <= 0 || kv_heads <= 0 || heads > INT32_MAX || heads % kv_heads != 0) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "num_heads %" PRId64 " is not a multiple of kv_num_heads %" PRId64,
                              heads, kv_heads);
    }
    ONR_TRY(present_rows(ctx, &total, &rows));
    if (query->rank < 0) {
        return ONR_OK;
    }
    if (query->rank != 3) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "query has rank %d, expected 3", query->rank);
    }
    ONR_TRY(head_size(ctx, heads, kv_heads, &size));
    ONR_TRY(check_inputs(ctx, heads, kv_heads, size));
    if (onr_gqa_cache_bits(ctx->node) == 4 && size >= 0 && size % 2 != 0) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "heads have %" PRId64 " elements, 4 bits need an even number", size);
    }
    ctx->outputs[0].shape = *query;
    ctx->outputs[0].shape.dim[2] = size >= 0 ? heads * size : ONR_DIM_UNKNOWN;
    for (uint32_t i = 1; i < 3 && i < ctx->node->output_count; i++) {
        ctx->outputs[i].shape = (struct onr_shape){
            .rank = 4, .dim = {query->dim[0], kv_heads, rows, cache_width(ctx->node, size)}};
    }
    if (ctx->node->output_count > 3) {
        ctx->outputs[3].shape =
            (struct onr_shape){.rank = 4, .dim = {query->dim[0], heads, query->dim[1], total}};
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
