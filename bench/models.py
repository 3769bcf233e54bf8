#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Export the models of side_by_side.py: real sizes, random weights of a fixed seed.

The architectures are those of transformers with its default attention, written by torch's default
exporter at its default opset, with symbolic batch and sequence. Every layer has weights of its
own, for engines may share equal ones.
"""
import argparse
import logging
import sys
import warnings
from pathlib import Path

import torch
import transformers
from torch import nn
from torch.nn import functional

from workloads import BERT, GPT2, LLAMA, MINILM, MODELS, VIT

SEED = 1
TRACE_SIZES = {"batch": 2, "sequence": 6, "past": 5}


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
    """The module of MODELS[name]; its weights are the same in every process."""
    torch.manual_seed(SEED)
    return BUILDERS[name]().eval()


def symbolic_axes(name, value):
    """The axes of an input that stay symbolic, as torch.export's dimensions."""
    if name == "pixel_values":
        return {0: "batch"}
    if name.startswith("past."):
        return {0: "batch", 2: "past"}
    return {0: "batch", (1 if value.ndim == 2 else 2): "sequence"}


def export(name, path):
    import numpy as np

    inputs = MODELS[name](TRACE_SIZES, np.random.default_rng(SEED))
    symbols = {symbol: torch.export.Dim(symbol) for symbol in TRACE_SIZES}
    shapes = [{axis: symbols[symbol] for axis, symbol in symbolic_axes(key, value).items()}
              for key, value in inputs.items()]
    past = [key for key in inputs if key.startswith("past.")]
    if past:  # the variadic argument is one entry
        shapes = (*shapes[:-len(past)], tuple(shapes[-len(past):]))
    program = torch.onnx.export(
        build(name), tuple(torch.from_numpy(value) for value in inputs.values()),
        input_names=list(inputs), dynamic_shapes=tuple(shapes), dynamo=True, verbose=False,
        output_names=["output", *(key.replace("past", "present") for key in past)])
    program.save(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("name", nargs="*", metavar="MODEL",
                        help=f"default: all of {', '.join(MODELS)}")
    args = parser.parse_args()
    for name in args.name:
        if name not in MODELS:
            parser.error(f"no model {name!r}")
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    args.folder.mkdir(parents=True, exist_ok=True)
    for name in args.name or MODELS:
        path = args.folder / f"{name}.onnx"
        export(name, path)
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
