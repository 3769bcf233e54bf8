/* SPDX-License-Identifier: Apache-2.0 */
/* Attention over projected operands. */
#include "ops/contrib/multi_head.h"

#include "ops/attention/attention_heads.h"
#include "ops/common/axes.h"
#include "ops/common/float_io.h"
#include "ops/common/workspace.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>

/* ---- planning ---- */

/* Queries, keys or values as they come. */
struct operand {
    uint32_t input;
    size_t first; /* element */
    struct onr_head_strides strides;
    size_t rows;
    size_t width;      /* of a head */
    bool is_biased;    /* a copy with bias is made, [B,rows,N*width] */
    size_t bias_first; /* element of bias */
    size_t copy_at;    /* in the workspace */
};

struct multi_head_plan {
    struct onr_attention attention;
    struct onr_padding padding;
    struct onr_multi_head_inputs in;
    struct operand operands[3];
    bool is_shared;
    bool has_beams;
    size_t past_rows;
    size_t element;
    size_t worker_bytes; /* of the scratch in which bias is added */
    /* offsets in the workspace */
    size_t flags_at, limit_at, offset_at, bias_at, present_at[2], attention_at;
};

/* Where the heads of part `index` of a packed tensor begin and how they follow each other. */
static void set_packed(struct operand *operand, const struct onr_multi_head_dims *d, size_t parts,
                       size_t index, uint32_t input)
{
    size_t head = (size_t)d->head;
    size_t row = (size_t)d->scores.heads * parts * head;
    operand->input = input;
    operand->first = index * head;
    operand->strides = (struct onr_head_strides){operand->rows * row, parts * head, row};
}

static void set_operand(struct operand *operand, const struct onr_multi_head_dims *d,
                        uint32_t index, const struct onr_plan_ctx *ctx)
{
    operand->input = index;
    operand->rows = (size_t)(index == ONR_MULTI_HEAD_QUERY ? d->scores.queries : d->added);
    operand->width = (size_t)(index == ONR_MULTI_HEAD_VALUE ? d->v_head : d->head);
    operand->bias_first = index * (size_t)(d->scores.heads * d->head);
    if (d->format == ONR_QKV_HEADS) {
        set_packed(operand, d, 3, index, ONR_MULTI_HEAD_QUERY);
    } else if (d->format == ONR_QKV_KV && index != ONR_MULTI_HEAD_QUERY) {
        set_packed(operand, d, 2, index - 1, ONR_MULTI_HEAD_KEY);
    } else if (d->format == ONR_QKV_ROWS) {
        size_t hidden = (size_t)(d->scores.heads * d->head);
        operand->input = ONR_MULTI_HEAD_QUERY;
        operand->first = index * hidden;
        operand->strides =
            (struct onr_head_strides){operand->rows * 3 * hidden, operand->width, 3 * hidden};
    } else {
        operand->strides = onr_head_strides_of(&ctx->inputs[index]->shape, d->scores.heads);
    }
}

static void plan_operands(struct multi_head_plan *plan, const struct onr_multi_head_dims *d,
                          const struct onr_plan_ctx *ctx)
{
    struct onr_attention *a = &plan->attention;
    struct onr_head_strides *strides[3] = {&a->q, &a->k, &a->v};
    bool has_bias = onr_plan_input(ctx, plan->in.bias) != NULL;
    for (uint32_t i = 0; i < 3; i++) {
        struct operand *operand = &plan->operands[i];
        set_operand(operand, d, i, ctx);
        /* keys and values of a cache had their bias added when they were written */
        operand->is_biased = has_bias && (i == ONR_MULTI_HEAD_QUERY || d->format != ONR_QKV_CACHED);
        if (operand->is_biased) {
            size_t row = a->heads * operand->width;
            *strides[i] = (struct onr_head_strides){operand->rows * row, operand->width, row};
        } else {
            *strides[i] = operand->strides;
        }
    }
}

static void plan_sizes(struct multi_head_plan *plan, const struct onr_multi_head_dims *d,
                       const struct onr_plan_ctx *ctx)
{
    struct onr_attention *a = &plan->attention;
    a->batch = (size_t)d->scores.batch;
    a->heads = a->kv_heads = (size_t)d->scores.heads;
    a->queries = (size_t)d->scores.queries;
    a->head = (size_t)d->head;
    a->v_head = (size_t)d->v_head;
    a->y = onr_head_strides_of(&ctx->outputs[0].shape, d->scores.heads);
    plan->past_rows = (size_t)d->past;
    a->past = d->is_shared ? 0 : plan->past_rows;
    a->keys = d->is_shared ? plan->past_rows : plan->past_rows + (size_t)d->added;
    size_t rows = plan->past_rows;
    a->past_k = (struct onr_head_strides){a->heads * rows * a->head, rows * a->head, a->head};
    a->past_v = (struct onr_head_strides){a->heads * rows * a->v_head, rows * a->v_head, a->v_head};
}

static bool has_output(const struct onr_plan_ctx *ctx, uint32_t index)
{
    return index < ctx->node->output_count && ctx->node->outputs[index] != ONR_NO_VALUE;
}

