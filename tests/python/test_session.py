# SPDX-License-Identifier: Apache-2.0
"""The surface that programs written for ONNX Runtime use."""
import copy
import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import ADD, LOOP, model

import onnxrun

ONES = np.ones((2, 3), np.float32)


def test_a_run_computes_all_outputs_or_those_that_are_named():
    session = onnxrun.InferenceSession(model(
        "(float[n] x) => (float[n] a, float[n] b) { a = Neg(x) b = Abs(x) }"))
    x = np.array([1, -2], np.float32)
    a, b = session.run(None, {"x": x})
    assert a.tolist() == [-1, 2] and b.tolist() == [1, 2]
    assert [y.tolist() for y in session.run(["b", "a", "b"], {"x": x})] == [[1, 2], [-1, 2], [1, 2]]
    assert len(session.run([], {"x": x})) == 2


def test_outputs_own_their_memory(add):
    first = add.run(None, {"x": ONES, "y": ONES})[0]
    second = add.run(None, {"x": ONES, "y": 2 * ONES})[0]
    assert first.tolist() == (2 * ONES).tolist() and second.tolist() == (3 * ONES).tolist()
    assert first.flags.owndata and first.flags.writeable


def test_the_model_is_described(add):
    x, y = add.get_inputs()
    assert (x.name, x.type, x.shape) == ("x", "tensor(float)", ["n", 3])
    assert repr(y) == "NodeArg(name='y', type='tensor(float)', shape=['n', 3])"
    assert [s.name for s in add.get_outputs()] == [s.name for s in add._outputs_meta] == ["s"]
    assert [x.name for x in add._inputs_meta] == ["x", "y"]
    assert add.get_overridable_initializers() == []


def test_types_of_sequences_and_optionals_are_spelled_as_in_onnx_runtime():
    session = onnxrun.InferenceSession(model(
        "(seq(float[n]) x, optional(float[?, 2]) o, string t, float[] u) => (int64 n) "
        "{ n = SequenceLength(x) }"))
    assert [i.type for i in session.get_inputs()] == [
        "seq(tensor(float))", "optional(tensor(float))", "tensor(string)", "tensor(float)"]
    assert [i.shape for i in session.get_inputs()][3] == []


def test_inputs_with_defaults_are_overridable_initializers():
    session = onnxrun.InferenceSession(model(
        "(float[2] x, float[2] w) => (float[2] y) <float[2] w = {1, 2}> { y = Add(x, w) }"))
    assert [i.name for i in session.get_inputs()] == ["x"]
    assert [i.name for i in session.get_overridable_initializers()] == ["w"]
    x = np.zeros(2, np.float32)
    assert session.run(None, {"x": x})[0].tolist() == [1, 2]
    assert session.run(None, {"x": x, "w": x + 5})[0].tolist() == [5, 5]


def test_metadata_is_what_the_file_says():
    proto = onnx.load_from_string(ADD)
    proto.producer_name, proto.producer_version, proto.domain = "maker", "1.2", "com.example"
    proto.doc_string, proto.graph.doc_string, proto.model_version = "what it is", "a graph", 7
    onnx.helper.set_model_props(proto, {"key": "value", "labels": "ä\nb"})
    meta = onnxrun.InferenceSession(proto.SerializeToString()).get_modelmeta()
    assert meta.producer_name == "maker" and meta.domain == "com.example" and meta.version == 7
    assert meta.description == "what it is" and meta.graph_description == "a graph"
    assert meta.graph_name == "g" and meta.producer_version == "1.2"
    assert meta.custom_metadata_map == {"key": "value", "labels": "ä\nb"}


@pytest.mark.parametrize("convert", [str, Path, lambda path: path.read_bytes(),
                                     lambda path: memoryview(path.read_bytes())])
def test_a_model_is_a_path_or_bytes(tmp_path, convert):
    path = tmp_path / "ä model.onnx"
    path.write_bytes(ADD)
    session = onnxrun.InferenceSession(convert(path))
    assert session.run(["s"], {"x": ONES, "y": ONES})[0].sum() == 12


def test_what_is_no_model_is_refused(tmp_path):
    missing = tmp_path / "missing.onnx"
    with pytest.raises(onnxrun.NoSuchFile, match="missing.onnx") as error:
        onnxrun.InferenceSession(missing)
    assert isinstance(error.value, FileNotFoundError)
    with pytest.raises(onnxrun.InvalidProtobuf):
        onnxrun.InferenceSession(b"no model")
    with pytest.raises(onnxrun.NotImplemented, match="NoSuchOperator"):
        onnxrun.InferenceSession(model("(float x) => (float y) { y = NoSuchOperator(x) }"))
    with pytest.raises(onnxrun.InvalidGraph):
        onnxrun.InferenceSession(model("(float x) => (float y) { y = Add(x) }"))
    with pytest.raises(TypeError, match="pass model.SerializeToString"):
        onnxrun.InferenceSession(onnx.load_from_string(ADD))
    with pytest.raises(ValueError, match="embedded null byte"):
        onnxrun.InferenceSession("a\0b")


