/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CropAndResize (com.microsoft), version 1.
 * https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
 *
 * Y[r] = the box rois[r] of image batch_indices[r] at crop_size: pixel i of n lies at
 * (start + i (end - start) / (n - 1)) (extent - 1), a single one in the middle of the box
 *
 * Shapes    X: [N,C,H,W]; rois: [R,4], rows y1, x1, y2, x2, where 0 and 1 are the middles of the first
 *           and the last pixel; batch_indices: [R]; crop_size: [2] -> Y: [R,C,height,width].
 * Types     X with rois and Y: float32, float16, bfloat16 (places in float32), float64;
 *           batch_indices, crop_size: int32. Pixels are blended in float64.
 * Attrs     mode: bilinear (default), nearest (halves away from 0). extrapolation_value: float,
 *           default 0, of pixels beyond the middles of the outer ones, or at NaN.
 * Aliasing  none.
 */
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/common/float_io.h"
#include "ops/common/workspace.h"

#include <inttypes.h>
#include <math.h>

enum { X, ROIS, BATCH_INDICES, CROP_SIZE };

static const char *const modes[] = {"bilinear", "nearest", NULL};

static enum onr_status crop_infer(struct onr_infer_ctx *ctx)
{
    const int64_t any[4] = {ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN, ONR_DIM_UNKNOWN};
    const int64_t boxes[2] = {ONR_DIM_UNKNOWN, 4};
    const int64_t two = 2;
    int64_t regions = onr_known_dim(ctx, ROIS, 0);
    const int64_t *size = NULL;
    size_t mode, count = 0;
    ONR_TRY(onr_check_attr_choice(ctx->node, "mode", modes, &mode, ctx->err));
    ONR_TRY(onr_check_dims(ctx, X, "X", 4, any));
    ONR_TRY(onr_check_dims(ctx, ROIS, "rois", 2, boxes));
    ONR_TRY(onr_check_dims(ctx, BATCH_INDICES, "batch_indices", 1, &regions));
    ONR_TRY(onr_check_dims(ctx, CROP_SIZE, "crop_size", 1, &two));
    ONR_TRY(onr_infer_ints(ctx, CROP_SIZE, &size, &count));
    regions = regions >= 0 ? regions : onr_known_dim(ctx, BATCH_INDICES, 0);
    onr_infer_unknown_dims(ctx, 4);
    struct onr_shape *y = &ctx->outputs[0].shape;
    y->dim[0] = regions;
    y->dim[1] = onr_known_dim(ctx, X, 1);
    for (size_t i = 0; size != NULL && i < count; i++) {
        if (size[i] < 1) {
            return onr_infer_fail(ctx, ONR_ERR_VALUE,
                                  "crop_size[%zu] is %" PRId64 ", expected at least 1", i, size[i]);
        }
        y->dim[2 + i] = size[i];
    }
    return ONR_OK;
}

struct crop_plan {
    enum onr_dtype dtype;
    size_t channels;
    int64_t extent[2]; /* of X: height, width */
    int64_t crop[2];   /* of Y */
    bool is_nearest;
    double outside;
    size_t worker_bytes; /* of workspace: the channels of four pixels and of their blend */
};

