/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Range (ai.onnx)                                https://onnx.ai/onnx/operators/onnx__Range.html
 * Range (com.microsoft), version 1: the same; delta may be left out.
 *
 * y[i] = start + i * delta for i < max(ceil((limit - start) / delta), 0)
 *
 * Shapes    three scalars (or [1]) -> [n]. delta is 1 when it is left out (com.microsoft).
 * Types     float, double, int16, int32, int64; 27+: float16 and bfloat16. Floats are computed in
 *           double.
 * Attrs     stash_type (27+) is met by that.
 * Edge      delta of 0, and floats that are no numbers, are refused. Symbols start 0 and delta 1
 *           with a symbolic limit: n is the symbol.
 */
#include "base/half.h"
#include "ops/common/contents.h"

#include <inttypes.h>
#include <math.h>

/* Elements from which on a second thread pays. */
#define GRAIN 16384

static double read_float(enum onr_dtype dtype, const void *data)
{
    switch (dtype) {
    case ONR_DOUBLE:
        return *(const double *)data;
    case ONR_FLOAT:
        return (double)*(const float *)data;
    case ONR_FLOAT16:
        return (double)onr_half_to_float(*(const uint16_t *)data);
    default:
        return (double)onr_bfloat16_to_float(*(const uint16_t *)data);
    }
}

static int64_t read_int(enum onr_dtype dtype, const void *data)
{
    switch (dtype) {
    case ONR_INT16:
        return *(const int16_t *)data;
    case ONR_INT32:
        return *(const int32_t *)data;
    default:
        return *(const int64_t *)data;
    }
}

/* ceil(span / step) in exact arithmetic, for limit on the far side of start. */
static uint64_t int_count(int64_t start, int64_t limit, int64_t delta)
{
    uint64_t span =
        delta > 0 ? (uint64_t)limit - (uint64_t)start : (uint64_t)start - (uint64_t)limit;
    uint64_t step = delta > 0 ? (uint64_t)delta : 0 - (uint64_t)delta;
    bool is_empty = delta > 0 ? limit <= start : limit >= start;
    return is_empty ? 0 : (span - 1) / step + 1;
}

static enum onr_status set_count(struct onr_infer_ctx *ctx, double count)
{
    if (!(count < 0x1p62)) { /* NaN too */
        return onr_infer_fail(ctx, ONR_ERR_VALUE, "start, limit and delta give %g elements", count);
    }
    ctx->outputs[0].shape.dim[0] = count > 0 ? (int64_t)count : 0;
    return ONR_OK;
}

static enum onr_status infer_floats(struct onr_infer_ctx *ctx)
{
    double value[3] = {0, 0, 1};
    for (uint32_t i = 0; i < 3 && onr_infer_has_input(ctx, i); i++) {
        if (ctx->inputs[i]->data == NULL) {
            ctx->needs |= 1u << i;
            continue;
        }
        value[i] = read_float(ctx->inputs[i]->dtype, ctx->inputs[i]->data);
    }
    if (ctx->needs != 0) {
        return ONR_OK;
    }
    if (value[2] == 0.0) {
        return onr_infer_fail(ctx, ONR_ERR_VALUE, "delta is 0");
    }
    return set_count(ctx, ceil((value[1] - value[0]) / value[2]));
}

static enum onr_status infer_ints(struct onr_infer_ctx *ctx)
{
    struct onr_sint value[3] = {{0}, {0}, {.value = 1}};
    bool is_known = true;
    for (uint32_t i = 0; i < 3 && onr_infer_has_input(ctx, i); i++) {
        const struct onr_sint *ints = NULL;
        size_t count = 0;
        ONR_TRY(onr_infer_sints(ctx, i, &ints, &count));
        value[i] = ints != NULL && count > 0 ? ints[0] : onr_sint_of_dim(ONR_DIM_UNKNOWN);
        is_known = is_known && value[i].dim == 0;
    }
    if (value[2].dim == 0 && value[2].value == 0) {
        return onr_infer_fail(ctx, ONR_ERR_VALUE, "delta is 0");
    }
    if (is_known) {
        uint64_t count = int_count(value[0].value, value[1].value, value[2].value);
        return set_count(ctx, (double)count);
    }
    if (value[0].dim == 0 && value[0].value == 0 && value[2].dim == 0 && value[2].value == 1) {
        ctx->outputs[0].shape.dim[0] = value[1].dim;
    }
    return ONR_OK;
}

