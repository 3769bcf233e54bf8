/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AttentionChain (onnxrun): what the pass fuse_attention makes of the nodes of an attention. It
 * means what these mean: MatMul, Mul, Add, Softmax and MatMul of ai.onnx, with their broadcasting.
 *
 * Y = softmax(scale * Q K' + mask) V for each head, softmax over the keys
 *
 * Inputs    Q, K, V, mask?
 * Shapes    Q: [B,N,S,H], K: [B,N,T,H], V: [B,N,T,Hv], Y: [B,N,S,Hv]; an input or output that is
 *           stored by rows is [B,S,N,H] and so on. mask: [B,N,S,T] or fewer dimensions. Dimensions
 *           of 1 are broadcast, save H and Hv, and T of V.
 * Types     float32, float64, all the same.
 * Attrs     scale: float, default 1. q_by_rows, k_by_rows, v_by_rows, y_by_rows: int, default 0.
 *           empty_is_zero: int, default 0.
 * Edge      A query whose mask is -inf everywhere gives NaN, or zeros with empty_is_zero; one whose
 *           mask is the lowest number everywhere gives the mean of V. Unlike in the nodes, NaN in
 *           Q or K is kept with empty_is_zero, and hidden keys may be NaN or infinite in V.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/attention/attention_core.h"
#include "ops/attention/attention_heads.h"
#include "ops/common/axes.h"
#include "ops/norm/norm_rows.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { IN_Q, IN_K, IN_V, IN_MASK };

/* ---- shapes ---- */

/* Of an operand; unknown and symbolic where the shape is. */
struct head_dims {
    int64_t batch, heads, rows, width;
};

struct chain_dims {
    struct head_dims q, k, v, mask, y;
    int64_t keys;
};

static bool is_by_rows(const struct onr_node *node, const char *attr)
{
    return onr_attr_int(node, attr, 0) != 0;
}

static struct head_dims dims_of(const struct onr_shape *shape, bool by_rows)
{
    const int64_t *d = shape->dim;
    return (struct head_dims){d[0], d[by_rows ? 2 : 1], d[by_rows ? 1 : 2], d[3]};
}

static struct head_dims mask_dims(const struct onr_fact *mask)
{
    int64_t d[4] = {1, 1, 1, 1};
    for (int i = 0; mask != NULL && i < mask->shape.rank; i++) {
        d[4 - mask->shape.rank + i] = mask->shape.dim[i];
    }
    return (struct head_dims){d[0], d[1], d[2], d[3]};
}

/* Broadcasts the batches and heads of all operands, rows and keys with those of the mask. */
static bool broadcast_dims(struct chain_dims *d)
{
    return onr_dim_broadcast(d->q.batch, d->k.batch, &d->y.batch) &&
           onr_dim_broadcast(d->y.batch, d->v.batch, &d->y.batch) &&
           onr_dim_broadcast(d->y.batch, d->mask.batch, &d->y.batch) &&
           onr_dim_broadcast(d->q.heads, d->k.heads, &d->y.heads) &&
           onr_dim_broadcast(d->y.heads, d->v.heads, &d->y.heads) &&
           onr_dim_broadcast(d->y.heads, d->mask.heads, &d->y.heads) &&
           onr_dim_broadcast(d->q.rows, d->mask.rows, &d->y.rows) &&
           onr_dim_broadcast(d->k.rows, d->mask.width, &d->keys);
}

static enum onr_status read_dims(const struct onr_node *node, const struct onr_fact *const *inputs,
                                 const struct onr_fact *mask, struct chain_dims *d,
                                 struct onr_error *err)
{
    d->q = dims_of(&inputs[IN_Q]->shape, is_by_rows(node, "q_by_rows"));
    d->k = dims_of(&inputs[IN_K]->shape, is_by_rows(node, "k_by_rows"));
    d->v = dims_of(&inputs[IN_V]->shape, is_by_rows(node, "v_by_rows"));
    d->mask = mask_dims(mask);
    if (!broadcast_dims(d)) {
        char text[4][ONR_SHAPE_TEXT_BYTES];
        return onr_fail(err, ONR_ERR_SHAPE, "cannot broadcast Q %s, K %s, V %s and mask %s",
                        onr_shape_text(&inputs[IN_Q]->shape, text[0]),
                        onr_shape_text(&inputs[IN_K]->shape, text[1]),
                        onr_shape_text(&inputs[IN_V]->shape, text[2]),
                        mask != NULL ? onr_shape_text(&mask->shape, text[3]) : "(none)");
    }
    if (d->q.width >= 0 && d->k.width >= 0 && d->q.width != d->k.width) {
        return onr_fail(err, ONR_ERR_SHAPE,
                        "head size of Q and K differs: %" PRId64 " and %" PRId64, d->q.width,
                        d->k.width);
    }
    if (d->keys >= 0 && d->v.rows >= 0 && d->keys != d->v.rows) {
        return onr_fail(err, ONR_ERR_SHAPE,
                        "V has %" PRId64 " rows, expected one for %" PRId64 " keys", d->v.rows,
                        d->keys);
    }
    d->y.width = d->v.width;
    return ONR_OK;
}

static enum onr_status chain_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_fact *mask = onr_infer_has_input(ctx, IN_MASK) ? ctx->inputs[IN_MASK] : NULL;
    struct chain_dims d;
    bool is_ranked = mask == NULL || mask->shape.rank >= 0;
    for (uint32_t i = IN_Q; i <= IN_V; i++) {
        int rank = ctx->inputs[i]->shape.rank;
        is_ranked &= rank >= 0;
        if (rank >= 0 && rank != 4) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input %u has rank %d, expected 4",
                                  (unsigned)i, rank);
        }
    }
    if (mask != NULL && mask->shape.rank > 4) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "mask has rank %d, expected 4 at most",
                              mask->shape.rank);
    }
    if (!is_ranked) {
        return ONR_OK;
    }
    ONR_TRY(read_dims(ctx->node, ctx->inputs, mask, &d, ctx->err));
    bool by_rows = is_by_rows(ctx->node, "y_by_rows");
    ctx->outputs[0].shape = (struct onr_shape){.rank = 4,
                                               .dim = {d.y.batch, by_rows ? d.y.rows : d.y.heads,
                                                       by_rows ? d.y.heads : d.y.rows, d.y.width}};
    return ONR_OK;
}

