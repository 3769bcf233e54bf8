/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TensorScatter (ai.onnx), version 24. https://onnx.ai/onnx/operators/onnx__TensorScatter.html
 *
 * present_cache = past_cache, then present_cache[b.., write_indices[b] + s, ..] = update[b.., s, ..]
 *
 * Inputs    past_cache, update, write_indices?
 * Shapes    past_cache, present_cache: [B, D1, .., M, .., Dn], the axis being that of M. update: the
 *           same with S <= M. write_indices: [B], by default 0.
 * Types     all; write_indices int64.
 * Attrs     axis, default -2, not that of the batch. mode: "linear" (default), where
 *           0 <= write_indices <= M - S; "circular", where every position is taken modulo M.
 * Edge      write_indices are checked when the operator runs.
 * Aliasing  none: update may have as many bytes as the cache.
 */
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/common/copy.h"

#include <inttypes.h>
#include <string.h>

enum { IN_CACHE, IN_UPDATE, IN_START };

static const char *const modes[] = {"linear", "circular", NULL};

static enum onr_status check_axis(struct onr_error *err, const struct onr_node *node, int rank,
                                  int *axis)
{
    ONR_TRY(onr_check_axis(err, onr_attr_int(node, "axis", -2), rank, axis));
    if (*axis == 0) {
        return onr_fail(err, ONR_ERR_MODEL, "axis is that of the batch, expected a later one");
    }
    return ONR_OK;
}

static enum onr_status tensor_scatter_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *cache = &ctx->inputs[IN_CACHE]->shape;
    const struct onr_shape *update = &ctx->inputs[IN_UPDATE]->shape;
    size_t mode = 0;
    int axis = 0;
    ONR_TRY(onr_check_attr_choice(ctx->node, "mode", modes, &mode, ctx->err));
    ctx->outputs[0].shape = *cache;
    if (cache->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(check_axis(ctx->err, ctx->node, cache->rank, &axis));
    struct onr_shape want = *cache;
    want.dim[axis] = ONR_DIM_UNKNOWN;
    ONR_TRY(onr_check_dims(ctx, IN_UPDATE, "update", want.rank, want.dim));
    ONR_TRY(onr_check_dims(ctx, IN_START, "write_indices", 1, cache->dim));
    if (update->rank > axis && cache->dim[axis] >= 0 && update->dim[axis] > cache->dim[axis]) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "update has %" PRId64 " in dimension %d, expected at most %" PRId64,
                              update->dim[axis], axis, cache->dim[axis]);
    }
    return ONR_OK;
}

struct scatter_plan {
    bool is_circular;
    int64_t batch;
    size_t prefixes; /* of one item of the batch: product of the dims between it and the axis */
    int64_t cache_length;  /* M */
    int64_t update_length; /* S */
    size_t row_bytes;
};

static enum onr_status tensor_scatter_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *cache = &ctx->inputs[IN_CACHE]->shape;
    struct scatter_plan *plan = ONR_ARENA_NEW(ctx->arena, struct scatter_plan);
    size_t mode = 0;
    int axis = 0;
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of TensorScatter");
    }
    ctx->plan = plan;
    ONR_TRY(onr_check_attr_choice(ctx->node, "mode", modes, &mode, ctx->err));
    ONR_TRY(check_axis(ctx->err, ctx->node, cache->rank, &axis));
    plan->is_circular = mode == 1;
    plan->batch = cache->dim[0];
    plan->prefixes = (size_t)onr_shape_range(cache, 1, axis);
    plan->cache_length = cache->dim[axis];
    plan->update_length = ctx->inputs[IN_UPDATE]->shape.dim[axis];
    plan->row_bytes = (size_t)onr_shape_range(cache, axis + 1, cache->rank) *
                      onr_dtype_size(ctx->inputs[IN_CACHE]->dtype);
    return ONR_OK;
}

struct scatter_job {
    const struct scatter_plan *plan;
    const int64_t *starts; /* NULL: all are 0 */
    const char *update;
    char *cache;
};

