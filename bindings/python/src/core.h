/* SPDX-License-Identifier: Apache-2.0 */
/*
 * onnxrun._core: models, sessions and tensors for Python, written for the stable ABI of CPython 3.9
 * so that one build serves every later version.
 *
 * Only what every run does is here. Whatever is rare, such as lists, strings or arrays of another
 * layout, is prepared by Python code (onnxrun/_convert.py), which also words the errors.
 */
#ifndef ONNXRUN_PYTHON_CORE_H
#define ONNXRUN_PYTHON_CORE_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x03090000
#include <Python.h>
#include <onnxrun/inspect.h>
#include <onnxrun/onnxrun.h>
#include <stdbool.h>

#define DTYPE_COUNT 29

/* What the core takes from Python, once, when it is imported. */
struct core {
    PyObject *ndarray;             /* numpy.ndarray */
    PyObject *empty;               /* numpy.empty */
    PyObject *array_struct;        /* "__array_struct__" */
    PyObject *dtypes[DTYPE_COUNT]; /* numpy's type with the bytes of an element; NULL: none */
    PyObject *exceptions;          /* dict: status -> class */
    PyObject *to_input;            /* functions of onnxrun._convert */
    PyObject *to_output;
    PyObject *unknown_name;
};
extern struct core onnxrun_core;

/* Raises the exception of the error's class, with its message; returns NULL. */
void *core_raise(const onnxrun_error *error);

/* An input while it is bound: the tensor borrows from what keep holds. */
struct core_value {
    onnxrun_tensor *tensor; /* NULL: an optional without element */
    onnxrun_tensor **items; /* [item_count] of a sequence */
    size_t item_count;
    PyObject *keep;
};

/*
 * Makes the tensor or sequence of the Python object that was given for an input, which is described
 * by info and, for Python, by description. An array that fits is borrowed. False: an exception.
 */
bool core_value_open(struct core_value *value, PyObject *object, const onnxrun_value_info *info,
                     PyObject *description);
void core_value_close(struct core_value *value);

/* Borrows an array of this element type for a run to write. False: an exception. */
bool core_target_open(struct core_value *value, PyObject *array, onnxrun_dtype dtype);

/* The elements of an array of float32, of which there must be so many. NULL: an exception. */
float *core_array_floats(PyObject *array, size_t count);

/* A new array, list or None with a copy of the tensor. NULL: an exception. */
PyObject *core_to_python(const onnxrun_tensor *tensor);

typedef onnxrun_status (*core_info_fn)(const onnxrun_model *model, size_t index,
                                       onnxrun_value_info *info, onnxrun_error *error);

/*
 * Describes count inputs or outputs: infos for C, list of tuples (name, kind, dtype, shape,
 * is_optional) for Python, index from name to position. What is made belongs to the caller, also
 * when the answer is false: an exception.
 */
bool core_keep_signature(const onnxrun_model *model, core_info_fn get, size_t count,
                         onnxrun_value_info **infos, PyObject **list, PyObject **index);

/* A dict of what the file says about itself. NULL: an exception. */
PyObject *core_model_info(const onnxrun_model *model);

/* A dict of threads, memory and instruction set. NULL: an exception. */
PyObject *core_session_stats(const onnxrun_session *session);

/*
 * Calls observer(name, op_type, domain, depth, output, begin, end, flops, read_bytes, written_bytes);
 * when that returns a function, calls it with the list of the node's outputs. False: an exception.
 */
bool core_tell_step(PyObject *observer, const onnxrun_step *step);

/* Adds the type Session to the module. */
bool core_add_session(PyObject *module);

#endif
