/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a model, a session and a step of a run, as Python objects. */
#include "core.h"

static PyObject *shape_to_python(const onnxrun_value_info *info)
{
    if (info->rank < 0) {
        Py_RETURN_NONE;
    }
    PyObject *shape = PyTuple_New(info->rank);
    for (int i = 0; shape != NULL && i < info->rank; i++) {
        PyObject *dim = info->dims[i] >= 0         ? PyLong_FromLongLong(info->dims[i])
                        : info->symbols[i] != NULL ? PyUnicode_FromString(info->symbols[i])
                                                   : Py_BuildValue("");
        if (dim == NULL || PyTuple_SetItem(shape, i, dim) != 0) {
            Py_CLEAR(shape);
        }
    }
    return shape;
}

static PyObject *info_to_python(const onnxrun_value_info *info)
{
    PyObject *shape = shape_to_python(info);
    return shape == NULL ? NULL
                         : Py_BuildValue("siiNO", info->name, (int)info->kind, (int)info->dtype,
                                         shape, info->is_optional != 0 ? Py_True : Py_False);
}

bool core_keep_signature(const onnxrun_model *model, core_info_fn get, size_t count,
                         onnxrun_value_info **infos, PyObject **list, PyObject **index)
{
    *infos = PyMem_Calloc(count + 1, sizeof **infos);
    *list = PyTuple_New((Py_ssize_t)count);
    *index = PyDict_New();
    if (*infos == NULL || *list == NULL || *index == NULL) {
        return PyErr_NoMemory() != NULL;
    }
    for (size_t i = 0; i < count; i++) {
        (void)get(model, i, &(*infos)[i], NULL);
        PyObject *info = info_to_python(&(*infos)[i]);
        PyObject *at = PyLong_FromSize_t(i);
        bool is_ok =
            info != NULL && at != NULL && PyDict_SetItem(*index, PyTuple_GetItem(info, 0), at) == 0;
        Py_XDECREF(at);
        if (!is_ok) {
            Py_XDECREF(info);
            return false;
        }
        (void)PyTuple_SetItem(*list, (Py_ssize_t)i, info);
    }
    return true;
}

PyObject *core_model_info(const onnxrun_model *model)
{
    onnxrun_model_info info = {.struct_size = sizeof info};
    onnxrun_model_get_info(model, &info);
    PyObject *metadata = PyDict_New();
    for (size_t i = 0; metadata != NULL && i < info.metadata_count; i++) {
        const char *key, *value;
        (void)onnxrun_model_metadata(model, i, &key, &value, NULL);
        PyObject *text = PyUnicode_FromString(value);
        if (text == NULL || PyDict_SetItemString(metadata, key, text) != 0) {
            Py_CLEAR(metadata);
        }
        Py_XDECREF(text);
    }
    if (metadata == NULL) {
        return NULL;
    }
    return Py_BuildValue("{sLsLsssssssssssssN}", "ir_version", (long long)info.ir_version,
                         "version", (long long)info.model_version, "producer_name",
                         info.producer_name, "producer_version", info.producer_version, "domain",
                         info.domain, "description", info.description, "graph_name",
                         info.graph_name, "graph_description", info.graph_description,
                         "custom_metadata_map", metadata);
}

PyObject *core_session_stats(const onnxrun_session *session)
{
    onnxrun_session_stats stats = {.struct_size = sizeof stats};
    onnxrun_session_get_stats(session, &stats);
    return Py_BuildValue("{sIsKsKsKsKss}", "threads", stats.threads, "live_bytes",
                         (unsigned long long)stats.live_bytes, "peak_bytes",
                         (unsigned long long)stats.peak_bytes, "model_bytes",
                         (unsigned long long)stats.model_bytes, "flops",
                         (unsigned long long)stats.flops, "isa", stats.isa);
}

static PyObject *step_outputs(const onnxrun_step *step)
{
    PyObject *list = PyList_New((Py_ssize_t)step->output_count);
    for (size_t i = 0; list != NULL && i < step->output_count; i++) {
        PyObject *output = core_to_python(step->outputs[i]);
        if (output == NULL || PyList_SetItem(list, (Py_ssize_t)i, output) != 0) {
            Py_CLEAR(list);
        }
    }
    return list;
}

bool core_tell_step(PyObject *observer, const onnxrun_step *step)
{
    PyObject *taker = PyObject_CallFunction(
        observer, "sssIsddKKK", step->name, step->op_type, step->domain, (unsigned)step->depth,
        step->output_name, step->begin, step->end, (unsigned long long)step->flops,
        (unsigned long long)step->read_bytes, (unsigned long long)step->written_bytes);
    if (taker == NULL || taker == Py_None) {
        Py_XDECREF(taker);
        return taker != NULL;
    }
    PyObject *outputs = step_outputs(step);
    PyObject *result = NULL;
    if (outputs != NULL) {
        result = PyObject_CallFunctionObjArgs(taker, outputs, NULL);
    }
    Py_XDECREF(outputs);
    Py_DECREF(taker);
    Py_XDECREF(result);
    return result != NULL;
}
