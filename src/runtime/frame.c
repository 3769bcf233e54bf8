/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the steps of a program's plans. */
#include "runtime/frame.h"

#include "base/random.h"
#include "base/sequence.h"
#include "graph/eval_node.h"
#include "runtime/buffer.h"

#include <string.h>

struct onr_frame {
    const struct onr_program *program;
    const struct onr_parallel *parallel;
    struct onr_mem *mem;
    struct onr_arena own_strings;      /* characters of string tensors of the current run ... */
    struct onr_arena *strings;         /* ... which bodies share with the main program */
    struct onr_tensor *tensors;        /* [program->value_count] */
    struct onr_buffer *buffers;        /* [program->value_count], by value */
    struct onr_buffer *output_buffers; /* [output_count], for outputs that are views of inputs */
    struct onr_tensor *outputs;        /* [output_count] */
    struct onr_frame ***bodies;        /* [node_count][body_count]; NULL until first needed */
    struct onr_plan_cache plans;
    char *slab;
    size_t slab_bytes;
    uint64_t loop_count;     /* most iterations of one run */
    uint64_t own_iterations; /* that are left ... */
    uint64_t *iterations;    /* ... which bodies share with the main program */
    uint64_t flops;
    struct onr_random_source random; /* but for the node */
    struct onr_stop stop;
    uint32_t node;     /* that is running */
    char no_workspace; /* what steps without a workspace get, which is not NULL */
};

/* ---- memory of a run ---- */

/* Makes the slab at least this large; what lies in it moves along. */
static enum onr_status slab_reserve(struct onr_frame *frame, size_t bytes, struct onr_error *err)
{
    if (bytes <= frame->slab_bytes) {
        return ONR_OK;
    }
    char *slab = onr_mem_alloc(frame->mem, bytes);
    if (slab == NULL) {
        return onr_fail_memory(err, "slab of intermediate values");
    }
    if (frame->slab != NULL) {
        memcpy(slab, frame->slab, frame->slab_bytes);
        for (uint32_t i = 0; i < frame->program->value_count; i++) {
            uintptr_t offset = (uintptr_t)frame->tensors[i].data - (uintptr_t)frame->slab;
            if (frame->tensors[i].data != NULL && offset < frame->slab_bytes) {
                frame->tensors[i].data = slab + offset;
            }
        }
        onr_mem_free(frame->mem, frame->slab, frame->slab_bytes);
    }
    frame->slab = slab;
    frame->slab_bytes = bytes;
    return ONR_OK;
}

/* ---- what operators ask for ---- */

static enum onr_status host_alloc_output(struct onr_run_ctx *ctx, uint32_t index,
                                         const struct onr_shape *shape)
{
    struct onr_frame *frame = ctx->host_data;
    struct onr_tensor *output = ctx->outputs[index];
    size_t bytes = 0;
    if (!onr_shape_bytes(shape, output->dtype, &bytes)) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "output of shape %s is too large",
                        onr_shape_text(shape, text));
    }
    struct onr_buffer *buffer = &frame->buffers[output - frame->tensors];
    ONR_TRY(onr_buffer_reserve(frame->mem, buffer, bytes != 0 ? bytes : 1, ctx->err));
    output->shape = *shape;
    output->data = buffer->data;
    return ONR_OK;
}

static enum onr_status host_alloc_storage(struct onr_run_ctx *ctx, uint32_t index, size_t bytes)
{
    struct onr_frame *frame = ctx->host_data;
    struct onr_tensor *output = ctx->outputs[index];
    struct onr_buffer *buffer = &frame->buffers[output - frame->tensors];
    /* A sequence that a loop grows asks for a little more in each iteration. */
    size_t room = buffer->capacity + buffer->capacity / 2;
    if (bytes > buffer->capacity) {
        bytes = bytes > room ? bytes : room;
    }
    ONR_TRY(onr_buffer_reserve(frame->mem, buffer, bytes, ctx->err));
    output->data = buffer->data;
    return ONR_OK;
}

static void *host_alloc_bytes(struct onr_run_ctx *ctx, size_t bytes)
{
    struct onr_frame *frame = ctx->host_data;
    return onr_arena_alloc(frame->strings, bytes);
}

