/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MaxUnpool (ai.onnx), versions 9, 11 and 22.
 * https://onnx.ai/onnx/operators/onnx__MaxUnpool.html
 *
 * z[indices[i]] = x[i] in the flattened z, and 0 elsewhere; y is z, followed by zeros along each
 * dimension up to output_shape.
 *
 * Shapes    x, indices: [N, C, in...]. z: [N, C, out...], out = (in - 1) * stride - pads + kernel.
 *           output_shape: optional, [rank of x], nowhere less than z. y: as z, or output_shape.
 * Types     float16, bfloat16 (22+), float32, float64; indices and output_shape int64.
 * Attrs     kernel_shape: ints, required. strides: ints, default 1. pads: ints, default 0.
 * Edge      indices refer to z also when output_shape is given. Of equal indices the last counts.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/common/check_dims.h"
#include "ops/common/copy.h"
#include "ops/common/index.h"
#include "ops/conv/spatial.h"

#include <inttypes.h>

enum { X, INDICES, OUTPUT_SHAPE };

/* The shape of z; unknown dims stay unknown. */
static enum onr_status unpooled_shape(const struct onr_node *node, const struct onr_shape *x,
                                      struct onr_shape *z, struct onr_error *err)
{
    int64_t kernel[ONR_MAX_RANK], stride[ONR_MAX_RANK], pad[2 * ONR_MAX_RANK];
    if (x->rank < 3) {
        return onr_fail(err, ONR_ERR_SHAPE, "x has rank %d, expected at least 3", x->rank);
    }
    size_t rank = (size_t)x->rank - 2;
    ONR_TRY(onr_spatial_list(node, "kernel_shape", rank, 1, 1, kernel, err));
    ONR_TRY(onr_spatial_list(node, "strides", rank, 1, 1, stride, err));
    ONR_TRY(onr_spatial_list(node, "pads", 2 * rank, 0, 0, pad, err));
    *z = *x;
    for (size_t d = 0; d < rank; d++) {
        int64_t *extent = &z->dim[2 + d];
        int64_t in = *extent;
        if (in < 0) {
            *extent = ONR_DIM_UNKNOWN;
            continue;
        }
        bool fits = onr_int_mul(in - 1, stride[d], extent) &&
                    onr_int_add(*extent, kernel[d] - pad[d] - pad[rank + d], extent);
        if (!fits || *extent < 0) {
            return onr_fail(err, ONR_ERR_SHAPE,
                            "spatial dimension %zu of x is %" PRId64
                            ", which kernel_shape, strides and pads make negative or too large",
                            d, in);
        }
    }
    return ONR_OK;
}

/* Output 0 has the dims in output_shape, where they are known. */
static enum onr_status read_output_shape(struct onr_infer_ctx *ctx, const struct onr_shape *z)
{
    const struct onr_sint *sints = NULL;
    size_t count = 0;
    struct onr_shape *y = &ctx->outputs[0].shape;
    ONR_TRY(onr_check_dims(ctx, OUTPUT_SHAPE, "output_shape", 1, (int64_t[]){z->rank}));
    ONR_TRY(onr_infer_sints(ctx, OUTPUT_SHAPE, &sints, &count));
    for (int d = 0; d < z->rank; d++) {
        if (sints == NULL || sints[d].dim != 0) {
            y->dim[d] = sints != NULL ? sints[d].dim : ONR_DIM_UNKNOWN;
        } else if (sints[d].value < 0 || sints[d].value < z->dim[d]) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "output_shape[%d] is %" PRId64 ", expected at least %" PRId64, d,
                                  sints[d].value, onr_int_max(z->dim[d], 0));
        } else {
            y->dim[d] = sints[d].value;
        }
    }
    return ONR_OK;
}

static enum onr_status unpool_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[X]->shape;
    struct onr_shape z;
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(unpooled_shape(ctx->node, x, &z, ctx->err));
    ONR_TRY(onr_check_dims(ctx, INDICES, "indices", x->rank, x->dim));
    ctx->outputs[0].shape = z;
    return onr_infer_has_input(ctx, OUTPUT_SHAPE) ? read_output_shape(ctx, &z) : ONR_OK;
}