/* ---- planning ---- */

struct chain_plan {
    struct onr_attention attention;
    bool has_empty; /* queries whose mask is -inf everywhere give NaN */
    /* a mask with one number for all keys of a row is written out at the head of the workspace */
    size_t mask_count; /* such numbers; 0: the mask is read where it is */
    size_t mask_bytes;
};

/* Strides over [batch, heads, rows], 0 where a dimension of 1 is broadcast. */
static struct onr_head_strides strides_of(const struct head_dims *d, bool by_rows)
{
    size_t width = (size_t)d->width;
    size_t heads = (size_t)d->heads;
    size_t rows = (size_t)d->rows;
    return (struct onr_head_strides){
        .batch = d->batch == 1 ? 0 : heads * rows * width,
        .head = d->heads == 1 ? 0
                : by_rows     ? width
                              : rows * width,
        .row = d->rows == 1 ? 0
               : by_rows    ? heads * width
                            : width,
    };
}

static enum onr_status plan_mask(struct chain_plan *plan, const struct chain_dims *d,
                                 enum onr_dtype dtype, struct onr_error *err)
{
    struct onr_attention *a = &plan->attention;
    struct head_dims mask = d->mask;
    if (mask.width != d->keys) {
        size_t count = (size_t)(mask.batch * mask.heads * mask.rows);
        plan->mask_count = count;
        if (!onr_size_mul(count, a->keys, &count) ||
            !onr_size_mul(count, onr_dtype_size(dtype), &plan->mask_bytes) ||
            plan->mask_bytes > ONR_SIZE_LIMIT) {
            return onr_fail(err, ONR_ERR_LIMIT, "mask over %zu keys is too large", a->keys);
        }
        plan->mask_bytes = onr_size_align(plan->mask_bytes, ONR_MEM_ALIGN);
        mask.width = d->keys;
    }
    a->masks[0] = (struct onr_attention_mask){
        .dtype = dtype, .strides = strides_of(&mask, false), .keys = a->keys};
    return ONR_OK;
}

static void plan_operands(struct onr_attention *a, const struct chain_dims *d,
                          const struct onr_node *node, enum onr_dtype dtype)
{
    a->batch = (size_t)d->y.batch;
    a->heads = (size_t)d->y.heads;
    a->kv_heads = d->k.heads == 1 && d->v.heads == 1 ? 1 : a->heads;
    a->queries = (size_t)d->y.rows;
    a->keys = (size_t)d->keys;
    a->head = (size_t)d->q.width;
    a->v_head = (size_t)d->v.width;
    a->q_dtype = a->k_dtype = a->v_dtype = a->y_dtype = dtype;
    a->is_double = dtype == ONR_DOUBLE;
    a->q = strides_of(&d->q, is_by_rows(node, "q_by_rows"));
    a->k = strides_of(&d->k, is_by_rows(node, "k_by_rows"));
    a->v = strides_of(&d->v, is_by_rows(node, "v_by_rows"));
    a->y = strides_of(&d->y, is_by_rows(node, "y_by_rows"));
    a->scale = (double)onr_attr_float(node, "scale", 1);
    a->window_left = a->window_right = -1;
    a->hidden = (double)-INFINITY;
    a->scores_output = ONR_SCORES_NONE;
}

