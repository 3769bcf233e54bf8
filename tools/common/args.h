/* SPDX-License-Identifier: Apache-2.0 */
/* What the option parsing of all commands shares. */
#ifndef ONNXRUN_TOOLS_ARGS_H
#define ONNXRUN_TOOLS_ARGS_H

#include "common/tool.h"

/* Values for long options without a letter. */
enum option_code {
    OPTION_VERSION = 256,
    OPTION_JSON,
    OPTION_THREADS,
    OPTION_NO_FUSION,
    OPTION_DENORMALS,
    OPTION_SPIN,
    OPTION_SEED,
    OPTION_LABELS,
    OPTION_TOP,
    OPTION_SECONDS,
    OPTION_LIST,
    OPTION_FILTER,
    OPTION_RTOL,
    OPTION_ATOL,
    OPTION_JOBS,
    OPTION_TIMEOUT,
    OPTION_STAGE,
    OPTION_EXPLAIN,
    OPTION_OPS,
    OPTION_TRACE,
    OPTION_NO_LIMITS,
    OPTION_MODULES,
    OPTION_COST,
    OPTION_STATS,
    OPTION_CHECK,
    OPTION_ONNXTXT,
    OPTION_ATTENTION,
    OPTION_HEADS,
    OPTION_DUMP,
    OPTION_AGAINST,
    OPTION_PYTHON,
    OPTION_FUSED,
    OPTION_DOT,
    OPTION_EXTRACT,
    OPTION_HTML,
    OPTION_DIFF
};

/* Reports an option that getopt_long refused (it returned code '?' or ':'); returns
 * EXIT_CODE_USAGE. */
int args_refuse(const char *command, int code, char *const *argv);

/* What a command takes. */
struct args_form {
    const char *help;
    const char *letters; /* for getopt_long, begins with ':' */
    const struct option *options;
    int (*take)(void *user, int option, char *const *argv); /* its value is optarg */
};

/* Hands each option to form->take until one has another exit code than EXIT_CODE_OK, and returns
 * that; optind is then the index of the first argument that is none. -h, and OPTION_VERSION, are
 * done here: *is_done is set. */
int args_parse(int argc, char **argv, const struct args_form *form, void *user, bool *is_done);

/* A copy of what stands before the first '=' of NAME=VALUE; *value is what stands behind it. NULL when
 * one of them is empty. */
char *args_split(const char *argument, const char **value);

/* Parses the number of an option; reports one that is none or out of range. Returns the exit code. */
int args_int(const char *command, const char *option, const char *text, int64_t low, int64_t high,
             int64_t *number);
int args_real(const char *command, const char *option, const char *text, double low,
              double *number);

#endif
