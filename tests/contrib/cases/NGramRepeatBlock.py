# SPDX-License-Identifier: Apache-2.0
"""NGramRepeatBlock: sizes of n-grams, among them longer ones than the sequence."""
import numpy as np
from case import Case, numbers


def cases(rng):
    for size in (1, 2, 3, 12, 13):
        ids = rng.integers(0, 3, (3, 11)).astype(np.int64)
        yield Case(f"size_{size}", [ids, numbers(rng, 3, 9)], 1, {"ngram_size": size})
