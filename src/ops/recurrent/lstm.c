/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LSTM (ai.onnx), versions 1, 7, 14 and 22. https://onnx.ai/onnx/operators/onnx__LSTM.html
 *
 *   i = f(X Wi^T + H Ri^T + Pi * C + Wbi + Rbi)
 *   f = f(X Wf^T + H Rf^T + Pf * C + Wbf + Rbf), or 1 - i with input_forget
 *   C = f * C + i * g(X Wc^T + H Rc^T + Wbc + Rbc)
 *   o = f(X Wo^T + H Ro^T + Po * C + Wbo + Rbo)
 *   H = o * h(C)
 *
 * Shapes    X: [steps, batch, input], W: [directions, 4 hidden, input] with the gates in the order
 *           i, o, f, c, R: [directions, 4 hidden, hidden], B: [directions, 8 hidden] (Wb, Rb),
 *           sequence_lens: [batch], initial_h, initial_c: [directions, batch, hidden],
 *           P: [directions, 3 hidden] in the order i, o, f -> Y: [steps, directions, batch,
 *           hidden], Y_h, Y_c: [directions, batch, hidden]. With layout = 1 batch comes first in
 *           X, Y and all states.
 * Types     float16, bfloat16 (22+), both computed in float32; float32, float64. sequence_lens:
 *           int32.
 * Attrs     hidden_size: follows from R when absent. direction: forward, reverse, bidirectional.
 *           activations, activation_alpha, activation_beta: functions of each direction in turn
 *           (any case of letters); each takes the next alpha and beta that it has a use for, or the
 *           default of its operator. clip: bounds what functions of gates are applied to, no bound
 *           by default.
 *           input_forget, layout (14+): int, default 0. output_sequence (1-6): no
 *           matter, Y is made when it is asked for.
 * Edge      Past the end of a sequence Y is 0; Y_h and Y_c are its last states, and 0 for a
 *           sequence of length 0. h(C) is not clipped, as in ONNX Runtime.
 * Aliasing  none.
 */
#include "ops/recurrent/recurrent.h"

static enum onr_status lstm_infer(struct onr_infer_ctx *ctx)
{
    return onr_recurrent_infer(ctx, ONR_CELL_LSTM);
}

static enum onr_status lstm_prepare(struct onr_prepare_ctx *ctx)
{
    return onr_recurrent_prepare(ctx, ONR_CELL_LSTM);
}

static const struct onr_attr_spec attrs_1[] = {ONR_RECURRENT_ATTRS,
                                               {"input_forget", ONR_ATTR_INT, false},
                                               {"output_sequence", ONR_ATTR_INT, false},
                                               {.name = NULL}};
static const struct onr_attr_spec attrs_7[] = {
    ONR_RECURRENT_ATTRS, {"input_forget", ONR_ATTR_INT, false}, {.name = NULL}};
static const struct onr_attr_spec attrs_14[] = {ONR_RECURRENT_ATTRS,
                                                {"input_forget", ONR_ATTR_INT, false},
                                                {"layout", ONR_ATTR_INT, false},
                                                {.name = NULL}};

#define LSTM_ROW(since, last, attributes, specs)                                                   \
    {                                                                                              \
        .domain = "", .name = "LSTM", .since_version = (since), .last_version = (last),            \
        .inputs = {3, 8}, .outputs = {0, 3}, .attrs = (attributes), .input_specs = (specs),        \
        .output_specs = onr_recurrent_outputs, .infer = lstm_infer, .prepare = lstm_prepare,       \
        .plan = onr_recurrent_plan, .run = onr_recurrent_run,                                      \
    }

extern const struct onr_op_def onr_ops_lstm[];
const struct onr_op_def onr_ops_lstm[] = {
    LSTM_ROW(1, 6, attrs_1, onr_recurrent_inputs),
    LSTM_ROW(7, 13, attrs_7, onr_recurrent_inputs),
    LSTM_ROW(14, 21, attrs_14, onr_recurrent_inputs),
    LSTM_ROW(22, ONR_OPSET_LATEST, attrs_14, onr_recurrent_inputs_22),
    {.name = NULL},
};
