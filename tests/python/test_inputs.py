# SPDX-License-Identifier: Apache-2.0
"""What may be given for an input, what comes out, and what is refused in which words."""
import re
import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest
from conftest import identity, model

import onnxrun

ONES = np.ones((2, 3), np.float32)


def refused(session, feed, message, error=onnxrun.InvalidArgument, names=None):
    """The run raises with exactly this message, and the session works on."""
    with pytest.raises(error, match="^" + re.escape(message)) as caught:
        session.run(names, feed)
    assert isinstance(caught.value, onnxrun.Error)
    return caught.value


# ---- what is taken ----


@pytest.mark.parametrize("name, kind", [
    ("float32", "float"), ("float64", "double"), ("float16", "float16"), ("int8", "int8"),
    ("int16", "int16"), ("int32", "int32"), ("int64", "int64"), ("uint8", "uint8"),
    ("uint16", "uint16"), ("uint32", "uint32"), ("uint64", "uint64"), ("bool", "bool"),
    ("complex64", "complex64"), ("complex128", "complex128")])
def test_each_type_of_numpy_goes_in_and_out(name, kind):
    x = np.arange(6).reshape(2, 3).astype(name)
    y, = identity(f"{kind}[n, 3]").run(None, {"x": x})
    assert y.dtype == x.dtype and np.array_equal(x, y)


@pytest.mark.parametrize("name, kind", [
    ("bfloat16", "bfloat16"), ("float8_e4m3fn", "float8e4m3fn"),
    ("float8_e4m3fnuz", "float8e4m3fnuz"), ("float8_e5m2", "float8e5m2"),
    ("float8_e5m2fnuz", "float8e5m2fnuz"), ("int4", "int4"), ("uint4", "uint4")])
def test_each_type_of_ml_dtypes_goes_in_and_out(name, kind):
    dtype = np.dtype(getattr(ml_dtypes, name))
    values = [-8, -1, 0, 1, 7] if name == "int4" else [0, 1, 2, 3, 4]
    y, = identity(f"{kind}[n]").run(None, {"x": np.array(values).astype(dtype)})
    assert y.dtype == dtype and y.astype(np.float32).tolist() == values


def test_values_of_bfloat16_and_int4_are_computed_with():
    session = onnxrun.InferenceSession(model(
        "(int4[n] q, bfloat16[n] b) => (float[n] f, bfloat16[n] c) "
        "{ s = Constant<value_float = 0.5>() f = DequantizeLinear(q, s) c = Add(b, b) }", 21, 10))
    f, c = session.run(None, {"q": np.array([-8, 7], ml_dtypes.int4),
                              "b": np.array([1.5, -2], ml_dtypes.bfloat16)})
    assert f.tolist() == [-4, 3.5] and c.astype(np.float32).tolist() == [3, -4]


@pytest.mark.parametrize("array", [
    ONES.T.copy().T, np.ones((4, 6), np.float32)[::2, ::2], ONES[::-1], ONES.astype(">f4"),
    np.broadcast_to(np.float32(1), (2, 3)), np.frombuffer(b"\0" + ONES.tobytes(), np.uint8)[1:]
    .view(np.float32).reshape(2, 3), np.ma.masked_array(ONES), ONES.tolist(), tuple(ONES)],
    ids=["fortran", "strided", "reversed", "big-endian", "broadcast", "misaligned", "subclass",
         "list", "tuple"])
def test_arrays_of_any_layout_are_taken(add, array):
    assert np.array_equal(add.run(None, {"x": array, "y": ONES})[0], 2 * ONES)


def test_read_only_arrays_are_read_in_place(add):
    x = ONES.copy()
    x.setflags(write=False)
    assert np.array_equal(add.run(None, {"x": x, "y": x})[0], 2 * ONES)
    assert np.array_equal(x, ONES)


def test_arrays_of_other_libraries_come_through_dlpack(add):
    class Foreign:
        def __dlpack__(self, **options):
            return ONES.__dlpack__(**options)

        def __dlpack_device__(self):
            return ONES.__dlpack_device__()

    assert np.array_equal(add.run(None, {"x": Foreign(), "y": ONES})[0], 2 * ONES)


def test_scalars_and_empty_arrays():
    scalar = identity("float")
    for value in (2, 2.0, np.float32(2), np.array(2, np.float32), [2], np.full((1, 1), 2, np.float32)):
        y, = scalar.run(None, {"x": value})
        assert y.shape == () and y == 2
    assert identity("string").run(None, {"x": ["one"]})[0] == "one"
    for value in (np.ones(2, np.float32), np.ones((0,), np.float32)):
        refused(scalar, {"x": value}, f'input "x" has shape {len(value)} of rank 1, expected rank 0')
    for shape in ((0,), (0, 3), (3, 0, 2)):
        dims = ", ".join("abc"[:len(shape)])
        y, = identity(f"float[{dims}]").run(None, {"x": np.zeros(shape, np.float32)})
        assert y.shape == shape


