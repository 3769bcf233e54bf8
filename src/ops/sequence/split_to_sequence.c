/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SplitToSequence (ai.onnx), versions 11 and later.
 *                                       https://onnx.ai/onnx/operators/onnx__SplitToSequence.html
 *
 * The sequence of consecutive parts of x along `axis`.
 *
 * Inputs    x; split, optional: a scalar, the extent of every part but the last, which has the
 *           rest; or a list of extents, whose sum is that of x.
 * Shapes    without split the extent of each part is 1, and keepdims = 0 drops that dimension.
 * Types     all; split: int32, int64.
 * Attrs     axis, default 0; keepdims, default 1: without split only.
 */
#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/common/contents.h"
#include "ops/common/copy.h"
#include "ops/sequence/sequence.h"

#include <inttypes.h>

struct splitter {
    int axis;
    bool drops_axis;
    bool has_split;
};

static struct splitter splitter_of(const struct onr_node *node)
{
    bool has_split = node->input_count > 1 && node->inputs[1] != ONR_NO_VALUE;
    return (struct splitter){.has_split = has_split,
                             .drops_axis = !has_split && onr_attr_int(node, "keepdims", 1) == 0};
}

/* The shape of a part with this extent. */
static struct onr_shape part_shape(const struct splitter *splitter, const struct onr_shape *x,
                                   int64_t extent)
{
    struct onr_shape part = *x;
    if (!splitter->drops_axis) {
        part.dim[splitter->axis] = extent;
        return part;
    }
    part.rank--;
    for (int i = splitter->axis; i < part.rank; i++) {
        part.dim[i] = x->dim[i + 1];
    }
    return part;
}

static enum onr_status split_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct splitter splitter = splitter_of(ctx->node);
    ONR_TRY(onr_check_tensor(ctx, 0));
    if (splitter.has_split) {
        ONR_TRY(onr_check_tensor(ctx, 1));
        if (ctx->inputs[1]->shape.rank > 1) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE, "split has rank %d, expected 0 or 1",
                                  ctx->inputs[1]->shape.rank);
        }
    }
    if (x->rank == ONR_RANK_UNKNOWN) {
        onr_infer_sequence(ctx, x);
        return ONR_OK;
    }
    ONR_TRY(onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", 0), x->rank, &splitter.axis));
    struct onr_shape part = part_shape(&splitter, x, splitter.has_split ? ONR_DIM_UNKNOWN : 1);
    onr_infer_sequence(ctx, &part);
    return ONR_OK;
}

static enum onr_status split_plan(struct onr_plan_ctx *ctx)
{
    struct splitter *splitter = ONR_ARENA_NEW(ctx->arena, struct splitter);
    if (splitter == NULL) {
        return onr_fail_memory(ctx->err, "plan of SplitToSequence");
    }
    *splitter = splitter_of(ctx->node);
    ctx->plan = splitter;
    return onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", 0), ctx->inputs[0]->shape.rank,
                          &splitter->axis);
}

/* Appends the part of this extent that starts at `start`. */
static enum onr_status append_part(struct onr_sequence_writer *writer,
                                   const struct splitter *splitter, int64_t start, int64_t extent)
{
    const struct onr_run_ctx *ctx = writer->ctx;
    const struct onr_tensor *x = ctx->inputs[0];
    struct onr_shape shape = part_shape(splitter, &x->shape, extent);
    struct onr_tensor *part = NULL;
    ONR_TRY(onr_sequence_append(writer, &shape, &part));
    if (onr_tensor_count(part) == 0) {
        return ONR_OK;
    }
    int64_t outer = onr_shape_range(&x->shape, 0, splitter->axis);
    int64_t inner = onr_shape_range(&x->shape, splitter->axis + 1, x->shape.rank);
    int64_t row = x->shape.dim[splitter->axis] * inner;
    size_t size = onr_dtype_size(x->dtype);
    struct onr_copy copy = {.element_bytes = size};
    onr_copy_add(&copy, outer, extent * inner, row);
    onr_copy_add(&copy, extent * inner, 1, 1);
    onr_copy_finish(&copy);
    const char *from = (const char *)x->data + (size_t)(start * inner) * size;
    onr_copy_run(&copy, ctx->kernels, ctx->parallel, part->data, from);
    return ONR_OK;
}

/* Checks the list of extents, or the single one; *count is the number of parts. */
static enum onr_status check_split(struct onr_run_ctx *ctx, const struct onr_fact *split,
                                   int64_t total, int64_t *count)
{
    if (split->shape.rank == 0) {
        int64_t extent = onr_fact_int(split, 0);
        if (extent <= 0) {
            return onr_fail(ctx->err, ONR_ERR_VALUE, "split is %" PRId64 ", expected at least 1",
                            extent);
        }
        *count = total / extent + (total % extent != 0);
        return ONR_OK;
    }
    int64_t rest = total;
    *count = onr_shape_count(&split->shape);
    for (int64_t i = 0; i < *count; i++) {
        int64_t extent = onr_fact_int(split, i);
        if (extent < 0 || extent > rest) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "split has %" PRId64 " at %" PRId64 ", expected 0 to %" PRId64, extent,
                            i, rest);
        }
        rest -= extent;
    }
    return rest == 0 ? ONR_OK
                     : onr_fail(ctx->err, ONR_ERR_VALUE,
                                "the parts of split leave %" PRId64 " of %" PRId64, rest, total);
}

static enum onr_status split_run(struct onr_run_ctx *ctx)
{
    const struct splitter *splitter = ctx->plan;
    const struct onr_tensor *x = ctx->inputs[0];
    int64_t total = x->shape.dim[splitter->axis];
    int64_t count = total;
    struct onr_fact split = {.shape.rank = 0};
    if (splitter->has_split) {
        split = onr_fact_of_value(ctx->inputs[1]);
        split.data = ctx->inputs[1]->data;
        ONR_TRY(check_split(ctx, &split, total, &count));
    }
    struct onr_sequence_writer writer;
    size_t padding = count < ONR_MAX_SEQUENCE ? (size_t)count * ONR_MEM_ALIGN : 0;
    ONR_TRY(onr_sequence_begin(&writer, ctx, 0, x->dtype, count, onr_tensor_bytes(x) + padding));
    int64_t start = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t extent = 1;
        if (splitter->has_split) {
            bool is_list = split.shape.rank == 1;
            extent = onr_int_min(onr_fact_int(&split, is_list ? i : 0), total - start);
        }
        ONR_TRY(append_part(&writer, splitter, start, extent));
        start += extent;
    }
    return ONR_OK;
}

static const struct onr_param_spec split_specs[] = {
    {ONR_DTYPES_ALL, 1}, {ONR_DTYPES_INDEX, 0}, {0}};
static const struct onr_attr_spec split_attrs[] = {
    {"axis", ONR_ATTR_INT, false}, {"keepdims", ONR_ATTR_INT, false}, {0}};

extern const struct onr_op_def onr_ops_split_to_sequence[];
const struct onr_op_def onr_ops_split_to_sequence[] = {
    {.domain = "",
     .name = "SplitToSequence",
     .since_version = 11,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 2},
     .outputs = {1, 1},
     .attrs = split_attrs,
     .input_specs = split_specs,
     .output_specs = split_specs,
     .traits = ONR_TRAIT_DYNAMIC | ONR_TRAIT_ANY_KIND | ONR_TRAIT_KEEP_TYPE,
     .infer = split_infer,
     .plan = split_plan,
     .run = split_run,
     .kernel = ONR_KERNEL_AT(move.copy_strided)},
    {.name = NULL},
};
