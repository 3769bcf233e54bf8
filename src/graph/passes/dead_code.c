/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dead code: one walk from the end marks what is needed, a second one compacts the node list, a third
 * one counts the uses that are left.
 */
#include "graph/passes/pass.h"

static void mark_inputs(const struct onr_node *node, bool *is_needed)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i] != ONR_NO_VALUE) {
            is_needed[node->inputs[i]] = true;
        }
    }
    for (uint32_t b = 0; b < node->body_count; b++) {
        for (uint32_t i = 0; i < node->bodies[b].capture_count; i++) {
            is_needed[node->bodies[b].captures[i]] = true;
        }
    }
}

static bool has_needed_output(const struct onr_node *node, const bool *is_needed)
{
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] != ONR_NO_VALUE && is_needed[node->outputs[i]]) {
            return true;
        }
    }
    return false;
}

static void compact_nodes(struct onr_graph *graph)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < graph->value_count; i++) {
        graph->values[i].producer = ONR_NO_VALUE; /* a folded value has none any more */
    }
    for (uint32_t n = 0; n < graph->node_count; n++) {
        if (graph->nodes[n].is_dead) {
            continue;
        }
        graph->nodes[kept] = graph->nodes[n];
        for (uint32_t i = 0; i < graph->nodes[kept].output_count; i++) {
            uint32_t id = graph->nodes[kept].outputs[i];
            if (id != ONR_NO_VALUE) {
                graph->values[id].producer = kept;
            }
        }
        kept++;
    }
    graph->node_count = kept;
}

static void count_uses(struct onr_graph *graph)
{
    for (uint32_t i = 0; i < graph->value_count; i++) {
        graph->values[i].use_count = 0;
    }
    for (uint32_t i = 0; i < graph->output_count; i++) {
        graph->values[graph->outputs[i]].use_count++;
    }
    for (uint32_t n = 0; n < graph->node_count; n++) {
        const struct onr_node *node = &graph->nodes[n];
        for (uint32_t i = 0; i < node->input_count; i++) {
            if (node->inputs[i] != ONR_NO_VALUE) {
                graph->values[node->inputs[i]].use_count++;
            }
        }
        for (uint32_t b = 0; b < node->body_count; b++) {
            for (uint32_t i = 0; i < node->bodies[b].capture_count; i++) {
                graph->values[node->bodies[b].captures[i]].use_count++;
            }
        }
    }
}

enum onr_status onr_pass_dead_code(struct onr_graph *graph, struct onr_pass_ctx *ctx)
{
    struct onr_mem *mem = ctx->eval->mem;
    size_t bytes = graph->value_count * sizeof(bool);
    bool *is_needed = onr_mem_calloc(mem, bytes);
    if (is_needed == NULL) {
        return onr_fail_memory(ctx->err, "marks of the pass dead_code");
    }
    for (uint32_t i = 0; i < graph->output_count; i++) {
        is_needed[graph->outputs[i]] = true;
    }
    for (uint32_t n = graph->node_count; n-- > 0;) {
        struct onr_node *node = &graph->nodes[n];
        node->is_dead = node->is_dead || !has_needed_output(node, is_needed);
        if (!node->is_dead) {
            mark_inputs(node, is_needed);
        }
    }
    onr_mem_free(mem, is_needed, bytes);
    compact_nodes(graph);
    count_uses(graph);
    return onr_pass_bodies(graph, onr_pass_dead_code, ctx);
}
