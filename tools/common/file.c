/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files, and files that are written piece by piece. */
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static onnxrun_status fail_io(onnxrun_error *error, const char *action, const char *path)
{
    return tool_fail(error, ONNXRUN_ERR_IO, "cannot %s \"%s\": %s", action, path, strerror(errno));
}

/* Reads to the end of the stream; false on an error, with errno set. */
static bool read_all(FILE *stream, struct file_bytes *bytes)
{
    size_t capacity = 0;
    for (;;) {
        if (bytes->size == capacity) {
            capacity = capacity > 0 ? 2 * capacity : 1 << 16;
            bytes->data = tool_resize(bytes->data, capacity, 1);
        }
        size_t got = fread(bytes->data + bytes->size, 1, capacity - bytes->size, stream);
        bytes->size += got;
        if (got == 0) {
            return !ferror(stream);
        }
    }
}

onnxrun_status file_read(const char *path, struct file_bytes *bytes, onnxrun_error *error)
{
    *bytes = (struct file_bytes){NULL, 0};
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        return fail_io(error, "open", path);
    }
    bool is_read = read_all(stream, bytes);
    if (!is_read) {
        (void)fail_io(error, "read", path);
        file_free(bytes);
    }
    (void)fclose(stream);
    return is_read ? ONNXRUN_OK : ONNXRUN_ERR_IO;
}

void file_free(struct file_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct file_bytes){NULL, 0};
}

/* Devices and pipes have no contents to keep whole. */
static bool is_special(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode);
}

/* Like a file made by fopen: readable as the umask allows, which mkstemp does not do. */
static bool set_mode(int descriptor)
{
    mode_t mask = umask(0);
    (void)umask(mask);
    return fchmod(descriptor, 0666 & ~mask) == 0;
}

/* The temporary file, which is forgotten at no time. */
static void make_temporary(struct file_draft *draft)
{
    draft->temporary.path = tool_printf("%s.XXXXXX", draft->path);
    interrupt_pause();
    draft->descriptor = mkstemp(draft->temporary.path);
    if (draft->descriptor >= 0) {
        interrupt_add(&draft->temporary);
    }
    int reason = errno;
    interrupt_resume();
    errno = reason;
}

onnxrun_status file_draft_open(struct file_draft *draft, const char *path, onnxrun_error *error)
{
    *draft = (struct file_draft){.path = path};
    if (is_special(path)) {
        draft->descriptor = open(path, O_WRONLY | O_CLOEXEC);
    } else {
        make_temporary(draft);
    }
    if (draft->descriptor >= 0) {
        return ONNXRUN_OK;
    }
    onnxrun_status status = fail_io(error, "write", path);
    free(draft->temporary.path);
    return status;
}

/* Writes at a position, or where the descriptor stands when `at` is negative. */
static bool write_all(int descriptor, off_t at, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t done = at < 0 ? write(descriptor, data, size) : pwrite(descriptor, data, size, at);
        if (done < 0 && errno != EINTR) {
            return false;
        }
        if (done > 0) {
            data += done;
            size -= (size_t)done;
            at += at < 0 ? 0 : done;
        }
    }
    return true;
}

onnxrun_status file_draft_write(struct file_draft *draft, int64_t at, const void *data, size_t size,
                                onnxrun_error *error)
{
    return write_all(draft->descriptor, (off_t)at, data, size)
               ? ONNXRUN_OK
               : fail_io(error, "write", draft->path);
}

/* Gives the temporary file its name, or removes it; false when the name cannot be given. */
static bool end_temporary(struct file_draft *draft, bool is_kept)
{
    interrupt_pause();
    bool is_renamed = is_kept && rename(draft->temporary.path, draft->path) == 0;
    int reason = errno;
    if (!is_renamed) {
        (void)unlink(draft->temporary.path);
    }
    interrupt_remove(&draft->temporary);
    interrupt_resume();
    errno = reason;
    return is_renamed || !is_kept;
}

onnxrun_status file_draft_close(struct file_draft *draft, int64_t size, onnxrun_error *error)
{
    bool is_kept = size >= 0, is_good = true;
    bool is_temporary = draft->temporary.path != NULL;
    if (is_kept && is_temporary) {
        is_good = ftruncate(draft->descriptor, (off_t)size) == 0 && set_mode(draft->descriptor);
    }
    is_good = close(draft->descriptor) == 0 && is_good;
    if (is_temporary) {
        is_good = end_temporary(draft, is_kept && is_good) && is_good;
    }
    onnxrun_status status = is_kept && !is_good ? fail_io(error, "write", draft->path) : ONNXRUN_OK;
    free(draft->temporary.path);
    return status;
}

static bool write_stdout(const struct file_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size > 0 && fwrite(parts[i].data, 1, parts[i].size, stdout) != parts[i].size) {
            return false;
        }
    }
    return fflush(stdout) == 0;
}

onnxrun_status file_write(const char *path, const struct file_part *parts, size_t count,
                          onnxrun_error *error)
{
    if (strcmp(path, "-") == 0) {
        return write_stdout(parts, count) ? ONNXRUN_OK : fail_io(error, "write", "stdout");
    }
    struct file_draft draft;
    int64_t size = 0;
    onnxrun_status status = file_draft_open(&draft, path, error);
    if (status != ONNXRUN_OK) {
        return status;
    }
    for (size_t i = 0; i < count && status == ONNXRUN_OK; i++) {
        status = file_draft_write(&draft, -1, parts[i].data, parts[i].size, error);
        size += (int64_t)parts[i].size;
    }
    onnxrun_status closed = file_draft_close(&draft, status == ONNXRUN_OK ? size : -1, error);
    return status != ONNXRUN_OK ? status : closed;
}

onnxrun_status file_make_folder(const char *path, onnxrun_error *error)
{
    return mkdir(path, 0777) == 0 || errno == EEXIST ? ONNXRUN_OK
                                                     : fail_io(error, "make the folder", path);
}

bool file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}