/* Where the update of item b begins, in [0, M). The update is not empty. */
static int64_t start_of(const struct scatter_job *job, size_t b)
{
    int64_t start = job->starts != NULL ? job->starts[b] : 0;
    if (!job->plan->is_circular) {
        return start;
    }
    start %= job->plan->cache_length;
    return start < 0 ? start + job->plan->cache_length : start;
}

/* Items are the prefixes of all the batch. A circular update comes in two pieces. */
static void scatter_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct scatter_job *job = arg;
    const struct scatter_plan *plan = job->plan;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        int64_t start = start_of(job, item / plan->prefixes);
        size_t to_end = (size_t)(plan->cache_length - start);
        size_t rows = (size_t)plan->update_length;
        size_t first = rows < to_end ? rows : to_end;
        const char *from = job->update + item * rows * plan->row_bytes;
        char *to = job->cache + item * (size_t)plan->cache_length * plan->row_bytes;
        memcpy(to + (size_t)start * plan->row_bytes, from, first * plan->row_bytes);
        memcpy(to, from + first * plan->row_bytes, (rows - first) * plan->row_bytes);
    }
}

static enum onr_status check_starts(const struct onr_run_ctx *ctx, const struct scatter_plan *plan,
                                    const int64_t *starts)
{
    int64_t last = plan->cache_length - plan->update_length;
    for (int64_t b = 0; b < plan->batch && starts != NULL && !plan->is_circular; b++) {
        if (starts[b] < 0 || starts[b] > last) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "write_indices has %" PRId64 " at %" PRId64 ", expected 0 to %" PRId64,
                            starts[b], b, last);
        }
    }
    return ONR_OK;
}

static enum onr_status tensor_scatter_run(struct onr_run_ctx *ctx)
{
    const struct scatter_plan *plan = ctx->plan;
    struct scatter_job job = {
        .plan = plan,
        .starts = ctx->input_count > IN_START && ctx->inputs[IN_START] != NULL
                      ? ctx->inputs[IN_START]->data
                      : NULL,
        .update = ctx->inputs[IN_UPDATE]->data,
        .cache = ctx->outputs[0]->data,
    };
    ONR_TRY(check_starts(ctx, plan, job.starts));
    onr_copy_bytes(ctx->parallel, job.cache, ctx->inputs[IN_CACHE]->data,
                   onr_tensor_bytes(ctx->inputs[IN_CACHE]));
    if (onr_tensor_count(ctx->inputs[IN_UPDATE]) > 0) {
        size_t work = (size_t)plan->update_length * plan->row_bytes;
        onr_parallel_for(ctx->parallel, (size_t)plan->batch * plan->prefixes, onr_grain(work),
                         scatter_range, &job);
    }
    return ONR_OK;
}

static const struct onr_attr_spec tensor_scatter_attrs[] = {
    {"axis", ONR_ATTR_INT, false}, {"mode", ONR_ATTR_STRING, false}, {NULL, 0, false}};
static const struct onr_param_spec tensor_scatter_inputs[] = {
    {ONR_DTYPES_ALL, 1}, {ONR_DTYPES_ALL, 1}, {ONR_BIT(INT64), 0}, {0, 0}};
static const struct onr_param_spec tensor_scatter_outputs[] = {{ONR_DTYPES_ALL, 1}, {0, 0}};

extern const struct onr_op_def onr_ops_tensor_scatter[];
const struct onr_op_def onr_ops_tensor_scatter[] = {
    {.domain = "",
     .name = "TensorScatter",
     .since_version = 24,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 3},
     .outputs = {1, 1},
     .attrs = tensor_scatter_attrs,
     .input_specs = tensor_scatter_inputs,
     .output_specs = tensor_scatter_outputs,
     .infer = tensor_scatter_infer,
     .plan = tensor_scatter_plan,
     .run = tensor_scatter_run},
    {.name = NULL},
};
