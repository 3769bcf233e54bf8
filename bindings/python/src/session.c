/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The type Session: a model and the sessions of the C interface that run it. Each of these serves
 * one thread at a time: a run takes one that is idle, or makes another, so that Python threads can
 * run the same Session at once.
 */
#include "context.h"

typedef struct {
    PyObject ob_base;
    onnxrun_model *model;
    PyObject *bytes; /* what the model was loaded from, which borrows it */
    onnxrun_session_options options;
    onnxrun_value_info *inputs;  /* [input_count] */
    onnxrun_value_info *outputs; /* [output_count] */
    size_t input_count;
    size_t output_count;
    PyObject *input_list, *output_list;   /* of core_keep_signature */
    PyObject *input_index, *output_index; /* dicts: name -> position */
    struct core_context *idle[CORE_WATCH_COUNT];
} Session;

/* ---- contexts ---- */

static struct core_context *context_take(Session *self, enum core_watch watch)
{
    struct core_context *taken = self->idle[watch];
    if (taken == NULL) {
        return core_context_new(self->model, &self->options, self->input_count, self->output_count,
                                watch);
    }
    self->idle[watch] = taken->next;
    return taken;
}

static void context_give_back(Session *self, struct core_context *context, enum core_watch watch)
{
    context->next = self->idle[watch];
    self->idle[watch] = context;
}

/* ---- runs ---- */

/* Position of the name in the dict; -1: an exception. */
static Py_ssize_t position(PyObject *index, const char *what, PyObject *name, PyObject *list)
{
    PyObject *found = PyDict_GetItemWithError(index, name);
    if (found != NULL) {
        return PyLong_AsSsize_t(found);
    }
    if (!PyErr_Occurred()) {
        Py_XDECREF(PyObject_CallFunction(onnxrun_core.unknown_name, "sOO", what, name, list));
    }
    return -1;
}

static bool bind_input(Session *self, struct core_context *context, size_t i, PyObject *name,
                       PyObject *value)
{
    Py_ssize_t at = position(self->input_index, "input", name, self->input_list);
    if (at < 0) {
        return false;
    }
    if (!core_value_open(&context->values[i], value, &self->inputs[at],
                         PyTuple_GetItem(self->input_list, at))) {
        return false;
    }
    context->inputs[i] =
        (onnxrun_binding){.name = self->inputs[at].name, .tensor = context->values[i].tensor};
    return true;
}

static bool bind_inputs(Session *self, struct core_context *context, PyObject *feed, size_t *count)
{
    Py_ssize_t cursor = 0;
    PyObject *name, *value;
    while (PyDict_Next(feed, &cursor, &name, &value)) {
        if (*count == self->input_count) {
            Py_XDECREF(PyObject_CallFunction(onnxrun_core.unknown_name, "sOO", "input", feed,
                                             self->input_list));
            return false;
        }
        /* The dict may change when Python code looks at the value. */
        Py_INCREF(name);
        Py_INCREF(value);
        *count += 1;
        bool is_bound = bind_input(self, context, *count - 1, name, value);
        Py_DECREF(name);
        Py_DECREF(value);
        if (!is_bound) {
            return false;
        }
    }
    return true;
}

static bool bind_outputs(Session *self, struct core_context *context, PyObject *names,
                         size_t *count)
{
    *count = names == Py_None ? self->output_count : (size_t)PyList_Size(names);
    if (*count > self->output_count) { /* names that are repeated */
        onnxrun_binding *more = PyMem_Realloc(context->outputs, *count * sizeof *more);
        if (more == NULL) {
            return PyErr_NoMemory() != NULL;
        }
        context->outputs = more;
    }
    for (size_t i = 0; i < *count; i++) {
        Py_ssize_t at = (Py_ssize_t)i;
        if (names != Py_None) {
            at = position(self->output_index, "output", PyList_GetItem(names, at),
                          self->output_list);
        }
        if (at < 0) {
            return false;
        }
        context->outputs[i] = (onnxrun_binding){.name = self->outputs[at].name};
    }
    return true;
}

/* Has outputs written to the arrays of a list, of which those that are None are not there. */
static bool bind_targets(Session *self, struct core_context *context, PyObject *targets,
                         size_t output_count)
{
    for (size_t i = 0; i < output_count && i < self->output_count; i++) {
        PyObject *target = PyList_GetItem(targets, (Py_ssize_t)i);
        context->targets[i] = (struct core_value){.tensor = NULL};
        context->target_count = i + 1;
        if (target == NULL) {
            return false;
        }
        if (target != Py_None) {
            const char *name = context->outputs[i].name;
            size_t at = 0;
            while (self->outputs[at].name != name) {
                at++;
            }
            if (!core_target_open(&context->targets[i], target, self->outputs[at].dtype)) {
                return false;
            }
            context->outputs[i].tensor = context->targets[i].tensor;
        }
    }
    return true;
}

