# SPDX-License-Identifier: Apache-2.0
"""OrtValue, IOBinding, DLPack."""
import ml_dtypes
import numpy as np
import pytest
from conftest import identity, model

import onnxrun

ONES = np.ones((2, 3), np.float32)


def test_a_value_holds_an_array_in_place():
    x = ONES.copy()
    value = onnxrun.OrtValue.ortvalue_from_numpy(x)
    x[0, 0] = 7
    assert value.numpy()[0, 0] == 7
    assert (value.data_type(), value.element_type(), value.shape()) == ("tensor(float)", 1, [2, 3])
    assert value.data_ptr() == x.ctypes.data and value.tensor_size_in_bytes() == 24
    assert value.device_name() == "cpu" and value.has_value() and value.is_tensor()
    assert not value.is_tensor_sequence() and not value.is_sparse_tensor()
    value.update_inplace(2 * ONES)
    assert x.sum() == 12
    with pytest.raises(onnxrun.InvalidArgument, match=r"float64\[2, 3\], the value is float32"):
        value.update_inplace(ONES.astype(float))
    x.setflags(write=False)
    with pytest.raises(onnxrun.InvalidArgument, match="update_inplace: .* is read-only"):
        value.update_inplace(ONES)


def test_values_of_a_shape_and_of_other_types():
    zeros = onnxrun.OrtValue.ortvalue_from_shape_and_type([2, 0, 3], np.int64)
    assert zeros.numpy().shape == (2, 0, 3) and zeros.data_type() == "tensor(int64)"
    assert onnxrun.OrtValue.ortvalue_from_shape_and_type([2], 16).numpy().dtype == "bfloat16"
    raw = np.array([0x3F80, 0x4000], np.uint16)
    value = onnxrun.OrtValue.ortvalue_from_numpy_with_onnx_type(raw, 16)
    assert value.numpy().astype(np.float32).tolist() == [1, 2]
    assert value.data_type() == "tensor(bfloat16)" and value.data_ptr() == raw.ctypes.data
    with pytest.raises(onnxrun.InvalidArgument, match="not of the size of bfloat16"):
        onnxrun.OrtValue.ortvalue_from_numpy_with_onnx_type(ONES, 16)
    with pytest.raises(onnxrun.InvalidArgument, match='pass "cpu"'):
        onnxrun.OrtValue.ortvalue_from_numpy(ONES, "cuda", 0)
    for make in (lambda: onnxrun.OrtValue.ortvalue_from_numpy_with_onnx_type(ONES, 99),
                 lambda: onnxrun.OrtValue.ortvalue_from_shape_and_type([2], 99)):
        with pytest.raises(onnxrun.InvalidArgument, match="99 is not the number of an ONNX type"):
            make()
    sequence = onnxrun.OrtValue([ONES])
    assert sequence.is_tensor_sequence() and sequence.data_type() == "seq(tensor(float))"


def test_values_go_in_and_out(add):
    value = onnxrun.OrtValue.ortvalue_from_numpy(ONES)
    result, = add.run_with_ort_values(["s"], {"x": value, "y": value})
    assert isinstance(result, onnxrun.OrtValue) and result.numpy().sum() == 12
    assert add.run(None, {"x": value, "y": ONES})[0].sum() == 12
    half = onnxrun.OrtValue.ortvalue_from_numpy_with_onnx_type(np.zeros(2, np.uint16), 16)
    result, = identity("bfloat16[n]").run_with_ort_values(None, {"x": half})
    assert result.numpy().dtype == ml_dtypes.bfloat16


def test_values_share_memory_through_dlpack():
    x = ONES.copy()
    value = onnxrun.OrtValue.from_dlpack(x)
    assert value.data_ptr() == x.ctypes.data
    handed_on = np.from_dlpack(onnxrun.OrtValue.ortvalue_from_numpy(x))
    assert handed_on.ctypes.data == x.ctypes.data
    assert np.asarray(value).ctypes.data == x.ctypes.data
    capsule = onnxrun.OrtValue.ortvalue_from_numpy(x)._ortvalue.to_dlpack()
    assert onnxrun.OrtValue.from_dlpack(capsule).data_ptr() == x.ctypes.data
    flags = onnxrun.OrtValue.from_dlpack(np.array([0, 1], np.uint8), is_bool_tensor=True)
    assert flags.data_type() == "tensor(bool)"


