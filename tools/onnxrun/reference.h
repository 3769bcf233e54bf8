/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where onnxrun compare takes the expected values from: a folder with their files
 * (common/value_file.h), or ONNX Runtime, which a Python program runs in a process of its own.
 *
 * That program gets the model's path, the inputs and the names of the values that are wanted
 * through its standard input, and sends the values in this order through its standard output; it
 * computes as many at a time as fit into its memory.
 */
#ifndef ONNXRUN_TOOLS_REFERENCE_H
#define ONNXRUN_TOOLS_REFERENCE_H

#include "common/tool.h"

/* A value that is wanted. */
struct reference_want {
    const char *name;
    uint64_t bytes; /* that it takes */
};

/* What ONNX Runtime is to compute; borrowed during the call. */
struct reference_request {
    const char *python; /* program, found along PATH */
    const char *model_path;
    uint32_t threads;
    const onnxrun_binding *inputs;
    size_t input_count;
    const struct reference_want *wants;
    size_t want_count;
};

struct reference;

/* The files of a folder. Error: IO when it is none. */
onnxrun_status reference_open_folder(const char *folder, struct reference **reference,
                                     onnxrun_error *error);

/* Starts the program. Errors: IO (it cannot be started), UNSUPPORTED (inputs that are no tensors). */
onnxrun_status reference_open_onnxruntime(const struct reference_request *request,
                                          struct reference **reference, onnxrun_error *error);

/*
 * The next value; ONNX Runtime's come in the order of the request. *want, which the caller frees, is
 * NULL when there is none of this name. Errors: those of reading it; IO when the program has failed,
 * with what it says.
 */
onnxrun_status reference_next(struct reference *reference, const char *name, onnxrun_kind kind,
                              onnxrun_tensor **want, onnxrun_error *error);

/* Ends the program, should it still run. NULL is allowed. */
void reference_close(struct reference *reference);

#endif
