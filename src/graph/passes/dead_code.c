/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dead code: one walk from the end marks what is needed, a second one compacts the node list, a third
 * one counts the uses that are left. While nodes are replaced, what each of them used is taken back.
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

bool onr_uses_begin(struct onr_uses *uses, const struct onr_graph *graph, struct onr_mem *mem)
{
    uses->count = onr_mem_alloc(mem, graph->value_count * sizeof *uses->count);
    uses->queue = onr_mem_alloc(mem, graph->node_count * sizeof *uses->queue);
    for (uint32_t i = 0; uses->count != NULL && i < graph->value_count; i++) {
        uses->count[i] = graph->values[i].use_count;
    }
    return uses->count != NULL && uses->queue != NULL;
}

/* One use less: when it was the last of all results of a node, that is dead and joins the queue. */
static void drop_use(struct onr_uses *uses, struct onr_graph *graph, uint32_t value,
                     uint32_t *queued)
{
    if (value == ONR_NO_VALUE || --uses->count[value] > 0 ||
        graph->values[value].producer == ONR_NO_VALUE) {
        return;
    }
    struct onr_node *node = &graph->nodes[graph->values[value].producer];
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] != ONR_NO_VALUE && uses->count[node->outputs[i]] > 0) {
            return;
        }
    }
    if (!node->is_dead) {
        node->is_dead = true;
        uses->queue[(*queued)++] = graph->values[value].producer;
    }
}

void onr_uses_drop(struct onr_uses *uses, struct onr_graph *graph, const struct onr_node *node)
{
    for (uint32_t queued = 0; node != NULL;
         node = queued > 0 ? &graph->nodes[uses->queue[--queued]] : NULL) {
        for (uint32_t i = 0; i < node->input_count; i++) {
            drop_use(uses, graph, node->inputs[i], &queued);
        }
        for (uint32_t b = 0; b < node->body_count; b++) {
            for (uint32_t i = 0; i < node->bodies[b].capture_count; i++) {
                drop_use(uses, graph, node->bodies[b].captures[i], &queued);
            }
        }
    }
}

void onr_uses_end(struct onr_uses *uses, struct onr_graph *graph, struct onr_mem *mem)
{
    for (uint32_t i = 0; uses->count != NULL && i < graph->value_count; i++) {
        graph->values[i].use_count = uses->count[i];
    }
    onr_mem_free(mem, uses->queue, graph->node_count * sizeof *uses->queue);
    onr_mem_free(mem, uses->count, graph->value_count * sizeof *uses->count);
}
