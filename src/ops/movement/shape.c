/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shape, Size (ai.onnx)                          https://onnx.ai/onnx/operators/onnx__Shape.html
 * Dims (onnxrun), made by graph/passes/input_shapes.c
 *
 * Shape: y = dims of x from `start` up to `end`.   Size: y = product of the dims of x.
 * Dims:  y[i] = dims[i], or the dimension -1 - dims[i] of x where that is negative.
 *
 * Shapes    Shape, Dims: any -> [n]; Size: any -> scalar.
 * Types     x: all; y: int64.
 * Attrs     Shape 15+: start (default 0), end (default rank); negative ones count from the end,
 *           then both are cut to [0, rank]. Dims: dims, ints, required.
 * Edge      x scalar -> Shape [0], Size 1; start >= end -> [0]. Symbols y keeps symbolic dimensions
 *           as contents; Size when at most one dimension decides.
 */
#include "base/size.h"
#include "ops/common/contents.h"

#include <inttypes.h>

struct shape_plan {
    int start;
    int end; /* >= start */
};

static int clamp_bound(int64_t bound, int rank)
{
    if (bound < 0) {
        bound = bound < -rank ? 0 : bound + rank;
    }
    return (int)onr_int_min(bound, rank);
}

static struct shape_plan shape_bounds(const struct onr_node *node, int rank)
{
    struct shape_plan bounds = {.start = clamp_bound(onr_attr_int(node, "start", 0), rank),
                                .end = clamp_bound(onr_attr_int(node, "end", rank), rank)};
    if (bounds.end < bounds.start) {
        bounds.end = bounds.start;
    }
    return bounds;
}

static enum onr_status shape_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *in = &ctx->inputs[0]->shape;
    onr_infer_unknown_dims(ctx, 1);
    if (in->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    struct shape_plan bounds = shape_bounds(ctx->node, in->rank);
    size_t count = (size_t)(bounds.end - bounds.start);
    ctx->outputs[0].shape.dim[0] = (int64_t)count;
    struct onr_sint *ints = onr_contents_new(ctx, count);
    if (ints == NULL) {
        return onr_fail_memory(ctx->err, "contents of a shape");
    }
    for (size_t i = 0; i < count; i++) {
        ints[i] = onr_sint_of_dim(in->dim[bounds.start + (int)i]);
    }
    return ONR_OK;
}

static enum onr_status shape_make_plan(struct onr_plan_ctx *ctx)
{
    struct shape_plan *plan = ONR_ARENA_NEW(ctx->arena, struct shape_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of Shape");
    }
    *plan = shape_bounds(ctx->node, ctx->inputs[0]->shape.rank);
    ctx->plan = plan;
    return ONR_OK;
}

static enum onr_status shape_run(struct onr_run_ctx *ctx)
{
    const struct shape_plan *plan = ctx->plan;
    int64_t *y = ctx->outputs[0]->data;
    for (int i = plan->start; i < plan->end; i++) {
        y[i - plan->start] = ctx->inputs[0]->shape.dim[i];
    }
    return ONR_OK;
}

static enum onr_status dims_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *in = &ctx->inputs[0]->shape;
    size_t count = 0;
    const int64_t *dims = onr_attr_ints(ctx->node, "dims", &count);
    struct onr_sint *ints = onr_contents_new(ctx, count);
    if (ints == NULL) {
        return onr_fail_memory(ctx->err, "contents of dims");
    }
    ctx->outputs[0].shape = (struct onr_shape){.rank = 1, .dim = {(int64_t)count}};
    for (size_t i = 0; i < count; i++) {
        bool is_axis = dims[i] < 0 && in->rank != ONR_RANK_UNKNOWN;
        if (is_axis && dims[i] < -in->rank) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL, "dims[%zu] is %" PRId64 " for rank %d", i,
                                  dims[i], in->rank);
        }
        ints[i] = onr_sint_of_dim(is_axis       ? in->dim[-1 - dims[i]]
                                  : dims[i] < 0 ? ONR_DIM_UNKNOWN
                                                : dims[i]);
    }
    return ONR_OK;
}

/* The plan is the attribute. */
static enum onr_status dims_plan(struct onr_plan_ctx *ctx)
{
    size_t count = 0;
    const int64_t *dims = onr_attr_ints(ctx->node, "dims", &count);
    ctx->plan = onr_arena_copy(ctx->arena, dims, count * sizeof *dims);
    return ctx->plan != NULL ? ONR_OK : onr_fail_memory(ctx->err, "plan of Dims");
}

static enum onr_status dims_run(struct onr_run_ctx *ctx)
{
    const int64_t *dims = ctx->plan;
    int64_t *y = ctx->outputs[0]->data;
    for (int64_t i = 0; i < onr_tensor_count(ctx->outputs[0]); i++) {
        y[i] = dims[i] < 0 ? ctx->inputs[0]->shape.dim[-1 - dims[i]] : dims[i];
    }
    return ONR_OK;
}

static enum onr_status size_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *in = &ctx->inputs[0]->shape;
    ctx->outputs[0].shape.rank = 0;
    if (in->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    struct onr_sint *ints = onr_contents_new(ctx, 1);
    if (ints == NULL) {
        return onr_fail_memory(ctx->err, "contents of a size");
    }
    ints[0] = onr_sint_of_dim(onr_dim_range(in, 0, in->rank));
    return ONR_OK;
}

static enum onr_status size_run(struct onr_run_ctx *ctx)
{
    *(int64_t *)ctx->outputs[0]->data = onr_tensor_count(ctx->inputs[0]);
    return ONR_OK;
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 0}, {0}};
static const struct onr_param_spec int64_specs[] = {{ONR_BIT(INT64), 0}, {0}};
static const struct onr_attr_spec shape_attrs[] = {
    {"start", ONR_ATTR_INT, false}, {"end", ONR_ATTR_INT, false}, {0}};
static const struct onr_attr_spec dims_attrs[] = {{"dims", ONR_ATTR_INTS, true}, {0}};

#define SHAPE_ROW(first, last, attr_specs)                                                         \
    {                                                                                              \
        .domain = "", .name = "Shape", .since_version = (first), .last_version = (last),           \
        .inputs = {1, 1}, .outputs = {1, 1}, .attrs = (attr_specs), .input_specs = any_specs,      \
        .output_specs = int64_specs, .traits = ONR_TRAIT_SHAPE_ONLY, .infer = shape_infer,         \
        .plan = shape_make_plan, .run = shape_run                                                  \
    }

extern const struct onr_op_def onr_ops_shape[];
const struct onr_op_def onr_ops_shape[] = {
    SHAPE_ROW(1, 14, NULL),
    SHAPE_ROW(15, ONR_OPSET_LATEST, shape_attrs),
    {.domain = "",
     .name = "Size",
     .since_version = 1,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .input_specs = any_specs,
     .output_specs = int64_specs,
     .traits = ONR_TRAIT_SHAPE_ONLY,
     .infer = size_infer,
     .run = size_run},
    {.domain = "onnxrun",
     .name = "Dims",
     .since_version = 1,
     .last_version = 1,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = dims_attrs,
     .input_specs = any_specs,
     .output_specs = int64_specs,
     .traits = ONR_TRAIT_SHAPE_ONLY,
     .infer = dims_infer,
     .plan = dims_plan,
     .run = dims_run},
    {.name = NULL},
};