static enum onr_status range_infer(struct onr_infer_ctx *ctx)
{
    onr_infer_unknown_dims(ctx, 1);
    for (uint32_t i = 0; i < 3 && onr_infer_has_input(ctx, i); i++) {
        if (onr_fact_is_shaped(ctx->inputs[i]) && onr_shape_count(&ctx->inputs[i]->shape) != 1) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "input %" PRIu32 " has %" PRId64 " elements, expected a scalar",
                                  i, onr_shape_count(&ctx->inputs[i]->shape));
        }
    }
    if (ctx->inputs[0]->dtype == ONR_UNDEFINED) {
        return ONR_OK;
    }
    return onr_dtypes_has(ONR_DTYPES_FLOAT, ctx->inputs[0]->dtype) ? infer_floats(ctx)
                                                                   : infer_ints(ctx);
}

struct range_task {
    struct onr_tensor *y;
    double start;
    double delta;
    uint64_t int_start; /* integers wrap, which only those past the end would */
    uint64_t int_delta;
};

static void range_fill(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct range_task *task = arg;
    void *y = task->y->data;
    for (size_t i = begin; i < end; i++) {
        double number = task->start + (double)i * task->delta;
        uint64_t integer = task->int_start + i * task->int_delta;
        switch (task->y->dtype) {
        case ONR_FLOAT:
            ((float *)y)[i] = (float)number;
            break;
        case ONR_DOUBLE:
            ((double *)y)[i] = number;
            break;
        case ONR_FLOAT16:
            ((uint16_t *)y)[i] = onr_double_to_half(number);
            break;
        case ONR_BFLOAT16:
            ((uint16_t *)y)[i] = onr_double_to_bfloat16(number);
            break;
        case ONR_INT16:
            ((int16_t *)y)[i] = (int16_t)integer;
            break;
        case ONR_INT32:
            ((int32_t *)y)[i] = (int32_t)integer;
            break;
        default:
            ((int64_t *)y)[i] = (int64_t)integer;
            break;
        }
    }
}

static enum onr_status range_run(struct onr_run_ctx *ctx)
{
    struct range_task task = {.y = ctx->outputs[0]};
    enum onr_dtype dtype = task.y->dtype;
    const void *delta =
        ctx->input_count > 2 && ctx->inputs[2] != NULL ? ctx->inputs[2]->data : NULL;
    if (onr_dtypes_has(ONR_DTYPES_FLOAT, dtype)) {
        task.start = read_float(dtype, ctx->inputs[0]->data);
        task.delta = delta != NULL ? read_float(dtype, delta) : 1;
    } else {
        task.int_start = (uint64_t)read_int(dtype, ctx->inputs[0]->data);
        task.int_delta = delta != NULL ? (uint64_t)read_int(dtype, delta) : 1;
    }
    onr_parallel_for(ctx->parallel, (size_t)onr_tensor_count(task.y), GRAIN, range_fill, &task);
    return ONR_OK;
}

#define OLD_TYPES                                                                                  \
    (ONR_BIT(FLOAT) | ONR_BIT(DOUBLE) | ONR_BIT(INT16) | ONR_BIT(INT32) | ONR_BIT(INT64))
static const struct onr_param_spec old_specs[] = {{OLD_TYPES, 1}, {0}};
static const struct onr_param_spec new_specs[] = {{OLD_TYPES | ONR_DTYPES_HALF, 1}, {0}};
static const struct onr_attr_spec stash_attrs[] = {{"stash_type", ONR_ATTR_INT, false}, {0}};

#define RANGE_ROW(of_domain, first, last, min, specs, attr_specs)                                  \
    {                                                                                              \
        .domain = (of_domain), .name = "Range", .since_version = (first), .last_version = (last),  \
        .inputs = {(min), 3}, .outputs = {1, 1}, .attrs = (attr_specs), .input_specs = (specs),    \
        .output_specs = (specs), .infer = range_infer, .run = range_run                            \
    }

extern const struct onr_op_def onr_ops_range[];
const struct onr_op_def onr_ops_range[] = {
    RANGE_ROW("", 11, 26, 3, old_specs, NULL),
    RANGE_ROW("", 27, ONR_OPSET_LATEST, 3, new_specs, stash_attrs),
    RANGE_ROW("com.microsoft", 1, ONR_CONTRIB_LATEST, 2, old_specs, NULL),
    {.name = NULL},
};
