/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SkipLayerNormalization, SkipSimplifiedLayerNormalization (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * s = input + skip + bias;  output = LayerNormalization(s) with gamma and beta, or
 * RMSNormalization(s) with gamma, over the last dimension
 *
 * Shapes    input, output, input_skip_bias_sum: [B,S,D] or [S,D]. skip: as input, [1,S,D] or [S,D].
 *           gamma, beta, bias: [D]. mean, inv_std_var: as input with last dimension 1.
 * Types     float32, float16, bfloat16 (computed in float32), float64. mean, inv_std_var: float32.
 * Attrs     epsilon: float, default 1e-12 (ONNX Runtime's) for the layer form, 1e-5 for the
 *           simplified.
 * Edge      The mean of the simplified form, which ONNX Runtime declares but does not compute, is
 *           0.
 * Aliasing  output may share storage with input or skip when nothing of it is broadcast.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/norm/norm_rows.h"

/* Inputs after input, skip and gamma. */
struct skip_form {
    bool is_rms;
    uint32_t beta; /* index; UINT32_MAX: none */
    uint32_t bias;
};

static const struct skip_form layer_form = {.is_rms = false, .beta = 3, .bias = 4};
static const struct skip_form simplified_form = {.is_rms = true, .beta = UINT32_MAX, .bias = 3};

static enum onr_status check_vector(struct onr_infer_ctx *ctx, uint32_t index, const char *name)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    if (!onr_infer_has_input(ctx, index) || ctx->inputs[index]->shape.rank < 0) {
        return ONR_OK;
    }
    const struct onr_shape *vector = &ctx->inputs[index]->shape;
    int64_t width = x->rank > 0 ? x->dim[x->rank - 1] : ONR_DIM_UNKNOWN;
    if (vector->rank != 1 || (width >= 0 && vector->dim[0] >= 0 && vector->dim[0] != width)) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "%s has shape %s, expected the last dimension of input", name,
                              onr_shape_text(vector, text));
    }
    return ONR_OK;
}

static enum onr_status check_skip(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *skip = &ctx->inputs[1]->shape;
    if (x->rank < 0 || skip->rank < 0) {
        return ONR_OK;
    }
    bool fits = skip->rank == x->rank || (x->rank == 3 && skip->rank == 2);
    int lead = x->rank - skip->rank;
    for (int i = 0; fits && i < skip->rank; i++) {
        int64_t a = x->dim[lead + i];
        int64_t b = skip->dim[i];
        bool is_batch = x->rank == 3 && lead + i == 0;
        fits = a < 0 || b < 0 || a == b || (is_batch && b == 1);
    }
    if (!fits) {
        char a[ONR_SHAPE_TEXT_BYTES];
        char b[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "skip of shape %s does not fit input of shape %s",
                              onr_shape_text(skip, b), onr_shape_text(x, a));
    }
    return ONR_OK;
}

static enum onr_status skip_norm_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    if (x->rank != ONR_RANK_UNKNOWN && x->rank != 2 && x->rank != 3) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input has rank %d, expected 2 or 3", x->rank);
    }
    ONR_TRY(check_skip(ctx));
    ONR_TRY(check_vector(ctx, 2, "gamma"));
    ONR_TRY(check_vector(ctx, 3, "beta or bias"));
    ONR_TRY(check_vector(ctx, 4, "bias"));
    for (uint32_t i = 0; i < ctx->node->output_count; i++) {
        ctx->outputs[i].shape = *x;
        if ((i == 1 || i == 2) && x->rank > 0) {
            ctx->outputs[i].shape.dim[x->rank - 1] = 1;
        }
    }
    return ONR_OK;
}

