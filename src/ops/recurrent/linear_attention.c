/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LinearAttention (ai.onnx), version 27, and LinearAttention (com.microsoft), version 1.
 * https://onnx.ai/onnx/operators/onnx__LinearAttention.html
 *
 * Per head a state S [dk, dv] follows the tokens t:
 *
 *   S = exp(decay_t) S                 rules gated and gated_delta
 *   u = v_t, or beta_t (v_t - S^T k_t) rules delta and gated_delta
 *   S = S + k_t u^T
 *   output_t = scale S^T q_t           for each query head that belongs to the head
 *
 * Inputs    query, key, value, past_state?, decay?, beta?
 * Outputs   output, present_state
 * Shapes    query: [B,T,Hq*dk], key: [B,T,H*dk], value: [B,T,H*dv], state: [B,H,dk,dv], decay:
 *           [B,T,H*dk] or [B,T,H], beta: [B,T,H] or [B,T,1], output: [B,T,Hq*dv]. Query head n
 *           belongs to head n / (Hq/H).
 *           com.microsoft: Hq may be less than H (then output is [B,T,H*dv] and head h has query
 *           head h / (H/Hq)), key may have fewer heads likewise; with state_window = W > 0 states
 *           are [W,B,H,dk,dv], slot j after token T - W + j, of which past_state is the last.
 * Types     float32, float16, bfloat16, computed in float32; the state may be of another of them.
 * Attrs     q_num_heads, kv_num_heads: int, required. update_rule: linear, gated, delta,
 *           gated_delta (default). scale: float, default 0 (1/sqrt(dk)). chunk_size: ignored, it
 *           does not change the result. state_window: int 0 to 8, default 0.
 * Edge      Without past_state S begins with 0, and present_state has the type of query. Slots
 *           before the first token are 0.
 * Aliasing  none.
 */
#include "ops/recurrent/linear_attention.h"

#include "base/size.h"
#include "ops/common/check_dims.h"

#include <inttypes.h>
#include <math.h>

static const char *const rules[] = {"gated_delta", "delta", "gated", "linear", NULL};

static bool rule_is_gated(size_t rule)
{
    return rule == 0 || rule == 2;
}

static bool rule_is_delta(size_t rule)
{
    return rule <= 1;
}

static bool is_standard(const struct onr_node *node)
{
    return node->domain[0] == '\0';
}

/* Decay and beta are there when the rule needs them; the standard forbids them otherwise. */
static enum onr_status check_gate(const struct onr_infer_ctx *ctx, uint32_t index, const char *name,
                                  size_t rule, bool is_needed)
{
    bool is_there = onr_infer_has_input(ctx, index);
    if (is_needed && !is_there) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "update_rule \"%s\" needs %s", rules[rule], name);
    }
    if (!is_needed && is_there && is_standard(ctx->node)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "update_rule \"%s\" has no %s", rules[rule],
                              name);
    }
    return ONR_OK;
}

/* Number of heads and size of each; sizes are unknown where dimensions are. */
struct heads {
    int64_t q, kv, dk, dv;
};

static enum onr_status read_heads(struct onr_infer_ctx *ctx, struct heads *heads)
{
    heads->q = onr_attr_int(ctx->node, "q_num_heads", 0);
    heads->kv = onr_attr_int(ctx->node, "kv_num_heads", 0);
    bool fits = heads->q > 0 && heads->kv > 0 && heads->q <= INT32_MAX && heads->kv <= INT32_MAX;
    bool may_invert = !is_standard(ctx->node);
    if (!fits || (heads->q % heads->kv != 0 && !(may_invert && heads->kv % heads->q == 0))) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "q_num_heads is %" PRId64
                              ", expected a positive multiple of kv_num_heads %" PRId64,
                              heads->q, heads->kv);
    }
    for (uint32_t i = ONR_LINEAR_QUERY; i <= ONR_LINEAR_VALUE; i++) {
        static const char *const names[] = {"query", "key", "value"};
        ONR_TRY(onr_check_dims(ctx, i, names[i], 3, (const int64_t[]){-1, -1, -1}));
    }
    ONR_TRY(onr_divide_dim(ctx, "query", onr_known_dim(ctx, ONR_LINEAR_QUERY, 2), heads->q,
                           &heads->dk));
    return onr_divide_dim(ctx, "value", onr_known_dim(ctx, ONR_LINEAR_VALUE, 2), heads->kv,
                          &heads->dv);
}

static enum onr_status check_key(struct onr_infer_ctx *ctx, const struct heads *heads)
{
    int64_t width = onr_known_dim(ctx, ONR_LINEAR_KEY, 2);
    if (width < 0 || heads->dk < 0 || width == heads->kv * heads->dk) {
        return ONR_OK;
    }
    bool is_shared = !is_standard(ctx->node) && heads->dk > 0 && width > 0 &&
                     width % heads->dk == 0 && heads->kv % (width / heads->dk) == 0;
    if (!is_shared) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "key has width %" PRId64 ", expected %" PRId64 " heads of %" PRId64,
                              width, heads->kv, heads->dk);
    }
    return ONR_OK;
}

