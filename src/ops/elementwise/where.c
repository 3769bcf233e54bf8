/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where (ai.onnx), version 9+.                https://onnx.ai/onnx/operators/onnx__Where.html
 *
 * z[i] = condition[i] ? x[i] : y[i]
 *
 * Shapes    condition, x, y: any that broadcast -> z: the broadcast shape of all three.
 * Types     condition: bool; x, y, z: every type, strings included.
 * Aliasing  z may share storage with any input of the same number of bytes.
 */
#include "kernels/kernels.h"
#include "ops/common/contents.h"
#include "ops/elementwise/binary.h"

#include <assert.h>

/* Shapes that are read off, with some numbers replaced: where the condition is known. */
static void pick_contents(struct onr_infer_ctx *ctx, size_t count)
{
    const struct onr_sint *from[2];
    size_t counts[2] = {0};
    from[0] = onr_contents_peek(ctx, 2, &counts[0]);
    from[1] = onr_contents_peek(ctx, 1, &counts[1]);
    if (from[0] == NULL || from[1] == NULL || counts[0] != count || counts[1] != count) {
        return;
    }
    struct onr_sint *z = onr_contents_new(ctx, count);
    for (size_t i = 0; z != NULL && i < count; i++) {
        z[i] = from[onr_fact_int(ctx->inputs[0], (int64_t)i) != 0][i];
    }
}

static enum onr_status where_infer(struct onr_infer_ctx *ctx)
{
    const struct onr_fact *condition = ctx->inputs[0];
    ONR_TRY(onr_infer_broadcast(ctx));
    if (condition->data != NULL && condition->shape.rank == 1 && ctx->outputs[0].shape.rank == 1) {
        pick_contents(ctx, (size_t)condition->shape.dim[0]);
    }
    return ONR_OK;
}

struct where_plan {
    struct onr_broadcast *loops;
    onr_select_fn select;
    size_t bytes; /* of one element */
};

static enum onr_status where_plan(struct onr_plan_ctx *ctx)
{
    const struct onr_shape *inputs[] = {&ctx->inputs[0]->shape, &ctx->inputs[1]->shape,
                                        &ctx->inputs[2]->shape};
    struct where_plan *plan = ONR_ARENA_NEW(ctx->arena, struct where_plan);
    if (plan == NULL) {
        return onr_fail_memory(ctx->err, "the plan of Where");
    }
    plan->loops = onr_broadcast_plan(ctx->arena, &ctx->outputs[0].shape, inputs, 3);
    plan->bytes = onr_dtype_size(ctx->outputs[0].dtype);
    assert(plan->bytes > 0);
    plan->select = ctx->kernels->binary.select[__builtin_ctzll(plan->bytes)];
    ctx->plan = plan;
    return plan->loops != NULL ? ONR_OK : onr_fail_memory(ctx->err, "loops of a node");
}

struct where_job {
    const struct where_plan *plan;
    const char *condition;
    const char *x;
    const char *y;
    char *z;
};

static void where_task(void *arg, size_t begin, size_t end, unsigned worker)
{
    const struct where_job *job = arg;
    const struct where_plan *plan = job->plan;
    const struct onr_broadcast *loops = plan->loops;
    struct onr_cursor cursor;
    (void)worker;
    onr_cursor_seek(loops, begin, &cursor);
    while (begin < end) {
        size_t run = onr_cursor_run(loops, &cursor, end - begin);
        plan->select(run, job->condition + cursor.offset[0], loops->stride[0][0],
                     job->x + cursor.offset[1] * plan->bytes, loops->stride[1][0],
                     job->y + cursor.offset[2] * plan->bytes, loops->stride[2][0],
                     job->z + begin * plan->bytes);
        onr_cursor_advance(loops, run, &cursor);
        begin += run;
    }
}

static enum onr_status where_run(struct onr_run_ctx *ctx)
{
    struct where_job job = {.plan = ctx->plan,
                            .condition = ctx->inputs[0]->data,
                            .x = ctx->inputs[1]->data,
                            .y = ctx->inputs[2]->data,
                            .z = ctx->outputs[0]->data};
    onr_parallel_for(ctx->parallel, job.plan->loops->count, ONR_BINARY_GRAIN, where_task, &job);
    return ONR_OK;
}

static const struct onr_param_spec input_specs[] = {
    {ONR_BIT(BOOL), 0}, {ONR_DTYPES_ALL, 1}, {ONR_DTYPES_ALL, 1}, {0}};
static const struct onr_param_spec output_specs[] = {{ONR_DTYPES_ALL, 1}, {0}};

const struct onr_op_def onr_ops_where[] = {
    {.domain = "",
     .name = "Where",
     .since_version = 9,
     .last_version = ONR_OPSET_LATEST,
     .inputs = {3, 3},
     .outputs = {1, 1},
     .input_specs = input_specs,
     .output_specs = output_specs,
     .traits = ONR_TRAIT_INPLACE,
     .infer = where_infer,
     .plan = where_plan,
     .run = where_run,
     .kernel = ONR_KERNEL_AT(binary.select)},
    {.name = NULL},
};
