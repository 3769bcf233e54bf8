#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Export small Transformers from PyTorch, with PyTorch's own answers, as whole-model tests.

Every case is built with random weights from a fixed seed, exported by both of torch's exporters
at two opsets each, and written in the ONNX backend layout:

    DIR/NAME__ts14/model.onnx                     the exported file
    DIR/NAME__ts14/data.json                      tolerance: |got - expected| <= atol
    DIR/NAME__ts14/test_data_set_0/input_0.pb     TensorProto, named as the graph input
    DIR/NAME__ts14/test_data_set_0/output_0.pb    what PyTorch computed (float32)

__ts14 and __ts17 come from the TorchScript exporter (dynamo=False), __dyn18 and __dyn23 from the
torch.export based one (dynamo=True). The two data sets differ in every axis that the exporter
keeps dynamic. Each file is run by ONNX Runtime before it counts as good.
"""
import argparse
import fnmatch
import json
import logging
import math
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import transformers
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
from torch import nn
from torch.nn import functional

SEED = 2024
HIDDEN = 32
HEADS = 4
LAYERS = 2
FFN = 64
VOCAB = 120
POSITIONS = 40
PAD_TOKEN = 1
ABSOLUTE_TOLERANCE = 1e-4

# Sizes of the symbolic axes while exporting, and in the two data sets.
TRACE_SIZES = {"batch": 2, "sequence": 6, "target": 4}
DATA_SIZES = ({"batch": 1, "sequence": 5, "target": 3},
              {"batch": 3, "sequence": 11, "target": 8})

EXPORTS = {"ts14": (False, 14), "ts17": (False, 17), "dyn18": (True, 18), "dyn23": (True, 23)}


@dataclass(frozen=True)
class Case:
    """One architecture: how to build it, what to feed it, and which axes are dynamic."""

    build: Callable[[], nn.Module]
    inputs: Callable[[dict], dict]  # axis sizes -> input name: tensor
    outputs: dict  # output name: {axis: symbol}
    axes: dict  # input name: {axis: symbol}
    # Symbols that the TorchScript exporter writes into the graph as constants, whatever the
    # dynamic_axes say; there both data sets have the traced size.
    frozen_by_ts: tuple = ()
    # Exports that ONNX Runtime does not run, with its reason; onnx.reference checks them instead.
    refused_by_ort: dict = field(default_factory=dict)


# ---- modules written out by hand --------------------------------------------------------------


class CausalSelfAttention(nn.Module):
    """Causal attention as tutorials write it: view, transpose, masked_fill, softmax."""

    def __init__(self):
        super().__init__()
        self.qkv = nn.Linear(HIDDEN, 3 * HIDDEN)
        self.output = nn.Linear(HIDDEN, HIDDEN)
        self.register_buffer("visible", torch.tril(torch.ones(POSITIONS, POSITIONS)))

    def forward(self, x):
        batch, length, _ = x.shape
        query, key, value = (
            part.view(batch, length, HEADS, HIDDEN // HEADS).transpose(1, 2)
            for part in self.qkv(x).split(HIDDEN, dim=-1))
        scores = query @ key.transpose(-2, -1) / math.sqrt(HIDDEN // HEADS)
        scores = scores.masked_fill(self.visible[:length, :length] == 0, float("-inf"))
        mixed = torch.softmax(scores, dim=-1) @ value
        return self.output(mixed.transpose(1, 2).contiguous().view(batch, length, HIDDEN))


class CrossAttention(nn.Module):
    """Attention of x over a second sequence, with an additive float mask and pre-scaled query."""

    def __init__(self):
        super().__init__()
        self.query = nn.Linear(HIDDEN, HIDDEN, bias=False)
        self.key = nn.Linear(HIDDEN, HIDDEN, bias=False)
        self.value = nn.Linear(HIDDEN, HIDDEN)
        self.norm = nn.LayerNorm(HIDDEN)

    @staticmethod
    def split_heads(x):
        return x.view(x.shape[0], x.shape[1], HEADS, HIDDEN // HEADS).permute(0, 2, 1, 3)

    def forward(self, x, memory, mask):
        query = self.split_heads(self.query(x)) * (HIDDEN // HEADS) ** -0.5
        key = self.split_heads(self.key(memory))
        value = self.split_heads(self.value(memory))
        weights = torch.softmax(query @ key.transpose(2, 3) + mask[:, None, None, :], dim=-1)
        mixed = (weights @ value).permute(0, 2, 1, 3).flatten(2)
        return self.norm(x + mixed)


class SentenceEmbedding(nn.Module):
    """MiniLM as sentence-transformers uses it: masked mean of the tokens, scaled to length 1."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder

    def forward(self, input_ids, attention_mask, token_type_ids):
        tokens = self.encoder(input_ids=input_ids, attention_mask=attention_mask,
                              token_type_ids=token_type_ids)[0]
        mask = attention_mask.unsqueeze(-1).expand(tokens.size()).float()
        mean = (tokens * mask).sum(1) / torch.clamp(mask.sum(1), min=1e-9)
        return functional.normalize(mean, p=2, dim=1)


