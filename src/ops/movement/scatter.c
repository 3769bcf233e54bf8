/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ScatterElements, Scatter, ScatterND (ai.onnx)
 * https://onnx.ai/onnx/operators/onnx__ScatterElements.html
 *
 * y = x, then in the order of updates:
 * ScatterElements: y[i0.., indices[i0..], ..] = updates[i0..], the index standing in for i[axis].
 * ScatterND:       y[indices[j.., :], i..] = updates[j.., i..].
 *
 * Shapes    ScatterElements: updates as indices, whose rank is that of x and which off the axis do
 *           not exceed x. ScatterND: indices [j.., k], updates [j.., dims of x after the first k].
 *           Types all; with a reduction numbers and bool. indices int32 (ScatterElements) or int64.
 * Attrs     axis, default 0; reduction "none" (default), "add", "mul" (16+), "max", "min" (18+).
 * Edge      negative indices count from the end; those out of range are an error at run time. Of
 *           updates of the same element the last one stays, or all are reduced in order: so updates
 *           are done by one thread, but those of ScatterND whose places rise from each to the next.
 */
#include "base/size.h"
#include "ops/common/axes.h"
#include "ops/common/contents.h"
#include "ops/common/copy.h"
#include "ops/common/index.h"
#include "ops/movement/gather_elements.h"
#include "ops/movement/scatter_reduce.h"

#include <inttypes.h>

static enum onr_status check_reduction(struct onr_infer_ctx *ctx)
{
    onr_combine_fn combine;
    return onr_scatter_reduction(ctx->node, ctx->inputs[0]->dtype, &combine, ctx->err);
}

static enum onr_status fail_updates(struct onr_infer_ctx *ctx, int i, int64_t got, int64_t want)
{
    return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                          "updates have %" PRId64 " in dimension %d, expected %" PRId64, got, i,
                          want);
}

static enum onr_status scatter_elements_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *indices = &ctx->inputs[1]->shape;
    const struct onr_shape *updates = &ctx->inputs[2]->shape;
    int axis = 0;
    ONR_TRY(check_reduction(ctx));
    ctx->outputs[0].shape = *x;
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", 0), x->rank, &axis));
    ONR_TRY(onr_check_rank(ctx, 1, x->rank));
    ONR_TRY(onr_check_rank(ctx, 2, x->rank));
    ONR_TRY(onr_check_elements(ctx, axis, x, indices));
    for (int i = 0; i < indices->rank; i++) {
        if (updates->rank == indices->rank && indices->dim[i] >= 0 && updates->dim[i] >= 0 &&
            indices->dim[i] != updates->dim[i]) {
            return fail_updates(ctx, i, updates->dim[i], indices->dim[i]);
        }
    }
    return ONR_OK;
}

struct elements_plan {
    onr_combine_fn combine;
    int axis;
    int64_t stride[ONR_MAX_RANK]; /* of y */
};

static enum onr_status scatter_elements_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct elements_plan *plan = ONR_ARENA_NEW(ctx->arena, struct elements_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of ScatterElements");
    }
    ONR_TRY(onr_scatter_reduction(ctx->node, ctx->inputs[0]->dtype, &plan->combine, ctx->err));
    ONR_TRY(onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", 0), x->rank, &plan->axis));
    onr_shape_strides(x, plan->stride);
    ctx->plan = plan;
    return ONR_OK;
}

/* One row, of the last dimension of indices, into y at offset `base`. */
static void scatter_row(const struct onr_run_ctx *ctx, size_t row, int64_t base)
{
    const struct elements_plan *plan = ctx->plan;
    const struct onr_tensor *indices = ctx->inputs[1];
    int last = indices->shape.rank - 1;
    size_t length = (size_t)indices->shape.dim[last];
    size_t size = onr_dtype_size(ctx->inputs[0]->dtype);
    int64_t dim = ctx->inputs[0]->shape.dim[plan->axis];
    int64_t along = plan->axis == last ? 0 : 1;
    const char *updates = ctx->inputs[2]->data;
    char *y = ctx->outputs[0]->data;
    for (size_t i = 0; i < length; i++) {
        int64_t index = onr_index_wrap(onr_index_at(indices, row * length + i), dim);
        int64_t to = base + index * plan->stride[plan->axis] + (int64_t)i * along;
        const char *update = updates + (row * length + i) * size;
        if (plan->combine != NULL) {
            plan->combine(1, update, y + (size_t)to * size);
        } else {
            onr_copy_element(y + (size_t)to * size, update, size);
        }
    }
}

