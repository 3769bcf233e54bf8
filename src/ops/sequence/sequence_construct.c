/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SequenceConstruct, SequenceEmpty (ai.onnx), versions 11 and later.
 *                                     https://onnx.ai/onnx/operators/onnx__SequenceConstruct.html
 *
 * SequenceConstruct: the sequence of its inputs. SequenceEmpty: a sequence of no tensors.
 *
 * Shapes    any; the tensors may differ in shape.
 * Types     all, the same for every input.
 * Attrs     SequenceEmpty: dtype, the type of its tensors as in TensorProto; default float.
 */
#include "base/size.h"
#include "ops/sequence/sequence.h"

#include <inttypes.h>

static enum onr_status construct_infer(struct onr_infer_ctx *ctx)
{
    struct onr_shape item = {.rank = ONR_RANK_UNKNOWN};
    for (uint32_t i = 0; i < ctx->node->input_count; i++) {
        if (ctx->inputs[i] == NULL) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "input %" PRIu32 " is empty", i);
        }
        ONR_TRY(onr_check_tensor(ctx, i));
        const struct onr_shape *shape = &ctx->inputs[i]->shape;
        item = i == 0 ? *shape : onr_shape_union(&item, shape);
    }
    onr_infer_sequence(ctx, &item);
    return ONR_OK;
}

static enum onr_status construct_run(struct onr_run_ctx *ctx)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < ctx->input_count; i++) {
        bytes += onr_size_align(onr_tensor_bytes(ctx->inputs[i]), ONR_MEM_ALIGN);
    }
    struct onr_sequence_writer writer;
    ONR_TRY(onr_sequence_begin(&writer, ctx, 0, ctx->inputs[0]->dtype, ctx->input_count, bytes));
    for (uint32_t i = 0; i < ctx->input_count; i++) {
        ONR_TRY(onr_sequence_append_copies(&writer, ctx->inputs[i], 0, 1));
    }
    return ONR_OK;
}

static enum onr_status empty_infer(struct onr_infer_ctx *ctx)
{
    int64_t dtype = onr_attr_int(ctx->node, "dtype", ONR_FLOAT);
    if (!onr_dtype_is_valid(dtype)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "dtype is %" PRId64 ", which is no element type",
                              dtype);
    }
    ctx->outputs[0].dtype = (enum onr_dtype)dtype;
    onr_infer_sequence(ctx, &(struct onr_shape){.rank = ONR_RANK_UNKNOWN});
    return ONR_OK;
}

static enum onr_status empty_run(struct onr_run_ctx *ctx)
{
    struct onr_sequence_writer writer;
    return onr_sequence_begin(&writer, ctx, 0, ctx->outputs[0]->dtype, 0, 0);
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_attr_spec empty_attrs[] = {{"dtype", ONR_ATTR_INT, false}, {0}};

extern const struct onr_op_def onr_ops_sequence_construct[];
const struct onr_op_def onr_ops_sequence_construct[] = {
    {.domain = "",
     .name = "SequenceConstruct",
     .since_version = 11,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, ONR_VARIADIC},
     .outputs = {1, 1},
     .input_specs = any_specs,
     .output_specs = any_specs,
     .traits = ONR_TRAIT_DYNAMIC | ONR_TRAIT_ANY_KIND | ONR_TRAIT_KEEP_TYPE,
     .infer = construct_infer,
     .run = construct_run},
    {.domain = "",
     .name = "SequenceEmpty",
     .since_version = 11,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {0, 0},
     .outputs = {1, 1},
     .attrs = empty_attrs,
     .traits = ONR_TRAIT_DYNAMIC | ONR_TRAIT_ANY_KIND | ONR_TRAIT_KEEP_TYPE,
     .infer = empty_infer,
     .run = empty_run},
    {.name = NULL},
};
