/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LRN (ai.onnx), versions 1 and 13.              https://onnx.ai/onnx/operators/onnx__LRN.html
 *
 * y[n, c, i] = x[n, c, i] / (bias + alpha / size * s)^beta, s = sum of x[n, k, i]^2 over the channels
 * k from c - floor((size - 1) / 2) to c + ceil((size - 1) / 2) that exist
 *
 * Shapes    x, y: [N, C, d1..].
 * Types     float16, bfloat16 (13+), float32, float64; computed in float64.
 * Attrs     size: int, required, at least 1. alpha: float, default 1e-4. beta: float, default 0.75.
 *           bias: float, default 1.
 * Aliasing  none: y needs the neighbours of x.
 */
#include "base/size.h"
#include "ops/common/axes.h"
#include "ops/common/check_dims.h"
#include "ops/common/float_io.h"

#include <math.h>

#define BLOCK 128 /* elements that are computed together */

static enum onr_status lrn_infer(struct onr_infer_ctx *ctx)
{
    int rank = ctx->inputs[0]->shape.rank;
    int64_t size = 0;
    ONR_TRY(onr_check_attr_int(ctx, "size", 0, 1, INT64_MAX, &size));
    if (rank != ONR_RANK_UNKNOWN && rank < 2) {
        return onr_infer_fail(ctx, ONR_ERR_SHAPE, "x has rank %d, expected at least 2", rank);
    }
    return onr_infer_same_shape(ctx);
}

struct lrn_plan {
    enum onr_dtype dtype;
    size_t channels;
    size_t inner;  /* elements of a channel */
    size_t before; /* channels of the window in front of its own */
    size_t after;
    double scale; /* alpha / size */
    double beta;
    double bias;
};

static enum onr_status lrn_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_fact *x = ctx->inputs[0];
    int64_t size = onr_attr_int(ctx->node, "size", 1);
    struct lrn_plan *plan = ONR_ARENA_NEW(ctx->arena, struct lrn_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of LRN");
    }
    *plan = (struct lrn_plan){
        .dtype = x->dtype,
        .channels = (size_t)x->shape.dim[1],
        .inner = (size_t)onr_shape_range(&x->shape, 2, x->shape.rank),
        .before = (size_t)onr_int_min((size - 1) / 2, x->shape.dim[1]),
        .after = (size_t)onr_int_min(size / 2, x->shape.dim[1]),
        .scale = (double)onr_attr_float(ctx->node, "alpha", 1e-4f) / (double)size,
        .beta = (double)onr_attr_float(ctx->node, "beta", 0.75f),
        .bias = (double)onr_attr_float(ctx->node, "bias", 1.0f),
    };
    ctx->plan = plan;
    return ONR_OK;
}

struct lrn_job {
    const struct lrn_plan *plan;
    const void *x;
    void *y;
};

/* The exponent of nearly all models is 0.75, for which two square roots are much faster. */
static void divide_by_power(size_t count, double beta, const double *base, double *x)
{
    if (beta == 0.75) {
        for (size_t i = 0; i < count; i++) {
            double root = sqrt(base[i]);
            x[i] /= root * sqrt(root);
        }
    } else {
        for (size_t i = 0; i < count; i++) {
            x[i] /= pow(base[i], beta);
        }
    }
}

/* Elements [first, first + count) of channel c; the channel begins at element `start` of x. */
static void lrn_block(const struct lrn_job *job, size_t start, size_t c, size_t first, size_t count)
{
    const struct lrn_plan *plan = job->plan;
    double x[BLOCK];
    double base[BLOCK] = {0};
    size_t low = c < plan->before ? c : plan->before;
    size_t rest = plan->channels - 1 - c;
    size_t high = rest < plan->after ? rest : plan->after;
    size_t own = start + first;
    for (size_t k = 0; k <= low + high; k++) {
        onr_double_gather(plan->dtype, job->x, own - low * plan->inner + k * plan->inner, 1, count,
                          x);
        for (size_t i = 0; i < count; i++) {
            base[i] += x[i] * x[i];
        }
    }
    for (size_t i = 0; i < count; i++) {
        base[i] = plan->bias + plan->scale * base[i];
    }
    onr_double_gather(plan->dtype, job->x, own, 1, count, x);
    divide_by_power(count, plan->beta, base, x);
    onr_double_scatter(plan->dtype, x, own, 1, count, job->y);
}

static void lrn_channels(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct lrn_job *job = arg;
    size_t inner = job->plan->inner;
    (void)worker;
    for (size_t plane = begin; plane < end; plane++) {
        for (size_t first = 0; first < inner; first += BLOCK) {
            size_t count = inner - first < BLOCK ? inner - first : BLOCK;
            lrn_block(job, plane * inner, plane % job->plan->channels, first, count);
        }
    }
}

static enum onr_status lrn_run(struct onr_run_ctx *ctx)
{
    const struct lrn_plan *plan = ctx->plan;
    struct lrn_job job = {plan, ctx->inputs[0]->data, ctx->outputs[0]->data};
    if (plan->inner > 0) {
        size_t planes = (size_t)onr_tensor_count(ctx->inputs[0]) / plan->inner;
        size_t work = (plan->before + plan->after + 16) * plan->inner;
        onr_parallel_for(ctx->parallel, planes, onr_grain(work), lrn_channels, &job);
    }
    return ONR_OK;
}

static const struct onr_attr_spec lrn_attrs[] = {
    {"alpha", ONR_ATTR_FLOAT, false},
    {"beta", ONR_ATTR_FLOAT, false},
    {"bias", ONR_ATTR_FLOAT, false},
    {"size", ONR_ATTR_INT, true},
    {0},
};
static const struct onr_param_spec lrn_params_1[] = {{ONR_DTYPES_FLOAT & ~ONR_BIT(BFLOAT16), 1},
                                                     {0}};
static const struct onr_param_spec lrn_params_13[] = {{ONR_DTYPES_FLOAT, 1}, {0}};

#define LRN_ROW(since, last, params)                                                               \
    {                                                                                              \
        .domain = "", .name = "LRN", .since_version = (since), .last_version = (last),             \
        .inputs = {1, 1}, .outputs = {1, 1}, .attrs = lrn_attrs, .input_specs = (params),          \
        .output_specs = (params), .infer = lrn_infer, .plan = lrn_plan, .run = lrn_run             \
    }

extern const struct onr_op_def onr_ops_lrn[];
const struct onr_op_def onr_ops_lrn[] = {
    LRN_ROW(1, 12, lrn_params_1),
    LRN_ROW(13, ONR_OPSET_LATEST, lrn_params_13),
    {.name = NULL},
};