static enum onr_status scatter_elements_run(struct onr_run_ctx *ctx)
{
    const struct elements_plan *plan = ctx->plan;
    const struct onr_shape *shape = &ctx->inputs[1]->shape;
    ONR_TRY(onr_check_indices(ctx->err, ctx->inputs[1], ctx->inputs[0]->shape.dim[plan->axis]));
    onr_copy_bytes(ctx->parallel, ctx->outputs[0]->data, ctx->inputs[0]->data,
                   onr_tensor_bytes(ctx->inputs[0]));
    if (onr_tensor_count(ctx->inputs[1]) == 0) {
        return ONR_OK;
    }
    size_t rows = (size_t)onr_shape_range(shape, 0, shape->rank - 1);
    for (size_t row = 0; row < rows; row++) {
        int64_t base = 0;
        size_t rest = row;
        for (int d = shape->rank - 2; d >= 0; d--) {
            int64_t i = (int64_t)(rest % (size_t)shape->dim[d]);
            rest /= (size_t)shape->dim[d];
            base += d == plan->axis ? 0 : i * plan->stride[d];
        }
        scatter_row(ctx, row, base);
    }
    return ONR_OK;
}

static enum onr_status check_nd_updates(struct onr_infer_ctx *ctx, int k)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *indices = &ctx->inputs[1]->shape;
    const struct onr_shape *updates = &ctx->inputs[2]->shape;
    int tuple_rank = indices->rank - 1;
    ONR_TRY(onr_check_rank(ctx, 2, tuple_rank + x->rank - k));
    for (int i = 0; i < updates->rank; i++) {
        int64_t want = i < tuple_rank ? indices->dim[i] : x->dim[k + i - tuple_rank];
        if (want >= 0 && updates->dim[i] >= 0 && want != updates->dim[i]) {
            return fail_updates(ctx, i, updates->dim[i], want);
        }
    }
    return ONR_OK;
}

static enum onr_status scatter_nd_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *indices = &ctx->inputs[1]->shape;
    ONR_TRY(check_reduction(ctx));
    ctx->outputs[0].shape = *x;
    if (x->rank == ONR_RANK_UNKNOWN || indices->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (indices->rank < 1) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "indices are a scalar, expected rank 1 or more");
    }
    int64_t k = indices->dim[indices->rank - 1];
    if (k > x->rank) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "index tuples have %" PRId64 " entries for a rank of %d", k, x->rank);
    }
    return k >= 0 ? check_nd_updates(ctx, (int)k) : ONR_OK;
}

struct nd_plan {
    onr_combine_fn combine;
    size_t k;
    size_t tuples;
    size_t chunks;                /* of tuples */
    size_t block_count;           /* elements of one update */
    int64_t stride[ONR_MAX_RANK]; /* [k] in elements */
};

static enum onr_status scatter_nd_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *indices = &ctx->inputs[1]->shape;
    struct nd_plan *plan = ONR_ARENA_NEW(ctx->arena, struct nd_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of ScatterND");
    }
    ONR_TRY(onr_scatter_reduction(ctx->node, ctx->inputs[0]->dtype, &plan->combine, ctx->err));
    plan->k = (size_t)indices->dim[indices->rank - 1];
    plan->tuples = (size_t)onr_shape_range(indices, 0, indices->rank - 1);
    plan->block_count = (size_t)onr_shape_range(x, (int)plan->k, x->rank);
    if (plan->k == 0 && plan->block_count == 0) {
        plan->tuples = 0; /* they take no memory, however many they are */
    }
    onr_shape_strides(x, plan->stride);
    ctx->plan = plan;
    plan->chunks = onr_size_divide_up(plan->tuples, ONR_INDEX_CHUNK);
    if (!onr_size_mul(plan->tuples, sizeof(size_t), &ctx->workspace_bytes)) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "%zu index tuples are too many", plan->tuples);
    }
    ctx->workspace_bytes += plan->chunks;
    return ONR_OK;
}

/* What is found of the tuples of a chunk: a byte each in the workspace, behind the places of all tuples. */
enum { OUT_OF_RANGE, IN_RANGE, RISING };

/* Where count tuples from `first` on, at most ONR_INDEX_CHUNK, put their updates: elements of y. False when
 * one is out of range. */
static bool find_places(const struct onr_run_ctx *ctx, size_t first, size_t count, size_t *places)
{
    const struct nd_plan *plan = ctx->plan;
    const int64_t *indices = (const int64_t *)ctx->inputs[1]->data + first * plan->k;
    bool is_each = true;
    memset(places, 0, count * sizeof *places);
    for (size_t j = 0; j < plan->k; j++) {
        int64_t dim = ctx->inputs[0]->shape.dim[j];
        size_t stride = (size_t)plan->stride[j];
        for (size_t i = 0; i < count; i++) {
            int64_t index = indices[i * plan->k + j];
            is_each &= (uint64_t)index + (uint64_t)dim < 2 * (uint64_t)dim;
            places[i] += (size_t)onr_index_wrap(index, dim) * stride;
        }
    }
    return is_each;
}

/* Looks at chunks [begin, end): whether their places rise, from that of the tuple before on. */
static void look_at_chunks(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct onr_run_ctx *ctx = arg;
    const struct nd_plan *plan = ctx->plan;
    size_t *places = ctx->workspace;
    unsigned char *found = (unsigned char *)(places + plan->tuples);
    (void)worker;
    for (size_t c = begin; c < end; c++) {
        size_t first = c * ONR_INDEX_CHUNK;
        size_t last = onr_size_min(first + ONR_INDEX_CHUNK, plan->tuples);
        size_t before = 0;
        bool is_each = find_places(ctx, first, last - first, places + first);
        bool is_rising =
            c == 0 || (find_places(ctx, first - 1, 1, &before) && before < places[first]);
        for (size_t i = first + 1; i < last; i++) {
            is_rising &= places[i - 1] < places[i];
        }
        found[c] = !is_each ? OUT_OF_RANGE : is_rising ? RISING : IN_RANGE;
    }
}

