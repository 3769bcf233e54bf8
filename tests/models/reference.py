#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write ONNX Runtime's answers for trained models as test data.

The models are those of tools/fetch_models.py, or those that tests/models/export_trained.py wrote.

For each fetched model a folder in the ONNX backend layout: model.onnx (a link to the fetched
file), data.json with the tolerance, and test_data_set_*/{input,output}_*.pb. The inputs are real:
English sentences for the MiniLM models, texts as bytes for magika, sound for akiki-vad, Arabic
names for arname, a reaction for rxnmapper, Uzbek words for uzmorph, and prompts for smollm2.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import numpy_helper

ABSOLUTE_TOLERANCE = 1e-4
PAD_ID = 0

# WordPiece ids of bert-base-uncased, [CLS] ... [SEP] included, as the tokenizer of the MiniLM
# models gives them.
SENTENCES = {
    "A man is playing a guitar on stage.":
        [101, 1037, 2158, 2003, 2652, 1037, 2858, 2006, 2754, 1012, 102],
    "Someone performs music in front of an audience.":
        [101, 2619, 10438, 2189, 1999, 2392, 1997, 2019, 4378, 1012, 102],
    "The stock market fell sharply after the announcement.":
        [101, 1996, 4518, 3006, 3062, 9249, 2044, 1996, 8874, 1012, 102],
    "Where is the nearest railway station?":
        [101, 2073, 2003, 1996, 7205, 2737, 2276, 1029, 102],
    'Attention lets every token of a sentence look at every other token, so the meaning of an '
    'ambiguous word such as "bank" can be resolved from words that stand far away from it.':
        [101, 3086, 11082, 2296, 19204, 1997, 1037, 6251, 2298, 2012, 2296, 2060, 19204, 1010,
         2061, 1996, 3574, 1997, 2019, 20080, 2773, 2107, 2004, 1000, 2924, 1000, 2064, 2022,
         10395, 2013, 2616, 2008, 3233, 2521, 2185, 2013, 2009, 1012, 102],
}

C_SOURCE = b"""\
#include <stdio.h>
#include <stdlib.h>

static long factorial(long n)
{
    return n < 2 ? 1 : n * factorial(n - 1);
}

int main(int argc, char **argv)
{
    long n = argc > 1 ? strtol(argv[1], NULL, 10) : 10;
    printf("%ld! = %ld\\n", n, factorial(n));
    return EXIT_SUCCESS;
}
"""
JSON_TEXT = json.dumps({"rows": [{"id": i, "square": i * i, "even": i % 2 == 0}
                                 for i in range(100)]}, indent=2).encode()


def sentence_batches():
    """Token ids and attention masks: one sentence, all of them padded, the longest alone."""
    ids = list(SENTENCES.values())
    for rows in (ids[:1], ids, ids[-1:]):
        length = max(len(row) for row in rows)
        padded = [row + [PAD_ID] * (length - len(row)) for row in rows]
        mask = [[1] * len(row) + [0] * (length - len(row)) for row in rows]
        yield np.array(padded, np.int64), np.array(mask, np.int64)


def paraphrase_inputs(_folder, _ask):
    for ids, mask in sentence_batches():
        yield {"input_ids": ids, "attention_mask": mask}


def minilm_inputs(_folder, _ask):
    for ids, mask in sentence_batches():
        yield {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}


def magika_features(content, config):
    """The first and last bytes of a file without outer white space, padded to a fixed length."""
    first = content[:config["block_size"]].lstrip()[:config["beg_size"]]
    last = content[-config["block_size"]:].rstrip()[-config["end_size"]:]
    padding = [config["padding_token"]]
    return (list(first) + padding * (config["beg_size"] - len(first))
            + padding * (config["end_size"] - len(last)) + list(last))


def magika_inputs(folder, _ask):
    config = json.loads((folder / "config.min.json").read_text(encoding="utf-8"))
    # The source is shorter than the window and needs padding; the two others fill it.
    files = [C_SOURCE, JSON_TEXT, Path(__file__).read_bytes()]
    rows = np.array([magika_features(content, config) for content in files], np.int32)
    yield {"bytes": rows[:1]}
    yield {"bytes": rows}


def voice_inputs(_folder, ask):
    """Five pieces of 256 samples at 16 kHz behind 320 earlier ones: silence, then a buzz."""
    time = np.arange(320 + 5 * 256) / 16000
    buzz = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 20))
    audio = (np.where(time > 0.04, 0.2, 0.0005) * buzz).astype(np.float32)
    state = np.zeros((1, 1, 128), np.float32)
    for start in range(0, 5 * 256, 256):
        data = {"audio_with_context": audio[None, start:start + 576], "h": state}
        yield data
        state = ask(data)[1]


def name_batch(folder):
    """Ids of two Arabic names with a country and a role in front, padded; and their mask."""
    tokens = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))["tokens"]
    rows = [[tokens.index(token) for token in ("<EG>", "<ROLE_GIVEN>", *name, "<EOS>")]
            for name in ("محمد", "عبدالرحمن")]
    length = max(len(row) for row in rows)
    ids = np.array([row + [PAD_ID] * (length - len(row)) for row in rows], np.int64)
    return ids, ids != PAD_ID


def name_encoder_inputs(folder, _ask):
    ids, mask = name_batch(folder)
    yield {"src": ids[:1], "src_mask": mask[:1]}
    yield {"src": ids, "src_mask": mask}


