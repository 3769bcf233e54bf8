/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ReduceSum, ReduceMean, ReduceMax, ReduceMin, ReduceProd, ReduceL1, ReduceL2, ReduceLogSum,
 * ReduceLogSumExp, ReduceSumSquare (ai.onnx), all versions.
 * https://onnx.ai/onnx/operators/onnx__ReduceSum.html
 *
 * y = f(x over the axes): sum x, sum x / n, max x, min x, prod x, sum |x|, sqrt(sum x^2), ln(sum
 * x), ln(sum e^x) = m + ln(sum e^(x - m)) with m = max x, sum x^2
 *
 * Shapes    x: [d0..dr-1]. y: reduced dimensions are 1 (keepdims) or gone.
 * Types     all numeric types, bool too for Max and Min (false < true). Floats of 32 bits and less
 *           are summed in float32 lanes and float64 blocks, float64 in float64. Integers wrap; the
 *           mean is cut toward zero; roots and logarithms of integers are computed in float64, cut
 *           and saturated.
 * Attrs     axes: ints (ReduceSum before 13, others before 18; an input after), default all; range
 *           [-rank, rank-1], no duplicates. keepdims: int, default 1. noop_with_empty_axes: int,
 *           default 0; if 1, no axes reduce nothing, and f is applied to single elements.
 * Edge      Over no elements: 0 for sums, 1 for the product, the lowest and highest value (or
 *           infinity) for Max and Min, NaN for the mean of floats and 0 for that of integers, -inf
 *           for logarithms. Max and Min of anything with NaN are NaN.
 * Aliasing  none.
 */
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/contents.h"
#include "ops/reduce/reduce_value.h"
#include "ops/reduce/reduce_walk.h"

#include <math.h>
#include <string.h>

struct reduce_plan {
    struct onr_reduce_value value;
    struct onr_reduce_walk walk;
};

/* ---- inference ---- */

/* *is_known is false when the axes are not known yet; then *mask is undefined. */
static enum onr_status infer_axes(struct onr_infer_ctx *ctx, int rank, bool *is_known,
                                  uint32_t *mask)
{
    size_t count = 0;
    const int64_t *axes = onr_attr_ints(ctx->node, "axes", &count);
    *is_known = true;
    if (onr_infer_has_input(ctx, 1)) {
        ONR_TRY(onr_infer_ints(ctx, 1, &axes, &count));
        *is_known = axes != NULL;
    }
    if (*is_known && count == 0) {
        bool is_noop = onr_attr_int(ctx->node, "noop_with_empty_axes", 0) != 0;
        *mask = is_noop ? 0 : ((uint32_t)1 << rank) - 1;
        return ONR_OK;
    }
    return *is_known ? onr_axes_mask(axes, count, rank, mask, ctx->err) : ONR_OK;
}

/* ReduceProd of dimensions. */
static void infer_product(struct onr_infer_ctx *ctx)
{
    size_t count = 0;
    const struct onr_sint *ints = onr_contents_peek(ctx, 0, &count);
    struct onr_sint *y = ints != NULL ? onr_contents_new(ctx, 1) : NULL;
    int64_t product = 1;
    for (size_t i = 0; y != NULL && i < count; i++) {
        product = onr_dim_mul(product, onr_sint_dim(ints[i]));
    }
    if (y != NULL) {
        y[0] = onr_sint_of_dim(product);
    }
}

static enum onr_status reduce_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_shape *y = &ctx->outputs[0].shape;
    bool keepdims = onr_attr_int(ctx->node, "keepdims", 1) != 0;
    bool is_known = false;
    uint32_t mask = 0;
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(infer_axes(ctx, x->rank, &is_known, &mask));
    if (!is_known && !keepdims) {
        return ONR_OK;
    }
    y->rank = 0;
    for (int i = 0; i < x->rank; i++) {
        bool is_reduced = (mask >> i & 1u) != 0;
        if (!is_known) {
            y->dim[y->rank++] = ONR_DIM_UNKNOWN;
        } else if (!is_reduced || keepdims) {
            y->dim[y->rank++] = is_reduced ? 1 : x->dim[i];
        }
    }
    if (x->rank == 1 && mask == 1 && ctx->inputs[0]->dtype == ONR_INT64 &&
        strcmp(ctx->node->op_type, "ReduceProd") == 0) {
        infer_product(ctx);
    }
    return ONR_OK;
}

