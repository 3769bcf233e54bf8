/* SPDX-License-Identifier: Apache-2.0 */
/*
 * If (ai.onnx), versions 1 and later.                 https://onnx.ai/onnx/operators/onnx__If.html
 *
 * outputs = cond ? then_branch() : else_branch()
 *
 * Shapes    cond: one element. Outputs: by position those of the branch; shapes and ranks may
 *           differ.
 * Types     cond: bool; outputs: any tensor type, the same in both branches.
 * Attrs     then_branch, else_branch: graphs without inputs of their own; they use outer values as
 *           captures.
 * Aliasing  an output is the branch's own storage, valid until this node runs again.
 */
#include "ops/control/body.h"

#include <inttypes.h>

static enum onr_status if_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_node *node = ctx->node;
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
        if (a.dtype != ONR_UNDEFINED && b.dtype != ONR_UNDEFINED && a.dtype != b.dtype) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL,
                                  "output %" PRIu32 " is %s in then_branch, %s in else_branch", i,
                                  onr_dtype_name(a.dtype), onr_dtype_name(b.dtype));
        }
        ctx->outputs[i] = a;
        ctx->outputs[i].dtype = a.dtype != ONR_UNDEFINED ? a.dtype : b.dtype;
        if (a.shape.rank != b.shape.rank) {
            ctx->outputs[i].shape.rank = ONR_RANK_UNKNOWN;
        }
        for (int d = 0; d < ctx->outputs[i].shape.rank; d++) {
            if (a.shape.dim[d] != b.shape.dim[d]) {
                ctx->outputs[i].shape.dim[d] = ONR_DIM_UNKNOWN;
            }
        }
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
     .traits = ONR_TRAIT_DYNAMIC | ONR_TRAIT_BODIES,
     .infer = if_infer,
     .run = if_run},
    {.name = NULL},
};
