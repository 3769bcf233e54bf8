/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GatherElements, GatherND (ai.onnx) https://onnx.ai/onnx/operators/onnx__GatherElements.html
 *
 * GatherElements: y[i0..] = x[i0.., indices[i0..], ..], the index standing in for i[axis].
 * GatherND:       y[b.., j.., i..] = x[b.., indices[b.., j.., :], i..], b being the first
 * batch_dims dimensions.
 *
 * Shapes    GatherElements: y as indices, whose rank is that of x and which off the axis do not
 *           exceed x. GatherND: indices [b.., j.., k] -> [b.., j.., dims of x after the first
 *           batch_dims + k].
 * Types     all; indices int32 (GatherElements) or int64.
 * Attrs     GatherElements: axis, default 0. GatherND: batch_dims (12+), default 0.
 * Edge      negative indices count from the end; those out of range are an error at run time.
 */
#include "ops/movement/gather_elements.h"

#include "kernels/kernels.h"
#include "ops/common/contents.h"
#include "ops/common/index.h"

#include <inttypes.h>

/* Bytes from which on a second thread pays. */
#define GRAIN_BYTES ((size_t)1 << 16)

enum onr_status onr_check_elements(const struct onr_infer_ctx *ctx, int axis,
                                   const struct onr_shape *x, const struct onr_shape *indices)
{
    for (int i = 0; i < indices->rank; i++) {
        if (i != axis && x->dim[i] >= 0 && indices->dim[i] > x->dim[i]) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "indices have %" PRId64
                                  " in dimension %d, expected at most %" PRId64,
                                  indices->dim[i], i, x->dim[i]);
        }
    }
    return ONR_OK;
}

static enum onr_status gather_elements_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *indices = &ctx->inputs[1]->shape;
    int axis = 0;
    ctx->outputs[0].shape = *indices;
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", 0), x->rank, &axis));
    ONR_TRY(onr_check_rank(ctx, 1, x->rank));
    return onr_check_elements(ctx, axis, x, indices);
}

struct elements_plan {
    int axis;
    int64_t x_stride[ONR_MAX_RANK];
};

static enum onr_status gather_elements_plan(struct onr_plan_ctx *ctx)
{
    struct elements_plan *plan = ONR_ARENA_NEW(ctx->arena, struct elements_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of GatherElements");
    }
    ONR_TRY(onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", 0), ctx->inputs[0]->shape.rank,
                           &plan->axis));
    onr_shape_strides(&ctx->inputs[0]->shape, plan->x_stride);
    ctx->plan = plan;
    return ONR_OK;
}

/* Indices that are checked and used together, while they are in the first level cache. */
#define BLOCK 256

struct elements_job {
    const struct onr_run_ctx *ctx;
    bool is_out_of_range[ONR_MAX_THREADS]; /* an index that the worker met */
};

/* One row of the last dimension of indices; base is the element of x that all its indices 0 mean.
 * False when an index is out of range. */
static bool gather_elements_row(const struct onr_run_ctx *ctx, size_t row, int64_t base)
{
    const struct elements_plan *plan = ctx->plan;
    const struct onr_tensor *x = ctx->inputs[0];
    const struct onr_shape *shape = &ctx->inputs[1]->shape;
    size_t length = (size_t)shape->dim[shape->rank - 1];
    size_t size = onr_dtype_size(x->dtype);
    int64_t step = plan->axis == shape->rank - 1 ? 0 : 1;
    onr_gather_fn gather = ctx->kernels->move.gather[onr_move_size_index(size)];
    int64_t buffer[BLOCK];
    for (size_t i = 0; i < length; i += BLOCK) {
        size_t count = length - i < BLOCK ? length - i : BLOCK;
        size_t first = row * length + i;
        if (!gather(count, (char *)ctx->outputs[0]->data + first * size,
                    (const char *)x->data + ((size_t)base + i * (size_t)step) * size, step,
                    onr_index_read(ctx->inputs[1], first, count, buffer), x->shape.dim[plan->axis],
                    plan->x_stride[plan->axis])) {
            return false;
        }
    }
    return true;
}

