/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RoiAlign (ai.onnx), versions 10, 16 and 22.
 * https://onnx.ai/onnx/operators/onnx__RoiAlign.html
 *
 * Each region of interest is cut into output_height x output_width bins, a grid of samples is laid
 * into each bin, and y[r, c, i, j] is their mean or maximum. A sample takes the four pixels around
 * it with bilinear weights: their weighted sum, or in mode max the largest of the four products.
 *
 * Shapes    x: [N, C, H, W]. rois: [R, 4], rows x1, y1, x2, y2. batch_indices: [R].
 *           y: [R, C, output_height, output_width].
 * Types     float16, bfloat16 (22+), float32, float64, summed in float64; batch_indices int64.
 * Attrs     mode: avg (default), max. output_height, output_width: int, default 1.
 *           sampling_ratio: int, samples along each side of a bin, default 0: ceil(side of the
 *           bin). spatial_scale: float, default 1, of the regions' coordinates.
 *           coordinate_transformation_mode (16+): half_pixel (default): coordinates move by -0.5;
 *           output_half_pixel (all there is in 10): they do not, and a region has at least one
 *           pixel each way.
 * Edge      A sample more than a pixel outside of x, or at NaN, counts as 0. A bin without samples
 *           is 0. More than 2^24 samples in a bin: ONR_ERR_LIMIT.
 * Aliasing  none.
 */
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/float_io.h"
#include "ops/common/workspace.h"

#include <inttypes.h>
#include <math.h>

#define GRID_MAX 4096 /* samples along one side of a bin */
#define CHUNK    64   /* samples that are located together, for all channels */

enum { X, ROIS, BATCH_INDICES };

static const char *const mode_texts[] = {"avg", "max", NULL};
static const char *const transform_texts[] = {"half_pixel", "output_half_pixel", NULL};

static enum onr_status roi_align_infer(struct onr_infer_ctx *ctx)
{
    int64_t height = 0, width = 0, ratio = 0;
    size_t choice = 0;
    int64_t regions = onr_known_dim(ctx, ROIS, 0);
    ONR_TRY(onr_check_attr_int(ctx, "output_height", 1, 1, INT32_MAX, &height));
    ONR_TRY(onr_check_attr_int(ctx, "output_width", 1, 1, INT32_MAX, &width));
    ONR_TRY(onr_check_attr_int(ctx, "sampling_ratio", 0, 0, INT64_MAX, &ratio));
    ONR_TRY(onr_check_attr_choice(ctx->node, "mode", mode_texts, &choice, ctx->err));
    ONR_TRY(onr_check_attr_choice(ctx->node, "coordinate_transformation_mode", transform_texts,
                                  &choice, ctx->err));
    if (ratio > GRID_MAX) {
        return onr_infer_fail(ctx, ONR_ERR_LIMIT, "sampling_ratio is %" PRId64 ", the limit is %d",
                              ratio, GRID_MAX);
    }
    ONR_TRY(onr_check_dims(ctx, X, "x", 4, (int64_t[]){-1, -1, -1, -1}));
    ONR_TRY(onr_check_dims(ctx, ROIS, "rois", 2, (int64_t[]){-1, 4}));
    ONR_TRY(onr_check_dims(ctx, BATCH_INDICES, "batch_indices", 1, &regions));
    if (regions == ONR_DIM_UNKNOWN) {
        regions = onr_known_dim(ctx, BATCH_INDICES, 0);
    }
    ctx->outputs[0].shape =
        (struct onr_shape){.rank = 4, .dim = {regions, onr_known_dim(ctx, X, 1), height, width}};
    return ONR_OK;
}

struct roi_plan {
    enum onr_dtype dtype;
    size_t images, channels, height, width;
    size_t regions, out_height, out_width;
    size_t sampling_ratio;
    double scale;
    double shift;      /* that half_pixel takes from coordinates */
    bool has_min_size; /* regions have at least one pixel each way */
    bool is_max;
    size_t worker_bytes; /* of workspace: a double for each channel */
};

