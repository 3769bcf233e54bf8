/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ArgMax, ArgMin (ai.onnx), all versions.        https://onnx.ai/onnx/operators/onnx__ArgMax.html
 *
 * y = index along axis of the largest or smallest element
 *
 * Shapes    x: [d0..dr-1]. y: d(axis) is 1 (keepdims) or gone.
 * Types     x: all numeric types. y: int64.
 * Attrs     axis: int, default 0, range [-rank, rank-1]. keepdims: int, default 1.
 * select_last_index (12+): int, default 0; of equal elements the last counts instead of the first.
 * Edge      A NaN counts as both largest and smallest. An empty axis is refused.
 * Aliasing  none.
 */
#include "base/half.h"
#include "kernels/kernels.h"
#include "ops/common/axes.h"

static enum onr_status arg_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_shape *y = &ctx->outputs[0].shape;
    bool keepdims = onr_attr_int(ctx->node, "keepdims", 1) != 0;
    int axis = 0;
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", 0), x->rank, &axis, ctx->err));
    y->rank = 0;
    for (int i = 0; i < x->rank; i++) {
        if (i != axis || keepdims) {
            y->dim[y->rank++] = i == axis ? 1 : x->dim[i];
        }
    }
    return ONR_OK;
}

struct arg_plan {
    struct onr_axis_view view;
    enum onr_dtype dtype;
    bool is_max;
    bool is_last;
};

static bool is_float_rows(const struct arg_plan *plan)
{
    return plan->dtype == ONR_FLOAT && plan->view.inner == 1;
}

static enum onr_status plan_arg(struct onr_plan_ctx *ctx, bool is_max)
{
    const struct onr_fact *x = ctx->inputs[0];
    int axis = 0;
    ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", 0), x->shape.rank, &axis, ctx->err));
    struct arg_plan *plan = ONR_ARENA_NEW(ctx->arena, struct arg_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a reduction");
    }
    plan->view = onr_axis_view(&x->shape, axis);
    plan->dtype = x->dtype;
    plan->is_max = is_max;
    plan->is_last = onr_attr_int(ctx->node, "select_last_index", 0) != 0;
    if (plan->view.size == 0 && plan->view.outer > 0 && plan->view.inner > 0) {
        return onr_fail(ctx->err, ONR_ERR_SHAPE, "axis %d has no elements", axis);
    }
    if (is_float_rows(plan)) {
        ctx->told.kernel =
            is_max ? ONR_KERNEL_AT(reduce.arg_max_f32) : ONR_KERNEL_AT(reduce.arg_min_f32);
    }
    ctx->plan = plan;
    return ONR_OK;
}

static enum onr_status arg_max_plan(struct onr_plan_ctx *ctx)
{
    return plan_arg(ctx, true);
}

static enum onr_status arg_min_plan(struct onr_plan_ctx *ctx)
{
    return plan_arg(ctx, false);
}

#define AS_IT_IS(v)  (v)
#define NEVER_NAN(v) ((void)(v), 0)
#define IS_NAN(v)    ((v) != (v))

/* Index of the best of the elements x[0], x[stride], ...; once a NaN leads only a NaN may follow
 * it. */
#define DEFINE_SCAN(name, stored, value, load, is_nan)                                             \
    static size_t scan_##name(const struct arg_plan *plan, const void *data, size_t first)         \
    {                                                                                              \
        const stored *x = (const stored *)data + first;                                            \
        size_t best = 0;                                                                           \
        value top = load(x[0]);                                                                    \
        for (size_t i = 1; i < plan->view.size; i++) {                                             \
            value v = load(x[i * plan->view.inner]);                                               \
            bool is_better = (plan->is_max ? v > top : v < top) || (is_nan(v) && !is_nan(top));    \
            bool is_equal = v == top || (is_nan(v) && is_nan(top));                                \
            if ((is_better && !is_nan(top)) || (plan->is_last && is_equal)) {                      \
                best = i;                                                                          \
                top = v;                                                                           \
            }                                                                                      \
        }                                                                                          \
        return best;                                                                               \
    }

