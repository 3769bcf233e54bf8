/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trilu, EyeLike (ai.onnx)                       https://onnx.ai/onnx/operators/onnx__Trilu.html
 * Trilu (com.microsoft), version 1: the same.
 *
 * Trilu:   y[.., r, c] = x[.., r, c] where c - r >= k (upper) or c - r <= k (lower), else 0.
 * EyeLike: y[r, c] = 1 where c - r == k, else 0.
 *
 * Shapes    Trilu: rank >= 2 -> the same. EyeLike: rank 2 -> the same.
 * Types     Trilu: all (0 is false, and the empty string); EyeLike: y has type dtype, else that of x.
 * Attrs     Trilu: upper, default 1. EyeLike: k, default 0; dtype.
 * Inputs    Trilu: k, a scalar or [1], default 0; any value, also beyond the matrix.
 * Aliasing  Trilu: y may share storage with x.
 */
#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/common/contents.h"
#include "ops/common/index.h"

/* Bytes from which on a second thread pays. */
#define GRAIN_BYTES ((size_t)1 << 16)

static enum onr_status trilu_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    if (x->rank != ONR_RANK_UNKNOWN && x->rank < 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input 0 has rank %d, expected at least 2",
                              x->rank);
    }
    if (onr_infer_has_input(ctx, 1) && onr_fact_is_shaped(ctx->inputs[1]) &&
        onr_shape_count(&ctx->inputs[1]->shape) != 1) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "k is no scalar");
    }
    ctx->outputs[0].shape = *x;
    return ONR_OK;
}

struct trilu_plan {
    size_t rows; /* of all matrices */
    int64_t height;
    int64_t width;
    bool is_upper;
};

static enum onr_status trilu_make_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct trilu_plan *plan = ONR_ARENA_NEW(ctx->arena, struct trilu_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of Trilu");
    }
    *plan = (struct trilu_plan){.rows = (size_t)onr_shape_range(x, 0, x->rank - 1),
                                .height = x->dim[x->rank - 2],
                                .width = x->dim[x->rank - 1],
                                .is_upper = onr_attr_int(ctx->node, "upper", 1) != 0};
    ctx->plan = plan;
    return ONR_OK;
}

struct trilu_task {
    const struct trilu_plan *plan;
    int64_t k; /* cut to [-height, width], where nothing changes any more */
    size_t size;
    const char *x;
    char *y;
};

static void trilu_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct trilu_task *task = arg;
    const struct trilu_plan *plan = task->plan;
    size_t row_bytes = (size_t)plan->width * task->size;
    for (size_t row = begin; row < end; row++) {
        int64_t diagonal = (int64_t)(row % (size_t)plan->height) + task->k + !plan->is_upper;
        int64_t split = onr_int_min(onr_int_max(diagonal, 0), plan->width);
        size_t split_bytes = (size_t)split * task->size;
        size_t first = plan->is_upper ? split_bytes : 0; /* kept */
        size_t kept = plan->is_upper ? row_bytes - split_bytes : split_bytes;
        char *y = task->y + row * row_bytes;
        if (task->x != task->y) {
            memcpy(y + first, task->x + row * row_bytes + first, kept);
        }
        memset(plan->is_upper ? y : y + kept, 0, row_bytes - kept);
    }
}

static enum onr_status trilu_run(struct onr_run_ctx *ctx)
{
    const struct trilu_plan *plan = ctx->plan;
    const struct onr_tensor *k = ctx->input_count > 1 ? ctx->inputs[1] : NULL;
    if (plan->rows == 0 || plan->width == 0) {
        return ONR_OK;
    }
    struct trilu_task task = {.plan = plan,
                              .size = onr_dtype_size(ctx->inputs[0]->dtype),
                              .x = ctx->inputs[0]->data,
                              .y = ctx->outputs[0]->data};
    int64_t diagonal = k != NULL ? *(const int64_t *)k->data : 0;
    task.k = onr_int_min(onr_int_max(diagonal, -plan->height), plan->width);
    onr_parallel_for(ctx->parallel, plan->rows, GRAIN_BYTES / ((size_t)plan->width * task.size) + 1,
                     trilu_rows, &task);
    return ONR_OK;
}

