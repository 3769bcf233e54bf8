/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DFT (ai.onnx), versions 17 and 20. https://onnx.ai/onnx/operators/onnx__DFT.html
 *
 * forward   y[k] = sum_n x[n] e^(-2 pi i k n / N)
 * inverse   y[k] = 1 / N sum_n x[n] e^(2 pi i k n / N)
 *
 * along one axis, N = dft_length; x is cut off or padded with zeros to N numbers.
 *
 * Shapes    [d0, d1, .., c], c = 1 for real and 2 for complex numbers -> the same with c = 2 and N
 *           numbers along the axis. onesided forward (real x only): the first N / 2 + 1 of them.
 *           onesided inverse (complex x only): x is such a half, and y is real (c = 1).
 * Types     float16, bfloat16, float32, float64; computed in double.
 * Attrs     inverse, onesided: int, default 0. axis: int, default 1 (17-19).
 * Inputs    dft_length: scalar, default the axis's extent d, or 2 (d - 1) where y is real. axis:
 *           scalar, default -2 (20+). The last axis is none of the signal's.
 * Edge      Imaginary parts that the symmetry rules out (of x[0], and x[N/2]) do not matter where y
 *           is real. N = 0 is refused.
 * Aliasing  none.
 */
#include "base/size.h"
#include "ops/common/axes.h"
#include "ops/common/contents.h"
#include "ops/common/float_io.h"
#include "ops/common/scalar.h"
#include "ops/signal/fft.h"

#include <inttypes.h>
#include <string.h>

struct dft_plan {
    struct onr_fft fft;
    struct onr_axis_view x; /* without the parts of complex numbers */
    size_t y_size;          /* of the axis */
    size_t x_parts;
    size_t y_parts;
    size_t worker_bytes;
    bool is_inverse;
    bool is_half; /* x is half of a symmetric spectrum */
};

static enum onr_status find_axis(struct onr_infer_ctx *ctx, int rank, int *axis, bool *is_known)
{
    int64_t value = onr_attr_int(ctx->node, "axis", 1);
    *is_known = true;
    if (ctx->node->version >= 20) {
        ONR_TRY(onr_infer_scalar(ctx, 2, "axis", -2, &value, is_known));
    }
    if (!*is_known) {
        return ONR_OK;
    }
    ONR_TRY(onr_check_axis(ctx->err, value, rank, axis));
    if (*axis == rank - 1) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "axis is %" PRId64 ", the last one, which holds the parts of complex "
                              "numbers",
                              value);
    }
    return ONR_OK;
}

static enum onr_status check_parts(struct onr_infer_ctx *ctx, int64_t parts, bool is_inverse)
{
    bool is_onesided = onr_attr_int(ctx->node, "onesided", 0) != 0;
    if (parts >= 0 && parts != 1 && parts != 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "the last dimension is %" PRId64 ", expected 1 (real) or 2 (complex)",
                              parts);
    }
    if (is_onesided && parts >= 0 && parts != (is_inverse ? 2 : 1)) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "the last dimension is %" PRId64 ", expected %d for a onesided %s "
                              "transform",
                              parts, is_inverse ? 2 : 1, is_inverse ? "inverse" : "forward");
    }
    return ONR_OK;
}

static enum onr_status dft_infer(struct onr_infer_ctx *ctx)
{
    bool is_inverse = onr_attr_int(ctx->node, "inverse", 0) != 0;
    bool is_onesided = onr_attr_int(ctx->node, "onesided", 0) != 0;
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_shape *y = &ctx->outputs[0].shape;
    int64_t length = -1;
    bool has_length = onr_infer_has_input(ctx, 1);
    bool is_known = false;
    int axis = 0;
    ONR_TRY(onr_infer_scalar(ctx, 1, "dft_length", -1, &length, &is_known));
    if (has_length && is_known && length < 1) {
        return onr_infer_fail(ctx, ONR_ERR_VALUE, "dft_length is %" PRId64 ", expected at least 1",
                              length);
    }
    if (x->rank < 0) {
        return ONR_OK;
    }
    if (x->rank < 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "input has rank %d, expected at least 2",
                              x->rank);
    }
    ONR_TRY(check_parts(ctx, x->dim[x->rank - 1], is_inverse));
    ONR_TRY(find_axis(ctx, x->rank, &axis, &is_known));
    if (!is_known) {
        onr_infer_unknown_dims(ctx, x->rank);
        y->dim[x->rank - 1] = is_onesided && is_inverse ? 1 : 2;
        return ONR_OK;
    }
    *y = *x;
    y->dim[x->rank - 1] = is_onesided && is_inverse ? 1 : 2;
    if (!has_length && x->dim[axis] >= 0) {
        length = is_onesided && is_inverse ? 2 * (x->dim[axis] - 1) : x->dim[axis];
        if (length < 1) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "axis %d has %" PRId64 " numbers, which makes a transform of "
                                  "length %" PRId64,
                                  axis, x->dim[axis], length);
        }
    }
    bool is_halved = is_onesided && !is_inverse;
    bool is_same = !has_length && !is_onesided;
    y->dim[axis] = length < 0  ? (is_same ? x->dim[axis] : ONR_DIM_UNKNOWN)
                   : is_halved ? length / 2 + 1
                               : length;
    return ONR_OK;
}

