#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Export trained weights from PyTorch to ONNX, for tests/models/trained.py.

Reads the weights that `tools/fetch_models.py --weights` fetched and writes DIR/NAME/model.onnx, with
the vocabularies of small ones, for

    minilm-l6-ts17, minilm-l6-dyn18        sentence encoder, by both of torch's exporters
    rxnmapper-ts14, rxnmapper-dyn23        ALBERT with its head for masked tokens
    uzmorph-ts17, uzmorph-dyn18            nn.TransformerEncoder, one tag for each letter
    smollm2-135m, smollm2-135m-4bit        language model with a cache of keys and values; weights
                                           in float32, and in blocks of 4 bits (MatMulNBits)
"""
import argparse
import logging
import math
import shutil
import warnings
from pathlib import Path

import onnx
import torch
import transformers
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from torch import nn

QUANTIZED_BLOCK = 32


class Tagger(nn.Module):
    """The network of uzmorph: sums of letters and places through 3 encoder layers to tags."""

    def __init__(self, letters, tags, width=128, heads=8, layers=3, longest=50):
        super().__init__()
        place = torch.arange(longest)[:, None]
        rate = torch.exp(torch.arange(0, width, 2) * (-math.log(10000) / width))
        waves = torch.stack([torch.sin(place * rate), torch.cos(place * rate)], 2)
        self.register_buffer("places", waves.reshape(1, longest, width))
        self.embedding = nn.Embedding(letters, width)
        layer = nn.TransformerEncoderLayer(width, heads, dim_feedforward=256, batch_first=True)
        self.transformer_encoder = nn.TransformerEncoder(layer, layers)
        self.decoder = nn.Linear(width, tags)

    def forward(self, letters):
        x = self.embedding(letters) + self.places[:, :letters.shape[1]]
        return self.decoder(self.transformer_encoder(x))


class FirstOutput(nn.Module):
    """A model of transformers with tensors alone in and out."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask)[0]


