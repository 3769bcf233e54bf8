/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pad (ai.onnx)                                  https://onnx.ai/onnx/operators/onnx__Pad.html
 * Pad (com.microsoft), version 1: as version 11 for float types; pads may be [1, 2 rank].
 *
 * y[i..] = x[i - begin..] where that is inside x; outside it as `mode` says.
 *
 * Shapes    dim[a] + begin[a] + end[a], pads being [begins.., ends..] of all dimensions or of
 *           `axes`.
 * Types     all (floats up to version 10).
 * Attrs     mode: "constant" (default), "reflect" (without repeating the border, to and fro as far
 *           as needed), "edge", "wrap" (19+). 2-10: pads, value. From 11 on inputs pads,
 *           constant_value (default 0), 18+ axes.
 * Edge      negative pads cut off; the other modes then pad what is left, which must not be empty.
 */
#include "base/size.h"
#include "kernels/kernels.h"
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/common/copy.h"
#include "ops/common/index.h"

#include <inttypes.h>

/* Bytes from which on a second thread pays. */
#define GRAIN_BYTES ((size_t)1 << 16)

enum pad_mode { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE, PAD_WRAP };

/* What is added before and after each dimension of x. */
struct pads {
    int64_t begin[ONR_MAX_RANK];
    int64_t end[ONR_MAX_RANK];
};

static enum onr_status read_mode(const struct onr_node *node, enum pad_mode *mode,
                                 struct onr_error *err)
{
    static const char *const names[] = {"constant", "reflect", "edge", "wrap", NULL};
    size_t choice = 0;
    ONR_TRY(onr_check_attr_choice(node, "mode", names, &choice, err));
    *mode = (enum pad_mode)choice;
    return ONR_OK;
}

/* dim + begin + end, or an error. */
static enum onr_status padded_dim(struct onr_infer_ctx *ctx, int axis, struct onr_sint begin,
                                  struct onr_sint end, int64_t *padded)
{
    int64_t dim = ctx->inputs[0]->shape.dim[axis];
    *padded = ONR_DIM_UNKNOWN;
    if (begin.dim != 0 || end.dim != 0) {
        return ONR_OK;
    }
    if (begin.value == 0 && end.value == 0) {
        *padded = dim;
    } else if (dim >= 0 && (!onr_int_add(dim, begin.value, padded) ||
                            !onr_int_add(*padded, end.value, padded) || *padded < 0)) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "pads %" PRId64 " and %" PRId64 " of dimension %d, which is %" PRId64,
                              begin.value, end.value, axis, dim);
    }
    return ONR_OK;
}

/* Shape of y when dimension axes[i] (or i) gets pads[i] before and pads[count + i] behind. */
static enum onr_status pad_dims(struct onr_infer_ctx *ctx, const int64_t *axes,
                                const struct onr_sint *pads, size_t count)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_shape y = *x;
    uint32_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        int axis = 0;
        ONR_TRY(onr_check_axis(ctx->err, axes != NULL ? axes[i] : (int64_t)i, x->rank, &axis));
        if ((seen >> axis & 1) != 0) {
            return onr_infer_fail(ctx, ONR_ERR_VALUE, "axis %d is listed twice", axis);
        }
        seen |= 1u << axis;
        ONR_TRY(padded_dim(ctx, axis, pads[i], pads[count + i], &y.dim[axis]));
    }
    ctx->outputs[0].shape = y;
    return ONR_OK;
}

static enum onr_status pad_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_sint *pads = NULL;
    const int64_t *axes = NULL;
    size_t pad_count = 0;
    size_t axis_count = 0;
    enum pad_mode mode;
    bool has_axes = onr_infer_has_input(ctx, 3);
    ONR_TRY(read_mode(ctx->node, &mode, ctx->err));
    ONR_TRY(onr_infer_sints(ctx, 1, &pads, &pad_count));
    if (has_axes) {
        ONR_TRY(onr_infer_ints(ctx, 3, &axes, &axis_count));
    }
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (pads == NULL || (has_axes && axes == NULL)) {
        onr_infer_unknown_dims(ctx, x->rank);
        return ONR_OK;
    }
    size_t padded = has_axes ? axis_count : (size_t)x->rank;
    if (pad_count != 2 * padded) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%zu pads for %zu dimensions, expected %zu",
                              pad_count, padded, 2 * padded);
    }
    return pad_dims(ctx, axes, pads, padded);
}

