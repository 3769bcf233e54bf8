/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bernoulli (ai.onnx), all versions.             https://onnx.ai/onnx/operators/onnx__Bernoulli.html
 *
 * y = 1 with probability x, else 0.
 *
 * Shapes    any -> the same.
 * Types     x: floats. y: numbers and bool.
 * Attrs     dtype: of y, default that of x. seed: float; see ops/random/draw.h.
 * Edge      x <= 0 and NaN give 0, x >= 1 gives 1.
 */
#include "kernels/kernels.h"
#include "ops/common/scalar.h"
#include "ops/random/draw.h"

#define PIECE 256

static enum onr_status bernoulli_infer(struct onr_infer_ctx *ctx)
{
    enum onr_dtype dtype = ctx->inputs[0]->dtype;
    ctx->outputs[0].shape = ctx->inputs[0]->shape;
    if (dtype == ONR_UNDEFINED && onr_node_attr(ctx->node, "dtype") == NULL) {
        return ONR_OK;
    }
    return onr_infer_dtype_attr(ctx, "dtype", dtype, ONR_DTYPES_NUMERIC | ONR_BIT(BOOL),
                                &ctx->outputs[0].dtype);
}

static enum onr_status bernoulli_plan(struct onr_plan_ctx *ctx)
{
    struct onr_draw_seed *seed = ONR_ARENA_NEW(ctx->arena, struct onr_draw_seed);
    if (seed == NULL) {
        return onr_fail_memory(ctx->err, "plan of Bernoulli");
    }
    *seed = onr_draw_seed(ctx->node);
    ctx->plan = seed;
    return ONR_OK;
}

struct bernoulli_task {
    const struct onr_kernels *kernels;
    const struct onr_tensor *x;
    const struct onr_tensor *y;
    struct onr_draws draws;
};

static void bernoulli_range(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct bernoulli_task *task = arg;
    const struct onr_narrowing how = {.is_saturated = true};
    double draws[PIECE];
    double piece[PIECE];
    (void)worker;
    for (size_t first = begin; first < end; first += PIECE) {
        size_t count = end - first < PIECE ? end - first : PIECE;
        onr_draw_uniform(&task->draws, first, count, draws);
        onr_convert(task->kernels, task->x->dtype, ONR_DOUBLE, &how, count,
                    (const char *)task->x->data + first * onr_dtype_size(task->x->dtype), piece);
        for (size_t i = 0; i < count; i++) {
            piece[i] = draws[i] < piece[i] ? 1.0 : 0.0;
        }
        onr_convert(task->kernels, ONR_DOUBLE, task->y->dtype, &how, count, piece,
                    (char *)task->y->data + first * onr_dtype_size(task->y->dtype));
    }
}

static enum onr_status bernoulli_run(struct onr_run_ctx *ctx)
{
    struct bernoulli_task task = {.kernels = ctx->kernels,
                                  .x = ctx->inputs[0],
                                  .y = ctx->outputs[0],
                                  .draws = onr_draws_of(ctx->plan, &ctx->random)};
    onr_parallel_for(ctx->parallel, (size_t)onr_tensor_count(task.y), PIECE, bernoulli_range,
                     &task);
    return ONR_OK;
}

static const struct onr_attr_spec bernoulli_attrs[] = {
    {"dtype", ONR_ATTR_INT, false}, {"seed", ONR_ATTR_FLOAT, false}, {.name = NULL}};
static const struct onr_param_spec bernoulli_inputs[] = {{ONR_DTYPES_FLOAT, 0}, {0}};
static const struct onr_param_spec bernoulli_outputs[] = {{ONR_DTYPES_NUMERIC | ONR_BIT(BOOL), 0},
                                                          {0}};

extern const struct onr_op_def onr_ops_bernoulli[];
const struct onr_op_def onr_ops_bernoulli[] = {
    {.domain = "",
     .name = "Bernoulli",
     .since_version = 15,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {1, 1},
     .outputs = {1, 1},
     .attrs = bernoulli_attrs,
     .input_specs = bernoulli_inputs,
     .output_specs = bernoulli_outputs,
     .traits = ONR_TRAIT_IMPURE | ONR_TRAIT_INPLACE,
     .infer = bernoulli_infer,
     .plan = bernoulli_plan,
     .run = bernoulli_run},
    {.name = NULL},
};
