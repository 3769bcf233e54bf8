# SPDX-License-Identifier: Apache-2.0
"""QMoE: bits, blocks, zero points, types, router_weights, activations, mixed widths, FC3.

ONNX Runtime for the CPU rounds activations to 8 bits where constant weights of 8 bits come in blocks, which is only
near; here such weights are not constant. It has neither FC3, nor other than interleaved swiglu, nor different bits
for the layers, and ignores use_sparse_mixer: these cases are computed from the documentation.
"""
import numpy as np
from case import Case, numbers
from cases.MoE import compute


def unpack(packed, bits):
    fields = [(packed >> (bits * i)) & (2**bits - 1) for i in range(8 // bits)]
    return np.stack(fields, -1).reshape(*packed.shape[:-1], -1)


def quantized(rng, experts, n, k, bits, block, zeros, dtype):
    """Weights, scales, zero points, and what they stand for."""
    groups = -(-k // block) if block else 1
    size = block or k
    few = rng.integers(0, 256, 4).astype(np.uint8)  # so that archives are small
    weights = rng.choice(few, (experts, n, k * bits // 8))
    scales = (rng.integers(1, 5, (experts, n, groups)) / 32).astype(dtype)
    values = unpack(weights, bits).astype(np.float64)
    points = None
    offsets = np.full((experts, n, groups), 2 ** (bits - 1))
    if zeros and block:
        points = rng.integers(0, 256, (experts, n, -(-groups * bits // 8))).astype(np.uint8)
        offsets = unpack(points, bits)[:, :, :groups]
    elif zeros:
        points = rng.integers(0, 256, (experts, -(-n * bits // 8))).astype(np.uint8)
        offsets = unpack(points, bits)[:, :n, None]
    spread = np.repeat(np.stack([offsets, scales.astype(np.float64)]), size, -1)[..., :k]
    return weights, scales if block else scales[:, :, 0], points, (values - spread[0]) * spread[1]


def make(rng, name, bits=4, block=0, zeros=False, kind="silu", fusion=0, k=2, tokens=(2,), experts=2, hidden=32,
         inter=16, bias=False, fc3=False, dtype=np.float32, computed=False, constant=True, given=False, normalize=0,
         sparse=0, **swiglu):
    bits = bits if isinstance(bits, tuple) else (bits, bits, bits)
    width = inter * (2 if kind == "swiglu" and fusion else 1)
    rows = int(np.prod(tokens))
    logits = (rng.permuted(np.tile(np.arange(experts), (rows, 1)), axis=1) / 2).astype(dtype)
    x = numbers(rng, *tokens, hidden, dtype=dtype)
    inputs = [x, logits] + [None] * 13
    plain = [x, logits]
    for layer, (n, depth) in enumerate(((width, hidden), (hidden, inter), (inter, hidden))):
        if layer == 2 and not fc3:
            plain += [None, None]
            continue
        w, scales, points, values = quantized(rng, experts, n, depth, bits[layer], block, zeros, dtype)
        offset = numbers(rng, experts, n, dtype=dtype) if bias else None
        inputs[2 + 3 * layer:5 + 3 * layer] = [w, scales, offset]
        inputs[11 + layer] = points
        plain += [values, offset]
    if given:
        inputs[14] = rng.integers(1, 9, (rows, experts)).astype(dtype) / 8
    attributes = {"k": k, "activation_type": kind, "swiglu_fusion": fusion, "expert_weight_bits": bits[0]}
    attributes |= {f"fc{i + 1}_expert_weight_bits": b for i, b in enumerate(bits) if b != bits[0]}
    attributes |= {"block_size": block} if block else {}
    attributes |= {"normalize_routing_weights": normalize} if normalize else {}
    attributes |= {"use_sparse_mixer": sparse} if sparse else {}
    names = {"alpha": "activation_alpha", "beta": "activation_beta", "limit": "swiglu_limit"}
    attributes |= {names[key]: value for key, value in swiglu.items()}
    expected = None
    if computed:
        expected = [compute(plain, k, kind, fusion, normalize or not given, sparse, inputs[14], **swiglu)]
    while inputs[-1] is None:
        inputs.pop()
    weights = tuple(i for i in range(2, min(len(inputs), 14)) if inputs[i] is not None) if constant else ()
    loose = 4e-3 if dtype == np.float16 else 1e-4
    return Case(name, inputs, 1, attributes, constant=weights, expected=expected, rtol=loose, atol=loose)


def cases(rng):
    for bits in (2, 4, 8):
        for block in (0, 16):
            for zeros in (False, True):
                name = f"bits{bits}{'_block' * (block > 0)}{'_zeros' * zeros}"
                yield make(rng, name, bits, block, zeros, bias=zeros, constant=bits != 8 or not block)
    for kind in ("relu", "gelu", "identity"):
        yield make(rng, kind, kind=kind, k=1, tokens=(2,), experts=4)
    gpt = {"alpha": 1.702, "beta": 1.0, "limit": 7.0}
    yield make(rng, "swiglu_in_turn", kind="swiglu", fusion=1, block=32, normalize=1, tokens=(1, 3), **gpt)
    yield make(rng, "swiglu_apart", kind="swiglu", fusion=2, block=32, computed=True, **gpt)
    yield make(rng, "swiglu_fc3", kind="swiglu", fc3=True, computed=True, **gpt)
    yield make(rng, "fc3", fc3=True, block=16, zeros=True, bias=True, computed=True)
    yield make(rng, "partial_blocks", block=16, zeros=True, hidden=24, inter=20, computed=True)
    yield make(rng, "odd_rows", bits=8, zeros=True, hidden=13, inter=7, bias=True)
    yield make(rng, "mixed_bits", bits=(4, 8, 4), block=16, computed=True)
    yield make(rng, "mixed_bits_fc3", bits=(2, 4, 8), zeros=True, fc3=True, computed=True)
    yield make(rng, "router_weights", given=True, experts=3)
    yield make(rng, "router_weights_normalized", given=True, normalize=1, experts=3)
    yield make(rng, "sparse_mixer", sparse=1, computed=True, experts=5)
    yield make(rng, "half", dtype=np.float16, block=16, zeros=True, bias=True)
    yield make(rng, "half_router_weights", dtype=np.float16, bits=8, given=True, constant=False)
