#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that the commands take models in ONNX's textual syntax.

Of each model of make_models and some others: what onnxdump --onnxtxt prints is the same model, is
printed again as it was, and its outputs have the same bits. Texts that onnx.parser takes, where it is
installed, make the same model as there.

    onnxtxt.py BIN_DIR MAKE_MODELS SOURCE_DIR
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MODELS = ("models/digits-vit/digits-vit-ts.onnx", "models/digits-vit/digits-vit-dynamo.onnx",
          "tests/models/data/bert_eager__ts17/model.onnx",
          "tests/models/data/gpt2_sdpa__dyn18/model.onnx")
LARGE = "large"  # a model of hundreds of megabytes
HEAD = '<ir_version: 10, opset_import: ["" : 21, "com.microsoft" : 1, "f" : 1]>\n'
TEXTS = (
    # The example of docs/Syntax.md.
    """< ir_version: 7, opset_import: [ "" : 10 ] >
agraph (float[N, 128] X, float[128, 10] W, float[10] B) => (float[N, 10] C)
{
    T = MatMul(X, W)
    S = Add(T, B)
    C = Softmax(S)
}
""",
    # Weights, defaults of inputs, types of values, attributes before and behind, labels.
    """<ir_version: 10, opset_import: ["" : 21], producer_name: "p", producer_version: "1",
  domain: "d", model_version: 3, doc_string: "says \\"this\\" \\\\", metadata_props: ["k": "v"]>
g (float[2, N] x, float[1] scale = {2.5}) => (float y, string[2] s, int64[4] z)
<int64[1] axes = {0}, float[2, N] a, string[2] words = {"one", "t w\\"o"}, float v = {-1e-3}>
{
    # a comment
    [first] a = Mul(x, scale)
    ["second one"] b = Mul (a, v)
    m = ReduceMean(b) <keepdims = 0>
    y = Identity(m)
    s = Identity(words)
    z = Constant <value_ints: ints = [1, -2, 3, 9223372036854775807]> ()
}
""",
    # Bodies, tensors and types as attributes, an optional input that is absent.
    HEAD + """g (bool c, float[3] x, optional(float[3]) o, seq(float[]) l) => (float[3] y, float[3] k)
{
    y = If (c) <then_branch: graph = t () => (float[3] p) { p = Add(x, x) },
                else_branch = e () => (float[3] q) <float[1] w = {2}> { q = Mul(x, w) }>
    lo = Constant <value = float {-1}> ()
    k = Clip(x, , lo)
    n = Optional <type: type_proto = float[3]> ()
    g2 = com.microsoft.Gelu(x)
}
""",
    # Functions.
    HEAD + """g (float[N] x) => (float[N] y) { y = f.twice <by: float = 3.0> (x) }
<domain: "f", opset_import: ["" : 21], doc_string: "many">
twice <by> (x) => (y)
{
    c = Constant <value_float: float = @by> ()
    y = Mul(x, c)
}
""",
    HEAD + """g (float[N] x) => (float[N] y) { y = f.more (x) }
<domain: "f", opset_import: ["" : 21]>
more <by: float = 2.0> (x) => (y) { c = Constant <value_float = @by> () y = Mul(x, c) }
""",
)


