# SPDX-License-Identifier: Apache-2.0
"""GatherBlockQuantized: types of data, packed bytes, both axes, zero points, and indices that are out of range."""
import ml_dtypes
import numpy as np
from case import Case


def integers(rng, dtype, shape):
    low, high = {"uint4": (0, 16), "int4": (-8, 8), "uint8": (0, 256)}[np.dtype(dtype).name]
    return rng.integers(low, high, shape).astype(dtype)


def cases(rng):
    real = np.float32
    for dtype in (ml_dtypes.uint4, ml_dtypes.int4):
        for gather, quantize in ((0, 1), (0, 2), (1, -1), (2, 1), (-2, 0), (1, 1)):
            shape = [3, 4, 5]
            shape[quantize] = 20
            blocks = list(shape)
            blocks[quantize] = 2
            for zeros in (False, True):
                size = shape[gather]
                indices = rng.integers(-size, size, (2, 2)).astype(np.int64 if zeros else np.int32)
                inputs = [integers(rng, dtype, shape), indices, rng.random(blocks).astype(real)]
                inputs += [integers(rng, dtype, blocks)] * zeros
                name = f"{np.dtype(dtype)}_axes{gather}_{quantize}{'_zeros' * zeros}".replace("-", "m")
                yield Case(name, inputs, 1, {"gather_axis": gather, "quantize_axis": quantize, "block_size": 16},
                           constant=(0, 2, 3))
    for bits in (2, 4, 8):
        for zeros in (False, True):
            for kind in (np.float32, np.float16):
                packed = 8 // bits
                data = integers(rng, np.uint8, (6, 48 // packed))
                scales = rng.random((6, 3)).astype(kind)
                inputs = [data, np.array([5, 0, -2], np.int64), scales]
                if zeros:
                    inputs.append(integers(rng, np.uint8, (6, -(-3 // packed))))
                yield Case(f"uint8_bits{bits}_{np.dtype(kind)}{'_zeros' * zeros}", inputs, 1,
                           {"bits": bits, "block_size": 16, "quantize_axis": 1}, constant=(0, 2, 3), rtol=2e-3)
    data = integers(rng, ml_dtypes.uint4, (4, 16))
    yield Case("out_of_range", [data, np.array([1, 4, -5, 3], np.int64), rng.random((4, 1)).astype(real)], 1,
               {"block_size": 16}, constant=(0, 2))
    floats = (ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2, ml_dtypes.float8_e4m3fnuz,
              ml_dtypes.float8_e5m2fnuz, ml_dtypes.float4_e2m1fn)
    for dtype in floats:
        data = rng.standard_normal((4, 32)).astype(dtype)
        for block, blocks in ((16, (4, 2)), (16, (1, 2)), (0, (4, 1)), (0, (1, 1))):
            yield Case(f"{np.dtype(dtype)}_block{block}_scales{blocks[0]}",
                       [data, np.array(2, np.int64), rng.random(blocks).astype(real)], 1,
                       {"block_size": block}, constant=(0, 2))
