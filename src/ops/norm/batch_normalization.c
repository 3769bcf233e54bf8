/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BatchNormalization (ai.onnx), all versions.
 * https://onnx.ai/onnx/operators/onnx__BatchNormalization.html
 *
 * y[n,c,i] = (x[n,c,i] - m[c]) / sqrt(v[c] + epsilon) * scale[c] + bias[c]
 *
 * Inference   m = mean, v = var.
 * Training    m, v = mean and variance (over the count, not the count less 1) of x over n and i. Also
 *             running_mean = mean * momentum + m * (1 - momentum), running_var likewise, and before version 14
 *             saved_mean = m, saved_var = v.
 *
 * Versions  Training: 14+ when the attribute training_mode is set, 7 to 13 when an output besides y is wanted,
 *           before 7 unless the attribute is_test is set.
 * Shapes    x, y: [N,C,d1..], or [N] with C = 1. All others: [C]; with spatial = 0 (before 9) [C,d1..], and each
 *           place (c,d1..) is a channel.
 * Types     x with y, scale with bias, mean with var and the outputs of training: float32, float16, bfloat16
 *           (computed in float32), float64 (computed in float64 when x is). Statistics are summed in float64.
 * Attrs     epsilon: float, default 1e-5. momentum: float, default 0.9. training_mode (14+), is_test (before 7),
 *           spatial (before 9, default 1), consumed_inputs (before 6: ignored).
 * Edge      the statistics of no elements are NaN. Outputs of training are refused in inference.
 * Aliasing  y may share storage with x.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/float_io.h"
#include "ops/common/workspace.h"

#include <inttypes.h>
#include <math.h>

/* What the rows of channels are computed with, each [channels]. */
enum { CENTER, FACTOR, OFFSET, PARTS };

struct batch_norm_plan {
    enum onr_dtype dtype;
    enum onr_dtype scale_dtype;
    enum onr_dtype mean_dtype;
    bool is_training;
    bool has_rows; /* of channels, which are normalized together: inner is 1 */
    double epsilon;
    double momentum;
    size_t rows; /* N * C */
    size_t channels;
    size_t inner;
};

static bool is_training(const struct onr_node *node)
{
    if (node->version >= 14 || node->version < 7) {
        return node->version >= 14 ? onr_attr_int(node, "training_mode", 0) != 0
                                   : onr_attr_int(node, "is_test", 0) == 0;
    }
    for (uint32_t i = 1; i < node->output_count; i++) {
        if (node->outputs[i] != ONR_NO_VALUE) {
            return true;
        }
    }
    return false;
}

/* The shape of scale and its like; of rank ONR_RANK_UNKNOWN when it does not follow from x. */
static struct onr_shape channel_shape(const struct onr_node *node, const struct onr_shape *x)
{
    struct onr_shape shape = {.rank = 1, .dim = {ONR_DIM_UNKNOWN}};
    bool is_spatial = onr_attr_int(node, "spatial", 1) != 0;
    if (x->rank < 0) {
        shape.rank = is_spatial ? 1 : ONR_RANK_UNKNOWN;
        return shape;
    }
    shape.rank = is_spatial || x->rank == 1 ? 1 : x->rank - 1;
    for (int d = 0; d < shape.rank; d++) {
        shape.dim[d] = x->rank == 1 ? 1 : x->dim[d + 1];
    }
    return shape;
}

static enum onr_status batch_norm_infer(struct onr_infer_ctx *ctx)
{
    static const char *const names[] = {"x", "scale", "bias", "mean", "var"};
    const struct onr_node *node = ctx->node;
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_shape channels = channel_shape(node, x);
    ONR_TRY(onr_infer_same_shape(ctx));
    if (x->rank == 0) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input has rank 0, expected at least 1");
    }
    for (uint32_t i = 1; i < 5 && channels.rank >= 0; i++) {
        ONR_TRY(onr_check_dims(ctx, i, names[i], channels.rank, channels.dim));
    }
    for (uint32_t i = 1; i < node->output_count; i++) {
        ctx->outputs[i].shape = channels;
        if (node->outputs[i] != ONR_NO_VALUE && !is_training(node)) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL,
                                  "output %" PRIu32 " is wanted, which only training makes", i);
        }
    }
    return ONR_OK;
}

/* Mean and variance of a channel. */
struct channel_stats {
    double mean;
    double variance;
};