DEFINE_SCAN(i8, int8_t, int8_t, AS_IT_IS, NEVER_NAN)
DEFINE_SCAN(i16, int16_t, int16_t, AS_IT_IS, NEVER_NAN)
DEFINE_SCAN(i32, int32_t, int32_t, AS_IT_IS, NEVER_NAN)
DEFINE_SCAN(i64, int64_t, int64_t, AS_IT_IS, NEVER_NAN)
DEFINE_SCAN(u8, uint8_t, uint8_t, AS_IT_IS, NEVER_NAN)
DEFINE_SCAN(u16, uint16_t, uint16_t, AS_IT_IS, NEVER_NAN)
DEFINE_SCAN(u32, uint32_t, uint32_t, AS_IT_IS, NEVER_NAN)
DEFINE_SCAN(u64, uint64_t, uint64_t, AS_IT_IS, NEVER_NAN)
DEFINE_SCAN(f32, float, float, AS_IT_IS, IS_NAN)
DEFINE_SCAN(f64, double, double, AS_IT_IS, IS_NAN)
DEFINE_SCAN(f16, uint16_t, float, onr_half_to_float, IS_NAN)
DEFINE_SCAN(bf16, uint16_t, float, onr_bfloat16_to_float, IS_NAN)

typedef size_t (*scan_fn)(const struct arg_plan *plan, const void *data, size_t first);

static const scan_fn scans[ONR_DTYPE_COUNT] = {
    [ONR_INT8] = scan_i8,    [ONR_INT16] = scan_i16,   [ONR_INT32] = scan_i32,
    [ONR_INT64] = scan_i64,  [ONR_UINT8] = scan_u8,    [ONR_UINT16] = scan_u16,
    [ONR_UINT32] = scan_u32, [ONR_UINT64] = scan_u64,  [ONR_FLOAT] = scan_f32,
    [ONR_DOUBLE] = scan_f64, [ONR_FLOAT16] = scan_f16, [ONR_BFLOAT16] = scan_bf16,
};

struct arg_job {
    const struct arg_plan *plan;
    const struct onr_reduce_kernels *kernels;
    const void *x;
    int64_t *y;
};

/* Rows of contiguous floats. */
static void scan_float_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct arg_job *job = arg;
    const struct arg_plan *plan = job->plan;
    onr_arg_f32_fn scan = plan->is_max ? job->kernels->arg_max_f32 : job->kernels->arg_min_f32;
    (void)worker;
    for (size_t row = begin; row < end; row++) {
        const float *x = (const float *)job->x + row * plan->view.size;
        job->y[row] = (int64_t)scan(plan->view.size, x, plan->is_last);
    }
}

static void scan_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct arg_job *job = arg;
    struct onr_axis_view view = job->plan->view;
    scan_fn scan = scans[job->plan->dtype];
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        size_t first = item / view.inner * view.size * view.inner + item % view.inner;
        job->y[item] = (int64_t)scan(job->plan, job->x, first);
    }
}

static enum onr_status arg_run(struct onr_run_ctx *ctx)
{
    const struct arg_plan *plan = ctx->plan;
    struct arg_job job = {plan, &ctx->kernels->reduce, ctx->inputs[0]->data, ctx->outputs[0]->data};
    onr_parallel_for(ctx->parallel, plan->view.outer * plan->view.inner, onr_grain(plan->view.size),
                     is_float_rows(plan) ? scan_float_rows : scan_range, &job);
    return ONR_OK;
}

static const struct onr_attr_spec arg_attrs[] = {
    {"axis", ONR_ATTR_INT, false},
    {"keepdims", ONR_ATTR_INT, false},
    {"select_last_index", ONR_ATTR_INT, false},
    {NULL, 0, false},
};
static const struct onr_param_spec arg_inputs[] = {{ONR_DTYPES_NUMERIC, 0}, {0, 0}};
static const struct onr_param_spec arg_outputs[] = {{ONR_BIT(INT64), 0}, {0, 0}};

#define ARG_ROW(op, plan_function)                                                                 \
    {                                                                                              \
        .domain = "", .name = (op), .since_version = 1, .last_version = ONR_OPSET_LATEST,          \
        .inputs = {1, 1}, .outputs = {1, 1}, .attrs = arg_attrs, .input_specs = arg_inputs,        \
        .output_specs = arg_outputs, .infer = arg_infer, .plan = (plan_function), .run = arg_run,  \
    }

extern const struct onr_op_def onr_ops_arg_reduce[];
const struct onr_op_def onr_ops_arg_reduce[] = {
    ARG_ROW("ArgMax", arg_max_plan),
    ARG_ROW("ArgMin", arg_min_plan),
    {.name = NULL},
};