/* ---- planning ---- */

static enum onr_status plan_axes(struct onr_plan_ctx *ctx, int rank, uint32_t *mask)
{
    size_t count = 0;
    int64_t from_input[ONR_MAX_RANK];
    const int64_t *axes = onr_attr_ints(ctx->node, "axes", &count);
    if (ctx->node->input_count > 1 && ctx->inputs[1] != NULL) {
        if (!onr_fact_ints(ctx->inputs[1], ONR_MAX_RANK, from_input, &count)) {
            return onr_fail(ctx->err, ONR_ERR_UNSUPPORTED, "axes are not known");
        }
        axes = from_input;
    }
    if (count == 0) {
        bool is_noop = onr_attr_int(ctx->node, "noop_with_empty_axes", 0) != 0;
        *mask = is_noop ? 0 : ((uint32_t)1 << rank) - 1;
        return ONR_OK;
    }
    return onr_axes_mask(axes, count, rank, mask, ctx->err);
}

static enum onr_status plan_reduction(struct onr_plan_ctx *ctx, enum onr_reduction reduction,
                                      enum onr_reduce_finish finish)
{
    const struct onr_fact *x = ctx->inputs[0];
    uint32_t mask = 0;
    ONR_TRY(plan_axes(ctx, x->shape.rank, &mask));
    struct reduce_plan *plan = ONR_ARENA_NEW(ctx->arena, struct reduce_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a reduction");
    }
    onr_reduce_walk_init(&plan->walk, &x->shape, mask);
    plan->value = (struct onr_reduce_value){
        .dtype = x->dtype,
        .domain = onr_reduce_domain_of(x->dtype, finish),
        .reduction = reduction,
        .finish = finish,
        .reduced_count = plan->walk.reduced.count * (plan->walk.is_columns ? 1 : plan->walk.run),
    };
    const struct onr_reduce_kernels *kernels = &ctx->kernels->reduce;
    ctx->told.kernel = onr_kernel_at(
        ctx->kernels, plan->walk.is_columns
                          ? (const void *)&kernels->columns[plan->value.domain][reduction]
                          : (const void *)&kernels->row[plan->value.domain][reduction]);
    ctx->plan = plan;
    return ONR_OK;
}

/* ---- running ---- */

struct reduce_job {
    const struct reduce_plan *plan;
    const struct onr_kernels *kernels;
    const void *x;
    void *y;
};

/* e^(x - shift) of a chunk into buffer; shift[0] for all elements, or shift[i] for element i. */
static const void *exp_chunk(const struct reduce_job *job, size_t count, const void *x,
                             const double *shift, bool is_columns, union onr_reduce_chunk *buffer)
{
    if (job->plan->value.domain == ONR_REDUCE_F32) {
        const float *values = x;
        for (size_t i = 0; i < count; i++) {
            buffer->f32[i] = values[i] - (float)shift[is_columns ? i : 0];
        }
        (void)job->kernels->softmax.exp_sum_f32(count, buffer->f32, 0, buffer->f32);
    } else {
        const double *values = x;
        for (size_t i = 0; i < count; i++) {
            buffer->f64[i] = exp(values[i] - shift[is_columns ? i : 0]);
        }
    }
    return buffer;
}

/* Combines all elements of one output; shift is NULL, or what to subtract before e^x. */
static void combine_row(const struct reduce_job *job, enum onr_reduction reduction, size_t base,
                        const double *shift, union onr_accumulator *into)
{
    const struct reduce_plan *plan = job->plan;
    onr_reduce_row_fn combine = job->kernels->reduce.row[plan->value.domain][reduction];
    union onr_reduce_chunk buffer;
    for (size_t step = 0; step < plan->walk.reduced.count; step++) {
        size_t first = base + onr_index_group_offset(&plan->walk.reduced, step);
        size_t end = first + plan->walk.run;
        for (size_t size = 0; first < end; first += size) {
            size = end - first < ONR_REDUCE_CHUNK ? end - first : ONR_REDUCE_CHUNK;
            if (shift == NULL && onr_reduce_is_direct(&plan->value)) {
                size = end - first;
            }
            const void *x = onr_reduce_read(&plan->value, job->x, first, size, &buffer);
            combine(size, shift != NULL ? exp_chunk(job, size, x, shift, false, &buffer) : x, into);
        }
    }
}

