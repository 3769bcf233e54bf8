/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scan (ai.onnx), versions 9 and later.             https://onnx.ai/onnx/operators/onnx__Scan.html
 *
 * for (t = 0; t < T; t++)  (state..., scan_out...) = body(state..., slices at t of scan inputs...)
 *
 * Inputs    N initial states, then num_scan_inputs scan inputs, all of length T along their scan
 *           axis.
 * Outputs   N final states, then the scan outputs, stacked along their output axes.
 * Attrs     body; num_scan_inputs; scan_input_axes, scan_output_axes (0); scan_input_directions,
 *           scan_output_directions (0: forward, 1: backward).
 * Types     any tensor type.
 * Edges     T = 0: the states are the initial ones, scan outputs have length 0.
 */
#include "base/size.h"
#include "ops/control/body.h"

#include <inttypes.h>
#include <string.h>

#define MAX_SCAN_PARAMS 64

struct scan {
    uint32_t state_count;
    uint32_t input_count;  /* scan inputs */
    uint32_t output_count; /* scan outputs */
    int64_t steps;
    int input_axes[MAX_SCAN_PARAMS];
    int output_axes[MAX_SCAN_PARAMS]; /* may be negative where the rank is not known */
    bool input_reversed[MAX_SCAN_PARAMS];
    bool output_reversed[MAX_SCAN_PARAMS];
    size_t slice_offsets[MAX_SCAN_PARAMS]; /* in the workspace */
};

static enum onr_status scan_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_node *node = ctx->node;
    const struct onr_body *body = onr_node_body(node, "body");
    int64_t scan_inputs = onr_attr_int(node, "num_scan_inputs", 0);
    if (scan_inputs < 1 || scan_inputs > node->input_count || node->input_count > MAX_SCAN_PARAMS ||
        node->output_count > MAX_SCAN_PARAMS) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "num_scan_inputs is %" PRId64 " of %" PRIu32 " inputs", scan_inputs,
                              node->input_count);
    }
    uint32_t states = node->input_count - (uint32_t)scan_inputs;
    if (states > node->output_count || body->graph->formal_input_count != node->input_count ||
        body->graph->output_count != node->output_count) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "body has %" PRIu32 " inputs and %" PRIu32
                              " outputs, expected %" PRIu32 " and %" PRIu32,
                              body->graph->formal_input_count, body->graph->output_count,
                              node->input_count, node->output_count);
    }
    for (uint32_t i = 0; i < node->input_count; i++) {
        if (ctx->inputs[i] == NULL) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "input %" PRIu32 " is empty", i);
        }
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        ctx->outputs[i] = onr_body_output_fact(body, i);
        if (!onr_fact_is_tensor(&ctx->outputs[i])) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "output %" PRIu32 " of the body is %s", i,
                                  onr_fact_kind_text(&ctx->outputs[i]));
        }
        if (i < states && ctx->outputs[i].dtype == ONR_UNDEFINED) {
            ctx->outputs[i].dtype = ctx->inputs[i]->dtype;
        }
        int rank = ctx->outputs[i].shape.rank;
        ctx->outputs[i].shape.rank = ONR_RANK_UNKNOWN;
        if (i >= states && rank >= 0 && rank < ONR_MAX_RANK) {
            ctx->outputs[i].shape.rank = rank + 1;
            for (int d = 0; d <= rank; d++) {
                ctx->outputs[i].shape.dim[d] = ONR_DIM_UNKNOWN;
            }
        }
    }
    return ONR_OK;
}

/* Element i of an optional list attribute whose length must be count; 0 without the attribute. */
static enum onr_status list_item(struct onr_plan_ctx *ctx, const char *name, uint32_t count,
                                 uint32_t i, int64_t *item)
{
    size_t length = 0;
    const int64_t *list = onr_attr_ints(ctx->node, name, &length);
    *item = 0;
    if (list == NULL) {
        return ONR_OK;
    }
    if (length != count) {
        return onr_fail(ctx->err, ONR_ERR_MODEL, "%s has %zu items, expected %" PRIu32, name,
                        length, count);
    }
    *item = list[i];
    return ONR_OK;
}

