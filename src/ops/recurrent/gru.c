/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GRU (ai.onnx), versions 1, 3, 7, 14 and 22. https://onnx.ai/onnx/operators/onnx__GRU.html
 *
 *   z = f(X Wz^T + H Rz^T + Wbz + Rbz)
 *   r = f(X Wr^T + H Rr^T + Wbr + Rbr)
 *   n = g(X Wh^T + (r * H) Rh^T + Wbh + Rbh)
 *   n = g(X Wh^T + r * (H Rh^T + Rbh) + Wbh)      with linear_before_reset
 *   H = (1 - z) * n + z * H
 *
 * Shapes    X: [steps, batch, input], W: [directions, 3 hidden, input] with the gates in the order
 *           z, r, h, R: [directions, 3 hidden, hidden], B: [directions, 6 hidden] (Wb, Rb),
 *           sequence_lens: [batch], initial_h: [directions, batch, hidden] -> Y: [steps,
 *           directions, batch, hidden], Y_h: [directions, batch, hidden]. With layout = 1 batch
 *           comes first in X, Y and all states.
 * Types     float16, bfloat16 (22+), both computed in float32; float32, float64. sequence_lens:
 *           int32.
 * Attrs     hidden_size: follows from R when absent. direction: forward, reverse, bidirectional.
 *           activations, activation_alpha, activation_beta: functions of each direction in turn
 *           (any case of letters); each takes the next alpha and beta that it has a use for, or the
 *           default of its operator. clip: bounds what functions of gates are applied to, no bound
 *           by default.
 *           linear_before_reset (3+), layout (14+): int, default 0. output_sequence
 *           (1-6): no matter, Y is made when it is asked for.
 * Edge      Past the end of a sequence Y is 0; Y_h is its last state, and 0 for a sequence of
 *           length 0.
 * Aliasing  none.
 */
#include "ops/recurrent/recurrent.h"

static enum onr_status gru_infer(struct onr_infer_ctx *ctx)
{
    return onr_recurrent_infer(ctx, ONR_CELL_GRU);
}

static enum onr_status gru_prepare(struct onr_prepare_ctx *ctx)
{
    return onr_recurrent_prepare(ctx, ONR_CELL_GRU);
}

static const struct onr_attr_spec attrs_1[] = {
    ONR_RECURRENT_ATTRS, {"output_sequence", ONR_ATTR_INT, false}, {.name = NULL}};
static const struct onr_attr_spec attrs_3[] = {ONR_RECURRENT_ATTRS,
                                               {"linear_before_reset", ONR_ATTR_INT, false},
                                               {"output_sequence", ONR_ATTR_INT, false},
                                               {.name = NULL}};
static const struct onr_attr_spec attrs_7[] = {
    ONR_RECURRENT_ATTRS, {"linear_before_reset", ONR_ATTR_INT, false}, {.name = NULL}};
static const struct onr_attr_spec attrs_14[] = {ONR_RECURRENT_ATTRS,
                                                {"layout", ONR_ATTR_INT, false},
                                                {"linear_before_reset", ONR_ATTR_INT, false},
                                                {.name = NULL}};

#define GRU_ROW(since, last, attributes, specs)                                                    \
    {                                                                                              \
        .domain = "", .name = "GRU", .since_version = (since), .last_version = (last),             \
        .inputs = {3, 6}, .outputs = {0, 2}, .attrs = (attributes), .input_specs = (specs),        \
        .output_specs = onr_recurrent_outputs, .infer = gru_infer, .prepare = gru_prepare,         \
        .plan = onr_recurrent_plan, .run = onr_recurrent_run,                                      \
    }

extern const struct onr_op_def onr_ops_gru[];
const struct onr_op_def onr_ops_gru[] = {
    GRU_ROW(1, 2, attrs_1, onr_recurrent_inputs),
    GRU_ROW(3, 6, attrs_3, onr_recurrent_inputs),
    GRU_ROW(7, 13, attrs_7, onr_recurrent_inputs),
    GRU_ROW(14, 21, attrs_14, onr_recurrent_inputs),
    GRU_ROW(22, ONR_OPSET_LATEST, attrs_14, onr_recurrent_inputs_22),
    {.name = NULL},
};
