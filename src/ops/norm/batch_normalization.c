/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BatchNormalization (ai.onnx), all versions, inference only.
 * https://onnx.ai/onnx/operators/onnx__BatchNormalization.html
 *
 * y[n,c,i] = (x[n,c,i] - mean[c]) / sqrt(var[c] + epsilon) * scale[c] + bias[c]
 *
 * Shapes    x, y: [N,C,d1..], or [N] with C = 1. scale, bias, mean, var: [C].
 * Types     x with y, scale with bias, mean with var: float32, float16, bfloat16 (computed in
 *           float32), float64 (computed in float64 when x is).
 * Attrs     epsilon: float, default 1e-5. momentum: ignored. training_mode (14+), is_test (before
 *           7), spatial (before 9): training and spatial = 0 are unsupported, as are the outputs of
 *           training.
 * Aliasing  y may share storage with x.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/float_io.h"

#include <inttypes.h>
#include <math.h>

struct batch_norm_plan {
    enum onr_dtype dtype;
    enum onr_dtype scale_dtype;
    enum onr_dtype mean_dtype;
    double epsilon;
    size_t rows; /* N * C */
    size_t channels;
    size_t inner;
};

static enum onr_status check_mode(struct onr_infer_ctx *ctx)
{
    const struct onr_node *node = ctx->node;
    bool is_training = onr_attr_int(node, "training_mode", 0) != 0 ||
                       (node->version < 7 && onr_attr_int(node, "is_test", 0) == 0);
    for (uint32_t i = 1; i < node->output_count; i++) {
        is_training = is_training || node->outputs[i] != ONR_NO_VALUE;
    }
    if (is_training) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED, "training is not supported");
    }
    if (onr_attr_int(node, "spatial", 1) == 0) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED, "spatial = 0 is not supported");
    }
    return ONR_OK;
}

static enum onr_status batch_norm_infer(struct onr_infer_ctx *ctx)
{
    static const char *const names[] = {"x", "scale", "bias", "mean", "var"};
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    ONR_TRY(check_mode(ctx));
    ONR_TRY(onr_infer_same_shape(ctx));
    if (x->rank == 0) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input has rank 0, expected at least 1");
    }
    int64_t channels = x->rank < 0 ? ONR_DIM_UNKNOWN : x->rank == 1 ? 1 : x->dim[1];
    for (uint32_t i = 1; i < 5; i++) {
        const struct onr_shape *param = &ctx->inputs[i]->shape;
        if (param->rank >= 0 && (param->rank != 1 || (channels >= 0 && param->dim[0] >= 0 &&
                                                      param->dim[0] != channels))) {
            char text[ONR_SHAPE_TEXT_BYTES];
            return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%s has shape %s, expected %" PRId64,
                                  names[i], onr_shape_text(param, text), channels);
        }
    }
    return ONR_OK;
}

static enum onr_status batch_norm_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_fact *x = ctx->inputs[0];
    struct batch_norm_plan *plan = ONR_ARENA_NEW(ctx->arena, struct batch_norm_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a normalization");
    }
    plan->dtype = x->dtype;
    plan->scale_dtype = ctx->inputs[1]->dtype;
    plan->mean_dtype = ctx->inputs[3]->dtype;
    plan->epsilon = (double)onr_attr_float(ctx->node, "epsilon", 1e-5f);
    plan->channels = x->shape.rank > 1 ? (size_t)x->shape.dim[1] : 1;
    plan->rows = (size_t)x->shape.dim[0] * plan->channels;
    plan->inner = x->shape.rank > 2 ? (size_t)onr_shape_range(&x->shape, 2, x->shape.rank) : 1;
    ctx->plan = plan;
    return ONR_OK;
}

struct batch_norm_job {
    const struct batch_norm_plan *plan;
    const struct onr_norm_kernels *kernels;
    const void *inputs[5];
    void *y;
};

struct batch_norm_channel {
    double mean;
    double scale;
    double bias;
};

static struct batch_norm_channel read_channel(const struct batch_norm_job *job, size_t c)
{
    const struct batch_norm_plan *plan = job->plan;
    struct batch_norm_channel channel;
    double variance = 0;
    onr_double_gather(plan->scale_dtype, job->inputs[1], c, 1, 1, &channel.scale);
    onr_double_gather(plan->scale_dtype, job->inputs[2], c, 1, 1, &channel.bias);
    onr_double_gather(plan->mean_dtype, job->inputs[3], c, 1, 1, &channel.mean);
    onr_double_gather(plan->mean_dtype, job->inputs[4], c, 1, 1, &variance);
    channel.scale /= sqrt(variance + plan->epsilon);
    return channel;
}

/* Half types are converted in pieces that fit the stack. */
#define PIECE 256