class MultiheadSelfAttention(nn.Module):
    """nn.MultiheadAttention over one sequence, returning the averaged weights as well."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(HIDDEN, HEADS, batch_first=True)

    def forward(self, x, padding):
        return self.attention(x, x, x, key_padding_mask=padding)


class PaddedEncoder(nn.Module):
    """nn.TransformerEncoder, post-norm with ReLU, and a padding mask."""

    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(HIDDEN, HEADS, FFN, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)

    def forward(self, x, padding):
        return self.encoder(x, src_key_padding_mask=padding)


class Translator(nn.Module):
    """nn.Transformer, one layer each way: sinusoidal positions, causal target, padded source.

    Without the tgt_is_causal hint, nn.Transformer compares the mask's values with a causal one,
    a branch on data that torch.export cannot follow.
    """

    def __init__(self):
        super().__init__()
        self.source_embedding = nn.Embedding(VOCAB, HIDDEN)
        self.target_embedding = nn.Embedding(VOCAB, HIDDEN)
        self.transformer = nn.Transformer(HIDDEN, HEADS, 1, 1, FFN, batch_first=True,
                                          activation="gelu", norm_first=True)
        self.transformer.encoder.enable_nested_tensor = False
        self.output = nn.Linear(HIDDEN, VOCAB)
        position = torch.arange(POSITIONS).unsqueeze(1)
        rate = torch.exp(torch.arange(0, HIDDEN, 2) * (-math.log(10000.0) / HIDDEN))
        angle = position * rate
        table = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)
        self.register_buffer("positions", table.unsqueeze(0))

    def embed(self, embedding, ids):
        return embedding(ids) * math.sqrt(HIDDEN) + self.positions[:, :ids.shape[1]]

    def forward(self, source, target, source_padding):
        length = target.shape[1]
        future = torch.triu(torch.ones(length, length, dtype=torch.bool), diagonal=1)
        decoded = self.transformer(self.embed(self.source_embedding, source),
                                   self.embed(self.target_embedding, target), tgt_mask=future,
                                   tgt_is_causal=True, src_key_padding_mask=source_padding,
                                   memory_key_padding_mask=source_padding)
        return functional.log_softmax(self.output(decoded), dim=-1)


class FirstOutput(nn.Module):
    """A Hugging Face model reduced to its first output, with the named inputs in order."""

    def __init__(self, model):
        super().__init__()
        self.model = model


class BertOutput(FirstOutput):
    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(input_ids=input_ids, attention_mask=attention_mask,
                          token_type_ids=token_type_ids)[0]


class MaskedOutput(FirstOutput):
    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask)[0]


class CausalOutput(FirstOutput):
    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask, use_cache=False)[0]


class ImageOutput(FirstOutput):
    def forward(self, pixel_values):
        return self.model(pixel_values=pixel_values)[0]


# ---- Hugging Face configurations --------------------------------------------------------------

ENCODER_CONFIG = {
    "vocab_size": VOCAB, "hidden_size": HIDDEN, "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS, "intermediate_size": FFN,
    "max_position_embeddings": POSITIONS, "initializer_range": 0.2,
}


def bert(attention):
    config = transformers.BertConfig(**ENCODER_CONFIG, num_labels=3,
                                     attn_implementation=attention)
    return BertOutput(transformers.BertForSequenceClassification(config))


def minilm():
    config = transformers.BertConfig(**ENCODER_CONFIG)
    return SentenceEmbedding(transformers.BertModel(config, add_pooling_layer=False))


def roberta():
    config = transformers.RobertaConfig(**ENCODER_CONFIG, pad_token_id=PAD_TOKEN,
                                        type_vocab_size=1)
    return MaskedOutput(transformers.RobertaForMaskedLM(config))


def distilbert():
    config = transformers.DistilBertConfig(
        vocab_size=VOCAB, dim=HIDDEN, n_layers=LAYERS, n_heads=HEADS, hidden_dim=FFN,
        max_position_embeddings=POSITIONS, initializer_range=0.2, num_labels=5)
    return MaskedOutput(transformers.DistilBertForTokenClassification(config))


def gpt2(attention):
    config = transformers.GPT2Config(
        vocab_size=VOCAB, n_embd=HIDDEN, n_layer=LAYERS, n_head=HEADS, n_positions=POSITIONS,
        initializer_range=0.2, attn_implementation=attention)
    return CausalOutput(transformers.GPT2LMHeadModel(config))


def vit(attention):
    config = transformers.ViTConfig(
        image_size=16, patch_size=4, hidden_size=HIDDEN, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, intermediate_size=FFN, initializer_range=0.2, num_labels=10,
        attn_implementation=attention)
    return ImageOutput(transformers.ViTForImageClassification(config))


# ---- inputs -----------------------------------------------------------------------------------


def lengths(sizes):
    """Valid tokens per row: the full sequence first, two fewer in each next row, at least one."""
    return torch.tensor([max(sizes["sequence"] - 2 * row, 1) for row in range(sizes["batch"])])


def padding(sizes):
    """True for positions past the end of the row; no row is masked whole."""
    return torch.arange(sizes["sequence"]) >= lengths(sizes).unsqueeze(1)


def token_ids(*shape):
    return torch.randint(PAD_TOKEN + 1, VOCAB, shape)


def masked_ids(sizes):
    masked = padding(sizes)
    ids = token_ids(sizes["batch"], sizes["sequence"]).masked_fill(masked, PAD_TOKEN)
    return {"input_ids": ids, "attention_mask": (~masked).long()}


def bert_inputs(sizes):
    segments = (torch.arange(sizes["sequence"]) >= sizes["sequence"] // 2).long()
    return masked_ids(sizes) | {"token_type_ids": segments.repeat(sizes["batch"], 1)}


def vectors(sizes):
    return {"x": torch.randn(sizes["batch"], sizes["sequence"], HIDDEN)}


def padded_vectors(sizes):
    return vectors(sizes) | {"padding": padding(sizes)}


def cross_inputs(sizes):
    return {"x": torch.randn(sizes["batch"], sizes["target"], HIDDEN),
            "memory": torch.randn(sizes["batch"], sizes["sequence"], HIDDEN),
            "mask": torch.zeros(sizes["batch"], sizes["sequence"]).masked_fill(
                padding(sizes), -10000.0)}


def translation_inputs(sizes):
    return {"source": token_ids(sizes["batch"], sizes["sequence"]),
            "target": token_ids(sizes["batch"], sizes["target"]),
            "source_padding": padding(sizes)}


def images(sizes):
    return {"pixel_values": torch.randn(sizes["batch"], 3, 16, 16)}


# ---- the cases --------------------------------------------------------------------------------

BATCH = {0: "batch"}
ROWS = {0: "batch", 1: "sequence"}
MASKED_IDS = {"input_ids": ROWS, "attention_mask": ROWS}
BERT_IDS = MASKED_IDS | {"token_type_ids": ROWS}
ORT_MASK_REASON = "Attention with a mask [batch, heads, 1, sequence] to be broadcast over queries"

CASES = {
    "bert_eager": Case(lambda: bert("eager"), bert_inputs, {"logits": BATCH}, BERT_IDS),
    "bert_sdpa": Case(lambda: bert("sdpa"), bert_inputs, {"logits": BATCH}, BERT_IDS),
    "roberta": Case(roberta, masked_ids, {"logits": ROWS}, MASKED_IDS),
    "distilbert": Case(distilbert, masked_ids, {"logits": ROWS}, MASKED_IDS),
    # The dynamo exporter clashes with itself when an output is called just "embedding".
    "minilm": Case(minilm, bert_inputs, {"sentence_embedding": BATCH}, BERT_IDS),
    "gpt2_eager": Case(lambda: gpt2("eager"), masked_ids, {"logits": ROWS}, MASKED_IDS),
    "gpt2_sdpa": Case(lambda: gpt2("sdpa"), masked_ids, {"logits": ROWS}, MASKED_IDS),
    "vit_eager": Case(lambda: vit("eager"), images, {"logits": BATCH}, {"pixel_values": BATCH}),
    "vit_sdpa": Case(lambda: vit("sdpa"), images, {"logits": BATCH}, {"pixel_values": BATCH}),
    "causal_attention": Case(CausalSelfAttention, vectors, {"y": ROWS}, {"x": ROWS}),
    "cross_attention": Case(
        CrossAttention, cross_inputs, {"y": {0: "batch", 1: "target"}},
        {"x": {0: "batch", 1: "target"}, "memory": ROWS, "mask": ROWS}),
    "multihead_attention": Case(
        MultiheadSelfAttention, padded_vectors,
        {"y": ROWS, "weights": {0: "batch", 1: "sequence", 2: "sequence"}},
        {"x": ROWS, "padding": ROWS}, frozen_by_ts=("sequence",)),
    "transformer_encoder": Case(PaddedEncoder, padded_vectors, {"y": ROWS},
                                {"x": ROWS, "padding": ROWS}, frozen_by_ts=("sequence",),
                                refused_by_ort={"dyn23": ORT_MASK_REASON}),
    "transformer": Case(
        Translator, translation_inputs, {"log_probs": {0: "batch", 1: "target"}},
        {"source": ROWS, "target": {0: "batch", 1: "target"}, "source_padding": ROWS},
        frozen_by_ts=("sequence", "target"), refused_by_ort={"dyn23": ORT_MASK_REASON}),
}


# ---- export, write, check ---------------------------------------------------------------------


def build(case):
    """The model with fixed random weights, none left at the ones and zeros of initialisation,
    so that a dropped bias or norm weight changes the outputs."""
    torch.manual_seed(SEED)
    model = case.build().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def export(case, model, dynamo, opset, path):
    inputs = case.inputs(TRACE_SIZES)
    options = {"input_names": list(inputs), "output_names": list(case.outputs),
               "opset_version": opset, "dynamo": dynamo}
    if dynamo:
        options["dynamic_shapes"] = {
            name: {axis: torch.export.Dim(symbol) for axis, symbol in axes.items()}
            for name, axes in case.axes.items()}
        options |= {"external_data": False, "verbose": False}
    else:
        options["dynamic_axes"] = {
            name: {axis: symbol for axis, symbol in axes.items()
                   if symbol not in case.frozen_by_ts}
            for name, axes in (case.axes | case.outputs).items()}
    torch.onnx.export(model, tuple(inputs.values()), str(path), **options)
    strip_metadata(path)


def strip_metadata(path):
    """Of the dynamo exporter's metadata keep only "namespace": it is half of a small file, and
    its stack traces name the folders of the machine that exported it."""
    model = onnx.load(path)
    for message in (*model.graph.node, *model.graph.value_info):
        kept = [entry for entry in message.metadata_props if entry.key == "namespace"]
        message.ClearField("metadata_props")
        message.metadata_props.extend(kept)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def data_sizes(case, dynamo):
    """Axis sizes of the two data sets; a frozen axis keeps the traced size in both."""
    frozen = () if dynamo else case.frozen_by_ts
    return [sizes | {symbol: TRACE_SIZES[symbol] for symbol in frozen} for sizes in DATA_SIZES]


def write_tensors(folder, kind, tensors):
    for index, (name, value) in enumerate(tensors.items()):
        proto = numpy_helper.from_array(value.numpy(), name)
        (folder / f"{kind}_{index}.pb").write_bytes(proto.SerializeToString())


def answers(case, model, inputs):
    with torch.no_grad():
        outputs = model(*inputs.values())
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    return dict(zip(case.outputs, outputs, strict=True))


def runner(case, export_name, path):
    """A function from inputs to outputs: ONNX Runtime, or onnx.reference where that refuses."""
    if export_name in case.refused_by_ort:
        return ReferenceEvaluator(str(path))
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def write_case(name, case, export_name, folder):
    """Export one model and its data into folder; return the largest error of the check run."""
    dynamo, opset = EXPORTS[export_name]
    model = build(case)
    export(case, model, dynamo, opset, folder / "model.onnx")
    tolerance = {"rtol": 0, "atol": ABSOLUTE_TOLERANCE}
    (folder / "data.json").write_text(json.dumps(tolerance) + "\n", encoding="ascii")

    session = runner(case, export_name, folder / "model.onnx")
    worst = 0.0
    for index, sizes in enumerate(data_sizes(case, dynamo)):
        torch.manual_seed(SEED + index + 1)
        inputs = case.inputs(sizes)
        expected = answers(case, model, inputs)
        data_set = folder / f"test_data_set_{index}"
        data_set.mkdir()
        write_tensors(data_set, "input", inputs)
        write_tensors(data_set, "output", expected)
        got = session.run(list(expected), {key: value.numpy() for key, value in inputs.items()})
        for actual, wanted in zip(got, expected.values(), strict=True):
            if actual.shape != tuple(wanted.shape):
                raise RuntimeError(f"{name}: shape {actual.shape}, PyTorch {wanted.shape}")
            worst = max(worst, float(np.abs(actual - wanted.numpy()).max()))
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--to", type=Path, default=Path(__file__).resolve().parent / "data",
                        help="folder to write the models to (default: data beside this script)")
    parser.add_argument("--only", default="*", metavar="GLOB",
                        help="export only the models whose name matches, as in 'bert*__dyn*'")
    args = parser.parse_args()

    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    # The fused inference path of nn.TransformerEncoderLayer has no ONNX form.
    torch.backends.mha.set_fastpath_enabled(False)

    failed = []
    for name, case in CASES.items():
        for export_name in EXPORTS:
            full_name = f"{name}__{export_name}"
            if not fnmatch.fnmatch(full_name, args.only):
                continue
            with tempfile.TemporaryDirectory() as scratch:
                folder = Path(scratch)
                try:
                    worst = write_case(full_name, case, export_name, folder)
                except Exception as error:  # any exporter failure; go on with the others
                    print(f"{full_name:32} FAILED: {str(error).splitlines()[0]}", flush=True)
                    failed.append(full_name)
                    continue
                size = (folder / "model.onnx").stat().st_size
                print(f"{full_name:32} {size:7} bytes, max abs error {worst:.1e}", flush=True)
                if not worst <= ABSOLUTE_TOLERANCE:
                    failed.append(full_name)
                shutil.copytree(folder, args.to / full_name, dirs_exist_ok=True)
    if failed:
        sys.exit(f"not good: {', '.join(failed)}")


if __name__ == "__main__":
    main()
