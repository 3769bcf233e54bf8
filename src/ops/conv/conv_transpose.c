/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ConvTranspose (ai.onnx), versions 1, 11 and 22.
 * https://onnx.ai/onnx/operators/onnx__ConvTranspose.html
 * ConvTransposeWithDynamicPads (com.microsoft), version 1: the same with pads as an input, int64
 * [2 * spatial dimensions], between W and B, and without the attribute output_shape.
 *
 * Y[n, m, o * stride - pad + t * dilation] += W[c, m, t] * X[n, c, o] for all c of m's group, taps
 * t and positions o, starting from B[m].
 *
 * Shapes    X: [N, C, spatial...], W: [C, M/group, kernel...], B: [M] or absent -> Y: [N, M,
 *           out...]; out = (in - 1) * stride + output_padding + (kernel - 1) * dilation + 1 - pads;
 *           1 to 3 spatial dimensions.
 * Types     float16, bfloat16 (22+), float32, float64. The half types are computed in float32.
 * Attrs     as Conv, and output_padding: ints, default 0; output_shape: ints, the spatial extents
 *           of Y, from which the pads follow (the odd one goes behind with auto_pad SAME_UPPER,
 *           else before); models of ONNX up to 1.3 give N and M in front of them. auto_pad SAME_*: out = in * stride.
 * Edge      C = 0 -> B.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/common/axes.h"
#include "ops/conv/conv_transpose_run.h"
#include "ops/conv/spatial.h"

#include <inttypes.h>
#include <string.h>

/* The attributes that Conv lacks. */
struct extra {
    bool has_shape;
    int64_t shape[ONR_SPATIAL_MAX];
    int64_t padding[ONR_SPATIAL_MAX];
};

static enum onr_status read_attrs(const struct onr_node *node, const struct onr_shape *w,
                                  struct onr_spatial *spatial, struct extra *extra,
                                  struct onr_error *err)
{
    ONR_TRY(onr_spatial_read(node, w->rank - 2, w->dim + 2, spatial, err));
    size_t rank = (size_t)spatial->rank;
    int64_t whole_shape[2 + ONR_SPATIAL_MAX];
    size_t given = 0;
    extra->has_shape = onr_attr_ints(node, "output_shape", &given) != NULL;
    size_t leading = given == rank + 2 ? 2 : 0;
    ONR_TRY(onr_spatial_list(node, "output_shape", leading + rank, 1, 0, whole_shape, err));
    memcpy(extra->shape, whole_shape + leading, rank * sizeof *extra->shape);
    return onr_spatial_list(node, "output_padding", rank, 0, 0, extra->padding, err);
}

/* Takes over pads that are an input, as far as they are known. */
static enum onr_status read_pads(const struct onr_fact *pads, struct onr_spatial *spatial,
                                 bool *is_known, struct onr_error *err)
{
    int64_t list[2 * ONR_SPATIAL_MAX];
    size_t rank = (size_t)spatial->rank;
    size_t count = 0;
    if (onr_fact_is_shaped(pads) && onr_shape_count(&pads->shape) != 2 * (int64_t)rank) {
        return onr_fail(err, ONR_ERR_SHAPE, "%" PRId64 " pads, expected %zu",
                        onr_shape_count(&pads->shape), 2 * rank);
    }
    *is_known = onr_fact_ints(pads, 2 * rank, list, &count);
    for (size_t i = 0; *is_known && i < count; i++) {
        if (list[i] < 0 || list[i] > INT32_MAX) {
            return onr_fail(err, ONR_ERR_VALUE, "pad %zu is %" PRId64 ", expected 0 to %" PRId32, i,
                            list[i], INT32_MAX);
        }
        if (spatial->auto_pad == ONR_PAD_EXPLICIT) {
            *(i < rank ? &spatial->pad[i] : &spatial->pad_end[i - rank]) = list[i];
        }
    }
    return ONR_OK;
}

