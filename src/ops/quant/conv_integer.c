/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ConvInteger (ai.onnx), version 10+. https://onnx.ai/onnx/operators/onnx__ConvInteger.html
 * QLinearConv (ai.onnx), version 10+. https://onnx.ai/onnx/operators/onnx__QLinearConv.html
 * QLinearConv (com.microsoft), version 1: the same, also with channels last.
 *
 * s = Conv(x - x_zero_point, w - w_zero_point) + B over integers, positions outside x count as 0
 * ConvInteger: y = s.   QLinearConv: y = saturate(rint(s * (x_scale * w_scale / y_scale)) +
 *                       y_zero_point), halves to even
 *
 * Shapes    x: [N, C, spatial...], w: [M, C/group, kernel...], B: [M] or absent -> y: [N, M,
 *           out...]; 1 to 3 spatial dimensions. Scales and zero points: one element, those of w
 *           also [M]. With channels_last x: [N, spatial..., C] -> y: [N, out..., M].
 * Types     x, w, y: int8, uint8, each with its zero point. ConvInteger's y and B: int32, sums
 *           wrap. Scales: float32.
 * Attrs     kernel_shape, strides, dilations, pads, auto_pad, group: as for Conv. channels_last:
 *           int, default 0 (com.microsoft).
 * Aliasing  none.
 */
#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/conv/spatial.h"
#include "ops/quant/integer_shape.h"
#include "ops/quant/integer_window.h"

#include <inttypes.h>

/* Indices of the inputs; ABSENT where the operator has none. */
struct conv_form {
    uint32_t x_scale, x_zero;
    uint32_t w, w_scale, w_zero;
    uint32_t y_scale, y_zero;
    uint32_t bias;
};

#define ABSENT UINT32_MAX

static const struct conv_form integer_form = {ABSENT, 2, 1, ABSENT, 3, ABSENT, ABSENT, ABSENT};
static const struct conv_form qlinear_form = {1, 2, 3, 4, 5, 6, 7, 8};

static enum onr_status check_channels(struct onr_infer_ctx *ctx, const struct onr_shape *x,
                                      const struct onr_shape *w)
{
    int64_t group = onr_attr_int(ctx->node, "group", 1);
    int64_t channels = 0;
    if (group < 1) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "attribute group is %" PRId64 ", expected >= 1",
                              group);
    }
    if (w->dim[0] >= 0 && w->dim[0] % group != 0) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "%" PRId64 " output channels do not divide into %" PRId64 " groups",
                              w->dim[0], group);
    }
    if (w->dim[1] >= 0 &&
        (!onr_int_mul(w->dim[1], group, &channels) || (x->dim[1] >= 0 && x->dim[1] != channels))) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "x has %" PRId64 " channels, w expects %" PRId64 " in %" PRId64
                              " groups of %" PRId64,
                              x->dim[1], channels, group, w->dim[1]);
    }
    return ONR_OK;
}

static enum onr_status check_params(struct onr_infer_ctx *ctx, const struct conv_form *form,
                                    int64_t channels)
{
    const struct onr_shape of = {.rank = 1, .dim = {channels}};
    const uint32_t singles[] = {form->x_scale, form->x_zero, form->y_scale, form->y_zero};
    const uint32_t vectors[] = {form->w_scale, form->w_zero};
    for (int i = 0; i < 4; i++) {
        ONR_TRY(onr_integer_check(ctx, singles[i], ONR_PER_TENSOR, &of));
    }
    for (int i = 0; i < 2; i++) {
        if (onr_infer_has_input(ctx, vectors[i]) && onr_fact_is_shaped(ctx->inputs[vectors[i]]) &&
            onr_shape_count(&ctx->inputs[vectors[i]]->shape) != 1) {
            ONR_TRY(onr_integer_check_vector(ctx, vectors[i], channels));
        }
    }
    return onr_integer_check_vector(ctx, form->bias, channels);
}

