/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CausalConvWithState (ai.onnx), version 27, and CausalConvWithState (com.microsoft), version 1.
 * https://onnx.ai/onnx/operators/onnx__CausalConvWithState.html
 *
 * Per channel c, with x the past_state (or zeros) followed by the input:
 *
 *   output[t] = f(bias[c] + sum over j < k of weight[c, 0, j] x[t + j dilation])
 *   present_state = the last (k - 1) dilation elements of x
 *
 * Inputs    input, weight, bias?, past_state?
 * Outputs   output, present_state
 * Shapes    input, output: [B,C,L], weight: [C,1,k], bias: [C], states: [B,C,(k-1) dilation].
 *           com.microsoft: with channels_last input is [B,L,channels...], states
 *           [B,(k-1) dilation,channels...]; with state_window = W > 0 states have a leading W, slot
 *           j as after position L - W + j, of which past_state is the last.
 * Types     float32, float16, bfloat16, computed in float32.
 * Attrs     activation: none (default), silu, swish (the same as silu). com.microsoft: dilation:
 *           int >= 1, default 1. channels_last: int, default 0. state_window: int 0 to 8, default
 *           0. ndim: int, default 1; others are not supported.
 * Edge      Slots before the first position are 0. States are copied unchanged.
 * Aliasing  none.
 */
#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/common/float_io.h"

#include <inttypes.h>
#include <string.h>

enum { CAUSAL_INPUT, CAUSAL_WEIGHT, CAUSAL_BIAS, CAUSAL_PAST };

static const char *const activations[] = {"none", "silu", "swish", NULL};

/* Extents; unknown where dimensions are. */
struct causal_dims {
    int64_t batch, channels, length, taps, state;
};

static enum onr_status read_dims(struct onr_infer_ctx *ctx, int64_t dilation, bool is_last,
                                 struct causal_dims *dims)
{
    const struct onr_shape *x = &ctx->inputs[CAUSAL_INPUT]->shape;
    *dims = (struct causal_dims){-1, -1, -1, onr_known_dim(ctx, CAUSAL_WEIGHT, 2), -1};
    if (is_last && x->rank != ONR_RANK_UNKNOWN && x->rank < 3) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input has rank %d, expected 3 or more", x->rank);
    }
    if (!is_last) {
        ONR_TRY(onr_check_dims(ctx, CAUSAL_INPUT, "input", 3, (const int64_t[]){-1, -1, -1}));
    }
    if (x->rank != ONR_RANK_UNKNOWN) {
        dims->batch = x->dim[0];
        dims->length = is_last ? x->dim[1] : x->dim[2];
        dims->channels = is_last ? onr_dim_range(x, 2, x->rank) : x->dim[1];
    }
    if (dims->taps == 0 ||
        (dims->taps > 0 && !onr_int_mul(dims->taps - 1, dilation, &dims->state))) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "weight has %" PRId64 " taps", dims->taps);
    }
    return ONR_OK;
}

static struct onr_shape state_shape(const struct onr_shape *x, const struct causal_dims *dims,
                                    int64_t window, bool is_last)
{
    struct onr_shape state = {.rank = 0};
    if (window > 0) {
        state.dim[state.rank++] = window;
    }
    state.dim[state.rank++] = dims->batch;
    if (!is_last) {
        state.dim[state.rank++] = dims->channels;
    }
    state.dim[state.rank++] = dims->state;
    for (int d = 2; is_last && d < x->rank; d++) {
        state.dim[state.rank++] = x->dim[d];
    }
    return state;
}

static enum onr_status causal_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[CAUSAL_INPUT]->shape;
    size_t activation = 0;
    int64_t dilation = 1;
    int64_t window = 0;
    int64_t ndim = 1;
    bool is_last = onr_attr_int(ctx->node, "channels_last", 0) != 0;
    struct causal_dims dims;
    ONR_TRY(onr_check_attr_choice(ctx->node, "activation", activations, &activation, ctx->err));
    ONR_TRY(onr_check_attr_int(ctx, "dilation", 1, 1, INT32_MAX, &dilation));
    ONR_TRY(onr_check_attr_int(ctx, "state_window", 0, 0, 8, &window));
    ONR_TRY(onr_check_attr_int(ctx, "ndim", 1, 1, 3, &ndim));
    if (ndim != 1) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED, "%" PRId64 " spatial dimensions", ndim);
    }
    ONR_TRY(read_dims(ctx, dilation, is_last, &dims));
    const int64_t weight[] = {dims.channels, 1, -1};
    ONR_TRY(onr_check_dims(ctx, CAUSAL_WEIGHT, "weight", 3, weight));
    ONR_TRY(onr_check_dims(ctx, CAUSAL_BIAS, "bias", 1, &dims.channels));
    ctx->outputs[0].shape = *x;
    if (is_last && (x->rank == ONR_RANK_UNKNOWN || x->rank >= ONR_MAX_RANK)) {
        return ONR_OK; /* the rank of the state is not known, or too large */
    }
    struct onr_shape state = state_shape(x, &dims, window, is_last);
    ONR_TRY(onr_check_dims(ctx, CAUSAL_PAST, "past_state", state.rank, state.dim));
    if (ctx->node->output_count > 1) {
        ctx->outputs[1].shape = state;
    }
    return ONR_OK;
}