static void plan_scores(struct multi_head_plan *plan, const struct onr_plan_ctx *ctx)
{
    struct onr_attention *a = &plan->attention;
    const struct onr_node *node = ctx->node;
    float scale = onr_attr_float(node, "scale", 0);
    a->scale = scale != 0.0f ? (double)scale : 1.0 / sqrt((double)a->head);
    a->is_causal = onr_attr_int(node, "unidirectional", 0) != 0;
    a->window_left = a->window_right = -1;
    a->scores_output = ONR_SCORES_NONE;
    a->hidden = -(double)FLT_MAX;
    if (has_output(ctx, ONR_MULTI_HEAD_SCORES)) {
        a->scores_output = ONR_SCORES_MASKED;
        a->keys = (size_t)ctx->outputs[ONR_MULTI_HEAD_SCORES].shape.dim[3];
    }
    onr_padding_plan(&plan->padding, a, onr_plan_input(ctx, plan->in.mask),
                     (double)onr_attr_float(node, "mask_filter_value", -10000.0f));
    a->masks[0] = plan->padding.mask;
    onr_score_bias_plan(&a->masks[1], onr_plan_input(ctx, plan->in.score_bias));
}

static enum onr_status plan_workspace(struct multi_head_plan *plan, struct onr_plan_ctx *ctx)
{
    struct onr_attention *a = &plan->attention;
    struct onr_workspace space = {0};
    size_t attention_bytes = 0;
    size_t widest = a->head > a->v_head ? a->head : a->v_head;
    ONR_TRY(onr_attention_plan(a, ctx, &attention_bytes));
    plan->worker_bytes = onr_biased_heads_scratch(widest);
    plan->flags_at = onr_workspace_add(&space, plan->padding.bytes, 1);
    plan->limit_at = onr_workspace_add(&space, a->batch, sizeof(size_t));
    plan->offset_at = onr_workspace_add(&space, a->batch, sizeof(int64_t));
    plan->bias_at = onr_workspace_add(&space, ctx->thread_count, plan->worker_bytes);
    for (int i = 0; i < 3; i++) {
        struct operand *operand = &plan->operands[i];
        size_t count = a->batch * a->heads * operand->width; /* elements of an output's row */
        operand->copy_at = onr_workspace_add(&space, operand->is_biased ? operand->rows : 0,
                                             count * plan->element);
    }
    for (uint32_t i = 0; i < 2; i++) {
        /* beams read a copy in which their rows are put together */
        bool is_needed = plan->has_beams ||
                         (plan->is_shared && !has_output(ctx, ONR_MULTI_HEAD_PRESENT_KEY + i));
        size_t count = i == 0 ? a->past_k.batch : a->past_v.batch;
        plan->present_at[i] =
            onr_workspace_add(&space, is_needed ? a->batch : 0, count * plan->element);
    }
    plan->attention_at = onr_workspace_add(&space, attention_bytes, 1);
    ctx->flops = onr_attention_flops(a, onr_attention_last(a));
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

enum onr_status onr_multi_head_plan(struct onr_plan_ctx *ctx,
                                    const struct onr_multi_head_inputs *in)
{
    struct multi_head_plan *plan = ONR_ARENA_NEW(ctx->arena, struct multi_head_plan);
    struct onr_multi_head_dims d;
    bool is_known = false;
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of an attention");
    }
    ctx->plan = plan;
    ONR_TRY(onr_multi_head_read(ctx->node, ctx->inputs, in, &d, &is_known, ctx->err));
    enum onr_dtype dtype = ctx->inputs[0]->dtype;
    plan->in = *in;
    plan->element = onr_dtype_size(dtype);
    plan->is_shared = d.is_shared;
    plan->has_beams = onr_plan_input(ctx, in->beam_of) != NULL;
    plan->attention.q_dtype = plan->attention.k_dtype = dtype;
    plan->attention.v_dtype = plan->attention.y_dtype = dtype;
    plan_sizes(plan, &d, ctx);
    plan_operands(plan, &d, ctx);
    plan_scores(plan, ctx);
    return plan_workspace(plan, ctx);
}

/* ---- running ---- */

/* Where the heads of an operand are, with their bias. */
static const char *operand_data(const struct multi_head_plan *plan, int index,
                                const struct onr_run_ctx *ctx)
{
    const struct operand *o = &plan->operands[index];
    const struct onr_attention *a = &plan->attention;
    char *workspace = ctx->workspace;
    const char *x = (const char *)ctx->inputs[o->input]->data + o->first * plan->element;
    if (!o->is_biased) {
        return x;
    }
    struct onr_biased_heads heads = {
        .dtype = a->q_dtype,
        .batch = a->batch,
        .heads = a->heads,
        .rows = o->rows,
        .width = o->width,
        .strides = o->strides,
        .first = o->bias_first,
        .worker_bytes = plan->worker_bytes,
    };
    onr_biased_heads_write(&heads, x, onr_input_data(ctx, plan->in.bias), workspace + o->copy_at,
                           workspace + plan->bias_at, ctx);
    return workspace + o->copy_at;
}

