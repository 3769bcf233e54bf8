/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SequenceMap (ai.onnx), versions 17 and later.
 *                                           https://onnx.ai/onnx/operators/onnx__SequenceMap.html
 *
 * outputs[j][i] = body(inputs[0][i], inputs[1][i] or inputs[1], ...)[j] for each position i.
 *
 * Inputs    a sequence of n tensors, then sequences of n tensors and tensors; every call of the
 *           body gets the tensors of one position, and the plain tensors as they are.
 * Shapes    any; the tensors of a sequence may differ in shape.
 * Types     all.
 * Attrs     body: a graph with one input per input and one output per output, all tensors.
 * Edge      n = 0: the outputs are empty sequences.
 */
#include "ops/control/body.h"
#include "ops/sequence/sequence.h"

#include <inttypes.h>

static enum onr_status check_body(struct onr_infer_ctx *ctx, const struct onr_graph *body)
{
    const struct onr_node *node = ctx->node;
    if (body->formal_input_count == node->input_count && body->output_count == node->output_count) {
        return ONR_OK;
    }
    return onr_infer_fail(
        ctx, ONR_ERR_MODEL,
        "body has %" PRIu32 " inputs and %" PRIu32 " outputs, expected %" PRIu32 " and %" PRIu32,
        body->formal_input_count, body->output_count, node->input_count, node->output_count);
}

static enum onr_status map_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_body *body = onr_node_body(ctx->node, "body");
    ONR_TRY(check_body(ctx, body->graph));
    for (uint32_t i = 0; i < ctx->node->input_count; i++) {
        if (ctx->inputs[i] == NULL) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "input %" PRIu32 " is empty", i);
        }
        if (i == 0 || ctx->inputs[i]->kind != ONR_KIND_SEQUENCE) {
            ONR_TRY(i == 0 ? onr_check_sequence(ctx, i) : onr_check_tensor(ctx, i));
        }
    }
    for (uint32_t i = 0; i < ctx->node->output_count; i++) {
        struct onr_fact fact = onr_body_declared_fact(body, i);
        if (!onr_fact_is_tensor(&fact)) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL,
                                  "output %" PRIu32 " of the body is %s, expected a tensor", i,
                                  onr_fact_kind_text(&fact));
        }
        ctx->outputs[i] = fact;
        ctx->outputs[i].kind = ONR_KIND_SEQUENCE;
    }
    return ONR_OK;
}

/* What one run works with, in the workspace: the arguments of the body stand behind it. */
struct mapping {
    int64_t count;
    uint32_t body;
    struct onr_sequence_writer *writers; /* [output_count] */
    struct onr_tensor *arguments;        /* [input_count] */
};

static enum onr_status map_plan(struct onr_plan_ctx *ctx)
{
    ctx->workspace_bytes = ctx->node->output_count * sizeof(struct onr_sequence_writer) +
                           ctx->node->input_count * sizeof(struct onr_tensor);
    return ONR_OK;
}

static enum onr_status check_lengths(struct onr_run_ctx *ctx, int64_t count)
{
    for (uint32_t i = 1; i < ctx->input_count; i++) {
        if (ctx->inputs[i]->kind == ONR_KIND_SEQUENCE &&
            onr_sequence_count(ctx->inputs[i]) != count) {
            return onr_fail(ctx->err, ONR_ERR_SHAPE,
                            "input %" PRIu32 " has %" PRId64 " tensors, input 0 has %" PRId64, i,
                            onr_sequence_count(ctx->inputs[i]), count);
        }
    }
    return ONR_OK;
}

static enum onr_status begin_outputs(struct onr_run_ctx *ctx, const struct mapping *mapping)
{
    const struct onr_body *body = &ctx->node->bodies[mapping->body];
    for (uint32_t i = 0; i < ctx->output_count; i++) {
        enum onr_dtype dtype = onr_body_declared_fact(body, i).dtype;
        if (dtype == ONR_UNDEFINED) {
            return onr_fail(ctx->err, ONR_ERR_MODEL,
                            "the type of output %" PRIu32 " of the body is not known", i);
        }
        ONR_TRY(onr_sequence_begin(&mapping->writers[i], ctx, i, dtype, mapping->count, 0));
    }
    return ONR_OK;
}

/* Calls the body for one position and appends what it gives. */
static enum onr_status map_position(struct onr_run_ctx *ctx, const struct mapping *mapping,
                                    int64_t position)
{
    const struct onr_tensor *results = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < ctx->input_count; i++) {
        const struct onr_tensor *input = ctx->inputs[i];
        mapping->arguments[i] =
            input->kind == ONR_KIND_SEQUENCE ? onr_sequence_items(input)[position] : *input;
    }
    ONR_TRY(onr_body_count_iteration(ctx));
    ONR_TRY(ctx->host->run_body(ctx, mapping->body, mapping->arguments, ctx->input_count, &results,
                                &count));
    for (uint32_t i = 0; i < count; i++) {
        const struct onr_tensor *sequence = ctx->outputs[i];
        if (results[i].kind != ONR_KIND_TENSOR || results[i].dtype != sequence->dtype) {
            return onr_fail(ctx->err, ONR_ERR_MODEL,
                            "output %" PRIu32 " of the body is no tensor of type %s", i,
                            onr_dtype_name(sequence->dtype));
        }
        ONR_TRY(onr_sequence_append_copies(&mapping->writers[i], &results[i], 0, 1));
    }
    return ONR_OK;
}

static enum onr_status map_run(struct onr_run_ctx *ctx)
{
    const struct onr_body *body = onr_node_body(ctx->node, "body");
    struct mapping mapping = {.count = onr_sequence_count(ctx->inputs[0]),
                              .body = (uint32_t)(body - ctx->node->bodies),
                              .arguments = ctx->workspace};
    mapping.writers = (struct onr_sequence_writer *)(mapping.arguments + ctx->input_count);
    ONR_TRY(check_lengths(ctx, mapping.count));
    ONR_TRY(begin_outputs(ctx, &mapping));
    for (int64_t i = 0; i < mapping.count; i++) {
        ONR_TRY(map_position(ctx, &mapping, i));
    }
    return ONR_OK;
}

static const struct onr_attr_spec map_attrs[] = {{"body", ONR_ATTR_GRAPH, true}, {0}};

extern const struct onr_op_def onr_ops_sequence_map[];
const struct onr_op_def onr_ops_sequence_map[] = {
    {.domain = "",
     .name = "SequenceMap",
     .since_version = 17,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, ONR_VARIADIC},
     .outputs = {1, ONR_VARIADIC},
     .attrs = map_attrs,
     .traits = ONR_TRAIT_DYNAMIC | ONR_TRAIT_BODIES | ONR_TRAIT_ANY_KIND | ONR_TRAIT_MAPS_ITEMS,
     .infer = map_infer,
     .plan = map_plan,
     .run = map_run},
    {.name = NULL},
};
