#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Export the models of side_by_side.py and of sweep.py: real widths, random weights of a fixed seed.

The architectures are those of transformers with its default attention, written by torch's default
exporter at its default opset, or by its TorchScript exporter, with symbolic batch and sequence.
Every layer has weights of its own, for engines may share equal ones.
"""
import argparse
import inspect
import logging
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
import transformers
from torch import nn
from torch.nn import functional

from architectures import ARCHITECTURES, EXPORTERS, VOCAB
from workloads import BERT, GPT2, LLAMA, MINILM, MODELS, VIT

SEED = 1
TRACE_SIZES = {"batch": 2, "sequence": 6, "past": 5, "target": 4}
TORCHSCRIPT_OPSET = 17


class Attention(nn.Module):
    def __init__(self, causal):
        super().__init__()
        self.causal = causal

    def forward(self, query, key, value):
        return functional.scaled_dot_product_attention(query, key, value, is_causal=self.causal)


class Encoder(nn.Module):
    def __init__(self, stack):
        super().__init__()
        config = transformers.BertConfig(
            vocab_size=stack.vocab, hidden_size=stack.hidden, num_hidden_layers=stack.layers,
            num_attention_heads=stack.heads, intermediate_size=stack.ffn)
        self.body = transformers.BertModel(config, add_pooling_layer=False)

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.body(input_ids=input_ids, attention_mask=attention_mask,
                         token_type_ids=token_type_ids).last_hidden_state


class Image(nn.Module):
    def __init__(self):
        super().__init__()
        config = transformers.ViTConfig(
            hidden_size=VIT.hidden, num_hidden_layers=VIT.layers, num_attention_heads=VIT.heads,
            intermediate_size=VIT.ffn, num_labels=VIT.vocab)
        self.body = transformers.ViTForImageClassification(config)

    def forward(self, pixel_values):
        return self.body(pixel_values=pixel_values).logits


class Decoder(nn.Module):
    """Scores of all tokens; with `past` (key and value of each layer) also the longer cache."""

    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, input_ids, *past):
        if not past:
            return self.body(input_ids=input_ids, use_cache=False).logits
        cache = transformers.DynamicCache()
        for index in range(len(past) // 2):
            cache.update(past[2 * index], past[2 * index + 1], index)
        logits = self.body(input_ids=input_ids, past_key_values=cache, use_cache=True).logits
        return logits, *(part for layer in cache.layers for part in (layer.keys, layer.values))


def gpt2():
    return Decoder(transformers.GPT2LMHeadModel(transformers.GPT2Config(
        vocab_size=GPT2.vocab, n_embd=GPT2.hidden, n_layer=GPT2.layers, n_head=GPT2.heads)))


def llama():
    return Decoder(transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=LLAMA.vocab, hidden_size=LLAMA.hidden, num_hidden_layers=LLAMA.layers,
        num_attention_heads=LLAMA.heads, num_key_value_heads=LLAMA.kv_heads,
        intermediate_size=LLAMA.ffn)))


class BiLstm(nn.Module):
    """Classes of texts, from the largest of what two layers of LSTM say of the words."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 300)
        self.lstm = nn.LSTM(300, 256, num_layers=2, bidirectional=True, batch_first=True)
        self.classes = nn.Linear(512, 20)

    def forward(self, input_ids):
        words, _ = self.lstm(self.embedding(input_ids))
        return self.classes(words.amax(1))


