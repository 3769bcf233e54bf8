# SPDX-License-Identifier: Apache-2.0
"""MatMulBnb4: both tables, block sizes, rows of weights that end within a block, one and many rows of A.

ONNX Runtime computes transB = 1 alone.
"""
import numpy as np
from case import Case


def cases(rng):
    for kind in (0, 1):
        for block, k, n in ((16, 24, 5), (32, 33, 3), (128, 20, 40)):
            for shape in ((1,), (2, 3)):
                a = rng.standard_normal((*shape, k)).astype(np.float32)
                b = rng.integers(0, 256, (n * k + 1) // 2).astype(np.uint8)
                absmax = rng.random(-(-n * k // block)).astype(np.float32)
                attributes = {"K": k, "N": n, "block_size": block, "quant_type": kind, "transB": 1}
                name = f"{'nf4' if kind else 'fp4'}_block{block}_rows{'x'.join(map(str, shape))}"
                yield Case(name, [a, b, absmax], 1, attributes, constant=(1, 2))