/* Combines `width` outputs beside each other. */
static void combine_columns(const struct reduce_job *job, enum onr_reduction reduction, size_t base,
                            size_t width, const double *shift, union onr_accumulator *into)
{
    const struct reduce_plan *plan = job->plan;
    onr_reduce_columns_fn combine = job->kernels->reduce.columns[plan->value.domain][reduction];
    const struct onr_index_group *reduced = &plan->walk.reduced;
    int inner = reduced->rank - 1;
    size_t rows = 1;
    size_t stride = 0;
    union onr_reduce_chunk buffer;
    if (shift == NULL && inner >= 0 && onr_reduce_is_direct(&plan->value)) {
        rows = reduced->dim[inner];
        stride = reduced->stride[inner];
    }
    union onr_accumulator identity = onr_reduce_identity(&plan->value, reduction);
    for (size_t j = 0; j < width; j++) {
        into[j] = identity;
    }
    for (size_t step = 0; step < reduced->count; step += rows) {
        size_t first = base + onr_index_group_offset(reduced, step);
        const void *x = onr_reduce_read(&plan->value, job->x, first, width, &buffer);
        if (shift != NULL) {
            x = exp_chunk(job, width, x, shift, true, &buffer);
        }
        combine(rows, stride, width, x, into);
    }
}

/* What to subtract so that e^x does not overflow; nothing when the maximum is infinite or NaN. */
static double shift_of(double max)
{
    return max - max == 0 ? max : 0;
}

static void reduce_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct reduce_job *job = arg;
    const struct reduce_plan *plan = job->plan;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        size_t base = onr_index_group_offset(&plan->walk.kept, item);
        double shift = 0;
        union onr_accumulator value = onr_reduce_identity(&plan->value, plan->value.reduction);
        if (plan->value.finish == ONR_FINISH_LOG_SUM_EXP) {
            union onr_accumulator max = onr_reduce_identity(&plan->value, ONR_REDUCE_MAX);
            combine_row(job, ONR_REDUCE_MAX, base, NULL, &max);
            shift = shift_of(max.f);
            combine_row(job, ONR_REDUCE_SUM, base, &shift, &value);
        } else {
            combine_row(job, plan->value.reduction, base, NULL, &value);
        }
        onr_reduce_store(&plan->value, value, shift, job->y, item);
    }
}

/* Items are tiles of ONR_REDUCE_CHUNK columns. */
static void reduce_columns(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct reduce_job *job = arg;
    const struct reduce_plan *plan = job->plan;
    size_t tiles = (plan->walk.run + ONR_REDUCE_CHUNK - 1) / ONR_REDUCE_CHUNK;
    union onr_accumulator values[ONR_REDUCE_CHUNK];
    double shift[ONR_REDUCE_CHUNK] = {0};
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        size_t column = item % tiles * ONR_REDUCE_CHUNK;
        size_t rest = plan->walk.run - column;
        size_t width = rest < ONR_REDUCE_CHUNK ? rest : ONR_REDUCE_CHUNK;
        size_t base = onr_index_group_offset(&plan->walk.kept, item / tiles) + column;
        if (plan->value.finish == ONR_FINISH_LOG_SUM_EXP) {
            combine_columns(job, ONR_REDUCE_MAX, base, width, NULL, values);
            for (size_t j = 0; j < width; j++) {
                shift[j] = shift_of(values[j].f);
            }
            combine_columns(job, ONR_REDUCE_SUM, base, width, shift, values);
        } else {
            combine_columns(job, plan->value.reduction, base, width, NULL, values);
        }
        onr_reduce_store_all(&plan->value, width, values, shift, job->y,
                             item / tiles * plan->walk.run + column);
    }
}

static enum onr_status reduce_run(struct onr_run_ctx *ctx)
{
    const struct reduce_plan *plan = ctx->plan;
    const struct onr_reduce_walk *walk = &plan->walk;
    struct reduce_job job = {plan, ctx->kernels, ctx->inputs[0]->data, ctx->outputs[0]->data};
    if (walk->is_columns) {
        size_t tiles = (walk->run + ONR_REDUCE_CHUNK - 1) / ONR_REDUCE_CHUNK;
        size_t width = walk->run < ONR_REDUCE_CHUNK ? walk->run : ONR_REDUCE_CHUNK;
        onr_parallel_for(ctx->parallel, walk->kept.count * tiles,
                         onr_grain(walk->reduced.count * width), reduce_columns, &job);
    } else {
        onr_parallel_for(ctx->parallel, walk->kept.count, onr_grain(plan->value.reduced_count),
                         reduce_rows, &job);
    }
    return ONR_OK;
}