/* The output extent of dimension d, and the pads that lead to it. */
static enum onr_status find_output(struct onr_spatial *s, const struct extra *extra, int d,
                                   int64_t in, int64_t *out, struct onr_error *err)
{
    bool is_same = s->auto_pad == ONR_PAD_SAME_UPPER || s->auto_pad == ONR_PAD_SAME_LOWER;
    *out = extra->has_shape ? extra->shape[d] : ONR_DIM_UNKNOWN;
    if (in < 0 || s->kernel[d] < 0) {
        return ONR_OK;
    }
    int64_t natural = (s->kernel[d] - 1) * s->dilation[d] + 1 + extra->padding[d];
    int64_t steps = 0;
    if (!onr_int_mul(onr_int_max(in - 1, 0), s->stride[d], &steps) ||
        !onr_int_add(natural, steps, &natural) || natural > INT64_MAX / 4) {
        return onr_fail(err, ONR_ERR_LIMIT, "spatial dimension %d of the output is too large", d);
    }
    if (!extra->has_shape && !is_same) {
        *out = natural - s->pad[d] - s->pad_end[d];
        if (*out < 0) {
            return onr_fail(err, ONR_ERR_SHAPE,
                            "pads of %" PRId64 " and %" PRId64 " are more than spatial dimension "
                            "%d of the output, %" PRId64,
                            s->pad[d], s->pad_end[d], d, natural);
        }
        return ONR_OK;
    }
    if (!extra->has_shape) {
        *out = in * s->stride[d];
    }
    int64_t total = onr_int_max(natural - *out, 0);
    s->pad[d] = s->auto_pad == ONR_PAD_SAME_UPPER ? total / 2 : total - total / 2;
    s->pad_end[d] = total - s->pad[d];
    return ONR_OK;
}

static enum onr_status check_channels(struct onr_infer_ctx *ctx, const struct onr_shape *x,
                                      const struct onr_shape *w, int64_t *channels)
{
    int64_t group = onr_attr_int(ctx->node, "group", 1);
    if (group < 1) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "attribute group is %" PRId64 ", expected >= 1",
                              group);
    }
    if (x->dim[1] >= 0 && w->dim[0] >= 0 && x->dim[1] != w->dim[0]) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "x has %" PRId64 " channels, w expects %" PRId64,
                              x->dim[1], w->dim[0]);
    }
    if (w->dim[0] >= 0 && w->dim[0] % group != 0) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "%" PRId64 " channels do not divide into %" PRId64 " groups",
                              w->dim[0], group);
    }
    *channels = ONR_DIM_UNKNOWN;
    if (w->dim[1] >= 0 && !onr_int_mul(w->dim[1], group, channels)) {
        return onr_infer_fail(ctx, ONR_ERR_LIMIT, "too many groups: %" PRId64, group);
    }
    return ONR_OK;
}

static enum onr_status infer_output(struct onr_infer_ctx *ctx, const struct onr_fact *pads)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *w = &ctx->inputs[1]->shape;
    struct onr_spatial spatial;
    struct extra extra;
    bool is_padding_known = true;
    if (x->rank == ONR_RANK_UNKNOWN || w->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (x->rank < 3 || w->rank != x->rank) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "x has rank %d and w rank %d, expected the same rank of at least 3",
                              x->rank, w->rank);
    }
    struct onr_shape y = {.rank = x->rank, .dim = {x->dim[0]}};
    ONR_TRY(check_channels(ctx, x, w, &y.dim[1]));
    ONR_TRY(onr_conv_check_bias(ctx, y.dim[1]));
    ONR_TRY(read_attrs(ctx->node, w, &spatial, &extra, ctx->err));
    if (pads != NULL) {
        ONR_TRY(read_pads(pads, &spatial, &is_padding_known, ctx->err));
    }
    for (int d = 0; d < spatial.rank; d++) {
        int64_t in = is_padding_known ? x->dim[2 + d] : ONR_DIM_UNKNOWN;
        ONR_TRY(find_output(&spatial, &extra, d, in, &y.dim[2 + d], ctx->err));
    }
    ctx->outputs[0].shape = y;
    return ONR_OK;
}

static enum onr_status conv_transpose_infer(struct onr_infer_ctx *ctx)
{
    return infer_output(ctx, NULL);
}

/* Inputs of ConvTransposeWithDynamicPads. */
enum { DYNAMIC_PADS = 2, DYNAMIC_BIAS = 3 };

static enum onr_status dynamic_infer(struct onr_infer_ctx *ctx)
{
    bool has_pads = onr_infer_has_input(ctx, DYNAMIC_PADS);
    const struct onr_fact *inputs[] = {
        ctx->inputs[0], ctx->inputs[1],
        onr_infer_has_input(ctx, DYNAMIC_BIAS) ? ctx->inputs[DYNAMIC_BIAS] : NULL};
    if (has_pads) {
        const int64_t *list = NULL;
        size_t count = 0;
        ONR_TRY(onr_infer_ints(ctx, DYNAMIC_PADS, &list, &count));
    }
    struct onr_infer_ctx conv = *ctx;
    conv.inputs = inputs;
    return infer_output(&conv, has_pads ? ctx->inputs[DYNAMIC_PADS] : NULL);
}

