/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MeanVarianceNormalization (ai.onnx), versions 9 and 13.
 * https://onnx.ai/onnx/operators/onnx__MeanVarianceNormalization.html
 *
 * y = (x - mean) / (sqrt(variance) + 1e-9), mean and variance over axes
 *
 * Shapes    y as x.
 * Types     float16, bfloat16 (13+), float32, float64; computed in float64.
 * Attrs     axes: ints, default [0, 2, 3], range [-rank, rank-1]; an empty list is all axes.
 * Edge      Variance is taken in two passes, so that equal elements give 0.
 * Aliasing  y may share storage with x.
 */
#include "ops/common/axes.h"
#include "ops/common/float_io.h"
#include "ops/reduce/reduce_walk.h"

#include <math.h>

#define BLOCK   128 /* elements that are converted together; columns that share a pass */
#define EPSILON 1e-9

static enum onr_status read_axes(const struct onr_node *node, int rank, uint32_t *mask,
                                 struct onr_error *err)
{
    static const int64_t default_axes[] = {0, 2, 3};
    size_t count = 3;
    const int64_t *axes = default_axes;
    if (onr_node_attr(node, "axes") != NULL) {
        axes = onr_attr_ints(node, "axes", &count);
    }
    if (count == 0) {
        *mask = ((uint32_t)1 << rank) - 1;
        return ONR_OK;
    }
    return onr_axes_mask(axes, count, rank, mask, err);
}

static enum onr_status mvn_infer(struct onr_infer_ctx *ctx)
{
    int rank = ctx->inputs[0]->shape.rank;
    uint32_t mask = 0;
    if (rank != ONR_RANK_UNKNOWN) {
        ONR_TRY(read_axes(ctx->node, rank, &mask, ctx->err));
    }
    return onr_infer_same_shape(ctx);
}

struct mvn_plan {
    enum onr_dtype dtype;
    struct onr_reduce_walk walk;
    size_t blocks; /* of columns beside each other */
    double count;  /* elements of a group */
    size_t work;
};

static enum onr_status mvn_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_fact *x = ctx->inputs[0];
    struct mvn_plan *plan = ONR_ARENA_NEW(ctx->arena, struct mvn_plan);
    uint32_t mask = 0;
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of MeanVarianceNormalization");
    }
    ONR_TRY(read_axes(ctx->node, x->shape.rank, &mask, ctx->err));
    plan->dtype = x->dtype;
    onr_reduce_walk_init(&plan->walk, &x->shape, mask);
    plan->blocks = plan->walk.is_columns ? (plan->walk.run + BLOCK - 1) / BLOCK : 1;
    size_t length = plan->walk.is_columns ? 1 : plan->walk.run;
    plan->count = (double)plan->walk.reduced.count * (double)length;
    plan->work =
        plan->walk.reduced.count * (plan->walk.is_columns ? (size_t)BLOCK : plan->walk.run);
    ctx->plan = plan;
    return ONR_OK;
}

/* One group, or up to BLOCK groups that lie beside each other, one in each lane. */
struct mvn_job {
    const struct mvn_plan *plan;
    const void *x;
    void *y;
};

struct lanes {
    size_t step; /* from the lane of an element to that of the next: 0 or 1 */
    double mean[BLOCK];
    double sum[BLOCK];
    double values[BLOCK]; /* of the part that a pass is at */
};

/* What a pass does with the elements [first, first + count), which are in lanes->values. */
typedef void (*part_fn)(const struct mvn_job *job, struct lanes *lanes, size_t first, size_t count);

static void add_values(const struct mvn_job *job, struct lanes *lanes, size_t first, size_t count)
{
    (void)job;
    (void)first;
    for (size_t i = 0; i < count; i++) {
        lanes->sum[i * lanes->step] += lanes->values[i];
    }
}

static void add_squares(const struct mvn_job *job, struct lanes *lanes, size_t first, size_t count)
{
    (void)job;
    (void)first;
    for (size_t i = 0; i < count; i++) {
        double difference = lanes->values[i] - lanes->mean[i * lanes->step];
        lanes->sum[i * lanes->step] += difference * difference;
    }
}