def name_decoder_inputs(folder, ask):
    """Six steps of the likeliest letters."""
    ids, mask = name_batch(folder.parent / "arname-encoder")
    encoder = folder.parent / "arname-encoder" / "model.onnx"
    memory, mask, hidden = open_session(encoder).run(None, {"src": ids, "src_mask": mask})
    prefix = np.ones((len(ids), 1), np.int64)
    for _ in range(6):
        data = {"prefix": prefix, "memory": memory, "src_mask": mask, "hidden": hidden}
        yield data
        scores, hidden = ask(data)
        prefix = np.concatenate([prefix, scores.argmax(1)[:, None]], 1)


def reaction_inputs(folder, _ask):
    """Esterification of acetic acid, and the alcohol alone, padded."""
    tokens = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")
    acid, alcohol, ester = "C C ( = O ) O", "O C C", "C C O C ( C ) = O"
    rows = [["[CLS]", *text.split(), "[SEP]"]
            for text in (f"{acid} . {alcohol} >> {ester}", alcohol)]
    length = max(len(row) for row in rows)
    ids = np.array([[tokens.index(token) for token in row] + [PAD_ID] * (length - len(row))
                    for row in rows], np.int64)
    yield {"input_ids": ids, "attention_mask": np.int64(ids != PAD_ID)}


def word_inputs(folder, _ask):
    """Uzbek words, padded to one length: from our books, teachers."""
    letters = json.loads((folder / "char_vocab.json").read_text(encoding="utf-8"))
    for word in ("kitoblarimizdan", "o'qituvchilar"):
        ids = [letters[letter] for letter in word]
        yield {"letters": np.array([ids + [PAD_ID] * (15 - len(ids))], np.int64)}


# Ids of the tokenizer of SmolLM2.
PROMPTS = {
    "The capital of France is": [504, 3575, 282, 4649, 314],
    "<|im_start|>user\nWhat is 2+2?<|im_end|>\n<|im_start|>assistant\n":
        [1, 4093, 198, 1780, 314, 216, 34, 27, 34, 47, 2, 198, 1, 520, 9531, 198],
}
NEW_TOKENS = 6


def generation_inputs(_folder, ask):
    """Each prompt, then the likeliest tokens one by one, with keys and values as cached."""
    for prompt in PROMPTS.values():
        ids = prompt
        past = [np.zeros((1, 3, 0, 64), np.float32)] * 60
        for length in range(len(prompt), len(prompt) + NEW_TOKENS):
            data = {f"past.{i // 2}.{('key', 'value')[i % 2]}": x for i, x in enumerate(past)}
            data["input_ids"] = np.array([ids], np.int64)
            data["attention_mask"] = np.ones((1, length), np.int64)
            yield data
            logits, *past = ask(data)
            ids = [int(logits[0, -1].argmax())]


MODELS = {
    "paraphrase-minilm-l3": paraphrase_inputs,
    "minilm-l6-int8": minilm_inputs,
    "magika": magika_inputs,
    "akiki-vad": voice_inputs,
    "arname-encoder": name_encoder_inputs,
    "arname-decoder": name_decoder_inputs,
    "minilm-l6-ts17": paraphrase_inputs,
    "minilm-l6-dyn18": paraphrase_inputs,
    "rxnmapper-ts14": reaction_inputs,
    "rxnmapper-dyn23": reaction_inputs,
    "uzmorph-ts17": word_inputs,
    "uzmorph-dyn18": word_inputs,
    "smollm2-135m": generation_inputs,
    "smollm2-135m-4bit": generation_inputs,
}


def open_session(model):
    return onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])


def write_tensors(folder, kind, names, values):
    for index, (name, value) in enumerate(zip(names, values, strict=True)):
        proto = numpy_helper.from_array(value, name)
        (folder / f"{kind}_{index}.pb").write_bytes(proto.SerializeToString())


def write_reference(source, target, make_inputs):
    """Run the model of folder source over its data sets; write everything to folder target.

    make_inputs: called with the folder and a function that runs the model, for inputs that follow
    from earlier outputs; yields the inputs of each data set by name.
    """
    target.mkdir(parents=True, exist_ok=True)
    if not target.samefile(source):
        link = target / "model.onnx"
        link.unlink(missing_ok=True)
        link.symlink_to((source / "model.onnx").resolve())
    tolerance = {"rtol": 0, "atol": ABSOLUTE_TOLERANCE}
    (target / "data.json").write_text(json.dumps(tolerance) + "\n", encoding="ascii")

    session = open_session(source / "model.onnx")
    inputs = [value.name for value in session.get_inputs()]
    outputs = [value.name for value in session.get_outputs()]
    data_sets = make_inputs(source, lambda data: session.run(outputs, data))
    for index, data in enumerate(data_sets):
        folder = target / f"test_data_set_{index}"
        folder.mkdir(exist_ok=True)
        results = session.run(outputs, data)
        write_tensors(folder, "input", inputs, [data[name] for name in inputs])
        write_tensors(folder, "output", outputs, results)
        shapes = ", ".join(f"{name} {list(value.shape)}"
                           for name, value in zip(outputs, results, strict=True))
        print(f"{folder}: {shapes}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--models", type=Path, default=Path("build/models"),
                        help="folder that tools/fetch_models.py wrote (default: build/models)")
    parser.add_argument("--to", type=Path, default=Path("build/reference"),
                        help="folder to write to, which may be the same (default: build/reference)")
    args = parser.parse_args()
    for name, make_inputs in MODELS.items():
        source = args.models / name
        if (source / "model.onnx").is_file():
            write_reference(source, args.to / name, make_inputs)


if __name__ == "__main__":
    main()
