/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scan (ai.onnx), version 8, which has a batch axis.   https://onnx.ai/onnx/operators/onnx__Scan.html
 *
 * for each b: for (t = 0; t < sequence_lens[b]; t++)
 *     (state[b]..., scan_out[b, t]...) = body(state[b]..., scan_in[b, t]...)
 *
 * Inputs    sequence_lens [batch], optional: the length of every scan input where absent; initial
 *           states [batch, ...]; num_scan_inputs scan inputs [batch, length, ...].
 * Outputs   final states; scan outputs [batch, length, ...], 0 behind the end of a sequence.
 * Types     any tensor type; sequence_lens: int64.
 * Attrs     body; num_scan_inputs; directions: per scan input 0 forward, 1 backward from the end
 *           of each sequence.
 * Edge      states keep their shape; scan outputs have the shape that the first iteration gives.
 */
#include "ops/control/body.h"

#include <inttypes.h>
#include <string.h>

#define MAX_SCAN_PARAMS 64

struct scan8 {
    const struct onr_body *body;
    uint32_t state_count;
    uint32_t input_count;  /* scan inputs */
    uint32_t output_count; /* scan outputs */
    int64_t batch;
    int64_t steps;
    bool is_reversed[MAX_SCAN_PARAMS];
};

static enum onr_status count_params(const struct onr_node *node, struct scan8 *scan,
                                    struct onr_error *err)
{
    uint32_t given = node->input_count > 0 ? node->input_count - 1 : 0;
    int64_t scan_inputs = onr_attr_int(node, "num_scan_inputs", 0);
    scan->body = onr_node_body(node, "body");
    if (scan_inputs < 1 || scan_inputs > given || given > MAX_SCAN_PARAMS ||
        node->output_count > MAX_SCAN_PARAMS) {
        return onr_fail(err, ONR_ERR_MODEL, "num_scan_inputs is %" PRId64 " of %" PRIu32 " inputs",
                        scan_inputs, given);
    }
    scan->input_count = (uint32_t)scan_inputs;
    scan->state_count = given - scan->input_count;
    const struct onr_graph *body = scan->body->graph;
    if (scan->state_count > node->output_count || body->formal_input_count != given ||
        body->output_count != node->output_count) {
        return onr_fail(err, ONR_ERR_MODEL,
                        "body has %" PRIu32 " inputs and %" PRIu32 " outputs, expected %" PRIu32
                        " and %" PRIu32,
                        body->formal_input_count, body->output_count, given, node->output_count);
    }
    scan->output_count = node->output_count - scan->state_count;
    return ONR_OK;
}

static enum onr_status scan_infer(struct onr_infer_ctx *ctx)
{
    struct scan8 scan;
    ONR_TRY(count_params(ctx->node, &scan, ctx->err));
    for (uint32_t i = 1; i < ctx->node->input_count; i++) {
        if (ctx->inputs[i] == NULL) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "input %" PRIu32 " is empty", i);
        }
    }
    for (uint32_t i = 0; i < ctx->node->output_count; i++) {
        struct onr_fact fact = onr_body_output_fact(scan.body, i);
        if (!onr_fact_is_tensor(&fact)) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "output %" PRIu32 " of the body is %s", i,
                                  onr_fact_kind_text(&fact));
        }
        if (i < scan.state_count) {
            ctx->outputs[i].dtype = ctx->inputs[i + 1]->dtype;
            ctx->outputs[i].shape = ctx->inputs[i + 1]->shape;
        } else {
            ctx->outputs[i].dtype = fact.dtype;
        }
    }
    return ONR_OK;
}

/* Dimension `axis` of an input must be *extent, or gives it when it is negative. */
static enum onr_status check_extent(struct onr_plan_ctx *ctx, uint32_t index, int axis,
                                    int64_t *extent)
{
    const struct onr_shape *shape = &ctx->inputs[index]->shape;
    if (shape->rank <= axis) {
        return onr_fail(ctx->err, ONR_ERR_SHAPE,
                        "input %" PRIu32 " has rank %d, expected %d or more", index, shape->rank,
                        axis + 1);
    }
    *extent = *extent < 0 ? shape->dim[axis] : *extent;
    if (shape->dim[axis] != *extent) {
        return onr_fail(ctx->err, ONR_ERR_SHAPE,
                        "input %" PRIu32 " has %" PRId64 " in dimension %d, expected %" PRId64,
                        index, shape->dim[axis], axis, *extent);
    }
    return ONR_OK;
}

