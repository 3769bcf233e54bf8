/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/passes/replace.h"

uint32_t *onr_same_begin(const struct onr_graph *graph, const struct onr_pass_ctx *ctx)
{
    uint32_t *same = onr_mem_alloc(ctx->eval->mem, graph->value_count * sizeof *same);
    for (uint32_t i = 0; same != NULL && i < graph->value_count; i++) {
        same[i] = i;
    }
    return same;
}

static void replace_ids(const uint32_t *same, uint32_t *ids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (ids[i] != ONR_NO_VALUE) {
            ids[i] = same[ids[i]];
        }
    }
}

void onr_same_inputs(const uint32_t *same, struct onr_node *node)
{
    replace_ids(same, node->inputs, node->input_count);
    for (uint32_t b = 0; b < node->body_count; b++) {
        replace_ids(same, node->bodies[b].captures, node->bodies[b].capture_count);
    }
}

void onr_same_end(struct onr_graph *graph, uint32_t *same, const struct onr_pass_ctx *ctx)
{
    replace_ids(same, graph->outputs, graph->output_count);
    onr_mem_free(ctx->eval->mem, same, graph->value_count * sizeof *same);
}
