/* SPDX-License-Identifier: Apache-2.0 */
/* Runs without the GIL, which now and then ask Python whether to go on. */
#include "context.h"

#include <time.h>

/* How often a run that goes on asks Python for signals and for a request to stop. */
#define ASK_NANOSECONDS ((int64_t)100000000)

/* ---- what stops a run ---- */

static int64_t now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* True when Python's signal handlers raised, or the run options say so. Needs the GIL. */
static bool asks_to_stop(const struct core_context *context)
{
    if (PyErr_CheckSignals() != 0) {
        return true;
    }
    if (context->run_options == Py_None) {
        return false;
    }
    PyObject *flag = PyObject_GetAttrString(context->run_options, "terminate");
    bool stops = flag == NULL || PyObject_IsTrue(flag) != 0;
    Py_XDECREF(flag);
    return stops;
}

static int should_stop(void *user)
{
    struct core_context *context = user;
    int64_t time = now();
    if (context->has_failed || time - context->asked < ASK_NANOSECONDS) {
        return context->has_failed;
    }
    context->asked = time;
    PyEval_RestoreThread(context->thread);
    bool stops = asks_to_stop(context);
    context->thread = PyEval_SaveThread();
    return stops;
}

static void on_step(void *user, const onnxrun_step *step)
{
    struct core_context *context = user;
    if (!context->has_failed) {
        PyEval_RestoreThread(context->thread);
        context->has_failed = !core_tell_step(context->observer, step);
        context->thread = PyEval_SaveThread();
    }
}

static int on_attention(void *user, const onnxrun_attention_row *row)
{
    struct core_context *context = user;
    if (!context->has_failed && row->index == context->weights.count) {
        PyEval_RestoreThread(context->thread);
        context->has_failed = !core_weights_begin(&context->weights, row);
        context->thread = PyEval_SaveThread();
    }
    if (!context->has_failed) {
        core_weights_take(&context->weights, row);
    }
    return should_stop(context); /* an attention may take long */
}

/* ---- life and runs ---- */

void core_context_free(struct core_context *context)
{
    onnxrun_session_free(context->session);
    PyMem_Free(context->inputs);
    PyMem_Free(context->outputs);
    PyMem_Free(context->values);
    PyMem_Free(context->targets);
    PyMem_Free(context);
}

struct core_context *core_context_new(const onnxrun_model *model,
                                      const onnxrun_session_options *options, size_t input_count,
                                      size_t output_count, enum core_watch watch)
{
    struct core_context *made = PyMem_Calloc(1, sizeof *made);
    if (made == NULL) {
        return (void *)PyErr_NoMemory();
    }
    made->inputs = PyMem_Calloc(input_count + 1, sizeof *made->inputs);
    made->outputs = PyMem_Calloc(output_count + 1, sizeof *made->outputs);
    made->values = PyMem_Calloc(input_count + 1, sizeof *made->values);
    made->targets = PyMem_Calloc(output_count + 1, sizeof *made->targets);
    if (made->inputs == NULL || made->outputs == NULL || made->values == NULL ||
        made->targets == NULL) {
        core_context_free(made);
        return (void *)PyErr_NoMemory();
    }
    onnxrun_session_options own = *options;
    own.should_stop = should_stop;
    own.stop_user = made;
    own.on_step = watch == CORE_WATCH_STEPS ? on_step : NULL;
    own.step_user = made;
    own.on_attention = watch == CORE_WATCH_ATTENTION ? on_attention : NULL;
    own.attention_user = made;
    onnxrun_error error;
    if (onnxrun_session_create(model, &own, &made->session, &error) != ONNXRUN_OK) {
        core_context_free(made);
        return core_raise(&error);
    }
    return made;
}

onnxrun_status core_context_run(struct core_context *context, size_t input_count,
                                size_t output_count, onnxrun_error *error)
{
    context->has_failed = false;
    context->asked = now();
    context->thread = PyEval_SaveThread();
    onnxrun_status status = onnxrun_session_run(context->session, context->inputs, input_count,
                                                context->outputs, output_count, error);
    PyEval_RestoreThread(context->thread);
    return status;
}
