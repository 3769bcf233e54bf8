/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RandomNormal, RandomNormalLike, RandomUniform, RandomUniformLike (ai.onnx), all versions.
 * https://onnx.ai/onnx/operators/onnx__RandomNormal.html
 *
 * Normal    y = mean + scale * z with z of the normal distribution.
 * Uniform   y = low + (high - low) * u with u in [0, 1), a multiple of the last place of 1 in the type of y. With
 *           low = 0 and high = 1 it is below 1; in other ranges rounding may give high.
 *
 * Shapes    that of the attribute `shape`; of the input for ...Like.
 * Types     y: float32, float64, float16, bfloat16; the input of ...Like: any.
 * Attrs     shape: ints >= 0. dtype: default float32; for ...Like that of the input. seed: float; see
 *           ops/random/draw.h. mean: 0, scale: 1, not negative. low: 0, high: 1, not below low.
 */
#include "kernels/kernels.h"
#include "ops/common/contents.h"
#include "ops/common/scalar.h"
#include "ops/random/draw.h"

#include <inttypes.h>
#include <math.h>

#define PIECE 256 /* even */

struct random_plan {
    struct onr_draw_seed seed;
    double start; /* y = start + scale * number */
    double scale;
    double steps; /* that [0, 1) is divided into; 0: the normal distribution */
};

static enum onr_status check_range(struct onr_infer_ctx *ctx)
{
    double low = (double)onr_attr_float(ctx->node, "low", 0.0f);
    double high = (double)onr_attr_float(ctx->node, "high", 1.0f);
    double mean = (double)onr_attr_float(ctx->node, "mean", 0.0f);
    double scale = (double)onr_attr_float(ctx->node, "scale", 1.0f);
    if (!(low <= high) || !isfinite(high - low)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "low is %g and high is %g, expected finite numbers, low <= high", low,
                              high);
    }
    if (!(scale >= 0) || !isfinite(scale + mean)) {
        return onr_infer_fail(ctx, ONR_ERR_MODEL,
                              "mean is %g and scale is %g, expected finite numbers, scale >= 0",
                              mean, scale);
    }
    return ONR_OK;
}

static enum onr_status random_infer(struct onr_infer_ctx *ctx)
{
    size_t rank = 0;
    const int64_t *dims = onr_attr_ints(ctx->node, "shape", &rank);
    struct onr_shape *shape = &ctx->outputs[0].shape;
    ONR_TRY(check_range(ctx));
    ONR_TRY(
        onr_infer_dtype_attr(ctx, "dtype", ONR_FLOAT, ONR_DTYPES_FLOAT, &ctx->outputs[0].dtype));
    ONR_TRY(onr_check_max_rank(ctx->err, rank));
    shape->rank = (int)rank;
    for (size_t d = 0; d < rank; d++) {
        shape->dim[d] = dims[d];
        if (dims[d] < 0) {
            return onr_infer_fail(ctx, ONR_ERR_MODEL,
                                  "shape[%zu] is %" PRId64 ", expected at least 0", d, dims[d]);
        }
    }
    return ONR_OK;
}

static enum onr_status random_like_infer(struct onr_infer_ctx *ctx)
{
    enum onr_dtype like = ctx->inputs[0]->dtype;
    ctx->outputs[0].shape = ctx->inputs[0]->shape;
    ONR_TRY(check_range(ctx));
    if (like == ONR_UNDEFINED && onr_node_attr(ctx->node, "dtype") == NULL) {
        return ONR_OK;
    }
    return onr_infer_dtype_attr(ctx, "dtype", like, ONR_DTYPES_FLOAT, &ctx->outputs[0].dtype);
}

static struct random_plan *new_plan(struct onr_plan_ctx *ctx)
{
    struct random_plan *plan = ONR_ARENA_NEW(ctx->arena, struct random_plan);
    if (plan != NULL) {
        plan->seed = onr_draw_seed(ctx->node);
    }
    ctx->plan = plan;
    return plan;
}

static enum onr_status normal_plan(struct onr_plan_ctx *ctx)
{
    struct random_plan *plan = new_plan(ctx);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of random numbers");
    }
    plan->start = (double)onr_attr_float(ctx->node, "mean", 0.0f);
    plan->scale = (double)onr_attr_float(ctx->node, "scale", 1.0f);
    return ONR_OK;
}

