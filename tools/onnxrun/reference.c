/* SPDX-License-Identifier: Apache-2.0 */
/* Values out of a folder, or from the program in reference_onnxruntime.py. */
#include "onnxrun/reference.h"

#include "common/value_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Bytes of values that the program computes at a time. */
#define BATCH_BYTES ((int64_t)256 << 20)

/* In place of the size of a value: there is none of this name; or an error message follows. */
#define REPLY_NONE  (-1)
#define REPLY_ERROR (-2)

extern char **environ;
extern const char reference_onnxruntime_py[]; /* the program, made by embed.cmake */

struct reference {
    const char *folder; /* NULL: the program */
    const char *python;
    pid_t process;
    FILE *to;
    FILE *from;
};

/* ---- the folder ---- */

onnxrun_status reference_open_folder(const char *folder, struct reference **reference,
                                     onnxrun_error *error)
{
    struct stat info;
    *reference = NULL;
    if (stat(folder, &info) != 0) {
        return tool_fail(error, ONNXRUN_ERR_IO, "cannot open %s: %s", folder, strerror(errno));
    }
    if (!S_ISDIR(info.st_mode)) {
        return tool_fail(error, ONNXRUN_ERR_IO,
                         "%s is no folder; expected one with .npy or .pb files, or \"onnxruntime\"",
                         folder);
    }
    *reference = tool_alloc(1, sizeof **reference);
    (*reference)->folder = folder;
    return ONNXRUN_OK;
}

/* ---- starting the program ---- */

/* Two streams to and from a child: [0] and [1] are the ends of the first, [2] and [3] of the second;
 * none is inherited by itself. */
static bool make_pipes(int ends[4])
{
    if (pipe(ends) != 0) {
        return false;
    }
    if (pipe(ends + 2) != 0) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        return false;
    }
    for (int i = 0; i < 4; i++) {
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    }
    return true;
}