struct state {
    const struct onr_kernels *kernels;
    void *weights; /* turned, once what was put off is done; NULL: W is no constant of float32 */
};

static enum onr_status conv_transpose_prepare(struct onr_prepare_ctx *ctx)
{
    const struct onr_constant *w = ctx->constants[1];
    struct state *state = ONR_ARENA_NEW(ctx->arena, struct state);
    int64_t groups = onr_attr_int(ctx->node, "group", 1);
    if (state == NULL) {
        return onr_fail_memory(ctx->err, "state of ConvTranspose");
    }
    state->kernels = ctx->kernels;
    ctx->state = state;
    if (w == NULL || w->dtype != ONR_FLOAT || w->shape.rank < 3 || onr_constant_count(w) == 0 ||
        groups < 1 || w->shape.dim[0] % groups != 0) {
        return ONR_OK;
    }
    const struct onr_conv_transpose_order order = {
        .groups = (size_t)groups,
        .in_channels = (size_t)(w->shape.dim[0] / groups),
        .columns = (size_t)onr_shape_range(&w->shape, 1, w->shape.rank),
        .from = w->data,
        .to = &state->weights};
    size_t blocks = onr_size_divide_up(order.columns, ONR_CONV_TRANSPOSE_COLUMNS);
    if (!onr_backlog_room(ctx->backlog, w->bytes, &state->weights) ||
        !onr_backlog_add(ctx->backlog, order.groups * blocks,
                         order.in_channels * ONR_CONV_TRANSPOSE_COLUMNS * sizeof(float),
                         onr_conv_transpose_order, &order, sizeof order)) {
        return onr_fail_memory(ctx->err, "weights of ConvTranspose");
    }
    ctx->consumed |= 1u << 1;
    return ONR_OK;
}

static enum onr_status set_window(struct onr_plan_ctx *ctx, const struct onr_fact *pads,
                                  struct onr_window *window)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_spatial spatial;
    struct extra extra;
    bool is_known;
    ONR_TRY(read_attrs(ctx->node, &ctx->inputs[1]->shape, &spatial, &extra, ctx->err));
    if (pads != NULL) {
        ONR_TRY(read_pads(pads, &spatial, &is_known, ctx->err));
    }
    *window = (struct onr_window){.in = {1, 1, 1},
                                  .out = {1, 1, 1},
                                  .kernel = {1, 1, 1},
                                  .stride = {1, 1, 1},
                                  .dilation = {1, 1, 1}};
    for (int d = 0; d < spatial.rank; d++) {
        int w = ONR_SPATIAL_MAX - spatial.rank + d;
        window->out[w] = x->dim[2 + d];
        ONR_TRY(find_output(&spatial, &extra, d, x->dim[2 + d], &window->in[w], ctx->err));
        window->kernel[w] = spatial.kernel[d];
        window->stride[w] = spatial.stride[d];
        window->dilation[w] = spatial.dilation[d];
        window->pad[w] = spatial.pad[d];
    }
    return ONR_OK;
}

static enum onr_status make_plan(struct onr_plan_ctx *ctx, const struct onr_fact *pads,
                                 bool has_bias)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *w = &ctx->inputs[1]->shape;
    const struct state *state = ctx->state;
    struct onr_conv_transpose *conv = ONR_ARENA_NEW(ctx->arena, struct onr_conv_transpose);
    if (conv == NULL) {
        return onr_fail_memory(ctx->err, "plan of ConvTranspose");
    }
    conv->dtype = ctx->inputs[0]->dtype;
    conv->has_bias = has_bias;
    conv->batch = (size_t)x->dim[0];
    conv->groups = (size_t)onr_attr_int(ctx->node, "group", 1);
    conv->in_channels = (size_t)w->dim[0] / conv->groups;
    conv->out_channels = (size_t)w->dim[1];
    conv->weights = state->weights;
    ONR_TRY(set_window(ctx, pads, &conv->window));
    ONR_TRY(onr_conv_transpose_plan(conv, state->kernels, ctx));
    ctx->told.kernel =
        conv->dtype == ONR_DOUBLE ? ONR_KERNEL_AT(conv.spread_f64) : ONR_KERNEL_AT(gemm.f32);
    ctx->told.tiles = conv->kernel;
    ctx->flops = 2 * (uint64_t)onr_shape_count(x) * (uint64_t)onr_shape_range(w, 1, w->rank);
    ctx->plan = conv;
    return ONR_OK;
}

