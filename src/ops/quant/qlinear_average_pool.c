/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QLinearAveragePool, QLinearGlobalAveragePool (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * Y = saturate(rint(mean * (x_scale / y_scale) + y_zero_point)) with the mean of X - x_zero_point
 * over the taps of a window that fall on X, see AveragePool, or over the whole plane; halves to even.
 *
 * Inputs    X, x_scale, x_zero_point?, y_scale, y_zero_point?
 * Shapes    X: [N, C, spatial...] -> Y: [N, C, out...] (global: [N, C, 1...]), with channels_last
 *           [N, spatial..., C] -> [N, out..., C]; 1 to 3 spatial dimensions (global: any). Scales
 *           and zero points: one element.
 * Types     X, Y: int8 or uint8, the same as of the zero points. Scales: float32.
 * Attrs     channels_last: int, default 0. kernel_shape: ints, required. strides: ints, default 1.
 *           pads: ints, default 0. auto_pad: NOTSET (default), VALID, SAME_UPPER, SAME_LOWER.
 *           ceil_mode: int, default 0. count_include_pad: int, default 0; as for AveragePool, taps
 *           beyond the padding do not count.
 * Edge      A window on padding only, or on an empty plane, gives y_zero_point. A window on the
 *           whole plane rounds before y_zero_point is added, as ONNX Runtime does.
 * Aliasing  none.
 */
#include "kernels/kernels.h"
#include "ops/common/workspace.h"
#include "ops/conv/spatial.h"
#include "ops/quant/byte_scale.h"

enum { X, X_SCALE, X_ZERO, Y_SCALE, Y_ZERO };

struct pool_plan {
    struct onr_window window;
    size_t planes, channels; /* N * C, C */
    size_t inputs, outputs;  /* elements of a plane */
    bool is_channels_last;
    bool is_whole; /* there is one window, on the whole plane */
    bool counts_padding;
    size_t means_at, worker_bytes; /* of scratch: a plane of X and one of Y */
};

static bool is_channels_last(const struct onr_node *node)
{
    return onr_attr_int(node, "channels_last", 0) != 0;
}

static struct onr_shape channels_second(const struct onr_node *node, const struct onr_shape *shape)
{
    return is_channels_last(node) ? onr_move_channels(shape, true) : *shape;
}

static enum onr_status check_inputs(struct onr_infer_ctx *ctx)
{
    int rank = ctx->inputs[X]->shape.rank;
    ONR_TRY(onr_byte_scale_check(ctx, X_SCALE, X_ZERO));
    ONR_TRY(onr_byte_scale_check(ctx, Y_SCALE, Y_ZERO));
    if (rank != ONR_RANK_UNKNOWN && rank < 3) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "X has rank %d, expected at least 3", rank);
    }
    return ONR_OK;
}

/* y has the channels behind the batch. */
static void set_output(struct onr_infer_ctx *ctx, const struct onr_shape *y)
{
    ctx->outputs[0].shape = is_channels_last(ctx->node) ? onr_move_channels(y, false) : *y;
}