/* The last dimension of decay or beta is one of two. */
static enum onr_status check_width(struct onr_infer_ctx *ctx, uint32_t index, const char *name,
                                   int64_t narrow, int64_t wide)
{
    const int64_t *query = ctx->inputs[ONR_LINEAR_QUERY]->shape.dim;
    bool is_known = ctx->inputs[ONR_LINEAR_QUERY]->shape.rank == 3;
    const int64_t want[] = {is_known ? query[0] : -1, is_known ? query[1] : -1, -1};
    if (!onr_infer_has_input(ctx, index)) {
        return ONR_OK;
    }
    ONR_TRY(onr_check_dims(ctx, index, name, 3, want));
    int64_t width = onr_known_dim(ctx, index, 2);
    if (width >= 0 && wide >= 0 && width != narrow && width != wide) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "%s has width %" PRId64 ", expected %" PRId64 " or %" PRId64, name,
                              width, narrow, wide);
    }
    return ONR_OK;
}

static enum onr_status check_operands(struct onr_infer_ctx *ctx, const struct heads *heads)
{
    const struct onr_shape *query = &ctx->inputs[ONR_LINEAR_QUERY]->shape;
    int64_t wide = -1;
    if (query->rank == 3) {
        const int64_t want[] = {query->dim[0], query->dim[1], -1};
        ONR_TRY(onr_check_dims(ctx, ONR_LINEAR_KEY, "key", 3, want));
        ONR_TRY(onr_check_dims(ctx, ONR_LINEAR_VALUE, "value", 3, want));
    }
    if (heads->dk >= 0 && !onr_int_mul(heads->kv, heads->dk, &wide)) {
        return onr_infer_fail(ctx, ONR_ERR_LIMIT, "heads are too large");
    }
    ONR_TRY(check_key(ctx, heads));
    ONR_TRY(check_width(ctx, ONR_LINEAR_DECAY, "decay", heads->kv, wide));
    return check_width(ctx, ONR_LINEAR_BETA, "beta", 1, heads->kv);
}

static enum onr_status linear_attention_infer(struct onr_infer_ctx *ctx)
{
    size_t rule = 0;
    int64_t window = 0;
    struct heads heads;
    ONR_TRY(onr_check_attr_choice(ctx->node, "update_rule", rules, &rule, ctx->err));
    ONR_TRY(onr_check_attr_int(ctx, "state_window", 0, 0, 8, &window));
    ONR_TRY(check_gate(ctx, ONR_LINEAR_DECAY, "decay", rule, rule_is_gated(rule)));
    ONR_TRY(check_gate(ctx, ONR_LINEAR_BETA, "beta", rule, rule_is_delta(rule)));
    ONR_TRY(read_heads(ctx, &heads));
    ONR_TRY(check_operands(ctx, &heads));
    int64_t batch = onr_known_dim(ctx, ONR_LINEAR_QUERY, 0);
    struct onr_shape state = {.rank = 4, .dim = {batch, heads.kv, heads.dk, heads.dv}};
    if (window > 0) {
        state = (struct onr_shape){.rank = 5, .dim = {window, batch, heads.kv, heads.dk, heads.dv}};
    }
    ONR_TRY(onr_check_dims(ctx, ONR_LINEAR_PAST, "past_state", state.rank, state.dim));
    int64_t width = ONR_DIM_UNKNOWN;
    if (heads.dv >= 0 && !onr_int_mul(onr_int_max(heads.q, heads.kv), heads.dv, &width)) {
        return onr_infer_fail(ctx, ONR_ERR_LIMIT, "heads are too large");
    }
    ctx->outputs[0].shape = (struct onr_shape){
        .rank = 3, .dim = {batch, onr_known_dim(ctx, ONR_LINEAR_QUERY, 1), width}};
    if (ctx->node->output_count > 1) {
        ctx->outputs[1].shape = state;
        if (!onr_infer_has_input(ctx, ONR_LINEAR_PAST)) {
            ctx->outputs[1].dtype = ctx->inputs[ONR_LINEAR_QUERY]->dtype;
        }
    }
    return ONR_OK;
}

static bool has_width(const struct onr_plan_ctx *ctx, uint32_t index, size_t width)
{
    return index < ctx->node->input_count && ctx->inputs[index] != NULL &&
           (size_t)ctx->inputs[index]->shape.dim[2] == width;
}

static void plan_gates(struct onr_linear_attention *plan, const struct onr_plan_ctx *ctx,
                       size_t rule)
{
    plan->is_gated = rule_is_gated(rule);
    plan->is_delta = rule_is_delta(rule);
    plan->is_decay_wide = plan->dk != 1 && has_width(ctx, ONR_LINEAR_DECAY, plan->heads * plan->dk);
    plan->is_beta_wide = has_width(ctx, ONR_LINEAR_BETA, plan->heads);
}

