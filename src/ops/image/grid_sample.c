/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GridSample (ai.onnx), versions 16-19, 20-21, 22+.
 *                                          https://onnx.ai/onnx/operators/onnx__GridSample.html
 * GridSample (com.microsoft), version 1: as version 16, but bicubic with border moves no place to the
 *                                          edge; only what a place reads beyond the edge is the edge.
 *
 * Y[n, c, o] = X[n, c] at the place grid[n, o], whose coordinates -1 and 1 are the edges of X, the
 * one of the last axis first.
 *
 * Shapes    X: [N, C, D1, ..., Dr], grid: [N, O1, ..., Or, r] -> Y: [N, C, O1, ..., Or]; r is 2 until
 *           19, then 1 to 14.
 * Types     X: numbers, bool, complex; strings with mode nearest. grid: float types. bfloat16 from
 *           22 on. Places are computed in float32 for grids of up to 32 bits, else float64; values as
 *           in real_io.h, but integers are truncated as Cast does.
 * Attrs     mode: linear (default), nearest (ties to even), cubic; until 19 called bilinear and
 *           bicubic. padding_mode: zeros (default), border, reflection. align_corners: int, default
 *           0: the edges are half an element beyond the middle of the first and the last one.
 * Edge      NaN in grid is a place outside with zeros, else coordinate 0. A mirror of one aligned
 *           element shows that element. X without elements: zeros only. The zero of strings is "".
 * Aliasing  none.
 */
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/contents.h"
#include "ops/common/copy.h"
#include "ops/common/float_io.h"
#include "ops/common/index.h"
#include "ops/image/real_io.h"
#include "ops/image/sampler.h"

#include <math.h>

struct grid_plan {
    struct onr_sampler sampler;
    enum onr_dtype part; /* what an element is made of: a complex one of two floats */
    size_t channels;
    size_t plane;        /* elements of a channel of X */
    size_t points;       /* and of Y */
    size_t blocks;       /* of points, for one N */
    size_t buffer_at;    /* in the worker's scratch: a block of Y */
    size_t worker_bytes; /* of scratch */
    size_t worker_at;    /* in the workspace, after X when that has to be converted */
};

struct grid_job {
    const struct grid_plan *plan;
    const struct onr_kernels *kernels;
    const struct onr_tensor *x;
    const struct onr_tensor *grid;
    const struct onr_tensor *y;
    const void *reals; /* X as numbers of type sampler.real */
    char *workspace;
};

static enum onr_status read_attrs(const struct onr_node *node, struct onr_sampler *sampler,
                                  struct onr_error *err)
{
    static const char *const modes_16[] = {"bilinear", "nearest", "bicubic", NULL};
    static const char *const modes_20[] = {"linear", "nearest", "cubic", NULL};
    static const char *const paddings[] = {"zeros", "border", "reflection", NULL};
    size_t mode = 0, padding = 0;
    ONR_TRY(
        onr_check_attr_choice(node, "mode", node->version < 20 ? modes_16 : modes_20, &mode, err));
    ONR_TRY(onr_check_attr_choice(node, "padding_mode", paddings, &padding, err));
    sampler->mode = (enum onr_sampler_mode)mode;
    sampler->padding = (enum onr_sampler_padding)padding;
    sampler->is_aligned = onr_attr_int(node, "align_corners", 0) != 0;
    sampler->keeps_places = node->domain[0] != '\0';
    return ONR_OK;
}

static enum onr_status check_extents(struct onr_infer_ctx *ctx, enum onr_sampler_padding padding)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    for (int d = 2; d < x->rank && padding != ONR_SAMPLER_ZEROS; d++) {
        if (x->dim[d] == 0) {
            return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                                  "dimension %d of X is 0, padding_mode expects an edge", d);
        }
    }
    return ONR_OK;
}

