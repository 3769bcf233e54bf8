/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AttentionChain (onnxrun): what the pass fuse_attention makes of the nodes of an attention. It
 * means what these mean: MatMul, Mul, Tanh, Add, Where, Softmax and MatMul of ai.onnx, with their
 * broadcasting.
 *
 * Y = softmax(masked(softcap(scale * Q K'))) V for each head, softmax over the keys
 *
 * Inputs    Q, K, V, mask?, mask2?, sinks?
 * Shapes    Q: [B,N,S,H], K: [B,Nk,T,H], V: [B,Nk,T,Hv], Y: [B,N,S,Hv], N = groups * Nk; or with
 *           the axes in another order, or as part of a larger tensor (attention_layout.h). masks:
 *           [B,N,S,T] or fewer dimensions, or merged: [B*N,S,T]. sinks: N elements. Dimensions of 1
 *           are broadcast, save H and Hv.
 * Types     float32, float64, all the same (sinks: float32); masks also bool.
 * Attrs     scale: float, default 1. softcap: float, default 0 (none): c tanh(s / c).
 *           groups: int, default 1: heads of Q that use the same head of K and V, side by side.
 *           fill, fill2: float, default -inf: what stands for the score of a key that a mask of
 *           bool hides. hides, hides2: int, default 0: false hides, 1: true hides.
 *           adds: int, default 0: bit 0 for mask, bit 1 for mask2: of flags, `fill` is added to a score
 *           and does not stand for it.
 *           empty_is_zero: int, default 0.
 *           merged: int, default 0: bit 0 for mask, bit 1 for mask2: when it has rank 3, batches and
 *           heads are its first dimension, and it has no rows and keys but those of Q and K.
 *           repeats: int, default 0: bit 0 for mask, bit 1 for mask2: the batches of Y are a multiple
 *           of its own, which come again and again; it may have a dimension of 1 before these.
 *           right: int, default -1 (none): query i sees the keys up to i + right.
 *           q, k, v, y: string, default "bnsh", and q_part, k_part, v_part: see attention_layout.h.
 * Edge      A mask of numbers is added; mask comes before mask2. A query whose masks are -inf
 *           everywhere gives NaN, or zeros with empty_is_zero or sinks; one whose masks are the
 *           lowest number everywhere gives the mean of V. Unlike in the nodes, NaN in Q or K is kept
 *           with empty_is_zero, and hidden keys may be NaN or infinite in V.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/attention/attention_chain_dims.h"
#include "ops/common/axes.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Ranks and types of the masks and the sinks. */
static enum onr_status check_masks(const struct onr_infer_ctx *ctx)
{
    for (uint32_t i = ONR_CHAIN_MASK; i <= ONR_CHAIN_SINKS; i++) {
        const struct onr_fact *x = onr_infer_has_input(ctx, i) ? ctx->inputs[i] : NULL;
        if (x == NULL) {
            continue;
        }
        int most = onr_chain_repeats(ctx->node, i) ? 5 : 4;
        if (x->shape.rank > most) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input %u has rank %d, expected %d at most",
                                  (unsigned)i, x->shape.rank, most);
        }
        enum onr_dtype dtype = ctx->inputs[ONR_CHAIN_Q]->dtype;
        if (x->dtype != dtype && (i == ONR_CHAIN_SINKS || x->dtype != ONR_BOOL)) {
            return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED, "input %u is not of the type of Q",
                                  (unsigned)i);
        }
    }
    return ONR_OK;
}

static enum onr_status chain_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_fact *masks[ONR_ATTENTION_MASKS] = {NULL};
    struct onr_chain_dims d = {.groups = 1};
    bool is_ranked = true;
    ONR_TRY(check_masks(ctx));
    for (uint32_t i = ONR_CHAIN_Q; i < ONR_CHAIN_SINKS; i++) {
        bool is_given = onr_infer_has_input(ctx, i);
        is_ranked &= !is_given || ctx->inputs[i]->shape.rank >= 0;
        if (i >= ONR_CHAIN_MASK) {
            masks[i - ONR_CHAIN_MASK] = is_given ? ctx->inputs[i] : NULL;
        }
    }
    if (is_ranked) {
        ONR_TRY(onr_chain_dims_read(ctx->node, ctx->inputs, masks, &d, ctx->err));
        ctx->outputs[0].shape = onr_head_layout_shape(&d.y_layout, &d.y);
    }
    return ONR_OK;
}

/* ---- planning ---- */

/* A mask with one number for all keys of a row is written out, in the workspace. */
struct wide_mask {
    size_t count; /* such numbers; 0: the mask is read where it is */
    size_t at;    /* in the workspace */
};

struct chain_plan {
    struct onr_attention attention;
    size_t first[3]; /* elements of Q, K, V before the first that is meant */
    struct wide_mask wide[ONR_ATTENTION_MASKS];
    size_t mask_bytes; /* of the masks that are written out */
};