/* A single row of pads counts as a list. */
static enum onr_status contrib_pad_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_fact *inputs[3];
    struct onr_fact pads = *ctx->inputs[1];
    struct onr_infer_ctx list_ctx = *ctx;
    memcpy(inputs, ctx->inputs, ctx->node->input_count * sizeof *inputs);
    inputs[1] = &pads;
    list_ctx.inputs = inputs;
    if (pads.shape.rank == 2 && (pads.shape.dim[0] == 1 || pads.shape.dim[0] < 0)) {
        pads.shape = (struct onr_shape){.rank = 1, .dim = {pads.shape.dim[1]}};
    }
    ONR_TRY(pad_infer(&list_ctx));
    ctx->needs = list_ctx.needs;
    return ONR_OK;
}

static enum onr_status pad_attr_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    size_t count = 0;
    const int64_t *pads = onr_attr_ints(ctx->node, "pads", &count);
    struct onr_sint list[2 * ONR_MAX_RANK];
    enum pad_mode mode;
    ONR_TRY(read_mode(ctx->node, &mode, ctx->err));
    if (x->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (count != 2 * (size_t)x->rank) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "%zu pads for %d dimensions, expected %d", count,
                              x->rank, 2 * x->rank);
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = onr_sint_of(pads[i]);
    }
    return pad_dims(ctx, NULL, list, (size_t)x->rank);
}

struct pad_plan {
    enum pad_mode mode;
    float value;                   /* of versions up to 10 */
    int64_t *source[ONR_MAX_RANK]; /* [dim of y] offset in x, in elements; -1 outside */
    size_t first;                  /* along the last dimension, `length` elements from `first` on */
    size_t length;                 /* are neighbours in x */
};

/* Where index i of a padded dimension comes from. */
static int64_t source_index(enum pad_mode mode, int64_t i, int64_t begin, int64_t end, int64_t dim)
{
    if (mode == PAD_CONSTANT) {
        int64_t inside = i - begin;
        return inside >= 0 && inside < dim ? inside : -1;
    }
    int64_t cut = begin < 0 ? -begin : 0;
    int64_t left = dim - cut - (end < 0 ? -end : 0); /* checked to be above 0 */
    int64_t at = i - (begin > 0 ? begin : 0);
    int64_t period = mode == PAD_WRAP ? left : onr_int_max(2 * (left - 1), 1);
    if (mode == PAD_EDGE) {
        return cut + onr_int_min(onr_int_max(at, 0), left - 1);
    }
    at = (at % period + period) % period;
    return cut + (at < left ? at : period - at);
}

static enum onr_status plan_dim(struct onr_plan_ctx *ctx, struct pad_plan *plan,
                                const struct pads *pads, int axis, int64_t stride)
{
    int64_t dim = ctx->inputs[0]->shape.dim[axis];
    int64_t padded = ctx->outputs[0].shape.dim[axis];
    int64_t begin = pads->begin[axis];
    int64_t end = pads->end[axis];
    int64_t left = dim + (begin < 0 ? begin : 0) + (end < 0 ? end : 0);
    if (plan->mode != PAD_CONSTANT && padded > 0 && left <= 0) {
        return onr_fail(ctx->err, ONR_ERR_SHAPE,
                        "dimension %d is empty, which only mode constant can pad", axis);
    }
    plan->source[axis] = ONR_ARENA_ARRAY(ctx->arena, (size_t)padded + 1, int64_t);
    if (plan->source[axis] == NULL) {
        return onr_fail_memory(ctx->err, "plan of Pad");
    }
    for (int64_t i = 0; i < padded; i++) {
        int64_t index = source_index(plan->mode, i, begin, end, dim);
        plan->source[axis][i] = index < 0 ? -1 : index * stride;
    }
    return ONR_OK;
}