/* Updates of `count` places; those of places side by side are copied together. */
static void put_updates(const struct nd_plan *plan, const char *updates, const size_t *places,
                        size_t count, size_t size, char *y)
{
    size_t block = plan->block_count;
    for (size_t i = 0; i < count;) {
        size_t end = i + 1;
        while (end < count && places[end] == places[end - 1] + block) {
            end++;
        }
        size_t elements = (end - i) * block;
        if (plan->combine != NULL) {
            plan->combine(elements, updates + i * block * size, y + places[i] * size);
        } else if (elements == 1) {
            onr_copy_element(y + places[i] * size, updates + i * size, size);
        } else {
            memcpy(y + places[i] * size, updates + i * block * size, elements * size);
        }
        i = end;
    }
}

static void put_chunks(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct onr_run_ctx *ctx = arg;
    const struct nd_plan *plan = ctx->plan;
    size_t size = onr_dtype_size(ctx->inputs[0]->dtype);
    size_t first = begin * ONR_INDEX_CHUNK;
    size_t last = onr_size_min(end * ONR_INDEX_CHUNK, plan->tuples);
    (void)worker;
    put_updates(plan, (const char *)ctx->inputs[2]->data + first * plan->block_count * size,
                (const size_t *)ctx->workspace + first, last - first, size, ctx->outputs[0]->data);
}

static enum onr_status scatter_nd_run(struct onr_run_ctx *ctx)
{
    const struct nd_plan *plan = ctx->plan;
    const unsigned char *found =
        (const unsigned char *)((const size_t *)ctx->workspace + plan->tuples);
    bool is_rising = true;
    onr_parallel_for(ctx->parallel, plan->chunks, onr_grain(ONR_INDEX_CHUNK * (plan->k + 1)),
                     look_at_chunks, ctx);
    for (size_t c = 0; c < plan->chunks; c++) {
        if (found[c] == OUT_OF_RANGE) {
            return onr_check_index_tuples(ctx->err, ctx->inputs[1], ctx->inputs[0]->shape.dim,
                                          plan->k);
        }
        is_rising = is_rising && found[c] == RISING;
    }
    onr_copy_bytes(ctx->parallel, ctx->outputs[0]->data, ctx->inputs[0]->data,
                   onr_tensor_bytes(ctx->inputs[0]));
    if (plan->block_count == 0) {
        return ONR_OK;
    }
    if (is_rising) {
        onr_parallel_for(ctx->parallel, plan->chunks,
                         onr_grain(ONR_INDEX_CHUNK * (plan->k + plan->block_count)), put_chunks,
                         ctx);
    } else {
        put_chunks(ctx, 0, plan->chunks, 0);
    }
    return ONR_OK;
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec elements_inputs[] = {
    {ONR_DTYPES_ALL, 1}, {ONR_DTYPES_INDEX, 0}, {ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec nd_inputs[] = {
    {ONR_DTYPES_ALL, 1}, {ONR_BIT(INT64), 0}, {ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_attr_spec axis_attrs[] = {{"axis", ONR_ATTR_INT, false}, {0}};
static const struct onr_attr_spec elements_attrs[] = {
    {"axis", ONR_ATTR_INT, false}, {"reduction", ONR_ATTR_STRING, false}, {0}};
static const struct onr_attr_spec nd_attrs[] = {{"reduction", ONR_ATTR_STRING, false}, {0}};

#define SCATTER_ROW(op, first, last, specs, attr_specs, prefix)                                    \
    {                                                                                              \
        .domain = "", .name = (op), .since_version = (first), .last_version = (last),              \
        .inputs = {3, 3}, .outputs = {1, 1}, .attrs = (attr_specs), .input_specs = (specs),        \
        .output_specs = any_specs, .infer = prefix##_infer, .plan = prefix##_plan,                 \
        .run = prefix##_run                                                                        \
    }

extern const struct onr_op_def onr_ops_scatter[];
const struct onr_op_def onr_ops_scatter[] = {
    SCATTER_ROW("Scatter", 9, 10, elements_inputs, axis_attrs, scatter_elements),
    SCATTER_ROW("ScatterElements", 11, 15, elements_inputs, axis_attrs, scatter_elements),
    SCATTER_ROW("ScatterElements", 16, ONR_OPSET_LATEST, elements_inputs, elements_attrs,
                scatter_elements),
    SCATTER_ROW("ScatterND", 11, 15, nd_inputs, NULL, scatter_nd),
    SCATTER_ROW("ScatterND", 16, ONR_OPSET_LATEST, nd_inputs, nd_attrs, scatter_nd),
    {.name = NULL},
};