static enum onr_status infer_form(struct onr_infer_ctx *ctx, const struct conv_form *form)
{
    bool is_last = onr_attr_int(ctx->node, "channels_last", 0) != 0;
    struct onr_shape x = ctx->inputs[0]->shape;
    const struct onr_shape *w = &ctx->inputs[form->w]->shape;
    struct onr_spatial spatial;
    if (is_last) {
        x = onr_move_channels(&x, true);
    }
    if (x.rank == ONR_RANK_UNKNOWN || w->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (x.rank < 3 || w->rank != x.rank) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "x has rank %d and w rank %d, expected the same rank of at least 3",
                              x.rank, w->rank);
    }
    struct onr_shape y = {.rank = x.rank, .dim = {x.dim[0], w->dim[0]}};
    ONR_TRY(check_channels(ctx, &x, w));
    ONR_TRY(check_params(ctx, form, w->dim[0]));
    ONR_TRY(onr_spatial_read(ctx->node, x.rank - 2, w->dim + 2, &spatial, ctx->err));
    for (int d = 0; d < spatial.rank; d++) {
        ONR_TRY(onr_spatial_output(&spatial, d, x.dim[2 + d], &y.dim[2 + d], ctx->err));
    }
    ctx->outputs[0].shape = is_last ? onr_move_channels(&y, false) : y;
    return ONR_OK;
}

static bool is_vector(const struct onr_plan_ctx *ctx, uint32_t index)
{
    const struct onr_fact *param = onr_plan_input(ctx, index);
    return param != NULL && onr_shape_count(&param->shape) != 1;
}

static enum onr_status plan_form(struct onr_plan_ctx *ctx, const struct conv_form *form)
{
    bool is_last = onr_attr_int(ctx->node, "channels_last", 0) != 0;
    struct onr_shape x = ctx->inputs[0]->shape;
    const struct onr_shape *w = &ctx->inputs[form->w]->shape;
    struct onr_integer_conv *conv = ONR_ARENA_NEW(ctx->arena, struct onr_integer_conv);
    struct onr_spatial spatial;
    if (is_last) {
        x = onr_move_channels(&x, true);
    }
    if (conv == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a convolution");
    }
    ONR_TRY(onr_spatial_read(ctx->node, x.rank - 2, w->dim + 2, &spatial, ctx->err));
    ONR_TRY(onr_spatial_window(&spatial, &x, &conv->window, ctx->err));
    conv->x_dtype = ctx->inputs[0]->dtype;
    conv->w_dtype = ctx->inputs[form->w]->dtype;
    conv->y_dtype = ctx->outputs[0].dtype;
    conv->batch = (size_t)x.dim[0];
    conv->groups = (size_t)onr_attr_int(ctx->node, "group", 1);
    conv->in_channels = (size_t)w->dim[1];
    conv->out_channels = (size_t)w->dim[0] / conv->groups;
    conv->is_channels_last = is_last;
    conv->has_w_scales = is_vector(ctx, form->w_scale);
    conv->has_w_zeros = is_vector(ctx, form->w_zero);
    ctx->plan = conv;
    return onr_integer_conv_plan(conv, ctx);
}

static enum onr_status run_form(struct onr_run_ctx *ctx, const struct conv_form *form)
{
    struct onr_integer_conv_operands operands = {
        .x = ctx->inputs[0]->data,
        .w = ctx->inputs[form->w]->data,
        .x_zero = onr_input_data(ctx, form->x_zero),
        .w_zero = onr_input_data(ctx, form->w_zero),
        .x_scale = onr_input_data(ctx, form->x_scale),
        .w_scale = onr_input_data(ctx, form->w_scale),
        .y_scale = onr_input_data(ctx, form->y_scale),
        .y_zero = onr_input_data(ctx, form->y_zero),
        .bias = onr_input_data(ctx, form->bias),
        .y = ctx->outputs[0]->data,
    };
    onr_integer_conv_run(ctx->plan, &operands, ctx);
    return ONR_OK;
}