def test_unknown_providers_warn_and_fall_back():
    with pytest.warns(UserWarning, match="Specified provider 'CUDAExecutionProvider' is not in "
                                         "available provider names"):
        session = onnxrun.InferenceSession(
            ADD, providers=[("CUDAExecutionProvider", {"device_id": 0}), "CPUExecutionProvider"])
    assert session.get_providers() == onnxrun.get_available_providers() == ["CPUExecutionProvider"]
    assert session.get_provider_options() == {"CPUExecutionProvider": {}}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        onnxrun.InferenceSession(ADD, None, ["CPUExecutionProvider"], [{}])
        onnxrun.InferenceSession(ADD, providers="CPUExecutionProvider")
    options = onnxrun.SessionOptions()
    options.add_provider("XnnpackExecutionProvider", {})
    for arguments in ({"sess_options": options}, {"providers": [1]}):
        with pytest.warns(UserWarning, match="is not in available provider names"):
            onnxrun.InferenceSession(ADD, **arguments)
    with pytest.raises(ValueError, match="2 provider_options for 1 providers"):
        onnxrun.InferenceSession(ADD, None, ["CPUExecutionProvider"], [{}, {}])


def test_options_are_checked():
    options = onnxrun.SessionOptions()
    for name, value, error in (("intra_op_num_threads", "two", TypeError),
                               ("inter_op_num_threads", 1.5, TypeError),
                               ("graph_optimization_level", 7, TypeError),
                               ("execution_mode", "fast", TypeError),
                               ("enable_mem_pattern", "no", TypeError),
                               ("logid", 1, TypeError),
                               ("seed", -1, ValueError),
                               ("memory_bytes", 1 << 65, ValueError),
                               ("optimized_model_filepath", "x.onnx", NotImplementedError),
                               ("no_such_option", 1, AttributeError)):
        with pytest.raises(error, match=name):
            setattr(options, name, value)
    with pytest.raises(onnxrun.InvalidArgument, match='SessionOptions has no entry "key"'):
        options.get_session_config_entry("key")
    options.add_session_config_entry("key", "value")
    assert options.get_session_config_entry("key") == "value"
    with pytest.raises(TypeError, match="expected SessionOptions"):
        onnxrun.InferenceSession(ADD, {"threads": 1})
    with pytest.warns(UserWarning, match="no argument 'nonsense'"):
        onnxrun.InferenceSession(ADD, nonsense=1, read_config_from_model=1)


def test_options_of_runs_are_checked():
    options = onnxrun.RunOptions()
    with pytest.raises(AttributeError, match="RunOptions has no attribute 'no_such_option'"):
        options.no_such_option = 1
    with pytest.raises(TypeError, match="terminate is 'yes', expected True or False"):
        options.terminate = "yes"
    options.add_run_config_entry("key", "value")
    assert options.get_run_config_entry("key") == "value"
    with pytest.raises(onnxrun.InvalidArgument, match='RunOptions has no entry "other"'):
        options.get_run_config_entry("other")
    with pytest.raises(onnxrun.Unsupported, match="export the model with its adapter merged"):
        options.add_active_adapter(None)


def test_options_are_copied_with_their_values():
    options = onnxrun.SessionOptions()
    options.execution_mode = 1
    options.add_session_config_entry("key", "value")
    other = copy.deepcopy(options)
    assert other.execution_mode is onnxrun.ExecutionMode.ORT_PARALLEL
    assert other.get_session_config_entry("key") == "value"
    assert str(other.execution_mode) == "ExecutionMode.ORT_PARALLEL"


def test_what_only_onnx_runtime_has_is_refused_with_a_remedy():
    options = onnxrun.SessionOptions()
    for refused, remedy in (
            (lambda: options.add_initializer("w", None), "pass it as an input of run"),
            (lambda: options.add_external_initializers(["v", "w"], []), "initializers v, w: .* path"),
            (lambda: options.add_free_dimension_override_by_denotation("DATA_BATCH", 1),
             "add_free_dimension_override_by_name"),
            (lambda: options.register_custom_ops_library(Path("ops.so")), "ops.so: onnxrun has no")):
        with pytest.raises(onnxrun.Unsupported, match=remedy):
            refused()