static enum onr_status grid_sample_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    const struct onr_shape *grid = &ctx->inputs[1]->shape;
    struct onr_sampler sampler = {.rank = 0};
    ONR_TRY(read_attrs(ctx->node, &sampler, ctx->err));
    if (ctx->inputs[0]->dtype == ONR_STRING && sampler.mode != ONR_SAMPLER_NEAREST) {
        return onr_infer_fail(ctx, ONR_ERR_UNSUPPORTED, "strings cannot be interpolated");
    }
    int rank = x->rank != ONR_RANK_UNKNOWN ? x->rank : grid->rank;
    if (ctx->node->version < 20) {
        rank = 4;
    }
    if (rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    if (rank < 3) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "X or grid has rank %d, expected at least 3",
                              rank);
    }
    struct onr_shape any = {.rank = rank};
    for (int d = 0; d < rank; d++) {
        any.dim[d] = ONR_DIM_UNKNOWN;
    }
    ONR_TRY(onr_check_dims(ctx, 0, "X", rank, any.dim));
    any.dim[0] = onr_known_dim(ctx, 0, 0);
    any.dim[rank - 1] = rank - 2;
    ONR_TRY(onr_check_dims(ctx, 1, "grid", rank, any.dim));
    ONR_TRY(check_extents(ctx, sampler.padding));
    onr_infer_unknown_dims(ctx, rank);
    struct onr_shape *y = &ctx->outputs[0].shape;
    y->dim[0] = any.dim[0] >= 0 ? any.dim[0] : onr_known_dim(ctx, 1, 0);
    y->dim[1] = onr_known_dim(ctx, 0, 1);
    for (int d = 2; d < rank; d++) {
        y->dim[d] = onr_known_dim(ctx, 1, d - 1);
    }
    return ONR_OK;
}

