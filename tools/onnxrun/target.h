/* SPDX-License-Identifier: Apache-2.0 */
/* The model that a command runs: the options that all commands share, its inputs, opening it, a run. */
#ifndef ONNXRUN_TOOLS_TARGET_H
#define ONNXRUN_TOOLS_TARGET_H

#include "common/args.h"
#include "common/inputs.h"
#include "common/model_file.h"

struct target {
    const char *command;    /* "onnxrun bench", for messages */
    const char *model_path; /* as it was given */
    struct model_file file; /* what is loaded */
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

/* Rows of getopt_long's table that all commands have, with its end; and the letters. */
/* clang-format off */
#define TARGET_OPTIONS                                                                             \
    {"input", required_argument, NULL, 'i'},                                                       \
    {"dim", required_argument, NULL, 'd'},                                                         \
    {"threads", required_argument, NULL, OPTION_THREADS},                                          \
    {"keep-denormals", no_argument, NULL, OPTION_DENORMALS},                                       \
    {"help", no_argument, NULL, 'h'},                                                              \
    {NULL, 0, NULL, 0}
/* clang-format on */
#define TARGET_LETTERS ":i:d:h"

/* Takes -i, -d, --threads, --no-fusion, --keep-denormals, --seconds and --json; reports any other
 * option. Returns the exit code. */
int target_option(struct target *target, int option, char *const *argv);

/* args_parse, and the one argument that is left, the model's path. */
int target_parse(struct target *target, int argc, char **argv, const struct args_form *form,
                 void *user, bool *is_done);

/* Loads the model. Returns the exit code, as all below. */
int target_load(struct target *target);

/* Makes a session with these options, whose threads and denormals are set here. */
int target_start(struct target *target, onnxrun_session_options *options);

/* Loads the model, makes its inputs, those that are not given by "auto", and a session. */
int target_open(struct target *target, onnxrun_session_options *options);

/* Has a run compute all outputs. */
void target_want_all(struct target *target);

/* One run with the session's own outputs, as an application would do it, and its milliseconds. */
onnxrun_status target_run(struct target *target, double *milliseconds);

/* The exit code of a run that failed, which is reported. */
int target_report(struct target *target);

void target_free(struct target *target);

#endif
