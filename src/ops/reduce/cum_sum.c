/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CumSum (ai.onnx), version 11+.             https://onnx.ai/onnx/operators/onnx__CumSum.html
 * CumProd (ai.onnx), version 26+.            https://onnx.ai/onnx/operators/onnx__CumProd.html
 *
 * y[i] = sum or product of x[0..i] along axis
 *
 * Shapes    y as x. axis: one element, rank 0 or 1.
 * Types     all numeric types; floats are accumulated in float64, integers wrap. axis: int32,
 *           int64.
 * Attrs     exclusive: int, default 0; y[i] leaves out x[i] and starts with 0 or 1. reverse: int,
 *           default 0; runs from the end.
 * Edge      axis is checked when the operator runs.
 * Aliasing  y may share storage with x.
 */
#include "base/half.h"
#include "ops/common/axes.h"

/* Columns that are accumulated together. */
#define TILE 64

struct cum_job {
    struct onr_axis_view view;
    enum onr_dtype dtype;
    bool is_product;
    bool is_exclusive;
    bool is_reverse;
    const void *x;
    void *y;
};

#define AS_IT_IS(v)    (v)
#define AS_INT(v)      ((uint64_t)(v))
#define TO_DOUBLE(v)   ((double)(v))
#define TO_FLOAT(v)    ((float)(v))
#define HALF_IN(v)     ((double)onr_half_to_float(v))
#define BFLOAT16_IN(v) ((double)onr_bfloat16_to_float(v))

/* Accumulates `width` columns that lie beside each other, from element `first` on. */
#define DEFINE_SCAN(name, stored, accumulator, load, store)                                        \
    static void scan_##name(const struct cum_job *job, size_t first, size_t width)                 \
    {                                                                                              \
        const stored *x = (const stored *)job->x + first;                                          \
        stored *y = (stored *)job->y + first;                                                      \
        accumulator acc[TILE];                                                                     \
        for (size_t j = 0; j < width; j++) {                                                       \
            acc[j] = (accumulator)job->is_product;                                                 \
        }                                                                                          \
        for (size_t step = 0; step < job->view.size; step++) {                                     \
            size_t i = job->is_reverse ? job->view.size - 1 - step : step;                         \
            for (size_t j = 0; j < width; j++) {                                                   \
                size_t at = i * job->view.inner + j;                                               \
                accumulator before = acc[j];                                                       \
                accumulator v = load(x[at]);                                                       \
                acc[j] = job->is_product ? before * v : before + v;                                \
                y[at] = (stored)store(job->is_exclusive ? before : acc[j]);                        \
            }                                                                                      \
        }                                                                                          \
    }

DEFINE_SCAN(i8, int8_t, uint64_t, AS_INT, AS_IT_IS)
DEFINE_SCAN(i16, int16_t, uint64_t, AS_INT, AS_IT_IS)
DEFINE_SCAN(i32, int32_t, uint64_t, AS_INT, AS_IT_IS)
DEFINE_SCAN(i64, int64_t, uint64_t, AS_INT, AS_IT_IS)
DEFINE_SCAN(f32, float, double, TO_DOUBLE, TO_FLOAT)
DEFINE_SCAN(f64, double, double, AS_IT_IS, AS_IT_IS)
DEFINE_SCAN(f16, uint16_t, double, HALF_IN, onr_double_to_half)
DEFINE_SCAN(bf16, uint16_t, double, BFLOAT16_IN, onr_double_to_bfloat16)

typedef void (*scan_fn)(const struct cum_job *job, size_t first, size_t width);

/* Wrapping sums and products have the same bits signed and unsigned. */
static const scan_fn scans[ONR_DTYPE_COUNT] = {
    [ONR_INT8] = scan_i8,    [ONR_UINT8] = scan_i8,    [ONR_INT16] = scan_i16,
    [ONR_UINT16] = scan_i16, [ONR_INT32] = scan_i32,   [ONR_UINT32] = scan_i32,
    [ONR_INT64] = scan_i64,  [ONR_UINT64] = scan_i64,  [ONR_FLOAT] = scan_f32,
    [ONR_DOUBLE] = scan_f64, [ONR_FLOAT16] = scan_f16, [ONR_BFLOAT16] = scan_bf16,
};

