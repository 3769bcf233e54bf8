/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of one argument without parameters (ai.onnx): Abs, Acos, Acosh, Asin, Asinh, Atan,
 * Atanh, BitwiseNot, Ceil, Cos, Cosh, Erf, Exp, Floor, HardSwish, IsInf, IsNaN, Log, Mish, Neg,
 * Not, Reciprocal, Relu, Round, Sigmoid, Sign, Sin, Sinh, Softplus, Softsign, Sqrt, Tan, Tanh.
 *                                     https://onnx.ai/onnx/operators/onnx__Abs.html and so on
 *
 * y[i] = f(x[i])
 *
 * Shapes    x: any -> y: same.
 * Types     The union over all versions: float, double, float16 and bfloat16 (computed in float);
 *           Abs, Erf, Neg, Relu and Sign also integers; BitwiseNot integers alone; Not bool;
 *           IsNaN and IsInf also float8, and they give bool.
 * Attrs     IsInf: detect_negative, detect_positive: int, default 1.
 *           consumed_inputs of versions 1 to 5 is ignored.
 * Edge      Round: ties to even. Sign, Relu: NaN stays NaN. Abs and Neg of the smallest integer:
 *           itself. Log(0) and Reciprocal(0) are infinite, Sqrt and Log of a negative number NaN.
 *           Erf of an integer (version 9) is cut towards 0.
 * Aliasing  y may share storage with x.
 */
#include "ops/elementwise/unary.h"

#include "kernels/kernels.h"

#include <string.h>

enum onr_status onr_unary_bind(struct onr_prepare_ctx *ctx, enum onr_unary_op op,
                               struct onr_unary_args args)
{
    enum onr_dtype dtype = ctx->inputs[0]->dtype;
    onr_unary_fn function = ctx->kernels->unary.rows[op][dtype];
    if (function == NULL) {
        return onr_fail(ctx->err, ONR_ERR_UNSUPPORTED, "input 0 of type %s", onr_dtype_name(dtype));
    }
    struct onr_unary_state *state = ONR_ARENA_NEW(ctx->arena, struct onr_unary_state);
    if (state == NULL) {
        return onr_fail_memory(ctx->err, "state of a node");
    }
    *state = (struct onr_unary_state){.function = function,
                                      .args = args,
                                      .input_bytes = onr_dtype_size(dtype),
                                      .output_bytes = onr_dtype_size(ctx->outputs[0].dtype)};
    ctx->told.kernel = onr_kernel_at(ctx->kernels, &ctx->kernels->unary.rows[op][dtype]);
    ctx->state = state;
    return ONR_OK;
}

struct unary_job {
    const struct onr_unary_state *state;
    const char *x;
    char *y;
};

static void unary_task(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct unary_job *job = arg;
    const struct onr_unary_state *state = job->state;
    (void)worker;
    state->function(end - begin, job->x + begin * state->input_bytes,
                    job->y + begin * state->output_bytes, state->args);
}

enum onr_status onr_unary_run(struct onr_run_ctx *ctx)
{
    struct unary_job job = {
        .state = ctx->state, .x = ctx->inputs[0]->data, .y = ctx->outputs[0]->data};
    onr_parallel_for(ctx->parallel, (size_t)onr_tensor_count(ctx->outputs[0]), ONR_UNARY_GRAIN,
                     unary_task, &job);
    return ONR_OK;
}

static const struct unary_kind {
    const char *name;
    enum onr_unary_op op;
} kinds[] = {
    {"Abs", ONR_UNARY_ABS},
    {"Acos", ONR_UNARY_ACOS},
    {"Acosh", ONR_UNARY_ACOSH},
    {"Asin", ONR_UNARY_ASIN},
    {"Asinh", ONR_UNARY_ASINH},
    {"Atan", ONR_UNARY_ATAN},
    {"Atanh", ONR_UNARY_ATANH},
    {"BitwiseNot", ONR_UNARY_BITWISE_NOT},
    {"Ceil", ONR_UNARY_CEIL},
    {"Cos", ONR_UNARY_COS},
    {"Cosh", ONR_UNARY_COSH},
    {"Erf", ONR_UNARY_ERF},
    {"Exp", ONR_UNARY_EXP},
    {"Floor", ONR_UNARY_FLOOR},
    {"HardSwish", ONR_UNARY_HARD_SWISH},
    {"IsNaN", ONR_UNARY_IS_NAN},
    {"Log", ONR_UNARY_LOG},
    {"Mish", ONR_UNARY_MISH},
    {"Neg", ONR_UNARY_NEG},
    {"Not", ONR_UNARY_NOT},
    {"Reciprocal", ONR_UNARY_RECIPROCAL},
    {"Relu", ONR_UNARY_RELU},
    {"Round", ONR_UNARY_ROUND},
    {"Sigmoid", ONR_UNARY_SIGMOID},
    {"Sign", ONR_UNARY_SIGN},
    {"Sin", ONR_UNARY_SIN},
    {"Sinh", ONR_UNARY_SINH},
    {"Softplus", ONR_UNARY_SOFTPLUS},
    {"Softsign", ONR_UNARY_SOFTSIGN},
    {"Sqrt", ONR_UNARY_SQRT},
    {"Tan", ONR_UNARY_TAN},
    {"Tanh", ONR_UNARY_TANH},
};