static enum onr_status batch_norm_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_fact *x = ctx->inputs[0];
    const struct onr_shape *shape = &x->shape;
    struct batch_norm_plan *plan = ONR_ARENA_NEW(ctx->arena, struct batch_norm_plan);
    struct onr_workspace space = {0};
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a normalization");
    }
    struct onr_shape channels = channel_shape(ctx->node, shape);
    int first_inner = channels.rank + 1 < shape->rank ? channels.rank + 1 : shape->rank;
    plan->dtype = x->dtype;
    plan->scale_dtype = ctx->inputs[1]->dtype;
    plan->mean_dtype = ctx->inputs[3]->dtype;
    plan->is_training = is_training(ctx->node);
    plan->epsilon = (double)onr_attr_float(ctx->node, "epsilon", 1e-5f);
    plan->momentum = (double)onr_attr_float(ctx->node, "momentum", 0.9f);
    plan->channels = (size_t)onr_shape_range(&channels, 0, channels.rank);
    plan->rows = (size_t)shape->dim[0] * plan->channels;
    plan->inner = (size_t)onr_shape_range(shape, first_inner, shape->rank);
    if (plan->is_training) {
        (void)onr_workspace_add(&space, plan->channels, sizeof(struct channel_stats));
    }
    plan->has_rows = !plan->is_training && plan->inner == 1 && plan->dtype != ONR_DOUBLE;
    if (plan->has_rows) {
        (void)onr_workspace_add(&space, plan->channels, PARTS * sizeof(float));
    }
    ctx->plan = plan;
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

struct batch_norm_job {
    const struct batch_norm_plan *plan;
    const struct onr_norm_kernels *kernels;
    const void *inputs[5];
    void *y;
    struct channel_stats *stats; /* [channels] of training */
    float *parts;                /* [PARTS][channels] of rows */
    struct onr_tensor *const *outputs;
    uint32_t output_count;
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
    struct channel_stats stats;
    onr_double_gather(plan->scale_dtype, job->inputs[1], c, 1, 1, &channel.scale);
    onr_double_gather(plan->scale_dtype, job->inputs[2], c, 1, 1, &channel.bias);
    if (plan->is_training) {
        stats = job->stats[c];
    } else {
        onr_double_gather(plan->mean_dtype, job->inputs[3], c, 1, 1, &stats.mean);
        onr_double_gather(plan->mean_dtype, job->inputs[4], c, 1, 1, &stats.variance);
    }
    channel.mean = stats.mean;
    channel.scale /= sqrt(stats.variance + plan->epsilon);
    return channel;
}

/* Elements are converted in pieces that fit the stack. */
#define PIECE 256

/* The sum of (x - center)^power over elements first, first + stride, ...; power is 1 or 2. */
static double sum_run(const struct batch_norm_job *job, size_t first, size_t stride, size_t count,
                      double center, int power)
{
    double piece[PIECE];
    double sum = 0;
    for (size_t i = 0; i < count; i += PIECE) {
        size_t length = count - i < PIECE ? count - i : PIECE;
        onr_double_gather(job->plan->dtype, job->inputs[0], first + i * stride, stride, length,
                          piece);
        for (size_t k = 0; k < length; k++) {
            double off = piece[k] - center;
            sum += power == 2 ? off * off : off;
        }
    }
    return sum;
}

/* The same over a channel. */
static double sum_channel(const struct batch_norm_job *job, size_t c, double center, int power)
{
    const struct batch_norm_plan *plan = job->plan;
    size_t batch = plan->rows / plan->channels;
    double sum = 0;
    if (plan->inner == 1) {
        return sum_run(job, c, plan->channels, batch, center, power);
    }
    for (size_t n = 0; n < batch; n++) {
        size_t first = (n * plan->channels + c) * plan->inner;
        sum += sum_run(job, first, 1, plan->inner, center, power);
    }
    return sum;
}

static void write_channel(const struct batch_norm_job *job, uint32_t index, size_t c, double value)
{
    if (index < job->output_count && job->outputs[index] != NULL) {
        onr_double_scatter(job->plan->mean_dtype, &value, c, 1, 1, job->outputs[index]->data);
    }
}