static struct onr_head_strides mask_strides(const struct onr_head_dims *d)
{
    size_t width = (size_t)d->width;
    size_t heads = (size_t)d->heads;
    size_t rows = (size_t)d->rows;
    return (struct onr_head_strides){
        .batch = d->batch == 1 ? 0 : heads * rows * width,
        .head = d->heads == 1 ? 0 : rows * width,
        .row = d->rows == 1 ? 0 : width,
    };
}

static enum onr_status plan_mask(struct chain_plan *plan, const struct onr_chain_dims *d, int m,
                                 const struct onr_node *node, enum onr_dtype dtype,
                                 struct onr_error *err)
{
    static const char *const fills[] = {"fill", "fill2"};
    static const char *const hides[] = {"hides", "hides2"};
    struct onr_attention *a = &plan->attention;
    struct onr_head_dims mask = d->masks[m];
    if (mask.width != d->keys) {
        size_t count = (size_t)(mask.batch * mask.heads * mask.rows);
        size_t bytes = 0;
        plan->wide[m] = (struct wide_mask){count, plan->mask_bytes};
        if (!onr_size_mul(count, a->keys, &count) ||
            !onr_size_mul(count, onr_dtype_size(dtype), &bytes) || bytes > ONR_SIZE_LIMIT) {
            return onr_fail(err, ONR_ERR_LIMIT, "mask over %zu keys is too large", a->keys);
        }
        plan->mask_bytes += onr_size_align(bytes, ONR_MEM_ALIGN);
        mask.width = d->keys;
    }
    a->masks[m] = (struct onr_attention_mask){
        .dtype = dtype,
        .is_flag = dtype == ONR_BOOL,
        .is_inverted = onr_attr_int(node, hides[m], 0) != 0,
        .replaces = dtype == ONR_BOOL && (onr_attr_int(node, "adds", 0) >> m & 1) == 0,
        .fill = (double)onr_attr_float(node, fills[m], -INFINITY),
        .strides = mask_strides(&mask),
        .keys = a->keys,
        .batch_period =
            onr_chain_repeats(node, ONR_CHAIN_MASK + (uint32_t)m) ? (size_t)mask.batch : 0,
    };
    return ONR_OK;
}

static void plan_operands(struct chain_plan *plan, const struct onr_chain_dims *d,
                          const struct onr_plan_ctx *ctx)
{
    struct onr_attention *a = &plan->attention;
    struct onr_head_strides *strides[] = {&a->q, &a->k, &a->v};
    size_t y_first = 0;
    for (int i = 0; i < 3; i++) {
        *strides[i] = onr_head_layout_strides(&d->layout[i], &ctx->inputs[i]->shape, &d->in[i],
                                              &plan->first[i]);
    }
    a->y = onr_head_layout_strides(&d->y_layout, &ctx->outputs[0].shape, &d->y, &y_first);
    a->batch = (size_t)d->y.batch;
    a->heads = (size_t)d->y.heads;
    a->kv_heads = d->in[ONR_CHAIN_K].heads == 1 && d->in[ONR_CHAIN_V].heads == 1
                      ? 1
                      : a->heads / (size_t)d->groups;
    a->queries = (size_t)d->y.rows;
    a->keys = (size_t)d->keys;
    a->head = (size_t)d->in[ONR_CHAIN_Q].width;
    a->v_head = (size_t)d->y.width;
    a->q_dtype = a->k_dtype = a->v_dtype = a->y_dtype = ctx->inputs[ONR_CHAIN_Q]->dtype;
    a->is_double = a->q_dtype == ONR_DOUBLE;
    a->scale = (double)onr_attr_float(ctx->node, "scale", 1);
    a->softcap = (double)onr_attr_float(ctx->node, "softcap", 0);
    a->window_left = -1;
    a->window_right = onr_attr_int(ctx->node, "right", -1);
    a->hidden = (double)-INFINITY;
    a->scores_output = ONR_SCORES_NONE;
}

static enum onr_status plan_sinks(const struct onr_plan_ctx *ctx, const struct onr_attention *a,
                                  struct chain_plan *plan)
{
    const struct onr_fact *sinks = onr_plan_input(ctx, ONR_CHAIN_SINKS);
    if (sinks == NULL) {
        return ONR_OK;
    }
    plan->attention.empty_is_nan = false;
    int64_t count = onr_shape_range(&sinks->shape, 0, sinks->shape.rank);
    return sinks->dtype == ONR_FLOAT && (size_t)count == a->heads
               ? ONR_OK
               : onr_fail(ctx->err, ONR_ERR_SHAPE,
                          "there are %" PRId64 " sinks, expected one float for each of %zu heads",
                          count, a->heads);
}

