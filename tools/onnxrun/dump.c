/* SPDX-License-Identifier: Apache-2.0 */
#include "onnxrun/dump.h"

#include "common/file.h"
#include "common/npy.h"
#include "common/value_file.h"

#include <stdlib.h>

onnxrun_status dump_begin(struct dump *dump, const char *folder, const onnxrun_model *model)
{
    *dump = (struct dump){.folder = folder, .names = {.graph = onnxrun_model_graph(model)}};
    dump->status = file_make_folder(folder, &dump->error);
    return dump->status;
}

void dump_value(struct dump *dump, const char *name, const onnxrun_tensor *tensor)
{
    if (dump->status != ONNXRUN_OK || tensor == NULL ||
        onnxrun_tensor_kind(tensor) != ONNXRUN_KIND_TENSOR ||
        onnxrun_tensor_dtype(tensor) == ONNXRUN_STRING) {
        return;
    }
    char *path = value_file_path(dump->folder, name, ".npy");
    dump->status = npy_write(path, tensor, &dump->error);
    free(path);
}

void dump_on_step(void *user, const onnxrun_step *step)
{
    struct dump *dump = user;
    for (size_t i = 0; step->depth == 0 && i < step->output_count; i++) {
        if (step->outputs[i] != NULL) {
            dump_value(dump, step_names_output(&dump->names, step, i), step->outputs[i]);
        }
    }
}
