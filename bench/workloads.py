# SPDX-License-Identifier: Apache-2.0
"""What side_by_side.py times: models, their sizes and inputs, and the work that a run needs.

FLOP are those of the matrix products (2 for each multiply-add; a causal product counts the pairs
it may see). Bytes are what a run has to read or write at least once: weights, looked-up rows of
embeddings, inputs and outputs. Results between operators count nothing.
"""
from dataclasses import dataclass

import numpy as np

FLOAT = 4  # bytes


@dataclass(frozen=True)
class Transformer:
    """The sizes of a stack of layers that counts of FLOP and bytes depend on."""

    layers: int
    hidden: int
    heads: int
    ffn: int
    vocab: int
    kv_heads: int = 0           # 0: heads
    ffn_matrices: int = 2       # 3: gated
    head: bool = False          # scores of the whole vocabulary for every token

    def kv_width(self):
        return (self.kv_heads or self.heads) * (self.hidden // self.heads)

    def weights(self):
        """Elements of the weight matrices."""
        attention = 2 * self.hidden * (self.hidden + self.kv_width())
        layer = attention + self.ffn_matrices * self.hidden * self.ffn
        return self.layers * layer + self.head * self.hidden * self.vocab


BERT = Transformer(layers=12, hidden=768, heads=12, ffn=3072, vocab=30522)
MINILM = Transformer(layers=6, hidden=384, heads=12, ffn=1536, vocab=30522)
VIT = Transformer(layers=12, hidden=768, heads=12, ffn=3072, vocab=1000)
GPT2 = Transformer(layers=12, hidden=768, heads=12, ffn=3072, vocab=50257, head=True)
LLAMA = Transformer(layers=12, hidden=768, heads=12, ffn=2048, vocab=32000, kv_heads=4,
                    ffn_matrices=3, head=True)
VIT_PATCH, VIT_PATCHES, VIT_TOKENS = 16, 196, 197
ATTENTION_HEADS, ATTENTION_WIDTH = 12, 64


def work(stack, batch, sequence, past=0, causal=False):
    """FLOP and bytes of one run of the layers, and of the scores of the vocabulary."""
    tokens = batch * sequence
    seen = sequence * past + (sequence * (sequence + 1) // 2 if causal else sequence * sequence)
    flops = 2 * tokens * stack.weights() + 4 * batch * seen * stack.hidden * stack.layers
    elements = stack.weights() + tokens * stack.hidden
    elements += tokens * (stack.vocab if stack.head else stack.hidden)
    if past:
        rows = past + (past + sequence)  # read, and written with the new rows behind
        elements += 2 * batch * rows * stack.kv_width() * stack.layers
    return flops, FLOAT * elements


def vit_work(batch):
    flops, size = work(VIT, batch, VIT_TOKENS)
    patch = 3 * VIT_PATCH * VIT_PATCH * VIT.hidden
    classes = VIT.hidden * VIT.vocab
    pixels = batch * 3 * 224 * 224
    return (flops + 2 * batch * (VIT_PATCHES * patch + classes),
            size + FLOAT * (patch + classes + pixels))


def attention_work(sequence, causal=False):
    pairs = sequence * (sequence + 1) // 2 if causal else sequence * sequence
    width = ATTENTION_HEADS * ATTENTION_WIDTH
    return 4 * pairs * width, FLOAT * 4 * sequence * width


# ---- inputs: sizes of symbols and a random generator -> {name: array} ----


def token_ids(random, stack, sizes):
    return random.integers(0, stack.vocab, (sizes["batch"], sizes["sequence"]), np.int64)


def encoder_inputs(stack):
    def make(sizes, random):
        ids = token_ids(random, stack, sizes)
        return {"input_ids": ids, "attention_mask": np.ones_like(ids),
                "token_type_ids": np.zeros_like(ids)}
    return make


def image_inputs(sizes, random):
    return {"pixel_values": random.standard_normal((sizes["batch"], 3, 224, 224), np.float32)}


def decoder_inputs(stack, cached):
    def make(sizes, random):
        inputs = {"input_ids": token_ids(random, stack, sizes)}
        if cached:
            width = stack.hidden // stack.heads
            shape = (sizes["batch"], stack.kv_width() // width, sizes["past"], width)
            for index in range(stack.layers):
                for part in ("key", "value"):
                    inputs[f"past.{index}.{part}"] = random.standard_normal(shape, np.float32)
        return inputs
    return make


def attention_inputs(sizes, random):
    shape = (sizes["batch"], ATTENTION_HEADS, sizes["sequence"], ATTENTION_WIDTH)
    return {name: random.standard_normal(shape, np.float32) for name in ("query", "key", "value")}


MODELS = {  # what models.py exports: {name: maker of its inputs}
    "bert": encoder_inputs(BERT),
    "minilm": encoder_inputs(MINILM),
    "vit": image_inputs,
    "gpt2": decoder_inputs(GPT2, cached=False),
    "gpt2_cached": decoder_inputs(GPT2, cached=True),
    "llama_cached": decoder_inputs(LLAMA, cached=True),
    "attention": attention_inputs,
    "attention_causal": attention_inputs,
}


@dataclass(frozen=True)
class Workload:
    """One row of the table."""

    name: str
    title: str
    model: str                    # key of MODELS
    sizes: dict                   # symbol -> size
    work: tuple = (0, 0)          # FLOP and bytes
    loads: bool = False           # time from opening the file to the first output, not a run

    def inputs(self):
        return MODELS[self.model](self.sizes, np.random.default_rng(1))


def encoder(name, title, model, stack, batch, sequence):
    return Workload(name, f"{title}, batch {batch}, {sequence} tokens", model,
                    {"batch": batch, "sequence": sequence}, work(stack, batch, sequence))


def decode(name, title, model, stack, past):
    return Workload(name, f"{title}, one token, {past} cached", model,
                    {"batch": 1, "sequence": 1, "past": past}, work(stack, 1, 1, past))


WORKLOADS = [
    encoder("bert_16", "BERT-base", "bert", BERT, 1, 16),
    encoder("bert_128", "BERT-base", "bert", BERT, 1, 128),
    encoder("bert_512", "BERT-base", "bert", BERT, 1, 512),
    encoder("bert_8x128", "BERT-base", "bert", BERT, 8, 128),
    encoder("minilm_16", "MiniLM", "minilm", MINILM, 1, 16),
    encoder("minilm_128", "MiniLM", "minilm", MINILM, 1, 128),
    Workload("vit", "ViT-B/16, one image", "vit", {"batch": 1}, vit_work(1)),
    Workload("gpt2_prefill", "GPT-2, 128 tokens", "gpt2", {"batch": 1, "sequence": 128},
             work(GPT2, 1, 128, causal=True)),
    decode("gpt2_decode", "GPT-2", "gpt2_cached", GPT2, 512),
    decode("llama_decode", "Llama 12 x 768", "llama_cached", LLAMA, 512),
    Workload("attention", "attention, 12 x 64, T = 4096", "attention",
             {"batch": 1, "sequence": 4096}, attention_work(4096)),
    Workload("attention_causal", "the same, causal", "attention_causal",
             {"batch": 1, "sequence": 4096}, attention_work(4096, causal=True)),
    Workload("bert_load", "BERT-base, file to first output", "bert",
             {"batch": 1, "sequence": 128}, loads=True),
]
