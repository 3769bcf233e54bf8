/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files: read into memory, written at once. */
#ifndef ONNXRUN_TOOLS_FILE_H
#define ONNXRUN_TOOLS_FILE_H

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

bool file_exists(const char *path);

#endif