static enum onr_status integer_infer(struct onr_infer_ctx *ctx)
{
    return infer_form(ctx, &integer_form);
}

static enum onr_status integer_plan(struct onr_plan_ctx *ctx)
{
    return plan_form(ctx, &integer_form);
}

static enum onr_status integer_run(struct onr_run_ctx *ctx)
{
    return run_form(ctx, &integer_form);
}

static enum onr_status qlinear_infer(struct onr_infer_ctx *ctx)
{
    return infer_form(ctx, &qlinear_form);
}

static enum onr_status qlinear_plan(struct onr_plan_ctx *ctx)
{
    return plan_form(ctx, &qlinear_form);
}

static enum onr_status qlinear_run(struct onr_run_ctx *ctx)
{
    return run_form(ctx, &qlinear_form);
}

#define BYTES (ONR_BIT(INT8) | ONR_BIT(UINT8))
#define SCALE ONR_BIT(FLOAT)

static const struct onr_attr_spec attrs[] = {{"auto_pad", ONR_ATTR_STRING, false},
                                             {"dilations", ONR_ATTR_INTS, false},
                                             {"group", ONR_ATTR_INT, false},
                                             {"kernel_shape", ONR_ATTR_INTS, false},
                                             {"pads", ONR_ATTR_INTS, false},
                                             {"strides", ONR_ATTR_INTS, false},
                                             {.name = NULL}};
static const struct onr_attr_spec contrib_attrs[] = {
    {"auto_pad", ONR_ATTR_STRING, false},   {"channels_last", ONR_ATTR_INT, false},
    {"dilations", ONR_ATTR_INTS, false},    {"group", ONR_ATTR_INT, false},
    {"kernel_shape", ONR_ATTR_INTS, false}, {"pads", ONR_ATTR_INTS, false},
    {"strides", ONR_ATTR_INTS, false},      {.name = NULL}};

static const struct onr_param_spec integer_inputs[] = {
    {BYTES, 1}, {BYTES, 2}, {BYTES, 1}, {BYTES, 2}, {0, 0}};
static const struct onr_param_spec integer_outputs[] = {{ONR_BIT(INT32), 0}, {0, 0}};
static const struct onr_param_spec qlinear_inputs[] = {
    {BYTES, 1}, {SCALE, 0}, {BYTES, 1}, {BYTES, 2},          {SCALE, 0},
    {BYTES, 2}, {SCALE, 0}, {BYTES, 3}, {ONR_BIT(INT32), 0}, {0, 0}};
static const struct onr_param_spec qlinear_outputs[] = {{BYTES, 3}, {0, 0}};

#define QLINEAR_ROW(of, since, last, attributes)                                                   \
    {                                                                                              \
        .domain = (of), .name = "QLinearConv", .since_version = (since), .last_version = (last),   \
        .inputs = {8, 9}, .outputs = {1, 1}, .attrs = (attributes), .input_specs = qlinear_inputs, \
        .output_specs = qlinear_outputs, .infer = qlinear_infer, .plan = qlinear_plan,             \
        .run = qlinear_run, .kernel = ONR_KERNEL_AT(quant.add_product_u8),                         \
    }

extern const struct onr_op_def onr_ops_conv_integer[];
const struct onr_op_def onr_ops_conv_integer[] = {
    {.domain = "",
     .name = "ConvInteger",
     .since_version = 10,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 4},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = integer_inputs,
     .output_specs = integer_outputs,
     .infer = integer_infer,
     .plan = integer_plan,
     .run = integer_run,
     .kernel = ONR_KERNEL_AT(quant.add_product_u8)},
    QLINEAR_ROW("", 10, ONR_OPSET_LATEST, attrs),
    QLINEAR_ROW("com.microsoft", 1, ONR_CONTRIB_LATEST, contrib_attrs),
    {.name = NULL},
};
