/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BitCast (ai.onnx)                              https://onnx.ai/onnx/operators/onnx__BitCast.html
 *
 * y = the bits of x read as another element type of the same width.
 *
 * Shapes    any -> the same.
 * Types     all but strings.
 * Attrs     to: the type of y.
 */
#include "ops/common/contents.h"
#include "ops/common/copy.h"

static enum onr_status bit_cast_infer(struct onr_infer_ctx *ctx)
{
    int64_t to = onr_attr_int(ctx->node, "to", 0);
    enum onr_dtype from = ctx->inputs[0]->dtype;
    if (!onr_dtype_is_valid(to) || to == ONR_STRING) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "to is %lld, expected a type with a width",
                              (long long)to);
    }
    if (from != ONR_UNDEFINED &&
        onr_dtype_file_bits(from) != onr_dtype_file_bits((enum onr_dtype)to)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "%s has %u bits, %s has %u", onr_dtype_name(from),
                              onr_dtype_file_bits(from), onr_dtype_name((enum onr_dtype)to),
                              onr_dtype_file_bits((enum onr_dtype)to));
    }
    ctx->outputs[0].dtype = (enum onr_dtype)to;
    ctx->outputs[0].shape = ctx->inputs[0]->shape;
    return ONR_OK;
}

static enum onr_status bit_cast_run(struct onr_run_ctx *ctx)
{
    const struct onr_tensor *x = ctx->inputs[0];
    struct onr_tensor *y = ctx->outputs[0];
    if (!onr_dtypes_has(ONR_DTYPES_NARROW, y->dtype)) {
        onr_copy_bytes(ctx->parallel, y->data, x->data, onr_tensor_bytes(x));
        return ONR_OK;
    }
    size_t count = (size_t)onr_tensor_count(x);
    for (size_t i = 0; i < count; i++) {
        uint8_t packed;
        onr_dtype_pack(x->dtype, 1, (const uint8_t *)x->data + i, &packed);
        onr_dtype_unpack(y->dtype, 1, &packed, (uint8_t *)y->data + i);
    }
    return ONR_OK;
}

static const struct onr_param_spec sized_specs[] = {{ONR_DTYPES_ALL & ~ONR_BIT(STRING), 0}, {0}};
static const struct onr_attr_spec to_attrs[] = {{"to", ONR_ATTR_INT, true}, {0}};

extern const struct onr_op_def onr_ops_bit_cast[];
const struct onr_op_def onr_ops_bit_cast[] = {
    {.domain = "",
     .name = "BitCast",
     .since_version = 26,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = to_attrs,
     .input_specs = sized_specs,
     .output_specs = sized_specs,
     .traits = ONR_TRAIT_INPLACE,
     .infer = bit_cast_infer,
     .run = bit_cast_run},
    {.name = NULL},
};
