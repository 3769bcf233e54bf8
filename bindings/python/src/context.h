/* SPDX-License-Identifier: Apache-2.0 */
/* A session of the C interface with what Python needs around its runs. */
#ifndef ONNXRUN_PYTHON_CONTEXT_H
#define ONNXRUN_PYTHON_CONTEXT_H

#include "core.h"

/* A session of the C interface with what a run needs; guarded by the GIL while it is idle. */
struct core_context {
    struct core_context *next; /* in the list of those that are idle */
    onnxrun_session *session;
    onnxrun_binding *inputs;   /* [input_count] */
    onnxrun_binding *outputs;  /* [output_count] */
    struct core_value *values; /* [input_count] */
    PyThreadState *thread;     /* of Python, without the GIL, during a run */
    PyObject *run_options;     /* borrowed during a run */
    PyObject *observer;        /* likewise; told of each node, unless it is None */
    bool has_failed;           /* the observer raised */
    int64_t asked;             /* when Python was asked for the last time */
};

/* Is told of each node when is_observed. NULL: an exception. */
struct core_context *core_context_new(const onnxrun_model *model,
                                      const onnxrun_session_options *options, size_t input_count,
                                      size_t output_count, bool is_observed);
void core_context_free(struct core_context *context);

/* Runs what is bound, without the GIL. A signal handler or the observer may have raised. */
onnxrun_status core_context_run(struct core_context *context, size_t input_count,
                                size_t output_count, onnxrun_error *error);

#endif
