/* SPDX-License-Identifier: Apache-2.0 */
/* Plans one node: computes it now if it follows from shapes, else gives it places and a step. */
#include "graph/infer.h"
#include "runtime/planner.h"
#include "runtime/steady.h"

/* Most bytes that one node may produce at plan time instead of at each run. */
#define MAX_EVALUATED_BYTES ((size_t)1 << 20)

/* Adds what the plan knows of a value (copied), to be bound when the segment starts. */
static enum onr_status define(struct onr_planner *p, const struct onr_plan_value *value)
{
    struct onr_plan_value *copy = onr_arena_copy(&p->plan->arena, value, sizeof *value);
    if (copy == NULL) {
        return onr_fail_memory(p->err, "value of a plan");
    }
    p->plan->values[value->id] = copy;
    const struct onr_plan_value **list =
        value->place == ONR_PLACE_VALUE ? &p->plan->views : &p->plan->binds;
    copy->next = *list;
    *list = copy;
    return ONR_OK;
}

static void gather_inputs(struct onr_planner *p, const struct onr_node *node)
{
    for (uint32_t i = 0; i < node->input_count; i++) {
        p->inputs[i] =
            node->inputs[i] != ONR_NO_VALUE ? &p->plan->values[node->inputs[i]]->fact : NULL;
    }
}

/*
 * True when the node can be planned: what its infer function asked for is there, and shapes are
 * known.
 */
static bool is_decided(const struct onr_planner *p, const struct onr_node *node, uint32_t needs)
{
    for (uint32_t i = 0; i < node->input_count && i < 32; i++) {
        if ((needs >> i & 1) != 0 && !onr_fact_is_constant(p->inputs[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] != ONR_NO_VALUE && p->outputs[i].kind == ONR_KIND_TENSOR &&
            !onr_fact_is_shaped(&p->outputs[i])) {
            return false;
        }
    }
    return true;
}

/* True when the node's outputs follow from shapes alone and are small: then they are computed now.
 */
static bool can_evaluate(const struct onr_planner *p, const struct onr_node *node)
{
    uint32_t traits = node->op->traits;
    bool is_dynamic = (traits & ONR_TRAIT_DYNAMIC) != 0;
    if ((traits & (ONR_TRAIT_IMPURE | ONR_TRAIT_BODIES)) != 0) {
        return false;
    }
    size_t bytes = 0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (p->inputs[i] != NULL &&
            (!onr_fact_is_constant(p->inputs[i]) ||
             !onr_shape_bytes(&p->inputs[i]->shape, p->inputs[i]->dtype, &bytes) ||
             bytes > MAX_EVALUATED_BYTES)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (!onr_fact_is_tensor(&p->outputs[i])) {
            return false;
        }
    }
    for (uint32_t i = 0; i < node->output_count && !is_dynamic; i++) {
        if (!onr_fact_is_shaped(&p->outputs[i]) ||
            !onr_shape_bytes(&p->outputs[i].shape, p->outputs[i].dtype, &bytes) ||
            bytes > MAX_EVALUATED_BYTES) {
            return false;
        }
    }
    return true;
}

/* Defines outputs that have data now, at a fixed address. */
static enum onr_status define_constants(struct onr_planner *p, const struct onr_node *node)
{
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] != ONR_NO_VALUE) {
            struct onr_plan_value value = {.fact = p->outputs[i],
                                           .id = node->outputs[i],
                                           .place = ONR_PLACE_FIXED,
                                           .fixed = p->outputs[i].data,
                                           .root = node->outputs[i]};
            ONR_TRY(define(p, &value));
        }
    }
    return ONR_OK;
}

static const struct onr_block *find_block(const struct onr_memory_plan *memory, size_t offset)
{
    for (uint32_t i = 0; i < memory->count; i++) {
        if (memory->live[i].offset == offset) {
            return &memory->live[i];
        }
    }
    return NULL;
}

/* How many inputs of the node lie at this slab offset. */
static uint32_t count_inputs_at(const struct onr_planner *p, const struct onr_node *node,
                                size_t offset)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i] != ONR_NO_VALUE) {
            const struct onr_plan_value *value = p->plan->values[node->inputs[i]];
            count += value->place == ONR_PLACE_SLAB && value->offset == offset;
        }
    }
    return count;
}

/*
 * An input whose storage output 0 can take over: in the slab, as many elements of the same size,
 * read for the last time by this node and by no other input of it. ONR_NO_VALUE when there is none.
 * Equal bytes alone do not do: one float is as large as four int8, but each of these reads it.
 */
static uint32_t find_inplace_input(const struct onr_planner *p, uint32_t n, size_t bytes,
                                   size_t element_bytes)
{
    const struct onr_node *node = p->program->nodes[n].node;
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i] == ONR_NO_VALUE) {
            continue;
        }
        const struct onr_plan_value *value = p->plan->values[node->inputs[i]];
        size_t input_bytes = 0;
        if (value->place != ONR_PLACE_SLAB ||
            !onr_shape_bytes(&value->fact.shape, value->fact.dtype, &input_bytes) ||
            input_bytes != bytes || onr_dtype_size(value->fact.dtype) != element_bytes) {
            continue;
        }
        const struct onr_block *block = find_block(&p->plan->memory, value->offset);
        if (block != NULL && block->last_use == n && count_inputs_at(p, node, value->offset) == 1) {
            return node->inputs[i];
        }
    }
    return ONR_NO_VALUE;
}

