/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SequenceAt, SequenceLength (ai.onnx), versions 11 and later.
 *                                            https://onnx.ai/onnx/operators/onnx__SequenceAt.html
 *
 * SequenceAt: the tensor at `position`. SequenceLength: the number of tensors.
 *
 * Inputs    input_sequence of n tensors; position (SequenceAt), one integer from -n to n - 1,
 *           where negative ones count from the end.
 * Shapes    SequenceAt: that of the tensor. SequenceLength: scalar.
 * Types     all; position: int32, int64; length: int64.
 */
#include "ops/common/copy.h"
#include "ops/sequence/sequence.h"

static enum onr_status at_infer(struct onr_infer_ctx *ctx)
{
    ONR_TRY(onr_check_sequence(ctx, 0));
    ONR_TRY(onr_check_tensor(ctx, 1));
    ctx->outputs[0].shape = ctx->inputs[0]->shape;
    return ONR_OK;
}

static enum onr_status at_run(struct onr_run_ctx *ctx)
{
    const struct onr_tensor *sequence = ctx->inputs[0];
    int64_t count = onr_sequence_count(sequence);
    int64_t position = 0;
    ONR_TRY(onr_sequence_position(ctx, 1, count, count - 1, &position));
    const struct onr_tensor *item = &onr_sequence_items(sequence)[position];
    ONR_TRY(ctx->host->alloc_output(ctx, 0, &item->shape));
    onr_copy_bytes(ctx->parallel, ctx->outputs[0]->data, item->data, onr_tensor_bytes(item));
    return ONR_OK;
}

static enum onr_status length_infer(struct onr_infer_ctx *ctx)
{
    ctx->outputs[0].shape = (struct onr_shape){.rank = 0};
    return onr_check_sequence(ctx, 0);
}

static enum onr_status length_run(struct onr_run_ctx *ctx)
{
    *(int64_t *)ctx->outputs[0]->data = onr_sequence_count(ctx->inputs[0]);
    return ONR_OK;
}

static const struct onr_param_spec at_specs[] = {{ONR_DTYPES_ALL, 1}, {ONR_DTYPES_INDEX, 0}, {0}};
static const struct onr_param_spec length_outputs[] = {{ONR_BIT(INT64), 0}, {0}};

extern const struct onr_op_def onr_ops_sequence_at[];
const struct onr_op_def onr_ops_sequence_at[] = {
    {.domain = "",
     .name = "SequenceAt",
     .since_version = 11,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .input_specs = at_specs,
     .output_specs = at_specs,
     .traits = ONR_TRAIT_DYNAMIC | ONR_TRAIT_ANY_KIND | ONR_TRAIT_KEEP_TYPE,
     .infer = at_infer,
     .run = at_run},
    {.domain = "",
     .name = "SequenceLength",
     .since_version = 11,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .output_specs = length_outputs,
     .traits = ONR_TRAIT_ANY_KIND | ONR_TRAIT_KEEP_TYPE,
     .infer = length_infer,
     .run = length_run},
    {.name = NULL},
};
