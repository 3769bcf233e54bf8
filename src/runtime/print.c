/* SPDX-License-Identifier: Apache-2.0 */
/* The stages program and plan as text and JSON. */
#include "runtime/print.h"

#include "graph/print.h"

#include <inttypes.h>

/* How the constants of a program are held. */
struct constant_counts {
    uint32_t mapped; /* read in place from the file */
    uint32_t copied; /* realigned, unpacked, or computed by folding */
    uint32_t packed; /* only in the form that a kernel packed */
    uint64_t mapped_bytes;
    uint64_t copied_bytes;
    uint64_t packed_bytes; /* of the originals */
};

static struct constant_counts count_constants(const struct onr_program *program)
{
    struct constant_counts counts = {0};
    for (uint32_t i = 0; i < program->graph->value_count; i++) {
        const struct onr_constant *constant = program->graph->values[i].constant;
        if (constant == NULL) {
            continue;
        }
        if (program->constants[i].data == NULL) {
            counts.packed++;
            counts.packed_bytes += constant->bytes;
        } else if (constant->is_mapped && program->constants[i].data == constant->data) {
            counts.mapped++;
            counts.mapped_bytes += constant->bytes;
        } else {
            counts.copied++;
            counts.copied_bytes += constant->bytes;
        }
    }
    return counts;
}

static void program_text(struct onr_text *text, const struct onr_program *program, const char *isa)
{
    struct constant_counts c = count_constants(program);
    onr_text_add(text, "program: %" PRIu32 " nodes, kernels up to %s, heap ", program->node_count,
                 isa);
    onr_print_bytes(text, program->mem->live_bytes);
    onr_text_add(text, "\nconstants: %" PRIu32 " mapped (", c.mapped);
    onr_print_bytes(text, c.mapped_bytes);
    onr_text_add(text, "), %" PRIu32 " in memory (", c.copied);
    onr_print_bytes(text, c.copied_bytes);
    onr_text_add(text, "), %" PRIu32 " packed or unused (", c.packed);
    onr_print_bytes(text, c.packed_bytes);
    onr_text_add(text, ")\n\n");
}

static void program_node(struct onr_text *text, const struct onr_program *program, uint32_t n,
                         bool is_json)
{
    const struct onr_bound_node *bound = &program->nodes[n];
    const char *label = onr_node_label(program->graph, bound->node);
    if (is_json) {
        onr_text_add(text, "%s{\"node\": ", n > 0 ? ", " : "");
        onr_text_add_json_string(text, label);
        onr_text_add(text, ", \"op\": ");
        onr_text_add_json_string(text, bound->op->name);
        onr_text_add(text, ", \"domain\": ");
        onr_text_add_json_string(text, bound->op->domain);
        onr_text_add(text, ", \"row\": [%d, %d], \"bodies\": %" PRIu32 "}",
                     bound->op->since_version, bound->op->last_version, bound->node->body_count);
        return;
    }
    onr_text_add(text, "%5" PRIu32 "  %-24s %2d..%-2d  ", n, bound->op->name,
                 bound->op->since_version, bound->op->last_version);
    onr_text_add_name(text, label);
    onr_text_add(text, "\n");
}

void onr_print_program(struct onr_text *text, const struct onr_program *program, const char *isa,
                       bool is_json)
{
    if (is_json) {
        struct constant_counts c = count_constants(program);
        onr_text_add(
            text,
            "{\"stage\": \"program\", \"isa\": \"%s\", \"constants\": {\"mapped\": %" PRIu32
            ", \"mapped_bytes\": %" PRIu64 ", \"copied\": %" PRIu32 ", \"copied_bytes\": %" PRIu64
            ", \"packed\": %" PRIu32 ", \"packed_bytes\": %" PRIu64
            "}, \"heap_bytes\": %zu, \"nodes\": [",
            isa, c.mapped, c.mapped_bytes, c.copied, c.copied_bytes, c.packed, c.packed_bytes,
            program->mem->live_bytes);
    } else {
        program_text(text, program, isa);
    }
    for (uint32_t n = 0; n < program->node_count; n++) {
        program_node(text, program, n, is_json);
    }
    onr_text_add(text, is_json ? "]}\n" : "");
}

