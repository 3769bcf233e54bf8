/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FusedConv, NhwcConv, NhwcFusedConv (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * Y = f(Conv(X, W, B) + Z)
 *
 * Shapes    as Conv; Z: as Y, or absent (NhwcConv has none). In the Nhwc forms X, Y and Z are
 *           [N, spatial..., C] while W stays [M, C/group, kernel...].
 * Types     float16, float32, float64. The half type is computed in float32 and rounds before Z
 *           is added.
 * Attrs     of Conv, and activation: string, default none, see fused_activation.c;
 *           activation_params: floats. NhwcConv has no activation.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/common/check_dims.h"
#include "ops/common/copy.h"
#include "ops/common/fused_activation.h"
#include "ops/conv/conv_run.h"
#include "ops/conv/spatial.h"

#include <string.h>

#define RESIDUAL 3

static bool is_nhwc(const struct onr_node *node)
{
    return strncmp(node->op_type, "Nhwc", 4) == 0;
}

static enum onr_status fused_conv_infer(struct onr_infer_ctx *ctx)
{
    struct onr_fact x = *ctx->inputs[0];
    const struct onr_fact *inputs[RESIDUAL + 1] = {NULL};
    struct onr_infer_ctx conv = *ctx;
    memcpy(inputs, ctx->inputs, ctx->node->input_count * sizeof inputs[0]);
    if (is_nhwc(ctx->node)) {
        x.shape = onr_move_channels(&x.shape, true);
        inputs[0] = &x;
    }
    conv.inputs = inputs;
    ONR_TRY(onr_conv_infer(&conv));
    struct onr_shape *y = &ctx->outputs[0].shape;
    if (y->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (is_nhwc(ctx->node)) {
        *y = onr_move_channels(y, false);
    }
    return onr_check_dims(ctx, RESIDUAL, "residual", y->rank, y->dim);
}

static enum onr_status fused_conv_prepare(struct onr_prepare_ctx *ctx)
{
    struct onr_activation activation;
    ONR_TRY(onr_fused_activation_read(ctx->node, ctx->inputs[0]->dtype, ctx->kernels, &activation,
                                      ctx->err));
    return onr_conv_prepare(ctx);
}

struct fused_conv {
    struct onr_conv *conv;
    bool is_whole; /* conv does all */
    struct onr_activation activation;
    onr_binary_fn add;
    bool is_nhwc;
    struct onr_shape x, y;          /* as Conv sees them, of the Nhwc forms */
    struct onr_copy x_copy, y_copy; /* to those and back */
    size_t x_bytes, y_bytes;        /* of these copies, at the front of the workspace */
};

/* The copy from a tensor [N, spatial..., C] to [N, C, spatial...], or back. */
static void plan_copy(struct onr_copy *copy, const struct onr_shape *planes, bool to_front,
                      size_t element_bytes)
{
    int64_t channels = planes->dim[1];
    int64_t positions = onr_shape_range(planes, 2, planes->rank);
    *copy = (struct onr_copy){.element_bytes = element_bytes};
    onr_copy_add(copy, planes->dim[0], channels * positions, channels * positions);
    if (to_front) {
        onr_copy_add(copy, channels, positions, 1);
        onr_copy_add(copy, positions, 1, channels);
    } else {
        onr_copy_add(copy, positions, channels, 1);
        onr_copy_add(copy, channels, 1, positions);
    }
    onr_copy_finish(copy);
}

static enum onr_status plan_nhwc(struct fused_conv *plan, struct onr_plan_ctx *ctx)
{
    struct onr_fact x = *ctx->inputs[0];
    struct onr_fact y = ctx->outputs[0];
    const struct onr_fact *inputs[RESIDUAL + 1] = {NULL};
    struct onr_plan_ctx conv = *ctx;
    memcpy(inputs, ctx->inputs, ctx->node->input_count * sizeof inputs[0]);
    x.shape = onr_move_channels(&x.shape, true);
    y.shape = onr_move_channels(&y.shape, true);
    inputs[0] = &x;
    conv.inputs = inputs;
    conv.outputs = &y;
    ONR_TRY(onr_conv_make(&conv));
    size_t bytes = onr_dtype_size(x.dtype);
    plan->conv = conv.plan;
    plan->x = x.shape;
    plan->y = y.shape;
    plan_copy(&plan->x_copy, &x.shape, true, bytes);
    plan_copy(&plan->y_copy, &y.shape, false, bytes);
    plan->x_bytes = onr_size_align((size_t)onr_shape_count(&x.shape) * bytes, ONR_MEM_ALIGN);
    plan->y_bytes = onr_size_align((size_t)onr_shape_count(&y.shape) * bytes, ONR_MEM_ALIGN);
    ctx->workspace_bytes = conv.workspace_bytes + plan->x_bytes + plan->y_bytes;
    ctx->flops = conv.flops;
    ctx->told = conv.told;
    return ONR_OK;
}

static enum onr_status fused_conv_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_kernels *kernels = ctx->state;
    enum onr_dtype dtype = ctx->inputs[0]->dtype;
    struct fused_conv *plan = ONR_ARENA_NEW(ctx->arena, struct fused_conv);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of a fused convolution");
    }
    ONR_TRY(onr_fused_activation_read(ctx->node, dtype, kernels, &plan->activation, ctx->err));
    plan->add = kernels->binary.rows[ONR_BINARY_ADD][dtype];
    plan->is_nhwc = is_nhwc(ctx->node);
    if (plan->is_nhwc) {
        ONR_TRY(plan_nhwc(plan, ctx));
    } else {
        ONR_TRY(onr_conv_make(ctx));
        plan->conv = ctx->plan;
    }
    if (dtype == ONR_FLOAT && !plan->is_nhwc) {
        plan->conv->has_addend = ctx->node->input_count > RESIDUAL && ctx->inputs[RESIDUAL] != NULL;
        plan->conv->activation = plan->activation;
        plan->is_whole = true;
    }
    ctx->plan = plan;
    return ONR_OK;
}

