/* SPDX-License-Identifier: Apache-2.0 */
/* What a run with given dimensions will cost, as its plan tells. */
#include "api/handles.h"

#include <inttypes.h>
#include <onnxrun/inspect.h>
#include <stdio.h>
#include <string.h>

static bool is_called(const onnxrun_value_info *input, int32_t axis, const char *name)
{
    char end[16];
    size_t length = strlen(input->name);
    if (input->symbols[axis] != NULL) {
        return strcmp(name, input->symbols[axis]) == 0;
    }
    (void)snprintf(end, sizeof end, "/%" PRId32, axis);
    return strncmp(name, input->name, length) == 0 && strcmp(name + length, end) == 0;
}

int64_t onr_model_dim(const onnxrun_dim *dims, size_t dim_count, const onnxrun_value_info *input,
                      int32_t axis)
{
    for (size_t i = 0; i < dim_count; i++) {
        if (is_called(input, axis, dims[i].name)) {
            return dims[i].value;
        }
    }
    return 1;
}

static bool has_dim(const onnxrun_model *model, const char *name)
{
    for (uint32_t i = 0; i < model->graph->input_count; i++) {
        const onnxrun_value_info *input = &model->inputs[i];
        for (int32_t a = 0; a < input->rank; a++) {
            if (input->dims[a] < 0 && is_called(input, a, name)) {
                return true;
            }
        }
    }
    return false;
}

static enum onr_status check_names(const onnxrun_model *model, const onnxrun_dim *dims,
                                   size_t dim_count, struct onr_error *err)
{
    for (size_t i = 0; i < dim_count; i++) {
        if (!has_dim(model, dims[i].name)) {
            return onr_fail(err, ONR_ERR_ARGUMENT, "no input has a dimension \"%s\"", dims[i].name);
        }
    }
    return ONR_OK;
}

/* Sets the frame's inputs to the shapes that the dims give; no data is read by planning. */
static enum onr_status set_shapes(const onnxrun_model *model, struct onr_frame *frame,
                                  const onnxrun_dim *dims, size_t dim_count, struct onr_error *err)
{
    for (uint32_t i = 0; i < model->graph->input_count; i++) {
        const onnxrun_value_info *info = &model->inputs[i];
        struct onr_tensor *input = onr_frame_input(frame, i);
        if (info->kind != ONNXRUN_KIND_TENSOR) {
            bool is_sequence = info->kind == ONNXRUN_KIND_SEQUENCE;
            *input = (struct onr_tensor){.dtype = (enum onr_dtype)info->dtype,
                                         .kind = is_sequence ? ONR_KIND_SEQUENCE : ONR_KIND_NONE,
                                         .shape.rank = is_sequence};
            continue;
        }
        if (info->rank < 0) {
            return onr_fail(err, ONR_ERR_SHAPE, "input \"%s\" has no declared shape to plan for",
                            info->name);
        }
        *input =
            (struct onr_tensor){.dtype = (enum onr_dtype)info->dtype, .shape.rank = info->rank};
        for (int a = 0; a < info->rank; a++) {
            int64_t dim = info->dims[a];
            input->shape.dim[a] = dim >= 0 ? dim : onr_model_dim(dims, dim_count, info, a);
            if (input->shape.dim[a] < 0) {
                return onr_fail(
                    err, ONR_ERR_ARGUMENT, "dimension \"%s\" is %" PRId64 ", expected >= 0",
                    info->symbols[a] != NULL ? info->symbols[a] : info->name, input->shape.dim[a]);
            }
        }
    }
    return ONR_OK;
}

enum onr_status onr_model_plan(const onnxrun_model *model, const onnxrun_dim *dims,
                               size_t dim_count, struct onr_planned *planned, struct onr_error *err)
{
    *planned = (struct onr_planned){.plan = NULL};
    ONR_TRY(check_names(model, dims, dim_count, err));
    onr_mem_init(&planned->mem, &model->mem.allocator, (size_t)model->limits.memory_bytes);
    ONR_TRY(onr_parallel_init(&planned->parallel, 0, &planned->mem, err));
    struct onr_frame_options options = {
        .program = model->program, .parallel = &planned->parallel, .mem = &planned->mem};
    ONR_TRY(onr_frame_create(&options, &planned->frame, err));
    ONR_TRY(set_shapes(model, planned->frame, dims, dim_count, err));
    return onr_frame_plan(planned->frame, &planned->plan, err);
}

void onr_planned_free(struct onr_planned *planned)
{
    onr_frame_free(planned->frame);
    onr_parallel_free(&planned->parallel);
}

/* Bytes of a value; of a weight as the file stores it; 0 when its shape is not known before a run. */
static uint64_t value_bytes(const onnxrun_model *model, const struct onr_plan *plan, uint32_t id)
{
    size_t bytes = 0;
    if (id == ONR_NO_VALUE || plan->values[id] == NULL) {
        return 0;
    }
    if (id < model->graph->value_count && model->graph->values[id].constant != NULL) {
        return model->graph->values[id].constant->bytes;
    }
    const struct onr_fact *fact = &plan->values[id]->fact;
    bool is_shaped = onr_fact_is_shaped(fact) && fact->kind == ONR_KIND_TENSOR;
    return is_shaped && onr_shape_bytes(&fact->shape, fact->dtype, &bytes) ? bytes : 0;
}

static onnxrun_step_cost step_cost(const onnxrun_model *model, const struct onr_plan *plan,
                                   const struct onr_step *step)
{
    const struct onr_bound_node *bound = &model->program->nodes[step->node];
    const struct onr_node *node = bound->node;
    onnxrun_step_cost cost = {
        .node = step->node, .flops = step->flops, .memory_bytes = step->live_bytes};
    for (uint32_t i = 0; i < node->output_count; i++) {
        cost.written_bytes += value_bytes(model, plan, bound->outputs[i]);
    }
    bool is_lookup = (bound->op->traits & ONR_TRAIT_PICKS) != 0;
    cost.read_bytes = is_lookup ? cost.written_bytes : 0;
    for (uint32_t i = is_lookup; i < node->input_count; i++) {
        cost.read_bytes += value_bytes(model, plan, node->inputs[i]);
    }
    return cost;
}

onnxrun_status onnxrun_model_cost(const onnxrun_model *model, const onnxrun_dim *dims,
                                  size_t dim_count,
                                  void (*on_step)(void *user, const onnxrun_step_cost *cost),
                                  void *user, onnxrun_cost *total, onnxrun_error *error)
{
    struct onr_error err;
    onr_error_clear(&err);
    *total = (onnxrun_cost){.step_count = 0};
    if (model->program == NULL) {
        return onr_api_fail(error, ONNXRUN_ERR_ARGUMENT,
                            "cost: the model was opened at a stage before PROGRAM");
    }
    struct onr_planned planned;
    enum onr_status status = onr_model_plan(model, dims, dim_count, &planned, &err);
    for (uint32_t i = 0; status == ONR_OK && i < planned.plan->step_count; i++) {
        onnxrun_step_cost cost = step_cost(model, planned.plan, &planned.plan->steps[i]);
        total->step_count++;
        total->flops += cost.flops;
        total->read_bytes += cost.read_bytes;
        total->written_bytes += cost.written_bytes;
        if (on_step != NULL) {
            on_step(user, &cost);
        }
    }
    if (status == ONR_OK) {
        total->memory_bytes = planned.plan->memory.slab_bytes;
        total->is_complete = planned.plan->cut_count == 0;
    }
    onr_planned_free(&planned);
    return onr_api_result(status, &err, error);
}
