/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/steady.h"

/* Strings live as long as a run. */
static bool is_lasting(const struct onr_fact *fact)
{
    return onr_fact_is_tensor(fact) && fact->dtype != ONR_STRING;
}

/* ---- of a program ---- */

static bool is_steady(const struct onr_program *program, const struct onr_bound_node *bound,
                      const bool *steady)
{
    const struct onr_node *node = bound->node;
    uint32_t traits = bound->op->traits;
    if ((traits & (ONR_TRAIT_IMPURE | ONR_TRAIT_BODIES | ONR_TRAIT_DYNAMIC)) != 0) {
        return false;
    }
    for (uint32_t i = 0; i < node->input_count && (traits & ONR_TRAIT_SHAPE_ONLY) == 0; i++) {
        if (node->inputs[i] != ONR_NO_VALUE && !steady[node->inputs[i]]) {
            return false;
        }
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] != ONR_NO_VALUE &&
            !is_lasting(&program->graph->values[node->outputs[i]].fact)) {
            return false;
        }
    }
    return true;
}

static void find_nodes(struct onr_program *program, bool *steady)
{
    for (uint32_t i = 0; i < program->value_count; i++) {
        steady[i] = program->known[i] != NULL;
    }
    for (uint32_t n = 0; n < program->node_count; n++) {
        struct onr_bound_node *bound = &program->nodes[n];
        bound->is_steady = is_steady(program, bound, steady);
        for (uint32_t i = 0; i < bound->node->output_count; i++) {
            if (bound->node->outputs[i] != ONR_NO_VALUE) {
                steady[bound->node->outputs[i]] = bound->is_steady;
            }
        }
    }
}

/* What all runs read: outputs, and inputs of nodes that all runs do, or what these are views of. */
static void find_kept(struct onr_program *program)
{
    const struct onr_graph *graph = program->graph;
    for (uint32_t i = 0; i < graph->output_count; i++) {
        program->kept[graph->outputs[i]] = true;
    }
    for (uint32_t n = program->node_count; n-- > 0;) {
        const struct onr_bound_node *bound = &program->nodes[n];
        const struct onr_node *node = bound->node;
        bool is_view = (bound->op->traits & ONR_TRAIT_VIEW) != 0 && node->input_count > 0 &&
                       node->outputs[0] != ONR_NO_VALUE && program->kept[node->outputs[0]];
        for (uint32_t i = 0; i < node->input_count; i++) {
            if (node->inputs[i] != ONR_NO_VALUE) {
                program->kept[node->inputs[i]] |= !bound->is_steady || (is_view && i == 0);
            }
        }
        for (uint32_t b = 0; b < node->body_count; b++) {
            for (uint32_t i = 0; i < node->bodies[b].capture_count; i++) {
                program->kept[node->bodies[b].captures[i]] = true;
            }
        }
    }
}

enum onr_status onr_steady_find(struct onr_program *program, struct onr_error *err)
{
    bool *steady = ONR_ARENA_ARRAY(&program->arena, program->value_count, bool);
    program->kept = ONR_ARENA_ARRAY(&program->arena, program->value_count, bool);
    if (steady == NULL || program->kept == NULL) {
        return onr_fail_memory(err, "tables of the program");
    }
    find_nodes(program, steady);
    find_kept(program);
    for (uint32_t i = 0; i < program->value_count; i++) {
        size_t bytes = 0;
        if (program->known[i] != NULL && onr_shape_bytes(&program->known[i]->fact.shape,
                                                         program->known[i]->fact.dtype, &bytes)) {
            program->keep_bytes += bytes / ONR_MAX_ROOT_PLANS;
        }
    }
    return ONR_OK;
}

/* ---- of a plan ---- */

/* True when all runs of the plan would compute the same outputs. */
static bool is_same(const struct onr_planner *p, const struct onr_bound_node *bound)
{
    const struct onr_node *node = bound->node;
    bool is_steady = bound->is_steady;
    for (uint32_t i = 0; i < node->input_count && is_steady; i++) {
        const struct onr_plan_value *value =
            node->inputs[i] != ONR_NO_VALUE ? p->plan->values[node->inputs[i]] : NULL;
        is_steady = value == NULL || value->place == ONR_PLACE_FIXED || value->is_steady;
    }
    for (uint32_t i = 0; i < node->output_count && is_steady; i++) {
        is_steady = node->outputs[i] == ONR_NO_VALUE || is_lasting(&p->outputs[i]);
    }
    return is_steady;
}

/* All runs do the node. If it reads from the slab what only the first would write, all must write it. */
static void need_inputs(struct onr_planner *p, const struct onr_node *node)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i] != ONR_NO_VALUE) {
            const struct onr_plan_value *value = p->plan->values[node->inputs[i]];
            p->plan->keeps_steady &= value->place != ONR_PLACE_SLAB || !value->is_steady;
        }
    }
}

bool onr_steady_node(struct onr_planner *p, const struct onr_bound_node *bound)
{
    bool is_steady = is_same(p, bound);
    if (!is_steady) {
        need_inputs(p, bound->node);
    }
    return is_steady;
}

enum onr_status onr_steady_keep(struct onr_planner *p, size_t bytes, void **memory)
{
    struct onr_plan *plan = p->plan;
    *memory = NULL;
    if (bytes > p->program->keep_bytes - plan->kept_bytes) {
        plan->keeps_steady = false;
        return ONR_OK;
    }
    plan->kept_bytes += bytes;
    *memory = onr_arena_room(&plan->kept, bytes != 0 ? bytes : 1);
    return *memory != NULL ? ONR_OK : onr_fail_memory(p->err, "values that a plan keeps");
}
