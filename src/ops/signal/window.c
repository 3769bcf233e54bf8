/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HannWindow, HammingWindow, BlackmanWindow (ai.onnx), version 17.
 * https://onnx.ai/onnx/operators/onnx__HannWindow.html
 *
 * With t = 2 pi n / M, where M is size (periodic) or size - 1 (symmetric):
 *
 *   Hann      y[n] = 1/2 - cos(t) / 2
 *   Hamming   y[n] = 25/46 - 21/46 cos(t)
 *   Blackman  y[n] = 0.42 - 0.5 cos(t) + 0.08 cos(2 t)
 *
 * Shapes    size: scalar int32 or int64 -> [size].
 * Types     output_datatype: any integer or float type. Computed in double; integers are cut off.
 * Attrs     output_datatype: default float. periodic: int, default 1.
 * Edge      size 0 -> nothing; a symmetric window of one point is 1; a negative size is refused.
 */
#include "kernels/kernels.h"
#include "ops/common/contents.h"
#include "ops/common/scalar.h"

#include <inttypes.h>
#include <math.h>

/* Points that are computed before they are converted; also the least that a thread takes. */
#define PIECE 256

#define PI 3.14159265358979323846

/* y[n] = mean - first cos(t) + second cos(2 t) */
struct window {
    double mean;
    double first;
    double second;
    double points; /* M */
};

static enum onr_status window_infer(struct onr_infer_ctx *ctx)
{
    int64_t size = 0;
    bool is_known = false;
    onr_infer_unknown_dims(ctx, 1);
    ONR_TRY(onr_infer_dtype_attr(ctx, "output_datatype", ONR_FLOAT, ONR_DTYPES_NUMERIC,
                                 &ctx->outputs[0].dtype));
    ONR_TRY(onr_infer_scalar(ctx, 0, "size", 0, &size, &is_known));
    if (size < 0) {
        return onr_infer_fail(ctx, ONR_ERR_VALUE, "size is %" PRId64 ", expected at least 0", size);
    }
    if (is_known) {
        ctx->outputs[0].shape.dim[0] = size;
    }
    return ONR_OK;
}

static enum onr_status plan_window(struct onr_plan_ctx *ctx, double mean, double first,
                                   double second)
{
    struct window *window = ONR_ARENA_NEW(ctx->arena, struct window);
    if (window == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a window");
    }
    bool is_periodic = onr_attr_int(ctx->node, "periodic", 1) != 0;
    *window = (struct window){.mean = mean, .first = first, .second = second};
    window->points = (double)ctx->outputs[0].shape.dim[0] - (is_periodic ? 0.0 : 1.0);
    ctx->plan = window;
    return ONR_OK;
}

static enum onr_status hann_plan(struct onr_plan_ctx *ctx)
{
    return plan_window(ctx, 0.5, 0.5, 0.0);
}

static enum onr_status hamming_plan(struct onr_plan_ctx *ctx)
{
    return plan_window(ctx, 25.0 / 46.0, 21.0 / 46.0, 0.0);
}

static enum onr_status blackman_plan(struct onr_plan_ctx *ctx)
{
    return plan_window(ctx, 0.42, 0.5, 0.08);
}

static double window_at(const struct window *window, size_t n)
{
    if (window->points == 0.0) {
        return 1.0;
    }
    double t = 2.0 * PI * (double)n / window->points;
    return window->mean - window->first * cos(t) + window->second * cos(2.0 * t);
}

struct window_task {
    const struct window *window;
    const struct onr_kernels *kernels;
    const struct onr_tensor *y;
};

static void window_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct window_task *task = arg;
    const struct onr_narrowing how = {.is_saturated = true};
    size_t element_bytes = onr_dtype_size(task->y->dtype);
    double piece[PIECE];
    (void)worker;
    for (size_t first = begin; first < end; first += PIECE) {
        size_t count = end - first < PIECE ? end - first : PIECE;
        for (size_t i = 0; i < count; i++) {
            piece[i] = window_at(task->window, first + i);
        }
        onr_convert(task->kernels, ONR_DOUBLE, task->y->dtype, &how, count, piece,
                    (char *)task->y->data + first * element_bytes);
    }
}

static enum onr_status window_run(struct onr_run_ctx *ctx)
{
    struct window_task task = {.window = ctx->plan, .kernels = ctx->kernels, .y = ctx->outputs[0]};
    onr_parallel_for(ctx->parallel, (size_t)onr_tensor_count(task.y), PIECE, window_range, &task);
    return ONR_OK;
}

static const struct onr_attr_spec window_attrs[] = {
    {"output_datatype", ONR_ATTR_INT, false}, {"periodic", ONR_ATTR_INT, false}, {.name = NULL}};
static const struct onr_param_spec window_inputs[] = {{ONR_DTYPES_INDEX, 0}, {0}};
static const struct onr_param_spec window_outputs[] = {{ONR_DTYPES_NUMERIC, 0}, {0}};

#define WINDOW_ROW(title, plan_function)                                                           \
    {                                                                                              \
        .domain = "", .name = (title), .since_version = 17, .last_version = ONR_OPSET_LATEST,      \
        .inputs = {1, 1}, .outputs = {1, 1}, .attrs = window_attrs, .input_specs = window_inputs,  \
        .output_specs = window_outputs, .infer = window_infer, .plan = (plan_function),            \
        .run = window_run,                                                                         \
    }

extern const struct onr_op_def onr_ops_window[];
const struct onr_op_def onr_ops_window[] = {
    WINDOW_ROW("BlackmanWindow", blackman_plan),
    WINDOW_ROW("HammingWindow", hamming_plan),
    WINDOW_ROW("HannWindow", hann_plan),
    {.name = NULL},
};