def test_programs_may_name_the_device_as_onnx_runtime_does_beneath(add):
    device = onnxrun.OrtDevice(onnxrun.OrtDevice.cpu(), onnxrun.OrtDevice.default_memory(), 0)
    assert (device.device_type(), device.device_id()) == (onnxrun.OrtDevice.cpu(), 0)
    assert onnxrun.OrtDevice.make("cpu", 0, vendor_id=0).device_id() == 0
    value = onnxrun.OrtValue(onnxrun.OrtValue.ortvalue_from_numpy(ONES, device))
    assert value.data_ptr() == ONES.ctypes.data and value.data_type() == "tensor(float)"
    binding = add.io_binding()._iobinding
    binding.bind_ortvalue_input("x", value._ortvalue)
    binding.bind_cpu_input("y", ONES)
    binding.bind_output("s", device)
    add.run_with_iobinding(binding)
    assert binding.get_outputs()[0].numpy().sum() == 12


def test_outputs_that_are_copied_stay(add):
    binding = add.io_binding()
    x = ONES.copy()
    binding.bind_cpu_input("x", x)
    binding.bind_cpu_input("y", ONES)
    with pytest.raises(onnxrun.InvalidArgument, match="no output is bound"):
        add.run_with_iobinding(binding)
    binding.bind_ortvalue_output("s", onnxrun.OrtValue.ortvalue_from_numpy(ONES.copy()))
    add.run_with_iobinding(binding)
    kept, seen = binding.copy_outputs_to_cpu()[0], binding.get_outputs()[0].numpy()
    x *= 3
    add.run_with_iobinding(binding)
    assert kept.sum() == 12 and seen.sum() == 24


def test_a_binding_runs_again_and_again(add):
    binding = add.io_binding()
    x = ONES.copy()
    binding.bind_cpu_input("x", x)
    binding.bind_ortvalue_input("y", onnxrun.OrtValue.ortvalue_from_numpy(ONES))
    binding.bind_output("s")
    add.run_with_iobinding(binding)
    assert binding.copy_outputs_to_cpu()[0].sum() == 12
    x *= 3
    add.run_with_iobinding(binding)
    assert binding.get_outputs()[0].numpy().sum() == 24
    binding.clear_binding_inputs()
    with pytest.raises(onnxrun.InvalidArgument, match='"x" is missing'):
        add.run_with_iobinding(binding)
    binding.clear_binding_outputs()
    assert binding.get_outputs() == []


def test_a_binding_reads_and_writes_memory_at_addresses(add):
    x, s = ONES.copy(), np.zeros((2, 3), np.float32)
    binding = add.io_binding()
    binding.bind_input("x", "cpu", 0, np.float32, [2, 3], x.ctypes.data)
    binding.bind_input("y", "cpu", 0, 1, (2, 3), x.ctypes.data)
    binding.bind_output("s", "cpu", 0, np.float32, [2, 3], s.ctypes.data)
    add.run_with_iobinding(binding)
    assert s.sum() == 12 and binding.get_outputs()[0].data_ptr() == s.ctypes.data
    kept = onnxrun.OrtValue.ortvalue_from_shape_and_type([2, 3], np.float32)
    binding.bind_ortvalue_output("s", kept)
    add.run_with_iobinding(binding)
    assert kept.numpy().sum() == 12


