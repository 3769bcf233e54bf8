/* SPDX-License-Identifier: Apache-2.0 */
/* Binds a sealed graph to operators and makes its constants ready for kernels. */
#include "runtime/program.h"

#include "base/os.h"
#include "graph/infer.h"
#include "runtime/steady.h"

#include <inttypes.h>
#include <string.h>

/* Mapped constants of at least this size whose bytes are packed are told to the system as not
 * needed. */
#define MIN_DROPPED_BYTES ((size_t)1 << 16)

/* What runs do with a constant. */
enum use {
    USE_NONE,  /* nothing: it has been packed */
    USE_MOVED, /* elements are copied, for which the bytes may lie anywhere */
    USE_READ,
};

void onr_node_error(struct onr_error *err, const char *stage, const struct onr_graph *graph,
                    const struct onr_node *node)
{
    onr_error_prefix(err, "%s: node \"%.128s\" (%s-%" PRId64 "): ", stage,
                     onr_node_label(graph, node), node->op_type, node->version);
}

static enum onr_status alloc_tables(struct onr_program *program, struct onr_error *err)
{
    const struct onr_graph *graph = program->graph;
    struct onr_arena *arena = &program->arena;
    uint32_t scratch_count = 0;
    for (uint32_t n = 0; n < graph->node_count; n++) {
        scratch_count += graph->nodes[n].body_count > 0 ? graph->nodes[n].output_count : 0;
    }
    program->value_count = graph->value_count + scratch_count;
    program->nodes = ONR_ARENA_ARRAY(arena, graph->node_count, struct onr_bound_node);
    program->constants = ONR_ARENA_ARRAY(arena, program->value_count, struct onr_tensor);
    program->last_use = ONR_ARENA_ARRAY(arena, program->value_count, uint32_t);
    program->known = ONR_ARENA_ARRAY(arena, program->value_count, const struct onr_plan_value *);
    if (program->nodes == NULL || program->constants == NULL || program->last_use == NULL ||
        program->known == NULL) {
        return onr_fail_memory(err, "tables of the program");
    }
    return ONR_OK;
}

static void find_last_uses(struct onr_program *program)
{
    const struct onr_graph *graph = program->graph;
    for (uint32_t n = 0; n < graph->node_count; n++) {
        const struct onr_node *node = &graph->nodes[n];
        for (uint32_t i = 0; i < node->output_count; i++) {
            if (node->outputs[i] != ONR_NO_VALUE) {
                program->last_use[node->outputs[i]] = n;
            }
        }
        for (uint32_t i = 0; i < node->input_count; i++) {
            if (node->inputs[i] != ONR_NO_VALUE) {
                program->last_use[node->inputs[i]] = n;
            }
        }
        for (uint32_t b = 0; b < node->body_count; b++) {
            for (uint32_t i = 0; i < node->bodies[b].capture_count; i++) {
                program->last_use[node->bodies[b].captures[i]] = n;
            }
        }
    }
    for (uint32_t i = 0; i < graph->output_count; i++) {
        program->last_use[graph->outputs[i]] = UINT32_MAX;
    }
}

/* Output ids of a node; nodes with bodies get scratch values in place of unwanted outputs. */
static enum onr_status bind_outputs(struct onr_program *program, struct onr_bound_node *bound,
                                    uint32_t index, uint32_t *next_scratch, struct onr_error *err)
{
    const struct onr_node *node = bound->node;
    bound->outputs =
        onr_arena_copy(&program->arena, node->outputs, node->output_count * sizeof *node->outputs);
    if (bound->outputs == NULL) {
        return onr_fail_memory(err, "outputs of a node");
    }
    for (uint32_t i = 0; node->body_count > 0 && i < node->output_count; i++) {
        if (bound->outputs[i] == ONR_NO_VALUE) {
            bound->outputs[i] = (*next_scratch)++;
            program->last_use[bound->outputs[i]] = index;
        }
    }
    return ONR_OK;
}

static enum onr_status build_bodies(struct onr_program *program, struct onr_bound_node *bound,
                                    const struct onr_program_options *options,
                                    struct onr_error *err)
{
    const struct onr_node *node = bound->node;
    bound->bodies = ONR_ARENA_ARRAY(&program->arena, node->body_count, struct onr_program *);
    if (bound->bodies == NULL) {
        return onr_fail_memory(err, "bodies of a node");
    }
    for (uint32_t b = 0; b < node->body_count; b++) {
        struct onr_program_options inner = *options;
        inner.graph = node->bodies[b].graph;
        ONR_TRY(onr_program_build(&inner, &bound->bodies[b], err));
    }
    return ONR_OK;
}

/* Takes back the constants of a node whose shapes do not fit. In a body that is an error when it runs;
 * until then nothing may be read from a weight that need not be as large as it should be. */
static void check_constants(const struct onr_graph *graph, const struct onr_bound_node *bound,
                            const struct onr_fact *const *inputs,
                            const struct onr_constant **constants, struct onr_fact *outputs,
                            struct onr_arena *arena)
{
    struct onr_error err;
    uint32_t needs = 0;
    onr_error_clear(&err);
    if (onr_infer_node(graph, bound->node, bound->op, inputs, outputs, &needs, arena, &err) !=
        ONR_OK) {
        memset(constants, 0, bound->node->input_count * sizeof *constants);
    }
}

