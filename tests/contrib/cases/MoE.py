# SPDX-License-Identifier: Apache-2.0
"""MoE: activations, fusions, routing, biases, shapes of weights, FC3.

ONNX Runtime for the CPU has no FC3, interleaved swiglu only, no bfloat16, and ignores use_sparse_mixer; without
normalisation its float16 gives zeros. These cases are computed from the documentation.
"""
import numpy as np
from case import Case, numbers


def activate(h, linear, kind, fusion, alpha=1.0, beta=0.0, limit=np.inf):
    if kind == "swiglu":
        if fusion == 1:
            h, linear = h[..., 0::2], h[..., 1::2]
        elif fusion == 2:
            h, linear = np.split(h, 2, -1)
        gate = np.minimum(h, limit)
        return gate / (1 + np.exp(-alpha * gate)) * (np.clip(linear, -limit, limit) + beta)
    functions = {"relu": lambda v: np.maximum(v, 0), "silu": lambda v: v / (1 + np.exp(-v)),
                 "gelu": lambda v: v / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (v + 0.044715 * v**3))),
                 "identity": lambda v: v}
    return functions[kind](h) * (1 if linear is None else linear)


def sparse_mixer(logits):
    """The two best experts and their weights."""
    chosen = np.argsort(-logits, kind="stable")[:2]
    weights = []
    for j, e in enumerate(chosen):
        near = logits[e] - logits <= 0.02 * np.maximum(np.abs(logits), logits[e])
        near[chosen[0]] = near[chosen[0]] and j == 0
        weights.append(1 / np.exp(logits - logits[e])[near].sum())
    return chosen, np.array(weights)


def compute(inputs, k, kind, fusion, normalize=0, sparse=0, given=None, **swiglu):
    """The output; given: router_weights of QMoE."""
    x, logits, w1, b1, w2, b2, w3, b3 = [None if i is None else i.astype(np.float64) for i in inputs]
    flat = x.reshape(-1, x.shape[-1])
    y = np.zeros_like(flat)
    for t, row in enumerate(flat):
        chosen = np.argsort(-logits[t], kind="stable")[:k]
        weights = np.exp(logits[t][chosen]) / np.exp(logits[t]).sum()
        if sparse:
            chosen, weights = sparse_mixer(logits[t])
        elif given is not None:
            weights = given[t][chosen].astype(np.float64)
        if normalize and not sparse:
            weights = weights / weights.sum()
        for e, weight in zip(chosen, weights):
            h = w1[e] @ row + (0 if b1 is None else b1[e])
            linear = None if w3 is None else w3[e] @ row + (0 if b3 is None else b3[e])
            g = activate(h, linear, kind, fusion, **swiglu)
            y[t] += weight * (w2[e] @ g + (0 if b2 is None else b2[e]))
    return y.reshape(x.shape).astype(inputs[0].dtype)


def make(rng, name, kind="relu", fusion=0, k=2, tokens=(5,), experts=4, hidden=6, inter=8, bias=True, fc3=False,
         dtype=np.float32, computed=False, constant=True, normalize=0, sparse=0, **swiglu):
    width = inter * (2 if kind == "swiglu" and fusion else 1)
    logits = rng.permuted(np.tile(np.arange(experts), (int(np.prod(tokens)), 1)), axis=1) / 2
    inputs = [numbers(rng, *tokens, hidden, dtype=dtype), logits.astype(dtype)]
    for rows, columns, there in ((width, hidden, True), (hidden, inter, True), (inter, hidden, fc3)):
        inputs.append(numbers(rng, experts, rows, columns, dtype=dtype) if there else None)
        inputs.append(numbers(rng, experts, rows, dtype=dtype) if there and bias else None)
    attributes = {"k": k, "activation_type": kind, "swiglu_fusion": fusion, "normalize_routing_weights": normalize,
                  "use_sparse_mixer": sparse}
    names = {"alpha": "activation_alpha", "beta": "activation_beta", "limit": "swiglu_limit"}
    attributes |= {names[key]: value for key, value in swiglu.items()}
    expected = [compute(inputs, k, kind, fusion, normalize, sparse, **swiglu)] if computed else None
    while inputs[-1] is None:
        inputs.pop()
    weights = tuple(i for i in range(2, len(inputs)) if inputs[i] is not None) if constant else ()
    loose = 4e-3 if dtype == np.float16 else 1e-4
    return Case(name, inputs, 1, attributes, constant=weights, expected=expected, rtol=loose, atol=loose)


def cases(rng):
    for kind in ("relu", "gelu", "silu", "identity"):
        for k in (1, 3):
            yield make(rng, f"{kind}_k{k}", kind, k=k, normalize=k // 3, bias=k == 1, constant=k == 3)
        yield make(rng, f"{kind}_fc3", kind, fc3=True, computed=True)
    gpt = {"alpha": 1.702, "beta": 1.0, "limit": 3.0}
    for name, swiglu in (("defaults", {}), ("gpt", gpt), ("limit", {"limit": 0.5})):
        yield make(rng, f"swiglu_in_turn_{name}", "swiglu", 1, **swiglu)
        yield make(rng, f"swiglu_apart_{name}", "swiglu", 2, computed=True, **swiglu)
        yield make(rng, f"swiglu_fc3_{name}", "swiglu", 0, fc3=True, computed=True, **swiglu)
    yield make(rng, "batch", tokens=(2, 3), constant=False)
    yield make(rng, "all_experts", k=4)
    yield make(rng, "one_token", "silu", tokens=(1,), normalize=1)
    yield make(rng, "many_tokens", "silu", tokens=(40,), hidden=4, inter=6)
    yield make(rng, "wide", "relu", experts=2, k=1, tokens=(3,), hidden=10, inter=50)
    yield make(rng, "sparse_mixer", "silu", sparse=1, experts=8, fc3=True, computed=True)
    yield make(rng, "half_normalized", "silu", dtype=np.float16, normalize=1)
    yield make(rng, "half", "gelu", dtype=np.float16, computed=True)
    yield make(rng, "half_fc3", "silu", dtype=np.float16, fc3=True, computed=True, constant=False)
    turned = make(rng, "shapes_turned", "relu")
    turned.inputs[2] = turned.inputs[2].reshape(4, 6, 8)
    turned.inputs[4] = turned.inputs[4].reshape(4, 8, 6)
    yield turned