def run(*command, code=0):
    done = subprocess.run([str(word) for word in command], capture_output=True,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def assert_equal(bin_dir, a, b):
    text = run(bin_dir / "onnxdump", "--diff", a, b).decode()
    assert "The models are equal." in text, text


def outputs(bin_dir, model, folder):
    """What a run with generated inputs computes, or how it fails."""
    info = json.loads(run(bin_dir / "onnxdump", model, "--json"))
    shutil.rmtree(folder, ignore_errors=True)
    command = [bin_dir / "onnxrun", "run", model, "--seed", "1", "--dump", folder]
    for value in info["inputs"]:
        command += ["-i", value["name"] + "=auto"]
    for name in {dim for value in info["inputs"] for dim in value.get("shape") or []
                 if isinstance(dim, str)}:
        command += ["-d", f"{name}=2"]
    done = subprocess.run([str(word) for word in command], capture_output=True)
    files = {path.name: path.read_bytes() for path in Path(folder).glob("*")}
    return done.returncode, done.stdout, done.stderr.replace(str(model).encode(), b""), files


def without_times(text):
    return re.sub(rb"\d+ ms", b"", text)


def check_model(bin_dir, model):
    """Written, read, written again; run."""
    text = model.with_suffix(".onnxtxt")
    text.write_bytes(run(bin_dir / "onnxdump", model, "--onnxtxt"))
    assert_equal(bin_dir, model, text)
    assert run(bin_dir / "onnxdump", text, "--onnxtxt") == text.read_bytes(), model
    ours, theirs = (outputs(bin_dir, m, model.parent / "dump") for m in (text, model))
    assert ours[0] == theirs[0] and ours[1] == theirs[1] and ours[3] == theirs[3], (model, ours[:3],
                                                                                   theirs[:3])
    return theirs[0] == 0


def check_models(bin_dir, make_models, source, scratch):
    run(make_models, scratch)
    for i, model in enumerate(MODELS):
        shutil.copytree((source / model).parent, scratch / str(i))
    paths = sorted(scratch.glob("*.onnx")) + [scratch / str(i) / Path(model).name
                                              for i, model in enumerate(MODELS)]
    ran = 0
    for path in paths:
        valid = subprocess.run([bin_dir / "onnxdump", path, "--stage", "model"],
                               capture_output=True).returncode == 0
        if valid and path.stem != LARGE:
            ran += check_model(bin_dir, path)
    assert ran >= 10, ran


def check_texts(bin_dir, scratch):
    """Each text by its content, and by the ending of its name."""
    for text in TEXTS:
        for name in ("text", "text.onnxtxt"):
            (scratch / name).write_text(text)
            run(bin_dir / "onnxdump", scratch / name, "--check")
        try:
            import onnx.parser
        except ImportError:
            continue
        model = onnx.parser.parse_model(text)
        (scratch / "parsed.onnx").write_bytes(model.SerializeToString())
        assert_equal(bin_dir, scratch / "parsed.onnx", scratch / "text")


def check_commands(bin_dir, scratch):
    """Views and commands take a text, and leave no file behind."""
    text = scratch / "small.onnxtxt"
    text.write_text(TEXTS[0])
    before = sorted(os.listdir(scratch))
    for view in ("--json", "--modules", "--cost", "--stats", "--explain", "--dot", "--check",
                 "--stage=plan"):
        run(bin_dir / "onnxdump", text, view)
    page = run(bin_dir / "onnxdump", text, "--html", "-")
    assert b'"small.onnxtxt"' in page
    assert run(bin_dir / "onnxdump", text, "--check") == \
        f"{text}: the model is valid and can be run\n".encode()
    run(bin_dir / "onnxdump", text, "--extract", "T,B..C", "-o", text, code=1)
    run(bin_dir / "onnxdump", text, "--extract", "T,B..C", "-o",
        scratch / "part.onnx")
    for command in ("run", "bench", "profile"):
        inputs = [word for name in "XWB" for word in ("-i", name + "=ones")]
        seconds = [] if command == "run" else ["--seconds", "0"]
        run(bin_dir / "onnxrun", command, text, "-d", "N=2", *inputs, *seconds)
    assert sorted(os.listdir(scratch)) == sorted([*before, "part.onnx"])


def check_cases(bin_dir, make_models, scratch):
    """onnxrun test reads model.onnxtxt where there is no model.onnx."""
    run(make_models, scratch)
    cases = scratch / "cases"
    expected = run(bin_dir / "onnxrun", "test", cases, "-v", code=4)
    for model in sorted(cases.glob("*/model.onnx")):
        model.with_suffix(".onnxtxt").write_bytes(run(bin_dir / "onnxdump", model, "--onnxtxt"))
        model.rename(model.with_name("other.onnx"))
    assert without_times(run(bin_dir / "onnxrun", "test", cases, "-v", code=4)) == \
        without_times(expected)
    (cases / "good" / "model.onnxtxt").write_text("<ir_version>")
    text = run(bin_dir / "onnxrun", "test", cases, "--filter", "good", code=4)
    assert b"FAIL good: " in text and b"line 1, column 12: got '>', expected ':'" in text, text


def check_errors(bin_dir, scratch):
    bad = scratch / "bad.onnxtxt"
    bad.write_text("<ir_version: 10>\ng (float x) => (float y) { y = Neg [x] }\n")
    message = "bad.onnxtxt, line 2, column 36: got '[', expected '('"
    for command in (["onnxrun", "run"], ["onnxdump"], ["onnxdump", "--check"], ["onnxdump", "--json"],
                    ["onnxdump", "--diff", bad]):
        done = subprocess.run([bin_dir / command[0], *command[1:], bad], capture_output=True,
                              text=True)
        assert done.returncode == 2 and message in done.stderr, (command, done)
    verdict = json.loads(run(bin_dir / "onnxdump", bad, "--check", "--json", code=2))
    assert verdict["verdict"] == "invalid" and message in verdict["message"], verdict


def main():
    bin_dir, make_models, source = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["TMPDIR"] = scratch
        for name, check in (("models", lambda s: check_models(bin_dir, make_models, source, s)),
                            ("texts", lambda s: check_texts(bin_dir, s)),
                            ("commands", lambda s: check_commands(bin_dir, s)),
                            ("cases", lambda s: check_cases(bin_dir, make_models, s)),
                            ("errors", lambda s: check_errors(bin_dir, s))):
            folder = Path(scratch) / name
            folder.mkdir()
            check(folder)
        left = [path for path in Path(scratch).iterdir() if path.is_file()]
        assert not left, left
    return 0


if __name__ == "__main__":
    sys.exit(main())
