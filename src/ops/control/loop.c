/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loop (ai.onnx), versions 1 and later.             https://onnx.ai/onnx/operators/onnx__Loop.html
 *
 * for (i = 0; i < M && cond; i++)  (cond, carried..., scan...) = body(i, cond, carried...)
 *
 * Inputs    M: int64, one element, optional (no limit); cond: bool, one element, optional (true);
 *           carried: any.
 * Outputs   the final carried values, then the scan values of all iterations stacked on a new axis
 *           0.
 * Types     tensors of any type; carried values may change shape between iterations, and may be
 *           sequences and optionals; scan values may not.
 * Edges     no iteration: carried outputs are the inputs, scan outputs have length 0.
 * Aliasing  outputs are copies: the body overwrites its own storage in each iteration.
 */
#include "ops/control/body.h"

#include <inttypes.h>

/* Most carried values of a loop. */
#define MAX_CARRIED 256

struct loop {
    const struct onr_body *body;
    uint32_t carried_count;
    uint32_t scan_count;
};

static struct loop loop_of(const struct onr_node *node)
{
    uint32_t carried = node->input_count > 2 ? node->input_count - 2 : 0;
    return (struct loop){.body = onr_node_body(node, "body"),
                         .carried_count = carried,
                         .scan_count = node->output_count - carried};
}

static enum onr_status loop_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_node *node = ctx->node;
    uint32_t carried = node->input_count > 2 ? node->input_count - 2 : 0;
    const struct onr_graph *body = onr_node_body(node, "body")->graph;
    if (carried > MAX_CARRIED) {
        return onr_infer_fail(ctx, ONR_ERR_LIMIT, "%" PRIu32 " carried values, at most %d", carried,
                              MAX_CARRIED);
    }
    if (node->output_count < carried || body->formal_input_count != carried + 2 ||
        body->output_count != node->output_count + 1) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "body has %" PRIu32 " inputs and %" PRIu32
                              " outputs, expected %" PRIu32 " and %" PRIu32,
                              body->formal_input_count, body->output_count, carried + 2,
                              node->output_count + 1);
    }
    for (uint32_t i = 0; i < 2 && i < node->input_count; i++) {
        if (ctx->inputs[i] != NULL && !onr_fact_is_tensor(ctx->inputs[i])) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "input %" PRIu32 " is %s, expected a tensor",
                                  i, onr_fact_kind_text(ctx->inputs[i]));
        }
    }
    for (uint32_t i = 0; i < carried; i++) {
        if (ctx->inputs[i + 2] == NULL) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "carried input %" PRIu32 " is empty", i);
        }
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        struct onr_fact fact = onr_body_output_fact(onr_node_body(node, "body"), i + 1);
        if (i < carried) {
            if (fact.dtype == ONR_UNDEFINED && ctx->inputs[i + 2]->kind != ONR_KIND_NONE) {
                fact = *ctx->inputs[i + 2];
                fact.data = NULL;
                fact.contents = NULL;
            }
            fact.shape.rank = ONR_RANK_UNKNOWN; /* may be the initial value, may change */
        } else if (!onr_fact_is_tensor(&fact)) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "scan output %" PRIu32 " is %s", i,
                                  onr_fact_kind_text(&fact));
        } else if (fact.shape.rank >= 0 && fact.shape.rank < ONR_MAX_RANK) {
            for (int d = fact.shape.rank++; d > 0; d--) {
                fact.shape.dim[d] = fact.shape.dim[d - 1];
            }
            fact.shape.dim[0] = ONR_DIM_UNKNOWN;
        }
        ctx->outputs[i] = fact;
    }
    return ONR_OK;
}

/* The one element of an optional input. */
static enum onr_status check_single(struct onr_run_ctx *ctx, uint32_t index, const char *name)
{
    if (index < ctx->input_count && ctx->inputs[index] != NULL &&
        onr_tensor_count(ctx->inputs[index]) != 1) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_fail(ctx->err, ONR_ERR_SHAPE, "%s has shape %s, expected one element", name,
                        onr_shape_text(&ctx->inputs[index]->shape, text));
    }
    return ONR_OK;
}

/* Keeps the results of one iteration: carried values for the next one, scan values in their stacks.
 */