struct causal_plan {
    enum onr_dtype dtype;
    bool is_last, has_silu;
    size_t batch, channels, length, taps, dilation, state;
    size_t slots;
    size_t worker_bytes;
    onr_unary_fn swish;
};

/* The state is the kernel table, for plan. */
static enum onr_status causal_prepare(struct onr_prepare_ctx *ctx)
{
    ctx->state = (void *)(uintptr_t)ctx->kernels;
    return ONR_OK;
}

static enum onr_status causal_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_kernels *kernels = ctx->state;
    const struct onr_shape *x = &ctx->inputs[CAUSAL_INPUT]->shape;
    size_t activation = 0;
    struct causal_plan *plan = ONR_ARENA_NEW(ctx->arena, struct causal_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of CausalConvWithState");
    }
    ONR_TRY(onr_check_attr_choice(ctx->node, "activation", activations, &activation, ctx->err));
    int64_t window = onr_attr_int(ctx->node, "state_window", 0);
    plan->dtype = ctx->inputs[CAUSAL_INPUT]->dtype;
    plan->is_last = onr_attr_int(ctx->node, "channels_last", 0) != 0;
    plan->has_silu = activation != 0;
    plan->batch = (size_t)x->dim[0];
    plan->channels = (size_t)ctx->inputs[CAUSAL_WEIGHT]->shape.dim[0];
    plan->length = (size_t)(plan->is_last ? x->dim[1] : x->dim[2]);
    plan->taps = (size_t)ctx->inputs[CAUSAL_WEIGHT]->shape.dim[2];
    plan->dilation = (size_t)onr_attr_int(ctx->node, "dilation", 1);
    plan->state = (plan->taps - 1) * plan->dilation;
    plan->slots = window > 0 ? (size_t)window : 1;
    plan->swish = kernels->unary.rows[ONR_UNARY_SWISH][ONR_FLOAT];
    ctx->told.kernel = plan->has_silu ? ONR_KERNEL_AT(unary.rows[ONR_UNARY_SWISH][ONR_FLOAT]) : 0;
    /* Past and input; output; taps. */
    size_t floats = 0;
    if (!onr_size_mul(plan->length, 2, &floats) || !onr_size_add(floats, plan->state, &floats) ||
        !onr_size_add(floats, plan->taps, &floats) ||
        floats > ONR_SIZE_LIMIT / sizeof(float) / ONR_MAX_THREADS) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "a state of %zu elements is too large",
                        plan->state);
    }
    plan->worker_bytes = onr_size_align(floats * sizeof(float), ONR_MEM_ALIGN);
    ctx->workspace_bytes = plan->worker_bytes * ctx->thread_count;
    ctx->plan = plan;
    ctx->flops = 2 * (uint64_t)onr_shape_count(x) * plan->taps;
    return ONR_OK;
}

struct causal_job {
    const struct causal_plan *plan;
    const void *x, *weight, *bias, *past;
    void *y, *present;
    char *scratch; /* of all workers */
};

/* Where channel c of image b begins in a tensor of `length` positions. */
static size_t row_at(const struct causal_plan *plan, size_t b, size_t c, size_t length)
{
    return plan->is_last ? b * plan->channels * length + c : (b * plan->channels + c) * length;
}

/* Slot j is the state after the first `length + 1 + j - slots` positions; x begins with the past. */
static void store_states(const struct causal_job *job, size_t b, size_t c, size_t stride,
                         const float *x)
{
    const struct causal_plan *plan = job->plan;
    size_t slot_size = plan->batch * plan->channels * plan->state;
    for (size_t j = 0; job->present != NULL && j < plan->slots; j++) {
        size_t at = j * slot_size + row_at(plan, b, c, plan->state);
        bool is_before = j + plan->length < plan->slots && j + 1 < plan->slots;
        for (size_t i = 0; is_before && i < plan->state; i++) {
            onr_float_scatter(plan->dtype, &(float){0.0f}, at + i * stride, 1, 1, job->present);
        }
        if (!is_before) {
            onr_float_scatter(plan->dtype, x + (j + 1 + plan->length - plan->slots), at, stride,
                              plan->state, job->present);
        }
    }
}

