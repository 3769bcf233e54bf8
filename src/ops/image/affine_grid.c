/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AffineGrid (ai.onnx), version 20+.       https://onnx.ai/onnx/operators/onnx__AffineGrid.html
 *
 * grid[n, o] = theta[n] * (x, y, z, 1), where (z, y, x) is the middle of element o of an image whose
 * edges are -1 and 1 along each axis.
 *
 * Shapes    theta: [N, r, r + 1], size: [r + 2] = (N, C, D1, ..., Dr) -> grid: [N, D1, ..., Dr, r];
 *           r is 2 or 3.
 * Types     theta: float types; size: int64. Computed in float64.
 * Attrs     align_corners: int, default 0. 1: the edges are the middles of the first and last element.
 * Edge      A single element of an aligned axis is at -1.
 * Aliasing  none.
 */
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/common/float_io.h"

#include <inttypes.h>

#define MAX_AXES 3
#define BLOCK    64 /* points at a time */

/* grid from the sizes, whose number has been checked. */
static enum onr_status set_grid(struct onr_infer_ctx *ctx, const struct onr_sint *sizes, int axes)
{
    struct onr_shape *grid = &ctx->outputs[0].shape;
    for (int i = 0; i < axes + 2; i++) {
        if (sizes[i].dim == 0 && sizes[i].value < 0) {
            return onr_infer_fail(ctx, ONR_ERR_VALUE, "size[%d] is %" PRId64 ", expected >= 0", i,
                                  sizes[i].value);
        }
        int64_t dim = sizes[i].dim != 0 ? sizes[i].dim : sizes[i].value;
        if (i == 0 && dim >= 0) {
            const int64_t want[] = {dim, axes, axes + 1};
            ONR_TRY(onr_check_dims(ctx, 0, "theta", 3, want));
        }
        if (i != 1) {
            grid->dim[i == 0 ? 0 : i - 1] = dim;
        }
    }
    return ONR_OK;
}

static enum onr_status affine_grid_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_sint *sizes = NULL;
    size_t count = 0;
    int64_t listed = onr_list_length(ctx, 1);
    int64_t axes = listed >= 0 ? listed - 2 : onr_known_dim(ctx, 0, 1);
    if (listed >= 0 && listed != 4 && listed != 5) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "size has %" PRId64 " numbers, expected 4 or 5",
                              listed);
    }
    const int64_t want[] = {ONR_DIM_UNKNOWN, axes, axes < 0 ? ONR_DIM_UNKNOWN : axes + 1};
    ONR_TRY(onr_check_dims(ctx, 0, "theta", 3, want));
    ONR_TRY(onr_infer_sints(ctx, 1, &sizes, &count));
    if (axes != 2 && axes != 3) {
        return axes < 0 ? ONR_OK
                        : onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                         "theta has %" PRId64 " rows, expected 2 or 3", axes);
    }
    onr_infer_unknown_dims(ctx, (int)axes + 2);
    ctx->outputs[0].shape.dim[0] = onr_known_dim(ctx, 0, 0);
    ctx->outputs[0].shape.dim[axes + 1] = axes;
    return sizes != NULL ? set_grid(ctx, sizes, (int)axes) : ONR_OK;
}

struct grid_job {
    const struct onr_tensor *theta;
    const struct onr_tensor *grid;
    size_t axes;
    size_t points; /* of one image */
    bool is_aligned;
};

/* The middle of element i of `count`. */
static double middle(size_t i, size_t count, bool is_aligned)
{
    if (is_aligned) {
        return count > 1 ? -1 + 2 * (double)i / (double)(count - 1) : -1;
    }
    return -1 + (double)(2 * i + 1) / (double)count;
}

static void transform(const struct grid_job *job, const double *theta, size_t point, double *out)
{
    double place[MAX_AXES];
    for (size_t a = 0; a < job->axes; a++) {
        size_t extent = (size_t)job->grid->shape.dim[job->axes - a];
        place[a] = middle(point % extent, extent, job->is_aligned);
        point /= extent;
    }
    for (size_t row = 0; row < job->axes; row++) {
        const double *matrix = theta + row * (job->axes + 1);
        out[row] = matrix[job->axes];
        for (size_t a = 0; a < job->axes; a++) {
            out[row] += matrix[a] * place[a];
        }
    }
}

static void grid_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct grid_job *job = arg;
    size_t cells = job->axes * (job->axes + 1);
    (void)worker;
    while (begin < end) {
        double theta[MAX_AXES * (MAX_AXES + 1)];
        double out[BLOCK * MAX_AXES];
        size_t image = begin / job->points;
        size_t last = (image + 1) * job->points < end ? (image + 1) * job->points : end;
        onr_double_gather(job->theta->dtype, job->theta->data, image * cells, 1, cells, theta);
        while (begin < last) {
            size_t count = last - begin < BLOCK ? last - begin : BLOCK;
            for (size_t i = 0; i < count; i++) {
                transform(job, theta, (begin + i) % job->points, out + i * job->axes);
            }
            onr_double_scatter(job->grid->dtype, out, begin * job->axes, 1, count * job->axes,
                               job->grid->data);
            begin += count;
        }
    }
}

static enum onr_status affine_grid_run(struct onr_run_ctx *ctx)
{
    const struct onr_shape *shape = &ctx->outputs[0]->shape;
    struct grid_job job = {.theta = ctx->inputs[0],
                           .grid = ctx->outputs[0],
                           .axes = (size_t)shape->rank - 2,
                           .points = (size_t)onr_shape_range(shape, 1, shape->rank - 1),
                           .is_aligned = ctx->plan != NULL};
    onr_parallel_for(ctx->parallel, (size_t)shape->dim[0] * job.points, onr_grain(16), grid_range,
                     &job);
    return ONR_OK;
}

/* The plan is the node when corners are aligned, else NULL. */
static enum onr_status affine_grid_plan(struct onr_plan_ctx *ctx)
{
    bool is_aligned = onr_attr_int(ctx->node, "align_corners", 0) != 0;
    ctx->plan = is_aligned ? (void *)(uintptr_t)ctx->node : NULL;
    return ONR_OK;
}

static const struct onr_attr_spec attrs[] = {{"align_corners", ONR_ATTR_INT, false},
                                             {.name = NULL}};
static const struct onr_param_spec specs[] = {{ONR_DTYPES_FLOAT, 1}, {ONR_BIT(INT64), 0}, {0}};

extern const struct onr_op_def onr_ops_affine_grid[];
const struct onr_op_def onr_ops_affine_grid[] = {
    {.domain = "",
     .name = "AffineGrid",
     .since_version = 20,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = specs,
     .output_specs = specs,
     .infer = affine_grid_infer,
     .plan = affine_grid_plan,
     .run = affine_grid_run},
    {.name = NULL},
};
