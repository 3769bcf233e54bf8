# SPDX-License-Identifier: Apache-2.0
"""QGemm: types, both transpositions, alpha, every shape of C, one scale or one per column, float and quantised Y."""
import numpy as np
from case import Case
from quantised import arrays, bytes_of


def cases(rng):
    m, k, n = 3, 5, 4
    biases = [None, (), (1,), (n,), (1, n), (m, 1), (m, n)]
    for a_type, b_type in ((np.uint8, np.uint8), (np.uint8, np.int8), (np.int8, np.int8)):
        for count, shape in enumerate(biases):
            for quantised in (False, True):
                trans_a, trans_b, columns = count & 1, count >> 1 & 1, count % 3 == 1
                size = (n,) if columns else ()
                inputs = [bytes_of(rng, a_type, *((k, m) if trans_a else (m, k))), np.float32(0.05), bytes_of(rng, a_type),
                          bytes_of(rng, b_type, *((n, k) if trans_b else (k, n))),
                          (0.02 * rng.random(size) + 0.01).astype(np.float32), bytes_of(rng, b_type, *size)]
                inputs.append(None if shape is None else rng.integers(-9000, 9000, shape).astype(np.int32))
                if quantised:
                    inputs += [np.float32(0.83), bytes_of(rng, a_type)]
                while inputs[-1] is None:
                    inputs.pop()
                inputs = arrays(inputs)
                alpha = {"alpha": 1.5} if count > 3 else {}
                kind = f"{np.dtype(a_type)}_{np.dtype(b_type)}"
                yield Case(f"c{count}_{kind}{'_quantised' * quantised}", inputs, 1,
                           {"transA": trans_a, "transB": trans_b, **alpha}, constant=(3, 4, 5) if columns else ())