/* Completes the plan of a tensor that has elements. */
static enum onr_status plan_work(struct grid_plan *plan, struct onr_plan_ctx *ctx)
{
    const struct onr_shape *x = &ctx->inputs[0]->shape;
    struct onr_sampler *sampler = &plan->sampler;
    enum onr_dtype dtype = ctx->inputs[0]->dtype;
    struct onr_workspace worker = {.used = 0};
    struct onr_workspace space = {.used = 0};
    plan->part = dtype == ONR_COMPLEX64 ? ONR_FLOAT : dtype == ONR_COMPLEX128 ? ONR_DOUBLE : dtype;
    sampler->lanes = plan->part != dtype && sampler->mode != ONR_SAMPLER_NEAREST ? 2 : 1;
    sampler->real = onr_real_of(plan->part);
    if (sampler->mode != ONR_SAMPLER_NEAREST) {
        ctx->told.kernel = sampler->real == ONR_FLOAT ? ONR_KERNEL_AT(image.sample_f32)
                                                      : ONR_KERNEL_AT(image.sample_f64);
    }
    sampler->rank = x->rank - 2;
    for (int d = 0; d < sampler->rank; d++) {
        sampler->extent[d] = x->dim[d + 2];
    }
    ONR_TRY(onr_sampler_plan(sampler, &worker, ctx->err));
    plan->buffer_at = onr_workspace_add(&worker, sampler->block, 2 * sizeof(double));
    ONR_TRY(onr_workspace_finish(&worker, &plan->worker_bytes, ctx->err));
    plan->channels = (size_t)x->dim[1];
    plan->plane = (size_t)onr_shape_range(x, 2, x->rank);
    plan->points = (size_t)onr_shape_range(&ctx->outputs[0].shape, 2, x->rank);
    plan->blocks = (plan->points + sampler->block - 1) / sampler->block;
    if (sampler->mode != ONR_SAMPLER_NEAREST && plan->part != sampler->real) {
        onr_workspace_add(&space, (size_t)onr_shape_count(x), onr_dtype_size(sampler->real));
    }
    plan->worker_at = onr_workspace_add(&space, plan->worker_bytes, ctx->thread_count);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

static enum onr_status grid_sample_plan(struct onr_plan_ctx *ctx)
{
    struct grid_plan *plan = ONR_ARENA_NEW(ctx->arena, struct grid_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of GridSample");
    }
    ctx->plan = plan;
    ONR_TRY(read_attrs(ctx->node, &plan->sampler, ctx->err));
    return onr_shape_count(&ctx->outputs[0].shape) == 0 ? ONR_OK : plan_work(plan, ctx);
}

/* The place of coordinate n in elements; each step is rounded to float32 when is_single. */
static double place_of(double n, int64_t extent, bool is_aligned, bool is_single)
{
    double sum = is_single ? (double)(float)(n + 1) : n + 1;
    if (is_aligned) {
        double x = sum / 2 * (double)(extent - 1);
        return is_single ? (double)(float)x : x;
    }
    double product = sum * (double)extent;
    product = is_single ? (double)(float)product : product;
    double x = (product - 1) / 2;
    return is_single ? (double)(float)x : x;
}

static void read_places(const struct grid_job *job, size_t first, size_t count, void *scratch)
{
    const struct onr_sampler *sampler = &job->plan->sampler;
    size_t rank = (size_t)sampler->rank;
    bool is_single = job->grid->dtype != ONR_DOUBLE;
    for (size_t d = 0; d < rank; d++) {
        double *place = onr_sampler_places(sampler, scratch, (int)d);
        onr_double_gather(job->grid->dtype, job->grid->data, first * rank + rank - 1 - d, rank,
                          count, place);
        for (size_t i = 0; i < count; i++) {
            place[i] = place_of(place[i], sampler->extent[d], sampler->is_aligned, is_single);
        }
    }
}

/* y[i] = x[index[i]], or the zero of the type where that is -1. */
static void pick(enum onr_dtype dtype, size_t count, const int32_t *index, const void *x, void *y)
{
    static const struct onr_string empty = {.data = ""};
    static const double zeros[2];
    size_t bytes = onr_dtype_size(dtype);
    const void *zero = dtype == ONR_STRING ? (const void *)&empty : zeros;
    if (bytes == sizeof(uint32_t)) {
        for (size_t i = 0; i < count; i++) {
            ((uint32_t *)y)[i] = index[i] < 0 ? 0 : ((const uint32_t *)x)[index[i]];
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const void *from = index[i] < 0 ? zero : (const char *)x + (size_t)index[i] * bytes;
        onr_copy_element((char *)y + i * bytes, from, bytes);
    }
}

/* Points [first, first + count) of image n, all channels. */
static void sample_block(const struct grid_job *job, size_t n, size_t first, size_t count,
                         char *scratch)
{
    const struct grid_plan *plan = job->plan;
    const struct onr_sampler *sampler = &plan->sampler;
    size_t lanes = sampler->lanes;
    size_t bytes = onr_dtype_size(job->x->dtype);
    size_t values = count * lanes;
    bool truncates = onr_dtypes_has(ONR_DTYPES_INT, plan->part);
    read_places(job, n * plan->points + first, count, scratch);
    onr_sampler_turn(sampler, count, scratch);
    if (sampler->mode == ONR_SAMPLER_NEAREST) {
        const int32_t *index = onr_sampler_nearest(sampler, count, scratch);
        for (size_t c = n * plan->channels; c < (n + 1) * plan->channels; c++) {
            pick(job->x->dtype, count, index, (const char *)job->x->data + c * plan->plane * bytes,
                 (char *)job->y->data + (c * plan->points + first) * bytes);
        }
        return;
    }
    size_t real_bytes = onr_dtype_size(sampler->real) * lanes;
    for (size_t c = 0; c < plan->channels; c++) {
        size_t channel = n * plan->channels + c;
        size_t at = (channel * plan->points + first) * lanes;
        void *y = onr_real_place(plan->part, job->y->data, at, scratch + plan->buffer_at);
        onr_sampler_sample(sampler, job->kernels, count, NULL, c > 0,
                           (const char *)job->reals + channel * plan->plane * real_bytes, y,
                           scratch);
        for (size_t i = 0; i < values && truncates; i++) {
            ((double *)y)[i] = trunc(((double *)y)[i]);
        }
        onr_real_write(job->kernels, plan->part, y, at, values, job->y->data);
    }
}

static void sample_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct grid_job *job = arg;
    const struct grid_plan *plan = job->plan;
    char *scratch = job->workspace + plan->worker_at + worker * plan->worker_bytes;
    for (size_t item = begin; item < end; item++) {
        size_t first = item % plan->blocks * plan->sampler.block;
        size_t rest = plan->points - first;
        size_t count = rest < plan->sampler.block ? rest : plan->sampler.block;
        sample_block(job, item / plan->blocks, first, count, scratch);
    }
}

static void convert_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct grid_job *job = arg;
    size_t bytes = onr_dtype_size(job->plan->sampler.real);
    (void)worker;
    onr_real_read(job->kernels, job->plan->part, job->x->data, begin, end - begin,
                  job->workspace + begin * bytes);
}