static enum onr_status pool_infer(struct onr_infer_ctx *ctx)
{
    struct onr_shape y = channels_second(ctx->node, &ctx->inputs[X]->shape);
    struct onr_spatial spatial;
    ONR_TRY(check_inputs(ctx));
    if (y.rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(onr_spatial_read(ctx->node, y.rank - 2, NULL, &spatial, ctx->err));
    for (int d = 0; d < spatial.rank; d++) {
        ONR_TRY(onr_spatial_output(&spatial, d, y.dim[2 + d], &y.dim[2 + d], ctx->err));
    }
    set_output(ctx, &y);
    return ONR_OK;
}

static enum onr_status global_infer(struct onr_infer_ctx *ctx)
{
    struct onr_shape y = channels_second(ctx->node, &ctx->inputs[X]->shape);
    ONR_TRY(check_inputs(ctx));
    for (int d = 2; d < y.rank; d++) {
        y.dim[d] = 1;
    }
    set_output(ctx, &y);
    return ONR_OK;
}

/* A plan with what does not depend on the window; NULL: out of memory. x has the channels second. */
static struct pool_plan *start_plan(struct onr_plan_ctx *ctx, const struct onr_shape *x)
{
    struct pool_plan *plan = ONR_ARENA_NEW(ctx->arena, struct pool_plan);
    ctx->plan = plan;
    if (plan != NULL) {
        plan->planes = (size_t)onr_shape_range(x, 0, 2);
        plan->channels = (size_t)x->dim[1];
        plan->inputs = (size_t)onr_shape_range(x, 2, x->rank);
        plan->is_channels_last = is_channels_last(ctx->node);
    }
    return plan;
}

/* What plan does after the window is set. */
static enum onr_status finish_plan(struct pool_plan *plan, struct onr_plan_ctx *ctx)
{
    const struct onr_window *w = &plan->window;
    struct onr_workspace space = {0};
    size_t bytes = 0;
    plan->outputs = (size_t)(w->out[0] * w->out[1] * w->out[2]);
    plan->counts_padding = onr_attr_int(ctx->node, "count_include_pad", 0) != 0;
    onr_workspace_add(&space, plan->inputs, sizeof(float));
    plan->means_at = onr_workspace_add(&space, plan->outputs, sizeof(float));
    ONR_TRY(onr_workspace_finish(&space, &plan->worker_bytes, ctx->err));
    space = (struct onr_workspace){0};
    onr_workspace_add(&space, ctx->thread_count, plan->worker_bytes);
    ONR_TRY(onr_workspace_finish(&space, &bytes, ctx->err));
    ctx->workspace_bytes = bytes;
    return ONR_OK;
}

static enum onr_status pool_plan(struct onr_plan_ctx *ctx)
{
    struct onr_shape x = channels_second(ctx->node, &ctx->inputs[X]->shape);
    struct pool_plan *plan = start_plan(ctx, &x);
    struct onr_spatial spatial;
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a pooling");
    }
    struct onr_window *w = &plan->window;
    ONR_TRY(onr_spatial_read(ctx->node, x.rank - 2, NULL, &spatial, ctx->err));
    ONR_TRY(onr_spatial_window(&spatial, &x, w, ctx->err));
    plan->is_whole = true;
    for (int d = 0; d < 3; d++) {
        plan->is_whole =
            plan->is_whole && w->kernel[d] == w->in[d] && w->pad[d] == 0 && w->pad_end[d] == 0;
    }
    return finish_plan(plan, ctx);
}

/* A window of the whole plane, as one row; an empty plane is one window on nothing. */
static enum onr_status global_plan(struct onr_plan_ctx *ctx)
{
    struct onr_shape x = channels_second(ctx->node, &ctx->inputs[X]->shape);
    struct pool_plan *plan = start_plan(ctx, &x);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a pooling");
    }
    int64_t inputs = (int64_t)plan->inputs;
    plan->window = (struct onr_window){.in = {1, 1, inputs},
                                       .out = {1, 1, 1},
                                       .kernel = {1, 1, inputs > 0 ? inputs : 1},
                                       .stride = {1, 1, 1},
                                       .dilation = {1, 1, 1}};
    plan->is_whole = true;
    return finish_plan(plan, ctx);
}

struct pool_job {
    const struct pool_plan *plan;
    const struct onr_kernels *kernels;
    const uint8_t *x;
    uint8_t *y;
    char *scratch;
    float numbers[256]; /* of the bytes of X, in its units */
    float scale;        /* x_scale / y_scale */
    float zero;         /* added before results are rounded */
    struct onr_byte_range range;
};

/* y = the means, scaled and rounded; means are overwritten. */
static void store_plane(const struct pool_job *job, float *means, uint8_t *y, size_t step)
{
    size_t outputs = job->plan->outputs;
    for (size_t i = 0; i < outputs; i++) {
        means[i] = means[i] * job->scale + job->zero;
    }
    onr_bytes_from_floats(&job->kernels->quant, outputs, means, &job->range, y, step);
}