/* The frame of body `index` of the running node, made when it is first needed; NULL: an error. */
static struct onr_frame *body_frame(struct onr_frame *frame, uint32_t index, struct onr_error *err)
{
    const struct onr_bound_node *bound = &frame->program->nodes[frame->node];
    size_t bytes = bound->node->body_count * sizeof(struct onr_frame *);
    struct onr_frame ***bodies = &frame->bodies[frame->node];
    if (*bodies == NULL) {
        *bodies = onr_mem_calloc(frame->mem, bytes);
    }
    if (*bodies == NULL) {
        (void)onr_fail_memory(err, "frames of bodies");
        return NULL;
    }
    struct onr_frame **slot = &(*bodies)[index];
    if (*slot == NULL) {
        struct onr_frame_options options = {.program = bound->bodies[index],
                                            .parallel = frame->parallel,
                                            .mem = frame->mem,
                                            .stop = frame->stop};
        options.seed = onr_random_derive(frame->random.seed, frame->node, (uint64_t)index + 1);
        if (onr_frame_create(&options, slot, err) != ONR_OK || *slot == NULL) {
            return NULL;
        }
        (*slot)->strings = frame->strings;
        (*slot)->iterations = frame->iterations;
    }
    return *slot;
}

static enum onr_status host_run_body(struct onr_run_ctx *ctx, uint32_t index,
                                     const struct onr_tensor *inputs, uint32_t input_count,
                                     const struct onr_tensor **outputs, uint32_t *output_count)
{
    struct onr_frame *frame = ctx->host_data;
    struct onr_frame *body = body_frame(frame, index, ctx->err);
    if (body == NULL) {
        return ctx->err->status;
    }
    const struct onr_graph *graph = body->program->graph;
    if (input_count != graph->formal_input_count) {
        return onr_fail(ctx->err, ONR_ERR_MODEL, "body \"%.128s\" has %u inputs, expected %u",
                        graph->name, graph->formal_input_count, input_count);
    }
    for (uint32_t i = 0; i < input_count; i++) {
        body->tensors[graph->inputs[i]] = inputs[i];
    }
    const struct onr_body *captures = &ctx->node->bodies[index];
    for (uint32_t i = 0; i < captures->capture_count; i++) {
        body->tensors[graph->inputs[input_count + i]] = frame->tensors[captures->captures[i]];
    }
    ONR_TRY(onr_frame_run(body, ctx->err));
    frame->flops += body->flops;
    *outputs = body->outputs;
    *output_count = graph->output_count;
    return ONR_OK;
}

static const struct onr_run_host frame_host = {.alloc_output = host_alloc_output,
                                               .alloc_storage = host_alloc_storage,
                                               .alloc_bytes = host_alloc_bytes,
                                               .run_body = host_run_body};

/* ---- running ---- */

static void bind_values(struct onr_frame *frame, const struct onr_plan *plan)
{
    for (uint32_t i = 0; i < plan->bind_count; i++) {
        const struct onr_plan_value *value = plan->binds[i];
        struct onr_tensor *tensor = &frame->tensors[value->id];
        tensor->dtype = value->fact.dtype;
        tensor->kind = value->fact.kind;
        tensor->shape = value->fact.shape;
        switch (value->place) {
        case ONR_PLACE_SLAB:
            tensor->data = frame->slab + value->offset;
            break;
        case ONR_PLACE_FIXED:
            tensor->data = (void *)(uintptr_t)value->fixed;
            break;
        case ONR_PLACE_VALUE:
            tensor->data = frame->tensors[value->root].data;
            if (value->fact.kind == ONR_KIND_SEQUENCE) {
                tensor->shape = frame->tensors[value->root].shape;
            }
            break;
        case ONR_PLACE_DYNAMIC:
            tensor->data = NULL;
            break;
        }
    }
}