static enum onr_status uniform_plan(struct onr_plan_ctx *ctx)
{
    struct random_plan *plan = new_plan(ctx);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "plan of random numbers");
    }
    enum onr_dtype dtype = ctx->outputs[0].dtype;
    plan->start = (double)onr_attr_float(ctx->node, "low", 0.0f);
    plan->scale = (double)onr_attr_float(ctx->node, "high", 1.0f) - plan->start;
    plan->steps = dtype == ONR_DOUBLE    ? 0x1p53
                  : dtype == ONR_FLOAT   ? 0x1p24
                  : dtype == ONR_FLOAT16 ? 0x1p11
                                         : 0x1p8;
    return ONR_OK;
}

struct random_task {
    const struct random_plan *plan;
    const struct onr_kernels *kernels;
    const struct onr_tensor *y;
    size_t count;
    struct onr_draws draws;
};

/* Numbers [first, first + count), of which count is even, as elements. */
static void make_piece(const struct random_task *task, size_t first, size_t count, double *piece)
{
    const struct random_plan *plan = task->plan;
    if (plan->steps == 0) {
        onr_draw_normal(&task->draws, first, count, piece);
    } else {
        onr_draw_uniform(&task->draws, first, count, piece);
    }
    for (size_t i = 0; i < count; i++) {
        double number = plan->steps == 0 ? piece[i] : floor(piece[i] * plan->steps) / plan->steps;
        piece[i] = plan->start + plan->scale * number;
    }
}

/* A range of pairs. */
static void random_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct random_task *task = arg;
    const struct onr_narrowing how = {.is_saturated = true};
    double piece[PIECE];
    (void)worker;
    for (size_t first = 2 * begin; first < 2 * end; first += PIECE) {
        size_t count = 2 * end - first < PIECE ? 2 * end - first : PIECE;
        make_piece(task, first, count, piece);
        count = task->count - first < count ? task->count - first : count;
        onr_convert(task->kernels, ONR_DOUBLE, task->y->dtype, &how, count, piece,
                    (char *)task->y->data + first * onr_dtype_size(task->y->dtype));
    }
}

static enum onr_status random_run(struct onr_run_ctx *ctx)
{
    const struct random_plan *plan = ctx->plan;
    struct random_task task = {.plan = plan,
                               .kernels = ctx->kernels,
                               .y = ctx->outputs[0],
                               .count = (size_t)onr_tensor_count(ctx->outputs[0]),
                               .draws = onr_draws_of(&plan->seed, &ctx->random)};
    onr_parallel_for(ctx->parallel, (task.count + 1) / 2, PIECE, random_range, &task);
    return ONR_OK;
}

static const struct onr_attr_spec normal_attrs[] = {
    {"shape", ONR_ATTR_INTS, true},   {"dtype", ONR_ATTR_INT, false},
    {"seed", ONR_ATTR_FLOAT, false},  {"mean", ONR_ATTR_FLOAT, false},
    {"scale", ONR_ATTR_FLOAT, false}, {.name = NULL}};
static const struct onr_attr_spec uniform_attrs[] = {
    {"shape", ONR_ATTR_INTS, true},  {"dtype", ONR_ATTR_INT, false},
    {"seed", ONR_ATTR_FLOAT, false}, {"low", ONR_ATTR_FLOAT, false},
    {"high", ONR_ATTR_FLOAT, false}, {.name = NULL}};
static const struct onr_param_spec any_specs[] = {{ONR_DTYPES_ALL, 0}, {0}};
static const struct onr_param_spec float_specs[] = {{ONR_DTYPES_FLOAT, 0}, {0}};

/* The first attribute, the shape, is not for ...Like. */
#define RANDOM_ROW(title, input_count, attributes, infer_function, plan_function)                  \
    {                                                                                              \
        .domain = "", .name = (title), .since_version = 1, .last_version = ONR_OPSET_LATEST,       \
        .inputs = {(input_count), (input_count)}, .outputs = {1, 1}, .attrs = (attributes),        \
        .input_specs = any_specs, .output_specs = float_specs, .traits = ONR_TRAIT_IMPURE,         \
        .infer = (infer_function), .plan = (plan_function), .run = random_run,                     \
    }

extern const struct onr_op_def onr_ops_random[];
const struct onr_op_def onr_ops_random[] = {
    RANDOM_ROW("RandomNormal", 0, normal_attrs, random_infer, normal_plan),
    RANDOM_ROW("RandomNormalLike", 1, normal_attrs + 1, random_like_infer, normal_plan),
    RANDOM_ROW("RandomUniform", 0, uniform_attrs, random_infer, uniform_plan),
    RANDOM_ROW("RandomUniformLike", 1, uniform_attrs + 1, random_like_infer, uniform_plan),
    {.name = NULL},
};