static void read_attrs(const struct onr_node *node, struct roi_plan *plan)
{
    bool is_half_pixel =
        node->version >= 16 &&
        onr_string_is(onr_attr_string(node, "coordinate_transformation_mode", transform_texts[0]),
                      transform_texts[0]);
    plan->sampling_ratio = (size_t)onr_attr_int(node, "sampling_ratio", 0);
    plan->scale = (double)onr_attr_float(node, "spatial_scale", 1.0f);
    plan->shift = is_half_pixel ? 0.5 : 0.0;
    plan->has_min_size = !is_half_pixel;
    plan->is_max = onr_string_is(onr_attr_string(node, "mode", mode_texts[0]), "max");
}

static enum onr_status roi_align_plan(struct onr_plan_ctx *ctx)
{
    const int64_t *x = ctx->inputs[X]->shape.dim;
    const int64_t *y = ctx->outputs[0].shape.dim;
    struct roi_plan *plan = ONR_ARENA_NEW(ctx->arena, struct roi_plan);
    struct onr_workspace channel = {0};
    struct onr_workspace space = {0};
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of RoiAlign");
    }
    *plan = (struct roi_plan){.dtype = ctx->inputs[X]->dtype,
                              .images = (size_t)x[0],
                              .channels = (size_t)x[1],
                              .height = (size_t)x[2],
                              .width = (size_t)x[3],
                              .regions = (size_t)y[0],
                              .out_height = (size_t)y[2],
                              .out_width = (size_t)y[3]};
    read_attrs(ctx->node, plan);
    (void)onr_workspace_add(&channel, plan->channels, sizeof(double));
    ONR_TRY(onr_workspace_finish(&channel, &plan->worker_bytes, ctx->err));
    (void)onr_workspace_add(&space, ctx->thread_count, plan->worker_bytes);
    ctx->plan = plan;
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

/* A region along one dimension, in pixels. */
struct side {
    double start;
    double bin;  /* extent of a bin */
    size_t grid; /* samples along a bin */
};

struct sample {
    size_t at[4]; /* elements of a channel */
    double weight[4];
};

struct roi_job {
    const struct roi_plan *plan;
    const void *x;
    const void *rois;
    const int64_t *batch_indices;
    void *y;
    char *workspace;
};

/* Rounds as arithmetic in float does, unless the type is double: so that what lies on an edge falls
 * to the side that other implementations choose. */
static double narrow(enum onr_dtype dtype, double value)
{
    return dtype == ONR_DOUBLE ? value : (double)(float)value;
}

/* The region along y (d = 1) or x (d = 0); false when its grid has more than GRID_MAX samples. */
static bool read_side(const struct roi_job *job, size_t region, size_t d, size_t bins,
                      struct side *side)
{
    const struct roi_plan *plan = job->plan;
    double ends[2];
    onr_double_gather(plan->dtype, job->rois, region * 4 + d, 2, 2, ends);
    for (int i = 0; i < 2; i++) {
        ends[i] = narrow(plan->dtype, narrow(plan->dtype, ends[i] * plan->scale) - plan->shift);
    }
    double extent = narrow(plan->dtype, ends[1] - ends[0]);
    if (plan->has_min_size && extent < 1) {
        extent = 1;
    }
    side->start = ends[0];
    side->bin = narrow(plan->dtype, extent / (double)bins);
    side->grid = plan->sampling_ratio;
    if (plan->sampling_ratio == 0) {
        double grid = ceil(side->bin);
        side->grid = grid > 0 && grid <= GRID_MAX ? (size_t)grid : 0;
        return !(grid > GRID_MAX);
    }
    return true;
}

/* The two pixels around a position and the weight of the second one; false when it is outside. */
static bool locate(double position, size_t extent, size_t pixel[2], double *weight)
{
    if (!(position >= -1 && position <= (double)extent)) {
        return false;
    }
    double inside = position > 0 ? position : 0;
    size_t low = (size_t)inside;
    if (low + 1 >= extent) {
        pixel[0] = pixel[1] = extent - 1;
        *weight = 0;
    } else {
        pixel[0] = low;
        pixel[1] = low + 1;
        *weight = inside - (double)low;
    }
    return true;
}