/* Gives one output its place: over an input's storage, or in a block of its own. */
static enum onr_status place_output(struct onr_planner *p, uint32_t n, uint32_t index,
                                    bool is_steady)
{
    const struct onr_bound_node *bound = &p->program->nodes[n];
    uint32_t id = bound->outputs[index];
    uint32_t last_use = p->program->last_use[id];
    struct onr_plan_value value = {
        .fact = p->outputs[index], .id = id, .root = id, .is_steady = is_steady};
    if ((bound->op->traits & ONR_TRAIT_DYNAMIC) != 0) {
        value.place = ONR_PLACE_DYNAMIC;
        return define(p, &value);
    }
    size_t bytes = 0;
    (void)onr_shape_bytes(&value.fact.shape, value.fact.dtype, &bytes);
    if (is_steady && p->plan->keeps_steady && p->program->kept[id]) {
        void *memory;
        ONR_TRY(onr_steady_keep(p, bytes, &memory));
        if (memory != NULL) {
            value.place = ONR_PLACE_FIXED;
            value.fixed = memory;
            return define(p, &value);
        }
    }
    uint32_t reused = ONR_NO_VALUE;
    if ((bound->op->traits & ONR_TRAIT_INPLACE) != 0 && index == 0 && bytes > 0) {
        reused = find_inplace_input(p, n, bytes, onr_dtype_size(value.fact.dtype));
    }
    if (reused != ONR_NO_VALUE) {
        value.offset = p->plan->values[reused]->offset;
        onr_memory_plan_extend(&p->plan->memory, value.offset, last_use);
    } else if (!onr_memory_plan_place(&p->plan->memory, bytes, last_use, &value.offset)) {
        return onr_fail_memory(p->err, "memory plan");
    }
    return define(p, &value);
}

/* True when output 0 can be input 0 itself: the node then needs no step. */
static bool is_view(const struct onr_planner *p, uint32_t n)
{
    const struct onr_bound_node *bound = &p->program->nodes[n];
    if ((bound->op->traits & ONR_TRAIT_VIEW) == 0 || bound->node->input_count == 0 ||
        bound->node->outputs[0] == ONR_NO_VALUE || p->inputs[0] == NULL ||
        p->inputs[0]->dtype != p->outputs[0].dtype) {
        return false;
    }
    for (uint32_t i = 1; i < bound->node->output_count; i++) {
        if (bound->node->outputs[i] != ONR_NO_VALUE) {
            return false;
        }
    }
    return true;
}

static enum onr_status define_view(struct onr_planner *p, uint32_t n)
{
    const struct onr_node *node = p->program->nodes[n].node;
    const struct onr_plan_value *input = p->plan->values[node->inputs[0]];
    struct onr_plan_value value = *input;
    value.id = node->outputs[0];
    value.fact.shape = p->outputs[0].shape;
    value.fact.contents = p->outputs[0].contents;
    if (input->place == ONR_PLACE_SLAB) {
        onr_memory_plan_extend(&p->plan->memory, value.offset, p->program->last_use[value.id]);
    } else if (input->place == ONR_PLACE_DYNAMIC) {
        value.place = ONR_PLACE_VALUE;
    }
    return define(p, &value);
}

/* Adds the step that runs the node: the operator's own plan, its workspace, pointers to its
 * tensors. */
static enum onr_status add_step(struct onr_planner *p, uint32_t n, bool is_steady)
{
    const struct onr_bound_node *bound = &p->program->nodes[n];
    const struct onr_node *node = bound->node;
    struct onr_step *step = &p->plan->steps[p->plan->step_count++];
    /* Most runs leave a steady step out: it prefetches nothing, and nothing is prefetched for it. */
    struct onr_plan_ctx ctx = {.node = node,
                               .inputs = p->inputs,
                               .outputs = p->outputs,
                               .state = bound->state,
                               .kernels = p->program->kernels,
                               .thread_count = p->options->eval->parallel->thread_count,
                               .arena = &p->plan->arena,
                               .err = p->err,
                               .next_stream = is_steady ? NULL : p->next_stream,
                               .wants_weights = p->options->wants_weights,
                               .told = bound->told};
    if (bound->op->plan != NULL) {
        ONR_TRY(bound->op->plan(&ctx));
    }
    p->next_stream = is_steady ? p->next_stream : ctx.next_stream;
    step->node = n;
    step->is_steady = is_steady;
    step->plan = ctx.plan;
    step->workspace_bytes = ctx.workspace_bytes;
    step->flops = ctx.flops;
    step->told = ctx.told;
    p->plan->flops += ctx.flops;
    if (ctx.workspace_bytes > 0 &&
        !onr_memory_plan_place(&p->plan->memory, ctx.workspace_bytes, n, &step->workspace_offset)) {
        return onr_fail_memory(p->err, "workspace");
    }
    step->live_bytes = p->plan->memory.live_bytes;
    step->inputs = ONR_ARENA_ARRAY(&p->plan->arena, node->input_count, struct onr_tensor *);
    step->outputs = ONR_ARENA_ARRAY(&p->plan->arena, node->output_count, struct onr_tensor *);
    if (step->inputs == NULL || step->outputs == NULL) {
        return onr_fail_memory(p->err, "step of a plan");
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i] != ONR_NO_VALUE) {
            step->inputs[i] = &p->options->tensors[node->inputs[i]];
        }
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (bound->outputs[i] != ONR_NO_VALUE) {
            step->outputs[i] = &p->options->tensors[bound->outputs[i]];
        }
    }
    return ONR_OK;
}

