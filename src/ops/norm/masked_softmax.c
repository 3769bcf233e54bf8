/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MaskedSoftmax (onnxrun), version 1: what the pass fuse_softmax makes of a softmax and the scale
 * and mask before it, where the probabilities themselves are needed.
 *
 * y = softmax(scale * data + mask), along the last dimension
 *
 * Shapes    data, mask: of rank 1 or more, with the same last dimension -> y: what both broadcast to.
 * Types     float32, float16, bfloat16 (computed in float32 and rounded once), float64.
 * Attrs     scale: float, default 1.
 * Edge      As Softmax.
 * Aliasing  y may share storage with an input of which nothing is repeated.
 */
#include "ops/norm/masked_softmax.h"

#include "kernels/kernels.h"
#include "ops/common/axes.h"
#include "ops/common/broadcast.h"
#include "ops/common/float_io.h"
#include "ops/common/workspace.h"

#include <inttypes.h>

enum { DATA, MASK };

struct plan {
    enum onr_dtype dtype;
    float scale;
    size_t rows;
    size_t count;                      /* elements of a row */
    const struct onr_broadcast *loops; /* which rows of data and mask are a row's */
    size_t worker_bytes;
};

static enum onr_status masked_softmax_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_shape *data = &ctx->inputs[DATA]->shape;
    const struct onr_shape *mask = &ctx->inputs[MASK]->shape;
    ONR_TRY(onr_infer_broadcast(ctx));
    if (data->rank == ONR_RANK_UNKNOWN || mask->rank == ONR_RANK_UNKNOWN) {
        return ONR_OK;
    }
    bool fits = data->rank >= 1 && mask->rank >= 1;
    if (fits) {
        int64_t wanted = data->dim[data->rank - 1];
        int64_t own = mask->dim[mask->rank - 1];
        fits = wanted < 0 || own < 0 || wanted == own;
    }
    if (!fits) {
        char first[ONR_SHAPE_TEXT_BYTES];
        char second[ONR_SHAPE_TEXT_BYTES];
        return onr_infer_fail(ctx, ONR_ERR_SHAPE,
                              "data of shape %s and mask of shape %s differ in their rows' length",
                              onr_shape_text(data, first), onr_shape_text(mask, second));
    }
    return ONR_OK;
}

static enum onr_status masked_softmax_plan(struct onr_plan_ctx *ctx)
{
    return onr_masked_softmax_plan(ctx, ctx->outputs[0].shape.rank - 1,
                                   onr_attr_float(ctx->node, "scale", 1.0f));
}

/* The shape without its last `dropped` dimensions. */
static struct onr_shape before_last(const struct onr_shape *shape, int dropped)
{
    struct onr_shape rows = *shape;
    rows.rank = shape->rank > dropped ? shape->rank - dropped : 0;
    return rows;
}

enum onr_status onr_masked_softmax_plan(struct onr_plan_ctx *ctx, int axis, float scale)
{
    const struct onr_shape *y = &ctx->outputs[0].shape;
    const int dropped = y->rank - axis;
    const struct onr_shape rows = before_last(y, dropped);
    const struct onr_shape data_rows = before_last(&ctx->inputs[DATA]->shape, dropped);
    const struct onr_shape mask_rows = before_last(&ctx->inputs[MASK]->shape, dropped);
    struct onr_workspace worker = {0};
    struct onr_workspace space = {0};
    struct plan *plan = ONR_ARENA_NEW(ctx->arena, struct plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a softmax");
    }
    ctx->plan = plan;
    *plan = (struct plan){.dtype = ctx->inputs[DATA]->dtype,
                          .scale = scale,
                          .rows = (size_t)onr_shape_range(y, 0, axis),
                          .count = (size_t)onr_shape_range(y, axis, y->rank)};
    plan->loops = onr_broadcast_plan(ctx->arena, &rows,
                                     (const struct onr_shape *[]){&data_rows, &mask_rows}, 2);
    if (plan->loops == NULL) {
        return onr_fail_memory(ctx->err, "the plan of a softmax");
    }
    if (plan->dtype != ONR_DOUBLE) {
        (void)onr_workspace_add(&worker, plan->count, 2 * sizeof(float));
    }
    ONR_TRY(onr_workspace_finish(&worker, &plan->worker_bytes, ctx->err));
    (void)onr_workspace_add(&space, ctx->thread_count, plan->worker_bytes);
    return onr_workspace_finish(&space, &ctx->workspace_bytes, ctx->err);
}