static enum onr_status linear_attention_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_node *node = ctx->node;
    const int64_t *query = ctx->inputs[ONR_LINEAR_QUERY]->shape.dim;
    size_t rule = 0;
    struct onr_linear_attention *plan = ONR_ARENA_NEW(ctx->arena, struct onr_linear_attention);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of LinearAttention");
    }
    ONR_TRY(onr_check_attr_choice(node, "update_rule", rules, &rule, ctx->err));
    bool has_past = node->input_count > ONR_LINEAR_PAST && ctx->inputs[ONR_LINEAR_PAST] != NULL;
    plan->dtype = ctx->inputs[ONR_LINEAR_QUERY]->dtype;
    plan->state_dtype = has_past ? ctx->inputs[ONR_LINEAR_PAST]->dtype : plan->dtype;
    plan->batch = (size_t)query[0];
    plan->length = (size_t)query[1];
    plan->q_heads = (size_t)onr_attr_int(node, "q_num_heads", 1);
    plan->heads = (size_t)onr_attr_int(node, "kv_num_heads", 1);
    plan->dk = (size_t)query[2] / plan->q_heads;
    plan->dv = (size_t)ctx->inputs[ONR_LINEAR_VALUE]->shape.dim[2] / plan->heads;
    plan->k_heads =
        plan->dk > 0 ? (size_t)ctx->inputs[ONR_LINEAR_KEY]->shape.dim[2] / plan->dk : plan->heads;
    int64_t window = onr_attr_int(node, "state_window", 0);
    plan->slots = window > 0 ? (size_t)window : 1;
    plan_gates(plan, ctx, rule);
    float scale = onr_attr_float(node, "scale", 0.0f);
    plan->scale = scale != 0.0f ? scale : (float)(1.0 / sqrt((double)plan->dk));
    plan->blocks = (plan->dv + ONR_LINEAR_COLUMNS - 1) / ONR_LINEAR_COLUMNS;
    /* The block of the state; key, query and decay; value, change and output. */
    size_t floats = 0;
    if (!onr_size_mul(plan->dk, ONR_LINEAR_COLUMNS + 3, &floats) ||
        floats > ONR_SIZE_LIMIT / sizeof(float) / ONR_MAX_THREADS) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "keys of %zu elements are too large", plan->dk);
    }
    plan->worker_bytes =
        onr_size_align((floats + 3 * ONR_LINEAR_COLUMNS) * sizeof(float), ONR_MEM_ALIGN);
    ctx->workspace_bytes = plan->worker_bytes * ctx->thread_count;
    ctx->plan = plan;
    return ONR_OK;
}

#define LINEAR_TYPES (ONR_BIT(FLOAT) | ONR_DTYPES_HALF)

static const struct onr_attr_spec standard_attrs[] = {
    {"chunk_size", ONR_ATTR_INT, false},     {"kv_num_heads", ONR_ATTR_INT, true},
    {"q_num_heads", ONR_ATTR_INT, true},     {"scale", ONR_ATTR_FLOAT, false},
    {"update_rule", ONR_ATTR_STRING, false}, {.name = NULL}};
static const struct onr_attr_spec contrib_attrs[] = {{"chunk_size", ONR_ATTR_INT, false},
                                                     {"kv_num_heads", ONR_ATTR_INT, true},
                                                     {"q_num_heads", ONR_ATTR_INT, true},
                                                     {"scale", ONR_ATTR_FLOAT, false},
                                                     {"state_window", ONR_ATTR_INT, false},
                                                     {"update_rule", ONR_ATTR_STRING, false},
                                                     {.name = NULL}};
static const struct onr_param_spec input_specs[] = {{LINEAR_TYPES, 1},
                                                    {LINEAR_TYPES, 1},
                                                    {LINEAR_TYPES, 1},
                                                    {LINEAR_TYPES, 2},
                                                    {LINEAR_TYPES, 1},
                                                    {LINEAR_TYPES, 1},
                                                    {0}};
static const struct onr_param_spec output_specs[] = {{LINEAR_TYPES, 1}, {LINEAR_TYPES, 2}, {0}};

#define LINEAR_ATTENTION_ROW(domain_name, since, last, attr_specs)                                 \
    {                                                                                              \
        .domain = (domain_name), .name = "LinearAttention", .since_version = (since),              \
        .last_version = (last), .inputs = {3, 6}, .outputs = {1, 2}, .attrs = (attr_specs),        \
        .input_specs = input_specs, .output_specs = output_specs, .infer = linear_attention_infer, \
        .plan = linear_attention_plan, .run = onr_linear_attention_run                             \
    }

extern const struct onr_op_def onr_ops_linear_attention[];
const struct onr_op_def onr_ops_linear_attention[] = {
    LINEAR_ATTENTION_ROW("", 27, ONR_OPSET_LATEST, standard_attrs),
    LINEAR_ATTENTION_ROW("com.microsoft", 1, ONR_CONTRIB_LATEST, contrib_attrs),
    {.name = NULL},
};
