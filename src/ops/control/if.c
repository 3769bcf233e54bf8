/* SPDX-License-Identifier: Apache-2.0 */
/*
 * If (ai.onnx), versions 1 and later.                 https://onnx.ai/onnx/operators/onnx__If.html
 *
 * outputs = cond ? then_branch() : else_branch()
 *
 * Shapes    cond: one element. Outputs: by position those of the branch; shapes and ranks may
 *           differ.
 * Types     cond: bool; outputs: tensors of any type, sequences and optionals, the same in both
 *           branches.
 * Attrs     then_branch, else_branch: graphs without inputs of their own; they use outer values as
 *           captures.
 * Aliasing  an output is the branch's own storage, valid until this node runs again.
 */
#include "ops/control/body.h"

#include <inttypes.h>

/* What holds for either branch, where a fact without type says nothing. */
static enum onr_status join_facts(struct onr_infer_ctx *ctx, uint32_t index,
                                  const struct onr_fact *a, const struct onr_fact *b)
{
    struct onr_fact *output = &ctx->outputs[index];
    bool is_known = a->dtype != ONR_UNDEFINED && b->dtype != ONR_UNDEFINED;
    if (is_known && a->dtype != b->dtype) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "output %" PRIu32 " is %s in then_branch, %s in else_branch", index,
                              onr_dtype_name(a->dtype), onr_dtype_name(b->dtype));
    }
    bool is_none = a->kind == ONR_KIND_NONE || b->kind == ONR_KIND_NONE;
    if (is_known && a->kind != b->kind && !is_none) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "output %" PRIu32 " is %s in then_branch, %s in else_branch", index,
                              onr_fact_kind_text(a), onr_fact_kind_text(b));
    }
    bool takes_a =
        b->dtype == ONR_UNDEFINED || (a->dtype != ONR_UNDEFINED && a->kind != ONR_KIND_NONE);
    *output = takes_a ? *a : *b;
    output->is_optional = a->is_optional || b->is_optional || (is_none && a->kind != b->kind);
    if (a->shape.rank != b->shape.rank) {
        output->shape.rank = ONR_RANK_UNKNOWN;
    }
    for (int d = 0; d < output->shape.rank; d++) {
        if (a->shape.dim[d] != b->shape.dim[d]) {
            output->shape.dim[d] = ONR_DIM_UNKNOWN;
        }
    }
    return ONR_OK;
}

static enum onr_status if_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_node *node = ctx->node;
    if (!onr_fact_is_tensor(ctx->inputs[0])) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "cond is %s, expected a tensor",
                              onr_fact_kind_text(ctx->inputs[0]));
    }
    const struct onr_body *then_branch = onr_node_body(node, "then_branch");
    const struct onr_body *else_branch = onr_node_body(node, "else_branch");
    for (uint32_t b = 0; b < node->body_count; b++) {
        if (node->bodies[b].graph->output_count != node->output_count) {
            return onr_infer_fail(
                ctx, ONR_ERR_MODEL, "%s has %" PRIu32 " outputs, expected %" PRIu32,
                node->bodies[b].attr_name, node->bodies[b].graph->output_count, node->output_count);
        }
        if (node->bodies[b].graph->formal_input_count != 0) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "%s has inputs", node->bodies[b].attr_name);
        }
    }
    for (uint32_t i = 0; i < node->output_count; i++) {
        struct onr_fact a = onr_body_output_fact(then_branch, i);
        struct onr_fact b = onr_body_output_fact(else_branch, i);
        ONR_TRY(join_facts(ctx, i, &a, &b));
    }
    return ONR_OK;
}

static enum onr_status if_run(struct onr_run_ctx *ctx)
{
    const struct onr_tensor *cond = ctx->inputs[0];
    if (onr_tensor_count(cond) != 1) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_fail(ctx->err, ONR_ERR_SHAPE, "cond has shape %s, expected one element",
                        onr_shape_text(&cond->shape, text));
    }
    const char *wanted = *(const uint8_t *)cond->data != 0 ? "then_branch" : "else_branch";
    const struct onr_body *body = onr_node_body(ctx->node, wanted);
    const struct onr_tensor *results = NULL;
    uint32_t count = 0;
    ONR_TRY(
        ctx->host->run_body(ctx, (uint32_t)(body - ctx->node->bodies), NULL, 0, &results, &count));
    for (uint32_t i = 0; i < ctx->output_count; i++) {
        *ctx->outputs[i] = results[i];
    }
    return ONR_OK;
}

static const struct onr_attr_spec if_attrs[] = {
    {"then_branch", ONR_ATTR_GRAPH, true}, {"else_branch", ONR_ATTR_GRAPH, true}, {.name = NULL}};

static const struct onr_param_spec if_inputs[] = {{ONR_BIT(BOOL), 0}, {0}};

extern const struct onr_op_def onr_ops_if[];
const struct onr_op_def onr_ops_if[] = {
    {.domain = "",
     .name = "If",
     .since_version = 1,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, ONR_VARIADIC},
     .attrs = if_attrs,
     .input_specs = if_inputs,
     .traits = ONR_TRAIT_DYNAMIC | ONR_TRAIT_BODIES | ONR_TRAIT_ANY_KIND,
     .infer = if_infer,
     .run = if_run},
    {.name = NULL},
};
