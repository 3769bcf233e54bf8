/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the steps of a program's plans. */
#include "base/os.h"
#include "base/random.h"
#include "base/sequence.h"
#include "graph/eval_node.h"
#include "runtime/frame_parts.h"

#include <string.h>

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

/* ---- running ---- */

/* What follows from the plan and the slab alone. */
static void bind_values(struct onr_frame *frame, const struct onr_plan *plan)
{
    for (const struct onr_plan_value *value = plan->binds; value != NULL; value = value->next) {
        struct onr_tensor *tensor = &frame->tensors[value->id];
        *tensor = (struct onr_tensor){
            .dtype = value->fact.dtype, .kind = value->fact.kind, .shape = value->fact.shape};
        if (value->place == ONR_PLACE_SLAB) {
            tensor->data = frame->slab + value->offset;
        } else if (value->place == ONR_PLACE_FIXED) {
            /* without elements there may be no address: operators get one to step from */
            tensor->data = value->fixed != NULL ? (void *)(uintptr_t)value->fixed : frame;
        }
    }
}

/* Values that lie where inputs of this run are, or results of a segment before. */
static void bind_views(struct onr_frame *frame, const struct onr_plan *plan)
{
    for (const struct onr_plan_value *value = plan->views; value != NULL; value = value->next) {
        struct onr_tensor *tensor = &frame->tensors[value->id];
        const struct onr_tensor *root = &frame->tensors[value->root];
        bool is_sequence = value->fact.kind == ONR_KIND_SEQUENCE;
        *tensor = (struct onr_tensor){.dtype = value->fact.dtype,
                                      .kind = value->fact.kind,
                                      .shape = is_sequence ? root->shape : value->fact.shape,
                                      .data = root->data};
    }
}

/* True when no segment follows that of the plan. */
static bool is_last(const struct onr_frame *frame, const struct onr_plan *plan)
{
    return plan->end_node == frame->program->node_count && plan->cut_count == 0;
}

static bool is_whole(const struct onr_frame *frame, const struct onr_plan *plan)
{
    return plan->begin_node == 0 && is_last(frame, plan);
}

/* Makes the tensors those of the plan. */
static void bind_plan(struct onr_frame *frame, const struct onr_plan *plan)
{
    if (frame->bound != plan) {
        bind_values(frame, plan);
        frame->bound = is_whole(frame, plan) ? plan : NULL;
    }
    bind_views(frame, plan);
}

/* Bytes of all tensors that are there. */
static uint64_t sum_bytes(struct onr_tensor *const *tensors, uint32_t count)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        size_t bytes = 0;
        if (tensors[i] != NULL && onr_value_bytes(tensors[i], &bytes)) {
            sum += bytes;
        }
    }
    return sum;
}

static enum onr_status report_step(const struct onr_frame *frame, const struct onr_step *step,
                                   double begin, struct onr_error *err)
{
    const struct onr_bound_node *bound = &frame->program->nodes[step->node];
    const struct onr_node *node = bound->node;
    struct onr_step_report report = {.graph = frame->program->graph,
                                     .node = node,
                                     .depth = frame->depth,
                                     .outputs = step->outputs,
                                     .begin = begin,
                                     .end = onr_os_seconds(),
                                     .flops = step->flops};
    report.written_bytes = sum_bytes(step->outputs, node->output_count);
    if ((bound->op->traits & ONR_TRAIT_PICKS) != 0) {
        report.read_bytes =
            report.written_bytes + sum_bytes(step->inputs + 1, node->input_count - 1);
    } else {
        report.read_bytes = sum_bytes(step->inputs, node->input_count);
    }
    return frame->watch.on_step(frame->watch.user, &report, err);
}

static enum onr_status run_steps(struct onr_frame *frame, const struct onr_plan *plan,
                                 struct onr_error *err)
{
    struct onr_run_ctx ctx = {.kernels = frame->program->kernels,
                              .parallel = frame->parallel,
                              .host = &onr_frame_host,
                              .host_data = frame,
                              .iterations_left = frame->iterations,
                              .random = frame->random,
                              .wants_weights = frame->watch.on_weights != NULL,
                              .err = err};
    for (uint32_t i = 0; i < plan->step_count; i++) {
        const struct onr_step *step = &plan->steps[i];
        const struct onr_bound_node *bound = &frame->program->nodes[step->node];
        if (plan->is_warm && step->is_steady) {
            continue;
        }
        if (frame->watch.should_stop != NULL && frame->watch.should_stop(frame->watch.user)) {
            return onr_fail(err, ONR_ERR_CANCELLED, "the run was cancelled");
        }
        double begin = frame->watch.on_step != NULL ? onr_os_seconds() : 0;
        frame->node = step->node;
        frame->has_told = false;
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
        frame->flops += step->flops;
        if (frame->watch.on_step != NULL) {
            ONR_TRY(report_step(frame, step, begin, err));
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
    frame->bound = NULL; /* which may be freed to make room, and its address used again */
    struct onr_eval eval = {
        .kernels = frame->program->kernels, .parallel = frame->parallel, .mem = frame->mem};
    struct onr_plan_options options = {.program = frame->program,
                                       .eval = &eval,
                                       .tensors = frame->tensors,
                                       .parent = parent,
                                       .wants_weights = frame->watch.on_weights != NULL};
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
        bind_plan(frame, plan);
        ONR_TRY(run_steps(frame, plan, err));
        plan->is_warm = plan->keeps_steady;
    } while (!is_last(frame, plan));
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
    for (uint32_t i = 0; i < program->value_count; i++) {
        if (program->known[i] != NULL) {
            frame->tensors[i] = program->constants[i];
        }
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
    made->watch = options->watch;
    made->depth = options->depth;
    made->iterations = &made->own_iterations;
    enum onr_status status = alloc_frame(made, err);
    if (status != ONR_OK) {
        onr_frame_free(made);
        return status;
    }
    if (made->depth == 0) {
        onr_plan_cache_reserve(&made->plans, made->program, made->mem);
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
