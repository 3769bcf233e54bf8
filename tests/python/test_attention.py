# SPDX-License-Identifier: Apache-2.0
"""The weights of attention."""
import pathlib

import numpy as np
import onnx
import onnx.numpy_helper
import onnx.parser
import pytest
from conftest import ADD, model

import onnxrun

CHAIN = model("""(float[1, h, n, 4] q, float[1, h, k, 4] k, float[n, k] m) => (float[1, h, n, 4] y) {
    t = Transpose<perm = [0, 1, 3, 2]>(k)
    s = MatMul(q, t)
    b = Add(s, m)
    p = Softmax<axis = -1>(b)
    y = MatMul(p, k)
}""")
TWO = model("""(float[1, 2, n, 4] x) => (float[1, 2, n, 4] y) {
    a = Attention<is_causal = 1>(x, x, x)
    y = Attention(a, x, x)
}""", 23, 11)
LOOP = model("""(int64 n, bool c, float[1, 2, k, 4] x) => (float[1, 2, k, 4] y) {
    y = Loop(n, c, x) <body = b (int64 i, bool go, float[1, 2, k, 4] a)
                              => (bool more, float[1, 2, k, 4] next) {
        more = Identity(go)
        next = Attention(a, a, a)
    }>
}""", 23, 11)
DATA = pathlib.Path(__file__).parent.parent / "models" / "data"


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def chain_feed():
    mask = np.where(np.tri(3, 5, 2) > 0, 0, -np.inf).astype(np.float32)
    return {"q": normal(1, 1, 2, 3, 4), "k": normal(2, 1, 2, 5, 4), "m": mask}


def test_weights_are_those_of_the_softmax():
    plain = onnxrun.SessionOptions()
    plain.graph_optimization_level = onnxrun.GraphOptimizationLevel.ORT_DISABLE_ALL
    want, = onnxrun.InferenceSession(CHAIN, plain).run(["p"], chain_feed())
    session = onnxrun.InferenceSession(CHAIN)
    (y,), weights = session.run_with_attention(None, chain_feed())
    (name, got), = weights.items()
    assert name == "y" and got.dtype == np.float32 and got.shape == (1, 2, 3, 5)
    assert np.allclose(got, want, atol=1e-6) and got[0, 0, 0].tolist()[3:] == [0, 0]
    assert np.array_equal(y, session.run(["y"], chain_feed())[0])


def test_the_mean_over_heads():
    session = onnxrun.InferenceSession(TWO)
    feed = {"x": normal(1, 1, 2, 70, 4)}
    outputs, each = session.run_with_attention(["y"], feed)
    _, mean = session.run_with_attention([], feed, heads="mean")
    assert list(each) == list(mean) == ["a", "y"] and outputs[0].shape == (1, 2, 70, 4)
    for name, weights in each.items():
        assert mean[name].shape == (1, 70, 70)
        assert np.allclose(mean[name], weights.mean(1), atol=1e-6)
    assert np.array_equal(each["a"], np.tril(each["a"]))


def test_a_node_that_runs_again_gets_another_name():
    session = onnxrun.InferenceSession(LOOP)
    feed = {"n": 3, "c": True, "x": normal(1, 1, 2, 3, 4)}
    _, weights = session.run_with_attention(None, feed)
    assert list(weights) == ["next", "next:2", "next:3"]
    assert not np.array_equal(weights["next"], weights["next:3"])
    again = session.run_with_attention(None, feed)[1]
    assert list(again) == list(weights)


def test_what_does_not_fit_is_refused():
    session = onnxrun.InferenceSession(TWO)
    feed = {"x": normal(1, 1, 2, 3, 4)}
    with pytest.raises(onnxrun.InvalidArgument, match="heads is 'all', expected"):
        session.run_with_attention(None, feed, heads="all")
    with pytest.raises(onnxrun.InvalidArgument, match='no output "a"'):
        session.run_with_attention(["a"], feed)
    with pytest.raises(TypeError, match=r'output_names is a str, expected a list: \["y"\]'):
        session.run_with_attention("y", feed)
    with pytest.raises(onnxrun.InvalidArgument, match='input "x" is missing'):
        session.run_with_attention(None, {})
    with pytest.raises(onnxrun.InvalidArgument, match="input_feed is a list"):
        session.run_with_attention(None, [])
    stop = onnxrun.RunOptions()
    stop.terminate = True
    with pytest.raises(onnxrun.Fail, match="cancelled"):
        session.run_with_attention(None, feed, run_options=stop)
    x = np.zeros((1, 3), np.float32)
    with pytest.raises(onnxrun.Fail, match="no operation of the model is an attention"):
        onnxrun.InferenceSession(ADD).run_with_attention(None, {"x": x, "y": x})
    assert len(session.run_with_attention(None, feed)[1]) == 2


@pytest.mark.parametrize("made", [MemoryError(), np.zeros(3, np.float32), np.zeros((1, 2, 3, 3)),
                                  "no array"])
def test_an_array_that_cannot_be_made_ends_the_run(monkeypatch, made):
    session = onnxrun.InferenceSession(TWO)

    def make(*fields):
        if isinstance(made, Exception):
            raise made
        return made

    feed = {"x": normal(1, 1, 2, 3, 4)}
    monkeypatch.setattr("onnxrun._watch.Weights.__call__", make)
    with pytest.raises((MemoryError, SystemError, AttributeError)):
        session.run_with_attention(None, feed)
    monkeypatch.undo()
    assert len(session.run_with_attention(None, feed)[1]) == 2


@pytest.mark.parametrize("name", ["bert_eager__ts14", "causal_attention__dyn18", "gpt2_sdpa__ts17",
                                  "cross_attention__ts17", "vit_eager__dyn18"])
def test_weights_are_those_of_onnx_runtime(name):
    ort = pytest.importorskip("onnxruntime")
    proto = onnx.load(DATA / name / "model.onnx")
    feed = {}
    for i, declared in enumerate(proto.graph.input):
        tensor = onnx.load_tensor(DATA / name / "test_data_set_0" / f"input_{i}.pb")
        feed[declared.name] = onnx.numpy_helper.to_array(tensor)
    outputs = [node.output[0] for node in proto.graph.node if node.op_type == "Softmax"]
    proto.graph.output.extend(onnx.ValueInfoProto(name=output) for output in outputs)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    reference = ort.InferenceSession(proto.SerializeToString(), options,
                                     providers=["CPUExecutionProvider"])
    session = onnxrun.InferenceSession(DATA / name / "model.onnx")
    _, weights = session.run_with_attention(None, feed)
    for want, got in zip(reference.run(outputs, feed), weights.values(), strict=True):
        assert np.allclose(got, want.reshape(got.shape), atol=2e-6)