static enum onr_status keep_results(struct onr_run_ctx *ctx, const struct loop *loop,
                                    const struct onr_tensor *results, int64_t step,
                                    struct onr_tensor *arguments, struct onr_body_stack *stacks,
                                    bool *cond)
{
    if (results[0].kind != ONR_KIND_TENSOR || results[0].dtype != ONR_BOOL ||
        onr_tensor_count(&results[0]) != 1) {
        return onr_fail(ctx->err, ONR_ERR_SHAPE, "the body's condition is not one bool");
    }
    *cond = *(const uint8_t *)results[0].data != 0;
    for (uint32_t i = 0; i < loop->carried_count; i++) {
        ONR_TRY(onr_body_store(ctx, i, &results[i + 1]));
        arguments[i + 2] = *ctx->outputs[i];
    }
    for (uint32_t i = 0; i < loop->scan_count; i++) {
        ONR_TRY(onr_body_stack_put(ctx, &stacks[i], step == 0, step,
                                   &results[1 + loop->carried_count + i]));
    }
    return ONR_OK;
}

static enum onr_status loop_iterate(struct onr_run_ctx *ctx, const struct loop *loop,
                                    int64_t trip_count, bool cond, struct onr_body_stack *stacks,
                                    int64_t *steps)
{
    struct onr_tensor arguments[MAX_CARRIED + 2];
    int64_t step = 0;
    arguments[0] = (struct onr_tensor){.dtype = ONR_INT64, .data = &step};
    arguments[1] = (struct onr_tensor){.dtype = ONR_BOOL, .data = &cond};
    for (uint32_t i = 0; i < loop->carried_count; i++) {
        ONR_TRY(onr_body_store(ctx, i, ctx->inputs[i + 2]));
        arguments[i + 2] = *ctx->outputs[i];
    }
    for (; step < trip_count && cond; step++) {
        const struct onr_tensor *results = NULL;
        uint32_t result_count = 0;
        ONR_TRY(onr_body_count_iteration(ctx));
        ONR_TRY(ctx->host->run_body(ctx, (uint32_t)(loop->body - ctx->node->bodies), arguments,
                                    loop->carried_count + 2, &results, &result_count));
        ONR_TRY(keep_results(ctx, loop, results, step, arguments, stacks, &cond));
    }
    *steps = step;
    return ONR_OK;
}

static enum onr_status loop_plan(struct onr_plan_ctx *ctx)
{
    ctx->workspace_bytes = (ctx->node->output_count + 1) * sizeof(struct onr_body_stack);
    return ONR_OK;
}

static enum onr_status loop_run(struct onr_run_ctx *ctx)
{
    struct loop loop = loop_of(ctx->node);
    struct onr_body_stack *stacks = ctx->workspace;
    ONR_TRY(check_single(ctx, 0, "M"));
    ONR_TRY(check_single(ctx, 1, "cond"));
    bool has_count = ctx->input_count > 0 && ctx->inputs[0] != NULL;
    bool has_cond = ctx->input_count > 1 && ctx->inputs[1] != NULL;
    int64_t trip_count = has_count ? *(const int64_t *)ctx->inputs[0]->data : INT64_MAX;
    bool cond = has_cond ? *(const uint8_t *)ctx->inputs[1]->data != 0 : true;
    for (uint32_t i = 0; i < loop.scan_count; i++) {
        stacks[i] = (struct onr_body_stack){.output = loop.carried_count + i};
    }
    int64_t steps = 0;
    ONR_TRY(loop_iterate(ctx, &loop, trip_count, cond, stacks, &steps));
    for (uint32_t i = 0; i < loop.scan_count; i++) {
        struct onr_fact fact = onr_body_declared_fact(loop.body, 1 + loop.carried_count + i);
        ONR_TRY(onr_body_stack_finish(ctx, &stacks[i], steps, &fact));
    }
    return ONR_OK;
}

static const struct onr_attr_spec loop_attrs[] = {{"body", ONR_ATTR_GRAPH, true}, {.name = NULL}};

static const struct onr_param_spec loop_inputs[] = {
    {ONR_BIT(INT64), 0}, {ONR_BIT(BOOL), 0}, {ONR_DTYPES_ALL, 0}, {0}};

extern const struct onr_op_def onr_ops_loop[];
const struct onr_op_def onr_ops_loop[] = {
    {.domain = "",
     .name = "Loop",
     .since_version = 1,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {0, ONR_VARIADIC},
     .outputs = {1, ONR_VARIADIC},
     .attrs = loop_attrs,
     .input_specs = loop_inputs,
     .traits = ONR_TRAIT_DYNAMIC | ONR_TRAIT_BODIES | ONR_TRAIT_ANY_KIND,
     .infer = loop_infer,
     .plan = loop_plan,
     .run = loop_run},
    {.name = NULL},
};
