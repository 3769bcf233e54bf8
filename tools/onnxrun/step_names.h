/* SPDX-License-Identifier: Apache-2.0 */
/* The names of all outputs of a step: a session tells that of the first alone. */
#ifndef ONNXRUN_TOOLS_STEP_NAMES_H
#define ONNXRUN_TOOLS_STEP_NAMES_H

#include "common/tool.h"

#include <onnxrun/inspect.h>

struct step_names {
    const onnxrun_graph *graph;
    uint32_t last; /* node of the last step */
};

/* The name of output index, which the step has; "" when the step is of a body. Steps are asked for
 * in their order; borrowed from the graph. */
const char *step_names_output(struct step_names *names, const onnxrun_step *step, size_t index);

#endif