struct job {
    const struct plan *plan;
    const struct onr_softmax_kernels *kernels;
    const void *data;
    const void *mask;
    void *y;
    char *workspace;
};

static void softmax_row_f32(const struct job *job, size_t row, float *scratch)
{
    size_t data_row = onr_broadcast_offset(job->plan->loops, DATA, row);
    size_t mask_row = onr_broadcast_offset(job->plan->loops, MASK, row);
    enum onr_dtype dtype = job->plan->dtype;
    size_t count = job->plan->count;
    const float *data = onr_float_read(dtype, job->data, data_row * count, count, scratch);
    const float *mask = onr_float_read(dtype, job->mask, mask_row * count, count, scratch + count);
    float *y = onr_float_place(dtype, job->y, row * count, scratch);
    job->kernels->scale_add_f32(count, data, job->plan->scale, mask, y);
    job->kernels->softmax_f32(count, y, y);
    onr_float_write(dtype, y, row * count, count, job->y);
}

static void softmax_row_f64(const struct job *job, size_t row)
{
    size_t data_row = onr_broadcast_offset(job->plan->loops, DATA, row);
    size_t mask_row = onr_broadcast_offset(job->plan->loops, MASK, row);
    size_t count = job->plan->count;
    const double *data = (const double *)job->data + data_row * count;
    const double *mask = (const double *)job->mask + mask_row * count;
    double *y = (double *)job->y + row * count;
    for (size_t i = 0; i < count; i++) {
        y[i] = (double)job->plan->scale * data[i] + mask[i];
    }
    job->kernels->softmax_f64(count, y, y);
}

static void softmax_rows(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct job *job = arg;
    const struct plan *plan = job->plan;
    float *scratch = (void *)(job->workspace + worker * plan->worker_bytes);
    for (size_t row = begin; row < end; row++) {
        if (plan->dtype == ONR_DOUBLE) {
            softmax_row_f64(job, row);
        } else {
            softmax_row_f32(job, row, scratch);
        }
    }
}

enum onr_status onr_masked_softmax_run(struct onr_run_ctx *ctx)
{
    const struct plan *plan = ctx->plan;
    struct job job = {plan,
                      &ctx->kernels->softmax,
                      ctx->inputs[DATA]->data,
                      ctx->inputs[MASK]->data,
                      ctx->outputs[0]->data,
                      ctx->workspace};
    if (plan->count > 0) {
        onr_parallel_for(ctx->parallel, plan->rows, onr_grain(plan->count * 8), softmax_rows, &job);
    }
    return ONR_OK;
}

static const struct onr_attr_spec attrs[] = {{"scale", ONR_ATTR_FLOAT, false}, {.name = NULL}};
static const struct onr_param_spec specs[] = {{ONR_DTYPES_FLOAT, 1}, {0}};

extern const struct onr_op_def onr_ops_masked_softmax[];
const struct onr_op_def onr_ops_masked_softmax[] = {
    {.domain = "onnxrun",
     .name = "MaskedSoftmax",
     .since_version = 1,
     .last_version = 1,
     .inputs = {2, 2},
     .outputs = {1, 1},
     .attrs = attrs,
     .input_specs = specs,
     .output_specs = specs,
     .traits = ONR_TRAIT_INPLACE,
     .infer = masked_softmax_infer,
     .plan = masked_softmax_plan,
     .run = onr_masked_softmax_run,
     .kernel = ONR_KERNEL_AT(softmax.softmax_f32)},
    {.name = NULL},
};
