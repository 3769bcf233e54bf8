/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Poolings (ai.onnx): MaxPool 1, 8, 10, 11, 12, 22; AveragePool 1, 7, 10, 11, 19, 22; LpPool 2, 11,
 * 18, 22; GlobalMaxPool and GlobalAveragePool 1, 22; GlobalLpPool 2, 22.
 *                                          https://onnx.ai/onnx/operators/onnx__MaxPool.html (and
 * so on)
 *
 * Y[n, c, o] = f of X[n, c, o * stride - pad + t * dilation] over all taps t that fall on X; f =
 * max, mean, or (sum |x|^p)^(1/p). The global ones see a whole plane at once.
 *
 * Shapes    X: [N, C, spatial...] -> Y: [N, C, out...] (global: [N, C, 1...]); 1 to 3 spatial
 *           dimensions (global: any). MaxPool has a second output Indices: int64, like Y; positions
 *           of the maxima in the flattened X.
 * Types     float16, bfloat16 (22+), float32, float64; MaxPool from 12 on also int8 and uint8.
 * Attrs     kernel_shape: ints. strides, dilations: ints, default 1. pads: ints, default 0.
 *           auto_pad: NOTSET (default), VALID, SAME_UPPER, SAME_LOWER. ceil_mode: int, default 0.
 *           storage_order (MaxPool): int, default 0; 1 makes Indices column-major in the last two
 *           dimensions. count_include_pad (AveragePool): int, default 0. p (Lp): int, default 2.
 * Edge      A window on padding only gives the lowest value (max) or 0. NaN wins a max.
 * Aliasing  none.
 */
#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/conv/spatial.h"

#include <inttypes.h>

struct pool_plan {
    struct onr_window window;
    enum onr_dtype dtype;
    size_t planes;
    size_t in_bytes, out_bytes; /* of a plane */
    int64_t inputs, outputs;    /* elements of a plane */
    bool counts_padding;
    bool is_column_major;
    bool is_mean; /* of whole float planes: an average without padding */
    double p;
    size_t grain;
};

struct task {
    const struct pool_plan *plan;
    const struct onr_kernels *kernels;
    const char *x;
    char *y;
    int64_t *index; /* or NULL */
};

static enum onr_status check_rank(struct onr_infer_ctx *ctx, int lowest)
{
    int rank = ctx->inputs[0]->shape.rank;
    if (rank < lowest) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "x has rank %d, expected at least %d", rank,
                              lowest);
    }
    return ONR_OK;
}

static enum onr_status check_p(struct onr_infer_ctx *ctx)
{
    int64_t p = onr_attr_int(ctx->node, "p", 2);
    if (p < 1) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "attribute p is %" PRId64 ", expected >= 1", p);
    }
    return ONR_OK;
}

static enum onr_status pool_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_spatial spatial;
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(check_rank(ctx, 3));
    ONR_TRY(check_p(ctx));
    ONR_TRY(onr_spatial_read(ctx->node, x->rank - 2, NULL, &spatial, ctx->err));
    for (uint32_t i = 0; i < ctx->node->output_count; i++) {
        struct onr_shape *y = &ctx->outputs[i].shape;
        *y = *x;
        for (int d = 0; d < spatial.rank; d++) {
            ONR_TRY(onr_spatial_output(&spatial, d, x->dim[2 + d], &y->dim[2 + d], ctx->err));
        }
    }
    return ONR_OK;
}

static enum onr_status global_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_shape *y = &ctx->outputs[0].shape;
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(check_rank(ctx, 2));
    ONR_TRY(check_p(ctx));
    *y = *x;
    for (int d = 2; d < x->rank; d++) {
        y->dim[d] = 1;
    }
    return ONR_OK;
}

/* Whether the one output of a plane sees all of it, and nothing else. */
static bool sees_whole_plane(const struct onr_window *w)
{
    bool is_whole = true;
    for (int d = 0; d < 3; d++) {
        is_whole = is_whole && w->out[d] == 1 && w->kernel[d] == w->in[d] && w->dilation[d] == 1 &&
                   w->pad[d] == 0 && w->pad_end[d] == 0;
    }
    return is_whole;
}

