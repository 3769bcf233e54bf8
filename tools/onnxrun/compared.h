/* SPDX-License-Identifier: Apache-2.0 */
/* What onnxrun compare finds out: each value of a run beside the one that is expected. */
#ifndef ONNXRUN_TOOLS_COMPARED_H
#define ONNXRUN_TOOLS_COMPARED_H

#include "common/compare.h"

enum compared_verdict {
    COMPARED_SAME, /* within the tolerances */
    COMPARED_DIFFERENT,
    COMPARED_MISSING /* there is no such value to compare with */
};

/* A value that a node of the main graph computes, or that is an output of the model. */
struct compared_value {
    char *name;
    char *node; /* "" when it has no name, or for an output that no node computes */
    char *op;   /* with its domain, if that is not ai.onnx; "" likewise */
    char *type; /* "float[1, 128, 768]" */
    uint64_t bytes;
    enum compared_verdict verdict;
    struct comparison comparison;
    char where[160]; /* index of the largest error, "" when there is none */
};

struct compared {
    struct compared_value *values; /* in the order in which they are computed */
    size_t count;
    size_t room;
    double rtol;
    double atol;
};

/* Adds a value; step is NULL for an output that no node computes. */
void compared_add(struct compared *compared, const onnxrun_step *step, const char *name,
                  const onnxrun_tensor *value);

/* The position of the value of this name, looked for from there on; count when there is none. */
size_t compared_find(const struct compared *compared, size_t from, const char *name);

/* Compares one value; want is NULL when there is none. */
void compared_set(struct compared *compared, size_t index, const onnxrun_tensor *got,
                  const onnxrun_tensor *want);

size_t compared_number_of(const struct compared *compared, enum compared_verdict verdict);

/* Prints all that was found; against is what the values were compared with. */
void compared_print_text(const struct compared *compared, const char *against);
void compared_print_json(const struct compared *compared, const char *model_path,
                         const char *against);

void compared_free(struct compared *compared);

#endif
