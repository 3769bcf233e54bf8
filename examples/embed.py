# SPDX-License-Identifier: Apache-2.0
"""Using onnxrun in a Python program: classify an 8x8 image with the committed Vision Transformer.

    pip install onnxrun && python embed.py digits-vit-ts.onnx
"""
import sys

import numpy as np

import onnxrun

# A hand-drawn zero, brightness 0 to 16 as in the scikit-learn digits.
ZERO = [[0, 0, 5, 13, 9, 1, 0, 0],
        [0, 0, 13, 15, 10, 15, 5, 0],
        [0, 3, 15, 2, 0, 11, 8, 0],
        [0, 4, 12, 0, 0, 8, 8, 0],
        [0, 5, 8, 0, 0, 9, 8, 0],
        [0, 4, 11, 0, 1, 12, 7, 0],
        [0, 2, 14, 5, 10, 12, 0, 0],
        [0, 0, 6, 13, 10, 0, 0, 0]]


def classify(path: str) -> int:
    session = onnxrun.InferenceSession(path)
    image = np.array(ZERO, np.float32).reshape(1, 1, 8, 8) / 16
    logits, = session.run(["logits"], {"image": image})
    return int(logits.argmax())


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: embed.py MODEL")
    try:
        print(f"digit: {classify(sys.argv[1])}")
    except onnxrun.Error as error:
        sys.exit(f"embed.py: {error}")


if __name__ == "__main__":
    main()