/* Items are planes. */
static void average_planes(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct pool_job *job = arg;
    const struct pool_plan *plan = job->plan;
    size_t step = plan->is_channels_last ? plan->channels : 1;
    float *plane = (void *)(job->scratch + worker * plan->worker_bytes);
    float *means = (void *)(job->scratch + worker * plan->worker_bytes + plan->means_at);
    for (size_t item = begin; item < end; item++) {
        size_t channel = item % plan->channels;
        size_t x_step = plan->is_channels_last ? 1 : plan->inputs;
        size_t y_step = plan->is_channels_last ? 1 : plan->outputs;
        size_t x_at = (item - channel) * plan->inputs + channel * x_step;
        size_t y_at = (item - channel) * plan->outputs + channel * y_step;
        for (size_t i = 0; i < plan->inputs; i++) {
            plane[i] = job->numbers[job->x[x_at + i * step]];
        }
        job->kernels->pool.average[ONR_FLOAT](&plan->window, plan->counts_padding, plane, means);
        store_plane(job, means, job->y + y_at, step);
    }
}

static enum onr_status pool_run(struct onr_run_ctx *ctx)
{
    const struct pool_plan *plan = ctx->plan;
    enum onr_dtype dtype = ctx->inputs[X]->dtype;
    struct onr_byte_scale x = onr_byte_scale_read(ctx, dtype, X_SCALE, X_ZERO);
    struct onr_byte_scale y = onr_byte_scale_read(ctx, dtype, Y_SCALE, Y_ZERO);
    struct pool_job job = {.plan = plan,
                           .kernels = ctx->kernels,
                           .x = ctx->inputs[X]->data,
                           .y = ctx->outputs[0]->data,
                           .scratch = ctx->workspace,
                           .scale = x.scale / y.scale,
                           .zero = plan->is_whole ? 0.0f : y.zero,
                           .range = onr_byte_range(dtype, NULL, 0)};
    x.scale = 1.0f;
    onr_byte_values(&x, job.numbers);
    job.range.zero = plan->is_whole ? y.zero : 0.0f;
    if (onr_tensor_count(ctx->outputs[0]) > 0) {
        size_t work = plan->inputs > plan->outputs ? plan->inputs : plan->outputs;
        onr_parallel_for(ctx->parallel, plan->planes, 16384 / (work + 1) + 1, average_planes, &job);
    }
    return ONR_OK;
}

#define BYTES ONR_BYTE_DTYPES
#define SCALE ONR_BIT(FLOAT)

static const struct onr_attr_spec global_attrs[] = {{"channels_last", ONR_ATTR_INT, false},
                                                    {NULL, 0, false}};
static const struct onr_attr_spec pool_attrs[] = {
    {"auto_pad", ONR_ATTR_STRING, false},   {"ceil_mode", ONR_ATTR_INT, false},
    {"channels_last", ONR_ATTR_INT, false}, {"count_include_pad", ONR_ATTR_INT, false},
    {"kernel_shape", ONR_ATTR_INTS, true},  {"pads", ONR_ATTR_INTS, false},
    {"strides", ONR_ATTR_INTS, false},      {NULL, 0, false}};
static const struct onr_param_spec pool_inputs[] = {{BYTES, 1}, {SCALE, 0}, {BYTES, 1},
                                                    {SCALE, 0}, {BYTES, 1}, {0, 0}};
static const struct onr_param_spec pool_outputs[] = {{BYTES, 1}, {0, 0}};

#define POOL_ROW(op, attributes, infer_fn, plan_fn)                                                \
    {                                                                                              \
        .domain = "com.microsoft", .name = (op), .since_version = 1,                               \
        .last_version = ONR_CONTRIB_LATEST, .inputs = {2, 5}, .outputs = {1, 1},                   \
        .attrs = (attributes), .input_specs = pool_inputs, .output_specs = pool_outputs,           \
        .infer = (infer_fn), .plan = (plan_fn), .run = pool_run,                                   \
        .kernel = ONR_KERNEL_AT(quant.quantize_f32),                                               \
    }

extern const struct onr_op_def onr_ops_qlinear_average_pool[];
const struct onr_op_def onr_ops_qlinear_average_pool[] = {
    POOL_ROW("QLinearAveragePool", pool_attrs, pool_infer, pool_plan),
    POOL_ROW("QLinearGlobalAveragePool", global_attrs, global_infer, global_plan),
    {.name = NULL},
};
