/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that time a model share: its options, how it is opened, and one run of it. */
#ifndef ONNXRUN_TOOLS_TIMED_H
#define ONNXRUN_TOOLS_TIMED_H

#include "common/args.h"
#include "common/inputs.h"

struct timed {
    const char *command; /* "onnxrun bench", for messages */
    const char *model_path;
    struct inputs inputs;
    uint32_t threads;
    uint32_t no_fusion;
    uint32_t keep_denormals;
    double seconds;
    bool is_json;
    onnxrun_model *model;
    onnxrun_session *session;
    onnxrun_binding *outputs; /* [output_count] */
    size_t output_count;
    double load_ms;
    onnxrun_error error;
};

/* Takes -i, -d, --threads, --no-fusion, --keep-denormals, --seconds and --json; reports any other
 * option. Returns the exit code. */
int timed_option(struct timed *timed, int option, char *const *argv);

/* Takes the one argument that is left, the model's path. Returns the exit code. */
int timed_argument(struct timed *timed, int argc, char *const *argv);

/* Loads the model, makes its inputs and a session with these options, whose threads and denormals
 * are set here. Returns the exit code. */
int timed_open(struct timed *timed, onnxrun_session_options *options);

/* One run with the session's own outputs, as an application would do it, and its milliseconds. */
onnxrun_status timed_run(struct timed *timed, double *milliseconds);

/* The exit code of a run that failed, which is reported. */
int timed_report(struct timed *timed);

void timed_free(struct timed *timed);

#endif
