#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Train a small Vision Transformer on 8x8 digits and export it with both of torch's exporters.

Writes next to this file (or to --to): digits-vit-ts.onnx, digits-vit-dynamo.onnx, the test split
(test_images.npy, test_labels.npy), one sample image per digit (samples/), labels.txt, and
expected.json with the number of test images classified correctly. Every random choice has a fixed
seed; about 75 seconds on one core.
"""
import argparse
import json
import logging
import math
import random
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn import functional

SEED = 17
CLASSES = 10
IMAGE_SIZE = 8
PATCH_SIZE = 2
TOKENS = (IMAGE_SIZE // PATCH_SIZE) ** 2 + 1  # the patches and one class token
BATCH_SIZE = 64
PEAK_LEARNING_RATE = 2e-3
TEST_SHARE = 0.2
TS_OPSET = 17
DYNAMO_OPSET = 20


class Attention(nn.Module):
    """Multi-head self-attention written out: project, split heads, softmax(q k^T / sqrt(d)) v."""

    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.output = nn.Linear(dim, dim)

    def split_heads(self, x):
        """[batch, tokens, dim] -> [batch, heads, tokens, dim / heads]"""
        batch, tokens, dim = x.shape
        return x.view(batch, tokens, self.heads, dim // self.heads).transpose(1, 2)

    def forward(self, x):
        batch, tokens, dim = x.shape
        query = self.split_heads(self.query(x))
        key = self.split_heads(self.key(x))
        value = self.split_heads(self.value(x))
        scores = query @ key.transpose(-2, -1) / math.sqrt(dim // self.heads)
        mixed = scores.softmax(dim=-1) @ value
        return self.output(mixed.transpose(1, 2).reshape(batch, tokens, dim))


class Block(nn.Module):
    """Pre-norm Transformer layer: attention, then a two-layer GELU network, both residual."""

    def __init__(self, dim, heads, hidden):
        super().__init__()
        self.attention_norm = nn.LayerNorm(dim)
        self.attention = Attention(dim, heads)
        self.mlp_norm = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim))

    def forward(self, x):
        x = x + self.attention(self.attention_norm(x))
        return x + self.mlp(self.mlp_norm(x))


class DigitsViT(nn.Module):
    """image [batch, 1, 8, 8] in 0..1 -> logits [batch, 10]"""

    def __init__(self, dim=40, depth=3, heads=4, hidden=80):
        super().__init__()
        self.patches = nn.Conv2d(1, dim, kernel_size=PATCH_SIZE, stride=PATCH_SIZE)
        self.class_token = nn.Parameter(0.02 * torch.randn(1, 1, dim))
        self.positions = nn.Parameter(0.02 * torch.randn(1, TOKENS, dim))
        self.blocks = nn.Sequential(*(Block(dim, heads, hidden) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, CLASSES)

    def forward(self, image):
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_token.expand(x.shape[0], -1, -1), x], dim=1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])


def load_split():
    """The scikit-learn digits as float32 [N, 1, 8, 8] in 0..1, split into train and test."""
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32).reshape(-1, 1, IMAGE_SIZE, IMAGE_SIZE)
    labels = digits.target.astype(np.int64)
    return train_test_split(images, labels, test_size=TEST_SHARE, random_state=SEED,
                            stratify=labels)


def augment(images):
    """Move each image by up to half a pixel, rotate by up to 10 degrees, scale by up to 10 %."""
    count = len(images)
    angle = (torch.rand(count) * 2 - 1) * math.radians(10)
    scale = 1 + (torch.rand(count) * 2 - 1) * 0.1
    shift = (torch.rand(count, 2) * 2 - 1) / IMAGE_SIZE
    cos, sin = scale * angle.cos(), scale * angle.sin()
    affine = torch.stack([torch.stack([cos, -sin, shift[:, 0]], 1),
                          torch.stack([sin, cos, shift[:, 1]], 1)], 1)
    grid = functional.affine_grid(affine, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def train(images, labels, epochs):
    """Train a model from scratch with AdamW and a one-cycle learning rate."""
    model = DigitsViT()
    steps = math.ceil(len(images) / BATCH_SIZE)
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_LEARNING_RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_LEARNING_RATE,
                                                   total_steps=epochs * steps)
    for epoch in range(epochs):
        total = 0.0
        for index in torch.randperm(len(images)).split(BATCH_SIZE):
            logits = model(augment(images[index]))
            loss = functional.cross_entropy(logits, labels[index], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(index)
        if (epoch + 1) % 10 == 0:
            print(f"epoch {epoch + 1:3}: training loss {total / len(images):.4f}")
    return model.eval()


def export(model, folder):
    """Write both ONNX files; return their paths."""
    example = torch.rand(3, 1, IMAGE_SIZE, IMAGE_SIZE)
    names = {"input_names": ["image"], "output_names": ["logits"]}
    ts = folder / "digits-vit-ts.onnx"
    torch.onnx.export(model, (example,), str(ts), dynamo=False, opset_version=TS_OPSET,
                      dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}}, **names)
    dynamo = folder / "digits-vit-dynamo.onnx"
    torch.onnx.export(model, (example,), str(dynamo), dynamo=True, opset_version=DYNAMO_OPSET,
                      dynamic_shapes={"image": {0: torch.export.Dim("batch")}},
                      external_data=False, verbose=False, **names)
    strip_provenance(dynamo)
    return ts, dynamo


def strip_provenance(path):
    """Drop stack traces and module paths, which the dynamo exporter attaches to every node."""
    model = onnx.load(path)
    for message in (*model.graph.node, *model.graph.value_info, *model.graph.input,
                    *model.graph.output, *model.graph.initializer, model.graph):
        message.ClearField("metadata_props")
        message.ClearField("doc_string")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def count_correct(logits, labels):
    return int((logits.argmax(axis=1) == labels).sum())


def write_data(folder, images, labels):
    """Write the test split, its first image of each digit as a sample, and the class names."""
    np.save(folder / "test_images.npy", images)
    np.save(folder / "test_labels.npy", labels)
    samples = folder / "samples"
    samples.mkdir(exist_ok=True)
    for digit in range(CLASSES):
        first = int(np.flatnonzero(labels == digit)[0])
        np.save(samples / f"{digit}.npy", images[first:first + 1])
    names = "".join(f"{digit}\n" for digit in range(CLASSES))
    (folder / "labels.txt").write_text(names, encoding="ascii")


def main():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--to", type=Path, default=here, help="folder to write to")
    parser.add_argument("--epochs", type=int, default=160)
    args = parser.parse_args()
    args.to.mkdir(parents=True, exist_ok=True)

    random.seed(SEED)
    np.random.seed(SEED)
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)

    train_images, test_images, train_labels, test_labels = load_split()
    model = train(torch.from_numpy(train_images), torch.from_numpy(train_labels), args.epochs)
    with torch.no_grad():
        logits = model(torch.from_numpy(test_images)).numpy()
    correct = count_correct(logits, test_labels)
    total = len(test_labels)
    print(f"{'PyTorch':24} {correct} of {total} correct")

    for path in export(model, args.to):
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        answer, = session.run(["logits"], {"image": test_images})
        error = np.abs(answer - logits).max()
        print(f"{path.name:24} {count_correct(answer, test_labels)} of {total} correct, "
              f"largest difference from PyTorch {error:.1e}, {path.stat().st_size} bytes")
        if count_correct(answer, test_labels) != correct:
            raise SystemExit(f"{path}: classifies differently from PyTorch")

    write_data(args.to, test_images, test_labels)
    expected = json.dumps({"correct": correct, "total": total})
    (args.to / "expected.json").write_text(expected + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