/* What plan does after the window is set. */
static enum onr_status finish_plan(struct onr_plan_ctx *ctx, struct pool_plan *plan)
{
    const struct onr_window *w = &plan->window;
    const struct onr_node *node = ctx->node;
    plan->dtype = ctx->inputs[0]->dtype;
    plan->planes = (size_t)onr_shape_range(&ctx->inputs[0]->shape, 0, 2);
    plan->inputs = w->in[0] * w->in[1] * w->in[2];
    plan->outputs = w->out[0] * w->out[1] * w->out[2];
    plan->in_bytes = (size_t)plan->inputs * onr_dtype_size(plan->dtype);
    plan->out_bytes = (size_t)plan->outputs * onr_dtype_size(plan->dtype);
    plan->counts_padding = onr_attr_int(node, "count_include_pad", 0) != 0;
    plan->is_column_major = onr_attr_int(node, "storage_order", 0) != 0;
    plan->is_mean = plan->dtype == ONR_FLOAT && sees_whole_plane(w);
    plan->p = (double)onr_attr_int(node, "p", 2);
    size_t plane_cost = (size_t)onr_int_max(plan->inputs, plan->outputs) + 1;
    plan->grain = 16384 / plane_cost + 1;
    ctx->plan = plan;
    if (plan->dtype != ONR_FLOAT || node->output_count > 1) {
        ctx->told.kernel = ONR_KERNEL_AT(pool.max[ONR_DOUBLE]);
    }
    return ONR_OK;
}

static enum onr_status pool_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct pool_plan *plan = ONR_ARENA_NEW(ctx->arena, struct pool_plan);
    struct onr_spatial spatial;
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of a pooling");
    }
    ONR_TRY(onr_spatial_read(ctx->node, x->rank - 2, NULL, &spatial, ctx->err));
    ONR_TRY(onr_spatial_window(&spatial, x, &plan->window, ctx->err));
    return finish_plan(ctx, plan);
}

/* A window of the whole plane, as one row; an empty plane is one window on nothing. */
static enum onr_status global_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct pool_plan *plan = ONR_ARENA_NEW(ctx->arena, struct pool_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of a pooling");
    }
    int64_t inputs = onr_shape_range(x, 2, x->rank);
    plan->window = (struct onr_window){.in = {1, 1, inputs},
                                       .out = {1, 1, 1},
                                       .kernel = {1, 1, onr_int_max(inputs, 1)},
                                       .stride = {1, 1, 1},
                                       .dilation = {1, 1, 1}};
    return finish_plan(ctx, plan);
}

/* Turns places in a plane into places in X. */
static void finish_index(const struct pool_plan *plan, size_t plane, int64_t *index)
{
    int64_t height = plan->window.in[1];
    int64_t width = plan->window.in[2];
    for (int64_t o = 0; o < plan->outputs; o++) {
        int64_t at = index[o];
        if (plan->is_column_major) {
            int64_t slice = at / (height * width) * (height * width);
            at = slice + at / width % height + at % width * height;
        }
        index[o] = (int64_t)plane * plan->inputs + at;
    }
}

static void max_planes(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct task *task = arg;
    const struct pool_plan *plan = task->plan;
    for (size_t i = begin; i < end; i++) {
        int64_t *index = task->index != NULL ? task->index + i * (size_t)plan->outputs : NULL;
        const void *x = task->x + i * plan->in_bytes;
        void *y = task->y + i * plan->out_bytes;
        if (index == NULL && plan->dtype == ONR_FLOAT) {
            task->kernels->pool.max_f32(&plan->window, x, y);
            continue;
        }
        task->kernels->pool.max[plan->dtype](&plan->window, x, y, index);
        if (index != NULL) {
            finish_index(plan, i, index);
        }
    }
}

static void average_planes(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct task *task = arg;
    const struct pool_plan *plan = task->plan;
    if (plan->is_mean) {
        task->kernels->pool.mean_f32(
            end - begin, (size_t)plan->inputs,
            (const float *)(const void *)(task->x + begin * plan->in_bytes),
            (float *)(void *)task->y + begin);
        return;
    }
    for (size_t i = begin; i < end; i++) {
        task->kernels->pool.average[plan->dtype](&plan->window, plan->counts_padding,
                                                 task->x + i * plan->in_bytes,
                                                 task->y + i * plan->out_bytes);
    }
}