/* Calls the operator's prepare. */
static enum onr_status prepare_node(struct onr_program *program, struct onr_bound_node *bound,
                                    const struct onr_program_options *options,
                                    struct onr_backlog *backlog, struct onr_error *err)
{
    const struct onr_graph *graph = program->graph;
    const struct onr_node *node = bound->node;
    bound->told.kernel = bound->op->kernel;
    if (bound->op->prepare == NULL) {
        return ONR_OK;
    }
    struct onr_arena *arena = &program->arena;
    const struct onr_fact **inputs =
        ONR_ARENA_ARRAY(arena, node->input_count, const struct onr_fact *);
    const struct onr_constant **constants =
        ONR_ARENA_ARRAY(arena, node->input_count, const struct onr_constant *);
    struct onr_fact *outputs = ONR_ARENA_ARRAY(arena, node->output_count, struct onr_fact);
    if (inputs == NULL || constants == NULL || outputs == NULL) {
        return onr_fail_memory(err, "preparation of a node");
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (node->inputs[i] != ONR_NO_VALUE) {
            const struct onr_value *value = &graph->values[node->inputs[i]];
            inputs[i] = &value->fact;
            constants[i] = value->is_input ? NULL : value->constant;
        }
    }
    check_constants(graph, bound, inputs, constants, outputs, arena);
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] != ONR_NO_VALUE) {
            outputs[i] = graph->values[node->outputs[i]].fact;
        }
    }
    struct onr_prepare_ctx ctx = {.graph = graph,
                                  .node = node,
                                  .inputs = inputs,
                                  .outputs = outputs,
                                  .kernels = options->kernels,
                                  .backlog = backlog,
                                  .arena = arena,
                                  .mem = options->mem,
                                  .err = err,
                                  .constants = constants,
                                  .told = bound->told};
    enum onr_status status = bound->op->prepare(&ctx);
    if (status != ONR_OK) {
        onr_node_error(err, "load", graph, node);
        return status;
    }
    bound->told = ctx.told;
    bound->state = ctx.state;
    bound->consumed = ctx.consumed;
    return ONR_OK;
}

/* Tells the system about the weights of the node that have been packed, so that they are not in
 * memory twice. Another node may still read them. */
static void drop_weights(const struct onr_graph *graph, const struct onr_bound_node *bound)
{
    const struct onr_node *node = bound->node;
    for (uint32_t i = 0; i < node->input_count && i < 32; i++) {
        if ((bound->consumed >> i & 1) == 0 || node->inputs[i] == ONR_NO_VALUE) {
            continue;
        }
        const struct onr_constant *constant = graph->values[node->inputs[i]].constant;
        if (constant != NULL && constant->is_mapped && constant->bytes >= MIN_DROPPED_BYTES) {
            onr_file_drop(constant->data, constant->bytes);
        }
    }
}

struct drop_job {
    const struct onr_graph *graph;
    const struct onr_bound_node *bound;
};

static void drop_item(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct drop_job *job = arg;
    (void)begin;
    (void)end;
    (void)worker;
    drop_weights(job->graph, job->bound);
}

/* Notes what run does with the inputs. */
static void note_uses(const struct onr_bound_node *bound, enum use *uses)
{
    const struct onr_node *node = bound->node;
    bool picks = (bound->op->traits & ONR_TRAIT_PICKS) != 0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        bool is_consumed = i < 32 && (bound->consumed >> i & 1) != 0;
        if (node->inputs[i] != ONR_NO_VALUE && !is_consumed) {
            enum use *use = &uses[node->inputs[i]];
            *use = picks && i == 0 && *use != USE_READ ? USE_MOVED : USE_READ;
        }
    }
    for (uint32_t b = 0; b < node->body_count; b++) {
        for (uint32_t i = 0; i < node->bodies[b].capture_count; i++) {
            uses[node->bodies[b].captures[i]] = USE_READ;
        }
    }
}

static enum onr_status bind_nodes(struct onr_program *program,
                                  const struct onr_program_options *options, enum use *uses,
                                  struct onr_error *err)
{
    const struct onr_graph *graph = program->graph;
    uint32_t next_scratch = graph->value_count;
    struct onr_backlog backlog;
    onr_backlog_init(&backlog, options->parallel, &program->arena, false);
    for (uint32_t n = 0; n < graph->node_count; n++) {
        struct onr_bound_node *bound = &program->nodes[n];
        bound->node = &graph->nodes[n];
        bound->op = graph->nodes[n].op;
        program->node_count = n + 1;
        ONR_TRY(bind_outputs(program, bound, n, &next_scratch, err));
        ONR_TRY(build_bodies(program, bound, options, err));
        ONR_TRY(prepare_node(program, bound, options, &backlog, err));
        note_uses(bound, uses);
        struct drop_job drop = {graph, bound};
        if (bound->consumed != 0 &&
            !onr_backlog_add(&backlog, 1, 1, drop_item, &drop, sizeof drop)) {
            return onr_fail_memory(err, "packed weights");
        }
    }
    if (!onr_backlog_run(&backlog)) {
        return onr_fail_memory(err, "packed weights");
    }
    /* Where two threads packed weights, the first to end dropped them under the other's hands. */
    for (uint32_t n = 0; n < graph->node_count; n++) {
        drop_weights(graph, &program->nodes[n]);
    }
    for (uint32_t i = 0; i < graph->output_count; i++) {
        uses[graph->outputs[i]] = USE_READ;
    }
    return ONR_OK;
}

