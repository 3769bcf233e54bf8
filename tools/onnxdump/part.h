/* SPDX-License-Identifier: Apache-2.0 */
/* The model file that a cut makes: what is kept is copied byte by byte, its signature is new. */
#ifndef ONNXRUN_TOOLS_PART_H
#define ONNXRUN_TOOLS_PART_H

#include "onnxdump/cut.h"

/* Fields of ModelProto. */
enum { PART_GRAPH = 7, PART_TRAINING = 20 };

struct part {
    const struct cut *cut;
    const onnxrun_model *typed; /* with inferred types, or NULL */
    const char *model_path;     /* of the file whose bytes are here */
    const char *model_name;     /* of the file that was asked for */
    struct wire_span model;     /* the file */
};

/*
 * Writes the part to path. Weights in files beside the model stay there when the part goes to the
 * same folder, else they become part of it. Errors: ARGUMENT when path is the model or a file of
 * its weights; UNSUPPORTED when the type of an input or output is not known; LIMIT; IO.
 */
onnxrun_status part_write(const struct part *part, const char *path, onnxrun_error *error);

#endif