static enum onr_status cum_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *axis = &ctx->inputs[1]->shape;
    if (axis->rank > 1 || (axis->rank == 1 && axis->dim[0] >= 0 && axis->dim[0] != 1)) {
        char text[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "axis has shape %s, expected one element",
                              onr_shape_text(axis, text));
    }
    return onr_infer_same_shape(ctx);
}

static void scan_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct cum_job *job = arg;
    size_t tiles = (job->view.inner + TILE - 1) / TILE;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        size_t column = item % tiles * TILE;
        size_t rest = job->view.inner - column;
        size_t first = item / tiles * job->view.size * job->view.inner + column;
        scans[job->dtype](job, first, rest < TILE ? rest : TILE);
    }
}

static enum onr_status run_cum(struct onr_run_ctx *ctx, bool is_product)
{
    const struct onr_tensor *x = ctx->inputs[0];
    const struct onr_tensor *axis_tensor = ctx->inputs[1];
    const struct cum_job *plan = ctx->plan;
    int64_t given = axis_tensor->dtype == ONR_INT64 ? *(const int64_t *)axis_tensor->data
                                                    : *(const int32_t *)axis_tensor->data;
    int axis = 0;
    if (!onr_axis_normalize(given, x->shape.rank, &axis)) {
        return onr_fail(ctx->err, ONR_ERR_VALUE, "axis %lld out of range for rank %d",
                        (long long)given, x->shape.rank);
    }
    struct cum_job job = *plan;
    job.view = onr_axis_view(&x->shape, axis);
    job.is_product = is_product;
    job.x = x->data;
    job.y = ctx->outputs[0]->data;
    if (job.view.size > 0) {
        size_t tiles = (job.view.inner + TILE - 1) / TILE;
        size_t width = job.view.inner < TILE ? job.view.inner : TILE;
        onr_parallel_for(ctx->parallel, job.view.outer * tiles, onr_grain(job.view.size * width),
                         scan_range, &job);
    }
    return ONR_OK;
}

static enum onr_status cum_plan(struct onr_plan_ctx *ctx)
{
    struct cum_job *plan = ONR_ARENA_NEW(ctx->arena, struct cum_job);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a cumulative operator");
    }
    plan->dtype = ctx->inputs[0]->dtype;
    plan->is_exclusive = onr_attr_int(ctx->node, "exclusive", 0) != 0;
    plan->is_reverse = onr_attr_int(ctx->node, "reverse", 0) != 0;
    ctx->plan = plan;
    return ONR_OK;
}

static enum onr_status cum_sum_run(struct onr_run_ctx *ctx)
{
    return run_cum(ctx, false);
}

static enum onr_status cum_prod_run(struct onr_run_ctx *ctx)
{
    return run_cum(ctx, true);
}

static const struct onr_attr_spec cum_attrs[] = {
    {"exclusive", ONR_ATTR_INT, false}, {"reverse", ONR_ATTR_INT, false}, {NULL, 0, false}};
static const struct onr_param_spec cum_inputs[] = {
    {ONR_DTYPES_NUMERIC, 1}, {ONR_DTYPES_INDEX, 0}, {0, 0}};
static const struct onr_param_spec cum_outputs[] = {{ONR_DTYPES_NUMERIC, 1}, {0, 0}};

#define CUM_ROW(op, since, run_function)                                                           \
    {                                                                                              \
        .domain = "", .name = (op), .since_version = (since), .last_version = ONR_OPSET_LATEST,    \
        .inputs = {2, 2}, .outputs = {1, 1}, .attrs = cum_attrs, .input_specs = cum_inputs,        \
        .output_specs = cum_outputs, .traits = ONR_TRAIT_INPLACE, .infer = cum_infer,              \
        .plan = cum_plan, .run = (run_function),                                                   \
    }

extern const struct onr_op_def onr_ops_cum_sum[];
const struct onr_op_def onr_ops_cum_sum[] = {
    CUM_ROW("CumSum", 11, cum_sum_run),
    CUM_ROW("CumProd", 26, cum_prod_run),
    {.name = NULL},
};