static enum onr_status crop_plan(struct onr_plan_ctx *ctx)
{
    const int64_t *x = ctx->inputs[X]->shape.dim;
    const int64_t *y = ctx->outputs[0].shape.dim;
    struct onr_workspace pixels = {0};
    struct onr_workspace space = {0};
    struct crop_plan *plan = ONR_ARENA_NEW(ctx->arena, struct crop_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of CropAndResize");
    }
    *plan = (struct crop_plan){
        .dtype = ctx->inputs[X]->dtype,
        .channels = (size_t)x[1],
        .extent = {x[2], x[3]},
        .crop = {y[2], y[3]},
        .is_nearest = onr_string_is(onr_attr_string(ctx->node, "mode", modes[0]), modes[1]),
        .outside = (double)onr_attr_float(ctx->node, "extrapolation_value", 0.0f)};
    ctx->plan = plan;
    (void)onr_workspace_add(&pixels, plan->channels, 5 * sizeof(double));
    ONR_TRY(onr_workspace_finish(&pixels, &plan->worker_bytes, ctx->err));
    (void)onr_workspace_add(&space, ctx->thread_count, plan->worker_bytes);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

/* A step of the computation of places, which is in float32 unless X is float64. */
static double step(const struct crop_plan *plan, double value)
{
    return plan->dtype == ONR_DOUBLE ? value : (double)(float)value;
}

/* Where pixel i of a crop lies along one axis; NaN when it is outside. */
static double place_of(const struct crop_plan *plan, int axis, double start, double end, int64_t i)
{
    int64_t count = plan->crop[axis];
    double last = (double)(plan->extent[axis] - 1);
    double place;
    if (count == 1) {
        place = step(plan, 0.5 * step(plan, start + end) * last);
    } else if (i == count - 1) {
        place = step(plan, end * last);
    } else {
        double span = step(plan, step(plan, end - start) * last);
        double scale = step(plan, span / (double)(count - 1));
        place = step(plan, step(plan, start * last) + step(plan, (double)i * scale));
    }
    return place >= 0 && place <= last ? place : (double)NAN;
}

struct crop_job {
    const struct crop_plan *plan;
    const void *x;
    const void *rois;
    const int32_t *image;
    void *y;
    char *workspace;
};

/* All channels of the pixel of an image. */
static void read_pixel(const struct crop_job *job, size_t image, double row, double column,
                       double *channels)
{
    const struct crop_plan *plan = job->plan;
    size_t plane = (size_t)(plan->extent[0] * plan->extent[1]);
    size_t at = (size_t)row * (size_t)plan->extent[1] + (size_t)column;
    onr_double_gather(plan->dtype, job->x, image * plan->channels * plane + at, plane,
                      plan->channels, channels);
}

/* All channels at a place into out; scratch has room for the channels of four pixels. */
static void sample(const struct crop_job *job, size_t image, double row, double column,
                   double *scratch, double *out)
{
    size_t channels = job->plan->channels;
    if (job->plan->is_nearest) {
        read_pixel(job, image, round(row), round(column), out);
        return;
    }
    for (size_t i = 0; i < 4; i++) {
        read_pixel(job, image, i < 2 ? floor(row) : ceil(row),
                   i % 2 == 0 ? floor(column) : ceil(column), scratch + i * channels);
    }
    double down = row - floor(row);
    double right = column - floor(column);
    for (size_t c = 0; c < channels; c++) {
        const double *pixel = scratch + c;
        double top = pixel[0] + (pixel[channels] - pixel[0]) * right;
        double bottom = pixel[2 * channels] + (pixel[3 * channels] - pixel[2 * channels]) * right;
        out[c] = top + (bottom - top) * down;
    }
}

/* Items are rows of all crops. */
static void crop_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct crop_job *job = arg;
    const struct crop_plan *plan = job->plan;
    size_t height = (size_t)plan->crop[0];
    size_t width = (size_t)plan->crop[1];
    double *scratch = (void *)(job->workspace + worker * plan->worker_bytes);
    double *out = scratch + 4 * plan->channels;
    for (size_t item = begin; item < end; item++) {
        size_t r = item / height;
        size_t i = item % height;
        double box[4];
        onr_double_gather(plan->dtype, job->rois, 4 * r, 1, 4, box);
        double row = place_of(plan, 0, box[0], box[2], (int64_t)i);
        for (size_t j = 0; j < width; j++) {
            double column = place_of(plan, 1, box[1], box[3], (int64_t)j);
            if (row == row && column == column) {
                sample(job, (size_t)job->image[r], row, column, scratch, out);
            } else {
                for (size_t c = 0; c < plan->channels; c++) {
                    out[c] = plan->outside;
                }
            }
            onr_double_scatter(plan->dtype, out, (r * plan->channels * height + i) * width + j,
                               height * width, plan->channels, job->y);
        }
    }
}

static enum onr_status crop_run(struct onr_run_ctx *ctx)
{
    const struct crop_plan *plan = ctx->plan;
    const int32_t *image = ctx->inputs[BATCH_INDICES]->data;
    int64_t regions = ctx->outputs[0]->shape.dim[0];
    int64_t images = ctx->inputs[X]->shape.dim[0];
    for (int64_t r = 0; r < regions; r++) {
        if (image[r] < 0 || image[r] >= images) {
            return onr_fail(ctx->err, ONR_ERR_VALUE,
                            "batch_indices[%" PRId64 "] is %" PRId32 ", expected 0 to %" PRId64, r,
                            image[r], images - 1);
        }
    }
    struct crop_job job = {.plan = plan,
                           .x = ctx->inputs[X]->data,
                           .rois = ctx->inputs[ROIS]->data,
                           .image = image,
                           .y = ctx->outputs[0]->data,
                           .workspace = ctx->workspace};
    if (plan->channels > 0) {
        onr_parallel_for(ctx->parallel, (size_t)(regions * plan->crop[0]),
                         onr_grain((size_t)plan->crop[1] * plan->channels * 8), crop_rows, &job);
    }
    return ONR_OK;
}

static const struct onr_attr_spec attrs[] = {{"extrapolation_value", ONR_ATTR_FLOAT, false},
                                             {"mode", ONR_ATTR_STRING, false},
                                             {.name = NULL}};
static const struct onr_param_spec inputs[] = {
    {ONR_DTYPES_FLOAT, 1}, {ONR_DTYPES_FLOAT, 1}, {ONR_BIT(INT32), 0}, {0}};
static const struct onr_param_spec outputs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};

extern const struct onr_op_def onr_ops_contrib_crop_and_resize[];
const struct onr_op_def onr_ops_contrib_crop_and_resize[] = {
    {.domain = "com.microsoft",
     .name = "CropAndResize",
     .since_version = 1,
     .last_version = ONR_CONTRIB_LATEST,
     .inputs = {4, 4},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = inputs,
     .output_specs = outputs,
     .infer = crop_infer,
     .plan = crop_plan,
     .run = crop_run},
    {.name = NULL},
};
