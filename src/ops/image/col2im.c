/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Col2Im (ai.onnx), version 18+.               https://onnx.ai/onnx/operators/onnx__Col2Im.html
 *
 * y[n, c, o * stride - pad + t * dilation] += x[n, (c, t), o] for all taps t of a block and blocks o
 * that fall on the image: the sum of overlapping blocks.
 *
 * Shapes    x: [N, C * product of block_shape, L], image_shape: [r], block_shape: [r] -> y: [N, C,
 *           image...]; r is 1 to 14, L the number of blocks that fit into the padded image.
 * Types     x: numbers, complex; bool (or). Integers wrap, half types are summed in float32. Strings,
 *           which the specification lists, have no sum.
 * Attrs     strides, dilations: ints, default 1. pads: ints [begin..., end...], default 0.
 * Aliasing  none.
 */
#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/common/index.h"
#include "ops/common/workspace.h"
#include "ops/conv/spatial.h"

#include <inttypes.h>

#define MAX_AXES (ONR_MAX_RANK - 2)

struct blocks {
    int rank;
    int64_t image[MAX_AXES], block[MAX_AXES], count[MAX_AXES]; /* elements, taps, blocks */
    int64_t stride[MAX_AXES], dilation[MAX_AXES], pads[2 * MAX_AXES];
};

static enum onr_status read_attrs(const struct onr_node *node, struct blocks *b,
                                  struct onr_error *err)
{
    size_t rank = (size_t)b->rank;
    ONR_TRY(onr_spatial_list(node, "strides", rank, 1, 1, b->stride, err));
    ONR_TRY(onr_spatial_list(node, "dilations", rank, 1, 1, b->dilation, err));
    return onr_spatial_list(node, "pads", 2 * rank, 0, 0, b->pads, err);
}

/* How many blocks fit along each axis. */
static enum onr_status count_blocks(struct blocks *b, int64_t *total, struct onr_error *err)
{
    *total = 1;
    for (int d = 0; d < b->rank; d++) {
        int64_t extent = (b->block[d] - 1) * b->dilation[d] + 1;
        int64_t room = b->image[d] + b->pads[d] + b->pads[b->rank + d] - extent;
        if (room < 0) {
            return onr_fail(err, ONR_ERR_SHAPE,
                            "a block of %" PRId64 " is larger than image dimension %d, %" PRId64
                            " with padding",
                            extent, d, room + extent);
        }
        b->count[d] = room / b->stride[d] + 1;
        if (!onr_int_mul(*total, b->count[d], total)) {
            return onr_fail(err, ONR_ERR_LIMIT, "the number of blocks is too large");
        }
    }
    return ONR_OK;
}

/* Checks that a list of extents is at least `lowest` and small enough for products of two. */
static enum onr_status check_list(struct onr_infer_ctx *ctx, const char *name, size_t count,
                                  const struct onr_sint *list, int64_t lowest)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].dim == 0 && (list[i].value < lowest || list[i].value > INT32_MAX)) {
            return onr_infer_fail(ctx, ONR_ERR_VALUE,
                                  "%s[%zu] is %" PRId64 ", expected %" PRId64 " to %d", name, i,
                                  list[i].value, lowest, INT32_MAX);
        }
    }
    return ONR_OK;
}

/* The number of channels and blocks must be those of x. */
static enum onr_status check_x(struct onr_infer_ctx *ctx, struct blocks *b, bool is_image_known)
{
    int64_t taps = 1;
    int64_t total = ONR_DIM_UNKNOWN;
    for (int d = 0; d < b->rank; d++) {
        if (!onr_int_mul(taps, b->block[d], &taps)) {
            return onr_infer_fail(ctx, ONR_ERR_LIMIT, "block_shape is too large");
        }
    }
    ONR_TRY(
        onr_divide_dim(ctx, "x", onr_known_dim(ctx, 0, 1), taps, &ctx->outputs[0].shape.dim[1]));
    if (is_image_known) {
        ONR_TRY(count_blocks(b, &total, ctx->err));
    }
    const int64_t want[] = {ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN, total};
    return onr_check_dims(ctx, 0, "x", 3, want);
}

