/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DynamicQuantizeLSTM (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 *   LSTM (lstm.c) of W = (W - W_zero_point) * W_scale and R likewise, where X as a whole, and H in
 *   each step, are replaced by the numbers that dynamic quantisation to uint8 represents them by.
 *   Products are those of the integers; gates are X W + H R, then the bias, as in ONNX Runtime.
 *
 * Shapes    As LSTM, but W: [directions, input, 4 hidden], R: [directions, hidden, 4 hidden].
 *           W_scale, R_scale: [directions] or [directions, 4 hidden]; W_zero_point, R_zero_point:
 *           the shape of their scale.
 * Types     X, B, states, P, scales and outputs: float32. W, R: int8 or uint8 each; a zero point
 *           has the type of its weights. sequence_lens: int32.
 * Attrs     As LSTM 7: no layout.
 * Edge      As LSTM. Zero points of columns may differ. The range of H is that of the batch: a
 *           sequence that has ended counts with its last state, one that, going backwards, has not
 *           begun with its initial state. Where lengths differ within a batch, ONNX Runtime rounds
 *           H otherwise, and results differ by the rounding; so they do where it gives parts of a
 *           batch to several threads. Sigmoid and Tanh are the fractions of ONNX Runtime, for the
 *           last bits of H decide how it is rounded.
 * Aliasing  none.
 */
#include "ops/recurrent/recurrent.h"

#include <inttypes.h>

static bool differ(int64_t a, int64_t b)
{
    return a >= 0 && b >= 0 && a != b;
}

/* Checks input `index`, a scale or zero point of the weights. */
static enum onr_status check_parameter(struct onr_infer_ctx *ctx, uint32_t index,
                                       const struct onr_shape *weights, const char *name)
{
    if (!onr_infer_has_input(ctx, index)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "required input %s is empty", name);
    }
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    if (shape->rank < 0) {
        return ONR_OK;
    }
    if (shape->rank != 1 && shape->rank != 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%s has rank %d, expected 1 or 2", name,
                              shape->rank);
    }
    for (int axis = 0; axis < shape->rank && weights->rank == 3; axis++) {
        int64_t expected = weights->dim[2 * axis];
        if (differ(shape->dim[axis], expected)) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "%s has %" PRId64 " at dimension %d, expected %" PRId64, name,
                                  shape->dim[axis], axis, expected);
        }
    }
    return ONR_OK;
}

static enum onr_status check_parameters(struct onr_infer_ctx *ctx, uint32_t input)
{
    static const char *const names[] = {"W_scale", "W_zero_point", "R_scale", "R_zero_point"};
    uint32_t scale = 6 + 2 * input;
    const char *const *name = &names[scale - 8];
    ONR_TRY(check_parameter(ctx, scale, &ctx->inputs[input]->shape, name[0]));
    ONR_TRY(check_parameter(ctx, scale + 1, &ctx->inputs[input]->shape, name[1]));
    int rank = ctx->inputs[scale]->shape.rank;
    int zero_rank = ctx->inputs[scale + 1]->shape.rank;
    if (rank >= 0 && zero_rank >= 0 && rank != zero_rank) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%s has rank %d, expected %d as %s", name[1],
                              zero_rank, rank, name[0]);
    }
    return ONR_OK;
}

static enum onr_status infer(struct onr_infer_ctx *ctx)
{
    ONR_TRY(onr_recurrent_infer(ctx, ONR_CELL_LSTM));
    ONR_TRY(check_parameters(ctx, 1));
    return check_parameters(ctx, 2);
}

static enum onr_status prepare(struct onr_prepare_ctx *ctx)
{
    return onr_recurrent_prepare(ctx, ONR_CELL_LSTM);
}

static const struct onr_attr_spec attrs[] = {
    ONR_RECURRENT_ATTRS, {"input_forget", ONR_ATTR_INT, false}, {.name = NULL}};
#define BYTES (ONR_BIT(INT8) | ONR_BIT(UINT8))
static const struct onr_param_spec inputs[] = {{ONR_BIT(FLOAT), 1},
                                               {BYTES, 2},
                                               {BYTES, 3},
                                               {ONR_BIT(FLOAT), 1},
                                               {ONR_BIT(INT32), 0},
                                               {ONR_BIT(FLOAT), 1},
                                               {ONR_BIT(FLOAT), 1},
                                               {ONR_BIT(FLOAT), 1},
                                               {ONR_BIT(FLOAT), 0},
                                               {BYTES, 2},
                                               {ONR_BIT(FLOAT), 0},
                                               {BYTES, 3},
                                               {0}};
static const struct onr_param_spec outputs[] = {{ONR_BIT(FLOAT), 1}, {0}};

extern const struct onr_op_def onr_ops_dynamic_quantize_lstm[];
const struct onr_op_def onr_ops_dynamic_quantize_lstm[] = {
    {.domain = "com.microsoft",
     .name = "DynamicQuantizeLSTM",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {3, 12},
     .outputs = {0, 3},
     .attrs = attrs,
     .input_specs = inputs,
     .output_specs = outputs,
     .infer = infer,
     .prepare = prepare,
     .plan = onr_recurrent_plan,
     .run = onr_recurrent_run},
    {.name = NULL},
};