@pytest.mark.parametrize("threads, expected", [(-1, None), (1, 1), (1000, 256)])
def test_numbers_of_threads_that_programs_find_are_taken(threads, expected):
    options = onnxrun.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxrun.InferenceSession(ADD, options)
    stats = session.get_stats()
    assert stats["threads"] == (expected or onnxrun.InferenceSession(ADD).get_stats()["threads"])


def test_options_reach_the_engine():
    options = onnxrun.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxrun.GraphOptimizationLevel.ORT_DISABLE_ALL
    stats = onnxrun.InferenceSession(ADD, options).get_stats()
    assert stats["threads"] == 1 and stats["isa"] in ("scalar", "avx2", "avx512")
    options.memory_bytes = 20000
    with pytest.raises(MemoryError):
        onnxrun.InferenceSession(ADD, options)


def test_spinning_is_asked_for_in_either_way():
    options = onnxrun.SessionOptions()
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    assert options.spin_us == 1000
    session = onnxrun.InferenceSession(ADD, options)
    assert session.run(None, {"x": ONES, "y": ONES})[0].sum() == 12
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    assert options.spin_us == 0
    with pytest.raises(ValueError, match="spin_us is 1000001, expected 0 to 1000000"):
        options.spin_us = 1000001


def test_only_the_precision_of_the_model_is_there():
    options = onnxrun.SessionOptions()
    options.precision = "model"
    with pytest.raises(onnxrun.Unsupported, match="precision is 'bfloat16': onnxrun computes in the "
                                                  "types of the model"):
        options.precision = "bfloat16"


def test_limits_are_kept():
    options = onnxrun.SessionOptions()
    options.limits = onnxrun.Limits(loop_count=5)
    session = onnxrun.InferenceSession(LOOP, options)
    feed = {"n": 5, "c": True, "x": np.ones(4, np.float32)}
    assert session.run(None, feed)[0].tolist() == [32] * 4
    with pytest.raises(onnxrun.Error, match="more loop iterations than the limit allows"):
        session.run(None, {**feed, "n": 6})
    assert session.run(None, feed)[0].tolist() == [32] * 4
    for limits in ({"file_bytes": 20}, {"name_bytes": 1}):
        options.limits = onnxrun.Limits(**limits)
        with pytest.raises(onnxrun.Error):
            onnxrun.InferenceSession(model("(float x) => (float yy) { yy = Neg(x) }"), options)
    with pytest.raises(TypeError, match="limits is 5, expected onnxrun.Limits"):
        options.limits = 5
    with pytest.raises(ValueError, match="node_count is 4294967296, expected 0 to 4294967295"):
        options.limits = onnxrun.Limits(node_count=2**32)


def test_a_model_works_on_when_its_files_vanish(tmp_path):
    proto = onnx.load_from_string(model(
        "(float[n, 64] x) => (float[n, 64] y) { y = MatMul(x, w) }"))
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.eye(64, dtype=np.float32), "w"))
    path = tmp_path / "model.onnx"
    onnx.save(proto, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    session = onnxrun.InferenceSession(path)
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(onnxrun.NoSuchFile, match="weights.bin"):
        onnxrun.InferenceSession(path)
    path.unlink()
    x = np.ones((3, 64), np.float32)
    assert np.array_equal(session.run(None, {"x": x})[0], x)
    with pytest.raises(onnxrun.NoSuchFile, match="model.onnx"):
        onnxrun.InferenceSession(path)


def test_dimensions_of_sequences_are_left_alone():
    options = onnxrun.SessionOptions()
    options.add_free_dimension_override_by_name("n", 3)
    session = onnxrun.InferenceSession(model(
        "(seq(float[n]) x) => (int64 k) { k = SequenceLength(x) }"), options)
    assert session.run(None, {"x": onnxrun.OrtValue([ONES[0]])})[0] == 1


def test_seeds_repeat_what_random_operators_draw():
    source = model("(float[8] x) => (float[8] y) { y = RandomNormalLike(x) }")
    zeros = np.zeros(8, np.float32)
    options = onnxrun.SessionOptions()
    options.seed = 7

    def draw(*args):
        return onnxrun.InferenceSession(source, *args).run(None, {"x": zeros})[0].tolist()

    assert draw(options) == draw(options) != draw()
    onnxrun.set_seed(7)
    assert draw() == draw(options)
    onnxrun.set_seed(0)
    with pytest.raises(onnxrun.InvalidArgument, match="seed is -1, expected 0 to"):
        onnxrun.set_seed(-1)


def test_dimensions_can_be_fixed():
    options = onnxrun.SessionOptions()
    options.add_free_dimension_override_by_name("n", 2)
    session = onnxrun.InferenceSession(ADD, options)
    assert session.get_inputs()[0].shape == [2, 3]
    assert session.run(None, {"x": ONES, "y": ONES})[0].shape == (2, 3)
    with pytest.raises(onnxrun.InvalidArgument, match=r'input "x": dimension 0 \(n\) is 1, but the '
                                                      "session options set it to 2"):
        session.run(None, {"x": ONES[:1], "y": ONES[:1]})


def test_profiling_writes_a_trace(tmp_path):
    options = onnxrun.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "trace_")
    session = onnxrun.InferenceSession(ADD, options)
    session.run(None, {"x": ONES, "y": ONES})
    assert session.get_profiling_start_time_ns() > 0
    path = session.end_profiling()
    events = json.loads(Path(path).read_text())
    assert [event["name"] for event in events] == ["model_loading", "s", "model_run"]
    loading, node, run = events
    assert node["args"]["op_name"] == "Add" and node["args"]["written_bytes"] == 24
    assert loading["ts"] <= run["ts"] <= node["ts"] + 1
    assert node["ts"] + node["dur"] <= run["ts"] + run["dur"] + 1
    assert session.end_profiling() == ""
    session.run(None, {"x": ONES, "y": ONES})
    options.profile_file_prefix = str(tmp_path / "missing" / "trace_")
    with pytest.raises(onnxrun.NoSuchFile, match="missing/trace_.*: No such file or directory"):
        onnxrun.InferenceSession(ADD, options).end_profiling()


