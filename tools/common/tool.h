/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both commands share: exit codes, errors, memory.
 *
 * A function that can fail takes an onnxrun_error like those of the library, and the command prints
 * it once, before it ends. Memory of the tools' own is small; when there is none the command ends.
 */
#ifndef ONNXRUN_TOOLS_TOOL_H
#define ONNXRUN_TOOLS_TOOL_H

#include <onnxrun/onnxrun.h>
#include <stdbool.h>
#include <stdio.h>

enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_USAGE = 1,       /* arguments */
    EXIT_CODE_MODEL = 2,       /* a file cannot be read, or the model is invalid */
    EXIT_CODE_UNSUPPORTED = 3, /* the model is valid, but needs what this build lacks */
    EXIT_CODE_RUN = 4 /* the run failed (inputs of a wrong shape included), or a test did */
};

/* For --help. */
#define EXIT_CODE_HELP                                                                             \
    "Exit status: 0 success, 1 usage, 2 file unreadable or model invalid, 3 model not "            \
    "supported,\n"                                                                                 \
    "4 run failed.\n"

/* Sets the name that starts each message ("onnxrun"), makes a write to a closed pipe an error of
 * that write instead of a signal, and sees to Ctrl-C (common/interrupt.h). */
void tool_begin(const char *name);

/* Flushes stdout. A closed pipe ends the command quietly; another write error is reported. Returns
 * the exit code: the given one, or EXIT_CODE_RUN. */
int tool_end(int code);

/* Prints "NAME: message" to stderr, control bytes of the message escaped. */
void tool_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* tool_error with a hint at --help; returns EXIT_CODE_USAGE. */
int tool_usage_error(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints error and returns the exit code for its status. */
int tool_report(const onnxrun_error *error);

/* The exit code for a status. */
int tool_exit_code(onnxrun_status status);

/* Fills error (not NULL) and returns status. */
onnxrun_status tool_fail(onnxrun_error *error, onnxrun_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts text before the message of error and returns its status. */
onnxrun_status tool_prefix(onnxrun_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Ends the command because there is no memory. */
__attribute__((noreturn)) void tool_end_without_memory(void);

/* Zeroed memory for count items of size bytes each; ends the command when there is none. */
void *tool_alloc(size_t count, size_t size);

/* Resizes block, of which the new part is not initialised; ends the command when there is no
 * memory. */
void *tool_resize(void *block, size_t count, size_t size);

char *tool_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Version line of --version. */
void tool_print_version(void);

/* Seconds of a clock that only goes forward. */
double tool_seconds(void);

/* Parses a whole decimal number; false unless all of text is one and it lies in [low, high]. */
bool tool_parse_int(const char *text, int64_t low, int64_t high, int64_t *number);
/* The same for a finite real number >= low. */
bool tool_parse_real(const char *text, double low, double *number);

#endif