class CachedDecoder(nn.Module):
    """A language model whose cache comes in and goes out as one key and value for each layer."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, past):
        cache = transformers.DynamicCache()
        for layer in range(len(past) // 2):
            cache.update(past[2 * layer], past[2 * layer + 1], layer)
        result = self.model(input_ids=input_ids, attention_mask=attention_mask,
                            past_key_values=cache, use_cache=True)
        present = [x for layer in cache.layers for x in (layer.keys, layer.values)]
        return (result.logits, *present)


def load_encoder(folder):
    """MiniLM, without the pooling layer that its embeddings do not use."""
    model = transformers.BertModel.from_pretrained(
        folder, add_pooling_layer=False, attn_implementation="eager")
    return FirstOutput(model.eval())


def load_albert(folder):
    config = transformers.AlbertConfig.from_pretrained(folder, attn_implementation="sdpa")
    model = transformers.AlbertForMaskedLM(config)
    weights = torch.load(folder / "pytorch_model.bin", weights_only=True, map_location="cpu")
    missing = model.load_state_dict(weights, strict=False).missing_keys
    if missing:
        raise RuntimeError(f"{folder} lacks {', '.join(missing)}")
    return FirstOutput(model.eval())


def load_tagger(folder):
    weights = torch.load(folder / "model.pth", weights_only=True, map_location="cpu")
    weights["places"] = weights.pop("pos_encoder.pe")
    model = Tagger(*(weights[name].shape[0] for name in ("embedding.weight", "decoder.weight")))
    model.load_state_dict(weights)
    return model.eval()


def export(model, inputs, outputs, exporter, path):
    """inputs: name -> (example, {axis: symbol}); exporter: "ts" or "dyn" and the operator set."""
    dynamo, opset = exporter.startswith("dyn"), int(exporter.lstrip("tsdyn"))
    axes = {name: axes for name, (_, axes) in inputs.items()}
    options = {"input_names": list(inputs), "output_names": outputs, "opset_version": opset,
               "dynamo": dynamo}
    if dynamo:
        symbols = {symbol: torch.export.Dim(symbol, min=1, max=512)
                   for symbol in {name for part in axes.values() for name in part.values()}}
        options["dynamic_shapes"] = tuple({axis: symbols[symbol] for axis, symbol in part.items()}
                                          for part in axes.values())
    else:
        options["dynamic_axes"] = axes
    torch.onnx.export(model, tuple(value for value, _ in inputs.values()), path, **options)


def export_text(load, outputs, exporter, source, target):
    axes = {0: "batch", 1: "sequence"}
    ids = torch.arange(1, 13).reshape(2, 6)
    inputs = {"input_ids": (ids, axes), "attention_mask": (torch.ones_like(ids), axes)}
    export(load(source), inputs, outputs, exporter, target / "model.onnx")
    for vocabulary in source.glob("vocab.txt"):
        shutil.copy(vocabulary, target)


def export_tagger(exporter, source, target):
    # The TorchScript exporter writes the sizes into the Reshapes of nn.MultiheadAttention.
    axes = {0: "batch", 1: "sequence"} if exporter.startswith("dyn") else {}
    letters = torch.arange(1, 16)[None] if not axes else torch.arange(1, 13).reshape(2, 6)
    export(load_tagger(source), {"letters": (letters, axes)}, ["tags"], exporter,
           target / "model.onnx")
    shutil.copy(source / "char_vocab.json", target)


def export_decoder(source, target):
    model = transformers.AutoModelForCausalLM.from_pretrained(
        source, gguf_file="model.gguf", dtype=torch.float32, attn_implementation="sdpa").eval()
    config = model.config
    heads, width = config.num_key_value_heads, config.hidden_size // config.num_attention_heads
    past = [torch.randn(2, heads, 3, width) for _ in range(2 * config.num_hidden_layers)]
    inputs = (torch.arange(8).reshape(2, 4), torch.ones(2, 7, dtype=torch.long), past)
    batch, new, old = (torch.export.Dim(name) for name in ("batch", "sequence", "past"))
    places = [f"{layer}.{part}" for layer in range(config.num_hidden_layers)
              for part in ("key", "value")]
    torch.onnx.export(
        CachedDecoder(model), inputs, target / "model.onnx", dynamo=True, opset_version=18,
        external_data=True,
        input_names=["input_ids", "attention_mask", *(f"past.{place}" for place in places)],
        output_names=["logits", *(f"present.{place}" for place in places)],
        dynamic_shapes=({0: batch, 1: new}, {0: batch, 1: torch.export.Dim.AUTO},
                        [{0: batch, 2: old}] * len(past)))


def quantize(source, target):
    quantizer = MatMulNBitsQuantizer(onnx.load(source / "model.onnx"), bits=4,
                                     block_size=QUANTIZED_BLOCK, is_symmetric=False)
    quantizer.process()
    quantizer.model.save_model_to_file(str(target / "model.onnx"), True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--models", type=Path, default=Path("build/models"),
                        help="folder that tools/fetch_models.py wrote (default: build/models)")
    parser.add_argument("--to", type=Path, default=Path("build/trained"),
                        help="folder to write to (default: build/trained)")
    args = parser.parse_args()

    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    # The fused inference path of nn.TransformerEncoderLayer has no ONNX form.
    torch.backends.mha.set_fastpath_enabled(False)

    def folder(name):
        path = args.to / name
        path.mkdir(parents=True, exist_ok=True)
        print(path, flush=True)
        return path

    for exporter in ("ts17", "dyn18"):
        export_text(load_encoder, ["last_hidden_state"], exporter, args.models / "minilm-l6",
                    folder(f"minilm-l6-{exporter}"))
        export_tagger(exporter, args.models / "uzmorph", folder(f"uzmorph-{exporter}"))
    for exporter in ("ts14", "dyn23"):
        export_text(load_albert, ["logits"], exporter, args.models / "rxnmapper",
                    folder(f"rxnmapper-{exporter}"))
    export_decoder(args.models / "smollm2-135m", folder("smollm2-135m"))
    quantize(args.to / "smollm2-135m", folder("smollm2-135m-4bit"))


if __name__ == "__main__":
    main()
