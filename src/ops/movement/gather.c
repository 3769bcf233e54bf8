/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gather (ai.onnx)                               https://onnx.ai/onnx/operators/onnx__Gather.html
 *
 * y[o, j.., i] = x[o, indices[j..], i], where o are the dimensions before `axis` and i those after.
 *
 * Shapes    x: rank >= 1; y: dims before axis + dims of indices + dims after axis. A scalar index
 *           removes the axis.
 * Types     all; indices int32 or int64.
 * Attrs     axis, default 0.
 * Edge      negative indices count from the end, in all versions; those out of range are an error
 *           at run time. Symbols known indices into 1-D contents give contents.
 */
#include "kernels/kernels.h"
#include "ops/common/contents.h"
#include "ops/common/index.h"

/* Bytes from which on a second thread pays. */
#define GRAIN_BYTES ((size_t)1 << 16)

static enum onr_status gather_contents(struct onr_infer_ctx *ctx)
{
    size_t dim = 0;
    size_t count = 0;
    const struct onr_sint *from = onr_contents_peek(ctx, 0, &dim);
    const struct onr_sint *picks = onr_contents_peek(ctx, 1, &count);
    if (from == NULL || picks == NULL || count > ONR_MAX_CONTENTS) {
        return ONR_OK;
    }
    struct onr_sint *to = ONR_ARENA_ARRAY(ctx->arena, count + 1, struct onr_sint);
    if (to == NULL) {
        return onr_fail_memory(ctx->err, "contents of a gather");
    }
    for (size_t i = 0; i < count; i++) {
        int64_t index = onr_index_wrap(picks[i].value, (int64_t)dim);
        if (picks[i].dim != 0 || index < 0 || index >= (int64_t)dim) {
            return ONR_OK; /* an index that is out of range is reported by run */
        }
        to[i] = from[index];
    }
    ctx->outputs[0].contents = to;
    return ONR_OK;
}

static enum onr_status gather_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *indices = &ctx->inputs[1]->shape;
    struct onr_shape *y = &ctx->outputs[0].shape;
    int axis = 0;
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", 0), x->rank, &axis));
    if (indices->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(onr_check_max_rank(ctx->err, (size_t)(x->rank - 1 + indices->rank)));
    y->rank = 0;
    for (int i = 0; i < axis; i++) {
        y->dim[y->rank++] = x->dim[i];
    }
    for (int i = 0; i < indices->rank; i++) {
        y->dim[y->rank++] = indices->dim[i];
    }
    for (int i = axis + 1; i < x->rank; i++) {
        y->dim[y->rank++] = x->dim[i];
    }
    return x->rank == 1 && y->rank <= 1 ? gather_contents(ctx) : ONR_OK;
}

struct gather_plan {
    int64_t dim;        /* of the axis */
    size_t count;       /* of indices */
    size_t rows;        /* outer * count */
    size_t block_bytes; /* of the dims after the axis */
    bool is_element;    /* a block has the size of one */
};

static enum onr_status gather_make_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct gather_plan *plan = ONR_ARENA_NEW(ctx->arena, struct gather_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of Gather");
    }
    int axis = 0;
    ONR_TRY(onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", 0), x->rank, &axis));
    plan->dim = x->dim[axis];
    plan->count = (size_t)onr_shape_count(&ctx->inputs[1]->shape);
    plan->rows = (size_t)onr_shape_range(x, 0, axis) * plan->count;
    plan->block_bytes =
        (size_t)onr_shape_range(x, axis + 1, x->rank) * onr_dtype_size(ctx->inputs[0]->dtype);
    plan->is_element =
        plan->block_bytes <= 16 && (plan->block_bytes & (plan->block_bytes - 1)) == 0;
    ctx->plan = plan;
    return ONR_OK;
}

/* So many indices pay for a look at all of them for each row. */
#define LEAST_INDICES 8

/* Indices that are checked and used together, while they are in the first level cache. */
#define BLOCK 256