static enum onr_status dft_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *y = &ctx->outputs[0].shape;
    struct dft_plan *plan = ONR_ARENA_NEW(ctx->arena, struct dft_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of DFT");
    }
    int axis = 0;
    int64_t axis_value =
        ctx->node->version >= 20 ? onr_plan_scalar(ctx, 2, -2) : onr_attr_int(ctx->node, "axis", 1);
    ONR_TRY(onr_check_axis(ctx->err, axis_value, x->rank, &axis));
    plan->is_inverse = onr_attr_int(ctx->node, "inverse", 0) != 0;
    bool is_onesided = onr_attr_int(ctx->node, "onesided", 0) != 0;
    plan->is_half = is_onesided && plan->is_inverse;
    int64_t size = x->dim[axis];
    size_t n = (size_t)onr_plan_scalar(ctx, 1, plan->is_half ? 2 * (size - 1) : size);
    struct onr_shape numbers = *x;
    numbers.rank--;
    plan->x = onr_axis_view(&numbers, axis);
    plan->y_size = (size_t)y->dim[axis];
    plan->x_parts = (size_t)x->dim[x->rank - 1];
    plan->y_parts = (size_t)y->dim[x->rank - 1];
    ONR_TRY(onr_fft_plan(&plan->fft, n, ctx->arena, ctx->err));
    plan->worker_bytes =
        onr_size_align((2 * n + onr_fft_scratch(&plan->fft)) * sizeof(double), ONR_MEM_ALIGN);
    ctx->workspace_bytes = plan->worker_bytes * ctx->thread_count;
    ctx->plan = plan;
    return ONR_OK;
}

struct dft_task {
    const struct dft_plan *plan;
    const struct onr_tensor *x;
    const struct onr_tensor *y;
    char *scratch; /* of all workers */
};

/* Reads the signal that starts at number `first`, as many of its numbers as matter. */
static void load(const struct dft_task *task, size_t first, double *re, double *im)
{
    const struct dft_plan *plan = task->plan;
    size_t n = plan->fft.n;
    size_t stride = plan->x.inner * plan->x_parts;
    size_t useful = plan->is_half ? n / 2 + 1 : n;
    size_t count = plan->x.size < useful ? plan->x.size : useful;
    memset(re, 0, 2 * n * sizeof *re); /* im follows re */
    onr_double_gather(task->x->dtype, task->x->data, first * plan->x_parts, stride, count, re);
    if (plan->x_parts == 2) {
        onr_double_gather(task->x->dtype, task->x->data, first * 2 + 1, stride, count, im);
    }
    if (plan->is_half) {
        for (size_t k = 1; 2 * k < n; k++) {
            re[n - k] = re[k];
            im[n - k] = -im[k];
        }
        im[0] = 0;
        im[n / 2] = n % 2 == 0 ? 0 : im[n / 2];
    }
}

static void dft_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct dft_task *task = arg;
    const struct dft_plan *plan = task->plan;
    size_t n = plan->fft.n;
    double *re = (double *)(void *)(task->scratch + worker * plan->worker_bytes);
    double *im = re + n;
    size_t stride = plan->x.inner * plan->y_parts;
    for (size_t i = begin; i < end; i++) {
        size_t outer = i / plan->x.inner;
        size_t inner = i % plan->x.inner;
        size_t first = (outer * plan->y_size * plan->x.inner + inner) * plan->y_parts;
        load(task, outer * plan->x.size * plan->x.inner + inner, re, im);
        if (plan->is_inverse) {
            onr_fft_run(&plan->fft, im, re, im + n);
            for (size_t k = 0; k < 2 * n; k++) {
                re[k] /= (double)n;
            }
        } else {
            onr_fft_run(&plan->fft, re, im, im + n);
        }
        onr_double_scatter(task->y->dtype, re, first, stride, plan->y_size, task->y->data);
        if (plan->y_parts == 2) {
            onr_double_scatter(task->y->dtype, im, first + 1, stride, plan->y_size, task->y->data);
        }
    }
}

static enum onr_status dft_run(struct onr_run_ctx *ctx)
{
    const struct dft_plan *plan = ctx->plan;
    struct dft_task task = {
        .plan = plan, .x = ctx->inputs[0], .y = ctx->outputs[0], .scratch = ctx->workspace};
    onr_parallel_for(ctx->parallel, plan->x.outer * plan->x.inner, onr_grain(32 * plan->fft.n),
                     dft_range, &task);
    return ONR_OK;
}

static const struct onr_attr_spec attrs_17[] = {{"axis", ONR_ATTR_INT, false},
                                                {"inverse", ONR_ATTR_INT, false},
                                                {"onesided", ONR_ATTR_INT, false},
                                                {.name = NULL}};
static const struct onr_attr_spec attrs_20[] = {
    {"inverse", ONR_ATTR_INT, false}, {"onesided", ONR_ATTR_INT, false}, {.name = NULL}};
static const struct onr_param_spec dft_inputs[] = {
    {ONR_DTYPES_FLOAT, 1}, {ONR_DTYPES_INDEX, 0}, {ONR_DTYPES_INDEX, 0}, {0}};
static const struct onr_param_spec dft_outputs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};

#define DFT_ROW(since, last, most_inputs, attributes)                                              \
    {                                                                                              \
        .domain = "", .name = "DFT", .since_version = (since), .last_version = (last),             \
        .inputs = {1, (most_inputs)}, .outputs = {1, 1}, .attrs = (attributes),                    \
        .input_specs = dft_inputs, .output_specs = dft_outputs, .infer = dft_infer,                \
        .plan = dft_plan, .run = dft_run,                                                          \
    }

extern const struct onr_op_def onr_ops_dft[];
const struct onr_op_def onr_ops_dft[] = {
    DFT_ROW(17, 19, 2, attrs_17),
    DFT_ROW(20, ONR_OPSET_LATEST, 3, attrs_20),
    {.name = NULL},
};