static enum onr_status chain_plan(struct onr_plan_ctx *ctx)
{
    struct chain_plan *plan = ONR_ARENA_NEW(ctx->arena, struct chain_plan);
    const struct onr_fact *mask = onr_plan_input(ctx, IN_MASK);
    struct chain_dims d;
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of an attention");
    }
    ctx->plan = plan;
    ONR_TRY(read_dims(ctx->node, ctx->inputs, mask, &d, ctx->err));
    struct onr_attention *a = &plan->attention;
    plan_operands(a, &d, ctx->node, ctx->inputs[IN_Q]->dtype);
    if (mask != NULL) {
        plan->has_empty = onr_attr_int(ctx->node, "empty_is_zero", 0) == 0;
        ONR_TRY(plan_mask(plan, &d, mask->dtype, ctx->err));
    }
    ONR_TRY(onr_attention_plan(a, ctx->thread_count, &ctx->workspace_bytes, ctx->err));
    ctx->workspace_bytes += plan->mask_bytes;
    ctx->flops = 2 * (uint64_t)a->batch * a->heads * a->queries * a->keys * (a->head + a->v_head);
    return ONR_OK;
}

/* ---- running ---- */

/* Repeats each number of the mask for all keys. */
static void widen_mask(const struct chain_plan *plan, const char *mask, char *out)
{
    size_t element = onr_dtype_size(plan->attention.masks[0].dtype);
    for (size_t i = 0; i < plan->mask_count; i++) {
        for (size_t j = 0; j < plan->attention.keys; j++) {
            memcpy(out + (i * plan->attention.keys + j) * element, mask + i * element, element);
        }
    }
}

struct empty_job {
    const struct onr_attention *attention;
    const void *mask;
    void *y;
};

static bool is_hidden(const struct onr_attention *a, const void *mask, size_t at)
{
    return a->is_double ? ((const double *)mask)[at] == (double)-INFINITY
                        : ((const float *)mask)[at] == -INFINITY;
}

static bool is_empty(const struct onr_attention *a, const void *mask, size_t row)
{
    size_t j = 0;
    while (j < a->keys && is_hidden(a, mask, row + j)) {
        j++;
    }
    return a->keys > 0 && j == a->keys;
}

/* Items are queries of all heads: those whose mask is -inf everywhere become NaN. */
static void mark_empty(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct empty_job *job = arg;
    const struct onr_attention *a = job->attention;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        size_t i = item % a->queries;
        size_t n = item / a->queries % a->heads;
        size_t b = item / a->queries / a->heads;
        if (!is_empty(a, job->mask, onr_head_offset(&a->masks[0].strides, b, n, i))) {
            continue;
        }
        size_t first = onr_head_offset(&a->y, b, n, i);
        for (size_t h = first; h < first + a->v_head; h++) {
            if (a->is_double) {
                ((double *)job->y)[h] = (double)NAN;
            } else {
                ((float *)job->y)[h] = NAN;
            }
        }
    }
}

static enum onr_status chain_run(struct onr_run_ctx *ctx)
{
    const struct chain_plan *plan = ctx->plan;
    const struct onr_attention *a = &plan->attention;
    const void *mask = onr_input_data(ctx, IN_MASK);
    if (plan->mask_count > 0) {
        widen_mask(plan, mask, ctx->workspace);
        mask = ctx->workspace;
    }
    struct onr_attention_data data = {
        .q = ctx->inputs[IN_Q]->data,
        .k = ctx->inputs[IN_K]->data,
        .v = ctx->inputs[IN_V]->data,
        .masks = {mask},
        .y = ctx->outputs[0]->data,
        .workspace = (char *)ctx->workspace + plan->mask_bytes,
    };
    onr_attention_run(a, &data, ctx);
    if (plan->has_empty) {
        struct empty_job job = {a, mask, data.y};
        onr_parallel_for(ctx->parallel, a->batch * a->heads * a->queries, onr_grain(a->v_head),
                         mark_empty, &job);
    }
    return ONR_OK;
}

#define CHAIN_TYPES (ONR_BIT(FLOAT) | ONR_BIT(DOUBLE))

static const struct onr_attr_spec chain_attrs[] = {
    {"empty_is_zero", ONR_ATTR_INT, false},
    {"k_by_rows", ONR_ATTR_INT, false},
    {"q_by_rows", ONR_ATTR_INT, false},
    {"scale", ONR_ATTR_FLOAT, false},
    {"v_by_rows", ONR_ATTR_INT, false},
    {"y_by_rows", ONR_ATTR_INT, false},
    {NULL, 0, false},
};
static const struct onr_param_spec chain_specs[] = {{CHAIN_TYPES, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_attention_chain[];
const struct onr_op_def onr_ops_attention_chain[] = {
    {.domain = "onnxrun",
     .name = "AttentionChain",
     .since_version = 1,
     .last_version = 1,
     .inputs = {3, 4},
     .outputs = {1, 1},
     .attrs = chain_attrs,
     .input_specs = chain_specs,
     .output_specs = chain_specs,
     .infer = chain_infer,
     .plan = chain_plan,
     .run = chain_run},
    {.name = NULL},
};
