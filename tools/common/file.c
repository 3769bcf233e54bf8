/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files. */
#include "common/file.h"

#include <errno.h>
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

static bool write_parts(FILE *stream, const struct file_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size > 0 && fwrite(parts[i].data, 1, parts[i].size, stream) != parts[i].size) {
            return false;
        }
    }
    return fflush(stream) == 0;
}

/* Devices and pipes have no contents to keep whole. */
static bool is_special(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode);
}

static onnxrun_status write_special(const char *path, const struct file_part *parts, size_t count,
                                    onnxrun_error *error)
{
    FILE *stream = fopen(path, "wb");
    bool is_written = stream != NULL && write_parts(stream, parts, count);
    is_written = stream != NULL && fclose(stream) == 0 && is_written;
    return is_written ? ONNXRUN_OK : fail_io(error, "write", path);
}

/* Like a file made by fopen: readable as the umask allows, which mkstemp does not do. */
static bool set_mode(int descriptor)
{
    mode_t mask = umask(0);
    (void)umask(mask);
    return fchmod(descriptor, 0666 & ~mask) == 0;
}

onnxrun_status file_write(const char *path, const struct file_part *parts, size_t count,
                          onnxrun_error *error)
{
    if (strcmp(path, "-") == 0) {
        return write_parts(stdout, parts, count) ? ONNXRUN_OK : fail_io(error, "write", "stdout");
    }
    if (is_special(path)) {
        return write_special(path, parts, count, error);
    }
    char *temporary = tool_printf("%s.XXXXXX", path);
    onnxrun_status status = ONNXRUN_OK;
    int descriptor = mkstemp(temporary);
    FILE *stream = descriptor < 0 ? NULL : fdopen(descriptor, "wb");
    if (stream == NULL) {
        status = fail_io(error, "write", path);
        free(temporary);
        return status;
    }
    bool is_written = write_parts(stream, parts, count) && set_mode(descriptor);
    is_written = fclose(stream) == 0 && is_written;
    if (!is_written || rename(temporary, path) != 0) {
        status = fail_io(error, "write", path);
        (void)unlink(temporary);
    }
    free(temporary);
    return status;
}

bool file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}