struct gather_task {
    const struct gather_plan *plan;
    const struct onr_kernels *kernels;
    const struct onr_tensor *indices;
    const char *x;
    char *y;
};

/* Each index, for all that stands before the axis: few of them, into elements. */
static void gather_columns(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct gather_task *task = arg;
    const struct gather_plan *plan = task->plan;
    size_t bytes = plan->block_bytes;
    (void)worker;
    for (size_t i = 0; i < plan->count; i++) {
        int64_t index = onr_index_wrap(onr_index_at(task->indices, i), plan->dim);
        size_t from = begin * (size_t)plan->dim + (size_t)index;
        task->kernels->move.copy_strided[onr_move_size_index(bytes)](
            end - begin, task->y + (begin * plan->count + i) * bytes, (int64_t)plan->count,
            task->x + from * bytes, plan->dim);
    }
}

/* Indices [first, first + count) into what lies at x. */
static void gather_blocks(const struct gather_task *task, const char *x, size_t first, size_t count,
                          char *y)
{
    const struct gather_plan *plan = task->plan;
    size_t bytes = plan->block_bytes;
    if (plan->is_element) {
        int64_t buffer[BLOCK];
        (void)task->kernels->move.gather[onr_move_size_index(bytes)](
            count, y, x, 0, onr_index_read(task->indices, first, count, buffer), plan->dim, 1);
        return; /* the indices have been checked */
    }
    for (size_t i = 0; i < count; i++) {
        int64_t index = onr_index_wrap(onr_index_at(task->indices, first + i), plan->dim);
        memcpy(y + i * bytes, x + (size_t)index * bytes, bytes);
    }
}

static void gather_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct gather_task *task = arg;
    const struct gather_plan *plan = task->plan;
    size_t bytes = plan->block_bytes;
    (void)worker;
    while (begin < end) {
        size_t first = begin % plan->count;
        size_t count = plan->count - first < end - begin ? plan->count - first : end - begin;
        count = count < BLOCK ? count : BLOCK;
        gather_blocks(task, task->x + begin / plan->count * (size_t)plan->dim * bytes, first, count,
                      task->y + begin * bytes);
        begin += count;
    }
}

static enum onr_status gather_run(struct onr_run_ctx *ctx)
{
    const struct gather_plan *plan = ctx->plan;
    ONR_TRY(onr_check_indices(ctx->err, ctx->inputs[1], plan->dim));
    if (plan->rows == 0 || plan->block_bytes == 0) {
        return ONR_OK;
    }
    struct gather_task task = {.plan = plan,
                               .kernels = ctx->kernels,
                               .indices = ctx->inputs[1],
                               .x = ctx->inputs[0]->data,
                               .y = ctx->outputs[0]->data};
    if (plan->is_element && plan->count < LEAST_INDICES) {
        size_t row_bytes = plan->block_bytes * plan->count;
        onr_parallel_for(ctx->parallel, plan->rows / plan->count, GRAIN_BYTES / row_bytes + 1,
                         gather_columns, &task);
    } else {
        onr_parallel_for(ctx->parallel, plan->rows, GRAIN_BYTES / plan->block_bytes + 1,
                         gather_rows, &task);
    }
    return ONR_OK;
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec gather_inputs[] = {
    {ONR_DTYPES_ALL, 1}, {ONR_DTYPES_INDEX, 0}, {0}};
static const struct onr_attr_spec axis_attrs[] = {{"axis", ONR_ATTR_INT, false}, {0}};

extern const struct onr_op_def onr_ops_gather[];
const struct onr_op_def onr_ops_gather[] = {
    {.domain = "",
     .name = "Gather",
     .since_version = 1,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .attrs = axis_attrs,
     .input_specs = gather_inputs,
     .output_specs = any_specs,
     .traits = ONR_TRAIT_PICKS,
     .infer = gather_infer,
     .plan = gather_make_plan,
     .run = gather_run},
    {.name = NULL},
};