static enum onr_status col2im_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_sint *image = NULL;
    const struct onr_sint *block = NULL;
    size_t image_count = 0;
    size_t block_count = 0;
    const int64_t any[] = {ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN};
    int64_t rank = onr_list_length(ctx, 1);
    if (ctx->inputs[0]->dtype == ONR_STRING) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED, "strings cannot be summed");
    }
    ONR_TRY(onr_check_dims(ctx, 0, "x", 3, any));
    ONR_TRY(onr_infer_sints(ctx, 1, &image, &image_count));
    ONR_TRY(onr_infer_sints(ctx, 2, &block, &block_count));
    rank = rank >= 0 ? rank : onr_list_length(ctx, 2);
    if (rank < 0) {
        return ONR_OK;
    }
    if (rank < 1 || rank > MAX_AXES || (block != NULL && (int64_t)block_count != rank)) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "image_shape has %" PRId64 " numbers and block_shape %zu, expected "
                              "as many, 1 to %d",
                              rank, block_count, MAX_AXES);
    }
    struct blocks b = {.rank = (int)rank};
    bool is_image_known = image != NULL;
    bool is_block_known = block != NULL;
    ONR_TRY(read_attrs(ctx->node, &b, ctx->err));
    ONR_TRY(check_list(ctx, "image_shape", image != NULL ? image_count : 0, image, 0));
    ONR_TRY(check_list(ctx, "block_shape", block != NULL ? block_count : 0, block, 1));
    onr_infer_unknown_dims(ctx, b.rank + 2);
    ctx->outputs[0].shape.dim[0] = onr_known_dim(ctx, 0, 0);
    for (int d = 0; d < b.rank; d++) {
        b.image[d] = image != NULL ? image[d].value : 0;
        b.block[d] = block != NULL ? block[d].value : 1;
        is_image_known = is_image_known && image[d].dim == 0;
        is_block_known = is_block_known && block[d].dim == 0;
        if (image != NULL) {
            ctx->outputs[0].shape.dim[d + 2] = image[d].dim != 0 ? image[d].dim : b.image[d];
        }
    }
    return is_block_known ? check_x(ctx, &b, is_image_known) : ONR_OK;
}

struct col2im_plan {
    struct blocks blocks;
    enum onr_dtype part, wide; /* of what x is made of, and what is summed */
    size_t lanes;              /* numbers of an element */
    size_t taps, length;       /* of a block, and blocks of an image */
    size_t plane;              /* elements of an image */
    size_t row_at; /* in the scratch: a row of x, after the sum, when that is not made in place */
    size_t worker_bytes;
};

static enum onr_dtype wide_of(enum onr_dtype part)
{
    if (part == ONR_DOUBLE || part == ONR_UINT64) {
        return part;
    }
    return onr_dtypes_has(ONR_DTYPES_FLOAT, part) ? ONR_FLOAT : ONR_INT64;
}

static enum onr_status col2im_make_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *y = &ctx->outputs[0].shape;
    enum onr_dtype dtype = ctx->inputs[0]->dtype;
    struct onr_workspace space = {.used = 0};
    struct onr_workspace total = {.used = 0};
    int64_t length = 0;
    struct col2im_plan *plan = ONR_ARENA_NEW(ctx->arena, struct col2im_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of Col2Im");
    }
    ctx->plan = plan;
    plan->blocks.rank = y->rank - 2;
    plan->taps = 1;
    ONR_TRY(onr_check_planned(ctx, 2));
    for (int d = 0; d < plan->blocks.rank; d++) {
        plan->blocks.image[d] = y->dim[d + 2];
        plan->blocks.block[d] = onr_plan_int(ctx->inputs[2], d);
        plan->taps *= (size_t)plan->blocks.block[d];
    }
    ONR_TRY(read_attrs(ctx->node, &plan->blocks, ctx->err));
    ONR_TRY(count_blocks(&plan->blocks, &length, ctx->err));
    plan->lanes = onr_dtypes_has(ONR_DTYPES_COMPLEX, dtype) ? 2 : 1;
    plan->part = dtype == ONR_COMPLEX64 ? ONR_FLOAT : dtype == ONR_COMPLEX128 ? ONR_DOUBLE : dtype;
    plan->wide = wide_of(plan->part);
    plan->length = (size_t)length;
    plan->plane = (size_t)onr_shape_range(y, 2, y->rank);
    if (plan->wide != plan->part) {
        onr_workspace_add(&space, plan->plane, onr_dtype_size(plan->wide));
        plan->row_at = onr_workspace_add(&space, plan->length, onr_dtype_size(plan->wide));
    }
    ONR_TRY(onr_workspace_finish(&space, &plan->worker_bytes, ctx->err));
    onr_workspace_add(&total, plan->worker_bytes, ctx->thread_count);
    return onr_workspace_finish(&total, &ctx->workspace_bytes, ctx->err);
}

/* y[i * stride] += x[i] for elements of `lanes` numbers. */
static void add_run(enum onr_dtype wide, size_t count, size_t lanes, const char *x, char *y,
                    size_t stride)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t lane = 0; lane < lanes; lane++) {
            const void *from = x + (i * lanes + lane) * onr_dtype_size(wide);
            void *to = y + (i * stride * lanes + lane) * onr_dtype_size(wide);
            if (wide == ONR_FLOAT) {
                *(float *)to += *(const float *)from;
            } else if (wide == ONR_DOUBLE) {
                *(double *)to += *(const double *)from;
            } else {
                *(uint64_t *)to += *(const uint64_t *)from;
            }
        }
    }
}

