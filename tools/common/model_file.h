/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of a model as the library loads it: an ONNX file as it is, and ONNX's textual syntax made
 * into one. A text is what begins with '<' or '#', which no ONNX file does, or has a name that ends
 * in .onnxtxt.
 */
#ifndef ONNXRUN_TOOLS_MODEL_FILE_H
#define ONNXRUN_TOOLS_MODEL_FILE_H

#include "common/file.h"

/* Zeroed at first; not to be moved while it is open. */
struct model_file {
    const char *path; /* to load, as long as this is open */
    char *base;       /* NULL: path is what was asked for */
    struct file_draft draft;
};

/*
 * Opens the file at path, which is borrowed. Of a text a temporary file is made, beside it when it
 * refers to weights in other files, else in $TMPDIR or /tmp; it goes when this is closed or the
 * command interrupted. Errors: IO, PARSE, LIMIT. What is no text is left to the library to judge.
 */
onnxrun_status model_file_open(struct model_file *file, const char *path, onnxrun_error *error);

void model_file_close(struct model_file *file);

#endif
