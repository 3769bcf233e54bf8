/* SPDX-License-Identifier: Apache-2.0 */
/*
 * numpy arrays and tensors. Arrays are read through the attribute __array_struct__, which numpy
 * promises to keep, rather than through numpy's C interface, which changes with its version.
 */
#include "core.h"

#include <string.h>

/* What the capsule of __array_struct__ points to. */
struct array_interface {
    int two; /* always 2 */
    int rank;
    char kind; /* 'f', 'i', 'u', 'b', 'c', ... */
    int item_bytes;
    int flags;
    Py_ssize_t *shape;
    Py_ssize_t *strides;
    void *data;
    PyObject *description;
};

enum { CONTIGUOUS = 0x1, ALIGNED = 0x100, NATIVE = 0x200 };
#define READABLE (CONTIGUOUS | ALIGNED | NATIVE)

/* Releasing the GIL pays from about here on. */
#define LONG_COPY_BYTES ((size_t)1 << 20)

/* Kind of numpy's type for those types that numpy has itself; 0 for others. */
static char kind_of(onnxrun_dtype dtype)
{
    switch (dtype) {
    case ONNXRUN_FLOAT16:
    case ONNXRUN_FLOAT:
    case ONNXRUN_DOUBLE:
        return 'f';
    case ONNXRUN_INT8:
    case ONNXRUN_INT16:
    case ONNXRUN_INT32:
    case ONNXRUN_INT64:
        return 'i';
    case ONNXRUN_UINT8:
    case ONNXRUN_UINT16:
    case ONNXRUN_UINT32:
    case ONNXRUN_UINT64:
        return 'u';
    case ONNXRUN_BOOL:
        return 'b';
    case ONNXRUN_COMPLEX64:
    case ONNXRUN_COMPLEX128:
        return 'c';
    default:
        return 0;
    }
}

/* The array's interface, whose capsule holds the array; NULL: an exception. */
static const struct array_interface *array_interface(PyObject *array, PyObject **capsule)
{
    *capsule = PyObject_GetAttr(array, onnxrun_core.array_struct);
    return *capsule != NULL ? PyCapsule_GetPointer(*capsule, NULL) : NULL;
}

static bool wrap(const struct array_interface *array, onnxrun_dtype dtype, onnxrun_tensor **tensor)
{
    int64_t dims[ONNXRUN_MAX_RANK];
    size_t bytes = (size_t)array->item_bytes;
    onnxrun_error error;
    for (int i = 0; i < array->rank; i++) {
        dims[i] = array->shape[i];
        bytes *= (size_t)array->shape[i];
    }
    if (onnxrun_tensor_wrap(dtype, (size_t)array->rank, dims, array->data, bytes, tensor, &error) !=
        ONNXRUN_OK) {
        core_raise(&error);
        return false;
    }
    return true;
}

/*
 * Borrows an array of at most this rank as it is; kind 0: of any kind. *fits is false, without
 * exception, for another.
 */
static bool borrow(struct core_value *value, PyObject *array, onnxrun_dtype dtype, char kind,
                   int max_rank, bool *fits)
{
    PyObject *capsule;
    const struct array_interface *info = array_interface(array, &capsule);
    bool is_ok = info != NULL;
    *fits = is_ok && (kind == 0 || info->kind == kind) &&
            (size_t)info->item_bytes == onnxrun_dtype_size(dtype) &&
            (info->flags & READABLE) == READABLE && info->rank <= max_rank;
    if (*fits) {
        is_ok = wrap(info, dtype, &value->tensor);
    }
    Py_XDECREF(capsule);
    return is_ok;
}

float *core_array_floats(PyObject *array, size_t count)
{
    PyObject *capsule;
    const struct array_interface *info = array_interface(array, &capsule);
    float *data = NULL;
    size_t product = 1;
    for (int i = 0; info != NULL && i < info->rank; i++) {
        product *= (size_t)info->shape[i];
    }
    if (info != NULL && info->kind == 'f' && (size_t)info->item_bytes == sizeof *data &&
        (info->flags & READABLE) == READABLE && product == count) {
        data = info->data;
    } else if (info != NULL) {
        PyErr_SetString(PyExc_SystemError, "onnxrun: the array for weights does not fit");
    }
    Py_XDECREF(capsule);
    return data;
}