def test_strings_go_in_and_out():
    session = identity("string[a, b]")
    words = [["ä", "", "a\0b"], ["日本語", "x" * 1000, "\U0001f600"]]
    for array in (np.array(words, object), np.array(words), words):
        y, = session.run(None, {"x": array})
        assert y.dtype == object and y.shape == (2, 3) and y.tolist() == words
    y, = session.run(None, {"x": np.array([[b"\xff\xfe", b"bytes"]], object)})
    assert y[0, 0].encode("utf-8", "surrogateescape") == b"\xff\xfe" and y[0, 1] == "bytes"
    y, = session.run(None, {"x": y})
    assert y[0, 0].encode("utf-8", "surrogateescape") == b"\xff\xfe"
    assert session.run(None, {"x": np.empty((0, 3), object)})[0].shape == (0, 3)


def test_sequences_are_lists():
    session = onnxrun.InferenceSession(model(
        "(seq(float[n]) x, float[k] t) => (seq(float[n]) y, int64 n) "
        "{ y = SequenceInsert(x, t) n = SequenceLength(x) }"))
    arrays = [np.arange(3, dtype=np.float32), np.zeros(0, np.float32)]
    y, n = session.run(None, {"x": arrays, "t": np.ones(2, np.float32)})
    assert n == 2 and [item.tolist() for item in y] == [[0, 1, 2], [], [1, 1]]
    y, n = session.run(None, {"x": [], "t": [5]})
    assert n == 0 and y[0].tolist() == [5]
    refused(session, {"x": [arrays[0].astype(int)], "t": [5]},
            'item 0 of input "x" is int64, expected float32')
    refused(session, {"x": ONES, "t": [5]},
            'input "x" is a ndarray, expected a list of arrays: it is a sequence of float')


def test_sequences_of_strings_are_lists():
    session = identity("seq(string[n])")
    y, = session.run(None, {"x": [["a", "b"], []]})
    assert [item.tolist() for item in y] == [["a", "b"], []]


def test_optionals_may_be_none():
    session = onnxrun.InferenceSession(model(
        "(optional(float[n]) x) => (bool h) { h = OptionalHasElement(x) }", 18))
    assert session.run(None, {"x": None})[0] == np.False_
    assert session.run(None, {"x": [1.0]})[0] == np.True_
    assert session.run(None, {})[0] == np.False_


# ---- what is refused ----


def test_names_are_checked(add):
    refused(add, {"x": ONES}, 'input "y" is missing; it is float[n, 3]')
    refused(add, {}, 'input "x" is missing; it is float[n, 3]')
    refused(add, {"x": ONES, "z": ONES}, 'the model has no input "z"; its inputs are: x, y')
    refused(add, {"x": ONES, "y": ONES, "z": ONES}, 'the model has no input "z"; its inputs are: ')
    refused(add, {1: ONES}, "the model has no input 1; its inputs are: x, y")
    refused(add, {"x": ONES, "y": ONES}, 'the model has no output "t"; its outputs are: s',
            names=["t"])
    with pytest.raises(TypeError, match="run_options is dict, expected RunOptions"):
        add.run(None, {"x": ONES, "y": ONES}, {"terminate": True})
    refused(add, [ONES, ONES], "input_feed is a list, expected a dict of arrays by the names")
    with pytest.raises(TypeError, match=r'output_names is a str, expected a list: \["s"\]'):
        add.run("s", {"x": ONES, "y": ONES})
    with pytest.raises(TypeError, match="unhashable"):
        add.run([["s"]], {"x": ONES, "y": ONES})
    assert add.run(["s"], {"x": ONES, "y": ONES})[0].sum() == 12


def test_types_are_checked(add):
    for array, name in ((ONES.astype("d"), "float64"), (ONES.astype("e"), "float16"),
                        (ONES.astype(int), "int64"), (ONES > 0, "bool"),
                        (ONES.astype(ml_dtypes.bfloat16), "bfloat16"),
                        (ONES.astype(object), "object"), (ONES.astype("M8[s]"), "datetime64[s]"),
                        (np.array(["a"]), "str32"), (np.zeros(1, "f4,i4"), "void64")):
        refused(add, {"x": array, "y": ONES},
                f'input "x" is {name}, expected float32: it is float[n, 3]; '
                'convert it with numpy.asarray(value, "float32")')
    refused(identity("bfloat16[n]"), {"x": np.zeros(2, np.uint16)},
            'input "x" is uint16, expected bfloat16: it is bfloat16[n]; ')
    refused(add, {"x": [[1, 2, 3], [4]], "y": ONES},
            'input "x" cannot be made an array of it, float[n, 3]: list: ')
    for value, name in (("text", "str128"), (object(), "object"), ({}, "object")):
        refused(add, {"x": value, "y": ONES}, f'input "x" is {name}, expected float32: ')
    refused(add, {"x": None, "y": ONES}, 'input "x" is None, expected float[n, 3]')
    assert add.run(None, {"x": ONES, "y": ONES})[0].sum() == 12


