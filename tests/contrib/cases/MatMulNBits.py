# SPDX-License-Identifier: Apache-2.0
"""MatMulNBits: bits, block sizes, K that is no multiple of them, zero points packed and float, bias, few and many rows.

accuracy_level 4 rounds A to 8 bits per block, which shows in the third digit.
"""
import numpy as np
from case import Case


def make(rng, name, bits=4, k=40, n=3, block=16, shape=(3,), zeros=None, bias=False, dtype=np.float32,
         level=0, flat=False):
    groups = -(-k // block)
    a = (rng.integers(-99, 100, (*shape, k)) / 64).astype(dtype)
    b = rng.integers(0, 256, (n, groups, block * bits // 8)).astype(np.uint8)
    scales = (0.02 + 0.1 * rng.random((n, groups))).astype(dtype)
    points = None
    if zeros == "packed":
        points = rng.integers(0, 256, (n, -(-groups * bits // 8))).astype(np.uint8)
    elif zeros == "float":
        points = ((2**bits - 1) * rng.random((n, groups))).astype(dtype)
    if flat:
        scales = scales.ravel()
        points = points.ravel() if points is not None else None
    inputs = [a, b, scales, points, None, rng.standard_normal(n).astype(dtype) if bias else None]
    while inputs[-1] is None:
        inputs.pop()
    loose = 4e-3 if dtype == np.float16 else 1e-4
    attributes = {"K": k, "N": n, "bits": bits, "block_size": block, "accuracy_level": level}
    return Case(name, inputs, 1, attributes, constant=tuple(range(1, len(inputs))), rtol=loose, atol=loose)


def cases(rng):
    for bits in (2, 4, 8):
        for zeros in (None, "packed", "float"):
            if bits == 8 and zeros == "float":
                continue  # ONNX Runtime has none
            for shape in ((1,), (7,), (2, 2)):
                name = f"bits{bits}_{zeros or 'default'}_rows{'x'.join(map(str, shape))}"
                yield make(rng, name, bits, shape=shape, zeros=zeros, bias=shape == (7,))
    yield make(rng, "block32", block=32, k=64, zeros="packed")
    yield make(rng, "block64_one_row", block=64, k=150, n=2, shape=(1,), zeros="packed", bias=True)
    yield make(rng, "block128", block=128, k=130, n=3, bias=True)
    yield make(rng, "block256_bits8", bits=8, block=256, k=70, n=2, shape=(1,))
    yield make(rng, "many_columns", k=16, n=70)
    yield make(rng, "many_columns_one_row", k=16, n=70, shape=(1,))
    yield make(rng, "flat", k=64, zeros="packed", flat=True)
    yield make(rng, "half", k=64, block=32, dtype=np.float16, zeros="packed", bias=True)
    yield make(rng, "half_one_row", k=64, block=32, dtype=np.float16, shape=(1,))
    yield make(rng, "half_float_points", k=64, block=32, dtype=np.float16, zeros="float")
    yield make(rng, "level1", level=1)
    for bits, block in ((2, 32), (2, 64), (2, 128), (4, 16), (4, 32), (4, 256), (8, 16), (8, 64), (8, 256)):
        for zeros, shape in ((None, (1,)), ("packed", (3,))):
            name = f"level4_bits{bits}_block{block}_{zeros or 'default'}"
            yield make(rng, name, bits, k=block + 9, n=1, block=block, shape=shape, zeros=zeros, level=4)
    yield make(rng, "level4_bits2_block16", bits=2, level=4)
    yield make(rng, "level4_bits2_block256", bits=2, k=80, n=2, block=256, level=4)
    yield make(rng, "level4_many_columns", k=16, n=35, level=4)
    yield make(rng, "level4_half", k=64, block=32, dtype=np.float16, zeros="packed", bias=True, level=4)
    yield make(rng, "level4_float_points", k=64, block=32, zeros="float", level=4)