/* Fills a new tensor with the bytes objects of a list, which keep holds. */
static bool open_strings(onnxrun_tensor **tensor, PyObject *shape, PyObject *list)
{
    int64_t dims[ONNXRUN_MAX_RANK];
    onnxrun_error error;
    Py_ssize_t rank = PyTuple_Size(shape);
    for (Py_ssize_t i = 0; i < rank && i < ONNXRUN_MAX_RANK; i++) {
        dims[i] = PyLong_AsLongLong(PyTuple_GetItem(shape, i));
    }
    if (PyErr_Occurred()) {
        return false;
    }
    if (onnxrun_tensor_create(ONNXRUN_STRING, (size_t)rank, dims, tensor, &error) != ONNXRUN_OK) {
        core_raise(&error);
        return false;
    }
    onnxrun_string *strings = onnxrun_tensor_mutable_data(*tensor);
    for (Py_ssize_t i = 0; i < PyList_Size(list); i++) {
        Py_ssize_t length;
        char *bytes;
        if (PyBytes_AsStringAndSize(PyList_GetItem(list, i), &bytes, &length) != 0) {
            return false;
        }
        strings[i] = (onnxrun_string){.data = bytes, .length = (size_t)length};
    }
    return true;
}

/* One tensor as onnxrun._convert prepares it: (dtype, array) or (dtype, shape, [bytes]). */
static bool open_prepared(onnxrun_tensor **tensor, PyObject *prepared)
{
    struct core_value value = {.tensor = NULL};
    bool fits = false;
    long dtype = PyLong_AsLong(PyTuple_GetItem(prepared, 0));
    if (PyTuple_Size(prepared) == 3) {
        return open_strings(tensor, PyTuple_GetItem(prepared, 1), PyTuple_GetItem(prepared, 2));
    }
    if (!borrow(&value, PyTuple_GetItem(prepared, 1), (onnxrun_dtype)dtype, 0, ONNXRUN_MAX_RANK,
                &fits)) {
        return false;
    }
    if (!fits) {
        PyErr_SetString(PyExc_SystemError, "onnxrun: the prepared array does not fit");
        return false;
    }
    *tensor = value.tensor;
    return true;
}

static bool open_sequence(struct core_value *value, PyObject *prepared)
{
    PyObject *list = PyTuple_GetItem(prepared, 1);
    size_t count = (size_t)PyList_Size(list);
    onnxrun_dtype dtype = (onnxrun_dtype)PyLong_AsLong(PyTuple_GetItem(prepared, 0));
    onnxrun_error error;
    value->items = PyMem_Calloc(count + 1, sizeof(onnxrun_tensor *));
    if (value->items == NULL) {
        PyErr_NoMemory();
        return false;
    }
    value->item_count = count;
    for (size_t i = 0; i < count; i++) {
        if (!open_prepared(&value->items[i], PyList_GetItem(list, (Py_ssize_t)i))) {
            return false;
        }
    }
    if (onnxrun_sequence_create(dtype, (const onnxrun_tensor *const *)value->items, count,
                                &value->tensor, &error) != ONNXRUN_OK) {
        core_raise(&error);
        return false;
    }
    return true;
}

/* Has Python code check and prepare what is no array that can be borrowed as it is. */
static bool open_any(struct core_value *value, PyObject *object, PyObject *description)
{
    value->keep = PyObject_CallFunctionObjArgs(onnxrun_core.to_input, object, description, NULL);
    if (value->keep == NULL) {
        return false;
    }
    if (value->keep == Py_None) {
        return true;
    }
    bool is_sequence =
        PyTuple_Size(value->keep) == 2 && PyList_Check(PyTuple_GetItem(value->keep, 1));
    return is_sequence ? open_sequence(value, value->keep)
                       : open_prepared(&value->tensor, value->keep);
}

bool core_value_open(struct core_value *value, PyObject *object, const onnxrun_value_info *info,
                     PyObject *description)
{
    bool is_tensor = info->kind == ONNXRUN_KIND_TENSOR || info->kind == ONNXRUN_KIND_OPTIONAL;
    char kind = is_tensor ? kind_of(info->dtype) : 0;
    *value = (struct core_value){.tensor = NULL};
    if (kind != 0 && PyObject_IsInstance(object, onnxrun_core.ndarray) == 1) {
        bool fits = false;
        /* Python code makes scalars of arrays that have one element. */
        int max_rank = info->rank == 0 ? 0 : ONNXRUN_MAX_RANK;
        if (!borrow(value, object, info->dtype, kind, max_rank, &fits)) {
            return false;
        }
        if (fits) {
            Py_INCREF(object);
            value->keep = object;
            return true;
        }
    }
    return !PyErr_Occurred() && open_any(value, object, description);
}

