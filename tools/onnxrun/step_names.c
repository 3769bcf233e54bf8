/* SPDX-License-Identifier: Apache-2.0 */
#include "onnxrun/step_names.h"

#include <string.h>

static const char *value_name(const onnxrun_graph *graph, uint32_t value)
{
    onnxrun_value_info info = {.name = ""};
    const onnxrun_weight *weight;
    if (value != ONNXRUN_NO_VALUE) {
        (void)onnxrun_graph_value(graph, value, &info, &weight, NULL);
    }
    return info.name;
}

/* True when the first output that the step has is this node's. */
static bool is_node_of(const onnxrun_graph *graph, const onnxrun_node *node,
                       const onnxrun_step *step)
{
    size_t first = 0;
    while (first < step->output_count && step->outputs[first] == NULL) {
        first++;
    }
    return first < step->output_count && node->output_count == step->output_count &&
           strcmp(value_name(graph, node->outputs[first]), step->output_name) == 0;
}

const char *step_names_output(struct step_names *names, const onnxrun_step *step, size_t index)
{
    onnxrun_graph_info info;
    onnxrun_graph_get_info(names->graph, &info);
    for (uint32_t i = 0; step->depth == 0 && i < info.node_count; i++) {
        uint32_t at = (names->last + i) % info.node_count;
        onnxrun_node node;
        if (onnxrun_graph_node(names->graph, at, &node, NULL) == ONNXRUN_OK &&
            is_node_of(names->graph, &node, step)) {
            names->last = at;
            return value_name(names->graph, node.outputs[index]);
        }
    }
    return "";
}