static enum onr_status plan_form(struct onr_plan_ctx *ctx, const struct skip_form *form,
                                 float default_epsilon)
{
    const struct onr_fact *x = ctx->inputs[0];
    const struct onr_shape *skip = &ctx->inputs[1]->shape;
    int axis = x->shape.rank - 1;
    struct onr_norm_rows *norm = ONR_ARENA_NEW(ctx->arena, struct onr_norm_rows);
    if (norm == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a normalization");
    }
    norm->dtype = x->dtype;
    norm->y_dtype = x->dtype;
    norm->stat_dtype = ONR_FLOAT;
    norm->is_rms = form->is_rms;
    norm->epsilon = (double)onr_attr_float(ctx->node, "epsilon", default_epsilon);
    norm->skip_rows = (size_t)onr_shape_range(skip, 0, skip->rank - 1);
    ONR_TRY(onr_row_param_init(&norm->scale, &x->shape, axis, ctx->inputs[2], ctx));
    ONR_TRY(onr_row_param_init(&norm->bias, &x->shape, axis, onr_plan_input(ctx, form->beta), ctx));
    ONR_TRY(onr_row_param_init(&norm->skip_bias, &x->shape, axis, onr_plan_input(ctx, form->bias),
                               ctx));
    ctx->plan = norm;
    return onr_norm_rows_plan(norm, &x->shape, axis, ctx);
}

static enum onr_status skip_layer_plan(struct onr_plan_ctx *ctx)
{
    return plan_form(ctx, &layer_form, 1e-12f);
}

static enum onr_status skip_simplified_plan(struct onr_plan_ctx *ctx)
{
    return plan_form(ctx, &simplified_form, 1e-5f);
}

static enum onr_status run_form(struct onr_run_ctx *ctx, const struct skip_form *form)
{
    struct onr_norm_tensors tensors = {
        .x = ctx->inputs[0]->data,
        .skip = ctx->inputs[1]->data,
        .scale = ctx->inputs[2]->data,
        .bias = onr_input_data(ctx, form->beta),
        .skip_bias = onr_input_data(ctx, form->bias),
        .y = onr_output_data(ctx, 0),
        .mean = onr_output_data(ctx, 1),
        .inverse_std = onr_output_data(ctx, 2),
        .sum = onr_output_data(ctx, 3),
    };
    onr_norm_rows_run(ctx->plan, &tensors, ctx);
    return ONR_OK;
}

static enum onr_status skip_layer_run(struct onr_run_ctx *ctx)
{
    return run_form(ctx, &layer_form);
}

static enum onr_status skip_simplified_run(struct onr_run_ctx *ctx)
{
    return run_form(ctx, &simplified_form);
}

static const struct onr_attr_spec skip_norm_attrs[] = {{"epsilon", ONR_ATTR_FLOAT, false},
                                                       {NULL, 0, false}};
static const struct onr_param_spec skip_norm_inputs[] = {{ONR_DTYPES_FLOAT, 1}, {0, 0}};
static const struct onr_param_spec skip_norm_outputs[] = {
    {ONR_DTYPES_FLOAT, 1}, {ONR_BIT(FLOAT), 0}, {ONR_BIT(FLOAT), 0}, {ONR_DTYPES_FLOAT, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_contrib_skip_layer_normalization[];
const struct onr_op_def onr_ops_contrib_skip_layer_normalization[] = {
    {.domain = "com.microsoft",
     .name = "SkipLayerNormalization",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {3, 5},
     .outputs = {1, 4},
     .attrs = skip_norm_attrs,
     .input_specs = skip_norm_inputs,
     .output_specs = skip_norm_outputs,
     .infer = skip_norm_infer,
     .plan = skip_layer_plan,
     .run = skip_layer_run,
     .kernel = ONR_KERNEL_AT(norm.layer_f32)},
    {.domain = "com.microsoft",
     .name = "SkipSimplifiedLayerNormalization",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {3, 4},
     .outputs = {1, 4},
     .attrs = skip_norm_attrs,
     .input_specs = skip_norm_inputs,
     .output_specs = skip_norm_outputs,
     .infer = skip_norm_infer,
     .plan = skip_simplified_plan,
     .run = skip_simplified_run,
     .kernel = ONR_KERNEL_AT(norm.rms_f32)},
    {.name = NULL},
};
