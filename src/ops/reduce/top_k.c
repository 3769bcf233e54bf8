/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TopK (ai.onnx), versions 1-9, 10, 11+.          https://onnx.ai/onnx/operators/onnx__TopK.html
 *
 * The k largest (or smallest) elements along axis and their indices, best first.
 *
 * Shapes    x: [d0..dr-1]. values, indices: the same with d(axis) = k. K: one element, rank 0 or 1.
 * Types     x, values: all numeric types. K, indices: int64.
 * Attrs     axis: int, default -1, range [-rank, rank-1]. k (before 10): int. largest, sorted
 *           (11+): int, default 1; the result is sorted in any case.
 * Edge      Of equal elements the one with the lower index comes first; 0 and -0 are equal. NaN
 *           counts as the largest element. 0 <= k <= d(axis).
 * Aliasing  none.
 */
#include "base/half.h"
#include "base/size.h"
#include "ops/common/axes.h"

#include <inttypes.h>
#include <string.h>

struct candidate {
    uint64_t key; /* larger is better */
    size_t index;
};

struct top_k_plan {
    struct onr_axis_view view;
    enum onr_dtype dtype;
    size_t k;
    bool is_largest;
    size_t worker_bytes;
};

static enum onr_status check_k(struct onr_infer_ctx *ctx, int64_t k, int64_t dim)
{
    if (k < 0 || (dim >= 0 && k > dim)) {
        return onr_infer_fail(ctx, ONR_ERR_VALUE,
                              "k is %" PRId64 ", expected 0 to %" PRId64 " (the dimension)", k,
                              dim >= 0 ? dim : INT64_MAX);
    }
    return ONR_OK;
}

static enum onr_status top_k_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    int64_t k = onr_attr_int(ctx->node, "k", ONR_DIM_UNKNOWN);
    bool is_known = ctx->node->input_count == 1;
    if (!is_known) {
        const int64_t *values = NULL;
        size_t count = 0;
        ONR_TRY(onr_infer_ints(ctx, 1, &values, &count));
        if (values != NULL && count != 1) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE, "K has %zu elements, expected 1", count);
        }
        is_known = values != NULL;
        k = is_known ? values[0] : ONR_DIM_UNKNOWN;
    }
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    int axis = 0;
    ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", -1), x->rank, &axis, ctx->err));
    if (is_known) {
        ONR_TRY(check_k(ctx, k, x->dim[axis]));
    }
    for (uint32_t i = 0; i < ctx->node->output_count; i++) {
        ctx->outputs[i].shape = *x;
        ctx->outputs[i].shape.dim[axis] = k;
    }
    return ONR_OK;
}

static enum onr_status top_k_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_fact *x = ctx->inputs[0];
    int axis = 0;
    ONR_TRY(onr_axis_check(onr_attr_int(ctx->node, "axis", -1), x->shape.rank, &axis, ctx->err));
    struct top_k_plan *plan = ONR_ARENA_NEW(ctx->arena, struct top_k_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a selection");
    }
    plan->view = onr_axis_view(&x->shape, axis);
    plan->dtype = x->dtype;
    plan->k = (size_t)ctx->outputs[0].shape.dim[axis];
    plan->is_largest = onr_attr_int(ctx->node, "largest", 1) != 0;
    if (!onr_size_mul(plan->k, sizeof(struct candidate), &plan->worker_bytes) ||
        !onr_size_mul(plan->worker_bytes, ctx->thread_count, &ctx->workspace_bytes)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "k is too large");
    }
    ctx->plan = plan;
    return ONR_OK;
}

static uint64_t float_key(double value)
{
    double positive_zero = value + 0.0;
    uint64_t bits;
    if (value != value) {
        return UINT64_MAX;
    }
    memcpy(&bits, &positive_zero, sizeof bits);
    return (bits >> 63) != 0 ? ~bits : bits | (uint64_t)1 << 63;
}

static uint64_t int_key(int64_t value)
{
    return (uint64_t)value ^ (uint64_t)1 << 63;
}

/* Maps an element to a number that orders as it does. */
static uint64_t element_key(enum onr_dtype dtype, const void *data, size_t at)
{
    switch (dtype) {
    case ONR_FLOAT:
        return float_key((double)((const float *)data)[at]);
    case ONR_DOUBLE:
        return float_key(((const double *)data)[at]);
    case ONR_FLOAT16:
        return float_key((double)onr_half_to_float(((const uint16_t *)data)[at]));
    case ONR_BFLOAT16:
        return float_key((double)onr_bfloat16_to_float(((const uint16_t *)data)[at]));
    case ONR_INT8:
        return int_key(((const int8_t *)data)[at]);
    case ONR_INT16:
        return int_key(((const int16_t *)data)[at]);
    case ONR_INT32:
        return int_key(((const int32_t *)data)[at]);
    case ONR_INT64:
        return int_key(((const int64_t *)data)[at]);
    case ONR_UINT8:
        return ((const uint8_t *)data)[at];
    case ONR_UINT16:
        return ((const uint16_t *)data)[at];
    case ONR_UINT32:
        return ((const uint32_t *)data)[at];
    default:
        return ((const uint64_t *)data)[at];
    }
}

