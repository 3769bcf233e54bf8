/* SPDX-License-Identifier: Apache-2.0 */
/* Exit codes, errors, memory, numbers. */
#include "common/tool.h"

#include "common/escape.h"
#include "common/interrupt.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *tool_name = "onnxrun";

void tool_begin(const char *name)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    tool_name = name;
    (void)sigaction(SIGPIPE, &ignore, NULL);
    interrupt_begin(name);
}

int tool_end(int code)
{
    errno = 0;
    bool has_failed = fflush(stdout) != 0 || ferror(stdout);
    if (has_failed && errno != EPIPE && errno != 0) {
        tool_error("cannot write the output: %s", strerror(errno));
    }
    return has_failed && code == EXIT_CODE_OK ? EXIT_CODE_RUN : code;
}

__attribute__((format(printf, 1, 0))) static void print_error(const char *format, va_list args)
{
    char line[4096];
    (void)vsnprintf(line, sizeof line, format, args);
    (void)fflush(stdout);
    fprintf(stderr, "%s: ", tool_name);
    escape_print(stderr, line, strlen(line));
    fputc('\n', stderr);
}

void tool_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_error(format, args);
    va_end(args);
}

int tool_usage_error(const char *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_error(format, args);
    va_end(args);
    fprintf(stderr, "Try '%s --help'.\n", command);
    return EXIT_CODE_USAGE;
}

int tool_exit_code(onnxrun_status status)
{
    switch (status) {
    case ONNXRUN_OK:
        return EXIT_CODE_OK;
    case ONNXRUN_ERR_ARGUMENT:
        return EXIT_CODE_USAGE;
    case ONNXRUN_ERR_IO:
    case ONNXRUN_ERR_PARSE:
    case ONNXRUN_ERR_MODEL:
        return EXIT_CODE_MODEL;
    case ONNXRUN_ERR_UNSUPPORTED:
        return EXIT_CODE_UNSUPPORTED;
    case ONNXRUN_ERR_SHAPE:
    case ONNXRUN_ERR_VALUE:
    case ONNXRUN_ERR_MEMORY:
    case ONNXRUN_ERR_LIMIT:
    case ONNXRUN_ERR_CANCELLED:
    case ONNXRUN_ERR_INTERNAL:
        break;
    }
    return EXIT_CODE_RUN;
}

int tool_report(const onnxrun_error *error)
{
    tool_error("%s", error->message);
    return tool_exit_code(error->status);
}

onnxrun_status tool_fail(onnxrun_error *error, onnxrun_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    error->status = status;
    return status;
}

onnxrun_status tool_prefix(onnxrun_error *error, const char *format, ...)
{
    char line[2 * sizeof error->message];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(line, sizeof error->message, format, args);
    va_end(args);
    if (length < 0) {
        return error->status;
    }
    size_t used = strlen(line);
    (void)snprintf(line + used, sizeof line - used, "%s", error->message);
    memcpy(error->message, line, sizeof error->message - 1);
    error->message[sizeof error->message - 1] = '\0';
    return error->status;
}

void tool_end_without_memory(void)
{
    tool_error("out of memory");
    exit(EXIT_CODE_RUN);
}

static void *check_memory(void *block)
{
    if (block == NULL) {
        tool_end_without_memory();
    }
    return block;
}

void *tool_alloc(size_t count, size_t size)
{
    return check_memory(calloc(count > 0 ? count : 1, size));
}

void *tool_resize(void *block, size_t count, size_t size)
{
    size_t bytes;
    bool is_too_large = __builtin_mul_overflow(count, size, &bytes);
    return check_memory(is_too_large ? NULL : realloc(block, bytes > 0 ? bytes : 1));
}

char *tool_printf(const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    size_t bytes = length < 0 ? 1 : (size_t)length + 1;
    char *text = tool_alloc(bytes, 1);
    (void)vsnprintf(text, bytes, format, again);
    va_end(again);
    return text;
}

void tool_print_version(void)
{
    uint32_t version = onnxrun_version();
    printf("%s %" PRIu32 ".%" PRIu32 ".%" PRIu32 "\n", tool_name, version >> 16, version >> 8 & 255,
           version & 255);
}

double tool_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

bool tool_parse_int(const char *text, int64_t low, int64_t high, int64_t *number)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    bool is_whole = end != text && *end == '\0' && errno == 0 && text[0] > ' ';
    *number = value;
    return is_whole && value >= low && value <= high;
}

bool tool_parse_real(const char *text, double low, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return end != text && *end == '\0' && text[0] > ' ' && isfinite(*number) && *number >= low;
}