def test_a_model_is_explained(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(ADD)
    assert "Add" in onnxrun.explain(path, "graph")
    report = json.loads(onnxrun.explain(path, dims={"n": 5}, as_json=True))
    assert report["dims"] == {"n": 5}
    assert [(k["op"], k["types"], k["kernel"]) for k in report["kernels"]] == [
        ("Add", "float", "binary")]
    unknown = tmp_path / "unknown.onnx"
    unknown.write_bytes(model("(float x) => (float y) { y = NoSuchOperator(x) }"))
    assert "NoSuchOperator" in onnxrun.explain(unknown)
    with pytest.raises(onnxrun.Unsupported):
        onnxrun.explain(unknown, "graph")
    assert json.loads(onnxrun.explain(path, "plan", {"n": 5}, as_json=True))["steps"]
    small, large = (onnxrun.memory_needed(path, {"n": n}) for n in (1, 1000))
    assert 12 <= small < large and large >= 12000
    for dims, message in (({"n": 1 << 70}, 'dimension "n" is 1180591620717411303424, expected 0 to'),
                          ({"n": -1}, 'dimension "n" is -1'),
                          ({"m": 1}, 'no input has a dimension "m"')):
        with pytest.raises(onnxrun.InvalidArgument, match=message):
            onnxrun.explain(path, "plan", dims)
    with pytest.raises(onnxrun.InvalidArgument, match="expected one of model, graph"):
        onnxrun.explain(path, "nonsense")


def test_the_module_answers_what_programs_ask(capsys):
    assert onnxrun.get_device() == "CPU"
    assert onnxrun.__version__ == onnxrun.get_version_string()
    assert not onnxrun.has_collective_ops()
    onnxrun.preload_dlls(directory="")
    onnxrun.print_debug_info()
    assert f"onnxrun {onnxrun.__version__}, numpy" in capsys.readouterr().out
    onnxrun.set_default_logger_severity(3)
    with pytest.raises(onnxrun.InvalidArgument):
        onnxrun.set_default_logger_severity(7)
    assert set(onnxrun.__all__) <= set(dir(onnxrun))


def test_the_commands_are_in_the_package(tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(ADD)

    def command(*arguments):
        return subprocess.run([sys.executable, "-m", "onnxrun", *arguments], capture_output=True,
                              text=True, check=False)

    ran = command("run", path, "-i", "x=[[1,2,3]]", "-i", "y=ones")
    assert ran.returncode == 0 and "4" in ran.stdout, ran.stderr
    assert "Add" in command("dump", path).stdout
    compared = command("compare", path, "--against", "onnxruntime", "-d", "n=2")
    assert compared.returncode == 0 and "1 values compared" in compared.stdout, compared.stderr
    assert command("--version").stdout.split()[1] == onnxrun.__version__
    assert command("run", tmp_path / "missing").returncode == 2


def test_a_loop_runs():
    session = onnxrun.InferenceSession(LOOP)
    y, = session.run(None, {"n": 3, "c": True, "x": np.ones(4, np.float32)})
    assert y.tolist() == [8, 8, 8, 8]


def test_the_example_of_the_readme_sees_a_seven(capsys, monkeypatch):
    root = Path(__file__).parents[2]
    code = re.search(r"```python\n(.*?)```", (root / "README.md").read_text(), re.DOTALL)
    monkeypatch.chdir(root)
    exec(compile(code[1], "README.md", "exec"), {})  # noqa: S102 - it is ours
    assert capsys.readouterr().out == "7\n"