bool core_target_open(struct core_value *value, PyObject *array, onnxrun_dtype dtype)
{
    bool fits = false;
    *value = (struct core_value){.tensor = NULL};
    if (!borrow(value, array, dtype, 0, ONNXRUN_MAX_RANK, &fits)) {
        return false;
    }
    if (!fits) {
        PyErr_SetString(PyExc_SystemError, "onnxrun: the prepared memory does not fit");
        return false;
    }
    Py_INCREF(array);
    value->keep = array;
    return true;
}

void core_value_close(struct core_value *value)
{
    onnxrun_tensor_free(value->tensor);
    for (size_t i = 0; i < value->item_count; i++) {
        onnxrun_tensor_free(value->items[i]);
    }
    PyMem_Free(value->items);
    Py_XDECREF(value->keep);
    *value = (struct core_value){.tensor = NULL};
}

/* ---- outputs ---- */

static PyObject *shape_of(const onnxrun_tensor *tensor)
{
    size_t rank = onnxrun_tensor_rank(tensor);
    PyObject *shape = PyTuple_New((Py_ssize_t)rank);
    for (size_t i = 0; shape != NULL && i < rank; i++) {
        PyObject *dim = PyLong_FromLongLong(onnxrun_tensor_dims(tensor)[i]);
        if (dim == NULL || PyTuple_SetItem(shape, (Py_ssize_t)i, dim) != 0) {
            Py_CLEAR(shape);
        }
    }
    return shape;
}

static void copy_bytes(void *to, const void *from, size_t bytes)
{
    if (bytes >= LONG_COPY_BYTES) {
        Py_BEGIN_ALLOW_THREADS memcpy(to, from, bytes);
        Py_END_ALLOW_THREADS
    } else if (bytes > 0) {
        memcpy(to, from, bytes);
    }
}

static PyObject *array_of(const onnxrun_tensor *tensor, PyObject *shape)
{
    PyObject *type = onnxrun_core.dtypes[onnxrun_tensor_dtype(tensor)];
    PyObject *array = PyObject_CallFunctionObjArgs(onnxrun_core.empty, shape, type, NULL);
    PyObject *capsule = NULL;
    const struct array_interface *info = array != NULL ? array_interface(array, &capsule) : NULL;
    if (info != NULL) {
        copy_bytes(info->data, onnxrun_tensor_data(tensor), onnxrun_tensor_bytes(tensor));
    } else {
        Py_CLEAR(array);
    }
    Py_XDECREF(capsule);
    return array;
}

/* A list of str; bytes that are no UTF-8 come back as they went in, as lone surrogates. */
static PyObject *list_of_strings(const onnxrun_tensor *tensor)
{
    const onnxrun_string *strings = onnxrun_tensor_data(tensor);
    size_t count = onnxrun_tensor_count(tensor);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        const char *data = strings[i].length > 0 ? strings[i].data : "";
        PyObject *text =
            PyUnicode_DecodeUTF8(data, (Py_ssize_t)strings[i].length, "surrogateescape");
        if (text == NULL || PyList_SetItem(list, (Py_ssize_t)i, text) != 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

static PyObject *tensor_to_python(const onnxrun_tensor *tensor)
{
    onnxrun_dtype dtype = onnxrun_tensor_dtype(tensor);
    PyObject *shape = shape_of(tensor);
    PyObject *result = NULL;
    if (shape != NULL) {
        result = dtype == ONNXRUN_STRING ? list_of_strings(tensor) : array_of(tensor, shape);
    }
    if (result != NULL && kind_of(dtype) == 0) {
        PyObject *raw = result;
        PyObject *number = PyLong_FromLong(dtype);
        result = number != NULL ? PyObject_CallFunctionObjArgs(onnxrun_core.to_output, number,
                                                               shape, raw, NULL)
                                : NULL;
        Py_XDECREF(number);
        Py_DECREF(raw);
    }
    Py_XDECREF(shape);
    return result;
}

PyObject *core_to_python(const onnxrun_tensor *tensor)
{
    if (tensor == NULL) {
        Py_RETURN_NONE;
    }
    if (onnxrun_tensor_kind(tensor) == ONNXRUN_KIND_TENSOR) {
        return tensor_to_python(tensor);
    }
    size_t count = onnxrun_tensor_count(tensor);
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *item = tensor_to_python(onnxrun_sequence_at(tensor, i));
        if (item == NULL || PyList_SetItem(list, (Py_ssize_t)i, item) != 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}
