# SPDX-License-Identifier: Apache-2.0
"""Random decision trees as the attributes of tree ensembles."""

MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]


def grow(rng, trees, depth, features, targets, prefix, weights, missing=False):
    """Attributes of complete trees, each node with a comparison of its own.

    targets: for each leaf the targets that it votes for; weights: () -> a number.
    """
    out = {f"nodes_{name}": [] for name in
           ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")}
    out |= {f"{prefix}_{name}": [] for name in ("treeids", "nodeids", "ids", "weights")}
    tracks = []
    for tree in range(trees):
        inner = 2**depth - 1
        for node in range(2 * inner + 1):
            is_leaf = node >= inner
            out["nodes_treeids"].append(tree)
            out["nodes_nodeids"].append(node)
            out["nodes_featureids"].append(0 if is_leaf else int(rng.integers(features)))
            out["nodes_modes"].append("LEAF" if is_leaf else MODES[rng.integers(len(MODES))])
            out["nodes_values"].append(0.0 if is_leaf else float(rng.integers(-4, 5) / 4))
            out["nodes_truenodeids"].append(0 if is_leaf else 2 * node + 1)
            out["nodes_falsenodeids"].append(0 if is_leaf else 2 * node + 2)
            tracks.append(int(rng.integers(2)))
            for target in targets if is_leaf else ():
                out[f"{prefix}_treeids"].append(tree)
                out[f"{prefix}_nodeids"].append(node)
                out[f"{prefix}_ids"].append(target)
                out[f"{prefix}_weights"].append(weights())
    if missing:
        out["nodes_missing_value_tracks_true"] = tracks
    return out