static enum onr_status grid_sample_run(struct onr_run_ctx *ctx)
{
    const struct grid_plan *plan = ctx->plan;
    struct grid_job job = {.plan = plan,
                           .kernels = ctx->kernels,
                           .x = ctx->inputs[0],
                           .grid = ctx->inputs[1],
                           .y = ctx->outputs[0],
                           .reals = ctx->inputs[0]->data,
                           .workspace = ctx->workspace};
    size_t count = (size_t)onr_tensor_count(job.y);
    if (count == 0) {
        return ONR_OK;
    }
    if (plan->plane == 0) {
        const int32_t none = -1;
        double zero[2];
        pick(job.y->dtype, 1, &none, NULL, zero);
        onr_fill(ctx->kernels, ctx->parallel, job.y->data, count, zero,
                 onr_dtype_size(job.y->dtype));
        return ONR_OK;
    }
    if (plan->worker_at > 0) {
        onr_parallel_for(ctx->parallel, (size_t)onr_tensor_count(job.x), onr_grain(1),
                         convert_range, &job);
        job.reals = ctx->workspace;
    }
    size_t work = plan->sampler.block * plan->sampler.taps * (plan->channels + 8);
    onr_parallel_for(ctx->parallel, (size_t)job.x->shape.dim[0] * plan->blocks, onr_grain(work),
                     sample_range, &job);
    return ONR_OK;
}

static const struct onr_attr_spec attrs[] = {{"align_corners", ONR_ATTR_INT, false},
                                             {"mode", ONR_ATTR_STRING, false},
                                             {"padding_mode", ONR_ATTR_STRING, false},
                                             {.name = NULL}};

#define OTHERS    (ONR_DTYPES_INT | ONR_DTYPES_COMPLEX | ONR_BIT(BOOL) | ONR_BIT(STRING))
#define FLOATS_16 (ONR_DTYPES_FLOAT & ~ONR_BIT(BFLOAT16))

static const struct onr_param_spec specs_16[] = {{OTHERS | FLOATS_16, 1}, {FLOATS_16, 0}, {0}};
static const struct onr_param_spec specs_22[] = {
    {OTHERS | ONR_DTYPES_FLOAT, 1}, {ONR_DTYPES_FLOAT, 0}, {0}};

#define ROW(of_domain, since, last, specs)                                                         \
    {                                                                                              \
        .domain = (of_domain), .name = "GridSample", .since_version = (since),                     \
        .last_version = (last), .inputs = {2, 2}, .outputs = {1, 1}, .attrs = attrs,               \
        .input_specs = (specs), .output_specs = (specs), .infer = grid_sample_infer,               \
        .plan = grid_sample_plan, .run = grid_sample_run                                           \
    }

extern const struct onr_op_def onr_ops_grid_sample[];
const struct onr_op_def onr_ops_grid_sample[] = {
    ROW("", 16, 19, specs_16),
    ROW("", 20, 21, specs_16),
    ROW("", 22, ONR_OPSET_LATEST, specs_22),
    ROW("com.microsoft", 1, ONR_CONTRIB_LATEST, specs_16),
    {.name = NULL},
};
