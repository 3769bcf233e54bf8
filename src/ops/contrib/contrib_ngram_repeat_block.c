/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NGramRepeatBlock (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * scores_out = scores, with -inf for each token that would end an n-gram that input_ids has already
 *
 * Shapes    input_ids: [B,L]; scores, scores_out: [B,V].
 * Types     input_ids int64; scores float32, float64, float16, bfloat16.
 * Attrs     ngram_size: int, required, at least 1.
 * Edge      L + 1 < ngram_size: nothing is blocked. A token that is blocked must be in [0, V).
 * Aliasing  none.
 */
#include "ops/common/check_dims.h"
#include "ops/common/copy.h"
#include "ops/common/float_io.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static enum onr_status repeat_block_infer(struct onr_infer_ctx *ctx)
{
    const int64_t any[2] = {ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN};
    const int64_t scores[2] = {onr_known_dim(ctx, 0, 0), ONR_DIM_UNKNOWN};
    int64_t size;
    ONR_TRY(onr_check_attr_int(ctx, "ngram_size", 0, 1, INT64_MAX, &size));
    ONR_TRY(onr_check_dims(ctx, 0, "input_ids", 2, any));
    ONR_TRY(onr_check_dims(ctx, 1, "scores", 2, scores));
    ctx->outputs[0].shape = ctx->inputs[1]->shape;
    return ONR_OK;
}

static enum onr_status repeat_block_plan(struct onr_plan_ctx *ctx)
{
    int64_t *size = ONR_ARENA_NEW(ctx->arena, int64_t);
    if (size == NULL) {
        return onr_fail_memory(ctx->err, "plan of NGramRepeatBlock");
    }
    *size = onr_attr_int(ctx->node, "ngram_size", 1);
    ctx->plan = size;
    return ONR_OK;
}

/* Blocks the tokens of one sequence of `length` >= size tokens. */
static enum onr_status block_sequence(const struct onr_run_ctx *ctx, size_t b, size_t length,
                                      size_t size)
{
    struct onr_tensor *y = ctx->outputs[0];
    const int64_t *ids = (const int64_t *)ctx->inputs[0]->data + b * length;
    const int64_t *tail = ids + (length - (size - 1));
    const double blocked = -(double)INFINITY;
    int64_t width = y->shape.dim[1];
    for (size_t i = 0; i + size <= length; i++) {
        int64_t token = ids[i + size - 1];
        if (memcmp(ids + i, tail, (size - 1) * sizeof *ids) != 0) {
            continue;
        }
        if (token < 0 || token >= width) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "input_ids has token %" PRId64 " at %zu of sequence %zu, expected 0 to "
                            "%" PRId64,
                            token, i + size - 1, b, width - 1);
        }
        onr_double_scatter(y->dtype, &blocked, b * (size_t)width + (size_t)token, 1, 1, y->data);
    }
    return ONR_OK;
}

static enum onr_status repeat_block_run(struct onr_run_ctx *ctx)
{
    const struct onr_shape *ids = &ctx->inputs[0]->shape;
    int64_t size = *(const int64_t *)ctx->plan;
    onr_copy_bytes(ctx->parallel, ctx->outputs[0]->data, ctx->inputs[1]->data,
                   onr_tensor_bytes(ctx->inputs[1]));
    for (int64_t b = 0; b < ids->dim[0] && ids->dim[1] >= size; b++) {
        ONR_TRY(block_sequence(ctx, (size_t)b, (size_t)ids->dim[1], (size_t)size));
    }
    return ONR_OK;
}

static const struct onr_attr_spec attrs[] = {{"ngram_size", ONR_ATTR_INT, true}, {.name = NULL}};
static const struct onr_param_spec inputs[] = {{ONR_BIT(INT64), 0}, {ONR_DTYPES_FLOAT, 1}, {0}};
static const struct onr_param_spec outputs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};

extern const struct onr_op_def onr_ops_contrib_ngram_repeat_block[];
const struct onr_op_def onr_ops_contrib_ngram_repeat_block[] = {
    {.domain = "com.microsoft",
     .name = "NGramRepeatBlock",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = inputs,
     .output_specs = outputs,
     .infer = repeat_block_infer,
     .plan = repeat_block_plan,
     .run = repeat_block_run},
    {.name = NULL},
};