/* True when runs can use the bytes of the constant where they are. */
static bool is_usable_in_place(const struct onr_constant *constant, enum use use)
{
    return onr_constant_is_direct(constant) ||
           (use == USE_MOVED && !onr_dtypes_has(ONR_DTYPES_NARROW, constant->dtype));
}

/* Tells plans of a constant. */
static enum onr_status define_known(struct onr_program *program, uint32_t id, struct onr_error *err)
{
    struct onr_plan_value *known = ONR_ARENA_NEW(&program->arena, struct onr_plan_value);
    if (known == NULL) {
        return onr_fail_memory(err, "constant of the program");
    }
    *known = (struct onr_plan_value){.fact = program->graph->values[id].fact,
                                     .id = id,
                                     .place = ONR_PLACE_FIXED,
                                     .fixed = program->constants[id].data,
                                     .root = id};
    if (known->fixed != NULL) {
        known->fact.data = known->fixed;
    }
    program->known[id] = known;
    return ONR_OK;
}

/* Gives a constant that is still used a form that kernels can read. */
static enum onr_status bind_constant(struct onr_program *program, uint32_t id, enum use use,
                                     struct onr_error *err)
{
    const struct onr_value *value = &program->graph->values[id];
    const struct onr_constant *constant = value->constant;
    struct onr_tensor *tensor = &program->constants[id];
    *tensor = (struct onr_tensor){.dtype = constant->dtype, .shape = constant->shape};
    if (use == USE_NONE) {
        return ONR_OK;
    }
    if (value->fact.data != NULL) {
        tensor->data = (void *)(uintptr_t)value->fact.data;
    } else if (constant->data != NULL && is_usable_in_place(constant, use)) {
        tensor->data = (void *)(uintptr_t)constant->data;
    } else {
        size_t bytes = (size_t)onr_constant_count(constant) * onr_dtype_size(constant->dtype);
        tensor->data = onr_arena_alloc(&program->arena, bytes);
        if (tensor->data == NULL) {
            return onr_fail_memory(err, "aligned copy of a weight");
        }
        onr_constant_copy(constant, tensor->data);
    }
    return ONR_OK;
}

static enum onr_status bind_constants(struct onr_program *program, const enum use *uses,
                                      struct onr_error *err)
{
    const struct onr_graph *graph = program->graph;
    for (uint32_t i = 0; i < graph->value_count; i++) {
        if (graph->values[i].constant == NULL) {
            continue;
        }
        ONR_TRY(bind_constant(program, i, uses[i], err));
        if (!graph->values[i].is_input) {
            ONR_TRY(define_known(program, i, err));
        }
    }
    return ONR_OK;
}

static enum onr_status build_program(struct onr_program *program,
                                     const struct onr_program_options *options,
                                     struct onr_error *err)
{
    ONR_TRY(alloc_tables(program, err));
    find_last_uses(program);
    enum use *uses = ONR_ARENA_ARRAY(&program->arena, program->value_count, enum use);
    if (uses == NULL) {
        return onr_fail_memory(err, "tables of the program");
    }
    ONR_TRY(bind_nodes(program, options, uses, err));
    ONR_TRY(bind_constants(program, uses, err));
    return onr_steady_find(program, err);
}

enum onr_status onr_program_build(const struct onr_program_options *options,
                                  struct onr_program **program, struct onr_error *err)
{
    struct onr_program *built = onr_mem_calloc(options->mem, sizeof *built);
    *program = NULL;
    if (built == NULL) {
        return onr_fail_memory(err, "program");
    }
    built->graph = options->graph;
    built->kernels = options->kernels;
    built->mem = options->mem;
    onr_arena_init(&built->arena, options->mem);
    enum onr_status status = build_program(built, options, err);
    if (status != ONR_OK) {
        onr_program_free(built);
        return status;
    }
    *program = built;
    return ONR_OK;
}

void onr_program_free(struct onr_program *program)
{
    if (program == NULL) {
        return;
    }
    for (uint32_t n = 0; n < program->node_count; n++) {
        struct onr_bound_node *bound = &program->nodes[n];
        if (bound->op->release != NULL && bound->state != NULL) {
            bound->op->release(program->mem, bound->state);
        }
        for (uint32_t b = 0; bound->bodies != NULL && b < bound->node->body_count; b++) {
            onr_program_free(bound->bodies[b]);
        }
    }
    onr_arena_free(&program->arena);
    onr_mem_free(program->mem, program, sizeof *program);
}