static enum onr_status run_steps(struct onr_frame *frame, const struct onr_plan *plan,
                                 struct onr_error *err)
{
    struct onr_run_ctx ctx = {.kernels = frame->program->kernels,
                              .parallel = frame->parallel,
                              .host = &frame_host,
                              .host_data = frame,
                              .iterations_left = frame->iterations,
                              .random = frame->random,
                              .err = err};
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const struct onr_step *step = &plan->steps[i];
        const struct onr_bound_node *bound = &frame->program->nodes[step->node];
        if (frame->stop.should_stop != NULL && frame->stop.should_stop(frame->stop.user)) {
            return onr_fail(err, ONR_ERR_CANCELLED, "the run was cancelled");
        }
        frame->node = step->node;
        ctx.random.node = step->node;
        ctx.node = bound->node;
        ctx.state = bound->state;
        ctx.plan = step->plan;
        ctx.inputs = step->inputs;
        ctx.outputs = step->outputs;
        ctx.input_count = bound->node->input_count;
        ctx.output_count = bound->node->output_count;
        ctx.workspace =
            step->workspace_bytes > 0 ? frame->slab + step->workspace_offset : &frame->no_workspace;
        enum onr_status status = bound->op->run(&ctx);
        if (status != ONR_OK) {
            onr_node_error(err, "run", frame->program->graph, bound->node);
            return status;
        }
    }
    return ONR_OK;
}

/* The plan of the first segment (parent NULL) or of that behind parent, from the cache or built. */
static enum onr_status next_plan(struct onr_frame *frame, struct onr_plan *parent,
                                 struct onr_plan **plan, struct onr_error *err)
{
    struct onr_plan_cache *cache = parent != NULL ? &parent->children : &frame->plans;
    *plan = onr_plan_find(cache, frame->tensors);
    if (*plan != NULL) {
        return ONR_OK;
    }
    struct onr_eval eval = {
        .kernels = frame->program->kernels, .parallel = frame->parallel, .mem = frame->mem};
    struct onr_plan_options options = {
        .program = frame->program, .eval = &eval, .tensors = frame->tensors, .parent = parent};
    return onr_plan_build(&options, cache, plan, err);
}

/*
 * True when the value's storage is not the run's own: an input's, a weight, or what the plan
 * computed. Such outputs are copied, as a caller may write to its outputs.
 */
static bool is_borrowed(const struct onr_frame *frame, const struct onr_plan *plan, uint32_t id)
{
    const struct onr_plan_value *value = plan->values[id];
    const struct onr_graph *graph = frame->program->graph;
    if (value->place == ONR_PLACE_FIXED) {
        return true;
    }
    for (uint32_t i = 0; i < graph->input_count; i++) {
        if (graph->inputs[i] == value->root) {
            return true;
        }
    }
    return false;
}

static enum onr_status gather_outputs(struct onr_frame *frame, const struct onr_plan *plan,
                                      struct onr_error *err)
{
    const struct onr_graph *graph = frame->program->graph;
    for (uint32_t i = 0; i < graph->output_count; i++) {
        uint32_t id = graph->outputs[i];
        struct onr_tensor *output = &frame->outputs[i];
        *output = frame->tensors[id];
        if (is_borrowed(frame, plan, id)) {
            size_t bytes = 0;
            struct onr_buffer *buffer = &frame->output_buffers[i];
            if (!onr_value_bytes(output, &bytes)) {
                return onr_fail(err, ONR_ERR_LIMIT, "output \"%.128s\" is too large",
                                graph->output_names[i]);
            }
            ONR_TRY(onr_buffer_reserve(frame->mem, buffer, bytes != 0 ? bytes : 1, err));
            onr_value_copy(output, buffer->data, output);
        }
    }
    return ONR_OK;
}

enum onr_status onr_frame_run(struct onr_frame *frame, struct onr_error *err)
{
    struct onr_plan *plan = NULL;
    frame->flops = 0;
    if (frame->strings == &frame->own_strings) {
        onr_arena_reset(&frame->own_strings);
        frame->own_iterations = frame->loop_count;
    }
    do {
        ONR_TRY(next_plan(frame, plan, &plan, err));
        ONR_TRY(slab_reserve(frame, plan->memory.slab_bytes, err));
        bind_values(frame, plan);
        ONR_TRY(run_steps(frame, plan, err));
        frame->flops += plan->flops;
    } while (plan->end_node < frame->program->node_count || plan->cut_count > 0);
    frame->random.run++;
    return gather_outputs(frame, plan, err);
}