static void gather_elements_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    struct elements_job *job = arg;
    const struct elements_plan *plan = job->ctx->plan;
    const struct onr_shape *shape = &job->ctx->inputs[1]->shape;
    for (size_t row = begin; row < end; row++) {
        int64_t base = 0;
        size_t rest = row;
        for (int d = shape->rank - 2; d >= 0; d--) {
            int64_t i = (int64_t)(rest % (size_t)shape->dim[d]);
            rest /= (size_t)shape->dim[d];
            base += d == plan->axis ? 0 : i * plan->x_stride[d];
        }
        if (!gather_elements_row(job->ctx, row, base)) {
            job->is_out_of_range[worker] = true;
        }
    }
}

static enum onr_status gather_elements_run(struct onr_run_ctx *ctx)
{
    const struct elements_plan *plan = ctx->plan;
    const struct onr_shape *shape = &ctx->inputs[1]->shape;
    struct elements_job job = {.ctx = ctx};
    if (onr_tensor_count(ctx->inputs[1]) == 0) {
        return ONR_OK;
    }
    size_t rows = (size_t)onr_shape_range(shape, 0, shape->rank - 1);
    size_t row_bytes = (size_t)shape->dim[shape->rank - 1] * onr_dtype_size(ctx->inputs[0]->dtype);
    onr_parallel_for(ctx->parallel, rows, GRAIN_BYTES / row_bytes + 1, gather_elements_rows, &job);
    for (size_t i = 0; i < ONR_MAX_THREADS; i++) {
        if (job.is_out_of_range[i]) {
            return onr_check_indices(ctx->err, ctx->inputs[1],
                                     ctx->inputs[0]->shape.dim[plan->axis]);
        }
    }
    return ONR_OK;
}

static enum onr_status check_batch_dims(struct onr_infer_ctx *ctx, int batch)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *indices = &ctx->inputs[1]->shape;
    for (int i = 0; i < batch; i++) {
        if (x->dim[i] >= 0 && indices->dim[i] >= 0 && x->dim[i] != indices->dim[i]) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "batch dimension %d is %" PRId64 " and %" PRId64, i, x->dim[i],
                                  indices->dim[i]);
        }
    }
    return ONR_OK;
}

static enum onr_status gather_nd_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *indices = &ctx->inputs[1]->shape;
    struct onr_shape *y = &ctx->outputs[0].shape;
    int64_t batch = onr_attr_int(ctx->node, "batch_dims", 0);
    if (x->rank == ONR_RANK_UNKNOWN || indices->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (batch < 0 || batch >= x->rank || batch >= indices->rank) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "batch_dims is %" PRId64 ", input ranks are %d and %d", batch,
                              x->rank, indices->rank);
    }
    ONR_TRY(check_batch_dims(ctx, (int)batch));
    int64_t k = indices->dim[indices->rank - 1];
    if (k < 0) {
        return ONR_OK;
    }
    if (k > x->rank - batch) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "index tuples have %" PRId64 " entries for a rank of %d", k,
                              x->rank - (int)batch);
    }
    int first = (int)batch + (int)k;
    ONR_TRY(onr_check_max_rank(ctx->err, (size_t)(indices->rank - 1 + x->rank - first)));
    y->rank = 0;
    for (int i = 0; i < indices->rank - 1; i++) {
        y->dim[y->rank++] = indices->dim[i];
    }
    for (int i = first; i < x->rank; i++) {
        y->dim[y->rank++] = x->dim[i];
    }
    return ONR_OK;
}

struct nd_plan {
    int64_t dim[ONR_MAX_RANK];    /* [k] dimensions that a tuple indexes */
    int64_t stride[ONR_MAX_RANK]; /* [k] in blocks */
    size_t k;
    size_t tuples;           /* in all */
    size_t tuples_per_batch; /* of one index b */
    size_t batch_blocks;     /* blocks of x for one b */
    size_t block_bytes;
};

