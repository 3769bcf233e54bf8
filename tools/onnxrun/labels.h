/* SPDX-License-Identifier: Apache-2.0 */
/* Logits as classes: the most probable ones of each row with their names. */
#ifndef ONNXRUN_TOOLS_LABELS_H
#define ONNXRUN_TOOLS_LABELS_H

#include "common/file.h"

struct labels {
    struct file_bytes text;
    char **names; /* [count], in text; NULL: classes have numbers only */
    size_t count;
};

/* Reads one name per line. Errors: IO; MODEL when there are none. */
onnxrun_status labels_load(const char *path, struct labels *labels, onnxrun_error *error);

void labels_free(struct labels *labels);

/*
 * Prints the top classes of each row of the last axis of logits, with the probabilities that
 * softmax gives. Error: ARGUMENT when logits are no real numbers of rank >= 1, or another number of
 * classes has names.
 */
onnxrun_status labels_print(FILE *out, const struct labels *labels, size_t top,
                            const onnxrun_tensor *logits, onnxrun_error *error);

#endif
