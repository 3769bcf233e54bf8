/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inputs of a run from the command line: -i NAME=SOURCE and -d DIM=N, checked against what the
 * model declares.
 *
 * SOURCE is a file (.npy, .npz:member, .pb), a literal (common/literal.h), or generated: zeros,
 * ones, arange, random, random:SEED or auto. Generated inputs take the dimensions that have no number
 * from -d, or from the inputs that are given by value.
 */
#ifndef ONNXRUN_TOOLS_INPUTS_H
#define ONNXRUN_TOOLS_INPUTS_H

#include "common/dims.h"

struct input_source {
    char *name;
    const char *source;
    bool is_used;
};

struct inputs {
    struct input_source *sources;
    size_t source_count;
    struct dims dims;          /* from -d, then those that inputs tell */
    onnxrun_binding *bindings; /* [binding_count]; tensors owned, names borrowed from the model */
    size_t binding_count;
};

/* For --help: lines that explain SOURCE. */
#define INPUTS_HELP                                                                                \
    "SOURCE is one of\n"                                                                           \
    "  FILE.npy, FILE.npz:MEMBER, FILE.pb   a file of NumPy or ONNX\n"                             \
    "  [[101, 7592, 102]]                   a literal (true, nan, inf, \"text\" as well)\n"        \
    "  zeros, ones, arange, random[:SEED]   generated; floats of random lie in [-1, 1),\n"         \
    "                                       integers in [0, 100)\n"                                \
    "  auto                                 random floats, ones for all other types\n"             \
    "Numbers are converted to the input's type when it holds them exactly.\n"                      \
    "A dimension without a name is called INPUT/AXIS, as in -d x/0=4.\n"

/* Adds the argument of -i. Error: ARGUMENT. */
onnxrun_status inputs_add(struct inputs *inputs, const char *argument, onnxrun_error *error);

/*
 * Makes the tensors. fallback is the SOURCE for inputs that are not given and have no default;
 * NULL: they are missing. Prints what is
 * wrong; returns the exit code.
 */
int inputs_make(struct inputs *inputs, const onnxrun_model *model, const char *fallback);

void inputs_free(struct inputs *inputs);

/* Prints "name: dtype[dims]" of a declared value, its type alone, and the same of a tensor. */
void inputs_print_info(FILE *out, const onnxrun_value_info *info);
void inputs_print_type(FILE *out, const onnxrun_value_info *info);
void inputs_print_tensor(FILE *out, const char *name, const onnxrun_tensor *tensor);

#endif