/* The program is an argument: there is no file whose contents could have been replaced. */
static int spawn(struct reference *reference, const int ends[4])
{
    char option[] = "-c";
    char *python = tool_printf("%s", reference->python);
    char *program = tool_printf("%s", reference_onnxruntime_py);
    char *const arguments[] = {python, option, program, NULL};
    posix_spawn_file_actions_t actions;
    int problem = posix_spawn_file_actions_init(&actions);
    if (problem == 0) {
        problem = posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
        problem = problem != 0 ? problem
                               : posix_spawn_file_actions_adddup2(&actions, ends[3], STDOUT_FILENO);
        problem = problem != 0 ? problem
                               : posix_spawnp(&reference->process, reference->python, &actions,
                                              NULL, arguments, environ);
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    free(program);
    free(python);
    return problem;
}

static onnxrun_status start(struct reference *reference, onnxrun_error *error)
{
    int ends[4];
    if (!make_pipes(ends)) {
        return tool_fail(error, ONNXRUN_ERR_IO, "cannot make a pipe: %s", strerror(errno));
    }
    int problem = spawn(reference, ends);
    (void)close(ends[0]);
    (void)close(ends[3]);
    reference->to = fdopen(ends[1], "wb");
    reference->from = fdopen(ends[2], "rb");
    if (problem != 0) {
        reference->process = 0;
        return tool_fail(error, ONNXRUN_ERR_IO,
                         "cannot start %s: %s; --python names another Python with the package "
                         "onnxruntime",
                         reference->python, strerror(problem));
    }
    return reference->to != NULL && reference->from != NULL
               ? ONNXRUN_OK
               : tool_fail(error, ONNXRUN_ERR_IO, "cannot open a pipe");
}

/* ---- the request ---- */

/* Writes that fail show when the reply is read: the program has ended then. */
static void put(FILE *to, const void *bytes, size_t size)
{
    if (size > 0) {
        (void)fwrite(bytes, 1, size, to);
    }
}

static void put_number(FILE *to, int64_t number)
{
    put(to, &number, sizeof number);
}

static void put_text(FILE *to, const char *text, size_t length)
{
    put_number(to, (int64_t)length);
    put(to, text, length);
}

static void put_tensor(FILE *to, const onnxrun_tensor *tensor)
{
    put_number(to, (int64_t)onnxrun_tensor_dtype(tensor));
    put_number(to, (int64_t)onnxrun_tensor_rank(tensor));
    for (size_t i = 0; i < onnxrun_tensor_rank(tensor); i++) {
        put_number(to, onnxrun_tensor_dims(tensor)[i]);
    }
    if (onnxrun_tensor_dtype(tensor) != ONNXRUN_STRING) {
        put_text(to, onnxrun_tensor_data(tensor), onnxrun_tensor_bytes(tensor));
        return;
    }
    const onnxrun_string *strings = onnxrun_tensor_data(tensor);
    for (size_t i = 0; i < onnxrun_tensor_count(tensor); i++) {
        put_text(to, strings[i].data, strings[i].length);
    }
}

static void send_request(FILE *to, const struct reference_request *request)
{
    put_text(to, request->model_path, strlen(request->model_path));
    put_number(to, request->threads);
    put_number(to, BATCH_BYTES);
    put_number(to, (int64_t)request->input_count);
    for (size_t i = 0; i < request->input_count; i++) {
        put_text(to, request->inputs[i].name, strlen(request->inputs[i].name));
        put_tensor(to, request->inputs[i].tensor);
    }
    put_number(to, (int64_t)request->want_count);
    for (size_t i = 0; i < request->want_count; i++) {
        put_number(to, (int64_t)request->wants[i].bytes);
        put_text(to, request->wants[i].name, strlen(request->wants[i].name));
    }
}

onnxrun_status reference_open_onnxruntime(const struct reference_request *request,
                                          struct reference **reference, onnxrun_error *error)
{
    *reference = NULL;
    for (size_t i = 0; i < request->input_count; i++) {
        if (onnxrun_tensor_kind(request->inputs[i].tensor) != ONNXRUN_KIND_TENSOR) {
            return tool_fail(error, ONNXRUN_ERR_UNSUPPORTED,
                             "input \"%.100s\" is a sequence, which is not handed to ONNX Runtime",
                             request->inputs[i].name);
        }
    }
    *reference = tool_alloc(1, sizeof **reference);
    (*reference)->python = request->python;
    onnxrun_status status = start(*reference, error);
    if (status == ONNXRUN_OK) {
        send_request((*reference)->to, request);
        (void)fclose((*reference)->to);
        (*reference)->to = NULL;
    }
    return status;
}

/* ---- the replies ---- */

/* What the program says, if it has told why it failed. */
static onnxrun_status fail_reply(struct reference *reference, size_t length, onnxrun_error *error)
{
    char text[1024];
    size_t wanted = length < sizeof text ? length : sizeof text - 1;
    size_t got = fread(text, 1, wanted, reference->from);
    if (got == 0) {
        return tool_fail(error, ONNXRUN_ERR_IO, "%s does not answer as it should",
                         reference->python);
    }
    text[got] = '\0';
    return tool_fail(error, ONNXRUN_ERR_IO, "%s: %s", reference->python, text);
}

static onnxrun_status next_reply(struct reference *reference, onnxrun_kind kind,
                                 onnxrun_tensor **want, onnxrun_error *error)
{
    int64_t size = 0, length = 0;
    if (fread(&size, sizeof size, 1, reference->from) != 1) {
        return fail_reply(reference, 0, error);
    }
    if (size == REPLY_NONE) {
        return ONNXRUN_OK;
    }
    if (size < 0 || size > INT32_MAX) { /* a TensorProto has no more bytes */
        bool has_text = size == REPLY_ERROR &&
                        fread(&length, sizeof length, 1, reference->from) == 1 && length > 0;
        return fail_reply(reference, has_text ? (size_t)length : 0, error);
    }
    uint8_t *bytes = tool_alloc((size_t)size, 1);
    onnxrun_status status = fread(bytes, 1, (size_t)size, reference->from) == (size_t)size
                                ? onnxrun_value_parse(kind, bytes, (size_t)size, want, error)
                                : fail_reply(reference, 0, error);
    free(bytes);
    return status;
}

onnxrun_status reference_next(struct reference *reference, const char *name, onnxrun_kind kind,
                              onnxrun_tensor **want, onnxrun_error *error)
{
    *want = NULL;
    return reference->folder != NULL ? value_file_read(reference->folder, name, kind, want, error)
                                     : next_reply(reference, kind, want, error);
}

void reference_close(struct reference *reference)
{
    if (reference == NULL) {
        return;
    }
    if (reference->to != NULL) {
        (void)fclose(reference->to);
    }
    if (reference->from != NULL) {
        (void)fclose(reference->from);
    }
    if (reference->process > 0) {
        (void)kill(reference->process, SIGTERM);
        while (waitpid(reference->process, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    free(reference);
}
