/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NonZero, Compress (ai.onnx)                    https://onnx.ai/onnx/operators/onnx__NonZero.html
 *
 * NonZero:  y[d, n] = index along dimension d of the n-th element of x, in row-major order, that is
 * not 0. Compress: y = the slices of x along `axis` (or the elements of x) where condition is true.
 *
 * Shapes    NonZero: [rank of x, n]; a scalar gives [0, n]. Compress: the dimension at axis becomes
 *           the number of true conditions; without axis [n]. condition is 1-D and may be shorter
 *           than the dimension: the rest is false.
 * Types     all; NonZero gives int64. NaN is not 0, -0 is; a string is 0 when empty.
 * Attrs     Compress: axis, optional.
 */
#include "ops/common/contents.h"
#include "ops/common/index.h"

#include <inttypes.h>

/* Bits of an element that must not all be 0: all but the sign of floats that have a -0. */
static uint64_t value_mask(enum onr_dtype dtype)
{
    switch (dtype) {
    case ONR_DOUBLE:
        return INT64_MAX;
    case ONR_FLOAT:
        return INT32_MAX;
    case ONR_FLOAT16:
    case ONR_BFLOAT16:
        return INT16_MAX;
    case ONR_FLOAT8E4M3FN:
    case ONR_FLOAT8E5M2:
        return INT8_MAX;
    case ONR_FLOAT4E2M1:
        return 7;
    case ONR_FLOAT6E2M3:
    case ONR_FLOAT6E3M2:
        return 31;
    default:
        return UINT64_MAX;
    }
}

/* Complex numbers and strings, of 16 or 2 times 4 bytes, by hand; float8e8m0 has no 0. */
static bool is_special_nonzero(enum onr_dtype dtype, const void *element)
{
    switch (dtype) {
    case ONR_STRING:
        return ((const struct onr_string *)element)->length > 0;
    case ONR_COMPLEX64:
        return ((const float *)element)[0] != 0.0f || ((const float *)element)[1] != 0.0f;
    case ONR_COMPLEX128:
        return ((const double *)element)[0] != 0.0 || ((const double *)element)[1] != 0.0;
    default:
        return true;
    }
}

#define SPECIAL_TYPES (ONR_BIT(STRING) | ONR_DTYPES_COMPLEX | ONR_BIT(FLOAT8E8M0))

static bool is_nonzero(const struct onr_tensor *x, size_t i, size_t size, uint64_t mask)
{
    const char *element = (const char *)x->data + i * size;
    uint64_t bits[2] = {0};
    if (onr_dtypes_has(SPECIAL_TYPES, x->dtype)) {
        return is_special_nonzero(x->dtype, element);
    }
    onr_copy_element(bits, element, size);
    return (bits[0] & mask) != 0;
}

static enum onr_status nonzero_infer(struct onr_infer_ctx *ctx)
{
    onr_infer_unknown_dims(ctx, 2);
    if (ctx->inputs[0]->shape.rank != ONR_RANK_UNKNOWN) {
        ctx->outputs[0].shape.dim[0] = ctx->inputs[0]->shape.rank;
    }
    return ONR_OK;
}

/* Writes the indices of element i as column n of y. */
static void put_indices(const struct onr_shape *x, size_t i, int64_t *y, size_t n, size_t width)
{
    for (int d = x->rank - 1; d >= 0; d--) {
        y[(size_t)d * width + n] = (int64_t)(i % (size_t)x->dim[d]);
        i /= (size_t)x->dim[d];
    }
}

static enum onr_status nonzero_run(struct onr_run_ctx *ctx)
{
    const struct onr_tensor *x = ctx->inputs[0];
    size_t count = (size_t)onr_tensor_count(x);
    size_t size = onr_dtype_size(x->dtype);
    uint64_t mask = value_mask(x->dtype);
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += is_nonzero(x, i, size, mask);
    }
    struct onr_shape shape = {.rank = 2, .dim = {x->shape.rank, (int64_t)found}};
    ONR_TRY(ctx->host->alloc_output(ctx, 0, &shape));
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_nonzero(x, i, size, mask)) {
            put_indices(&x->shape, i, ctx->outputs[0]->data, n++, found);
        }
    }
    return ONR_OK;
}

