/* SPDX-License-Identifier: Apache-2.0 */
/* Writes each value that a run computes to a file in a folder: onnxrun run --dump. */
#ifndef ONNXRUN_TOOLS_DUMP_H
#define ONNXRUN_TOOLS_DUMP_H

#include "onnxrun/step_names.h"

struct dump {
    const char *folder;
    struct step_names names;
    onnxrun_status status; /* OK, or the first error, after which nothing is written */
    onnxrun_error error;
};

/* Makes the folder unless it is there. Error: IO. */
onnxrun_status dump_begin(struct dump *dump, const char *folder, const onnxrun_model *model);

/* on_step of a session; user is the dump. */
void dump_on_step(void *user, const onnxrun_step *step);

/* Writes one value; sequences and strings, for which .npy has no form, are left out. */
void dump_value(struct dump *dump, const char *name, const onnxrun_tensor *tensor);

#endif