static const char *place_name(enum onr_place place)
{
    static const char *const names[] = {"slab", "fixed", "view", "dynamic"};
    return names[place];
}

static void plan_output(struct onr_text *text, const struct onr_program *program,
                        const struct onr_plan_value *value, bool is_json)
{
    const char *name = value->id < program->graph->value_count
                           ? program->graph->values[value->id].name
                           : "(unused)";
    if (is_json) {
        onr_text_add(text, "{\"value\": ");
        onr_text_add_json_string(text, name);
        onr_text_add(text, ", \"type\": \"");
        onr_print_fact(text, program->graph, &value->fact);
        onr_text_add(text, "\", \"place\": \"%s\", \"offset\": %zu}", place_name(value->place),
                     value->offset);
        return;
    }
    onr_text_add(text, " ");
    onr_text_add_name(text, name);
    onr_text_add(text, ": ");
    onr_print_fact(text, program->graph, &value->fact);
    if (value->place == ONR_PLACE_SLAB) {
        onr_text_add(text, " @%zu", value->offset);
    } else {
        onr_text_add(text, " (%s)", place_name(value->place));
    }
}

static void plan_step(struct onr_text *text, const struct onr_program *program,
                      const struct onr_plan *plan, uint32_t index, bool is_json)
{
    const struct onr_step *step = &plan->steps[index];
    const struct onr_bound_node *bound = &program->nodes[step->node];
    bool is_once = plan->keeps_steady && step->is_steady;
    if (is_json) {
        onr_text_add(text, "%s{\"node\": ", index > 0 ? ", " : "");
        onr_text_add_json_string(text, onr_node_label(program->graph, bound->node));
        onr_text_add(text, ", \"op\": ");
        onr_text_add_json_string(text, bound->op->name);
        onr_text_add(text, ", \"workspace_bytes\": %zu, \"is_once\": %s, \"outputs\": [",
                     step->workspace_bytes, is_once ? "true" : "false");
    } else {
        onr_text_add(text, "%5" PRIu32 "  %-24s", index, bound->op->name);
    }
    const char *separator = "";
    for (uint32_t i = 0; i < bound->node->output_count; i++) {
        if (bound->outputs[i] != ONR_NO_VALUE) {
            onr_text_add(text, "%s", is_json ? separator : "");
            plan_output(text, program, plan->values[bound->outputs[i]], is_json);
            separator = ", ";
        }
    }
    if (is_json) {
        onr_text_add(text, "]}");
        return;
    }
    if (step->workspace_bytes > 0) {
        onr_text_add(text, "  workspace %zu @%zu", step->workspace_bytes, step->workspace_offset);
    }
    onr_text_add(text, is_once ? "  in the first run alone\n" : "\n");
}

void onr_print_plan(struct onr_text *text, const struct onr_program *program,
                    const struct onr_plan *plan, bool is_json)
{
    uint32_t nodes = plan->end_node - plan->begin_node;
    if (is_json) {
        onr_text_add(text,
                     "{\"stage\": \"plan\", \"nodes\": %" PRIu32 ", \"is_complete\": %s, "
                     "\"slab_bytes\": %zu, \"flops\": %" PRIu64 ", \"steps\": [",
                     nodes, plan->cut_count == 0 ? "true" : "false", plan->memory.slab_bytes,
                     plan->flops);
    } else {
        onr_text_add(text, "plan: %" PRIu32 " of %" PRIu32 " nodes, %" PRIu32 " steps, slab ",
                     nodes, program->node_count, plan->step_count);
        onr_print_bytes(text, plan->memory.slab_bytes);
        onr_text_add(text, ", %.3f GFLOP\n", (double)plan->flops * 1e-9);
        if (plan->cut_count > 0) {
            onr_text_add(text, "what follows depends on data and is planned during a run\n");
        }
        onr_text_add(text, "\n");
    }
    for (uint32_t i = 0; i < plan->step_count; i++) {
        plan_step(text, program, plan, i, is_json);
    }
    onr_text_add(text, is_json ? "]}\n" : "");
}
