/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/passes/insert.h"

struct onr_node *onr_insert_begin(struct onr_graph *graph, uint32_t *count)
{
    struct onr_node *nodes = graph->nodes;
    *count = graph->node_count;
    graph->nodes = NULL;
    graph->node_count = 0;
    graph->node_capacity = 0;
    return nodes;
}

enum onr_status onr_insert_node(struct onr_graph *graph, const struct onr_node *node,
                                struct onr_error *err)
{
    struct onr_node *copy = NULL;
    ONR_TRY(onr_graph_add_node(graph, &copy, err));
    *copy = *node;
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] != ONR_NO_VALUE) {
            graph->values[node->outputs[i]].producer = graph->node_count - 1;
        }
    }
    return ONR_OK;
}