def test_numbers_of_lists_are_kept():
    assert identity("int64[n]").run(None, {"x": [1, -2]})[0].tolist() == [1, -2]
    assert identity("uint8[n]").run(None, {"x": []})[0].tolist() == []
    assert identity("int4[n]").run(None, {"x": [True, -8]})[0].tolist() == [1, -8]
    assert identity("bfloat16[n]").run(None, {"x": [1.5, 2]})[0].tolist() == [1.5, 2]
    refused(identity("int64[n]"), {"x": [1, 2.5]}, 'input "x" is float64, expected int64')
    refused(identity("int4[n]"), {"x": [2.5]}, 'input "x" is float64, expected int4')
    refused(identity("bool[n]"), {"x": [0, 1]}, 'input "x" is int64, expected bool')
    refused(identity("float[n]"), {"x": [1j]}, 'input "x" is complex128, expected float32')
    refused(identity("uint8[n]"), {"x": [-1]}, 'input "x" cannot be made an array of it, uint8[n]: ')
    refused(identity("int32[n]"), {"x": [1 << 40]}, 'input "x" cannot be made an array of it, ')


@pytest.mark.parametrize("value", [
    ONES.view(type("Subclass", (np.ndarray,), {})), memoryview(ONES),
    np.frombuffer(b"\0" + ONES.tobytes(), np.uint8)[1:].view(np.float32).reshape(2, 3),
    ONES[::-1, ::-1], np.broadcast_to(np.float32(1), (2, 3)), np.asfortranarray(ONES),
    ONES.astype(">f4")], ids=["subclass", "memoryview", "not aligned", "backwards", "broadcast",
                              "by columns", "other byte order"])
def test_arrays_of_every_layout_are_read(add, value):
    assert add.run([np.str_("s")], {np.str_("x"): value, "y": ONES})[0].tolist() == [[2] * 3] * 2


def test_shapes_are_checked(add):
    refused(add, {"x": ONES[0], "y": ONES},
            'input "x" has shape 3 of rank 1, expected rank 2')
    refused(add, {"x": np.ones((2, 4), np.float32), "y": ONES},
            'input "x": dimension 1 is 4, expected 3')
    refused(add, {"x": ONES, "y": ONES[:1]},
            'input "y": dimension 0 (n) is 1, but input "x" has 2 for it')
    refused(add, {"x": np.ones((1,) * 17, np.float32), "y": ONES},
            'input "x" has rank 17, at most 16 is supported')


def test_huge_arrays_are_refused_without_touching_them(add):
    huge = np.broadcast_to(np.float32(0), (2**40, 3))
    with pytest.raises((MemoryError, onnxrun.InvalidArgument)):
        add.run(None, {"x": huge, "y": ONES})
    assert add.run(None, {"x": ONES, "y": ONES})[0].sum() == 12


def test_strings_are_checked():
    session = identity("string[n]")
    refused(session, {"x": np.array([1.0])}, 'input "x" is float64, expected strings: ')
    refused(session, {"x": np.array(["a", 3], object)}, 'input "x": element 1 is int, expected str')
    refused(session, {"x": np.array([None], object)},
            'input "x": element 0 is NoneType, expected str')
    refused(session, {"x": ["\ud800"]}, 'input "x": element 0 is no text: ')


def test_errors_of_a_node_name_it():
    session = onnxrun.InferenceSession(model(
        "(float[n] x, int64[k] i) => (float[k] y) { y = Gather<axis = 0>(x, i) }"))
    error = refused(session, {"x": np.zeros(3, np.float32), "i": [7]}, "run: node ")
    assert "Gather" in str(error) and "7" in str(error)
    assert session.run(None, {"x": np.ones(3, np.float32), "i": [2]})[0].tolist() == [1]


def test_exceptions_of_the_caller_s_objects_are_passed_on(add):
    class Bad(np.ndarray):
        @property
        def __array_struct__(self):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        add.run(None, {"x": ONES.view(Bad), "y": ONES})
    assert add.run(None, {"x": ONES, "y": ONES})[0].sum() == 12


def test_without_ml_dtypes_its_types_are_bytes():
    program = ("import sys\nsys.modules['ml_dtypes'] = None\nimport numpy as np, onnxrun\n"
               "session = onnxrun.InferenceSession(sys.stdin.buffer.read())\n"
               "y, = session.run(None, {'x': np.array([0x3f80], np.uint16)})\n"
               "print(y.dtype, y[0])\n"
               "try:\n    session.run(None, {'x': np.ones(1, np.float32)})\n"
               "except onnxrun.InvalidArgument as error:\n    print(error)\n")
    source = model("(bfloat16[n] x) => (bfloat16[n] y) { y = Add(x, x) }")
    ran = subprocess.run([sys.executable, "-c", program], input=source, capture_output=True,
                         check=True)
    assert ran.stdout.decode() == (
        'uint16 16384\ninput "x" is float32, expected uint16: it is bfloat16[n]; install ml_dtypes, '
        "which has bfloat16, or pass its bytes as uint16\n")