static void norm_row_f32(const struct batch_norm_job *job, size_t row)
{
    const struct batch_norm_plan *plan = job->plan;
    struct batch_norm_channel c = read_channel(job, row % plan->channels);
    float buffer[PIECE];
    size_t end = (row + 1) * plan->inner;
    size_t step = plan->dtype == ONR_FLOAT ? plan->inner : PIECE;
    for (size_t first = row * plan->inner; first < end; first += step) {
        size_t count = end - first < step ? end - first : step;
        const float *x = onr_float_read(plan->dtype, job->inputs[0], first, count, buffer);
        float *y = onr_float_place(plan->dtype, job->y, first, buffer);
        job->kernels->affine_f32(count, x, (float)c.mean, (float)c.scale, (float)c.bias, y);
        onr_float_write(plan->dtype, y, first, count, job->y);
    }
}

static void norm_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct batch_norm_job *job = arg;
    const struct batch_norm_plan *plan = job->plan;
    (void)worker;
    for (size_t row = begin; row < end; row++) {
        if (plan->dtype == ONR_DOUBLE) {
            struct batch_norm_channel c = read_channel(job, row % plan->channels);
            size_t first = row * plan->inner;
            job->kernels->affine_f64(plan->inner, (const double *)job->inputs[0] + first, c.mean,
                                     c.scale, c.bias, (double *)job->y + first);
        } else {
            norm_row_f32(job, row);
        }
    }
}

static enum onr_status batch_norm_run(struct onr_run_ctx *ctx)
{
    const struct batch_norm_plan *plan = ctx->plan;
    struct batch_norm_job job = {
        .plan = plan, .kernels = &ctx->kernels->norm, .y = ctx->outputs[0]->data};
    for (int i = 0; i < 5; i++) {
        job.inputs[i] = ctx->inputs[i]->data;
    }
    if (plan->inner > 0) {
        onr_parallel_for(ctx->parallel, plan->rows, onr_grain(plan->inner + 8), norm_rows, &job);
    }
    return ONR_OK;
}

static const struct onr_attr_spec attrs_1[] = {
    {"epsilon", ONR_ATTR_FLOAT, false},        {"momentum", ONR_ATTR_FLOAT, false},
    {"is_test", ONR_ATTR_INT, false},          {"spatial", ONR_ATTR_INT, false},
    {"consumed_inputs", ONR_ATTR_INTS, false}, {NULL, 0, false}};
static const struct onr_attr_spec attrs_7[] = {{"epsilon", ONR_ATTR_FLOAT, false},
                                               {"momentum", ONR_ATTR_FLOAT, false},
                                               {"spatial", ONR_ATTR_INT, false},
                                               {NULL, 0, false}};
static const struct onr_attr_spec attrs_9[] = {
    {"epsilon", ONR_ATTR_FLOAT, false}, {"momentum", ONR_ATTR_FLOAT, false}, {NULL, 0, false}};
static const struct onr_attr_spec attrs_14[] = {{"epsilon", ONR_ATTR_FLOAT, false},
                                                {"momentum", ONR_ATTR_FLOAT, false},
                                                {"training_mode", ONR_ATTR_INT, false},
                                                {NULL, 0, false}};
static const struct onr_param_spec batch_norm_inputs[] = {
    {ONR_DTYPES_FLOAT, 1}, {ONR_DTYPES_FLOAT, 2}, {ONR_DTYPES_FLOAT, 2},
    {ONR_DTYPES_FLOAT, 3}, {ONR_DTYPES_FLOAT, 3}, {0, 0}};
static const struct onr_param_spec batch_norm_outputs[] = {
    {ONR_DTYPES_FLOAT, 1}, {ONR_DTYPES_FLOAT, 3}, {0, 0}};

#define BATCH_NORM_ROW(since, last, most_outputs, attributes)                                      \
    {                                                                                              \
        .domain = "", .name = "BatchNormalization", .since_version = (since),                      \
        .last_version = (last), .inputs = {5, 5}, .outputs = {1, (most_outputs)},                  \
        .attrs = (attributes), .input_specs = batch_norm_inputs,                                   \
        .output_specs = batch_norm_outputs, .traits = ONR_TRAIT_INPLACE,                           \
        .infer = batch_norm_infer, .plan = batch_norm_plan, .run = batch_norm_run,                 \
    }

extern const struct onr_op_def onr_ops_batch_normalization[];
const struct onr_op_def onr_ops_batch_normalization[] = {
    BATCH_NORM_ROW(1, 6, 5, attrs_1),
    BATCH_NORM_ROW(7, 8, 5, attrs_7),
    BATCH_NORM_ROW(9, 13, 5, attrs_9),
    BATCH_NORM_ROW(14, ONR_OPSET_LATEST, 3, attrs_14),
    {.name = NULL},
};