static enum onr_status chain_plan(struct onr_plan_ctx *ctx)
{
    struct chain_plan *plan = ONR_ARENA_NEW(ctx->arena, struct chain_plan);
    const struct onr_fact *masks[ONR_ATTENTION_MASKS];
    struct onr_chain_dims d;
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of an attention");
    }
    ctx->plan = plan;
    for (uint32_t m = 0; m < ONR_ATTENTION_MASKS; m++) {
        masks[m] = onr_plan_input(ctx, ONR_CHAIN_MASK + m);
    }
    ONR_TRY(onr_chain_dims_read(ctx->node, ctx->inputs, masks, &d, ctx->err));
    struct onr_attention *a = &plan->attention;
    plan_operands(plan, &d, ctx);
    for (int m = 0; m < ONR_ATTENTION_MASKS; m++) {
        if (masks[m] != NULL) {
            a->empty_is_nan = a->keys > 0 && onr_attr_int(ctx->node, "empty_is_zero", 0) == 0;
            ONR_TRY(plan_mask(plan, &d, m, ctx->node, masks[m]->dtype, ctx->err));
        }
    }
    ONR_TRY(plan_sinks(ctx, a, plan));
    ONR_TRY(onr_attention_plan(a, ctx, &ctx->workspace_bytes));
    ctx->workspace_bytes += plan->mask_bytes;
    ctx->flops = onr_attention_flops(a, 0);
    return ONR_OK;
}

/* ---- running ---- */

/* Repeats each element of a mask for all keys. */
static void widen_mask(const struct chain_plan *plan, int m, const char *mask, char *out)
{
    size_t element = onr_dtype_size(plan->attention.masks[m].dtype);
    for (size_t i = 0; i < plan->wide[m].count; i++) {
        for (size_t j = 0; j < plan->attention.keys; j++) {
            memcpy(out + (i * plan->attention.keys + j) * element, mask + i * element, element);
        }
    }
}

static enum onr_status chain_run(struct onr_run_ctx *ctx)
{
    const struct chain_plan *plan = ctx->plan;
    const struct onr_attention *a = &plan->attention;
    const void *operands[3];
    if (onr_tensor_count(ctx->outputs[0]) == 0) {
        return ONR_OK;
    }
    for (int i = 0; i < 3; i++) {
        size_t first = onr_tensor_count(ctx->inputs[i]) > 0 ? plan->first[i] : 0;
        operands[i] = (const char *)ctx->inputs[i]->data + first * onr_dtype_size(a->q_dtype);
    }
    struct onr_attention_data data = {
        .q = operands[ONR_CHAIN_Q],
        .k = operands[ONR_CHAIN_K],
        .v = operands[ONR_CHAIN_V],
        .y = ctx->outputs[0]->data,
        .sinks = onr_input_data(ctx, ONR_CHAIN_SINKS),
        .workspace = (char *)ctx->workspace + plan->mask_bytes,
    };
    for (int m = 0; m < ONR_ATTENTION_MASKS; m++) {
        data.masks[m] = onr_input_data(ctx, (uint32_t)(ONR_CHAIN_MASK + m));
        if (plan->wide[m].count > 0) {
            char *wide = (char *)ctx->workspace + plan->wide[m].at;
            widen_mask(plan, m, data.masks[m], wide);
            data.masks[m] = wide;
        }
    }
    return onr_attention_run(a, &data, ctx);
}

#define CHAIN_TYPES (ONR_BIT(FLOAT) | ONR_BIT(DOUBLE))

static const struct onr_attr_spec chain_attrs[] = {
    {"adds", ONR_ATTR_INT, false},    {"empty_is_zero", ONR_ATTR_INT, false},
    {"fill", ONR_ATTR_FLOAT, false},  {"fill2", ONR_ATTR_FLOAT, false},
    {"groups", ONR_ATTR_INT, false},  {"hides", ONR_ATTR_INT, false},
    {"hides2", ONR_ATTR_INT, false},  {"k", ONR_ATTR_STRING, false},
    {"k_part", ONR_ATTR_INTS, false}, {"merged", ONR_ATTR_INT, false},
    {"q", ONR_ATTR_STRING, false},    {"q_part", ONR_ATTR_INTS, false},
    {"repeats", ONR_ATTR_INT, false}, {"right", ONR_ATTR_INT, false},
    {"scale", ONR_ATTR_FLOAT, false}, {"softcap", ONR_ATTR_FLOAT, false},
    {"v", ONR_ATTR_STRING, false},    {"v_part", ONR_ATTR_INTS, false},
    {"y", ONR_ATTR_STRING, false},    {NULL, 0, false},
};
static const struct onr_param_spec chain_inputs[] = {
    {CHAIN_TYPES, 1},
    {CHAIN_TYPES, 1},
    {CHAIN_TYPES, 1},
    {CHAIN_TYPES | ONR_BIT(BOOL), 0},
    {CHAIN_TYPES | ONR_BIT(BOOL), 0},
    {ONR_BIT(FLOAT), 0},
    {0, 0},
};
static const struct onr_param_spec chain_outputs[] = {{CHAIN_TYPES, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_attention_chain[];
const struct onr_op_def onr_ops_attention_chain[] = {
    {.domain = "onnxrun",
     .name = "AttentionChain",
     .since_version = 1,
     .last_version = 1,
     .inputs = {3, 6},
     .outputs = {1, 1},
     .attrs = chain_attrs,
     .input_specs = chain_inputs,
     .output_specs = chain_outputs,
     .infer = chain_infer,
     .plan = chain_plan,
     .run = chain_run},
    {.name = NULL},
};
