/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MaxRoiPool (ai.onnx), versions 1 and 22.
 * https://onnx.ai/onnx/operators/onnx__MaxRoiPool.html
 *
 * Each region of interest, rounded to whole pixels, is cut into pooled_shape bins that may share a
 * row or column of pixels; y[r, c, i, j] is the maximum of the pixels of bin i, j.
 *
 * Shapes    x: [N, C, H, W]. rois: [R, 5], rows image, x1, y1, x2, y2, ends included.
 *           y: [R, C, pooled_shape...].
 * Types     float16, bfloat16 (22+), float32, float64.
 * Attrs     pooled_shape: 2 ints, required. spatial_scale: float, default 1, of the coordinates.
 * Edge      A region has at least one pixel. A bin outside of x is 0. NaN wins. Coordinates that are
 *           not finite: ONR_ERR_VALUE.
 * Aliasing  none.
 */
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/float_io.h"
#include "ops/conv/spatial.h"

#include <math.h>

#define BLOCK        64     /* pixels that are converted together */
#define FARTHEST     0x1p40 /* pixel that is told apart: sums of two are exact */
#define REGION_WIDTH 5

enum { X, ROIS };

static enum onr_status roi_pool_infer(struct onr_infer_ctx *ctx)
{
    int64_t pooled[2];
    ONR_TRY(onr_spatial_list(ctx->node, "pooled_shape", 2, 1, 1, pooled, ctx->err));
    ONR_TRY(onr_check_dims(ctx, X, "x", 4, (int64_t[]){-1, -1, -1, -1}));
    ONR_TRY(onr_check_dims(ctx, ROIS, "rois", 2, (int64_t[]){-1, REGION_WIDTH}));
    ctx->outputs[0].shape = (struct onr_shape){
        .rank = 4,
        .dim = {onr_known_dim(ctx, ROIS, 0), onr_known_dim(ctx, X, 1), pooled[0], pooled[1]}};
    return ONR_OK;
}

struct roi_pool_plan {
    enum onr_dtype dtype;
    size_t images, channels, regions;
    size_t in[2], out[2]; /* height and width */
    double scale;
};

static enum onr_status roi_pool_plan(struct onr_plan_ctx *ctx)
{
    const int64_t *x = ctx->inputs[X]->shape.dim;
    const int64_t *y = ctx->outputs[0].shape.dim;
    struct roi_pool_plan *plan = ONR_ARENA_NEW(ctx->arena, struct roi_pool_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of MaxRoiPool");
    }
    *plan = (struct roi_pool_plan){
        .dtype = ctx->inputs[X]->dtype,
        .images = (size_t)x[0],
        .channels = (size_t)x[1],
        .regions = (size_t)y[0],
        .in = {(size_t)x[2], (size_t)x[3]},
        .out = {(size_t)y[2], (size_t)y[3]},
        .scale = (double)onr_attr_float(ctx->node, "spatial_scale", 1.0f),
    };
    ctx->plan = plan;
    return ONR_OK;
}

struct roi_pool_job {
    const struct roi_pool_plan *plan;
    const void *x;
    const void *rois;
    void *y;
};

/* Rounds as arithmetic in float does, unless the type is double: what lies between two pixels falls
 * to the side that other implementations choose. */
static double narrow(enum onr_dtype dtype, double value)
{
    return dtype == ONR_DOUBLE ? value : (double)(float)value;
}

/* The pixel at a coordinate of a region. */
static double to_pixel(const struct roi_pool_plan *plan, double coordinate)
{
    double pixel = round(narrow(plan->dtype, coordinate * plan->scale));
    return fmin(fmax(pixel, -FARTHEST), FARTHEST);
}

static size_t clip(double pixel, size_t extent)
{
    return pixel <= 0 ? 0 : pixel >= (double)extent ? extent : (size_t)pixel;
}

/* Pixels [range[0], range[1]) of bin `bin` of a region from pixel first to last, along y (d = 0) or
 * x (d = 1). */
static void find_bin(const struct roi_pool_plan *plan, const double *region, int d, size_t bin,
                     size_t range[2])
{
    double first = to_pixel(plan, region[2 - d]);
    double last = to_pixel(plan, region[4 - d]);
    double extent = narrow(plan->dtype, fmax(last - first + 1, 1));
    double size = narrow(plan->dtype, extent / (double)plan->out[d]);
    range[0] = clip(first + floor(narrow(plan->dtype, (double)bin * size)), plan->in[d]);
    range[1] = clip(first + ceil(narrow(plan->dtype, (double)(bin + 1) * size)), plan->in[d]);
}

