/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ReverseSequence (ai.onnx) https://onnx.ai/onnx/operators/onnx__ReverseSequence.html
 *
 * y[t, b, ..] = x[sequence_lens[b] - 1 - t, b, ..] for t < sequence_lens[b], else x[t, b, ..].
 *
 * Shapes    x of rank >= 2 -> the same; sequence_lens [batch].
 * Types     all; sequence_lens int64.
 * Attrs     time_axis, default 0, and batch_axis, default 1: one is 0, the other 1.
 * Edge      a length below 0 or above the time dimension is an error at run time.
 */
#include "ops/common/contents.h"
#include "ops/common/index.h"

#include <inttypes.h>

/* Bytes from which on a second thread pays. */
#define GRAIN_BYTES ((size_t)1 << 16)

static enum onr_status reverse_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    int64_t time = onr_attr_int(ctx->node, "time_axis", 0);
    int64_t batch = onr_attr_int(ctx->node, "batch_axis", 1);
    int64_t length = onr_list_length(ctx, 1);
    if ((time != 0 && time != 1) || batch != 1 - time) {
        return onr_infer_fail(
            ctx, ONR_ERR_MODEL,
            "time_axis is %" PRId64 " and batch_axis %" PRId64 ", expected 0 and 1", time, batch);
    }
    ONR_TRY(onr_check_rank(ctx, 1, 1));
    if (x->rank != ONR_RANK_UNKNOWN && x->rank < 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input 0 has rank %d, expected at least 2",
                              x->rank);
    }
    if (x->rank != ONR_RANK_UNKNOWN && length >= 0 && x->dim[batch] >= 0 &&
        length != x->dim[batch]) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "%" PRId64 " sequence_lens for a batch of %" PRId64, length,
                              x->dim[batch]);
    }
    ctx->outputs[0].shape = *x;
    return ONR_OK;
}

struct reverse_plan {
    bool is_time_first;
    size_t block_bytes; /* of the dimensions after the first two */
};

static enum onr_status reverse_make_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct reverse_plan *plan = ONR_ARENA_NEW(ctx->arena, struct reverse_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of ReverseSequence");
    }
    plan->is_time_first = onr_attr_int(ctx->node, "time_axis", 0) == 0;
    plan->block_bytes =
        (size_t)onr_shape_range(x, 2, x->rank) * onr_dtype_size(ctx->inputs[0]->dtype);
    ctx->plan = plan;
    return ONR_OK;
}

static void reverse_blocks(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct onr_run_ctx *ctx = arg;
    const struct reverse_plan *plan = ctx->plan;
    const int64_t *lengths = ctx->inputs[1]->data;
    const char *x = ctx->inputs[0]->data;
    char *y = ctx->outputs[0]->data;
    size_t inner = (size_t)ctx->inputs[0]->shape.dim[1];
    for (size_t i = begin; i < end; i++) {
        size_t time = plan->is_time_first ? i / inner : i % inner;
        size_t batch = plan->is_time_first ? i % inner : i / inner;
        size_t length = (size_t)lengths[batch];
        size_t source = time < length ? length - 1 - time : time;
        size_t from = plan->is_time_first ? source * inner + batch : batch * inner + source;
        memcpy(y + i * plan->block_bytes, x + from * plan->block_bytes, plan->block_bytes);
    }
}

static enum onr_status reverse_run(struct onr_run_ctx *ctx)
{
    const struct reverse_plan *plan = ctx->plan;
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const int64_t *lengths = ctx->inputs[1]->data;
    int64_t steps = x->dim[plan->is_time_first ? 0 : 1];
    for (int64_t b = 0; b < x->dim[plan->is_time_first ? 1 : 0]; b++) {
        if (lengths[b] < 0 || lengths[b] > steps) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "sequence_lens has %" PRId64 " at %" PRId64 ", expected 0 to %" PRId64,
                            lengths[b], b, steps);
        }
    }
    if (onr_tensor_count(ctx->inputs[0]) > 0) {
        onr_parallel_for(ctx->parallel, (size_t)(x->dim[0] * x->dim[1]),
                         GRAIN_BYTES / plan->block_bytes + 1, reverse_blocks, ctx);
    }
    return ONR_OK;
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec reverse_inputs[] = {
    {ONR_DTYPES_ALL, 1}, {ONR_BIT(INT64), 0}, {0}};
static const struct onr_attr_spec axis_attrs[] = {
    {"time_axis", ONR_ATTR_INT, false}, {"batch_axis", ONR_ATTR_INT, false}, {0}};

extern const struct onr_op_def onr_ops_reverse_sequence[];
const struct onr_op_def onr_ops_reverse_sequence[] = {
    {.domain = "",
     .name = "ReverseSequence",
     .since_version = 10,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .attrs = axis_attrs,
     .input_specs = reverse_inputs,
     .output_specs = any_specs,
     .infer = reverse_infer,
     .plan = reverse_make_plan,
     .run = reverse_run},
    {.name = NULL},
};
