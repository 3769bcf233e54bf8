# SPDX-License-Identifier: Apache-2.0
"""TreeEnsemble: comparisons, sets, missing values, aggregates, types.

Left out: SOFTMAX and LOGISTIC, whose numbers ONNX Runtime takes for each other; sets of numbers other
than 1, 2, ..., and float16, which it does not have.
"""
import numpy as np
from onnx import numpy_helper

from case import Case, numbers

DOMAIN = "ai.onnx.ml"


def grow(rng, trees, depth, dtype, targets, members=False, missing=False):
    """Complete trees with leaves of their own."""
    inner = 2**depth - 1
    out = {name: [] for name in ("nodes_featureids", "nodes_truenodeids", "nodes_falsenodeids",
                                 "nodes_trueleafs", "nodes_falseleafs", "tree_roots")}
    modes, splits, sets = [], [], []
    for tree in range(trees):
        out["tree_roots"].append(tree * inner)
        for node in range(inner):
            is_last = 2 * node + 1 >= inner
            shift = tree * (inner + 1) - inner if is_last else tree * inner
            out["nodes_truenodeids"].append(2 * node + 1 + shift)
            out["nodes_falsenodeids"].append(2 * node + 2 + shift)
            out["nodes_trueleafs"].append(int(is_last))
            out["nodes_falseleafs"].append(int(is_last))
            out["nodes_featureids"].append(int(rng.integers(4)))
            modes.append(6 if members and node % 2 == 0 else int(rng.integers(6)))
            splits.append(rng.integers(-4, 5) / 4)
            if modes[-1] == 6:
                sets += [*sorted({float(v) for v in rng.integers(1, 17, 8)}), np.nan]
    leaves = trees * (inner + 1)
    out["leaf_targetids"] = [int(v) for v in rng.integers(0, targets, leaves)]
    out["n_targets"] = targets
    tensors = {"nodes_splits": splits, "leaf_weights": rng.integers(-8, 9, leaves) / 8}
    if members:
        tensors["membership_values"] = sets
    for name, values in tensors.items():
        out[name] = numpy_helper.from_array(np.array(values, dtype), name)
    out["nodes_modes"] = numpy_helper.from_array(np.array(modes, np.uint8), "nodes_modes")
    if missing:
        out["nodes_missing_value_tracks_true"] = [int(v) for v in rng.integers(0, 2, len(modes))]
    return out


def cases(rng):
    x = numbers(rng, 9, 4)
    holes = x.copy()
    holes[rng.integers(0, 3, x.shape) == 0] = np.nan
    for aggregate, name in enumerate(("average", "sum", "min", "max")):
        yield Case(name, [x], 1, {**grow(rng, 3, 3, np.float32, 2), "aggregate_function": aggregate},
                   version=5)
    yield Case("softmax_zero", [x], 1,
               {**grow(rng, 3, 2, np.float32, 3), "post_transform": 3}, version=5)
    yield Case("one_target", [x], 1, grow(rng, 3, 2, np.float32, 1), version=5)
    yield Case("missing", [holes], 1, grow(rng, 3, 3, np.float32, 2, missing=True), version=5)
    yield Case("members", [np.abs(x) * 8], 1, grow(rng, 2, 3, np.float32, 2, members=True), version=5)
    yield Case("float64", [x.astype(np.float64)], 1, grow(rng, 2, 3, np.float64, 2), version=5)