static enum onr_status unary_prepare(struct onr_prepare_ctx *ctx)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, ctx->node->op_type) == 0) {
            return onr_unary_bind(ctx, kinds[i].op, (struct onr_unary_args){0});
        }
    }
    return onr_fail(ctx->err, ONR_ERR_INTERNAL, "no function for %s", ctx->node->op_type);
}

static enum onr_status is_inf_prepare(struct onr_prepare_ctx *ctx)
{
    bool is_positive = onr_attr_int(ctx->node, "detect_positive", 1) != 0;
    bool is_negative = onr_attr_int(ctx->node, "detect_negative", 1) != 0;
    struct onr_unary_args args = {.a = is_positive ? 1.0f : 0.0f, .b = is_negative ? 1.0f : 0.0f};
    return onr_unary_bind(ctx, ONR_UNARY_IS_INF, args);
}

#define FLOAT8                                                                                     \
    (ONR_BIT(FLOAT8E4M3FN) | ONR_BIT(FLOAT8E4M3FNUZ) | ONR_BIT(FLOAT8E5M2) |                       \
     ONR_BIT(FLOAT8E5M2FNUZ))

static const struct onr_param_spec float_specs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};
static const struct onr_param_spec float8_specs[] = {{ONR_DTYPES_FLOAT | FLOAT8, 0}, {0}};
static const struct onr_param_spec numeric_specs[] = {{ONR_DTYPES_NUMERIC, 1}, {0}};
static const struct onr_param_spec signed_specs[] = {{ONR_DTYPES_SINT | ONR_DTYPES_FLOAT, 1}, {0}};
static const struct onr_param_spec int_specs[] = {{ONR_DTYPES_INT, 1}, {0}};
static const struct onr_param_spec bool_specs[] = {{ONR_BIT(BOOL), 1}, {0}};
static const struct onr_attr_spec old_attrs[] = {{"consumed_inputs", ONR_ATTR_INTS, false}, {0}};
static const struct onr_attr_spec is_inf_attrs[] = {
    {"detect_negative", ONR_ATTR_INT, false}, {"detect_positive", ONR_ATTR_INT, false}, {0}};

#define UNARY(text, since, specs)                                                                  \
    {                                                                                              \
        ONR_UNARY_ROW(text, since, specs, specs, unary_prepare), .attrs = old_attrs                \
    }

const struct onr_op_def onr_ops_unary[] = {
    UNARY("Abs", 1, numeric_specs),
    UNARY("Acos", 7, float_specs),
    UNARY("Acosh", 9, float_specs),
    UNARY("Asin", 7, float_specs),
    UNARY("Asinh", 9, float_specs),
    UNARY("Atan", 7, float_specs),
    UNARY("Atanh", 9, float_specs),
    UNARY("BitwiseNot", 18, int_specs),
    UNARY("Ceil", 1, float_specs),
    UNARY("Cos", 7, float_specs),
    UNARY("Cosh", 9, float_specs),
    UNARY("Erf", 9, numeric_specs),
    UNARY("Exp", 1, float_specs),
    UNARY("Floor", 1, float_specs),
    UNARY("HardSwish", 14, float_specs),
    {ONR_UNARY_ROW("IsInf", 10, float8_specs, bool_specs, is_inf_prepare), .attrs = is_inf_attrs},
    {ONR_UNARY_ROW("IsNaN", 9, float8_specs, bool_specs, unary_prepare)},
    UNARY("Log", 1, float_specs),
    UNARY("Mish", 18, float_specs),
    UNARY("Neg", 1, signed_specs),
    UNARY("Not", 1, bool_specs),
    UNARY("Reciprocal", 1, float_specs),
    UNARY("Relu", 1, signed_specs),
    UNARY("Round", 11, float_specs),
    UNARY("Sigmoid", 1, float_specs),
    UNARY("Sign", 9, numeric_specs),
    UNARY("Sin", 7, float_specs),
    UNARY("Sinh", 9, float_specs),
    UNARY("Softplus", 1, float_specs),
    UNARY("Softsign", 1, float_specs),
    UNARY("Sqrt", 1, float_specs),
    UNARY("Tan", 7, float_specs),
    UNARY("Tanh", 1, float_specs),
    {.name = NULL},
};