static enum onr_status plan_input(struct onr_plan_ctx *ctx, struct scan *scan, uint32_t i)
{
    const struct onr_fact *fact = ctx->inputs[scan->state_count + i];
    int64_t axis = 0;
    int64_t direction = 0;
    ONR_TRY(list_item(ctx, "scan_input_axes", scan->input_count, i, &axis));
    ONR_TRY(list_item(ctx, "scan_input_directions", scan->input_count, i, &direction));
    if (!onr_axis_normalize(axis, fact->shape.rank, &scan->input_axes[i])) {
        return onr_fail(ctx->err, ONR_ERR_MODEL,
                        "scan_input_axes[%" PRIu32 "] is %" PRId64 ", the input has rank %d", i,
                        axis, fact->shape.rank);
    }
    int64_t length = fact->shape.dim[scan->input_axes[i]];
    if (i > 0 && length != scan->steps) {
        return onr_fail(ctx->err, ONR_ERR_SHAPE,
                        "scan input %" PRIu32 " has length %" PRId64 ", expected %" PRId64, i,
                        length, scan->steps);
    }
    scan->steps = length;
    scan->input_reversed[i] = direction != 0;
    scan->slice_offsets[i] = ctx->workspace_bytes;
    size_t bytes = 0;
    (void)onr_shape_bytes(&fact->shape, fact->dtype, &bytes);
    ctx->workspace_bytes += onr_size_align(length > 0 ? bytes / (size_t)length : 0, ONR_MEM_ALIGN);
    return ONR_OK;
}

static enum onr_status scan_plan(struct onr_plan_ctx *ctx)
{
    struct scan *scan = ONR_ARENA_NEW(ctx->arena, struct scan);
    if (scan == NULL) {
        return onr_fail_memory(ctx->err, "plan of Scan");
    }
    scan->input_count = (uint32_t)onr_attr_int(ctx->node, "num_scan_inputs", 0);
    scan->state_count = ctx->node->input_count - scan->input_count;
    scan->output_count = ctx->node->output_count - scan->state_count;
    for (uint32_t i = 0; i < scan->input_count; i++) {
        ONR_TRY(plan_input(ctx, scan, i));
    }
    for (uint32_t i = 0; i < scan->output_count; i++) {
        int64_t axis = 0;
        int64_t direction = 0;
        ONR_TRY(list_item(ctx, "scan_output_axes", scan->output_count, i, &axis));
        ONR_TRY(list_item(ctx, "scan_output_directions", scan->output_count, i, &direction));
        struct onr_fact fact =
            onr_body_output_fact(onr_node_body(ctx->node, "body"), scan->state_count + i);
        /* Where the rank is not known yet, the first element decides what a negative axis is. */
        int normalized = 0;
        int rank = fact.shape.rank >= 0 ? fact.shape.rank + 1 : ONR_MAX_RANK;
        if (!onr_axis_normalize(axis, rank, &normalized)) {
            return onr_fail(ctx->err, ONR_ERR_MODEL, "scan_output_axes[%" PRIu32 "] is %" PRId64, i,
                            axis);
        }
        scan->output_axes[i] = fact.shape.rank >= 0 ? normalized : (int)axis;
        scan->output_reversed[i] = direction != 0;
    }
    ctx->plan = scan;
    return ONR_OK;
}

/* Slice t of scan input i as a contiguous tensor in the workspace. */
static struct onr_tensor take_slice(struct onr_run_ctx *ctx, const struct scan *scan, uint32_t i,
                                    int64_t step)
{
    const struct onr_tensor *input = ctx->inputs[scan->state_count + i];
    int axis = scan->input_axes[i];
    struct onr_tensor slice = {.dtype = input->dtype, .shape.rank = input->shape.rank - 1};
    for (int d = 0; d < slice.shape.rank; d++) {
        slice.shape.dim[d] = input->shape.dim[d < axis ? d : d + 1];
    }
    size_t outer = (size_t)onr_shape_range(&input->shape, 0, axis);
    size_t inner = (size_t)onr_shape_range(&input->shape, axis + 1, input->shape.rank) *
                   onr_dtype_size(input->dtype);
    size_t index = (size_t)(scan->input_reversed[i] ? scan->steps - 1 - step : step);
    char *out = (char *)ctx->workspace + scan->slice_offsets[i];
    for (size_t o = 0; o < outer && inner > 0; o++) {
        const char *row = (const char *)input->data;
        memcpy(out + o * inner, row + (o * (size_t)scan->steps + index) * inner, inner);
    }
    slice.data = out;
    return slice;
}

