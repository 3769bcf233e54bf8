# SPDX-License-Identifier: Apache-2.0
"""SparseAttention: layouts, prompts, steps of equal and ragged lengths, packed inputs, rotary embedding.

ONNX Runtime only runs it with past and present in one buffer, which a model alone cannot ask for: what is expected is
computed here. It is what ONNX Runtime 1.31.1 gives with such buffers, but for a batch that is shorter than
total_sequence_length: there it takes probabilities from another place than it wrote them to, so that the batch alone
gives what is expected.
"""
import numpy as np
from case import Case, numbers


def layout(kind, blocks):
    mask = np.tril(np.ones((blocks, blocks), bool))
    if kind == "local":
        mask &= ~np.tril(np.ones((blocks, blocks), bool), -2)
    elif kind == "strided":
        mask &= (np.arange(blocks)[None] % 2 == 0) | np.eye(blocks, dtype=bool)
    return mask


def compressed(masks):
    """Row and column indices of several masks, padded with -1."""
    rows = np.array([[0, *np.cumsum(m.sum(1))] for m in masks], np.int32)
    columns = np.full((len(masks), rows.max()), -1, np.int32)
    for i, m in enumerate(masks):
        columns[i, :rows[i, -1]] = np.nonzero(m)[1]
    return rows, columns


def turn(x, positions, cos, sin, interleaved):
    """x: [S, heads, H]."""
    half = cos.shape[1]
    c, s = cos[positions][:, None], sin[positions][:, None]
    first, second = (x[..., 0:2 * half:2], x[..., 1:2 * half:2]) if interleaved else (
        x[..., :half], x[..., half:2 * half])
    a, b = c * first - s * second, s * first + c * second
    if interleaved:
        turned = np.stack([a, b], -1).reshape(*a.shape[:-1], 2 * half)
    else:
        turned = np.concatenate([a, b], -1)
    return np.concatenate([turned, x[..., 2 * half:]], -1)


def attend(q, k, v, positions, masks, block, scale):
    """q: [S, N, H]; k, v: [T, Nk, H]. Returns [S, N * H]."""
    y = np.zeros(q.shape)
    for s, position in enumerate(positions):
        for n in range(q.shape[1]):
            keys = np.arange(position + 1)
            keys = keys[masks[n % len(masks)][position // block][keys // block]]
            group = n // (q.shape[1] // k.shape[1])
            scores = k[keys, group] @ q[s, n] * scale
            weights = np.exp(scores - scores.max())
            y[s, n] = weights @ v[keys, group] / weights.sum()
    return y.reshape(len(q), -1)


def make(rng, name, kinds=("local", "strided"), batch=1, length=5, total=None, lengths=None, heads=2, kv_heads=1,
         size=8, block=2, blocks=5, rows=9, dtype=np.float32, packed=False, rotary=0, **attributes):
    total = total or length
    lengths = lengths or [total] * batch
    masks = [layout(kind, blocks) for kind in kinds]
    shapes = [heads * size, kv_heads * size, kv_heads * size]
    q, k, v = (numbers(rng, batch, length, width, dtype=dtype) for width in shapes)
    past = [numbers(rng, batch, kv_heads, rows, size, dtype=dtype) for _ in range(2)]
    heads_of = [x.reshape(batch, length, -1, size).astype(np.float64) for x in (q, k, v)]
    present = [x.astype(np.float64) for x in past]
    angles = rng.integers(-16, 17, (rows, rotary)) / 8
    cos, sin = np.cos(angles).astype(dtype), np.sin(angles).astype(dtype)
    y = []
    for b in range(batch):
        first = 0 if length == total else lengths[b] - length
        positions = np.arange(first, first + length)
        new_q, new_k, new_v = (x[b] for x in heads_of)
        if rotary:
            interleaved = attributes.get("rotary_interleaved", 0)
            new_q, new_k = (turn(x, positions, cos, sin, interleaved) for x in (new_q, new_k))
        for cache, new in zip(present, (new_k, new_v), strict=True):
            cache[b, :, positions] = new
        scale = attributes.get("scale", size**-0.5)
        y.append(attend(new_q, present[0][b].transpose(1, 0, 2), present[1][b].transpose(1, 0, 2), positions, masks,
                        block, scale))
    inputs = [np.concatenate([q, k, v], -1), None, None] if packed else [q, k, v]
    inputs += [*past, *compressed(masks), np.array([total], np.int32), np.array(lengths, np.int32)]
    if rotary:
        inputs += [cos, sin]
        attributes["do_rotary"] = 1
    attributes |= {"num_heads": heads, "kv_num_heads": kv_heads, "sparse_block_size": block}
    loose = 4e-3 if dtype == np.float16 else 1e-5
    return Case(name, inputs, 3, attributes, constant=(7,), rtol=loose, atol=loose,
                expected=[x.astype(dtype) for x in (np.stack(y), *present)])


def cases(rng):
    yield make(rng, "prompt")
    yield make(rng, "prompt_batch", batch=2, heads=4, kv_heads=2, kinds=("local", "strided"))
    yield make(rng, "dense", kinds=("dense",))
    yield make(rng, "one_layout_block1", kinds=("strided",), block=1, blocks=9, length=7)
    yield make(rng, "block16", kinds=("local",), block=16, blocks=3, rows=40, length=35)
    yield make(rng, "step", length=1, total=8)
    yield make(rng, "step_ragged", batch=3, length=1, total=8, lengths=[3, 8, 5], heads=4, kv_heads=2)
    yield make(rng, "steps", length=3, total=8)
    yield make(rng, "packed", packed=True, heads=4, kv_heads=2)
    yield make(rng, "rotary_prompt", size=16, rotary=8)
    yield make(rng, "rotary_step", batch=2, length=1, total=7, lengths=[7, 4], size=16, rotary=8, packed=True)
    yield make(rng, "rotary_interleaved_part", size=16, rotary=4, rotary_interleaved=1)
    yield make(rng, "scale", scale=0.9)
    yield make(rng, "half", dtype=np.float16)