/* Outputs and step of a node that is to run. */
static enum onr_status plan_run(struct onr_planner *p, uint32_t n)
{
    const struct onr_bound_node *bound = &p->program->nodes[n];
    if (is_view(p, n)) {
        return define_view(p, n);
    }
    bool is_steady = onr_steady_node(p, bound);
    for (uint32_t i = 0; i < bound->node->output_count; i++) {
        if (bound->outputs[i] != ONR_NO_VALUE) {
            ONR_TRY(place_output(p, n, i, is_steady));
        }
    }
    return add_step(p, n, is_steady);
}

/* Ends the segment before node n: the contents of these inputs choose how it goes on. */
static enum onr_status cut_before(struct onr_planner *p, uint32_t n, uint32_t needs)
{
    const struct onr_node *node = p->program->nodes[n].node;
    p->plan->end_node = n;
    p->plan->keeps_steady = false; /* what is not kept may be read behind the cut */
    p->plan->cut_by_data = true;
    p->plan->cut_values = ONR_ARENA_ARRAY(&p->plan->arena, 32, uint32_t);
    if (p->plan->cut_values == NULL) {
        return onr_fail_memory(p->err, "cut of a plan");
    }
    for (uint32_t i = 0; i < node->input_count && i < 32; i++) {
        if ((needs >> i & 1) != 0 && !onr_fact_is_constant(p->inputs[i])) {
            p->plan->cut_values[p->plan->cut_count++] = node->inputs[i];
        }
    }
    return p->plan->cut_count > 0
               ? ONR_OK
               : onr_fail(p->err, ONR_ERR_INTERNAL, "the output shape cannot be inferred");
}

/* Ends the segment after node n: the shapes of its outputs choose how it goes on. */
static enum onr_status cut_after(struct onr_planner *p, uint32_t n)
{
    const struct onr_bound_node *bound = &p->program->nodes[n];
    p->plan->end_node = n + 1;
    p->plan->keeps_steady = false;
    p->plan->cut_values = ONR_ARENA_ARRAY(&p->plan->arena, bound->node->output_count, uint32_t);
    if (p->plan->cut_values == NULL) {
        return onr_fail_memory(p->err, "cut of a plan");
    }
    for (uint32_t i = 0; i < bound->node->output_count; i++) {
        if (bound->outputs[i] != ONR_NO_VALUE) {
            p->plan->cut_values[p->plan->cut_count++] = bound->outputs[i];
        }
    }
    return ONR_OK;
}

enum onr_status onr_planner_node(struct onr_planner *p, uint32_t n, bool *is_cut)
{
    const struct onr_bound_node *bound = &p->program->nodes[n];
    const struct onr_node *node = bound->node;
    uint32_t needs = 0;
    gather_inputs(p, node);
    onr_memory_plan_expire(&p->plan->memory, n);
    ONR_TRY(onr_check_dtypes(node, bound->op, p->inputs, p->err));
    ONR_TRY(onr_infer_node(p->program->graph, node, bound->op, p->inputs, p->outputs, &needs,
                           &p->plan->arena, p->err));
    bool is_known = true;
    for (uint32_t i = 0; i < node->output_count; i++) {
        is_known = is_known &&
                   (onr_fact_is_constant(&p->outputs[i]) || p->outputs[i].kind == ONR_KIND_NONE);
    }
    if (is_known) {
        return define_constants(p, node);
    }
    if (can_evaluate(p, node)) {
        ONR_TRY(onr_eval_prepared(p->options->eval, node, bound->op, bound->state, p->inputs,
                                  p->outputs, &p->plan->arena, p->err));
        return define_constants(p, node);
    }
    if ((bound->op->traits & ONR_TRAIT_DYNAMIC) != 0) {
        *is_cut = true;
        ONR_TRY(plan_run(p, n));
        return cut_after(p, n);
    }
    if (!is_decided(p, node, needs)) {
        *is_cut = true;
        return cut_before(p, n, needs);
    }
    return plan_run(p, n);
}