/* sum holds the divisors. */
static void write_values(const struct mvn_job *job, struct lanes *lanes, size_t first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t lane = i * lanes->step;
        lanes->values[i] = (lanes->values[i] - lanes->mean[lane]) / lanes->sum[lane];
    }
    onr_double_scatter(job->plan->dtype, lanes->values, first, 1, count, job->y);
}

/* Calls fn for all parts of the groups whose elements begin at `base` and are `run` long. */
static void pass_over(const struct mvn_job *job, size_t base, size_t run, struct lanes *lanes,
                      part_fn fn)
{
    const struct mvn_plan *plan = job->plan;
    for (size_t r = 0; r < plan->walk.reduced.count; r++) {
        size_t first = base + onr_index_group_offset(&plan->walk.reduced, r);
        for (size_t at = 0; at < run; at += BLOCK) {
            size_t count = run - at < BLOCK ? run - at : BLOCK;
            onr_double_gather(plan->dtype, job->x, first + at, 1, count, lanes->values);
            fn(job, lanes, first + at, count);
        }
    }
}

static void mvn_groups(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct mvn_job *job = arg;
    const struct mvn_plan *plan = job->plan;
    const struct onr_reduce_walk *walk = &plan->walk;
    (void)worker;
    for (size_t item = begin; item < end; item++) {
        struct lanes lanes = {.step = walk->is_columns ? 1 : 0};
        size_t column = item % plan->blocks * BLOCK;
        size_t base = onr_index_group_offset(&walk->kept, item / plan->blocks) + column;
        size_t run = walk->run - column;
        if (walk->is_columns && run > BLOCK) {
            run = BLOCK;
        }
        pass_over(job, base, run, &lanes, add_values);
        for (size_t i = 0; i < BLOCK; i++) {
            lanes.mean[i] = lanes.sum[i] / plan->count;
            lanes.sum[i] = 0;
        }
        pass_over(job, base, run, &lanes, add_squares);
        for (size_t i = 0; i < BLOCK; i++) {
            lanes.sum[i] = sqrt(lanes.sum[i] / plan->count) + EPSILON;
        }
        pass_over(job, base, run, &lanes, write_values);
    }
}

static enum onr_status mvn_run(struct onr_run_ctx *ctx)
{
    const struct mvn_plan *plan = ctx->plan;
    struct mvn_job job = {plan, ctx->inputs[0]->data, ctx->outputs[0]->data};
    if (onr_tensor_count(ctx->inputs[0]) > 0) {
        onr_parallel_for(ctx->parallel, plan->walk.kept.count * plan->blocks, onr_grain(plan->work),
                         mvn_groups, &job);
    }
    return ONR_OK;
}

static const struct onr_attr_spec mvn_attrs[] = {{"axes", ONR_ATTR_INTS, false}, {0}};
static const struct onr_param_spec mvn_params_9[] = {{ONR_DTYPES_FLOAT & ~ONR_BIT(BFLOAT16), 1},
                                                     {0}};
static const struct onr_param_spec mvn_params_13[] = {{ONR_DTYPES_FLOAT, 1}, {0}};

#define MVN_ROW(since, last, params)                                                               \
    {                                                                                              \
        .domain = "", .name = "MeanVarianceNormalization", .since_version = (since),               \
        .last_version = (last), .inputs = {1, 1}, .outputs = {1, 1}, .attrs = mvn_attrs,           \
        .input_specs = (params), .output_specs = (params), .traits = ONR_TRAIT_INPLACE,            \
        .infer = mvn_infer, .plan = mvn_plan, .run = mvn_run                                       \
    }

extern const struct onr_op_def onr_ops_mean_variance_normalization[];
const struct onr_op_def onr_ops_mean_variance_normalization[] = {
    MVN_ROW(9, 12, mvn_params_9),
    MVN_ROW(13, ONR_OPSET_LATEST, mvn_params_13),
    {.name = NULL},
};
