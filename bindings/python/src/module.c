/* SPDX-License-Identifier: Apache-2.0 */
/* The module onnxrun._core: its functions, and what it takes from Python. */
#include "core.h"

#include <string.h>

struct core onnxrun_core;

void *core_raise(const onnxrun_error *error)
{
    PyObject *number = PyLong_FromLong(error->status);
    PyObject *type = number != NULL ? PyDict_GetItem(onnxrun_core.exceptions, number) : NULL;
    PyErr_SetString(type != NULL ? type : PyExc_RuntimeError, error->message);
    Py_XDECREF(number);
    return NULL;
}

static PyObject *version(PyObject *module, PyObject *unused)
{
    uint32_t number = onnxrun_version();
    (void)module;
    (void)unused;
    return PyUnicode_FromFormat("%u.%u.%u", (unsigned)(number >> 16), (unsigned)(number >> 8 & 255),
                                (unsigned)(number & 255));
}

static PyObject *dtype_name(PyObject *module, PyObject *number)
{
    (void)module;
    return PyUnicode_FromString(onnxrun_dtype_name((onnxrun_dtype)PyLong_AsLong(number)));
}

/* describe(path: bytes, stage: int, format: int, names: list[bytes], values: list[int]) -> str */
static PyObject *describe(PyObject *module, PyObject *args)
{
    const char *path;
    int stage, format;
    PyObject *names, *values, *result = NULL;
    char *text = NULL;
    onnxrun_error error;
    (void)module;
    if (!PyArg_ParseTuple(args, "yiiO!O!", &path, &stage, &format, &PyList_Type, &names,
                          &PyList_Type, &values)) {
        return NULL;
    }
    size_t count = (size_t)PyList_Size(names);
    onnxrun_dim *dims = PyMem_Calloc(count + 1, sizeof *dims);
    if (dims == NULL) {
        return PyErr_NoMemory();
    }
    for (size_t i = 0; i < count; i++) {
        dims[i].name = PyBytes_AsString(PyList_GetItem(names, (Py_ssize_t)i));
        dims[i].value = PyLong_AsLongLong(PyList_GetItem(values, (Py_ssize_t)i));
    }
    if (!PyErr_Occurred()) {
        (void)onnxrun_describe(path, (onnxrun_stage)stage, (onnxrun_format)format, dims, count,
                               &text, &error);
        if (text != NULL) { /* also of a model that is not supported, for the stage passes */
            result = PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
        } else {
            core_raise(&error);
        }
        onnxrun_text_free(text);
    }
    PyMem_Free(dims);
    return result;
}

/* What one function of Python's side gives; a new reference, or NULL with an exception. */
static PyObject *take(const char *module_name, const char *name)
{
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *object = module != NULL ? PyObject_GetAttrString(module, name) : NULL;
    Py_XDECREF(module);
    return object;
}

static bool take_dtypes(void)
{
    PyObject *list = take("onnxrun._dtypes", "CARRIERS");
    for (Py_ssize_t i = 0; list != NULL && i < DTYPE_COUNT; i++) {
        PyObject *dtype = PyList_GetItem(list, i);
        Py_XINCREF(dtype);
        onnxrun_core.dtypes[i] = dtype;
    }
    Py_XDECREF(list);
    return !PyErr_Occurred();
}

static bool take_all(void)
{
    struct core *core = &onnxrun_core;
    core->ndarray = take("numpy", "ndarray");
    core->empty = take("numpy", "empty");
    core->array_struct = PyUnicode_InternFromString("__array_struct__");
    core->exceptions = take("onnxrun._errors", "BY_STATUS");
    core->to_input = take("onnxrun._convert", "to_input");
    core->to_output = take("onnxrun._convert", "to_output");
    core->unknown_name = take("onnxrun._convert", "unknown_name");
    return !PyErr_Occurred() && take_dtypes();
}

static PyMethodDef functions[] = {{"version", version, METH_NOARGS, NULL},
                                  {"dtype_name", dtype_name, METH_O, NULL},
                                  {"describe", describe, METH_VARARGS, NULL},
                                  {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {.m_base = PyModuleDef_HEAD_INIT,
                                        .m_name = "onnxrun._core",
                                        .m_size = -1,
                                        .m_methods = functions};

PyMODINIT_FUNC PyInit__core(void);
PyMODINIT_FUNC PyInit__core(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && (!take_all() || !core_add_session(module))) {
        Py_CLEAR(module);
    }
    return module;
}
