/* SPDX-License-Identifier: Apache-2.0 */
/* What operators ask for while they run: storage of outputs that only they know, and bodies. */
#include "base/random.h"
#include "runtime/frame_parts.h"

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
                                            .watch = frame->watch,
                                            .depth = frame->depth + 1};
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

static enum onr_status host_tell_weights(const struct onr_run_ctx *ctx,
                                         const struct onr_weights_row *row)
{
    struct onr_frame *frame = ctx->host_data;
    struct onr_weights_report report = {.graph = frame->program->graph,
                                        .node = ctx->node,
                                        .depth = frame->depth,
                                        .is_first = !frame->has_told,
                                        .row = row};
    frame->has_told = true;
    return frame->watch.on_weights(frame->watch.user, &report)
               ? onr_fail(ctx->err, ONR_ERR_CANCELLED, "the run was cancelled")
               : ONR_OK;
}

const struct onr_run_host onr_frame_host = {.alloc_output = host_alloc_output,
                                            .alloc_storage = host_alloc_storage,
                                            .alloc_bytes = host_alloc_bytes,
                                            .run_body = host_run_body,
                                            .tell_weights = host_tell_weights};