/* ---- rows ---- */

#define DEFINE_PLAN(name, reduction, finish)                                                       \
    static enum onr_status name##_plan(struct onr_plan_ctx *ctx)                                   \
    {                                                                                              \
        return plan_reduction(ctx, reduction, finish);                                             \
    }

DEFINE_PLAN(sum, ONR_REDUCE_SUM, ONR_FINISH_NONE)
DEFINE_PLAN(mean, ONR_REDUCE_SUM, ONR_FINISH_MEAN)
DEFINE_PLAN(max, ONR_REDUCE_MAX, ONR_FINISH_NONE)
DEFINE_PLAN(min, ONR_REDUCE_MIN, ONR_FINISH_NONE)
DEFINE_PLAN(prod, ONR_REDUCE_PROD, ONR_FINISH_NONE)
DEFINE_PLAN(l1, ONR_REDUCE_SUM_ABS, ONR_FINISH_NONE)
DEFINE_PLAN(l2, ONR_REDUCE_SUM_SQUARE, ONR_FINISH_SQRT)
DEFINE_PLAN(log_sum, ONR_REDUCE_SUM, ONR_FINISH_LOG)
DEFINE_PLAN(log_sum_exp, ONR_REDUCE_SUM, ONR_FINISH_LOG_SUM_EXP)
DEFINE_PLAN(sum_square, ONR_REDUCE_SUM_SQUARE, ONR_FINISH_NONE)

static const struct onr_attr_spec axes_attrs[] = {
    {"axes", ONR_ATTR_INTS, false},
    {"keepdims", ONR_ATTR_INT, false},
    {NULL, 0, false},
};
static const struct onr_attr_spec input_attrs[] = {
    {"keepdims", ONR_ATTR_INT, false},
    {"noop_with_empty_axes", ONR_ATTR_INT, false},
    {NULL, 0, false},
};
static const struct onr_param_spec number_params[] = {
    {ONR_DTYPES_NUMERIC, 1}, {ONR_BIT(INT64), 0}, {0, 0}};
static const struct onr_param_spec order_params[] = {
    {ONR_DTYPES_NUMERIC | ONR_BIT(BOOL), 1}, {ONR_BIT(INT64), 0}, {0, 0}};

#define REDUCE_ROW(op, since, last, most_inputs, attributes, params, plan_function)                \
    {                                                                                              \
        .domain = "", .name = (op), .since_version = (since), .last_version = (last),              \
        .inputs = {1, (most_inputs)}, .outputs = {1, 1}, .attrs = (attributes),                    \
        .input_specs = (params), .output_specs = (params), .infer = reduce_infer,                  \
        .plan = (plan_function), .run = reduce_run,                                                \
    }
/* Axes as an attribute up to version `last`, as an input from then on. */
#define REDUCE_ROWS(op, last, params, plan_function)                                               \
    REDUCE_ROW(op, 1, last, 1, axes_attrs, params, plan_function),                                 \
        REDUCE_ROW(op, (last) + 1, ONR_OPSET_LATEST, 2, input_attrs, params, plan_function)

extern const struct onr_op_def onr_ops_reduce[];
const struct onr_op_def onr_ops_reduce[] = {
    REDUCE_ROWS("ReduceSum", 12, number_params, sum_plan),
    REDUCE_ROWS("ReduceMean", 17, number_params, mean_plan),
    REDUCE_ROWS("ReduceMax", 17, order_params, max_plan),
    REDUCE_ROWS("ReduceMin", 17, order_params, min_plan),
    REDUCE_ROWS("ReduceProd", 17, number_params, prod_plan),
    REDUCE_ROWS("ReduceL1", 17, number_params, l1_plan),
    REDUCE_ROWS("ReduceL2", 17, number_params, l2_plan),
    REDUCE_ROWS("ReduceLogSum", 17, number_params, log_sum_plan),
    REDUCE_ROWS("ReduceLogSumExp", 17, number_params, log_sum_exp_plan),
    REDUCE_ROWS("ReduceSumSquare", 17, number_params, sum_square_plan),
    {.name = NULL},
};