class TextCnn(nn.Module):
    """Classes of texts, from convolutions over 3, 4 and 5 words (Kim 2014)."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 300)
        self.convolutions = nn.ModuleList(nn.Conv1d(300, 100, width) for width in (3, 4, 5))
        self.classes = nn.Linear(300, 20)

    def forward(self, input_ids):
        words = self.embedding(input_ids).transpose(1, 2)
        found = [functional.relu(layer(words)).amax(2) for layer in self.convolutions]
        return self.classes(torch.cat(found, 1))


def detr():
    backbone = transformers.ResNetConfig(
        embedding_size=64, hidden_sizes=[64, 128, 256, 512], depths=[1, 1, 1, 1],
        layer_type="basic", out_features=["stage4"])
    return transformers.DetrForObjectDetection(transformers.DetrConfig(
        backbone_config=backbone, encoder_layers=2, decoder_layers=2, use_timm_backbone=False,
        use_pretrained_backbone=False, backbone=None))


class Architecture(nn.Module):
    """The first output of a model of ARCHITECTURES, from its inputs in their order."""

    def __init__(self, body, names):
        super().__init__()
        self.body, self.names = body, names

    def forward(self, *inputs):
        result = self.body(**dict(zip(self.names, inputs, strict=True)))
        return result if isinstance(result, torch.Tensor) else result[0]


HAND_WRITTEN = {"BiLstm": BiLstm, "TextCnn": TextCnn, "Detr": detr}


def architecture(name):
    item = ARCHITECTURES[name]
    if item.model in HAND_WRITTEN:
        body = HAND_WRITTEN[item.model]()
    else:
        kind = getattr(transformers, item.model)
        body = kind(kind.config_class(**item.config))
        body.config.use_cache = False
    return Architecture(body, list(trace_inputs(name)))


BUILDERS = {
    "bert": lambda: Encoder(BERT),
    "minilm": lambda: Encoder(MINILM),
    "vit": Image,
    "gpt2": gpt2,
    "gpt2_cached": gpt2,
    "llama_cached": llama,
    "attention": lambda: Attention(causal=False),
    "attention_causal": lambda: Attention(causal=True),
}


def build(name):
    """The module of MODELS or ARCHITECTURES; its weights are the same in every process."""
    torch.manual_seed(SEED)
    return (BUILDERS[name]() if name in BUILDERS else architecture(name)).eval()


def trace_inputs(name):
    random = np.random.default_rng(SEED)
    if name in MODELS:
        return MODELS[name](TRACE_SIZES, random)
    item = ARCHITECTURES[name]
    return item.inputs({symbol: TRACE_SIZES[symbol] for symbol in item.sizes[0]}, random)


def symbolic_axes(name):
    """The axes of an input that stay symbolic, and their symbols."""
    if name.startswith("past."):
        return {0: "batch", 2: "past"}
    if name in ("query", "key", "value"):
        return {0: "batch", 2: "sequence"}
    if name == "decoder_input_ids":
        return {0: "batch", 1: "target"}
    if name in ("pixel_values", "input_values", "input_features"):
        return {0: "batch"}
    return {0: "batch", 1: "sequence"}


def export_program(module, inputs, outputs, path):
    """With torch's default exporter."""
    symbols = {symbol: torch.export.Dim(symbol) for symbol in TRACE_SIZES}
    shapes = [{axis: symbols[symbol] for axis, symbol in symbolic_axes(key).items()}
              for key in inputs]
    fixed = sum(parameter.kind is not parameter.VAR_POSITIONAL
                for parameter in inspect.signature(module.forward).parameters.values())
    if fixed < len(shapes):  # the variadic argument is one entry
        shapes = [*shapes[:fixed], tuple(shapes[fixed:])]
    program = torch.onnx.export(
        module, tuple(torch.from_numpy(value) for value in inputs.values()),
        input_names=list(inputs), output_names=outputs, dynamic_shapes=tuple(shapes),
        dynamo=True, verbose=False)
    program.save(path)


def export_script(module, inputs, outputs, path):
    """With the exporter that was torch's default until 2.8."""
    torch.onnx.export(
        module, tuple(torch.from_numpy(value) for value in inputs.values()), path,
        input_names=list(inputs), output_names=outputs, opset_version=TORCHSCRIPT_OPSET,
        dynamic_axes={key: symbolic_axes(key) for key in inputs}, dynamo=False)


WRITERS = dict(zip(EXPORTERS, (export_program, export_script), strict=True))


def export(name, path, exporter):
    inputs = trace_inputs(name)
    outputs = ["output", *(key.replace("past", "present") for key in inputs
                           if key.startswith("past."))]
    WRITERS[exporter](build(name), inputs, outputs, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("name", nargs="*", metavar="MODEL",
                        help=f"default: all of {', '.join(MODELS)}; or {', '.join(ARCHITECTURES)}")
    parser.add_argument("--exporter", choices=EXPORTERS, default=EXPORTERS[0])
    args = parser.parse_args()
    for name in args.name:
        if name not in MODELS and name not in ARCHITECTURES:
            parser.error(f"no model {name!r}")
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    args.folder.mkdir(parents=True, exist_ok=True)
    failed = False
    for name in args.name or MODELS:
        path = args.folder / f"{name}.onnx"
        try:
            export(name, path, args.exporter)
        except Exception as error:  # the exporters refuse models in many ways of their own
            failed = True
            path.unlink(missing_ok=True)
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            path.with_suffix(".error").write_text(reason + "\n", encoding="utf-8")
            print(f"{path}: {reason}", file=sys.stderr)
        else:
            print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", file=sys.stderr)
    sys.exit(failed)


if __name__ == "__main__":
    main()