/* Where tap `tap` of the first block stands along each axis. */
static void tap_offsets(const struct blocks *b, size_t tap, int64_t offset[MAX_AXES])
{
    for (int d = b->rank - 1; d >= 0; d--) {
        size_t block = (size_t)b->block[d];
        offset[d] = (int64_t)(tap % block) * b->dilation[d] - b->pads[d];
        tap /= block;
    }
}

/* Adds one tap of all blocks to an image. */
static void add_tap(const struct col2im_plan *plan, size_t tap, const char *x, char *y)
{
    const struct blocks *b = &plan->blocks;
    int last = b->rank - 1;
    int64_t offset[MAX_AXES];
    int64_t step = b->stride[last];
    size_t bytes = plan->lanes * onr_dtype_size(plan->wide);
    tap_offsets(b, tap, offset);
    int64_t begin = offset[last] < 0 ? (-offset[last] + step - 1) / step : 0;
    int64_t room = b->image[last] - offset[last];
    int64_t end = room <= 0 ? 0 : onr_int_min(b->count[last], (room + step - 1) / step);
    size_t rows = begin < end ? plan->length / (size_t)b->count[last] : 0;
    for (size_t row = 0; row < rows; row++) {
        size_t rest = row;
        size_t at = 0;
        size_t stride = (size_t)b->image[last];
        bool is_inside = true;
        for (int d = last - 1; d >= 0; d--) {
            size_t count = (size_t)b->count[d];
            int64_t i = (int64_t)(rest % count) * b->stride[d] + offset[d];
            is_inside = is_inside && i >= 0 && i < b->image[d];
            at += is_inside ? (size_t)i * stride : 0;
            stride *= (size_t)b->image[d];
            rest /= count;
        }
        if (is_inside) {
            size_t from = row * (size_t)b->count[last] + (size_t)begin;
            at += (size_t)(begin * step + offset[last]);
            add_run(plan->wide, (size_t)(end - begin), plan->lanes, x + from * bytes,
                    y + at * bytes, (size_t)step);
        }
    }
}

static void sum_images(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct onr_run_ctx *ctx = arg;
    const struct col2im_plan *plan = ctx->plan;
    const struct onr_narrowing how = {.is_saturated = true};
    size_t bytes = onr_dtype_size(ctx->outputs[0]->dtype);
    bool is_direct = plan->wide == plan->part;
    char *scratch = (char *)ctx->workspace + worker * plan->worker_bytes;
    for (size_t image = begin; image < end; image++) {
        char *y = (char *)ctx->outputs[0]->data + image * plan->plane * bytes;
        char *sum = is_direct ? y : scratch;
        memset(sum, 0, plan->plane * plan->lanes * onr_dtype_size(plan->wide));
        for (size_t tap = 0; tap < plan->taps; tap++) {
            const char *x = (const char *)ctx->inputs[0]->data +
                            (image * plan->taps + tap) * plan->length * bytes;
            if (!is_direct) {
                char *row = scratch + plan->row_at;
                onr_convert(ctx->kernels, plan->part, plan->wide, &how, plan->length, x, row);
                x = row;
            }
            add_tap(plan, tap, x, sum);
        }
        if (!is_direct) {
            onr_convert(ctx->kernels, plan->wide, plan->part, &how, plan->plane, sum, y);
        }
    }
}

static enum onr_status col2im_run(struct onr_run_ctx *ctx)
{
    const struct col2im_plan *plan = ctx->plan;
    if (onr_tensor_count(ctx->outputs[0]) > 0) {
        const struct onr_shape *y = &ctx->outputs[0]->shape;
        onr_parallel_for(ctx->parallel, (size_t)(y->dim[0] * y->dim[1]),
                         onr_grain(plan->taps * plan->length + plan->plane), sum_images, ctx);
    }
    return ONR_OK;
}

static const struct onr_attr_spec attrs[] = {{"dilations", ONR_ATTR_INTS, false},
                                             {"pads", ONR_ATTR_INTS, false},
                                             {"strides", ONR_ATTR_INTS, false},
                                             {.name = NULL}};
static const struct onr_param_spec specs[] = {
    {ONR_DTYPES_NUMERIC | ONR_DTYPES_COMPLEX | ONR_BIT(BOOL) | ONR_BIT(STRING), 1},
    {ONR_BIT(INT64), 0},
    {0}};

extern const struct onr_op_def onr_ops_col2im[];
const struct onr_op_def onr_ops_col2im[] = {
    {.domain = "",
     .name = "Col2Im",
     .since_version = 18,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {3, 3},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = specs,
     .output_specs = specs,
     .infer = col2im_infer,
     .plan = col2im_make_plan,
     .run = col2im_run},
    {.name = NULL},
};