static enum onr_status compress_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    int64_t length = onr_list_length(ctx, 1);
    int axis = 0;
    ONR_TRY(onr_check_rank(ctx, 1, 1));
    if (onr_node_attr(ctx->node, "axis") == NULL) {
        onr_infer_unknown_dims(ctx, 1);
        return ONR_OK;
    }
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    ONR_TRY(onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", 0), x->rank, &axis));
    if (x->dim[axis] >= 0 && length > x->dim[axis]) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "%" PRId64 " conditions for dimension %d, which is %" PRId64, length,
                              axis, x->dim[axis]);
    }
    ctx->outputs[0].shape = *x;
    ctx->outputs[0].shape.dim[axis] = ONR_DIM_UNKNOWN;
    return ONR_OK;
}

/* x as [outer, dim, block]; without axis as [1, count, element]. */
struct compress_plan {
    int axis; /* -1: none */
    size_t outer;
    size_t dim;
    size_t block_bytes;
};

static enum onr_status compress_make_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct compress_plan *plan = ONR_ARENA_NEW(ctx->arena, struct compress_plan);
    size_t size = onr_dtype_size(ctx->inputs[0]->dtype);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of Compress");
    }
    if (onr_node_attr(ctx->node, "axis") == NULL) {
        *plan = (struct compress_plan){-1, 1, (size_t)onr_shape_count(x), size};
    } else {
        int axis = 0;
        ONR_TRY(onr_check_axis(ctx->err, onr_attr_int(ctx->node, "axis", 0), x->rank, &axis));
        *plan =
            (struct compress_plan){axis, (size_t)onr_shape_range(x, 0, axis), (size_t)x->dim[axis],
                                   (size_t)onr_shape_range(x, axis + 1, x->rank) * size};
    }
    ctx->plan = plan;
    return ONR_OK;
}

static enum onr_status compress_run(struct onr_run_ctx *ctx)
{
    const struct compress_plan *plan = ctx->plan;
    const struct onr_tensor *x = ctx->inputs[0];
    const uint8_t *condition = ctx->inputs[1]->data;
    size_t length = (size_t)onr_tensor_count(ctx->inputs[1]);
    size_t kept = 0;
    for (size_t i = 0; i < length; i++) {
        kept += condition[i] != 0;
    }
    if (length > plan->dim) {
        return onr_fail(ctx->err, ONR_ERR_SHAPE, "%zu conditions for %zu elements", length,
                        plan->dim);
    }
    struct onr_shape shape = {.rank = 1, .dim = {(int64_t)kept}};
    if (plan->axis >= 0) {
        shape = x->shape;
        shape.dim[plan->axis] = (int64_t)kept;
    }
    ONR_TRY(ctx->host->alloc_output(ctx, 0, &shape));
    if (onr_shape_count(&shape) == 0) {
        return ONR_OK;
    }
    char *to = ctx->outputs[0]->data;
    for (size_t row = 0; row < plan->outer; row++) {
        const char *from = (const char *)x->data + row * plan->dim * plan->block_bytes;
        for (size_t i = 0; i < length; i++) {
            if (condition[i] != 0) {
                memcpy(to, from + i * plan->block_bytes, plan->block_bytes);
                to += plan->block_bytes;
            }
        }
    }
    return ONR_OK;
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec int64_specs[] = {{ONR_BIT(INT64), 0}, {0}};
static const struct onr_param_spec compress_inputs[] = {
    {ONR_DTYPES_ALL, 1}, {ONR_BIT(BOOL), 0}, {0}};
static const struct onr_attr_spec axis_attrs[] = {{"axis", ONR_ATTR_INT, false}, {0}};

extern const struct onr_op_def onr_ops_nonzero[];
const struct onr_op_def onr_ops_nonzero[] = {
    {.domain = "",
     .name = "NonZero",
     .since_version = 9,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .input_specs = any_specs,
     .output_specs = int64_specs,
     .traits = ONR_TRAIT_DYNAMIC,
     .infer = nonzero_infer,
     .run = nonzero_run},
    {.domain = "",
     .name = "Compress",
     .since_version = 9,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .attrs = axis_attrs,
     .input_specs = compress_inputs,
     .output_specs = any_specs,
     .traits = ONR_TRAIT_DYNAMIC | ONR_TRAIT_PICKS,
     .infer = compress_infer,
     .plan = compress_make_plan,
     .run = compress_run},
    {.name = NULL},
};