static enum onr_status gather_nd_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *indices = &ctx->inputs[1]->shape;
    struct nd_plan *plan = ONR_ARENA_NEW(ctx->arena, struct nd_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of GatherND");
    }
    int batch = (int)onr_attr_int(ctx->node, "batch_dims", 0);
    int k = (int)indices->dim[indices->rank - 1];
    int64_t blocks = 1;
    for (int i = k - 1; i >= 0; i--) {
        plan->dim[i] = x->dim[batch + i];
        plan->stride[i] = blocks;
        blocks *= plan->dim[i];
    }
    plan->k = (size_t)k;
    plan->tuples = (size_t)onr_shape_range(indices, 0, indices->rank - 1);
    plan->tuples_per_batch = (size_t)onr_shape_range(indices, batch, indices->rank - 1);
    plan->batch_blocks = (size_t)blocks;
    plan->block_bytes =
        (size_t)onr_shape_range(x, batch + k, x->rank) * onr_dtype_size(ctx->inputs[0]->dtype);
    ctx->plan = plan;
    return ONR_OK;
}

static void gather_nd_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct onr_run_ctx *ctx = arg;
    const struct nd_plan *plan = ctx->plan;
    const char *x = ctx->inputs[0]->data;
    char *y = ctx->outputs[0]->data;
    for (size_t tuple = begin; tuple < end; tuple++) {
        size_t block = tuple / plan->tuples_per_batch * plan->batch_blocks;
        for (size_t j = 0; j < plan->k; j++) {
            int64_t index = onr_index_at(ctx->inputs[1], tuple * plan->k + j);
            block += (size_t)(onr_index_wrap(index, plan->dim[j]) * plan->stride[j]);
        }
        memcpy(y + tuple * plan->block_bytes, x + block * plan->block_bytes, plan->block_bytes);
    }
}

static enum onr_status gather_nd_run(struct onr_run_ctx *ctx)
{
    const struct nd_plan *plan = ctx->plan;
    if (plan->k > 0) {
        ONR_TRY(onr_check_index_tuples(ctx->err, ctx->inputs[1], plan->dim, plan->k));
    }
    if (plan->tuples > 0 && plan->block_bytes > 0) {
        onr_parallel_for(ctx->parallel, plan->tuples, GRAIN_BYTES / plan->block_bytes + 1,
                         gather_nd_range, ctx);
    }
    return ONR_OK;
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec elements_inputs[] = {
    {ONR_DTYPES_ALL, 1}, {ONR_DTYPES_INDEX, 0}, {0}};
static const struct onr_param_spec nd_inputs[] = {{ONR_DTYPES_ALL, 1}, {ONR_BIT(INT64), 0}, {0}};
static const struct onr_attr_spec axis_attrs[] = {{"axis", ONR_ATTR_INT, false}, {0}};
static const struct onr_attr_spec batch_attrs[] = {{"batch_dims", ONR_ATTR_INT, false}, {0}};

#define GATHER_ND_ROW(first, last, attr_specs)                                                     \
    {                                                                                              \
        .domain = "", .name = "GatherND", .since_version = (first), .last_version = (last),        \
        .inputs = {2, 2}, .outputs = {1, 1}, .attrs = (attr_specs), .input_specs = nd_inputs,      \
        .output_specs = any_specs, .traits = ONR_TRAIT_PICKS, .infer = gather_nd_infer,            \
        .plan = gather_nd_plan, .run = gather_nd_run, .kernel = ONR_KERNEL_AT(move.gather)         \
    }

extern const struct onr_op_def onr_ops_gather_elements[];
const struct onr_op_def onr_ops_gather_elements[] = {
    {.domain = "",
     .name = "GatherElements",
     .since_version = 11,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .attrs = axis_attrs,
     .input_specs = elements_inputs,
     .output_specs = any_specs,
     .traits = ONR_TRAIT_PICKS,
     .infer = gather_elements_infer,
     .plan = gather_elements_plan,
     .run = gather_elements_run,
     .kernel = ONR_KERNEL_AT(move.gather)},
    GATHER_ND_ROW(11, 11, NULL),
    GATHER_ND_ROW(12, ONR_OPSET_LATEST, batch_attrs),
    {.name = NULL},
};
