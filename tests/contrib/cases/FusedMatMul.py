# SPDX-License-Identifier: Apache-2.0
"""FusedMatMul: transposed operands and batches, broadcasting, vectors, alpha, constant B."""
import itertools

import numpy as np
from case import Case


def turned(x, trans, batch):
    """The stored tensor of which op() gives x."""
    x = np.swapaxes(x, -1, -2) if trans else x
    return np.ascontiguousarray(np.moveaxis(x, -2, 0) if batch else x)


def cases(rng):
    m, k, n = 3, 5, 4
    for (ta, tb), (ba, bb) in itertools.product(itertools.product((0, 1), repeat=2), repeat=2):
        for number, (a_batch, b_batch) in enumerate((((), ()), ((2,), (2,)), ((2, 3), (1, 3)), ((3,), ()))):
            if (ba or bb) and (not a_batch or len(a_batch) != len(b_batch)):
                continue
            a = turned(rng.standard_normal(a_batch + (m, k)).astype(np.float32), ta, ba)
            b = turned(rng.standard_normal(b_batch + (k, n)).astype(np.float32), tb, bb)
            attributes = {"transA": ta, "transB": tb, "transBatchA": ba, "transBatchB": bb,
                          "alpha": (1.0, 0.25)[number % 2]}
            name = f"ta{ta}_tb{tb}_ba{ba}_bb{bb}_{len(a_batch)}_{len(b_batch)}"
            yield Case(name, [a, b], 1, attributes, constant=(1,) if number > 1 else ())
    a = rng.standard_normal((2, 3, 5))
    yield Case("double", [a, rng.standard_normal((4, 5))], 1, {"transB": 1, "alpha": 2.0})
    v = rng.standard_normal(5).astype(np.float32)
    yield Case("vectors", [v, v], 1, {"transA": 1, "transB": 1})
    a16 = a.astype(np.float16)
    b16 = rng.standard_normal((4, 5)).astype(np.float16)
    yield Case("float16", [a16, b16], 1, {"transB": 1}, rtol=4e-3, atol=4e-3,
               expected=[(a16.astype(np.float64) @ b16.T.astype(np.float64)).astype(np.float16)])
