/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constant, ConstantOfShape (ai.onnx)            https://onnx.ai/onnx/operators/onnx__Constant.html
 *
 * Constant: y = the attribute.   ConstantOfShape: y[...] = value, in the shape that input 0 lists.
 *
 * Shapes    Constant: that of `value`; value_int, value_float, value_string -> scalar; their
 *           plurals -> [n]. ConstantOfShape: [r] -> rank r; [0] -> scalar.
 * Types     all; ConstantOfShape without `value` gives float 0. value_int gives int64, value_float
 *           float.
 * Attrs     Constant: exactly one; sparse_value is not supported. ConstantOfShape: value, one
 *           element.
 * Edge      dimensions of 0 are allowed, negative ones refused.
 */
#include "base/size.h"
#include "ops/common/contents.h"
#include "ops/common/copy.h"

#include <inttypes.h>
#include <string.h>

/* The type that an attribute of Constant makes; ONR_UNDEFINED when it makes none. */
static enum onr_dtype attr_dtype(const struct onr_attr *attr)
{
    switch (attr->kind) {
    case ONR_ATTR_TENSOR:
        return attr->as.tensor->dtype;
    case ONR_ATTR_FLOAT:
    case ONR_ATTR_FLOATS:
        return ONR_FLOAT;
    case ONR_ATTR_INT:
    case ONR_ATTR_INTS:
        return ONR_INT64;
    case ONR_ATTR_STRING:
    case ONR_ATTR_STRINGS:
        return ONR_STRING;
    default:
        return ONR_UNDEFINED;
    }
}

static bool is_list(const struct onr_attr *attr)
{
    return attr->kind == ONR_ATTR_FLOATS || attr->kind == ONR_ATTR_INTS ||
           attr->kind == ONR_ATTR_STRINGS;
}

static enum onr_status constant_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_node *node = ctx->node;
    if (node->attr_count != 1) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "%" PRIu32 " attributes, expected one value",
                              node->attr_count);
    }
    const struct onr_attr *attr = &node->attrs[0];
    struct onr_fact *y = &ctx->outputs[0];
    y->dtype = attr_dtype(attr);
    if (y->dtype == ONR_UNDEFINED) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED, "attribute \"%s\" is not supported",
                              attr->name);
    }
    if (attr->kind == ONR_ATTR_TENSOR) {
        y->shape = attr->as.tensor->shape;
    } else {
        y->shape.rank = is_list(attr);
        y->shape.dim[0] = (int64_t)attr->count;
    }
    return ONR_OK;
}

static enum onr_status constant_plan(struct onr_plan_ctx *ctx)
{
    ctx->plan = &ctx->node->attrs[0];
    return ONR_OK;
}

static enum onr_status constant_run(struct onr_run_ctx *ctx)
{
    const struct onr_attr *attr = ctx->plan;
    struct onr_tensor *y = ctx->outputs[0];
    size_t bytes = onr_tensor_bytes(y);
    if (bytes == 0) {
        return ONR_OK;
    }
    if (attr->kind == ONR_ATTR_TENSOR) {
        onr_constant_copy(attr->as.tensor, y->data);
    } else if (is_list(attr)) {
        memcpy(y->data, attr->as.ints, bytes); /* whichever list it is */
    } else {
        memcpy(y->data, &attr->as, bytes);
    }
    return ONR_OK;
}

static const struct onr_constant *fill_value(const struct onr_node *node)
{
    const struct onr_attr *attr = onr_node_attr(node, "value");
    return attr != NULL ? attr->as.tensor : NULL;
}

static enum onr_status constant_of_shape_dims(struct onr_infer_ctx *ctx)
{
    const struct onr_sint *dims = NULL;
    size_t count = 0;
    ONR_TRY(onr_infer_sints(ctx, 0, &dims, &count));
    int64_t length = onr_list_length(ctx, 0);
    if (length < 0) {
        return ONR_OK;
    }
    ONR_TRY(onr_check_max_rank(ctx->err, (size_t)length));
    onr_infer_unknown_dims(ctx, (int)length);
    for (size_t i = 0; dims != NULL && i < count; i++) {
        if (dims[i].dim == 0 && dims[i].value < 0) {
            return onr_infer_fail(ctx, ONR_ERR_VALUE,
                                  "dimension %zu is %" PRId64 ", expected at least 0", i,
                                  dims[i].value);
        }
        ctx->outputs[0].shape.dim[i] = dims[i].dim == 0 ? dims[i].value : dims[i].dim;
    }
    return ONR_OK;
}

static enum onr_status constant_of_shape_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_constant *value = fill_value(ctx->node);
    ctx->outputs[0].dtype = value != NULL ? value->dtype : ONR_FLOAT;
    if (value != NULL && onr_constant_count(value) != 1) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "attribute \"value\" has %" PRId64 " elements, expected 1",
                              onr_constant_count(value));
    }
    return constant_of_shape_dims(ctx);
}

/* The element in memory form, for any type. */
struct fill_plan {
    _Alignas(16) unsigned char element[16];
};

static enum onr_status constant_of_shape_plan(struct onr_plan_ctx *ctx)
{
    struct fill_plan *plan = ONR_ARENA_NEW(ctx->arena, struct fill_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of ConstantOfShape");
    }
    if (fill_value(ctx->node) != NULL) {
        onr_constant_copy(fill_value(ctx->node), plan->element);
    }
    ctx->plan = plan;
    return ONR_OK;
}

static enum onr_status constant_of_shape_run(struct onr_run_ctx *ctx)
{
    const struct fill_plan *plan = ctx->plan;
    struct onr_tensor *y = ctx->outputs[0];
    onr_fill(ctx->kernels, ctx->parallel, y->data, (size_t)onr_tensor_count(y), plan->element,
             onr_dtype_size(y->dtype));
    return ONR_OK;
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 0}, {0}};
static const struct onr_param_spec int64_specs[] = {{ONR_BIT(INT64), 0}, {0}};
static const struct onr_attr_spec constant_attrs[] = {{"value", ONR_ATTR_TENSOR, false},
                                                      {"sparse_value", ONR_ATTR_OTHER, false},
                                                      {"value_float", ONR_ATTR_FLOAT, false},
                                                      {"value_floats", ONR_ATTR_FLOATS, false},
                                                      {"value_int", ONR_ATTR_INT, false},
                                                      {"value_ints", ONR_ATTR_INTS, false},
                                                      {"value_string", ONR_ATTR_STRING, false},
                                                      {"value_strings", ONR_ATTR_STRINGS, false},
                                                      {0}};
static const struct onr_attr_spec fill_attrs[] = {{"value", ONR_ATTR_TENSOR, false}, {0}};

extern const struct onr_op_def onr_ops_constant[];
const struct onr_op_def onr_ops_constant[] = {
    {.domain = "",
     .name = "Constant",
     .since_version = 1,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {0, 0},
     .outputs = {1, 1},
     .attrs = constant_attrs,
     .output_specs = any_specs,
     .infer = constant_infer,
     .plan = constant_plan,
     .run = constant_run},
    {.domain = "",
     .name = "ConstantOfShape",
     .since_version = 9,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = fill_attrs,
     .input_specs = int64_specs,
     .output_specs = any_specs,
     .infer = constant_of_shape_infer,
     .plan = constant_of_shape_plan,
     .run = constant_of_shape_run},
    {.name = NULL},
};
