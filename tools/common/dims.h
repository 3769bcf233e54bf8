/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers for the dimensions of inputs that have none in the model: -d NAME=N. NAME is the symbol, or
 * INPUT/AXIS where there is none.
 */
#ifndef ONNXRUN_TOOLS_DIMS_H
#define ONNXRUN_TOOLS_DIMS_H

#include "common/tool.h"

#include <onnxrun/inspect.h>

struct dims {
    onnxrun_dim *items; /* [count], as the library takes them */
    char **names;       /* [count] of the items, owned */
    size_t count;
};

/* Adds the argument of -d. Error: ARGUMENT. */
onnxrun_status dims_add(struct dims *dims, const char *argument, onnxrun_error *error);

/* The item of a dimension without a number; NULL: none. */
const onnxrun_dim *dims_find(const struct dims *dims, const onnxrun_value_info *input,
                             int32_t axis);

/* Adds an item for a dimension that has none. */
void dims_learn(struct dims *dims, const onnxrun_value_info *input, int32_t axis, int64_t value);

/* The dimensions of all inputs, each once, that have a number neither in the model nor in `given`
 * (NULL: none is given): their values are 0. Free with dims_free. */
struct dims dims_open(const onnxrun_model *model, const struct dims *given);

/* Reports an item that no input has, with what they have; returns the exit code. */
int dims_check(const struct dims *given, const onnxrun_model *model);

void dims_free(struct dims *dims);

#endif
