/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of one argument with parameters (ai.onnx): Celu, Elu, Gelu, HardSigmoid, LeakyRelu,
 * Selu, Shrink, Swish, ThresholdedRelu; and QuickGelu (com.microsoft).
 *                                     https://onnx.ai/onnx/operators/onnx__Elu.html and so on
 *
 * Celu             x > 0 ? x : alpha (e^(x / alpha) - 1)     alpha = 1
 * Elu              x < 0 ? alpha (e^x - 1) : x               alpha = 1
 * Gelu             x/2 (1 + erf(x / sqrt 2)), or with tanh   approximate = "none" | "tanh"
 * HardSigmoid      max(0, min(1, alpha x + beta))            alpha = 0.2, beta = 0.5
 * LeakyRelu        x < 0 ? alpha x : x                       alpha = 0.01
 * QuickGelu        x sigmoid(alpha x)                        alpha = 1.702
 * Selu             gamma (x > 0 ? x : alpha (e^x - 1))       alpha = 1.67326, gamma = 1.0507
 * Shrink           x < -lambd ? x + bias                     bias = 0, lambd = 0.5
 *                  : x > lambd ? x - bias : 0
 * Swish            x sigmoid(alpha x)                        alpha = 1
 * ThresholdedRelu  x > alpha ? x : 0                         alpha = 1
 *
 * Shapes    x: any -> y: same.
 * Types     float, double, float16 and bfloat16 (computed in float); Shrink also integers
 *           (computed in double).
 * Edge      NaN stays NaN, except in ThresholdedRelu and Shrink: there it fails the comparisons
 *           and gives 0.
 * Aliasing  y may share storage with x.
 */
#include "ops/common/check_dims.h"
#include "ops/elementwise/unary.h"

#include <string.h>

/* A parameter: its attribute, or NULL when there is none, and the default. */
struct parameter {
    const char *name;
    float fallback;
};

static const struct activation {
    const char *name;
    enum onr_unary_op op;
    int last_version;
    struct parameter a;
    struct parameter b;
} activations[] = {
    {"Celu", ONR_UNARY_CELU, ONR_OPSET_LATEST, {"alpha", 1.0f}, {NULL, 0.0f}},
    {"Elu", ONR_UNARY_ELU, ONR_OPSET_LATEST, {"alpha", 1.0f}, {NULL, 0.0f}},
    {"HardSigmoid", ONR_UNARY_HARD_SIGMOID, ONR_OPSET_LATEST, {"alpha", 0.2f}, {"beta", 0.5f}},
    {"LeakyRelu", ONR_UNARY_LEAKY_RELU, ONR_OPSET_LATEST, {"alpha", 0.01f}, {NULL, 0.0f}},
    {"QuickGelu", ONR_UNARY_SWISH, ONR_OPSET_LATEST, {"alpha", 1.702f}, {NULL, 0.0f}},
    {"Selu", ONR_UNARY_SELU, 5, {"alpha", 1.6732f}, {"gamma", 1.0507f}},
    {"Selu", ONR_UNARY_SELU, ONR_OPSET_LATEST, {"alpha", 1.67326319f}, {"gamma", 1.05070102f}},
    {"Shrink", ONR_UNARY_SHRINK, ONR_OPSET_LATEST, {"bias", 0.0f}, {"lambd", 0.5f}},
    {"Swish", ONR_UNARY_SWISH, ONR_OPSET_LATEST, {"alpha", 1.0f}, {NULL, 0.0f}},
    {"ThresholdedRelu",
     ONR_UNARY_THRESHOLDED_RELU,
     ONR_OPSET_LATEST,
     {"alpha", 1.0f},
     {NULL, 0.0f}},
};

static float read_parameter(const struct onr_node *node, struct parameter parameter)
{
    return parameter.name != NULL ? onr_attr_float(node, parameter.name, parameter.fallback) : 0.0f;
}

static enum onr_status activation_prepare(struct onr_prepare_ctx *ctx)
{
    const struct onr_node *node = ctx->node;
    for (size_t i = 0; i < sizeof activations / sizeof activations[0]; i++) {
        const struct activation *activation = &activations[i];
        if (node->version <= activation->last_version &&
            strcmp(activation->name, node->op_type) == 0) {
            struct onr_unary_args args = {.a = read_parameter(node, activation->a),
                                          .b = read_parameter(node, activation->b)};
            return onr_unary_bind(ctx, activation->op, args);
        }
    }
    return onr_fail(ctx->err, ONR_ERR_INTERNAL, "no function for %s", node->op_type);
}

static enum onr_status gelu_prepare(struct onr_prepare_ctx *ctx)
{
    static const char *const forms[] = {"none", "tanh", NULL};
    size_t form = 0;
    ONR_TRY(onr_check_attr_choice(ctx->node, "approximate", forms, &form, ctx->err));
    return onr_unary_bind(ctx, form == 1 ? ONR_UNARY_GELU_TANH : ONR_UNARY_GELU,
                          (struct onr_unary_args){0});
}

static const struct onr_param_spec float_specs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};
static const struct onr_param_spec numeric_specs[] = {{ONR_DTYPES_NUMERIC, 1}, {0}};
static const struct onr_attr_spec gelu_attrs[] = {{"approximate", ONR_ATTR_STRING, false}, {0}};
static const struct onr_attr_spec shrink_attrs[] = {
    {"bias", ONR_ATTR_FLOAT, false}, {"lambd", ONR_ATTR_FLOAT, false}, {0}};
static const struct onr_attr_spec activation_attrs[] = {
    {"alpha", ONR_ATTR_FLOAT, false}, {"consumed_inputs", ONR_ATTR_INTS, false}, {0}};
static const struct onr_attr_spec hard_sigmoid_attrs[] = {{"alpha", ONR_ATTR_FLOAT, false},
                                                          {"beta", ONR_ATTR_FLOAT, false},
                                                          {"consumed_inputs", ONR_ATTR_INTS, false},
                                                          {0}};
static const struct onr_attr_spec selu_attrs[] = {{"alpha", ONR_ATTR_FLOAT, false},
                                                  {"gamma", ONR_ATTR_FLOAT, false},
                                                  {"consumed_inputs", ONR_ATTR_INTS, false},
                                                  {0}};

#define ACTIVATION(text, since, specs, attr_specs)                                                 \
    {                                                                                              \
        ONR_UNARY_ROW(text, since, specs, specs, activation_prepare), .attrs = (attr_specs)        \
    }

const struct onr_op_def onr_ops_activation[] = {
    ACTIVATION("Celu", 12, float_specs, activation_attrs),
    ACTIVATION("Elu", 1, float_specs, activation_attrs),
    {ONR_UNARY_ROW("Gelu", 20, float_specs, float_specs, gelu_prepare), .attrs = gelu_attrs},
    ACTIVATION("HardSigmoid", 1, float_specs, hard_sigmoid_attrs),
    ACTIVATION("LeakyRelu", 1, float_specs, activation_attrs),
    ACTIVATION("Selu", 1, float_specs, selu_attrs),
    ACTIVATION("Shrink", 9, numeric_specs, shrink_attrs),
    ACTIVATION("Swish", 24, float_specs, activation_attrs),
    ACTIVATION("ThresholdedRelu", 10, float_specs, activation_attrs),
    {.domain = "com.microsoft",
     .name = "QuickGelu",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = activation_attrs,
     .input_specs = float_specs,
     .output_specs = float_specs,
     .traits = ONR_TRAIT_INPLACE,
     .infer = onr_infer_same_shape,
     .prepare = activation_prepare,
     .run = onr_unary_run},
    {.name = NULL},
};