/* Sample `index` of a bin, row by row. One that is outside has weights of 0. */
static struct sample make_sample(const struct roi_plan *plan, const struct side sides[2],
                                 const size_t bin[2], size_t index)
{
    struct sample sample = {0};
    size_t step[2] = {index / sides[1].grid, index % sides[1].grid};
    size_t extent[2] = {plan->height, plan->width};
    size_t pixel[2][2];
    double weight[2];
    for (int d = 0; d < 2; d++) {
        double position = sides[d].start + (double)bin[d] * sides[d].bin +
                          ((double)step[d] + 0.5) * sides[d].bin / (double)sides[d].grid;
        if (!locate(position, extent[d], pixel[d], &weight[d])) {
            return sample;
        }
    }
    for (size_t i = 0; i < 4; i++) {
        sample.at[i] = pixel[0][i / 2] * plan->width + pixel[1][i % 2];
        sample.weight[i] =
            (i / 2 != 0 ? weight[0] : 1 - weight[0]) * (i % 2 != 0 ? weight[1] : 1 - weight[1]);
    }
    return sample;
}

/* Takes samples into the result of one channel; pixels that weigh nothing are not looked at. */
static double add_samples(const struct roi_job *job, size_t channel_start,
                          const struct sample *samples, size_t count, bool is_first, double result)
{
    const struct roi_plan *plan = job->plan;
    for (size_t s = 0; s < count; s++) {
        double term[4] = {0};
        for (size_t i = 0; i < 4; i++) {
            size_t at = channel_start + samples[s].at[i];
            if (samples[s].weight[i] == 0) {
                continue;
            }
            if (plan->dtype == ONR_FLOAT) {
                term[i] = (double)((const float *)job->x)[at];
            } else {
                onr_double_gather(plan->dtype, job->x, at, 1, 1, &term[i]);
            }
            term[i] *= samples[s].weight[i];
        }
        if (plan->is_max) {
            double best = fmax(fmax(term[0], term[1]), fmax(term[2], term[3]));
            result = is_first && s == 0 ? best : fmax(result, best);
        } else {
            result += term[0] + term[1] + term[2] + term[3];
        }
    }
    return result;
}

/* One bin of a region, in all channels. */
static void align_bin(const struct roi_job *job, size_t region, const struct side sides[2],
                      const size_t bin[2], double *results)
{
    const struct roi_plan *plan = job->plan;
    size_t plane = plan->height * plan->width;
    size_t image = (size_t)job->batch_indices[region] * plan->channels * plane;
    size_t total = plane > 0 ? sides[0].grid * sides[1].grid : 0;
    struct sample samples[CHUNK];
    for (size_t c = 0; c < plan->channels; c++) {
        results[c] = 0;
    }
    for (size_t first = 0; first < total; first += CHUNK) {
        size_t count = total - first < CHUNK ? total - first : CHUNK;
        for (size_t s = 0; s < count; s++) {
            samples[s] = make_sample(plan, sides, bin, first + s);
        }
        for (size_t c = 0; c < plan->channels; c++) {
            results[c] =
                add_samples(job, image + c * plane, samples, count, first == 0, results[c]);
        }
    }
    if (!plan->is_max && total > 0) {
        for (size_t c = 0; c < plan->channels; c++) {
            results[c] /= (double)total;
        }
    }
}

/* Rows of bins: item = region * out_height + row. */
static void align_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct roi_job *job = arg;
    const struct roi_plan *plan = job->plan;
    double *results = (void *)(job->workspace + worker * plan->worker_bytes);
    size_t bins = plan->out_height * plan->out_width;
    for (size_t item = begin; item < end; item++) {
        struct side sides[2];
        size_t region = item / plan->out_height;
        size_t bin[2] = {item % plan->out_height, 0};
        (void)read_side(job, region, 1, plan->out_height, &sides[0]);
        (void)read_side(job, region, 0, plan->out_width, &sides[1]);
        for (; bin[1] < plan->out_width; bin[1]++) {
            align_bin(job, region, sides, bin, results);
            onr_double_scatter(plan->dtype, results,
                               region * plan->channels * bins + bin[0] * plan->out_width + bin[1],
                               bins, plan->channels, job->y);
        }
    }
}

