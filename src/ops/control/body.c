/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs of bodies: facts, state, stacks. */
#include "ops/control/body.h"

#include "base/sequence.h"

#include <inttypes.h>
#include <string.h>

struct onr_fact onr_body_output_fact(const struct onr_body *body, uint32_t index)
{
    const struct onr_graph *graph = body->graph;
    struct onr_fact fact = graph->values[graph->outputs[index]].fact;
    fact.data = NULL;
    fact.contents = NULL;
    for (int i = 0; i < fact.shape.rank; i++) {
        if (fact.shape.dim[i] < 0) {
            fact.shape.dim[i] = ONR_DIM_UNKNOWN;
        }
    }
    return fact;
}

struct onr_fact onr_body_declared_fact(const struct onr_body *body, uint32_t index)
{
    struct onr_fact fact = onr_body_output_fact(body, index);
    struct onr_fact both = fact;
    const struct onr_fact *declared = &body->graph->output_types[index];
    if (fact.dtype == ONR_UNDEFINED && fact.shape.rank == ONR_RANK_UNKNOWN) {
        return *declared;
    }
    return onr_fact_merge(&both, declared) ? both : fact;
}

enum onr_status onr_body_store(struct onr_run_ctx *ctx, uint32_t index,
                               const struct onr_tensor *value)
{
    struct onr_tensor *output = ctx->outputs[index];
    size_t bytes = 0;
    if (!onr_value_bytes(value, &bytes)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "output %" PRIu32 " is too large", index);
    }
    ONR_TRY(ctx->host->alloc_storage(ctx, index, bytes > 0 ? bytes : 1));
    onr_value_copy(value, output->data, output);
    return ONR_OK;
}

/* The shape of the stacked output for count iterations of this shape. */
static struct onr_shape stacked_shape(const struct onr_shape *element, int axis, int64_t count)
{
    struct onr_shape shape = {.rank = element->rank + 1};
    for (int i = 0; i < shape.rank; i++) {
        shape.dim[i] = i < axis ? element->dim[i] : i == axis ? count : element->dim[i - 1];
    }
    return shape;
}

static enum onr_status check_element(struct onr_run_ctx *ctx, const struct onr_body_stack *stack,
                                     const struct onr_tensor *tensor)
{
    const struct onr_tensor *output = ctx->outputs[stack->output];
    struct onr_shape expected = stacked_shape(&tensor->shape, stack->axis, stack->capacity);
    if (output->dtype == tensor->dtype && onr_shape_equal(&expected, &output->shape)) {
        return ONR_OK;
    }
    char text[ONR_SHAPE_TEXT_BYTES];
    return onr_fail(ctx->err, ONR_ERR_SHAPE,
                    "scan output %" PRIu32 " changes to %s %s after the first iteration",
                    stack->output, onr_dtype_name(tensor->dtype),
                    onr_shape_text(&tensor->shape, text));
}

enum onr_status onr_body_stack_put(struct onr_run_ctx *ctx, struct onr_body_stack *stack,
                                   bool is_first, int64_t place, const struct onr_tensor *tensor)
{
    struct onr_tensor *output = ctx->outputs[stack->output];
    if (tensor->kind != ONR_KIND_TENSOR) {
        return onr_fail(ctx->err, ONR_ERR_MODEL, "scan output %" PRIu32 " is no tensor",
                        stack->output);
    }
    if (is_first && stack->axis < 0) {
        stack->axis += tensor->shape.rank + 1;
    }
    if (tensor->shape.rank >= ONR_MAX_RANK || stack->axis < 0 || stack->axis > tensor->shape.rank) {
        return onr_fail(ctx->err, ONR_ERR_SHAPE, "scan output %" PRIu32 " has rank %d",
                        stack->output, tensor->shape.rank + 1);
    }
    if (!is_first) {
        ONR_TRY(check_element(ctx, stack, tensor));
    } else {
        output->dtype = tensor->dtype;
    }
    if (is_first || place >= stack->capacity) {
        stack->capacity = place < stack->capacity ? stack->capacity : place * 2 + 1;
        struct onr_shape shape = stacked_shape(&tensor->shape, stack->axis, stack->capacity);
        ONR_TRY(ctx->host->alloc_output(ctx, stack->output, &shape));
    }
    size_t size = onr_dtype_size(tensor->dtype);
    int rank = tensor->shape.rank;
    size_t outer = (size_t)onr_shape_range(&tensor->shape, 0, stack->axis);
    size_t inner = (size_t)onr_shape_range(&tensor->shape, stack->axis, rank) * size;
    for (size_t i = 0; i < outer && inner > 0; i++) {
        size_t row = i * (size_t)stack->capacity + (size_t)place;
        memcpy((char *)output->data + row * inner, (const char *)tensor->data + i * inner, inner);
    }
    return ONR_OK;
}

enum onr_status onr_body_stack_finish(struct onr_run_ctx *ctx, const struct onr_body_stack *stack,
                                      int64_t count, const struct onr_fact *fact)
{
    struct onr_tensor *output = ctx->outputs[stack->output];
    if (count > 0) {
        output->shape.dim[stack->axis] = count;
        return ONR_OK;
    }
    if (fact->dtype == ONR_UNDEFINED || fact->kind != ONR_KIND_TENSOR) {
        return onr_fail(ctx->err, ONR_ERR_MODEL,
                        "scan output %" PRIu32 " has no iteration and no declared type",
                        stack->output);
    }
    struct onr_shape element = fact->shape;
    element.rank = element.rank > 0 && element.rank < ONR_MAX_RANK ? element.rank : 0;
    for (int i = 0; i < element.rank; i++) {
        element.dim[i] = element.dim[i] >= 0 ? element.dim[i] : 0;
    }
    int axis = stack->axis >= 0 ? stack->axis : stack->axis + element.rank + 1;
    axis = axis >= 0 && axis <= element.rank ? axis : 0;
    struct onr_shape shape = stacked_shape(&element, axis, 0);
    output->dtype = fact->dtype;
    return ctx->host->alloc_output(ctx, stack->output, &shape);
}

enum onr_status onr_body_count_iteration(struct onr_run_ctx *ctx)
{
    if (*ctx->iterations_left == 0) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "more loop iterations than the limit allows");
    }
    (*ctx->iterations_left)--;
    return ONR_OK;
}
