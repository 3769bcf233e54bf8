/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Split (ai.onnx)                                https://onnx.ai/onnx/operators/onnx__Split.html
 *
 * The outputs are consecutive parts of x along `axis`.
 *
 * Shapes    that of x, but for dim[axis]: as `split` lists, whose sum it is, else equal parts.
 * Types     all.
 * Attrs     axis, default 0; split (2-12, an input from 13 on); num_outputs (18+).
 * Edge      18+: parts are rounded up and the last one is smaller; before, a rest is refused. Parts
 * may be empty.
 */
#include "kernels/kernels.h"
#include "ops/common/contents.h"
#include "ops/common/copy.h"

#include <inttypes.h>

/* All outputs: the shape of x with this extent along axis. */
static void set_part(struct onr_infer_ctx *ctx, uint32_t index, int axis, int64_t extent)
{
    ctx->outputs[index].shape = ctx->inputs[0]->shape;
    ctx->outputs[index].shape.dim[axis] = extent;
}

static enum onr_status split_by_list(struct onr_infer_ctx *ctx, int axis,
                                     const struct onr_sint *sizes, size_t count)
{
    int64_t dim = ctx->inputs[0]->shape.dim[axis];
    int64_t rest = dim;
    if (count < ctx->node->output_count) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "split has %zu entries for %" PRIu32 " outputs",
                              count, ctx->node->output_count);
    }
    for (size_t i = 0; i < count; i++) {
        bool is_number = sizes[i].dim == 0;
        if (is_number && (sizes[i].value < 0 || (rest >= 0 && sizes[i].value > rest))) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "split has %" PRId64 " at %zu, but dimension %d is %" PRId64,
                                  sizes[i].value, i, axis, dim);
        }
        rest = is_number && rest >= 0 ? rest - sizes[i].value : -1;
        if (i < ctx->node->output_count) {
            set_part(ctx, (uint32_t)i, axis, is_number ? sizes[i].value : sizes[i].dim);
        }
    }
    if (rest > 0) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "the parts of split leave %" PRId64 " of dimension %d (%" PRId64 ")",
                              rest, axis, dim);
    }
    return ONR_OK;
}

static enum onr_status split_equally(struct onr_infer_ctx *ctx, int axis)
{
    int64_t dim = ctx->inputs[0]->shape.dim[axis];
    bool may_be_uneven = onr_node_attr(ctx->node, "num_outputs") != NULL;
    int64_t parts = onr_attr_int(ctx->node, "num_outputs", ctx->node->output_count);
    if (parts < (int64_t)ctx->node->output_count || parts <= 0) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "num_outputs is %" PRId64 " for %" PRIu32 " outputs", parts,
                              ctx->node->output_count);
    }
    int64_t extent = dim / parts + (dim % parts != 0);
    int64_t last = dim >= 0 ? dim - extent * (parts - 1) : ONR_DIM_UNKNOWN;
    if (dim >= 0 && (last < 0 || (last != extent && !may_be_uneven))) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "dimension %d is %" PRId64 ", which %" PRId64 " parts do not divide",
                              axis, dim, parts);
    }
    for (uint32_t i = 0; i < ctx->node->output_count; i++) {
        int64_t known = (int64_t)i == parts - 1 ? last : extent;
        set_part(ctx, i, axis, dim >= 0 ? known : parts == 1 ? dim : ONR_DIM_UNKNOWN);
    }
    return ONR_OK;
}

static enum onr_status split_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_sint *sizes = NULL;
    size_t count = 0;
    int axis = 0;
    bool has_list = onr_infer_has_input(ctx, 1);
    if (has_list) {
        ONR_TRY(onr_infer_sints(ctx, 1, &sizes, &count));
    }
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", 0), x->rank, &axis));
    if (has_list && sizes == NULL) {
        for (uint32_t i = 0; i < ctx->node->output_count; i++) {
            set_part(ctx, i, axis, ONR_DIM_UNKNOWN);
        }
        return ONR_OK;
    }
    return has_list ? split_by_list(ctx, axis, sizes, count) : split_equally(ctx, axis);
}