/* The longest run of neighbours that begins where the first element of x inside y lies. */
static void find_run(struct pad_plan *plan, const struct onr_shape *y, int64_t begin)
{
    int last = y->rank - 1;
    const int64_t *source = plan->source[last];
    size_t count = (size_t)y->dim[last];
    plan->first = onr_int_max(begin, 0) < y->dim[last] ? (size_t)onr_int_max(begin, 0) : 0;
    while (plan->first + plan->length < count && source[plan->first + plan->length] >= 0 &&
           source[plan->first + plan->length] == source[plan->first] + (int64_t)plan->length) {
        plan->length++;
    }
}

static enum onr_status plan_pads(struct onr_plan_ctx *ctx, const struct pads *pads)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct pad_plan *plan = ONR_ARENA_NEW(ctx->arena, struct pad_plan);
    int64_t stride[ONR_MAX_RANK];
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of Pad");
    }
    ONR_TRY(read_mode(ctx->node, &plan->mode, ctx->err));
    plan->value = onr_attr_float(ctx->node, "value", 0.0f);
    onr_shape_strides(x, stride);
    for (int i = 0; i < x->rank; i++) {
        ONR_TRY(plan_dim(ctx, plan, pads, i, stride[i]));
    }
    if (x->rank > 0) {
        find_run(plan, &ctx->outputs[0].shape, pads->begin[x->rank - 1]);
    }
    ctx->plan = plan;
    return ONR_OK;
}

static enum onr_status pad_make_plan(struct onr_plan_ctx *ctx)
{
    int rank = ctx->inputs[0]->shape.rank;
    const struct onr_fact *axes = ctx->node->input_count > 3 ? ctx->inputs[3] : NULL;
    int64_t count = axes != NULL ? onr_shape_count(&axes->shape) : rank;
    struct pads pads = {{0}, {0}};
    ONR_TRY(onr_check_planned(ctx, 1));
    ONR_TRY(onr_check_planned(ctx, 3));
    for (int64_t i = 0; i < count; i++) {
        int axis = 0;
        ONR_TRY(onr_check_axis(ctx->err, axes != NULL ? onr_plan_int(axes, i) : i, rank, &axis));
        pads.begin[axis] = onr_plan_int(ctx->inputs[1], i);
        pads.end[axis] = onr_plan_int(ctx->inputs[1], count + i);
    }
    return plan_pads(ctx, &pads);
}

static enum onr_status pad_attr_plan(struct onr_plan_ctx *ctx)
{
    int rank = ctx->inputs[0]->shape.rank;
    size_t count = 0;
    const int64_t *list = onr_attr_ints(ctx->node, "pads", &count);
    struct pads pads = {{0}, {0}};
    for (int i = 0; i < rank; i++) {
        pads.begin[i] = list[i];
        pads.end[i] = list[rank + i];
    }
    return plan_pads(ctx, &pads);
}

struct pad_task {
    const struct onr_run_ctx *ctx;
    _Alignas(16) unsigned char value[16];
    size_t size; /* of an element */
};

static void pad_row(const struct pad_task *task, char *y, const char *x)
{
    const struct pad_plan *plan = task->ctx->plan;
    const struct onr_shape *shape = &task->ctx->outputs[0]->shape;
    const int64_t *source = plan->source[shape->rank - 1];
    size_t count = (size_t)shape->dim[shape->rank - 1];
    size_t size = task->size;
    for (size_t i = 0; i < count; i++) {
        if (i == plan->first && plan->length > 0) {
            memcpy(y + i * size, x + (size_t)source[i] * size, plan->length * size);
            i += plan->length - 1;
            continue;
        }
        const void *from = source[i] < 0 ? (const void *)task->value : x + (size_t)source[i] * size;
        onr_copy_element(y + i * size, from, size);
    }
}

static void pad_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    const struct pad_task *task = arg;
    const struct onr_run_ctx *ctx = task->ctx;
    const struct pad_plan *plan = ctx->plan;
    const struct onr_shape *y = &ctx->outputs[0]->shape;
    size_t row_count = (size_t)y->dim[y->rank - 1];
    onr_copy_strided_fn fill = ctx->kernels->move.copy_strided[onr_move_size_index(task->size)];
    for (size_t row = begin; row < end; row++) {
        int64_t base = 0;
        size_t rest = row;
        for (int d = y->rank - 2; d >= 0 && base >= 0; d--) {
            int64_t offset = plan->source[d][rest % (size_t)y->dim[d]];
            rest /= (size_t)y->dim[d];
            base = offset < 0 ? -1 : base + offset;
        }
        char *to = (char *)ctx->outputs[0]->data + row * row_count * task->size;
        if (base < 0) {
            fill(row_count, to, 1, task->value, 0);
        } else {
            pad_row(task, to, (const char *)ctx->inputs[0]->data + (size_t)base * task->size);
        }
    }
}