static enum onr_status eye_like_infer(struct onr_infer_ctx *ctx)
{
    int64_t dtype = onr_attr_int(ctx->node, "dtype", ctx->inputs[0]->dtype);
    ONR_TRY(onr_check_rank(ctx, 0, 2));
    if (onr_node_attr(ctx->node, "dtype") != NULL &&
        (!onr_dtype_is_valid(dtype) ||
         !onr_dtypes_has(ONR_DTYPES_NUMERIC | ONR_BIT(BOOL), (enum onr_dtype)dtype))) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL, "dtype is %lld, expected a type of numbers",
                              (long long)dtype);
    }
    ctx->outputs[0].dtype = (enum onr_dtype)dtype;
    ctx->outputs[0].shape = ctx->inputs[0]->shape;
    return ONR_OK;
}

static enum onr_status eye_like_plan(struct onr_plan_ctx *ctx)
{
    int64_t *k = ONR_ARENA_NEW(ctx->arena, int64_t);
    if (k == NULL) {
        return onr_fail_memory(ctx->err, "plan of EyeLike");
    }
    *k = onr_attr_int(ctx->node, "k", 0);
    ctx->plan = k;
    return ONR_OK;
}

static enum onr_status eye_like_run(struct onr_run_ctx *ctx)
{
    struct onr_tensor *y = ctx->outputs[0];
    int64_t k = *(const int64_t *)ctx->plan;
    int64_t height = y->shape.dim[0];
    int64_t width = y->shape.dim[1];
    const struct onr_narrowing how = {.is_saturated = true};
    const int64_t one = 1;
    size_t size = onr_dtype_size(y->dtype);
    if (onr_tensor_count(y) == 0) {
        return ONR_OK;
    }
    memset(y->data, 0, onr_tensor_bytes(y));
    if (k <= -height || k >= width) {
        return ONR_OK;
    }
    for (int64_t row = onr_int_max(0, -k); row < height && row + k < width; row++) {
        char *element = (char *)y->data + (size_t)(row * width + row + k) * size;
        onr_convert(ctx->kernels, ONR_INT64, y->dtype, &how, 1, &one, element);
    }
    return ONR_OK;
}

static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec trilu_inputs[] = {{ONR_DTYPES_ALL, 1}, {ONR_BIT(INT64), 0}, {0}};
static const struct onr_param_spec eye_specs[] = {{ONR_DTYPES_NUMERIC | ONR_BIT(BOOL), 0}, {0}};
static const struct onr_attr_spec upper_attrs[] = {{"upper", ONR_ATTR_INT, false}, {0}};
static const struct onr_attr_spec eye_attrs[] = {
    {"dtype", ONR_ATTR_INT, false}, {"k", ONR_ATTR_INT, false}, {0}};

#define TRILU_ROW(of_domain, since, last)                                                          \
    {                                                                                              \
        .domain = (of_domain), .name = "Trilu", .since_version = (since), .last_version = (last),  \
        .inputs = {1, 2}, .outputs = {1, 1}, .attrs = upper_attrs, .input_specs = trilu_inputs,    \
        .output_specs = any_specs, .traits = ONR_TRAIT_INPLACE, .infer = trilu_infer,              \
        .plan = trilu_make_plan, .run = trilu_run                                                  \
    }

extern const struct onr_op_def onr_ops_trilu[];
const struct onr_op_def onr_ops_trilu[] = {
    TRILU_ROW("", 14, ONR_OPSET_LATEST),
    TRILU_ROW("com.microsoft", 1, ONR_CONTRIB_LATEST),
    {.domain = "",
     .name = "EyeLike",
     .since_version = 9,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = eye_attrs,
     .input_specs = eye_specs,
     .output_specs = eye_specs,
     .traits = ONR_TRAIT_SHAPE_ONLY,
     .infer = eye_like_infer,
     .plan = eye_like_plan,
     .run = eye_like_run},
    {.name = NULL},
};