static enum onr_status split_attr_infer(struct onr_infer_ctx *ctx)
{
    size_t count = 0;
    const int64_t *sizes = onr_attr_ints(ctx->node, "split", &count);
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    int axis = 0;
    if (sizes == NULL || x->rank == ONR_RANK_UNKNOWN) {
        return split_infer(ctx);
    }
    ONR_TRY(onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", 0), x->rank, &axis));
    struct onr_sint *list = ONR_ARENA_ARRAY(ctx->arena, count + 1, struct onr_sint);
    if (list == NULL) {
        return onr_fail_memory(ctx->err, "list of a split");
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = onr_sint_of(sizes[i]);
    }
    return split_by_list(ctx, axis, list, count);
}

/* Each output is a block of the rows of x, `offset` bytes into them. */
struct split_part {
    struct onr_copy copy;
    size_t offset;
};

static enum onr_status split_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct split_part *parts =
        ONR_ARENA_ARRAY(ctx->arena, ctx->node->output_count, struct split_part);
    if (parts == NULL) {
        return onr_fail_memory(ctx->err, "plan of Split");
    }
    int axis = 0;
    ONR_TRY(onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", 0), x->rank, &axis));
    size_t size = onr_dtype_size(ctx->inputs[0]->dtype);
    int64_t outer = onr_shape_range(x, 0, axis);
    int64_t x_row = onr_shape_range(x, axis, x->rank);
    int64_t inner = onr_shape_range(x, axis + 1, x->rank);
    size_t offset = 0;
    for (uint32_t i = 0; i < ctx->node->output_count; i++) {
        int64_t row = ctx->outputs[i].shape.dim[axis] * inner;
        parts[i] = (struct split_part){.copy.element_bytes = size, .offset = offset};
        onr_copy_add(&parts[i].copy, outer, row, x_row);
        onr_copy_add(&parts[i].copy, row, 1, 1);
        onr_copy_finish(&parts[i].copy);
        offset += (size_t)row * size;
    }
    ctx->plan = parts;
    return ONR_OK;
}

static enum onr_status split_run(struct onr_run_ctx *ctx)
{
    const struct split_part *parts = ctx->plan;
    const char *x = ctx->inputs[0]->data;
    for (uint32_t i = 0; i < ctx->output_count; i++) {
        if (ctx->outputs[i] != NULL && onr_tensor_count(ctx->outputs[i]) > 0) {
            onr_copy_run(&parts[i].copy, ctx->kernels, ctx->parallel, ctx->outputs[i]->data,
                         x + parts[i].offset);
        }
    }
    return ONR_OK;
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec list_inputs[] = {{ONR_DTYPES_ALL, 1}, {ONR_BIT(INT64), 0}, {0}};
static const struct onr_attr_spec list_attrs[] = {
    {"axis", ONR_ATTR_INT, false}, {"split", ONR_ATTR_INTS, false}, {0}};
static const struct onr_attr_spec axis_attrs[] = {{"axis", ONR_ATTR_INT, false}, {0}};
static const struct onr_attr_spec count_attrs[] = {
    {"axis", ONR_ATTR_INT, false}, {"num_outputs", ONR_ATTR_INT, false}, {0}};

#define SPLIT_ROW(first, last, max, specs, attr_specs, infer_fn)                                   \
    {                                                                                              \
        .domain = "", .name = "Split", .since_version = (first), .last_version = (last),           \
        .inputs = {1, (max)}, .outputs = {1, ONR_VARIADIC}, .attrs = (attr_specs),                 \
        .input_specs = (specs), .output_specs = any_specs, .infer = (infer_fn),                    \
        .plan = split_plan, .run = split_run, .kernel = ONR_KERNEL_AT(move.copy_strided)           \
    }

extern const struct onr_op_def onr_ops_split[];
const struct onr_op_def onr_ops_split[] = {
    SPLIT_ROW(2, 12, 1, any_specs, list_attrs, split_attr_infer),
    SPLIT_ROW(13, 17, 2, list_inputs, axis_attrs, split_infer),
    SPLIT_ROW(18, ONR_OPSET_LATEST, 2, list_inputs, count_attrs, split_infer),
    {.name = NULL},
};