/* past_sequence_length and the beams, checked. */
static enum onr_status read_past(const struct multi_head_plan *plan, const struct onr_run_ctx *ctx,
                                 size_t *length)
{
    const struct onr_attention *a = &plan->attention;
    size_t added = plan->operands[ONR_MULTI_HEAD_KEY].rows;
    int64_t value = *(const int32_t *)ctx->inputs[plan->in.past_length]->data;
    if (value < 0 || value + (int64_t)added > (int64_t)a->keys) {
        return onr_fail(ctx->err, ONR_ERR_VALUE,
                        "past_sequence_length is %" PRId64 ", which does not fit %zu new rows in a "
                        "buffer of %zu",
                        value, added, a->keys);
    }
    *length = (size_t)value;
    if (!plan->has_beams) {
        return ONR_OK;
    }
    const struct onr_tensor *beam_of = ctx->inputs[plan->in.beam_of];
    int64_t beams = beam_of->shape.dim[1];
    int64_t stride = beam_of->shape.dim[2];
    if (value > stride) {
        return onr_fail(ctx->err, ONR_ERR_VALUE,
                        "cache_indirection has %" PRId64 " rows, expected %" PRId64 " or more",
                        stride, value);
    }
    for (int64_t i = 0; i < (int64_t)a->batch * value; i++) {
        int32_t beam = ((const int32_t *)beam_of->data)[i / value * stride + i % value];
        if (beam < 0 || beam >= beams) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "cache_indirection has beam %" PRId32 ", expected less than %" PRId64,
                            beam, beams);
        }
    }
    return ONR_OK;
}

/* Writes present of keys (0) or values (1), and returns where the attention reads them if it is not
 * where they were. */
static const char *write_present(const struct multi_head_plan *plan, uint32_t which, size_t length,
                                 const char *added, const struct onr_run_ctx *ctx)
{
    const struct onr_attention *a = &plan->attention;
    char *spare = (char *)ctx->workspace + plan->present_at[which];
    char *out = onr_output_data(ctx, ONR_MULTI_HEAD_PRESENT_KEY + which);
    const void *past = onr_input_data(ctx, which == 0 ? plan->in.past_key : plan->in.past_value);
    struct onr_present present = {
        .dtype = a->q_dtype,
        .batch = a->batch,
        .heads = a->heads,
        .past = length,
        .added = plan->operands[ONR_MULTI_HEAD_KEY].rows,
        .rows = plan->is_shared ? plan->past_rows : a->keys,
        .width = which == 0 ? a->head : a->v_head,
        .past_strides = which == 0 ? a->past_k : a->past_v,
        .strides = which == 0 ? a->k : a->v,
    };
    onr_present_write(&present, past, added, out, ctx);
    if (!plan->is_shared) {
        return added;
    }
    if (out == NULL || plan->has_beams) {
        out = spare;
        if (plan->has_beams) {
            const struct onr_tensor *beam_of = ctx->inputs[plan->in.beam_of];
            present.beam_of = beam_of->data;
            present.beams = (size_t)beam_of->shape.dim[1];
            present.beam_stride = (size_t)beam_of->shape.dim[2];
        }
        onr_present_write(&present, past, added, out, ctx);
    }
    return out;
}

enum onr_status onr_multi_head_run(struct onr_run_ctx *ctx)
{
    const struct multi_head_plan *plan = ctx->plan;
    struct onr_attention a = plan->attention;
    char *workspace = ctx->workspace;
    size_t length = a.past;
    if (a.batch == 0) {
        return ONR_OK;
    }
    if (plan->is_shared) {
        ONR_TRY(read_past(plan, ctx, &length));
    }
    const void *mask = onr_input_data(ctx, plan->in.mask);
    struct onr_attention_data data = {
        .q = operand_data(plan, ONR_MULTI_HEAD_QUERY, ctx),
        .k = operand_data(plan, ONR_MULTI_HEAD_KEY, ctx),
        .v = operand_data(plan, ONR_MULTI_HEAD_VALUE, ctx),
        .past_k = onr_input_data(ctx, plan->in.past_key),
        .past_v = onr_input_data(ctx, plan->in.past_value),
        .masks = {onr_padding_read(&plan->padding, mask, workspace + plan->flags_at),
                  onr_input_data(ctx, plan->in.score_bias)},
        .y = onr_output_data(ctx, ONR_MULTI_HEAD_OUT),
        .scores = onr_output_data(ctx, ONR_MULTI_HEAD_SCORES),
        .workspace = workspace + plan->attention_at,
    };
    data.k = write_present(plan, 0, length, data.k, ctx);
    data.v = write_present(plan, 1, length, data.v, ctx);
    if (plan->is_shared) {
        size_t *limit = (void *)(workspace + plan->limit_at);
        int64_t *offset = (void *)(workspace + plan->offset_at);
        for (size_t b = 0; b < a.batch; b++) {
            limit[b] = length + plan->operands[ONR_MULTI_HEAD_KEY].rows;
            offset[b] = (int64_t)length;
        }
        data.limit = limit;
        data.offset = offset;
        a.k = a.past_k;
        a.v = a.past_v;
    }
    return onr_attention_run(&a, &data, ctx);
}