struct unpool_plan {
    struct onr_shape z;
    int64_t count;                /* elements of z */
    bool is_padded;               /* y is larger than z */
    int64_t stride[ONR_MAX_RANK]; /* of y */
};

static enum onr_status unpool_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *y = &ctx->outputs[0].shape;
    struct unpool_plan *plan = ONR_ARENA_NEW(ctx->arena, struct unpool_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of MaxUnpool");
    }
    ONR_TRY(unpooled_shape(ctx->node, &ctx->inputs[X]->shape, &plan->z, ctx->err));
    plan->count = onr_shape_count(&plan->z);
    if (plan->count < 0) {
        return onr_fail(ctx->err, ONR_ERR_LIMIT, "the output is too large");
    }
    plan->is_padded = !onr_shape_equal(&plan->z, y);
    onr_shape_strides(y, plan->stride);
    ctx->plan = plan;
    return ONR_OK;
}

/* The element of y that is element `index` of z. */
static int64_t place_in_output(const struct unpool_plan *plan, int64_t index)
{
    int64_t place = 0;
    for (int d = plan->z.rank - 1; d >= 0; d--) {
        place += index % plan->z.dim[d] * plan->stride[d];
        index /= plan->z.dim[d];
    }
    return place;
}

static enum onr_status unpool_run(struct onr_run_ctx *ctx)
{
    const struct unpool_plan *plan = ctx->plan;
    const struct onr_tensor *x = ctx->inputs[X];
    const int64_t *indices = ctx->inputs[INDICES]->data;
    const uint64_t zero = 0;
    size_t bytes = onr_dtype_size(x->dtype);
    size_t count = (size_t)onr_tensor_count(x);
    char *y = ctx->outputs[0]->data;
    onr_fill(ctx->kernels, ctx->parallel, y, (size_t)onr_tensor_count(ctx->outputs[0]), &zero,
             bytes);
    for (size_t i = 0; i < count; i++) {
        int64_t index = indices[i];
        if (index < 0 || index >= plan->count) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "index %zu is %" PRId64 ", expected 0 to %" PRId64, i, index,
                            plan->count - 1);
        }
        size_t place = (size_t)(plan->is_padded ? place_in_output(plan, index) : index);
        onr_copy_element(y + place * bytes, (const char *)x->data + i * bytes, bytes);
    }
    return ONR_OK;
}

#define FLOATS_9 (ONR_DTYPES_FLOAT & ~ONR_BIT(BFLOAT16))

static const struct onr_attr_spec unpool_attrs[] = {{"kernel_shape", ONR_ATTR_INTS, true},
                                                    {"pads", ONR_ATTR_INTS, false},
                                                    {"strides", ONR_ATTR_INTS, false},
                                                    {0}};
static const struct onr_param_spec unpool_in_9[] = {{FLOATS_9, 1}, {ONR_BIT(INT64), 0}, {0}};
static const struct onr_param_spec unpool_in_22[] = {
    {ONR_DTYPES_FLOAT, 1}, {ONR_BIT(INT64), 0}, {0}};

#define UNPOOL_ROW(since, last, in)                                                                \
    {                                                                                              \
        .domain = "", .name = "MaxUnpool", .since_version = (since), .last_version = (last),       \
        .inputs = {2, 3}, .outputs = {1, 1}, .attrs = unpool_attrs, .input_specs = (in),           \
        .output_specs = (in), .infer = unpool_infer, .plan = unpool_plan, .run = unpool_run        \
    }

extern const struct onr_op_def onr_ops_max_unpool[];
const struct onr_op_def onr_ops_max_unpool[] = {
    UNPOOL_ROW(9, 21, unpool_in_9),
    UNPOOL_ROW(22, ONR_OPSET_LATEST, unpool_in_22),
    {.name = NULL},
};