/* The larger of best and the pixels [first, first + count); NaN is larger than all. */
static double max_of_row(const struct roi_pool_job *job, size_t first, size_t count, double best)
{
    double pixels[BLOCK];
    while (count > 0) {
        size_t part = count < BLOCK ? count : BLOCK;
        onr_double_gather(job->plan->dtype, job->x, first, 1, part, pixels);
        for (size_t i = 0; i < part; i++) {
            best = pixels[i] > best || isnan(pixels[i]) ? pixels[i] : best;
        }
        first += part;
        count -= part;
    }
    return best;
}

/* Planes of the output: item = region * channels + channel. */
static void pool_planes(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct roi_pool_job *job = arg;
    const struct roi_pool_plan *plan = job->plan;
    size_t bins = plan->out[0] * plan->out[1];
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        double region[REGION_WIDTH];
        onr_double_gather(plan->dtype, job->rois, item / plan->channels * REGION_WIDTH, 1,
                          REGION_WIDTH, region);
        size_t plane = (size_t)region[0] * plan->channels + item % plan->channels;
        for (size_t bin = 0; bin < bins; bin++) {
            size_t rows[2], columns[2];
            find_bin(plan, region, 0, bin / plan->out[1], rows);
            find_bin(plan, region, 1, bin % plan->out[1], columns);
            bool is_empty = rows[0] >= rows[1] || columns[0] >= columns[1];
            double best = is_empty ? 0 : -HUGE_VAL;
            for (size_t row = rows[0]; !is_empty && row < rows[1]; row++) {
                size_t first = (plane * plan->in[0] + row) * plan->in[1] + columns[0];
                best = max_of_row(job, first, columns[1] - columns[0], best);
            }
            onr_double_scatter(plan->dtype, &best, item * bins + bin, 1, 1, job->y);
        }
    }
}

static enum onr_status check_regions(const struct roi_pool_job *job, struct onr_error *err)
{
    const struct roi_pool_plan *plan = job->plan;
    for (size_t r = 0; r < plan->regions; r++) {
        double region[REGION_WIDTH];
        onr_double_gather(plan->dtype, job->rois, r * REGION_WIDTH, 1, REGION_WIDTH, region);
        if (!(region[0] >= 0 && region[0] < (double)plan->images)) {
            return onr_fail(err, ONR_ERR_VALUE,
                            "region %zu is of image %g, expected 0 to %zu images", r, region[0],
                            plan->images);
        }
        for (size_t i = 1; i < REGION_WIDTH; i++) {
            if (!isfinite(region[i] * plan->scale)) {
                return onr_fail(err, ONR_ERR_VALUE,
                                "region %zu has coordinate %g, expected a number", r, region[i]);
            }
        }
    }
    return ONR_OK;
}

static enum onr_status roi_pool_run(struct onr_run_ctx *ctx)
{
    const struct roi_pool_plan *plan = ctx->plan;
    struct roi_pool_job job = {plan, ctx->inputs[X]->data, ctx->inputs[ROIS]->data,
                               ctx->outputs[0]->data};
    ONR_TRY(check_regions(&job, ctx->err));
    if (onr_tensor_count(ctx->outputs[0]) > 0) {
        onr_parallel_for(ctx->parallel, plan->regions * plan->channels,
                         onr_grain(plan->out[0] * plan->out[1] * 32), pool_planes, &job);
    }
    return ONR_OK;
}

static const struct onr_attr_spec roi_pool_attrs[] = {
    {"pooled_shape", ONR_ATTR_INTS, true}, {"spatial_scale", ONR_ATTR_FLOAT, false}, {0}};
static const struct onr_param_spec roi_pool_params_1[] = {
    {ONR_DTYPES_FLOAT & ~ONR_BIT(BFLOAT16), 1}, {0}};
static const struct onr_param_spec roi_pool_params_22[] = {{ONR_DTYPES_FLOAT, 1}, {0}};

#define ROI_POOL_ROW(since, last, params)                                                          \
    {                                                                                              \
        .domain = "", .name = "MaxRoiPool", .since_version = (since), .last_version = (last),      \
        .inputs = {2, 2}, .outputs = {1, 1}, .attrs = roi_pool_attrs, .input_specs = (params),     \
        .output_specs = (params), .infer = roi_pool_infer, .plan = roi_pool_plan,                  \
        .run = roi_pool_run                                                                        \
    }

extern const struct onr_op_def onr_ops_max_roi_pool[];
const struct onr_op_def onr_ops_max_roi_pool[] = {
    ROI_POOL_ROW(1, 21, roi_pool_params_1),
    ROI_POOL_ROW(22, ONR_OPSET_LATEST, roi_pool_params_22),
    {.name = NULL},
};