static enum onr_status scan_plan(struct onr_plan_ctx *ctx)
{
    struct scan8 *scan = ONR_ARENA_NEW(ctx->arena, struct scan8);
    if (scan == NULL) {
        return onr_fail_memory(ctx->err, "plan of Scan");
    }
    ONR_TRY(count_params(ctx->node, scan, ctx->err));
    scan->batch = -1;
    scan->steps = -1;
    for (uint32_t i = 1; i < ctx->node->input_count; i++) {
        ONR_TRY(check_extent(ctx, i, 0, &scan->batch));
        if (i > scan->state_count) {
            ONR_TRY(check_extent(ctx, i, 1, &scan->steps));
        }
    }
    const struct onr_fact *lens = ctx->node->inputs[0] != ONR_NO_VALUE ? ctx->inputs[0] : NULL;
    if (lens != NULL && (lens->shape.rank != 1 || lens->shape.dim[0] != scan->batch)) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_fail(ctx->err, ONR_ERR_SHAPE, "sequence_lens has shape %s, expected %" PRId64,
                        onr_shape_text(&lens->shape, text), scan->batch);
    }
    size_t count = 0;
    const int64_t *directions = onr_attr_ints(ctx->node, "directions", &count);
    if (directions != NULL && count != scan->input_count) {
        return onr_fail(ctx->err, ONR_ERR_MODEL, "directions has %zu items, expected %" PRIu32,
                        count, scan->input_count);
    }
    for (size_t i = 0; i < count; i++) {
        scan->is_reversed[i] = directions[i] != 0;
    }
    ctx->plan = scan;
    return ONR_OK;
}

/* The tensor at these indices of the first `axes` dimensions, in place. */
static struct onr_tensor slice_of(const struct onr_tensor *tensor, int axes, int64_t first,
                                  int64_t second)
{
    struct onr_tensor slice = {.dtype = tensor->dtype, .shape.rank = tensor->shape.rank - axes};
    for (int i = 0; i < slice.shape.rank; i++) {
        slice.shape.dim[i] = tensor->shape.dim[i + axes];
    }
    int64_t index = axes == 2 ? first * tensor->shape.dim[1] + second : first;
    size_t bytes = onr_tensor_bytes(&slice);
    slice.data = bytes > 0 ? (char *)tensor->data + (size_t)index * bytes : tensor->data;
    return slice;
}

/* Copies what the body gave to its place in an output. */
static enum onr_status store_slice(struct onr_run_ctx *ctx, uint32_t index,
                                   const struct onr_tensor *result, const struct onr_tensor *place)
{
    if (result->kind != ONR_KIND_TENSOR || result->dtype != place->dtype ||
        !onr_shape_equal(&result->shape, &place->shape)) {
        char got[ONR_SHAPE_TEXT_BYTES];
        char want[ONR_SHAPE_TEXT_BYTES];
        return onr_fail(ctx->err, ONR_ERR_SHAPE,
                        "output %" PRIu32 " of the body is %s %s, expected %s %s", index,
                        onr_dtype_name(result->dtype), onr_shape_text(&result->shape, got),
                        onr_dtype_name(place->dtype), onr_shape_text(&place->shape, want));
    }
    size_t bytes = onr_tensor_bytes(result);
    if (bytes > 0) {
        memcpy(place->data, result->data, bytes);
    }
    return ONR_OK;
}

/* Allocates a scan output for elements of this shape, filled with zeros. */
static enum onr_status start_output(struct onr_run_ctx *ctx, const struct scan8 *scan,
                                    uint32_t index, enum onr_dtype dtype,
                                    const struct onr_shape *element)
{
    struct onr_tensor *output = ctx->outputs[index];
    struct onr_shape shape = {.rank = element->rank + 2, .dim = {scan->batch, scan->steps}};
    if (shape.rank > ONR_MAX_RANK) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "output %" PRIu32 " has rank %d, at most %d",
                        index, shape.rank, ONR_MAX_RANK);
    }
    for (int i = 0; i < element->rank; i++) {
        shape.dim[i + 2] = element->dim[i] >= 0 ? element->dim[i] : 0;
    }
    output->dtype = dtype;
    ONR_TRY(ctx->host->alloc_output(ctx, index, &shape));
    size_t bytes = onr_tensor_bytes(output);
    if (bytes > 0) {
        memset(output->data, 0, bytes);
    }
    return ONR_OK;
}