static enum onr_status scan_steps(struct onr_run_ctx *ctx, const struct scan *scan,
                                  const struct onr_body *body, struct onr_body_stack *stacks)
{
    struct onr_tensor arguments[MAX_SCAN_PARAMS];
    for (uint32_t i = 0; i < scan->state_count; i++) {
        ONR_TRY(onr_body_store(ctx, i, ctx->inputs[i]));
        arguments[i] = *ctx->outputs[i];
    }
    for (int64_t step = 0; step < scan->steps; step++) {
        for (uint32_t i = 0; i < scan->input_count; i++) {
            arguments[scan->state_count + i] = take_slice(ctx, scan, i, step);
        }
        const struct onr_tensor *results = NULL;
        uint32_t count = 0;
        ONR_TRY(onr_body_count_iteration(ctx));
        ONR_TRY(ctx->host->run_body(ctx, (uint32_t)(body - ctx->node->bodies), arguments,
                                    ctx->input_count, &results, &count));
        for (uint32_t i = 0; i < scan->state_count; i++) {
            ONR_TRY(onr_body_store(ctx, i, &results[i]));
            arguments[i] = *ctx->outputs[i];
        }
        for (uint32_t i = 0; i < scan->output_count; i++) {
            int64_t place = scan->output_reversed[i] ? scan->steps - 1 - step : step;
            const struct onr_tensor *element = &results[scan->state_count + i];
            ONR_TRY(onr_body_stack_put(ctx, &stacks[i], step == 0, place, element));
        }
    }
    return ONR_OK;
}

static enum onr_status scan_run(struct onr_run_ctx *ctx)
{
    const struct scan *scan = ctx->plan;
    const struct onr_body *body = onr_node_body(ctx->node, "body");
    struct onr_body_stack stacks[MAX_SCAN_PARAMS];
    for (uint32_t i = 0; i < scan->output_count; i++) {
        stacks[i] = (struct onr_body_stack){
            .output = scan->state_count + i, .axis = scan->output_axes[i], .capacity = scan->steps};
    }
    ONR_TRY(scan_steps(ctx, scan, body, stacks));
    for (uint32_t i = 0; i < scan->output_count; i++) {
        struct onr_fact fact = onr_body_declared_fact(body, scan->state_count + i);
        ONR_TRY(onr_body_stack_finish(ctx, &stacks[i], scan->steps, &fact));
    }
    return ONR_OK;
}

static const struct onr_attr_spec scan_attrs[] = {
    {"body", ONR_ATTR_GRAPH, true},
    {"num_scan_inputs", ONR_ATTR_INT, true},
    {"scan_input_axes", ONR_ATTR_INTS, false},
    {"scan_output_axes", ONR_ATTR_INTS, false},
    {"scan_input_directions", ONR_ATTR_INTS, false},
    {"scan_output_directions", ONR_ATTR_INTS, false},
    {.name = NULL},
};

extern const struct onr_op_def onr_ops_scan[];
const struct onr_op_def onr_ops_scan[] = {
    {.domain = "",
     .name = "Scan",
     .since_version = 9,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, ONR_VARIADIC},
     .outputs = {1, ONR_VARIADIC},
     .attrs = scan_attrs,
     .traits = ONR_TRAIT_DYNAMIC | ONR_TRAIT_BODIES,
     .infer = scan_infer,
     .plan = scan_plan,
     .run = scan_run},
    {.name = NULL},
};
