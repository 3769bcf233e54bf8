/* SPDX-License-Identifier: Apache-2.0 */
/* The colours of the style sheet, and which of them an operator has. */

const COLORS = {};
const COLOR_NAMES = [
    "level0", "level1", "level2", "level3", "card", "border", "text", "muted", "edge", "accent",
    "from", "frame", "fused", "matrix", "attention", "norm", "activation", "shape", "reduce",
    "control", "other", "pill",
];

/* The colours of the style sheet, for light or dark. */
function readColors() {
    const style = getComputedStyle(document.documentElement);
    for (const name of COLOR_NAMES) {
        COLORS[name] = style.getPropertyValue("--" + name).trim();
    }
}

/* The ground within so many opened modules. */
function ground(depth) {
    return COLORS["level" + Math.min(depth, 3)];
}

const KINDS = [
    ["attention", /Attention|RotaryEmbedding/],
    ["matrix", /MatMul|^(Gemm|Conv|Linear$|Projections|Einsum|LSTM|GRU|RNN)|NBits$/],
    ["norm", /Norm/],
    ["activation", /elu$|Softmax|Sigmoid$|^(Tanh|Softplus|Softsign|Swish|Erf|Clip|Mish)$/i],
    ["reduce", /^(Reduce|Arg|TopK|CumSum)|Pool$/],
    ["control", /^(If|Loop|Scan)$|^(Sequence|Optional)/],
    ["shape", new RegExp(
        "^(Reshape|Transpose|Squeeze|Unsqueeze|Concat|Split|Slice|Gather|Scatter|Expand|Shape|" +
        "Size$|Flatten|Cast|Tile|Pad$|Range|Identity|Where|Constant)")],
];
const kindOfOp = new Map();

/* The name of the colour for an operator. */
function opColor(op) {
    let kind = kindOfOp.get(op);
    if (kind === undefined) {
        kind = (KINDS.find(([, pattern]) => pattern.test(op)) ?? ["other"])[0];
        kindOfOp.set(op, kind);
    }
    return COLORS[kind];
}