/* What was written to a target is None. */
static PyObject *collect(const struct core_context *context, size_t count)
{
    PyObject *results = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; results != NULL && i < count; i++) {
        bool is_target = i < context->target_count && context->targets[i].tensor != NULL;
        PyObject *result = core_to_python(is_target ? NULL : context->outputs[i].tensor);
        if (result == NULL || PyList_SetItem(results, (Py_ssize_t)i, result) != 0) {
            Py_CLEAR(results);
        }
    }
    return results;
}

static PyObject *run_bound(struct core_context *context, size_t input_count, size_t output_count)
{
    onnxrun_error error;
    onnxrun_status status = core_context_run(context, input_count, output_count, &error);
    if (PyErr_Occurred()) {
        return NULL;
    }
    return status == ONNXRUN_OK ? collect(context, output_count) : core_raise(&error);
}

/* Runs in a context that has been taken for it. targets: see bind_targets, or None. */
static PyObject *run_in(Session *self, struct core_context *context, PyObject *names,
                        PyObject *feed, PyObject *targets)
{
    size_t input_count = 0, output_count = 0;
    context->target_count = 0;
    PyObject *results = NULL;
    if (bind_outputs(self, context, names, &output_count) &&
        (targets == Py_None || bind_targets(self, context, targets, output_count)) &&
        bind_inputs(self, context, feed, &input_count)) {
        results = run_bound(context, input_count, output_count);
    }
    for (size_t i = 0; i < input_count; i++) {
        core_value_close(&context->values[i]);
    }
    for (size_t i = 0; i < context->target_count; i++) {
        core_value_close(&context->targets[i]);
    }
    return results;
}

static PyObject *session_run(PyObject *object, PyObject *args)
{
    Session *self = (Session *)object;
    PyObject *names, *feed, *run_options, *observer, *targets;
    if (!PyArg_ParseTuple(args, "OO!OOO", &names, &PyDict_Type, &feed, &run_options, &observer,
                          &targets)) {
        return NULL;
    }
    enum core_watch watch = observer != Py_None ? CORE_WATCH_STEPS : CORE_WATCH_NOTHING;
    struct core_context *context = context_take(self, watch);
    if (context == NULL) {
        return NULL;
    }
    context->run_options = run_options;
    context->observer = observer;
    PyObject *results = run_in(self, context, names, feed, targets);
    context_give_back(self, context, watch);
    return results;
}

/* attend(names, feed, run_options, maker, is_mean) */
static PyObject *session_attend(PyObject *object, PyObject *args)
{
    Session *self = (Session *)object;
    PyObject *names, *feed, *run_options, *maker;
    int is_mean;
    if (!PyArg_ParseTuple(args, "OO!OOp", &names, &PyDict_Type, &feed, &run_options, &maker,
                          &is_mean)) {
        return NULL;
    }
    struct core_context *context = context_take(self, CORE_WATCH_ATTENTION);
    if (context == NULL) {
        return NULL;
    }
    context->run_options = run_options;
    context->weights = (struct core_weights){.maker = maker, .is_mean = is_mean != 0};
    PyObject *results = run_in(self, context, names, feed, Py_None);
    core_weights_end(&context->weights);
    context_give_back(self, context, CORE_WATCH_ATTENTION);
    return results;
}

/* ---- what is known of the model ---- */

static PyObject *session_info(PyObject *object, PyObject *unused)
{
    (void)unused;
    return core_model_info(((Session *)object)->model);
}

/* Of the session that ran last. */
static PyObject *session_stats(PyObject *object, PyObject *unused)
{
    Session *self = (Session *)object;
    (void)unused;
    struct core_context *context = context_take(self, CORE_WATCH_NOTHING);
    if (context == NULL) {
        return NULL;
    }
    PyObject *stats = core_session_stats(context->session);
    context_give_back(self, context, CORE_WATCH_NOTHING);
    return stats;
}

static PyObject *session_signature(PyObject *object, PyObject *unused)
{
    Session *self = (Session *)object;
    (void)unused;
    return Py_BuildValue("(OO)", self->input_list, self->output_list);
}

/* ---- life ---- */