static bool has_input(const struct onr_plan_ctx *ctx, uint32_t index)
{
    return index < ctx->node->input_count && ctx->inputs[index] != NULL;
}

static enum onr_status conv_transpose_plan(struct onr_plan_ctx *ctx)
{
    return make_plan(ctx, NULL, has_input(ctx, 2));
}

static enum onr_status dynamic_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_fact *pads = has_input(ctx, DYNAMIC_PADS) ? ctx->inputs[DYNAMIC_PADS] : NULL;
    return make_plan(ctx, pads, has_input(ctx, DYNAMIC_BIAS));
}

static enum onr_status conv_transpose_run(struct onr_run_ctx *ctx)
{
    onr_conv_transpose_run(ctx->plan, ctx);
    return ONR_OK;
}

static enum onr_status dynamic_run(struct onr_run_ctx *ctx)
{
    struct onr_tensor *const inputs[] = {ctx->inputs[0], ctx->inputs[1],
                                         ctx->input_count > DYNAMIC_BIAS ? ctx->inputs[DYNAMIC_BIAS]
                                                                         : NULL};
    struct onr_run_ctx conv = *ctx;
    conv.inputs = inputs;
    onr_conv_transpose_run(ctx->plan, &conv);
    return ONR_OK;
}

static const struct onr_param_spec specs_1[] = {
    {ONR_BIT(FLOAT16) | ONR_BIT(FLOAT) | ONR_BIT(DOUBLE), 1}, {0}};
static const struct onr_param_spec specs_22[] = {{ONR_DTYPES_FLOAT, 1}, {0}};

static const struct onr_attr_spec attrs[] = {{"auto_pad", ONR_ATTR_STRING, false},
                                             {"dilations", ONR_ATTR_INTS, false},
                                             {"group", ONR_ATTR_INT, false},
                                             {"kernel_shape", ONR_ATTR_INTS, false},
                                             {"output_padding", ONR_ATTR_INTS, false},
                                             {"output_shape", ONR_ATTR_INTS, false},
                                             {"pads", ONR_ATTR_INTS, false},
                                             {"strides", ONR_ATTR_INTS, false},
                                             {.name = NULL}};

static const struct onr_attr_spec dynamic_attrs[] = {{"auto_pad", ONR_ATTR_STRING, false},
                                                     {"dilations", ONR_ATTR_INTS, false},
                                                     {"group", ONR_ATTR_INT, false},
                                                     {"kernel_shape", ONR_ATTR_INTS, false},
                                                     {"output_padding", ONR_ATTR_INTS, false},
                                                     {"strides", ONR_ATTR_INTS, false},
                                                     {.name = NULL}};
static const struct onr_param_spec dynamic_specs[] = {
    {ONR_DTYPES_FLOAT, 1}, {ONR_DTYPES_FLOAT, 1}, {ONR_BIT(INT64), 0}, {ONR_DTYPES_FLOAT, 1}, {0}};

#define CONV_TRANSPOSE_ROW(since, last, specs)                                                     \
    {                                                                                              \
        .domain = "", .name = "ConvTranspose", .since_version = (since), .last_version = (last),   \
        .inputs = {2, 3}, .outputs = {1, 1}, .attrs = attrs, .input_specs = (specs),               \
        .output_specs = (specs), .infer = conv_transpose_infer, .prepare = conv_transpose_prepare, \
        .plan = conv_transpose_plan, .run = conv_transpose_run                                     \
    }

extern const struct onr_op_def onr_ops_conv_transpose[];
const struct onr_op_def onr_ops_conv_transpose[] = {
    CONV_TRANSPOSE_ROW(1, 21, specs_1),
    CONV_TRANSPOSE_ROW(22, ONR_OPSET_LATEST, specs_22),
    {.domain = "com.microsoft",
     .name = "ConvTransposeWithDynamicPads",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {2, 4},
     .outputs = {1, 1},
     .attrs = dynamic_attrs,
     .input_specs = dynamic_specs,
     .output_specs = specs_22,
     .infer = dynamic_infer,
     .prepare = conv_transpose_prepare,
     .plan = dynamic_plan,
     .run = dynamic_run},
    {.name = NULL},
};