static enum onr_status pad_run(struct onr_run_ctx *ctx)
{
    const struct pad_plan *plan = ctx->plan;
    const struct onr_tensor *y = ctx->outputs[0];
    const struct onr_tensor *value = ctx->input_count > 2 ? ctx->inputs[2] : NULL;
    struct pad_task task = {.ctx = ctx, .size = onr_dtype_size(y->dtype)};
    if (onr_tensor_count(y) == 0) {
        return ONR_OK;
    }
    if (value != NULL && onr_tensor_count(value) > 0) {
        memcpy(task.value, value->data, task.size);
    } else if (plan->value != 0.0f) {
        const struct onr_narrowing how = {.is_saturated = true};
        onr_convert(ctx->kernels, ONR_FLOAT, y->dtype, &how, 1, &plan->value, task.value);
    }
    if (y->shape.rank == 0) {
        memcpy(y->data, ctx->inputs[0]->data, task.size);
        return ONR_OK;
    }
    size_t rows = (size_t)onr_shape_range(&y->shape, 0, y->shape.rank - 1);
    size_t row_bytes = (size_t)y->shape.dim[y->shape.rank - 1] * task.size;
    onr_parallel_for(ctx->parallel, rows, GRAIN_BYTES / row_bytes + 1, pad_rows, &task);
    return ONR_OK;
}

static const struct onr_param_spec float_specs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};
static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec pad_inputs[] = {
    {ONR_DTYPES_ALL, 1}, {ONR_BIT(INT64), 0}, {ONR_DTYPES_ALL, 1}, {ONR_DTYPES_INDEX, 0}, {0}};
static const struct onr_attr_spec old_attrs[] = {{"mode", ONR_ATTR_STRING, false},
                                                 {"pads", ONR_ATTR_INTS, true},
                                                 {"value", ONR_ATTR_FLOAT, false},
                                                 {0}};
static const struct onr_attr_spec mode_attrs[] = {{"mode", ONR_ATTR_STRING, false}, {0}};

#define PAD_ROW(first, last, max)                                                                  \
    {                                                                                              \
        .domain = "", .name = "Pad", .since_version = (first), .last_version = (last),             \
        .inputs = {2, (max)}, .outputs = {1, 1}, .attrs = mode_attrs, .input_specs = pad_inputs,   \
        .output_specs = any_specs, .infer = pad_infer, .plan = pad_make_plan, .run = pad_run,      \
        .kernel = ONR_KERNEL_AT(move.copy_strided)                                                 \
    }

static const struct onr_param_spec contrib_inputs[] = {
    {ONR_DTYPES_FLOAT, 1}, {ONR_BIT(INT64), 0}, {ONR_DTYPES_FLOAT, 1}, {0}};

extern const struct onr_op_def onr_ops_pad[];
const struct onr_op_def onr_ops_pad[] = {
    {.domain = "",
     .name = "Pad",
     .since_version = 2,
     .last_version = 10,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = old_attrs,
     .input_specs = float_specs,
     .output_specs = float_specs,
     .infer = pad_attr_infer,
     .plan = pad_attr_plan,
     .run = pad_run,
     .kernel = ONR_KERNEL_AT(move.copy_strided)},
    PAD_ROW(11, 17, 3),
    PAD_ROW(18, ONR_OPSET_LATEST, 4),
    {.domain = "com.microsoft",
     .name = "Pad",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {2, 3},
     .outputs = {1, 1},
     .attrs = mode_attrs,
     .input_specs = contrib_inputs,
     .output_specs = float_specs,
     .infer = contrib_pad_infer,
     .plan = pad_make_plan,
     .run = pad_run,
     .kernel = ONR_KERNEL_AT(move.copy_strided)},
    {.name = NULL},
};