enum onr_status onr_frame_plan(struct onr_frame *frame, const struct onr_plan **plan,
                               struct onr_error *err)
{
    struct onr_plan *built = NULL;
    ONR_TRY(next_plan(frame, NULL, &built, err));
    *plan = built;
    return ONR_OK;
}

/* ---- life of a frame ---- */

static enum onr_status alloc_frame(struct onr_frame *frame, struct onr_error *err)
{
    const struct onr_program *program = frame->program;
    struct onr_mem *mem = frame->mem;
    size_t outputs = program->graph->output_count;
    frame->tensors = onr_mem_calloc(mem, program->value_count * sizeof *frame->tensors);
    frame->buffers = onr_mem_calloc(mem, program->value_count * sizeof *frame->buffers);
    frame->output_buffers = onr_mem_calloc(mem, outputs * sizeof *frame->output_buffers);
    frame->outputs = onr_mem_calloc(mem, outputs * sizeof *frame->outputs);
    frame->bodies = onr_mem_calloc(mem, program->node_count * sizeof *frame->bodies);
    if (frame->tensors == NULL || frame->buffers == NULL || frame->output_buffers == NULL ||
        frame->outputs == NULL || frame->bodies == NULL) {
        return onr_fail_memory(err, "session");
    }
    return ONR_OK;
}

enum onr_status onr_frame_create(const struct onr_frame_options *options, struct onr_frame **frame,
                                 struct onr_error *err)
{
    struct onr_frame *made = onr_mem_calloc(options->mem, sizeof *made);
    *frame = NULL;
    if (made == NULL) {
        return onr_fail_memory(err, "session");
    }
    made->program = options->program;
    made->parallel = options->parallel;
    made->mem = options->mem;
    made->plans.capacity = ONR_MAX_ROOT_PLANS;
    onr_arena_init(&made->own_strings, options->mem);
    made->strings = &made->own_strings;
    made->loop_count = options->loop_count;
    made->random.seed = options->seed;
    made->stop = options->stop;
    made->iterations = &made->own_iterations;
    enum onr_status status = alloc_frame(made, err);
    if (status != ONR_OK) {
        onr_frame_free(made);
        return status;
    }
    *frame = made;
    return ONR_OK;
}

static void free_bodies(struct onr_frame *frame)
{
    const struct onr_program *program = frame->program;
    for (uint32_t n = 0; frame->bodies != NULL && n < program->node_count; n++) {
        uint32_t count = program->nodes[n].node->body_count;
        for (uint32_t b = 0; frame->bodies[n] != NULL && b < count; b++) {
            onr_frame_free(frame->bodies[n][b]);
        }
        onr_mem_free(frame->mem, frame->bodies[n], count * sizeof *frame->bodies[n]);
    }
    onr_mem_free(frame->mem, frame->bodies, program->node_count * sizeof *frame->bodies);
}

void onr_frame_free(struct onr_frame *frame)
{
    if (frame == NULL) {
        return;
    }
    struct onr_mem *mem = frame->mem;
    size_t outputs = frame->program->graph->output_count;
    onr_plan_cache_free(&frame->plans);
    free_bodies(frame);
    onr_buffers_free(mem, frame->buffers, frame->program->value_count);
    onr_buffers_free(mem, frame->output_buffers, outputs);
    onr_mem_free(mem, frame->tensors, frame->program->value_count * sizeof *frame->tensors);
    onr_mem_free(mem, frame->outputs, outputs * sizeof *frame->outputs);
    onr_mem_free(mem, frame->slab, frame->slab_bytes);
    onr_arena_free(&frame->own_strings);
    onr_mem_free(mem, frame, sizeof *frame);
}

struct onr_tensor *onr_frame_input(struct onr_frame *frame, uint32_t index)
{
    return &frame->tensors[frame->program->graph->inputs[index]];
}

const struct onr_tensor *onr_frame_outputs(const struct onr_frame *frame)
{
    return frame->outputs;
}

uint64_t onr_frame_flops(const struct onr_frame *frame)
{
    return frame->flops;
}