static void lp_planes(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct task *task = arg;
    const struct pool_plan *plan = task->plan;
    for (size_t i = begin; i < end; i++) {
        task->kernels->pool.lp[plan->dtype](&plan->window, plan->p, task->x + i * plan->in_bytes,
                                            task->y + i * plan->out_bytes);
    }
}

static enum onr_status run_planes(struct onr_run_ctx *ctx, onr_task_fn fn)
{
    const struct pool_plan *plan = ctx->plan;
    if (plan->outputs == 0) {
        return ONR_OK;
    }
    bool has_index = ctx->output_count > 1 && ctx->outputs[1] != NULL;
    struct task task = {.plan = plan,
                        .kernels = ctx->kernels,
                        .x = ctx->inputs[0]->data,
                        .y = ctx->outputs[0]->data,
                        .index = has_index ? ctx->outputs[1]->data : NULL};
    onr_parallel_for(ctx->parallel, plan->planes, plan->grain, fn, &task);
    return ONR_OK;
}

static enum onr_status max_run(struct onr_run_ctx *ctx)
{
    return run_planes(ctx, max_planes);
}

static enum onr_status average_run(struct onr_run_ctx *ctx)
{
    return run_planes(ctx, average_planes);
}

static enum onr_status lp_run(struct onr_run_ctx *ctx)
{
    return run_planes(ctx, lp_planes);
}

#define FLOATS_1 (ONR_DTYPES_FLOAT & ~ONR_BIT(BFLOAT16))
#define BYTES    (ONR_BIT(INT8) | ONR_BIT(UINT8))

static const struct onr_param_spec specs_1[] = {{FLOATS_1, 1}, {0}};
static const struct onr_param_spec specs_22[] = {{ONR_DTYPES_FLOAT, 1}, {0}};
static const struct onr_param_spec max_in_12[] = {{FLOATS_1 | BYTES, 1}, {0}};
static const struct onr_param_spec max_in_22[] = {{ONR_DTYPES_FLOAT | BYTES, 1}, {0}};
static const struct onr_param_spec max_out_1[] = {{FLOATS_1, 1}, {ONR_BIT(INT64), 0}, {0}};
static const struct onr_param_spec max_out_12[] = {{FLOATS_1 | BYTES, 1}, {ONR_BIT(INT64), 0}, {0}};
static const struct onr_param_spec max_out_22[] = {
    {ONR_DTYPES_FLOAT | BYTES, 1}, {ONR_BIT(INT64), 0}, {0}};

/* Attributes by version: each list is the one before and more. */
#define ATTRS_1                                                                                    \
    {"auto_pad", ONR_ATTR_STRING, false}, {"kernel_shape", ONR_ATTR_INTS, true},                   \
        {"pads", ONR_ATTR_INTS, false},                                                            \
    {                                                                                              \
        "strides", ONR_ATTR_INTS, false                                                            \
    }
#define ATTR_CEIL                                                                                  \
    {                                                                                              \
        "ceil_mode", ONR_ATTR_INT, false                                                           \
    }
#define ATTR_DILATIONS                                                                             \
    {                                                                                              \
        "dilations", ONR_ATTR_INTS, false                                                          \
    }
#define ATTR_ORDER                                                                                 \
    {                                                                                              \
        "storage_order", ONR_ATTR_INT, false                                                       \
    }
#define ATTR_COUNT                                                                                 \
    {                                                                                              \
        "count_include_pad", ONR_ATTR_INT, false                                                   \
    }
#define ATTR_P                                                                                     \
    {                                                                                              \
        "p", ONR_ATTR_INT, false                                                                   \
    }

static const struct onr_attr_spec attrs_1[] = {ATTRS_1, {.name = NULL}};
static const struct onr_attr_spec max_attrs_8[] = {ATTRS_1, ATTR_ORDER, {.name = NULL}};
static const struct onr_attr_spec max_attrs_10[] = {
    ATTRS_1, ATTR_ORDER, ATTR_CEIL, ATTR_DILATIONS, {.name = NULL}};
static const struct onr_attr_spec average_attrs_7[] = {ATTRS_1, ATTR_COUNT, {.name = NULL}};
static const struct onr_attr_spec average_attrs_10[] = {
    ATTRS_1, ATTR_COUNT, ATTR_CEIL, {.name = NULL}};