static void run_row(const struct causal_job *job, size_t b, size_t c, float *x)
{
    const struct causal_plan *plan = job->plan;
    size_t stride = plan->is_last ? plan->channels : 1;
    float *y = x + plan->state + plan->length;
    float *weight = y + plan->length;
    float bias = 0.0f;
    memset(x, 0, plan->state * sizeof(float));
    if (job->past != NULL) {
        size_t slot = (plan->slots - 1) * plan->batch * plan->channels * plan->state;
        onr_float_gather(plan->dtype, job->past, slot + row_at(plan, b, c, plan->state), stride,
                         plan->state, x);
    }
    onr_float_gather(plan->dtype, job->x, row_at(plan, b, c, plan->length), stride, plan->length,
                     x + plan->state);
    onr_float_gather(plan->dtype, job->weight, c * plan->taps, 1, plan->taps, weight);
    if (job->bias != NULL) {
        onr_float_gather(plan->dtype, job->bias, c, 1, 1, &bias);
    }
    for (size_t t = 0; t < plan->length; t++) {
        y[t] = bias;
    }
    for (size_t j = 0; j < plan->taps; j++) {
        const float *tap = x + j * plan->dilation;
        for (size_t t = 0; t < plan->length; t++) {
            y[t] += weight[j] * tap[t];
        }
    }
    if (plan->has_silu) {
        plan->swish(plan->length, y, y, (struct onr_unary_args){.a = 1.0f});
    }
    onr_float_scatter(plan->dtype, y, row_at(plan, b, c, plan->length), stride, plan->length,
                      job->y);
    store_states(job, b, c, stride, x);
}

static void run_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct causal_job *job = arg;
    float *scratch = (float *)(void *)(job->scratch + worker * job->plan->worker_bytes);
    for (size_t row = begin; row < end; row++) {
        run_row(job, row / job->plan->channels, row % job->plan->channels, scratch);
    }
}

static const void *data_of(const struct onr_run_ctx *ctx, uint32_t index)
{
    return index < ctx->input_count && ctx->inputs[index] != NULL ? ctx->inputs[index]->data : NULL;
}

static enum onr_status causal_run(struct onr_run_ctx *ctx)
{
    const struct causal_plan *plan = ctx->plan;
    struct causal_job job = {
        .plan = plan,
        .x = ctx->inputs[CAUSAL_INPUT]->data,
        .weight = ctx->inputs[CAUSAL_WEIGHT]->data,
        .bias = data_of(ctx, CAUSAL_BIAS),
        .past = data_of(ctx, CAUSAL_PAST),
        .y = ctx->outputs[0]->data,
        .present = ctx->output_count > 1 && ctx->outputs[1] != NULL ? ctx->outputs[1]->data : NULL,
        .scratch = ctx->workspace,
    };
    onr_parallel_for(ctx->parallel, plan->batch * plan->channels,
                     onr_grain(plan->length * (plan->taps + 2) + plan->state * plan->slots),
                     run_rows, &job);
    return ONR_OK;
}

static const struct onr_param_spec specs[] = {{ONR_BIT(FLOAT) | ONR_DTYPES_HALF, 1}, {0}};
static const struct onr_attr_spec standard_attrs[] = {{"activation", ONR_ATTR_STRING, false},
                                                      {.name = NULL}};
static const struct onr_attr_spec contrib_attrs[] = {
    {"activation", ONR_ATTR_STRING, false}, {"channels_last", ONR_ATTR_INT, false},
    {"dilation", ONR_ATTR_INT, false},      {"ndim", ONR_ATTR_INT, false},
    {"state_window", ONR_ATTR_INT, false},  {.name = NULL}};

#define CAUSAL_ROW(domain_name, since, last, attr_specs)                                           \
    {                                                                                              \
        .domain = (domain_name), .name = "CausalConvWithState", .since_version = (since),          \
        .last_version = (last), .inputs = {2, 4}, .outputs = {1, 2}, .attrs = (attr_specs),        \
        .input_specs = specs, .output_specs = specs, .infer = causal_infer,                        \
        .prepare = causal_prepare, .plan = causal_plan, .run = causal_run                          \
    }

extern const struct onr_op_def onr_ops_causal_conv_with_state[];
const struct onr_op_def onr_ops_causal_conv_with_state[] = {
    CAUSAL_ROW("", 27, ONR_OPSET_LATEST, standard_attrs),
    CAUSAL_ROW("com.microsoft", 1, ONR_CONTRIB_LATEST, contrib_attrs),
    {.name = NULL},
};
