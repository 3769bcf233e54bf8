/* SPDX-License-Identifier: Apache-2.0 */
/* A session of the C interface with what Python needs around its runs. */
#ifndef ONNXRUN_PYTHON_CONTEXT_H
#define ONNXRUN_PYTHON_CONTEXT_H

#include "core.h"

/* The weights of attention of a run. */
struct core_weights {
    PyObject
        *maker;   /* borrowed: (name, output, batch, heads, queries, keys) -> an array of zeros */
    bool is_mean; /* over heads: the array is without them */
    size_t count; /* attentions so far */
    PyObject *array; /* of the last one */
    float *data;     /* of the array */
};

/* What a session is watched for, which is settled when it is made. */
enum core_watch { CORE_WATCH_NOTHING, CORE_WATCH_STEPS, CORE_WATCH_ATTENTION, CORE_WATCH_COUNT };

/* A session of the C interface with what a run needs; guarded by the GIL while it is idle. */
struct core_context {
    struct core_context *next; /* in the list of those that are idle */
    onnxrun_session *session;
    onnxrun_binding *inputs;    /* [input_count] */
    onnxrun_binding *outputs;   /* [output_count] */
    struct core_value *values;  /* [input_count] */
    struct core_value *targets; /* [output_count] memory that outputs are written to, if any */
    size_t target_count;        /* that are open */
    PyThreadState *thread;      /* of Python, without the GIL, during a run */
    PyObject *run_options;      /* borrowed during a run */
    PyObject *observer;         /* likewise; told of each node, unless it is None */
    struct core_weights weights;
    bool has_failed; /* the observer or the maker raised */
    int64_t asked;   /* when Python was asked for the last time */
};

/* NULL: an exception. */
struct core_context *core_context_new(const onnxrun_model *model,
                                      const onnxrun_session_options *options, size_t input_count,
                                      size_t output_count, enum core_watch watch);
void core_context_free(struct core_context *context);

/* Runs what is bound, without the GIL. A signal handler, the observer or the maker may have
 * raised. */
onnxrun_status core_context_run(struct core_context *context, size_t input_count,
                                size_t output_count, onnxrun_error *error);

/* Has an array made for the attention of this row. False: an exception. */
bool core_weights_begin(struct core_weights *weights, const onnxrun_attention_row *row);

/* Puts a row into the array; does not need the GIL. */
void core_weights_take(const struct core_weights *weights, const onnxrun_attention_row *row);

/* Lets go of the array. */
void core_weights_end(struct core_weights *weights);

#endif
