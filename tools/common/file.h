/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: read into memory, written at once or piece by piece. */
#ifndef ONNXRUN_TOOLS_FILE_H
#define ONNXRUN_TOOLS_FILE_H

#include "common/interrupt.h"
#include "common/tool.h"

struct file_bytes {
    uint8_t *data;
    size_t size;
};

/* Reads the file at path. Free with file_free. Error: IO with path and reason. */
onnxrun_status file_read(const char *path, struct file_bytes *bytes, onnxrun_error *error);

void file_free(struct file_bytes *bytes);

/* Parts of a file, in order. */
struct file_part {
    const void *data;
    size_t size;
};

/*
 * Writes the parts to a new file beside path and renames it to path, so that there is never half a
 * file. "-" is stdout. Error: IO with path and reason; path is as before then.
 */
onnxrun_status file_write(const char *path, const struct file_part *parts, size_t count,
                          onnxrun_error *error);

/* A file that is being written: a new one beside path, which gets its name when it is closed, and
 * goes when the command is interrupted. Not to be moved while it is open. */
struct file_draft {
    const char *path;
    struct interrupt_file temporary; /* its path NULL: path is a device or pipe, written itself */
    int descriptor;
};

/* Begins a file; path is borrowed until it is closed. Error: IO with path and reason. */
onnxrun_status file_draft_open(struct file_draft *draft, const char *path, onnxrun_error *error);

/* Writes at a position, which a pipe has not; -1: after what was written so before. Error: IO. */
onnxrun_status file_draft_write(struct file_draft *draft, int64_t at, const void *data, size_t size,
                                onnxrun_error *error);

/* Ends the file with this size, which fills with zeros what was left out; -1: gives it up, and path
 * is as before. Error: IO. */
onnxrun_status file_draft_close(struct file_draft *draft, int64_t size, onnxrun_error *error);

/* Makes the folder unless it is there. Error: IO with path and reason. */
onnxrun_status file_make_folder(const char *path, onnxrun_error *error);

bool file_exists(const char *path);

#endif