static void session_dealloc(PyObject *object)
{
    Session *self = (Session *)object;
    PyTypeObject *type = Py_TYPE(object);
    for (int i = 0; i < CORE_WATCH_COUNT; i++) {
        while (self->idle[i] != NULL) {
            core_context_free(context_take(self, (enum core_watch)i));
        }
    }
    onnxrun_model_free(self->model);
    PyMem_Free(self->inputs);
    PyMem_Free(self->outputs);
    Py_XDECREF(self->bytes);
    Py_XDECREF(self->input_list);
    Py_XDECREF(self->output_list);
    Py_XDECREF(self->input_index);
    Py_XDECREF(self->output_index);
    freefunc free_object = (freefunc)PyType_GetSlot(type, Py_tp_free);
    free_object(object);
    Py_DECREF(type);
}

/* Loads without the GIL. */
static bool load(Session *self, PyObject *source, bool is_path,
                 const onnxrun_model_options *options)
{
    char *bytes;
    Py_ssize_t size;
    onnxrun_error error;
    onnxrun_status status;
    if (PyBytes_AsStringAndSize(source, &bytes, is_path ? NULL : &size) != 0) {
        return false;
    }
    Py_INCREF(source);
    self->bytes = source;
    Py_BEGIN_ALLOW_THREADS status =
        is_path ? onnxrun_model_load(bytes, options, &self->model, &error)
                : onnxrun_model_load_memory(bytes, (size_t)size, options, &self->model, &error);
    Py_END_ALLOW_THREADS return status == ONNXRUN_OK || core_raise(&error) != NULL;
}

static bool prepare(Session *self)
{
    const onnxrun_model *model = self->model;
    self->input_count = onnxrun_model_input_count(model);
    self->output_count = onnxrun_model_output_count(model);
    if (!core_keep_signature(model, onnxrun_model_input_info, self->input_count, &self->inputs,
                             &self->input_list, &self->input_index) ||
        !core_keep_signature(model, onnxrun_model_output_info, self->output_count, &self->outputs,
                             &self->output_list, &self->output_index)) {
        return false;
    }
    struct core_context *first = context_take(self, CORE_WATCH_NOTHING);
    if (first != NULL) {
        context_give_back(self, first, CORE_WATCH_NOTHING);
    }
    return first != NULL;
}

/* Session(source: bytes, is_path, threads, memory_bytes, seed, keep_denormals, no_fusion, spin_us,
 *         (file_bytes, parse_bytes, fold_bytes, node_count, name_bytes, loop_count)) */
static PyObject *session_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PyObject *source;
    int is_path, keep_denormals, no_fusion;
    unsigned threads, spin_us, node_count, name_bytes;
    unsigned long long memory_bytes, seed, file_bytes, parse_bytes, fold_bytes, loop_count;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "O!pIKKppI(KKKIIK)", &PyBytes_Type, &source, &is_path, &threads,
                          &memory_bytes, &seed, &keep_denormals, &no_fusion, &spin_us, &file_bytes,
                          &parse_bytes, &fold_bytes, &node_count, &name_bytes, &loop_count)) {
        return NULL;
    }
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Session *self = (Session *)allocate(type, 0);
    if (self == NULL) {
        return NULL;
    }
    onnxrun_model_options model = ONNXRUN_MODEL_OPTIONS_INIT;
    model.threads = threads;
    model.no_fusion = (uint32_t)no_fusion;
    model.limits = (onnxrun_limits){.file_bytes = file_bytes,
                                    .parse_bytes = parse_bytes,
                                    .memory_bytes = memory_bytes,
                                    .fold_bytes = fold_bytes,
                                    .node_count = node_count,
                                    .name_bytes = name_bytes,
                                    .loop_count = loop_count};
    self->options = (onnxrun_session_options)ONNXRUN_SESSION_OPTIONS_INIT;
    self->options.threads = threads;
    self->options.seed = seed;
    self->options.keep_denormals = (uint32_t)keep_denormals;
    self->options.spin_us = spin_us;
    if (!load(self, source, is_path != 0, &model) || !prepare(self)) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static PyMethodDef methods[] = {{"run", session_run, METH_VARARGS, NULL},
                                {"attend", session_attend, METH_VARARGS, NULL},
                                {"signature", session_signature, METH_NOARGS, NULL},
                                {"info", session_info, METH_NOARGS, NULL},
                                {"stats", session_stats, METH_NOARGS, NULL},
                                {NULL, NULL, 0, NULL}};

static PyType_Slot slots[] = {{Py_tp_new, (void *)session_new},
                              {Py_tp_dealloc, (void *)session_dealloc},
                              {Py_tp_methods, methods},
                              {0, NULL}};

static PyType_Spec spec = {.name = "onnxrun._core.Session",
                           .basicsize = sizeof(Session),
                           .flags = Py_TPFLAGS_DEFAULT,
                           .slots = slots};

bool core_add_session(PyObject *module)
{
    PyObject *type = PyType_FromSpec(&spec);
    return type != NULL && PyModule_AddObject(module, "Session", type) == 0;
}