static bool is_worse(struct candidate a, struct candidate b)
{
    return a.key < b.key || (a.key == b.key && a.index > b.index);
}

/* Moves the item at `at` down until its children are better: the worst of a heap is at its root. */
static void sift_down(struct candidate *heap, size_t count, size_t at)
{
    struct candidate item = heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count) {
            break;
        }
        if (child + 1 < count && is_worse(heap[child + 1], heap[child])) {
            child++;
        }
        if (!is_worse(heap[child], item)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = item;
}

/* Leaves the k best of one row in heap, best first. */
static void select_row(const struct top_k_plan *plan, const void *x, size_t first,
                       struct candidate *heap)
{
    uint64_t flip = plan->is_largest ? 0 : UINT64_MAX;
    for (size_t i = 0; i < plan->view.size; i++) {
        struct candidate item = {element_key(plan->dtype, x, first + i * plan->view.inner) ^ flip,
                                 i};
        if (i < plan->k) {
            heap[i] = item;
            for (size_t at = plan->k / 2; i + 1 == plan->k && at > 0; at--) {
                sift_down(heap, plan->k, at - 1);
            }
        } else if (is_worse(heap[0], item)) {
            heap[0] = item;
            sift_down(heap, plan->k, 0);
        }
    }
    for (size_t count = plan->k; count > 1; count--) {
        struct candidate worst = heap[0];
        heap[0] = heap[count - 1];
        heap[count - 1] = worst;
        sift_down(heap, count - 1, 0);
    }
}

struct top_k_job {
    const struct top_k_plan *plan;
    const char *x;
    char *values;     /* NULL: not wanted */
    int64_t *indices; /* NULL: not wanted */
    char *workspace;
};

static void select_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct top_k_job *job = arg;
    const struct top_k_plan *plan = job->plan;
    struct onr_axis_view view = plan->view;
    size_t element = onr_dtype_size(plan->dtype);
    struct candidate *heap = (void *)(job->workspace + worker * plan->worker_bytes);
    for (size_t item = begin; item < end; item++) {
        size_t outer = item / view.inner;
        size_t column = item % view.inner;
        size_t first = outer * view.size * view.inner + column;
        select_row(plan, job->x, first, heap);
        for (size_t i = 0; i < plan->k; i++) {
            size_t to = (outer * plan->k + i) * view.inner + column;
            size_t from = first + heap[i].index * view.inner;
            if (job->values != NULL) {
                memcpy(job->values + to * element, job->x + from * element, element);
            }
            if (job->indices != NULL) {
                job->indices[to] = (int64_t)heap[i].index;
            }
        }
    }
}

static enum onr_status top_k_run(struct onr_run_ctx *ctx)
{
    const struct top_k_plan *plan = ctx->plan;
    struct top_k_job job = {.plan = plan, .x = ctx->inputs[0]->data, .workspace = ctx->workspace};
    if (ctx->outputs[0] != NULL) {
        job.values = ctx->outputs[0]->data;
    }
    if (ctx->output_count > 1 && ctx->outputs[1] != NULL) {
        job.indices = ctx->outputs[1]->data;
    }
    if (plan->k > 0) {
        onr_parallel_for(ctx->parallel, plan->view.outer * plan->view.inner,
                         onr_grain(plan->view.size * 4), select_range, &job);
    }
    return ONR_OK;
}

static const struct onr_attr_spec attrs_1[] = {
    {"axis", ONR_ATTR_INT, false}, {"k", ONR_ATTR_INT, true}, {NULL, 0, false}};
static const struct onr_attr_spec attrs_10[] = {{"axis", ONR_ATTR_INT, false}, {NULL, 0, false}};
static const struct onr_attr_spec attrs_11[] = {
    {"axis", ONR_ATTR_INT, false},
    {"largest", ONR_ATTR_INT, false},
    {"sorted", ONR_ATTR_INT, false},
    {NULL, 0, false},
};
static const struct onr_param_spec top_k_inputs[] = {
    {ONR_DTYPES_NUMERIC, 1}, {ONR_BIT(INT64), 0}, {0, 0}};
static const struct onr_param_spec top_k_outputs[] = {
    {ONR_DTYPES_NUMERIC, 1}, {ONR_BIT(INT64), 0}, {0, 0}};

#define TOP_K_ROW(since, last, input_count, attributes)                                            \
    {                                                                                              \
        .domain = "", .name = "TopK", .since_version = (since), .last_version = (last),            \
        .inputs = {(input_count), (input_count)}, .outputs = {2, 2}, .attrs = (attributes),        \
        .input_specs = top_k_inputs, .output_specs = top_k_outputs, .infer = top_k_infer,          \
        .plan = top_k_plan, .run = top_k_run,                                                      \
    }

extern const struct onr_op_def onr_ops_top_k[];
const struct onr_op_def onr_ops_top_k[] = {
    TOP_K_ROW(1, 9, 1, attrs_1),
    TOP_K_ROW(10, 10, 2, attrs_10),
    TOP_K_ROW(11, ONR_OPSET_LATEST, 2, attrs_11),
    {.name = NULL},
};
