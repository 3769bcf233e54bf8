/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SequenceInsert, SequenceErase (ai.onnx), versions 11 and later.
 *                                        https://onnx.ai/onnx/operators/onnx__SequenceInsert.html
 *
 * SequenceInsert: the sequence with a tensor put before `position`. SequenceErase: the sequence
 * without the tensor at `position`.
 *
 * Inputs    input_sequence of n tensors; tensor (SequenceInsert); position, one integer, optional.
 *           Insert: -n to n, default n: behind the last. Erase: -n to n - 1, default the last.
 * Types     all, the tensor's that of the sequence; position: int32, int64.
 * Edge      a negative position counts from the end: Insert at -1 puts before the last tensor.
 */
#include "base/size.h"
#include "ops/sequence/sequence.h"

#include <inttypes.h>

static enum onr_status insert_infer(struct onr_infer_ctx *ctx)
{
    ONR_TRY(onr_check_sequence(ctx, 0));
    ONR_TRY(onr_check_tensor(ctx, 1));
    if (onr_infer_has_input(ctx, 2)) {
        ONR_TRY(onr_check_tensor(ctx, 2));
    }
    onr_infer_sequence(ctx, &(struct onr_shape){.rank = ONR_RANK_UNKNOWN});
    return ONR_OK;
}

static enum onr_status insert_run(struct onr_run_ctx *ctx)
{
    const struct onr_tensor *sequence = ctx->inputs[0];
    const struct onr_tensor *items = onr_sequence_items(sequence);
    int64_t count = onr_sequence_count(sequence);
    int64_t position = count;
    if (ctx->input_count > 2 && ctx->inputs[2] != NULL) {
        ONR_TRY(onr_sequence_position(ctx, 2, count, count, &position));
    }
    size_t bytes = 0;
    if (!onr_value_bytes(sequence, &bytes)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "the sequence is too large");
    }
    bytes += onr_size_align(onr_tensor_bytes(ctx->inputs[1]), ONR_MEM_ALIGN);
    struct onr_sequence_writer writer;
    ONR_TRY(onr_sequence_begin(&writer, ctx, 0, sequence->dtype, count + 1, bytes));
    ONR_TRY(onr_sequence_append_copies(&writer, items, 0, position));
    ONR_TRY(onr_sequence_append_copies(&writer, ctx->inputs[1], 0, 1));
    return onr_sequence_append_copies(&writer, items, position, count);
}

static enum onr_status erase_infer(struct onr_infer_ctx *ctx)
{
    ONR_TRY(onr_check_sequence(ctx, 0));
    if (onr_infer_has_input(ctx, 1)) {
        ONR_TRY(onr_check_tensor(ctx, 1));
    }
    onr_infer_sequence(ctx, &ctx->inputs[0]->shape);
    return ONR_OK;
}

static enum onr_status erase_run(struct onr_run_ctx *ctx)
{
    const struct onr_tensor *sequence = ctx->inputs[0];
    const struct onr_tensor *items = onr_sequence_items(sequence);
    int64_t count = onr_sequence_count(sequence);
    int64_t position = count - 1;
    if (ctx->input_count > 1 && ctx->inputs[1] != NULL) {
        ONR_TRY(onr_sequence_position(ctx, 1, count, count - 1, &position));
    }
    if (count == 0) {
        return onr_fail(ctx->err, ONR_ERR_VALUE, "the sequence has no tensor to erase");
    }
    size_t bytes = 0;
    if (!onr_value_bytes(sequence, &bytes)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "the sequence is too large");
    }
    struct onr_sequence_writer writer;
    ONR_TRY(onr_sequence_begin(&writer, ctx, 0, sequence->dtype, count - 1, bytes));
    ONR_TRY(onr_sequence_append_copies(&writer, items, 0, position));
    return onr_sequence_append_copies(&writer, items, position + 1, count);
}

static const struct onr_param_spec insert_specs[] = {
    {ONR_DTYPES_ALL, 1}, {ONR_DTYPES_ALL, 1}, {ONR_DTYPES_INDEX, 0}, {0}};
static const struct onr_param_spec erase_specs[] = {
    {ONR_DTYPES_ALL, 1}, {ONR_DTYPES_INDEX, 0}, {0}};

extern const struct onr_op_def onr_ops_sequence_insert[];
const struct onr_op_def onr_ops_sequence_insert[] = {
    {.domain = "",
     .name = "SequenceInsert",
     .since_version = 11,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 3},
     .outputs = {1, 1},
     .input_specs = insert_specs,
     .output_specs = insert_specs,
     .traits = ONR_TRAIT_DYNAMIC | ONR_TRAIT_ANY_KIND | ONR_TRAIT_KEEP_TYPE,
     .infer = insert_infer,
     .run = insert_run},
    {.domain = "",
     .name = "SequenceErase",
     .since_version = 11,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 2},
     .outputs = {1, 1},
     .input_specs = erase_specs,
     .output_specs = erase_specs,
     .traits = ONR_TRAIT_DYNAMIC | ONR_TRAIT_ANY_KIND | ONR_TRAIT_KEEP_TYPE,
     .infer = erase_infer,
     .run = erase_run},
    {.name = NULL},
};
