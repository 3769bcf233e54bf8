/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Optional, OptionalHasElement, OptionalGetElement (ai.onnx), versions 15 and later.
 *                                              https://onnx.ai/onnx/operators/onnx__Optional.html
 *
 * Optional: an optional that has the input as element, or none without input. OptionalHasElement:
 * whether there is one. OptionalGetElement: the element.
 *
 * At run time an optional is its element, or a value of kind ONR_KIND_NONE. So two of the three do
 * nothing, and the third is known when its input is.
 *
 * Types     tensors and sequences of all types. From version 18 on the last two also take a value
 *           that is no optional, and OptionalHasElement no input at all: false.
 * Attrs     Optional: type, of the element; needed without input.
 * Edge      OptionalGetElement of an optional without element is refused.
 * Aliasing  outputs are views of the input.
 */
#include "ops/common/copy.h"
#include "ops/sequence/sequence.h"

/* The type that the attribute gives; false when there is none. */
static bool declared_type(const struct onr_node *node, struct onr_fact *type)
{
    const struct onr_attr *attr = onr_node_attr(node, "type");
    if (attr != NULL) {
        *type = *attr->as.type;
    }
    return attr != NULL;
}

static enum onr_status optional_infer(struct onr_infer_ctx *ctx)
{
    struct onr_fact type;
    bool has_type = declared_type(ctx->node, &type);
    struct onr_fact *output = &ctx->outputs[0];
    if (has_type && (type.kind == ONR_KIND_OTHER || type.is_optional)) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED,
                              "type is neither a tensor nor a sequence of tensors");
    }
    if (!onr_infer_has_input(ctx, 0)) {
        if (!has_type) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL,
                                  "there is neither an input nor the attribute type");
        }
        output->kind = ONR_KIND_NONE;
        output->dtype = type.dtype;
        return ONR_OK;
    }
    const struct onr_fact *input = ctx->inputs[0];
    if (has_type && input->dtype != ONR_UNDEFINED &&
        (input->dtype != type.dtype || input->kind != type.kind)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "the input is %s of type %s, type is %s of %s",
                              onr_fact_kind_text(input), onr_dtype_name(input->dtype),
                              onr_fact_kind_text(&type), onr_dtype_name(type.dtype));
    }
    output->kind = input->kind;
    output->is_optional = true;
    output->shape = input->shape;
    return ONR_OK;
}

/* A known optional is a view and takes no step: only constants come here, when they are folded. */
static enum onr_status view_run(struct onr_run_ctx *ctx)
{
    onr_copy_bytes(ctx->parallel, ctx->outputs[0]->data, ctx->inputs[0]->data,
                   onr_tensor_bytes(ctx->inputs[0]));
    return ONR_OK;
}

static enum onr_status get_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_fact *input = ctx->inputs[0];
    if (input->kind == ONR_KIND_NONE) {
        return onr_infer_fail(ctx, ONR_ERR_VALUE, "the optional has no element");
    }
    ctx->outputs[0].kind = input->kind;
    ctx->outputs[0].shape = input->shape;
    return ONR_OK;
}

static enum onr_status has_infer(struct onr_infer_ctx *ctx)
{
    static const uint8_t answers[] = {0, 1};
    ctx->outputs[0].shape = (struct onr_shape){.rank = 0};
    if (!onr_infer_has_input(ctx, 0) || ctx->inputs[0]->kind == ONR_KIND_NONE) {
        ctx->outputs[0].data = &answers[0];
    } else if (!ctx->inputs[0]->is_optional && ctx->inputs[0]->dtype != ONR_UNDEFINED) {
        ctx->outputs[0].data = &answers[1];
    }
    return ONR_OK;
}

static enum onr_status has_run(struct onr_run_ctx *ctx)
{
    const struct onr_tensor *input = ctx->input_count > 0 ? ctx->inputs[0] : NULL;
    *(uint8_t *)ctx->outputs[0]->data = input != NULL && input->kind != ONR_KIND_NONE;
    return ONR_OK;
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec bool_specs[] = {{ONR_BIT(BOOL), 0}, {0}};
static const struct onr_attr_spec type_attrs[] = {{"type", ONR_ATTR_TYPE, false}, {0}};

#define HAS_ROW(first, last, min)                                                                  \
    {                                                                                              \
        .domain = "", .name = "OptionalHasElement", .since_version = (first),                      \
        .last_version = (last), .inputs = {(min), 1}, .outputs = {1, 1},                           \
        .output_specs = bool_specs, .traits = ONR_TRAIT_ANY_KIND | ONR_TRAIT_KEEP_TYPE,            \
        .infer = has_infer, .run = has_run                                                         \
    }

extern const struct onr_op_def onr_ops_optional[];
const struct onr_op_def onr_ops_optional[] = {
    {.domain = "",
     .name = "Optional",
     .since_version = 15,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {0, 1},
     .outputs = {1, 1},
     .attrs = type_attrs,
     .input_specs = any_specs,
     .output_specs = any_specs,
     .traits = ONR_TRAIT_VIEW | ONR_TRAIT_ANY_KIND | ONR_TRAIT_KEEP_TYPE,
     .infer = optional_infer,
     .run = view_run},
    HAS_ROW(15, 17, 1),
    HAS_ROW(18, ONR_OPSET_LATEST, 0),
    {.domain = "",
     .name = "OptionalGetElement",
     .since_version = 15,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .input_specs = any_specs,
     .output_specs = any_specs,
     .traits = ONR_TRAIT_VIEW | ONR_TRAIT_ANY_KIND | ONR_TRAIT_KEEP_TYPE,
     .infer = get_infer,
     .run = view_run},
    {.name = NULL},
};
