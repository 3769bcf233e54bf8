# SPDX-License-Identifier: Apache-2.0
"""The part of onnxrun's C interface (include/onnxrun/onnxrun.h) that the benchmarks call."""
import ctypes
from ctypes import POINTER, byref, c_char_p, c_int, c_int64, c_size_t, c_uint32, c_uint64, c_void_p

import numpy as np

DTYPES = {np.dtype(np.float32): 1, np.dtype(np.int64): 7}
MAX_RANK = 16


class Error(ctypes.Structure):
    _fields_ = [("status", c_int), ("message", ctypes.c_char * 2048)]


class ValueInfo(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("dtype", c_int), ("rank", ctypes.c_int32),
                ("dims", c_int64 * MAX_RANK), ("symbols", c_char_p * MAX_RANK),
                ("is_optional", ctypes.c_int32), ("kind", c_int)]


class SessionOptions(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("threads", c_uint32), ("memory_bytes", c_uint64),
                ("seed", c_uint64), ("keep_denormals", c_uint32), ("spin_us", c_uint32),
                ("should_stop", c_void_p),
                ("stop_user", c_void_p), ("on_step", c_void_p), ("step_user", c_void_p),
                ("on_attention", c_void_p), ("attention_user", c_void_p)]


class SessionStats(ctypes.Structure):
    _fields_ = [("struct_size", c_uint32), ("threads", c_uint32), ("live_bytes", c_uint64),
                ("peak_bytes", c_uint64), ("alloc_count", c_uint64), ("model_bytes", c_uint64),
                ("flops", c_uint64), ("isa", c_char_p)]


class Binding(ctypes.Structure):
    _fields_ = [("name", c_char_p), ("tensor", c_void_p)]


def open_library(path):
    """libonnxrun with the types of what follows declared."""
    library = ctypes.CDLL(str(path))
    for name, types in {
            "onnxrun_model_load": (c_char_p, c_void_p, POINTER(c_void_p), POINTER(Error)),
            "onnxrun_model_output_info": (c_void_p, c_size_t, POINTER(ValueInfo), POINTER(Error)),
            "onnxrun_session_create": (c_void_p, POINTER(SessionOptions), POINTER(c_void_p),
                                       POINTER(Error)),
            "onnxrun_session_run": (c_void_p, POINTER(Binding), c_size_t, POINTER(Binding),
                                    c_size_t, POINTER(Error)),
            "onnxrun_tensor_wrap": (c_int, c_size_t, POINTER(c_int64), c_void_p, c_size_t,
                                    POINTER(c_void_p), POINTER(Error))}.items():
        getattr(library, name).argtypes = types
    library.onnxrun_model_output_count.argtypes = (c_void_p,)
    library.onnxrun_model_output_count.restype = c_size_t
    library.onnxrun_session_get_stats.argtypes = (c_void_p, POINTER(SessionStats))
    library.onnxrun_session_get_stats.restype = None
    library.onnxrun_tensor_data.argtypes = (c_void_p,)
    library.onnxrun_tensor_data.restype = c_void_p
    library.onnxrun_tensor_bytes.argtypes = (c_void_p,)
    library.onnxrun_tensor_bytes.restype = c_size_t
    return library


class Session:
    """A model and a session on it; run() computes all outputs from arrays that stay in place."""

    def __init__(self, library_path, model_path, inputs, threads):
        self.library = open_library(library_path)
        self.error = Error()
        model = c_void_p()
        self.check(self.library.onnxrun_model_load(str(model_path).encode(), None, byref(model),
                                                   byref(self.error)))
        self.inputs = (Binding * len(inputs))()
        self.arrays = list(inputs.values())
        for binding, (name, array) in zip(self.inputs, inputs.items(), strict=True):
            binding.name, binding.tensor = name.encode(), self.wrap(array)
        count = self.library.onnxrun_model_output_count(model)
        self.outputs = (Binding * count)()
        for index, binding in enumerate(self.outputs):
            info = ValueInfo()
            self.check(self.library.onnxrun_model_output_info(model, index, byref(info),
                                                              byref(self.error)))
            binding.name = info.name
        options = SessionOptions(struct_size=ctypes.sizeof(SessionOptions), threads=threads)
        self.session = c_void_p()
        self.check(self.library.onnxrun_session_create(model, byref(options), byref(self.session),
                                                       byref(self.error)))

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.error.message.decode())

    def wrap(self, array):
        tensor = c_void_p()
        self.check(self.library.onnxrun_tensor_wrap(
            DTYPES[array.dtype], array.ndim, (c_int64 * array.ndim)(*array.shape),
            array.ctypes.data, array.nbytes, byref(tensor), byref(self.error)))
        return tensor

    def run(self):
        for binding in self.outputs:
            binding.tensor = None  # the session's own, valid until the next run
        self.check(self.library.onnxrun_session_run(self.session, self.inputs, len(self.inputs),
                                                    self.outputs, len(self.outputs),
                                                    byref(self.error)))

    def first_output(self):
        """The first output, float32, as a flat copy."""
        tensor = self.outputs[0].tensor
        data = ctypes.string_at(self.library.onnxrun_tensor_data(tensor),
                                self.library.onnxrun_tensor_bytes(tensor))
        return np.frombuffer(data, np.float32)

    def isa(self):
        stats = SessionStats(struct_size=ctypes.sizeof(SessionStats))
        self.library.onnxrun_session_get_stats(self.session, byref(stats))
        return stats.isa.decode()
