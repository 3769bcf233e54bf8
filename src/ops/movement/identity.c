/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity, Dropout (ai.onnx)                    https://onnx.ai/onnx/operators/onnx__Dropout.html
 *
 * y = x.   Dropout in inference mode is the identity too; its mask says that every element is kept.
 *
 * Shapes    any -> the same.
 * Types     Identity: all, and from 14 on sequences, from 16 on optionals. Dropout: floats; mask: that of x (7-9) or
 *           bool (10+).
 * Attrs     Dropout: ratio (7-11), seed (12+); neither matters here.
 * Inputs    Dropout 12+: ratio (default 0.5), training_mode (default false). Training with a ratio
 *           other than 0 is not supported: dropping elements at random is no inference.
 * Aliasing  y is a view of x.
 */
#include "ops/common/contents.h"
#include "ops/common/copy.h"

static enum onr_status identity_infer(struct onr_infer_ctx *ctx)
{
    ctx->outputs[0] = *ctx->inputs[0];
    ctx->outputs[0].data = NULL; /* belongs to the input: a known value is made by running */
    return ONR_OK;
}

static enum onr_status identity_run(struct onr_run_ctx *ctx)
{
    onr_copy_bytes(ctx->parallel, ctx->outputs[0]->data, ctx->inputs[0]->data,
                   onr_tensor_bytes(ctx->inputs[0]));
    return ONR_OK;
}

static bool is_zero(const struct onr_fact *ratio)
{
    switch (ratio->dtype) {
    case ONR_DOUBLE:
        return *(const double *)ratio->data == 0.0;
    case ONR_FLOAT:
        return *(const float *)ratio->data == 0.0f;
    default:
        return (*(const uint16_t *)ratio->data & 0x7fffu) == 0;
    }
}

/* Input `index` when its value is known; else a need is recorded, so that it will be. */
static const struct onr_fact *known_scalar(struct onr_infer_ctx *ctx, uint32_t index)
{
    if (!onr_infer_has_input(ctx, index)) {
        return NULL;
    }
    const struct onr_fact *fact = ctx->inputs[index];
    if (fact->data == NULL) {
        ctx->needs |= 1u << index;
        return NULL;
    }
    return onr_shape_count(&fact->shape) > 0 ? fact : NULL;
}

static enum onr_status dropout_infer(struct onr_infer_ctx *ctx)
{
    ctx->outputs[0].shape = ctx->inputs[0]->shape;
    if (ctx->node->output_count > 1) {
        ctx->outputs[1].shape = ctx->inputs[0]->shape;
    }
    const struct onr_fact *training = known_scalar(ctx, 2);
    if (training == NULL || *(const uint8_t *)training->data == 0) {
        return ONR_OK;
    }
    const struct onr_fact *ratio = known_scalar(ctx, 1);
    if (!onr_infer_has_input(ctx, 1) || (ratio != NULL && !is_zero(ratio))) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED, "training_mode is not supported");
    }
    return ONR_OK;
}

static enum onr_status dropout_run(struct onr_run_ctx *ctx)
{
    ONR_TRY(identity_run(ctx));
    struct onr_tensor *mask = ctx->output_count > 1 ? ctx->outputs[1] : NULL;
    if (mask == NULL) {
        return ONR_OK;
    }
    const uint8_t bool_one = 1;
    const uint16_t half_one = 0x3c00;
    const uint16_t bfloat16_one = 0x3f80;
    const float float_one = 1.0f;
    const double double_one = 1.0;
    const void *one = mask->dtype == ONR_FLOAT      ? (const void *)&float_one
                      : mask->dtype == ONR_DOUBLE   ? (const void *)&double_one
                      : mask->dtype == ONR_FLOAT16  ? (const void *)&half_one
                      : mask->dtype == ONR_BFLOAT16 ? (const void *)&bfloat16_one
                                                    : (const void *)&bool_one;
    onr_fill(ctx->kernels, ctx->parallel, mask->data, (size_t)onr_tensor_count(mask), one,
             onr_dtype_size(mask->dtype));
    return ONR_OK;
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec float_specs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};
static const struct onr_param_spec dropout_inputs[] = {
    {ONR_DTYPES_FLOAT | ONR_DTYPES_FLOAT8, 1}, {ONR_DTYPES_FLOAT, 0}, {ONR_BIT(BOOL), 0}, {0}};
static const struct onr_param_spec dropout_outputs[] = {
    {ONR_DTYPES_FLOAT | ONR_DTYPES_FLOAT8, 1}, {ONR_BIT(BOOL), 0}, {0}};
static const struct onr_attr_spec ratio_attrs[] = {{"ratio", ONR_ATTR_FLOAT, false}, {0}};
static const struct onr_attr_spec seed_attrs[] = {{"seed", ONR_ATTR_INT, false}, {0}};

extern const struct onr_op_def onr_ops_identity[];
const struct onr_op_def onr_ops_identity[] = {
    {.domain = "",
     .name = "Identity",
     .since_version = 1,
     .last_version = 13,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .input_specs = any_specs,
     .output_specs = any_specs,
     .traits = ONR_TRAIT_VIEW,
     .infer = identity_infer,
     .run = identity_run},
    {.domain = "",
     .name = "Identity",
     .since_version = 14,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .input_specs = any_specs,
     .output_specs = any_specs,
     .traits = ONR_TRAIT_VIEW | ONR_TRAIT_ANY_KIND,
     .infer = identity_infer,
     .run = identity_run},
    {.domain = "",
     .name = "Dropout",
     .since_version = 7,
     .last_version = 9,
     .inputs = {1, 1},
     .outputs = {1, 2},
     .attrs = ratio_attrs,
     .input_specs = float_specs,
     .output_specs = float_specs,
     .traits = ONR_TRAIT_VIEW,
     .infer = dropout_infer,
     .run = dropout_run},
    {.domain = "",
     .name = "Dropout",
     .since_version = 10,
     .last_version = 11,
     .inputs = {1, 1},
     .outputs = {1, 2},
     .attrs = ratio_attrs,
     .input_specs = float_specs,
     .output_specs = dropout_outputs,
     .traits = ONR_TRAIT_VIEW,
     .infer = dropout_infer,
     .run = dropout_run},
    {.domain = "",
     .name = "Dropout",
     .since_version = 12,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 3},
     .outputs = {1, 2},
     .attrs = seed_attrs,
     .input_specs = dropout_inputs,
     .output_specs = dropout_outputs,
     .traits = ONR_TRAIT_VIEW,
     .infer = dropout_infer,
     .run = dropout_run},
    {.name = NULL},
};
