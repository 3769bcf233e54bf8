/* SPDX-License-Identifier: Apache-2.0 */
/* The plain path through one operator: plan, allocate outputs, run. */
#include "graph/eval_node.h"

#include <string.h>

struct eval_run {
    struct onr_run_ctx ctx;
    struct onr_arena *arena;
    struct onr_tensor *tensors; /* inputs, then outputs */
    struct onr_tensor **pointers;
};

static enum onr_status eval_alloc_output(struct onr_run_ctx *ctx, uint32_t index,
                                         const struct onr_shape *shape)
{
    struct onr_arena *arena = ctx->host_data;
    struct onr_tensor *output = ctx->outputs[index];
    size_t bytes = 0;
    output->shape = *shape;
    if (!onr_shape_bytes(shape, output->dtype, &bytes)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "output is too large");
    }
    output->data = onr_arena_alloc(arena, bytes);
    return output->data != NULL ? ONR_OK : onr_fail_memory(ctx->err, "output of a node");
}

static void *eval_alloc_bytes(struct onr_run_ctx *ctx, size_t bytes)
{
    return onr_arena_alloc(ctx->host_data, bytes);
}

static const struct onr_run_host eval_host = {.alloc_output = eval_alloc_output,
                                              .alloc_bytes = eval_alloc_bytes};

/* Data of no elements may be NULL, from which operators may not step: NULL + 0 is undefined. */
static enum onr_status bind_inputs(struct eval_run *run, const struct onr_node *node,
                                   const struct onr_fact *const *inputs, struct onr_error *err)
{
    void *nothing = onr_arena_alloc(run->arena, 0);
    if (nothing == NULL) {
        return onr_fail_memory(err, "evaluation of a node");
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (inputs[i] == NULL) {
            continue;
        }
        run->tensors[i] = (struct onr_tensor){.dtype = inputs[i]->dtype,
                                              .shape = inputs[i]->shape,
                                              .data = (void *)(uintptr_t)inputs[i]->data};
        if (inputs[i]->data == NULL && onr_tensor_count(&run->tensors[i]) == 0) {
            run->tensors[i].data = nothing;
        }
        run->pointers[i] = &run->tensors[i];
    }
    return ONR_OK;
}

static enum onr_status bind_outputs(struct eval_run *run, const struct onr_node *node,
                                    const struct onr_fact *outputs)
{
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] == ONR_NO_VALUE) {
            continue;
        }
        struct onr_tensor *tensor = &run->tensors[node->input_count + i];
        *tensor = (struct onr_tensor){.dtype = outputs[i].dtype};
        run->pointers[node->input_count + i] = tensor;
        if (onr_fact_is_shaped(&outputs[i])) {
            struct onr_run_ctx *ctx = &run->ctx;
            ONR_TRY(eval_alloc_output(ctx, i, &outputs[i].shape));
        }
    }
    return ONR_OK;
}

/* Runs with a workspace that is given back at once. */
static enum onr_status run_with_workspace(const struct onr_eval *eval, struct eval_run *run,
                                          const struct onr_op_def *op, size_t workspace_bytes)
{
    char no_workspace = 0;
    if (workspace_bytes == 0) {
        run->ctx.workspace = &no_workspace;
        return op->run(&run->ctx);
    }
    run->ctx.workspace = onr_mem_alloc(eval->mem, workspace_bytes);
    if (run->ctx.workspace == NULL) {
        return onr_fail_memory(run->ctx.err, "workspace of a node");
    }
    enum onr_status status = op->run(&run->ctx);
    onr_mem_free(eval->mem, run->ctx.workspace, workspace_bytes);
    return status;
}

enum onr_status onr_eval_prepared(const struct onr_eval *eval, const struct onr_node *node,
                                  const struct onr_op_def *op, const void *state,
                                  const struct onr_fact *const *inputs, struct onr_fact *outputs,
                                  struct onr_arena *arena, struct onr_error *err)
{
    size_t count = (size_t)node->input_count + node->output_count;
    struct eval_run run = {.arena = arena,
                           .tensors = ONR_ARENA_ARRAY(arena, count, struct onr_tensor),
                           .pointers = ONR_ARENA_ARRAY(arena, count, struct onr_tensor *)};
    if (run.tensors == NULL || run.pointers == NULL) {
        return onr_fail_memory(err, "evaluation of a node");
    }
    run.ctx = (struct onr_run_ctx){.node = node,
                                   .state = state,
                                   .inputs = run.pointers,
                                   .outputs = run.pointers + node->input_count,
                                   .input_count = node->input_count,
                                   .output_count = node->output_count,
                                   .kernels = eval->kernels,
                                   .parallel = eval->parallel,
                                   .host = &eval_host,
                                   .host_data = arena,
                                   .err = err};
    struct onr_plan_ctx plan = {.node = node,
                                .inputs = inputs,
                                .outputs = outputs,
                                .state = state,
                                .kernels = eval->kernels,
                                .thread_count = eval->parallel->thread_count,
                                .arena = arena,
                                .err = err};
    ONR_TRY(bind_inputs(&run, node, inputs, err));
    ONR_TRY(bind_outputs(&run, node, outputs));
    if (op->plan != NULL) {
        ONR_TRY(op->plan(&plan));
    }
    run.ctx.plan = plan.plan;
    ONR_TRY(run_with_workspace(eval, &run, op, plan.workspace_bytes));
    for (uint32_t i = 0; i < node->output_count; i++) {
        if (node->outputs[i] != ONR_NO_VALUE) {
            outputs[i].shape = run.tensors[node->input_count + i].shape;
            outputs[i].data = run.tensors[node->input_count + i].data;
            outputs[i].contents = NULL;
        }
    }
    return ONR_OK;
}

enum onr_status onr_eval_node(const struct onr_eval *eval, const struct onr_graph *graph,
                              const struct onr_node *node, const struct onr_op_def *op,
                              const struct onr_fact *const *inputs,
                              const struct onr_constant *const *constants, struct onr_fact *outputs,
                              struct onr_arena *arena, struct onr_error *err)
{
    struct onr_arena packed;
    struct onr_backlog at_once;
    onr_arena_init(&packed, eval->mem);
    onr_backlog_init(&at_once, eval->parallel, &packed, true);
    struct onr_prepare_ctx prepare = {.graph = graph,
                                      .node = node,
                                      .inputs = inputs,
                                      .outputs = outputs,
                                      .kernels = eval->kernels,
                                      .backlog = &at_once,
                                      .arena = arena,
                                      .mem = eval->mem,
                                      .err = err,
                                      .constants = constants};
    enum onr_status status = op->prepare != NULL ? op->prepare(&prepare) : ONR_OK;
    if (status == ONR_OK) {
        status = onr_eval_prepared(eval, node, op, prepare.state, inputs, outputs, arena, err);
        if (op->release != NULL) {
            op->release(eval->mem, prepare.state);
        }
    }
    onr_arena_free(&packed);
    return status;
}