/* One iteration: step t of batch item b, whose sequence has this length. */
static enum onr_status scan_step(struct onr_run_ctx *ctx, const struct scan8 *scan, int64_t b,
                                 int64_t t, int64_t length, bool *is_started)
{
    struct onr_tensor arguments[MAX_SCAN_PARAMS];
    for (uint32_t i = 0; i < scan->state_count; i++) {
        arguments[i] = slice_of(ctx->outputs[i], 1, b, 0);
    }
    for (uint32_t i = 0; i < scan->input_count; i++) {
        int64_t place = scan->is_reversed[i] ? length - 1 - t : t;
        arguments[scan->state_count + i] =
            slice_of(ctx->inputs[1 + scan->state_count + i], 2, b, place);
    }
    const struct onr_tensor *results = NULL;
    uint32_t count = 0;
    ONR_TRY(onr_body_count_iteration(ctx));
    ONR_TRY(ctx->host->run_body(ctx, (uint32_t)(scan->body - ctx->node->bodies), arguments,
                                ctx->input_count - 1, &results, &count));
    for (uint32_t i = 0; i < count; i++) {
        bool is_state = i < scan->state_count;
        if (!is_state && !*is_started) {
            ONR_TRY(start_output(ctx, scan, i, results[i].dtype, &results[i].shape));
        }
        struct onr_tensor place = slice_of(ctx->outputs[i], is_state ? 1 : 2, b, t);
        ONR_TRY(store_slice(ctx, i, &results[i], &place));
    }
    *is_started = true;
    return ONR_OK;
}

/* Scan outputs of no iteration at all have the shape that the body declares. */
static enum onr_status start_empty(struct onr_run_ctx *ctx, const struct scan8 *scan)
{
    for (uint32_t i = 0; i < scan->output_count; i++) {
        uint32_t index = scan->state_count + i;
        struct onr_fact fact = onr_body_declared_fact(scan->body, index);
        if (fact.dtype == ONR_UNDEFINED) {
            return onr_fail(ctx->err, ONR_ERR_MODEL,
                            "output %" PRIu32 " has no iteration and no declared type", index);
        }
        fact.shape.rank = fact.shape.rank == ONR_RANK_UNKNOWN ? 0 : fact.shape.rank;
        ONR_TRY(start_output(ctx, scan, index, fact.dtype, &fact.shape));
    }
    return ONR_OK;
}

static enum onr_status scan_run(struct onr_run_ctx *ctx)
{
    const struct scan8 *scan = ctx->plan;
    const int64_t *lens = ctx->inputs[0] != NULL ? ctx->inputs[0]->data : NULL;
    bool is_started = false;
    for (uint32_t i = 0; i < scan->state_count; i++) {
        ONR_TRY(onr_body_store(ctx, i, ctx->inputs[i + 1]));
    }
    for (int64_t b = 0; b < scan->batch; b++) {
        int64_t length = lens != NULL ? lens[b] : scan->steps;
        if (length < 0 || length > scan->steps) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "sequence_lens has %" PRId64 " at %" PRId64 ", expected 0 to %" PRId64,
                            length, b, scan->steps);
        }
        for (int64_t t = 0; t < length; t++) {
            ONR_TRY(scan_step(ctx, scan, b, t, length, &is_started));
        }
    }
    return is_started ? ONR_OK : start_empty(ctx, scan);
}

static const struct onr_param_spec scan_inputs[] = {{ONR_BIT(INT64), 0}, {ONR_DTYPES_ALL, 0}, {0}};
static const struct onr_attr_spec scan_attrs[] = {{"body", ONR_ATTR_GRAPH, true},
                                                  {"num_scan_inputs", ONR_ATTR_INT, true},
                                                  {"directions", ONR_ATTR_INTS, false},
                                                  {.name = NULL}};

extern const struct onr_op_def onr_ops_scan8[];
const struct onr_op_def onr_ops_scan8[] = {
    {.domain = "",
     .name = "Scan",
     .since_version = 8,
     .last_version = 8,
     .inputs = {0, ONR_VARIADIC},
     .outputs = {1, ONR_VARIADIC},
     .attrs = scan_attrs,
     .input_specs = scan_inputs,
     .traits = ONR_TRAIT_DYNAMIC | ONR_TRAIT_BODIES,
     .infer = scan_infer,
     .plan = scan_plan,
     .run = scan_run},
    {.name = NULL},
};