static void run_nhwc(const struct fused_conv *plan, const struct onr_run_ctx *ctx)
{
    char *scratch = ctx->workspace;
    struct onr_tensor x = {.dtype = ctx->inputs[0]->dtype, .shape = plan->x, .data = scratch};
    struct onr_tensor y = {.dtype = x.dtype, .shape = plan->y, .data = scratch + plan->x_bytes};
    struct onr_tensor *y_pointer = &y;
    struct onr_tensor *inputs[RESIDUAL + 1] = {NULL};
    struct onr_run_ctx conv = *ctx;
    memcpy(inputs, ctx->inputs, ctx->input_count * sizeof inputs[0]);
    inputs[0] = &x;
    conv.inputs = inputs;
    conv.outputs = &y_pointer;
    conv.workspace = scratch + plan->x_bytes + plan->y_bytes;
    onr_copy_run(&plan->x_copy, ctx->kernels, ctx->parallel, x.data, ctx->inputs[0]->data);
    onr_conv_run(plan->conv, &conv);
    onr_copy_run(&plan->y_copy, ctx->kernels, ctx->parallel, ctx->outputs[0]->data, y.data);
}

static enum onr_status fused_conv_run(struct onr_run_ctx *ctx)
{
    const struct fused_conv *plan = ctx->plan;
    if (plan->is_nhwc) {
        run_nhwc(plan, ctx);
    } else {
        onr_conv_run(plan->conv, ctx);
    }
    if (plan->is_whole) {
        return ONR_OK;
    }
    bool has_residual = ctx->input_count > RESIDUAL && ctx->inputs[RESIDUAL] != NULL;
    onr_fused_activation_run(&plan->activation, ctx->outputs[0]->dtype, plan->add,
                             has_residual ? ctx->inputs[RESIDUAL]->data : NULL,
                             (size_t)onr_tensor_count(ctx->outputs[0]), ctx->outputs[0]->data,
                             ctx->parallel);
    return ONR_OK;
}

static const struct onr_param_spec specs[] = {
    {ONR_BIT(FLOAT16) | ONR_BIT(FLOAT) | ONR_BIT(DOUBLE), 1}, {0}};
static const struct onr_attr_spec attrs[] = {{"activation", ONR_ATTR_STRING, false},
                                             {"activation_params", ONR_ATTR_FLOATS, false},
                                             {"auto_pad", ONR_ATTR_STRING, false},
                                             {"dilations", ONR_ATTR_INTS, false},
                                             {"group", ONR_ATTR_INT, false},
                                             {"kernel_shape", ONR_ATTR_INTS, false},
                                             {"pads", ONR_ATTR_INTS, false},
                                             {"strides", ONR_ATTR_INTS, false},
                                             {.name = NULL}};

#define FUSED_CONV_ROW(text, max_inputs, attr_specs)                                               \
    {                                                                                              \
        .domain = "com.microsoft", .name = (text), .since_version = 1,                             \
        .last_version = ONR_CONTRIB_LATEST, .inputs = {2, (max_inputs)}, .outputs = {1, 1},        \
        .attrs = (attr_specs), .input_specs = specs, .output_specs = specs,                        \
        .infer = fused_conv_infer, .prepare = fused_conv_prepare, .plan = fused_conv_plan,         \
        .run = fused_conv_run                                                                      \
    }

extern const struct onr_op_def onr_ops_contrib_fused_conv[];
const struct onr_op_def onr_ops_contrib_fused_conv[] = {
    FUSED_CONV_ROW("FusedConv", 4, attrs),
    FUSED_CONV_ROW("NhwcConv", 3, attrs + 2),
    FUSED_CONV_ROW("NhwcFusedConv", 4, attrs),
    {.name = NULL},
};
