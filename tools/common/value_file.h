/* SPDX-License-Identifier: Apache-2.0 */
/* A folder with a file for each of many values, named after them. */
#ifndef ONNXRUN_TOOLS_VALUE_FILE_H
#define ONNXRUN_TOOLS_VALUE_FILE_H

#include "common/tool.h"

/* For --help: how the files are named. */
#define VALUE_FILE_HELP                                                                            \
    "The file of a value has its name, in which all but letters, digits and _ . - ~ are written "  \
    "as\n"                                                                                         \
    "%XX, as urllib.parse.quote(name, safe=\"\") of Python does it: /layer/Add is "                \
    "%2Flayer%2FAdd.npy.\n"

/* FOLDER/NAME.npy with that name, and whatever suffix in place of ".npy"; to be freed. */
char *value_file_path(const char *folder, const char *name, const char *suffix);

/* Reads the value from its .npy file, else from its .pb file; *tensor is NULL when there is none of
 * both. Errors: as source_load, with the path. */
onnxrun_status value_file_read(const char *folder, const char *name, onnxrun_kind kind,
                               onnxrun_tensor **tensor, onnxrun_error *error);

#endif
