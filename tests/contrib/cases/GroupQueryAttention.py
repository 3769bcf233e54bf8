# SPDX-License-Identifier: Apache-2.0
"""GroupQueryAttention: prompts, steps and ragged batches; what is added to scores; caches that are larger than their
contents, quantised, sliding.

Sliding caches are full after the step, as their other rows are undefined. ONNX Runtime leaves output_qk undefined for
keys behind seqlens_k, so that no case has both, and it has no norms of queries and keys: that case computes them from
the documentation.
"""
import numpy as np
from case import Case, numbers

QUERY, KEY, VALUE, PAST_KEY, PAST_VALUE, SEQLENS, TOTAL, COS, SIN, POSITIONS, BIAS, SINK, K_SCALE, V_SCALE, Q_NORM, \
    K_NORM = range(16)


def make(rng, name, batch=1, length=3, past=2, heads=2, kv_heads=1, size=8, rows=None, total=None, lengths=None,
         dtype=np.float32, packed=False, rotary=False, quant=None, bits=8, scores=0, extra=None, **attributes):
    """rows: of past_key, more than it holds. lengths: valid keys of each batch. extra: further inputs."""
    total = total or past + length
    rows = rows or past
    inputs = [None] * 16
    if packed:
        inputs[QUERY] = numbers(rng, batch, length, (heads + 2 * kv_heads) * size, dtype=dtype)
    else:
        inputs[QUERY] = numbers(rng, batch, length, heads * size, dtype=dtype)
        inputs[KEY] = numbers(rng, batch, length, kv_heads * size, dtype=dtype)
        inputs[VALUE] = numbers(rng, batch, length, kv_heads * size, dtype=dtype)
    for i in (PAST_KEY, PAST_VALUE):
        if quant and bits == 8:
            inputs[i] = rng.integers(-60, 61, (batch, kv_heads, rows, size)).astype(np.int8)
        elif quant:
            inputs[i] = rng.integers(0, 256, (batch, kv_heads, rows, size // 2)).astype(np.uint8)
        elif rows:
            inputs[i] = numbers(rng, batch, kv_heads, rows, size, dtype=dtype)
    inputs[SEQLENS] = np.array([n - 1 for n in lengths or [total] * batch], np.int32)
    inputs[TOTAL] = np.array([total], np.int32)
    if rotary:
        angles = rng.integers(-16, 17, (max(total, rows) + 1, size // 2)) / 8
        inputs[COS], inputs[SIN] = np.cos(angles).astype(dtype), np.sin(angles).astype(dtype)
        attributes["do_rotary"] = 1
    if quant:
        shape = [1] if quant == "PER_TENSOR" else (1, kv_heads, 1, size)
        for i in (K_SCALE, V_SCALE):
            inputs[i] = ((1 + rng.random(shape)) * (0.3 if bits == 4 else 0.013)).astype(np.float32)
        attributes |= {"k_quant_type": quant, "v_quant_type": quant, "kv_cache_bit_width": bits}
    for i, value in (extra or {}).items():
        inputs[i] = value.astype(np.int64 if i == POSITIONS else dtype)
    while inputs[-1] is None:
        inputs.pop()
    if scores:
        attributes["qk_output"] = scores
    attributes |= {"num_heads": heads, "kv_num_heads": kv_heads}
    loose = 4e-3 if dtype == np.float16 else 1e-4
    types = {i: inputs[PAST_KEY].dtype.type for i in (1, 2)} if quant else {}
    return Case(name, inputs, 4 if scores else 3, attributes, constant=(TOTAL,), types=types, rtol=loose,
                atol=loose / 10)


def normed(rng):
    """Norms of queries and keys are those of the same call with queries and keys that are normalised before."""
    case = make(rng, "norms", past=0)
    epsilon = 0.25
    weights = [numbers(rng, 8), numbers(rng, 8)]
    heads = [case.inputs[QUERY].reshape(1, 3, 2, 8), case.inputs[KEY].reshape(1, 3, 1, 8)]
    q, k = (x / np.sqrt(np.mean(np.square(x), -1, keepdims=True) + epsilon) * w
            for x, w in zip(heads, weights, strict=True))
    scores = np.einsum("bsnh,btnh->bnst", q, np.repeat(k, 2, 2)) / np.sqrt(8)
    scores = np.where(np.tril(np.ones((3, 3))), scores, -np.inf)
    weights_of = np.exp(scores - scores.max(-1, keepdims=True))
    weights_of /= weights_of.sum(-1, keepdims=True)
    v = case.inputs[VALUE].reshape(1, 3, 1, 8)
    y = np.einsum("bnst,bth->bsnh", weights_of, v[:, :, 0]).reshape(1, 3, 16)
    case.inputs += [None] * (16 - len(case.inputs))
    case.inputs[Q_NORM], case.inputs[K_NORM] = weights
    case.attributes["qk_norm_epsilon"] = epsilon
    case.expected = [x.astype(np.float32) for x in (y, k.transpose(0, 2, 1, 3), v.transpose(0, 2, 1, 3))]
    return case


def cases(rng):
    for length, past in ((3, 0), (1, 3), (3, 2)):
        where = f"{length}_after_{past}"
        yield make(rng, f"plain_{where}", length=length, past=past)
        yield make(rng, f"packed_rotary_{where}", length=length, past=past, packed=True, rotary=True, size=16, heads=1)
        for scores in (1, 2):
            yield make(rng, f"scores{scores}_{where}", length=length, past=past, scores=scores, softcap=1.5,
                       local_window_size=2)
        for quant in ("PER_TENSOR", "PER_CHANNEL") if past else ():
            for bits in (8, 4):
                yield make(rng, f"{quant.lower()}_{bits}_{where}", length=length, past=past, quant=quant, bits=bits)
    yield make(rng, "causal0", causal=0)
    bias = {BIAS: numbers(rng, 1, 2, 3, 5)}
    sink = {SINK: numbers(rng, 4)}
    for scores in (0, 1, 2):
        yield make(rng, f"bias_scores{scores}", extra=bias, scores=scores)
        yield make(rng, f"sink_scores{scores}", extra=sink, scores=scores, heads=4, kv_heads=2)
    yield make(rng, "bias_broadcast", batch=2, length=1, past=3, extra={BIAS: numbers(rng, 1, 1, 1, 4)})
    yield make(rng, "smooth_softcap", smooth_softmax=1, softcap=2.0, scale=0.7)
    yield make(rng, "window_of_one", local_window_size=1)
    yield make(rng, "window_bias_sink", local_window_size=2, heads=4, kv_heads=4,
               extra={BIAS: numbers(rng, 1, 4, 3, 5), SINK: numbers(rng, 4)})
    yield make(rng, "ragged_step", batch=3, length=1, rows=8, total=7, lengths=[3, 7, 5], heads=4, kv_heads=2)
    yield make(rng, "ragged_step_rotary", batch=3, length=1, rows=8, total=7, lengths=[3, 7, 5], rotary=True, size=16)
    yield make(rng, "ragged_prompt", batch=2, length=4, past=0, lengths=[2, 4])
    yield make(rng, "prompt_into_buffer", length=3, past=0, rows=6)
    yield make(rng, "interleaved", rotary=True, size=16, rotary_interleaved=1)
    yield make(rng, "positions", length=2, past=0, rotary=True, size=16, extra={POSITIONS: np.array([[0, 1]])})
    yield make(rng, "half", dtype=np.float16, heads=4, kv_heads=2)
    yield make(rng, "half_scores", dtype=np.float16, scores=2, softcap=1.0)
    yield make(rng, "half_quantised", dtype=np.float16, quant="PER_CHANNEL", heads=4, kv_heads=2)
    yield make(rng, "quantised_ragged", batch=3, length=1, rows=8, total=7, lengths=[3, 7, 5], heads=4, kv_heads=2,
               quant="PER_CHANNEL", bits=4)
    yield make(rng, "quantised_rotary", quant="PER_TENSOR", packed=True, rotary=True, size=16)
    yield make(rng, "quantised_all", quant="PER_CHANNEL", scores=1, softcap=2.0, local_window_size=3, extra=bias)
    yield make(rng, "quantised_smooth", quant="PER_TENSOR", bits=4, smooth_softmax=1)
    for capacity, window, length, total in ((4, 4, 1, 9), (6, 4, 1, 12), (6, 3, 5, 10), (4, 2, 7, 7), (5, 2, 3, 13), (5, 5, 2, 5)):
        name = f"sliding_c{capacity}_w{window}_s{length}_t{total}"
        yield make(rng, name, length=length, rows=capacity, total=total, local_window_size=window,
                   sliding_window_cache=1)
    yield make(rng, "sliding_ragged", batch=3, length=1, rows=5, total=14, lengths=[14, 5, 8], local_window_size=3,
               sliding_window_cache=1)
    yield make(rng, "sliding_bias_sink", length=2, rows=4, total=9, local_window_size=4, sliding_window_cache=1,
               heads=2, extra={BIAS: numbers(rng, 1, 2, 2, 9), SINK: numbers(rng, 2)})
    yield make(rng, "sliding_quantised", length=2, rows=5, total=8, local_window_size=3, sliding_window_cache=1,
               size=16, quant="PER_CHANNEL")
    yield make(rng, "sliding_quantised_4", length=1, rows=5, total=8, local_window_size=3, sliding_window_cache=1,
               size=32, quant="PER_TENSOR", bits=4)
    yield normed(rng)
