# SPDX-License-Identifier: Apache-2.0
"""Intermediate values of a run, by name and by type of node."""
import numpy as np
import pytest
from conftest import LOOP, model

import onnxrun

SOFTMAXES = model("""(float[n, 3] x) => (float[n, 3] y) {
    a = Softmax(x)
    b, c = Split<axis = 1, num_outputs = 2>(a)
    d = Exp(a)
    y = Softmax(d)
}""", 18)
X = np.array([[0, 0, 0]], np.float32)


def test_an_intermediate_value_is_asked_for_by_name():
    session = onnxrun.InferenceSession(SOFTMAXES)
    a, y, d = session.run(["a", "y", "d"], {"x": X})
    assert np.allclose(a, 1 / 3) and np.allclose(d, np.exp(a)) and np.allclose(y, 1 / 3)
    assert np.allclose(session.run(["d"], {"x": X})[0], d)


def test_every_node_of_a_type_is_asked_for():
    session = onnxrun.InferenceSession(SOFTMAXES)
    found, nothing, y = session.run([onnxrun.every("Softmax"), onnxrun.every("LSTM"), "y"],
                                    {"x": X})
    assert sorted(found) == ["a", "y"] and nothing == {}
    assert np.array_equal(found["y"], y)


def test_values_of_bodies_are_those_of_the_last_iteration():
    session = onnxrun.InferenceSession(LOOP)
    feed = {"n": 3, "c": True, "x": np.ones(4, np.float32)}
    assert session.run(["sum"], feed)[0].tolist() == [8] * 4


def test_a_name_that_no_node_computes_is_refused():
    session = onnxrun.InferenceSession(SOFTMAXES)
    with pytest.raises(onnxrun.InvalidArgument, match='no output "zz"; its outputs are: y; nor is it'):
        session.run(["zz"], {"x": X})
    with pytest.raises(onnxrun.InvalidArgument, match='input "x" is missing'):
        session.run(["a"], {})
    with pytest.raises(TypeError, match="unhashable"):
        session.run([["a"]], {"x": X})
    assert np.allclose(session.run(["a"], {"x": X})[0], 1 / 3)


def test_what_an_observer_raises_ends_the_run(monkeypatch):
    session = onnxrun.InferenceSession(SOFTMAXES)

    def fail(*fields):
        raise ZeroDivisionError

    monkeypatch.setattr("onnxrun._watch.Collector.__call__", fail)
    with pytest.raises(ZeroDivisionError):
        session.run(["a"], {"x": X})
    monkeypatch.undo()
    assert np.allclose(session.run(["a"], {"x": X})[0], 1 / 3)