/* The statistics of channels, and the outputs that follow from them. */
static void train_channels(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct batch_norm_job *job = arg;
    const struct batch_norm_plan *plan = job->plan;
    double count = (double)(plan->rows / plan->channels * plan->inner);
    double keep = plan->momentum;
    (void)worker;
    for (size_t c = begin; c < end; c++) {
        struct channel_stats old;
        struct channel_stats now = {.mean = sum_channel(job, c, 0, 1) / count};
        now.variance = sum_channel(job, c, now.mean, 2) / count;
        job->stats[c] = now;
        onr_double_gather(plan->mean_dtype, job->inputs[3], c, 1, 1, &old.mean);
        onr_double_gather(plan->mean_dtype, job->inputs[4], c, 1, 1, &old.variance);
        write_channel(job, 1, c, old.mean * keep + now.mean * (1 - keep));
        write_channel(job, 2, c, old.variance * keep + now.variance * (1 - keep));
        write_channel(job, 3, c, now.mean);
        write_channel(job, 4, c, now.variance);
    }
}

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

static void read_channels(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct batch_norm_job *job = arg;
    size_t channels = job->plan->channels;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        struct batch_norm_channel c = read_channel(job, i);
        job->parts[CENTER * channels + i] = (float)c.mean;
        job->parts[FACTOR * channels + i] = (float)c.scale;
        job->parts[OFFSET * channels + i] = (float)c.bias;
    }
}

/* Whole rows, [channels] each. */
static void norm_channels(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct batch_norm_job *job = arg;
    enum onr_dtype dtype = job->plan->dtype;
    size_t channels = job->plan->channels;
    float buffer[PIECE];
    (void)worker;
    for (size_t row = begin; row < end; row++) {
        for (size_t i = 0; i < channels; i += PIECE) {
            size_t count = channels - i < PIECE ? channels - i : PIECE;
            const float *part = job->parts + i;
            const float *x =
                onr_float_read(dtype, job->inputs[0], row * channels + i, count, buffer);
            float *y = onr_float_place(dtype, job->y, row * channels + i, buffer);
            for (size_t k = 0; k < count; k++) {
                y[k] = (x[k] - part[CENTER * channels + k]) * part[FACTOR * channels + k] +
                       part[OFFSET * channels + k];
            }
            onr_float_write(dtype, y, row * channels + i, count, job->y);
        }
    }
}

static enum onr_status batch_norm_run(struct onr_run_ctx *ctx)
{
    const struct batch_norm_plan *plan = ctx->plan;
    struct batch_norm_job job = {.plan = plan,
                                 .kernels = &ctx->kernels->norm,
                                 .y = ctx->outputs[0]->data,
                                 .stats = ctx->workspace,
                                 .parts = ctx->workspace,
                                 .outputs = ctx->outputs,
                                 .output_count = ctx->output_count};
    for (int i = 0; i < 5; i++) {
        job.inputs[i] = ctx->inputs[i]->data;
    }
    if (plan->is_training) {
        size_t work = plan->channels > 0 ? plan->rows / plan->channels * plan->inner : 0;
        onr_parallel_for(ctx->parallel, plan->channels, onr_grain(2 * work), train_channels, &job);
    }
    if (plan->has_rows && plan->rows > 0) {
        onr_parallel_for(ctx->parallel, plan->channels, onr_grain(64), read_channels, &job);
        onr_parallel_for(ctx->parallel, plan->rows / plan->channels, onr_grain(2 * plan->channels),
                         norm_channels, &job);
    } else if (plan->inner > 0) {
        onr_parallel_for(ctx->parallel, plan->rows, onr_grain(plan->inner + 8), norm_rows, &job);
    }
    return ONR_OK;
}

/* Each version has less of the first attributes. */
static const struct onr_attr_spec attrs_1[] = {
    {"consumed_inputs", ONR_ATTR_INTS, false}, {"is_test", ONR_ATTR_INT, false},
    {"spatial", ONR_ATTR_INT, false},          {"epsilon", ONR_ATTR_FLOAT, false},
    {"momentum", ONR_ATTR_FLOAT, false},       {NULL, 0, false}};
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
        .kernel = ONR_KERNEL_AT(norm.affine_f32),                                                  \
    }

extern const struct onr_op_def onr_ops_batch_normalization[];
const struct onr_op_def onr_ops_batch_normalization[] = {
    BATCH_NORM_ROW(1, 5, 5, attrs_1),
    BATCH_NORM_ROW(6, 6, 5, attrs_1 + 1),
    BATCH_NORM_ROW(7, 8, 5, attrs_1 + 2),
    BATCH_NORM_ROW(9, 13, 5, attrs_1 + 3),
    BATCH_NORM_ROW(14, ONR_OPSET_LATEST, 3, attrs_14),
    {.name = NULL},
};