def test_a_binding_is_checked(add):
    binding = add.io_binding()
    with pytest.raises(onnxrun.InvalidArgument, match='no input "z"; its inputs are: x, y'):
        binding.bind_cpu_input("z", ONES)
    with pytest.raises(onnxrun.InvalidArgument, match='no output "z"; its outputs are: s'):
        binding.bind_output("z")
    with pytest.raises(onnxrun.InvalidArgument, match='device "cuda"'):
        binding.bind_output("s", "cuda")
    with pytest.raises(onnxrun.InvalidArgument, match="needs element_type and shape"):
        binding.bind_output("s", "cpu", 0, buffer_ptr=1)
    with pytest.raises(onnxrun.InvalidArgument, match=r'output "s" is float32, the memory bound to '
                                                      r"it is float64\[3\]"):
        binding.bind_ortvalue_output("s", onnxrun.OrtValue.ortvalue_from_numpy(np.zeros(3)))
    with pytest.raises(onnxrun.InvalidArgument, match="the binding is of another session"):
        add.run_with_iobinding(identity("float[n]").io_binding())
    with pytest.raises(TypeError, match="iobinding is NoneType, expected IOBinding"):
        add.run_with_iobinding(None)
    constant = ONES.copy()
    constant.setflags(write=False)
    with pytest.raises(onnxrun.InvalidArgument, match='"s": the memory bound to it is read-only'):
        binding.bind_ortvalue_output("s", onnxrun.OrtValue.ortvalue_from_numpy(constant))
    with pytest.raises(onnxrun.InvalidArgument, match="a sequence is not written to memory"):
        binding.bind_ortvalue_output("s", onnxrun.OrtValue([ONES]))


@pytest.mark.parametrize("memory", [np.zeros((3, 2), np.float32), np.zeros((2, 6), np.float32)[:, :4]],
                         ids=["in place", "strided"])
def test_memory_of_another_shape_is_refused(add, memory):
    binding = add.io_binding()
    binding.bind_cpu_input("x", ONES)
    binding.bind_cpu_input("y", ONES)
    binding.bind_ortvalue_output("s", onnxrun.OrtValue.ortvalue_from_numpy(memory))
    with pytest.raises(onnxrun.InvalidArgument, match='output "s" '):
        add.run_with_iobinding(binding)
    binding.bind_ortvalue_output("s", onnxrun.OrtValue.ortvalue_from_numpy(ONES.copy()))
    add.run_with_iobinding(binding)
    assert binding.get_outputs()[0].numpy().sum() == 12


def bound_product(kind, x, y):
    """x and a matrix of ones multiplied, the product written to y."""
    session = onnxrun.InferenceSession(model(
        f"({kind}[n, 3] x, {kind}[3, 3] w) => ({kind}[n, 3] y) {{ y = MatMul(x, w) }}"))
    binding = session.io_binding()
    binding.bind_cpu_input("x", x)
    binding.bind_cpu_input("w", np.ones((3, 3), x.dtype))
    binding.bind_ortvalue_output("y", onnxrun.OrtValue.ortvalue_from_numpy(y))
    session.run_with_iobinding(binding)
    return binding.get_outputs()[0].numpy()


@pytest.mark.parametrize("kind, dtype", [("float", np.float32), ("double", np.float64),
                                         ("bfloat16", ml_dtypes.bfloat16)])
def test_a_run_writes_bound_memory_itself(monkeypatch, kind, dtype):
    monkeypatch.setattr(np, "copyto", None)
    y = np.zeros((2, 3), dtype)
    assert bound_product(kind, np.ones((2, 3), dtype), y) is y
    assert y.astype(float).tolist() == [[3] * 3] * 2


def test_memory_that_a_run_cannot_write_itself_is_copied_to():
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    strided = np.zeros((3, 2), np.float32).T
    assert bound_product("float", x, strided) is strided
    assert strided.tolist() == [[3] * 3, [12] * 3]
    assert bound_product("float", x, x).tolist() == [[3] * 3, [12] * 3]
    x = np.arange(9, dtype=np.float32).reshape(3, 3)
    assert bound_product("float", x[:2], x[1:]).tolist() == [[3] * 3, [12] * 3]


def test_sequences_are_bound():
    session = onnxrun.InferenceSession(model(
        "(seq(float[n]) x) => (seq(float[n]) y) { y = Identity(x) }"))
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", onnxrun.OrtValue([ONES[0]]))
    binding.bind_output("y")
    session.run_with_iobinding(binding)
    assert binding.get_outputs()[0].data_type() == "seq(tensor(float))"