static enum onr_status check_regions(const struct roi_job *job, struct onr_error *err)
{
    const struct roi_plan *plan = job->plan;
    for (size_t r = 0; r < plan->regions; r++) {
        struct side side;
        int64_t image = job->batch_indices[r];
        if (image < 0 || (uint64_t)image >= plan->images) {
            return onr_fail(err, ONR_ERR_VALUE,
                            "batch_indices[%zu] is %" PRId64 ", expected 0 to %zu images", r, image,
                            plan->images);
        }
        if (!read_side(job, r, 1, plan->out_height, &side) ||
            !read_side(job, r, 0, plan->out_width, &side)) {
            return onr_fail(err, ONR_ERR_LIMIT,
                            "region %zu is too large: more than %d samples along a bin", r,
                            GRID_MAX);
        }
    }
    return ONR_OK;
}

static enum onr_status roi_align_run(struct onr_run_ctx *ctx)
{
    const struct roi_plan *plan = ctx->plan;
    struct roi_job job = {.plan = plan,
                          .x = ctx->inputs[X]->data,
                          .rois = ctx->inputs[ROIS]->data,
                          .batch_indices = ctx->inputs[BATCH_INDICES]->data,
                          .y = ctx->outputs[0]->data,
                          .workspace = ctx->workspace};
    ONR_TRY(check_regions(&job, ctx->err));
    if (onr_tensor_count(ctx->outputs[0]) > 0) {
        onr_parallel_for(ctx->parallel, plan->regions * plan->out_height,
                         onr_grain(plan->out_width * plan->channels * 16), align_rows, &job);
    }
    return ONR_OK;
}

static const struct onr_attr_spec roi_align_attrs_10[] = {
    {"mode", ONR_ATTR_STRING, false},         {"output_height", ONR_ATTR_INT, false},
    {"output_width", ONR_ATTR_INT, false},    {"sampling_ratio", ONR_ATTR_INT, false},
    {"spatial_scale", ONR_ATTR_FLOAT, false}, {0},
};
static const struct onr_attr_spec roi_align_attrs_16[] = {
    {"coordinate_transformation_mode", ONR_ATTR_STRING, false},
    {"mode", ONR_ATTR_STRING, false},
    {"output_height", ONR_ATTR_INT, false},
    {"output_width", ONR_ATTR_INT, false},
    {"sampling_ratio", ONR_ATTR_INT, false},
    {"spatial_scale", ONR_ATTR_FLOAT, false},
    {0},
};

#define FLOATS_10 (ONR_DTYPES_FLOAT & ~ONR_BIT(BFLOAT16))
static const struct onr_param_spec roi_align_in_10[] = {
    {FLOATS_10, 1}, {FLOATS_10, 1}, {ONR_BIT(INT64), 0}, {0}};
static const struct onr_param_spec roi_align_in_22[] = {
    {ONR_DTYPES_FLOAT, 1}, {ONR_DTYPES_FLOAT, 1}, {ONR_BIT(INT64), 0}, {0}};
static const struct onr_param_spec roi_align_out_10[] = {{FLOATS_10, 1}, {0}};
static const struct onr_param_spec roi_align_out_22[] = {{ONR_DTYPES_FLOAT, 1}, {0}};

#define ROI_ALIGN_ROW(since, last, attributes, in, out)                                            \
    {                                                                                              \
        .domain = "", .name = "RoiAlign", .since_version = (since), .last_version = (last),        \
        .inputs = {3, 3}, .outputs = {1, 1}, .attrs = (attributes), .input_specs = (in),           \
        .output_specs = (out), .infer = roi_align_infer, .plan = roi_align_plan,                   \
        .run = roi_align_run                                                                       \
    }

extern const struct onr_op_def onr_ops_roi_align[];
const struct onr_op_def onr_ops_roi_align[] = {
    ROI_ALIGN_ROW(10, 15, roi_align_attrs_10, roi_align_in_10, roi_align_out_10),
    ROI_ALIGN_ROW(16, 21, roi_align_attrs_16, roi_align_in_10, roi_align_out_10),
    ROI_ALIGN_ROW(22, ONR_OPSET_LATEST, roi_align_attrs_16, roi_align_in_22, roi_align_out_22),
    {.name = NULL},
};