static const struct onr_attr_spec average_attrs_19[] = {
    ATTRS_1, ATTR_COUNT, ATTR_CEIL, ATTR_DILATIONS, {.name = NULL}};
static const struct onr_attr_spec lp_attrs_2[] = {ATTRS_1, ATTR_P, {.name = NULL}};
static const struct onr_attr_spec lp_attrs_18[] = {
    ATTRS_1, ATTR_P, ATTR_CEIL, ATTR_DILATIONS, {.name = NULL}};
static const struct onr_attr_spec global_lp_attrs[] = {ATTR_P, {.name = NULL}};

#define ROW(op, since, last, most_outputs, attributes, in, out, infer_fn, plan_fn, part, run_fn)   \
    {                                                                                              \
        .domain = "", .name = (op), .since_version = (since), .last_version = (last),              \
        .inputs = {1, 1}, .outputs = {1, (most_outputs)}, .attrs = (attributes),                   \
        .input_specs = (in), .output_specs = (out), .infer = (infer_fn), .plan = (plan_fn),        \
        .run = (run_fn), .kernel = ONR_KERNEL_AT(pool.part)                                        \
    }
#define MAX_ROW(since, last, outputs, attributes, in, out)                                         \
    ROW("MaxPool", since, last, outputs, attributes, in, out, pool_infer, pool_plan, max_f32,      \
        max_run)
#define AVERAGE_ROW(since, last, attributes, specs)                                                \
    ROW("AveragePool", since, last, 1, attributes, specs, specs, pool_infer, pool_plan,            \
        average[ONR_FLOAT], average_run)
#define LP_ROW(since, last, attributes, specs)                                                     \
    ROW("LpPool", since, last, 1, attributes, specs, specs, pool_infer, pool_plan, lp[ONR_FLOAT],  \
        lp_run)
#define GLOBAL_ROW(op, since, last, attributes, specs, part, run_fn)                               \
    ROW(op, since, last, 1, attributes, specs, specs, global_infer, global_plan, part, run_fn)

extern const struct onr_op_def onr_ops_pool[];
const struct onr_op_def onr_ops_pool[] = {
    MAX_ROW(1, 7, 1, attrs_1, specs_1, max_out_1),
    MAX_ROW(8, 9, 2, max_attrs_8, specs_1, max_out_1),
    MAX_ROW(10, 11, 2, max_attrs_10, specs_1, max_out_1),
    MAX_ROW(12, 21, 2, max_attrs_10, max_in_12, max_out_12),
    MAX_ROW(22, ONR_OPSET_LATEST, 2, max_attrs_10, max_in_22, max_out_22),
    AVERAGE_ROW(1, 6, attrs_1, specs_1),
    AVERAGE_ROW(7, 9, average_attrs_7, specs_1),
    AVERAGE_ROW(10, 18, average_attrs_10, specs_1),
    AVERAGE_ROW(19, 21, average_attrs_19, specs_1),
    AVERAGE_ROW(22, ONR_OPSET_LATEST, average_attrs_19, specs_22),
    LP_ROW(2, 17, lp_attrs_2, specs_1),
    LP_ROW(18, 21, lp_attrs_18, specs_1),
    LP_ROW(22, ONR_OPSET_LATEST, lp_attrs_18, specs_22),
    GLOBAL_ROW("GlobalMaxPool", 1, 21, NULL, specs_1, max_f32, max_run),
    GLOBAL_ROW("GlobalMaxPool", 22, ONR_OPSET_LATEST, NULL, specs_22, max_f32, max_run),
    GLOBAL_ROW("GlobalAveragePool", 1, 21, NULL, specs_1, average[ONR_FLOAT], average_run),
    GLOBAL_ROW("GlobalAveragePool", 22, ONR_OPSET_LATEST, NULL, specs_22, average[ONR_FLOAT],
               average_run),
    GLOBAL_ROW("GlobalLpPool", 2, 21, global_lp_attrs, specs_1, lp[ONR_FLOAT], lp_run),
    GLOBAL_ROW("GlobalLpPool", 22, ONR_OPSET_LATEST, global_lp_attrs, specs_22, lp[ONR_FLOAT],
               lp_run),
    {.name = NULL},
};
